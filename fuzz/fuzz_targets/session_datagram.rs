//! A session between its peer's packets, changed and unchanged ones: nothing panics, what the peer
//! says unchanged is still heard, and every drain ends.
#![no_main]

use core::time::Duration;

use libfuzzer_sys::fuzz_target;
use visavis_core::{Engine, Instant, RtpTimestamp, Ssrc};
use visavis_session::{
    Datagram, Disposition, DropReason, Keys, OutgoingFrame, Output, Session, SessionConfig,
    StreamConfig,
};
use visavis_srtp::{MasterKey, Profile};

fn session(send: u8, receive: u8) -> Session {
    let key = |byte| MasterKey::from_concatenated(Profile::AeadAes128Gcm, &[byte; 28]).unwrap();
    let mut config = SessionConfig::default();
    config.max_packets = 1024;
    config.max_frame = 4096;
    let mut session = Session::new(Instant::ZERO, config).unwrap();
    session.set_keys(&Keys { send: key(send), receive: key(receive) }).unwrap();
    session
}

fuzz_target!(|data: &[u8]| {
    let (mut near, mut far) = (session(1, 2), session(2, 1));
    let sound = near.add_sender(StreamConfig::opus(Ssrc(1))).unwrap();
    let pictures = near.add_sender(StreamConfig::h264(Ssrc(2), Some(Ssrc(3)))).unwrap();
    far.add_receiver(StreamConfig::opus(Ssrc(1))).unwrap();
    far.add_receiver(StreamConfig::h264(Ssrc(2), Some(Ssrc(3)))).unwrap();
    let mut buffer = vec![0; near.buffer_len()];
    let (mut now, mut rest, mut time) = (Instant::ZERO, data, 0_u32);

    // Each command is one byte, some take a length and bytes behind it.
    while let [command, length, tail @ ..] = rest {
        let (bytes, next) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = next;
        time = time.wrapping_add(960);
        match command % 6 {
            // The peer sends what the fuzzer says, in the clear as far as it goes, under the right key:
            // everything behind the authentication is reached.
            0 | 1 => {
                let stream = if command % 6 == 0 { sound } else { pictures };
                let frame = OutgoingFrame::new(bytes, RtpTimestamp(time), now);
                let _ = near.send_frame(now, stream, &frame);
            }
            2 => {
                let mut raw = bytes.to_vec();
                far.on_datagram(now, Datagram::new(now, &mut raw));
            }
            3 => now += Duration::from_millis(u64::from(*length)),
            4 => now += Duration::from_micros(u64::from(*length)),
            _ => far.request_keyframe(now, pictures, 0),
        }
        let mut left = 10_000;
        while let Some(output) = near.poll(now, &mut buffer) {
            left -= 1;
            assert!(left > 0, "the sender doesn't stop");
            let Output::Transmit(datagram) = output else { continue };
            let mut sent = buffer[..datagram.len].to_vec();
            if command & 0x80 != 0 {
                let at = usize::from(*length) % sent.len();
                let mut changed = sent.clone();
                changed[at] ^= 1 | (command & 0x7f);
                far.on_datagram(now, Datagram::new(now, &mut changed));
            }
            let disposition = far.on_datagram(now, Datagram::new(now, &mut sent));
            let refused = Disposition::Dropped(DropReason::Unauthenticated);
            assert_ne!(disposition, refused, "a genuine packet was refused");
        }
        assert!(near.next_wakeup().is_none_or(|wakeup| wakeup > now));
        while let Some(output) = far.poll(now, &mut buffer) {
            left -= 1;
            assert!(left > 0, "the receiver doesn't stop");
            let Output::Transmit(datagram) = output else { continue };
            near.on_datagram(now, Datagram::new(now, &mut buffer[..datagram.len]));
        }
        assert!(far.next_wakeup().is_none_or(|wakeup| wakeup > now));
    }
});

//! Genuine SRTP packets between damaged and invented ones: the genuine ones come out as they went in,
//! once each, and nothing else comes out at all.
#![no_main]

use std::collections::HashMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use visavis_core::Ssrc;
use visavis_srtp::{Config, MasterKey, Profile, ProtectError, Receiver, Sender, UnprotectError};

#[derive(Debug, Arbitrary)]
struct Input {
    profile: u8,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// The next packet of a stream; before it come damaged copies of it.
    Send { stream: u8, gap: u16, shape: Shape, damage: Vec<(u16, u8)>, cut: u8, hold: bool },
    /// The packet that was held back.
    Release,
    /// Anything at all.
    Invent(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
struct Shape {
    csrcs: u8,
    extension_words: Option<u8>,
    padding: bool,
    payload: u8,
}

impl Shape {
    fn packet(&self, ssrc: u32, seq: u16) -> Vec<u8> {
        let csrcs = self.csrcs & 0x0f;
        let bits = u8::from(self.extension_words.is_some()) << 4 | u8::from(self.padding) << 5;
        let mut packet = vec![0x80 | bits | csrcs, 96];
        packet.extend(seq.to_be_bytes());
        packet.extend([1, 2, 3, 4]);
        packet.extend(ssrc.to_be_bytes());
        packet.extend(vec![9; 4 * usize::from(csrcs)]);
        if let Some(words) = self.extension_words {
            packet.extend([0xbe, 0xde, 0, words]);
            packet.extend(vec![0xf3; 4 * usize::from(words)]);
        }
        packet.extend(vec![self.payload; usize::from(self.payload)]);
        packet
    }
}

/// A packet on its way: its stream, its index, and how it must come out.
struct Held {
    ssrc: u32,
    index: u64,
    protected: Vec<u8>,
    plain: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let profile = Profile::ALL[usize::from(input.profile) % Profile::ALL.len()];
    let material = vec![7; profile.key_len() + profile.salt_len()];
    let key = MasterKey::from_concatenated(profile, &material).unwrap();
    let config = Config::default();
    let mut sender = Sender::new(&key, config).unwrap();
    let mut receiver = Receiver::new(&key, config).unwrap();
    // The highest index of each stream that was sent, and that was received.
    let (mut sent, mut received) = (HashMap::<u32, u64>::new(), HashMap::<u32, u64>::new());
    let mut held: Option<Held> = None;
    let mut accepted = 0;

    for step in input.steps {
        match step {
            Step::Send { stream, gap, shape, damage, cut, hold } => {
                let ssrc = u32::from(stream % 3);
                let index = sent
                    .get(&ssrc)
                    .map_or(u64::from(gap), |last| last + 1 + u64::from(gap % 16_000));
                let plain = shape.packet(ssrc, index as u16);
                let mut protected = plain.clone();
                protected.resize(plain.len() + profile.rtp_overhead(), 0);
                let outcome = sender.protect_rtp(&mut protected, plain.len());
                assert_eq!(outcome, Ok(protected.len()));
                sent.insert(ssrc, index);
                let again = sender.protect_rtp(&mut protected.clone(), plain.len());
                assert_eq!(again, Err(ProtectError::IndexReused));

                let mut damaged = protected.clone();
                for (at, bits) in damage {
                    let at = usize::from(at) % damaged.len();
                    damaged[at] ^= bits;
                    if damaged != protected {
                        assert!(receiver.unprotect_rtp(&mut damaged.clone()).is_err());
                    }
                }
                if cut > 0 {
                    let kept = protected.len().saturating_sub(usize::from(cut));
                    assert!(receiver.unprotect_rtp(&mut protected[..kept].to_vec()).is_err());
                }
                let packet = Held { ssrc, index, protected, plain };
                // Far behind, a receiver that missed what came between would guess another turn.
                let far = received.get(&ssrc).is_some_and(|last| index - last > 16_000);
                if hold && held.is_none() && !far && received.contains_key(&ssrc) {
                    held = Some(packet);
                } else {
                    deliver(&mut receiver, &mut received, &mut accepted, packet);
                }
            }
            Step::Release => {
                if let Some(packet) = held.take() {
                    deliver(&mut receiver, &mut received, &mut accepted, packet);
                }
            }
            Step::Invent(mut bytes) => assert!(receiver.unprotect_rtp(&mut bytes).is_err()),
        }
    }
    for (ssrc, index) in received {
        assert_eq!(receiver.rollover(Ssrc(ssrc)).map(u64::from), Some(index >> 16));
    }
});

fn deliver(
    receiver: &mut Receiver,
    received: &mut HashMap<u32, u64>,
    accepted: &mut u32,
    packet: Held,
) {
    let Held { ssrc, index, protected, plain } = packet;
    let highest = received.get(&ssrc).copied();
    let in_window = highest.is_none_or(|highest| index + 1024 > highest);
    // The first packet of a stream is taken to be in its first turn.
    let in_turn = highest.is_some() || index < 1 << 16;
    let mut buffer = protected.clone();
    let outcome = receiver.unprotect_rtp(&mut buffer);
    if in_window && in_turn {
        assert_eq!(outcome, Ok(plain.len()));
        assert_eq!(buffer[..plain.len()], plain);
        *accepted += 1;
        received.insert(ssrc, highest.map_or(index, |highest| highest.max(index)));
        assert_eq!(receiver.unprotect_rtp(&mut protected.clone()), Err(UnprotectError::Replayed));
    } else {
        assert!(outcome.is_err());
    }
}

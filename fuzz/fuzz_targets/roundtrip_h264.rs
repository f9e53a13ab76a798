//! Whatever the encoder gives: it is refused, or comes back unit for unit; and with holes in the run,
//! only units that were sent come back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_payload::PayloadFormat;
use visavis_payload::h264::PacketizationMode;

/// What stands between start codes, without the zeros that follow.
fn units(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut units = vec![Vec::new()];
    let mut rest = stream;
    while let [first, behind @ ..] = rest {
        if let [0, 0, 1, behind @ ..] = rest {
            units.push(Vec::new());
            rest = behind;
        } else {
            units.last_mut().expect("there is one").push(*first);
            rest = behind;
        }
    }
    for unit in &mut units {
        unit.truncate(unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
    }
    units.retain(|unit| !unit.is_empty());
    units
}

fuzz_target!(|input: (u8, u64, &[u8])| {
    let (size, lost, frame) = input;
    let format = PayloadFormat::H264 { mode: PacketizationMode::NonInterleaved };
    let packetizer = format.packetizer(16 + usize::from(size)).expect("a lawful size");
    let mut buffer = vec![0; packetizer.max_payload()];
    let mut payloads = Vec::new();
    let mut run = packetizer.packetize(frame);
    loop {
        match run.next_into(&mut buffer) {
            Ok(Some(payload)) => payloads.push((buffer[..payload.len].to_vec(), payload.last)),
            Ok(None) => break,
            Err(_) => {
                assert_eq!(
                    run.next_into(&mut buffer),
                    Ok(None),
                    "after an error the run has ended"
                );
                return;
            }
        }
    }
    assert!(payloads.iter().rev().map(|(_, last)| *last).eq((0..payloads.len()).map(|n| n == 0)));
    let mut out = vec![0; 4 * frame.len() + 16];
    let whole = format.depacketize(payloads.iter().map(|(bytes, _)| &bytes[..]), &mut out);
    let whole = whole.expect("long enough");
    assert!(!whole.damaged);
    let sent = units(frame);
    assert_eq!(units(&out[..whole.len]), sent);

    let holes = payloads.iter().enumerate().map(|(index, (bytes, _))| {
        if lost >> (index % 64) & 1 == 1 { &[][..] } else { &bytes[..] }
    });
    let part = format.depacketize(holes, &mut out).expect("long enough");
    let mut rest = sent.iter();
    assert!(units(&out[..part.len]).iter().all(|unit| rest.any(|sent| sent == unit)));
});

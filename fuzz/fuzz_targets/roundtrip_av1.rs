//! Whatever the encoder gives: it is refused before anything is sent, or comes back OBU for OBU.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_payload::PayloadFormat;

fn payloads(frame: &[u8], max: usize) -> Option<Vec<Vec<u8>>> {
    let packetizer = PayloadFormat::Av1.packetizer(max).expect("a lawful size");
    let mut buffer = vec![0; max];
    let mut payloads = Vec::new();
    let mut run = packetizer.packetize(frame);
    let mut ended = false;
    loop {
        match run.next_into(&mut buffer) {
            Ok(Some(payload)) => {
                assert!(!ended && payload.len > 1);
                ended = payload.last;
                payloads.push(buffer[..payload.len].to_vec());
            }
            Ok(None) => {
                assert!(ended || payloads.is_empty());
                return ended.then_some(payloads);
            }
            Err(_) => assert!(payloads.is_empty()),
        }
    }
}

fn joined(payloads: &[Vec<u8>]) -> Vec<u8> {
    let run = || payloads.iter().map(Vec::as_slice);
    let needed = PayloadFormat::Av1.depacketize(run(), &mut []).map_or_else(|s| s.needed, |_| 0);
    let mut out = vec![0; needed];
    let joined = PayloadFormat::Av1.depacketize(run(), &mut out).expect("long enough");
    assert!(!joined.damaged && joined.len == needed);
    out
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, frame) = input;
    let Some(small) = payloads(frame, 16 + usize::from(size)) else { return };
    // However it is cut, the same comes back, and that is already in the form that comes back.
    let back = joined(&small);
    assert_eq!(back, joined(&payloads(frame, 65_535).expect("as before")));
    assert_eq!(back, joined(&payloads(&back, 1200).expect("a temporal unit of ours")));
    assert!(back.len() <= 2 * frame.len() + 2);
});

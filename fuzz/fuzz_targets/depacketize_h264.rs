//! Whatever payloads arrive: what is joined begins with a start code, the length that an empty buffer
//! says is needed is enough, and one byte less isn't.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_payload::PayloadFormat;
use visavis_payload::h264::PacketizationMode;

fuzz_target!(|payloads: Vec<&[u8]>| {
    let format = PayloadFormat::H264 { mode: PacketizationMode::NonInterleaved };
    let run = || payloads.iter().copied();
    for payload in run() {
        if let Ok(info) = format.classify(payload, true) {
            assert!(info.end);
        }
    }
    let needed = format.depacketize(run(), &mut []).map_or_else(|short| short.needed, |_| 0);
    let mut out = vec![0; needed];
    let joined = format.depacketize(run(), &mut out).expect("as much as is needed");
    assert_eq!(joined.len, needed);
    assert!(joined.damaged || needed > 0);
    if needed > 0 {
        assert!(out.starts_with(&[0, 0, 0, 1]));
        assert!(format.depacketize(run(), &mut out[..needed - 1]).is_err());
    }
});

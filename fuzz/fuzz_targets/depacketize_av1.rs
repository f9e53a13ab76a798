//! Whatever payloads arrive: what is joined is a temporal unit that can be packetized again and comes
//! back the same, the length that an empty buffer says is needed is enough, and one byte less isn't.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_payload::PayloadFormat;

fuzz_target!(|payloads: Vec<&[u8]>| {
    let format = PayloadFormat::Av1;
    let run = || payloads.iter().copied();
    for payload in run() {
        if let Ok(info) = format.classify(payload, true) {
            assert!(info.end && info.spatial_layer < 4 && info.temporal_layer < 8);
        }
    }
    let needed = format.depacketize(run(), &mut []).map_or_else(|short| short.needed, |_| 0);
    let mut out = vec![0; needed];
    let joined = format.depacketize(run(), &mut out).expect("as much as is needed");
    assert_eq!(joined.len, needed);
    assert!(joined.damaged || needed > 0);
    if needed == 0 {
        return;
    }
    assert!(format.depacketize(run(), &mut vec![0; needed - 1]).is_err());

    let packetizer = format.packetizer(100).expect("a lawful size");
    let (mut buffer, mut again) = ([0; 100], Vec::new());
    let mut payloads = packetizer.packetize(&out);
    while let Some(payload) = payloads.next_into(&mut buffer).expect("a temporal unit of ours") {
        again.push(buffer[..payload.len].to_vec());
    }
    let mut back = vec![0; needed];
    let joined = format.depacketize(again.iter().map(Vec::as_slice), &mut back);
    assert!(joined.is_ok_and(|joined| !joined.damaged && joined.len == needed));
    assert_eq!(back, out);
});

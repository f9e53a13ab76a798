//! Whatever packet arrives: it has a lawful duration or is refused, by all functions alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_payload::{PayloadFormat, opus};

fuzz_target!(|packet: &[u8]| {
    let mut out = vec![0; packet.len()];
    let joined = PayloadFormat::Opus.depacketize([packet], &mut out).expect("long enough");
    match opus::ticks(packet) {
        Ok(ticks) => {
            assert!((120..=5760).contains(&ticks) && ticks % 120 == 0);
            assert!(PayloadFormat::Opus.classify(packet, false).is_ok());
            assert!(!joined.damaged && out == packet);
        }
        Err(_) => {
            assert!(PayloadFormat::Opus.classify(packet, false).is_err());
            assert!(joined.damaged && joined.len == 0);
            assert!(!opus::has_fec(packet));
        }
    }
});

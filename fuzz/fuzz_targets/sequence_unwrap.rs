//! Whatever numbers arrive: an extended sequence number keeps the wire's 16 bits and is the nearest
//! one to the highest seen.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_core::{Seq, SeqUnwrapper};

fuzz_target!(|numbers: Vec<u16>| {
    let mut unwrapper = SeqUnwrapper::new();
    let mut highest = None;
    for number in numbers {
        let extended = unwrapper.unwrap(Seq(number));
        assert_eq!(extended.wire(), Seq(number));
        if let Some(highest) = highest {
            let distance = extended - highest;
            assert!((-32_768..=32_768).contains(&distance), "{number} went {distance} away");
        }
        highest = highest.max(Some(extended));
    }
});

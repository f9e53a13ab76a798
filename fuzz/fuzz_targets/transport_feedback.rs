//! Any bytes as transport-wide feedback: what parses can be walked and, written again, says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_core::{Instant, Seq};
use visavis_rtp::ReferenceTime;
use visavis_rtp::rtcp::{Compound, Rtcp, Writer};

fuzz_target!(|data: &[u8]| {
    // The fuzzer writes what follows the first word.
    let body = &data[..data.len().min(4096) / 4 * 4];
    let words = u16::try_from(body.len() / 4).unwrap().to_be_bytes();
    let bytes = [&[0x8f, 205, words[0], words[1]], body].concat();
    let compound = Compound::parse_reduced(&bytes).unwrap();
    let Some(Ok(Rtcp::TransportFeedback(feedback))) = compound.iter().next() else { return };
    assert_eq!(feedback.packets().count(), usize::from(feedback.packet_count()));

    // Writing again what speaks of tens of thousands would only slow the search down.
    if feedback.packet_count() > 3000 {
        return;
    }
    let arrivals: Vec<_> = ReferenceTime::new().arrivals(&feedback).collect();
    let (mut base, mut said) = (feedback.base_seq(), 0);
    let mut clock = ReferenceTime::new();
    let mut offset = None;
    while said < arrivals.len() {
        let rest = arrivals[said..].iter().map(|(_, arrival)| *arrival);
        let mut buffer = [0; 1200];
        let mut writer = Writer::new(&mut buffer);
        let (sender, media) = (feedback.sender, feedback.media);
        let now = writer.transport_feedback(sender, media, base, 7, rest.clone()).unwrap();
        assert!(now > 0);
        let len = writer.finish();
        if len == 0 {
            assert!(rest.take(now).all(|arrival| arrival.is_none()));
        } else {
            let compound = Compound::parse_reduced(&buffer[..len]).unwrap();
            let Some(Ok(Rtcp::TransportFeedback(again))) = compound.iter().next() else { panic!() };
            let read = clock.arrivals(&again);
            assert_eq!(read.clone().count(), now);
            for ((seq, arrival), expected) in read.zip(&arrivals[said..]) {
                assert_eq!(seq, expected.0);
                assert_eq!(arrival.is_some(), expected.1.is_some());
                let nanos = |at: Option<Instant>| at.map(Instant::as_nanos);
                if let (Some(one), Some(other)) = (nanos(arrival), nanos(expected.1)) {
                    // Each reader has an epoch of its own, which stays.
                    let between = one.wrapping_sub(other);
                    assert_eq!(*offset.get_or_insert(between), between);
                }
            }
        }
        said += now;
        base = Seq(base.0.wrapping_add(u16::try_from(now).unwrap()));
    }
});

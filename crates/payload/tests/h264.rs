//! H.264 payloads, as RFC 6184 lays them out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod support;

use support::{joined, payloads, try_payloads};
use visavis_core::FrameInfo;
use visavis_payload::h264::PacketizationMode::{NonInterleaved, SingleNal};
use visavis_payload::{PacketizeError, PayloadError, PayloadFormat, h264};

const FORMAT: PayloadFormat = PayloadFormat::H264 { mode: NonInterleaved };
const MODE_0: PayloadFormat = PayloadFormat::H264 { mode: SingleNal };

fn annex_b(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
}

fn classify(payload: &[u8]) -> FrameInfo {
    h264::classify(payload, false).unwrap()
}

/// RFC 6184 §5.6.
#[test]
fn a_unit_that_fits_is_a_payload() {
    let unit = [0x41, 0x9a, 1, 2, 3];
    assert_eq!(payloads(FORMAT, &annex_b(&[&unit]), 16), [unit]);
    assert_eq!(payloads(MODE_0, &annex_b(&[&unit]), 16), [unit]);
}

/// RFC 6184 §5.7.1: the F bit of any, the highest NRI of all.
#[test]
fn small_units_are_aggregated() {
    let frame = annex_b(&[&[0x27, 1, 2], &[0x68, 3], &[0x06, 4], &[0x25, 5, 6, 7, 8, 9]]);
    let expected =
        [&[0x78, 0, 3, 0x27, 1, 2, 0, 2, 0x68, 3, 0, 2, 0x06, 4][..], &[0x25, 5, 6, 7, 8, 9]];
    assert_eq!(payloads(FORMAT, &frame, 16), expected);
    let forbidden = annex_b(&[&[0x01, 1], &[0x81, 2]]);
    assert_eq!(payloads(FORMAT, &forbidden, 16), [[0x98, 0, 2, 0x01, 1, 0, 2, 0x81, 2]]);
    // What just fits and what just doesn't.
    let exact = annex_b(&[&[0x65; 5], &[0x61; 6]]);
    assert_eq!(payloads(FORMAT, &exact, 16).len(), 1);
    let over = annex_b(&[&[0x65; 6], &[0x61; 6]]);
    assert_eq!(payloads(FORMAT, &over, 16).len(), 2);
}

/// RFC 6184 §5.8.
#[test]
fn a_large_unit_is_fragmented() {
    let unit: Vec<u8> = [0x65].into_iter().chain(1..=30).collect();
    let payloads = payloads(FORMAT, &annex_b(&[&unit]), 16);
    assert_eq!(payloads.len(), 3);
    assert_eq!(payloads[0][..4], [0x7c, 0x85, 1, 2]);
    assert_eq!(payloads[1][..3], [0x7c, 0x05, 11]);
    assert_eq!(payloads[2][..3], [0x7c, 0x45, 21]);
    assert!(payloads.iter().all(|payload| payload.len() == 12), "of equal size");
}

#[test]
fn start_codes_and_zeros_of_all_kinds() {
    let stream = [
        &[0, 0, 0, 0, 0, 1][..],
        &[0x09, 0xf0],
        &[0, 0, 1],
        &[0x67, 1, 0, 2],
        &[0, 0, 0, 0, 1],
        &[0, 0, 1],
        &[0x65, 0, 0, 3, 1],
        &[0, 0, 0],
    ];
    let expected = annex_b(&[&[0x09, 0xf0], &[0x67, 1, 0, 2], &[0x65, 0, 0, 3, 1]]);
    for mode in [FORMAT, MODE_0] {
        let payloads = payloads(mode, &stream.concat(), 1200);
        assert_eq!(joined(mode, &payloads), (expected.clone(), false));
    }
}

#[test]
fn what_can_not_be_packetized_is_said() {
    use PacketizeError::{Empty, Malformed, TooLarge};
    for (frame, error) in [
        (&[][..], Empty),
        (&[0, 0, 0], Empty),
        (&[0, 0, 0, 1], Empty),
        (&[0, 0, 1, 0, 0, 1, 0], Empty),
        (&[0x65, 1, 2], Malformed { offset: 0 }),
        (&[0, 1, 0x65], Malformed { offset: 1 }),
        (&[0, 0, 2, 0x65], Malformed { offset: 2 }),
        (&[0, 0, 1, 0x7c, 0x85, 1], Malformed { offset: 3 }),
        (&[0, 0, 1, 0x60, 1], Malformed { offset: 3 }),
    ] {
        assert_eq!(try_payloads(FORMAT, frame, 100), Err(error), "{frame:?}");
    }
    // An unspecified unit isn't aggregated either.
    let frame = annex_b(&[&[0x67, 1], &[0x68, 1], &[0x78, 1]]);
    assert!(matches!(try_payloads(FORMAT, &frame, 100), Err(Malformed { .. })));
    let large = annex_b(&[&[0x65; 17]]);
    assert_eq!(try_payloads(MODE_0, &large, 16), Err(TooLarge { size: 17, max: 16 }));
    assert!(FORMAT.packetizer(15).is_err() && FORMAT.packetizer(65_536).is_err());
}

#[test]
fn a_short_buffer_changes_nothing() {
    let frame = annex_b(&[&[0x65; 100]]);
    let packetizer = FORMAT.packetizer(60).unwrap();
    let mut run = packetizer.packetize(&frame);
    let short = run.next_into(&mut [0; 59]);
    assert!(matches!(short, Err(PacketizeError::TooShort(short)) if short.needed == 60));
    let mut buffer = [0; 60];
    let mut all = Vec::new();
    while let Some(payload) = run.next_into(&mut buffer).unwrap() {
        all.push(buffer[..payload.len].to_vec());
    }
    assert_eq!(all, payloads(FORMAT, &frame, 60));

    let views = || all.iter().map(Vec::as_slice);
    let needed = FORMAT.depacketize(views(), &mut [0; 50]).unwrap_err().needed;
    let mut out = vec![0; needed];
    assert_eq!(FORMAT.depacketize(views(), &mut out).unwrap().len, needed);
    assert_eq!(out, frame);
}

#[test]
fn a_payload_shows_what_it_is() {
    // Single units: a slice, one that nobody refers to, IDR, parameter sets, delimiter.
    let info = classify(&[0x41, 1]);
    assert!(!info.start && !info.keyframe && !info.discardable && !info.end);
    assert!(classify(&[0x01, 1]).discardable);
    assert!(!classify(&[0x06, 1]).discardable, "SEI has no NRI, but isn't a slice");
    assert!(classify(&[0x65, 1]).keyframe && !classify(&[0x65, 1]).start);
    assert!(classify(&[0x67, 1]).keyframe && classify(&[0x67, 1]).start);
    assert!(!classify(&[0x68, 1]).start);
    assert!(classify(&[0x09, 0xf0]).start && !classify(&[0x09, 0xf0]).keyframe);
    assert!(h264::classify(&[0x41, 1], true).unwrap().end);
    // Aggregated: any unit makes a keyframe, only the first a start.
    let info = classify(&[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1]);
    assert!(info.start && info.keyframe);
    let info = classify(&[0x78, 0, 2, 0x68, 1, 0, 2, 0x67, 1]);
    assert!(!info.start && info.keyframe);
    // Fragmented.
    assert!(classify(&[0x7c, 0x85, 1]).keyframe && !classify(&[0x7c, 0x85, 1]).start);
    assert!(classify(&[0x7c, 0x05, 1]).keyframe, "the header repeats the type");
    assert!(classify(&[0x7c, 0x87, 1]).start && !classify(&[0x7c, 0x47, 1]).start);
}

#[test]
fn garbage_is_not_classified() {
    use PayloadError::{Empty, Invalid, Truncated, Unsupported};
    for (payload, error) in [
        (&[][..], Empty),
        (&[0x78], Truncated),
        (&[0x78, 0], Truncated),
        (&[0x78, 0, 0], Truncated),
        (&[0x78, 0, 3, 0x65, 1], Truncated),
        (&[0x78, 0, 2, 0x65, 1, 9], Truncated),
        (&[0x7c], Truncated),
        (&[0x7c, 0x80], Invalid),
        (&[0x7c, 0x9c], Invalid),
        (&[0x79, 1], Unsupported),
        (&[0x7d, 1], Unsupported),
        (&[0x60], Invalid),
        (&[0x7f], Invalid),
    ] {
        assert_eq!(h264::classify(payload, true), Err(error), "{payload:x?}");
    }
}

#[test]
fn what_is_unusable_is_left_out_and_said() {
    let slice = annex_b(&[&[0x41, 1]]);
    for bad in [
        &[][..],
        &[0x78],
        &[0x78, 0],
        &[0x78, 0, 0],
        &[0x78, 0, 2, 0x78, 1],
        &[0x7c],
        &[0x7c, 0x85],
        &[0x7c, 0x05, 1],
        &[0x7c, 0x9c, 1],
        &[0x79, 1],
        &[0x60],
    ] {
        let around = [&[0x41, 1][..], bad];
        assert_eq!(joined(FORMAT, &around), (slice.clone(), true), "{bad:x?}");
        assert_eq!(joined(FORMAT, &[bad]), (vec![], true), "{bad:x?} alone");
    }
    assert_eq!(joined::<&[u8]>(FORMAT, &[]), (vec![], true), "a run of nothing");
    // The S and E bits may not stand together, but the unit is whole and plain to see.
    assert_eq!(joined(FORMAT, &[[0x7c, 0xc5, 7]]), (annex_b(&[&[0x65, 7]]), false));
}

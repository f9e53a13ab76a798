//! Faults that other payload libraries have or had: same input, the right outcome.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod support;

use support::{joined, payloads, temporal_unit, try_payloads};
use visavis_payload::h264::PacketizationMode;
use visavis_payload::{PacketizeError, PayloadError, PayloadFormat, h264};

const H264: PayloadFormat = PayloadFormat::H264 { mode: PacketizationMode::NonInterleaved };

fn annex_b(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
}

/// Fault: panic.
#[test]
fn stap_a_with_a_trailing_byte_keeps_its_units_and_says_so() {
    let payload = [0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2, 0];
    assert_eq!(h264::classify(&payload, true), Err(PayloadError::Truncated));
    assert_eq!(joined(H264, &[payload]), (annex_b(&[&[0x67, 1], &[0x68, 2]]), true));
}

/// Fault: the start of the next unit is appended to the one whose tail was lost.
#[test]
fn fu_a_that_lost_its_tail_is_not_glued_onto_the_next_unit() {
    let (head, next) = ([0x7c, 0x85, 1, 2], [[0x7c, 0x85, 3, 4], [0x7c, 0x45, 5, 6]]);
    let expected = (annex_b(&[&[0x65, 3, 4, 5, 6]]), true);
    assert_eq!(joined(H264, &[head, next[0], next[1]]), expected);
    // Nor onto a unit of its own packet, nor the head of one type onto the tail of another.
    assert_eq!(joined(H264, &[&head[..], &[0x41, 9]]), (annex_b(&[&[0x41, 9]]), true));
    assert_eq!(joined(H264, &[head, [0x5c, 0x41, 5, 6]]), (vec![], true));
}

/// Fault: 117 MB after 100 000 fragments without an end.
#[test]
fn fragments_without_an_end_take_no_memory_but_the_callers() {
    let fragment = [&[0x7c, 0x05][..], &[7; 1198]].concat();
    let start = [&[0x7c, 0x85][..], &[7; 1198]].concat();
    let endless =
        || core::iter::once(&start[..]).chain(core::iter::repeat_n(&fragment[..], 100_000));
    let mut out = [0; 5000];
    let joined = H264.depacketize(endless(), &mut out).unwrap();
    assert_eq!((joined.len, joined.damaged), (0, true));
}

/// Fault: parameter sets are dropped where a STAP-A of them exceeds the MTU, and only the last SPS is kept.
#[test]
fn all_parameter_sets_are_kept_whatever_the_size() {
    let (sps, other_sps, pps) = ([0x67; 20], [0x67; 30], [0x68; 25]);
    let frame = annex_b(&[&sps, &other_sps, &pps, &pps, &[0x65; 100]]);
    for max in [16, 24, 32, 56, 90, 1200] {
        let payloads = payloads(H264, &frame, max);
        assert_eq!(joined(H264, &payloads), (frame.clone(), false), "{max}");
    }
}

/// Fault: lengths of 128 and more are written wrong.
#[test]
fn av1_elements_of_128_bytes_and_more_have_the_right_length() {
    let elements = [vec![0x28; 127], vec![0x28; 128], vec![0x28; 300], vec![0x30; 20_000]];
    let unit = temporal_unit(&elements);
    let payloads = payloads(PayloadFormat::Av1, &unit, 1200);
    assert_eq!(payloads[0][1..3], [127, 0x28]);
    assert_eq!(payloads[0][129..132], [0x80, 0x01, 0x28]);
    assert_eq!(payloads[0][259..262], [0xac, 0x02, 0x28]);
    assert_eq!(joined(PayloadFormat::Av1, &payloads), (unit, false));
}

/// Fault: panic.
#[test]
fn an_obu_larger_than_its_temporal_unit_is_malformed() {
    for size in [&[2][..], &[0x7f], &[0xff, 0x7f], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff; 9]] {
        let unit = [&[0x12, 0, 0x32], size, &[1]].concat();
        let error = try_payloads(PayloadFormat::Av1, &unit, 100);
        assert_eq!(error, Err(PacketizeError::Malformed { offset: 2 }), "{size:x?}");
    }
}

/// Fault: panics of a depacketizer on short packets and lengths beyond the end.
#[test]
fn av1_packets_of_any_few_bytes_are_answered() {
    for first in 0..=255 {
        for second in [0, 1, 2, 0x0a, 0x12, 0x30, 0x34, 0x7f, 0x80, 0xff] {
            for third in [0, 1, 0x30, 0x80, 0xff] {
                let packet = [first, second, third, 0x30];
                for len in 0..=packet.len() {
                    let _ = PayloadFormat::Av1.classify(&packet[..len], true);
                    joined(PayloadFormat::Av1, &[&packet[..len], &packet]);
                }
            }
        }
    }
}

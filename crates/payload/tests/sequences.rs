//! Frames through loss, reordering and duplication: what comes out is whole and never made of two.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod support;

use proptest::prelude::*;
use support::{joined, nal_unit, obu, payloads, temporal_unit, with_size};
use visavis_payload::PayloadFormat;
use visavis_payload::h264::PacketizationMode;

const H264: PayloadFormat = PayloadFormat::H264 { mode: PacketizationMode::NonInterleaved };
const MODE_0: PayloadFormat = PayloadFormat::H264 { mode: PacketizationMode::SingleNal };

/// The units of a frame as they stand in it, and the frame.
#[derive(Debug, Clone)]
struct Frame {
    units: Vec<Vec<u8>>,
    bytes: Vec<u8>,
}

fn h264_frame() -> impl Strategy<Value = Frame> {
    let unit = (nal_unit(3000), any::<bool>(), 0..3_usize);
    prop::collection::vec(unit, 1..8).prop_map(|units| Frame {
        bytes: units
            .iter()
            .flat_map(|(unit, long, zeros)| {
                let code: &[u8] = if *long { &[0, 0, 0, 1] } else { &[0, 0, 1] };
                [code, unit, &[0, 0, 0][..*zeros]].concat()
            })
            .collect(),
        units: units.iter().map(|(unit, ..)| [&[0, 0, 0, 1], &unit[..]].concat()).collect(),
    })
}

fn av1_frame() -> impl Strategy<Value = Frame> {
    prop::collection::vec(obu(3000), 1..8).prop_map(|elements| Frame {
        bytes: temporal_unit(&elements),
        units: elements.iter().map(|element| with_size(element)).collect(),
    })
}

fn max_payload() -> impl Strategy<Value = usize> {
    prop_oneof![16..80_usize, 80..1500_usize, Just(65_535)]
}

/// The units of a frame that was joined: its delimiter, if any, is taken off.
fn units(format: PayloadFormat, joined: &[u8]) -> Vec<Vec<u8>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    if format == PayloadFormat::Av1 {
        let mut rest = joined.strip_prefix(&[0x12, 0]).unwrap_or(joined);
        while !rest.is_empty() {
            let mut at = if rest[0] & 4 != 0 { 2 } else { 1 };
            let (mut size, mut shift) = (0, 0);
            loop {
                size |= usize::from(rest[at] & 0x7f) << shift;
                (at, shift) = (at + 1, shift + 7);
                if rest[at - 1] < 0x80 {
                    break;
                }
            }
            units.push(rest[..at + size].to_vec());
            rest = &rest[at + size..];
        }
        return units;
    }
    for (at, &byte) in joined.iter().enumerate() {
        if joined[at..].starts_with(&[0, 0, 0, 1]) {
            units.push(Vec::new());
        }
        units.last_mut().unwrap().push(byte);
    }
    units
}

/// Which units each payload has a part of, by what the payloads themselves say.
fn shares(format: PayloadFormat, payloads: &[Vec<u8>]) -> Vec<Vec<usize>> {
    let mut next = 0;
    let mut shares = Vec::new();
    for payload in payloads {
        let (count, goes_on) = match format {
            PayloadFormat::Av1 => (av1_elements(payload), payload[0] & 0x40 != 0),
            _ if payload[0] & 0x1f == 24 => (stap_units(payload), false),
            _ if payload[0] & 0x1f == 28 => (1, payload[1] & 0x40 == 0),
            _ => (1, false),
        };
        shares.push((next..next + count).collect());
        next += count - usize::from(goes_on);
    }
    shares
}

fn av1_elements(payload: &[u8]) -> usize {
    match (payload[0] >> 4) & 3 {
        0 => {
            let (mut at, mut count) = (1, 0);
            while at < payload.len() {
                let long = payload[at] >= 0x80;
                let high = if long { usize::from(payload[at + 1]) << 7 } else { 0 };
                at += usize::from(payload[at] & 0x7f) + high + if long { 2 } else { 1 };
                count += 1;
            }
            count
        }
        count => usize::from(count),
    }
}

fn stap_units(payload: &[u8]) -> usize {
    let (mut at, mut count) = (1, 0);
    while at < payload.len() {
        at += 2 + usize::from(u16::from_be_bytes([payload[at], payload[at + 1]]));
        count += 1;
    }
    count
}

fn round_trip(format: PayloadFormat, frame: &Frame, max: usize) {
    let payloads = payloads(format, &frame.bytes, max);
    let (bytes, damaged) = joined(format, &payloads);
    assert!(!damaged);
    assert_eq!(units(format, &bytes), frame.units);
    for (index, payload) in payloads.iter().enumerate() {
        assert!(payload.len() <= max);
        let last = index + 1 == payloads.len();
        assert_eq!(format.classify(payload, last).unwrap().end, last);
    }
}

/// With holes marked, exactly the units of which nothing is missing come out.
fn holes(format: PayloadFormat, frame: &Frame, max: usize, lost: &[bool]) {
    let mut payloads = payloads(format, &frame.bytes, max);
    let shares = shares(format, &payloads);
    let mut expected = frame.units.iter().map(Some).collect::<Vec<_>>();
    let mut any_lost = false;
    for (index, payload) in payloads.iter_mut().enumerate() {
        if lost[index % lost.len()] {
            any_lost = true;
            payload.clear();
            shares[index].iter().for_each(|&unit| expected[unit] = None);
        }
    }
    let (bytes, damaged) = joined(format, &payloads);
    assert_eq!(damaged, any_lost);
    let expected: Vec<_> = expected.into_iter().flatten().cloned().collect();
    assert_eq!(units(format, &bytes), expected);
}

/// What happened to one packet on its way: lost, doubled, or late by so many places.
type Fate = (bool, bool, usize);

/// A receiver as simple as can be: it sorts by number, groups by frame, and marks the holes.
fn received(format: PayloadFormat, frames: &[Frame], max: usize, fates: &[Fate]) {
    let sent = frames.iter().enumerate().flat_map(|(time, frame)| {
        payloads(format, &frame.bytes, max).into_iter().map(move |payload| (time, payload))
    });
    let sent: Vec<_> = sent.collect();
    let mut arrived = Vec::new();
    for (number, (time, payload)) in sent.iter().enumerate() {
        let (lost, doubled, late) = fates[number % fates.len()];
        for copy in 0..if lost { 0 } else { 1 + usize::from(doubled) } {
            arrived.push((number + late * (1 + copy), number, *time, payload));
        }
    }
    arrived.sort_by_key(|&(place, ..)| place);
    arrived.sort_by_key(|&(_, number, ..)| number);
    arrived.dedup_by_key(|&mut (_, number, ..)| number);
    for (time, frame) in frames.iter().enumerate() {
        let mut run: Vec<&[u8]> = Vec::new();
        let mut expected_number = sent.iter().position(|&(of, _)| of == time).unwrap();
        for &(_, number, _, payload) in arrived.iter().filter(|&&(_, _, of, _)| of == time) {
            if number != expected_number {
                run.push(&[]);
            }
            run.push(payload);
            expected_number = number + 1;
        }
        let whole = run.len() == sent.iter().filter(|&&(of, _)| of == time).count()
            && run.iter().all(|payload| !payload.is_empty());
        let (bytes, damaged) = joined(format, &run);
        let units = units(format, &bytes);
        if whole {
            assert!(!damaged && units == frame.units);
        }
        let mut rest = frame.units.iter();
        assert!(
            units.iter().all(|unit| rest.any(|sent| sent == unit)),
            "only what was sent, in order"
        );
    }
}

/// The worst that a wrong grouping can do: the front of one frame and the back of another in one run.
fn spliced(format: PayloadFormat, pair: [&Frame; 2], max: usize, cut: [usize; 2]) {
    let [first, second] = pair.map(|frame| payloads(format, &frame.bytes, max));
    let front = first.iter().take(cut[0] % (first.len() + 1));
    let back = second.iter().skip(cut[1] % (second.len() + 1));
    let hole = Vec::new();
    let run: Vec<&Vec<u8>> = front.chain([&hole]).chain(back).collect();
    let (bytes, damaged) = joined(format, &run);
    assert!(damaged);
    for unit in units(format, &bytes) {
        assert!(pair.iter().any(|frame| frame.units.contains(&unit)), "a unit of neither frame");
    }
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let lost = prop::bool::weighted(0.2);
    prop::collection::vec((lost, prop::bool::weighted(0.2), 0..5_usize), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn h264_comes_back(frame in h264_frame(), max in max_payload()) {
        round_trip(H264, &frame, max);
        round_trip(MODE_0, &frame, 65_535);
    }

    #[test]
    fn av1_comes_back(frame in av1_frame(), max in max_payload()) {
        round_trip(PayloadFormat::Av1, &frame, max);
    }

    #[test]
    fn h264_with_holes(frame in h264_frame(), max in max_payload(), lost in prop::collection::vec(any::<bool>(), 1..20)) {
        holes(H264, &frame, max, &lost);
    }

    #[test]
    fn av1_with_holes(frame in av1_frame(), max in max_payload(), lost in prop::collection::vec(any::<bool>(), 1..20)) {
        holes(PayloadFormat::Av1, &frame, max, &lost);
    }

    #[test]
    fn h264_through_a_bad_network(frames in prop::collection::vec(h264_frame(), 1..5), max in 16..400_usize, fates in fates()) {
        received(H264, &frames, max, &fates);
    }

    #[test]
    fn av1_through_a_bad_network(frames in prop::collection::vec(av1_frame(), 1..5), max in 16..400_usize, fates in fates()) {
        received(PayloadFormat::Av1, &frames, max, &fates);
    }

    #[test]
    fn h264_frames_are_not_glued(one in h264_frame(), two in h264_frame(), max in 16..400_usize, cut: [usize; 2]) {
        spliced(H264, [&one, &two], max, cut);
    }

    #[test]
    fn av1_frames_are_not_glued(one in av1_frame(), two in av1_frame(), max in 16..400_usize, cut: [usize; 2]) {
        spliced(PayloadFormat::Av1, [&one, &two], max, cut);
    }

    #[test]
    fn anything_at_all(run in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..10)) {
        for format in [H264, PayloadFormat::Av1, PayloadFormat::Opus] {
            let (bytes, damaged) = joined(format, &run);
            prop_assert!(damaged || !bytes.is_empty());
            for payload in &run {
                let _ = format.classify(payload, true);
            }
            let _ = support::try_payloads(format, &run.concat(), 16);
        }
    }
}

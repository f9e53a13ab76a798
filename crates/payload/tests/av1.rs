//! AV1 payloads, as the RTP payload format for AV1 v1.0.0 lays them out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod support;

use support::{joined, leb128, payloads, temporal_unit, try_payloads, with_size};
use visavis_payload::{PacketizeError, PayloadError, PayloadFormat, av1};

const FORMAT: PayloadFormat = PayloadFormat::Av1;

fn element(kind: u8, layer: Option<u8>, len: usize) -> Vec<u8> {
    let mut bytes = vec![(kind << 3) | if layer.is_some() { 4 } else { 0 }];
    bytes.extend(layer);
    bytes.resize(bytes.len() + len, 0x55);
    bytes
}

const SEQUENCE: u8 = 1;
const FRAME_HEADER: u8 = 3;
const TILES: u8 = 4;
const METADATA: u8 = 5;
const FRAME: u8 = 6;

/// §4.5, the second figure: 303 bytes, elements of 200 and 100 bytes.
#[test]
fn the_last_of_counted_elements_has_no_length() {
    let (one, two) = (element(METADATA, None, 199), element(TILES, None, 99));
    let payloads = payloads(FORMAT, &temporal_unit(&[&one, &two]), 1200);
    assert_eq!(payloads.len(), 1);
    assert_eq!(payloads[0].len(), 303);
    assert_eq!(payloads[0][..3], [0x20, 0xc8, 0x01]);
    assert_eq!(payloads[0][203..], two);
}

/// §4.5, the first figure: more than three elements all have a length.
#[test]
fn more_elements_than_can_be_counted_all_have_a_length() {
    let four = [(); 4].map(|()| element(METADATA, None, 2));
    let payload = &payloads(FORMAT, &temporal_unit(&four), 1200)[0];
    assert_eq!(payload.len(), 1 + 4 * 4);
    assert_eq!(payload[..5], [0x00, 3, 0x28, 0x55, 0x55]);
    assert_eq!(payload[13], 3);
    let exact = payloads(FORMAT, &temporal_unit(&four), 17);
    assert_eq!(exact.len(), 1);
    let over = payloads(FORMAT, &temporal_unit(&four), 16);
    assert_eq!(over.iter().map(|payload| payload[0] & 0x30).collect::<Vec<_>>(), [0x30, 0x10]);
}

/// §5.1: one packet per layer, with what belongs to no layer in the first.
#[test]
fn the_example_is_grouped_by_layers() {
    let (base, upper) = (Some(0x00), Some(0x08));
    let sequence = [
        element(SEQUENCE, None, 10),
        element(METADATA, None, 3),
        element(METADATA, base, 3),
        element(FRAME_HEADER, base, 8),
        element(TILES, base, 60),
        element(METADATA, upper, 3),
        element(FRAME_HEADER, upper, 8),
        element(TILES, upper, 70),
    ];
    let payloads = payloads(FORMAT, &temporal_unit(&sequence), 1200);
    assert_eq!(payloads.len(), 2);
    assert_eq!(payloads[0][0] & 0x30, 0, "five elements");
    assert_eq!(payloads[1][0] & 0x30, 0x30, "three elements");
    assert_eq!(av1::classify(&payloads[0], false).unwrap().spatial_layer, 0);
    assert_eq!(av1::classify(&payloads[1], true).unwrap().spatial_layer, 1);
    assert_eq!(joined(FORMAT, &payloads), (temporal_unit(&sequence), false));
}

#[test]
fn a_large_obu_goes_over_several_packets() {
    let unit = temporal_unit(&[element(FRAME, None, 40)]);
    let payloads = payloads(FORMAT, &unit, 16);
    let headers: Vec<u8> = payloads.iter().map(|payload| payload[0]).collect();
    assert_eq!(headers, [0x50, 0xd0, 0x90]);
    assert_eq!(joined(FORMAT, &payloads), (unit, false));
}

#[test]
fn delimiters_and_tile_lists_are_neither_sent_nor_taken() {
    let frame = element(FRAME, None, 5);
    let unit = temporal_unit(&[element(2, None, 0), element(8, None, 3), frame.clone()]);
    let sent = payloads(FORMAT, &unit, 1200);
    assert_eq!(sent, [[&[0x10][..], &frame].concat()]);
    let received = [[&[0x30, 1, 0x10, 4, 0x40, 1, 2, 3][..], &frame].concat()];
    assert_eq!(joined(FORMAT, &received), (temporal_unit(&[frame]), false));
    assert!(av1::classify(&received[0], false).unwrap().start, "the delimiter shows a start");
}

/// §4.4: N marks the first packet of a coded video sequence, which AV1 §7.5 defines.
#[test]
fn a_new_sequence_is_marked_once() {
    let sequence = [0x08, 0x00, 0x00];
    let frame = |first: u8| [&[FRAME << 3, first][..], &[0x55; 60]].concat();
    let marks = |elements: &[Vec<u8>]| -> Vec<bool> {
        let payloads = payloads(FORMAT, &temporal_unit(elements), 32);
        let infos = payloads.iter().map(|payload| av1::classify(payload, false).unwrap());
        infos.map(|info| (info.start && info.keyframe, info.keyframe).0).collect()
    };
    let shown_key = frame(0x10);
    assert_eq!(marks(&[sequence.to_vec(), shown_key.clone()]), [true, false, false]);
    assert!(!marks(core::slice::from_ref(&shown_key))[0], "no sequence header");
    assert!(!marks(&[shown_key, sequence.to_vec()])[0], "a sequence header too late");
    for other in [0x00, 0x30, 0x50, 0x70, 0x80, 0x90] {
        assert!(!marks(&[sequence.to_vec(), frame(other)])[0], "hidden, not a key frame, repeated");
    }
    assert!(
        marks(&[vec![0x08, 0x18, 0], frame(0xff)])[0],
        "a still picture's frames are key frames"
    );
}

#[test]
fn layers_come_from_the_first_obu_that_tells() {
    let info = av1::classify(&[0x20, 1, 0x28, 0x34, 0x48, 1], true).unwrap();
    assert_eq!((info.temporal_layer, info.spatial_layer, info.end), (2, 1, true));
    let continued = av1::classify(&[0xa0, 2, 0x34, 0x48, 0x34, 0x30], true).unwrap();
    assert_eq!((continued.temporal_layer, continued.spatial_layer), (1, 2));
}

#[test]
fn what_can_not_be_packetized_is_said_before_anything_is_sent() {
    use PacketizeError::{Empty, Malformed};
    for (unit, error) in [
        (&[][..], Empty),
        (&[0x12, 0], Empty),
        (&[0x12, 0, 0x32], Malformed { offset: 2 }),
        (&[0x12, 0, 0x32, 5, 1], Malformed { offset: 2 }),
        (&[0x12, 0, 0x32, 0x80], Malformed { offset: 2 }),
        (&[0x32, 1, 0x10, 0x34], Malformed { offset: 3 }),
        (&[0x32, 1, 0x10, 0xb2, 0], Malformed { offset: 3 }),
    ] {
        assert_eq!(try_payloads(FORMAT, unit, 100), Err(error), "{unit:x?}");
    }
    let whole = [0x12, 0, 0x30, 0x10, 1, 2];
    assert_eq!(
        payloads(FORMAT, &whole, 100),
        [[0x10, 0x30, 0x10, 1, 2]],
        "the last without a size"
    );
    let padded_size = [0x12, 0x80, 0x00, 0x32, 0x82, 0x80, 0x00, 0x10, 1];
    assert_eq!(payloads(FORMAT, &padded_size, 100), [[0x10, 0x30, 0x10, 1]]);
}

#[test]
fn what_is_unusable_is_left_out_and_said() {
    let frame = element(FRAME, None, 3);
    let good = [&[0x10][..], &frame].concat();
    let alone = (temporal_unit(&[&frame]), true);
    for (bad, error) in [
        (&[][..], Some(PayloadError::Empty)),
        (&[0x10], Some(PayloadError::Truncated)),
        (&[0x98, 1], Some(PayloadError::Invalid)),
        (&[0x00, 5, 0x30], Some(PayloadError::Truncated)),
        (&[0x00, 0], Some(PayloadError::Truncated)),
        (&[0x00, 0x80], Some(PayloadError::Truncated)),
        (&[0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Some(PayloadError::Truncated)),
        (&[0x20, 2, 0x30, 1], Some(PayloadError::Truncated)),
        (&[0x90, 1, 2], None),
        (&[0x50, 0x30, 1], None),
        (&[0x10, 0x34], None),
        (&[0x10, 0xb0, 1], None),
        (&[0x10, 0x32, 9, 1], None),
        (&[0x10, 0x32, 0, 1], None),
    ] {
        assert_eq!(joined(FORMAT, &[&good, bad]), alone, "{bad:x?} behind");
        assert_eq!(joined(FORMAT, &[bad, &good]), alone, "{bad:x?} before");
        assert_eq!(joined(FORMAT, &[bad]), (vec![], true), "{bad:x?} alone");
        assert_eq!(av1::classify(bad, false).err(), error, "{bad:x?}");
    }
}

#[test]
fn a_header_may_be_cut_between_packets_and_a_size_may_be_left_in() {
    let frame = element(FRAME, Some(0x20), 200);
    let expected = (temporal_unit(&[&frame]), false);
    // One byte, one byte, the rest.
    let cut = [
        [&[0x50][..], &frame[..1]].concat(),
        [&[0xd0][..], &frame[1..2]].concat(),
        [&[0x90][..], &frame[2..]].concat(),
    ];
    assert_eq!(joined(FORMAT, &cut), expected);
    let sized = with_size(&frame);
    for at in 1..sized.len() {
        let cut = [[&[0x50][..], &sized[..at]].concat(), [&[0x90][..], &sized[at..]].concat()];
        assert_eq!(joined(FORMAT, &cut), expected, "cut at {at}");
    }
}

/// The size takes a byte more than the first fragment showed.
#[test]
fn sizes_around_the_steps_of_leb128() {
    for len in [0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 16_385, 60_000] {
        let frame = element(FRAME, None, len);
        let unit =
            temporal_unit(&[element(METADATA, None, 4), frame.clone(), element(TILES, None, 1)]);
        for max in [16, 100, 129, 1200, 65_535] {
            assert_eq!(joined(FORMAT, &payloads(FORMAT, &unit, max)), (unit.clone(), false));
        }
        assert_eq!(
            leb128(len).len(),
            if len < 128 {
                1
            } else if len < 16_384 {
                2
            } else {
                3
            }
        );
    }
}

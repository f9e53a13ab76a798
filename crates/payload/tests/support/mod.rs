//! What the tests of all formats share.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use proptest::prelude::*;
use visavis_payload::{PacketizeError, PayloadFormat};

/// The payloads of a frame.
pub fn try_payloads(
    format: PayloadFormat,
    frame: &[u8],
    max: usize,
) -> Result<Vec<Vec<u8>>, PacketizeError> {
    let packetizer = format.packetizer(max).unwrap();
    let mut run = packetizer.packetize(frame);
    let (mut buffer, mut payloads) = (vec![0xee; max], Vec::new());
    let mut ended = false;
    while let Some(payload) = run.next_into(&mut buffer)? {
        assert!(!ended && payload.len > 0, "the last payload is the last");
        ended = payload.last;
        payloads.push(buffer[..payload.len].to_vec());
    }
    assert!(ended, "one payload is the last");
    assert_eq!(run.next_into(&mut buffer), Ok(None));
    Ok(payloads)
}

pub fn payloads(format: PayloadFormat, frame: &[u8], max: usize) -> Vec<Vec<u8>> {
    try_payloads(format, frame, max).unwrap()
}

/// The frame of a run, and whether it is damaged. What an empty buffer says is needed is enough, and
/// one byte less isn't.
pub fn joined<P: AsRef<[u8]>>(format: PayloadFormat, payloads: &[P]) -> (Vec<u8>, bool) {
    let views = || payloads.iter().map(AsRef::as_ref);
    let needed = format.depacketize(views(), &mut []).map_or_else(|short| short.needed, |_| 0);
    let mut out = vec![0xee; needed];
    let joined = format.depacketize(views(), &mut out).unwrap();
    assert_eq!(joined.len, needed);
    if needed > 0 {
        let short = format.depacketize(views(), &mut vec![0xdd; needed - 1]);
        assert_eq!(short.map_err(|short| short.needed), Err(needed));
    }
    (out, joined.damaged)
}

/// A NAL unit: any type of H.264's own, any content without a start code, no zero at the end.
pub fn nal_unit(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![1 => Just(0_u8), 1 => Just(1), 3 => any::<u8>()];
    let sizes = prop_oneof![3 => 0..40_usize, 1 => 0..max];
    let body = sizes.prop_flat_map(move |len| prop::collection::vec(byte.clone(), len));
    (0..4_u8, 1..24_u8, body).prop_map(|(nri, kind, body)| {
        let mut unit = vec![(nri << 5) | kind];
        for byte in body {
            let escaped = unit.ends_with(&[0, 0]) && byte < 4;
            unit.push(if escaped { 4 } else { byte });
        }
        if unit.ends_with(&[0]) {
            unit.push(9);
        }
        unit
    })
}

/// An OBU as an element: header without size flag, extension if it has one, payload. No delimiters.
pub fn obu(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![1_u8, 3, 4, 5, 6, 7, 15]);
    let layer = prop::option::of(prop::sample::select(vec![0_u8, 0x20, 0x28]));
    let sizes = prop_oneof![3 => 0..40_usize, 1 => 100..200_usize, 1 => 0..max];
    let body = sizes.prop_flat_map(|len| prop::collection::vec(any::<u8>(), len));
    (kind, layer, body).prop_map(|(kind, layer, body)| {
        let mut obu = vec![(kind << 3) | if layer.is_some() { 4 } else { 0 }];
        obu.extend(layer);
        obu.extend(body);
        obu
    })
}

/// A number as AV1 writes it, in as few bytes as it takes: apart from the crate's own code.
pub fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        bytes.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return bytes;
        }
    }
}

/// An element as it stands in a temporal unit: with its size.
pub fn with_size(element: &[u8]) -> Vec<u8> {
    let head = if element[0] & 4 != 0 { 2 } else { 1 };
    let size = leb128(element.len() - head);
    let mut obu = [&element[..head], &size, &element[head..]].concat();
    obu[0] |= 2;
    obu
}

/// A temporal unit of these elements, with a delimiter.
pub fn temporal_unit<E: AsRef<[u8]>>(elements: &[E]) -> Vec<u8> {
    let obus = elements.iter().flat_map(|element| with_size(element.as_ref()));
    [0x12, 0].into_iter().chain(obus).collect()
}

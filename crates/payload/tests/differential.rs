//! Against the crate `rtp`, on what it does right: well-formed H.264 without loss, and single AV1 OBUs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod support;

use bytes::Bytes;
use proptest::prelude::*;
use rtp::codecs::av1::Av1Payloader;
use rtp::codecs::h264::{H264Packet, H264Payloader};
use rtp::packetizer::{Depacketizer, Payloader};
use support::{joined, nal_unit, obu, payloads, temporal_unit};
use visavis_payload::PayloadFormat;
use visavis_payload::h264::PacketizationMode;

const H264: PayloadFormat = PayloadFormat::H264 { mode: PacketizationMode::NonInterleaved };

fn annex_b(units: &[Vec<u8>]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], &unit[..]].concat()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn rtp_reads_our_h264(mut units in prop::collection::vec(nal_unit(4000), 1..8), max in 16..1500_usize) {
        // It refuses units of one and two bytes.
        units.retain(|unit| unit.len() > 2);
        prop_assume!(!units.is_empty());
        let frame = annex_b(&units);
        let mut reader = H264Packet::default();
        let mut read = Vec::new();
        for payload in payloads(H264, &frame, max) {
            read.extend(reader.depacketize(&Bytes::from(payload)).unwrap());
        }
        prop_assert_eq!(read, frame);
    }

    #[test]
    fn we_read_h264_of_rtp(units in prop::collection::vec(nal_unit(4000), 1..8), max in 16..1500_usize) {
        // It sends no delimiters and fillers, keeps parameter sets back, and takes a unit of one byte
        // for an error.
        let sent = |unit: &Vec<u8>| !matches!(unit[0] & 0x1f, 7 | 8 | 9 | 12) && unit.len() > 1;
        let units: Vec<_> = units.into_iter().filter(sent).collect();
        prop_assume!(!units.is_empty());
        let frame = annex_b(&units);
        let payloads = H264Payloader::default().payload(max, &Bytes::from(frame.clone())).unwrap();
        prop_assert_eq!(joined(H264, &payloads), (frame, false));
    }

    #[test]
    fn we_read_a_single_obu_of_rtp(element in obu(4000), max in 16..1500_usize) {
        // It leaves padding out.
        prop_assume!(element[0] >> 3 != 15);
        // It reads sizes of 128 and more wrong: the last OBU may do without.
        let payloads = Av1Payloader {}.payload(max, &Bytes::from(element.clone())).unwrap();
        prop_assert_eq!(joined(PayloadFormat::Av1, &payloads), (temporal_unit(&[element]), false));
    }
}

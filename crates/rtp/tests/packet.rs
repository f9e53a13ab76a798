//! RTP packets: what is written is read back, and what is malformed has the right outcome.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use proptest::prelude::*;
use visavis_core::{Mid, PayloadType, RtpTimestamp, Seq, Ssrc, TooShort};
use visavis_rtp::{
    AbsSendTime, AudioLevel, ExtensionId, ExtensionMap, Header, Packet, ParseError, ParseErrorKind,
    WriteError, header_len, rtx, write_padding,
};

const FIXED: [u8; 12] = [0x80, 0xe0, 0, 7, 0, 0, 3, 0xc0, 0, 0, 0, 9];

/// A packet with this header extension block, and `payload` behind it.
fn extended(profile: u16, block: &[u8], payload: &[u8]) -> Vec<u8> {
    assert_eq!(block.len() % 4, 0);
    let mut packet = FIXED.to_vec();
    packet[0] |= 0x10;
    packet.extend(profile.to_be_bytes());
    packet.extend(u16::try_from(block.len() / 4).unwrap().to_be_bytes());
    packet.extend(block);
    packet.extend(payload);
    packet
}

fn elements(packet: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let packet = Packet::parse(packet).unwrap();
    packet.extensions().map(|(id, data)| (id.get(), data.to_vec())).collect()
}

fn kind(packet: &[u8]) -> ParseErrorKind {
    Packet::parse(packet).unwrap_err().kind
}

fn id(id: u8) -> ExtensionId {
    ExtensionId::new(id).unwrap()
}

#[test]
fn every_field_stands_where_rfc_3550_puts_it() {
    let bytes = [
        0xb2, 0xe0, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8, // fixed header, P, X, two CSRCs
        0, 0, 0, 1, 0, 0, 0, 2, // CSRCs
        0xbe, 0xde, 0, 1, 0x10, 0xaa, 0x00, 0x00, // one element, two bytes of padding
        9, 9, 9, 0, 0, 3, // payload and padding
    ];
    let packet = Packet::parse(bytes).unwrap();
    assert!(packet.marker());
    assert_eq!(packet.payload_type(), PayloadType::from_low_bits(96));
    assert_eq!(packet.seq(), Seq(0x1234));
    assert_eq!(packet.timestamp(), RtpTimestamp(0x0102_0304));
    assert_eq!(packet.ssrc(), Ssrc(0x0506_0708));
    assert_eq!(packet.csrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
    assert_eq!(packet.extension(id(1)), Some(&[0xaa][..]));
    assert_eq!(packet.extension(id(2)), None);
    assert_eq!(packet.extension_block(), Some((0xbede, &[0x10, 0xaa, 0, 0][..])));
    assert_eq!((packet.header_len(), packet.payload_range()), (28, 28..31));
    assert_eq!((packet.payload(), packet.padding_len()), (&[9, 9, 9][..], 3));
    assert_eq!(header_len(&bytes), Ok(28));
    assert_eq!(packet.into_inner(), bytes);
}

// The faults of other implementations: the same input, the right outcome.

#[test]
fn an_extension_that_overruns_the_packet_is_an_error() {
    for words in 1..=u16::MAX {
        let mut packet = extended(0xbede, &[], &[]);
        packet[14..16].copy_from_slice(&words.to_be_bytes());
        assert_eq!(
            Packet::parse(&packet),
            Err(ParseError { kind: ParseErrorKind::Truncated, offset: 16 })
        );
        assert!(header_len(&packet).is_err());
    }
    let mut packet = FIXED.to_vec();
    packet[0] |= 0x10;
    for extra in 0..4 {
        packet.resize(12 + extra, 0);
        assert_eq!(kind(&packet), ParseErrorKind::Truncated);
    }
}

#[test]
fn an_element_must_not_run_into_the_payload() {
    let one_byte = extended(0xbede, &[0x10, 7, 0x24, 1], &[4; 8]);
    assert_eq!(elements(&one_byte), [(1, vec![7])]);
    let two_byte = extended(0x1000, &[1, 0, 2, 1], &[4; 8]);
    assert_eq!(elements(&two_byte), [(1, vec![])]);
    for packet in [&one_byte, &two_byte] {
        assert_eq!(Packet::parse(&packet[..]).unwrap().payload(), [4; 8]);
        assert!(!Packet::parse(packet.clone()).unwrap().set_extension(id(2), &[9; 5]));
    }
}

#[test]
fn a_two_byte_element_without_its_length_is_none() {
    assert_eq!(elements(&extended(0x1000, &[1, 1, 0xff, 2], &[7])), [(1, vec![0xff])]);
}

#[test]
fn identifier_15_ends_the_elements_but_not_the_block() {
    let packet = extended(0xbede, &[0x10, 7, 0xf2, 1, 2, 3, 0x20, 8], &[1, 2, 3]);
    assert_eq!(elements(&packet), [(1, vec![7])]);
    assert_eq!(Packet::parse(&packet).unwrap().payload(), [1, 2, 3]);
    // So does a padding byte that claims a length, RFC 8285 §4.2.
    let packet = extended(0xbede, &[0x10, 7, 0x02, 0x20], &[]);
    assert_eq!(elements(&packet), [(1, vec![7])]);
}

#[test]
fn the_application_bits_of_the_two_byte_form_are_no_other_form() {
    for bits in 0..16 {
        let packet = extended(0x1000 | bits, &[15, 0, 200, 1, 5, 0, 0, 0], &[]);
        assert_eq!(elements(&packet), [(15, vec![]), (200, vec![5])]);
    }
    assert_eq!(elements(&extended(0x1010, &[15, 0, 200, 1], &[])), []);
}

#[test]
fn a_whole_word_of_extension_padding_is_skipped() {
    let packet = extended(0xbede, &[0, 0, 0, 0, 0x10, 7, 0, 0, 0, 0, 0, 0], &[1]);
    assert_eq!(elements(&packet), [(1, vec![7])]);
    assert_eq!(elements(&extended(0xbede, &[], &[1])), []);
}

#[test]
fn padding_is_kept_and_its_count_checked() {
    let mut buffer = [0xee; 20];
    buffer[..12].copy_from_slice(&FIXED);
    let len = write_padding(&mut buffer, 14, 4).unwrap();
    let packet = Packet::parse(&buffer[..len]).unwrap();
    assert_eq!((packet.payload(), packet.padding_len()), (&[0xee, 0xee][..], 4));
    assert_eq!(packet.as_bytes()[14..], [0, 0, 0, 4]);
    for (count, wrong) in [(0, true), (6, false), (7, true), (255, true)] {
        buffer[17] = count;
        assert_eq!(Packet::parse(&buffer[..18]).is_err(), wrong, "{count}");
    }
    assert_eq!(write_padding(&mut buffer, 12, 9), Err(TooShort { needed: 21 }));
}

#[test]
fn only_version_2_is_rtp() {
    for version in [0, 1, 3] {
        let mut packet = FIXED;
        packet[0] = version << 6;
        assert_eq!(kind(&packet), ParseErrorKind::Version);
    }
}

#[test]
fn seventeen_contributing_sources_are_refused() {
    let sources = [Ssrc(1); 17];
    let mut header = Header::new(PayloadType::from_low_bits(0), Seq(0), RtpTimestamp(0), Ssrc(0));
    let (map, mut buffer) = (ExtensionMap::default(), [0; 100]);
    for count in 0..=17 {
        header.csrcs = &sources[..count];
        let written = header.write_into(&map, &mut buffer);
        match count {
            ..=15 => assert_eq!(written, Ok(12 + count * 4)),
            _ => assert_eq!(written, Err(WriteError::TooManyCsrcs)),
        }
    }
}

#[test]
fn an_empty_element_needs_the_two_byte_form() {
    let header = Header::new(PayloadType::from_low_bits(0), Seq(0), RtpTimestamp(0), Ssrc(0));
    let mut buffer = [0xff; 100];
    let len = header.write_elements([(id(3), &[][..])], &mut buffer).unwrap();
    assert_eq!(buffer[12..len], [0x10, 0, 0, 1, 3, 0, 0, 0]);
    assert_eq!(elements(&buffer[..len]), [(3, vec![])]);
    let long = [0; 256];
    let refused = header.write_elements([(id(3), &long[..])], &mut buffer);
    assert_eq!(refused, Err(WriteError::ExtensionTooLong));
}

// What a forwarder and a sender do.

#[test]
fn what_leaves_last_is_stamped_in_place() {
    let mut map = ExtensionMap::default();
    (map.abs_send_time, map.transport_seq, map.mid) = (Some(id(2)), Some(id(3)), Some(id(4)));
    let mut header = Header::new(PayloadType::from_low_bits(96), Seq(1), RtpTimestamp(2), Ssrc(3));
    header.extensions.abs_send_time = Some(AbsSendTime::from_bytes([0; 3]));
    header.extensions.transport_seq = Some(Seq(0));
    header.extensions.mid = Mid::new("v");
    // Nobody agreed on an identifier for this one.
    header.extensions.audio_level = Some(AudioLevel::new(1, true));
    let mut buffer = [0; 64];
    let len = header.write_into(&map, &mut buffer).unwrap();
    assert_eq!(len, header.encoded_len(&map));

    let mut packet = Packet::parse(&mut buffer[..len]).unwrap();
    let time = AbsSendTime::from_bytes([1, 2, 3]);
    assert!(packet.set_extension(id(2), &time.to_bytes()));
    assert!(packet.set_extension(id(3), &500_u16.to_be_bytes()));
    assert!(!packet.set_extension(id(4), b"too long"), "another length");
    assert!(!packet.set_extension(id(5), b"x"), "not there");
    packet.set_seq(Seq(100));
    packet.set_timestamp(RtpTimestamp(200));
    packet.set_ssrc(Ssrc(300));
    packet.set_marker(true);
    packet.set_payload_type(PayloadType::from_low_bits(97));

    let packet = Packet::parse(&buffer[..len]).unwrap();
    let values = map.read(&packet);
    assert_eq!((values.abs_send_time, values.transport_seq), (Some(time), Some(Seq(500))));
    assert_eq!((values.mid, values.audio_level), (Mid::new("v"), None));
    assert_eq!(
        (packet.seq(), packet.timestamp(), packet.ssrc()),
        (Seq(100), RtpTimestamp(200), Ssrc(300))
    );
    assert_eq!((packet.marker(), packet.payload_type().get()), (true, 97));
}

#[test]
fn a_retransmission_turns_back_into_the_original() {
    let original = extended(0xbede, &[0x10, 7, 0, 0], b"payload");
    let packet = Packet::parse(&original[..]).unwrap();
    let mut header =
        Header::new(PayloadType::from_low_bits(97), Seq(1000), packet.timestamp(), Ssrc(77));
    header.marker = packet.marker();
    let mut buffer = [0; 64];
    let start = header.write_elements(packet.extensions(), &mut buffer).unwrap();
    let len = start + rtx::write_payload(&packet, &mut buffer[start..]).unwrap();
    assert_eq!(rtx::parse(&buffer[start..len]), Some((Seq(7), &b"payload"[..])));
    let restored =
        rtx::restore(&mut buffer[..len], Ssrc(9), PayloadType::from_low_bits(96)).unwrap();
    assert_eq!(restored.as_bytes(), original);

    assert_eq!(rtx::write_payload(&packet, &mut [0; 8]), Err(TooShort { needed: 9 }));
    assert_eq!(rtx::parse(&[1]), None);
    let mut padding = FIXED;
    assert!(rtx::restore(&mut padding, Ssrc(1), PayloadType::from_low_bits(1)).is_err());
    assert_eq!(padding, FIXED);
}

fn arbitrary_elements() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let one_byte =
        prop::collection::vec((1..15_u8, prop::collection::vec(any::<u8>(), 1..17)), 0..8);
    let two_byte =
        prop::collection::vec((1..=255_u8, prop::collection::vec(any::<u8>(), 0..256)), 0..8);
    prop_oneof![one_byte, two_byte]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_written_is_read(
        marker: bool, payload_type: u8, seq: u16, timestamp: u32, ssrc: u32,
        csrcs in prop::collection::vec(any::<u32>(), 0..16),
        wanted in arbitrary_elements(),
        payload in prop::collection::vec(any::<u8>(), 0..40),
        padding: u8,
    ) {
        let csrcs: Vec<_> = csrcs.into_iter().map(Ssrc).collect();
        let payload_type = PayloadType::from_low_bits(payload_type);
        let mut header = Header::new(payload_type, Seq(seq), RtpTimestamp(timestamp), Ssrc(ssrc));
        (header.marker, header.csrcs) = (marker, &csrcs);
        let list = wanted.iter().map(|(number, data)| (id(*number), &data[..]));
        let mut buffer = vec![0xa5; 4000];
        let start = header.write_elements(list.clone(), &mut buffer).unwrap();
        buffer[start..start + payload.len()].copy_from_slice(&payload);
        let one_byte = wanted.iter().all(|(id, data)| *id < 15 && matches!(data.len(), 1..=16));
        let heads = wanted.len() * if one_byte { 1 } else { 2 };
        let block = wanted.iter().map(|(_, data)| data.len()).sum::<usize>() + heads;
        let block = if block == 0 { 0 } else { 4 + block.next_multiple_of(4) };
        prop_assert_eq!(start, 12 + csrcs.len() * 4 + block);
        let len = write_padding(&mut buffer, start + payload.len(), padding).unwrap();
        buffer.truncate(len);

        let packet = Packet::parse(&buffer[..]).unwrap();
        prop_assert_eq!(packet.header_len(), start);
        prop_assert_eq!(header_len(&buffer), Ok(start));
        prop_assert_eq!(packet.payload(), &payload[..]);
        prop_assert_eq!(packet.padding_len(), usize::from(padding));
        prop_assert_eq!(
            (packet.marker(), packet.payload_type(), packet.seq(), packet.timestamp(), packet.ssrc()),
            (marker, payload_type, Seq(seq), RtpTimestamp(timestamp), Ssrc(ssrc))
        );
        prop_assert_eq!(packet.csrcs().collect::<Vec<_>>(), csrcs.clone());
        prop_assert_eq!(elements(&buffer), wanted.clone());
        // Any shorter buffer is refused and left as it was.
        let mut short = vec![0xa5; start - 1];
        prop_assert_eq!(header.write_elements(list, &mut short), Err(TooShort { needed: start }.into()));
        prop_assert!(short.iter().all(|byte| *byte == 0xa5));
    }

    #[test]
    fn what_parses_lies_within_the_packet(mut bytes in prop::collection::vec(any::<u8>(), 0..120), likely: bool) {
        if let (true, Some(first)) = (likely, bytes.first_mut()) {
            *first = 0x80 | (*first & 0x33);
            if let Some(block) = bytes.get_mut(12..16) {
                block.copy_from_slice(&[0xbe, 0xde, 0, block[3] % 16]);
            }
        }
        if let Ok(packet) = Packet::parse(&bytes[..]) {
            prop_assert_eq!(packet.header_len() + packet.payload().len() + packet.padding_len(), bytes.len());
            prop_assert_eq!(header_len(&bytes), Ok(packet.header_len()));
            let total: usize = packet.extensions().map(|(_, data)| data.len()).sum();
            prop_assert!(total <= packet.header_len());
        }
    }
}

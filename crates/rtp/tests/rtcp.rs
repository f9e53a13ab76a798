//! RTCP: what is written is read back, and one malformed packet doesn't hide the others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use proptest::prelude::*;
use visavis_core::{NtpTime, RtpTimestamp, Seq, Ssrc, TooShort};
use visavis_rtp::rtcp::{Compound, ReportBlock, Rtcp, SdesItem, SenderInfo, Writer};
use visavis_rtp::{ParseError, ParseErrorKind};

fn written(write: impl FnOnce(&mut Writer<'_>) -> Result<(), TooShort>) -> Vec<u8> {
    let mut buffer = vec![0xa5; 70_000];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).unwrap();
    let len = writer.finish();
    buffer.truncate(len);
    buffer
}

/// The only packet of a reduced-size compound.
fn only(bytes: &[u8]) -> Rtcp<'_> {
    let mut packets = Compound::parse_reduced(bytes).unwrap().iter();
    let packet = packets.next().unwrap().unwrap();
    assert_eq!(packets.next(), None);
    packet
}

fn block(ssrc: u32) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(ssrc),
        fraction_lost: 12,
        cumulative_lost: -3,
        highest_seq: 0x0001_ffff,
        jitter: 5,
        last_sr: 6,
        delay_since_last_sr: 7,
    }
}

#[test]
fn a_sender_report_stands_as_rfc_3550_draws_it() {
    let info = SenderInfo {
        ssrc: Ssrc(1),
        ntp: NtpTime(0x0000_0002_0000_0003),
        rtp_timestamp: RtpTimestamp(4),
        packets: 5,
        bytes: 6,
    };
    let bytes = written(|writer| writer.sender_report(&info, [block(7)]));
    let words: Vec<_> =
        bytes.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
    let expected = [0x81c8_000c, 1, 2, 3, 4, 5, 6, 7, 0x0cff_fffd, 0x0001_ffff, 5, 6, 7];
    assert_eq!(words, expected);
}

#[test]
fn the_first_packet_of_a_compound_is_a_report_without_padding() {
    let report = written(|writer| writer.receiver_report(Ssrc(1), []));
    assert!(Compound::parse(&report).is_ok());
    let pli = written(|writer| writer.pli(Ssrc(1), Ssrc(2)));
    assert_eq!(Compound::parse(&pli).unwrap_err().kind, ParseErrorKind::NotAReport);
    assert!(Compound::parse_reduced(&pli).is_ok());

    let mut padded = [&report[..], &report[..]].concat();
    (padded[0], padded[3]) = (0xa0, 3);
    padded[15] = 4;
    assert_eq!(Compound::parse(&padded).unwrap_err().kind, ParseErrorKind::Padding);
    (padded[0], padded[3], padded[8], padded[11]) = (0x80, 1, 0xa0, 1);
    let compound = Compound::parse(&padded).unwrap();
    assert!(compound.iter().last().unwrap().is_err(), "padding where the SSRC should be");
}

#[test]
fn frames_must_add_up() {
    let report = written(|writer| writer.receiver_report(Ssrc(1), []));
    for len in 0..report.len() {
        assert_eq!(Compound::parse(&report[..len]).unwrap_err().kind, ParseErrorKind::Truncated);
    }
    let mut two = [&report[..], &report[..]].concat();
    two[8] = 0x40;
    let error = ParseError { kind: ParseErrorKind::Version, offset: 8 };
    assert_eq!(Compound::parse(&two), Err(error));
}

#[test]
fn a_malformed_packet_does_not_hide_the_others() {
    let mut bytes = written(|writer| {
        writer.receiver_report(Ssrc(1), [])?;
        writer.receiver_report(Ssrc(2), [])?;
        writer.pli(Ssrc(3), Ssrc(4))
    });
    // The second claims a block that isn't there.
    bytes[8] |= 1;
    let packets: Vec<_> = Compound::parse(&bytes).unwrap().iter().collect();
    assert!(matches!(packets[0], Ok(Rtcp::ReceiverReport(report)) if report.ssrc == Ssrc(1)));
    assert_eq!(packets[1], Err(ParseError { kind: ParseErrorKind::Truncated, offset: 16 }));
    assert!(matches!(packets[2], Ok(Rtcp::Pli(pli)) if pli.media == Ssrc(4)));
}

#[test]
fn padding_is_no_part_of_a_packet() {
    // A BYE for one source, padded by a word and then by a single byte as some senders do.
    let padded = [0xa1, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4];
    let Rtcp::Bye(bye) = only(&padded) else { panic!() };
    assert_eq!((bye.ssrcs().collect::<Vec<_>>(), bye.reason()), (vec![Ssrc(5)], None));
    let odd = [0xa1, 203, 0, 2, 0, 0, 0, 5, 2, b'h', b'i', 1];
    let Rtcp::Bye(bye) = only(&odd) else { panic!() };
    assert_eq!(bye.reason(), Some(&b"hi"[..]));
    for count in [0, 9, 255] {
        let bytes = [0xa1, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, count];
        let mut packets = Compound::parse_reduced(&bytes).unwrap().iter();
        assert_eq!(packets.next().unwrap().unwrap_err().kind, ParseErrorKind::Padding);
    }
}

#[test]
fn what_is_unknown_is_handed_on() {
    let app = [0x83, 204, 0, 2, 0, 0, 0, 5, b'n', b'a', b'm', b'e'];
    let Rtcp::Other(other) = only(&app) else { panic!() };
    assert_eq!((other.packet_type, other.count, other.body.len()), (204, 3, 8));
}

#[test]
fn several_sdes_chunks_are_walked() {
    let bytes = [
        0x82, 202, 0, 5, // two chunks
        0, 0, 0, 1, 1, 2, b'a', b'b', // a name that ends with a word
        0, 0, 0, 0, // and so a word of zeros
        0, 0, 0, 2, 6, 0, 0, 0, // an empty tool, one item
    ];
    let Rtcp::Sdes(sdes) = only(&bytes) else { panic!() };
    let expected = [
        SdesItem { ssrc: Ssrc(1), kind: 1, text: b"ab" },
        SdesItem { ssrc: Ssrc(2), kind: 6, text: b"" },
    ];
    assert_eq!(sdes.items().collect::<Vec<_>>(), expected);
    assert_eq!(sdes.cname(), Some((Ssrc(1), "ab")));
    for chunks in [3, 31] {
        let mut bytes = bytes;
        bytes[0] = 0x80 | chunks;
        assert!(Compound::parse_reduced(&bytes).unwrap().iter().next().unwrap().is_err());
    }
}

#[test]
fn a_full_buffer_leaves_whole_packets() {
    let write = |writer: &mut Writer<'_>| {
        let _ = writer.receiver_report(Ssrc(1), (0..40).map(block));
        let _ = writer.pli(Ssrc(1), Ssrc(2));
        let _ = writer.sdes_cname(Ssrc(1), "someone@example");
        let _ = writer.nack(Ssrc(1), Ssrc(2), (0..90).step_by(30).map(Seq));
        let _ = writer.fir(Ssrc(1), &[(Ssrc(2), 3), (Ssrc(4), 5)]);
        let _ = writer.bye(&[Ssrc(1); 40], Some("bye"));
        let _ = writer.pli(Ssrc(1), Ssrc(2));
    };
    for room in 0..1400 {
        let mut buffer = vec![0; room];
        let mut writer = Writer::new(&mut buffer);
        write(&mut writer);
        let len = writer.finish();
        if len > 0 {
            let packets = Compound::parse_reduced(&buffer[..len]).unwrap().iter();
            assert!(packets.clone().all(|packet| packet.is_ok()), "{room}");
        }
    }
    let mut buffer = [0; 11];
    assert_eq!(Writer::new(&mut buffer).pli(Ssrc(1), Ssrc(2)), Err(TooShort { needed: 12 }));
}

#[test]
fn a_long_name_is_cut_between_characters() {
    let bytes = written(|writer| writer.sdes_cname(Ssrc(1), &"ä".repeat(200)));
    let Rtcp::Sdes(sdes) = only(&bytes) else { panic!() };
    assert_eq!(sdes.cname().unwrap().1, "ä".repeat(127));
}

fn blocks() -> impl Strategy<Value = Vec<ReportBlock>> {
    let lost = -0x80_0000..0x80_0000;
    let block = (any::<(u32, u8, u32, u32, u32, u32)>(), lost).prop_map(|(values, lost)| {
        let (ssrc, fraction_lost, highest_seq, jitter, last_sr, delay_since_last_sr) = values;
        let (ssrc, cumulative_lost) = (Ssrc(ssrc), lost);
        ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost,
            highest_seq,
            jitter,
            last_sr,
            delay_since_last_sr,
        }
    });
    prop::collection::vec(block, 0..70)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn reports_are_read_as_written(
        (ssrc, ntp, rtp, packets, bytes) in any::<(u32, u64, u32, u32, u32)>(), sent in blocks(), sender: bool,
    ) {
        let ssrc = Ssrc(ssrc);
        let info = SenderInfo { ssrc, ntp: NtpTime(ntp), rtp_timestamp: RtpTimestamp(rtp), packets, bytes };
        let bytes = written(|writer| {
            let blocks = sent.iter().copied();
            if sender { writer.sender_report(&info, blocks) } else { writer.receiver_report(ssrc, blocks) }
        });
        let mut read = Vec::new();
        for (index, packet) in Compound::parse(&bytes).unwrap().iter().enumerate() {
            match packet.unwrap() {
                Rtcp::SenderReport(report) => {
                    prop_assert!(sender && index == 0);
                    prop_assert_eq!(report.info, info);
                    read.extend(report.blocks());
                }
                Rtcp::ReceiverReport(report) => {
                    prop_assert!(!sender || index > 0);
                    prop_assert_eq!(report.ssrc, ssrc);
                    read.extend(report.blocks());
                }
                _ => prop_assert!(false),
            }
        }
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn names_and_goodbyes_are_read_as_written(
        ssrcs in prop::collection::vec(any::<u32>(), 1..80), text in "\\PC{0,80}", why: bool,
    ) {
        let ssrcs: Vec<_> = ssrcs.into_iter().map(Ssrc).collect();
        let bytes = written(|writer| writer.sdes_cname(ssrcs[0], &text));
        let Rtcp::Sdes(sdes) = only(&bytes) else { panic!() };
        prop_assert_eq!(sdes.items().count(), 1);
        let (ssrc, name) = sdes.cname().unwrap();
        prop_assert_eq!(ssrc, ssrcs[0]);
        prop_assert!(text.starts_with(name) && (name.len() == text.len() || name.len() > 251));

        let reason = why.then_some(text.as_str());
        let bytes = written(|writer| writer.bye(&ssrcs, reason));
        let mut read = Vec::new();
        for packet in Compound::parse_reduced(&bytes).unwrap().iter() {
            let Rtcp::Bye(bye) = packet.unwrap() else { panic!() };
            read.extend(bye.ssrcs());
            prop_assert_eq!(bye.reason().is_some(), why && !text.is_empty());
        }
        prop_assert_eq!(read, ssrcs);
    }

    #[test]
    fn requests_are_read_as_written(
        (sender, media, first) in any::<(u32, u32, u16)>(),
        steps in prop::collection::vec(0..40_u16, 1..100),
        requests in prop::collection::vec(any::<(u32, u8)>(), 0..40),
    ) {
        let (sender, media) = (Ssrc(sender), Ssrc(media));
        let seqs: Vec<_> = steps
            .iter()
            .scan(first, |seq, step| { *seq = seq.wrapping_add(*step); Some(Seq(*seq)) })
            .collect();
        let bytes = written(|writer| writer.nack(sender, media, seqs.iter().copied()));
        let Rtcp::Nack(nack) = only(&bytes) else { panic!() };
        let mut expected = seqs;
        expected.dedup();
        prop_assert_eq!((nack.sender, nack.media), (sender, media));
        prop_assert_eq!(nack.seqs().collect::<Vec<_>>(), expected);

        let requests: Vec<_> = requests.into_iter().map(|(ssrc, n)| (Ssrc(ssrc), n)).collect();
        let bytes = written(|writer| writer.fir(sender, &requests));
        let Rtcp::Fir(fir) = only(&bytes) else { panic!() };
        prop_assert_eq!(fir.requests().collect::<Vec<_>>(), requests);

        let bytes = written(|writer| writer.pli(sender, media));
        let Rtcp::Pli(pli) = only(&bytes) else { panic!() };
        prop_assert_eq!((pli.sender, pli.media), (sender, media));
    }

    #[test]
    fn anything_can_be_walked(mut bytes in prop::collection::vec(any::<u8>(), 4..200), pt in 199..208_u8) {
        let words = u8::try_from(bytes.len() / 4 - 1).unwrap();
        bytes.truncate((usize::from(words) + 1) * 4);
        bytes[0] = 0x80 | (bytes[0] & 0x3f);
        (bytes[1], bytes[2], bytes[3]) = (pt, 0, words);
        let compound = Compound::parse_reduced(&bytes).unwrap();
        for packet in compound.iter().flatten() {
            walk(packet);
        }
    }
}

fn walk(packet: Rtcp<'_>) {
    match packet {
        Rtcp::SenderReport(report) => report.blocks().for_each(drop),
        Rtcp::ReceiverReport(report) => report.blocks().for_each(drop),
        Rtcp::Sdes(sdes) => sdes.items().for_each(drop),
        Rtcp::Bye(bye) => bye.ssrcs().for_each(drop),
        Rtcp::Nack(nack) => nack.seqs().for_each(drop),
        Rtcp::Fir(fir) => fir.requests().for_each(drop),
        Rtcp::TransportFeedback(feedback) => {
            assert_eq!(feedback.packets().count(), usize::from(feedback.packet_count()));
        }
        _ => {}
    }
}

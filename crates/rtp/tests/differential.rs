//! The same packets through other people's crates, well-formed ones only: what those do with
//! malformed ones is no measure.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use bytes::Bytes;
use proptest::prelude::*;
use rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
use rtcp::reception_report::ReceptionReport;
use rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};
use rtcp::transport_feedbacks::transport_layer_cc::{SymbolTypeTcc, TransportLayerCc};
use rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};
use visavis_core::{Instant, NtpTime, PayloadType, RtpTimestamp, Seq, Ssrc, TooShort};
use visavis_rtp::rtcp::{Compound, ReportBlock, Rtcp, SenderInfo, Writer};
use visavis_rtp::{ExtensionId, Header, Packet};
use webrtc_util::marshal::{Marshal, Unmarshal};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn written(write: impl FnOnce(&mut Writer<'_>) -> Result<(), TooShort>) -> Vec<u8> {
    let mut buffer = vec![0xa5; 5000];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).unwrap();
    let len = writer.finish();
    buffer.truncate(len);
    buffer
}

fn element(longest: usize, first_id: u8, last_id: u8) -> impl Strategy<Value = (u8, Vec<u8>)> {
    (first_id..=last_id, prop::collection::vec(any::<u8>(), 1..=longest))
}

/// Elements of one form, each identifier once.
fn elements() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let one_byte = prop::collection::vec(element(16, 1, 14), 0..6);
    // One that only the two-byte form can say leads.
    let two_byte = (element(200, 15, 255), prop::collection::vec(element(60, 1, 14), 0..6))
        .prop_map(|(first, mut rest)| {
            rest.insert(0, first);
            rest
        });
    prop_oneof![one_byte, two_byte].prop_map(|mut elements| {
        let mut seen = [false; 256];
        elements.retain(|(id, _)| !core::mem::replace(&mut seen[usize::from(*id)], true));
        elements
    })
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn rtp_reads_what_we_write_and_writes_the_same(
        (marker, pt, seq, timestamp, ssrc) in any::<(bool, u8, u16, u32, u32)>(),
        csrcs in prop::collection::vec(any::<u32>(), 0..16),
        elements in elements(),
        payload in prop::collection::vec(any::<u8>(), 1..100),
    ) {
        let ours_csrcs: Vec<_> = csrcs.iter().copied().map(Ssrc).collect();
        let pt = PayloadType::from_low_bits(pt);
        let mut header = Header::new(pt, Seq(seq), RtpTimestamp(timestamp), Ssrc(ssrc));
        (header.marker, header.csrcs) = (marker, &ours_csrcs);
        let list = elements.iter().map(|(id, data)| (ExtensionId::new(*id).unwrap(), &data[..]));
        let mut buffer = vec![0; 2000];
        let start = header.write_elements(list, &mut buffer).unwrap();
        buffer.truncate(start);
        buffer.extend(&payload);

        let theirs = rtp::packet::Packet::unmarshal(&mut Bytes::from(buffer.clone())).unwrap();
        prop_assert_eq!(theirs.header.marker, marker);
        prop_assert_eq!(theirs.header.payload_type, pt.get());
        prop_assert_eq!(theirs.header.sequence_number, seq);
        prop_assert_eq!(theirs.header.timestamp, timestamp);
        prop_assert_eq!(theirs.header.ssrc, ssrc);
        prop_assert_eq!(&theirs.header.csrc, &csrcs);
        prop_assert_eq!(&theirs.payload[..], &payload[..]);
        let extensions = theirs.header.extensions.iter();
        let read: Vec<_> = extensions.map(|e| (e.id, e.payload.to_vec())).collect();
        prop_assert_eq!(read, elements.clone());
        // Written by them it is the same again, and we read it so.
        let marshalled = theirs.marshal().unwrap();
        prop_assert_eq!(&marshalled[..], &buffer[..]);
        let packet = Packet::parse(&marshalled[..]).unwrap();
        let read: Vec<_> = packet.extensions().map(|(id, data)| (id.get(), data.to_vec())).collect();
        prop_assert_eq!(read, elements);
        prop_assert_eq!(packet.payload(), &payload[..]);
    }

    #[test]
    fn reports_names_and_requests_are_the_same_bytes(
        (ssrc, ntp, rtp_time, packets, octets) in any::<(u32, u64, u32, u32, u32)>(),
        reports in prop::collection::vec(any::<(u32, u8, u32, u32, u32, u32)>(), 0..31),
        lost in 0..0x7f_ffff_u32,
        name in "[ -~]{0,100}",
        mut seqs in prop::collection::btree_set(any::<u16>(), 1..60),
        requests in prop::collection::vec(any::<(u32, u8)>(), 1..10),
    ) {
        let media = !ssrc;
        let info = SenderInfo {
            ssrc: Ssrc(ssrc), ntp: NtpTime(ntp), rtp_timestamp: RtpTimestamp(rtp_time), packets, bytes: octets,
        };
        let blocks = reports.iter().map(|&(ssrc, fraction_lost, highest_seq, jitter, last_sr, delay)| ReportBlock {
            ssrc: Ssrc(ssrc), fraction_lost, cumulative_lost: i32::try_from(lost).unwrap(), highest_seq, jitter,
            last_sr, delay_since_last_sr: delay,
        });
        let sender_report = rtcp::sender_report::SenderReport {
            ssrc, ntp_time: ntp, rtp_time, packet_count: packets, octet_count: octets,
            reports: reports.iter().map(|&(ssrc, fraction_lost, last_sequence_number, jitter, last_sender_report, delay)| {
                ReceptionReport { ssrc, fraction_lost, total_lost: lost, last_sequence_number, jitter, last_sender_report, delay }
            }).collect(),
            profile_extensions: Bytes::new(),
        };
        let ours = written(|writer| writer.sender_report(&info, blocks.clone()));
        prop_assert_eq!(&ours[..], &sender_report.marshal().unwrap()[..]);

        let receiver_report = rtcp::receiver_report::ReceiverReport {
            ssrc, reports: sender_report.reports.clone(), profile_extensions: Bytes::new(),
        };
        let ours = written(|writer| writer.receiver_report(Ssrc(ssrc), blocks));
        prop_assert_eq!(&ours[..], &receiver_report.marshal().unwrap()[..]);

        let item = SourceDescriptionItem { sdes_type: SdesType::SdesCname, text: Bytes::from(name.clone()) };
        let chunk = SourceDescriptionChunk { source: ssrc, items: vec![item] };
        let ours = written(|writer| writer.sdes_cname(Ssrc(ssrc), &name));
        // Their last zero holds a padding count, which it shouldn't; they read ours all the same.
        let theirs = SourceDescription::unmarshal(&mut &ours[..]).unwrap();
        prop_assert_eq!(theirs, SourceDescription { chunks: vec![chunk] });

        // Numbers that wrap within the list are asked for in another order by them.
        seqs.retain(|seq| *seq < 0x8000);
        let seqs: Vec<_> = seqs.into_iter().collect();
        if !seqs.is_empty() {
            let nacks = nack_pairs_from_sequence_numbers(&seqs);
            let nack = TransportLayerNack { sender_ssrc: ssrc, media_ssrc: media, nacks };
            let ours = written(|writer| writer.nack(Ssrc(ssrc), Ssrc(media), seqs.iter().copied().map(Seq)));
            prop_assert_eq!(&ours[..], &nack.marshal().unwrap()[..]);
        }

        let fir = requests.iter().map(|&(ssrc, sequence_number)| FirEntry { ssrc, sequence_number }).collect();
        let fir = FullIntraRequest { sender_ssrc: ssrc, media_ssrc: 0, fir };
        let requests: Vec<_> = requests.iter().map(|&(ssrc, number)| (Ssrc(ssrc), number)).collect();
        let ours = written(|writer| writer.fir(Ssrc(ssrc), &requests));
        prop_assert_eq!(&ours[..], &fir.marshal().unwrap()[..]);
    }

    #[test]
    fn rtcp_types_reads_the_compound_that_we_write(
        sources in prop::collection::vec(any::<u32>(), 1..31), reason in "[ -~]{1,60}",
        seqs in prop::collection::vec(any::<u16>(), 1..40),
    ) {
        let ours: Vec<_> = sources.iter().copied().map(Ssrc).collect();
        let bytes = written(|writer| {
            writer.receiver_report(Ssrc(1), [])?;
            writer.nack(Ssrc(1), Ssrc(2), seqs.iter().copied().map(Seq))?;
            writer.pli(Ssrc(1), Ssrc(2))?;
            writer.bye(&ours, Some(&reason))
        });
        let mut packets = rtcp_types::Compound::parse(&bytes).unwrap();
        let mut next = || packets.next().unwrap().unwrap();
        let rtcp_types::Packet::Rr(report) = next() else { panic!() };
        prop_assert_eq!((report.ssrc(), report.n_reports()), (1, 0));
        let rtcp_types::Packet::TransportFeedback(nack) = next() else { panic!() };
        let entries: Vec<_> = nack.parse_fci::<rtcp_types::Nack<'_>>().unwrap().entries().collect();
        let Some(Ok(Rtcp::Nack(read))) = Compound::parse(&bytes).unwrap().iter().nth(1) else { panic!() };
        prop_assert_eq!(entries, read.seqs().map(|seq| seq.0).collect::<Vec<_>>());
        let rtcp_types::Packet::PayloadFeedback(pli) = next() else { panic!() };
        prop_assert!(pli.parse_fci::<rtcp_types::Pli<'_>>().is_ok());
        prop_assert_eq!((pli.sender_ssrc(), pli.media_ssrc()), (1, 2));
        let rtcp_types::Packet::Bye(bye) = next() else { panic!() };
        prop_assert_eq!(bye.ssrcs().collect::<Vec<_>>(), sources);
        prop_assert_eq!(bye.reason(), Some(reason.as_bytes()));
    }

    #[test]
    fn both_read_the_transport_feedback_that_we_write(
        base: u16, start in 0..1_u64 << 36,
        steps in prop::collection::vec((0..8_u8, -20_000..100_000_i64), 1..200),
    ) {
        let (mut now, mut lossy) = (start, false);
        let mut sent: Vec<_> = steps.iter().map(|&(kind, step)| {
            lossy ^= kind == 0;
            let step = if kind == 1 { step * 1000 } else { step.abs() * 10 };
            now = now.saturating_add_signed(step);
            (!lossy).then_some(Instant::from_nanos(now))
        }).collect();
        // One that `rtcp` can read has an arrival at its end.
        sent.push(Some(Instant::from_nanos(now)));
        let bytes = written(|writer| {
            let arrivals = sent.iter().copied();
            writer.transport_feedback(Ssrc(1), Ssrc(2), Seq(base), 3, arrivals).map(drop)
        });
        let Some(Ok(Rtcp::TransportFeedback(ours))) = Compound::parse_reduced(&bytes).unwrap().iter().next() else {
            panic!();
        };
        let ours_ticks: Vec<_> = ours.packets().map(|(_, ticks)| ticks).collect();
        prop_assert_eq!(ours_ticks.len(), sent.len());

        let theirs = TransportLayerCc::unmarshal(&mut &bytes[..]).unwrap();
        prop_assert_eq!((theirs.base_sequence_number, theirs.fb_pkt_count), (base, 3));
        prop_assert_eq!(theirs.reference_time, ours.reference_time());
        prop_assert!(theirs.recv_deltas.iter().all(|d| d.type_tcc_packet != SymbolTypeTcc::PacketNotReceived));
        let sums = theirs.recv_deltas.iter().scan(0, |sum, delta| { *sum += delta.delta / 250; Some(*sum) });
        prop_assert_eq!(sums.collect::<Vec<_>>(), ours_ticks.iter().flatten().copied().collect::<Vec<_>>());

        let mut packets = rtcp_types::Compound::parse(&bytes).unwrap();
        let Some(Ok(rtcp_types::Packet::TransportFeedback(feedback))) = packets.next() else { panic!() };
        let feedback = feedback.parse_fci::<rtcp_types::Twcc<'_>>().unwrap();
        let mut sum = 0;
        for (ours, theirs) in ours.packets().zip(feedback.packets()) {
            let (seq, status) = theirs.unwrap();
            let ticks = match status {
                rtcp_types::TwccPacketStatus::NotReceived => None,
                rtcp_types::TwccPacketStatus::Received { delta } => { sum += i64::from(delta); Some(sum) }
            };
            prop_assert_eq!(ours, (Seq(seq), ticks));
        }
    }
}

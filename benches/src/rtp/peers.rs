//! The other crates, each through the interface that copies and allocates least.

use core::hint::black_box;

use bytes::Bytes;
use rtcp_types::prelude::*;

use super::{Case, Operation, compound, contestant};
use crate::Contestant;

/// `rtp`, parsing from `Bytes`, which it needn't copy, and writing with `marshal_to`.
#[must_use]
pub fn rtp(case: Case) -> Contestant<'static> {
    use rtp::packet::Packet;
    use webrtc_util::marshal::{Marshal, Unmarshal};
    let bytes = Bytes::from(case.packet());
    match case.operation {
        Operation::Parse => contestant(move || {
            let packet = Packet::unmarshal(black_box(&mut bytes.clone()));
            assert!(black_box(packet).is_ok());
        }),
        Operation::Write => {
            let packet = Packet::unmarshal(&mut bytes.clone()).expect("it is well-formed");
            let mut buffer = vec![0; 1500];
            contestant(move || {
                assert!(black_box(&packet).marshal_to(&mut buffer).is_ok());
                black_box(&buffer);
            })
        }
    }
}

/// `rtc-rtp`, likewise.
#[must_use]
pub fn rtc(case: Case) -> Contestant<'static> {
    use rtc_rtp::Packet;
    use rtc_shared::marshal::{Marshal, Unmarshal};
    let bytes = Bytes::from(case.packet());
    match case.operation {
        Operation::Parse => contestant(move || {
            let packet = Packet::unmarshal(black_box(&mut bytes.clone()));
            assert!(black_box(packet).is_ok());
        }),
        Operation::Write => {
            let packet = Packet::unmarshal(&mut bytes.clone()).expect("it is well-formed");
            let mut buffer = vec![0; 1500];
            contestant(move || {
                assert!(black_box(&packet).marshal_to(&mut buffer).is_ok());
                black_box(&buffer);
            })
        }
    }
}

/// `rtcp` on the compound packet.
#[must_use]
pub fn rtcp() -> Contestant<'static> {
    let bytes = Bytes::from(compound());
    contestant(move || {
        let packets = rtcp::packet::unmarshal(black_box(&mut bytes.clone()));
        assert_eq!(black_box(packets).map_or(0, |packets| packets.len()), 4);
    })
}

/// `rtcp-types` on the compound packet.
#[must_use]
pub fn rtcp_types() -> Contestant<'static> {
    use rtcp_types::{Compound, Nack, Packet, Twcc, TwccPacketStatus};
    let bytes = compound();
    contestant(move || {
        let compound = Compound::parse(black_box(&bytes[..])).expect("it is well-formed");
        for packet in compound {
            match packet.expect("it is well-formed") {
                Packet::Sr(report) => {
                    black_box((report.ssrc(), report.ntp_timestamp(), report.rtp_timestamp()));
                    black_box((report.packet_count(), report.octet_count()));
                    for block in report.report_blocks() {
                        black_box((block.ssrc(), block.fraction_lost(), block.cumulative_lost()));
                        black_box((block.extended_sequence_number(), block.interarrival_jitter()));
                        black_box(block.last_sender_report_timestamp());
                        black_box(block.delay_since_last_sender_report_timestamp());
                    }
                }
                Packet::Sdes(sdes) => sdes.chunks().for_each(|chunk| {
                    chunk.items().for_each(|item| {
                        black_box((item.type_(), item.value()));
                    });
                }),
                Packet::TransportFeedback(feedback) if feedback.subtype() == 1 => {
                    let nack = feedback.parse_fci::<Nack<'_>>().expect("it is well-formed");
                    nack.entries().for_each(|seq| {
                        black_box(seq);
                    });
                }
                Packet::TransportFeedback(feedback) => {
                    let twcc = feedback.parse_fci::<Twcc<'_>>().expect("it is well-formed");
                    let ticks = twcc.packets().map(|packet| match packet {
                        Ok((_, TwccPacketStatus::Received { delta })) => i64::from(delta),
                        Ok((_, TwccPacketStatus::NotReceived)) => -1,
                        Err(error) => unreachable!("{error}"),
                    });
                    black_box(ticks.sum::<i64>());
                }
                other => unreachable!("{other:?}"),
            }
        }
    })
}

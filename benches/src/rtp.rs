//! Reading and writing RTP packets, and walking compound RTCP, beside `rtp`, `rtc-rtp`, `rtcp` and
//! `rtcp-types`.
//!
//! Everybody reads everything there is: header fields, header extension elements, payload; reports,
//! names, sequence numbers, arrivals.

use core::hint::black_box;

use anyhow::Result;
use visavis_core::{Instant, NtpTime, PayloadType, RtpTimestamp, Seq, Ssrc};
use visavis_rtp::rtcp::{Compound, ReportBlock, Rtcp, SenderInfo, Writer};
use visavis_rtp::{
    AbsSendTime, AudioLevel, ExtensionId, ExtensionMap, ExtensionValues, Header, Packet,
};

use crate::{Contestant, Goal, Scorecard, time};

mod peers;

pub use peers::{rtc, rtcp, rtcp_types, rtp};

/// Operations in a pass.
const BATCH: u32 = 1000;

/// What is done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Read all that is in it.
    Parse,
    /// Write it, payload included, into a buffer that is there.
    Write,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Parse or write.
    pub operation: Operation,
    /// Bytes of payload.
    pub size: usize,
    /// Whether there are three header extension elements.
    pub extended: bool,
}

impl Case {
    /// Sound and video without header extensions, and sound with three.
    pub fn all() -> impl Iterator<Item = Self> {
        [Operation::Parse, Operation::Write].into_iter().flat_map(|operation| {
            [(160, false), (1200, false), (160, true)].map(|(size, extended)| Self {
                operation,
                size,
                extended,
            })
        })
    }

    /// "parse 160 B with 3 extensions"
    #[must_use]
    pub fn name(self) -> String {
        let operation = match self.operation {
            Operation::Parse => "parse",
            Operation::Write => "write",
        };
        let extensions = if self.extended { " with 3 extensions" } else { "" };
        format!("{operation} {} B{extensions}", self.size)
    }

    /// How many times as fast as `rtp` we want to be.
    fn goal(self) -> Goal {
        Goal::AtLeast(match self.operation {
            Operation::Parse if self.extended => 14.5,
            Operation::Parse => 15.0,
            Operation::Write => 1.5,
        })
    }

    fn header(self) -> Header<'static> {
        let pt = PayloadType::from_low_bits(96);
        let mut header = Header::new(pt, Seq(4711), RtpTimestamp(96_000), Ssrc(0x1234_5678));
        header.marker = true;
        if self.extended {
            let mut values = ExtensionValues::default();
            values.audio_level = Some(AudioLevel::new(30, true));
            values.abs_send_time = Some(AbsSendTime::from_bytes([1, 2, 3]));
            values.transport_seq = Some(Seq(815));
            header.extensions = values;
        }
        header
    }

    fn payload(self) -> Vec<u8> {
        (0..=255).cycle().take(self.size).collect()
    }

    /// The packet that is parsed.
    fn packet(self) -> Vec<u8> {
        let mut bytes = vec![0; 100];
        let len = self.header().write_into(&map(), &mut bytes).expect("there is room");
        bytes.truncate(len);
        bytes.extend(self.payload());
        bytes
    }
}

fn map() -> ExtensionMap {
    let mut map = ExtensionMap::default();
    map.audio_level = ExtensionId::new(1);
    map.abs_send_time = ExtensionId::new(2);
    map.transport_seq = ExtensionId::new(3);
    map.mid = ExtensionId::new(4);
    map
}

/// Passes of `step`.
fn contestant<'a>(mut step: impl FnMut() + 'a) -> Contestant<'a> {
    let pass = move || time(|| (0..BATCH).for_each(|_| step()));
    Contestant { batch: BATCH, pass: Box::new(pass) }
}

/// `visavis-rtp`.
#[must_use]
pub fn ours(case: Case) -> Contestant<'static> {
    match case.operation {
        Operation::Parse => {
            let bytes = case.packet();
            contestant(move || {
                let packet = Packet::parse(black_box(&bytes)).expect("it is well-formed");
                // Every field is read, and one figure of them all shown to be needed.
                let (marker, pt) = (packet.marker(), packet.payload_type().get());
                let numbers = packet.timestamp().0 ^ packet.ssrc().0 ^ u32::from(packet.seq().0);
                let numbers = numbers ^ u32::from(pt) ^ u32::from(marker);
                black_box(packet.payload().len() ^ numbers as usize);
                packet.extensions().for_each(|element| {
                    black_box(element);
                });
            })
        }
        Operation::Write => {
            let (header, map, payload) = (case.header(), map(), case.payload());
            let mut buffer = vec![0; 1500];
            contestant(move || {
                let header = black_box(&header);
                let start = header.write_into(&map, &mut buffer).expect("there is room");
                let room = buffer.get_mut(start..start + payload.len());
                room.expect("there is room").copy_from_slice(black_box(&payload));
                black_box(&buffer);
            })
        }
    }
}

/// A sender report with a block, a name, a NACK and feedback on a hundred packets of which a few are
/// lost.
fn compound() -> Vec<u8> {
    let (us, them) = (Ssrc(1), Ssrc(2));
    let info = SenderInfo {
        ssrc: us,
        ntp: NtpTime(0x0123_4567_89ab_cdef),
        rtp_timestamp: RtpTimestamp(90_000),
        packets: 1000,
        bytes: 1_000_000,
    };
    let block = ReportBlock {
        ssrc: them,
        fraction_lost: 5,
        cumulative_lost: 50,
        highest_seq: 70_000,
        jitter: 30,
        last_sr: 1,
        delay_since_last_sr: 2,
    };
    let arrivals = (0..100_u64).map(|n| {
        // Steps of 1 ms, and one of 100 ms now and then.
        (n % 13 != 5).then(|| Instant::from_millis(5000 + n + n / 25 * 100))
    });
    let mut buffer = vec![0; 1200];
    let mut writer = Writer::new(&mut buffer);
    let written = writer
        .sender_report(&info, [block])
        .and_then(|()| writer.sdes_cname(us, "somebody@example.org"))
        .and_then(|()| writer.nack(us, them, [3, 4, 7, 40, 41].map(Seq)))
        .and_then(|()| writer.transport_feedback(us, them, Seq(100), 7, arrivals));
    assert_eq!(written, Ok(100));
    let len = writer.finish();
    buffer.truncate(len);
    buffer
}

/// `visavis-rtp` on the compound packet.
#[must_use]
pub fn our_walk() -> Contestant<'static> {
    let bytes = compound();
    contestant(move || {
        let compound = Compound::parse(black_box(&bytes[..])).expect("it is well-formed");
        for packet in compound.iter() {
            match packet.expect("it is well-formed") {
                Rtcp::SenderReport(report) => {
                    black_box(report.info);
                    report.blocks().for_each(|block| {
                        black_box(block);
                    });
                }
                Rtcp::Sdes(sdes) => sdes.items().for_each(|item| {
                    black_box(item);
                }),
                Rtcp::Nack(nack) => nack.seqs().for_each(|seq| {
                    black_box(seq);
                }),
                Rtcp::TransportFeedback(feedback) => {
                    let ticks = feedback.packets().map(|(_, ticks)| ticks.unwrap_or(-1));
                    black_box(ticks.sum::<i64>());
                }
                other => unreachable!("{other:?}"),
            }
        }
    })
}

/// Measures every case beside every peer.
///
/// # Errors
///
/// None so far.
pub fn run(card: &mut Scorecard) -> Result<()> {
    for case in Case::all() {
        card.contest(case.name(), "rtp", case.goal(), &mut ours(case), &mut rtp(case));
        card.contest(case.name(), "rtc-rtp", case.goal(), &mut ours(case), &mut rtc(case));
    }
    let name = format!("walk RTCP of {} B", compound().len());
    card.contest(name.clone(), "rtcp", Goal::AtLeast(15.0), &mut our_walk(), &mut rtcp());
    card.contest(name, "rtcp-types", Goal::AtLeast(1.0), &mut our_walk(), &mut rtcp_types());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_its_work() {
        for case in Case::all() {
            for mut contestant in [ours(case), rtp(case), rtc(case)] {
                // What isn't read or written as it should be panics.
                assert!(!(contestant.pass)().is_zero());
            }
        }
        for mut contestant in [our_walk(), rtcp(), rtcp_types()] {
            assert!(!(contestant.pass)().is_zero());
        }
    }

    #[test]
    fn the_packets_are_what_they_are_said_to_be() {
        for case in Case::all() {
            let bytes = case.packet();
            let packet = Packet::parse(&bytes[..]).unwrap();
            assert_eq!(packet.payload().len(), case.size);
            assert_eq!(packet.extensions().count(), if case.extended { 3 } else { 0 });
            assert_eq!(map().read(&packet), case.header().extensions);
        }
        assert_eq!(Compound::parse(&compound()).unwrap().iter().count(), 4);
    }
}

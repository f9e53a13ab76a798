//! Transport-wide congestion feedback.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use proptest::prelude::*;
use visavis_core::{Instant, Seq, Ssrc, TooShort};
use visavis_rtp::rtcp::{Compound, Rtcp, Writer};
use visavis_rtp::{ParseErrorKind, ReferenceTime, TransportFeedback};

/// A feedback packet from its base on, filled up with zeros to a word.
fn packet(base: u16, count: u16, reference: u32, tail: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    bytes.extend(base.to_be_bytes());
    bytes.extend(count.to_be_bytes());
    bytes.extend(((reference << 8) | 7).to_be_bytes());
    bytes.extend(tail);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let words = u16::try_from(bytes.len() / 4 - 1).unwrap();
    bytes[2..4].copy_from_slice(&words.to_be_bytes());
    bytes
}

fn feedback(bytes: &[u8]) -> TransportFeedback<'_> {
    match Compound::parse_reduced(bytes).unwrap().iter().next().unwrap().unwrap() {
        Rtcp::TransportFeedback(feedback) => feedback,
        other => panic!("{other:?}"),
    }
}

fn error(bytes: &[u8]) -> ParseErrorKind {
    Compound::parse_reduced(bytes).unwrap().iter().next().unwrap().unwrap_err().kind
}

fn ticks(bytes: &[u8]) -> Vec<Option<i64>> {
    feedback(bytes).packets().map(|(_, ticks)| ticks).collect()
}

/// Writes and tells how many were said.
fn write(
    room: usize,
    base: Seq,
    arrivals: &[Option<Instant>],
) -> Result<(Vec<u8>, usize), TooShort> {
    let mut buffer = vec![0xa5; room];
    let mut writer = Writer::new(&mut buffer);
    let said = writer.transport_feedback(Ssrc(1), Ssrc(2), base, 9, arrivals.iter().copied())?;
    let len = writer.finish();
    buffer.truncate(len);
    Ok((buffer, said))
}

/// What a packet says, as times on the remote clock.
fn arrivals(clock: &mut ReferenceTime, bytes: &[u8]) -> Vec<(Seq, Option<Instant>)> {
    clock.arrivals(&feedback(bytes)).collect()
}

// The examples of the draft, sections 3.1.3 and 3.1.4.

#[test]
fn a_run_of_221_lost_packets() {
    let bytes = packet(0, 221, 0, &[0, 0xdd]);
    assert_eq!(ticks(&bytes), vec![None; 221]);
}

#[test]
fn a_vector_of_one_bit_symbols() {
    // 1 0 1 1 1 1 1 0 0 1 1 1 0 0: one lost after the first, five received, ...
    let bytes = packet(0, 14, 0, &[0x9f, 0x1c, 0, 0, 0, 0, 0, 0, 0, 0]);
    let received: Vec<_> = ticks(&bytes).iter().map(Option::is_some).collect();
    let expected = [0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0].map(|bit| bit == 1);
    assert_eq!(received, expected);
}

#[test]
fn a_vector_of_two_bit_symbols() {
    // Lost, lost with large delta, three small, two lost: 00 10 01 01 01 00 00.
    let bytes = packet(5, 7, 3, &[0xc9, 0x50, 0xff, 0xfe, 10, 20, 30]);
    assert_eq!(ticks(&bytes), [None, Some(-2), Some(8), Some(28), Some(58), None, None]);
    let feedback = feedback(&bytes);
    assert_eq!((feedback.sender, feedback.media), (Ssrc(1), Ssrc(2)));
    assert_eq!((feedback.base_seq(), feedback.packet_count()), (Seq(5), 7));
    assert_eq!((feedback.reference_time(), feedback.feedback_count()), (3, 7));
}

#[test]
fn symbols_beyond_the_count_are_nothing() {
    // The vector goes on with received packets that aren't counted and have no arrivals.
    let bytes = packet(0, 2, 0, &[0xbf, 0xff, 1, 2]);
    assert_eq!(ticks(&bytes), [Some(1), Some(3)]);
    let bytes = packet(0, 1, 0, &[0x20, 0x05, 4]);
    assert_eq!(ticks(&bytes), [Some(4)]);
}

#[test]
fn all_lost_may_end_with_a_word() {
    let bytes = packet(0, 8193, 0, &[0x1f, 0xff, 0, 2]);
    assert_eq!(bytes.len(), 24);
    assert_eq!(ticks(&bytes), vec![None; 8193]);
    let bytes = packet(0, 20, 0, &[0, 20, 0, 0]);
    assert_eq!(ticks(&bytes), vec![None; 20]);
}

#[test]
fn numbers_wrap() {
    let bytes = packet(65_535, 2, 0, &[0x20, 2, 1, 1]);
    let seqs: Vec<_> = feedback(&bytes).packets().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, [Seq(65_535), Seq(0)]);
}

#[test]
fn what_is_missing_or_reserved_is_an_error() {
    assert_eq!(error(&packet(0, 1, 0, &[])), ParseErrorKind::Truncated);
    assert_eq!(error(&packet(0, 3, 0, &[0x20, 2, 1, 1])), ParseErrorKind::Truncated);
    assert_eq!(error(&packet(0, 3, 0, &[0x20, 3, 1, 1])), ParseErrorKind::Truncated);
    assert_eq!(error(&packet(0, 3, 0, &[0x60, 3, 1, 1, 1])), ParseErrorKind::Reserved);
    assert_eq!(error(&packet(0, 7, 0, &[0xf0, 0, 1, 1])), ParseErrorKind::Reserved);
    // A run of no packets says nothing, however often: it must end.
    assert_eq!(error(&packet(0, 1, 0, &[0; 64])), ParseErrorKind::Truncated);
}

#[test]
fn a_step_too_long_or_a_full_buffer_splits_the_packet() {
    let ms = |ms| Some(Instant::from_millis(ms));
    let times = [ms(1000), ms(9000), None, ms(17_300), ms(17_301)];
    let (bytes, said) = write(1200, Seq(0), &times).unwrap();
    assert_eq!((said, ticks(&bytes).len()), (3, 3), "8.3 s don't fit");
    let (_, said) = write(1200, Seq(3), &times[3..]).unwrap();
    assert_eq!(said, 2);

    let many = vec![ms(5); 1000];
    for room in 24..400 {
        let (bytes, said) = write(room, Seq(0), &many).unwrap();
        assert!(bytes.len() <= room && bytes.len() + 4 > room - room % 4, "{room}");
        assert_eq!(ticks(&bytes).len(), said);
    }
    assert_eq!(write(23, Seq(0), &many), Err(TooShort { needed: 24 }));
}

#[test]
fn a_run_longer_than_a_chunk_takes_several() {
    let mut times = vec![None; 20_000];
    times.push(Some(Instant::from_millis(64)));
    let (bytes, said) = write(1200, Seq(0), &times).unwrap();
    // Three chunks for the run, one for the arrival and its byte, filled up.
    assert_eq!((said, bytes.len()), (20_001, 32));
    let read = ticks(&bytes);
    assert_eq!((read.len(), read.iter().flatten().count()), (20_001, 1));
    assert_eq!(read.last(), Some(&Some(0)));
}

#[test]
fn where_nothing_arrived_nothing_is_written() {
    assert_eq!(write(1200, Seq(0), &[None; 30]), Ok((vec![], 30)));
    assert_eq!(write(1200, Seq(0), &[]), Ok((vec![], 0)));
}

#[test]
fn the_reference_time_goes_on_across_its_wrap() {
    let mut clock = ReferenceTime::new();
    let at = |clock: &mut ReferenceTime, reference| {
        let bytes = packet(0, 1, reference, &[0x20, 1, 4]);
        arrivals(clock, &bytes)[0].1.unwrap()
    };
    let first = at(&mut clock, 0xff_ffff);
    assert!((at(&mut clock, 0).diff_millis(first) - 64.0).abs() < 1e-9);
    assert!((at(&mut clock, 0xff_fffe).diff_millis(first) + 64.0).abs() < 1e-9, "an old one");
    // Feedback without arrivals has no say.
    for reference in [0x70_0000, 0xe0_0000] {
        let bytes = packet(0, 1, reference, &[0, 1]);
        assert_eq!(arrivals(&mut clock, &bytes), [(Seq(0), None)]);
    }
    assert!((at(&mut clock, 1).diff_millis(first) - 128.0).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_written_is_read(
        base: u16, start in 0..1_u64 << 40, room in 24..1200_usize,
        steps in prop::collection::vec((0..10_u8, -40_000_i64..120_000), 0..400),
    ) {
        let mut now = start;
        let mut lossy = false;
        let sent: Vec<_> = steps.iter().map(|&(kind, step)| {
            // Runs of arrivals and of losses, small steps and large ones, some of them far too large.
            lossy ^= kind == 0;
            now = match kind {
                1 => now.saturating_add_signed(step * 100_000),
                2 => now.saturating_add_signed(step * 1000),
                _ => now.saturating_add_signed(step.abs() * 10),
            };
            (!lossy).then_some(Instant::from_nanos(now))
        }).collect();

        let (mut clock, mut read, mut at) = (ReferenceTime::new(), Vec::new(), 0);
        while at < sent.len() {
            let seq = Seq(base.wrapping_add(u16::try_from(at).unwrap()));
            let (bytes, said) = write(room, seq, &sent[at..]).unwrap();
            prop_assert!(said > 0);
            if bytes.is_empty() {
                read.extend(vec![None; said]);
            } else {
                prop_assert_eq!(feedback(&bytes).base_seq(), seq);
                prop_assert_eq!(feedback(&bytes).feedback_count(), 9);
                let packets = arrivals(&mut clock, &bytes);
                prop_assert_eq!(packets.len(), said);
                read.extend(packets.iter().map(|(_, arrival)| *arrival));
            }
            at += said;
        }
        // The reader's epoch is its own, which is a whole number of ticks away from the writer's.
        let epoch = sent.iter().zip(&read).find_map(|(sent, read)| {
            Some((*read)?.as_nanos().wrapping_sub((*sent)?.as_nanos() / 250_000 * 250_000))
        });
        for (sent, read) in sent.iter().zip(&read) {
            let expected = sent.map(|at| (at.as_nanos() / 250_000 * 250_000).wrapping_add(epoch.unwrap()));
            prop_assert_eq!(read.map(Instant::as_nanos), expected);
        }
    }
}

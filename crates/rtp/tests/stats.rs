//! Reception statistics, round-trip time and the timing of reports.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use core::time::Duration;
use proptest::prelude::*;
use visavis_core::{
    Bitrate, ClockRate, DataSize, Engine, Instant, NtpTime, RtpTimestamp, Seq, Ssrc,
};
use visavis_rtp::rtcp::ReportBlock;
use visavis_rtp::{ReceptionStats, ReportConfig, ReportDue, ReportTimer, round_trip};

const ME: Ssrc = Ssrc(1);

/// Packets of 20 ms at 8 kHz that come on time.
fn on_time(stats: &mut ReceptionStats, seqs: impl IntoIterator<Item = u16>) -> Vec<Option<u64>> {
    let take = |seq: u16| {
        let now = Instant::from_millis(1000 + u64::from(seq) * 20);
        let timestamp = RtpTimestamp(u32::from(seq) * 160);
        stats.on_packet(now, Seq(seq), timestamp).map(|seq| seq.0)
    };
    seqs.into_iter().map(take).collect()
}

fn report(stats: &mut ReceptionStats) -> ReportBlock {
    stats.report_block(Instant::from_millis(5000), ME)
}

fn pcm() -> ReceptionStats {
    ReceptionStats::new(ClockRate::new(8000).unwrap())
}

#[test]
fn jitter_follows_rfc_3550_a_8() {
    // Transit times in ticks of 1/8 ms; the expected jitter is A.8's, by hand, in sixteenths:
    // j += |d| - ((j + 8) >> 4).
    let late = [0_u64, 16, 0, 40, 40, 0, 8, 120];
    let mut sixteenths = 0_u32;
    let mut before = 0;
    let mut stats = pcm();
    for (n, late) in late.iter().copied().enumerate() {
        let seq = u16::try_from(n).unwrap();
        let now = Instant::from_micros(1_000_000 + u64::from(seq) * 20_000 + late * 125);
        stats.on_packet(now, Seq(seq), RtpTimestamp(u32::from(seq) * 160)).unwrap();
        let step = u32::try_from(late.abs_diff(before)).unwrap();
        if n > 0 {
            sixteenths = sixteenths + step - ((sixteenths + 8) >> 4);
        }
        before = late;
        assert_eq!(report(&mut stats).jitter, sixteenths >> 4, "packet {n}");
    }
    assert_eq!(sixteenths, 209);
    assert_eq!(stats.jitter(), Duration::from_nanos(209 * 1_000_000_000 / 16 / 8000));
}

#[test]
fn a_stream_on_time_has_no_jitter_even_when_some_are_lost_or_late() {
    let mut stats = pcm();
    on_time(&mut stats, [1, 2, 5, 6]);
    // Retransmissions.
    stats.on_packet(Instant::from_millis(9000), Seq(3), RtpTimestamp(480)).unwrap();
    assert_eq!(report(&mut stats).jitter, 0);
    assert_eq!(stats.lost(), 1);
}

#[test]
fn loss_is_that_of_rfc_3550_a_3() {
    let mut stats = pcm();
    assert_eq!(report(&mut stats).highest_seq, 0);
    on_time(&mut stats, (100..110).filter(|seq| seq % 5 != 1));
    let block = report(&mut stats);
    assert_eq!((block.cumulative_lost, block.fraction_lost), (2, 51));
    assert_eq!((block.highest_seq, stats.received(), stats.lost()), (109, 8, 2));
    // Nothing since.
    let block = report(&mut stats);
    assert_eq!((block.cumulative_lost, block.fraction_lost), (2, 0));
    // All since, and those before by retransmission.
    on_time(&mut stats, [110, 101, 106]);
    let block = report(&mut stats);
    assert_eq!((block.cumulative_lost, block.fraction_lost), (0, 0));
    // Duplicates.
    on_time(&mut stats, [110, 110]);
    assert_eq!(report(&mut stats).cumulative_lost, -2);
    assert_eq!(stats.lost(), -2);
    // All but one.
    on_time(&mut stats, [1110]);
    assert_eq!(report(&mut stats).fraction_lost, 255);
}

#[test]
fn the_highest_number_counts_its_wraps() {
    let mut stats = pcm();
    let extended = on_time(&mut stats, [65_534, 65_535, 1, 0, 65_533, 2]);
    let steps: Vec<_> = extended.iter().map(|seq| seq.unwrap() - extended[4].unwrap()).collect();
    assert_eq!(steps, [1, 2, 4, 3, 0, 5]);
    assert_eq!(report(&mut stats).highest_seq, 0x0001_0002);
}

#[test]
fn a_stream_started_anew_is_taken_up_with_its_second_packet() {
    let mut stats = pcm();
    let first = on_time(&mut stats, 60_000..60_010);
    assert_eq!(on_time(&mut stats, [20_000]), [None], "one packet out of place");
    assert!(on_time(&mut stats, [60_010])[0].is_some(), "the stream goes on");
    assert_eq!(on_time(&mut stats, [20_000, 30_000]), [None, None], "not in sequence");
    let anew = on_time(&mut stats, [30_001, 30_002]);
    assert!(anew[0] > first[9]);
    assert_eq!(anew[1], anew[0].map(|seq| seq + 1));
    assert_eq!((stats.received(), stats.lost()), (2, 0));
    assert_eq!(report(&mut stats).highest_seq, 30_002);
}

#[test]
fn the_round_trip_of_rfc_3550_figure_2() {
    // SR sent n = 0xb705:2000, received, answered 5.25 s later, answer received 0xb710:8000.
    let mut stats = pcm();
    let before = report(&mut stats);
    assert_eq!(round_trip(NtpTime(1 << 40), &before), None);
    stats.on_sender_report(Instant::from_millis(7000), NtpTime(0xb44d_b705_2000_0000));
    let block = stats.report_block(Instant::from_millis(12_250), ME);
    assert_eq!((block.last_sr, block.delay_since_last_sr), (0xb705_2000, 0x0005_4000));
    let now = NtpTime(0xb44d_b710_8000_0000);
    assert_eq!(round_trip(now, &block), Some(Duration::from_millis(6125)));
    // The delay can't be longer than all the time that passed; a rounding error may be.
    let now = NtpTime(0xb44d_b70a_6000_0000);
    assert_eq!(round_trip(now, &block), Some(Duration::ZERO));
    assert_eq!(round_trip(NtpTime(now.0 - (3 << 16)), &block), Some(Duration::ZERO));
    assert_eq!(round_trip(NtpTime(now.0 - (1 << 32)), &block), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn counts_match_a_plain_tally(first: u16, kept in prop::collection::vec(any::<bool>(), 1..300)) {
        let mut stats = pcm();
        let seqs = kept.iter().enumerate().filter(|(_, kept)| **kept);
        let seqs: Vec<_> = seqs.map(|(n, _)| first.wrapping_add(u16::try_from(n).unwrap())).collect();
        on_time(&mut stats, seqs.iter().copied());
        let Some(last) = seqs.last() else { return Ok(()) };
        let expected = usize::from(last.wrapping_sub(seqs[0])) + 1;
        prop_assert_eq!(stats.received(), seqs.len() as u64);
        prop_assert_eq!(stats.lost(), i64::try_from(expected - seqs.len()).unwrap());
        let block = report(&mut stats);
        prop_assert_eq!(usize::from(block.fraction_lost), (expected - seqs.len()) * 256 / expected);
        prop_assert_eq!(block.highest_seq & 0xffff, u32::from(*last));
    }

    #[test]
    fn any_packet_can_be_counted(packets in prop::collection::vec(any::<(u64, u16, u32)>(), 0..100)) {
        let mut stats = pcm();
        for (nanos, seq, timestamp) in packets {
            let now = Instant::from_nanos(nanos);
            let extended = stats.on_packet(now, Seq(seq), RtpTimestamp(timestamp));
            prop_assert!(extended.is_none_or(|extended| extended.wire() == Seq(seq)));
            stats.on_sender_report(now, NtpTime(nanos));
            stats.report_block(now, ME);
            let _ = stats.jitter();
        }
    }
}

/// When reports are due, for `seconds`.
fn reports(timer: &mut ReportTimer, seconds: u64) -> Vec<Instant> {
    let (mut due, end) = (Vec::new(), Instant::from_millis(seconds * 1000));
    while let Some(now) = timer.next_wakeup().filter(|now| *now < end) {
        if let Some(ReportDue { .. }) = timer.poll(now, &mut ()) {
            due.push(now);
            timer.on_sent(DataSize::from_bytes(120));
        }
    }
    due
}

fn timer(change: impl FnOnce(&mut ReportConfig)) -> ReportTimer {
    let mut config = ReportConfig::default();
    change(&mut config);
    ReportTimer::new(config, Instant::ZERO).unwrap()
}

#[test]
fn two_members_report_every_five_seconds_on_average() {
    for seed in 0..20 {
        let mut timer = timer(|config| config.seed = seed);
        let due = reports(&mut timer, 5000);
        let first = due[0].as_millis_f64() / 1e3;
        assert!((2.5 * 0.5 / 1.21828..=2.5 * 1.5 / 1.21828).contains(&first), "{first}");
        let mean = due.last().unwrap().since(due[0]).as_secs_f64() / (due.len() - 1) as f64;
        // §6.3.1: reconsideration lets it converge to the interval.
        assert!((4.6..5.2).contains(&mean), "seed {seed}: {mean}");
        let gaps = due.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64());
        let (least, most) = gaps.fold((f64::MAX, 0.0_f64), |(a, b), gap| (a.min(gap), b.max(gap)));
        assert!(least >= 2.0 && most <= 6.2, "seed {seed}: {least} to {most}");
    }
}

#[test]
fn the_interval_shares_the_bandwidth() {
    let mut timer = timer(|config| {
        config.bandwidth = Bitrate::from_bps(8000);
        config.min_interval = Duration::ZERO;
        config.first_size = DataSize::from_bytes(100);
    });
    // 100 B are 0.1 s. Few senders share a quarter, the others three quarters.
    timer.on_members(Instant::ZERO, 100, 10, true);
    assert_eq!(timer.deterministic_interval(), Duration::from_secs(4));
    timer.on_members(Instant::ZERO, 100, 10, false);
    assert_eq!(timer.deterministic_interval(), Duration::from_secs(12));
    // Many share all of it with everybody.
    timer.on_members(Instant::ZERO, 100, 30, true);
    assert_eq!(timer.deterministic_interval(), Duration::from_secs(10));
    timer.set_bandwidth(Bitrate::from_bps(16_000));
    assert_eq!(timer.deterministic_interval(), Duration::from_secs(5));
    timer.on_received(DataSize::from_bytes(260));
    assert_eq!(timer.deterministic_interval(), Duration::from_millis(5500));
    assert_eq!(ReportConfig::reduced_minimum(Bitrate::from_kbps(720)), Duration::from_millis(500));
}

#[test]
fn members_that_join_delay_a_report_and_members_that_leave_hasten_it() {
    let make = || {
        timer(|config| {
            config.bandwidth = Bitrate::from_bps(8000);
            config.min_interval = Duration::from_secs(1);
        })
    };
    let mut joined = make();
    let alone = joined.next_wakeup().unwrap();
    joined.on_members(Instant::ZERO, 10_000, 0, false);
    assert_eq!(joined.poll(alone, &mut ()), None, "considered again");
    let later = joined.next_wakeup().unwrap();
    assert!(later > Instant::from_millis(400_000), "{later:?}");
    joined.on_members(alone, 10, 0, false);
    let sooner = joined.next_wakeup().unwrap();
    assert!(sooner < Instant::from_millis(2000), "{sooner:?}");
}

#[test]
fn regular_reports_keep_their_distance_with_early_feedback() {
    let mut free = timer(|config| config.min_interval = Duration::ZERO);
    let mut spaced = timer(|config| {
        config.min_interval = Duration::ZERO;
        config.regular_interval = Duration::from_secs(2);
    });
    assert!(reports(&mut free, 100).len() > 500);
    let spaced = reports(&mut spaced, 100);
    assert!((40..100).contains(&spaced.len()), "{}", spaced.len());
    assert!(spaced.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_secs(1)));
}

#[test]
fn a_timer_that_cannot_work_is_refused() {
    let refused = |change: fn(&mut ReportConfig)| {
        let mut config = ReportConfig::default();
        change(&mut config);
        ReportTimer::new(config, Instant::ZERO).unwrap_err().field
    };
    assert_eq!(refused(|config| config.bandwidth = Bitrate::ZERO), "bandwidth");
    assert_eq!(refused(|config| config.min_interval = Duration::MAX), "min_interval");
    assert_eq!(refused(|config| config.regular_interval = Duration::MAX), "regular_interval");
}

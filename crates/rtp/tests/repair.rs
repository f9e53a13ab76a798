//! Asking for what is missing, and keeping what may be asked for.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use core::time::Duration;
use proptest::prelude::*;
use std::collections::HashMap;
use visavis_core::{Bitrate, DataSize, Engine, ExtSeq, Instant, Seq};
use visavis_rtp::{NackBatch, NackConfig, NackGenerator, ReportConfig, ReportTimer, Resender};
use visavis_sim::contract;

const RTT: Duration = Duration::from_millis(100);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn nack(change: impl FnOnce(&mut NackConfig)) -> NackGenerator {
    let mut config = NackConfig::default();
    change(&mut config);
    NackGenerator::new(config).unwrap()
}

fn asked(nack: &mut NackGenerator, now: Instant) -> Vec<u16> {
    let mut seqs = Vec::new();
    while let Some(batch) = nack.poll(now, &mut ()) {
        seqs.extend(batch.seqs().iter().map(|seq| seq.0));
    }
    seqs
}

#[test]
fn a_gap_is_asked_for_after_a_little_patience_and_then_once_a_round_trip() {
    let mut nack = nack(|_| {});
    nack.on_rtt(RTT);
    nack.on_packet(at(0), ExtSeq(65_534));
    assert_eq!(nack.next_wakeup(), None);
    nack.on_packet(at(10), ExtSeq(65_538));
    assert_eq!(nack.next_wakeup(), Some(at(15)));
    assert_eq!(asked(&mut nack, at(14)), []);
    assert_eq!(asked(&mut nack, at(15)), [65_535, 0, 1]);
    assert_eq!(asked(&mut nack, at(15)), []);
    nack.on_packet(at(100), ExtSeq(65_536));
    assert_eq!(nack.next_wakeup(), Some(at(140)));
    assert_eq!(asked(&mut nack, at(140)), [65_535, 1]);
    nack.on_packet(at(200), ExtSeq(65_535));
    nack.on_packet(at(200), ExtSeq(65_537));
    nack.on_packet(at(200), ExtSeq(65_537));
    assert_eq!((nack.missing(), nack.next_wakeup()), (0, None));
    let stats = nack.stats();
    assert_eq!((stats.asked, stats.recovered, stats.given_up), (5, 3, 0));
}

#[test]
fn one_that_was_only_overtaken_is_not_asked_for() {
    let mut nack = nack(|_| {});
    for (millis, seq) in [(0, 1), (1, 3), (3, 2), (4, 4)] {
        nack.on_packet(at(millis), ExtSeq(seq));
    }
    assert_eq!(asked(&mut nack, at(1000)), []);
    assert_eq!(nack.stats().asked, 0);
}

#[test]
fn what_is_asked_for_too_often_or_too_old_is_given_up() {
    let mut generator = nack(|config| config.max_asks = 3);
    generator.on_packet(at(0), ExtSeq(1));
    generator.on_packet(at(0), ExtSeq(3));
    let mut asks = Vec::new();
    while let Some(now) = generator.next_wakeup() {
        asks.extend(asked(&mut generator, now).iter().map(|_| now.as_nanos() / 1_000_000));
    }
    assert_eq!(asks, [5, 130, 255]);
    assert_eq!(generator.stats().given_up, 1);

    let mut generator = nack(|config| config.max_age_packets = 10);
    generator.on_packet(at(0), ExtSeq(1));
    for seq in 3..=12 {
        generator.on_packet(at(0), ExtSeq(seq));
        assert_eq!(generator.missing(), 1);
    }
    generator.on_packet(at(0), ExtSeq(13));
    assert_eq!((generator.missing(), generator.stats().given_up), (0, 1));
}

#[test]
fn what_nobody_needs_is_abandoned() {
    let mut nack = nack(|_| {});
    nack.on_packet(at(0), ExtSeq(1));
    nack.on_packet(at(0), ExtSeq(6));
    nack.abandon_before(ExtSeq(4));
    assert_eq!(asked(&mut nack, at(10)), [4, 5]);
    nack.abandon_before(ExtSeq(20));
    nack.on_packet(at(20), ExtSeq(23));
    assert_eq!(asked(&mut nack, at(30)), [20, 21, 22]);
    assert_eq!(nack.stats().abandoned, 4);
}

#[test]
fn an_outage_is_not_asked_for() {
    let mut nack = nack(|_| {});
    nack.on_packet(at(0), ExtSeq(1));
    nack.on_packet(at(5000), ExtSeq(1027));
    assert_eq!((nack.missing(), nack.stats().given_up), (0, 1025));
    nack.on_packet(at(5000), ExtSeq(1029));
    assert_eq!(asked(&mut nack, at(5010)), [1028]);
}

#[test]
fn there_is_only_room_for_so_many() {
    let mut nack = nack(|config| config.capacity = 100);
    nack.on_packet(at(0), ExtSeq(0));
    nack.on_packet(at(0), ExtSeq(201));
    assert_eq!((nack.missing(), nack.stats().given_up), (100, 100));
    let batch = nack.poll(at(5), &mut ()).unwrap();
    assert_eq!(batch.seqs().len(), NackBatch::CAPACITY);
    assert_eq!(batch.into_iter().collect::<Vec<_>>(), batch.seqs());
    assert_eq!(asked(&mut nack, at(5)).len(), 100 - NackBatch::CAPACITY);
}

#[test]
fn figures_out_of_range_are_refused() {
    let refused = |change: fn(&mut NackConfig)| {
        let mut config = NackConfig::default();
        change(&mut config);
        NackGenerator::new(config).unwrap_err().field
    };
    assert_eq!(refused(|config| config.capacity = 0), "capacity");
    assert_eq!(refused(|config| config.max_age_packets = 0), "max_age_packets");
    assert_eq!(refused(|config| config.max_asks = 0), "max_asks");
    for capacity in [0, 3, 65_536] {
        assert!(Resender::<()>::new(capacity).is_err());
    }
}

#[test]
fn the_store_keeps_the_last_and_hands_back_what_it_drops() {
    let mut store = Resender::new(4).unwrap();
    assert_eq!(store.latest(), None);
    for seq in 65_533..=65_535 {
        assert_eq!(store.insert(Seq(seq), seq), None);
    }
    assert_eq!(store.insert(Seq(0), 0), None);
    assert_eq!(store.insert(Seq(1), 1), Some(65_533));
    assert_eq!((store.get(Seq(65_533)), store.get(Seq(65_534))), (None, Some(&65_534)));
    assert_eq!(store.get(Seq(5)), None, "shares its place with 1");
    assert_eq!(store.request(at(0), Seq(5), RTT), None);
    assert_eq!(store.latest(), Some((Seq(1), &1)));

    assert_eq!(store.request(at(0), Seq(0), RTT), Some(&0));
    assert_eq!(store.request(at(99), Seq(0), RTT), None);
    assert_eq!(store.request(at(99), Seq(1), RTT), Some(&1));
    assert_eq!(store.request(at(100), Seq(0), RTT), Some(&0));
    assert_eq!(store.request(at(150), Seq(0), RTT), None, "since the last time");
    let mut left: Vec<_> = store.drain().collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 65_534, 65_535]);
    assert_eq!((store.latest(), store.get(Seq(1))), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Each packet is asked for at most so often, never after it came, never twice within a round
    /// trip; and those that can be had are had in the end.
    #[test]
    fn a_lossy_link_is_repaired(lost in prop::collection::vec(any::<bool>(), 2..200)) {
        let mut nack = nack(|_| {});
        nack.on_rtt(RTT);
        let mut answers: Vec<(Instant, u64)> = Vec::new();
        let mut last_ask: HashMap<u64, Instant> = HashMap::new();
        let mut came = vec![false; lost.len()];
        for millis in 0..lost.len() as u64 * 10 + 2000 {
            let now = at(millis);
            let seq = usize::try_from(millis / 10).unwrap();
            let edge = seq == 0 || seq == lost.len() - 1;
            if millis % 10 == 0 && seq < lost.len() && (!lost[seq] || edge) {
                nack.on_packet(now, ExtSeq(seq as u64));
                came[seq] = true;
            }
            for (_, seq) in answers.extract_if(.., |(due, _)| *due <= now) {
                nack.on_packet(now, ExtSeq(seq));
                came[usize::try_from(seq).unwrap()] = true;
            }
            for seq in asked(&mut nack, now) {
                prop_assert!(!came[usize::from(seq)]);
                let seq = u64::from(seq);
                if let Some(before) = last_ask.insert(seq, now) {
                    prop_assert!(now.since(before) >= RTT);
                    // The first ask is lost, the second is answered.
                    answers.push((now + RTT, seq));
                }
            }
        }
        prop_assert!(came.iter().all(|came| *came));
        prop_assert_eq!((nack.missing(), nack.stats().given_up), (0, 0));
    }
}

#[test]
fn the_nack_generator_keeps_the_contract() {
    let make = || nack(|config| config.capacity = 64);
    contract::check_bounded(
        40,
        make,
        |nack, rng, now| match rng.below(16) {
            0 => nack.on_rtt(Duration::from_millis(rng.below(1000))),
            1 => nack.abandon_before(ExtSeq(rng.below(3000))),
            2 => nack.on_packet(now, ExtSeq(rng.below(u64::MAX))),
            _ => nack
                .on_packet(now, ExtSeq(1000 + now.as_nanos() / 1_000_000 % 1000 + rng.below(20))),
        },
        NackGenerator::missing,
        64,
    );
}

#[test]
fn the_report_timer_keeps_the_contract() {
    let make = || {
        let mut config = ReportConfig::default();
        config.min_interval = Duration::ZERO;
        config.regular_interval = Duration::from_millis(500);
        config.seed = 3;
        ReportTimer::new(config, Instant::ZERO).unwrap()
    };
    contract::check(40, make, |timer, rng, now| match rng.below(4) {
        0 => {
            let (members, senders) = (rng.below(200), rng.below(200));
            let as_u32 = |value| u32::try_from(value).unwrap();
            timer.on_members(now, as_u32(members), as_u32(senders), rng.below(2) == 0);
        }
        1 => timer.on_sent(DataSize::from_bytes(rng.below(2000))),
        2 => timer.on_received(DataSize::from_bytes(rng.below(u64::MAX))),
        _ => timer.set_bandwidth(Bitrate::from_bps(rng.below(1 << 40))),
    });
}

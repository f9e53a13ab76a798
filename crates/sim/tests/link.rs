//! What the emulated link does to packets, in numbers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use core::time::Duration;
use proptest::prelude::*;
use visavis_core::{Bitrate, Engine, Instant};
use visavis_sim::{Capacity, Link, LinkConfig, Loss, LostBy, contract};

const MS: Duration = Duration::from_millis(1);

fn config(change: impl FnOnce(&mut LinkConfig)) -> LinkConfig {
    let mut config = LinkConfig::default();
    config.overhead = 0;
    change(&mut config);
    config
}

fn link<P>(change: impl FnOnce(&mut LinkConfig)) -> Link<P> {
    Link::new(config(change)).unwrap()
}

/// Sends `count` numbered packets of 1000 bytes, one each `every`, and gives what arrives and when.
fn run(link: &mut Link<u64>, count: u64, every: Duration) -> Vec<(Instant, u64)> {
    let mut arrived = Vec::new();
    let mut now = Instant::ZERO;
    for number in 0..count {
        let _ = link.send(now, 1000, number);
        now += every;
        while let Some(delivery) = link.poll(now, &mut ()) {
            arrived.push((delivery.at, delivery.packet));
        }
    }
    while let Some(delivery) = link.poll(now + Duration::from_secs(10), &mut ()) {
        arrived.push((delivery.at, delivery.packet));
    }
    arrived
}

fn numbers(arrived: &[(Instant, u64)]) -> Vec<u64> {
    arrived.iter().map(|one| one.1).collect()
}

#[test]
fn a_perfect_link_delivers_at_once() {
    let mut link = link(|_| ());
    link.send(Instant::from_millis(3), 1000, 'x').unwrap();
    assert_eq!(link.next_wakeup(), Some(Instant::from_millis(3)));
    assert_eq!(link.poll(Instant::from_millis(3), &mut ()).unwrap().packet, 'x');
    assert_eq!(link.next_wakeup(), None);
}

#[test]
fn packets_leave_at_the_capacity_and_arrive_after_the_delay() {
    let mut link = link(|config| {
        config.capacity = Capacity::constant(Bitrate::from_kbps(800));
        config.delay = 50 * MS;
    });
    let arrived = run(&mut link, 10, MS);
    let expected: Vec<_> = (0..10).map(|n| (Instant::from_millis(60 + 10 * n), n)).collect();
    assert_eq!(arrived, expected);
}

#[test]
fn overhead_takes_its_share() {
    let mut link = link(|config| {
        config.capacity = Capacity::constant(Bitrate::from_kbps(800));
        config.overhead = 250;
    });
    let arrived = run(&mut link, 8, MS);
    assert_eq!(arrived[7].0, Instant::from_millis(100));
}

#[test]
fn a_full_queue_drops_the_tail() {
    let mut link = link(|config| {
        config.capacity = Capacity::constant(Bitrate::from_kbps(800));
        config.queue = 40 * MS;
    });
    // Each takes 10 ms; the sixth would wait 50.
    let fates: Vec<_> = (0..7).map(|n| link.send(Instant::ZERO, 1000, n)).collect();
    assert!(fates[..5].iter().all(Result::is_ok));
    assert!(fates[5..].iter().all(|fate| matches!(fate, Err(lost) if lost.by == LostBy::Queue)));
    assert_eq!(link.queue_delay(Instant::ZERO), 50 * MS);
    assert_eq!(link.queue_delay(Instant::from_millis(20)), 30 * MS);
    assert!(link.send(Instant::from_millis(10), 1000, 7).is_ok());
    assert_eq!(link.stats().lost_queue, 2);
    assert_eq!(link.stats().sent, 8);
}

#[test]
fn the_capacity_follows_its_script() {
    let mut link = link(|config| config.capacity = Capacity::parse("0 800\n1 400").unwrap());
    assert_eq!(link.capacity_at(Instant::from_millis(1000)), Some(Bitrate::from_kbps(400)));
    link.send(Instant::from_millis(995), 1000, 'x').unwrap();
    assert_eq!(link.next_wakeup(), Some(Instant::from_millis(1010)));
}

#[test]
fn jitter_keeps_the_order_and_stays_in_its_range() {
    let mut link = link(|config| {
        config.delay = 20 * MS;
        config.jitter = 30 * MS;
    });
    let arrived = run(&mut link, 5000, 10 * MS);
    assert_eq!(numbers(&arrived), (0..5000).collect::<Vec<_>>());
    let extra = |one: &(Instant, u64)| one.0.diff_millis(Instant::from_millis(one.1 * 10)) - 20.0;
    assert!(arrived.iter().all(|one| (0.0..=30.0).contains(&extra(one))));
    assert!(arrived.iter().any(|one| extra(one) < 3.0));
    assert!(arrived.iter().any(|one| extra(one) > 29.0));
}

#[test]
fn random_loss_has_its_share_and_no_memory() {
    let mut link = link(|config| config.loss = Loss::Random(0.1));
    let arrived = numbers(&run(&mut link, 100_000, MS));
    assert!((89_500..90_500).contains(&arrived.len()), "{}", arrived.len());
    let pairs = arrived.windows(2).filter(|pair| pair[1] - pair[0] > 2).count();
    // A gap of at least two begins before 1 % of the 90 % that arrive.
    assert!((800..1000).contains(&pairs), "{pairs}");
    assert_eq!(link.stats().lost_random, 100_000 - link.stats().delivered);
}

#[test]
fn bursts_have_their_length() {
    let mut link = link(|config| config.loss = Loss::bursts(0.05, 4.0));
    let arrived = numbers(&run(&mut link, 200_000, MS));
    let lost = 200_000 - arrived.len();
    let bursts = arrived.windows(2).filter(|pair| pair[1] - pair[0] > 1).count();
    assert!((9_000..11_000).contains(&lost), "{lost}");
    assert!((36..44).contains(&(10 * lost / bursts)), "{lost} in {bursts}");
}

#[test]
fn reordered_packets_are_overtaken() {
    let mut link = link(|config| {
        config.reorder = 0.1;
        config.reorder_delay = 15 * MS;
    });
    let arrived = numbers(&run(&mut link, 10_000, 10 * MS));
    assert_eq!(arrived.len(), 10_000);
    let overtaken = arrived.windows(2).filter(|pair| pair[1] < pair[0]).count();
    // One that comes 15 ms late is overtaken by the next unless that one is late too.
    assert!((800..1000).contains(&overtaken), "{overtaken}");
}

#[test]
fn doubles_are_counted() {
    let mut link = link(|config| config.duplicate = 0.25);
    let arrived = numbers(&run(&mut link, 10_000, MS));
    assert_eq!(arrived.len() as u64, 10_000 + link.stats().duplicated);
    assert!((2_300..2_700).contains(&link.stats().duplicated));
}

#[test]
fn the_seed_decides_and_one_setting_leaves_the_others_alone() {
    let seeded = |seed, duplicate| {
        let mut link = link(|config| {
            config.seed = seed;
            config.loss = Loss::Random(0.3);
            config.jitter = 9 * MS;
            config.duplicate = duplicate;
        });
        let mut arrived = run(&mut link, 500, MS);
        arrived.dedup();
        arrived
    };
    assert_eq!(seeded(1, 0.0), seeded(1, 0.0));
    assert_ne!(seeded(1, 0.0), seeded(2, 0.0));
    assert_eq!(seeded(1, 0.0), seeded(1, 0.5));
}

#[test]
fn the_number_of_packets_is_bounded() {
    let make = || {
        link(|config| {
            config.max_packets = 20;
            config.delay = 200 * MS;
            config.jitter = 50 * MS;
            config.duplicate = 0.5;
            config.reorder = 0.3;
            config.loss = Loss::Random(0.1);
            config.capacity = Capacity::parse("0 500\n3 0\n4 5000").unwrap();
        })
    };
    contract::check_bounded(
        50,
        make,
        |link, rng, now| {
            let number = rng.bits();
            for _ in 0..rng.below(12) {
                let _ = link.send(now, 1200, number);
            }
        },
        Link::len,
        20,
    );
}

#[test]
fn a_dead_link_drops_everything_once_it_is_full() {
    let mut link = link(|config| config.capacity = Capacity::constant(Bitrate::ZERO));
    assert!(link.send(Instant::ZERO, 1, 'x').is_err());
    assert_eq!(link.next_wakeup(), None);
}

#[test]
fn what_can_not_be_is_refused() {
    let field = |change: fn(&mut LinkConfig)| Link::<()>::new(config(change)).unwrap_err().field;
    assert_eq!(field(|config| config.reorder = 1.1), "reorder");
    assert_eq!(field(|config| config.duplicate = f64::NAN), "duplicate");
    assert_eq!(field(|config| config.loss = Loss::Random(-0.1)), "loss");
    assert_eq!(field(|config| config.loss = Loss::bursts(2.0, 1.0)), "loss");
    assert_eq!(field(|config| config.max_packets = 0), "max_packets");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent when, no more gets through than the capacity allows.
    #[test]
    fn the_capacity_is_never_exceeded(
        sends in prop::collection::vec((0u64..20_000, 1usize..1500), 1..300),
        kbps in 50u64..5000,
    ) {
        let mut link = link(|config| config.capacity = Capacity::constant(Bitrate::from_kbps(kbps)));
        let (mut now, mut sent) = (Instant::ZERO, Vec::new());
        for (micros, bytes) in sends {
            now += Duration::from_micros(micros);
            if link.send(now, bytes, bytes).is_ok() {
                sent.push(bytes);
            }
        }
        let (mut bits, mut arrived, mut begin) = (0.0, Vec::new(), None);
        while let Some(delivery) = link.poll(now + Duration::from_secs(60), &mut ()) {
            if let Some(begin) = begin {
                bits += 8.0 * delivery.packet as f64;
                let seconds = delivery.at.since(begin).as_secs_f64();
                prop_assert!(bits <= seconds * kbps as f64 * 1e3 + 1.0, "{bits} bit in {seconds} s");
            }
            begin = begin.or(Some(delivery.at));
            arrived.push(delivery.packet);
        }
        prop_assert_eq!(arrived, sent);
    }
}

//! What leaves the pacer, and when.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use core::time::Duration;
use proptest::prelude::*;
use visavis_congestion::{Overflow, Paced, Pacer, PacerConfig, PacketKind, ProbeCluster, ProbeId};
use visavis_core::{Bitrate, DataSize, Engine, Instant};
use visavis_sim::{VirtualClock, contract};

use PacketKind::{Audio, Padding, Retransmission, Video};

fn bytes(bytes: u64) -> DataSize {
    DataSize::from_bytes(bytes)
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// 1000 bytes take 10 ms.
fn pacer<P>() -> Pacer<P> {
    let mut config = PacerConfig::default();
    config.pacing = Bitrate::from_kbps(800);
    Pacer::new(config).unwrap()
}

fn cluster(id: u32, kbps: u64, min_size: u64) -> ProbeCluster {
    let rate = Bitrate::from_kbps(kbps);
    ProbeCluster { id: ProbeId(id), rate, min_size: bytes(min_size), min_packets: 5 }
}

/// Polls at each wakeup until `end`: milliseconds and what came.
fn drain<P>(pacer: &mut Pacer<P>, begin: u64, end: u64) -> Vec<(f64, Paced<P>)> {
    let mut clock = VirtualClock::new();
    clock.advance_to(at(begin));
    let mut all = Vec::new();
    loop {
        while let Some(paced) = pacer.poll(clock.now(), &mut ()) {
            all.push((clock.now().as_millis_f64(), paced));
        }
        if !clock.advance([pacer.next_wakeup()]) || clock.now() >= at(end) {
            return all;
        }
    }
}

fn packets<P: Clone>(all: &[(f64, Paced<P>)]) -> Vec<(f64, P)> {
    let packet = |(ms, paced): &(f64, Paced<P>)| match paced {
        Paced::Packet { packet, .. } => Some((*ms, packet.clone())),
        Paced::Padding { .. } => None,
    };
    all.iter().filter_map(packet).collect()
}

#[test]
fn packets_leave_at_the_pace() {
    let mut pacer = pacer();
    for number in 0..4 {
        pacer.push(at(0), Video, bytes(1000), number).unwrap();
    }
    assert_eq!(pacer.queue_delay(), Duration::from_millis(40));
    let sent = packets(&drain(&mut pacer, 0, 1000));
    assert_eq!(sent, [(0.0, 0), (10.0, 1), (20.0, 2), (30.0, 3)]);
    assert_eq!(pacer.next_wakeup(), None);
    assert!(pacer.is_empty());
}

#[test]
fn the_urgent_kinds_go_first_and_sound_never_waits() {
    let mut pacer = pacer();
    for (kind, name) in [(Padding, 'p'), (Video, 'v'), (Retransmission, 'r'), (Audio, 'a')] {
        pacer.push(at(0), kind, bytes(1000), name).unwrap();
    }
    pacer.push(at(0), Audio, bytes(1000), 'b').unwrap();
    let sent = packets(&drain(&mut pacer, 0, 1000));
    assert_eq!(sent, [(0.0, 'a'), (0.0, 'b'), (20.0, 'r'), (30.0, 'v'), (40.0, 'p')]);
}

#[test]
fn fractions_are_not_lost() {
    let mut pacer = pacer();
    // A third of a bit a nanosecond: no packet's time is whole.
    pacer.set_rate(at(0), Bitrate::from_bps(333_333), Bitrate::ZERO);
    for number in 0..1001u32 {
        pacer.push(at(0), Video, bytes(7), number).unwrap();
    }
    let sent = packets(&drain(&mut pacer, 0, 100_000));
    let exact = 1000.0 * 56.0 / 333.333;
    assert!((sent[1000].0 - exact).abs() < 2e-6, "{} {exact}", sent[1000].0);
}

#[test]
fn a_new_rate_holds_at_once_also_for_what_is_owed() {
    let mut pacer = pacer();
    for number in 0..3 {
        pacer.push(at(0), Video, bytes(1000), number).unwrap();
    }
    assert!(pacer.poll(at(0), &mut ()).is_some());
    pacer.set_rate(at(5), Bitrate::from_kbps(80), Bitrate::ZERO);
    // Half of the first packet is still owed, and takes ten times as long.
    let sent = packets(&drain(&mut pacer, 5, 1000));
    assert_eq!(sent, [(55.0, 1), (155.0, 2)]);
}

#[test]
fn who_is_late_catches_up_by_the_burst_and_no_more() {
    let mut pacer = pacer();
    for number in 0..100 {
        pacer.push(at(0), Video, bytes(100), number).unwrap();
    }
    let count =
        |pacer: &mut Pacer<_>, ms| core::iter::from_fn(|| pacer.poll(at(ms), &mut ())).count();
    assert_eq!(count(&mut pacer, 0), 1);
    // A packet takes 1 ms: 5 are late, and one is due.
    assert_eq!(count(&mut pacer, 6), 6);
    assert_eq!(count(&mut pacer, 50), 6);
}

#[test]
fn a_full_queue_gives_the_packet_back() {
    let mut config = PacerConfig::default();
    config.queue = 2;
    let mut pacer = Pacer::new(config).unwrap();
    assert_eq!(pacer.push(at(0), Video, bytes(100), 'a'), Ok(()));
    assert_eq!(pacer.push(at(0), Audio, bytes(100), 'b'), Ok(()));
    assert_eq!(pacer.push(at(0), Audio, bytes(100), 'c'), Err(Overflow('c')));
    assert_eq!(pacer.overflows(), 1);
    pacer.retain(|name| *name != 'a');
    assert_eq!(pacer.len(), 1);
    assert_eq!(pacer.push(at(0), Audio, bytes(100), 'd'), Ok(()));
    assert_eq!(packets(&drain(&mut pacer, 0, 1000)), [(0.0, 'b'), (0.0, 'd')]);
}

#[test]
fn a_probe_begins_with_a_packet_and_is_filled_up_at_its_rate() {
    let mut pacer = pacer();
    assert!(pacer.start_probe(at(0), cluster(1, 8000, 7500)));
    assert_eq!(pacer.poll(at(1), &mut ()), None);
    pacer.push(at(2), Audio, bytes(100), 'a').unwrap();
    assert_eq!(
        pacer.poll(at(2), &mut ()),
        Some(Paced::Packet { packet: 'a', probe: None }),
        "sound doesn't begin a probe"
    );
    assert_eq!(pacer.poll(at(2), &mut ()), None);
    pacer.push(at(5), Video, bytes(1000), 'v').unwrap();
    pacer.push(at(5), Video, bytes(500), 'w').unwrap();
    let sent = drain(&mut pacer, 5, 1000);
    let probe = Some(ProbeId(1));
    let padding = Paced::Padding { size: bytes(1000), probe };
    let mut expected = vec![
        (5.0, Paced::Packet { packet: 'v', probe }),
        (6.0, Paced::Packet { packet: 'w', probe }),
    ];
    expected.extend((0..6).map(|n| (6.5 + f64::from(n), padding.clone())));
    assert_eq!(sent, expected);
    // What was sent beyond the pace is owed: 7500 bytes take 75 ms from 5 ms on, less the 4 ms that
    // could be caught up then.
    pacer.push(at(13), Video, bytes(1000), 'x').unwrap();
    let after = packets(&drain(&mut pacer, 13, 1000));
    assert_eq!(after, [(76.0, 'x')]);
}

#[test]
fn a_probe_that_can_not_begin_is_given_up_and_few_may_wait() {
    let mut pacer = pacer::<char>();
    for id in 0..4 {
        assert!(pacer.start_probe(at(0), cluster(id, 8000, 1000)));
    }
    assert!(!pacer.start_probe(at(0), cluster(4, 8000, 1000)));
    assert!(!pacer.start_probe(at(0), cluster(5, 0, 1000)));
    assert_eq!(pacer.next_wakeup(), Some(at(5000)));
    assert_eq!(drain(&mut pacer, 0, 100_000), []);
    assert_eq!(pacer.next_wakeup(), None);
}

#[test]
fn padding_fills_up_to_its_rate_and_gives_way() {
    let mut pacer = pacer();
    pacer.set_rate(at(0), Bitrate::from_kbps(800), Bitrate::from_kbps(400));
    let filled = |all: &[(f64, Paced<char>)]| -> u64 {
        let size = |paced: &Paced<char>| match paced {
            Paced::Padding { size, .. } => size.bytes(),
            Paced::Packet { .. } => 0,
        };
        all.iter().map(|one| size(&one.1)).sum()
    };
    let alone = filled(&drain(&mut pacer, 0, 1000));
    assert!((49_500..=50_500).contains(&alone), "{alone}");
    for _ in 0..25 {
        pacer.push(at(1000), Video, bytes(1000), 'v').unwrap();
    }
    let beside = drain(&mut pacer, 1000, 2000);
    assert_eq!(packets(&beside).len(), 25);
    let filled = filled(&beside);
    assert!((24_500..=25_500).contains(&filled), "{filled}");
}

#[test]
fn nonsense_is_refused() {
    let mut config = PacerConfig::default();
    config.queue = 0;
    assert_eq!(Pacer::<()>::new(config).unwrap_err().field, "queue");
    let mut config = PacerConfig::default();
    config.padding = DataSize::ZERO;
    assert_eq!(Pacer::<()>::new(config).unwrap_err().field, "padding");
}

#[test]
fn it_keeps_the_contract() {
    let make = || {
        let mut config = PacerConfig::default();
        config.queue = 30;
        Pacer::new(config).unwrap()
    };
    contract::check_bounded(
        100,
        make,
        |pacer, rng, now| match rng.below(10) {
            0 => {
                let rate = |kbps| Bitrate::from_kbps(kbps);
                pacer.set_rate(now, rate(rng.below(3000)), rate(rng.below(2) * rng.below(900)));
            }
            1 => {
                let id = u32::try_from(rng.below(9)).unwrap();
                pacer.start_probe(now, cluster(id, rng.below(9000), rng.below(20_000)));
            }
            2 => pacer.retain(|number| number % 3 > 0),
            _ => {
                let kinds = [Audio, Video, Retransmission, Padding];
                let kind = kinds[usize::try_from(rng.below(4)).unwrap()];
                let _ = pacer.push(now, kind, bytes(rng.below(1500)), rng.bits());
            }
        },
        Pacer::len,
        30,
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// In any window no more leaves than rate × window + burst, and one packet.
    #[test]
    fn the_pace_is_never_exceeded(
        pushes in prop::collection::vec((0u64..30_000, 1u64..1500, 0u64..8_000), 1..200),
        kbps in 50u64..5000,
    ) {
        let mut config = PacerConfig::default();
        config.pacing = Bitrate::from_kbps(kbps);
        let mut pacer = Pacer::new(config).unwrap();
        let (mut now, mut sent) = (Instant::ZERO, Vec::new());
        let kinds = [Video, Retransmission, Padding];
        for (index, (micros, size, late)) in pushes.into_iter().enumerate() {
            now += Duration::from_micros(micros);
            pacer.push(now, kinds[index % 3], bytes(size), size).unwrap();
            // A timer that's late, or early.
            let then = pacer.next_wakeup().unwrap_or(now) + Duration::from_micros(late);
            while let Some(Paced::Packet { packet, .. }) = pacer.poll(then, &mut ()) {
                sent.push((then, packet));
            }
            now = now.max(then);
        }
        let limit = 1500 * 8 + kbps * 5 + 8;
        for begin in 0..sent.len() {
            let mut bits = 0;
            for end in begin..sent.len() {
                bits += sent[end].1 * 8;
                let window = sent[end].0.since(sent[begin].0);
                let allowed = Bitrate::from_kbps(kbps).over(window).bits() + limit;
                prop_assert!(bits <= allowed, "{bits} > {allowed} in {window:?}");
            }
        }
    }
}

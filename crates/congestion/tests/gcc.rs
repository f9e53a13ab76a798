//! The controller's rules, apart from how well it does on a network.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a panic is the failure a test reports"
)]

use core::time::Duration;
use proptest::prelude::*;
use visavis_congestion::{
    Controller, Gcc, GccConfig, Limits, LossBased, LossBasedConfig, PacketKind, ProbeId,
    SendHistory, SentPacket, Update,
};
use visavis_core::{Bitrate, DataSize, Ecn, Engine, ExtSeq, Instant, PacketReport, Seq};
use visavis_sim::{Rng, contract};

const LIMITS: Limits = Limits { min: Bitrate::from_kbps(100), max: Bitrate::from_kbps(1500) };

fn gcc(start: u64) -> Gcc {
    let mut config = GccConfig::default();
    config.start = Bitrate::from_kbps(start);
    config.limits = LIMITS;
    Gcc::new(config).unwrap()
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn packet(seq: u64, kind: PacketKind) -> SentPacket {
    let size = DataSize::from_bytes(1200);
    SentPacket { seq: ExtSeq(seq), size, kind, probe: None }
}

fn report(seq: u64, sent: u64, arrived: Option<u64>) -> PacketReport {
    PacketReport {
        seq: ExtSeq(seq),
        sent_at: at(sent),
        arrived_at: arrived.map(at),
        size: DataSize::from_bytes(1200),
        ecn: Ecn::NotEct,
    }
}

fn updates(controller: &mut impl Controller, now: Instant) -> Vec<Update> {
    core::iter::from_fn(|| controller.poll(now, &mut ())).collect()
}

/// A packet each 20 ms (480 kb/s) from `begin` to `end`, reported each 100 ms as `arrives` says.
fn feed(
    gcc: &mut Gcc,
    begin: u64,
    end: u64,
    kind: PacketKind,
    arrives: impl Fn(u64) -> Option<u64>,
) -> Vec<Update> {
    let (mut reports, mut all) = (Vec::new(), Vec::new());
    for ms in (begin..end).step_by(20) {
        gcc.on_sent(at(ms), &packet(ms / 20, kind));
        reports.push(report(ms / 20, ms, arrives(ms)));
        if ms % 100 == 80 {
            gcc.on_feedback(at(ms), &reports);
            reports.clear();
        }
        all.extend(updates(gcc, at(ms)));
    }
    all
}

#[test]
fn the_first_update_comes_at_once_and_says_the_start() {
    let mut gcc = gcc(500);
    assert_eq!(gcc.next_wakeup(), Some(Instant::ZERO));
    let first = updates(&mut gcc, at(3));
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].target, Bitrate::from_kbps(500));
    assert!(first[0].pacing > first[0].target);
    assert_eq!(gcc.next_wakeup(), None);
}

#[test]
fn sound_alone_sends_no_probe_and_pictures_do_at_once() {
    let probes = |all: Vec<Update>| -> Vec<_> {
        all.iter().filter_map(|update| update.probe.map(|probe| probe.rate.bps() / 1000)).collect()
    };
    let mut gcc = gcc(400);
    let arrives = |ms| Some(ms + 50);
    assert!(probes(feed(&mut gcc, 0, 10_000, PacketKind::Audio, arrives)).is_empty());
    let before = gcc.target().bps() / 1000;
    let began = probes(feed(&mut gcc, 10_000, 10_020, PacketKind::Video, arrives));
    assert_eq!(began, [(3 * before).min(1500)]);
}

#[test]
fn no_probe_if_none_is_wanted() {
    let mut config = GccConfig::default();
    config.probing = false;
    let mut gcc = Gcc::new(config).unwrap();
    let all = feed(&mut gcc, 0, 20_000, PacketKind::Video, |ms| Some(ms + 50));
    assert!(all.iter().all(|update| update.probe.is_none()));
}

#[test]
fn a_growing_delay_lowers_it_and_an_empty_queue_raises_it() {
    let mut gcc = gcc(500);
    feed(&mut gcc, 0, 3000, PacketKind::Video, |ms| Some(ms + 50));
    let before = gcc.target();
    assert!(before > Bitrate::from_kbps(500));
    // 400 of 480 kb/s pass.
    feed(&mut gcc, 3000, 3600, PacketKind::Video, |ms| Some(ms + 50 + (ms - 3000) / 5));
    let low = gcc.target();
    assert!(low < Bitrate::from_kbps(400), "{low}");
    feed(&mut gcc, 3600, 8000, PacketKind::Video, |ms| Some(ms + 50));
    assert!(gcc.target() > low.scale(1.1));
}

#[test]
fn a_delay_that_jumps_about_without_a_queue_does_not_lower_it() {
    let mut gcc = gcc(500);
    feed(&mut gcc, 0, 20_000, PacketKind::Video, |ms| Some(ms + 50 + ms / 20 * 7 % 15));
    assert!(gcc.target() > Bitrate::from_kbps(600), "{}", gcc.target());
}

#[test]
fn silence_lowers_it_to_the_minimum_and_the_first_report_ends_that() {
    let mut gcc = gcc(1000);
    feed(&mut gcc, 0, 1000, PacketKind::Video, |ms| Some(ms + 50));
    let before = gcc.target();
    for ms in (1000..1400).step_by(20) {
        gcc.on_sent(at(ms), &packet(ms / 20, PacketKind::Video));
        updates(&mut gcc, at(ms));
    }
    assert!(gcc.target() >= before, "a short one doesn't matter");
    for ms in (1400..6000).step_by(20) {
        gcc.on_sent(at(ms), &packet(ms / 20, PacketKind::Video));
        updates(&mut gcc, at(ms));
    }
    assert_eq!(gcc.target(), LIMITS.min);
    gcc.on_feedback(at(6000), &[report(299, 5980, Some(6040))]);
    for ms in (6000..12_000).step_by(20) {
        updates(&mut gcc, at(ms));
    }
    assert_eq!(gcc.target(), LIMITS.min, "nothing was sent, so there's no silence");
}

#[test]
fn the_limits_hold_at_once() {
    let mut gcc = gcc(1000);
    let low = Limits { min: Bitrate::from_kbps(10), max: Bitrate::from_kbps(50) };
    gcc.set_limits(at(1), low);
    assert_eq!(updates(&mut gcc, at(1))[0].target, low.max);
    let high = Limits { min: Bitrate::from_kbps(700), max: Bitrate::from_kbps(5000) };
    gcc.set_limits(at(2), high);
    assert_eq!(updates(&mut gcc, at(2))[0].target, high.min);
    let wrong = Limits { min: high.max, max: low.max };
    gcc.set_limits(at(3), wrong);
    assert_eq!(gcc.target(), low.max, "the maximum counts");
}

#[test]
fn receiver_reports_tell_the_round_trip() {
    let mut gcc = gcc(500);
    gcc.on_receiver_report(at(1), 0.9, 1000, Some(Duration::from_millis(70)));
    let update = updates(&mut gcc, at(1))[0];
    assert_eq!(update.rtt, Duration::from_millis(70));
    assert_eq!(update.target, Bitrate::from_kbps(500));
}

#[test]
fn a_configuration_that_can_not_work_is_refused() {
    let field = |change: fn(&mut GccConfig)| {
        let mut config = GccConfig::default();
        change(&mut config);
        Gcc::new(config).unwrap_err().field
    };
    assert_eq!(field(|config| config.limits.min = Bitrate::ZERO), "limits.min");
    assert_eq!(field(|config| config.limits.max = Bitrate::ZERO), "limits.max");
    assert_eq!(field(|config| config.start = Bitrate::from_kbps(1)), "start");
    assert_eq!(field(|config| config.start = Bitrate::from_kbps(99_999)), "start");
}

#[test]
fn any_controller_fits_into_a_box() {
    let all: [Box<dyn Controller>; 2] =
        [Box::new(gcc(500)), Box::new(LossBased::new(LossBasedConfig::default()).unwrap())];
    for mut one in all {
        assert!(one.poll(at(0), &mut ()).is_some());
    }
}

fn random_input(gcc: &mut Gcc, rng: &mut Rng, now: Instant) {
    let seq = now.as_nanos() / 5_000_000;
    match rng.below(8) {
        0 => gcc.on_rtt(now, rng.duration(Duration::from_secs(100))),
        1 => {
            let rate = |rng: &mut Rng| Bitrate::from_kbps(rng.below(3000));
            gcc.set_limits(now, Limits { min: rate(rng), max: rate(rng) });
        }
        2..5 => {
            let kinds = [PacketKind::Audio, PacketKind::Video, PacketKind::Padding];
            let kind = kinds[rng.below(3) as usize];
            let probe = rng.chance(0.5).then(|| ProbeId(rng.below(4) as u32));
            gcc.on_sent(now, &SentPacket { probe, ..packet(seq, kind) });
        }
        _ => {
            let reports: Vec<_> = (0..rng.below(30))
                .map(|n| {
                    let sent = now.as_nanos() / 1_000_000 + n;
                    let arrived = rng.chance(0.8).then(|| sent + rng.below(400));
                    report(seq + n - 15.min(seq), sent, arrived)
                })
                .collect();
            gcc.on_feedback(now, &reports);
        }
    }
}

#[test]
fn it_keeps_the_contract() {
    contract::check(100, || gcc(500), random_input);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    /// Whatever comes in whatever order, and at any time.
    #[test]
    fn the_target_stays_within_its_limits(
        inputs in prop::collection::vec(
            (any::<u8>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<u16>()), 1..300,
        ),
    ) {
        let mut gcc = gcc(500);
        let mut history = SendHistory::new(64).unwrap();
        for (what, now, sent, arrived, size) in inputs {
            // Mostly near each other, sometimes anywhere.
            let near = |time: u64| if what < 250 { time % 10_000_000_000 } else { time };
            let now = Instant::from_nanos(near(now));
            let size = DataSize::from_bytes(if what < 250 { u64::from(size) } else { sent });
            let probe = (what % 3 == 0).then_some(ProbeId(u32::from(what % 4)));
            let kind = PacketKind::Video;
            match what % 4 {
                0 => {
                    let packet = SentPacket { seq: ExtSeq(near(sent) / 10_000_000), size, kind, probe };
                    history.on_sent(now, &packet);
                    gcc.on_sent(now, &packet);
                }
                1 => {
                    let arrived = (arrived % 3 > 0).then(|| Instant::from_nanos(near(arrived)));
                    let seq = Seq((near(sent) / 10_000_000) as u16);
                    gcc.on_feedback(now, history.resolve(seq, arrived, Ecn::Ce).as_slice());
                }
                2 => {
                    let one = |n: u64| PacketReport {
                        seq: ExtSeq(near(sent).saturating_add(n)),
                        sent_at: Instant::from_nanos(near(sent)),
                        arrived_at: (n != 3).then(|| Instant::from_nanos(near(arrived).saturating_add(n))),
                        size,
                        ecn: Ecn::NotEct,
                    };
                    gcc.on_feedback(now, &[0, 1, 2, 3, 4].map(one));
                }
                _ => gcc.on_rtt(now, Duration::from_nanos(arrived)),
            }
            for update in updates(&mut gcc, now) {
                prop_assert!((LIMITS.min..=LIMITS.max).contains(&update.target));
                prop_assert!(update.pacing >= update.target);
                prop_assert!((0.0..=1.0).contains(&update.loss));
                if let Some(probe) = update.probe {
                    prop_assert!(probe.rate <= LIMITS.max);
                }
            }
        }
    }
}

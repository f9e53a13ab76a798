//! What the controllers do on networks of all kinds, as tables of numbers.
//!
//! One flow of sound and pictures in virtual time (see `network`), 20 ms each way where nothing else is
//! said. Rates are in kb/s with all overhead, times in ms. `queue` is the wait before the bottleneck,
//! `delay` the time from the encoder to the receiver.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a panic is the failure a test reports"
)]

mod network;

use core::fmt::Write;
use core::time::Duration;
use network::{Flow, Second, percentile};
use visavis_congestion::{Controller, Gcc, GccConfig, Limits, LossBased, LossBasedConfig};
use visavis_core::{Bitrate, Instant};
use visavis_sim::{Capacity, LinkConfig, Loss};

const MS: Duration = Duration::from_millis(1);

fn gcc(start: u64, min: u64, max: u64) -> Gcc {
    let mut config = GccConfig::default();
    config.start = Bitrate::from_kbps(start);
    config.limits = Limits { min: Bitrate::from_kbps(min), max: Bitrate::from_kbps(max) };
    Gcc::new(config).unwrap()
}

/// As a call starts by default.
fn call() -> Gcc {
    gcc(500, 100, 1500)
}

fn link(capacity: &str, change: impl FnOnce(&mut LinkConfig)) -> LinkConfig {
    let mut link = LinkConfig::default();
    link.delay = 20 * MS;
    if !capacity.is_empty() {
        link.capacity = Capacity::parse(capacity).unwrap();
    }
    change(&mut link);
    link
}

fn flow<C: Controller>(controller: C, forward: LinkConfig, seed: u64) -> Flow<C> {
    let mut backward = LinkConfig::default();
    backward.delay = forward.delay;
    Flow::new(controller, forward, backward, seed)
}

fn run(controller: impl Controller, forward: LinkConfig, seconds: u64, seed: u64) -> Vec<Second> {
    let mut flow = flow(controller, forward, seed);
    flow.run(Instant::from_millis(seconds * 1000));
    flow.seconds
}

fn mean(rows: &[Second], of: fn(&Second) -> u64) -> u64 {
    rows.iter().map(of).sum::<u64>() / rows.len() as u64
}

/// In kb/s.
fn delivered(rows: &[Second]) -> u64 {
    mean(rows, |row| row.delivered) / 1000
}

fn loss_percent(rows: &[Second]) -> f64 {
    let sum = |of: fn(&Second) -> u64| rows.iter().map(of).sum::<u64>() as f64;
    100.0 * sum(|row| row.lost) / sum(|row| row.sent)
}

fn queue(rows: &[Second], p: f64) -> f64 {
    percentile(rows.iter().flat_map(|row| row.queue.iter().copied()).collect(), p)
}

fn delay(rows: &[Second], p: f64) -> f64 {
    percentile(rows.iter().flat_map(|row| row.delay.iter().copied()).collect(), p)
}

/// One row for each `step` seconds.
fn table(seconds: &[Second], step: usize) -> String {
    let mut text = String::from("  s  target  delivered  lost %  queue p50  p95  delay p50  p95\n");
    for (index, rows) in seconds.chunks(step).enumerate() {
        writeln!(
            text,
            "{:3}  {:6}  {:9}  {:6.2}  {:9.0}  {:3.0}  {:9.0}  {:3.0}",
            (index + 1) * step,
            rows.last().unwrap().target,
            delivered(rows),
            loss_percent(rows),
            queue(rows, 0.5),
            queue(rows, 0.95),
            delay(rows, 0.5),
            delay(rows, 0.95),
        )
        .unwrap();
    }
    text
}

#[test]
fn a_bottleneck_of_600_kbps() {
    for seed in 1..=8 {
        let seconds = run(call(), link("0 600", |_| ()), 30, seed);
        let last = seconds[29].target;
        assert!((300..=600).contains(&last), "{last}, seed {seed}");
        assert!(loss_percent(&seconds[5..]) < 0.1, "seed {seed}\n{}", table(&seconds, 1));
        assert!(queue(&seconds, 0.95) < 100.0, "seed {seed}\n{}", table(&seconds, 1));
        assert!(delivered(&seconds) > 520, "seed {seed}\n{}", table(&seconds, 1));
        if seed == 1 {
            insta::assert_snapshot!("600_kbps", table(&seconds, 2));
        }
    }
}

/// [RFC 8867 §5.1](https://www.rfc-editor.org/rfc/rfc8867#section-5.1), and the same with the jitter
/// of its §4.1.
#[test]
fn variable_capacity_with_a_single_flow() {
    let steps = "0 1000\n40 2500\n60 600\n80 1000";
    for (name, jitter, least) in [("rfc8867_5_1", 0, 88), ("rfc8867_5_1_with_jitter", 30, 68)] {
        let path = link(steps, |link| (link.delay, link.jitter) = (50 * MS, jitter * MS));
        for seed in 1..=4 {
            let seconds = run(gcc(300, 150, 5000), path.clone(), 100, seed);
            let used = |from: usize, to: usize, capacity: u64| {
                100 * delivered(&seconds[from..to]) / capacity
            };
            let used = [used(5, 40, 1000), used(45, 60, 2500), used(65, 80, 600)];
            assert!(
                used.iter().all(|percent| *percent >= least),
                "{used:?}, seed {seed}\n{}",
                table(&seconds, 1)
            );
            assert!(queue(&seconds, 0.95) < 100.0, "seed {seed}\n{}", table(&seconds, 1));
            assert!(queue(&seconds[62..], 0.95) < 60.0, "seed {seed}\n{}", table(&seconds, 1));
            assert!(loss_percent(&seconds) < 1.5, "seed {seed}\n{}", table(&seconds, 1));
            if seed == 1 {
                insta::assert_snapshot!(name, table(&seconds, 4));
            }
        }
    }
}

#[test]
fn random_loss_of_5_percent_costs_little() {
    for seed in 1..=8 {
        let path = link("0 3000", |link| link.loss = Loss::Random(0.05));
        let seconds = run(call(), path, 60, seed);
        assert!(mean(&seconds, |row| row.target) > 1400, "seed {seed}\n{}", table(&seconds, 1));
        assert!(
            seconds[5..].iter().all(|row| row.target > 1200),
            "seed {seed}\n{}",
            table(&seconds, 1)
        );
        if seed == 1 {
            insta::assert_snapshot!("random_loss", table(&seconds, 5));
        }
    }
}

#[test]
fn random_loss_of_20_percent_is_learnt() {
    for seed in 1..=4 {
        let path = link("0 3000", |link| link.loss = Loss::Random(0.2));
        let seconds = run(call(), path, 60, seed);
        assert!(
            seconds[30..].iter().all(|row| row.target > 1000),
            "seed {seed}\n{}",
            table(&seconds, 1)
        );
    }
}

#[test]
fn bursts_of_loss_cost_little() {
    for seed in 1..=4 {
        let path = link("0 3000", |link| link.loss = Loss::bursts(0.05, 4.0));
        let seconds = run(call(), path, 60, seed);
        assert!(mean(&seconds, |row| row.target) > 1350, "seed {seed}\n{}", table(&seconds, 1));
    }
}

#[test]
fn an_unlimited_link_is_found_by_probes() {
    for seed in 1..=4 {
        let seconds = run(call(), link("", |_| ()), 10, seed);
        assert!(
            seconds[2..].iter().all(|row| row.target == 1500),
            "seed {seed}\n{}",
            table(&seconds, 1)
        );
        if seed == 1 {
            insta::assert_snapshot!("unlimited", table(&seconds, 1));
        }
    }
}

#[test]
fn jitter_and_loss_on_a_wide_path_cost_nothing() {
    for seed in 1..=4 {
        let path = link("", |link| {
            (link.delay, link.jitter, link.loss) = (40 * MS, 20 * MS, Loss::Random(0.05));
        });
        let seconds = run(call(), path, 30, seed);
        assert!(
            seconds[5..].iter().all(|row| row.target > 1300),
            "seed {seed} {}",
            table(&seconds, 1)
        );
    }
}

#[test]
fn reordering_costs_nothing() {
    let seconds = run(call(), link("0 3000", |link| link.reorder = 0.05), 30, 1);
    assert!(seconds[3..].iter().all(|row| row.target == 1500));
}

#[test]
fn a_deep_buffer_is_not_filled_for_long() {
    for seed in 1..=4 {
        let path = link("0 2500\n20 600", |link| (link.delay, link.queue) = (50 * MS, 1000 * MS));
        let seconds = run(gcc(300, 150, 5000), path, 40, seed);
        assert!(queue(&seconds[24..], 0.95) < 100.0, "seed {seed}\n{}", table(&seconds, 1));
        if seed == 1 {
            insta::assert_snapshot!("deep_buffer", table(&seconds, 2));
        }
    }
}

#[test]
fn a_shallow_buffer_is_seen_by_its_loss() {
    for seed in 1..=4 {
        let seconds = run(call(), link("0 600", |link| link.queue = 30 * MS), 60, seed);
        assert!(loss_percent(&seconds[5..]) < 8.0, "seed {seed}\n{}", table(&seconds, 1));
        assert!(delivered(&seconds[5..]) > 500, "seed {seed}\n{}", table(&seconds, 1));
    }
}

#[test]
fn a_second_without_a_path_is_forgotten_after_a_few() {
    for seed in 1..=4 {
        let seconds = run(call(), link("0 2000\n10 0\n11 2000", |_| ()), 20, seed);
        assert!(
            seconds[9].target == 1500 && seconds[11].target < 900,
            "seed {seed}\n{}",
            table(&seconds, 1)
        );
        assert!(
            seconds[15..].iter().all(|row| row.target == 1500),
            "seed {seed}\n{}",
            table(&seconds, 1)
        );
        if seed == 1 {
            insta::assert_snapshot!("outage", table(&seconds[8..], 1));
        }
    }
}

#[test]
fn an_application_that_sends_little_finds_the_rest_when_it_needs_it() {
    let mut flow = flow(gcc(300, 150, 5000), link("0 3000", |link| link.delay = 50 * MS), 1);
    flow.app_limit = Bitrate::from_kbps(500);
    flow.run(Instant::from_millis(30_000));
    assert!(flow.seconds[5..].iter().all(|row| row.target <= 3000), "no more than proven");
    flow.app_limit = Bitrate::from_kbps(50_000);
    flow.run(Instant::from_millis(40_000));
    assert!(delivered(&flow.seconds[31..]) > 2000);
    assert!(queue(&flow.seconds[30..], 0.95) < 60.0);
}

#[test]
fn lost_feedback_costs_little() {
    for seed in 1..=4 {
        let backward = link("", |link| link.loss = Loss::Random(0.3));
        let mut flow = Flow::new(call(), link("0 600", |_| ()), backward, seed);
        flow.run(Instant::from_millis(30_000));
        let seconds = flow.seconds;
        assert!(loss_percent(&seconds[5..]) < 0.5, "seed {seed}\n{}", table(&seconds, 1));
        assert!(delivered(&seconds[5..]) > 500, "seed {seed}\n{}", table(&seconds, 1));
    }
}

#[test]
fn a_peer_that_tells_only_loss() {
    let mut config = LossBasedConfig::default();
    config.start = Bitrate::from_kbps(500);
    let controller = LossBased::new(config).unwrap();
    let seconds = run(controller, link("0 600", |_| ()), 60, 1);
    assert!(seconds[10..].iter().all(|row| (450..850).contains(&row.target)));
    insta::assert_snapshot!("loss_based_600_kbps", table(&seconds, 5));
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    let path = || link("0 900", |link| (link.jitter, link.loss) = (20 * MS, Loss::Random(0.03)));
    let figures = |seed| table(&run(call(), path(), 20, seed), 1);
    assert_eq!(figures(3), figures(3));
    assert_ne!(figures(3), figures(4));
}

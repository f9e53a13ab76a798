//! What the controller does on networks of all kinds, as tables of numbers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a panic is the failure a test reports"
)]

mod network;

use core::fmt::Write;
use core::time::Duration;
use network::{Flow, Second, percentile};
use visavis_congestion::{Gcc, GccConfig, Limits};
use visavis_core::{Bitrate, Instant};
use visavis_sim::{Capacity, LinkConfig, Loss};

const MS: Duration = Duration::from_millis(1);

fn gcc(start: u64, min: u64, max: u64) -> Gcc {
    let mut config = GccConfig::default();
    config.start = Bitrate::from_kbps(start);
    config.limits = Limits { min: Bitrate::from_kbps(min), max: Bitrate::from_kbps(max) };
    Gcc::new(config).unwrap()
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

fn run(controller: Gcc, link: LinkConfig, seconds: u64) -> Vec<Second> {
    let mut flow = Flow::new(controller, link, 1);
    flow.run(Instant::from_millis(seconds * 1000));
    flow.seconds
}

/// One row for each `step` seconds.
fn table(seconds: &[Second], step: usize) -> String {
    let mut text = String::from("  s  target  delivered  lost %  queue p50  p95  delay p50  p95\n");
    for (index, rows) in seconds.chunks(step).enumerate() {
        let mean = |of: fn(&Second) -> u64| rows.iter().map(of).sum::<u64>() / rows.len() as u64;
        let sum = |of: fn(&Second) -> u64| rows.iter().map(of).sum::<u64>() as f64;
        let all = |of: fn(&Second) -> &[f64], p| {
            percentile(rows.iter().flat_map(|row| of(row).iter().copied()).collect(), p)
        };
        writeln!(
            text,
            "{:3}  {:6}  {:9}  {:6.2}  {:9.0}  {:3.0}  {:9.0}  {:3.0}",
            (index + 1) * step,
            rows.last().unwrap().target,
            mean(|row| row.delivered),
            100.0 * sum(|row| row.lost) / sum(|row| row.sent),
            all(|row| &row.queue, 0.5),
            all(|row| &row.queue, 0.95),
            all(|row| &row.delay, 0.5),
            all(|row| &row.delay, 0.95),
        )
        .unwrap();
    }
    text
}

fn loss_percent(seconds: &[Second]) -> f64 {
    let sum = |of: fn(&Second) -> u64| seconds.iter().map(of).sum::<u64>() as f64;
    100.0 * sum(|row| row.lost) / sum(|row| row.sent)
}

#[test]
fn a_bottleneck_of_600_kbps() {
    let seconds = run(gcc(500, 100, 1500), link("0 600", |_| ()), 30);
    println!("{}", table(&seconds, 1));
    let last = seconds.last().unwrap().target;
    assert!((300..=600).contains(&last), "{last}");
    assert!(loss_percent(&seconds[5..]) < 0.5);
}

#[test]
fn capacity_steps_of_rfc_8867_5_1() {
    let steps = "0 1000\n40 2500\n60 600\n80 1000";
    let seconds = run(gcc(300, 150, 5000), link(steps, |link| link.delay = 50 * MS), 100);
    println!("{}", table(&seconds, 1));
}

#[test]
fn random_loss_of_5_percent() {
    let lossy = link("0 3000", |link| link.loss = Loss::Random(0.05));
    let seconds = run(gcc(500, 100, 1500), lossy, 60);
    println!("{}", table(&seconds, 2));
}

#[test]
fn an_unlimited_link() {
    let seconds = run(gcc(500, 100, 1500), link("", |_| ()), 10);
    println!("{}", table(&seconds, 1));
    assert!(seconds[2].target == 1500);
}

#[test]
fn jitter() {
    let jittery = link("", |link| {
        link.delay = 40 * MS;
        link.jitter = 20 * MS;
        link.loss = Loss::Random(0.05);
    });
    let seconds = run(gcc(500, 100, 1500), jittery, 30);
    println!("{}", table(&seconds, 1));
}

#[test]
fn explore() {
    let show = |name: &str, link: LinkConfig, start, min, max, secs, step| {
        for seed in 1..=2 {
            let mut flow = Flow::new(gcc(start, min, max), link.clone(), seed);
            flow.run(Instant::from_millis(secs * 1000));
            println!("== {name} seed {seed}\n{}", table(&flow.seconds, step));
        }
    };
    show(
        "jitter 30 at 1M",
        link("0 1000", |l| {
            l.delay = 50 * MS;
            l.jitter = 30 * MS;
        }),
        300,
        150,
        5000,
        40,
        4,
    );
    show(
        "bloat 1 s",
        link("0 2500\n20 600\n40 1000", |l| {
            l.delay = 50 * MS;
            l.queue = 1000 * MS;
        }),
        300,
        150,
        5000,
        60,
        4,
    );
    show(
        "narrow",
        link("0 150", |l| {
            l.delay = 50 * MS;
        }),
        500,
        100,
        1500,
        20,
        2,
    );
    show(
        "narrower than min",
        link("0 80", |l| {
            l.delay = 50 * MS;
        }),
        500,
        100,
        1500,
        20,
        2,
    );
    show(
        "bursts",
        link("0 2000", |l| {
            l.loss = Loss::bursts(0.05, 4.0);
        }),
        500,
        100,
        1500,
        20,
        2,
    );
    show(
        "20 percent",
        link("0 2000", |l| {
            l.loss = Loss::Random(0.2);
        }),
        500,
        100,
        1500,
        40,
        2,
    );
    show(
        "tiny buffer",
        link("0 600", |l| {
            l.queue = 10 * MS;
        }),
        500,
        100,
        1500,
        40,
        2,
    );
    show("outage", link("0 2000\n10 0\n11 2000", |_| ()), 500, 100, 1500, 20, 1);
    show(
        "20-4-20",
        link("0 20000\n20 4000\n40 20000", |l| l.delay = 25 * MS),
        300,
        150,
        50000,
        60,
        2,
    );
    show("reorder", link("0 2000", |l| l.reorder = 0.05), 500, 100, 1500, 20, 2);
}

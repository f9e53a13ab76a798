//! The contract check finds engines that break the contract.
#![allow(clippy::unwrap_used, reason = "a panic is the failure a test reports")]

use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::panic::catch_unwind;
use visavis_core::{Engine, Instant};
use visavis_sim::contract;

/// A timer that yields once, a while after the last input, and can break the rules one by one.
#[derive(Default)]
struct Timer {
    now: Instant,
    due: Option<Instant>,
    size: usize,
    breaks: Breaks,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Breaks {
    #[default]
    Nothing,
    Clamp,
    Wakeup,
    Early,
    Endless,
    Bound,
    Random,
    Bytes,
}

static COUNTER: AtomicU8 = AtomicU8::new(0);

impl Timer {
    fn on_input(&mut self, now: Instant) {
        self.now = if self.breaks == Breaks::Clamp { now } else { self.now.max(now) };
        self.due = Some(self.now + Duration::from_millis(5));
        self.size = if self.breaks == Breaks::Bound { self.size + 1 } else { 1 };
    }
}

impl Engine for Timer {
    type Buffer = [u8];
    type Output = (Instant, u8);

    fn poll(&mut self, now: Instant, buffer: &mut [u8]) -> Option<(Instant, u8)> {
        self.now = if self.breaks == Breaks::Clamp { now } else { self.now.max(now) };
        let due = self.due?;
        if due > self.now && self.breaks != Breaks::Early {
            return None;
        }
        if self.breaks == Breaks::Wakeup && self.now > due {
            return None;
        }
        if self.breaks != Breaks::Endless {
            self.due = None;
        }
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        *buffer.first_mut().unwrap() = if self.breaks == Breaks::Bytes { count } else { 7 };
        Some((due, if self.breaks == Breaks::Random { count } else { 0 }))
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.due
    }
}

fn finds(breaks: Breaks) -> Option<String> {
    let check = || {
        let make = || Timer { breaks, ..Timer::default() };
        contract::check_bounded(
            5,
            make,
            |timer, _, now| timer.on_input(now),
            |timer| timer.size,
            1,
        );
    };
    let failure = catch_unwind(check).err()?;
    let text = failure.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| (*failure.downcast_ref::<&str>().unwrap()).to_owned()))
}

#[test]
fn an_engine_that_keeps_the_rules_passes() {
    assert_eq!(finds(Breaks::Nothing), None);
}

#[test]
fn each_broken_rule_is_found() {
    for (breaks, rule) in [
        (Breaks::Clamp, "rule 3"),
        (Breaks::Wakeup, "rule 3"),
        (Breaks::Early, "before the wakeup"),
        (Breaks::Endless, "without an end"),
        (Breaks::Bound, "rule 4"),
        (Breaks::Random, "rule 5"),
        (Breaks::Bytes, "rule 5"),
    ] {
        let found = finds(breaks).unwrap();
        assert!(found.contains(rule), "expected {rule}, found: {found}");
    }
}

//! How long packets wait before the bottleneck: their delay above the least one seen.

use core::time::Duration;
use visavis_core::Instant;

/// The least delay of all times is kept for `BUCKETS` of these: long enough to have seen an empty
/// queue, short enough to follow a new route and clocks that drift.
const BUCKET: Duration = Duration::from_secs(3);
const BUCKETS: usize = 10;
/// The queue that stands is the least of the last one to two of these. Jitter and the bursts of single
/// frames are gone from it.
const STANDING: Duration = Duration::from_millis(75);

/// Follows the queueing delay, in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    /// The least one-way delay of each bucket, the newest first.
    floors: [f64; BUCKETS],
    bucket_end: Option<Instant>,
    /// The least delay above the floor of this and the last window.
    standing: [f64; 2],
    window_end: Option<Instant>,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self {
            floors: [f64::INFINITY; BUCKETS],
            bucket_end: None,
            standing: [f64::INFINITY; 2],
            window_end: None,
        }
    }

    pub(crate) fn on_packet(&mut self, sent: Instant, arrived: Instant) {
        // The clocks have different epochs: only differences of this mean anything.
        let delay = arrived.diff_millis(sent);
        if self.bucket_end.is_none_or(|end| sent >= end) {
            self.bucket_end = Some(sent + BUCKET);
            self.floors.rotate_right(1);
            self.floors[0] = delay;
        }
        if self.window_end.is_none_or(|end| sent >= end) {
            self.window_end = Some(sent + STANDING);
            self.standing = [f64::INFINITY, self.standing[0]];
        }
        self.floors[0] = self.floors[0].min(delay);
        let above = delay - self.floor();
        self.standing[0] = self.standing[0].min(above);
    }

    /// How long every packet of late waited at least; 0 while nothing is known.
    pub(crate) fn standing(&self) -> f64 {
        let least = self.standing[0].min(self.standing[1]);
        if least.is_finite() { least } else { 0.0 }
    }

    fn floor(&self) -> f64 {
        self.floors.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(queue: &mut Queue, from: u64, to: u64, delay: impl Fn(u64) -> u64) {
        for ms in (from..to).step_by(10) {
            queue.on_packet(Instant::from_millis(ms), Instant::from_millis(ms + delay(ms)));
        }
    }

    #[test]
    fn what_stands_is_told_and_jitter_is_not() {
        let mut queue = Queue::new();
        assert!(queue.standing().abs() < 1e-9);
        feed(&mut queue, 0, 1000, |ms| 50 + ms % 40);
        assert!(queue.standing().abs() < 1e-9);
        feed(&mut queue, 1000, 1500, |ms| 120 + ms % 40);
        assert!((queue.standing() - 70.0).abs() < 1e-9);
        feed(&mut queue, 1500, 1700, |_| 50);
        assert!(queue.standing().abs() < 1e-9);
    }

    #[test]
    fn a_longer_route_becomes_the_floor_after_a_while() {
        let mut queue = Queue::new();
        feed(&mut queue, 0, 1000, |_| 50);
        feed(&mut queue, 1000, 29_000, |_| 130);
        assert!((queue.standing() - 80.0).abs() < 1e-9);
        feed(&mut queue, 29_000, 34_000, |_| 130);
        assert!(queue.standing().abs() < 1e-9);
    }
}

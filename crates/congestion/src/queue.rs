//! How long packets wait before the bottleneck: their delay above the least one seen.

use core::time::Duration;
use visavis_core::{Bitrate, DataSize, Instant};

/// The least delay of all times is kept for `BUCKETS` of these: long enough to have seen an empty
/// queue, short enough to follow a new route and clocks that drift.
const BUCKET: Duration = Duration::from_secs(3);
const BUCKETS: usize = 10;
/// The queue that stands is the least of the last one to two of these. Jitter and the bursts of single
/// frames are gone from it.
const STANDING: Duration = Duration::from_millis(75);
/// Jitter is the median change of the delay from packet to packet, which this step follows up and
/// down, up to a bound. A mean would follow queues that fill and empty.
const JITTER_STEP: f64 = 0.1;
/// The first packets take larger steps: this over their number.
const FIRST_STEPS: f64 = 2.0;
const MAX_JITTER: f64 = 20.0;
/// A packet that waited longer than this and twice the jitter came right behind another one.
const BUSY: f64 = 6.0;
/// Packets that did so without a gap longer than `MAX_GAP` have arrived at the rate of the bottleneck.
/// It takes `MIN_SPAN` of them to tell it; the newest one to two times `SPAN` count.
const MIN_SPAN: Duration = Duration::from_millis(80);
const SPAN: Duration = Duration::from_millis(250);
const MAX_GAP: Duration = Duration::from_millis(200);

/// Follows the queueing delay, in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    /// The least one-way delay of each bucket, the newest first.
    floors: [f64; BUCKETS],
    bucket_end: Option<Instant>,
    /// The least delay above the floor of this and the last window.
    standing: [f64; 2],
    window_end: Option<Instant>,
    delay: Option<f64>,
    jitter: f64,
    packets: f64,
    /// The newest stretches of packets that came right behind each other, the newest first.
    busy: [Stretch; 2],
    busy_since: Option<Instant>,
}

/// What arrived after another packet, and how long that took.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    size: DataSize,
    span: Duration,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self {
            floors: [f64::INFINITY; BUCKETS],
            bucket_end: None,
            standing: [f64::INFINITY; 2],
            window_end: None,
            delay: None,
            jitter: 0.0,
            packets: 0.0,
            busy: [Stretch { size: DataSize::ZERO, span: Duration::ZERO }; 2],
            busy_since: None,
        }
    }

    pub(crate) fn on_packet(&mut self, sent: Instant, arrived: Instant, size: DataSize) {
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
        let change = (delay - self.delay.replace(delay).unwrap_or(delay)).abs();
        self.packets += 1.0;
        let step = JITTER_STEP.max(FIRST_STEPS / self.packets);
        let step = if change > self.jitter { step } else { -step };
        self.jitter = (self.jitter + step).clamp(0.0, MAX_JITTER);
        self.standing[0] = self.standing[0].min(above);
        self.follow_busy(above, arrived, size);
    }

    fn follow_busy(&mut self, above: f64, arrived: Instant, size: DataSize) {
        if above < BUSY + 2.0 * self.jitter {
            self.busy_since = None;
            return;
        }
        let gap = arrived.since(self.busy_since.replace(arrived).unwrap_or(Instant::ZERO));
        if gap > MAX_GAP {
            self.busy = [Stretch::default(); 2];
            return;
        }
        if self.busy[0].span >= SPAN {
            self.busy = [Stretch::default(), self.busy[0]];
        }
        self.busy[0].size += size;
        self.busy[0].span += gap;
    }

    /// The rate of the bottleneck, if it has been busy without a pause.
    pub(crate) fn bottleneck(&self) -> Option<Bitrate> {
        let span = self.busy[0].span + self.busy[1].span;
        let known = self.busy_since.is_some() && span >= MIN_SPAN;
        known.then(|| (self.busy[0].size + self.busy[1].size).per(span))
    }

    /// How long every packet of late waited at least; 0 while nothing is known.
    pub(crate) fn standing(&self) -> f64 {
        let least = self.standing[0].min(self.standing[1]);
        if least.is_finite() { least } else { 0.0 }
    }

    /// How much the delay changes from packet to packet.
    pub(crate) const fn jitter(&self) -> f64 {
        self.jitter
    }

    fn floor(&self) -> f64 {
        self.floors.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: DataSize = DataSize::from_bytes(1000);

    fn feed(queue: &mut Queue, from: u64, to: u64, delay: impl Fn(u64) -> u64) {
        for ms in (from..to).step_by(10) {
            queue.on_packet(Instant::from_millis(ms), Instant::from_millis(ms + delay(ms)), SIZE);
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
    fn jitter_is_the_median_change() {
        let mut queue = Queue::new();
        feed(&mut queue, 0, 5000, |ms| if ms % 20 == 0 { 50 } else { 58 });
        assert!((queue.jitter() - 8.0).abs() < 0.2, "{}", queue.jitter());
        feed(&mut queue, 5000, 7000, |ms| if ms % 100 == 0 { 90 } else { 50 });
        assert!(queue.jitter() < 0.2, "{}", queue.jitter());
    }

    #[test]
    fn a_busy_bottleneck_tells_its_rate_and_an_idle_one_does_not() {
        let mut queue = Queue::new();
        feed(&mut queue, 0, 1000, |_| 50);
        assert_eq!(queue.bottleneck(), None);
        // A packet passes in 11 ms, though one is sent each 10 ms.
        feed(&mut queue, 1000, 2000, |ms| 50 + (ms - 1000) / 10);
        let rate = queue.bottleneck().unwrap().bps();
        assert_eq!(rate, 8_000_000 / 11);
        feed(&mut queue, 2000, 2010, |_| 50);
        assert_eq!(queue.bottleneck(), None);
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

//! Whether the delay is growing: a line through the delays of the last groups.

use crate::inter_arrival::Delta;
use alloc::collections::VecDeque;
use visavis_core::Instant;

/// Groups that the line goes through. This and what follows as in libwebrtc's `TrendlineEstimator`.
const WINDOW: usize = 20;
/// How much of the smoothed delay stays with each group.
const SMOOTHING: f64 = 0.9;
/// The slope times this and the number of groups, at most `MAX_DELTAS`, is compared with the threshold.
const GAIN: f64 = 4.0;
const MAX_DELTAS: f64 = 60.0;
/// The trend must be above the threshold for so long.
const OVERUSE_MS: f64 = 10.0;
/// The threshold at the start, and its bounds.
const THRESHOLD: f64 = 12.5;
const MIN_THRESHOLD: f64 = 6.0;
const MAX_THRESHOLD: f64 = 600.0;
/// How fast the threshold follows a trend above and below it, per millisecond. A threshold that
/// doesn't follow starves beside TCP: Carlucci et al., "Congestion control for web real-time
/// communication", ToN 2017, §IV-C.
const THRESHOLD_UP: f64 = 0.0087;
const THRESHOLD_DOWN: f64 = 0.039;
/// A trend further above the threshold than this doesn't move it.
const MAX_EXCESS: f64 = 15.0;
const MAX_STEP_MS: f64 = 100.0;

/// What the trend says of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Usage {
    /// The delay doesn't change.
    #[default]
    Normal,
    /// It grows: more is sent than passes.
    Over,
    /// It falls: a queue is emptying.
    Under,
}

/// Decides from groups of packets how the path is used.
#[derive(Debug, Clone)]
pub(crate) struct Trendline {
    /// Arrival and smoothed delay in milliseconds since the first group.
    points: VecDeque<(f64, f64)>,
    first: Option<Instant>,
    deltas: f64,
    delay: f64,
    smoothed: f64,
    slope: f64,
    threshold: f64,
    threshold_at: Option<Instant>,
    over_ms: Option<f64>,
    over_count: u32,
    usage: Usage,
}

impl Trendline {
    pub(crate) fn new() -> Self {
        Self {
            points: VecDeque::with_capacity(WINDOW),
            first: None,
            deltas: 0.0,
            delay: 0.0,
            smoothed: 0.0,
            slope: 0.0,
            threshold: THRESHOLD,
            threshold_at: None,
            over_ms: None,
            over_count: 0,
            usage: Usage::Normal,
        }
    }

    pub(crate) const fn usage(&self) -> Usage {
        self.usage
    }

    /// Takes one more group into account.
    pub(crate) fn on_delta(&mut self, delta: Delta) {
        let first = *self.first.get_or_insert(delta.at);
        self.deltas = (self.deltas + 1.0).min(1000.0);
        self.delay += delta.arrived - delta.sent;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.delay;
        if self.points.len() == WINDOW {
            self.points.pop_front();
        }
        self.points.push_back((delta.at.diff_millis(first), self.smoothed));
        let slope = if self.points.len() == WINDOW { slope(&self.points) } else { None };
        self.detect(slope.unwrap_or(self.slope), delta);
    }

    fn detect(&mut self, slope: f64, delta: Delta) {
        let trend = self.deltas.min(MAX_DELTAS) * slope * GAIN;
        if trend > self.threshold {
            // The trend went above somewhere in the first of these groups.
            let over = self.over_ms.map_or(delta.sent / 2.0, |before| before + delta.sent);
            self.over_ms = Some(over);
            self.over_count = self.over_count.saturating_add(1);
            if over > OVERUSE_MS && self.over_count > 1 && slope >= self.slope {
                self.over_ms = Some(0.0);
                self.over_count = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_ms = None;
            self.over_count = 0;
            self.usage = if trend < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.slope = slope;
        self.adapt(trend, delta.at);
    }

    fn adapt(&mut self, trend: f64, at: Instant) {
        let before = self.threshold_at.replace(at).unwrap_or(at);
        let trend = trend.abs();
        if trend > self.threshold + MAX_EXCESS {
            return;
        }
        let k = if trend < self.threshold { THRESHOLD_DOWN } else { THRESHOLD_UP };
        let step = at.diff_millis(before).clamp(0.0, MAX_STEP_MS);
        self.threshold += k * (trend - self.threshold) * step;
        self.threshold = self.threshold.clamp(MIN_THRESHOLD, MAX_THRESHOLD);
    }
}

/// Of the least-squares line; `None` if all points are above each other.
#[allow(clippy::cast_precision_loss, reason = "there are 20 points")]
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    let (x, y) = (x / count, y / count);
    let (mut above, mut below) = (0.0, 0.0);
    for point in points {
        above += (point.0 - x) * (point.1 - y);
        below += (point.0 - x) * (point.0 - x);
    }
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::time::Duration;

    /// Groups sent every 33 ms that arrive each `extra` ms later than the one before.
    fn usages(groups: impl IntoIterator<Item = f64>) -> Vec<Usage> {
        let mut trendline = Trendline::new();
        let mut at = Instant::from_millis(50);
        let usage = |extra: f64| {
            at += Duration::from_secs_f64((33.0 + extra) / 1000.0);
            trendline.on_delta(Delta { sent: 33.0, arrived: 33.0 + extra, at });
            trendline.usage()
        };
        groups.into_iter().map(usage).collect()
    }

    #[test]
    fn a_steady_delay_is_normal() {
        assert!(usages([0.0; 100]).iter().all(|usage| *usage == Usage::Normal));
        let alternating = (0..200).map(|n| if n % 2 == 0 { 8.0 } else { -8.0 });
        assert!(usages(alternating).iter().all(|usage| *usage == Usage::Normal));
    }

    #[test]
    fn a_growing_delay_is_overuse_soon_after_the_first_full_window() {
        let usages = usages([3.3; 30]);
        assert_eq!(usages.iter().position(|usage| *usage == Usage::Over), Some(23));
    }

    #[test]
    fn a_falling_delay_is_underuse() {
        let usages = usages([3.3; 30].into_iter().chain([-3.3; 60]));
        assert_eq!(usages.last(), Some(&Usage::Under));
    }

    #[test]
    fn a_slow_drift_of_the_clocks_is_normal() {
        // 500 ppm of 33 ms.
        assert!(usages([0.0165; 3000]).iter().all(|usage| *usage == Usage::Normal));
    }
}

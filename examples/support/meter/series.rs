//! Figures over time.

use core::time::Duration;
use visavis_core::Instant;

/// Sums per second of the call.
#[derive(Debug, Clone, Default)]
pub(crate) struct PerSecond(Vec<u64>);

impl PerSecond {
    pub(crate) fn add(&mut self, at: Instant, amount: u64) {
        let second = second_of(at);
        if self.0.len() <= second {
            self.0.resize(second + 1, 0);
        }
        if let Some(sum) = self.0.get_mut(second) {
            *sum += amount;
        }
    }

    /// The sum of each of `seconds` seconds.
    pub(crate) fn sums(&self, seconds: usize) -> impl Iterator<Item = u64> + '_ {
        (0..seconds).map(|second| self.0.get(second).copied().unwrap_or(0))
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The sum of the last whole second before `now`.
    #[allow(clippy::cast_precision_loss, reason = "sums are far below 2^53")]
    pub(crate) fn before(&self, now: Instant) -> f64 {
        let last = second_of(now).checked_sub(1).and_then(|second| self.0.get(second));
        last.copied().unwrap_or(0) as f64
    }
}

fn second_of(at: Instant) -> usize {
    usize::try_from(at.as_nanos() / 1_000_000_000).unwrap_or(usize::MAX)
}

/// A value that holds until the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps(Vec<(Instant, f64)>);

impl Steps {
    pub(crate) fn push(&mut self, at: Instant, value: f64) {
        if self.last() != Some(value) {
            let at = self.0.last().map_or(at, |last| at.max(last.0));
            self.0.push((at, value));
        }
    }

    pub(crate) fn last(&self) -> Option<f64> {
        self.0.last().map(|last| last.1)
    }

    /// The value at the end of the call.
    pub(crate) fn at_end(&self, duration: Duration) -> Option<f64> {
        self.0.iter().rev().find(|step| step.0 <= Instant::ZERO + duration).map(|step| step.1)
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.0.iter().map(|&(at, value)| (at.as_millis_f64() / 1e3, value))
    }

    /// The mean from `from` to `to`, as time weighs it. The first value also holds before it came.
    pub(crate) fn mean(&self, from: Instant, to: Instant) -> Option<f64> {
        let first = self.0.first()?.1;
        if to <= from {
            return self.0.iter().rev().find(|step| step.0 <= from).map(|step| step.1);
        }
        let (mut at, mut value, mut sum) = (from, first, 0.0);
        for &(start, next) in self.0.iter().take_while(|step| step.0 < to) {
            if start > at {
                sum += value * start.since(at).as_secs_f64();
                at = start;
            }
            value = next;
        }
        sum += value * to.since(at).as_secs_f64();
        Some(sum / to.since(from).as_secs_f64())
    }

    /// The mean of each second.
    pub(crate) fn per_second(&self, duration: Duration) -> Vec<f64> {
        let end = Instant::ZERO + duration;
        let starts = (0..).map(|s| Instant::ZERO + Duration::from_secs(s));
        let whole = starts.take_while(|&start| start < end);
        let mean = |from: Instant| self.mean(from, (from + Duration::from_secs(1)).min(end));
        whole.map(|from| mean(from).unwrap_or(0.0)).collect()
    }
}

/// The nearest-rank percentile; `None` of nothing.
pub(crate) fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 50), Some(50.0));
        assert_eq!(percentile(&values, 95), Some(95.0));
        assert_eq!(percentile(&[7.0], 95), Some(7.0));
        assert_eq!(percentile(&[1.0, 9.0], 50), Some(1.0));
        assert_eq!(percentile(&[1.0, 9.0], 51), Some(9.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn sums_go_to_their_second() {
        let mut sums = PerSecond::default();
        for (millis, amount) in [(0, 1), (999, 2), (1000, 4), (3500, 8)] {
            sums.add(at(millis), amount);
        }
        assert_eq!(sums.sums(5).collect::<Vec<_>>(), [3, 4, 0, 8, 0]);
        assert_eq!(sums.total(), 15);
        assert!((sums.before(at(1999)) - 3.0).abs() < 1e-9);
        assert!(sums.before(at(10)).abs() < 1e-9);
    }

    #[test]
    fn time_weighs_the_mean() {
        let mut steps = Steps::default();
        steps.push(at(0), 100.0);
        steps.push(at(1500), 300.0);
        steps.push(at(1750), 500.0);
        steps.push(at(9000), 900.0);
        let seconds = steps.per_second(Duration::from_millis(2500));
        assert_eq!(seconds, [100.0, 0.5 * 100.0 + 0.25 * 300.0 + 0.25 * 500.0, 500.0]);
        assert_eq!(steps.at_end(Duration::from_millis(2500)), Some(500.0));
        assert_eq!(steps.last(), Some(900.0));
    }

    #[test]
    fn the_first_value_also_holds_before() {
        let mut steps = Steps::default();
        assert_eq!(steps.mean(at(0), at(1000)), None);
        steps.push(at(500), 80.0);
        assert_eq!(steps.mean(at(0), at(1000)), Some(80.0));
    }
}

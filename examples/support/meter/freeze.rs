//! Freezes as W3C counts them.

use alloc::collections::VecDeque;
use core::time::Duration;
use visavis_core::Instant;

/// How many intervals the average is made of.
const AVERAGED: usize = 30;
const EXTRA: Duration = Duration::from_millis(150);

/// Counts the times at which the picture stood still: an interval between two frames of at least
/// three averages, and at least 150 ms above the average, where the average is that of the last 30
/// intervals. [W3C webrtc-stats, freezeCount](https://www.w3.org/TR/webrtc-stats/#dom-rtcinboundrtpstreamstats-freezecount)
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Freezes {
    pub(crate) count: u32,
    pub(crate) longest: Duration,
    /// When each began and ended.
    pub(crate) spans: Vec<(Instant, Instant)>,
}

impl Freezes {
    /// Of frames that were shown at `times`. Until there are 30 intervals, `nominal` stands for those
    /// that are missing.
    pub(crate) fn of(times: impl IntoIterator<Item = Instant>, nominal: Duration) -> Self {
        let mut freezes = Self::default();
        let mut recent = VecDeque::from([nominal; AVERAGED]);
        let mut last = None;
        for time in times {
            let Some(start) = last.replace(time) else { continue };
            let interval = time.since(start);
            let sum: Duration = recent.iter().sum();
            let average = sum / 30;
            if interval >= (3 * average).max(average + EXTRA) {
                freezes.count += 1;
                freezes.longest = freezes.longest.max(interval);
                freezes.spans.push((start, time));
            }
            recent.pop_front();
            recent.push_back(interval);
        }
        freezes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(intervals: &[u64]) -> (u32, u128) {
        let mut at = Instant::from_millis(1000);
        let mut times = vec![at];
        times.extend(intervals.iter().map(|&millis| {
            at += Duration::from_millis(millis);
            at
        }));
        let freezes = Freezes::of(times, Duration::from_millis(40));
        (freezes.count, freezes.longest.as_millis())
    }

    #[test]
    fn a_freeze_is_150_ms_above_a_short_average() {
        assert_eq!(of(&[40; 100]), (0, 0));
        assert_eq!(of(&[40, 40, 189, 40]), (0, 0));
        assert_eq!(of(&[40, 40, 190, 40]), (1, 190));
        assert_eq!(of(&[190]), (1, 190));
    }

    #[test]
    fn a_freeze_is_three_averages_when_they_are_long() {
        let mut slow = vec![100; 30];
        slow.push(299);
        assert_eq!(of(&slow), (0, 0));
        slow.push(100);
        *slow.get_mut(30).unwrap() = 300;
        assert_eq!(of(&slow), (1, 300));
    }

    #[test]
    fn the_longest_is_kept_and_nothing_is_no_freeze() {
        assert_eq!(of(&[40, 500, 40, 40, 300, 40]), (2, 500));
        assert_eq!(Freezes::of([], Duration::from_millis(40)), Freezes::default());
        assert_eq!(of(&[]), (0, 0));
    }
}

//! What loss says of the path, where delay says nothing.

use core::time::Duration;
use visavis_core::{Bitrate, Instant};

/// A loss rate is taken over at least so long,
const WINDOW: Duration = Duration::from_secs(1);
/// and at least so many packets, as in libwebrtc's `SendSideBandwidthEstimation`.
const ENOUGH: u32 = 20;
/// Loss above what the path has anyway by more than this means that too much is sent. The same 10 % as
/// [draft-ietf-rmcat-gcc-02 §6](https://datatracker.ietf.org/doc/html/draft-ietf-rmcat-gcc-02#section-6).
const EXCESS: f64 = 0.10;
/// After the rate fell to this share,
const TEST_FALL: f64 = 0.75;
/// the path loses that much by itself if what is delivered fell with it, to less than this share.
/// Where a bottleneck drops what is too much, the same is delivered as before.
const TEST_DELIVERED: f64 = 0.5 * (1.0 + TEST_FALL);
/// How fast the loss that the path has anyway is unlearnt when there's less, per window.
const UNLEARN: f64 = 0.05;

/// Lowers the rate when much is lost, and learns how much the path loses whatever is sent.
///
/// Delay-based control sees no queue where the buffer is tiny or a policer drops; loss is all there is.
/// But radio loses packets that lower rates don't save. So the first reaction to much loss is also an
/// experiment: if a quarter less is sent and a quarter less arrives, then the path loses by itself what is
/// lost then, and only what goes beyond it counts from then on. This rule is our own; libwebrtc fits the same two
/// unknowns by Newton's method in `LossBasedBweV2`.
#[derive(Debug, Clone)]
pub(crate) struct LossGuard {
    window_began: Option<Instant>,
    packets: u32,
    lost: u32,
    loss: f64,
    inherent: f64,
    /// How far chance alone takes the loss of a window from the inherent one: two standard deviations.
    spread: f64,
    /// The rate and the loss when the experiment began.
    test: Option<(Bitrate, f64)>,
    alarmed: bool,
}

impl LossGuard {
    pub(crate) const fn new() -> Self {
        Self {
            window_began: None,
            packets: 0,
            lost: 0,
            loss: 0.0,
            inherent: 0.0,
            spread: 0.0,
            test: None,
            alarmed: false,
        }
    }

    /// The share lost in the last window.
    pub(crate) const fn loss(&self) -> f64 {
        self.loss
    }

    /// Too much is being lost.
    pub(crate) const fn alarmed(&self) -> bool {
        self.alarmed
    }

    /// Of `packets` more packets `lost` were lost while `rate` was allowed. Gives a lower rate if it
    /// must fall.
    pub(crate) fn on_packets(
        &mut self,
        now: Instant,
        packets: u32,
        lost: u32,
        rate: Bitrate,
    ) -> Option<Bitrate> {
        self.packets = self.packets.saturating_add(packets);
        self.lost = self.lost.saturating_add(lost);
        let began = *self.window_began.get_or_insert(now);
        if now.since(began) < WINDOW || self.packets < ENOUGH {
            return None;
        }
        self.loss = f64::from(self.lost) / f64::from(self.packets);
        let variance = self.inherent * (1.0 - self.inherent) / f64::from(self.packets);
        self.spread = 2.0 * libm::sqrt(variance.max(0.0));
        self.window_began = Some(now);
        (self.packets, self.lost) = (0, 0);
        self.judge(rate)
    }

    fn judge(&mut self, rate: Bitrate) -> Option<Bitrate> {
        if let Some((rate_before, loss_before)) = self.test
            && rate <= rate_before.scale(TEST_FALL)
        {
            self.test = None;
            let delivered = |rate: Bitrate, loss| rate.scale(1.0 - loss);
            let before = delivered(rate_before, loss_before);
            if delivered(rate, self.loss) < before.scale(TEST_DELIVERED) {
                self.inherent = self.inherent.max(self.loss);
            }
        }
        if self.loss < self.inherent {
            self.inherent += UNLEARN * (self.loss - self.inherent);
        }
        self.alarmed = self.loss > self.inherent + self.spread + EXCESS;
        if !self.alarmed {
            self.test = None;
            return None;
        }
        self.test.get_or_insert((rate, self.loss));
        // Half of what is lost: the same draft.
        Some(rate.scale(1.0 - 0.5 * self.loss))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate after so many seconds on a path that loses `loss` of all and what is above `capacity`.
    fn after(seconds: u64, loss: f64, capacity: u64) -> u64 {
        let mut guard = LossGuard::new();
        let mut rate = Bitrate::from_kbps(1000);
        for second in 0..=seconds {
            let excess = 1.0 - (capacity as f64 / rate.kbps_f64()).min(1.0);
            let share = loss + (1.0 - loss) * excess;
            let lost = (1..=1000).filter(|n| f64::from(*n) <= 1000.0 * share).count();
            let lost = u32::try_from(lost).unwrap();
            let now = Instant::from_millis(second * 1000);
            rate = guard.on_packets(now, 1000, lost, rate).unwrap_or(rate);
        }
        rate.bps() / 1000
    }

    #[test]
    fn little_loss_is_ignored() {
        assert_eq!(after(60, 0.05, 5000), 1000);
        assert_eq!(after(60, 0.10, 5000), 1000);
    }

    #[test]
    fn a_policer_is_followed() {
        assert!((450..=560).contains(&after(10, 0.0, 500)));
        assert!((450..=560).contains(&after(60, 0.0, 500)));
    }

    #[test]
    fn loss_that_does_not_go_away_costs_a_quarter_once() {
        assert!((600..=750).contains(&after(60, 0.2, 5000)));
        assert!((600..=750).contains(&after(60, 0.4, 5000)));
    }

    #[test]
    fn chance_is_not_taken_for_more_loss() {
        let mut guard = LossGuard { inherent: 0.2, ..LossGuard::new() };
        let rate = Bitrate::from_kbps(100);
        let mut second = |n: u64, packets, lost| {
            guard.on_packets(Instant::from_millis(n * 1000), packets, lost, rate).is_some()
        };
        assert!(!second(0, 0, 0));
        assert!(!second(1, 30, 12), "12 of 30 where 6 are usual");
        assert!(second(2, 1000, 400), "400 of 1000 where 200 are usual");
    }

    #[test]
    fn few_packets_say_nothing() {
        let mut guard = LossGuard::new();
        let rate = Bitrate::from_kbps(100);
        assert_eq!(guard.on_packets(Instant::ZERO, 5, 5, rate), None);
        assert_eq!(guard.on_packets(Instant::from_millis(5000), 14, 14, rate), None);
        assert!(guard.on_packets(Instant::from_millis(5000), 1, 1, rate).is_some());
    }
}

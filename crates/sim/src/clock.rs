//! Time that passes when it's told to.

use core::time::Duration;
use visavis_core::{Instant, earliest};

/// A clock for tests: it jumps from wakeup to wakeup instead of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VirtualClock {
    now: Instant,
}

impl VirtualClock {
    /// At the epoch.
    #[must_use]
    pub const fn new() -> Self {
        Self { now: Instant::ZERO }
    }

    /// The time.
    #[must_use]
    pub const fn now(self) -> Instant {
        self.now
    }

    /// Jumps to the earliest of `wakeups`; never back. False if nothing is due ever again.
    pub fn advance(&mut self, wakeups: impl IntoIterator<Item = Option<Instant>>) -> bool {
        let Some(next) = wakeups.into_iter().fold(None, earliest) else { return false };
        self.advance_to(next);
        true
    }

    /// Jumps to `then`; never back.
    pub fn advance_to(&mut self, then: Instant) {
        self.now = self.now.max(then);
    }

    /// Lets `duration` pass.
    pub fn advance_by(&mut self, duration: Duration) {
        self.now += duration;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_to_the_earliest_and_never_back() {
        let mut clock = VirtualClock::new();
        let at = |ms| Some(Instant::from_millis(ms));
        assert!(clock.advance([at(7), None, at(5)]));
        assert_eq!(Some(clock.now()), at(5));
        assert!(clock.advance([at(3)]));
        assert_eq!(Some(clock.now()), at(5));
        assert!(!clock.advance([None, None]));
        clock.advance_by(Duration::from_millis(2));
        assert_eq!(Some(clock.now()), at(7));
    }
}

//! The contract of everything that has a life of its own.

use crate::Instant;

/// A part that acts by itself as time passes: a session, a pacer, a playout buffer, a controller.
///
/// Facts go in through the engine's own `on_*` and `insert` methods; what follows from them comes out
/// of [`poll`](Self::poll). The rules, which `visavis_sim::contract` checks for every engine:
///
/// 1. The embedder owns the clock: `now` comes with every call, and time that goes backwards is
///    treated as standing still.
/// 2. Any number of inputs may come between two polls, in any order.
/// 3. After `poll` has returned `None`, [`next_wakeup`](Self::next_wakeup) is `None` or strictly later
///    than `now`, so that no caller can spin.
/// 4. Every queue has a capacity; overflow is a returned value and a counter, never growth.
/// 5. The same inputs and seed give the same outputs.
///
/// ```
/// use core::time::Duration;
/// use visavis_core::{Engine, Instant};
///
/// /// Ticks once a second.
/// struct Ticker {
///     due: Instant,
/// }
///
/// impl Engine for Ticker {
///     type Buffer = ();
///     type Output = Instant;
///     fn poll(&mut self, now: Instant, _: &mut ()) -> Option<Instant> {
///         let due = self.due;
///         (due <= now).then(|| {
///             self.due = due + Duration::from_secs(1);
///             due
///         })
///     }
///     fn next_wakeup(&self) -> Option<Instant> {
///         Some(self.due)
///     }
/// }
///
/// let mut ticker = Ticker { due: Instant::ZERO };
/// let now = Instant::from_millis(1500);
/// while let Some(tick) = ticker.poll(now, &mut ()) {
///     assert!(tick <= now);
/// }
/// assert_eq!(ticker.next_wakeup(), Some(Instant::from_millis(2000)));
/// ```
pub trait Engine {
    /// What `poll` may write into: `()` for engines that make no bytes, `[u8]` for those that do.
    type Buffer: ?Sized;
    /// What `poll` yields.
    type Output;

    /// Advances to `now` and yields what is due. Bytes go to the front of `buffer`, and the output
    /// says how many. Call until it yields `None`.
    fn poll(&mut self, now: Instant, buffer: &mut Self::Buffer) -> Option<Self::Output>;

    /// When `poll` next has something to do; `None` if only an input can change that.
    fn next_wakeup(&self) -> Option<Instant>;
}

/// The earlier of two wakeups, where `None` means never.
#[must_use]
pub fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_is_later_than_any_wakeup() {
        let (one, two) = (Some(Instant::from_millis(1)), Some(Instant::from_millis(2)));
        assert_eq!(earliest(one, two), one);
        assert_eq!(earliest(two, one), one);
        assert_eq!(earliest(None, two), two);
        assert_eq!(earliest(one, None), one);
        assert_eq!(earliest(None, None), None);
    }
}

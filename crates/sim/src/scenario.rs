//! Scripts: what happens when.

use alloc::collections::VecDeque;
use visavis_core::{Engine, Instant};

/// One thing that happens in a [`Scenario`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<A> {
    /// When.
    pub at: Instant,
    /// Why, for whoever reads a failing test.
    pub what: &'static str,
    /// What to do.
    pub action: A,
}

/// A script of timed steps. It's an engine, so it goes into the same loop as the engines it acts on.
///
/// ```
/// use visavis_core::{Engine, Instant};
/// use visavis_sim::{Scenario, VirtualClock};
///
/// #[derive(Debug, PartialEq)]
/// enum Action { Mute, Leave }
///
/// let mut script = Scenario::new()
///     .at(Instant::from_millis(500), "the caller mutes", Action::Mute)
///     .at(Instant::from_millis(900), "and leaves", Action::Leave);
/// let mut clock = VirtualClock::new();
/// let mut done = Vec::new();
/// while clock.advance([script.next_wakeup()]) {
///     while let Some(step) = script.poll(clock.now(), &mut ()) {
///         done.push(step.action);
///     }
/// }
/// assert_eq!(done, [Action::Mute, Action::Leave]);
/// ```
#[derive(Debug, Clone)]
pub struct Scenario<A> {
    steps: VecDeque<Step<A>>,
}

impl<A> Scenario<A> {
    /// Nothing happens.
    #[must_use]
    pub const fn new() -> Self {
        Self { steps: VecDeque::new() }
    }

    /// `action` happens at `at`, after all steps of the same or an earlier time.
    #[must_use]
    pub fn at(mut self, at: Instant, what: &'static str, action: A) -> Self {
        let place = self.steps.partition_point(|step| step.at <= at);
        self.steps.insert(place, Step { at, what, action });
        self
    }
}

impl<A> Default for Scenario<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> Engine for Scenario<A> {
    type Buffer = ();
    type Output = Step<A>;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<Step<A>> {
        self.steps.pop_front_if(|step| step.at <= now)
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.steps.front().map(|step| step.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_in_order_of_time_then_of_writing() {
        let at = Instant::from_millis;
        let mut script = Scenario::new()
            .at(at(2), "", 'b')
            .at(at(1), "", 'a')
            .at(at(2), "", 'c')
            .at(at(9), "", 'd');
        let mut happened = String::new();
        while let Some(step) = script.poll(at(5), &mut ()) {
            happened.push(step.action);
        }
        assert_eq!(happened, "abc");
        assert_eq!(script.next_wakeup(), Some(at(9)));
    }
}

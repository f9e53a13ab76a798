//! When to ask for a keyframe.

use core::time::Duration;

use visavis_core::Instant;

/// The shortest time between two requests: the first one's keyframe must have had time to come.
const SHORTEST: Duration = Duration::from_millis(200);
/// After so many requests without an answer each further one waits twice as long as the one before.
const PATIENT: u32 = 4;
/// And at most 2 to this power times as long.
const MAX_DOUBLINGS: u32 = 4;

/// Asks while a keyframe is wanted, less often as time passes, and only while the sender is heard.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    /// Since when one is wanted.
    wanted: Option<Instant>,
    last: Option<Instant>,
    count: u32,
    heard: bool,
    rtt: Duration,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self { wanted: None, last: None, count: 0, heard: false, rtt: Duration::from_millis(100) }
    }

    pub(super) fn on_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt.min(Duration::from_secs(2));
    }

    pub(super) fn rtt(&self) -> Duration {
        self.rtt
    }

    pub(super) fn on_packet(&mut self) {
        self.heard = true;
    }

    pub(super) fn want(&mut self, now: Instant) {
        self.wanted.get_or_insert(now);
    }

    pub(super) fn wanted(&self) -> bool {
        self.wanted.is_some()
    }

    pub(super) fn satisfied(&mut self) {
        self.wanted = None;
        self.count = 0;
    }

    /// When the next request is to be sent.
    pub(super) fn due(&self) -> Option<Instant> {
        let wanted = self.wanted?;
        let Some(last) = self.last else { return Some(wanted) };
        if self.count > 0 && !self.heard {
            return None;
        }
        let doublings = self.count.saturating_sub(PATIENT).min(MAX_DOUBLINGS);
        let pause = (self.rtt + self.rtt / 4).max(SHORTEST) * (1 << doublings);
        Some(wanted.max(last + pause))
    }

    /// Whether to send a request now.
    pub(super) fn poll(&mut self, now: Instant) -> bool {
        if self.due().is_none_or(|due| due > now) {
            return false;
        }
        self.last = Some(now);
        self.count = self.count.saturating_add(1);
        self.heard = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn it_asks_at_once_then_less_and_less_often_while_the_sender_is_heard() {
        let mut requests = Requests::new();
        assert_eq!(requests.due(), None);
        requests.want(Instant::from_millis(1000));
        let mut asked = Vec::new();
        for ms in 1000..10_000 {
            requests.on_packet();
            if requests.poll(Instant::from_millis(ms)) {
                asked.push(ms);
            }
        }
        assert_eq!(asked, [1000, 1200, 1400, 1600, 1800, 2200, 3000, 4600, 7800]);
        assert!(requests.poll(Instant::from_millis(11_000)));
        assert_eq!(requests.due(), None, "the sender is gone");
    }

    #[test]
    fn a_new_want_still_keeps_its_distance() {
        let mut requests = Requests::new();
        requests.want(Instant::from_millis(10));
        assert!(requests.poll(Instant::from_millis(10)));
        requests.satisfied();
        requests.want(Instant::from_millis(50));
        assert!(!requests.poll(Instant::from_millis(209)));
        assert!(requests.poll(Instant::from_millis(210)));
    }
}

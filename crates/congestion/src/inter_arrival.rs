//! How much longer the path took for one group of packets than for the one before.

use visavis_core::Instant;

/// Packets sent within this of the first one are a group. This and what follows as in libwebrtc's
/// `InterArrivalDelta`; first described in
/// [draft-ietf-rmcat-gcc-02 §5.2](https://datatracker.ietf.org/doc/html/draft-ietf-rmcat-gcc-02#section-5.2).
const GROUP_MS: f64 = 5.0;
/// Packets that arrive within this of each other after waiting together belong to one group,
const BURST_MS: f64 = 5.0;
/// as long as it doesn't last longer than this.
const MAX_BURST_MS: f64 = 100.0;
/// After so many groups that overtook the one before, all starts anew.
const MAX_REORDERED: u32 = 3;
/// After such a pause, too.
const TIMEOUT_MS: f64 = 2000.0;

/// What lies between the ends of two groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Delta {
    /// Milliseconds between their last packets on the sender's clock.
    pub(crate) sent: f64,
    /// The same on the receiver's.
    pub(crate) arrived: f64,
    /// When the later group had arrived.
    pub(crate) at: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Instant,
    last_sent: Instant,
    first_arrived: Instant,
    last_arrived: Instant,
}

/// Puts packets into groups and compares each group with the one before.
#[derive(Debug, Clone, Default)]
pub(crate) struct InterArrival {
    previous: Option<Group>,
    current: Option<Group>,
    reordered: u32,
}

impl InterArrival {
    /// A packet arrived. If it begins a group, compares the two groups before.
    pub(crate) fn on_packet(&mut self, sent: Instant, arrived: Instant) -> Option<Delta> {
        let group = Group {
            first_sent: sent,
            last_sent: sent,
            first_arrived: arrived,
            last_arrived: arrived,
        };
        let Some(current) = &mut self.current else {
            self.current = Some(group);
            return None;
        };
        if arrived.diff_millis(current.last_arrived) > TIMEOUT_MS {
            *self = Self { current: Some(group), ..Self::default() };
            return None;
        }
        if sent < current.first_sent {
            return None;
        }
        if current.takes(sent, arrived) {
            current.last_sent = current.last_sent.max(sent);
            current.last_arrived = current.last_arrived.max(arrived);
            return None;
        }
        let done = *current;
        let previous = self.previous.replace(done);
        self.current = Some(group);
        let delta = done.since(&previous?);
        if delta.arrived < 0.0 {
            self.reordered += 1;
            if self.reordered >= MAX_REORDERED {
                *self = Self::default();
            }
            return None;
        }
        self.reordered = 0;
        Some(delta)
    }
}

impl Group {
    fn takes(&self, sent: Instant, arrived: Instant) -> bool {
        if sent.diff_millis(self.first_sent) <= GROUP_MS {
            return true;
        }
        let arrival = arrived.diff_millis(self.last_arrived);
        let propagation = arrival - sent.diff_millis(self.last_sent);
        propagation < 0.0
            && arrival <= BURST_MS
            && arrived.diff_millis(self.first_arrived) < MAX_BURST_MS
    }

    fn since(&self, earlier: &Self) -> Delta {
        Delta {
            sent: self.last_sent.diff_millis(earlier.last_sent),
            arrived: self.last_arrived.diff_millis(earlier.last_arrived),
            at: self.last_arrived,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn deltas(packets: &[(u64, u64)]) -> Vec<(f64, f64)> {
        let mut groups = InterArrival::default();
        let at = Instant::from_millis;
        let delta = |&(sent, arrived): &_| groups.on_packet(at(sent), at(arrived));
        packets.iter().filter_map(delta).map(|delta| (delta.sent, delta.arrived)).collect()
    }

    #[test]
    fn packets_sent_together_are_a_group() {
        let packets = [(0, 50), (3, 53), (5, 55), (20, 70), (22, 75), (40, 90)];
        assert_eq!(deltas(&packets), [(17.0, 20.0)]);
    }

    #[test]
    fn packets_that_waited_together_are_a_group() {
        // Sent 10 ms apart, all arrive at once after an outage; then one more.
        let packets = [(0, 50), (10, 60), (20, 120), (30, 121), (40, 122), (100, 150), (120, 170)];
        assert_eq!(deltas(&packets), [(10.0, 10.0), (30.0, 62.0), (60.0, 28.0)]);
    }

    #[test]
    fn overtaking_packets_and_long_pauses_are_left_out() {
        assert_eq!(deltas(&[(0, 50), (20, 70), (10, 71), (40, 90)]), [(20.0, 20.0)]);
        assert_eq!(deltas(&[(0, 50), (20, 70), (5000, 5050), (5020, 5070)]), []);
    }
}

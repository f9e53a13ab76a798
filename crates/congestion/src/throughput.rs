//! How much arrives.

use alloc::collections::VecDeque;
use core::time::Duration;
use visavis_core::{Bitrate, DataSize, Instant};

/// As many packets as libwebrtc's `RobustThroughputEstimator` looks at.
const MAX_PACKETS: usize = 500;
/// Fewer say nothing.
const MIN_PACKETS: usize = 10;
/// What is older says nothing.
const MAX_WINDOW: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
struct Arrival {
    sent_at: Instant,
    arrived_at: Instant,
    size: DataSize,
}

/// The delivered rate, robust against gaps in sending and against bursts in arriving.
#[derive(Debug, Clone)]
pub(crate) struct Throughput {
    /// In the order in which they arrived.
    arrivals: VecDeque<Arrival>,
}

impl Throughput {
    pub(crate) fn new() -> Self {
        Self { arrivals: VecDeque::with_capacity(MAX_PACKETS) }
    }

    /// `size` arrived with this packet.
    pub(crate) fn on_packet(&mut self, sent_at: Instant, arrived_at: Instant, size: DataSize) {
        // A clock that jumped back leaves nothing to compare with.
        if self.arrivals.back().is_some_and(|last| last.arrived_at.since(arrived_at) > MAX_WINDOW) {
            self.arrivals.clear();
        }
        while self.arrivals.len() >= MAX_PACKETS
            || self.arrivals.front().is_some_and(|a| arrived_at.since(a.arrived_at) > MAX_WINDOW)
        {
            self.arrivals.pop_front();
        }
        let place = self.arrivals.partition_point(|one| one.arrived_at <= arrived_at);
        self.arrivals.insert(place, Arrival { sent_at, arrived_at, size });
    }

    /// The rate over the last `window`, or over more if that has too few packets. The smaller of what
    /// was sent and what arrived; of the gaps between arrivals the largest counts as long as the second
    /// largest, since a single one is an outage rather than a rate.
    pub(crate) fn rate(&self, window: Duration) -> Option<Bitrate> {
        let newest = self.arrivals.back()?.arrived_at;
        let in_window = |one: &Arrival| newest.since(one.arrived_at) <= window;
        let count = self.arrivals.iter().rev().take_while(|one| in_window(one)).count();
        let count = count.max(MIN_PACKETS);
        if self.arrivals.len() < count {
            return None;
        }
        let mut packets = self.arrivals.iter().rev().take(count);
        let last = packets.next()?;
        let (mut first, mut total) = (last, last.size);
        let (mut first_sent, mut last_sent) = (last, last);
        let (mut gap, mut second_gap) = (Duration::ZERO, Duration::ZERO);
        for one in packets {
            let here = first.arrived_at.since(one.arrived_at);
            second_gap = second_gap.max(here.min(gap));
            gap = gap.max(here);
            first = one;
            total += one.size;
            first_sent = if one.sent_at < first_sent.sent_at { one } else { first_sent };
            last_sent = if one.sent_at > last_sent.sent_at { one } else { last_sent };
        }
        // The first one to arrive and the last one to be sent are outside of the time that is counted.
        let arriving = last.arrived_at.since(first.arrived_at).saturating_sub(gap - second_gap);
        let sending = last_sent.sent_at.since(first_sent.sent_at);
        if arriving.is_zero() || sending.is_zero() {
            return None;
        }
        let sent = (total - last_sent.size).per(sending);
        Some((total - first.size).per(arriving).min(sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// 1000 bytes each: 10 ms apart is 800 kb/s.
    fn rate(packets: impl IntoIterator<Item = (u64, u64)>, window: Duration) -> Option<u64> {
        let mut throughput = Throughput::new();
        for (sent, arrived) in packets {
            let (sent, arrived) = (Instant::from_millis(sent), Instant::from_millis(arrived));
            throughput.on_packet(sent, arrived, DataSize::from_bytes(1000));
        }
        Some(throughput.rate(window)?.bps() / 1000)
    }

    #[test]
    fn a_steady_stream_has_its_rate() {
        assert_eq!(rate((0..300).map(|n| (n * 10, n * 10 + 50)), SECOND), Some(800));
        assert_eq!(rate((0..9).map(|n| (n * 10, n * 10)), SECOND), None);
        assert_eq!(rate((0..10).map(|n| (n * 100, n * 100)), SECOND / 4), Some(80));
    }

    #[test]
    fn the_slower_of_sending_and_arriving_counts() {
        assert_eq!(rate((0..100).map(|n| (n * 10, n * 5)), SECOND), Some(800));
        assert_eq!(rate((0..100).map(|n| (n * 5, n * 10)), SECOND), Some(800));
    }

    #[test]
    fn one_outage_does_not_lower_it() {
        let packets = (0..100).map(|n| (n * 10, if n < 50 { n * 10 } else { n * 10 + 300 }));
        assert_eq!(rate(packets, SECOND), Some(800));
    }

    #[test]
    fn order_does_not_matter() {
        let packets = (0..100u64).map(|n| ((n ^ 1) * 10, (n ^ 1) * 10));
        assert_eq!(rate(packets, SECOND), Some(800));
    }
}

//! One direction of an emulated network.

use crate::{Capacity, Loss, Rng};
use alloc::collections::BinaryHeap;
use core::cmp::{Ordering, Reverse};
use core::time::Duration;
use visavis_core::{Bitrate, ConfigError, DataSize, Engine, Instant};

/// What one direction of a network is like. By default it's perfect.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinkConfig {
    /// How long a packet travels once it has passed the bottleneck. By default 0.
    pub delay: Duration,
    /// Up to so much more, evenly spread; packets keep their order. By default 0.
    pub jitter: Duration,
    /// Which packets are lost after they have passed the bottleneck. By default none.
    pub loss: Loss,
    /// The probability that a packet takes [`reorder_delay`](Self::reorder_delay) longer and may be
    /// overtaken. By default 0.
    pub reorder: f64,
    /// How much longer a reordered packet takes. By default 20 ms.
    pub reorder_delay: Duration,
    /// The probability that a packet arrives twice. By default 0.
    pub duplicate: f64,
    /// What the bottleneck carries. By default unlimited.
    pub capacity: Capacity,
    /// A packet that would have to wait longer than this before the bottleneck is dropped (tail drop).
    /// By default 300 ms. [RFC 8867 §4.1](https://www.rfc-editor.org/rfc/rfc8867#section-4.1)
    pub queue: Duration,
    /// Bytes added to every packet at the bottleneck. By default 28: IPv4 and UDP.
    pub overhead: usize,
    /// At most so many packets are under way; more are dropped like those that find the queue full. By
    /// default 65 536.
    pub max_packets: usize,
    /// The same seed loses, delays and doubles the same packets.
    pub seed: u64,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: Loss::None,
            reorder: 0.0,
            reorder_delay: Duration::from_millis(20),
            duplicate: 0.0,
            capacity: Capacity::unlimited(),
            queue: Duration::from_millis(300),
            overhead: 28,
            max_packets: 1 << 16,
            seed: 0,
        }
    }
}

/// A packet that comes out at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery<P> {
    /// When it arrived: never later than the `now` of the poll that yields it.
    pub at: Instant,
    /// The packet.
    pub packet: P,
}

/// A packet that won't arrive, given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the packet was lost by {by}")]
pub struct Lost<P> {
    /// The packet.
    pub packet: P,
    /// What lost it.
    pub by: LostBy,
}

/// What lost a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostBy {
    /// The path, as [`LinkConfig::loss`] says.
    Chance,
    /// The queue before the bottleneck was full.
    Queue,
}

impl core::fmt::Display for LostBy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Chance => "chance",
            Self::Queue => "a full queue",
        })
    }
}

/// What happened to the packets so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LinkStats {
    /// Given to [`Link::send`].
    pub sent: u64,
    /// Lost by chance.
    pub lost_random: u64,
    /// Dropped because the queue was full.
    pub lost_queue: u64,
    /// Doubled.
    pub duplicated: u64,
    /// Held back, so that others could overtake them.
    pub reordered: u64,
    /// Come out at the other end, doubles included.
    pub delivered: u64,
}

/// One direction of a network: a bottleneck with a queue, then a path that delays, loses, reorders and
/// doubles. `P` is whatever stands for a packet.
#[derive(Debug)]
pub struct Link<P> {
    config: LinkConfig,
    rng: Rng,
    bad: bool,
    now: Instant,
    /// When the bottleneck has sent all it has.
    free_at: Instant,
    /// When the last packet arrives that kept its order.
    in_order: Instant,
    under_way: BinaryHeap<Reverse<UnderWay<P>>>,
    /// Numbers the packets, so that equal arrival times keep their order.
    count: u64,
    stats: LinkStats,
}

#[derive(Debug)]
struct UnderWay<P> {
    at: Instant,
    count: u64,
    packet: P,
}

impl<P> Link<P> {
    /// An idle link.
    ///
    /// # Errors
    /// If a probability isn't one, or no packet may be under way.
    pub fn new(config: LinkConfig) -> Result<Self, ConfigError> {
        config.loss.check()?;
        for (field, p) in [("reorder", config.reorder), ("duplicate", config.duplicate)] {
            if !(0.0..=1.0).contains(&p) {
                return Err(ConfigError::new(field, "must be from 0 to 1"));
            }
        }
        if config.max_packets == 0 {
            return Err(ConfigError::new("max_packets", "must be above 0"));
        }
        Ok(Self {
            rng: Rng::new(config.seed),
            config,
            bad: false,
            now: Instant::ZERO,
            free_at: Instant::ZERO,
            in_order: Instant::ZERO,
            under_way: BinaryHeap::new(),
            count: 0,
            stats: LinkStats::default(),
        })
    }

    /// How long a packet that is sent at `now` waits before the bottleneck takes it.
    #[must_use]
    pub fn queue_delay(&self, now: Instant) -> Duration {
        self.free_at.since(now.max(self.now))
    }

    /// What the bottleneck carries at `at`; `None` if unlimited.
    #[must_use]
    pub fn capacity_at(&self, at: Instant) -> Option<Bitrate> {
        self.config.capacity.at(at)
    }

    /// How many packets are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// What happened so far.
    #[must_use]
    pub const fn stats(&self) -> LinkStats {
        self.stats
    }

    fn enter(&mut self, at: Instant, packet: P) {
        self.under_way.push(Reverse(UnderWay { at, count: self.count, packet }));
        self.count += 1;
    }

    /// When the bottleneck has passed `bytes` on, if the queue takes them.
    fn pass(&mut self, bytes: usize) -> Option<Instant> {
        let wait = self.free_at.since(self.now);
        if wait > self.config.queue || self.under_way.len() >= self.config.max_packets {
            return None;
        }
        let size = DataSize::from_bytes(bytes.saturating_add(self.config.overhead) as u64);
        self.free_at = self.config.capacity.passed(self.now.max(self.free_at), size)?;
        Some(self.free_at)
    }
}

impl<P: Clone> Link<P> {
    /// Puts a packet of `bytes` on the link. It is cloned only if it shall arrive twice.
    ///
    /// # Errors
    /// Gives the packet back if it won't arrive. A sender in a test mustn't look at that; it's meant
    /// for counting.
    pub fn send(&mut self, now: Instant, bytes: usize, packet: P) -> Result<(), Lost<P>> {
        self.now = self.now.max(now);
        self.stats.sent += 1;
        // All dice are cast for every packet, so that one setting doesn't change another's outcome.
        let lost = self.config.loss.next(&mut self.bad, &mut self.rng);
        let jitter = self.rng.duration(self.config.jitter);
        let reordered = self.rng.chance(self.config.reorder);
        let twice = self.rng.chance(self.config.duplicate);

        let Some(passed) = self.pass(bytes) else {
            self.stats.lost_queue += 1;
            return Err(Lost { packet, by: LostBy::Queue });
        };
        if lost {
            self.stats.lost_random += 1;
            return Err(Lost { packet, by: LostBy::Chance });
        }
        let mut at = passed + self.config.delay + jitter;
        if reordered {
            self.stats.reordered += 1;
            at += self.config.reorder_delay;
        } else {
            at = at.max(self.in_order);
            self.in_order = at;
        }
        if twice && self.under_way.len() + 1 < self.config.max_packets {
            self.stats.duplicated += 1;
            self.enter(at, packet.clone());
        }
        self.enter(at, packet);
        Ok(())
    }
}

impl<P> Engine for Link<P> {
    type Buffer = ();
    type Output = Delivery<P>;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<Delivery<P>> {
        self.now = self.now.max(now);
        if self.under_way.peek()?.0.at > self.now {
            return None;
        }
        let Reverse(UnderWay { at, packet, .. }) = self.under_way.pop()?;
        self.stats.delivered += 1;
        Some(Delivery { at, packet })
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.under_way.peek().map(|first| first.0.at)
    }
}

impl<P> UnderWay<P> {
    const fn key(&self) -> (Instant, u64) {
        (self.at, self.count)
    }
}

impl<P> PartialEq for UnderWay<P> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<P> Eq for UnderWay<P> {}

impl<P> PartialOrd for UnderWay<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> Ord for UnderWay<P> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

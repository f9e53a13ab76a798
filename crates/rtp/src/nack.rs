//! Asking for what is missing.

use alloc::collections::VecDeque;
use core::time::Duration;
use visavis_core::{ConfigError, Engine, ExtSeq, Instant, Seq};

/// How a [`NackGenerator`] is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NackConfig {
    /// How many missing packets are remembered at once; the oldest give way. 1 to 65536.
    pub capacity: usize,
    /// A missing packet this far behind the newest is given up. 1 to 32768.
    pub max_age_packets: u16,
    /// How often a packet is asked for before it's given up. At least 1.
    pub max_asks: u8,
    /// How long a packet may be overtaken before it's asked for.
    pub reorder_tolerance: Duration,
    /// The round-trip time before [`NackGenerator::on_rtt`] tells it.
    pub default_rtt: Duration,
}

impl Default for NackConfig {
    /// Room for 512 missing of the last 1024, ten asks, 5 ms of patience.
    fn default() -> Self {
        Self {
            capacity: 512,
            max_age_packets: 1024,
            max_asks: 10,
            reorder_tolerance: Duration::from_millis(5),
            default_rtt: Duration::from_millis(100),
        }
    }
}

/// What became of the packets that were missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NackStats {
    /// How often a packet was asked for.
    pub asked: u64,
    /// Packets that came after they were missed, asked for or not.
    pub recovered: u64,
    /// Packets given up: too old, asked for too often, or no room.
    pub given_up: u64,
    /// Packets that nobody needed any more.
    pub abandoned: u64,
}

/// Packets to ask for now, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NackBatch {
    seqs: [Seq; Self::CAPACITY],
    len: usize,
}

impl NackBatch {
    /// The most packets in one batch; more come with the next poll.
    pub const CAPACITY: usize = 64;

    const EMPTY: Self = Self { seqs: [Seq(0); Self::CAPACITY], len: 0 };

    /// The packets, as [`Writer::nack`](crate::rtcp::Writer::nack) takes them.
    #[must_use]
    pub fn seqs(&self) -> &[Seq] {
        self.seqs.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, seq: Seq) -> bool {
        let slot = self.seqs.get_mut(self.len);
        self.len += usize::from(slot.is_some());
        slot.map(|slot| *slot = seq).is_some()
    }
}

impl IntoIterator for NackBatch {
    type Item = Seq;
    type IntoIter = core::iter::Take<core::array::IntoIter<Seq, { Self::CAPACITY }>>;

    fn into_iter(self) -> Self::IntoIter {
        self.seqs.into_iter().take(self.len)
    }
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    seq: u64,
    due: Instant,
    asks: u8,
}

/// Notices gaps in one stream and says which packets to ask for and when: first after a little
/// patience for reordering, then again each time an answer should have come, until the packet comes,
/// is too old, or isn't needed any more.
#[derive(Debug, Clone)]
pub struct NackGenerator {
    config: NackConfig,
    rtt: Duration,
    now: Instant,
    highest: Option<u64>,
    /// What nobody needs is below.
    floor: u64,
    /// Ascending.
    missing: VecDeque<Missing>,
    stats: NackStats,
}

impl NackGenerator {
    /// The least time between two asks: the answer's way through pacers and queues.
    const LEAST_RETRY: Duration = Duration::from_millis(20);

    /// Before the first packet.
    ///
    /// # Errors
    /// [`ConfigError`] for figures out of their ranges.
    pub fn new(config: NackConfig) -> Result<Self, ConfigError> {
        if !(1..=65_536).contains(&config.capacity) {
            return Err(ConfigError::new("capacity", "must be from 1 to 65536"));
        }
        if !(1..=32_768).contains(&config.max_age_packets) {
            return Err(ConfigError::new("max_age_packets", "must be from 1 to 32768"));
        }
        if config.max_asks == 0 {
            return Err(ConfigError::new("max_asks", "must be at least 1"));
        }
        Ok(Self {
            config,
            rtt: config.default_rtt,
            now: Instant::ZERO,
            highest: None,
            floor: 0,
            missing: VecDeque::with_capacity(config.capacity),
            stats: NackStats::default(),
        })
    }

    /// Notes a packet that came, however it came.
    pub fn on_packet(&mut self, now: Instant, seq: ExtSeq) {
        self.now = self.now.max(now);
        let Some(highest) = self.highest else {
            self.highest = Some(seq.0);
            return;
        };
        if seq.0 <= highest {
            if let Ok(index) = self.missing.binary_search_by_key(&seq.0, |missing| missing.seq) {
                self.missing.remove(index);
                self.stats.recovered += 1;
            }
            return;
        }
        self.highest = Some(seq.0);
        self.forget_old(seq.0);
        self.add_missing(highest + 1, seq.0);
    }

    /// Notes those from `first` to before `end` as missing. A gap longer than what may be asked for is
    /// an outage or a new start: then only a keyframe helps, and nothing is asked for.
    fn add_missing(&mut self, first: u64, end: u64) {
        let first = first.max(self.floor).min(end);
        let gap = end - first;
        if gap > u64::from(self.config.max_age_packets) {
            self.stats.given_up += gap;
            return;
        }
        let due = self.now + self.config.reorder_tolerance;
        for seq in first..end {
            if self.missing.len() == self.config.capacity {
                self.missing.pop_front();
                self.stats.given_up += 1;
            }
            self.missing.push_back(Missing { seq, due, asks: 0 });
        }
    }

    fn forget_old(&mut self, highest: u64) {
        let oldest = highest.saturating_sub(u64::from(self.config.max_age_packets));
        while self.missing.pop_front_if(|missing| missing.seq < oldest).is_some() {
            self.stats.given_up += 1;
        }
    }

    /// Tells the round-trip time, after which an answer should have come.
    pub const fn on_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// Gives up everything before `seq`: it would come too late, or a keyframe made it superfluous.
    pub fn abandon_before(&mut self, seq: ExtSeq) {
        self.floor = self.floor.max(seq.0);
        while self.missing.pop_front_if(|missing| missing.seq < seq.0).is_some() {
            self.stats.abandoned += 1;
        }
    }

    /// How many packets are missing and not given up.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.missing.len()
    }

    /// What became of those that were missing.
    #[must_use]
    pub const fn stats(&self) -> NackStats {
        self.stats
    }

    /// A quarter of grace, since round-trip times vary.
    fn retry_delay(&self) -> Duration {
        self.rtt.saturating_add(self.rtt / 4).max(Self::LEAST_RETRY)
    }
}

impl Engine for NackGenerator {
    type Buffer = ();
    type Output = NackBatch;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<NackBatch> {
        self.now = self.now.max(now);
        let (now, retry, max_asks) = (self.now, self.retry_delay(), self.config.max_asks);
        let before = self.missing.len();
        self.missing.retain(|missing| missing.due > now || missing.asks < max_asks);
        self.stats.given_up += u64::try_from(before - self.missing.len()).unwrap_or(0);
        let mut batch = NackBatch::EMPTY;
        for missing in self.missing.iter_mut().filter(|missing| missing.due <= now) {
            if !batch.push(ExtSeq(missing.seq).wire()) {
                break;
            }
            missing.asks += 1;
            missing.due = now + retry;
            self.stats.asked += 1;
        }
        (batch.len != 0).then_some(batch)
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.missing.iter().map(|missing| missing.due).min()
    }
}

//! The receiver's side: what arrived when, and when to say so.

use alloc::boxed::Box;
use alloc::vec;
use core::time::Duration;
use visavis_core::{Bitrate, ConfigError, DataSize, Engine, ExtSeq, Instant, Seq, SeqUnwrapper};

/// How an [`ArrivalLog`] reports. The defaults are those of libwebrtc's `RemoteEstimatorProxy`, but
/// for the interval, which is the shortest where that doesn't cost too much.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ArrivalConfig {
    /// Reports are at least so far apart. By default 50 ms.
    pub min_interval: Duration,
    /// A packet is reported at the latest after this. By default 250 ms.
    pub max_interval: Duration,
    /// The share of the received rate that reports may cost. By default 0.05, the share that RTCP has.
    /// [RFC 3550 §6.2](https://www.rfc-editor.org/rfc/rfc3550#section-6.2)
    pub share: f64,
    /// How many packets are remembered at most. By default 4096.
    pub window: usize,
    /// A packet that was reported lost is reported again if it arrives when it's at most so many
    /// packets behind the newest. By default 500.
    pub late: usize,
}

impl Default for ArrivalConfig {
    fn default() -> Self {
        Self {
            min_interval: Duration::from_millis(50),
            max_interval: Duration::from_millis(250),
            share: 0.05,
            window: 4096,
            late: 500,
        }
    }
}

/// What one report costs on the wire, all overhead included.
const REPORT: DataSize = DataSize::from_bytes(80);

/// It's time to report: see [`ArrivalLog::report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedbackDue;

/// Remembers when packets arrived until it was reported.
///
/// When [`poll`](Engine::poll) says that feedback is due, write what [`report`](Self::report) gives, as
/// much as fits, and tell [`reported`](Self::reported) how many packets that were; repeat while there
/// is more.
///
/// Only for packets that are known to be genuine: a forged number would move the window.
#[derive(Debug, Clone)]
pub struct ArrivalLog {
    config: ArrivalConfig,
    now: Instant,
    unwrapper: SeqUnwrapper,
    /// By sequence number modulo the length; kept from `newest - length + 1` to `newest`.
    arrivals: Box<[Option<Instant>]>,
    newest: Option<ExtSeq>,
    /// The first number that the next report speaks of.
    next: ExtSeq,
    due: Option<Instant>,
    /// What arrived since `counted_from`.
    bytes: DataSize,
    counted_from: Instant,
    interval: Duration,
}

impl ArrivalLog {
    /// An empty log.
    ///
    /// # Errors
    /// If the intervals contradict each other, the share isn't above 0, or the window isn't from 1 to
    /// 32 768 packets or is shorter than `late`.
    pub fn new(config: ArrivalConfig) -> Result<Self, ConfigError> {
        if config.min_interval.is_zero() || config.max_interval < config.min_interval {
            return Err(ConfigError::new(
                "min_interval",
                "must be above 0 and at most the maximum",
            ));
        }
        if !(config.share > 0.0 && config.share <= 1.0) {
            return Err(ConfigError::new("share", "must be above 0 and at most 1"));
        }
        if !(1..=1 << 15).contains(&config.window) || config.late > config.window {
            return Err(ConfigError::new("window", "must be from 1 to 32768 and at least `late`"));
        }
        Ok(Self {
            now: Instant::ZERO,
            unwrapper: SeqUnwrapper::new(),
            arrivals: vec![None; config.window].into(),
            newest: None,
            next: ExtSeq(0),
            due: None,
            bytes: DataSize::ZERO,
            counted_from: Instant::ZERO,
            interval: config.min_interval,
            config,
        })
    }

    /// A packet with the transport-wide number `seq` arrived. Its `size` counts all overhead.
    pub fn on_packet(&mut self, now: Instant, seq: Seq, size: DataSize) {
        self.now = self.now.max(now);
        let (now, seq) = (self.now, self.unwrapper.unwrap(seq));
        match self.newest {
            Some(newest) if seq <= newest => {
                if !self.enter_late(now, seq, newest) {
                    return;
                }
            }
            newest => self.enter_new(now, seq, newest),
        }
        if self.due.is_none() {
            self.due = Some(now + self.interval);
        }
        self.bytes += size;
    }

    /// What wasn't reported yet, or `None` if there's nothing. The last packet of it has arrived.
    #[must_use]
    pub fn report(&self) -> Option<Feedback<'_>> {
        let newest = self.newest?;
        (self.next <= newest).then_some(Feedback { log: self, base: self.next, last: newest })
    }

    /// The first `packets` packets of the last [`report`](Self::report) were written.
    pub fn reported(&mut self, packets: usize) {
        let end = self.newest.map_or(self.next, ExtSeq::next);
        self.next = (self.next + packets as u64).min(end);
    }

    fn enter_new(&mut self, now: Instant, seq: ExtSeq, newest: Option<ExtSeq>) {
        let oldest = self.oldest(seq);
        if let Some(newest) = newest {
            for number in newest.next().0.max(oldest)..seq.0 {
                self.put(ExtSeq(number), None);
            }
            self.next = self.next.max(ExtSeq(oldest));
        } else {
            self.next = seq;
            self.counted_from = now;
        }
        self.put(seq, Some(now));
        self.newest = Some(seq);
    }

    /// Whether it was entered: unknown so far and not too old.
    fn enter_late(&mut self, now: Instant, seq: ExtSeq, newest: ExtSeq) -> bool {
        let late = self.config.late as u64;
        if newest.0 - seq.0 > late || seq.0 < self.oldest(newest) || self.get(seq).is_some() {
            return false;
        }
        self.put(seq, Some(now));
        self.next = self.next.min(seq);
        true
    }

    fn oldest(&self, newest: ExtSeq) -> u64 {
        newest.0.saturating_sub(self.arrivals.len() as u64 - 1)
    }

    fn index(&self, seq: ExtSeq) -> usize {
        usize::try_from(seq.0 % self.arrivals.len() as u64).unwrap_or(0)
    }

    fn get(&self, seq: ExtSeq) -> Option<Instant> {
        self.arrivals.get(self.index(seq)).copied().flatten()
    }

    fn put(&mut self, seq: ExtSeq, arrived_at: Option<Instant>) {
        let index = self.index(seq);
        if let Some(slot) = self.arrivals.get_mut(index) {
            *slot = arrived_at;
        }
    }

    /// The interval at which reports cost their share of the rate since the last one.
    fn next_interval(&self) -> Duration {
        let rate = self.bytes.per(self.now.since(self.counted_from));
        let allowed = rate.scale(self.config.share);
        let interval = if rate == Bitrate::ZERO { Duration::MAX } else { allowed.time_for(REPORT) };
        interval.clamp(self.config.min_interval, self.config.max_interval)
    }
}

impl Engine for ArrivalLog {
    type Buffer = ();
    type Output = FeedbackDue;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<FeedbackDue> {
        self.now = self.now.max(now);
        if self.due? > self.now {
            return None;
        }
        self.due = None;
        self.interval = self.next_interval();
        self.bytes = DataSize::ZERO;
        self.counted_from = self.now;
        self.report().map(|_| FeedbackDue)
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.due
    }
}

/// Which packets arrived when: the packets from `base` on, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Feedback<'a> {
    log: &'a ArrivalLog,
    base: ExtSeq,
    last: ExtSeq,
}

impl<'a> Feedback<'a> {
    /// The number of the first packet.
    #[must_use]
    pub const fn base(self) -> ExtSeq {
        self.base
    }

    /// How many packets it speaks of, at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(self) -> usize {
        usize::try_from(self.last.0 - self.base.0).unwrap_or(0) + 1
    }

    /// When each arrived; `None` for one that didn't so far.
    pub fn arrivals(self) -> impl Iterator<Item = Option<Instant>> + Clone + use<'a> {
        (self.base.0..=self.last.0).map(move |number| self.log.get(ExtSeq(number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use visavis_sim::contract;

    const SIZE: DataSize = DataSize::from_bytes(1200);

    fn log(change: impl FnOnce(&mut ArrivalConfig)) -> ArrivalLog {
        let mut config = ArrivalConfig::default();
        change(&mut config);
        ArrivalLog::new(config).unwrap()
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn told(log: &ArrivalLog) -> Option<(u16, Vec<Option<u64>>)> {
        let report = log.report()?;
        let millis = |at: Instant| at.as_nanos() / 1_000_000;
        let arrivals: Vec<_> = report.arrivals().map(|at| at.map(millis)).collect();
        assert_eq!(arrivals.len(), report.len());
        Some((report.base().wire().0, arrivals))
    }

    #[test]
    fn holes_are_told_and_nothing_twice() {
        let mut log = log(|_| ());
        for (ms, seq) in [(1, 65_534), (2, 65_535), (4, 1), (5, 2)] {
            log.on_packet(at(ms), Seq(seq), SIZE);
        }
        assert_eq!(told(&log), Some((65_534, [Some(1), Some(2), None, Some(4), Some(5)].into())));
        log.reported(3);
        assert_eq!(told(&log), Some((1, [Some(4), Some(5)].into())));
        log.reported(9);
        assert_eq!(told(&log), None);
        log.on_packet(at(9), Seq(5), SIZE);
        assert_eq!(told(&log), Some((3, [None, None, Some(9)].into())));
    }

    #[test]
    fn a_late_packet_is_told_again_unless_it_is_too_late() {
        let mut log = log(|config| config.late = 3);
        for seq in [10, 12, 13] {
            log.on_packet(at(1), Seq(seq), SIZE);
        }
        log.reported(4);
        log.on_packet(at(2), Seq(12), SIZE);
        assert_eq!(told(&log), None);
        log.on_packet(at(2), Seq(11), SIZE);
        assert_eq!(told(&log), Some((11, [Some(2), Some(1), Some(1)].into())));
        log.reported(3);
        log.on_packet(at(3), Seq(9), SIZE);
        assert_eq!(told(&log), None);
    }

    #[test]
    fn a_jump_leaves_a_bounded_window() {
        let mut log = log(|config| (config.window, config.late) = (8, 8));
        log.on_packet(at(1), Seq(0), SIZE);
        log.on_packet(at(2), Seq(20_000), SIZE);
        let (base, arrivals) = told(&log).unwrap();
        assert_eq!(base, 19_993);
        assert_eq!(arrivals, [None, None, None, None, None, None, None, Some(2)]);
    }

    #[test]
    fn reports_come_at_once_when_much_arrives_and_slowly_for_sound_alone() {
        let interval = |every: u64, bytes| {
            let mut log = log(|_| ());
            let (mut dues, mut ms) = (Vec::new(), 0);
            while dues.len() < 5 {
                if ms % every == 0 {
                    let seq = Seq(u16::try_from(ms / every).unwrap());
                    log.on_packet(at(ms), seq, DataSize::from_bytes(bytes));
                }
                if log.poll(at(ms), &mut ()).is_some() {
                    dues.push(ms);
                    log.reported(usize::MAX);
                }
                ms += 1;
            }
            dues[4] - dues[3]
        };
        assert!((50..=61).contains(&interval(10, 1200)));
        assert!((240..=280).contains(&interval(20, 120)));
    }

    #[test]
    fn nothing_is_due_while_nothing_arrives() {
        let mut log = log(|_| ());
        assert_eq!(log.next_wakeup(), None);
        log.on_packet(at(1), Seq(0), SIZE);
        assert_eq!(log.next_wakeup(), Some(at(51)));
        assert_eq!(log.poll(at(50), &mut ()), None);
        assert_eq!(log.poll(at(51), &mut ()), Some(FeedbackDue));
        assert_eq!(log.next_wakeup(), None);
    }

    #[test]
    fn it_keeps_the_contract() {
        contract::check_bounded(
            50,
            || log(|config| config.window = 600),
            |log, rng, now| match rng.below(4) {
                0 => log.reported(usize::try_from(rng.below(700)).unwrap()),
                1 => log.on_packet(now, Seq(u16::try_from(rng.below(1 << 16)).unwrap()), SIZE),
                _ => {
                    let base = u16::try_from(now.as_nanos() >> 24 & 0xffff).unwrap();
                    let seq = base.wrapping_add(u16::try_from(rng.below(50)).unwrap());
                    log.on_packet(now, Seq(seq), SIZE);
                }
            },
            |log| log.report().map_or(0, Feedback::len),
            600,
        );
    }
}

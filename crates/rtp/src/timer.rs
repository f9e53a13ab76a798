//! When to send reports, so that all of them together take a small share of the bandwidth.

use core::time::Duration;
use visavis_core::{Bitrate, ConfigError, DataSize, Engine, Instant};

/// How a [`ReportTimer`] is set up.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ReportConfig {
    /// What RTCP of all members may take together: 5 % of the media's bandwidth by custom.
    /// [RFC 3550 §6.2](https://www.rfc-editor.org/rfc/rfc3550#section-6.2)
    pub bandwidth: Bitrate,
    /// The least time between two reports on average: 5 s, or
    /// [`reduced_minimum`](Self::reduced_minimum). Nothing for peers that agreed on early feedback
    /// (AVPF). The first report comes in half of it.
    pub min_interval: Duration,
    /// With early feedback, the least time between two regular reports (T_rr_interval); nothing if
    /// every report that is due may be sent.
    /// [RFC 4585 §3.5.3](https://www.rfc-editor.org/rfc/rfc4585#section-3.5.3)
    pub regular_interval: Duration,
    /// What a compound packet with all headers is likely to take, before the first was seen.
    pub first_size: DataSize,
    /// Spreads the reports of members that start together.
    pub seed: u64,
}

impl Default for ReportConfig {
    /// 25 kb/s for RTCP (5 % of 500 kb/s) and RFC 3550's minimum of 5 s.
    fn default() -> Self {
        Self {
            bandwidth: Bitrate::from_kbps(25),
            min_interval: Duration::from_secs(5),
            regular_interval: Duration::ZERO,
            first_size: DataSize::from_bytes(128),
            seed: 0,
        }
    }
}

impl ReportConfig {
    /// The least interval that scales with the session: 360 s divided by its bandwidth in kb/s.
    /// [RFC 3550 §6.2](https://www.rfc-editor.org/rfc/rfc3550#section-6.2)
    #[must_use]
    pub fn reduced_minimum(session: Bitrate) -> Duration {
        let nanos = 360_000_u64.saturating_mul(1_000_000_000) / session.bps().max(1);
        Duration::from_nanos(nanos)
    }
}

/// A report is due now. [`ReportTimer::on_sent`] wants to know how long it became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportDue;

/// Tells when the next report is due.
///
/// The interval grows with the members and the size of their packets, is randomised, and is
/// considered again when it's over and more members have come meanwhile
/// ([RFC 3550 §6.3](https://www.rfc-editor.org/rfc/rfc3550#section-6.3)). Early feedback doesn't wait
/// for it: between two members it may always be sent at once
/// ([RFC 4585 §3.5.2](https://www.rfc-editor.org/rfc/rfc4585#section-3.5.2)), and only its size is told.
#[derive(Debug, Clone)]
pub struct ReportTimer {
    config: ReportConfig,
    random: u64,
    now: Instant,
    /// Members for which `next` was reckoned.
    members_then: u32,
    members: u32,
    senders: u32,
    we_send: bool,
    initial: bool,
    average_size: f64,
    last: Instant,
    next: Instant,
    last_regular: Option<Instant>,
}

impl ReportTimer {
    /// Nobody can send more often, whatever the bandwidth.
    const LEAST: Duration = Duration::from_millis(1);

    /// Starts at `now` with two members, ourselves and the peer.
    ///
    /// # Errors
    /// [`ConfigError`] if there's no bandwidth, or an interval exceeds a day.
    pub fn new(config: ReportConfig, now: Instant) -> Result<Self, ConfigError> {
        const DAY: Duration = Duration::from_secs(86_400);
        if config.bandwidth == Bitrate::ZERO {
            return Err(ConfigError::new("bandwidth", "must be above 0"));
        }
        if config.min_interval > DAY {
            return Err(ConfigError::new("min_interval", "must be at most a day"));
        }
        if config.regular_interval > DAY {
            return Err(ConfigError::new("regular_interval", "must be at most a day"));
        }
        let mut timer = Self {
            config,
            random: config.seed,
            now,
            members_then: 2,
            members: 2,
            senders: 0,
            we_send: false,
            initial: true,
            average_size: as_f64(config.first_size),
            last: now,
            next: now,
            last_regular: None,
        };
        timer.next = now + timer.interval();
        Ok(timer)
    }

    /// Tells how many take part and how many of them send, ourselves included, and whether we do.
    ///
    /// When members leave, the next report comes the earlier.
    /// [RFC 3550 §6.3.4](https://www.rfc-editor.org/rfc/rfc3550#section-6.3.4)
    pub fn on_members(&mut self, now: Instant, members: u32, senders: u32, we_send: bool) {
        self.advance(now);
        let members = members.max(1);
        if members < self.members_then {
            let share = f64::from(members) / f64::from(self.members_then);
            self.next = self.now + self.next.since(self.now).mul_f64(share);
            self.last = self.now - self.now.since(self.last).mul_f64(share);
            self.members_then = members;
        }
        self.members = members;
        self.senders = senders.max(u32::from(we_send));
        self.we_send = we_send;
    }

    /// Notes an RTCP packet that was sent, all headers included.
    /// [RFC 3550 §6.3.3](https://www.rfc-editor.org/rfc/rfc3550#section-6.3.3)
    pub fn on_sent(&mut self, size: DataSize) {
        self.average_size += (as_f64(size) - self.average_size) / 16.0;
    }

    /// Notes an RTCP packet that was received, all headers included.
    pub fn on_received(&mut self, size: DataSize) {
        self.on_sent(size);
    }

    /// Changes what RTCP may take from the next report on; nothing at all is ignored.
    pub fn set_bandwidth(&mut self, bandwidth: Bitrate) {
        if bandwidth != Bitrate::ZERO {
            self.config.bandwidth = bandwidth;
        }
    }

    /// The interval without randomness.
    /// [RFC 3550 §6.3.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.3.1)
    #[must_use]
    pub fn deterministic_interval(&self) -> Duration {
        let mut minimum = self.config.min_interval;
        if self.initial {
            minimum /= 2;
        }
        let (mut members, mut share) = (f64::from(self.members), 1.0);
        // Few senders get a quarter of the bandwidth among them, so that they report more often.
        if f64::from(self.senders) <= members * 0.25 {
            if self.we_send {
                (members, share) = (f64::from(self.senders), 0.25);
            } else {
                (members, share) = (members - f64::from(self.senders), 0.75);
            }
        }
        let bits = self.average_size * 8.0 * members;
        let seconds = bits / (as_bps(self.config.bandwidth) * share);
        Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0)).max(minimum)
    }

    /// The interval as it's used: spread by half each way, and corrected for what reconsideration
    /// adds (e - 3/2). [RFC 3550 §6.3.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.3.1)
    fn interval(&mut self) -> Duration {
        let spread = self.spread() / 1.218_28;
        self.deterministic_interval().mul_f64(spread).max(Self::LEAST)
    }

    /// From 0.5 to 1.5.
    #[allow(clippy::cast_precision_loss, reason = "53 bits are kept, which a float holds")]
    fn spread(&mut self) -> f64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        0.5 + (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Whether a regular report may be sent at `now`.
    /// [RFC 4585 §3.5.3](https://www.rfc-editor.org/rfc/rfc4585#section-3.5.3)
    fn regular(&mut self) -> bool {
        let Some(last) = self.last_regular else { return true };
        if self.config.regular_interval == Duration::ZERO {
            return true;
        }
        let least = self.config.regular_interval.mul_f64(self.spread());
        self.now.since(last) >= least
    }
}

impl Engine for ReportTimer {
    type Buffer = ();
    type Output = ReportDue;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<ReportDue> {
        self.advance(now);
        if self.next > self.now {
            return None;
        }
        // RFC 3550 §6.3.6: what the interval would be by now.
        let reconsidered = self.last + self.interval();
        self.members_then = self.members;
        if reconsidered > self.now {
            self.next = reconsidered;
            return None;
        }
        let regular = self.regular();
        self.last = self.now;
        self.initial = false;
        self.next = self.now + self.interval();
        if regular {
            self.last_regular = Some(self.now);
        }
        regular.then_some(ReportDue)
    }

    fn next_wakeup(&self) -> Option<Instant> {
        Some(self.next)
    }
}

#[allow(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
const fn as_f64(size: DataSize) -> f64 {
    size.bytes() as f64
}

#[allow(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
const fn as_bps(rate: Bitrate) -> f64 {
    rate.bps() as f64
}

//! The delay-based controller: its parts put together.

use crate::aimd::Aimd;
use crate::inter_arrival::InterArrival;
use crate::loss::LossGuard;
use crate::probe::Prober;
use crate::queue::Queue;
use crate::throughput::Throughput;
use crate::trendline::{Trendline, Usage};
use crate::{Controller, Limits, PacketKind, SentPacket, Update};
use core::time::Duration;
use visavis_core::{
    Bitrate, ConfigError, DataSize, Engine, ExtSeq, Instant, PacketReport, earliest,
};

/// How a [`Gcc`] controller works.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GccConfig {
    /// The first target. By default 300 kb/s, as in libwebrtc.
    pub start: Bitrate,
    /// What the target may be. By default 30 kb/s to 2 Mb/s.
    pub limits: Limits,
    /// Whether to send probes. By default yes.
    pub probing: bool,
}

impl Default for GccConfig {
    fn default() -> Self {
        let limits = Limits { min: Bitrate::from_kbps(30), max: Bitrate::from_kbps(2000) };
        Self { start: Bitrate::from_kbps(300), limits, probing: true }
    }
}

/// How often time alone is considered.
const TICK: Duration = Duration::from_millis(100);
/// Until a round trip is measured: libwebrtc's `AimdRateControl`.
const DEFAULT_RTT: Duration = Duration::from_millis(200);
/// Longer round trips are taken for this: libwebrtc's limit of the RTT back-off is as long.
const MAX_RTT: Duration = Duration::from_secs(3);
/// What is sent is paced so much faster than the target: as libwebrtc does at first while the path shows
/// no limit, since waiting in the pacer only delays, and with less of a burst for a while after it did.
const PACING: f64 = 2.0;
const LIMITED_PACING: f64 = 1.25;
const LIMITED_TIME: Duration = Duration::from_secs(20);
/// What arrives is measured over this; when the path is full, over less, or the rate of before it
/// became narrow would count.
const WINDOW: Duration = Duration::from_secs(1);
const SHORT_WINDOW: Duration = Duration::from_millis(250);
/// Below so many milliseconds of standing queue a growing delay is taken for noise.
const NOISE_QUEUE: f64 = 5.0;
/// If jitter moves packets by this from one to the next, so many times that hides no queue: the least
/// delay of eight packets is beyond it once in 200 times.
const JITTER_MARGIN: f64 = 2.0;
/// A queue that stands longer than this is emptied by sending less, so much that it's gone after the
/// drain time, but never less than this share.
const STANDING_QUEUE: f64 = 15.0;
const DRAIN_MS: f64 = 250.0;
const MIN_DRAIN: f64 = 0.5;
/// Packets that are lost while a queue stands for so long are lost because it's full, whether it's still
/// growing or not.
const FULL_QUEUE: f64 = 50.0;
/// At most so many packets whose feedback was lost count, and no packet is larger.
const MAX_UNSAID: u64 = 500;
const MAX_SIZE: u64 = 1 << 16;
/// Probes need a queue no longer than this, and no fall for so long.
const CALM_QUEUE: f64 = 10.0;
const CALM_TIME: Duration = Duration::from_secs(1);
/// Without feedback for three round trips and this, the rate falls by this factor each tick: to less
/// than a tenth in a second. libwebrtc waits 3 s and falls by 0.8 each second.
const SILENCE: Duration = Duration::from_millis(500);
const SILENCE_FACTOR: f64 = 0.8;

/// Follows the queueing delay that feedback on single packets tells, and loss where there is no delay.
///
/// The parts are those of Google's congestion control: groups of packets, a line through their delays
/// with an adaptive threshold, additive increase and multiplicative decrease with a memory of the
/// capacity, a robust measure of what arrives, and probes. Added to it, each with its reason in the
/// source: a standing queue is drained, overuse needs a queue, the rate of a busy bottleneck is measured
/// and then not exceeded for a while, probes go out whenever the path is calm, and loss that lower rates
/// don't cure is tolerated.
///
/// Its weak sides: a route that becomes longer while running looks like a queue for up to 30 s; several
/// flows that share a bottleneck may stay unequal for as long; and beside a flow that fills the queue,
/// such as TCP, it yields.
#[derive(Debug, Clone)]
pub struct Gcc {
    limits: Limits,
    probing: bool,
    now: Instant,
    groups: InterArrival,
    trendline: Trendline,
    queue: Queue,
    throughput: Throughput,
    aimd: Aimd,
    loss: LossGuard,
    prober: Prober,
    /// From receiver reports; what feedback gives has the wait of the report in it.
    rtt: Option<Duration>,
    /// The packet after the newest reported one, and the mean size of packets in bytes.
    next_seq: Option<ExtSeq>,
    mean_size: u64,
    feedback_rtt: Option<Duration>,
    /// The first packet sent since the last feedback.
    waiting_since: Option<Instant>,
    tick_at: Option<Instant>,
    changed: bool,
}

impl Gcc {
    /// Starts at [`GccConfig::start`].
    ///
    /// # Errors
    /// If the limits contradict each other or the start.
    pub fn new(config: GccConfig) -> Result<Self, ConfigError> {
        config.limits.check(config.start)?;
        Ok(Self {
            limits: config.limits,
            probing: config.probing,
            now: Instant::ZERO,
            groups: InterArrival::default(),
            trendline: Trendline::new(),
            queue: Queue::new(),
            throughput: Throughput::new(),
            aimd: Aimd::new(config.start),
            loss: LossGuard::new(),
            prober: Prober::new(),
            rtt: None,
            next_seq: None,
            mean_size: 0,
            feedback_rtt: None,
            waiting_since: None,
            tick_at: None,
            changed: true,
        })
    }

    /// The least time that packets of late waited before the bottleneck, as far as can be seen.
    #[must_use]
    pub fn standing_queue(&self) -> Duration {
        Duration::try_from_secs_f64(self.queue.standing() / 1000.0).unwrap_or(Duration::ZERO)
    }

    /// In milliseconds, without what may be jitter.
    fn standing(&self) -> f64 {
        (self.queue.standing() - JITTER_MARGIN * self.queue.jitter()).max(0.0)
    }

    fn rtt(&self) -> Duration {
        self.rtt.or(self.feedback_rtt).unwrap_or(DEFAULT_RTT)
    }

    /// Each packet's part in all of them. Packets between two reported ones of which nothing was said
    /// have arrived as far as anybody knows: their feedback was lost. They count with the next one.
    fn observe(&mut self, reports: &[PacketReport]) -> Usage {
        let mut usage = self.trendline.usage();
        let mut unsaid = DataSize::ZERO;
        for report in reports {
            let next = self.next_seq.unwrap_or(report.seq);
            let missing = report.seq.0.saturating_sub(next.0).min(MAX_UNSAID);
            unsaid += DataSize::from_bytes(missing * self.mean_size);
            self.next_seq = Some(next.max(report.seq.next()));
            let size = report.size.bytes().min(MAX_SIZE);
            self.mean_size =
                if self.mean_size == 0 { size } else { (self.mean_size * 15 + size) / 16 };
            let Some(arrived_at) = report.arrived_at else { continue };
            let size = report.size + core::mem::take(&mut unsaid);
            self.queue.on_packet(report.sent_at, arrived_at, size);
            self.throughput.on_packet(report.sent_at, arrived_at, size);
            if let Some(delta) = self.groups.on_packet(report.sent_at, arrived_at) {
                self.trendline.on_delta(delta);
                let now = self.trendline.usage();
                usage = if usage == Usage::Over { Usage::Over } else { now };
            }
        }
        usage
    }

    fn follow(&mut self, usage: Usage, losing: bool) {
        let standing = self.standing();
        let usage = match usage {
            _ if losing && standing > FULL_QUEUE => Usage::Over,
            Usage::Over if standing < NOISE_QUEUE => Usage::Normal,
            Usage::Over if self.prober.disturbs(self.now, self.rtt()) => Usage::Under,
            usage => usage,
        };
        let window = if usage == Usage::Over { SHORT_WINDOW } else { WINDOW };
        let Some(arrives) = self.throughput.rate(window) else { return };
        let fallen_at = self.aimd.fallen_at();
        if let Some(rate) = self.queue.bottleneck()
            && standing > NOISE_QUEUE
        {
            self.aimd.on_bottleneck(self.now, rate);
        }
        // While a queue stands or much is lost, it's no time to grow.
        if usage != Usage::Normal || (standing < STANDING_QUEUE && !self.loss.alarmed()) {
            self.aimd.update(self.now, usage, arrives, self.rtt());
        }
        if self.aimd.fallen_at() != fallen_at {
            self.prober.on_full(self.now);
        }
    }

    fn follow_probes(&mut self, reports: &[PacketReport]) {
        for report in reports {
            if let Some(found) = self.prober.on_report(report) {
                let before = self.aimd.rate();
                // A start beyond what the path carries needn't wait for the queue to tell.
                if found.first && found.saturated && found.rate < before {
                    self.set_rate(found.rate);
                }
                self.aimd.on_probe(self.limits.clamp(found.rate));
                self.prober.on_found(self.now, found, before, self.limits);
            }
        }
    }

    fn follow_loss(&mut self, reports: &[PacketReport]) {
        let count = |packets: usize| u32::try_from(packets).unwrap_or(u32::MAX);
        let lost = reports.iter().filter(|report| report.arrived_at.is_none()).count();
        let rate = self.aimd.rate();
        let lower = self.loss.on_packets(self.now, count(reports.len()), count(lost), rate);
        if let Some(lower) = lower {
            self.aimd.on_loss(self.now, lower);
            self.prober.on_full(self.now);
        }
    }

    fn set_rate(&mut self, rate: Bitrate) {
        self.aimd.set_rate(self.limits.clamp(rate));
        self.changed = true;
    }

    fn on_tick(&mut self) {
        let patience = SILENCE + self.rtt() * 3;
        if self.waiting_since.is_some_and(|since| self.now.since(since) > patience) {
            self.set_rate(self.aimd.rate().scale(SILENCE_FACTOR));
        }
        if self.probing {
            let rested = |at: Instant| self.now.since(at) >= CALM_TIME;
            let calm = self.standing() < CALM_QUEUE
                && !self.loss.alarmed()
                && self.waiting_since.is_none_or(|since| self.now.since(since) < patience)
                && self.aimd.fallen_at().is_none_or(rested);
            self.prober.consider(self.now, self.aimd.rate(), self.limits, calm);
        }
    }

    /// The path has shown its limit of late.
    fn limited(&self) -> bool {
        self.aimd.fallen_at().is_some_and(|at| self.now.since(at) < LIMITED_TIME)
    }

    fn pass_time(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }
}

impl Controller for Gcc {
    fn on_sent(&mut self, now: Instant, packet: &SentPacket) {
        self.pass_time(now);
        self.waiting_since.get_or_insert(self.now);
        self.tick_at.get_or_insert(self.now + TICK);
        self.prober.on_sent(self.now, packet);
        if self.probing && matches!(packet.kind, PacketKind::Video | PacketKind::Retransmission) {
            self.prober.begin(self.now, self.aimd.rate(), self.limits);
        }
    }

    fn on_feedback(&mut self, now: Instant, reports: &[PacketReport]) {
        self.pass_time(now);
        let Some(newest) = reports.iter().map(|report| report.sent_at).max() else { return };
        self.waiting_since = None;
        self.changed = true;
        if reports.iter().any(|report| report.arrived_at.is_some()) {
            let rtt = self.now.since(newest).min(MAX_RTT);
            self.feedback_rtt =
                Some(self.feedback_rtt.map_or(rtt, |before| (before * 7 + rtt) / 8));
        }
        let usage = self.observe(reports);
        self.prober.set_jitter(self.queue.jitter());
        self.follow(usage, reports.iter().any(|report| report.arrived_at.is_none()));
        self.follow_probes(reports);
        self.follow_loss(reports);
        self.aimd.set_rate(self.limits.clamp(self.aimd.rate()));
    }

    /// Only its round-trip time counts; loss is known packet by packet.
    fn on_receiver_report(&mut self, now: Instant, _: f64, _: u32, rtt: Option<Duration>) {
        self.pass_time(now);
        if let Some(rtt) = rtt {
            self.on_rtt(now, rtt);
        }
    }

    fn on_rtt(&mut self, now: Instant, rtt: Duration) {
        self.pass_time(now);
        self.rtt = Some(rtt.min(MAX_RTT));
        self.changed = true;
    }

    fn set_limits(&mut self, now: Instant, limits: Limits) {
        self.pass_time(now);
        self.limits = limits;
        self.set_rate(self.aimd.rate());
    }

    fn target(&self) -> Bitrate {
        let excess = (self.standing() - STANDING_QUEUE).max(0.0);
        let drain = (1.0 - excess / DRAIN_MS).max(MIN_DRAIN);
        self.limits.clamp(self.aimd.rate().scale(drain))
    }
}

impl Engine for Gcc {
    type Buffer = ();
    type Output = Update;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<Update> {
        self.pass_time(now);
        if self.tick_at.is_some_and(|at| at <= self.now) {
            self.tick_at = Some(self.now + TICK);
            self.on_tick();
        }
        let probe = self.prober.take();
        if probe.is_none() && !self.changed {
            return None;
        }
        self.changed = false;
        let target = self.target();
        Some(Update {
            target,
            pacing: target.scale(if self.limited() { LIMITED_PACING } else { PACING }),
            padding: Bitrate::ZERO,
            rtt: self.rtt(),
            loss: self.loss.loss(),
            probe,
        })
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let waits = self.changed || self.prober.is_waiting();
        earliest(self.tick_at, waits.then_some(self.now))
    }
}

//! When to send a probe, and what its arrivals say.

use crate::{Limits, ProbeCluster, ProbeId, SentPacket};
use core::time::Duration;
use visavis_core::{Bitrate, DataSize, ExtSeq, Instant, PacketReport};

/// The first probes, as multiples of the start. This and what follows as in libwebrtc's
/// `ProbeController`, `BitrateProber` and `ProbeBitrateEstimator`, where nothing else is said.
const FIRST: [f64; 2] = [3.0, 6.0];
const FIRST_PROBES: u32 = 2;
/// The next one, as a multiple of what the last one found or of the rate.
const NEXT: f64 = 2.0;
/// A result above this share of what was sent asks for another.
const CHAIN: f64 = 0.7;
/// A train takes so long and has so many packets.
const DURATION: Duration = Duration::from_millis(15);
/// Our own: and longer by so many times the jitter, or packets that catch up with each other would look
/// like a wide path.
const JITTER_FACTOR: f64 = 4.0;
const PACKETS: u32 = 5;
/// A result is worth something if this share of the train arrived,
const ENOUGH: f64 = 0.8;
/// within this,
const MAX_INTERVAL: Duration = Duration::from_secs(1);
/// not faster than this times the rate at which it was sent.
const MAX_COMPRESSION: f64 = 2.0;
/// If it arrives slower than this share of that rate, it has found the bottleneck, and the result is a
/// little less than it.
const SATURATED: f64 = 0.9;
const MARGIN: f64 = 0.95;
/// A probe without a result by then has none: as long as the pacer may wait with it, and a second.
const TIMEOUT: Duration = Duration::from_secs(6);
/// Our own: while the path shows no queue and no loss, another probe goes out after this; twice as long
/// after each that found nothing, up to the maximum. libwebrtc probes only while the application sends
/// less than it may, and so takes 19 s to find 2.5 Mb/s after 1.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(8);
/// For so long after a probe its own queue is in the way.
const WAKE: Duration = Duration::from_millis(300);
/// A probe has found something if it's this much above the rate.
const GAIN: f64 = 1.05;

/// Decides when to probe.
#[derive(Debug, Clone)]
pub(crate) struct Prober {
    /// To be sent, one with each update.
    waiting: [Option<ProbeCluster>; 2],
    /// Sent, and not yet judged.
    trains: [Option<Train>; 4],
    next_id: u32,
    begun: bool,
    quiet_until: Instant,
    pause: Duration,
    /// How long a train takes.
    duration: Duration,
    sent_at: Option<Instant>,
}

/// A probe on its way.
#[derive(Debug, Clone, Copy)]
struct Train {
    cluster: ProbeCluster,
    asked_at: Instant,
    /// The numbers of its first and last packet so far.
    span: Option<(ExtSeq, ExtSeq)>,
    packets: u32,
    size: DataSize,
    arrived: Option<Arrived>,
}

#[derive(Debug, Clone, Copy)]
struct Arrived {
    /// When the first and the last packet were sent and arrived, and the size of the last.
    first: (Instant, Instant),
    last: (Instant, Instant, DataSize),
    packets: u32,
    size: DataSize,
    /// Sums for a line through the arrivals: `x` in kilobits, `y` in milliseconds after the first.
    sums: Sums,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Arrived {
    /// What arrived by when. With jitter, all packets together tell more than the first and the last.
    fn rate(&self) -> Option<Bitrate> {
        let (count, Sums { x, y, xx, xy }) = (f64::from(self.packets), self.sums);
        let (rise, run) = (count * xy - x * y, count * xx - x * x);
        // Kilobits per millisecond are megabits per second.
        (rise > 0.0 && run > 0.0).then(|| Bitrate::from_kbps(1000).scale(run / rise))
    }
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The rate that the path carries.
    pub(crate) rate: Bitrate,
    /// It was one of the first.
    pub(crate) first: bool,
    /// The bottleneck was met: more doesn't pass.
    pub(crate) saturated: bool,
    /// The rate that was tried.
    tried: Bitrate,
}

impl Prober {
    pub(crate) const fn new() -> Self {
        Self {
            waiting: [None; 2],
            trains: [None; 4],
            next_id: 0,
            begun: false,
            quiet_until: Instant::ZERO,
            pause: MIN_PAUSE,
            duration: DURATION,
            sent_at: None,
        }
    }

    /// The next probe to send.
    pub(crate) fn take(&mut self) -> Option<ProbeCluster> {
        self.waiting.iter_mut().find_map(Option::take)
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.iter().any(Option::is_some)
    }

    /// A packet was sent: part of a train, or something that went in between.
    pub(crate) fn on_sent(&mut self, now: Instant, packet: &SentPacket) {
        let Some(id) = packet.probe else { return };
        self.sent_at = Some(now);
        let mut trains = self.trains.iter_mut().flatten();
        if let Some(train) = trains.find(|train| train.cluster.id == id) {
            let first = train.span.map_or(packet.seq, |span| span.0);
            train.span = Some((first, packet.seq));
            train.packets = train.packets.saturating_add(1);
            train.size += packet.size;
        }
    }

    /// A queue that is seen now may be the probe's own.
    pub(crate) fn disturbs(&self, now: Instant, rtt: Duration) -> bool {
        self.sent_at.is_some_and(|at| now.since(at) < WAKE.saturating_add(rtt))
    }

    /// How much the delay changes from packet to packet, in milliseconds.
    pub(crate) fn set_jitter(&mut self, millis: f64) {
        let more = Duration::try_from_secs_f64(JITTER_FACTOR * millis / 1000.0);
        self.duration = DURATION + more.unwrap_or(Duration::ZERO);
    }

    /// Sound alone needs no probe; the first other packet begins.
    pub(crate) fn begin(&mut self, now: Instant, rate: Bitrate, limits: Limits) {
        if self.begun {
            return;
        }
        self.begun = true;
        for factor in FIRST {
            let probed = rate.scale(factor).min(limits.max);
            if probed > rate {
                self.ask(now, probed);
            }
            if probed == limits.max {
                break;
            }
        }
    }

    /// Probes if it's time, while `calm`: no queue, no loss, no fall of late.
    pub(crate) fn consider(&mut self, now: Instant, rate: Bitrate, limits: Limits, calm: bool) {
        for train in &mut self.trains {
            if train.is_some_and(|train| now.since(train.asked_at) >= TIMEOUT) {
                *train = None;
            }
        }
        let busy = self.trains.iter().any(Option::is_some);
        if self.begun && calm && !busy && now >= self.quiet_until && rate < limits.max {
            self.ask(now, rate.scale(NEXT).min(limits.max));
        }
    }

    /// The path was full: no probe for a while.
    pub(crate) fn on_full(&mut self, now: Instant) {
        self.quiet_until = self.quiet_until.max(now + MIN_PAUSE);
    }

    /// Whether this packet was part of a train, and what the train found if this was its last.
    pub(crate) fn on_report(&mut self, report: &PacketReport) -> Option<Found> {
        let train = self.trains.iter_mut().find(|train| {
            let span = train.and_then(|train| train.span);
            span.is_some_and(|(first, last)| (first..=last).contains(&report.seq))
        })?;
        let one = train.as_mut()?;
        one.on_report(report);
        if !one.is_over(report.seq) {
            return None;
        }
        let found = one.judge();
        *train = None;
        found
    }

    /// What follows from a probe, while `rate` was allowed before it.
    pub(crate) fn on_found(&mut self, now: Instant, found: Found, rate: Bitrate, limits: Limits) {
        if found.rate > rate.scale(GAIN) {
            self.pause = MIN_PAUSE;
            if found.rate > found.tried.scale(CHAIN) && found.tried < limits.max && !self.busy() {
                self.ask(now, found.rate.scale(NEXT).min(limits.max));
            }
        } else {
            self.pause = (self.pause * 2).min(MAX_PAUSE);
        }
        self.quiet_until = now + self.pause;
    }

    fn busy(&self) -> bool {
        self.trains.iter().any(Option::is_some)
    }

    fn ask(&mut self, now: Instant, rate: Bitrate) {
        let cluster = ProbeCluster {
            id: ProbeId(self.next_id),
            rate,
            min_size: rate.over(self.duration),
            min_packets: PACKETS,
        };
        let train = Train {
            cluster,
            asked_at: now,
            span: None,
            packets: 0,
            size: DataSize::ZERO,
            arrived: None,
        };
        let place = self.trains.iter_mut().find(|place| place.is_none());
        let waiting = self.waiting.iter_mut().find(|place| place.is_none());
        if let (Some(place), Some(waiting)) = (place, waiting) {
            *place = Some(train);
            *waiting = Some(cluster);
            self.next_id = self.next_id.wrapping_add(1);
        }
    }
}

impl Train {
    fn on_report(&mut self, report: &PacketReport) {
        let Some(arrived_at) = report.arrived_at else { return };
        let one = (report.sent_at, arrived_at, report.size);
        let arrived = self.arrived.get_or_insert(Arrived {
            first: (report.sent_at, arrived_at),
            last: one,
            packets: 0,
            size: DataSize::ZERO,
            sums: Sums::default(),
        });
        arrived.last = one;
        arrived.packets = arrived.packets.saturating_add(1);
        arrived.size += report.size;
        let x = Bitrate::from_bps(arrived.size.bits()).kbps_f64();
        let y = arrived_at.diff_millis(arrived.first.1);
        let sums = &mut arrived.sums;
        (sums.x, sums.y) = (sums.x + x, sums.y + y);
        (sums.xx, sums.xy) = (sums.xx + x * x, sums.xy + x * y);
    }

    /// All of it was sent, and its last packet was reported.
    fn is_over(&self, seq: ExtSeq) -> bool {
        let sent = self.packets >= self.cluster.min_packets && self.size >= self.cluster.min_size;
        sent && self.span.is_some_and(|span| seq >= span.1)
    }

    fn judge(&self) -> Option<Found> {
        let arrived = self.arrived?;
        let enough = f64::from(arrived.packets) >= ENOUGH * f64::from(self.packets);
        let ((first_sent, first_at), (last_sent, last_at, last_size)) =
            (arrived.first, arrived.last);
        let (sending, arriving) = (last_sent.since(first_sent), last_at.since(first_at));
        let usable = |interval: Duration| !interval.is_zero() && interval <= MAX_INTERVAL;
        if !enough || !usable(sending) || !usable(arriving) {
            return None;
        }
        // The last one sent lies outside of the time that is counted.
        let sent = (arrived.size - last_size).per(sending);
        let received = arrived.rate()?;
        if received > sent.scale(MAX_COMPRESSION) {
            return None;
        }
        let saturated = received < sent.scale(SATURATED);
        let rate = if saturated { received.scale(MARGIN) } else { sent.min(received) };
        let first = self.cluster.id.0 < FIRST_PROBES;
        Some(Found { rate, first, saturated, tried: self.cluster.rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PacketKind;
    use visavis_core::Ecn;

    const LIMITS: Limits = Limits { min: Bitrate::from_kbps(100), max: Bitrate::from_kbps(5000) };

    fn kbps(kbps: u64) -> Bitrate {
        Bitrate::from_kbps(kbps)
    }

    /// Sends a train at its rate over a link of this capacity, and reports it without those `lost`.
    fn send(prober: &mut Prober, now: Instant, capacity: u64, lost: &[u64]) -> Option<Found> {
        let cluster = prober.take().unwrap();
        let size = DataSize::from_bytes(1000);
        let (mut sent_at, mut free_at, mut sent, mut seq) = (now, now, DataSize::ZERO, 0);
        let mut reports = alloc::vec::Vec::new();
        while sent < cluster.min_size || seq < u64::from(cluster.min_packets) {
            let (seq_now, probe) = (ExtSeq(seq), Some(cluster.id));
            prober.on_sent(
                sent_at,
                &SentPacket { seq: seq_now, size, kind: PacketKind::Video, probe },
            );
            free_at = free_at.max(sent_at) + kbps(capacity).time_for(size);
            let arrived_at = (!lost.contains(&seq)).then_some(free_at);
            reports.push(PacketReport {
                seq: seq_now,
                sent_at,
                arrived_at,
                size,
                ecn: Ecn::NotEct,
            });
            sent_at += cluster.rate.time_for(size);
            (sent, seq) = (sent + size, seq + 1);
        }
        reports.iter().filter_map(|report| prober.on_report(report)).last()
    }

    #[test]
    fn the_first_probes_are_3_and_6_times_the_start_within_the_limits() {
        let first = |start| {
            let mut prober = Prober::new();
            prober.begin(Instant::ZERO, kbps(start), LIMITS);
            prober.begin(Instant::ZERO, kbps(start), LIMITS);
            [prober.take(), prober.take(), prober.take()].map(|probe| probe.map(|one| one.rate))
        };
        assert_eq!(first(300), [Some(kbps(900)), Some(kbps(1800)), None]);
        assert_eq!(first(1000), [Some(kbps(3000)), Some(kbps(5000)), None]);
        assert_eq!(first(2000), [Some(kbps(5000)), None, None]);
    }

    #[test]
    fn a_wide_path_gives_the_rate_of_the_train_and_a_narrow_one_its_own() {
        let found = |capacity, lost: &[u64]| {
            let mut prober = Prober::new();
            prober.begin(Instant::ZERO, kbps(300), LIMITS);
            send(&mut prober, Instant::ZERO, capacity, lost).map(|found| found.rate.bps() / 1000)
        };
        assert_eq!(found(100_000, &[]), Some(900));
        assert_eq!(found(600, &[]), Some(570));
        assert_eq!(found(100_000, &[2]), Some(642));
        assert_eq!(found(100_000, &[2, 3]), None);
    }

    #[test]
    fn a_success_asks_for_more_and_a_failure_waits_longer() {
        let mut prober = Prober::new();
        prober.begin(Instant::ZERO, kbps(1000), LIMITS);
        let first = send(&mut prober, Instant::ZERO, 100_000, &[]).unwrap();
        let second = send(&mut prober, Instant::ZERO, 100_000, &[]).unwrap();
        assert_eq!(second.rate, kbps(5000));
        prober.on_found(Instant::ZERO, first, kbps(1000), LIMITS);
        assert_eq!(prober.take().map(|one| one.rate), Some(kbps(5000)));

        let mut prober = Prober::new();
        prober.begin(Instant::ZERO, kbps(2000), LIMITS);
        let mut now = Instant::ZERO;
        let mut pauses = alloc::vec::Vec::new();
        for _ in 0..5 {
            let found = send(&mut prober, now, 2000, &[]).unwrap();
            prober.on_found(now, found, kbps(2000), LIMITS);
            let began = now;
            while !prober.is_waiting() {
                now += Duration::from_millis(100);
                prober.consider(now, kbps(2000), LIMITS, true);
            }
            pauses.push(now.since(began).as_secs());
        }
        assert_eq!(pauses, [2, 4, 8, 8, 8]);
    }

    #[test]
    fn no_probe_on_a_busy_path_nor_at_the_limit_nor_before_the_start() {
        let at = Instant::from_millis(60_000);
        let asked = |begun, rate, calm, full| {
            let mut prober = Prober::new();
            prober.begun = begun;
            if full {
                prober.on_full(at);
            }
            prober.consider(at, kbps(rate), LIMITS, calm);
            prober.is_waiting()
        };
        assert!(asked(true, 1000, true, false));
        assert!(!asked(true, 1000, false, false));
        assert!(!asked(true, 5000, true, false));
        assert!(!asked(false, 1000, true, false));
        assert!(!asked(true, 1000, true, true));
    }

    #[test]
    fn a_probe_that_is_never_sent_is_forgotten() {
        let mut prober = Prober::new();
        prober.begin(Instant::ZERO, kbps(2000), LIMITS);
        prober.take().unwrap();
        prober.consider(Instant::from_millis(5999), kbps(2000), LIMITS, true);
        assert!(!prober.is_waiting());
        prober.consider(Instant::from_millis(6000), kbps(2000), LIMITS, true);
        assert!(prober.is_waiting());
    }
}

//! When to send a probe, and what its arrivals say.

use crate::train::{Found, Train};
use crate::{Limits, ProbeCluster, ProbeId, SentPacket};
use core::time::Duration;
use visavis_core::{Bitrate, Instant, PacketReport};

/// The first probes, as multiples of the start. This and what follows as in libwebrtc's
/// `ProbeController`, `BitrateProber` and `ProbeBitrateEstimator`, where nothing else is said.
const FIRST: [f64; 2] = [3.0, 6.0];
pub(crate) const FIRST_PROBES: u32 = 2;
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
            train.on_sent(packet);
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
            // Also if it tells nothing.
            self.quiet_until = now + self.pause;
        }
    }

    /// The path was full: no probe for a while.
    pub(crate) fn on_full(&mut self, now: Instant) {
        self.quiet_until = self.quiet_until.max(now + MIN_PAUSE);
    }

    /// A packet was reported. Says what a train found if that was the last of it, or came after it.
    pub(crate) fn on_report(&mut self, report: &PacketReport) -> Option<Found> {
        let begun = |train: &Option<Train>| train.is_some_and(|train| train.has_begun(report.seq));
        let place = self.trains.iter_mut().find(|train| begun(train))?;
        let train = place.as_mut()?;
        train.on_report(report);
        if !train.is_over(report.seq) {
            return None;
        }
        let found = train.judge();
        *place = None;
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
        let train = Train::new(now, cluster);
        let place = self.trains.iter_mut().find(|place| place.is_none());
        let waiting = self.waiting.iter_mut().find(|place| place.is_none());
        if let (Some(place), Some(waiting)) = (place, waiting) {
            *place = Some(train);
            *waiting = Some(cluster);
            self.next_id = self.next_id.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PacketKind;
    use visavis_core::{DataSize, Ecn, ExtSeq};

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

    /// A line through the arrivals against their ends: jitter of the first or last packet counts less.
    #[test]
    fn jitter_moves_the_result_little() {
        let mut rng = visavis_sim::Rng::new(5);
        let size = DataSize::from_bytes(1000);
        for _ in 0..100 {
            let mut prober = Prober::new();
            prober.set_jitter(8.0);
            prober.begin(Instant::ZERO, kbps(1800), LIMITS);
            let cluster = prober.take().unwrap();
            let (mut last, mut found, mut seq) = (Instant::ZERO, None, 0);
            while found.is_none() && seq < 50 {
                let packet = ExtSeq(seq);
                let probe = Some(cluster.id);
                let kind = PacketKind::Video;
                prober.on_sent(Instant::ZERO, &SentPacket { seq: packet, size, kind, probe });
                // The path carries 2.5 Mb/s, and up to 20 ms of jitter without overtaking.
                let at = |kbps: u64, n| Instant::from_micros(n * 8_000_000 / kbps);
                last = last.max(at(2500, seq) + rng.duration(Duration::from_millis(20)));
                let sent_at = at(5000, seq);
                let arrived_at = Some(last);
                let ecn = Ecn::NotEct;
                found =
                    prober.on_report(&PacketReport { seq: packet, sent_at, arrived_at, size, ecn });
                seq += 1;
            }
            let rate = found.unwrap().rate.bps() / 1000;
            assert!((1700..3700).contains(&rate), "{rate}");
        }
    }

    #[test]
    fn the_own_queue_of_a_probe_is_told_for_a_while() {
        let mut prober = Prober::new();
        let rtt = Duration::from_millis(100);
        assert!(!prober.disturbs(Instant::ZERO, rtt));
        prober.begin(Instant::ZERO, kbps(1000), LIMITS);
        send(&mut prober, Instant::ZERO, 2000, &[]);
        assert!(prober.disturbs(Instant::from_millis(350), rtt));
        assert!(!prober.disturbs(Instant::from_millis(450), rtt));
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
    fn a_train_whose_last_packets_are_not_reported_or_smaller_than_asked_is_judged() {
        let mut prober = Prober::new();
        prober.begin(Instant::ZERO, kbps(2000), LIMITS);
        let cluster = prober.take().unwrap();
        let size = DataSize::from_bytes(300);
        let packet = |seq| {
            let sent_at = Instant::from_millis(seq);
            let arrived_at = Some(sent_at + Duration::from_millis(50));
            PacketReport { seq: ExtSeq(seq), sent_at, arrived_at, size, ecn: Ecn::NotEct }
        };
        for seq in 0..10 {
            let probe = Some(cluster.id);
            let kind = PacketKind::Padding;
            prober.on_sent(Instant::ZERO, &SentPacket { seq: ExtSeq(seq), size, kind, probe });
        }
        assert!((0..9).all(|seq| prober.on_report(&packet(seq)).is_none()));
        let found = prober.on_report(&packet(12)).unwrap();
        assert_eq!(found.rate, kbps(2400));
        assert!(prober.on_report(&packet(13)).is_none());
    }

    #[test]
    fn packets_that_caught_up_with_each_other_tell_nothing_and_are_not_asked_for_again_at_once() {
        let mut prober = Prober::new();
        prober.begun = true;
        let later = |ms| Instant::from_millis(ms);
        prober.consider(later(0), kbps(2000), LIMITS, true);
        let cluster = prober.take().unwrap();
        let size = DataSize::from_bytes(2000);
        for seq in 0..5 {
            let (seq, probe) = (ExtSeq(seq), Some(cluster.id));
            prober.on_sent(later(0), &SentPacket { seq, size, kind: PacketKind::Video, probe });
        }
        for seq in 0..5 {
            let sent_at = Instant::from_millis(4 * seq);
            let arrived_at = Some(Instant::from_millis(100 + seq));
            let seq = ExtSeq(seq);
            let report = PacketReport { seq, sent_at, arrived_at, size, ecn: Ecn::NotEct };
            assert_eq!(prober.on_report(&report), None);
        }
        prober.consider(later(900), kbps(2000), LIMITS, true);
        assert!(!prober.is_waiting());
        prober.consider(later(1000), kbps(2000), LIMITS, true);
        assert!(prober.is_waiting());
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

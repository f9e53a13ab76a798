//! A sender and a receiver with a network in between, in virtual time.

use core::time::Duration;
use visavis_congestion::{
    ArrivalConfig, ArrivalLog, Controller, Paced, Pacer, PacerConfig, PacketKind, ProbeId,
    SendHistory, SentPacket,
};
use visavis_core::{Bitrate, DataSize, Ecn, Engine, ExtSeq, Instant, Seq};
use visavis_sim::{Link, LinkConfig, Rng, VirtualClock};

/// IP, UDP, RTP with an extension, and an authentication tag.
const OVERHEAD: u64 = 28 + 20 + 10;
const AUDIO: Duration = Duration::from_millis(20);
const AUDIO_PAYLOAD: u64 = 80;
const VIDEO: Duration = Duration::from_micros(33_333);
const FRAME_RATE: f64 = 30.0;
const PAYLOAD: u64 = 1150;

type FeedbackPacket = Vec<(Seq, Option<Instant>)>;

/// One flow: 32 kb/s of sound, and pictures at 30 fps whose encoder follows the target with the next
/// frame. The first frame is three times as large.
pub(crate) struct Flow<C> {
    clock: VirtualClock,
    rng: Rng,
    controller: C,
    history: SendHistory,
    pacer: Pacer<(PacketKind, u64, Instant)>,
    forward: Link<(Seq, u64, Instant)>,
    backward: Link<FeedbackPacket>,
    arrivals: ArrivalLog,
    next_seq: ExtSeq,
    audio_at: Instant,
    video_at: Instant,
    key: bool,
    target: Bitrate,
    /// The application sends no more than this.
    pub(crate) app_limit: Bitrate,
    pub(crate) seconds: Vec<Second>,
}

/// What happened in one second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Second {
    pub(crate) target: u64,
    pub(crate) delivered: u64,
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    /// Of the bottleneck, in milliseconds, sampled with each packet.
    pub(crate) queue: Vec<f64>,
    /// From the encoder to the receiver, in milliseconds.
    pub(crate) delay: Vec<f64>,
}

impl<C: Controller> Flow<C> {
    /// `forward` carries the media and `backward` the feedback.
    pub(crate) fn new(
        controller: C,
        mut forward: LinkConfig,
        mut backward: LinkConfig,
        seed: u64,
    ) -> Self {
        (forward.seed, backward.seed) = (seed, seed ^ 1);
        forward.overhead = 0;
        Self {
            clock: VirtualClock::new(),
            rng: Rng::new(seed ^ 2),
            controller,
            history: SendHistory::new(8192).unwrap(),
            pacer: Pacer::new(PacerConfig::default()).unwrap(),
            forward: Link::new(forward).unwrap(),
            backward: Link::new(backward).unwrap(),
            arrivals: ArrivalLog::new(ArrivalConfig::default()).unwrap(),
            next_seq: ExtSeq(65_000),
            audio_at: Instant::ZERO,
            video_at: Instant::from_millis(7),
            key: true,
            target: Bitrate::ZERO,
            app_limit: Bitrate::from_kbps(100_000),
            seconds: Vec::new(),
        }
    }

    pub(crate) fn run(&mut self, until: Instant) {
        loop {
            let next = [
                Some(self.audio_at),
                Some(self.video_at),
                self.controller.next_wakeup(),
                self.pacer.next_wakeup(),
                self.forward.next_wakeup(),
                self.backward.next_wakeup(),
                self.arrivals.next_wakeup(),
            ];
            self.clock.advance(next);
            if self.clock.now() >= until {
                return;
            }
            self.step();
        }
    }

    fn step(&mut self) {
        let now = self.clock.now();
        self.receive(now);
        self.take_feedback(now);
        if self.audio_at <= now {
            self.audio_at += AUDIO;
            self.push(now, PacketKind::Audio, AUDIO_PAYLOAD);
        }
        if self.video_at <= now {
            self.video_at += VIDEO;
            self.encode(now);
        }
        while let Some(update) = self.controller.poll(now, &mut ()) {
            self.target = update.target;
            self.pacer.set_rate(now, update.pacing, update.padding);
            if let Some(probe) = update.probe {
                self.pacer.start_probe(now, probe);
            }
        }
        while let Some(paced) = self.pacer.poll(now, &mut ()) {
            match paced {
                Paced::Packet { packet: (kind, size, made), probe } => {
                    self.send(now, kind, size, made, probe);
                }
                Paced::Padding { size, probe } => {
                    self.send(now, PacketKind::Padding, size.bytes(), now, probe);
                }
            }
        }
        let target = self.target.bps() / 1000;
        self.second(now).target = target;
    }

    fn second(&mut self, now: Instant) -> &mut Second {
        let index = usize::try_from(now.as_nanos() / 1_000_000_000).unwrap();
        if self.seconds.len() <= index {
            self.seconds.resize(index + 1, Second::default());
        }
        &mut self.seconds[index]
    }

    /// A frame that fills its part of the target, more or less, after sound and overhead.
    fn encode(&mut self, now: Instant) {
        let audio = Bitrate::from_bps((AUDIO_PAYLOAD + OVERHEAD) * 8 * 50);
        let video = self.target.min(self.app_limit) - audio;
        let budget = video.scale(1.0 / FRAME_RATE).bps() as f64 / 8.0;
        let noise = 0.7 + 0.2 * (self.rng.unit() + self.rng.unit() + self.rng.unit());
        let factor = if self.key { 3.0 } else { noise };
        self.key = false;
        let packets = (budget / (PAYLOAD + OVERHEAD) as f64).ceil().max(1.0);
        let mut left = (budget * factor - packets * OVERHEAD as f64).max(50.0) as u64;
        while left > 0 {
            let payload = left.min(PAYLOAD);
            self.push(now, PacketKind::Video, payload);
            left -= payload;
        }
    }

    fn push(&mut self, now: Instant, kind: PacketKind, payload: u64) {
        let size = payload + OVERHEAD;
        let packet = (kind, size, now);
        self.pacer.push(now, kind, DataSize::from_bytes(size), packet).unwrap();
    }

    fn send(
        &mut self,
        now: Instant,
        kind: PacketKind,
        bytes: u64,
        made: Instant,
        probe: Option<ProbeId>,
    ) {
        self.next_seq = self.next_seq.next();
        let size = DataSize::from_bytes(bytes);
        let packet = SentPacket { seq: self.next_seq, size, kind, probe };
        self.history.on_sent(now, &packet);
        self.controller.on_sent(now, &packet);
        let queue = self.forward.queue_delay(now).as_secs_f64() * 1e3;
        let wire = usize::try_from(bytes).unwrap();
        let lost = self.forward.send(now, wire, (self.next_seq.wire(), bytes, made)).is_err();
        let second = self.second(now);
        second.sent += 1;
        second.lost += u64::from(lost);
        second.queue.push(queue);
    }

    fn receive(&mut self, now: Instant) {
        while let Some(delivery) = self.forward.poll(now, &mut ()) {
            let (seq, bytes, made) = delivery.packet;
            self.arrivals.on_packet(now, seq, DataSize::from_bytes(bytes));
            let second = self.second(now);
            second.delivered += bytes * 8;
            second.delay.push(now.diff_millis(made));
        }
        while self.arrivals.poll(now, &mut ()).is_some() {
            let Some(report) = self.arrivals.report() else { continue };
            let mut seq = report.base().wire();
            let mut packet = Vec::new();
            for arrival in report.arrivals() {
                packet.push((seq, arrival));
                seq = seq.next();
            }
            self.arrivals.reported(packet.len());
            let _ = self.backward.send(now, 60, packet);
        }
    }

    fn take_feedback(&mut self, now: Instant) {
        while let Some(delivery) = self.backward.poll(now, &mut ()) {
            // Transport-wide feedback counts in quarters of a millisecond.
            let coarse = |at: Instant| Instant::from_micros(at.as_nanos() / 250_000 * 250);
            let reports: Vec<_> = delivery
                .packet
                .into_iter()
                .filter_map(|(seq, at)| self.history.resolve(seq, at.map(coarse), Ecn::NotEct))
                .collect();
            self.controller.on_feedback(now, &reports);
        }
    }
}

pub(crate) fn percentile(mut values: Vec<f64>, p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = ((values.len() as f64 - 1.0) * p).round() as usize;
    values.get(index).copied().unwrap_or(0.0)
}

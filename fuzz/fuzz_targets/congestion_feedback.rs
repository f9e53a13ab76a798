//! Arbitrary feedback on packets that were sent, into the history and the controller: nothing panics,
//! the target stays within its limits, every packet is reported once, and nobody spins.
#![no_main]

use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use visavis_congestion::{
    ArrivalConfig, ArrivalLog, Controller, Gcc, GccConfig, Limits, PacketKind, ProbeId,
    SendHistory, SentPacket,
};
use visavis_core::{Bitrate, DataSize, Ecn, Engine, ExtSeq, Instant, Seq};

const LIMITS: Limits = Limits { min: Bitrate::from_kbps(100), max: Bitrate::from_kbps(1500) };

/// Takes numbers off the front of the input; zeros at its end.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Small steps mostly, anything at times.
    fn time(&mut self, near: Instant) -> Instant {
        match self.byte() {
            255 => Instant::from_nanos(u64::from(self.short()) << 48),
            254 => near + Duration::from_secs(u64::from(self.byte())),
            253 => near - Duration::from_millis(u64::from(self.short())),
            step => near + Duration::from_micros(u64::from(step) * 200),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let mut config = GccConfig::default();
    config.start = Bitrate::from_kbps(500);
    config.limits = LIMITS;
    let mut gcc = Gcc::new(config).unwrap();
    let mut history = SendHistory::new(256).unwrap();
    let mut log = ArrivalLog::new(ArrivalConfig::default()).unwrap();
    let (mut now, mut latest, mut next) = (Instant::ZERO, Instant::ZERO, ExtSeq(65_000));
    let mut reported = HashSet::new();
    let mut reports = Vec::new();
    let mut probe = None;

    while !input.0.is_empty() {
        now = input.time(now);
        latest = latest.max(now);
        match input.byte() % 8 {
            0..=2 => {
                next = next + u64::from(input.byte() % 4);
                let size = DataSize::from_bytes(u64::from(input.short()));
                let kind = match input.byte() % 3 {
                    0 => PacketKind::Audio,
                    1 => PacketKind::Video,
                    _ => PacketKind::Padding,
                };
                let probe: Option<ProbeId> = probe.filter(|_| kind != PacketKind::Audio);
                let packet = SentPacket { seq: next, size, kind, probe };
                history.on_sent(now, &packet);
                gcc.on_sent(now, &packet);
                next = next.next();
            }
            3 => {
                let seq = next.wire().0.wrapping_sub(u16::from(input.byte()));
                log.on_packet(now, Seq(seq), DataSize::from_bytes(1200));
            }
            4 => {
                let (mut seq, mut at) = (input.short(), now);
                if input.byte() % 4 > 0 {
                    seq = next.wire().0.wrapping_sub(u16::from(input.byte()));
                }
                reports.clear();
                for _ in 0..input.byte() % 32 {
                    let what = input.byte();
                    at =
                        if what % 16 == 0 { input.time(at) } else { at + Duration::from_millis(3) };
                    let arrived = (what % 5 > 0).then_some(at);
                    let report = history.resolve(Seq(seq), arrived, Ecn::from_bits(what >> 6));
                    reports.extend(report);
                    seq = seq.wrapping_add(1);
                }
                for report in &reports {
                    assert!(report.seq < next, "it was sent");
                    assert!(reported.insert(report.seq), "it wasn't reported before");
                }
                gcc.on_feedback(now, &reports);
            }
            5 => {
                reports.clear();
                if let Some(feedback) = log.report() {
                    let mut seq = feedback.base().wire();
                    for at in feedback.arrivals() {
                        reports.extend(history.resolve(seq, at, Ecn::NotEct));
                        seq = seq.next();
                    }
                    let all = feedback.len();
                    log.reported(all);
                }
                reported.extend(reports.iter().map(|report| report.seq));
                gcc.on_feedback(now, &reports);
            }
            6 => gcc.on_rtt(now, Duration::from_millis(u64::from(input.short()))),
            _ => gcc.on_receiver_report(now, f64::from(input.byte()), 10, None),
        }
        let sent = history.stats();
        assert!(sent.arrived + sent.lost - sent.recovered <= sent.sent);
        while let Some(update) = gcc.poll(now, &mut ()) {
            assert!(update.target >= LIMITS.min && update.target <= LIMITS.max);
            assert!(update.pacing >= update.target);
            assert!((0.0..=1.0).contains(&update.loss));
            probe = update.probe.map(|probe| probe.id).or(probe);
        }
        while log.poll(now, &mut ()).is_some() {}
        for wakeup in [gcc.next_wakeup(), log.next_wakeup()].into_iter().flatten() {
            assert!(wakeup > now || now < latest || now == Instant::from_nanos(u64::MAX));
        }
    }
});

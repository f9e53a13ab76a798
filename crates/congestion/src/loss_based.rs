//! A controller for peers that send receiver reports only.

use crate::{Controller, Limits, SentPacket, Update};
use core::time::Duration;
use visavis_core::{Bitrate, ConfigError, Engine, Instant, PacketReport};

/// How a [`LossBased`] controller works.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LossBasedConfig {
    /// The first target. By default 300 kb/s.
    pub start: Bitrate,
    /// What the target may be. By default 30 kb/s to 2 Mb/s.
    pub limits: Limits,
}

impl Default for LossBasedConfig {
    fn default() -> Self {
        let limits = Limits { min: Bitrate::from_kbps(30), max: Bitrate::from_kbps(2000) };
        Self { start: Bitrate::from_kbps(300), limits }
    }
}

/// Below this loss the target grows. This and what follows as libwebrtc's
/// `SendSideBandwidthEstimation` has it, and before it
/// [draft-ietf-rmcat-gcc-02 §6](https://datatracker.ietf.org/doc/html/draft-ietf-rmcat-gcc-02#section-6).
const LOW_LOSS: f64 = 0.02;
/// Above this loss it falls.
const HIGH_LOSS: f64 = 0.10;
/// It grows by this factor and this step,
const GROWTH: f64 = 1.08;
const STEP: Bitrate = Bitrate::from_kbps(1);
/// at most this often,
const GROWTH_INTERVAL: Duration = Duration::from_secs(1);
/// and falls at most once in this and a round trip.
const FALL_INTERVAL: Duration = Duration::from_millis(300);
/// So many packets make a loss rate.
const ENOUGH: u32 = 20;
/// What is sent may be paced so much faster than the target.
const PACING: f64 = 1.5;
/// Until a round trip is measured.
const DEFAULT_RTT: Duration = Duration::from_millis(200);

/// Follows the loss that receiver reports tell: grows by 8 % a second below 2 % loss, falls by half the
/// loss above 10 %, and stands still in between. It knows no queue, so where buffers are deep it fills
/// them; prefer [`Gcc`](crate::Gcc) wherever the peer reports single packets.
#[derive(Debug, Clone)]
pub struct LossBased {
    limits: Limits,
    target: Bitrate,
    now: Instant,
    rtt: Duration,
    loss: f64,
    /// Packets, and the lost among them, since the last loss rate.
    packets: u32,
    lost: f64,
    grown_at: Option<Instant>,
    fallen_at: Option<Instant>,
    changed: bool,
}

impl LossBased {
    /// Starts at [`LossBasedConfig::start`].
    ///
    /// # Errors
    /// If the limits contradict each other or the start.
    pub fn new(config: LossBasedConfig) -> Result<Self, ConfigError> {
        config.limits.check(config.start)?;
        Ok(Self {
            limits: config.limits,
            target: config.start,
            now: Instant::ZERO,
            rtt: DEFAULT_RTT,
            loss: 0.0,
            packets: 0,
            lost: 0.0,
            grown_at: None,
            fallen_at: None,
            changed: true,
        })
    }

    fn set_target(&mut self, target: Bitrate) {
        self.target = self.limits.clamp(target);
        self.changed = true;
    }

    fn due(&self, last: Option<Instant>, interval: Duration) -> bool {
        last.is_none_or(|last| self.now >= last + interval)
    }

    fn react(&mut self) {
        if self.loss > HIGH_LOSS {
            if self.due(self.fallen_at, FALL_INTERVAL.saturating_add(self.rtt)) {
                self.fallen_at = Some(self.now);
                self.set_target(self.target.scale(1.0 - 0.5 * self.loss));
            }
        } else if self.loss < LOW_LOSS && self.due(self.grown_at, GROWTH_INTERVAL) {
            self.grown_at = Some(self.now);
            self.set_target(self.target.scale(GROWTH) + STEP);
        }
    }
}

impl Controller for LossBased {
    fn on_sent(&mut self, now: Instant, _: &SentPacket) {
        self.now = self.now.max(now);
    }

    /// The loss among the reports counts like a receiver report.
    fn on_feedback(&mut self, now: Instant, reports: &[PacketReport]) {
        let lost = reports.iter().filter(|report| report.arrived_at.is_none()).count();
        let packets = u32::try_from(reports.len()).unwrap_or(u32::MAX);
        if packets > 0 {
            let lost = f64::from(u32::try_from(lost).unwrap_or(u32::MAX));
            self.on_receiver_report(now, lost / f64::from(packets), packets, None);
        }
    }

    fn on_receiver_report(
        &mut self,
        now: Instant,
        fraction_lost: f64,
        packets: u32,
        rtt: Option<Duration>,
    ) {
        self.now = self.now.max(now);
        self.rtt = rtt.unwrap_or(self.rtt);
        let fraction = if fraction_lost.is_finite() { fraction_lost.clamp(0.0, 1.0) } else { 0.0 };
        self.packets = self.packets.saturating_add(packets);
        self.lost += fraction * f64::from(packets);
        if self.packets < ENOUGH {
            return;
        }
        self.loss = self.lost / f64::from(self.packets);
        (self.packets, self.lost) = (0, 0.0);
        self.changed = true;
        self.react();
    }

    fn on_rtt(&mut self, now: Instant, rtt: Duration) {
        self.now = self.now.max(now);
        self.rtt = rtt;
    }

    fn set_limits(&mut self, now: Instant, limits: Limits) {
        self.now = self.now.max(now);
        self.limits = limits;
        self.set_target(self.target);
    }

    fn target(&self) -> Bitrate {
        self.target
    }
}

impl Engine for LossBased {
    type Buffer = ();
    type Output = Update;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<Update> {
        self.now = self.now.max(now);
        core::mem::take(&mut self.changed).then(|| Update {
            target: self.target,
            pacing: self.target.scale(PACING),
            padding: Bitrate::ZERO,
            rtt: self.rtt,
            loss: self.loss,
            probe: None,
        })
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.changed.then_some(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use visavis_sim::contract;

    fn after(seconds: u64, loss: f64) -> u64 {
        let mut controller = LossBased::new(LossBasedConfig::default()).unwrap();
        for second in 0..seconds {
            controller.on_receiver_report(Instant::from_millis(second * 1000), loss, 50, None);
        }
        controller.target().bps() / 1000
    }

    #[test]
    fn it_grows_by_8_percent_a_second_stands_or_falls() {
        assert_eq!(after(1, 0.0), 325);
        assert_eq!(after(10, 0.01), 662);
        assert_eq!(after(60, 0.0), 2000);
        assert_eq!(after(60, 0.05), 300);
        assert_eq!(after(1, 0.2), 270);
        assert_eq!(after(60, 0.5), 30);
    }

    #[test]
    fn few_packets_say_nothing_and_nonsense_is_not_loss() {
        let mut controller = LossBased::new(LossBasedConfig::default()).unwrap();
        let now = Instant::from_millis(5);
        controller.on_receiver_report(now, 1.0, 19, None);
        assert_eq!(controller.target(), Bitrate::from_kbps(300));
        controller.on_receiver_report(now, f64::NAN, 1, Some(Duration::MAX));
        assert!(controller.target() < Bitrate::from_kbps(300));
        controller.on_receiver_report(now, f64::INFINITY, u32::MAX, None);
    }

    #[test]
    fn new_limits_hold_at_once() {
        let mut controller = LossBased::new(LossBasedConfig::default()).unwrap();
        let limits = Limits { min: Bitrate::from_kbps(10), max: Bitrate::from_kbps(100) };
        controller.set_limits(Instant::ZERO, limits);
        assert_eq!(controller.poll(Instant::ZERO, &mut ()).unwrap().target, limits.max);
    }

    #[test]
    fn it_keeps_the_contract() {
        let make = || LossBased::new(LossBasedConfig::default()).unwrap();
        contract::check(20, make, |controller, rng, now| {
            controller.on_receiver_report(
                now,
                rng.unit(),
                30,
                Some(rng.duration(Duration::from_secs(9))),
            );
        });
    }
}

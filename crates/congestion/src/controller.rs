//! What a congestion controller is told, and what it says.

use core::time::Duration;
use visavis_core::{Bitrate, ConfigError, DataSize, Engine, ExtSeq, Instant, PacketReport};

/// What a packet is for. The order is that of the [`Pacer`](crate::Pacer): sound first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketKind {
    /// Sound: small, steady, and the last thing to be late.
    Audio,
    /// A packet sent again: others wait for it.
    Retransmission,
    /// Pictures, and what protects them.
    Video,
    /// Nothing anybody needs: it tests or fills the path.
    Padding,
}

/// Names a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub u32);

/// A short train of packets at a given rate, whose arrivals tell whether the path carries that rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeCluster {
    /// To tell it from others; every packet of the train is sent with it in [`SentPacket::probe`].
    pub id: ProbeId,
    /// How fast it is sent.
    pub rate: Bitrate,
    /// It has at least so many bytes,
    pub min_size: DataSize,
    /// and at least so many packets.
    pub min_packets: u32,
}

/// A packet that has just been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentPacket {
    /// Its transport-wide sequence number: one count over all streams of a transport.
    pub seq: ExtSeq,
    /// Its size on the wire with all overhead, IP and UDP headers included.
    pub size: DataSize,
    /// What it is for.
    pub kind: PacketKind,
    /// The probe that it belongs to.
    pub probe: Option<ProbeId>,
}

/// What the target may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Never less, even if the path doesn't carry it: who can't send so little must stop instead.
    pub min: Bitrate,
    /// Never more.
    pub max: Bitrate,
}

impl Limits {
    /// `rate`, or the nearer limit. If they contradict each other, the maximum counts.
    #[must_use]
    pub fn clamp(self, rate: Bitrate) -> Bitrate {
        rate.max(self.min).min(self.max)
    }

    pub(crate) fn check(self, start: Bitrate) -> Result<(), ConfigError> {
        if self.min == Bitrate::ZERO {
            return Err(ConfigError::new("limits.min", "must be above 0"));
        }
        if self.max < self.min {
            return Err(ConfigError::new("limits.max", "must be at least the minimum"));
        }
        if start < self.min || start > self.max {
            return Err(ConfigError::new("start", "must be between the limits"));
        }
        Ok(())
    }
}

/// What a controller says; each one replaces the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update {
    /// What all streams together may send: media, retransmissions and all overhead included.
    pub target: Bitrate,
    /// How fast the pacer may send what waits.
    pub pacing: Bitrate,
    /// Up to this rate the pacer fills with padding when nothing waits.
    pub padding: Bitrate,
    /// The round-trip time, as far as known.
    pub rtt: Duration,
    /// The share of packets lost of late, from 0 to 1.
    pub loss: f64,
    /// A probe to send now.
    pub probe: Option<ProbeCluster>,
}

/// Decides how much may be sent.
///
/// One controller serves one transport. Facts go in as they come; [`Engine::poll`] yields an
/// [`Update`] when something changed, the first one at once. Facts that a controller has no use for
/// are ignored, so a session feeds them all to whichever it has.
pub trait Controller: Engine<Buffer = (), Output = Update> + Send {
    /// A packet was sent.
    fn on_sent(&mut self, now: Instant, packet: &SentPacket);

    /// Feedback on single packets came, in the order of their numbers; see
    /// [`SendHistory::resolve`](crate::SendHistory::resolve).
    fn on_feedback(&mut self, now: Instant, reports: &[PacketReport]);

    /// A receiver report came: of about `packets` packets since the one before, the share
    /// `fraction_lost` (from 0 to 1) is lost.
    fn on_receiver_report(
        &mut self,
        now: Instant,
        fraction_lost: f64,
        packets: u32,
        rtt: Option<Duration>,
    );

    /// The round-trip time was measured.
    fn on_rtt(&mut self, now: Instant, rtt: Duration);

    /// The application changed its mind. If the limits contradict each other, the maximum counts.
    fn set_limits(&mut self, now: Instant, limits: Limits);

    /// The target of the latest update, or of the next one if something changed since.
    fn target(&self) -> Bitrate;
}

//! Adaptive audio playout.

mod buffer;
mod clocks;
mod decide;
mod delay;
mod playout;
mod stats;

use core::time::Duration;

pub use playout::AudioPlayout;
pub use stats::AudioStats;
use visavis_core::{ClockRate, ConfigError, ExtSeq, ExtTimestamp, Instant};

use crate::DiscardReason;

/// How an [`AudioPlayout`] behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioConfig {
    /// The clock of the timestamps. 48 kHz by default, as Opus has it.
    pub clock_rate: ClockRate,
    /// The length of one concealed chunk, after each of which a late packet gets another chance: 2.5 to
    /// 60 ms, 10 ms by default, which every codec's concealment can do.
    pub frame: Duration,
    /// The delay is never lowered below this. 0 by default: the network alone decides.
    pub min_delay: Duration,
    /// The delay never grows beyond this for long: what exceeds it is jumped over. 500 ms by default.
    pub max_delay: Duration,
    /// After this long without anything to play, concealment stops until a packet comes. 1 s by default.
    pub max_conceal: Duration,
    /// How many packets are held at most. 200 by default.
    pub capacity: usize,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self {
            clock_rate: ClockRate::OPUS,
            frame: Duration::from_millis(10),
            min_delay: Duration::ZERO,
            max_delay: Duration::from_millis(500),
            max_conceal: Duration::from_secs(1),
            capacity: 200,
        }
    }
}

impl AudioConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if !(Duration::from_micros(2500)..=Duration::from_millis(60)).contains(&self.frame) {
            return Err(ConfigError::new("frame", "must be 2.5 to 60 ms"));
        }
        if self.clock_rate.ticks(self.frame) == 0 {
            return Err(ConfigError::new("frame", "must have at least one tick of the clock"));
        }
        if self.max_delay < self.min_delay || self.max_delay > Duration::from_secs(10) {
            return Err(ConfigError::new("max_delay", "must be from min_delay to 10 s"));
        }
        if self.max_conceal < self.frame || self.max_conceal > Duration::from_secs(60) {
            return Err(ConfigError::new("max_conceal", "must be from one frame to 60 s"));
        }
        if !(2..=10_000).contains(&self.capacity) {
            return Err(ConfigError::new("capacity", "must be 2 to 10000 packets"));
        }
        Ok(())
    }
}

/// One audio packet and what its header and payload say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioPacket<P> {
    /// Its sequence number in its own stream.
    pub seq: ExtSeq,
    /// When its first sample was taken, on the media clock.
    pub timestamp: ExtTimestamp,
    /// How long it lasts on the media clock, at most a second.
    pub ticks: u32,
    /// It carries a copy of the packet before it (Opus in-band FEC, RED), as long as itself.
    pub has_fec: bool,
    /// The packet.
    pub packet: P,
}

/// What an [`AudioPlayout`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlayoutOutput<P> {
    /// The next chunk of sound.
    Play(Play<P>),
    /// A packet that won't be played.
    Discarded {
        /// The packet.
        packet: P,
        /// Why not.
        reason: DiscardReason,
    },
}

/// One chunk of sound. Its first sample is due where the last one of the chunk before ends.
///
/// Only after a pause, when concealment had stopped, is there time between two chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Play<P> {
    /// When its first sample is due.
    pub at: Instant,
    /// The media time of its first sample. Concealment while the next packet is awaited doesn't move it.
    pub timestamp: ExtTimestamp,
    /// How long it is before stretching, in ticks of the media clock.
    pub ticks: u32,
    /// Where the sound comes from.
    pub action: Action<P>,
    /// What would be good for the delay.
    pub stretch: Stretch,
}

/// Where the sound of one chunk comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<P> {
    /// Decode this packet.
    Decode(P),
    /// Decode the redundancy in the packet that [`AudioPlayout::upcoming`] lends until the next `poll`.
    Fec,
    /// Let the decoder invent something that goes on from what it played last.
    Conceal,
}

/// Whether a chunk should become shorter or longer.
///
/// It is advice, which [`TimeStretch`](crate::TimeStretch) follows where it wouldn't be heard;
/// [`AudioPlayout::on_played`] takes what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stretch {
    /// Play it as it is.
    #[default]
    None,
    /// Take something out: the delay is longer than it need be.
    Shorten,
    /// Put something in: the delay is too short.
    Lengthen,
}

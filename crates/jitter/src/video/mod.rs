//! The video frame buffer.

mod buffer;
mod head;
mod keyframe;
mod slots;
mod timing;

use core::time::Duration;

pub use buffer::VideoBuffer;
use visavis_core::{ClockRate, ConfigError, ExtSeq, ExtTimestamp, FrameInfo, Instant};

use crate::DiscardReason;

/// How a [`VideoBuffer`] behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VideoConfig {
    /// The clock of the timestamps. 90 kHz by default.
    pub clock_rate: ClockRate,
    /// How many packets are held at most, those of frames not yet released included. 1024 by default.
    pub capacity_packets: usize,
    /// How long a frame with a missing packet is waited for, from when the gap was seen; with
    /// retransmission at least three and a half round-trip times. 400 ms by default; where nothing is
    /// retransmitted, only packets that overtake each other call for a little.
    pub max_wait: Duration,
    /// Whether missing packets are asked for again. True by default.
    pub retransmission: bool,
    /// Frames are held at least this long from the shortest way through the network. 0 by default.
    pub min_delay: Duration,
    /// Frames are not held longer than this for the sake of even motion. 500 ms by default.
    pub max_delay: Duration,
    /// How long before it is shown a frame is given out, so that it can be decoded. 8 ms by default.
    pub decode_time: Duration,
}

impl Default for VideoConfig {
    fn default() -> Self {
        Self {
            clock_rate: ClockRate::VIDEO,
            capacity_packets: 1024,
            max_wait: Duration::from_millis(400),
            retransmission: true,
            min_delay: Duration::ZERO,
            max_delay: Duration::from_millis(500),
            decode_time: Duration::from_millis(8),
        }
    }
}

impl VideoConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if !(8..=100_000).contains(&self.capacity_packets) {
            return Err(ConfigError::new("capacity_packets", "must be 8 to 100000"));
        }
        if self.max_wait > Duration::from_secs(60) {
            return Err(ConfigError::new("max_wait", "must be at most 60 s"));
        }
        if self.max_delay < self.min_delay || self.max_delay > Duration::from_secs(10) {
            return Err(ConfigError::new("max_delay", "must be from min_delay to 10 s"));
        }
        if self.decode_time > Duration::from_secs(1) {
            return Err(ConfigError::new("decode_time", "must be at most 1 s"));
        }
        Ok(())
    }
}

/// One video packet and what its header and payload say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoPacket<P> {
    /// Its sequence number in its own stream.
    pub seq: ExtSeq,
    /// The time of its frame on the media clock.
    pub timestamp: ExtTimestamp,
    /// Where it stands in its frame, and what kind of frame that is.
    pub info: FrameInfo,
    /// The packet.
    pub packet: P,
}

/// What a [`VideoBuffer`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VideoOutput<P> {
    /// Decode this frame: [`VideoBuffer::packets`] lends its packets, [`VideoBuffer::release`] gives them
    /// back.
    Frame(FrameReady),
    /// Ask the sender for a keyframe: without one nothing more can be decoded.
    RequestKeyframe,
    /// The packets from `first` to `last` are no longer waited for; frames between them are lost.
    Abandoned {
        /// The first of them.
        first: ExtSeq,
        /// The last of them.
        last: ExtSeq,
    },
    /// A packet that won't be decoded.
    Discarded {
        /// The packet.
        packet: P,
        /// Why not.
        reason: DiscardReason,
    },
}

/// A frame that is complete and can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameReady {
    /// Its time on the media clock.
    pub timestamp: ExtTimestamp,
    /// Its first packet.
    pub first: ExtSeq,
    /// Its last packet; between the two none is missing.
    pub last: ExtSeq,
    /// A decoder can start here.
    pub keyframe: bool,
    /// When its last missing packet arrived.
    pub complete_at: Instant,
    /// When to show it. Never earlier than the frame before.
    pub render_at: Instant,
}

/// Counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct VideoStats {
    /// Frames given out.
    pub frames: u64,
    /// Keyframes among them.
    pub keyframes: u64,
    /// Frames given out after the time at which they should have been shown.
    pub frames_late: u64,
    /// Frames left out because nothing refers to them and a packet was missing.
    pub frames_skipped: u64,
    /// How often a missing packet was given up and a keyframe needed.
    pub gave_up: u64,
    /// How often a keyframe was asked for.
    pub keyframe_requests: u64,
    /// Packets that were taken.
    pub packets_received: u64,
    /// Packets refused for coming too late.
    pub packets_late: u64,
    /// Packets refused for being held already.
    pub packets_duplicate: u64,
    /// Packets refused for want of room.
    pub packets_overflow: u64,
    /// Packets that were taken and given back unused.
    pub packets_discarded: u64,
}

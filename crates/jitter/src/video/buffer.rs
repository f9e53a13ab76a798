//! Which frame comes next.

use core::marker::PhantomData;
use core::time::Duration;

use visavis_core::{ConfigError, Engine, ExtSeq, Instant};

use super::{FrameReady, VideoConfig, VideoOutput, VideoPacket, VideoStats};
use crate::{RefuseReason, Refused};

/// Puts packets together to frames, and says when each is to be shown.
#[derive(Debug)]
pub struct VideoBuffer<P> {
    config: VideoConfig,
    stats: VideoStats,
    held: PhantomData<P>,
}

impl<P> VideoBuffer<P> {
    /// An empty buffer.
    ///
    /// # Errors
    /// Says which value of the configuration can't work.
    pub fn new(config: VideoConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { config, stats: VideoStats::default(), held: PhantomData })
    }

    /// Takes a packet that has just arrived.
    ///
    /// # Errors
    /// Gives the packet back if its time has passed, it is held already, or there is no room.
    pub fn insert(&mut self, now: Instant, packet: VideoPacket<P>) -> Result<(), Refused<P>> {
        let _ = now;
        Err(Refused { packet: packet.packet, reason: RefuseReason::Full })
    }

    /// The packets of a frame that was given out and not yet released, in order.
    pub fn packets(&self, frame: &FrameReady) -> impl Iterator<Item = &P> {
        let _ = frame;
        core::iter::empty()
    }

    /// Gives back the packets of a frame that was decoded.
    pub fn release(&mut self, frame: &FrameReady, give_back: impl FnMut(P)) {
        let _ = (frame, give_back);
    }

    /// The decoder couldn't decode a frame: a keyframe is needed.
    pub fn on_decoder_error(&mut self, now: Instant) {
        let _ = now;
    }

    /// The round-trip time, which a retransmission or a keyframe takes.
    pub fn on_rtt(&mut self, rtt: Duration) {
        let _ = rtt;
    }

    /// Never lets the delay fall below `delay`, or below what the configuration asks for: lip sync.
    pub fn set_minimum_delay(&mut self, delay: Duration) {
        let _ = (delay, &self.config);
    }

    /// How long a frame that came the shortest way waits until it is shown.
    #[must_use]
    pub fn target_delay(&self) -> Duration {
        Duration::ZERO
    }

    /// No packet before this one is of any use: needn't be asked for again.
    #[must_use]
    pub fn nothing_before(&self) -> ExtSeq {
        ExtSeq(0)
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &VideoStats {
        &self.stats
    }

    /// Forgets the stream, for one that begins anew. What is held is given back by `poll`.
    pub fn reset(&mut self) {}
}

impl<P> Engine for VideoBuffer<P> {
    type Buffer = ();
    type Output = VideoOutput<P>;

    fn poll(&mut self, _: Instant, (): &mut ()) -> Option<VideoOutput<P>> {
        None
    }

    fn next_wakeup(&self) -> Option<Instant> {
        None
    }
}

//! One stream that is received: what each of its SSRCs has told, and the buffer before the decoder.

use core::time::Duration;

use visavis_core::{
    ClockRate, ConfigError, Engine, ExtSeq, ExtTimestamp, Instant, MediaKind, NtpTime, PayloadType,
    RtpTimestamp, Ssrc, TimestampUnwrapper, earliest,
};
use visavis_jitter::{
    AudioConfig, AudioPacket, AudioPlayout, Playing, PlayoutOutput, VideoBuffer, VideoConfig,
    VideoOutput, VideoPacket,
};
use visavis_payload::{PayloadFormat, opus};
use visavis_rtp::{NackConfig, NackGenerator, Packet, ReceptionStats};

use crate::config::StreamConfig;
use crate::output::{DropReason, StreamId, StreamStats};
use crate::pool::{Block, Pool};

/// The buffer before the decoder.
#[derive(Debug)]
pub(crate) enum Media {
    Audio(Box<AudioPlayout<Block>>),
    Video(Box<VideoBuffer<Block>>),
    /// The embedder wants packets only.
    None,
}

#[derive(Debug)]
pub(crate) struct ReceiveStream {
    pub(crate) id: StreamId,
    pub(crate) config: StreamConfig,
    pub(crate) layers: Vec<ReceiveLayer>,
    pub(crate) media: Media,
    pub(crate) paused: bool,
    /// The media clock on the sender's wall clock, from its last report.
    pub(crate) wall: Option<(NtpTime, RtpTimestamp)>,
    /// What is being played, for lip sync.
    pub(crate) playing: Option<(ExtTimestamp, Instant)>,
    /// The last packet of the last frame that was given out.
    pub(crate) last_packet: Option<ExtSeq>,
    timestamps: TimestampUnwrapper,
    pub(crate) stats: StreamStats,
}

/// What is known of one layer's SSRCs.
#[derive(Debug)]
pub(crate) struct ReceiveLayer {
    pub(crate) media: Option<Source>,
    pub(crate) rtx: Option<Source>,
    pub(crate) nack: Option<NackGenerator>,
    pub(crate) keyframe_wanted: bool,
    pub(crate) fir_count: u8,
}

/// One SSRC that is received.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) ssrc: Ssrc,
    pub(crate) stats: ReceptionStats,
}

impl Source {
    pub(crate) fn new(ssrc: Ssrc, clock_rate: ClockRate) -> Self {
        Self { ssrc, stats: ReceptionStats::new(clock_rate) }
    }

    /// `None` if the number is so far out of place that the packet is best dropped.
    pub(crate) fn on_packet<T: AsRef<[u8]>>(
        &mut self,
        now: Instant,
        packet: &Packet<T>,
    ) -> Option<ExtSeq> {
        self.stats.on_packet(now, packet.seq(), packet.timestamp())
    }
}

impl ReceiveStream {
    pub(crate) fn new(id: StreamId, config: StreamConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let media = match (config.faces.frames, config.kind) {
            (false, _) => Media::None,
            (true, MediaKind::Audio) => Media::Audio(Box::new(AudioPlayout::new(audio(&config))?)),
            (true, MediaKind::Video) => Media::Video(Box::new(VideoBuffer::new(video(&config))?)),
        };
        let source = |ssrc: Option<Ssrc>| ssrc.map(|ssrc| Source::new(ssrc, config.clock_rate));
        let layers = config
            .layers
            .iter()
            .map(|layer| {
                Ok(ReceiveLayer {
                    media: source(layer.ssrc),
                    rtx: source(layer.rtx),
                    nack: nack(&config)?,
                    keyframe_wanted: false,
                    fir_count: 0,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            id,
            config,
            layers,
            media,
            paused: false,
            wall: None,
            playing: None,
            last_packet: None,
            timestamps: TimestampUnwrapper::new(),
            stats: StreamStats::default(),
        })
    }

    /// Counts a media packet and notes what is missing before it.
    pub(crate) fn on_media<T: AsRef<[u8]>>(
        &mut self,
        now: Instant,
        layer: usize,
        packet: &Packet<T>,
        repaired: bool,
    ) -> Option<ExtSeq> {
        let layer = self.layers.get_mut(layer)?;
        let source = layer.media.as_mut()?;
        let seq = if repaired {
            self.stats.retransmitted += 1;
            source.stats.extend(packet.seq())?
        } else {
            self.stats.packets += 1;
            source.on_packet(now, packet)?
        };
        self.stats.payload_bytes += packet.payload().len() as u64;
        if let Some(nack) = &mut layer.nack {
            nack.on_packet(now, seq);
        }
        Some(seq)
    }

    /// Puts a packet's payload into the buffer before the decoder.
    pub(crate) fn insert<T: AsRef<[u8]>>(
        &mut self,
        now: Instant,
        seq: ExtSeq,
        packet: &Packet<T>,
        pool: &mut Pool,
    ) -> Result<(), DropReason> {
        let payload = packet.payload();
        if packet.payload_type() != self.config.payload_type || payload.is_empty() {
            return Ok(());
        }
        if matches!(self.media, Media::None) {
            return Ok(());
        }
        let timestamp = self.timestamps.unwrap(packet.timestamp());
        let mut block = pool.take().ok_or(DropReason::Full)?;
        if !block.fill(payload) {
            pool.give(block);
            return Err(DropReason::TooLong);
        }
        let format = self.config.format;
        let refused = match &mut self.media {
            Media::Audio(playout) => match sound(format, payload) {
                Some((ticks, has_fec)) => {
                    let packet = AudioPacket { seq, timestamp, ticks, has_fec, packet: block };
                    playout.insert(now, packet).err()
                }
                None => {
                    pool.give(block);
                    return Err(DropReason::Malformed);
                }
            },
            Media::Video(buffer) => match format.classify(payload, packet.marker()) {
                Ok(info) => {
                    let packet = VideoPacket { seq, timestamp, info, packet: block };
                    buffer.insert(now, packet).err()
                }
                Err(_) => {
                    pool.give(block);
                    return Err(DropReason::Malformed);
                }
            },
            Media::None => {
                pool.give(block);
                return Ok(());
            }
        };
        if let Some(refused) = refused {
            pool.give(refused.packet);
            if refused.reason == visavis_jitter::RefuseReason::Full {
                return Err(DropReason::Full);
            }
        }
        Ok(())
    }

    /// The wall time of a media time, once a sender report has told it.
    pub(crate) fn ntp(&self, timestamp: RtpTimestamp) -> Option<NtpTime> {
        let (ntp, reference) = self.wall?;
        let ticks = i64::from(timestamp.since(reference));
        Some(if ticks >= 0 {
            ntp.plus(self.config.clock_rate.duration(ticks))
        } else {
            NtpTime(ntp.0.wrapping_sub(NtpTime(0).plus(self.config.clock_rate.duration(-ticks)).0))
        })
    }

    /// An extended form of a timestamp that a sender report tells.
    pub(crate) fn extended(&self, timestamp: RtpTimestamp) -> ExtTimestamp {
        self.timestamps.peek(timestamp)
    }

    pub(crate) fn on_rtt(&mut self, rtt: Duration) {
        for layer in &mut self.layers {
            if let Some(nack) = &mut layer.nack {
                nack.on_rtt(rtt);
            }
        }
        if let Media::Video(buffer) = &mut self.media {
            buffer.on_rtt(rtt);
        }
    }

    pub(crate) fn want_keyframe(&mut self, layer: usize) {
        if let Some(layer) = self.layers.get_mut(layer) {
            layer.keyframe_wanted = true;
            self.stats.keyframe_requests += 1;
        }
    }

    pub(crate) fn set_minimum_delay(&mut self, delay: Duration) {
        let delay = delay.max(self.config.min_delay).min(self.config.max_delay);
        match &mut self.media {
            Media::Audio(playout) => playout.set_minimum_delay(delay),
            Media::Video(buffer) => buffer.set_minimum_delay(delay),
            Media::None => {}
        }
    }

    /// What is being played, and the delay that the buffer aims at.
    pub(crate) fn playing(&self) -> Option<Playing> {
        let (timestamp, at) = self.playing?;
        let delay = match &self.media {
            Media::Audio(playout) => playout.target_delay(),
            Media::Video(buffer) => buffer.target_delay(),
            Media::None => return None,
        };
        Some(Playing { timestamp, at, delay })
    }

    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        let media = match &self.media {
            Media::Audio(playout) => playout.next_wakeup(),
            Media::Video(buffer) => buffer.next_wakeup(),
            Media::None => None,
        };
        self.layers
            .iter()
            .filter_map(|layer| layer.nack.as_ref()?.next_wakeup())
            .fold(media, |soonest, wakeup| earliest(soonest, Some(wakeup)))
    }

    pub(crate) fn stats(&self) -> StreamStats {
        let mut stats = self.stats;
        let (delay, target) = match &self.media {
            Media::Audio(playout) => (playout.current_delay(), playout.target_delay()),
            Media::Video(buffer) => (buffer.target_delay(), buffer.target_delay()),
            Media::None => (Duration::ZERO, Duration::ZERO),
        };
        stats.delay = delay.as_secs_f64();
        stats.target_delay = target.as_secs_f64();
        stats.lost = self
            .layers
            .iter()
            .filter_map(|layer| layer.media.as_ref())
            .fold(0, |sum, source| sum + u64::try_from(source.stats.lost()).unwrap_or(0));
        stats
    }

    /// Empties the buffers into the pool.
    pub(crate) fn release(&mut self, now: Instant, pool: &mut Pool) {
        match &mut self.media {
            Media::Audio(playout) => {
                playout.reset();
                while let Some(output) = playout.poll(now, &mut ()) {
                    if let PlayoutOutput::Discarded { packet, .. } = output {
                        pool.give(packet);
                    }
                }
            }
            Media::Video(buffer) => {
                buffer.reset();
                while let Some(output) = buffer.poll(now, &mut ()) {
                    if let VideoOutput::Discarded { packet, .. } = output {
                        pool.give(packet);
                    }
                }
            }
            Media::None => {}
        }
    }

    /// Forgets what was being played and what is missing: the stream pauses, or begins anew with
    /// another source.
    pub(crate) fn restart(&mut self, now: Instant, rtt: Option<Duration>, pool: &mut Pool) {
        self.release(now, pool);
        for layer in &mut self.layers {
            // The configuration was accepted before.
            layer.nack = nack(&self.config).ok().flatten();
            layer.keyframe_wanted = false;
        }
        if let Some(rtt) = rtt {
            self.on_rtt(rtt);
        }
        self.playing = None;
        self.last_packet = None;
        self.timestamps = TimestampUnwrapper::new();
    }

    /// The payload types under which its packets come.
    pub(crate) fn role_of(&self, payload_type: PayloadType) -> Option<crate::output::Role> {
        if payload_type == self.config.payload_type {
            Some(crate::output::Role::Media)
        } else if Some(payload_type) == self.config.rtx_payload_type {
            Some(crate::output::Role::Retransmission)
        } else {
            None
        }
    }
}

fn nack(config: &StreamConfig) -> Result<Option<NackGenerator>, ConfigError> {
    config.feedback.nack.then(|| NackGenerator::new(NackConfig::default())).transpose()
}

/// How long a packet of sound lasts, and whether it carries a copy of the one before it.
fn sound(format: PayloadFormat, payload: &[u8]) -> Option<(u32, bool)> {
    match format {
        PayloadFormat::Opus => Some((opus::ticks(payload).ok()?, opus::has_fec(payload))),
        _ => None,
    }
}

fn audio(config: &StreamConfig) -> AudioConfig {
    let mut audio = AudioConfig::default();
    audio.clock_rate = config.clock_rate;
    audio.min_delay = config.min_delay;
    audio.max_delay = config.max_delay;
    audio
}

fn video(config: &StreamConfig) -> VideoConfig {
    let mut video = VideoConfig::default();
    video.clock_rate = config.clock_rate;
    video.min_delay = config.min_delay;
    video.max_delay = config.max_delay;
    video.retransmission = config.feedback.nack;
    if !config.feedback.nack {
        // What is missing only comes if it was overtaken.
        video.max_wait = Duration::from_millis(20);
    }
    video
}

//! The session itself: its parts, and what the embedder may say to it.

use alloc::collections::VecDeque;
use core::fmt;
use core::time::Duration;

use visavis_congestion::{
    ArrivalConfig, ArrivalLog, Controller, Gcc, GccConfig, Limits, LossBased, LossBasedConfig,
    Pacer, PacerConfig, PacketKind, SendHistory, Update,
};
use visavis_core::{
    Bitrate, ConfigError, DataSize, ExtSeq, Instant, MediaKind, NtpTime, PacketReport, Seq, Ssrc,
};
use visavis_jitter::LipSync;
use visavis_rtp::{ExtensionMap, Packet, ReferenceTime, ReportConfig, ReportTimer};
use visavis_srtp as srtp;

use crate::bindings::{Binding, Bindings};
use crate::config::{Congestion, SessionConfig, StreamConfig};
use crate::output::{
    Event, OutgoingFrame, PacketOutput, Role, StreamId, StreamStats, TransportStats,
};
use crate::pool::{Block, Pool};
use crate::rate::Spending;
use crate::receive::{Media, ReceiveStream, Source};
use crate::security::{Keys, Security};
use crate::send::{Queued, RESEND_CAPACITY, SendError, SendStream};
use crate::transform::FrameTransform;

/// Events that wait for the embedder, at most.
const MAX_EVENTS: usize = 256;
/// Packets whose feedback may still come: seconds of any call.
pub(crate) const HISTORY: usize = 8192;
/// Reports come about so often: often enough to sync lips and measure round trips from the start.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// The round-trip time before any was measured.
pub(crate) const DEFAULT_RTT: Duration = Duration::from_millis(100);

/// One transport and the streams on it. The crate page shows its loop.
pub struct Session {
    pub(crate) config: SessionConfig,
    pub(crate) now: Instant,
    pub(crate) pool: Pool,
    pub(crate) security: Security,
    pub(crate) transform: Option<Box<dyn FrameTransform>>,
    pub(crate) scratch: Vec<u8>,

    pub(crate) senders: Vec<SendStream>,
    pub(crate) receivers: Vec<ReceiveStream>,
    pub(crate) bindings: Bindings,
    next_id: u32,
    random: u64,

    pub(crate) pacer: Pacer<Queued>,
    pub(crate) history: SendHistory,
    pub(crate) controller: Box<dyn Controller>,
    pub(crate) update: Option<Update>,
    pub(crate) targets_from: usize,
    pub(crate) spending: Spending,
    pub(crate) next_transport_seq: ExtSeq,

    pub(crate) arrivals: ArrivalLog,
    pub(crate) feedback_count: u8,
    pub(crate) reference: ReferenceTime,
    pub(crate) reports: Vec<PacketReport>,
    pub(crate) transport_media_ssrc: Ssrc,

    pub(crate) report_timer: ReportTimer,
    pub(crate) leaving: Vec<Ssrc>,
    pub(crate) local_ssrc: Ssrc,
    pub(crate) wall: Option<(Instant, NtpTime)>,
    pub(crate) rtt: Option<Duration>,
    pub(crate) lip_sync: Option<LipSync>,
    pub(crate) synced_at: Instant,

    pub(crate) events: VecDeque<Event>,
    pub(crate) lost_events: u32,
    pub(crate) packets: VecDeque<(PacketOutput, Block)>,
    pub(crate) departing: Option<Departing>,
    pub(crate) told_short: bool,
    pub(crate) stats: TransportStats,
}

/// A packet whose turn has come, and the probe that it is part of.
pub(crate) type Departing = (Queued, Option<visavis_congestion::ProbeId>);

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("now", &self.now)
            .field("senders", &self.senders.len())
            .field("receivers", &self.receivers.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session without streams and keys. All memory for packets is allocated here.
    ///
    /// # Errors
    /// A value of `config` that can't work.
    pub fn new(now: Instant, config: SessionConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let mut random = config.seed;
        let local_ssrc = Ssrc(upper(splitmix(&mut random)));
        // The rate on the wire may be this much above the media's.
        let wire = |media: Bitrate| media.scale(1.25) + Bitrate::from_kbps(40);
        let limits = config.bitrate;
        let controller: Box<dyn Controller> = match config.congestion {
            Congestion::TransportFeedback => {
                let mut gcc = GccConfig::default();
                gcc.limits = Limits { min: limits.min, max: wire(limits.max) };
                gcc.start = wire(limits.start);
                Box::new(Gcc::new(gcc)?)
            }
            Congestion::ReceiverReports => {
                let mut reports = LossBasedConfig::default();
                reports.limits = Limits { min: limits.min, max: wire(limits.max) };
                reports.start = wire(limits.start);
                Box::new(LossBased::new(reports)?)
            }
        };
        let mut pacer = PacerConfig::default();
        pacer.queue = config.max_packets / 2;
        pacer.pacing = wire(limits.start);
        let mut timer = ReportConfig::default();
        timer.seed = splitmix(&mut random);
        // RFC 3550 §6.2: 5 % of the session, which with early feedback needs no minimum interval
        // beyond one that keeps reports useful.
        timer.bandwidth = limits.start.scale(0.05);
        timer.min_interval = REPORT_INTERVAL;
        let mut keys = srtp::Config::default();
        keys.max_streams = (config.max_streams * 8).max(keys.max_streams);
        Ok(Self {
            now,
            pool: Pool::new(config.max_packets),
            security: Security::new(keys),
            transform: None,
            scratch: vec![0; config.max_frame],
            senders: Vec::with_capacity(config.max_streams),
            receivers: Vec::with_capacity(config.max_streams),
            bindings: Bindings::new(config.max_streams),
            next_id: 0,
            random,
            pacer: Pacer::new(pacer)?,
            history: SendHistory::new(HISTORY)?,
            controller,
            update: None,
            targets_from: 0,
            spending: Spending::default(),
            next_transport_seq: ExtSeq(1),
            arrivals: ArrivalLog::new(ArrivalConfig::default())?,
            feedback_count: 0,
            reference: ReferenceTime::new(),
            reports: Vec::with_capacity(HISTORY),
            transport_media_ssrc: local_ssrc,
            report_timer: ReportTimer::new(timer, now)?,
            leaving: Vec::with_capacity(config.max_streams * 8),
            local_ssrc,
            wall: None,
            rtt: None,
            lip_sync: None,
            synced_at: now,
            events: VecDeque::with_capacity(MAX_EVENTS),
            lost_events: 0,
            packets: VecDeque::with_capacity(config.max_packets),
            departing: None,
            told_short: false,
            stats: TransportStats::default(),
            config,
        })
    }

    /// How long the buffer must be that is passed to `poll`: room for the largest frame.
    #[must_use]
    pub fn buffer_len(&self) -> usize {
        self.scratch.len()
    }

    /// Sets the keys, or changes them: from now on everything is sent under the new ones, and what was
    /// sent under the old ones is still read for a while.
    ///
    /// # Errors
    /// The crypto provider lacks the profile of the keys.
    pub fn set_keys(&mut self, keys: &Keys) -> Result<(), ConfigError> {
        self.security.set_keys(keys)
    }

    /// Puts a transform between the encoder and the packetizer, and back: end-to-end encryption.
    pub fn set_frame_transform(&mut self, transform: Box<dyn FrameTransform>) {
        self.transform = Some(transform);
    }

    /// Says which wall time it is. May be repeated, when the wall clock is corrected, or never come:
    /// then reports carry no wall time, and peers can neither sync lips nor measure round trips by them.
    pub fn on_wall_clock(&mut self, now: Instant, ntp: NtpTime) {
        self.wall = Some((now, ntp));
    }

    /// Adds a stream that is sent.
    ///
    /// # Errors
    /// A value of `config` that can't work, or too many streams.
    pub fn add_sender(&mut self, config: StreamConfig) -> Result<StreamId, ConfigError> {
        if self.senders.len() >= self.config.max_streams {
            return Err(ConfigError::new("max_streams", "is reached: no stream can be added"));
        }
        let layers = self.senders.iter().flat_map(|s| &s.config.layers).chain(&config.layers);
        let kept = layers.filter(|layer| layer.rtx.is_some()).count() * RESEND_CAPACITY;
        if kept > self.config.max_packets / 2 {
            let problem = "must be 1024 for each layer that is sent with retransmission";
            return Err(ConfigError::new("max_packets", problem));
        }
        let id = StreamId(self.next_id);
        let random = &mut self.random;
        // RFC 3550 §5.1: the first sequence number is random; low enough not to wrap at once, so that
        // a receiver that misses the start still guesses the rollover counter right (RFC 3711 §3.3.1).
        let first = || Seq(upper_half(splitmix(random)) >> 1);
        let stream = SendStream::new(id, config, self.config.max_datagram, first)?;
        self.next_id += 1;
        self.senders.push(stream);
        self.count_members();
        Ok(id)
    }

    /// Adds a stream that is received. Its SSRCs may be unknown yet.
    ///
    /// # Errors
    /// A value of `config` that can't work, too many streams, or an SSRC that has a stream already.
    pub fn add_receiver(&mut self, config: StreamConfig) -> Result<StreamId, ConfigError> {
        if self.receivers.len() >= self.config.max_streams {
            return Err(ConfigError::new("max_streams", "is reached: no stream can be added"));
        }
        let id = StreamId(self.next_id);
        let stream = ReceiveStream::new(id, config)?;
        for (layer, ssrcs) in stream.config.layers.iter().enumerate() {
            let roles = [
                (ssrcs.ssrc, Role::Media),
                (ssrcs.rtx, Role::Retransmission),
                (ssrcs.fec, Role::Fec),
            ];
            for (ssrc, role) in roles {
                let Some(ssrc) = ssrc else { continue };
                if !self.bindings.insert(ssrc, Binding { stream: id, layer, role }) {
                    self.bindings.remove_stream(id);
                    return Err(ConfigError::new("layers", "have an SSRC that is in use"));
                }
            }
        }
        self.next_id += 1;
        self.receivers.push(stream);
        self.start_lip_sync();
        Ok(id)
    }

    fn count_members(&mut self) {
        // Two endpoints; whoever sends has the larger share of the reports (RFC 3550 §6.2).
        let (sending, receiving) = (!self.senders.is_empty(), !self.receivers.is_empty());
        let senders = u32::from(sending) + u32::from(receiving);
        self.report_timer.on_members(self.now, 2, senders, sending);
    }

    fn start_lip_sync(&mut self) {
        let clock = |kind| {
            let of_kind = |stream: &&ReceiveStream| {
                stream.config.kind == kind && !matches!(stream.media, Media::None)
            };
            Some(self.receivers.iter().find(of_kind)?.config.clock_rate)
        };
        if self.lip_sync.is_none()
            && let (Some(audio), Some(video)) = (clock(MediaKind::Audio), clock(MediaKind::Video))
        {
            self.lip_sync = Some(LipSync::new(audio, video));
        }
    }

    /// Says where an SSRC belongs that came up late or unknown. Another one that had the role is
    /// forgotten, as when a peer begins anew.
    ///
    /// # Errors
    /// There is no such stream or layer, or the SSRC belongs elsewhere.
    pub fn bind(
        &mut self,
        stream: StreamId,
        layer: usize,
        ssrc: Ssrc,
        role: Role,
    ) -> Result<(), ConfigError> {
        let now = self.now;
        let Some(found) = self.receivers.iter_mut().find(|s| s.id == stream) else {
            return Err(ConfigError::new("stream", "must be one that is received"));
        };
        let clock_rate = found.config.clock_rate;
        let Some(sources) = found.layers.get_mut(layer) else {
            return Err(ConfigError::new("layer", "must be one of the stream's"));
        };
        if !self.bindings.insert(ssrc, Binding { stream, layer, role }) {
            return Err(ConfigError::new("ssrc", "belongs to another stream"));
        }
        let source = match role {
            Role::Media => &mut sources.media,
            Role::Retransmission => &mut sources.rtx,
            Role::Fec => return Ok(()),
        };
        if source.as_ref().is_some_and(|source| source.ssrc == ssrc) {
            return Ok(());
        }
        if let Some(old) = source.replace(Source::new(ssrc, clock_rate)) {
            self.bindings.remove(old.ssrc);
            if role == Role::Media {
                found.wall = None;
                found.restart(now, self.rtt, &mut self.pool);
            }
        }
        Ok(())
    }

    /// Ends a stream of either direction; the peer is told by a BYE if it was sent.
    /// False if there is none.
    pub fn remove(&mut self, now: Instant, stream: StreamId) -> bool {
        if let Some(at) = self.senders.iter().position(|s| s.id == stream) {
            let sender = self.senders.remove(at);
            self.targets_from = 0;
            for layer in &sender.layers {
                if self.leaving.len() < self.leaving.capacity() {
                    self.leaving.push(layer.ssrc);
                }
            }
            sender.release(&mut self.pool);
            self.count_members();
            return true;
        }
        let Some(at) = self.receivers.iter().position(|s| s.id == stream) else { return false };
        let mut receiver = self.receivers.remove(at);
        receiver.release(now.max(self.now), &mut self.pool);
        self.bindings.remove_stream(stream);
        true
    }

    /// Pauses a stream of either direction: no more is taken to be sent, or what comes is dropped unread.
    /// False if there is none.
    pub fn pause(&mut self, now: Instant, stream: StreamId) -> bool {
        if let Some(sender) = self.senders.iter_mut().find(|s| s.id == stream) {
            sender.paused = true;
            self.targets_from = 0;
            return true;
        }
        let Some(receiver) = self.receivers.iter_mut().find(|s| s.id == stream) else {
            return false;
        };
        receiver.paused = true;
        receiver.restart(now.max(self.now), self.rtt, &mut self.pool);
        true
    }

    /// Goes on with a paused stream; a video stream that is received asks for a keyframe.
    /// False if there is none.
    pub fn resume(&mut self, stream: StreamId) -> bool {
        if let Some(sender) = self.senders.iter_mut().find(|s| s.id == stream) {
            sender.paused = false;
            sender.told = None;
            self.targets_from = 0;
            return true;
        }
        let Some(receiver) = self.receivers.iter_mut().find(|s| s.id == stream) else {
            return false;
        };
        receiver.paused = false;
        if receiver.config.kind == MediaKind::Video {
            receiver.want_keyframe(0);
        }
        true
    }

    /// Asks the peer for a keyframe of a stream that is received: a decoder lost its way, or a viewer
    /// joined behind a forwarder.
    pub fn request_keyframe(&mut self, now: Instant, stream: StreamId, layer: usize) {
        let Some(receiver) = self.receivers.iter_mut().find(|s| s.id == stream) else { return };
        match &mut receiver.media {
            Media::Video(buffer) => buffer.on_decoder_error(now.max(self.now)),
            _ => receiver.want_keyframe(layer),
        }
    }

    /// Says how many ticks of the media clock the last [`AudioChunk`](crate::AudioChunk) of a stream
    /// became after stretching. Without it, chunks count as long as they were meant to be.
    pub fn on_played(&mut self, stream: StreamId, ticks: u32) {
        if let Some(receiver) = self.receivers.iter_mut().find(|s| s.id == stream)
            && let Media::Audio(playout) = &mut receiver.media
        {
            playout.on_played(ticks);
        }
    }

    /// Changes between which media rates the target may move.
    ///
    /// # Errors
    /// Unless `0 < min <= max`.
    pub fn set_bitrate_limits(&mut self, min: Bitrate, max: Bitrate) -> Result<(), ConfigError> {
        let start = self.config.bitrate.start.clamp(min, max.max(min));
        let limits = crate::BitrateLimits { min, start, max };
        limits.check()?;
        self.config.bitrate = limits;
        let max = max.scale(1.25) + Bitrate::from_kbps(40);
        self.controller.set_limits(self.now, Limits { min, max });
        Ok(())
    }

    /// Sends one frame of a stream: it is packetized now and leaves at the pacer's rate.
    ///
    /// # Errors
    /// [`SendError`]; after [`SendError::Full`] part of the frame may be under way.
    pub fn send_frame(
        &mut self,
        now: Instant,
        stream: StreamId,
        frame: &OutgoingFrame<'_>,
    ) -> Result<(), SendError> {
        self.now = self.now.max(now);
        if !self.security.can_send() {
            return Err(SendError::NoKeys);
        }
        let sender =
            self.senders.iter_mut().find(|s| s.id == stream).ok_or(SendError::UnknownStream)?;
        if sender.paused {
            return Err(SendError::Paused);
        }
        let mut data = frame.data;
        if let Some(transform) = &mut self.transform {
            let needed = transform.max_output(data.len());
            let space = self.scratch.get_mut(..needed).ok_or(SendError::TooLong)?;
            let len = transform.outgoing(stream, data, space)?;
            data = space.get(..len).unwrap_or_default();
        }
        let overhead = self.security.rtp_overhead() + self.config.datagram_overhead;
        let priority = match sender.config.kind {
            MediaKind::Audio => PacketKind::Audio,
            MediaKind::Video => PacketKind::Video,
        };
        let (pacer, now) = (&mut self.pacer, self.now);
        sender.packetize(frame, data, &mut self.pool, |queued| {
            let size = DataSize::from_bytes((queued.block.data().len() + overhead) as u64);
            pacer.push(now, priority, size, queued).map_err(|overflow| overflow.0.block)
        })
    }

    /// Sends a packet that another session received, as one of this stream: with its own SSRC, payload
    /// type, numbering and extensions.
    ///
    /// `extensions` are the numbers under which the packet carries its extensions: those of the stream
    /// that it came on.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn forward<T: AsRef<[u8]>>(
        &mut self,
        now: Instant,
        stream: StreamId,
        layer: usize,
        packet: &Packet<T>,
        extensions: &ExtensionMap,
    ) -> Result<(), SendError> {
        self.now = self.now.max(now);
        if !self.security.can_send() {
            return Err(SendError::NoKeys);
        }
        let sender =
            self.senders.iter_mut().find(|s| s.id == stream).ok_or(SendError::UnknownStream)?;
        if sender.paused {
            return Err(SendError::Paused);
        }
        let level = extensions.read(packet).audio_level;
        let mut block = self.pool.take().ok_or(SendError::Full)?;
        let payload_len = match sender.forward(self.now, layer, packet, level, &mut block) {
            Ok(len) => len,
            Err(error) => {
                self.pool.give(block);
                return Err(error);
            }
        };
        let priority = match sender.config.kind {
            MediaKind::Audio => PacketKind::Audio,
            MediaKind::Video => PacketKind::Video,
        };
        let queued = Queued { stream, layer, retransmission: false, payload_len, block };
        self.enqueue(priority, queued).map_err(|block| {
            self.pool.give(block);
            SendError::Full
        })
    }

    pub(crate) fn enqueue(&mut self, priority: PacketKind, queued: Queued) -> Result<(), Block> {
        let overhead = self.security.rtp_overhead() + self.config.datagram_overhead;
        let size = DataSize::from_bytes((queued.block.data().len() + overhead) as u64);
        self.pacer.push(self.now, priority, size, queued).map_err(|overflow| overflow.0.block)
    }

    /// What is known of one stream; `None` if there is none.
    #[must_use]
    pub fn stream_stats(&self, stream: StreamId) -> Option<StreamStats> {
        let sender = self.senders.iter().find(|s| s.id == stream).map(|s| s.stats);
        sender.or_else(|| Some(self.receivers.iter().find(|s| s.id == stream)?.stats()))
    }

    /// What is known of the transport.
    #[must_use]
    pub fn transport_stats(&self) -> TransportStats {
        let mut stats = self.stats;
        stats.round_trip = self.rtt.unwrap_or_default().as_secs_f64();
        stats.pacer_delay = self.pacer.queue_delay().as_secs_f64();
        stats
    }

    pub(crate) fn push_event(&mut self, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        } else {
            self.lost_events = self.lost_events.saturating_add(1);
        }
    }

    pub(crate) fn ntp(&self) -> Option<NtpTime> {
        let (at, ntp) = self.wall?;
        Some(ntp.plus(self.now.since(at)))
    }
}

/// The next number of the generator SplitMix64: enough for identifiers that only have to differ.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[allow(clippy::cast_possible_truncation, reason = "shifted to 32 bits")]
fn upper(random: u64) -> u32 {
    (random >> 32) as u32
}

#[allow(clippy::cast_possible_truncation, reason = "shifted to 16 bits")]
fn upper_half(random: u64) -> u16 {
    (random >> 48) as u16
}

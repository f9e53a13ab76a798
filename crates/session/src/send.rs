//! One stream that is sent: numbering, packets in the clear, and what can be sent again.

use core::time::Duration;

use visavis_core::{
    Bitrate, ConfigError, DataSize, Instant, MediaKind, NtpTime, RtpTimestamp, Seq, Ssrc,
};
use visavis_payload::{PacketizeError, Packetizer};
use visavis_rtp::rtcp::SenderInfo;
use visavis_rtp::{AbsSendTime, AudioLevel, ExtensionValues, Header, Packet, Resender, rtx};

use crate::config::{Layer, StreamConfig};
use crate::output::{OutgoingFrame, StreamId, StreamStats};
use crate::pool::{Block, Pool};
use crate::transform::TransformError;

/// The longest tag of any profile; room for it is kept in every packet.
const MAX_TAG: usize = 16;

/// Packets kept for retransmission, each layer: more than a second of 2 Mb/s.
pub(crate) const RESEND_CAPACITY: usize = 512;

/// A frame or packet could not be sent. What is in the pacer already still leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no such stream (any more), or it is one that is received.
    #[error("no such stream is being sent")]
    UnknownStream,
    /// The stream has no such layer.
    #[error("the stream has no such layer")]
    UnknownLayer,
    /// No keys have been set yet.
    #[error("no keys to send with have been set")]
    NoKeys,
    /// The stream is paused.
    #[error("the stream is paused")]
    Paused,
    /// So much waits to be sent that there is no room: drop frames, and make the next a keyframe.
    #[error("too much waits to be sent already")]
    Full,
    /// A packet to forward is longer than datagrams may be.
    #[error("the packet is too long to be forwarded")]
    TooLong,
    /// The frame can't be carried in the stream's payload format.
    #[error(transparent)]
    Packetize(#[from] PacketizeError),
    /// The frame transform refused the frame.
    #[error(transparent)]
    Transform(#[from] TransformError),
}

/// A packet in the pacer.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) stream: StreamId,
    pub(crate) layer: usize,
    pub(crate) retransmission: bool,
    pub(crate) payload_len: usize,
    pub(crate) block: Block,
}

#[derive(Debug)]
pub(crate) struct SendStream {
    pub(crate) id: StreamId,
    pub(crate) config: StreamConfig,
    pub(crate) layers: Vec<SendLayer>,
    pub(crate) paused: bool,
    /// The last target that was said.
    pub(crate) told: Option<(Bitrate, u8)>,
    /// When which media time was captured.
    media_clock: Option<(RtpTimestamp, Instant)>,
    packetizer: Packetizer,
    pub(crate) max_payload: usize,
    pub(crate) stats: StreamStats,
}

#[derive(Debug)]
pub(crate) struct SendLayer {
    pub(crate) ssrc: Ssrc,
    pub(crate) rtx: Option<(Ssrc, Seq)>,
    /// The peer has reported on the retransmissions too.
    pub(crate) rtx_known_to_peer: bool,
    seq: Seq,
    /// What is added to the sequence numbers of forwarded packets.
    forward_offset: Option<u16>,
    pub(crate) resender: Resender<Block>,
    /// The peer has reported on it, so it knows which stream it belongs to.
    pub(crate) known_to_peer: bool,
    /// The highest number that the peer has reported.
    pub(crate) reported: Option<u32>,
    packets: u64,
    bytes: u64,
}

impl SendLayer {
    fn new(layer: &Layer, first: Seq) -> Result<Self, ConfigError> {
        let Some(ssrc) = layer.ssrc else {
            return Err(ConfigError::new("layers", "must have an SSRC to be sent"));
        };
        Ok(Self {
            ssrc,
            rtx: layer.rtx.map(|ssrc| (ssrc, first)),
            rtx_known_to_peer: false,
            seq: first,
            forward_offset: None,
            resender: Resender::new(if layer.rtx.is_some() { RESEND_CAPACITY } else { 1 })?,
            known_to_peer: false,
            reported: None,
            packets: 0,
            bytes: 0,
        })
    }

    /// Keeps a packet that has left, and gives back the one that it displaces.
    pub(crate) fn keep(&mut self, block: Block) -> Option<Block> {
        match Packet::parse(block.data()).map(|packet| packet.seq()) {
            Ok(seq) => self.resender.insert(seq, block),
            Err(_) => Some(block),
        }
    }

    /// Continues another source's numbering in this layer's.
    fn forwarded_seq(&mut self, seq: Seq) -> Seq {
        let next = self.seq;
        let offset = *self.forward_offset.get_or_insert(next.0.wrapping_sub(seq.0));
        let out = Seq(seq.0.wrapping_add(offset));
        if out.since(self.seq) >= 0 {
            self.seq = out.next();
        }
        out
    }
}

impl SendStream {
    pub(crate) fn new(
        id: StreamId,
        config: StreamConfig,
        max_datagram: usize,
        first: impl FnMut() -> Seq,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let mut first = first;
        let layers = config
            .layers
            .iter()
            .map(|layer| SendLayer::new(layer, first()))
            .collect::<Result<_, _>>()?;
        let mut header = Header::new(config.payload_type, Seq(0), RtpTimestamp(0), Ssrc(0));
        header.extensions = placeholders(&config, true);
        header.extensions.audio_level = Some(AudioLevel::new(0, false));
        let overhead = header.encoded_len(&config.extensions) + MAX_TAG + rtx::OVERHEAD;
        let max_payload = max_datagram.saturating_sub(overhead);
        let packetizer = config.format.packetizer(max_payload)?;
        Ok(Self {
            id,
            config,
            layers,
            paused: false,
            told: None,
            media_clock: None,
            packetizer,
            max_payload,
            stats: StreamStats::default(),
        })
    }

    /// Cuts `data` into packets and hands each to `push`, which gives a block back if it has no room.
    pub(crate) fn packetize(
        &mut self,
        frame: &OutgoingFrame<'_>,
        data: &[u8],
        pool: &mut Pool,
        mut push: impl FnMut(Queued) -> Result<(), Block>,
    ) -> Result<(), SendError> {
        let layer = self.layers.get_mut(frame.layer).ok_or(SendError::UnknownLayer)?;
        self.media_clock = Some((frame.timestamp, frame.captured_at));
        let mut header = Header::new(self.config.payload_type, Seq(0), frame.timestamp, layer.ssrc);
        header.extensions = placeholders(&self.config, !layer.known_to_peer);
        header.extensions.audio_level = frame.audio_level;
        let start = header.encoded_len(&self.config.extensions);
        let mut run = self.packetizer.packetize(data);
        loop {
            let mut block = pool.take().ok_or(SendError::Full)?;
            let written = run.next_into(block.space().get_mut(start..).unwrap_or_default());
            let payload = match written {
                Ok(Some(payload)) => payload,
                Ok(None) => {
                    pool.give(block);
                    return Ok(());
                }
                Err(error) => {
                    pool.give(block);
                    return Err(error.into());
                }
            };
            header.seq = layer.seq;
            // RFC 7587 §4.2 marks talkspurts, which only an encoder with DTX has; video marks the
            // last packet of a picture.
            header.marker = payload.last && self.config.kind == MediaKind::Video;
            // The block is longer than any datagram, so the header fits.
            let _ = header.write_into(&self.config.extensions, block.space());
            block.set_range(0, start + payload.len);
            let queued = Queued {
                stream: self.id,
                layer: frame.layer,
                retransmission: false,
                payload_len: payload.len,
                block,
            };
            if let Err(block) = push(queued) {
                pool.give(block);
                return Err(SendError::Full);
            }
            layer.seq = layer.seq.next();
        }
    }

    /// Rewrites a packet of another session as one of this stream.
    pub(crate) fn forward<T: AsRef<[u8]>>(
        &mut self,
        at: Instant,
        layer_index: usize,
        packet: &Packet<T>,
        audio_level: Option<AudioLevel>,
        block: &mut Block,
    ) -> Result<usize, SendError> {
        let layer = self.layers.get_mut(layer_index).ok_or(SendError::UnknownLayer)?;
        let payload = packet.payload();
        if payload.len() > self.max_payload {
            return Err(SendError::TooLong);
        }
        self.media_clock = Some((packet.timestamp(), at));
        let mut header = Header::new(
            self.config.payload_type,
            layer.forwarded_seq(packet.seq()),
            packet.timestamp(),
            layer.ssrc,
        );
        header.marker = packet.marker();
        header.extensions = placeholders(&self.config, !layer.known_to_peer);
        header.extensions.audio_level = audio_level;
        let start = header
            .write_into(&self.config.extensions, block.space())
            .map_err(|_| SendError::TooLong)?;
        let end = start + payload.len();
        block.space().get_mut(start..end).ok_or(SendError::TooLong)?.copy_from_slice(payload);
        block.set_range(0, end);
        Ok(payload.len())
    }

    /// Writes the retransmission of the packet `seq` into `block` and says how long its payload is;
    /// `None` if it is gone, or was sent again less than a round trip ago.
    pub(crate) fn write_again(
        &mut self,
        layer: usize,
        seq: Seq,
        block: &mut Block,
        now: Instant,
        rtt: Duration,
    ) -> Option<usize> {
        self.write_rtx(layer, block, |kept| kept.request(now, seq, rtt))
    }

    /// Writes the latest packet of the first layer again, if it fills a probe of packets of `size`.
    pub(crate) fn write_latest(&mut self, size: DataSize, block: &mut Block) -> Option<usize> {
        self.write_rtx(0, block, |kept| {
            let (_, latest) = kept.latest()?;
            (DataSize::of(latest.data()).bytes() * 2 >= size.bytes()).then_some(latest)
        })
    }

    fn write_rtx(
        &mut self,
        layer: usize,
        block: &mut Block,
        original: impl FnOnce(&mut Resender<Block>) -> Option<&Block>,
    ) -> Option<usize> {
        let payload_type = self.config.rtx_payload_type?;
        let layer = self.layers.get_mut(layer)?;
        let (ssrc, rtx_seq) = layer.rtx.as_mut()?;
        let original = Packet::parse(original(&mut layer.resender)?.data()).ok()?;
        let mut header = Header::new(payload_type, *rtx_seq, original.timestamp(), *ssrc);
        header.marker = original.marker();
        header.extensions = placeholders(&self.config, !layer.rtx_known_to_peer);
        let start = header.write_into(&self.config.extensions, block.space()).ok()?;
        let len = rtx::write_payload(&original, block.space().get_mut(start..)?).ok()?;
        block.set_range(0, start + len);
        *rtx_seq = rtx_seq.next();
        Some(len)
    }

    /// Writes a packet of nothing but padding on the retransmission stream of the first layer: on the
    /// media's own it would make a hole in a picture.
    pub(crate) fn write_padding(&mut self, size: u8, block: &mut Block) -> Option<()> {
        let payload_type = self.config.rtx_payload_type?;
        let (timestamp, _) = self.media_clock?;
        let layer = self.layers.first_mut()?;
        let (ssrc, seq) = layer.rtx.as_mut()?;
        let mut header = Header::new(payload_type, *seq, timestamp, *ssrc);
        header.extensions = placeholders(&self.config, !layer.rtx_known_to_peer);
        let start = header.write_into(&self.config.extensions, block.space()).ok()?;
        let end = visavis_rtp::write_padding(block.space(), start, size.max(1)).ok()?;
        block.set_range(0, end);
        *seq = seq.next();
        Some(())
    }

    pub(crate) fn on_departed(&mut self, layer: usize, retransmission: bool, payload_len: usize) {
        if retransmission {
            self.stats.retransmitted += 1;
            return;
        }
        self.stats.packets += 1;
        self.stats.payload_bytes += payload_len as u64;
        if let Some(layer) = self.layers.get_mut(layer) {
            layer.packets += 1;
            layer.bytes += payload_len as u64;
        }
    }

    /// What a sender report says of one layer; `None` before anything was sent.
    #[allow(clippy::cast_possible_truncation, reason = "RFC 3550 §6.4.1: the counters wrap")]
    pub(crate) fn sender_info(
        &self,
        layer: &SendLayer,
        now: Instant,
        ntp: Option<NtpTime>,
    ) -> Option<SenderInfo> {
        let (timestamp, captured_at) = self.media_clock?;
        if layer.packets == 0 {
            return None;
        }
        let ticks = self.config.clock_rate.ticks(now.since(captured_at));
        Some(SenderInfo {
            ssrc: layer.ssrc,
            // RFC 3550 §6.4.1: a sender that has no notion of wall time says 0.
            ntp: ntp.unwrap_or(NtpTime(0)),
            rtp_timestamp: timestamp.offset(ticks),
            packets: layer.packets as u32,
            bytes: layer.bytes as u32,
        })
    }

    /// Gives all blocks back.
    pub(crate) fn release(mut self, pool: &mut Pool) {
        for layer in &mut self.layers {
            layer.resender.drain().for_each(|block| pool.give(block));
        }
    }
}

/// The extensions of a packet that isn't numbered and timed before it leaves.
fn placeholders(config: &StreamConfig, with_mid: bool) -> ExtensionValues {
    let mut values = ExtensionValues::default();
    values.transport_seq = config.feedback.transport_wide.then_some(Seq(0));
    values.abs_send_time = Some(AbsSendTime::from_bytes([0; 3]));
    // RFC 8843 §15.1: sent until the peer is known to have learnt it.
    values.mid = with_mid.then_some(config.mid);
    values
}

//! What a session and its streams are told when they are made.

use core::time::Duration;

use visavis_core::{Bitrate, ClockRate, ConfigError, MediaKind, Mid, PayloadType, Rid, Ssrc};
use visavis_payload::PayloadFormat;
use visavis_payload::h264::PacketizationMode;
use visavis_rtp::{ExtensionId, ExtensionMap};

/// How a session behaves; what concerns one stream is in [`StreamConfig`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The canonical name that binds this endpoint's streams together, 1 to 255 bytes.
    /// [RFC 3550 §6.5.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.5.1)
    pub cname: String,
    /// Where every random choice comes from; the same seed and inputs give the same outputs.
    pub seed: u64,
    /// The largest datagram to send, without IP and UDP headers, in bytes.
    pub max_datagram: usize,
    /// Bytes of IP and UDP headers on each datagram, which the network carries too.
    pub datagram_overhead: usize,
    /// Between which media rates (audio and video payload) the target may move.
    pub bitrate: BitrateLimits,
    /// Which feedback drives the target.
    pub congestion: Congestion,
    /// RTP and RTCP share a port (RFC 5761); otherwise RTCP goes to [`Component::Rtcp`].
    ///
    /// [`Component::Rtcp`]: crate::Component::Rtcp
    pub rtcp_mux: bool,
    /// Feedback may travel without a report in front of it.
    /// [RFC 5506](https://www.rfc-editor.org/rfc/rfc5506)
    pub reduced_size: bool,
    /// How many streams there may be, senders and receivers counted separately.
    pub max_streams: usize,
    /// How many packets may be held at once, in all queues and buffers together.
    pub max_packets: usize,
    /// The largest encoded frame, in bytes. Larger ones are neither sent nor received.
    pub max_frame: usize,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            cname: "visavis".into(),
            seed: 0,
            max_datagram: 1200,
            datagram_overhead: 28,
            bitrate: BitrateLimits::default(),
            congestion: Congestion::TransportFeedback,
            rtcp_mux: true,
            reduced_size: true,
            max_streams: 16,
            max_packets: 4096,
            // A keyframe of a large screen.
            max_frame: 512 * 1024,
        }
    }
}

impl SessionConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.cname.is_empty() || self.cname.len() > 255 {
            return Err(ConfigError::new("cname", "must have 1 to 255 bytes"));
        }
        if !(576..=MAX_DATAGRAM).contains(&self.max_datagram) {
            return Err(ConfigError::new("max_datagram", "must be 576 to 1472 bytes"));
        }
        if self.max_packets < 64 {
            return Err(ConfigError::new("max_packets", "must be at least 64"));
        }
        if self.max_frame < MAX_DATAGRAM {
            return Err(ConfigError::new("max_frame", "must be at least 1472 bytes"));
        }
        if self.max_streams == 0 {
            return Err(ConfigError::new("max_streams", "must be at least 1"));
        }
        self.bitrate.check()
    }
}

/// The most that one Ethernet frame carries in UDP over IPv4; longer datagrams are refused.
pub(crate) const MAX_DATAGRAM: usize = 1472;

/// Between which media rates the target may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitrateLimits {
    /// The target never falls below this.
    pub min: Bitrate,
    /// The target before anything is known of the network.
    pub start: Bitrate,
    /// The target never rises above this.
    pub max: Bitrate,
}

impl Default for BitrateLimits {
    fn default() -> Self {
        Self {
            min: Bitrate::from_kbps(100),
            start: Bitrate::from_kbps(500),
            max: Bitrate::from_kbps(1500),
        }
    }
}

impl BitrateLimits {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.min == Bitrate::ZERO || self.min > self.start || self.start > self.max {
            return Err(ConfigError::new("bitrate", "must have 0 < min <= start <= max"));
        }
        Ok(())
    }
}

/// Which feedback drives the target bitrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Congestion {
    /// Transport-wide feedback: delay and loss of every packet.
    TransportFeedback,
    /// Receiver reports only, all that a peer with the AVP profile sends.
    ReceiverReports,
}

/// One media stream of either direction: a MID with the SSRCs that belong to it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StreamConfig {
    /// Its identification in the session description.
    pub mid: Mid,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// How frames become packets.
    pub format: PayloadFormat,
    /// The payload type of the media.
    pub payload_type: PayloadType,
    /// The payload type of retransmissions; `None` if they weren't agreed on.
    pub rtx_payload_type: Option<PayloadType>,
    /// The clock of the RTP timestamps.
    pub clock_rate: ClockRate,
    /// One for each version of the media that is sent at the same time; at least one.
    pub layers: Vec<Layer>,
    /// What the peer may be told, or may tell, about this stream.
    pub feedback: Feedback,
    /// The numbers of the header extensions that both sides agreed on.
    pub extensions: ExtensionMap,
    /// What the embedder wants to have of this stream.
    pub faces: Faces,
    /// The bitrate to plan with: what audio uses, or what video may use at most.
    pub max_bitrate: Bitrate,
    /// Received media is never played sooner after its arrival than this.
    pub min_delay: Duration,
    /// Received media is never held longer than this.
    pub max_delay: Duration,
}

const AUDIO: Mid = Mid::new("audio").unwrap();
const VIDEO: Mid = Mid::new("video").unwrap();

impl StreamConfig {
    /// Opus at 32 kb/s with transport-wide feedback: MID `audio`, payload type 111, and the header
    /// extensions MID, send time, transport-wide number and audio level under 1 to 4. These numbers are
    /// the usual ones; whatever a session description says instead goes into the fields.
    #[must_use]
    pub fn opus(ssrc: Ssrc) -> Self {
        let (format, bitrate) = (PayloadFormat::Opus, Bitrate::from_kbps(32));
        let feedback = Feedback { transport_wide: true, ..Feedback::NONE };
        Self::new(AUDIO, format, 111, Layer::new(ssrc), feedback, bitrate)
    }

    /// H.264 in packetization mode 1 with all feedback, and retransmission if there is an SSRC for it:
    /// MID `video`, payload types 102 and 103, extensions as of [`opus`](Self::opus).
    #[must_use]
    pub fn h264(ssrc: Ssrc, rtx: Option<Ssrc>) -> Self {
        let format = PayloadFormat::H264 { mode: PacketizationMode::NonInterleaved };
        Self::video(format, 102, ssrc, rtx)
    }

    /// AV1 with all feedback, and retransmission if there is an SSRC for it: MID `video`, payload types
    /// 45 and 46, extensions as of [`opus`](Self::opus).
    #[must_use]
    pub fn av1(ssrc: Ssrc, rtx: Option<Ssrc>) -> Self {
        Self::video(PayloadFormat::Av1, 45, ssrc, rtx)
    }

    fn video(format: PayloadFormat, payload_type: u8, ssrc: Ssrc, rtx: Option<Ssrc>) -> Self {
        let layer = Layer { rtx, ..Layer::new(ssrc) };
        let feedback = Feedback { nack: rtx.is_some(), ..Feedback::ALL };
        let bitrate = Bitrate::from_kbps(20_000);
        let mut config = Self::new(VIDEO, format, payload_type, layer, feedback, bitrate);
        config.rtx_payload_type = rtx.map(|_| PayloadType::from_low_bits(payload_type + 1));
        config
    }

    fn new(
        mid: Mid,
        format: PayloadFormat,
        payload_type: u8,
        layer: Layer,
        feedback: Feedback,
        max_bitrate: Bitrate,
    ) -> Self {
        let mut extensions = ExtensionMap::default();
        extensions.mid = ExtensionId::new(1);
        extensions.abs_send_time = ExtensionId::new(2);
        extensions.transport_seq = ExtensionId::new(3);
        extensions.audio_level = ExtensionId::new(4);
        Self {
            mid,
            kind: format.kind(),
            format,
            payload_type: PayloadType::from_low_bits(payload_type),
            rtx_payload_type: None,
            clock_rate: format.clock_rate(),
            layers: vec![layer],
            feedback,
            extensions,
            faces: Faces::FRAMES,
            max_bitrate,
            min_delay: Duration::ZERO,
            max_delay: Duration::from_millis(500),
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.layers.is_empty() || self.layers.len() > MAX_LAYERS {
            return Err(ConfigError::new("layers", "must be 1 to 8"));
        }
        if self.min_delay > self.max_delay {
            return Err(ConfigError::new("min_delay", "must not be above max_delay"));
        }
        if self.rtx_payload_type == Some(self.payload_type) {
            return Err(ConfigError::new("rtx_payload_type", "must differ from payload_type"));
        }
        Ok(())
    }
}

const MAX_LAYERS: usize = 8;

/// One version of a stream's media, with the SSRCs that carry and repair it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Its identification where several are sent at the same time.
    pub rid: Option<Rid>,
    /// The media; `None` for a receiver that learns it from the MID extension or from
    /// [`Session::bind`](crate::Session::bind).
    pub ssrc: Option<Ssrc>,
    /// Its retransmissions (RFC 4588).
    pub rtx: Option<Ssrc>,
    /// Its forward error correction: known, so that it isn't reported as a stranger.
    pub fec: Option<Ssrc>,
}

impl Layer {
    /// Media alone.
    #[must_use]
    pub const fn new(ssrc: Ssrc) -> Self {
        Self { rid: None, ssrc: Some(ssrc), rtx: None, fec: None }
    }

    /// A layer whose SSRCs are not known yet.
    pub const UNKNOWN: Self = Self { rid: None, ssrc: None, rtx: None, fec: None };
}

/// What a peer may be told about a stream; reports of RFC 3550 are always sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feedback {
    /// Lost packets are asked for again. [RFC 4585 §6.2.1](https://www.rfc-editor.org/rfc/rfc4585#section-6.2.1)
    pub nack: bool,
    /// A picture loss asks for a keyframe. [RFC 4585 §6.3.1](https://www.rfc-editor.org/rfc/rfc4585#section-6.3.1)
    pub pli: bool,
    /// Keyframes are asked for by FIR where PLI is not agreed on.
    /// [RFC 5104 §4.3.1](https://www.rfc-editor.org/rfc/rfc5104#section-4.3.1)
    pub fir: bool,
    /// Every packet carries a transport-wide sequence number and its arrival is reported.
    pub transport_wide: bool,
}

impl Feedback {
    /// Receiver reports only: a peer with the AVP profile.
    pub const NONE: Self = Self { nack: false, pli: false, fir: false, transport_wide: false };
    /// Everything that this version knows.
    pub const ALL: Self = Self { nack: true, pli: true, fir: true, transport_wide: true };
}

/// What the embedder gets of a stream. The outputs are also where a recorder taps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faces {
    /// Frames in playout order with their time, gaps and concealment: for an endpoint.
    pub frames: bool,
    /// Each packet in the clear with its extensions, at once as it arrives (or, of a sender, as it
    /// leaves): for a forwarder or a packet recorder.
    pub packets: bool,
}

impl Faces {
    /// An endpoint.
    pub const FRAMES: Self = Self { frames: true, packets: false };
    /// A forwarder.
    pub const PACKETS: Self = Self { frames: false, packets: true };
    /// An endpoint that records packets.
    pub const BOTH: Self = Self { frames: true, packets: true };
}

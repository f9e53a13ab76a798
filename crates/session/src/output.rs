//! What a session is given and what it gives.

use visavis_core::PayloadType;
use visavis_core::{Bitrate, Ecn, Instant, NtpTime, RtpTimestamp, Ssrc};
use visavis_jitter::Stretch;
use visavis_rtp::AudioLevel;

/// A stream of a session; never used again after it has been removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u32);

/// Which pair of addresses a datagram travels between, as the embedder numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PathId(pub u32);

/// Which port of a path: meeting rooms that don't multiplex have one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Component {
    /// The port for RTP, and for RTCP too where they are multiplexed.
    #[default]
    Rtp,
    /// The port for RTCP.
    Rtcp,
}

/// A datagram that arrived.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// Where it came in.
    pub path: PathId,
    /// At which port.
    pub component: Component,
    /// The ECN mark of its IP header.
    pub ecn: Ecn,
    /// When it arrived; may be earlier than the moment at which it is handed over.
    pub arrived_at: Instant,
    /// Its bytes, which are decrypted in place.
    pub data: &'a mut [u8],
}

impl<'a> Datagram<'a> {
    /// On the first path, at the port for RTP, without a mark.
    #[must_use]
    pub fn new(arrived_at: Instant, data: &'a mut [u8]) -> Self {
        Self {
            path: PathId::default(),
            component: Component::Rtp,
            ecn: Ecn::NotEct,
            arrived_at,
            data,
        }
    }
}

/// What became of a datagram. Nothing here is an error of the embedder's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// Media, a repair, or a duplicate of it that belongs to a stream.
    Media,
    /// A control packet.
    Control,
    /// Neither RTP nor RTCP (STUN, DTLS, …): for the embedder's own use.
    NotRtp,
    /// It can't be read: no keys yet, forged, replayed or malformed. It is counted and forgotten.
    Dropped(DropReason),
}

/// Why a datagram was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// No keys to read it with have been set.
    NoKeys,
    /// It isn't a valid packet.
    Malformed,
    /// Its authentication failed.
    Unauthenticated,
    /// It has come before.
    Replayed,
    /// It is longer than any datagram that fits an Ethernet frame.
    TooLong,
    /// It is genuine, but of an SSRC that belongs to no stream.
    UnknownSsrc,
    /// Its stream is paused.
    Paused,
    /// A buffer is full.
    Full,
}

/// A frame to send, as the encoder gave it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct OutgoingFrame<'a> {
    /// Its bytes: an Opus packet, an H.264 access unit in Annex B form, an AV1 temporal unit.
    pub data: &'a [u8],
    /// Its time on the stream's media clock.
    pub timestamp: RtpTimestamp,
    /// When it was captured: ties the media clock to the embedder's.
    pub captured_at: Instant,
    /// How loud it is, for receivers that show who speaks.
    pub audio_level: Option<AudioLevel>,
    /// Which of the stream's layers it belongs to.
    pub layer: usize,
}

impl<'a> OutgoingFrame<'a> {
    /// A frame of the first layer.
    #[must_use]
    pub const fn new(data: &'a [u8], timestamp: RtpTimestamp, captured_at: Instant) -> Self {
        Self { data, timestamp, captured_at, audio_level: None, layer: 0 }
    }
}

/// What [`poll`](visavis_core::Engine::poll) yields. Bytes, where there are any, are at the front of
/// the buffer that was passed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Send this datagram.
    Transmit(Transmit),
    /// Decode this picture and show it.
    Video(VideoFrame),
    /// Decode or conceal this piece of sound and play it.
    Audio(AudioChunk),
    /// A packet in the clear, of a stream that shows [packets](crate::Faces::packets).
    Packet(PacketOutput),
    /// Encode this stream at another rate from now on.
    Target(Target),
    /// Something happened.
    Event(Event),
}

/// A datagram to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// How many bytes of the buffer.
    pub len: usize,
    /// Where to.
    pub path: PathId,
    /// To which port.
    pub component: Component,
    /// With which ECN mark.
    pub ecn: Ecn,
    /// If the bytes are several datagrams of this size (the last may be shorter), for segmentation
    /// offload; `None` for a single one.
    pub segment_size: Option<usize>,
}

/// A complete picture in encoded form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoFrame {
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// How many bytes of the buffer.
    pub len: usize,
    /// Its time on the sender's media clock.
    pub timestamp: RtpTimestamp,
    /// The same on the sender's wall clock, once a sender report has told it.
    pub ntp: Option<NtpTime>,
    /// A decoder can start here.
    pub keyframe: bool,
    /// Pictures were left out before this one.
    pub gap: bool,
    /// When its last packet came in.
    pub complete_at: Instant,
    /// When to show it.
    pub render_at: Instant,
}

/// A piece of sound to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioChunk {
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// When its first sample is due. The end of one chunk is the start of the next.
    pub at: Instant,
    /// The time of its first sample on the sender's media clock.
    pub timestamp: RtpTimestamp,
    /// The same on the sender's wall clock, once a sender report has told it.
    pub ntp: Option<NtpTime>,
    /// Its length in ticks of the media clock, before stretching.
    pub ticks: u32,
    /// Where it comes from.
    pub source: AudioSource,
    /// Whether to make it shorter or longer; report the outcome with
    /// [`on_played`](crate::Session::on_played).
    pub stretch: Stretch,
}

/// Where a piece of sound comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioSource {
    /// From its own packet, `len` bytes of the buffer.
    Packet {
        /// How many bytes of the buffer.
        len: usize,
    },
    /// From the redundancy in the packet after it, `len` bytes of the buffer.
    Redundancy {
        /// How many bytes of the buffer.
        len: usize,
    },
    /// Nothing is left of it: conceal the gap.
    Lost,
}

/// A decrypted packet with its header and extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketOutput {
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Which of its layers.
    pub layer: usize,
    /// It was sent, not received.
    pub sent: bool,
    /// It was restored from a retransmission: it reads like the original.
    pub repaired: bool,
    /// How many bytes of the buffer.
    pub len: usize,
    /// When it arrived or left.
    pub at: Instant,
    /// Its media time on the sender's wall clock, once a sender report has told it.
    pub ntp: Option<NtpTime>,
}

/// The rate at which a stream is to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The stream.
    pub stream: StreamId,
    /// Its payload rate.
    pub bitrate: Bitrate,
    /// How many of a hundred packets are being lost, rounded.
    pub loss_percent: u8,
}

/// Something that the embedder may want to act upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer needs a keyframe of a stream that is sent.
    KeyframeRequested {
        /// The stream.
        stream: StreamId,
        /// Which of its layers.
        layer: usize,
    },
    /// An SSRC was bound to a stream by its MID.
    Bound {
        /// The stream.
        stream: StreamId,
        /// The SSRC.
        ssrc: Ssrc,
    },
    /// A genuine packet came from an SSRC that belongs to no stream: say where it belongs with
    /// [`bind`](crate::Session::bind), or ignore it. Told once in a while, not for each packet.
    UnknownSsrc {
        /// The SSRC.
        ssrc: Ssrc,
        /// The payload type of its packet.
        payload_type: PayloadType,
    },
    /// The peer said that a source has left.
    Left {
        /// The stream that it belonged to.
        stream: StreamId,
        /// The SSRC.
        ssrc: Ssrc,
    },
    /// The keys for sending are worn out or a packet would have repeated: set new ones.
    SendKeysUnusable,
    /// The buffer passed to `poll` is too short for what is due: call again with a longer one.
    BufferTooShort {
        /// How many bytes it must have.
        needed: usize,
    },
    /// A complete frame could not be put together from its packets; a keyframe was asked for.
    FrameUnusable {
        /// The stream.
        stream: StreamId,
    },
    /// Events were lost because nobody asked for them in time.
    EventsLost {
        /// How many.
        count: u32,
    },
}

/// Where the SSRC of a late or unknown source belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It carries the media of a layer.
    Media,
    /// It carries the retransmissions of a layer.
    Retransmission,
    /// It carries forward error correction of a layer.
    Fec,
}

/// What a session says about one stream, since its start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct StreamStats {
    /// Media packets sent, or received for the first time.
    pub packets: u64,
    /// Payload bytes of those.
    pub payload_bytes: u64,
    /// Packets sent again, or restored by a retransmission.
    pub retransmitted: u64,
    /// Of what was sent: lost as far as the peer has said. Of what was received: never came.
    pub lost: u64,
    /// Sequence numbers asked for again.
    pub nacks: u64,
    /// Keyframes asked for.
    pub keyframe_requests: u64,
    /// How long received media waits at present before it is played, in seconds.
    pub delay: f64,
    /// The same as the buffer would have it, in seconds.
    pub target_delay: f64,
}

/// What a session says about its transport, since its start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct TransportStats {
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that belonged to a stream or were control packets.
    pub received: u64,
    /// Datagrams dropped, for whatever reason.
    pub dropped: u64,
    /// Datagrams whose authentication failed.
    pub auth_failures: u64,
    /// Datagrams that had come before.
    pub replays: u64,
    /// Packets lost on the way to the peer, as its feedback says.
    pub lost: u64,
    /// The round-trip time in seconds; 0 while unknown.
    pub round_trip: f64,
    /// The present target: payload of all streams together, in bits a second.
    pub target_bps: u64,
    /// How much sound or pictures wait in the pacer, in seconds.
    pub pacer_delay: f64,
}

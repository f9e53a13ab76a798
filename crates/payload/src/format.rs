//! One name for all formats, for who chooses one at run time.

use crate::{Joined, PacketizeError, Payload, PayloadError, av1, h264, opus};
use visavis_core::{ClockRate, ConfigError, FrameInfo, MediaKind, TooShort};

/// A payload format, as it is negotiated for a payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PayloadFormat {
    /// Opus. [RFC 7587](https://www.rfc-editor.org/rfc/rfc7587)
    Opus,
    /// H.264. [RFC 6184](https://www.rfc-editor.org/rfc/rfc6184)
    H264 {
        /// What the receiver takes.
        mode: h264::PacketizationMode,
    },
    /// AV1. [RTP payload format for AV1](https://aomediacodec.github.io/av1-rtp-spec/)
    Av1,
}

impl PayloadFormat {
    /// Sound or pictures.
    #[must_use]
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            Self::H264 { .. } | Self::Av1 => MediaKind::Video,
        }
    }

    /// The clock of its RTP timestamps.
    #[must_use]
    pub const fn clock_rate(self) -> ClockRate {
        match self {
            Self::Opus => ClockRate::OPUS,
            Self::H264 { .. } | Self::Av1 => ClockRate::VIDEO,
        }
    }

    /// A packetizer whose payloads have at most `max_payload` bytes. It is small and has no state: make
    /// another one when the path's MTU changes.
    ///
    /// # Errors
    ///
    /// `max_payload` isn't between 16 and 65535.
    pub fn packetizer(self, max_payload: usize) -> Result<Packetizer, ConfigError> {
        Ok(match self {
            Self::Opus => Packetizer::Opus(opus::Packetizer::new(opus::Config { max_payload })?),
            Self::H264 { mode } => {
                Packetizer::H264(h264::Packetizer::new(h264::Config { max_payload, mode })?)
            }
            Self::Av1 => Packetizer::Av1(av1::Packetizer::new(av1::Config { max_payload })?),
        })
    }

    /// What one payload says about its frame; `marker` is the marker bit of its packet. An Opus packet
    /// is a frame by itself, whatever its marker bit.
    ///
    /// # Errors
    ///
    /// The payload isn't of this format.
    pub fn classify(self, payload: &[u8], marker: bool) -> Result<FrameInfo, PayloadError> {
        match self {
            Self::Opus => opus::classify(payload),
            Self::H264 { .. } => h264::classify(payload, marker),
            Self::Av1 => av1::classify(payload, marker),
        }
    }

    /// Joins the payloads of one frame, all of them and in order, at the front of `out`. An empty
    /// payload stands for one that is missing.
    ///
    /// # Errors
    ///
    /// `out` is too short for the frame.
    pub fn depacketize<'a>(
        self,
        payloads: impl IntoIterator<Item = &'a [u8]>,
        out: &mut [u8],
    ) -> Result<Joined, TooShort> {
        match self {
            Self::Opus => opus::depacketize(payloads, out),
            Self::H264 { .. } => h264::depacketize(payloads, out),
            Self::Av1 => av1::depacketize(payloads, out),
        }
    }
}

/// The packetizer of some format. [`PayloadFormat::packetizer`] makes it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Packetizer {
    /// Opus.
    Opus(opus::Packetizer),
    /// H.264.
    H264(h264::Packetizer),
    /// AV1.
    Av1(av1::Packetizer),
}

impl Packetizer {
    /// Begins with one frame: an Opus packet, an H.264 access unit with start codes, an AV1 temporal
    /// unit with size fields.
    #[must_use]
    pub fn packetize<'a>(&self, frame: &'a [u8]) -> Run<'a> {
        Run(match self {
            Self::Opus(packetizer) => Inner::Opus(packetizer.packetize(frame)),
            Self::H264(packetizer) => Inner::H264(packetizer.packetize(frame)),
            Self::Av1(packetizer) => Inner::Av1(packetizer.packetize(frame)),
        })
    }

    /// How long a payload can get: a buffer of this length is never too short.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        match self {
            Self::Opus(packetizer) => packetizer.max_payload(),
            Self::H264(packetizer) => packetizer.max_payload(),
            Self::Av1(packetizer) => packetizer.max_payload(),
        }
    }
}

/// The payloads of one frame, in order.
#[derive(Debug, Clone)]
pub struct Run<'a>(Inner<'a>);

#[derive(Debug, Clone)]
enum Inner<'a> {
    Opus(opus::Run<'a>),
    H264(h264::Run<'a>),
    Av1(av1::Run<'a>),
}

impl Run<'_> {
    /// Writes the next payload to the front of `buffer`; `None` when the frame is done.
    ///
    /// # Errors
    ///
    /// `buffer` is shorter than [`Packetizer::max_payload`] (the same payload can be had again), or the
    /// format can't carry the frame (the run has ended).
    pub fn next_into(&mut self, buffer: &mut [u8]) -> Result<Option<Payload>, PacketizeError> {
        match &mut self.0 {
            Inner::Opus(run) => run.next_into(buffer),
            Inner::H264(run) => run.next_into(buffer),
            Inner::Av1(run) => run.next_into(buffer),
        }
    }
}

//! What can go wrong, told so that the caller knows what to do.

use visavis_core::TooShort;

use crate::Limit;

/// Why sound or a picture didn't become a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The packet doesn't fit; the frame is lost, since the codec has moved on.
    #[error(transparent)]
    BufferTooShort(#[from] TooShort),
    /// This isn't one frame of sound.
    #[error("a frame has {expected} samples in all, not {samples}")]
    FrameLength {
        /// How many came, all channels together.
        samples: usize,
        /// How many must come, all channels together.
        expected: usize,
    },
    /// The codec doesn't take pictures of this size.
    #[error("{width}×{height} is not a picture size that the encoder takes")]
    PictureSize {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
    },
    /// The codec failed for a reason of its own. The encoder has been made anew, so that the next frame
    /// may go well.
    #[error("the encoder failed in {op} with code {code}")]
    Codec {
        /// What it was doing.
        op: &'static str,
        /// Its own error code.
        code: i64,
    },
}

/// Why a packet didn't become sound or a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// What this frame refers to is missing: only a keyframe helps. It isn't the frame's fault.
    #[error("the decoder needs a keyframe")]
    NeedKeyframe,
    /// The bytes aren't what the codec writes. A video decoder needs a keyframe afterwards.
    #[error("the packet is corrupt")]
    Corrupt,
    /// The peer asks for more than [`Limits`](crate::Limits) allow.
    #[error("{value} {limit} exceed the limit of {max}")]
    LimitExceeded {
        /// Which limit.
        limit: Limit,
        /// What the peer asked for; `max + 1` where the codec doesn't say.
        value: usize,
        /// What is allowed.
        max: usize,
    },
    /// A lawful stream, but of a kind that this decoder doesn't handle.
    #[error("{what} can't be decoded here")]
    Unsupported {
        /// The kind: "high bit depth".
        what: &'static str,
    },
    /// The caller's buffer has no room for the packet's sound; `needed` counts samples, all channels
    /// together. Call again with the same packet.
    #[error(transparent)]
    BufferTooShort(#[from] TooShort),
    /// A gap of this length can't be filled.
    #[error("{samples} samples in all are not a length that the decoder can fill")]
    FrameLength {
        /// The length of the caller's buffer, all channels together.
        samples: usize,
    },
    /// The codec failed for a reason of its own. The decoder has been made anew: video needs a keyframe.
    #[error("the decoder failed in {op} with code {code}")]
    Codec {
        /// What it was doing.
        op: &'static str,
        /// Its own error code.
        code: i64,
    },
}

impl DecodeError {
    /// Whether asking the sender for a keyframe is the way on, for video.
    #[must_use]
    pub const fn wants_keyframe(&self) -> bool {
        matches!(self, Self::NeedKeyframe | Self::Corrupt | Self::Codec { .. })
    }
}

/// Why this can't be a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// 4:2:0 shares colour among 2×2 pixels: both sides must be even, and not 0.
    #[error("{width}×{height} is not a picture size: both sides must be even and not 0")]
    Odd {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
    },
    /// A side is longer than [`Limits::LARGEST_SIDE`](crate::Limits::LARGEST_SIDE).
    #[error("{width}×{height} is too large for a picture")]
    TooLarge {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
    },
    /// A row is longer than the distance between two rows.
    #[error("a stride of {stride} is shorter than a row of {width}")]
    Stride {
        /// The distance that was given.
        stride: usize,
        /// The length of a row in this plane.
        width: usize,
    },
    /// A plane has too few bytes for its rows.
    #[error("a plane of {len} bytes is shorter than the {needed} that its rows take")]
    Plane {
        /// The bytes that were given.
        len: usize,
        /// The bytes that are needed.
        needed: usize,
    },
    /// Two pictures that should be of one size aren't.
    #[error("the pictures are not of one size")]
    SizesDiffer,
}

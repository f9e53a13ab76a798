//! What can go wrong, and what comes out when it goes well.

use visavis_core::TooShort;

/// One payload that a packetizer wrote to the front of the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// Its length in bytes.
    pub len: usize,
    /// It is the frame's last one: for video, its packet carries the marker bit.
    pub last: bool,
}

/// The frame that a depacketizer joined at the front of the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// Its length in bytes; 0 if nothing in the run was usable.
    pub len: usize,
    /// Something was left out: it was missing, cut off, or not of this format. What is there is whole
    /// (no part of one unit is ever joined to part of another), but it isn't the frame that was sent.
    pub damaged: bool,
}

/// Why one received payload can't be read. The packet is to be dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// There is nothing in it.
    #[error("the payload is empty")]
    Empty,
    /// It ends before what it announces.
    #[error("the payload ends before what it announces")]
    Truncated,
    /// It breaks a rule of its format.
    #[error("the payload breaks a rule of its format")]
    Invalid,
    /// It is of a kind that this packetization mode doesn't have.
    #[error("the payload is of a kind that isn't supported")]
    Unsupported,
}

/// Why a frame can't be packetized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketizeError {
    /// The buffer is shorter than the largest payload. Nothing was changed: try again with a longer one.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// A part of the frame that may not be split is larger than a payload. The run has ended.
    #[error("{size} bytes that may not be split don't fit a payload of {max}")]
    TooLarge {
        /// How large the part is, in bytes.
        size: usize,
        /// The largest payload, in bytes.
        max: usize,
    },
    /// The frame isn't what the format wants. The run has ended.
    #[error("the frame is malformed at byte {offset}")]
    Malformed {
        /// Where in the frame.
        offset: usize,
    },
    /// The frame has nothing to send. The run has ended.
    #[error("the frame has nothing to send")]
    Empty,
}

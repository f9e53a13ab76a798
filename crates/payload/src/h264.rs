//! H.264: single NAL units, STAP-A and FU-A, the non-interleaved modes of
//! [RFC 6184](https://www.rfc-editor.org/rfc/rfc6184).
//!
//! A frame is one access unit in the byte stream format of H.264's Annex B: NAL units behind start
//! codes of three or four bytes. Zeros that follow a unit aren't part of it.
//!
//! ```
//! use visavis_payload::h264::{self, Config, Packetizer};
//!
//! // Small units share a packet.
//! let frame = [0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4, 0, 0, 1, 0x65, 5, 6];
//! let packetizer = Packetizer::new(Config::default())?;
//! let mut buffer = [0; 1200];
//! let mut run = packetizer.packetize(&frame);
//! let payload = run.next_into(&mut buffer)?.map_or(&[][..], |payload| &buffer[..payload.len]);
//! assert_eq!(payload, [0x78, 0, 4, 0x67, 1, 2, 3, 0, 2, 0x68, 4, 0, 3, 0x65, 5, 6]);
//! assert!(h264::classify(payload, true)?.start);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod annexb;
mod depacketize;
mod packetize;

pub use depacketize::{classify, depacketize};
pub use packetize::{Packetizer, Run};

/// What a receiver takes, as `packetization-mode` says in its session description.
/// [RFC 6184 §6](https://www.rfc-editor.org/rfc/rfc6184#section-6)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PacketizationMode {
    /// Mode 0: each NAL unit is a payload of its own, so the encoder must keep its slices small.
    SingleNal,
    /// Mode 1: units are aggregated and fragmented, and stay in order.
    #[default]
    NonInterleaved,
}

/// What a packetizer needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The largest payload in bytes, 16 to 65535. 1200 by default.
    pub max_payload: usize,
    /// What the receiver takes. Mode 1 by default.
    pub mode: PacketizationMode,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_payload: 1200, mode: PacketizationMode::default() }
    }
}

/// Several units in one payload. [RFC 6184 §5.7.1](https://www.rfc-editor.org/rfc/rfc6184#section-5.7.1)
const STAP_A: u8 = 24;
/// A part of one unit. [RFC 6184 §5.8](https://www.rfc-editor.org/rfc/rfc6184#section-5.8)
const FU_A: u8 = 28;
/// In the header of an FU-A: the unit starts here.
const FU_START: u8 = 0x80;
/// In the header of an FU-A: the unit ends here.
const FU_END: u8 = 0x40;
/// The forbidden bit and the reference indication, as they stand in the first byte of a unit.
const F_AND_NRI: u8 = 0xe0;

/// The type in the low five bits of a unit's first byte.
const fn kind(header: u8) -> u8 {
    header & 0x1f
}

/// Whether the byte begins a NAL unit of H.264 itself, rather than one of the payload format's structures
/// or something unspecified. [RFC 6184 §5.2](https://www.rfc-editor.org/rfc/rfc6184#section-5.2)
const fn is_unit(header: u8) -> bool {
    matches!(kind(header), 1..24)
}

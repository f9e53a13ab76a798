//! RTP payload formats: how one encoded frame becomes the payloads of several packets, and how they
//! become a frame again. No codec library is behind it, and nothing allocates.
//!
//! Each format has the same three operations, in its own module and, for who chooses the format at run
//! time, behind [`PayloadFormat`]:
//!
//! - **packetize** turns one frame into a run of payloads, one at a time, into the caller's buffer;
//! - **classify** says of one payload, without state, whether its frame starts or ends there and whether
//!   a decoder can start there;
//! - **depacketize** joins the payloads of *one* frame, all of them and in order, into the caller's
//!   buffer, of which it may use more than the frame takes. It keeps nothing between frames. Where a
//!   payload is missing, an empty one stands in its place: what it belonged to is left out, and
//!   [`Joined::damaged`] says so.
//!
//! ```
//! use visavis_payload::{PayloadFormat, h264};
//!
//! let format = PayloadFormat::H264 { mode: h264::PacketizationMode::NonInterleaved };
//! let packetizer = format.packetizer(1200)?;
//! let frame = [&[0, 0, 0, 1, 0x65][..], &[0xab; 3000]].concat();
//!
//! let mut payloads = Vec::new();
//! let mut buffer = [0; 1200];
//! let mut run = packetizer.packetize(&frame);
//! while let Some(payload) = run.next_into(&mut buffer)? {
//!     payloads.push(buffer[..payload.len].to_vec());
//!     assert_eq!(payload.last, payloads.len() == 3);
//! }
//! assert!(format.classify(&payloads[0], false)?.keyframe);
//!
//! let mut joined = vec![0; 4000];
//! let whole = format.depacketize(payloads.iter().map(Vec::as_slice), &mut joined)?;
//! assert!(!whole.damaged);
//! assert_eq!(&joined[..whole.len], frame);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it leaves to others
//!
//! Order, completeness and deadlines are the jitter buffer's business; RTP headers, the marker bit and
//! the timestamp are the RTP writer's. A payload says nothing about sequence numbers, so a run with a
//! hole in it must be given with the hole marked.
//!
//! # Errors
//!
//! A configuration that can't work is a [`ConfigError`] when the packetizer
//! is made. A buffer that is too short is [`TooShort`](visavis_core::TooShort), and the same call may be
//! made again. A frame that the format can't carry is a [`PacketizeError`]; garbage from the peer is a
//! [`PayloadError`] or a [`Joined`] that is damaged. Nothing panics, whatever comes in.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod av1;
mod error;
mod format;
pub mod h264;
pub mod opus;
mod output;

pub use error::{Joined, PacketizeError, Payload, PayloadError};
pub use format::{Packetizer, PayloadFormat, Run};

use visavis_core::ConfigError;

/// Below this, headers would eat up the payload; above, a length field of 16 bits would overflow.
const fn check_max_payload(max_payload: usize) -> Result<(), ConfigError> {
    if max_payload < 16 {
        Err(ConfigError::new("max_payload", "must be at least 16 bytes"))
    } else if max_payload > 65_535 {
        Err(ConfigError::new("max_payload", "must be at most 65535 bytes"))
    } else {
        Ok(())
    }
}

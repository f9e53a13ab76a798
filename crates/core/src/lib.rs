//! The vocabulary that every visavis crate shares: time, sequence numbers, identifiers, units, the
//! neutral facts that pass between the parts, and the [`Engine`] contract.
//!
//! Nothing here reads a clock, owns a socket or allocates. Each number space is a type of its own, so
//! that a wire sequence number (which wraps and has no order) can't be mistaken for an extended one.
//!
//! ```
//! use core::time::Duration;
//! use visavis_core::{ClockRate, Instant, RtpTimestamp, Seq, SeqUnwrapper};
//!
//! let now = Instant::ZERO + Duration::from_millis(20);
//! assert_eq!(now.since(Instant::ZERO), Duration::from_millis(20));
//!
//! let mut unwrapper = SeqUnwrapper::new();
//! let before = unwrapper.unwrap(Seq(65_535));
//! let after = unwrapper.unwrap(Seq(0));
//! assert_eq!(after - before, 1);
//!
//! let later = RtpTimestamp(10).offset(ClockRate::OPUS.ticks(Duration::from_millis(20)));
//! assert_eq!(later, RtpTimestamp(970));
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod engine;
mod error;
mod fact;
mod id;
mod media_time;
mod seq;
mod time;
mod unit;

pub use engine::{Engine, earliest};
pub use error::{ConfigError, TooShort};
pub use fact::{Ecn, FrameInfo, MediaKind, PacketReport};
pub use id::{Mid, PayloadType, Rid, Ssrc};
pub use media_time::{ClockRate, ExtTimestamp, RtpTimestamp, TimestampUnwrapper};
pub use seq::{ExtSeq, Seq, SeqUnwrapper};
pub use time::{Instant, NtpTime};
pub use unit::{Bitrate, DataSize};

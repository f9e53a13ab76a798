//! SRTP and SRTCP, in place.
//!
//! A [`Sender`] protects the RTP and RTCP packets that leave under one master key, a [`Receiver`]
//! unprotects those that arrive under one; a call has one of each. Both work in the caller's buffer,
//! know every SSRC that they meet by themselves, and allocate only when they are made.
//!
//! ```
//! use visavis_srtp::{Config, MasterKey, Profile, Receiver, Sender, UnprotectError};
//!
//! let profile = Profile::AeadAes128Gcm;
//! // Sixteen bytes of key and twelve of salt, from DTLS or SDES.
//! let key = MasterKey::from_concatenated(profile, &[7; 28])?;
//! let mut sender = Sender::new(&key, Config::default())?;
//! let mut receiver = Receiver::new(&key, Config::default())?;
//!
//! // A packet of twelve bytes of header and five of payload, with room for the tag behind.
//! let mut buffer = [0; 64];
//! let plain = *b"\x80\x6f\0\x01\0\0\0\0\0\0\0\x2ahello";
//! buffer[..plain.len()].copy_from_slice(&plain);
//! let len = sender.protect_rtp(&mut buffer, plain.len())?;
//! assert_eq!(len, plain.len() + profile.rtp_overhead());
//!
//! let mut again = buffer;
//! let len = receiver.unprotect_rtp(&mut buffer[..len])?;
//! assert_eq!(&buffer[..len], &plain);
//! // The same packet doesn't pass twice.
//! let replay = receiver.unprotect_rtp(&mut again[..len + profile.rtp_overhead()]);
//! assert_eq!(replay, Err(UnprotectError::Replayed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds
//!
//! - A packet that isn't authentic changes nothing but a counter: no replay window, no rollover
//!   counter, no entry for its SSRC. It may be anything; nothing panics.
//! - A sender never uses an index twice ([`ProtectError::IndexReused`]), since two packets under one
//!   index give both away.
//! - Streams are bounded by [`Config::max_streams`], and all their room is taken at construction.
//! - Keys are wiped when they are dropped and never printed. (`ring` doesn't wipe the key schedules
//!   that it makes from them.)
//!
//! # Errors
//!
//! [`UnprotectError`] is what a peer, or somebody who isn't one, can cause: drop the packet and go
//! on. [`ProtectError`] is the caller's to mend. [`KeyError`] and
//! [`ConfigError`](visavis_core::ConfigError) come at construction only. After an error the bytes of
//! the packet may be changed.
//!
//! # What it isn't
//!
//! No key exchange (DTLS and SDES hand their keys in), no random numbers, no socket, no parsing
//! beyond the length of a header. MKI, encrypted header extensions and key derivation rates other
//! than 0 are not here.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod config;
mod error;
mod header;
mod key;
mod profile;
pub mod provider;
mod receiver;
mod sender;
mod session_key;
mod streams;
#[cfg(test)]
#[path = "../tests/vectors/mod.rs"]
mod vectors;

pub use config::Config;
pub use error::{KeyError, ProtectError, TooManyStreams, UnknownProfile, UnprotectError};
pub use key::MasterKey;
pub use profile::Profile;
pub use provider::{Provider, default_provider};
pub use receiver::Receiver;
pub use sender::Sender;

//! One transport, many streams: the parts of visavis put together, and still sans-IO.
//!
//! A [`Session`] takes datagrams and encoded frames in; datagrams to send, frames to decode, target
//! bitrates and events come out. Inside are SRTP, RTCP with the timing of RFC 3550, NACK and
//! retransmission, transport-wide feedback, congestion control, pacing, playout buffers and lip sync.
//! It is an assembly of crates that work alone: who wants another one makes it from the same parts.
//!
//! It has two faces, chosen by [`Faces`] for each stream: frames in playout order for an endpoint, and
//! decrypted packets with their extensions for a forwarder, which hands them to another session's
//! [`Session::forward`]. Both are also where a recorder taps: outputs carry wall time, gaps and
//! concealment.
//!
//! Not here: sockets, clocks, codecs, key exchange, session descriptions.
//!
//! # The loop
//!
//! ```
//! use visavis_core::{Engine, Instant, RtpTimestamp, Ssrc};
//! use visavis_session::{
//!     AudioSource, Datagram, Keys, OutgoingFrame, Output, Session, SessionConfig, StreamConfig,
//! };
//! use visavis_srtp::{MasterKey, Profile};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = |byte| MasterKey::from_concatenated(Profile::AeadAes128Gcm, &[byte; 28]);
//! let mut alice = Session::new(Instant::ZERO, SessionConfig::default())?;
//! alice.set_keys(&Keys { send: key(1)?, receive: key(2)? })?;
//! let voice = alice.add_sender(StreamConfig::opus(Ssrc(7)))?;
//! let mut bob = Session::new(Instant::ZERO, SessionConfig::default())?;
//! bob.set_keys(&Keys { send: key(2)?, receive: key(1)? })?;
//! bob.add_receiver(StreamConfig::opus(Ssrc(7)))?;
//!
//! let mut buffer = vec![0; alice.buffer_len()];
//! let mut played = 0;
//! for millisecond in 0..1000 {
//!     let now = Instant::from_millis(millisecond);
//!     if millisecond % 20 == 0 {
//!         let opus_packet = [0x48, 1, 2, 3];
//!         let timestamp = RtpTimestamp(48 * millisecond as u32);
//!         alice.send_frame(now, voice, &OutgoingFrame::new(&opus_packet, timestamp, now))?;
//!     }
//!     while let Some(output) = alice.poll(now, &mut buffer) {
//!         let Output::Transmit(datagram) = output else { continue };
//!         // A real loop sends it; here the network takes no time.
//!         bob.on_datagram(now, Datagram::new(now, &mut buffer[..datagram.len]));
//!     }
//!     while let Some(output) = bob.poll(now, &mut buffer) {
//!         let Output::Audio(chunk) = output else { continue };
//!         if let AudioSource::Packet { len } = chunk.source {
//!             assert_eq!(buffer[..len], [0x48, 1, 2, 3]);
//!             played += 1;
//!         }
//!     }
//! }
//! assert!(played > 45);
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! Whatever arrives, [`Session::on_datagram`] answers with a [`Disposition`] and the call goes on. A
//! mistake of the embedder's is a [`ConfigError`](visavis_core::ConfigError) or a [`SendError`].
//!
//! # Memory
//!
//! All of it is allocated by [`Session::new`] and when streams are added: a packet costs none, in either
//! direction. [`SessionConfig::max_packets`] bounds what all queues hold together.
#![forbid(unsafe_code)]

extern crate alloc;

mod bindings;
mod config;
mod control;
mod feedback;
mod incoming;
mod output;
mod poll;
mod pool;
mod rate;
mod receive;
mod security;
mod send;
mod session;
mod transform;

pub use config::{BitrateLimits, Congestion, Faces, Feedback, Layer, SessionConfig, StreamConfig};
pub use output::{
    AudioChunk, AudioSource, Component, Datagram, Disposition, DropReason, Event, OutgoingFrame,
    Output, PacketOutput, PathId, Role, StreamId, StreamStats, Target, Transmit, TransportStats,
    VideoFrame,
};
pub use security::Keys;
pub use send::SendError;
pub use session::Session;
pub use transform::{FrameTransform, TransformError};

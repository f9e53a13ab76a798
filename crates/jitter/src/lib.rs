//! Playout: what turns packets that arrive when they like into sound and pictures at the right time.
//!
//! - [`AudioPlayout`] holds audio packets and says, chunk by chunk on a timeline without gaps, what is
//!   to be decoded, recovered or concealed, and when. Its delay follows the network.
//! - [`TimeStretch`] makes a decoded chunk a little shorter or longer, so that the delay can change
//!   without being heard.
//! - [`VideoBuffer`] finds complete and decodable frames among the packets, says when to show each, how
//!   long to wait for what is missing, and when only a keyframe helps.
//! - [`LipSync`] keeps the two of one sender together.
//!
//! Nothing here knows a wire format, a codec or a clock. The two buffers are
//! [engines](visavis_core::Engine), generic over the packet `P`: every `P` that goes in comes out again,
//! played, refused or discarded. All memory is allocated at construction.
//!
//! Not here: decoding, retransmission requests (`visavis-rtp` makes them;
//! [`VideoBuffer::nothing_before`] says which are no longer worth while), device clocks.
//!
//! Errors: a configuration that can't work is a [`ConfigError`](visavis_core::ConfigError) at
//! construction; a packet that isn't wanted is given back in [`Refused`]; loss and waiting are variants
//! of the output. No input panics.
//!
//! ```
//! use visavis_core::{Engine, ExtSeq, ExtTimestamp, Instant};
//! use visavis_jitter::{Action, AudioConfig, AudioPacket, AudioPlayout, PlayoutOutput};
//!
//! let mut playout = AudioPlayout::new(AudioConfig::default())?;
//! for i in 0..50 {
//!     let packet = AudioPacket {
//!         seq: ExtSeq(1 + i),
//!         timestamp: ExtTimestamp(960 * i),
//!         ticks: 960,
//!         has_fec: false,
//!         packet: "an encoded packet",
//!     };
//!     let now = Instant::from_millis(30 + 20 * i);
//!     assert!(playout.insert(now, packet).is_ok());
//!     while let Some(output) = playout.poll(now, &mut ()) {
//!         let PlayoutOutput::Play(chunk) = output else { continue };
//!         match chunk.action {
//!             Action::Decode(packet) => println!("decode {packet} for {:?}", chunk.at),
//!             Action::Fec => println!("decode the redundancy in {:?}", playout.upcoming()),
//!             Action::Conceal => println!("invent {} ticks", chunk.ticks),
//!         }
//!     }
//! }
//! assert_eq!(playout.stats().concealed_samples, 0);
//! # Ok::<(), visavis_core::ConfigError>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod audio;
mod refused;
mod stretch;
mod sync;
mod video;
mod window;

pub use audio::{
    Action, AudioConfig, AudioPacket, AudioPlayout, AudioStats, Play, PlayoutOutput, Stretch,
};
pub use refused::{DiscardReason, RefuseReason, Refused};
pub use stretch::TimeStretch;
pub use sync::{LipSync, Playing, SyncDelays};
pub use video::{FrameReady, VideoBuffer, VideoConfig, VideoOutput, VideoPacket, VideoStats};

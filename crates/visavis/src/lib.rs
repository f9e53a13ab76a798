//! Composable conferencing libraries, behind one name.
//!
//! visavis carries calls inside your own app, on your own machines: RTP and RTCP, SRTP, jitter
//! buffers, congestion control and codecs as separate crates, and a [`session`] that puts them
//! together. This crate re-exports them by feature and adds a [`Clock`]; it has no other logic.
//!
//! | feature | module | what it is | by default |
//! |---|---|---|---|
//! | | the root | time, identifiers, units, the [`Engine`] contract | always |
//! | `rtp` | [`rtp`] | packets, RTCP, statistics, NACK, retransmission | yes |
//! | `srtp` | [`srtp`] | SRTP and SRTCP in place | yes |
//! | `payload` | [`payload`] | Opus, H.264 and AV1 in packets | yes |
//! | `jitter` | [`jitter`] | audio playout, video frame buffer, lip sync | yes |
//! | `congestion` | [`congestion`] | bandwidth estimation, pacing | yes |
//! | `session` | [`session`] | one transport, many streams | yes |
//! | `std` | the root | [`Clock`] | yes |
//! | `codec` | `codec` | what codecs share | with a codec |
//! | `opus`, `h264`, `av1` | `opus`, `h264`, `av1` | the codecs; they build C libraries | no |
//! | `sim` | `sim` | an emulated network and the check of the engine contract, for tests | no |
//!
//! Nothing here opens a socket or starts a thread. The [`guide`] tells how the parts fit; the
//! examples `call` and `by_hand` show a whole call, with the session and without it.
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
mod clock;
pub mod guide;

#[cfg(feature = "std")]
pub use clock::Clock;
pub use visavis_core::*;

#[cfg(feature = "av1")]
pub use visavis_av1 as av1;
#[cfg(feature = "codec")]
pub use visavis_codec as codec;
#[cfg(feature = "congestion")]
pub use visavis_congestion as congestion;
#[cfg(feature = "h264")]
pub use visavis_h264 as h264;
#[cfg(feature = "jitter")]
pub use visavis_jitter as jitter;
#[cfg(feature = "opus")]
pub use visavis_opus as opus;
#[cfg(feature = "payload")]
pub use visavis_payload as payload;
#[cfg(feature = "rtp")]
pub use visavis_rtp as rtp;
#[cfg(feature = "session")]
pub use visavis_session as session;
#[cfg(feature = "sim")]
pub use visavis_sim as sim;
#[cfg(feature = "srtp")]
pub use visavis_srtp as srtp;

/// The README's example needs a codec.
#[cfg(all(doctest, feature = "opus"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

//! AV1 ([specification](https://aomediacodec.github.io/av1-spec/)) decoding over dav1d, as
//! [`VideoDecoder`](visavis_codec::VideoDecoder).
//!
//! One thread and no frame delay: each temporal unit that shows a picture gives it at once, lent out of dav1d's own
//! memory. Size limits reach into dav1d, so that nothing is allocated for a picture that is too large.
//!
//! Not here: an encoder, the RTP payload format (`visavis-payload`), more than 8 bits a sample, 4:2:2 and 4:4:4.
//!
//! ```
//! use visavis_av1::Decoder;
//! use visavis_codec::{DecodeError, Limits, VideoDecoder};
//!
//! let mut decoder = Decoder::new(Limits::default())?;
//! // A temporal unit with nothing but its delimiter shows nothing.
//! assert!(decoder.decode(&[0x12, 0x00])?.is_none());
//! // A frame before any sequence header can't be decoded.
//! assert_eq!(decoder.decode(&[0x32, 0x01, 0x00]).err(), Some(DecodeError::NeedKeyframe));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Errors
//!
//! A configuration that can't work is a `ConfigError` at construction. Whatever a peer sends gives one of the
//! outcomes of [`DecodeError`](visavis_codec::DecodeError) and leaves the decoder usable.

mod decoder;
mod ffi;
mod obu;

pub use decoder::Decoder;

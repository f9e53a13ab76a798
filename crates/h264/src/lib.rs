//! H.264 ([ITU-T H.264](https://www.itu.int/rec/T-REC-H.264)) over OpenH264, as
//! [`VideoEncoder`](visavis_codec::VideoEncoder) and [`VideoDecoder`](visavis_codec::VideoDecoder).
//!
//! The encoder writes Baseline profile, one thread, no reordering: the same pictures give the same bytes. Rate and
//! frame rate change while it runs, without a keyframe. The decoder refuses what is too large before it takes
//! memory for it, and after an error says [`NeedKeyframe`](visavis_codec::DecodeError::NeedKeyframe) until one
//! comes.
//!
//! Not here: the RTP payload format (`visavis-payload`), temporal and spatial layers, High profile encoding,
//! error concealment: a picture is either right or not shown.
//!
//! ```
//! use core::time::Duration;
//! use visavis_codec::{EncodeOptions, Picture, VideoDecoder, VideoEncoder};
//! use visavis_h264::{Decoder, Encoder, H264Config};
//!
//! let mut encoder = Encoder::new(H264Config::default())?;
//! let mut decoder = Decoder::new(visavis_codec::Limits::default())?;
//!
//! let picture = Picture::new(64, 48)?;
//! let frame = encoder.encode(picture.view(), EncodeOptions::at(Duration::ZERO))?;
//! let frame = frame.expect("no picture is left out unless the configuration allows it");
//! assert!(frame.keyframe);
//! let shown = decoder.decode(frame.data)?.expect("every frame shows a picture");
//! assert_eq!((shown.width(), shown.height()), (64, 48));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Errors
//!
//! A configuration that can't work is a `ConfigError` at construction. Whatever a peer sends gives one of the
//! outcomes of [`DecodeError`](visavis_codec::DecodeError) and leaves the decoder usable.
//!
//! # Patents
//!
//! OpenH264's source is under the BSD licence, which covers copyright and not patents. Cisco pays the H.264 patent
//! fees only for the binaries that Cisco itself builds and the user's machine fetches from Cisco. This crate builds from
//! source, so whoever ships a product with it must see to the patents where they still hold. To use Cisco's
//! binary, the crate `openh264` has the feature `libloading`; loading one through this crate is later work.

mod decoder;
mod encoder;
mod ffi;
mod nal;
mod sps;

pub use decoder::Decoder;
pub use encoder::{Complexity, Encoder, H264Config};

//! What all codecs share: the traits by which a pipeline drives them, pictures, limits, and errors that
//! say what to do next.
//!
//! Sound is interleaved `f32` between −1 and 1. Pictures are 8-bit 4:2:0 of even size, either owned
//! ([`Picture`]) or lent ([`PictureView`]). Nothing here holds a codec: `visavis-opus`, `visavis-h264` and
//! `visavis-av1` do, and a codec of your own needs only the trait.
//!
//! Not here: colour conversion, resampling, scaling, capture, and rendering.
//!
//! ```
//! use visavis_codec::{DecodeError, PictureView, VideoDecoder};
//!
//! /// What a receiver does with one frame.
//! fn show(decoder: &mut dyn VideoDecoder, frame: &[u8], draw: impl FnOnce(PictureView<'_>)) -> bool {
//!     match decoder.decode(frame) {
//!         Ok(Some(picture)) => draw(picture),
//!         Ok(None) => {}
//!         Err(error) => return error.wants_keyframe(),
//!     }
//!     false
//! }
//! ```
//!
//! # Errors
//!
//! [`DecodeError`] is the effect of what a peer sent, so it is `Copy` and costs nothing; every decoder stays
//! usable after it. [`EncodeError`] is the caller's mistake or the codec's failure. [`PictureError`] is a size
//! or a buffer that can't be a picture. What can be checked beforehand is a `ConfigError` at construction.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod audio;
mod error;
mod limits;
mod picture;
mod video;

pub use audio::{AudioDecoder, AudioEncoder, AudioInput};
pub use error::{DecodeError, EncodeError, PictureError};
pub use limits::{Limit, Limits};
pub use picture::{Picture, PictureView, Plane};
pub use video::{EncodeOptions, EncodedFrame, VideoDecoder, VideoEncoder};

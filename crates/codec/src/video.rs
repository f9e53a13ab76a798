//! Pictures in and out of a codec.

use core::time::Duration;

use visavis_core::Bitrate;

use crate::{DecodeError, EncodeError, PictureView};

/// What to do with one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EncodeOptions {
    /// When the picture was taken, from any epoch that stays the same; rate control may look at the
    /// distances.
    pub timestamp: Duration,
    /// Make it a picture at which a decoder can start.
    pub keyframe: bool,
}

impl EncodeOptions {
    /// An ordinary picture taken at `timestamp`.
    #[must_use]
    pub const fn at(timestamp: Duration) -> Self {
        Self { timestamp, keyframe: false }
    }

    /// Whether it must be a keyframe.
    #[must_use]
    pub const fn keyframe(mut self, keyframe: bool) -> Self {
        self.keyframe = keyframe;
        self
    }
}

/// One encoded frame, lent by its encoder until the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedFrame<'a> {
    /// The whole access unit. H.264: NAL units in Annex B byte stream format, with parameter sets before
    /// every keyframe. AV1: the OBUs of one temporal unit, each with its size.
    pub data: &'a [u8],
    /// A decoder can start here.
    pub keyframe: bool,
}

impl<'a> EncodedFrame<'a> {
    /// For those who implement an encoder.
    #[must_use]
    pub const fn new(data: &'a [u8], keyframe: bool) -> Self {
        Self { data, keyframe }
    }
}

/// Turns pictures into frames.
pub trait VideoEncoder: Send {
    /// Encodes one picture. `None` if rate control left it out; then a keyframe that was asked for is still
    /// owed, and comes with the next picture that isn't left out.
    ///
    /// The size may change between pictures; the first picture of a new size is a keyframe.
    ///
    /// # Errors
    ///
    /// [`EncodeError::PictureSize`] if the codec doesn't take this size, [`EncodeError::Codec`] if it failed.
    fn encode(
        &mut self,
        picture: PictureView<'_>,
        options: EncodeOptions,
    ) -> Result<Option<EncodedFrame<'_>>, EncodeError>;

    /// The rate to aim at from the next picture on, without a keyframe; clamped to what the codec can do.
    fn set_bitrate(&mut self, bitrate: Bitrate);

    /// How many pictures a second will come, so that rate control can share out the bits; clamped to
    /// what the codec can do.
    fn set_frame_rate(&mut self, frames_per_second: f32);
}

/// Turns frames into pictures.
pub trait VideoDecoder: Send {
    /// Decodes one whole frame and lends its picture until the next call. `None` if the frame shows
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`DecodeError::NeedKeyframe`] and [`DecodeError::Corrupt`]: ask the sender for a keyframe; until one comes,
    /// other frames give `NeedKeyframe` at next to no cost. [`DecodeError::LimitExceeded`] and
    /// [`DecodeError::Unsupported`]: this isn't a stream for this decoder.
    fn decode(&mut self, data: &[u8]) -> Result<Option<PictureView<'_>>, DecodeError>;
}

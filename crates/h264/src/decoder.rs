//! Frames to pictures.

use core::ffi::c_int;

use openh264_sys2::{
    dsBitstreamError, dsDepLayerLost, dsInitialOptExpected, dsInvalidArgument, dsNoParamSets,
    dsOutOfMemory, dsRefLost,
};
use visavis_codec::{DecodeError, Limits, PictureView, VideoDecoder};
use visavis_core::ConfigError;

use crate::{ffi, nal, sps};

/// An H.264 decoder for streams without B pictures: what a call sends.
///
/// It takes one whole access unit at a time, in Annex B byte stream format, and lends the picture out of OpenH264's
/// own memory. Before the first IDR picture, and after every error, frames without one cost a look through
/// their NAL headers and give [`DecodeError::NeedKeyframe`].
pub struct Decoder {
    inner: openh264::decoder::Decoder,
    limits: Limits,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Only an IDR picture makes sense.
    AwaitingKeyframe,
    Running,
    /// OpenH264 is out of order and must be made anew.
    Broken,
}

impl core::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Decoder")
            .field("limits", &self.limits)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder that takes no more than `limits`.
    ///
    /// # Errors
    ///
    /// For limits that are none.
    pub fn new(limits: Limits) -> Result<Self, ConfigError> {
        limits.check()?;
        let inner = ffi::quiet_decoder()
            .map_err(|_| ConfigError::new("decoder", "could not be made by OpenH264"))?;
        Ok(Self { inner, limits, state: State::AwaitingKeyframe })
    }

    /// Whether `data` may go to OpenH264, and what is in it.
    fn admit(&self, data: &[u8]) -> Result<nal::Contents, DecodeError> {
        self.limits.check_bytes(data.len())?;
        let contents = nal::scan(data, |sps| {
            // Whole macroblocks exceed the picture by 15 pixels at most; what is cut off beyond that
            // still takes memory.
            sps::coded_size(sps).map_or(Ok(()), |(width, height)| {
                self.limits.check_size(width.saturating_sub(15), height.saturating_sub(15))
            })
        })?;
        if !contents.any {
            return Err(DecodeError::Corrupt);
        }
        if self.state != State::Running && contents.slice && !contents.idr {
            return Err(DecodeError::NeedKeyframe);
        }
        Ok(contents)
    }

    fn repair(&mut self) -> Result<(), DecodeError> {
        if self.state == State::Broken {
            self.inner = ffi::quiet_decoder()
                .map_err(|code| DecodeError::Codec { op: "WelsCreateDecoder", code })?;
            self.state = State::AwaitingKeyframe;
        }
        Ok(())
    }
}

impl VideoDecoder for Decoder {
    fn decode(&mut self, data: &[u8]) -> Result<Option<PictureView<'_>>, DecodeError> {
        self.repair()?;
        let contents = match self.admit(data) {
            Ok(contents) => contents,
            Err(error) => {
                // Whatever it was, it isn't decoded, so what follows has nothing to refer to.
                self.state = State::AwaitingKeyframe;
                return Err(error);
            }
        };
        let decoded = match ffi::decode(&mut self.inner, data) {
            Ok(decoded) => decoded,
            Err(code) => {
                let error;
                (self.state, error) = outcome(code);
                return Err(error);
            }
        };
        let Some(decoded) = decoded else {
            if !contents.slice {
                return Ok(None);
            }
            // There was a picture to show and it didn't come: slices are missing.
            self.state = State::AwaitingKeyframe;
            return Err(DecodeError::Corrupt);
        };
        self.limits.check_size(decoded.width, decoded.height)?;
        let [y, u, v] = decoded.planes;
        let view = PictureView::new(decoded.width, decoded.height, y, u, v)
            .map_err(|_| DecodeError::Unsupported { what: "an odd picture size" })?;
        self.state = State::Running;
        Ok(Some(view))
    }
}

/// What bits of `DECODING_STATE` mean for the state and the caller.
fn outcome(code: c_int) -> (State, DecodeError) {
    let has = |bits: c_int| code & bits != 0;
    if has(dsOutOfMemory | dsInitialOptExpected | dsInvalidArgument) {
        let error = DecodeError::Codec { op: "DecodeFrameNoDelay", code: i64::from(code) };
        return (State::Broken, error);
    }
    let missing = has(dsRefLost | dsDepLayerLost | dsNoParamSets) && !has(dsBitstreamError);
    let error = if missing { DecodeError::NeedKeyframe } else { DecodeError::Corrupt };
    (State::AwaitingKeyframe, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_what_helps() {
        let awaiting = |error| (State::AwaitingKeyframe, error);
        assert_eq!(outcome(dsRefLost), awaiting(DecodeError::NeedKeyframe));
        assert_eq!(outcome(dsNoParamSets), awaiting(DecodeError::NeedKeyframe));
        assert_eq!(outcome(dsBitstreamError | dsRefLost), awaiting(DecodeError::Corrupt));
        assert_eq!(outcome(dsBitstreamError), awaiting(DecodeError::Corrupt));
        assert_eq!(outcome(dsOutOfMemory).0, State::Broken);
    }

    #[test]
    fn limits_that_are_none_are_refused() {
        let mut limits = Limits::default();
        limits.max_bytes = 0;
        assert_eq!(Decoder::new(limits).unwrap_err().field, "limits.max_bytes");
    }
}

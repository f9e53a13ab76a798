//! Pictures to frames.

use core::ffi::c_int;

use openh264::Timestamp;
use openh264::encoder::{
    BitRate, EncoderConfig, FrameRate, FrameType, Profile, QpRange, RateControlMode, UsageType,
};
use openh264::formats::YUVSource;
use visavis_codec::{EncodeError, EncodeOptions, EncodedFrame, Picture, PictureView, VideoEncoder};
use visavis_core::{Bitrate, ConfigError};

use crate::ffi;

/// How much work goes into a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Complexity {
    /// The fastest.
    #[default]
    Low,
    /// A better picture for more work.
    Medium,
}

/// How to encode.
///
/// ```
/// use visavis_core::Bitrate;
/// use visavis_h264::{Encoder, H264Config};
///
/// let mut config = H264Config::default();
/// config.bitrate = Bitrate::from_kbps(800);
/// let encoder = Encoder::new(config)?;
/// # Ok::<(), visavis_core::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct H264Config {
    /// The rate to begin with; clamped to 10 kb/s to 100 Mb/s. 500 kb/s.
    pub bitrate: Bitrate,
    /// Pictures a second to begin with; clamped to 1 to 60. 30.
    pub frame_rate: f32,
    /// How much work goes into a picture. Low.
    pub complexity: Complexity,
    /// The finest quantizer; at 12, where OpenH264 begins, nobody sees a difference. 12.
    pub min_qp: u8,
    /// The coarsest quantizer, up to 51. A lower one keeps pictures fair and exceeds the rate instead. 51.
    pub max_qp: u8,
    /// Let rate control leave out pictures. Off: then it may exceed the rate for a moment.
    pub skip_frames: bool,
}

impl Default for H264Config {
    fn default() -> Self {
        Self {
            bitrate: Bitrate::from_kbps(500),
            frame_rate: 30.0,
            complexity: Complexity::default(),
            min_qp: MIN_QP,
            max_qp: MAX_QP,
            skip_frames: false,
        }
    }
}

const MIN_QP: u8 = 12;
const MAX_QP: u8 = 51;

/// OpenH264 goes from 16×16 to 3840×2160, or as much upright.
const SHORTEST_SIDE: usize = 16;
const LONG_SIDE: usize = 3840;
const SHORT_SIDE: usize = 2160;

impl H264Config {
    fn check(&self) -> Result<(), ConfigError> {
        if !(MIN_QP..=MAX_QP).contains(&self.min_qp) {
            return Err(ConfigError::new("min_qp", "must be from 12 to 51"));
        }
        if !(self.min_qp..=MAX_QP).contains(&self.max_qp) {
            return Err(ConfigError::new("max_qp", "must be from min_qp to 51"));
        }
        if !self.frame_rate.is_finite() {
            return Err(ConfigError::new("frame_rate", "must be a number"));
        }
        Ok(())
    }

    fn native(&self) -> EncoderConfig {
        EncoderConfig::new()
            .bitrate(BitRate::from_bps(self.bps().unsigned_abs()))
            .max_frame_rate(FrameRate::from_hz(self.hertz()))
            .rate_control_mode(RateControlMode::Bitrate)
            .skip_frames(self.skip_frames)
            .usage_type(UsageType::CameraVideoRealTime)
            .profile(Profile::Baseline)
            .complexity(match self.complexity {
                Complexity::Low => openh264::encoder::Complexity::Low,
                Complexity::Medium => openh264::encoder::Complexity::Medium,
            })
            .qp(QpRange::new(self.min_qp, self.max_qp))
            // Keyframes come when asked for: at a cut they would hit the network when it is busiest.
            .scene_change_detect(false)
            // More threads would make the bytes depend on the machine.
            .num_threads(1)
    }

    fn bps(&self) -> c_int {
        c_int::try_from(self.bitrate.bps().clamp(10_000, 100_000_000)).unwrap_or(100_000_000)
    }

    fn hertz(&self) -> f32 {
        self.frame_rate.clamp(1.0, 60.0)
    }
}

/// An H.264 encoder: Baseline profile, one slice and one thread, keyframes only on demand.
///
/// It takes sizes from 16×16 to 3840×2160 or 2160×3840.
pub struct Encoder {
    config: H264Config,
    running: Option<Running>,
    /// The frame that is lent.
    frame: Vec<u8>,
    keyframe_owed: bool,
    /// The configuration has changed since OpenH264 heard of it.
    changed: bool,
    /// For pictures whose strides OpenH264 can't take.
    copy: Option<Picture>,
}

/// OpenH264 at work on pictures of one size.
struct Running {
    inner: Box<openh264::encoder::Encoder>,
    width: usize,
    height: usize,
    /// The highest rate that OpenH264 has been told of.
    ceiling: c_int,
}

impl core::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Encoder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder for pictures of whatever size comes first.
    ///
    /// # Errors
    ///
    /// For quantizers out of range and a frame rate that isn't a number.
    pub fn new(config: H264Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config,
            running: None,
            frame: Vec::new(),
            keyframe_owed: false,
            changed: false,
            copy: None,
        })
    }

    /// The configuration, with rate and frame rate as they are now.
    #[must_use]
    pub const fn config(&self) -> &H264Config {
        &self.config
    }

    /// Makes OpenH264 ready for a picture of this size.
    fn prepare(&mut self, width: usize, height: usize) -> Result<(), EncodeError> {
        let same = |running: &Running| (running.width, running.height) == (width, height);
        if !self.running.as_ref().is_some_and(same) {
            // OpenH264 could change size in place, but to the rate that it began with.
            let inner = ffi::quiet_encoder(self.config.native())
                .map_err(|code| EncodeError::Codec { op: "WelsCreateSVCEncoder", code })?;
            let ceiling = self.config.bps();
            self.running = Some(Running { inner: Box::new(inner), width, height, ceiling });
            // It begins with a keyframe, and with the configuration as it is.
            (self.keyframe_owed, self.changed) = (false, false);
        }
        let Some(running) = &mut self.running else { return Ok(()) };
        if self.changed {
            self.changed = false;
            running.ceiling = running.ceiling.max(self.config.bps());
            ffi::set_bitrate(&mut running.inner, self.config.bps(), running.ceiling)
                .and_then(|()| ffi::set_frame_rate(&mut running.inner, self.config.hertz()))
                .map_err(|code| EncodeError::Codec { op: "SetOption", code })?;
        }
        if self.keyframe_owed {
            running.inner.force_intra_frame();
        }
        Ok(())
    }

    fn encode_prepared(
        &mut self,
        picture: PictureView<'_>,
        timestamp: Timestamp,
    ) -> Result<FrameType, EncodeError> {
        let Some(running) = &mut self.running else { return Ok(FrameType::Invalid) };
        let source = Source::new(picture, &mut self.copy);
        let bits = running
            .inner
            .encode_at(&source, timestamp)
            .map_err(|error| EncodeError::Codec { op: "EncodeFrame", code: error.native_code() })?;
        self.frame.clear();
        bits.write_vec(&mut self.frame);
        Ok(bits.frame_type())
    }
}

impl VideoEncoder for Encoder {
    fn encode(
        &mut self,
        picture: PictureView<'_>,
        options: EncodeOptions,
    ) -> Result<Option<EncodedFrame<'_>>, EncodeError> {
        let (width, height) = (picture.width(), picture.height());
        let (long, short) = (width.max(height), width.min(height));
        if short < SHORTEST_SIDE || long > LONG_SIDE || short > SHORT_SIDE {
            return Err(EncodeError::PictureSize { width, height });
        }
        self.keyframe_owed |= options.keyframe;
        let millis = u64::try_from(options.timestamp.as_millis()).unwrap_or(u64::MAX);
        let timestamp = Timestamp::from_millis(millis.min(i64::MAX.unsigned_abs()));
        let outcome = self
            .prepare(width, height)
            .and_then(|()| self.encode_prepared(picture, timestamp))
            // After a failure OpenH264 has no state to go on from.
            .inspect_err(|_| self.running = None)?;
        if self.frame.is_empty() {
            return Ok(None);
        }
        let keyframe = outcome == FrameType::IDR;
        if keyframe {
            self.keyframe_owed = false;
        }
        Ok(Some(EncodedFrame::new(&self.frame, keyframe)))
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) {
        self.changed |= self.config.bitrate != bitrate;
        self.config.bitrate = bitrate;
    }

    fn set_frame_rate(&mut self, frames_per_second: f32) {
        if frames_per_second.is_finite() {
            self.changed |= self.config.frame_rate.to_bits() != frames_per_second.to_bits();
            self.config.frame_rate = frames_per_second;
        }
    }
}

/// A picture as OpenH264 reads it.
struct Source<'a>(PictureView<'a>);

impl<'a> Source<'a> {
    fn new(picture: PictureView<'a>, copy: &'a mut Option<Picture>) -> Self {
        let strides = picture.planes().map(|plane| c_int::try_from(plane.stride()).ok());
        if strides[1] == strides[2] && strides.iter().all(Option::is_some) {
            return Self(picture);
        }
        if copy.as_mut().is_none_or(|kept| kept.copy_from(picture).is_err()) {
            // A view has a size that a picture may have, so this can't fail.
            *copy = Picture::try_from(picture).ok();
        }
        Self(copy.as_ref().map_or(picture, Picture::view))
    }
}

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width(), self.0.height())
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.0.y().stride(), self.0.u().stride(), self.0.v().stride())
    }

    fn y(&self) -> &[u8] {
        self.0.y().data()
    }

    fn u(&self) -> &[u8] {
        self.0.u().data()
    }

    fn v(&self) -> &[u8] {
        self.0.v().data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantizers_and_frame_rates_are_checked() {
        let field = |change: fn(&mut H264Config)| {
            let mut config = H264Config::default();
            change(&mut config);
            Encoder::new(config).err().map(|error| error.field)
        };
        assert_eq!(field(|_| {}), None);
        assert_eq!(field(|config| config.min_qp = 52), Some("min_qp"));
        assert_eq!(field(|config| config.min_qp = 11), Some("min_qp"));
        assert_eq!(field(|config| (config.min_qp, config.max_qp) = (30, 20)), Some("max_qp"));
        assert_eq!(field(|config| config.frame_rate = f32::NAN), Some("frame_rate"));
    }
}

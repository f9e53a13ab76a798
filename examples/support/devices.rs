//! A microphone and a camera with their encoders: what an app's capture side comes to.

use crate::UsageError;
use crate::audio::AudioSource;
use crate::cli::CallOptions;
use crate::video::{Image, VideoCodec, VideoSource};
use anyhow::Result;
use core::time::Duration;
use visavis_codec::{
    AudioDecoder, AudioEncoder, AudioInput, EncodeOptions, EncodedFrame, Limits, VideoDecoder,
    VideoEncoder,
};
use visavis_core::{Bitrate, ClockRate, Instant, RtpTimestamp};

/// One Opus packet's worth of sound.
const SOUND: Duration = Duration::from_millis(20);
/// The same in samples of each channel.
const SAMPLES: usize = 960;
/// The loss in percent that redundancy is made for where there seems to be less.
const EXPECTED_LOSS: u8 = 5;

/// An encoded frame with its time.
#[derive(Debug, Clone, Copy)]
pub struct Captured<'a> {
    /// When its first sample, or the picture, was taken.
    pub at: Instant,
    /// The same on the media clock.
    pub timestamp: RtpTimestamp,
    /// Counts from 0.
    pub number: u32,
    /// The frame.
    pub frame: EncodedFrame<'a>,
}

/// Speaks, and gives an Opus packet each 20 ms from [`Instant::ZERO`] until the call ends.
#[derive(Debug)]
pub struct Microphone {
    source: AudioSource,
    encoder: visavis_opus::Encoder,
    captured: u32,
    end: Instant,
    pcm: Vec<f32>,
    packet: [u8; 1275],
}

impl Microphone {
    /// What `options` say; the two sides don't speak in unison.
    ///
    /// # Errors
    /// [`UsageError`] if there is no such sound.
    pub fn open(options: &CallOptions, side: usize) -> Result<Self> {
        let mut source = AudioSource::open(options.audio.as_deref())?;
        source.skip_to(50 * side);
        let mut config = visavis_opus::OpusConfig::default();
        config.channels = u8::try_from(source.channels())?;
        // Nothing is known of the network yet: redundancy is cheaper than a gap.
        config.expected_loss = EXPECTED_LOSS;
        Ok(Self {
            encoder: visavis_opus::Encoder::new(config)?,
            captured: 0,
            end: Instant::ZERO + options.duration(),
            pcm: vec![0.0; SAMPLES * usize::from(source.channels())],
            packet: [0; 1275],
            source,
        })
    }

    /// 1 or 2.
    #[must_use]
    pub fn channels(&self) -> u8 {
        u8::try_from(self.source.channels()).unwrap_or(1)
    }

    /// By how much Opus delays sound, in samples.
    #[must_use]
    pub fn lookahead(&self) -> i64 {
        i64::try_from(self.encoder.lookahead()).unwrap_or(0)
    }

    /// When the next packet is ready: its last sample has been captured then.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        let ready = Instant::ZERO + SOUND * (self.captured + 1);
        (ready <= self.end).then_some(ready)
    }

    /// The next packet, if it's ready.
    ///
    /// # Errors
    /// If Opus fails.
    pub fn capture(&mut self, now: Instant) -> Result<Option<Captured<'_>>> {
        let Some(ready) = self.next().filter(|ready| *ready <= now) else { return Ok(None) };
        self.source.read(&mut self.pcm);
        let len = self.encoder.encode(&self.pcm, &mut self.packet)?;
        let number = self.captured;
        self.captured += 1;
        Ok(Some(Captured {
            at: ready - SOUND,
            timestamp: RtpTimestamp(0).offset(i64::from(number) * 960),
            number,
            frame: EncodedFrame::new(self.packet.get(..len).unwrap_or_default(), true),
        }))
    }

    /// What the network does to packets, in percent. Some redundancy is always kept.
    pub fn set_expected_loss(&mut self, percent: u8) {
        self.encoder.set_expected_loss(percent.max(EXPECTED_LOSS));
    }
}

/// Looks, and gives an encoded frame at its source's pace from [`Instant::ZERO`] until the call ends.
#[derive(Debug)]
pub struct Camera {
    source: VideoSource,
    encoder: visavis_h264::Encoder,
    captured: u32,
    end: Instant,
    keyframe: bool,
}

impl Camera {
    /// What `options` say; the two sides don't show the same.
    ///
    /// # Errors
    /// [`UsageError`] if there are no such pictures.
    pub fn open(options: &CallOptions, side: usize) -> Result<Self> {
        let variant = u32::try_from(side)?;
        let source = VideoSource::open(options.video.as_deref(), options.video_codec, variant)?;
        let mut config = visavis_h264::H264Config::default();
        config.bitrate = Bitrate::from_kbps(options.start_kbps);
        #[allow(clippy::cast_possible_truncation, reason = "a frame rate needs no precision")]
        let frame_rate = (1.0 / source.frame_interval().as_secs_f64()) as f32;
        config.frame_rate = frame_rate;
        let encoder = visavis_h264::Encoder::new(config)?;
        let end = Instant::ZERO + options.duration();
        Ok(Self { source, encoder, captured: 0, end, keyframe: true })
    }

    /// Where its pictures come from.
    #[must_use]
    pub const fn source(&self) -> &VideoSource {
        &self.source
    }

    /// A decoder for what it sends.
    ///
    /// # Errors
    /// If the codec's library can't be used.
    pub fn decoder(&self) -> Result<Box<dyn VideoDecoder>> {
        Ok(match self.source.codec() {
            VideoCodec::H264 => Box::new(visavis_h264::Decoder::new(Limits::default())?),
            VideoCodec::Av1 => Box::new(visavis_av1::Decoder::new(Limits::default())?),
        })
    }

    /// When the next picture is taken.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        let interval = self.source.frame_interval();
        let at = Instant::ZERO + interval * self.captured;
        // An interval is rounded to nanoseconds: a frame at the very end would be one too many.
        (at + interval / 2 < self.end).then_some(at)
    }

    /// The next frame, if it's time; rate control may leave pictures out.
    ///
    /// # Errors
    /// If the encoder fails, or the file went away meanwhile.
    pub fn capture(&mut self, now: Instant) -> Result<Option<Captured<'_>>> {
        let Some(at) = self.next().filter(|at| *at <= now) else { return Ok(None) };
        let since_start = at.since(Instant::ZERO);
        self.captured += 1;
        let shot = self.source.shoot()?;
        let options = EncodeOptions::at(since_start).keyframe(core::mem::take(&mut self.keyframe));
        let frame = match shot.image {
            Image::Raw(picture) => self
                .encoder
                .encode(picture, options)
                .map_err(|error| UsageError::new(format!("the pictures can't be sent: {error}")))?,
            Image::Encoded(frame) => Some(frame),
        };
        let timestamp = RtpTimestamp(0).offset(ClockRate::VIDEO.ticks(since_start));
        Ok(frame.map(|frame| Captured { at, timestamp, number: shot.number, frame }))
    }

    /// Makes the next picture one at which a decoder can start; a file is sent as it is.
    pub fn request_keyframe(&mut self) {
        self.keyframe = true;
    }

    /// Encodes at this rate from now on; a file is sent as it is.
    pub fn set_bitrate(&mut self, bitrate: Bitrate) {
        self.encoder.set_bitrate(bitrate);
    }
}

/// Decodes Opus; what it plays goes on to whoever stretches it.
#[derive(Debug)]
pub struct Speaker {
    decoder: visavis_opus::Decoder,
    channels: usize,
    pcm: Vec<f32>,
}

/// The longest Opus packet, 120 ms, in samples of each channel.
const LONGEST: usize = 5760;

impl Speaker {
    /// With 1 or 2 channels, whatever the other side has.
    ///
    /// # Errors
    /// For other numbers of channels.
    pub fn new(channels: u8) -> Result<Self> {
        let decoder = visavis_opus::Decoder::new(channels)?;
        let channels = usize::from(channels);
        Ok(Self { decoder, channels, pcm: vec![0.0; LONGEST * channels] })
    }

    /// 1 or 2.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// The most samples of each channel that one packet holds.
    #[must_use]
    pub const fn longest(&self) -> usize {
        LONGEST
    }

    /// The sound of `input`, `samples` of each channel. A packet that can't be decoded is concealed.
    ///
    /// # Errors
    /// If even that fails: then `samples` isn't a length that Opus has.
    pub fn decode(&mut self, input: AudioInput<'_>, samples: u32) -> Result<&[f32]> {
        let len = usize::try_from(samples)?.min(LONGEST) * self.channels;
        let pcm = self.pcm.get_mut(..len).unwrap_or_default();
        if self.decoder.decode(input, pcm).is_err() {
            self.decoder.decode(AudioInput::Lost, pcm)?;
        }
        Ok(pcm)
    }
}

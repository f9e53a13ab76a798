//! Sound to packets.

use core::time::Duration;

use visavis_codec::{AudioEncoder, EncodeError};
use visavis_core::{Bitrate, ConfigError, TooShort};

/// What libopus tunes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Application {
    /// Speech that must be understood. The only one that has in-band FEC at all rates.
    #[default]
    Voip,
    /// Music and everything else that should sound like the original.
    Audio,
    /// The shortest delay; no speech modes, so no in-band FEC.
    LowDelay,
}

/// How to encode.
///
/// ```
/// use visavis_core::Bitrate;
/// use visavis_opus::{Application, Encoder, OpusConfig};
///
/// let mut config = OpusConfig::default();
/// config.channels = 2;
/// config.application = Application::Audio;
/// config.bitrate = Bitrate::from_kbps(96);
/// let encoder = Encoder::new(config)?;
/// # Ok::<(), visavis_core::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpusConfig {
    /// Samples a second of the input: 8000, 12000, 16000, 24000 or 48000. 48000.
    pub sample_rate: u32,
    /// Channels of the input: 1 or 2. 1.
    pub channels: u8,
    /// Sound in one packet: 2.5, 5, 10, 20, 40 or 60 ms. 20 ms.
    pub frame: Duration,
    /// The rate to begin with; clamped to 6 to 510 kb/s. 32 kb/s.
    pub bitrate: Bitrate,
    /// What libopus tunes for. Speech.
    pub application: Application,
    /// Let packets carry a coarse copy of the frame before, as soon as loss is expected.
    /// [RFC 6716 §2.1.7](https://www.rfc-editor.org/rfc/rfc6716#section-2.1.7) On.
    pub inband_fec: bool,
    /// How many packets in a hundred are expected to get lost, at first. 0.
    pub expected_loss: u8,
    /// Work per frame from 0 (least) to 10 (best). 9.
    pub complexity: u8,
    /// Send nothing in silence. [RFC 6716 §2.1.9](https://www.rfc-editor.org/rfc/rfc6716#section-2.1.9) Off.
    pub dtx: bool,
}

impl Default for OpusConfig {
    fn default() -> Self {
        Self {
            sample_rate: 48_000,
            channels: 1,
            frame: Duration::from_millis(20),
            bitrate: Bitrate::from_kbps(32),
            application: Application::default(),
            inband_fec: true,
            expected_loss: 0,
            complexity: 9,
            dtx: false,
        }
    }
}

/// Frame lengths in microseconds that fit into one packet without repacketizing.
/// [RFC 6716 §2.1.4](https://www.rfc-editor.org/rfc/rfc6716#section-2.1.4)
const FRAMES: [u128; 6] = [2_500, 5_000, 10_000, 20_000, 40_000, 60_000];

impl OpusConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if ![8_000, 12_000, 16_000, 24_000, 48_000].contains(&self.sample_rate) {
            return Err(ConfigError::new(
                "sample_rate",
                "must be 8000, 12000, 16000, 24000 or 48000",
            ));
        }
        if !FRAMES.map(|micros| micros * 1_000).contains(&self.frame.as_nanos()) {
            return Err(ConfigError::new("frame", "must be 2.5, 5, 10, 20, 40 or 60 ms"));
        }
        if self.complexity > 10 {
            return Err(ConfigError::new("complexity", "must be at most 10"));
        }
        if self.expected_loss > 100 {
            return Err(ConfigError::new("expected_loss", "must be at most 100"));
        }
        Ok(())
    }

    fn frame_len(&self) -> usize {
        let samples = self.frame.as_nanos() * u128::from(self.sample_rate) / 1_000_000_000;
        usize::try_from(samples).unwrap_or(0)
    }
}

/// Below this libopus writes an empty packet instead of sound.
const SHORTEST_PACKET: usize = 3;

/// Six frames of the largest size, which is all that libopus ever writes.
const LARGEST_PACKET: usize = 6 * crate::RECOMMENDED_PACKET;

/// An Opus encoder.
///
/// A packet always fits into the buffer that it's written to: in a short one libopus spends fewer bits, and
/// below 3 bytes is [`EncodeError::BufferTooShort`]. [`RECOMMENDED_PACKET`](crate::RECOMMENDED_PACKET) never
/// makes it save.
#[derive(Debug)]
pub struct Encoder {
    inner: opus::Encoder,
    config: OpusConfig,
    frame_len: usize,
    lookahead: usize,
}

impl Encoder {
    /// The encoder for this configuration.
    ///
    /// # Errors
    ///
    /// For what Opus doesn't have: other sample rates, numbers of channels, and frame lengths.
    pub fn new(config: OpusConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let channels = crate::channels(config.channels)
            .ok_or(ConfigError::new("channels", "must be 1 or 2"))?;
        let application = match config.application {
            Application::Voip => opus::Application::Voip,
            Application::Audio => opus::Application::Audio,
            Application::LowDelay => opus::Application::LowDelay,
        };
        let refused = |_| ConfigError::new("config", "was refused by libopus");
        let mut inner =
            opus::Encoder::new(config.sample_rate, channels, application).map_err(refused)?;
        inner.set_complexity(i32::from(config.complexity)).map_err(refused)?;
        inner.set_inband_fec(config.inband_fec).map_err(refused)?;
        inner.set_dtx(config.dtx).map_err(refused)?;
        inner.set_packet_loss_perc(i32::from(config.expected_loss)).map_err(refused)?;
        inner.set_bitrate(native(config.bitrate)).map_err(refused)?;
        let lookahead = inner.get_lookahead().map_err(refused)?;
        Ok(Self {
            inner,
            config,
            frame_len: config.frame_len(),
            lookahead: usize::try_from(lookahead).unwrap_or(0),
        })
    }

    /// The configuration, with rate and loss as they are now.
    #[must_use]
    pub const fn config(&self) -> &OpusConfig {
        &self.config
    }

    /// Samples per channel, at the input's sample rate, by which the decoded sound lags behind.
    #[must_use]
    pub const fn lookahead(&self) -> usize {
        self.lookahead
    }
}

/// Rates outside of what Opus has are refused by libopus; the nearest it has is what was meant.
fn native(bitrate: Bitrate) -> opus::Bitrate {
    let bps = bitrate.bps().clamp(6_000, 510_000);
    opus::Bitrate::Bits(i32::try_from(bps).unwrap_or(510_000))
}

impl AudioEncoder for Encoder {
    fn sample_rate(&self) -> u32 {
        self.config.sample_rate
    }

    fn channels(&self) -> u8 {
        self.config.channels
    }

    fn frame_len(&self) -> usize {
        self.frame_len
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, EncodeError> {
        let expected = self.frame_len * usize::from(self.config.channels);
        if pcm.len() != expected {
            return Err(EncodeError::FrameLength { samples: pcm.len(), expected });
        }
        if out.len() < SHORTEST_PACKET {
            return Err(TooShort { needed: SHORTEST_PACKET }.into());
        }
        let room = out.len().min(LARGEST_PACKET);
        let out = out.get_mut(..room).unwrap_or_default();
        match self.inner.encode_float(pcm, out) {
            // libopus: "If the return value is 2 bytes or less, then the packet does not need to be
            // transmitted (DTX)."
            Ok(len) if self.config.dtx && len <= 2 => Ok(0),
            Ok(len) => Ok(len),
            Err(error) => {
                let _ = self.inner.reset_state();
                Err(EncodeError::Codec { op: error.function(), code: error.code() as i64 })
            }
        }
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) {
        self.config.bitrate = bitrate;
        // A rate within the range is never refused.
        let _ = self.inner.set_bitrate(native(bitrate));
    }

    fn set_expected_loss(&mut self, percent: u8) {
        self.config.expected_loss = percent.min(100);
        let _ = self.inner.set_packet_loss_perc(i32::from(self.config.expected_loss));
    }
}

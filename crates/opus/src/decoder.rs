//! Packets to sound.

use opus::ErrorCode;
use visavis_codec::{AudioDecoder, AudioInput, DecodeError, Limit};
use visavis_core::{ConfigError, TooShort};

use crate::LONGEST_PACKET;

const SAMPLE_RATE: u32 = 48_000;

/// Gaps are filled in steps of 2.5 ms, the shortest frame that there is.
const STEP: usize = 120;

/// What a UDP datagram can carry at most: nothing longer is worth looking at.
const MAX_BYTES: usize = 65_535;

/// An Opus decoder at 48 kHz.
///
/// Any packet can be decoded to any number of channels: libopus mixes. With
/// [`AudioInput::Fec`] and [`AudioInput::Lost`] the gap must be a multiple of 2.5 ms and at most 120 ms.
/// If the packet given for FEC carries no copy of the lost frame, the gap is filled as if it were `Lost`.
#[derive(Debug)]
pub struct Decoder {
    inner: opus::Decoder,
    channels: u8,
}

impl Decoder {
    /// A decoder to this many channels.
    ///
    /// # Errors
    ///
    /// Unless there are 1 or 2.
    pub fn new(channels: u8) -> Result<Self, ConfigError> {
        let native =
            crate::channels(channels).ok_or(ConfigError::new("channels", "must be 1 or 2"))?;
        let inner = opus::Decoder::new(SAMPLE_RATE, native)
            .map_err(|_| ConfigError::new("channels", "was refused by libopus"))?;
        Ok(Self { inner, channels })
    }

    /// Forgets all that was decoded, as for a new stream.
    pub fn reset(&mut self) {
        // libopus can't refuse this.
        let _ = self.inner.reset_state();
    }

    /// All channels of `samples`.
    fn interleaved(&self, samples: usize) -> usize {
        samples.saturating_mul(usize::from(self.channels))
    }

    fn decode_packet(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, DecodeError> {
        check_packet(packet)?;
        let samples =
            opus::packet::get_nb_samples(packet, SAMPLE_RATE).map_err(|_| DecodeError::Corrupt)?;
        let needed = self.interleaved(samples);
        let out = out.get_mut(..needed).ok_or(TooShort { needed })?;
        self.run(packet, out, false)
    }

    /// `packet` is empty if there isn't any.
    fn fill_gap(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, DecodeError> {
        let whole_steps = out.len().is_multiple_of(self.interleaved(STEP));
        if out.is_empty() || !whole_steps || out.len() > self.interleaved(LONGEST_PACKET) {
            return Err(DecodeError::FrameLength { samples: out.len() });
        }
        self.run(packet, out, !packet.is_empty())
    }

    fn run(&mut self, packet: &[u8], out: &mut [f32], fec: bool) -> Result<usize, DecodeError> {
        self.inner.decode_float(packet, out, fec).map_err(|error| match error.code() {
            ErrorCode::InvalidPacket => DecodeError::Corrupt,
            code => {
                self.reset();
                DecodeError::Codec { op: error.function(), code: code as i64 }
            }
        })
    }
}

/// libopus takes no packet at all for a lost one, so an empty one mustn't get there.
fn check_packet(packet: &[u8]) -> Result<(), DecodeError> {
    match packet.len() {
        0 => Err(DecodeError::Corrupt),
        value if value > MAX_BYTES => {
            Err(DecodeError::LimitExceeded { limit: Limit::Bytes, value, max: MAX_BYTES })
        }
        _ => Ok(()),
    }
}

impl AudioDecoder for Decoder {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn channels(&self) -> u8 {
        self.channels
    }

    fn decode(&mut self, input: AudioInput<'_>, out: &mut [f32]) -> Result<usize, DecodeError> {
        match input {
            AudioInput::Packet(packet) => self.decode_packet(packet, out),
            AudioInput::Fec(next) => {
                check_packet(next)?;
                self.fill_gap(next, out)
            }
            AudioInput::Lost => self.fill_gap(&[], out),
        }
    }
}

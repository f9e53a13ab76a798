//! Sound in and out of a codec.

use visavis_core::Bitrate;

use crate::{DecodeError, EncodeError};

/// What a decoder is given to fill the next stretch of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioInput<'a> {
    /// The packet that belongs here.
    Packet(&'a [u8]),
    /// The packet that belongs here is lost; this is the *next* one, which may carry a coarse copy of it.
    /// Decode the same packet once more, as [`Packet`](Self::Packet), for its own sound.
    Fec(&'a [u8]),
    /// The packet that belongs here is lost: make up something plausible.
    Lost,
}

/// Turns sound into packets.
pub trait AudioEncoder: Send {
    /// Samples a second of the sound that goes in.
    fn sample_rate(&self) -> u32;

    /// Channels of the sound that goes in, interleaved.
    fn channels(&self) -> u8;

    /// Samples per channel that every call of [`encode`](Self::encode) takes.
    fn frame_len(&self) -> usize;

    /// Encodes one frame: `frame_len() × channels()` samples. Gives the number of bytes at the front of
    /// `out`; 0 if there is nothing worth sending (discontinuous transmission in silence).
    ///
    /// # Errors
    ///
    /// [`EncodeError::FrameLength`] if `pcm` isn't one frame, [`EncodeError::BufferTooShort`] if the packet
    /// doesn't fit, [`EncodeError::Codec`] if the codec failed.
    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, EncodeError>;

    /// The rate to aim at from the next frame on; clamped to what the codec can do.
    fn set_bitrate(&mut self, bitrate: Bitrate);

    /// How many packets in a hundred get lost on the way, so that the codec may spend bits on redundancy.
    fn set_expected_loss(&mut self, percent: u8);
}

/// Turns packets into sound.
pub trait AudioDecoder: Send {
    /// Samples a second of the sound that comes out.
    fn sample_rate(&self) -> u32;

    /// Channels of the sound that comes out, interleaved.
    fn channels(&self) -> u8;

    /// Writes sound to the front of `out` and gives the samples per channel.
    ///
    /// A packet brings as much sound as it holds, and `out` must have room for it. For
    /// [`AudioInput::Fec`] and [`AudioInput::Lost`] the length of `out` says how much is missing, and
    /// all of it gets filled.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Corrupt`] for a packet that isn't one, [`DecodeError::LimitExceeded`] for one that is too
    /// long, [`DecodeError::BufferTooShort`] if `out` has no room for the packet's sound,
    /// [`DecodeError::FrameLength`] if a gap isn't of a length that the codec can fill.
    fn decode(&mut self, input: AudioInput<'_>, out: &mut [f32]) -> Result<usize, DecodeError>;
}

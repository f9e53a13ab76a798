//! Opus ([RFC 6716](https://www.rfc-editor.org/rfc/rfc6716)) over libopus, as
//! [`AudioEncoder`](visavis_codec::AudioEncoder) and [`AudioDecoder`](visavis_codec::AudioDecoder).
//!
//! The encoder takes 8 to 48 kHz, mono or stereo, and changes rate and redundancy while running. The decoder
//! always gives 48 kHz, whatever went in, fills gaps, and reads the coarse copy of a lost frame that the next
//! packet may carry (in-band FEC). Neither allocates after construction.
//!
//! Not here: the RTP payload format (`visavis-payload`), resampling, more than two channels, DRED and
//! neural concealment, which the crate `opus` doesn't reach.
//!
//! ```
//! use visavis_codec::{AudioDecoder, AudioEncoder, AudioInput};
//! use visavis_opus::{Decoder, Encoder, OpusConfig};
//!
//! let mut encoder = Encoder::new(OpusConfig::default())?;
//! let mut decoder = Decoder::new(1)?;
//!
//! let pcm = vec![0.0; encoder.frame_len()];
//! let mut packet = [0; visavis_opus::RECOMMENDED_PACKET];
//! let mut sound = [0.0; visavis_opus::LONGEST_PACKET];
//! let len = encoder.encode(&pcm, &mut packet)?;
//! assert_eq!(decoder.decode(AudioInput::Packet(&packet[..len]), &mut sound)?, 960);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Errors
//!
//! A configuration that libopus refuses is a `ConfigError` at construction. Bytes that aren't an Opus packet are
//! [`DecodeError::Corrupt`](visavis_codec::DecodeError::Corrupt); decoding goes on with the next packet.
#![forbid(unsafe_code)]

mod decoder;
mod encoder;

pub use decoder::Decoder;
pub use encoder::{Application, Encoder, OpusConfig};

/// Samples per channel of the longest packet, 120 ms at 48 kHz.
/// [RFC 6716 §3.2.5](https://www.rfc-editor.org/rfc/rfc6716#section-3.2.5)
pub const LONGEST_PACKET: usize = 5760;

/// Bytes of a buffer in which every frame of up to 20 ms fits: the most that one frame may have.
/// [RFC 6716 §3.2.1](https://www.rfc-editor.org/rfc/rfc6716#section-3.2.1)
pub const RECOMMENDED_PACKET: usize = 1276;

const fn channels(count: u8) -> Option<opus::Channels> {
    match count {
        1 => Some(opus::Channels::Mono),
        2 => Some(opus::Channels::Stereo),
        _ => None,
    }
}

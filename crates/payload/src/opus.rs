//! Opus: a packet of the codec is the payload, and its first bytes tell what is in it.
//!
//! [RFC 7587](https://www.rfc-editor.org/rfc/rfc7587) for the payload format,
//! [RFC 6716 §3](https://www.rfc-editor.org/rfc/rfc6716#section-3) for the packet.
//!
//! ```
//! use core::time::Duration;
//! use visavis_payload::opus;
//!
//! // 20 ms of hybrid full band, mono, one frame.
//! let packet = [0x78, 0x00, 0x00];
//! assert_eq!(opus::duration(&packet), Ok(Duration::from_millis(20)));
//! assert_eq!(opus::channels(&packet), Ok(1));
//! ```

use core::time::Duration;

use crate::output::Output;
use crate::{Joined, PacketizeError, Payload, PayloadError, check_max_payload};
use visavis_core::{ClockRate, ConfigError, FrameInfo, TooShort};

/// No frame is longer. [RFC 6716 §3.2.1](https://www.rfc-editor.org/rfc/rfc6716#section-3.2.1)
const MAX_FRAME: usize = 1275;
/// 120 ms. [RFC 6716 §3.2.5](https://www.rfc-editor.org/rfc/rfc6716#section-3.2.5)
const MAX_TICKS: u32 = 5760;

/// How long the packet's sound is, in ticks of the 48 kHz RTP clock: 120 to 5760.
///
/// # Errors
///
/// The packet breaks one of the requirements R1 to R7 of
/// [RFC 6716 §3.4](https://www.rfc-editor.org/rfc/rfc6716#section-3.4).
pub fn ticks(packet: &[u8]) -> Result<u32, PayloadError> {
    Ok(Layout::read(packet)?.ticks)
}

/// How long the packet's sound is: 2.5 to 120 ms.
///
/// # Errors
///
/// As [`ticks`].
pub fn duration(packet: &[u8]) -> Result<Duration, PayloadError> {
    Ok(ClockRate::OPUS.duration(i64::from(ticks(packet)?)))
}

/// How many channels the packet was coded with: 1 or 2. A decoder makes either of it.
///
/// # Errors
///
/// The packet is empty.
pub fn channels(packet: &[u8]) -> Result<u8, PayloadError> {
    let toc = packet.first().ok_or(PayloadError::Empty)?;
    Ok(if toc & 0x04 == 0 { 1 } else { 2 })
}

/// Whether the packet carries a coarse copy of the sound before it, which a decoder can use in the
/// place of a lost packet. `false` for a packet that can't be read.
///
/// [RFC 6716 §4.2.3](https://www.rfc-editor.org/rfc/rfc6716#section-4.2.3): SILK's layer starts, for
/// each channel, with a voice flag for each of its frames and then the flag asked for, all of them
/// bits of even odds and thus plain bits. Only the first frame matters, since it covers what is just before.
#[must_use]
pub fn has_fec(packet: &[u8]) -> bool {
    let Ok(layout) = Layout::read(packet) else { return false };
    let Some(&flags) = layout.first_frame.first() else { return false };
    // CELT has no such thing.
    if layout.toc & 0x80 != 0 {
        return false;
    }
    // SILK's frames are 20 ms, or one of 10 ms.
    let silk_frames = (frame_ticks(layout.toc) / 960).max(1);
    let bit = |at: u32| flags.checked_shr(7 - at).unwrap_or(0) & 1 == 1;
    let stereo = layout.toc & 0x04 != 0;
    bit(silk_frames) || (stereo && bit(2 * silk_frames + 1))
}

/// What a payload says about its frame: it is one, whole, and a decoder can start there.
///
/// # Errors
///
/// As [`ticks`].
pub fn classify(payload: &[u8]) -> Result<FrameInfo, PayloadError> {
    Layout::read(payload)?;
    let mut info = FrameInfo::default();
    (info.start, info.end, info.keyframe) = (true, true, true);
    Ok(info)
}

/// Copies the one payload of a frame to the front of `out`. A second payload, a missing one and one
/// that can't be read are damage.
///
/// # Errors
///
/// `out` is too short.
pub fn depacketize<'a>(
    payloads: impl IntoIterator<Item = &'a [u8]>,
    out: &mut [u8],
) -> Result<Joined, TooShort> {
    let mut out = Output::new(out);
    let mut damaged = false;
    for payload in payloads {
        if out.len() == 0 && Layout::read(payload).is_ok() {
            out.put(payload);
        } else {
            damaged = true;
        }
    }
    let len = out.finish()?;
    Ok(Joined { len, damaged: damaged || len == 0 })
}

/// What a packetizer needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The largest payload in bytes, 16 to 65535. 1200 by default.
    pub max_payload: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_payload: 1200 }
    }
}

/// Passes packets through: they are never split.
#[derive(Debug, Clone, Copy)]
pub struct Packetizer {
    config: Config,
}

impl Packetizer {
    /// A packetizer for `config`.
    ///
    /// # Errors
    ///
    /// `max_payload` isn't between 16 and 65535.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        check_max_payload(config.max_payload)?;
        Ok(Self { config })
    }

    /// Begins with one packet.
    #[must_use]
    pub const fn packetize<'a>(&self, packet: &'a [u8]) -> Run<'a> {
        Run { max: self.config.max_payload, packet: Some(packet) }
    }

    /// How long a payload can get.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        self.config.max_payload
    }
}

/// The one payload of a packet.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    max: usize,
    packet: Option<&'a [u8]>,
}

impl Run<'_> {
    /// Copies the packet to the front of `buffer`; `None` the second time.
    ///
    /// # Errors
    ///
    /// `buffer` is too short, the packet is empty, or it is larger than a payload may be.
    pub fn next_into(&mut self, buffer: &mut [u8]) -> Result<Option<Payload>, PacketizeError> {
        let Some(packet) = self.packet.take() else { return Ok(None) };
        let (size, max) = (packet.len(), self.max);
        if size == 0 {
            return Err(PacketizeError::Empty);
        }
        if size > max {
            return Err(PacketizeError::TooLarge { size, max });
        }
        let mut out = Output::new(buffer);
        out.put(packet);
        let len = out.finish().inspect_err(|_| self.packet = Some(packet))?;
        Ok(Some(Payload { len, last: true }))
    }
}

/// What stands where in a packet.
struct Layout<'a> {
    toc: u8,
    ticks: u32,
    first_frame: &'a [u8],
}

/// The length of one frame in ticks of 48 kHz.
/// [RFC 6716 §3.1](https://www.rfc-editor.org/rfc/rfc6716#section-3.1), table 2.
const fn frame_ticks(toc: u8) -> u32 {
    let config = toc >> 3;
    match config {
        0..12 => match config & 3 {
            0 => 480,
            1 => 960,
            2 => 1920,
            _ => 2880,
        },
        12..16 => 480 << (config & 1),
        _ => 120 << (config & 3),
    }
}

impl<'a> Layout<'a> {
    /// Reads and checks all four codes.
    fn read(packet: &'a [u8]) -> Result<Self, PayloadError> {
        // R1: at least the TOC byte.
        let (&toc, body) = packet.split_first().ok_or(PayloadError::Empty)?;
        let (frames, first_frame) = match toc & 3 {
            0 => (1, fits(body)?),
            1 => (2, equal(body, 2)?),
            2 => {
                // R4: the length of the first frame is there and within the packet.
                let (size, rest) = frame_size(body)?;
                let (first, second) = split(rest, size)?;
                fits(second)?;
                (2, first)
            }
            _ => many(toc, body)?,
        };
        Ok(Self { toc, ticks: frames * frame_ticks(toc), first_frame })
    }
}

/// Code 3: any number of frames. Gives the number and the first frame.
/// [RFC 6716 §3.2.5](https://www.rfc-editor.org/rfc/rfc6716#section-3.2.5)
fn many(toc: u8, body: &[u8]) -> Result<(u32, &[u8]), PayloadError> {
    let (&counts, mut body) = body.split_first().ok_or(PayloadError::Truncated)?;
    let frames = u32::from(counts & 0x3f);
    // R5: at least one frame, and no more than 120 ms.
    if frames == 0 || frames * frame_ticks(toc) > MAX_TICKS {
        return Err(PayloadError::Invalid);
    }
    if counts & 0x40 != 0 {
        body = without_padding(body)?;
    }
    if counts & 0x80 == 0 {
        // R6: constant bit rate, so that all frames are of one size.
        return Ok((frames, equal(body, frames as usize)?));
    }
    // R7: the sizes are there, and the frames are within the packet.
    let (mut first, mut sum) = (None, 0);
    for _ in 1..frames {
        let (size, rest) = frame_size(body)?;
        (first, sum, body) = (first.or(Some(size)), sum + size, rest);
    }
    let (_, last) = split(body, sum)?;
    fits(last)?;
    Ok((frames, first.map_or(Ok(last), |size| split(body, size).map(|(first, _)| first))?))
}

/// Cuts the padding off: its length comes first, in bytes of which each 255 stands for 254 and more.
fn without_padding(mut body: &[u8]) -> Result<&[u8], PayloadError> {
    let mut padding = 0;
    loop {
        let (&more, rest) = body.split_first().ok_or(PayloadError::Truncated)?;
        body = rest;
        padding += usize::from(more.min(254));
        if more < 255 {
            break;
        }
    }
    let len = body.len().checked_sub(padding).ok_or(PayloadError::Truncated)?;
    Ok(split(body, len)?.0)
}

/// The size of a frame in one or two bytes.
/// [RFC 6716 §3.2.1](https://www.rfc-editor.org/rfc/rfc6716#section-3.2.1)
fn frame_size(body: &[u8]) -> Result<(usize, &[u8]), PayloadError> {
    match body {
        [first @ 0..252, rest @ ..] => Ok((usize::from(*first), rest)),
        [first, second, rest @ ..] => Ok((usize::from(*second) * 4 + usize::from(*first), rest)),
        _ => Err(PayloadError::Truncated),
    }
}

fn split(body: &[u8], at: usize) -> Result<(&[u8], &[u8]), PayloadError> {
    body.split_at_checked(at).ok_or(PayloadError::Truncated)
}

/// R2: a frame whose length isn't written has at most 1275 bytes.
fn fits(frame: &[u8]) -> Result<&[u8], PayloadError> {
    if frame.len() <= MAX_FRAME { Ok(frame) } else { Err(PayloadError::Invalid) }
}

/// R3 and R6: `frames` frames of equal length. Gives the first.
fn equal(body: &[u8], frames: usize) -> Result<&[u8], PayloadError> {
    if !body.len().is_multiple_of(frames) {
        return Err(PayloadError::Invalid);
    }
    fits(split(body, body.len() / frames)?.0)
}

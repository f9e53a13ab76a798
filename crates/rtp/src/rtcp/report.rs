//! Sender and receiver reports.

use visavis_core::{NtpTime, RtpTimestamp, Ssrc};

use crate::error::ParseError;
use crate::wire::{u32_at, u64_at};

/// What a sender says of itself.
/// [RFC 3550 §6.4.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sender's stream.
    pub ssrc: Ssrc,
    /// When the report was sent, on the sender's wall clock; 0 if it has none.
    pub ntp: NtpTime,
    /// The same moment on the stream's media clock: with `ntp`, what lip sync rests on.
    pub rtp_timestamp: RtpTimestamp,
    /// Packets sent, modulo 2^32.
    pub packets: u32,
    /// Bytes of payload sent, modulo 2^32.
    pub bytes: u32,
}

impl SenderInfo {
    pub(crate) const LEN: usize = 24;

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (parts, _) = bytes.as_chunks_mut::<4>();
        let values = [
            self.ssrc.0,
            high(self.ntp.0),
            low(self.ntp.0),
            self.rtp_timestamp.0,
            self.packets,
            self.bytes,
        ];
        for (part, value) in parts.iter_mut().zip(values) {
            *part = value.to_be_bytes();
        }
        bytes
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the upper half of 64 bits has 32")]
const fn high(value: u64) -> u32 {
    (value >> 32) as u32
}

#[allow(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn low(value: u64) -> u32 {
    value as u32
}

/// How one stream is received.
/// [RFC 3550 §6.4.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream that the block is about.
    pub ssrc: Ssrc,
    /// Lost since the last report, in 1/256 of what was expected.
    pub fraction_lost: u8,
    /// Lost since the beginning, 24 bits with sign: duplicates make it fall.
    pub cumulative_lost: i32,
    /// The highest sequence number in the low 16 bits, its wraps above.
    pub highest_seq: u32,
    /// Interarrival jitter in ticks of the media clock.
    pub jitter: u32,
    /// [`NtpTime::middle`] of the last sender report, 0 before the first.
    pub last_sr: u32,
    /// How long ago that came, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    pub(crate) const LEN: usize = 24;

    pub(crate) fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let loss = u32_at(bytes, 4);
        let [fraction_lost, ..] = loss.to_be_bytes();
        Self {
            ssrc: Ssrc(u32_at(bytes, 0)),
            fraction_lost,
            // The shift back brings the sign along.
            cumulative_lost: (loss << 8).cast_signed() >> 8,
            highest_seq: u32_at(bytes, 8),
            jitter: u32_at(bytes, 12),
            last_sr: u32_at(bytes, 16),
            delay_since_last_sr: u32_at(bytes, 20),
        }
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        const MOST: i32 = 0x7f_ffff;
        let lost = self.cumulative_lost.clamp(-MOST - 1, MOST).cast_unsigned() & 0x00ff_ffff;
        let mut bytes = [0; Self::LEN];
        let (parts, _) = bytes.as_chunks_mut::<4>();
        let values = [
            self.ssrc.0,
            (u32::from(self.fraction_lost) << 24) | lost,
            self.highest_seq,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        ];
        for (part, value) in parts.iter_mut().zip(values) {
            *part = value.to_be_bytes();
        }
        bytes
    }
}

/// What a sender has sent, and how it receives others.
/// [RFC 3550 §6.4.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderReport<'a> {
    /// What it says of itself.
    pub info: SenderInfo,
    blocks: &'a [[u8; ReportBlock::LEN]],
}

impl<'a> SenderReport<'a> {
    pub(crate) fn parse(count: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let info = SenderInfo {
            ssrc: Ssrc(u32_at(body, 0)),
            ntp: NtpTime(u64_at(body, 4)),
            rtp_timestamp: RtpTimestamp(u32_at(body, 12)),
            packets: u32_at(body, 16),
            bytes: u32_at(body, 20),
        };
        Ok(Self { info, blocks: blocks(count, body, SenderInfo::LEN)? })
    }

    /// How it receives others.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = ReportBlock> + Clone + use<'a> {
        self.blocks.iter().map(ReportBlock::from_bytes)
    }
}

/// How one who sends nothing receives others.
/// [RFC 3550 §6.4.2](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.2)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    blocks: &'a [[u8; ReportBlock::LEN]],
}

impl<'a> ReceiverReport<'a> {
    pub(crate) fn parse(count: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        Ok(Self { ssrc: Ssrc(u32_at(body, 0)), blocks: blocks(count, body, 4)? })
    }

    /// How it receives others.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = ReportBlock> + Clone + use<'a> {
        self.blocks.iter().map(ReportBlock::from_bytes)
    }
}

/// The `count` report blocks from `start`. What follows them is an extension of some profile.
fn blocks(count: u8, body: &[u8], start: usize) -> Result<&[[u8; ReportBlock::LEN]], ParseError> {
    let end = start + usize::from(count) * ReportBlock::LEN;
    match body.get(start..end) {
        Some(blocks) => Ok(blocks.as_chunks().0),
        None => Err(ParseError::truncated(body.len())),
    }
}

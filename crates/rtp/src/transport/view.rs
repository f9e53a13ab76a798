//! Reading transport-wide feedback where it lies.

use visavis_core::{Seq, Ssrc};

use crate::error::{ParseError, ParseErrorKind};
use crate::rtcp;
use crate::transport::chunk::Symbols;
use crate::wire::{u16_at, u32_at};

/// When each packet of a transport arrived, from [`base_seq`](Self::base_seq) on.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |        base sequence number   |      packet status count      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |            reference time in 64 ms            | feedback count|
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     chunks of status, 16 bits each        ...                 |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     arrivals of 8 or 16 bits in 250 µs    ...      | zeros    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    /// Who received the packets.
    pub sender: Ssrc,
    /// A stream of the transport, which one doesn't matter.
    pub media: Ssrc,
    base_seq: Seq,
    packet_count: u16,
    reference_time: u32,
    feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    /// Both SSRCs, base, count, reference and feedback count.
    const HEADER_LEN: usize = 16;

    /// Reads what follows the first word of the packet, checking that all chunks and arrivals are
    /// there.
    pub(crate) fn parse_body(body: &'a [u8]) -> Result<Self, ParseError> {
        let Some((header, rest)) = body.split_at_checked(Self::HEADER_LEN) else {
            return Err(ParseError::truncated(body.len()));
        };
        let packet_count = u16_at(header, 10);
        let (mut left, mut chunks_len, mut deltas_len) = (packet_count, 0, 0);
        while left > 0 {
            let Some(bytes) = rest.get(chunks_len..).and_then(<[u8]>::first_chunk) else {
                return Err(ParseError::truncated(body.len()));
            };
            let symbols = Symbols::of(u16::from_be_bytes(*bytes));
            let said = symbols.len().min(left);
            deltas_len += symbols
                .deltas_len(said)
                .ok_or(ParseError::new(ParseErrorKind::Reserved, Self::HEADER_LEN + chunks_len))?;
            left -= said;
            chunks_len += 2;
        }
        let (chunks, deltas) = rest.split_at_checked(chunks_len).unwrap_or_default();
        let deltas = deltas.get(..deltas_len).ok_or(ParseError::truncated(body.len()))?;
        let (sender, media) = rtcp::sender_and_media(header)?;
        Ok(Self {
            sender,
            media,
            base_seq: Seq(u16_at(header, 8)),
            packet_count,
            reference_time: u32_at(header, 12) >> 8,
            feedback_count: header.last().copied().unwrap_or(0),
            chunks,
            deltas,
        })
    }

    /// The transport-wide number of the first packet.
    #[must_use]
    pub const fn base_seq(&self) -> Seq {
        self.base_seq
    }

    /// Of how many packets it speaks.
    #[must_use]
    pub const fn packet_count(&self) -> u16 {
        self.packet_count
    }

    /// The number of this feedback packet, modulo 256.
    #[must_use]
    pub const fn feedback_count(&self) -> u8 {
        self.feedback_count
    }

    /// The time to which the arrivals refer, in 64 ms modulo 2^24;
    /// [`ReferenceTime`](crate::ReferenceTime) unwraps it.
    #[must_use]
    pub const fn reference_time(&self) -> u32 {
        self.reference_time
    }

    /// Each packet, and when it arrived in 250 µs after the reference time; `None` if it didn't.
    pub fn packets(&self) -> impl Iterator<Item = (Seq, Option<i64>)> + Clone + use<'a> {
        Packets {
            chunks: self.chunks.as_chunks().0,
            deltas: self.deltas,
            symbols: Symbols::default(),
            left: self.packet_count,
            seq: self.base_seq,
            ticks: 0,
        }
    }

    pub(crate) const fn has_arrivals(&self) -> bool {
        !self.deltas.is_empty()
    }
}

/// Where a walk over the packets stands.
#[derive(Clone)]
struct Packets<'a> {
    chunks: &'a [[u8; 2]],
    deltas: &'a [u8],
    symbols: Symbols,
    left: u16,
    seq: Seq,
    ticks: i64,
}

impl Iterator for Packets<'_> {
    type Item = (Seq, Option<i64>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let symbol = loop {
            if let Some(symbol) = self.symbols.next() {
                break symbol;
            }
            let (chunk, rest) = self.chunks.split_first()?;
            self.chunks = rest;
            self.symbols = Symbols::of(u16::from_be_bytes(*chunk));
        };
        let delta = match (symbol, self.deltas) {
            (1, [delta, rest @ ..]) => {
                self.deltas = rest;
                Some(i64::from(*delta))
            }
            (2, [high, low, rest @ ..]) => {
                self.deltas = rest;
                Some(i64::from(i16::from_be_bytes([*high, *low])))
            }
            _ => None,
        };
        self.ticks += delta.unwrap_or(0);
        let seq = self.seq;
        self.seq = seq.next();
        Some((seq, delta.map(|_| self.ticks)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

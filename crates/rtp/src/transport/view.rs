//! Reading transport-wide feedback where it lies.

use visavis_core::{Seq, Ssrc};

use crate::error::{ParseError, ParseErrorKind};
use crate::rtcp;
use crate::transport::chunk::{Chunk, Symbol};
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
            let chunk = Chunk(u16::from_be_bytes(*bytes));
            let said = chunk.len().min(left);
            deltas_len += deltas_of(chunk, said)
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
        let mut deltas = self.deltas;
        let mut ticks = 0_i64;
        let mut seq = self.base_seq;
        self.symbols().map(move |symbol| {
            let delta = match (symbol, deltas) {
                (Symbol::SmallDelta, &[delta, ref rest @ ..]) => Some((i64::from(delta), rest)),
                (Symbol::LargeDelta, &[high, low, ref rest @ ..]) => {
                    Some((i64::from(i16::from_be_bytes([high, low])), rest))
                }
                _ => None,
            };
            let arrival = delta.map(|(delta, rest)| {
                deltas = rest;
                ticks += delta;
                ticks
            });
            let this = seq;
            seq = seq.next();
            (this, arrival)
        })
    }

    pub(crate) const fn has_arrivals(&self) -> bool {
        !self.deltas.is_empty()
    }

    fn symbols(&self) -> impl Iterator<Item = Symbol> + Clone + use<'a> {
        self.chunks
            .as_chunks::<2>()
            .0
            .iter()
            .flat_map(|bytes| {
                let chunk = Chunk(u16::from_be_bytes(*bytes));
                (0..chunk.len())
                    .map(move |index| chunk.symbol(index).unwrap_or(Symbol::NotReceived))
            })
            .take(usize::from(self.packet_count))
    }
}

/// How many bytes the arrivals of a chunk's first packets take; `None` for a reserved symbol.
fn deltas_of(chunk: Chunk, packets: u16) -> Option<usize> {
    if chunk.0 >> 15 == 0 {
        return chunk.symbol(0).map(|symbol| symbol.delta_len() * usize::from(packets));
    }
    (0..packets).try_fold(0, |sum, index| Some(sum + chunk.symbol(index)?.delta_len()))
}

//! Retransmission in a stream of its own, so that its statistics and the original's stay apart:
//! [RFC 4588](https://www.rfc-editor.org/rfc/rfc4588).
//!
//! A retransmission has its own SSRC, payload type and sequence number, the original's timestamp and
//! marker, and a payload that starts with the original's sequence number.

use visavis_core::{PayloadType, Seq, Ssrc, TooShort};

use crate::error::ParseError;
use crate::packet::{Packet, header_len};
use crate::wire::put_at;

/// The original sequence number before the original payload.
pub const OVERHEAD: usize = 2;

/// Writes the payload of `original`'s retransmission to the front of `buffer` and says how long it
/// is: [`OVERHEAD`] more than the original's. Padding isn't sent again.
/// [RFC 4588 §4](https://www.rfc-editor.org/rfc/rfc4588#section-4)
///
/// # Errors
/// [`TooShort`]; `buffer` is unchanged then.
pub fn write_payload<T: AsRef<[u8]>>(
    original: &Packet<T>,
    buffer: &mut [u8],
) -> Result<usize, TooShort> {
    let payload = original.payload();
    let needed = OVERHEAD + payload.len();
    let Some((seq, rest)) = buffer.get_mut(..needed).and_then(<[u8]>::split_first_chunk_mut) else {
        return Err(TooShort { needed });
    };
    *seq = original.seq().0.to_be_bytes();
    rest.copy_from_slice(payload);
    Ok(needed)
}

/// The original's sequence number and payload in a retransmission's payload; `None` if it's too
/// short for that, as the payload of a padding-only packet is.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<(Seq, &[u8])> {
    let (seq, original) = payload.split_first_chunk()?;
    Some((Seq(u16::from_be_bytes(*seq)), original))
}

/// Turns a retransmission back into the original, in place, and lends it: the header moves
/// [`OVERHEAD`] bytes up over the original sequence number. `ssrc` and `payload_type` are those of the
/// original stream; header extensions stay those of the retransmission.
///
/// # Errors
/// [`ParseError`] if it's no packet or its payload (padding aside) is too short; it's unchanged then.
pub fn restore(
    packet: &mut [u8],
    ssrc: Ssrc,
    payload_type: PayloadType,
) -> Result<Packet<&mut [u8]>, ParseError> {
    let header_len = header_len(packet)?;
    let view = Packet::parse(&*packet)?;
    let Some((seq, _)) = parse(view.payload()) else {
        return Err(ParseError::truncated(header_len));
    };
    packet.copy_within(..header_len, OVERHEAD);
    let original = packet.get_mut(OVERHEAD..).unwrap_or_default();
    put_at(original, 2, &seq.0.to_be_bytes());
    put_at(original, 8, &ssrc.0.to_be_bytes());
    let mut original = Packet::parse(original)?;
    original.set_payload_type(payload_type);
    Ok(original)
}

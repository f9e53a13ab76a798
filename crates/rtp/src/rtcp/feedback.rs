//! Feedback that asks for something: packets or pictures.

use visavis_core::{Seq, Ssrc};

use crate::error::ParseError;
use crate::wire::u32_at;

/// Who sends feedback and which stream it is about.
/// [RFC 4585 §6.1](https://www.rfc-editor.org/rfc/rfc4585#section-6.1)
pub(crate) fn sender_and_media(body: &[u8]) -> Result<(Ssrc, Ssrc), ParseError> {
    if body.len() < 8 {
        return Err(ParseError::truncated(body.len()));
    }
    Ok((Ssrc(u32_at(body, 0)), Ssrc(u32_at(body, 4))))
}

/// What follows the two SSRCs, in entries of `N` bytes.
fn entries<const N: usize>(body: &[u8]) -> Result<&[[u8; N]], ParseError> {
    match body.get(8..).unwrap_or_default().as_chunks::<N>() {
        (entries, []) => Ok(entries),
        _ => Err(ParseError::truncated(body.len())),
    }
}

/// Which packets are missing. [RFC 4585 §6.2.1](https://www.rfc-editor.org/rfc/rfc4585#section-6.2.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nack<'a> {
    /// Who misses them.
    pub sender: Ssrc,
    /// The stream to which they belong.
    pub media: Ssrc,
    entries: &'a [[u8; 4]],
}

impl<'a> Nack<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let (sender, media) = sender_and_media(body)?;
        Ok(Self { sender, media, entries: entries(body)? })
    }

    /// The sequence numbers asked for, at most 17 per entry of four bytes.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + Clone + use<'a> {
        self.entries.iter().flat_map(|&[p0, p1, b0, b1]| {
            let (first, mask) = (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([b0, b1]));
            // The first itself, and a bit for each of the 16 after it.
            let mut bits = 1 | (u32::from(mask) << 1);
            core::iter::from_fn(move || {
                let step = u16::try_from(bits.trailing_zeros()).ok().filter(|step| *step < 32)?;
                bits &= bits - 1;
                Some(Seq(first.wrapping_add(step)))
            })
        })
    }
}

/// A picture can't be decoded. [RFC 4585 §6.3.1](https://www.rfc-editor.org/rfc/rfc4585#section-6.3.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pli {
    /// Who can't decode it.
    pub sender: Ssrc,
    /// The stream to which it belongs.
    pub media: Ssrc,
}

impl Pli {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ParseError> {
        sender_and_media(body).map(|(sender, media)| Self { sender, media })
    }
}

/// A picture that needs no other is asked for.
/// [RFC 5104 §4.3.1](https://www.rfc-editor.org/rfc/rfc5104#section-4.3.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fir<'a> {
    /// Who asks.
    pub sender: Ssrc,
    entries: &'a [[u8; 8]],
}

impl<'a> Fir<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let (sender, _) = sender_and_media(body)?;
        Ok(Self { sender, entries: entries(body)? })
    }

    /// The streams that are asked and each request's number: one that is already answered has the
    /// number of the last.
    pub fn requests(&self) -> impl ExactSizeIterator<Item = (Ssrc, u8)> + Clone + use<'a> {
        self.entries.iter().map(|&[s0, s1, s2, s3, number, ..]| {
            (Ssrc(u32::from_be_bytes([s0, s1, s2, s3])), number)
        })
    }
}

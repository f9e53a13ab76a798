//! Writing the header of a packet.

use visavis_core::{PayloadType, RtpTimestamp, Seq, Ssrc, TooShort};

use crate::error::WriteError;
use crate::extension::{Block, ExtensionId, Layout};
use crate::packet::{EXTENSION_BIT, FIXED_LEN, PADDING_BIT};
use crate::value::{ExtensionMap, ExtensionValues};

/// The header of a packet that is about to be written; the payload goes right behind it.
///
/// ```
/// # use visavis_core::{PayloadType, RtpTimestamp, Seq, Ssrc};
/// # use visavis_rtp::{ExtensionMap, Header};
/// let mut header =
///     Header::new(PayloadType::from_low_bits(96), Seq(1), RtpTimestamp(0), Ssrc(7));
/// header.marker = true;
/// let mut buffer = [0; 1200];
/// assert_eq!(header.write_into(&ExtensionMap::default(), &mut buffer), Ok(12));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// What it marks is the payload format's matter: the last packet of a picture, mostly.
    pub marker: bool,
    /// The payload format.
    pub payload_type: PayloadType,
    /// The number of the packet in its stream.
    pub seq: Seq,
    /// When the payload's first sample was taken, on the media clock.
    pub timestamp: RtpTimestamp,
    /// The stream.
    pub ssrc: Ssrc,
    /// Those whose media was mixed into this packet, at most 15.
    pub csrcs: &'a [Ssrc],
    /// Header extensions; those without an identifier in the map aren't written.
    pub extensions: ExtensionValues,
}

impl Header<'_> {
    /// No marker, no contributing sources, no extensions.
    #[must_use]
    pub fn new(payload_type: PayloadType, seq: Seq, timestamp: RtpTimestamp, ssrc: Ssrc) -> Self {
        let extensions = ExtensionValues::default();
        Self { marker: false, payload_type, seq, timestamp, ssrc, csrcs: &[], extensions }
    }

    /// How many bytes [`write_into`](Self::write_into) writes.
    #[must_use]
    pub fn encoded_len(&self, map: &ExtensionMap) -> usize {
        self.prefix_len() + self.layout(map).block_len()
    }

    /// Writes the header to the front of `buffer` and says where the payload starts.
    ///
    /// # Errors
    /// [`WriteError::TooShort`] and [`WriteError::TooManyCsrcs`]; `buffer` is unchanged then.
    #[inline]
    pub fn write_into(&self, map: &ExtensionMap, buffer: &mut [u8]) -> Result<usize, WriteError> {
        if self.csrcs.is_empty() && self.extensions.is_empty(map) {
            // Most packets: no more than the fixed part.
            let fixed = buffer.first_chunk_mut().ok_or(TooShort { needed: FIXED_LEN })?;
            *fixed = self.fixed(0);
            return Ok(FIXED_LEN);
        }
        self.write_more(map, buffer)
    }

    /// Not inlined, so that the short way before it is.
    #[inline(never)]
    fn write_more(&self, map: &ExtensionMap, buffer: &mut [u8]) -> Result<usize, WriteError> {
        self.write(self.layout(map), buffer, |block| {
            self.extensions.each(map, |id, value| block.put(id, value));
        })
    }

    /// Like [`write_into`](Self::write_into) with any header extension elements instead of
    /// [`extensions`](Self::extensions), in the one-byte form if it can say them and else in the
    /// two-byte form: a forwarder copies those that it doesn't know this way.
    ///
    /// # Errors
    /// As above, and [`WriteError::ExtensionTooLong`].
    #[inline]
    pub fn write_elements<'e, I>(&self, elements: I, buffer: &mut [u8]) -> Result<usize, WriteError>
    where
        I: IntoIterator<Item = (ExtensionId, &'e [u8]), IntoIter: Clone>,
    {
        let elements = elements.into_iter();
        let mut layout = Layout::new();
        elements.clone().for_each(|(id, value)| layout.add(id, value));
        self.write(layout, buffer, |block| {
            elements.for_each(|(id, value)| block.put(id, value));
        })
    }

    #[inline]
    fn layout(&self, map: &ExtensionMap) -> Layout {
        let mut layout = Layout::new();
        self.extensions.each(map, |id, value| layout.add(id, value));
        layout
    }

    #[inline]
    fn write(
        &self,
        layout: Layout,
        buffer: &mut [u8],
        fill: impl FnOnce(&mut Block<'_>),
    ) -> Result<usize, WriteError> {
        let Ok(csrc_count @ 0..=15) = u8::try_from(self.csrcs.len()) else {
            return Err(WriteError::TooManyCsrcs);
        };
        if !layout.fits() {
            return Err(WriteError::ExtensionTooLong);
        }
        let needed = self.prefix_len() + layout.block_len();
        let Some((fixed, rest)) =
            buffer.get_mut(..needed).and_then(<[u8]>::split_first_chunk_mut::<FIXED_LEN>)
        else {
            return Err(TooShort { needed }.into());
        };
        let extension_bit = if layout.block_len() == 0 { 0 } else { EXTENSION_BIT };
        *fixed = self.fixed(extension_bit | csrc_count);
        let (csrcs, block) = rest.split_at_mut(self.csrcs.len() * 4);
        for (slot, csrc) in csrcs.as_chunks_mut::<4>().0.iter_mut().zip(self.csrcs) {
            *slot = csrc.0.to_be_bytes();
        }
        if extension_bit != 0 {
            let mut block = layout.block(block);
            fill(&mut block);
            block.finish();
        }
        Ok(needed)
    }

    /// The part that every packet has; `low_bits` are those of the first byte behind the version.
    #[inline]
    fn fixed(&self, low_bits: u8) -> [u8; FIXED_LEN] {
        let first = 0x80 | low_bits;
        let second = (u8::from(self.marker) << 7) | self.payload_type.get();
        let [s0, s1] = self.seq.0.to_be_bytes();
        let words =
            [[first, second, s0, s1], self.timestamp.0.to_be_bytes(), self.ssrc.0.to_be_bytes()];
        let mut fixed = [0; FIXED_LEN];
        for (slot, word) in fixed.as_chunks_mut().0.iter_mut().zip(words) {
            *slot = word;
        }
        fixed
    }

    /// Bytes before the extension block.
    const fn prefix_len(&self) -> usize {
        FIXED_LEN + self.csrcs.len() * 4
    }
}

/// Appends `padding` bytes of padding to the packet in the first `len` bytes of `buffer` and says how
/// long it is then. A packet that is padded already must not be padded again.
/// [RFC 3550 §5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)
///
/// # Errors
/// [`TooShort`]; `buffer` is unchanged then.
pub fn write_padding(buffer: &mut [u8], len: usize, padding: u8) -> Result<usize, TooShort> {
    let needed = len.saturating_add(usize::from(padding));
    let Some((packet, tail)) = buffer.get_mut(..needed).and_then(|b| b.split_at_mut_checked(len))
    else {
        return Err(TooShort { needed });
    };
    if let ([first, ..], [zeros @ .., count]) = (packet, tail) {
        *first |= PADDING_BIT;
        zeros.fill(0);
        *count = padding;
    }
    Ok(needed)
}

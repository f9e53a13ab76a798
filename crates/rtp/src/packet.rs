//! Reading a packet where it lies.

use core::ops::Range;
use visavis_core::{PayloadType, RtpTimestamp, Seq, Ssrc};

use crate::error::{ParseError, ParseErrorKind};
use crate::extension::{ExtensionId, Extensions, Form};
use crate::wire::{put_at, u16_at, u32_at};

/// The part of the header that every packet has.
pub(crate) const FIXED_LEN: usize = 12;
pub(crate) const PADDING_BIT: u8 = 0x20;
pub(crate) const EXTENSION_BIT: u8 = 0x10;

/// An RTP packet in a buffer: checked once, then read without copying and without errors.
/// [RFC 3550 §5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|X|  CC   |M|     PT      |              seq              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                           timestamp                           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                             SSRC                              |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |                     CC contributing SSRCs                     |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// | if X:      profile            |        length in words        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    header extension elements                  |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |  payload                      | if P:  padding  |   its count |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// ```
/// # use visavis_core::{PayloadType, Ssrc};
/// # use visavis_rtp::Packet;
/// let bytes = [0x80, 111, 0, 7, 0, 0, 3, 192, 0, 0, 0, 9, 0xaa, 0xbb];
/// let packet = Packet::parse(&bytes[..])?;
/// assert_eq!(packet.payload_type(), PayloadType::from_low_bits(111));
/// assert_eq!(packet.ssrc(), Ssrc(9));
/// assert_eq!(packet.payload(), [0xaa, 0xbb]);
/// # Ok::<(), visavis_rtp::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<T> {
    buffer: T,
    header_len: usize,
    payload_end: usize,
}

/// Where a packet's header ends, and so where SRTP starts to encrypt: cheap, since header extension
/// elements aren't looked at. [RFC 3711 §3.1](https://www.rfc-editor.org/rfc/rfc3711#section-3.1)
///
/// # Errors
/// When the version isn't 2 or the header is longer than `packet`.
#[inline]
pub fn header_len(packet: &[u8]) -> Result<usize, ParseError> {
    let Some(&[first, ..]) = packet.first_chunk::<FIXED_LEN>() else {
        return Err(ParseError::truncated(packet.len()));
    };
    if first >> 6 != 2 {
        return Err(ParseError::new(ParseErrorKind::Version, 0));
    }
    let mut len = FIXED_LEN + usize::from(first & 0x0f) * 4;
    if first & EXTENSION_BIT != 0 {
        len += 4;
        if packet.len() >= len {
            len += usize::from(u16_at(packet, len - 2)) * 4;
        }
    }
    if packet.len() < len { Err(ParseError::truncated(packet.len())) } else { Ok(len) }
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Checks a packet: version, lengths and padding. A malformed header extension element costs no
    /// packet: [`extensions`](Self::extensions) ends before it.
    ///
    /// # Errors
    /// [`ParseError`] for anything that isn't a well-formed packet.
    #[inline]
    pub fn parse(buffer: T) -> Result<Self, ParseError> {
        let bytes = buffer.as_ref();
        let header_len = header_len(bytes)?;
        let first = bytes.first().copied().unwrap_or(0);
        let mut payload_end = bytes.len();
        if first & PADDING_BIT != 0 {
            let count = usize::from(bytes.last().copied().unwrap_or(0));
            if count == 0 || count > payload_end - header_len {
                return Err(ParseError::new(ParseErrorKind::Padding, payload_end - 1));
            }
            payload_end -= count;
        }
        Ok(Self { buffer, header_len, payload_end })
    }

    /// What it marks is the payload format's matter: the last packet of a picture, mostly.
    #[inline]
    pub fn marker(&self) -> bool {
        self.byte(1) & 0x80 != 0
    }

    /// The payload format.
    #[inline]
    pub fn payload_type(&self) -> PayloadType {
        PayloadType::from_low_bits(self.byte(1))
    }

    /// The number of the packet in its stream.
    #[inline]
    pub fn seq(&self) -> Seq {
        Seq(u16_at(self.as_bytes(), 2))
    }

    /// When the payload's first sample was taken, on the media clock.
    #[inline]
    pub fn timestamp(&self) -> RtpTimestamp {
        RtpTimestamp(u32_at(self.as_bytes(), 4))
    }

    /// The stream.
    #[inline]
    pub fn ssrc(&self) -> Ssrc {
        Ssrc(u32_at(self.as_bytes(), 8))
    }

    /// Those whose media was mixed into this packet.
    pub fn csrcs(&self) -> impl Iterator<Item = Ssrc> {
        let end = FIXED_LEN + usize::from(self.byte(0) & 0x0f) * 4;
        let bytes = self.as_bytes().get(FIXED_LEN..end).unwrap_or_default();
        bytes.as_chunks::<4>().0.iter().map(|b| Ssrc(u32::from_be_bytes(*b)))
    }

    /// The header extension elements.
    #[inline]
    pub fn extensions(&self) -> Extensions<'_> {
        if self.byte(0) & EXTENSION_BIT == 0 {
            return Extensions::new(Form::Opaque, &[]);
        }
        let (form, block) = extension_block(self.as_bytes(), self.header_len);
        Extensions::new(form, block)
    }

    /// The header extension element with this identifier, the first of several.
    #[inline]
    pub fn extension(&self, id: ExtensionId) -> Option<&[u8]> {
        self.extensions().find(|&(found, _)| found == id).map(|(_, data)| data)
    }

    /// The profile and the bytes of the header extension block whatever is in it, for profiles that
    /// aren't those of RFC 8285.
    pub fn extension_block(&self) -> Option<(u16, &[u8])> {
        if self.byte(0) & EXTENSION_BIT == 0 {
            return None;
        }
        let (_, block) = extension_block(self.as_bytes(), self.header_len);
        Some((u16_at(self.as_bytes(), self.header_len - block.len() - 4), block))
    }

    /// Where the payload starts.
    #[inline]
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// The payload without padding.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        self.as_bytes().get(self.payload_range()).unwrap_or_default()
    }

    /// Where the payload lies in the packet.
    #[inline]
    pub fn payload_range(&self) -> Range<usize> {
        self.header_len..self.payload_end
    }

    /// How many bytes of padding follow the payload, their count included; 0 if there are none.
    pub fn padding_len(&self) -> usize {
        self.as_bytes().len().saturating_sub(self.payload_end)
    }

    /// The whole packet.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.as_ref()
    }

    /// The buffer back.
    pub fn into_inner(self) -> T {
        self.buffer
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.as_bytes().get(at).copied().unwrap_or(0)
    }
}

/// Changes in place, as a forwarder makes them.
impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Renumbers the packet.
    pub fn set_seq(&mut self, seq: Seq) {
        self.put(2, &seq.0.to_be_bytes());
    }

    /// Moves the packet on the media clock.
    pub fn set_timestamp(&mut self, timestamp: RtpTimestamp) {
        self.put(4, &timestamp.0.to_be_bytes());
    }

    /// Gives the packet to another stream.
    pub fn set_ssrc(&mut self, ssrc: Ssrc) {
        self.put(8, &ssrc.0.to_be_bytes());
    }

    /// Gives the payload format another number.
    pub fn set_payload_type(&mut self, payload_type: PayloadType) {
        let marker = self.byte(1) & 0x80;
        self.put(1, &[marker | payload_type.get()]);
    }

    /// Sets or clears the marker.
    pub fn set_marker(&mut self, marker: bool) {
        let payload_type = self.byte(1) & 0x7f;
        self.put(1, &[(u8::from(marker) << 7) | payload_type]);
    }

    /// Overwrites a header extension element, the first with this identifier; `false`, and nothing
    /// is changed, if there is none or it has another length.
    pub fn set_extension(&mut self, id: ExtensionId, value: &[u8]) -> bool {
        let mut extensions = self.extensions();
        while let Some((found, old)) = extensions.next() {
            if found == id {
                let start = self.header_len - extensions.left() - old.len();
                return old.len() == value.len() && self.put(start, value);
            }
        }
        false
    }

    fn put(&mut self, at: usize, value: &[u8]) -> bool {
        put_at(self.buffer.as_mut(), at, value)
    }
}

/// The form and the bytes of the header extension block in a packet that has one.
#[inline]
fn extension_block(packet: &[u8], header_len: usize) -> (Form, &[u8]) {
    let csrcs = usize::from(packet.first().copied().unwrap_or(0) & 0x0f);
    let start = FIXED_LEN + csrcs * 4;
    (Form::of(u16_at(packet, start)), packet.get(start + 4..header_len).unwrap_or_default())
}

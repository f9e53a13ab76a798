//! The frame around RTCP packets.

use crate::error::{ParseError, ParseErrorKind};
use crate::rtcp::{
    Bye, Fir, Nack, Pli, ReceiverReport, Sdes, SenderReport, format, packet_type as pt,
};
use crate::transport::TransportFeedback;

/// Several RTCP packets in one datagram, their frames checked.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|  count  |  packet type  |   length in words, less one   |   each packet
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                           its body                            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Checks the frames as [RFC 3550 §A.2](https://www.rfc-editor.org/rfc/rfc3550#appendix-A.2) does:
    /// every version is 2, the first packet is a report without padding, and the lengths add up.
    ///
    /// # Errors
    /// [`ParseError`] if that doesn't hold.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let compound = Self::parse_reduced(bytes)?;
        match *bytes {
            [_, second, ..] if second != pt::SR && second != pt::RR => {
                Err(ParseError::new(ParseErrorKind::NotAReport, 1))
            }
            [first, ..] if first & 0x20 != 0 => Err(ParseError::new(ParseErrorKind::Padding, 0)),
            _ => Ok(compound),
        }
    }

    /// Like [`parse`](Self::parse) where peers agreed on reduced-size RTCP: any packet may come first.
    /// [RFC 5506 §3.4](https://www.rfc-editor.org/rfc/rfc5506#section-3.4)
    ///
    /// # Errors
    /// [`ParseError`] if a version isn't 2, the lengths don't add up, or there's no packet at all.
    pub fn parse_reduced(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let &[first, _, l0, l1, ..] = rest else { return Err(ParseError::truncated(at)) };
            if first >> 6 != 2 {
                return Err(ParseError::new(ParseErrorKind::Version, at));
            }
            at += packet_len([l0, l1]);
            if at == bytes.len() {
                return Ok(Self { bytes });
            }
            if at > bytes.len() {
                return Err(ParseError::truncated(bytes.len()));
            }
        }
    }

    /// The packets in their order. A malformed one is an error of its own and doesn't hide those
    /// behind it.
    pub fn iter(&self) -> impl Iterator<Item = Result<Rtcp<'a>, ParseError>> + Clone + use<'a> {
        let (bytes, mut at) = (self.bytes, 0);
        core::iter::from_fn(move || {
            let rest = bytes.get(at..)?;
            let &[_, _, l0, l1, ..] = rest else { return None };
            let start = at;
            at += packet_len([l0, l1]);
            let packet = rest.get(..at - start)?;
            Some(Rtcp::parse(packet).map_err(|error| error.shifted(start)))
        })
    }

    /// The whole datagram.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

fn packet_len(length: [u8; 2]) -> usize {
    (usize::from(u16::from_be_bytes(length)) + 1) * 4
}

/// One RTCP packet, read where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rtcp<'a> {
    /// What a sender has sent, and how it receives others.
    SenderReport(SenderReport<'a>),
    /// How one who sends nothing receives others.
    ReceiverReport(ReceiverReport<'a>),
    /// Who is behind an SSRC.
    Sdes(Sdes<'a>),
    /// Who leaves.
    Bye(Bye<'a>),
    /// Which packets are missing.
    Nack(Nack<'a>),
    /// A picture can't be decoded.
    Pli(Pli),
    /// A picture that needs no other is asked for.
    Fir(Fir<'a>),
    /// When each packet of the transport arrived.
    TransportFeedback(TransportFeedback<'a>),
    /// A packet that this crate doesn't know.
    Other(Other<'a>),
}

/// A packet that this crate doesn't know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Other<'a> {
    /// Its packet type.
    pub packet_type: u8,
    /// Its five-bit count or format.
    pub count: u8,
    /// What follows the first word, without padding.
    pub body: &'a [u8],
}

impl<'a> Rtcp<'a> {
    /// Reads one packet whose frame is known to be right.
    fn parse(packet: &'a [u8]) -> Result<Self, ParseError> {
        let (&[first, packet_type, _, _], padded) =
            packet.split_first_chunk().ok_or(ParseError::truncated(packet.len()))?;
        let body = if first & 0x20 == 0 { padded } else { without_padding(padded)? };
        let count = first & 0x1f;
        match (packet_type, count) {
            (pt::SR, _) => SenderReport::parse(count, body).map(Self::SenderReport),
            (pt::RR, _) => ReceiverReport::parse(count, body).map(Self::ReceiverReport),
            (pt::SDES, _) => Sdes::parse(count, body).map(Self::Sdes),
            (pt::BYE, _) => Bye::parse(count, body).map(Self::Bye),
            (pt::RTPFB, format::NACK) => Nack::parse(body).map(Self::Nack),
            (pt::RTPFB, format::TRANSPORT) => {
                TransportFeedback::parse_body(body).map(Self::TransportFeedback)
            }
            (pt::PSFB, format::PLI) => Pli::parse(body).map(Self::Pli),
            (pt::PSFB, format::FIR) => Fir::parse(body).map(Self::Fir),
            _ => Ok(Self::Other(Other { packet_type, count, body })),
        }
        // The body starts behind the first word.
        .map_err(|error| error.shifted(4))
    }
}

/// Some senders of transport feedback pad by less than a word, so that a multiple of four isn't asked.
fn without_padding(body: &[u8]) -> Result<&[u8], ParseError> {
    let count = usize::from(body.last().copied().unwrap_or(0));
    match body.len().checked_sub(count) {
        Some(len) if count != 0 => Ok(body.get(..len).unwrap_or_default()),
        _ => Err(ParseError::new(ParseErrorKind::Padding, body.len() + 3)),
    }
}

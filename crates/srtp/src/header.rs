//! The little that must be known of a packet to protect it.

/// More than any UDP datagram holds.
const MAX_PACKET: usize = 1 << 16;

/// What an RTP header says of its packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RtpHeader {
    pub(crate) ssrc: u32,
    pub(crate) seq: u16,
    /// Bytes up to the payload: CSRCs and the extension belong to the header.
    pub(crate) len: usize,
}

/// `None` if it is no RTP packet. [RFC 3550 §5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)
#[inline]
pub(crate) fn rtp_header(packet: &[u8]) -> Option<RtpHeader> {
    let len = visavis_rtp::header_len(packet).ok()?;
    let [_, _, s0, s1, _, _, _, _, ssrc @ ..] = packet.first_chunk::<12>()?;
    (packet.len() < MAX_PACKET).then_some(RtpHeader {
        ssrc: u32::from_be_bytes(*ssrc),
        seq: u16::from_be_bytes([*s0, *s1]),
        len,
    })
}

/// The SSRC that an RTCP packet begins with; `None` if it is no RTCP packet.
/// [RFC 3550 §6.4.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1)
#[inline]
pub(crate) fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let [first, _, _, _, ssrc @ ..] = packet.first_chunk::<8>()?;
    (first >> 6 == 2 && packet.len() < MAX_PACKET).then_some(u32::from_be_bytes(*ssrc))
}

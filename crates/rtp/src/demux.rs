//! What arrives on a port that several protocols share.

/// What a datagram is, as far as its first two bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatagramKind {
    /// STUN, and so ICE.
    Stun,
    /// ZRTP.
    Zrtp,
    /// DTLS.
    Dtls,
    /// TURN channel data.
    TurnChannel,
    /// QUIC.
    Quic,
    /// RTP or SRTP.
    Rtp,
    /// RTCP or SRTCP.
    Rtcp,
    /// None of these; to be dropped.
    Unknown,
}

/// Tells protocols on one port apart.
///
/// The first byte decides ([RFC 7983 §7](https://www.rfc-editor.org/rfc/rfc7983#section-7), with QUIC
/// as in [RFC 9443 §3](https://www.rfc-editor.org/rfc/rfc9443#section-3)), and between RTP and RTCP the
/// second: RTCP's types from 192 to 223 are RTP payload types 64 to 95 with the marker set, which
/// nobody may use then ([RFC 5761 §4](https://www.rfc-editor.org/rfc/rfc5761#section-4)).
///
/// ```
/// use visavis_rtp::{DatagramKind, classify};
/// assert_eq!(classify(&[0x80, 200, 0, 6]), DatagramKind::Rtcp);
/// assert_eq!(classify(&[0x80, 111, 0, 6]), DatagramKind::Rtp);
/// ```
#[must_use]
pub const fn classify(datagram: &[u8]) -> DatagramKind {
    let &[first, ref rest @ ..] = datagram else { return DatagramKind::Unknown };
    match (first, rest) {
        (0..=3, _) => DatagramKind::Stun,
        (16..=19, _) => DatagramKind::Zrtp,
        (20..=63, _) => DatagramKind::Dtls,
        (64..=79, _) => DatagramKind::TurnChannel,
        (80..=127 | 192..=255, _) => DatagramKind::Quic,
        (128..=191, [192..=223, ..]) => DatagramKind::Rtcp,
        (128..=191, [_, ..]) => DatagramKind::Rtp,
        _ => DatagramKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_are_those_of_rfc_9443() {
        let kind = |first| classify(&[first, 96]);
        let ends = [
            (0, 3, DatagramKind::Stun),
            (4, 15, DatagramKind::Unknown),
            (16, 19, DatagramKind::Zrtp),
            (20, 63, DatagramKind::Dtls),
            (64, 79, DatagramKind::TurnChannel),
            (80, 127, DatagramKind::Quic),
            (128, 191, DatagramKind::Rtp),
            (192, 255, DatagramKind::Quic),
        ];
        for (first, last, expected) in ends {
            assert_eq!((kind(first), kind(last)), (expected, expected), "{first}..={last}");
        }
        assert_eq!(classify(&[]), DatagramKind::Unknown);
        assert_eq!(classify(&[0x80]), DatagramKind::Unknown);
    }

    #[test]
    fn the_second_byte_tells_rtcp() {
        for second in 0..=255 {
            let rtcp = (192..=223).contains(&second);
            let expected = if rtcp { DatagramKind::Rtcp } else { DatagramKind::Rtp };
            assert_eq!(classify(&[0x80, second]), expected, "{second}");
        }
    }
}

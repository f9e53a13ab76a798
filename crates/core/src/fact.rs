//! Neutral facts that pass between parts which don't know each other.
//!
//! `rtp` reads feedback from the wire and `congestion` reasons about it; `payload` classifies a packet
//! and `jitter` decides when its frame is complete. These types are all they share.

use crate::{DataSize, ExtSeq, Instant};

/// Which kind of media a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
}

/// The two bits of explicit congestion notification in the IP header.
///
/// [RFC 3168 §5](https://www.rfc-editor.org/rfc/rfc3168#section-5); ECT(1) as in
/// [RFC 9331 §4](https://www.rfc-editor.org/rfc/rfc9331#section-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Ecn {
    /// Not ECN-capable.
    #[default]
    NotEct = 0b00,
    /// ECN-capable, low latency, low loss and scalable throughput (L4S).
    Ect1 = 0b01,
    /// ECN-capable, classic.
    Ect0 = 0b10,
    /// Congestion experienced: a router marked the packet instead of dropping it.
    Ce = 0b11,
}

impl Ecn {
    /// From the two low bits of the traffic class; higher bits are ignored.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0b01 => Self::Ect1,
            0b10 => Self::Ect0,
            0b11 => Self::Ce,
            _ => Self::NotEct,
        }
    }

    /// The two bits as they stand in the IP header.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// What the receiver said of one packet that was sent.
///
/// `sent_at` is on the sender's clock and `arrived_at` on the receiver's: only differences within one
/// of them mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketReport {
    /// The transport-wide sequence number.
    pub seq: ExtSeq,
    /// When the packet left, on the sender's clock.
    pub sent_at: Instant,
    /// When it arrived, on the receiver's clock with an epoch of its own; `None` if it is lost as far
    /// as the receiver knows.
    pub arrived_at: Option<Instant>,
    /// Its size on the wire, all overhead included.
    pub size: DataSize,
    /// The ECN mark with which it arrived.
    pub ecn: Ecn,
}

/// What one packet says about the frame that it belongs to, whatever the payload format.
///
/// A payload format fills what its packets tell without state; the rest keeps its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FrameInfo {
    /// The packet is certainly the first of its frame.
    pub start: bool,
    /// The packet is certainly the last of its frame.
    pub end: bool,
    /// The packet shows that a decoder can start at its frame.
    pub keyframe: bool,
    /// No other frame refers to this one, so that it can be dropped.
    pub discardable: bool,
    /// Spatial layer, 0 is the base.
    pub spatial_layer: u8,
    /// Temporal layer, 0 is the base.
    pub temporal_layer: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecn_bits_are_those_of_the_ip_header() {
        for bits in 0..4 {
            assert_eq!(Ecn::from_bits(bits).bits(), bits);
        }
        assert_eq!(Ecn::from_bits(0b1011), Ecn::Ce);
    }
}

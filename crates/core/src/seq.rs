//! Sequence numbers on the wire and beyond their wrap.

use core::ops::{Add, Sub};

/// A sequence number as it stands in a packet: it wraps, so it has no order.
/// [RFC 3550 §5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seq(pub u16);

impl Seq {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// How many packets `self` is after `earlier`, taking the shorter way round.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

/// A sequence number that no longer wraps. Both the packets of one SSRC and those of a whole transport
/// are counted so; which of them it is, is said where it's used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtSeq(pub u64);

impl ExtSeq {
    /// As it stands in a packet.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the low 16 bits are the wire's")]
    pub const fn wire(self) -> Seq {
        Seq(self.0 as u16)
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Add<u64> for ExtSeq {
    type Output = Self;
    /// Saturates.
    fn add(self, packets: u64) -> Self {
        Self(self.0.saturating_add(packets))
    }
}

impl Sub for ExtSeq {
    type Output = i64;
    /// Packets from `earlier` to `self`.
    fn sub(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

/// Follows one stream's sequence numbers across their wraps.
///
/// Only for packets that are known to be genuine: a forged number would move the reference.
#[derive(Debug, Clone, Default)]
pub struct SeqUnwrapper {
    highest: Option<u64>,
}

impl SeqUnwrapper {
    /// Before the first number.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The extended number nearest to the highest so far. A late packet doesn't move the reference
    /// back, so a burst of old packets can't be taken for the future.
    pub fn unwrap(&mut self, seq: Seq) -> ExtSeq {
        let extended = self.peek(seq);
        self.highest = Some(self.highest.map_or(extended.0, |highest| highest.max(extended.0)));
        extended
    }

    /// What [`unwrap`](Self::unwrap) would give, without moving.
    #[must_use]
    pub fn peek(&self, seq: Seq) -> ExtSeq {
        // The first one starts one turn up, so that an earlier one that was overtaken fits below.
        let highest = self.highest.unwrap_or((1 << 16) | u64::from(seq.0));
        let step = seq.since(ExtSeq(highest).wire());
        ExtSeq(highest.saturating_add_signed(i64::from(step)))
    }

    /// The highest number so far.
    #[must_use]
    pub fn highest(&self) -> Option<ExtSeq> {
        self.highest.map(ExtSeq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_overtaken_first_packet_fits_below() {
        let mut unwrapper = SeqUnwrapper::new();
        let first = unwrapper.unwrap(Seq(2));
        assert_eq!(unwrapper.unwrap(Seq(65_534)) - first, -4);
        assert_eq!(unwrapper.unwrap(Seq(3)) - first, 1);
    }

    #[test]
    fn late_packets_do_not_move_the_reference() {
        let mut unwrapper = SeqUnwrapper::new();
        let first = unwrapper.unwrap(Seq(40_000));
        for late in (10_000..40_000).rev().step_by(1000) {
            assert!(unwrapper.unwrap(Seq(late)) < first);
        }
        assert_eq!(unwrapper.unwrap(Seq(40_001)) - first, 1);
    }

    proptest! {
        #[test]
        fn an_extended_number_keeps_its_wire_form(seqs in prop::collection::vec(any::<u16>(), 1..200)) {
            let mut unwrapper = SeqUnwrapper::new();
            for seq in seqs {
                let extended = unwrapper.unwrap(Seq(seq));
                if extended.0 != 0 {
                    prop_assert_eq!(extended.wire(), Seq(seq));
                }
            }
        }
    }
}

//! The clock of one media stream, as its RTP timestamps tell it.

use core::num::NonZeroU32;
use core::ops::{Add, Sub};
use core::time::Duration;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// How many ticks a second a media clock has; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockRate(NonZeroU32);

impl ClockRate {
    /// 48 kHz, whatever the rate of the sound. [RFC 7587 §4.1](https://www.rfc-editor.org/rfc/rfc7587#section-4.1)
    pub const OPUS: Self = Self(NonZeroU32::new(48_000).unwrap());
    /// 90 kHz, the clock of nearly every video payload format.
    pub const VIDEO: Self = Self(NonZeroU32::new(90_000).unwrap());

    /// `None` for 0.
    #[must_use]
    pub const fn new(hertz: u32) -> Option<Self> {
        match NonZeroU32::new(hertz) {
            Some(hertz) => Some(Self(hertz)),
            None => None,
        }
    }

    /// Ticks a second.
    #[must_use]
    pub const fn hertz(self) -> u32 {
        self.0.get()
    }

    /// How many ticks `duration` has, rounded to the nearest.
    #[must_use]
    pub fn ticks(self, duration: Duration) -> i64 {
        let nanos = duration.as_nanos() * u128::from(self.hertz());
        i64::try_from((nanos + NANOS_PER_SECOND / 2) / NANOS_PER_SECOND).unwrap_or(i64::MAX)
    }

    /// How long `ticks` last, to the nearest nanosecond and at most 584 years; nothing for a negative
    /// number.
    #[must_use]
    pub fn duration(self, ticks: i64) -> Duration {
        let rate = u128::from(self.hertz());
        let nanos = (u128::try_from(ticks).unwrap_or(0) * NANOS_PER_SECOND + rate / 2) / rate;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// A timestamp as it stands in a packet: it starts anywhere and wraps, so it has no order.
/// [RFC 3550 §5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RtpTimestamp(pub u32);

impl RtpTimestamp {
    /// The timestamp `ticks` later, or earlier when negative.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "timestamps are numbers modulo 2^32")]
    #[allow(clippy::cast_sign_loss, reason = "two's complement is what modulo 2^32 means")]
    pub const fn offset(self, ticks: i64) -> Self {
        Self(self.0.wrapping_add(ticks as u32))
    }

    /// How many ticks `self` is after `earlier`, taking the shorter way round.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

/// A timestamp that no longer wraps; only differences within one stream mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtTimestamp(pub u64);

impl ExtTimestamp {
    /// As it stands in a packet.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the low 32 bits are the wire's")]
    pub const fn wire(self) -> RtpTimestamp {
        RtpTimestamp(self.0 as u32)
    }
}

impl Add<i64> for ExtTimestamp {
    type Output = Self;
    /// Saturates at both ends.
    fn add(self, ticks: i64) -> Self {
        Self(self.0.saturating_add_signed(ticks))
    }
}

impl Sub for ExtTimestamp {
    type Output = i64;
    /// Ticks from `earlier` to `self`.
    fn sub(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

/// Follows one stream's timestamps across their wraps.
#[derive(Debug, Clone, Default)]
pub struct TimestampUnwrapper {
    last: Option<u64>,
}

impl TimestampUnwrapper {
    /// Before the first timestamp.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// The extended timestamp nearest to the last one.
    pub fn unwrap(&mut self, timestamp: RtpTimestamp) -> ExtTimestamp {
        let extended = self.peek(timestamp);
        self.last = Some(extended.0);
        extended
    }

    /// What [`unwrap`](Self::unwrap) would give, without moving.
    #[must_use]
    pub fn peek(&self, timestamp: RtpTimestamp) -> ExtTimestamp {
        // The first one starts one turn up, so that an earlier one that was overtaken fits below.
        let last = self.last.unwrap_or((1 << 32) | u64::from(timestamp.0));
        let step = timestamp.since(ExtTimestamp(last).wire());
        ExtTimestamp(last.saturating_add_signed(i64::from(step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wrap_continues_the_extended_time() {
        let mut unwrapper = TimestampUnwrapper::new();
        let first = unwrapper.unwrap(RtpTimestamp(u32::MAX - 10));
        assert_eq!(unwrapper.unwrap(RtpTimestamp(949)) - first, 960);
        assert_eq!(unwrapper.unwrap(RtpTimestamp(u32::MAX - 970)) - first, -960);
    }

    #[test]
    fn nothing_is_lost_at_90_khz() {
        assert_eq!(ClockRate::VIDEO.ticks(Duration::from_nanos(33_333_333)), 3000);
        assert_eq!(ClockRate::OPUS.duration(960), Duration::from_millis(20));
        assert_eq!(ClockRate::OPUS.duration(-1), Duration::ZERO);
        assert_eq!(ClockRate::new(0), None);
    }

    proptest! {
        #[test]
        fn an_extended_timestamp_keeps_its_wire_form(steps in prop::collection::vec(any::<i32>(), 1..50)) {
            let (mut unwrapper, mut wire) = (TimestampUnwrapper::new(), RtpTimestamp(7));
            for step in steps {
                wire = wire.offset(i64::from(step >> 1));
                let extended = unwrapper.unwrap(wire);
                if extended.0 != 0 {
                    prop_assert_eq!(extended.wire(), wire);
                }
            }
        }

        #[test]
        fn ticks_and_durations_agree(ticks in 0i64..1 << 33, hertz in 1u32..200_000) {
            let rate = ClockRate::new(hertz).unwrap();
            prop_assert_eq!(rate.ticks(rate.duration(ticks)), ticks);
        }
    }
}

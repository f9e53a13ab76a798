//! Monotonic and wall time: two domains that nothing mixes silently.

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point on the embedder's monotonic clock, in nanoseconds since an epoch of its choosing.
///
/// There is no `now()`: time is told with every call. Arithmetic saturates instead of panicking, since
/// it is done on values that came from the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The epoch.
    pub const ZERO: Self = Self(0);

    /// `nanos` after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// `micros` after the epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// `millis` after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Milliseconds since the epoch, with their fraction.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "2^53 ns are 104 days to the nanosecond")]
    pub const fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// How long after `earlier`; nothing if it isn't after.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Milliseconds from `other` to `self`, negative if `self` is the earlier one.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "differences are small")]
    pub const fn diff_millis(self, other: Self) -> f64 {
        if self.0 >= other.0 {
            (self.0 - other.0) as f64 / 1e6
        } else {
            -((other.0 - self.0) as f64 / 1e6)
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;
    /// Saturates at the end of time, 584 years after the epoch.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    /// Saturates at the epoch.
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

/// Wall time as NTP counts it: seconds since 1900 in 32.32 fixed point.
/// [RFC 3550 §4](https://www.rfc-editor.org/rfc/rfc3550#section-4)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Seconds from 1900 to 1970.
    const UNIX_EPOCH: u64 = 2_208_988_800;

    /// From the time since 1970, as `SystemTime` gives it. The era wraps in 2036.
    #[must_use]
    pub const fn from_unix(since_1970: Duration) -> Self {
        let seconds = since_1970.as_secs().wrapping_add(Self::UNIX_EPOCH);
        Self((seconds << 32) | fraction(since_1970.subsec_nanos()))
    }

    /// The middle 32 bits, as LSR and DLSR count: units of 1/65536 s, wrapping after 18 hours.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the middle is what is wanted")]
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// The time `duration` later, across the era if need be.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.wrapping_add((duration.as_secs() << 32) | fraction(duration.subsec_nanos())))
    }

    /// How long after `earlier`; nothing if it isn't after. Right across the end of an era,
    /// up to 68 years.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the fraction is below 10^9")]
    pub const fn since(self, earlier: Self) -> Duration {
        let units = self.0.wrapping_sub(earlier.0);
        if units.cast_signed() < 0 {
            return Duration::ZERO;
        }
        let nanos = ((units & 0xffff_ffff) * 1_000_000_000 + (1 << 31)) >> 32;
        Duration::from_secs(units >> 32).saturating_add(Duration::from_nanos(nanos))
    }
}

/// Nanoseconds below one second in units of 2^-32 s, rounded to the nearest.
const fn fraction(nanos: u32) -> u64 {
    (((nanos as u64) << 32) + 500_000_000) / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn time_saturates() {
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
        assert_eq!(Instant::from_nanos(u64::MAX) + Duration::MAX, Instant::from_nanos(u64::MAX));
        assert_eq!(Instant::ZERO.since(Instant::from_millis(1)), Duration::ZERO);
        assert!((Instant::ZERO.diff_millis(Instant::from_millis(3)) + 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_unix_epoch_is_70_years_into_the_ntp_era() {
        assert_eq!(NtpTime::from_unix(Duration::ZERO).0 >> 32, 2_208_988_800);
        assert_eq!(NtpTime(0xb705_2000_b705_0000).middle(), 0x2000_b705);
    }

    proptest! {
        #[test]
        fn ntp_keeps_nanoseconds(start: u64, nanos in 0u64..2_147_483_647_000_000_000) {
            let (start, step) = (NtpTime(start), Duration::from_nanos(nanos));
            prop_assert_eq!(start.plus(step).since(start), step);
        }
    }
}

//! Rates and sizes.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Sub, SubAssign};
use core::time::Duration;

/// Bits a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitrate(u64);

impl Bitrate {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// `bps` bits a second.
    #[must_use]
    pub const fn from_bps(bps: u64) -> Self {
        Self(bps)
    }

    /// `kbps` thousand bits a second.
    #[must_use]
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps.saturating_mul(1_000))
    }

    /// Bits a second.
    #[must_use]
    pub const fn bps(self) -> u64 {
        self.0
    }

    /// Thousands of bits a second, with their fraction.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
    pub const fn kbps_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// `factor` times as much; nothing for a negative factor or one that isn't a number.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub fn scale(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor) as u64)
    }

    /// How much passes in `duration`, whole bytes.
    #[must_use]
    pub fn over(self, duration: Duration) -> DataSize {
        let bits = u128::from(self.0) * duration.as_nanos() / 1_000_000_000;
        DataSize(u64::try_from(bits / 8).unwrap_or(u64::MAX))
    }

    /// How long `size` takes; [`Duration::MAX`] at no rate at all.
    #[must_use]
    pub fn time_for(self, size: DataSize) -> Duration {
        if self.0 == 0 {
            return if size.0 == 0 { Duration::ZERO } else { Duration::MAX };
        }
        let nanos = u128::from(size.0) * 8 * 1_000_000_000 / u128::from(self.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DataSize(u64);

impl DataSize {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `bytes` bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The length of a buffer.
    #[must_use]
    pub const fn of(buffer: &[u8]) -> Self {
        Self(buffer.len() as u64)
    }

    /// Bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0.saturating_mul(8)
    }

    /// The rate of this much in `duration`; nothing if that is no time at all.
    #[must_use]
    pub fn per(self, duration: Duration) -> Bitrate {
        let nanos = duration.as_nanos();
        if nanos == 0 {
            return Bitrate::ZERO;
        }
        let bps = u128::from(self.0) * 8 * 1_000_000_000 / nanos;
        Bitrate(u64::try_from(bps).unwrap_or(u64::MAX))
    }
}

macro_rules! saturating {
    ($unit:ty) => {
        impl Add for $unit {
            type Output = Self;
            /// Saturates.
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }
        impl AddAssign for $unit {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl Sub for $unit {
            type Output = Self;
            /// Saturates at nothing.
            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }
        impl SubAssign for $unit {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
        impl Sum for $unit {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self(0), Add::add)
            }
        }
    };
}

saturating!(Bitrate);
saturating!(DataSize);

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} kb/s", self.kbps_f64())
    }
}

impl fmt::Display for DataSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} B", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn rate_size_and_time_agree() {
        let (rate, size) = (Bitrate::from_kbps(800), DataSize::from_bytes(1000));
        assert_eq!(rate.time_for(size), Duration::from_millis(10));
        assert_eq!(rate.over(Duration::from_millis(10)), size);
        assert_eq!(size.per(Duration::from_millis(10)), rate);
    }

    #[test]
    fn the_ends_are_reached_not_passed() {
        assert_eq!(Bitrate::ZERO.time_for(DataSize::from_bytes(1)), Duration::MAX);
        assert_eq!(Bitrate::ZERO.time_for(DataSize::ZERO), Duration::ZERO);
        assert_eq!(DataSize::from_bytes(1).per(Duration::ZERO), Bitrate::ZERO);
        assert_eq!(Bitrate::from_bps(1) - Bitrate::from_kbps(1), Bitrate::ZERO);
        assert_eq!(Bitrate::from_kbps(1).scale(f64::NAN), Bitrate::ZERO);
    }

    #[test]
    fn a_person_can_read_them() {
        assert_eq!(format!("{}", Bitrate::from_bps(64_500)), "64.5 kb/s");
        assert_eq!(format!("{}", DataSize::from_bytes(12)), "12 B");
    }
}

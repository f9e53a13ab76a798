//! How much a peer may ask of a decoder.

use visavis_core::ConfigError;

use crate::DecodeError;

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_width`].
    #[error("pixels across")]
    Width,
    /// [`Limits::max_height`].
    #[error("pixels down")]
    Height,
    /// [`Limits::max_pixels`].
    #[error("pixels")]
    Pixels,
    /// [`Limits::max_bytes`].
    #[error("bytes")]
    Bytes,
}

/// The most that a decoder takes from its peer; beyond it is [`DecodeError::LimitExceeded`].
///
/// ```
/// use visavis_codec::{DecodeError, Limits};
///
/// let mut limits = Limits::default();
/// limits.max_width = 640;
/// assert!(limits.check_size(640, 360).is_ok());
/// assert!(matches!(limits.check_size(1280, 720), Err(DecodeError::LimitExceeded { .. })));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Pixels across; 4096.
    pub max_width: usize,
    /// Pixels down; 4096.
    pub max_height: usize,
    /// Pixels of a picture, so that neither wide nor high ones get too large; those of 4096×2304.
    pub max_pixels: usize,
    /// Bytes of one encoded frame; 4 MiB.
    pub max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_width: 4096, max_height: 4096, max_pixels: 4096 * 2304, max_bytes: 4 << 20 }
    }
}

impl Limits {
    /// The largest size in each direction that a [`Picture`](crate::Picture) may have, and so a limit.
    pub const LARGEST_SIDE: usize = 16_384;

    /// The largest frame that any of the codecs can be given.
    const LARGEST_FRAME: usize = 1 << 30;

    /// Whether these are limits at all; for constructors of decoders.
    ///
    /// # Errors
    ///
    /// For 0, for sides above [`LARGEST_SIDE`](Self::LARGEST_SIDE), and for frames above 1 GiB.
    pub fn check(&self) -> Result<(), ConfigError> {
        let sides = 1..=Self::LARGEST_SIDE;
        if !sides.contains(&self.max_width) {
            return Err(ConfigError::new("limits.max_width", "must be from 1 to 16384"));
        }
        if !sides.contains(&self.max_height) {
            return Err(ConfigError::new("limits.max_height", "must be from 1 to 16384"));
        }
        if !(1..=Self::LARGEST_SIDE * Self::LARGEST_SIDE).contains(&self.max_pixels) {
            return Err(ConfigError::new("limits.max_pixels", "must be from 1 to 16384 × 16384"));
        }
        if !(1..=Self::LARGEST_FRAME).contains(&self.max_bytes) {
            return Err(ConfigError::new("limits.max_bytes", "must be from 1 to 2^30"));
        }
        Ok(())
    }

    /// Whether a picture of this size is allowed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::LimitExceeded`] with the first limit that is exceeded.
    pub fn check_size(&self, width: usize, height: usize) -> Result<(), DecodeError> {
        within(Limit::Width, width, self.max_width)?;
        within(Limit::Height, height, self.max_height)?;
        within(Limit::Pixels, width.saturating_mul(height), self.max_pixels)
    }

    /// Whether an encoded frame of this many bytes is allowed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::LimitExceeded`] if it isn't.
    pub fn check_bytes(&self, bytes: usize) -> Result<(), DecodeError> {
        within(Limit::Bytes, bytes, self.max_bytes)
    }
}

fn within(limit: Limit, value: usize, max: usize) -> Result<(), DecodeError> {
    if value <= max { Ok(()) } else { Err(DecodeError::LimitExceeded { limit, value, max }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_told_by_name() {
        let limits = Limits { max_width: 10, max_height: 8, max_pixels: 60, max_bytes: 5 };
        assert_eq!(limits.check(), Ok(()));
        assert_eq!(limits.check_size(10, 6), Ok(()));
        let exceeded = |limit, value, max| Err(DecodeError::LimitExceeded { limit, value, max });
        assert_eq!(limits.check_size(11, 1), exceeded(Limit::Width, 11, 10));
        assert_eq!(limits.check_size(1, 9), exceeded(Limit::Height, 9, 8));
        assert_eq!(limits.check_size(10, 7), exceeded(Limit::Pixels, 70, 60));
        assert_eq!(limits.check_bytes(5), Ok(()));
        assert_eq!(limits.check_bytes(6), exceeded(Limit::Bytes, 6, 5));
    }

    #[test]
    fn limits_that_are_none_are_refused() {
        let good = Limits::default();
        assert_eq!(good.check(), Ok(()));
        assert!(Limits { max_width: 0, ..good }.check().is_err());
        assert!(Limits { max_height: 16_385, ..good }.check().is_err());
        assert!(Limits { max_pixels: 0, ..good }.check().is_err());
        assert!(Limits { max_bytes: usize::MAX, ..good }.check().is_err());
    }
}

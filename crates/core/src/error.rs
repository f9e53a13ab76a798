//! The two errors that mean the same in every crate.

/// The buffer is too short: call again with at least `needed` bytes. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the buffer is too short: {needed} bytes are needed")]
pub struct TooShort {
    /// How many bytes the buffer must hold.
    pub needed: usize,
}

/// A configuration that can't work, found when the object is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct ConfigError {
    /// The field of the configuration that is wrong.
    pub field: &'static str,
    /// What is wrong with it and what would be right, as the rest of a sentence: "must be above 0".
    pub problem: &'static str,
}

impl ConfigError {
    /// Says that `field` can't have the value that it has.
    #[must_use]
    pub const fn new(field: &'static str, problem: &'static str) -> Self {
        Self { field, problem }
    }
}

//! The one kind of error that a person can mend.

use std::path::Path;

/// The input can't be used: a wrong option, or a file that is missing, damaged or of another kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    /// `problem` in one sentence, without a full stop.
    #[must_use]
    pub fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    /// The file at `path` can't be used because of `problem`.
    #[must_use]
    pub fn file(path: &Path, problem: &anyhow::Error) -> Self {
        Self(format!("cannot use {}: {problem:#}", path.display()))
    }
}

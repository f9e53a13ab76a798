//! What can be wrong with bytes from outside, and with a packet to be written.

use visavis_core::TooShort;

/// What a peer sent isn't RTP or RTCP. The packet is to be dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Where it was noticed, in bytes from the start of what was parsed.
    pub offset: usize,
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    pub(crate) const fn truncated(offset: usize) -> Self {
        Self::new(ParseErrorKind::Truncated, offset)
    }

    /// The same error seen from `bytes` further out.
    pub(crate) const fn shifted(self, bytes: usize) -> Self {
        Self { offset: self.offset + bytes, ..self }
    }
}

/// The ways in which a packet can be malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// A length or count promises more bytes than there are.
    #[error("the packet ends early")]
    Truncated,
    /// The version isn't 2.
    #[error("the version is not 2")]
    Version,
    /// The padding count is 0 or exceeds what it could pad, or padding stands where none may be.
    #[error("the padding is wrong")]
    Padding,
    /// A compound packet doesn't start with a sender or receiver report.
    #[error("the compound packet does not start with a report")]
    NotAReport,
    /// A value that the specification reserves.
    #[error("a reserved value is used")]
    Reserved,
}

/// A packet can't be written as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The buffer is too short; nothing was changed.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// More than 15 contributing sources don't fit the header's count.
    #[error("a packet names at most 15 contributing sources")]
    TooManyCsrcs,
    /// An extension element exceeds 255 bytes, or all of them 65535 words.
    #[error("a header extension is too long")]
    ExtensionTooLong,
}

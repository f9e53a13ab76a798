//! Packets that are not wanted, and why.

/// A packet that was not taken; here it is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused<P> {
    /// The packet as it was given.
    pub packet: P,
    /// Why it isn't wanted.
    pub reason: RefuseReason,
}

/// Why a packet was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefuseReason {
    /// Its time has passed: what it carries was played, recovered, concealed or given up.
    #[error("the packet comes too late")]
    Late,
    /// It is held already.
    #[error("the packet is held already")]
    Duplicate,
    /// It says that it lasts no time at all, or over a second.
    #[error("the packet's length can't be right")]
    Length,
    /// There is no room for it.
    #[error("the buffer is full")]
    Full,
}

/// Why a packet that had been taken is given back without having been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscardReason {
    /// The stream began anew: a timestamp far from the others, or `reset`.
    Reset,
    /// It was jumped over, because the delay had grown beyond its maximum or the buffer overflowed.
    Skipped,
    /// Its frame can't be decoded, since one that it builds on is missing.
    Undecodable,
}

//! What can go wrong.

use visavis_core::TooShort;

/// Why there is no [`MasterKey`](crate::MasterKey).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key hasn't the length that its profile wants.
    #[error("the key is {got} bytes long, the profile wants {wanted}")]
    KeyLength {
        /// Bytes that were given.
        got: usize,
        /// [`Profile::key_len`](crate::Profile::key_len).
        wanted: usize,
    },
    /// The salt hasn't the length that its profile wants.
    #[error("the salt is {got} bytes long, the profile wants {wanted}")]
    SaltLength {
        /// Bytes that were given.
        got: usize,
        /// [`Profile::salt_len`](crate::Profile::salt_len).
        wanted: usize,
    },
    /// Key and salt together haven't the length that their profile wants.
    #[error("key and salt together are {got} bytes long, the profile wants {wanted}")]
    TotalLength {
        /// Bytes that were given.
        got: usize,
        /// The sum of the profile's lengths.
        wanted: usize,
    },
}

/// A name that is no profile's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown SRTP profile; known are AES_CM_128_HMAC_SHA1_80, AEAD_AES_128_GCM and \
     AEAD_AES_256_GCM, or their DTLS-SRTP names SRTP_AES128_CM_HMAC_SHA1_80, \
     SRTP_AEAD_AES_128_GCM and SRTP_AEAD_AES_256_GCM"
)]
pub struct UnknownProfile;

/// All of [`Config::max_streams`](crate::Config::max_streams) are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for another SSRC")]
pub struct TooManyStreams;

/// Why a packet wasn't protected. The sender's state is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectError {
    /// The buffer has no room for the packet and what is added to it.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// What stands in the buffer is no RTP or RTCP packet.
    #[error("not an RTP or RTCP packet")]
    Malformed,
    /// A packet with this sequence number was protected before, or so long ago that nobody knows.
    #[error("the sequence number was used before")]
    IndexReused,
    /// The key has protected as many packets of this stream as it may: 2^48, or 2^31 of RTCP.
    #[error("the key is used up")]
    KeyExhausted,
    /// See [`TooManyStreams`].
    #[error("no room for another SSRC")]
    TooManyStreams,
}

impl From<TooManyStreams> for ProtectError {
    fn from(_: TooManyStreams) -> Self {
        Self::TooManyStreams
    }
}

/// Why a packet wasn't let through. The receiver's state is as before, but for its counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnprotectError {
    /// Too short or otherwise no SRTP or SRTCP packet.
    #[error("not an SRTP or SRTCP packet")]
    Malformed,
    /// A packet with its number was let through before, or it is older than the window.
    #[error("replayed or too old")]
    Replayed,
    /// It isn't from somebody who has the key, or it is and was changed.
    #[error("not authentic")]
    Unauthenticated,
    /// It is authentic, but there is no room to follow its SSRC. See [`TooManyStreams`].
    #[error("no room for another SSRC")]
    TooManyStreams,
}

impl From<TooManyStreams> for UnprotectError {
    fn from(_: TooManyStreams) -> Self {
        Self::TooManyStreams
    }
}

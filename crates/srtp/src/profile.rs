//! Which ciphers protect a call.

use core::fmt;
use core::str::FromStr;

use crate::UnknownProfile;

/// A protection profile.
///
/// As text ([`Display`](fmt::Display)) it has the name of SDES, `AES_CM_128_HMAC_SHA1_80`; both that
/// and the name of DTLS-SRTP are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// AES-128 in counter mode with 80 bits of HMAC-SHA1: what every implementation has.
    /// [RFC 3711 §8.2](https://www.rfc-editor.org/rfc/rfc3711#section-8.2)
    AesCm128HmacSha1_80,
    /// AES-128 in Galois/counter mode. [RFC 7714 §12](https://www.rfc-editor.org/rfc/rfc7714#section-12)
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode. [RFC 7714 §12](https://www.rfc-editor.org/rfc/rfc7714#section-12)
    AeadAes256Gcm,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] =
        [Self::AesCm128HmacSha1_80, Self::AeadAes128Gcm, Self::AeadAes256Gcm];

    /// Bytes of the master key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of the master salt.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// By how many bytes an RTP packet grows, at its end.
    #[must_use]
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 10,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// By how many bytes an RTCP packet grows, at its end.
    #[must_use]
    pub const fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + 4
    }

    /// The name in an SDES offer.
    /// [RFC 4568 §6.2](https://www.rfc-editor.org/rfc/rfc4568#section-6.2),
    /// [RFC 7714 §14.2](https://www.rfc-editor.org/rfc/rfc7714#section-14.2)
    #[must_use]
    pub const fn sdes_name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The name in IANA's registry of DTLS-SRTP profiles.
    /// [RFC 5764 §4.1.2](https://www.rfc-editor.org/rfc/rfc5764#section-4.1.2),
    /// [RFC 7714 §14.2](https://www.rfc-editor.org/rfc/rfc7714#section-14.2)
    #[must_use]
    pub const fn dtls_name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
            Self::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.sdes_name())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    /// Reads [`sdes_name`](Self::sdes_name) or [`dtls_name`](Self::dtls_name), letter by letter.
    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        Self::ALL
            .into_iter()
            .find(|profile| name == profile.sdes_name() || name == profile.dtls_name())
            .ok_or(UnknownProfile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn both_names_are_read_and_others_are_not() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
            assert_eq!(profile.dtls_name().parse(), Ok(profile));
            assert!(UnknownProfile.to_string().contains(profile.sdes_name()));
            assert!(UnknownProfile.to_string().contains(profile.dtls_name()));
        }
        assert_eq!("AES_CM_128_HMAC_SHA1".parse::<Profile>(), Err(UnknownProfile));
        assert_eq!("".parse::<Profile>(), Err(UnknownProfile));
    }
}

//! Master keys and what is derived from them.

use core::fmt;

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Aes256Enc};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{KeyError, Profile};

/// The longest key of any profile.
const MAX_KEY: usize = 32;
/// The longest salt of any profile.
const MAX_SALT: usize = 14;
/// HMAC-SHA1 is keyed with 160 bits. [RFC 3711 §5.2](https://www.rfc-editor.org/rfc/rfc3711#section-5.2)
const HMAC_KEY: usize = 20;

/// The key and salt that two ends agreed on, for one direction. Wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    #[zeroize(skip)]
    profile: Profile,
    /// Only the first `profile.key_len()` bytes count.
    key: [u8; MAX_KEY],
    /// Zero behind `profile.salt_len()` bytes, as the derivation wants it.
    salt: [u8; MAX_SALT],
}

impl MasterKey {
    /// A key and salt of just the lengths that `profile` wants.
    ///
    /// # Errors
    ///
    /// Which of them has the wrong length.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        if key.len() != profile.key_len() {
            return Err(KeyError::KeyLength { got: key.len(), wanted: profile.key_len() });
        }
        if salt.len() != profile.salt_len() {
            return Err(KeyError::SaltLength { got: salt.len(), wanted: profile.salt_len() });
        }
        let mut master = Self { profile, key: [0; MAX_KEY], salt: [0; MAX_SALT] };
        master.key.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        master.salt.iter_mut().zip(salt).for_each(|(to, from)| *to = *from);
        Ok(master)
    }

    /// The key with the salt behind it, as `inline:` of SDES has it once its Base64 is decoded.
    /// [RFC 4568 §6.1](https://www.rfc-editor.org/rfc/rfc4568#section-6.1)
    ///
    /// # Errors
    ///
    /// If their length together isn't what `profile` wants.
    pub fn from_concatenated(profile: Profile, key_and_salt: &[u8]) -> Result<Self, KeyError> {
        let wanted = profile.key_len() + profile.salt_len();
        match key_and_salt.split_at_checked(profile.key_len()) {
            Some((key, salt)) if salt.len() == profile.salt_len() => Self::new(profile, key, salt),
            _ => Err(KeyError::TotalLength { got: key_and_salt.len(), wanted }),
        }
    }

    /// The profile that it is for.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Whether both are the same key for the same profile, found in constant time. Two senders or two
    /// receivers under one key would begin to count anew: keep the one there is.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let bytes = self.key.ct_eq(&other.key) & self.salt.ct_eq(&other.salt);
        self.profile == other.profile && bool::from(bytes)
    }

    /// The keys that protect packets.
    pub(crate) fn derive(&self, usage: Usage) -> DerivedKeys {
        let mut derived = DerivedKeys {
            encryption: [0; MAX_KEY],
            encryption_len: self.profile.key_len(),
            authentication: [0; HMAC_KEY],
            salt: [0; MAX_SALT],
        };
        let [encryption, authentication, salt] = usage.labels();
        let salt_len = self.profile.salt_len();
        self.expand(encryption, derived.encryption.iter_mut().take(derived.encryption_len));
        self.expand(authentication, derived.authentication.iter_mut());
        self.expand(salt, derived.salt.iter_mut().take(salt_len));
        derived
    }

    /// AES in counter mode as a pseudo-random function, with a key derivation rate of 0.
    /// [RFC 3711 §4.3.3](https://www.rfc-editor.org/rfc/rfc3711#section-4.3.3)
    fn expand<'a>(&self, label: u8, into: impl Iterator<Item = &'a mut u8>) {
        let mut counter = [0; 16];
        counter.iter_mut().zip(&self.salt).for_each(|(to, from)| *to = *from);
        let [.., label_at, _, _, _, _, _, _, _, _] = &mut counter;
        *label_at ^= label;
        let mut block = counter;
        for (at, to) in into.enumerate() {
            if at % 16 == 0 {
                #[allow(clippy::cast_possible_truncation, reason = "no key has 256 blocks")]
                let number = (at / 16) as u8;
                let [.., last] = &mut counter;
                *last = number;
                block = self.encrypt(counter);
            }
            *to = block.get(at % 16).copied().unwrap_or_default();
        }
        block.zeroize();
    }

    fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        let (key, _) = self.key.split_at(self.profile.key_len());
        // Each length fits one of them, since `new` checked it.
        if let Ok(aes) = Aes128Enc::new_from_slice(key) {
            aes.encrypt_block(&mut block);
        } else if let Ok(aes) = Aes256Enc::new_from_slice(key) {
            aes.encrypt_block(&mut block);
        }
        block.into()
    }
}

impl fmt::Debug for MasterKey {
    /// The profile alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// What a session key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    Rtp,
    Rtcp,
}

impl Usage {
    /// The labels of encryption, authentication and salt.
    /// [RFC 3711 §4.3.2](https://www.rfc-editor.org/rfc/rfc3711#section-4.3.2)
    const fn labels(self) -> [u8; 3] {
        match self {
            Self::Rtp => [0, 1, 2],
            Self::Rtcp => [3, 4, 5],
        }
    }
}

/// Session keys on their way into ciphers; wiped when dropped.
#[derive(ZeroizeOnDrop)]
pub(crate) struct DerivedKeys {
    encryption: [u8; MAX_KEY],
    #[zeroize(skip)]
    encryption_len: usize,
    authentication: [u8; HMAC_KEY],
    salt: [u8; MAX_SALT],
}

impl DerivedKeys {
    pub(crate) fn encryption(&self) -> &[u8] {
        self.encryption.split_at(self.encryption_len).0
    }

    pub(crate) const fn authentication(&self) -> &[u8; HMAC_KEY] {
        &self.authentication
    }

    /// Zeroes follow where the profile's salt is shorter.
    pub(crate) const fn salt(&self) -> &[u8; MAX_SALT] {
        &self.salt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_lengths_are_told() {
        let profile = Profile::AeadAes256Gcm;
        let wrong_key = MasterKey::new(profile, &[0; 16], &[0; 12]).unwrap_err();
        assert_eq!(wrong_key, KeyError::KeyLength { got: 16, wanted: 32 });
        let wrong_salt = MasterKey::new(profile, &[0; 32], &[0; 14]).unwrap_err();
        assert_eq!(wrong_salt, KeyError::SaltLength { got: 14, wanted: 12 });
        for got in [0, 30, 43, 45] {
            let wrong = MasterKey::from_concatenated(profile, &alloc::vec![0; got]).unwrap_err();
            assert_eq!(wrong, KeyError::TotalLength { got, wanted: 44 });
        }
    }
}

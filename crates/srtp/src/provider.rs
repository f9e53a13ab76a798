//! Where the ciphers come from.
//!
//! A [`Provider`] makes ciphers from session keys. It is a value that the caller may pass; without
//! one, [`default_provider`] is taken. Every provider gives the same bytes, so that one may be put in
//! another's place at any time.

use alloc::boxed::Box;
use core::fmt;

#[cfg(feature = "ring")]
mod ring;
mod rust_crypto;

#[cfg(feature = "ring")]
pub use ring::Ring;
pub use rust_crypto::RustCrypto;

/// Makes ciphers. What it doesn't have, it answers with `None`, and a sender or receiver that needs
/// it can't be made with this provider.
pub trait Provider: fmt::Debug + Send + Sync {
    /// AES-GCM with a tag of 16 bytes; `key` is 16 or 32 bytes long.
    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn Aead>>;

    /// AES in counter mode; `key` is 16 or 32 bytes long.
    fn aes_ctr(&self, key: &[u8]) -> Option<Box<dyn StreamCipher>>;

    /// HMAC-SHA1; `key` is 20 bytes long.
    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn Mac>>;
}

/// A cipher that authenticates too, with its key in it.
pub trait Aead: Send + Sync {
    /// Encrypts all of `body` but its last 16 bytes in place, and writes the tag over these.
    /// A `body` below 16 bytes stays as it is.
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8]);

    /// Decrypts all of `body` but its last 16 bytes in place, if they are the right tag; says whether
    /// they are. After a `false`, `body` may hold anything but the plain text.
    #[must_use]
    fn open(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8]) -> bool;
}

/// A cipher that is a stream of bytes to be XORed, with its key in it.
pub trait StreamCipher: Send + Sync {
    /// Encrypts or decrypts `data` in place, with `iv` as the first counter block.
    fn apply(&self, iv: &[u8; 16], data: &mut [u8]);
}

/// A message authentication code of 160 bits, with its key in it.
pub trait Mac: Send + Sync {
    /// The code of `message` with `trailer` behind it.
    fn tag(&self, message: &[u8], trailer: &[u8]) -> [u8; 20];
}

/// For each cipher the fastest provider that is compiled in.
///
/// Measured on x86-64 with AES and SHA instructions: `ring` for AES-GCM where the feature `ring` is
/// on, RustCrypto for the rest.
#[must_use]
pub fn default_provider() -> &'static dyn Provider {
    &Fastest
}

#[derive(Debug)]
struct Fastest;

impl Provider for Fastest {
    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn Aead>> {
        #[cfg(feature = "ring")]
        let provider = Ring;
        #[cfg(not(feature = "ring"))]
        let provider = RustCrypto;
        provider.aes_gcm(key)
    }

    fn aes_ctr(&self, key: &[u8]) -> Option<Box<dyn StreamCipher>> {
        RustCrypto.aes_ctr(key)
    }

    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn Mac>> {
        RustCrypto.hmac_sha1(key)
    }
}

//! Ciphers of the crate `ring`.

use alloc::boxed::Box;

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

use super::{Aead, Mac, Provider, StreamCipher};

/// AES-GCM and HMAC-SHA1 of `ring`, which is C and assembly; it has no counter mode.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ring;

impl Provider for Ring {
    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn Aead>> {
        let algorithm =
            if key.len() == AES_128_GCM.key_len() { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, key).ok()?;
        Some(Box::new(Gcm(LessSafeKey::new(key))))
    }

    fn aes_ctr(&self, _: &[u8]) -> Option<Box<dyn StreamCipher>> {
        None
    }

    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn Mac>> {
        Some(Box::new(Hmac(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key))))
    }
}

/// "Less safe" since its caller answers for the nonces: here the packet index, see `Streams`.
struct Gcm(LessSafeKey);

impl Aead for Gcm {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8]) {
        let Some((text, tag)) = body.split_last_chunk_mut::<16>() else {
            return;
        };
        let nonce = Nonce::assume_unique_for_key(*nonce);
        // Fails only above 64 GiB.
        let sealed = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), text);
        if let Some(sealed) = sealed.ok().and_then(|sealed| sealed.as_ref().try_into().ok()) {
            *tag = sealed;
        }
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8]) -> bool {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_in_place(nonce, Aad::from(aad), body).is_ok()
    }
}

struct Hmac(hmac::Key);

impl Mac for Hmac {
    fn tag(&self, message: &[u8], trailer: &[u8]) -> [u8; 20] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(message);
        context.update(trailer);
        context.sign().as_ref().try_into().unwrap_or_default()
    }
}

//! Ciphers of the RustCrypto project.

use alloc::boxed::Box;

use aes::cipher::{
    BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCoreWrapper,
};
use aes::cipher::{StreamCipher as _, consts::U16};
use aes::{Aes128Enc, Aes256Enc};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::Mac as _;
use sha1::Sha1;

use super::{Aead, Mac, Provider, StreamCipher};

/// All ciphers in pure Rust, with the processor's instructions for AES and SHA where it has them.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustCrypto;

impl Provider for RustCrypto {
    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn Aead>> {
        if let Ok(cipher) = Aes128Gcm::new_from_slice(key) {
            return Some(Box::new(Gcm(cipher)));
        }
        Some(Box::new(Gcm(Aes256Gcm::new_from_slice(key).ok()?)))
    }

    fn aes_ctr(&self, key: &[u8]) -> Option<Box<dyn StreamCipher>> {
        if let Ok(cipher) = Aes128Enc::new_from_slice(key) {
            return Some(Box::new(Ctr(cipher)));
        }
        Some(Box::new(Ctr(Aes256Enc::new_from_slice(key).ok()?)))
    }

    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn Mac>> {
        Some(Box::new(Hmac(hmac::Hmac::new_from_slice(key).ok()?)))
    }
}

struct Gcm<C>(C);

impl<C> Aead for Gcm<C>
where
    C: AeadInOut<NonceSize = aes::cipher::consts::U12, TagSize = U16> + Send + Sync,
{
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8]) {
        let Some((text, tag)) = body.split_last_chunk_mut::<16>() else {
            return;
        };
        // Fails only above 64 GiB.
        if let Ok(sealed) = self.0.encrypt_inout_detached(nonce.into(), aad, text.into()) {
            *tag = sealed.into();
        }
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8]) -> bool {
        let Some((text, tag)) = body.split_last_chunk_mut::<16>() else {
            return false;
        };
        self.0.decrypt_inout_detached(nonce.into(), aad, text.into(), (&*tag).into()).is_ok()
    }
}

/// With the key schedule made once, not for each packet.
struct Ctr<C>(C);

impl<C> StreamCipher for Ctr<C>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync,
{
    fn apply(&self, iv: &[u8; 16], data: &mut [u8]) {
        let core = CtrCore::<&C, Ctr128BE>::inner_iv_init(&self.0, iv.into());
        StreamCipherCoreWrapper::from_core(core).apply_keystream(data);
    }
}

struct Hmac(hmac::Hmac<Sha1>);

impl Mac for Hmac {
    fn tag(&self, message: &[u8], trailer: &[u8]) -> [u8; 20] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.update(trailer);
        mac.finalize().into_bytes().into()
    }
}

//! The bare cipher, in place: what is left when nothing is looked up, guessed or remembered. For each
//! profile the fastest one that we know.

use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, Mac};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha1::Sha1;
use visavis_srtp::Profile;

use super::{Case, Direction, HEADER, contestant, material};
use crate::Contestant;

/// Ring's AES-GCM, or RustCrypto's AES and HMAC-SHA1 with their key schedules made once.
#[must_use]
pub fn raw(case: Case) -> Contestant<'static> {
    match case.profile {
        Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => gcm(case),
        _ => ctr_hmac(case),
    }
}

const SALT: u128 = 0x0102_0304_0506_0708_090a_0b0c_0d0e << 16;

/// The first counter block, with a rollover counter of 0.
fn iv(packet: &[u8]) -> [u8; 16] {
    let header: &[u8; HEADER] = packet.first_chunk().expect("every packet has a header");
    let [_, _, s0, s1, .., a, b, c, d] = *header;
    let (ssrc, seq) = (u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([s0, s1]));
    (SALT ^ (u128::from(ssrc) << 64) ^ (u128::from(seq) << 16)).to_be_bytes()
}

fn nonce(packet: &[u8]) -> Nonce {
    let [_, _, nonce @ .., _, _] = iv(packet);
    Nonce::assume_unique_for_key(nonce)
}

fn gcm(case: Case) -> Contestant<'static> {
    let (key, _) = material(case.profile);
    let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let key = move || LessSafeKey::new(UnboundKey::new(algorithm, &key).expect("a length of AES"));
    let len = case.size;
    let seal = move |key: &mut LessSafeKey, packet: &mut [u8]| {
        let nonce = nonce(packet);
        let (header, body) = packet.split_at_mut(HEADER);
        let (text, tag) = body.split_at_mut(len);
        let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(header), text);
        tag.copy_from_slice(sealed.expect("a short text").as_ref());
    };
    let mut first = key();
    let packets = case.packets(|packet| seal(&mut first, packet));
    match case.direction {
        Direction::Protect => contestant(packets, key, seal),
        Direction::Unprotect => contestant(packets, key, |key, packet| {
            let nonce = nonce(packet);
            let (header, body) = packet.split_at_mut(HEADER);
            assert!(key.open_in_place(nonce, Aad::from(header), body).is_ok());
        }),
    }
}

type Keys = (Aes128Enc, Hmac<Sha1>);

fn ctr_hmac(case: Case) -> Contestant<'static> {
    let (key, _) = material(case.profile);
    let keys = move || -> Keys {
        let aes = Aes128Enc::new_from_slice(&key).expect("the length of AES-128");
        (aes, Hmac::new_from_slice(&[5; 20]).expect("any length will do"))
    };
    let len = case.plain_len();
    let protect = move |(aes, mac): &mut Keys, packet: &mut [u8]| {
        let iv = iv(packet);
        let (message, tag) = packet.split_at_mut(len);
        stream(aes, iv, message);
        tag.copy_from_slice(code(mac, message).first_chunk::<10>().expect("of 20 bytes"));
    };
    let mut first = keys();
    let packets = case.packets(|packet| protect(&mut first, packet));
    match case.direction {
        Direction::Protect => contestant(packets, keys, protect),
        Direction::Unprotect => contestant(packets, keys, move |(aes, mac), packet| {
            let iv = iv(packet);
            let (message, tag) = packet.split_at_mut(len);
            assert!(code(mac, message).starts_with(tag));
            stream(aes, iv, message);
        }),
    }
}

fn stream(aes: &Aes128Enc, iv: [u8; 16], message: &mut [u8]) {
    let core = CtrCore::<&Aes128Enc, Ctr128BE>::inner_iv_init(aes, &iv.into());
    let payload = message.get_mut(HEADER..).expect("every packet has a header");
    StreamCipherCoreWrapper::from_core(core).apply_keystream(payload);
}

fn code(mac: &Hmac<Sha1>, message: &[u8]) -> [u8; 20] {
    let mut mac = mac.clone();
    mac.update(message);
    mac.update(&[0; 4]);
    mac.finalize().into_bytes().into()
}

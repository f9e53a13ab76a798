//! [RFC 7714 §16](https://www.rfc-editor.org/rfc/rfc7714#section-16)

use super::{hex, providers};
use crate::Profile::{self, AeadAes128Gcm, AeadAes256Gcm};
use crate::session_key::SessionKey;

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SALT: &str = "51756964 2070726f 2071756f";
const PLAIN: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
                     69736120 696e2070 61727465 73207472 6573";
const SSRC: u32 = 0x5501_a0b2;
const INDEX: u64 = 0xf17b;
/// With its salt the initialisation vector of every case.
const IV: &str = "51753c65 80c2726f 20718414";

fn check(profile: Profile, key: &str, protected: &str) {
    let (plain, protected) = (hex(PLAIN), hex(protected));
    for provider in providers() {
        let key = SessionKey::from_parts(profile, &hex(key), &[], &hex(SALT), provider).unwrap();
        let mut packet = plain.clone();
        packet.resize(protected.len(), 0);
        key.seal_rtp(SSRC, INDEX, 12, &mut packet);
        assert_eq!(packet, protected, "{provider:?}");
        assert!(key.open_rtp(SSRC, INDEX, 12, &mut packet), "{provider:?}");
        assert_eq!(packet[..plain.len()], plain, "{provider:?}");
    }
}

/// The whole packet is associated data, nothing is encrypted.
fn check_tag_only(key: &str, tag: &str) {
    let (plain, tag, iv) = (hex(PLAIN), hex(tag), hex(IV).try_into().unwrap());
    for provider in providers() {
        let aead = provider.aes_gcm(&hex(key)).unwrap();
        let mut body = [0; 16];
        aead.seal(&iv, &plain, &mut body);
        assert_eq!(body[..], tag, "{provider:?}");
        assert!(aead.open(&iv, &plain, &mut body), "{provider:?}");
    }
}

#[test]
fn section_16_1_1_and_2() {
    check(
        AeadAes128Gcm,
        KEY_128,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
         0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
    );
}

#[test]
fn section_16_1_3_and_4() {
    check_tag_only(KEY_128, "22493f82 d2bce397 e9d79e3b 19aa4216");
}

#[test]
fn section_16_2_1_and_2() {
    check(
        AeadAes256Gcm,
        KEY_256,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
         9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
    );
}

#[test]
fn section_16_2_3_and_4() {
    check_tag_only(KEY_256, "a866d591 0f887463 067ceefe c45215d4");
}

//! [RFC 7714 §17](https://www.rfc-editor.org/rfc/rfc7714#section-17)

use super::{hex, providers};
use crate::Profile::{self, AeadAes128Gcm, AeadAes256Gcm};
use crate::session_key::SessionKey;

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SALT: &str = "51756964 2070726f 2071756f";
const PLAIN: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
                     deadbeef deadbeef deadbeef deadbeef deadbeef";
const SSRC: u32 = 0x4d61_7273;
const INDEX: u32 = 0x5d4;

fn check(profile: Profile, key: &str, protected: &str, encrypted: bool) {
    let (plain, protected) = (hex(PLAIN), hex(protected));
    for provider in providers() {
        let key = SessionKey::from_parts(profile, &hex(key), &[], &hex(SALT), provider).unwrap();
        let mut packet = protected.clone();
        assert_eq!(key.rtcp_index(&packet), INDEX);
        assert!(key.open_rtcp(SSRC, &mut packet), "{provider:?}");
        assert_eq!(packet[..plain.len()], plain, "{provider:?}");
        if encrypted {
            key.seal_rtcp(SSRC, INDEX, &mut packet);
            assert_eq!(packet, protected, "{provider:?}");
        }
    }
}

#[test]
fn section_17_1() {
    check(
        AeadAes128Gcm,
        KEY_128,
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
         c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872
         45d9eade 800005d4",
        true,
    );
}

#[test]
fn section_17_2() {
    check(
        AeadAes256Gcm,
        KEY_256,
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
         a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c
         b26ac3be 800005d4",
        true,
    );
}

#[test]
fn section_17_3() {
    check(
        AeadAes128Gcm,
        KEY_128,
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
         deadbeef deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790
         125f62b3 000005d4",
        false,
    );
}

#[test]
fn section_17_4() {
    check(
        AeadAes256Gcm,
        KEY_256,
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
         deadbeef deadbeef deadbeef deadbeef deadbeef 91db4afb feee5a97 8fab4393
         ed2615fe 000005d4",
        false,
    );
}

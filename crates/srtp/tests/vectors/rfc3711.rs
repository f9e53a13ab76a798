//! [RFC 3711 appendix B](https://www.rfc-editor.org/rfc/rfc3711#appendix-B)

use super::{hex, providers};
use crate::key::Usage;
use crate::{Config, MasterKey, Profile, Receiver, Sender};

const MASTER_KEY: &str = "E1F97A0D3E018BE0D64FA32C06DE4139";
const MASTER_SALT: &str = "0EC675AD498AFEEBB6960B3AABE6";

fn master() -> MasterKey {
    MasterKey::new(Profile::AesCm128HmacSha1_80, &hex(MASTER_KEY), &hex(MASTER_SALT)).unwrap()
}

/// [B.2](https://www.rfc-editor.org/rfc/rfc3711#appendix-B.2)
#[test]
fn b2_counter_mode_key_stream() {
    let key = hex("2B7E151628AED2A6ABF7158809CF4F3C");
    let iv = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
    for provider in providers() {
        let Some(cipher) = provider.aes_ctr(&key) else {
            continue;
        };
        let mut stream = alloc::vec![0; 16 * 0xff02];
        cipher.apply(&iv, &mut stream);
        for (block, expected) in [
            (0x0000, "E03EAD0935C95E80E166B16DD92B4EB4"),
            (0x0001, "D23513162B02D0F72A43A2FE4A5F97AB"),
            (0x0002, "41E95B3BB0A2E8DD477901E4FCA894C0"),
            (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
            (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
            (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
        ] {
            assert_eq!(stream[16 * block..16 * (block + 1)], hex(expected), "{provider:?} {block}");
        }
    }
}

/// [B.3](https://www.rfc-editor.org/rfc/rfc3711#appendix-B.3)
#[test]
fn b3_key_derivation() {
    let keys = master().derive(Usage::Rtp);
    assert_eq!(keys.encryption(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(keys.salt()[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(keys.authentication()[..], hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

/// The RFC has no whole packet; this one is that of libsrtp's self-test.
#[test]
fn a_packet_as_libsrtp_protects_it() {
    let plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
    let protected =
        hex("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");
    let mut buffer = plain.clone();
    buffer.resize(protected.len(), 0);
    let mut sender = Sender::new(&master(), Config::default()).unwrap();
    assert_eq!(sender.protect_rtp(&mut buffer, plain.len()), Ok(protected.len()));
    assert_eq!(buffer, protected);
    let mut receiver = Receiver::new(&master(), Config::default()).unwrap();
    assert_eq!(receiver.unprotect_rtp(&mut buffer), Ok(plain.len()));
    assert_eq!(buffer[..plain.len()], plain);
}

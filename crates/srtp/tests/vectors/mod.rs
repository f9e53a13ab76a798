//! The RFCs' own test vectors. They give session keys, which the public face never takes, so these
//! files are compiled into the crate's unit tests; each vector runs over every provider.

use alloc::vec::Vec;

use crate::provider::{Provider, RustCrypto, default_provider};

mod rfc3711;
mod rfc7714_srtcp;
mod rfc7714_srtp;

/// From hexadecimal digits, spaces allowed.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn providers() -> impl Iterator<Item = &'static dyn Provider> {
    #[cfg(feature = "ring")]
    let ring: Option<&'static dyn Provider> = Some(&crate::provider::Ring);
    #[cfg(not(feature = "ring"))]
    let ring = None;
    [default_provider(), &RustCrypto].into_iter().chain(ring)
}

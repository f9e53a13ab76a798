//! Numbers in groups of seven bits, the lowest first.
//! [AV1 §4.10.5](https://aomediacodec.github.io/av1-spec/#leb128)

/// At most this many bytes.
pub(super) const MAX: usize = 8;

/// The number at the front and what follows it. `None` if it is cut off, has more than 8 bytes, or is
/// above 2^32 - 1. Leading zeros are allowed, and some encoders write them.
pub(super) fn read(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(MAX) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((usize::try_from(value).ok()?, bytes.get(index + 1..)?));
        }
    }
    None
}

/// How many bytes the number takes.
pub(super) const fn len(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    if bits == 0 { 1 } else { bits.div_ceil(7) as usize }
}

/// The number in as few bytes as it takes.
pub(super) struct Leb128 {
    bytes: [u8; 10],
    len: usize,
}

impl Leb128 {
    #[allow(clippy::cast_possible_truncation, reason = "seven bits at a time are what is wanted")]
    pub(super) fn new(mut value: usize) -> Self {
        let (mut bytes, len) = ([0; 10], len(value));
        for (index, byte) in bytes.iter_mut().enumerate().take(len) {
            let more = if index + 1 < len { 0x80 } else { 0 };
            *byte = (value & 0x7f) as u8 | more;
            value >>= 7;
        }
        Self { bytes, len }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_of_bytes_changes_where_seven_bits_are_full() {
        for (value, bytes) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (16_383, &[0xff, 0x7f]),
            (16_384, &[0x80, 0x80, 0x01]),
            (0xffff_ffff, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            assert_eq!(Leb128::new(value).as_bytes(), bytes);
            assert_eq!(read(bytes), Some((value, &[][..])));
            assert_eq!(len(value), bytes.len());
        }
    }

    #[test]
    fn what_is_too_long_too_large_or_cut_off_is_refused() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0x80]), None);
        assert_eq!(read(&[0x80, 0x80, 0x80, 0x80, 0x10]), None, "2^32");
        assert_eq!(read(&[0xff; 16]), None);
        assert_eq!(read(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), None, "9 bytes");
        assert_eq!(read(&[0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 7]), Some((1, &[7][..])));
    }

    proptest! {
        #[test]
        fn a_number_comes_back(value: u32, tail in prop::collection::vec(any::<u8>(), 0..9)) {
            let number = Leb128::new(value as usize);
            let bytes = [number.as_bytes(), &tail].concat();
            prop_assert_eq!(read(&bytes), Some((value as usize, &tail[..])));
        }
    }
}

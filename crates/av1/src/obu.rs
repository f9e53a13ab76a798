//! What a temporal unit holds, as far as a decoder's guard must know.

/// OBU types, [AV1 §6.2.2](https://aomediacodec.github.io/av1-spec/#obu-header-semantics).
mod kind {
    pub(super) const SEQUENCE_HEADER: u8 = 1;
    pub(super) const FRAME_HEADER: u8 = 3;
    pub(super) const FRAME: u8 = 6;
}

/// What [`scan`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Contents {
    /// A decoder can start here: keyframes, and only they, come with a sequence header.
    /// [AV1 §7.5](https://aomediacodec.github.io/av1-spec/#ordering-of-obus)
    pub(crate) sequence_header: bool,
    /// There is a frame, or one to be shown again.
    pub(crate) frame: bool,
}

/// Looks through the OBUs of a temporal unit in low-overhead format. `None` if they don't fit together.
/// [AV1 §5.3](https://aomediacodec.github.io/av1-spec/#obu-syntax)
pub(crate) fn scan(mut data: &[u8]) -> Option<Contents> {
    let mut contents = Contents::default();
    while let Some((&header, rest)) = data.split_first() {
        if header & 0x80 != 0 {
            return None; // obu_forbidden_bit
        }
        let (has_extension, has_size) = (header & 0x04 != 0, header & 0x02 != 0);
        let rest = rest.get(usize::from(has_extension)..)?;
        let after = if has_size {
            let (size, rest) = leb128(rest)?;
            rest.get(size..)?
        } else {
            &[] // The last one may go without its size.
        };
        match header >> 3 & 0x0f {
            kind::SEQUENCE_HEADER => contents.sequence_header = true,
            kind::FRAME_HEADER | kind::FRAME => contents.frame = true,
            _ => {}
        }
        data = after;
    }
    Some(contents)
}

/// [AV1 §4.10.5](https://aomediacodec.github.io/av1-spec/#leb128)
fn leb128(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in data.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let size = u32::try_from(value).ok()?;
            return Some((usize::try_from(size).ok()?, data.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn obus_are_told_apart() {
        let with = |sequence_header, frame| Some(Contents { sequence_header, frame });
        assert_eq!(scan(&[]), with(false, false));
        assert_eq!(scan(&[0x12, 0]), with(false, false));
        assert_eq!(scan(&[0x12, 0, 0x0a, 2, 7, 7, 0x32, 1, 9]), with(true, true));
        // A frame header with an extension, and the last OBU without a size.
        assert_eq!(scan(&[0x1e, 0x20, 1, 9, 0x30, 1, 2, 3]), with(false, true));
    }

    #[test]
    fn what_does_not_fit_together_is_told() {
        assert_eq!(scan(&[0x92, 0]), None);
        assert_eq!(scan(&[0x12]), None);
        assert_eq!(scan(&[0x12, 3, 0, 0]), None);
        assert_eq!(scan(&[0x16]), None);
        assert_eq!(scan(&[0x12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]), None);
        assert_eq!(scan(&[0x12, 0xff, 0xff, 0xff, 0xff, 0x7f]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
        #[test]
        fn nothing_panics(data in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = scan(&data);
        }
    }
}

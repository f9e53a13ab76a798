//! What an access unit holds, as far as a decoder's guard must know.

/// NAL unit types, [ITU-T H.264 table 7-1](https://www.itu.int/rec/T-REC-H.264).
mod kind {
    pub(super) const SLICE: u8 = 1;
    pub(super) const PARTITION_A: u8 = 2;
    pub(super) const IDR: u8 = 5;
    pub(super) const SPS: u8 = 7;
    pub(super) const SUBSET_SPS: u8 = 15;
}

/// What [`scan`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Contents {
    /// There is at least one NAL unit.
    pub(crate) any: bool,
    /// There is a slice of a picture.
    pub(crate) slice: bool,
    /// There is a slice of a picture at which a decoder can start.
    pub(crate) idr: bool,
}

/// Looks through an access unit in Annex B byte stream format, and shows each sequence parameter set (without
/// its NAL header) to `on_sps`, which may end it all.
pub(crate) fn scan<E>(
    data: &[u8],
    mut on_sps: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Contents, E> {
    let mut contents = Contents::default();
    for nal in NalUnits::new(data) {
        let Some((header, body)) = nal.split_first() else { continue };
        contents.any = true;
        match header & 0x1f {
            kind::SLICE | kind::PARTITION_A => contents.slice = true,
            kind::IDR => {
                contents.slice = true;
                contents.idr = true;
            }
            kind::SPS | kind::SUBSET_SPS => on_sps(body)?,
            _ => {}
        }
    }
    Ok(contents)
}

/// The NAL units between start codes, with any zero bytes that trail them.
/// [ITU-T H.264 B.1](https://www.itu.int/rec/T-REC-H.264)
struct NalUnits<'a> {
    /// What follows the start code that was found last; nothing at the end.
    rest: Option<&'a [u8]>,
}

impl<'a> NalUnits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { rest: start_code(data).and_then(|at| data.get(at + 3..)) }
    }
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let end = start_code(rest);
        self.rest = end.and_then(|at| rest.get(at + 3..));
        rest.get(..end.unwrap_or(rest.len()))
    }
}

/// Where the next 00 00 01 begins.
fn start_code(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(&[a, b, c]) = data.get(at..at + 3) {
        match c {
            1 if a == 0 && b == 0 => return Some(at),
            0 => at += 1,
            // Neither this byte nor the two before can be in a start code that begins here or next.
            _ => at += 3,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn units(data: &[u8]) -> Vec<&[u8]> {
        NalUnits::new(data).collect()
    }

    #[test]
    fn units_lie_between_start_codes() {
        assert_eq!(units(&[9, 0, 0, 1, 5, 6, 0, 0, 1, 7]), [&[5, 6][..], &[7]]);
        // A zero_byte before a start code stays with the unit before.
        assert_eq!(units(&[0, 0, 0, 1, 5, 0, 0, 0, 1]), [&[5, 0][..], &[]]);
        assert_eq!(units(&[0, 0]), [&[][..]; 0]);
        assert_eq!(units(&[]), [&[][..]; 0]);
    }

    #[test]
    fn the_kinds_are_told_apart() {
        let seen = |data: &[u8]| scan(data, |_| Ok::<_, ()>(())).unwrap();
        let with = |any, slice, idr| Contents { any, slice, idr };
        assert_eq!(seen(&[0, 0, 1, 0x65]), with(true, true, true));
        assert_eq!(seen(&[0, 0, 1, 0x41]), with(true, true, false));
        assert_eq!(seen(&[0, 0, 1, 0x67, 1, 0, 0, 1, 0x68]), with(true, false, false));
        assert_eq!(seen(&[1, 2, 3]), Contents::default());
        assert_eq!(scan(&[0, 0, 1, 0x67, 8, 9], |sps| Err::<(), _>(sps.to_vec())), Err(vec![8, 9]));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
        #[test]
        fn start_codes_are_found_where_a_plain_search_finds_them(
            data in prop::collection::vec(prop::sample::select(&[0u8, 0, 0, 1, 1, 2, 3][..]), 0..60),
        ) {
            prop_assert_eq!(start_code(&data), data.windows(3).position(|three| three == [0, 0, 1]));
        }
    }
}

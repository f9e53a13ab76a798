//! Big-endian reads that can't panic. Lengths are checked before; beyond the end there are zeros.

/// The two bytes at `at`.
#[inline]
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u16::from_be_bytes(*b))
}

/// The four bytes at `at`.
#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_be_bytes(*b))
}

/// The eight bytes at `at`.
#[inline]
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u64::from_be_bytes(*b))
}

/// Overwrites the bytes at `at`; `false` if they aren't all there.
#[inline]
pub(crate) fn put_at(bytes: &mut [u8], at: usize, value: &[u8]) -> bool {
    let slot = at.checked_add(value.len()).and_then(|end| bytes.get_mut(at..end));
    slot.map(|slot| slot.copy_from_slice(value)).is_some()
}

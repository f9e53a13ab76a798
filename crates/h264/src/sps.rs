//! The size that a sequence parameter set asks memory for.

/// Width and height in whole macroblocks, before cropping; `None` if it can't be read, and then OpenH264
/// won't read it either.
///
/// `sps` is the NAL unit without its header.
/// [ITU-T H.264 7.3.2.1.1](https://www.itu.int/rec/T-REC-H.264)
pub(crate) fn coded_size(sps: &[u8]) -> Option<(usize, usize)> {
    let mut bits = Bits { bytes: sps, at: 0, zeros: 0, byte: 0, left: 0 };
    let profile = bits.take(8)?;
    bits.take(16)?; // constraints and level
    bits.ue()?; // seq_parameter_set_id
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile) {
        skip_high_profile_fields(&mut bits)?;
    }
    bits.ue()?; // log2_max_frame_num_minus4
    skip_picture_order(&mut bits)?;
    bits.ue()?; // max_num_ref_frames
    bits.take(1)?; // gaps_in_frame_num_value_allowed_flag
    let width = bits.ue()?.checked_add(1)?;
    let map_units = bits.ue()?.checked_add(1)?;
    let fields = 2 - bits.take(1)?; // frame_mbs_only_flag
    let pixels = |macroblocks: u32| usize::try_from(macroblocks).ok()?.checked_mul(16);
    Some((pixels(width)?, pixels(map_units.checked_mul(fields)?)?))
}

fn skip_high_profile_fields(bits: &mut Bits<'_>) -> Option<()> {
    let chroma_format = bits.ue()?;
    if chroma_format == 3 {
        bits.take(1)?; // separate_colour_plane_flag
    }
    bits.ue()?; // bit_depth_luma_minus8
    bits.ue()?; // bit_depth_chroma_minus8
    bits.take(1)?; // qpprime_y_zero_transform_bypass_flag
    if bits.take(1)? == 1 {
        for list in 0..if chroma_format == 3 { 12 } else { 8 } {
            if bits.take(1)? == 1 {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(())
}

/// [ITU-T H.264 7.3.2.1.1.1](https://www.itu.int/rec/T-REC-H.264)
fn skip_scaling_list(bits: &mut Bits<'_>, len: u32) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..len {
        if next != 0 {
            next = (last + bits.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

fn skip_picture_order(bits: &mut Bits<'_>) -> Option<()> {
    match bits.ue()? {
        0 => {
            bits.ue()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.take(1)?; // delta_pic_order_always_zero_flag
            bits.ue()?; // offset_for_non_ref_pic
            bits.ue()?; // offset_for_top_to_bottom_field
            for _ in 0..bits.ue()?.min(256) {
                bits.ue()?;
            }
        }
        _ => {}
    }
    Some(())
}

/// Bits of a NAL unit, without its emulation prevention bytes.
/// [ITU-T H.264 7.3.1](https://www.itu.int/rec/T-REC-H.264)
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Zero bytes in a row just before `at`.
    zeros: u8,
    byte: u8,
    /// Bits of `byte` not yet taken.
    left: u8,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            let mut byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if self.zeros >= 2 && byte == 3 {
                byte = *self.bytes.get(self.at)?;
                self.at += 1;
                self.zeros = 0;
            }
            self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
            (self.byte, self.left) = (byte, 8);
        }
        self.left -= 1;
        Some(u32::from(self.byte >> self.left & 1))
    }

    /// At most 32 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Some(value)
    }

    /// Exp-Golomb, [ITU-T H.264 9.1](https://www.itu.int/rec/T-REC-H.264).
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.take(zeros)?)
    }

    /// Signed Exp-Golomb; only what a scaling list may hold, ITU-T H.264 7.4.2.1.1.1.
    fn se(&mut self) -> Option<i32> {
        let code = self.ue()?;
        let size = i32::try_from(code.div_ceil(2)).ok()?;
        let value = if code.is_multiple_of(2) { -size } else { size };
        (-128..=127).contains(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes bits, with emulation prevention at the end.
    #[derive(Default)]
    struct Writer(Vec<bool>);

    impl Writer {
        fn put(&mut self, value: u32, count: u32) -> &mut Self {
            self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
            self
        }

        fn ue(&mut self, value: u32) -> &mut Self {
            let bits = 32 - (value + 1).leading_zeros();
            self.put(0, bits - 1).put(value + 1, bits)
        }

        fn finish(&self) -> Vec<u8> {
            let mut out = Vec::new();
            for eight in self.0.chunks(8) {
                let byte = eight.iter().enumerate().map(|(i, bit)| u8::from(*bit) << (7 - i)).sum();
                if out.ends_with(&[0, 0]) && byte <= 3 {
                    out.push(3);
                }
                out.push(byte);
            }
            out
        }
    }

    fn baseline(width: u32, height: u32) -> Vec<u8> {
        let mut sps = Writer::default();
        sps.put(66, 8).put(0xc01f, 16).ue(0).ue(0).ue(2).ue(1).put(0, 1);
        sps.ue(width - 1).ue(height - 1).put(1, 1).put(0b1001, 4).finish()
    }

    #[test]
    fn a_scaling_list_is_skipped() {
        let mut sps = Writer::default();
        sps.put(100, 8).put(0x0028, 16).ue(0).ue(1).ue(0).ue(0).put(0, 1).put(1, 1);
        // The first list ends at once (delta −8), the rest are absent.
        sps.put(1, 1).ue(16).put(0, 7);
        sps.ue(0).ue(0).ue(0).ue(4).put(0, 1).ue(119).ue(33).put(0, 1);
        assert_eq!(coded_size(&sps.finish()), Some((1920, 1088)));
    }

    #[test]
    fn too_little_is_no_size() {
        let sps = baseline(40, 23);
        assert_eq!(coded_size(&sps), Some((640, 368)));
        assert_eq!(coded_size(&sps[..6]), None);
        assert_eq!(coded_size(&[]), None);
        assert_eq!(coded_size(&[66, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
        #[test]
        fn what_was_written_is_read(width in 1u32..5000, height in 1u32..5000) {
            let size = coded_size(&baseline(width, height));
            prop_assert_eq!(size, Some((width as usize * 16, height as usize * 16)));
        }

        #[test]
        fn nothing_panics(data in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = coded_size(&data);
        }
    }
}

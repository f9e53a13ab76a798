//! How faithful a picture is.

use visavis_codec::PictureView;

/// Equal pictures would be infinitely faithful; means and JSON want a number.
pub const MOST: f64 = 100.0;

/// The peak signal-to-noise ratio of luma in dB, at most [`MOST`]; `None` if the sizes differ.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "sums of squares of one picture are below 2^53")]
pub fn psnr_y(original: PictureView<'_>, shown: PictureView<'_>) -> Option<f64> {
    if (original.width(), original.height()) != (shown.width(), shown.height()) {
        return None;
    }
    let rows = original.y().rows().zip(shown.y().rows());
    let squares: u64 = rows.map(|(a, b)| u64::from(squared_error(a, b))).sum();
    let mean = squares as f64 / (original.width() * original.height()) as f64;
    Some(if mean > 0.0 { (10.0 * (255.0 * 255.0 / mean).log10()).min(MOST) } else { MOST })
}

/// Of one row: at most 16 384 × 255², which fits.
fn squared_error(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use visavis_codec::Picture;

    fn flat(luma: u8) -> Picture {
        let mut picture = Picture::new(64, 32).unwrap();
        picture.planes_mut()[0].fill(luma);
        picture
    }

    #[test]
    fn known_values() {
        let between = |a: u8, b: u8| psnr_y(flat(a).view(), flat(b).view()).unwrap();
        assert_eq!(between(7, 7), MOST);
        assert!((between(100, 101) - 48.1308).abs() < 1e-3);
        assert!((between(100, 110) - 28.1308).abs() < 1e-3);
        assert!(between(0, 255).abs() < 1e-9);
    }

    #[test]
    fn one_pixel_of_2048_counts_a_2048th() {
        let mut other = flat(100);
        other.data_mut()[777] = 110;
        let psnr = psnr_y(flat(100).view(), other.view()).unwrap();
        assert!((psnr - (28.1308 + 33.1133)).abs() < 1e-3, "{psnr}");
    }

    #[test]
    fn chroma_does_not_count_and_sizes_must_agree() {
        let mut other = flat(100);
        other.planes_mut()[1].fill(0);
        assert_eq!(psnr_y(flat(100).view(), other.view()), Some(MOST));
        assert_eq!(psnr_y(flat(1).view(), Picture::new(32, 64).unwrap().view()), None);
    }
}

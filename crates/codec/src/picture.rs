//! 8-bit 4:2:0 pictures: one owned, one lent.

use alloc::vec;
use alloc::vec::Vec;

use crate::{Limits, PictureError};

/// One plane of a lent picture: rows of bytes, `stride` apart.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    data: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
}

impl<'a> Plane<'a> {
    fn new(
        data: &'a [u8],
        stride: usize,
        width: usize,
        height: usize,
    ) -> Result<Self, PictureError> {
        if stride < width {
            return Err(PictureError::Stride { stride, width });
        }
        // The last row needn't be padded to the stride.
        let needed = stride.saturating_mul(height.saturating_sub(1)).saturating_add(width);
        if data.len() < needed {
            return Err(PictureError::Plane { len: data.len(), needed });
        }
        Ok(Self { data, width, height, stride })
    }

    /// All bytes, from the first row to at least the end of the last.
    #[must_use]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Bytes in a row.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Bytes from the start of a row to that of the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// The rows from top to bottom, each [`width`](Self::width) long.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let width = self.width;
        // A stride is never 0: it is at least the width, which is at least 1.
        self.data
            .chunks(self.stride.max(1))
            .take(self.height)
            .map(move |row| row.get(..width).unwrap_or(row))
    }
}

/// A picture that belongs to someone else: a decoder, a camera, or a [`Picture`].
///
/// ```
/// use visavis_codec::PictureView;
///
/// let (luma, chroma) = ([16; 4 * 2], [128; 2]);
/// let picture = PictureView::new(4, 2, (&luma, 4), (&chroma, 2), (&chroma, 2))?;
/// assert_eq!(picture.y().rows().len(), 2);
/// assert_eq!(picture.v().rows().len(), 1);
/// # Ok::<(), visavis_codec::PictureError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PictureView<'a> {
    y: Plane<'a>,
    u: Plane<'a>,
    v: Plane<'a>,
}

impl<'a> PictureView<'a> {
    /// A picture from its planes, each with its stride: luma, then blue and red difference at half the
    /// size in both directions.
    ///
    /// # Errors
    ///
    /// For an odd size or none, one above [`Limits::LARGEST_SIDE`], and planes that don't hold it.
    pub fn new(
        width: usize,
        height: usize,
        (y, y_stride): (&'a [u8], usize),
        (u, u_stride): (&'a [u8], usize),
        (v, v_stride): (&'a [u8], usize),
    ) -> Result<Self, PictureError> {
        check_size(width, height)?;
        Ok(Self {
            y: Plane::new(y, y_stride, width, height)?,
            u: Plane::new(u, u_stride, width / 2, height / 2)?,
            v: Plane::new(v, v_stride, width / 2, height / 2)?,
        })
    }

    /// Pixels across.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.y.width
    }

    /// Pixels down.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.y.height
    }

    /// Luma.
    #[must_use]
    pub const fn y(&self) -> Plane<'a> {
        self.y
    }

    /// Blue difference, half the size in both directions.
    #[must_use]
    pub const fn u(&self) -> Plane<'a> {
        self.u
    }

    /// Red difference, half the size in both directions.
    #[must_use]
    pub const fn v(&self) -> Plane<'a> {
        self.v
    }

    /// The three planes in the order in which files hold them.
    #[must_use]
    pub const fn planes(&self) -> [Plane<'a>; 3] {
        [self.y, self.u, self.v]
    }
}

/// A picture with memory of its own, made once and written again and again.
///
/// The bytes are I420 without gaps: all of Y, then U, then V, as a Y4M frame has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl Picture {
    /// A black picture.
    ///
    /// # Errors
    ///
    /// For an odd size or none, and for one above [`Limits::LARGEST_SIDE`].
    pub fn new(width: usize, height: usize) -> Result<Self, PictureError> {
        check_size(width, height)?;
        let luma = width * height;
        let mut data = vec![16; luma + luma / 2];
        data.get_mut(luma..).unwrap_or_default().fill(128);
        Ok(Self { width, height, data })
    }

    /// Pixels across.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Pixels down.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Y, U, V one after another.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Y, U, V one after another, to be written.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The three planes to be written; rows follow each other without gaps.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let luma = self.width * self.height;
        let (y, chroma) = self.data.split_at_mut(luma);
        let (u, v) = chroma.split_at_mut(luma / 4);
        [y, u, v]
    }

    /// Lends it.
    #[must_use]
    pub fn view(&self) -> PictureView<'_> {
        let (width, height) = (self.width, self.height);
        let (y, chroma) = self.data.split_at(width * height);
        let (u, v) = chroma.split_at(width * height / 4);
        let plane = |data, width, height| Plane { data, width, height, stride: width };
        PictureView {
            y: plane(y, width, height),
            u: plane(u, width / 2, height / 2),
            v: plane(v, width / 2, height / 2),
        }
    }

    /// Copies `other` into this memory.
    ///
    /// # Errors
    ///
    /// [`PictureError::SizesDiffer`] if it isn't of the same size.
    pub fn copy_from(&mut self, other: PictureView<'_>) -> Result<(), PictureError> {
        if (self.width, self.height) != (other.width(), other.height()) {
            return Err(PictureError::SizesDiffer);
        }
        for (to, from) in self.planes_mut().into_iter().zip(other.planes()) {
            for (to, from) in to.chunks_exact_mut(from.width()).zip(from.rows()) {
                to.copy_from_slice(from);
            }
        }
        Ok(())
    }
}

impl TryFrom<PictureView<'_>> for Picture {
    type Error = PictureError;

    /// A copy that outlives what was lent.
    fn try_from(view: PictureView<'_>) -> Result<Self, PictureError> {
        let mut picture = Self::new(view.width(), view.height())?;
        picture.copy_from(view)?;
        Ok(picture)
    }
}

fn check_size(width: usize, height: usize) -> Result<(), PictureError> {
    if width == 0 || height == 0 || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
        return Err(PictureError::Odd { width, height });
    }
    if width > Limits::LARGEST_SIDE || height > Limits::LARGEST_SIDE {
        return Err(PictureError::TooLarge { width, height });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_new_picture_is_black_and_of_the_right_length() {
        let picture = Picture::new(6, 4).unwrap();
        assert_eq!(picture.data().len(), 6 * 4 * 3 / 2);
        assert!(picture.view().y().rows().all(|row| row == [16; 6]));
        assert!(picture.view().u().rows().chain(picture.view().v().rows()).all(|r| r == [128; 3]));
    }

    #[test]
    fn odd_empty_and_huge_sizes_are_refused() {
        for (width, height) in [(0, 2), (2, 0), (3, 2), (2, 3)] {
            assert_eq!(Picture::new(width, height), Err(PictureError::Odd { width, height }));
        }
        for (width, height) in [(16_386, 2), (2, usize::MAX - 1)] {
            assert_eq!(Picture::new(width, height), Err(PictureError::TooLarge { width, height }));
        }
        assert!(Picture::new(16_384, 2).is_ok());
    }

    #[test]
    fn planes_must_hold_their_rows() {
        let bytes = [0; 64];
        let chroma = (&bytes[..4], 2);
        let with = |y| PictureView::new(4, 4, y, chroma, chroma).map(|view| view.y().rows().len());
        assert_eq!(with((&bytes[..16], 4)), Ok(4));
        // Three strides of 10 and the last row without its padding.
        assert_eq!(with((&bytes[..34], 10)), Ok(4));
        assert_eq!(with((&bytes[..33], 10)), Err(PictureError::Plane { len: 33, needed: 34 }));
        assert_eq!(with((&bytes, 3)), Err(PictureError::Stride { stride: 3, width: 4 }));
        assert!(with((&bytes, usize::MAX)).is_err());
    }

    #[test]
    fn only_pictures_of_one_size_are_copied() {
        let mut small = Picture::new(2, 2).unwrap();
        let large = Picture::new(4, 2).unwrap();
        assert_eq!(small.copy_from(large.view()), Err(PictureError::SizesDiffer));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn a_copy_has_the_same_rows_whatever_the_stride(
            half_width in 1usize..20, half_height in 1usize..20, pad in 0usize..9, seed: u8,
        ) {
            let (width, height) = (half_width * 2, half_height * 2);
            let fill = |len: usize| -> Vec<u8> {
                (0..len).map(|i| u8::try_from(i % 251).unwrap().wrapping_add(seed)).collect()
            };
            let y = fill((width + pad) * height);
            let (u, v) = (fill((half_width + pad) * half_height), fill((half_width + 1) * half_height));
            let view = PictureView::new(
                width, height, (&y, width + pad), (&u, half_width + pad), (&v, half_width + 1),
            ).unwrap();
            let copy = Picture::try_from(view).unwrap();
            for (there, here) in view.planes().into_iter().zip(copy.view().planes()) {
                prop_assert_eq!(there.rows().len(), there.height());
                prop_assert!(there.rows().eq(here.rows()));
            }
            for (row, line) in view.y().rows().enumerate() {
                prop_assert_eq!(line, &y[row * (width + pad)..][..width]);
            }
        }
    }
}

//! What the tests draw and encode.

use core::time::Duration;

use visavis_codec::{EncodeOptions, Picture, VideoEncoder};
use visavis_h264::Encoder;

/// A textured picture in motion, the `index`th of 30 a second.
pub(crate) fn draw(picture: &mut Picture, index: usize) {
    let (width, height) = (picture.width(), picture.height());
    let [luma, blue, red] = picture.planes_mut();
    let wave = |value: usize, period: usize| -> usize {
        let at = value % period;
        at.min(period - at) * 2 * 255 / period
    };
    for (y, row) in luma.chunks_exact_mut(width).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            // A camera that pans, and something that moves on its own.
            let (gx, gy) = (x + 2 * index, y + index);
            let ground = wave(gx, 96) / 3 + wave(gy, 64) / 3;
            let texture = (gx / 4 * 7 + gy / 4 * 13) % 23 * 2;
            let (dx, dy) = (x.abs_diff((width / 4 + 3 * index) % width), y.abs_diff(height / 2));
            let ball = if dx * dx + dy * dy < height * height / 36 { 60 } else { 0 };
            *pixel = u8::try_from((ground + texture + ball).min(235)).unwrap();
        }
    }
    for (plane, shift) in [(blue, 0), (red, 40)] {
        for (y, row) in plane.chunks_exact_mut(width / 2).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = u8::try_from(96 + wave(x + y + shift + index, 128) / 4).unwrap();
            }
        }
    }
}

pub(crate) fn at(index: usize) -> Duration {
    Duration::from_micros(u64::try_from(index).unwrap() * 33_333)
}

/// Encodes `count` drawn pictures, the `keyframes`th ones as keyframes.
pub(crate) fn encode(
    encoder: &mut Encoder,
    (width, height): (usize, usize),
    from: usize,
    count: usize,
    keyframes: impl Fn(usize) -> bool,
) -> Vec<(Vec<u8>, bool)> {
    let mut picture = Picture::new(width, height).unwrap();
    (from..from + count)
        .map(|index| {
            draw(&mut picture, index);
            let options = EncodeOptions::at(at(index)).keyframe(keyframes(index));
            let frame = encoder.encode(picture.view(), options).unwrap().unwrap();
            (frame.data.to_vec(), frame.keyframe)
        })
        .collect()
}

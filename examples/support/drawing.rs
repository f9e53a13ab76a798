//! A moving picture that needs no file: a panned texture with balls that bounce before it, a camera's
//! noise over both, and the frame's number in blocks that survive coarse coding.

use crate::texture::{Texture, hash};
use alloc::sync::Arc;
use visavis_codec::{Picture, PictureView, Plane};

/// Pixels across a drawn picture.
pub const WIDTH: usize = 640;
/// Pixels down a drawn picture.
pub const HEIGHT: usize = 360;

/// The number's bits stand in two rows of blocks, each block two macroblocks of H.264 wide, so that
/// the coarsest quantizer still tells dark from light.
const BLOCK: (usize, usize) = (32, 16);
const BLOCKS_PER_ROW: usize = 16;
const BLOCKS_AT: (usize, usize) = (64, 320);
const DARK: u8 = 44;
const LIGHT: u8 = 208;
/// A block whose mean is nearer to the middle than this isn't believed.
const DOUBT: u32 = 24;

/// Draws frame after frame; frame `n` always looks the same. Copies share their texture.
#[derive(Debug, Clone)]
pub struct Drawing {
    texture: Arc<Texture>,
    balls: Arc<[Ball]>,
    start: u32,
}

impl Drawing {
    /// Drawings of different `variant` differ in colour, texture and motion.
    #[must_use]
    pub fn new(variant: u32) -> Self {
        let balls = (0..4).map(|index| Ball::new(hash(variant, index), index)).collect();
        Self { texture: Arc::new(Texture::new(variant)), balls, start: hash(variant, 99) % 997 }
    }

    /// Draws frame `number`, which is written into it modulo 2^24. `picture` must be
    /// [`WIDTH`] × [`HEIGHT`]; any other is left as it is.
    pub fn draw(&self, number: u32, picture: &mut Picture) {
        if (picture.width(), picture.height()) != (WIDTH, HEIGHT) {
            return;
        }
        let time = self.start.wrapping_add(number);
        let [y, u, v] = picture.planes_mut();
        // Two pixels a frame to the right, and slowly up and down.
        let (dx, dy) = (time.wrapping_mul(2) as usize, triangle(time, 480));
        self.texture.copy_luma(dx, dy, y, WIDTH);
        self.texture.copy_chroma(dx / 2, dy / 2, u, v, WIDTH / 2);
        for ball in self.balls.iter() {
            ball.draw(time, y, u, v);
        }
        self.texture.add_noise(time, y);
        draw_number(number, y, u, v);
    }
}

/// A shaded disc that bounces between the picture's edges.
#[derive(Debug)]
struct Ball {
    radius: usize,
    /// Luma of the square around it; only what is inside of the disc counts.
    sprite: Vec<u8>,
    chroma: (u8, u8),
    speed: (u32, u32),
    start: (u32, u32),
}

impl Ball {
    fn new(seed: u32, index: u32) -> Self {
        let radius = 26 + 6 * index as usize;
        let side = 2 * radius;
        let luma = |at: usize| {
            let (x, y) = (at % side, at / side);
            // Lit from the upper left, with faint rings.
            let (lx, ly) = (x.abs_diff(radius * 2 / 3), y.abs_diff(radius * 2 / 3));
            let far = isqrt(lx * lx + ly * ly);
            let ring = if (far / 5).is_multiple_of(2) { 5_usize } else { 0 };
            u8::try_from((225 + ring).saturating_sub(far * 110 / radius)).unwrap_or(u8::MAX)
        };
        let hue = |shift: u32| 80 + u8::try_from((seed >> shift) % 96).unwrap_or(0);
        Self {
            radius,
            sprite: (0..side * side).map(luma).collect(),
            chroma: (hue(0), hue(8)),
            speed: (2 + index % 3, 1 + (index + 1) % 3),
            start: (seed % 1000, (seed >> 10) % 1000),
        }
    }

    fn draw(&self, time: u32, y: &mut [u8], u: &mut [u8], v: &mut [u8]) {
        let radius = self.radius;
        let place = |start: u32, speed: u32, space: usize| {
            triangle(start.wrapping_add(time.wrapping_mul(speed)), space - 2 * radius)
        };
        let left = place(self.start.0, self.speed.0, WIDTH);
        let top = place(self.start.1, self.speed.1, BLOCKS_AT.1);
        for row in 0..2 * radius {
            let half = half_width(radius, row);
            let (from, to) = (radius - half, radius + half);
            let sprite = self.sprite.get(row * 2 * radius + from..row * 2 * radius + to);
            let at = (top + row) * WIDTH + left;
            if let (Some(target), Some(sprite)) = (y.get_mut(at + from..at + to), sprite) {
                target.copy_from_slice(sprite);
            }
        }
        for row in 0..radius {
            let half = half_width(radius, 2 * row) / 2;
            let at = (top / 2 + row) * (WIDTH / 2) + left / 2 + radius / 2;
            fill(u, at - half..at + half, self.chroma.0);
            fill(v, at - half..at + half, self.chroma.1);
        }
    }
}

/// Half the width of a disc in row `row`, counted from its top.
fn half_width(radius: usize, row: usize) -> usize {
    let dy = row.abs_diff(radius);
    isqrt((radius * radius).saturating_sub(dy * dy))
}

fn isqrt(square: usize) -> usize {
    square.isqrt()
}

fn fill(plane: &mut [u8], range: core::ops::Range<usize>, value: u8) {
    plane.get_mut(range).unwrap_or_default().fill(value);
}

/// Back and forth between 0 and `space`.
fn triangle(time: u32, space: usize) -> usize {
    let at = time as usize % (2 * space.max(1));
    at.min(2 * space - at.min(2 * space))
}

/// The number's low 24 bits, most significant first, and eight bits that check them.
fn code(number: u32) -> u32 {
    let number = number & 0xff_ffff;
    (number << 8) | u32::from(crc8(number))
}

/// CRC-8 with the polynomial x^8 + x^2 + x + 1 over 24 bits, starting from ones so that a black
/// picture isn't frame 0.
fn crc8(number: u32) -> u8 {
    number.to_be_bytes().iter().skip(1).fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { (crc << 1) ^ 7 })
    })
}

/// The upper left corners of the blocks, the most significant bit's first.
fn blocks() -> impl Iterator<Item = (usize, usize)> {
    (0..32).map(|bit| {
        let (column, row) = (bit % BLOCKS_PER_ROW, bit / BLOCKS_PER_ROW);
        (BLOCKS_AT.0 + column * BLOCK.0, BLOCKS_AT.1 + row * BLOCK.1)
    })
}

fn draw_number(number: u32, y: &mut [u8], u: &mut [u8], v: &mut [u8]) {
    let code = code(number);
    for (bit, (left, top)) in blocks().enumerate() {
        let luma = if code & (0x8000_0000 >> bit) == 0 { DARK } else { LIGHT };
        for row in top..top + BLOCK.1 {
            fill(y, row * WIDTH + left..row * WIDTH + left + BLOCK.0, luma);
        }
        for row in top / 2..(top + BLOCK.1) / 2 {
            let from = row * (WIDTH / 2) + left / 2;
            fill(u, from..from + BLOCK.0 / 2, 128);
            fill(v, from..from + BLOCK.0 / 2, 128);
        }
    }
}

/// The number in a drawn picture, modulo 2^24; `None` if it can't be read or this isn't one.
#[must_use]
pub fn read_number(picture: PictureView<'_>) -> Option<u32> {
    if (picture.width(), picture.height()) != (WIDTH, HEIGHT) {
        return None;
    }
    let mut read = 0_u32;
    for corner in blocks() {
        let mean = block_mean(&picture.y(), corner)?;
        let middle = (u32::from(DARK) + u32::from(LIGHT)) / 2;
        if mean.abs_diff(middle) < DOUBT {
            return None;
        }
        read = (read << 1) | u32::from(mean > middle);
    }
    let number = read >> 8;
    (code(number) == read).then_some(number)
}

/// The mean of a block without its border, into which the neighbours run.
fn block_mean(luma: &Plane<'_>, (left, top): (usize, usize)) -> Option<u32> {
    let (width, height) = (BLOCK.0 - 8, BLOCK.1 - 8);
    let mut sum = 0_u32;
    for row in luma.rows().skip(top + 4).take(height) {
        sum += row.get(left + 4..left + 4 + width)?.iter().map(|&p| u32::from(p)).sum::<u32>();
    }
    Some(sum / u32::try_from(width * height).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::psnr::psnr_y;

    fn drawn(variant: u32, number: u32) -> Picture {
        let mut picture = Picture::new(WIDTH, HEIGHT).unwrap();
        Drawing::new(variant).draw(number, &mut picture);
        picture
    }

    /// What coarse coding leaves: blocks of 8×8 flattened, mixed with their neighbours, and noise.
    fn degraded(picture: &Picture, noise: u32) -> Picture {
        let mut worse = picture.clone();
        let source = picture.planes_y();
        let [y, _, _] = worse.planes_mut();
        for (at, pixel) in y.iter_mut().enumerate() {
            let (x, row) = (at % WIDTH, at / WIDTH);
            let (mut sum, mut count) = (0_u32, 0_u32);
            for dy in 0..9 {
                for dx in 0..9 {
                    let (px, py) = ((x + dx).saturating_sub(4), (row + dy).saturating_sub(4));
                    if px < WIDTH && py < HEIGHT {
                        sum += u32::from(source[py * WIDTH + px]);
                        count += 1;
                    }
                }
            }
            let error = hash(77, u32::try_from(at).unwrap()) % (2 * noise + 1);
            *pixel = u8::try_from((sum / count + error).saturating_sub(noise).min(255)).unwrap();
        }
        worse
    }

    trait Luma {
        fn planes_y(&self) -> Vec<u8>;
    }

    impl Luma for Picture {
        fn planes_y(&self) -> Vec<u8> {
            self.data()[..WIDTH * HEIGHT].to_vec()
        }
    }

    #[test]
    fn the_number_is_read_back() {
        let drawing = Drawing::new(0);
        let mut picture = Picture::new(WIDTH, HEIGHT).unwrap();
        for number in [0, 1, 2, 299, 0xff_ffff].into_iter().chain((0..24).map(|bit| 1 << bit)) {
            drawing.draw(number, &mut picture);
            assert_eq!(read_number(picture.view()), Some(number));
        }
    }

    #[test]
    fn the_number_survives_blur_and_noise() {
        for number in [0, 1, 12_345, 0xff_ffff] {
            let worse = degraded(&drawn(1, number), 40);
            assert!(psnr_y(drawn(1, number).view(), worse.view()).unwrap() < 22.0);
            assert_eq!(read_number(worse.view()), Some(number));
        }
    }

    #[test]
    fn what_is_not_drawn_has_no_number() {
        let black = Picture::new(WIDTH, HEIGHT).unwrap();
        assert_eq!(read_number(black.view()), None);
        let mut white = black.clone();
        white.data_mut().fill(255);
        assert_eq!(read_number(white.view()), None);
        assert_eq!(read_number(Picture::new(320, 180).unwrap().view()), None);
        let mut damaged = drawn(0, 42);
        let (left, top) = blocks().nth(20).unwrap();
        for row in top..top + BLOCK.1 {
            for pixel in &mut damaged.data_mut()[row * WIDTH + left..][..BLOCK.0] {
                *pixel = 255 - *pixel;
            }
        }
        assert_eq!(read_number(damaged.view()), None);
    }

    #[test]
    fn a_frame_always_looks_the_same_and_its_successor_does_not() {
        assert_eq!(drawn(3, 17), drawn(3, 17));
        assert_ne!(drawn(3, 17), drawn(4, 17));
        let moved = psnr_y(drawn(3, 17).view(), drawn(3, 18).view()).unwrap();
        assert!((10.0..32.0).contains(&moved), "{moved} dB from one frame to the next");
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let drawing = Drawing::new(9);
        let mut picture = Picture::new(WIDTH, HEIGHT).unwrap();
        for number in (0..100_000).step_by(997).chain([u32::MAX]) {
            drawing.draw(number, &mut picture);
            assert_eq!(read_number(picture.view()), Some(number & 0xff_ffff));
        }
    }
}

//! A texture that repeats in both directions, made of smooth noise by integer arithmetic.

/// The texture repeats after so many pixels; powers of two.
const TILE: (usize, usize) = (1024, 512);
/// A row of the texture and so much more of it, so that a picture's row is one copy.
const ROW: usize = TILE.0 + super::drawing::WIDTH;

/// The noise starts at one of so many places.
const SHIFTS: usize = 1 << 16;

/// Luma and chroma of a wide landscape of noise.
#[derive(Debug)]
pub(crate) struct Texture {
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
    /// What a camera's sensor adds, a little longer than a picture.
    noise: Vec<u8>,
}

impl Texture {
    pub(crate) fn new(variant: u32) -> Self {
        // From hills to grain: the period in pixels and how much it matters.
        let octaves = [(256, 50), (64, 36), (32, 22), (16, 16), (8, 11), (4, 8)];
        let luma = plane(TILE, ROW, 112, &octaves, variant);
        let half = (TILE.0 / 2, TILE.1 / 2);
        // Cool for even variants, warm for odd ones.
        let (blue, red) = if variant.is_multiple_of(2) { (146, 112) } else { (108, 146) };
        let hills = [(128, 18), (32, 8)];
        Self {
            luma,
            blue: plane(half, ROW / 2, blue, &hills, variant ^ 0x5bd1),
            red: plane(half, ROW / 2, red, &hills, variant ^ 0x27d4),
            noise: noise(variant),
        }
    }

    /// Fills `target` with what is seen from (`x`, `y`) on.
    pub(crate) fn copy_luma(&self, x: usize, y: usize, target: &mut [u8], width: usize) {
        copy(&self.luma, TILE, ROW, (x, y), target, width);
    }

    /// Adds noise, different for each `time`.
    pub(crate) fn add_noise(&self, time: u32, target: &mut [u8]) {
        let from = hash(time, 7) as usize % SHIFTS;
        let noise = self.noise.get(from..).unwrap_or_default();
        for (pixel, noise) in target.iter_mut().zip(noise) {
            *pixel = pixel.saturating_add(*noise);
        }
    }

    /// Fills both chroma planes with what is seen from (`x`, `y`) on.
    pub(crate) fn copy_chroma(
        &self,
        x: usize,
        y: usize,
        blue: &mut [u8],
        red: &mut [u8],
        width: usize,
    ) {
        let tile = (TILE.0 / 2, TILE.1 / 2);
        copy(&self.blue, tile, ROW / 2, (x, y), blue, width);
        copy(&self.red, tile, ROW / 2, (x, y), red, width);
    }
}

fn noise(variant: u32) -> Vec<u8> {
    let pixels = super::drawing::WIDTH * super::drawing::HEIGHT + SHIFTS;
    let mut state = variant;
    let mut noise = Vec::with_capacity(pixels.next_multiple_of(16));
    while noise.len() < pixels {
        state = hash(state, 3).wrapping_add(state);
        // Two bits a pixel: 0 to 3.
        noise.extend((0..16).map(|pixel| ((state >> (2 * pixel)) & 3).to_le_bytes()[0]));
    }
    noise
}

fn copy(
    plane: &[u8],
    tile: (usize, usize),
    stride: usize,
    (x, y): (usize, usize),
    target: &mut [u8],
    width: usize,
) {
    for (index, row) in target.chunks_exact_mut(width).enumerate() {
        let from = (y + index) % tile.1 * stride + x % tile.0;
        row.copy_from_slice(plane.get(from..from + width).unwrap_or_default());
    }
}

/// `base` and octaves of noise, each with a period in pixels and an amplitude.
fn plane(
    tile: (usize, usize),
    stride: usize,
    base: i32,
    octaves: &[(usize, i32)],
    seed: u32,
) -> Vec<u8> {
    let mut sums = vec![base; tile.0 * tile.1];
    for &(period, amplitude) in octaves {
        add_noise(&mut sums, tile, period, amplitude, seed);
    }
    let mut plane = Vec::with_capacity(stride * tile.1);
    for row in sums.chunks_exact(tile.0) {
        let pixels = row.iter().cycle().take(stride);
        plane.extend(pixels.map(|&sum| u8::try_from(sum.clamp(16, 235)).unwrap_or(128)));
    }
    plane
}

fn add_noise(sums: &mut [i32], tile: (usize, usize), period: usize, amplitude: i32, seed: u32) {
    let (columns, rows) = (tile.0 / period, tile.1 / period);
    let level = |column: usize, row: usize| {
        let at = (row % rows) * columns + column % columns;
        let number = u32::try_from(at * 2048 + period).unwrap_or(0);
        // -256 to 255
        i32::try_from(hash(seed, number) % 512).unwrap_or(0) - 256
    };
    let steps: Vec<i32> = (0..period).map(|at| smooth(at, period)).collect();
    for (index, line) in sums.chunks_exact_mut(tile.0).enumerate() {
        let row = index / period;
        let down = steps.get(index % period).copied().unwrap_or(0);
        for (column, cell) in line.chunks_exact_mut(period).enumerate() {
            let mix = |a: i32, b: i32, part: i32| a + (b - a) * part / 256;
            let left = mix(level(column, row), level(column, row + 1), down);
            let right = mix(level(column + 1, row), level(column + 1, row + 1), down);
            for (sum, &across) in cell.iter_mut().zip(&steps) {
                *sum += mix(left, right, across) * amplitude / 256;
            }
        }
    }
}

/// The smooth step 3t² - 2t³ in units of 1/256.
fn smooth(at: usize, period: usize) -> i32 {
    let t = i32::try_from(at * 256 / period).unwrap_or(0);
    t * t * (3 * 256 - 2 * t) / (256 * 256)
}

/// A number that looks random and isn't.
pub(crate) fn hash(seed: u32, number: u32) -> u32 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9) ^ seed.wrapping_mul(0x85eb_ca6b) ^ 0x1234_5678;
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x45d9_f3b3);
    }
    mixed ^ (mixed >> 16)
}

//! Short clips of FFmpeg's `testsrc2`, encoded by libaom, and the checksum that FFmpeg's `framecrc` prints.
//!
//! `ffmpeg -f lavfi -i testsrc2=size=128x96:rate=15 -frames:v 30 -pix_fmt yuv420p -c:v libaom-av1
//! -usage realtime -cpu-used 8 -lag-in-frames 0 -g 10 -b:v 60k colour.ivf`, and likewise `odd` (131×97), `grey`
//! (`-pix_fmt gray`), `deep` (`yuv420p10le`) and `full` (`yuv444p`).

use visavis_codec::PictureView;

/// The temporal units of an IVF file.
pub(crate) fn units(ivf: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &ivf[32..];
    let mut units = Vec::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        units.push(rest[12..12 + len].to_vec());
        rest = &rest[12 + len..];
    }
    units
}

/// Adler-32 as `framecrc` uses it: beginning with 0.
fn adler<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    let (mut a, mut b) = (0u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

/// The checksum of all planes.
pub(crate) fn checksum(picture: PictureView<'_>) -> u32 {
    adler(picture.planes().iter().flat_map(|plane| plane.rows().flatten()))
}

/// The checksum of luma alone.
pub(crate) fn luma_checksum(picture: PictureView<'_>) -> u32 {
    adler(picture.y().rows().flatten())
}

pub(crate) fn colour() -> Vec<Vec<u8>> {
    units(include_bytes!("../clips/colour.ivf"))
}

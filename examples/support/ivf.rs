//! IVF files with AV1: a 32-byte header, then temporal units, each behind its length and timestamp.

use anyhow::{Context, Result, bail, ensure};
use core::ops::Range;
use core::time::Duration;
use std::path::Path;
use visavis_codec::EncodedFrame;

/// No larger file is read into memory.
const LARGEST: u64 = 512 << 20;
const HEADER: usize = 32;
const FRAME_HEADER: usize = 12;

/// The temporal units of an IVF file.
#[derive(Debug)]
pub(crate) struct IvfFile {
    bytes: Vec<u8>,
    units: Vec<Range<usize>>,
    frame_interval: Duration,
    size: (usize, usize),
}

impl IvfFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        ensure!(
            std::fs::metadata(path)?.len() <= LARGEST,
            "it is larger than {} MB",
            LARGEST >> 20
        );
        Self::parse(std::fs::read(path)?)
    }

    fn parse(bytes: Vec<u8>) -> Result<Self> {
        ensure!(bytes.starts_with(b"DKIF"), "it is not an IVF file");
        ensure!(bytes.len() >= HEADER, "its header ends early");
        match bytes.get(8..12) {
            Some(b"AV01") => {}
            Some(other) => bail!("it holds {}, not AV1", other.escape_ascii()),
            None => bail!("its header ends early"),
        }
        let start = usize::from(u16_at(&bytes, 6)?);
        ensure!(start >= HEADER, "its header is damaged");
        let size = (usize::from(u16_at(&bytes, 12)?), usize::from(u16_at(&bytes, 14)?));
        let (units, stamps) = frames(&bytes, start)?;
        let frame_interval = interval(u32_at(&bytes, 16)?, u32_at(&bytes, 20)?, &stamps)?;
        Ok(Self { bytes, units, frame_interval, size })
    }

    pub(crate) fn frame_interval(&self) -> Duration {
        self.frame_interval
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// The `number`th temporal unit; after the last one comes the first again.
    pub(crate) fn unit(&self, number: u32) -> EncodedFrame<'_> {
        let range = self.units.get(number as usize % self.units.len()).cloned().unwrap_or(0..0);
        let data = self.bytes.get(range).unwrap_or_default();
        EncodedFrame::new(data, has_sequence_header(data))
    }
}

/// Where the temporal units are, and their timestamps.
fn frames(bytes: &[u8], mut at: usize) -> Result<(Vec<Range<usize>>, Vec<u64>)> {
    let (mut units, mut stamps) = (Vec::new(), Vec::new());
    while at < bytes.len() {
        let early = || format!("it ends within frame {}", units.len());
        let length = u32_at(bytes, at).with_context(early)? as usize;
        let low = u32_at(bytes, at + 4).with_context(early)?;
        let high = u32_at(bytes, at + 8).with_context(early)?;
        let unit = at + FRAME_HEADER..(at + FRAME_HEADER).saturating_add(length);
        ensure!(unit.end <= bytes.len(), early());
        ensure!(length > 0, "frame {} is empty", units.len());
        at = unit.end;
        units.push(unit);
        stamps.push(u64::from(high) << 32 | u64::from(low));
    }
    ensure!(!units.is_empty(), "it holds no picture");
    Ok((units, stamps))
}

/// The mean distance of two frames. A timestamp counts in units of `scale / rate` seconds.
#[allow(clippy::cast_precision_loss, reason = "a mean needs no more")]
fn interval(rate: u32, scale: u32, stamps: &[u64]) -> Result<Duration> {
    let ticks = match stamps {
        [first, .., last] if last > first => (last - first) as f64 / (stamps.len() - 1) as f64,
        _ => 1.0,
    };
    let seconds = ticks * f64::from(scale) / f64::from(rate);
    ensure!((1.0 / 120.5..=1.0).contains(&seconds), "its frame rate is not from 1 to 120 a second");
    Ok(Duration::from_secs_f64(seconds))
}

/// A temporal unit with a sequence header starts with a key frame in all that encoders write.
/// AV1 §5.3.2: the type stands in bits 3 to 6 of an OBU's header.
fn has_sequence_header(unit: &[u8]) -> bool {
    const SEQUENCE_HEADER: u8 = 1;
    const TEMPORAL_DELIMITER: u8 = 2;
    let kind = |header: &u8| (header >> 3) & 0xf;
    let first = unit.first().map(kind);
    // A temporal delimiter is two bytes: its header and the length 0.
    let second = unit.get(2).map(kind);
    first == Some(SEQUENCE_HEADER)
        || (first == Some(TEMPORAL_DELIMITER) && second == Some(SEQUENCE_HEADER))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).context("its header ends early")?;
    Ok(u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).context("a header ends early")?;
    Ok(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ivf(fourcc: &[u8; 4], units: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"DKIF\0\0\x20\0".to_vec();
        bytes.extend(fourcc);
        bytes.extend([64, 1, 180, 0]);
        bytes.extend(30_u32.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend([0; 8]);
        for (stamp, unit) in (0_u64..).zip(units) {
            bytes.extend(u32::try_from(unit.len()).unwrap().to_le_bytes());
            bytes.extend(stamp.to_le_bytes());
            bytes.extend(*unit);
        }
        bytes
    }

    fn problem(bytes: Vec<u8>) -> String {
        format!("{:#}", IvfFile::parse(bytes).unwrap_err())
    }

    const KEY: &[u8] = &[0x12, 0, 0x0a, 1, 7];
    const INTER: &[u8] = &[0x12, 0, 0x32, 1, 9];

    #[test]
    fn temporal_units_come_in_order_and_again() {
        let file = IvfFile::parse(ivf(b"AV01", &[KEY, INTER, INTER])).unwrap();
        assert_eq!((file.size(), file.units.len()), ((320, 180), 3));
        assert_eq!(file.frame_interval().as_millis(), 33);
        let seen: Vec<_> = (0..4).map(|n| (file.unit(n).data, file.unit(n).keyframe)).collect();
        assert_eq!(seen, [(KEY, true), (INTER, false), (INTER, false), (KEY, true)]);
    }

    #[test]
    fn what_is_not_av1_is_refused() {
        assert_eq!(problem(ivf(b"VP90", &[KEY])), "it holds VP90, not AV1");
        assert_eq!(problem(b"RIFF".to_vec()), "it is not an IVF file");
        assert_eq!(problem(ivf(b"AV01", &[])), "it holds no picture");
        assert_eq!(problem(ivf(b"AV01", &[KEY, &[]])), "frame 1 is empty");
    }

    #[test]
    fn wherever_it_is_cut_that_is_said() {
        let whole = ivf(b"AV01", &[KEY, INTER]);
        let first = HEADER + FRAME_HEADER + KEY.len();
        for length in 0..whole.len() {
            match IvfFile::parse(whole[..length].to_vec()) {
                Ok(file) => assert_eq!((length, file.units.len()), (first, 1)),
                Err(_) => assert_ne!(length, first),
            }
        }
    }

    #[test]
    fn a_frame_rate_of_nothing_is_refused() {
        for at in [16, 20] {
            let mut bytes = ivf(b"AV01", &[KEY]);
            bytes[at..at + 4].fill(0);
            assert!(problem(bytes).contains("frame rate"));
        }
    }
}

//! Changing the length of sound without changing its pitch.

use alloc::vec;
use alloc::vec::Vec;

use visavis_core::{ConfigError, TooShort};

use crate::Stretch;

/// The shortest and longest pitch periods, in microseconds: 400 to 80 Hz.
const SHORTEST: u32 = 2_500;
const LONGEST: u32 = 12_500;
/// Two neighbouring periods this much alike are taken for one sound.
const ALIKE: f32 = 0.9;
/// Below this mean square (−50 dB of full scale) nobody hears what is done.
const QUIET: f32 = 1e-5;
/// Neighbouring periods whose energies differ by more than this factor are an onset.
const ONSET: f32 = 4.0;
/// The first search is done at about this rate.
const COARSE_RATE: u32 = 8_000;

/// Takes a pitch period out of a chunk of sound or puts one in, where that won't be heard.
///
/// Two neighbouring stretches of sound that are alike are faded into one, or one of them is repeated
/// (pitch-synchronous overlap and add). The first and last samples of a chunk stay what they are, so that
/// chunks still fit together. A chunk must have two periods: with less than 20 ms low voices are left as
/// they are.
///
/// ```
/// use visavis_jitter::{Stretch, TimeStretch};
///
/// let mut stretch = TimeStretch::new(48_000, 1, 960)?;
/// let voice: Vec<f32> = (0..960).map(|i| 0.5 * (i as f32 * 0.02).sin()).collect();
/// let mut output = vec![0.0; 960 + stretch.headroom()];
/// let shorter = stretch.process(&voice, Stretch::Shorten, &mut output).unwrap();
/// assert!((960 - 600..=960 - 120).contains(&shorter));
/// # Ok::<(), visavis_core::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TimeStretch {
    channels: usize,
    max_frame: usize,
    /// Periods in samples.
    shortest: usize,
    longest: usize,
    /// How many samples make one of the first search.
    step: usize,
    coarse: Vec<f32>,
}

/// A place where a period can be taken out or put in.
#[derive(Debug, Clone, Copy)]
struct Joint {
    at: usize,
    period: usize,
    likeness: f32,
}

impl TimeStretch {
    /// For interleaved sound of 1 or 2 `channels` at `sample_rate` Hz (8 to 48 kHz), in chunks of at most
    /// `max_frame` samples per channel. Longer chunks are left as they are.
    ///
    /// # Errors
    /// Says which argument can't work.
    pub fn new(sample_rate: u32, channels: usize, max_frame: usize) -> Result<Self, ConfigError> {
        if !(8_000..=48_000).contains(&sample_rate) {
            return Err(ConfigError::new("sample_rate", "must be 8000 to 48000"));
        }
        if !(1..=2).contains(&channels) {
            return Err(ConfigError::new("channels", "must be 1 or 2"));
        }
        if !(1..=480_000).contains(&max_frame) {
            return Err(ConfigError::new("max_frame", "must be 1 to 480000 samples"));
        }
        let step = (sample_rate / COARSE_RATE).max(1) as usize;
        Ok(Self {
            channels,
            max_frame,
            shortest: samples(sample_rate, SHORTEST),
            longest: samples(sample_rate, LONGEST),
            step,
            coarse: vec![0.0; max_frame / step],
        })
    }

    /// By how many values (samples of all channels) a chunk can grow.
    #[must_use]
    pub fn headroom(&self) -> usize {
        self.longest * self.channels
    }

    /// Writes `input` to `output`, a pitch period shorter or longer if `stretch` says so and it won't be
    /// heard. Says how many values (samples of all channels) it wrote.
    ///
    /// # Errors
    /// `output` needs room for the input, and for [`headroom`](Self::headroom) more to lengthen it.
    pub fn process(
        &mut self,
        input: &[f32],
        stretch: Stretch,
        output: &mut [f32],
    ) -> Result<usize, TooShort> {
        let growth = if stretch == Stretch::Lengthen { self.headroom() } else { 0 };
        let needed = input.len().saturating_add(growth);
        if output.len() < needed {
            return Err(TooShort { needed });
        }
        let joint = if stretch == Stretch::None { None } else { self.find_joint(input) };
        let mut output = Output { values: output, written: 0 };
        let Some(Joint { at, period, .. }) = joint else {
            output.copy(input);
            return Ok(output.written);
        };
        let (at, period) = (at * self.channels, period * self.channels);
        let middle = at + period;
        let first = input.get(at..middle).unwrap_or_default();
        let second = input.get(middle..middle + period).unwrap_or_default();
        if stretch == Stretch::Shorten {
            output.copy(input.get(..at).unwrap_or_default());
            output.fade(first, second, self.channels);
            output.copy(input.get(middle + period..).unwrap_or_default());
        } else {
            output.copy(input.get(..middle).unwrap_or_default());
            output.fade(second, first, self.channels);
            output.copy(input.get(middle..).unwrap_or_default());
        }
        Ok(output.written)
    }

    /// Finds where two neighbouring periods are most alike, if they are enough so.
    fn find_joint(&mut self, input: &[f32]) -> Option<Joint> {
        let frames = input.len() / self.channels;
        let longest = self.longest.min(frames / 2);
        if frames > self.max_frame
            || !input.len().is_multiple_of(self.channels)
            || longest < self.shortest
        {
            return None;
        }
        let block = self.channels * self.step;
        let length = frames / self.step;
        for (coarse, values) in self.coarse.iter_mut().zip(input.chunks_exact(block)) {
            *coarse = values.iter().sum::<f32>() / block_size(block);
        }
        let coarse = self.coarse.get(..length)?;
        let (low, high) =
            (self.shortest.div_ceil(self.step), (longest / self.step).min(length / 2));
        let rough = best(coarse, 1, low..=high)?;
        let (period, step) = (rough.period * self.step, self.step);
        let range = (period.saturating_sub(step)).max(self.shortest)..=(period + step).min(longest);
        let fine = best(input, self.channels, range)?;
        let region =
            input.get(fine.at * self.channels..(fine.at + 2 * fine.period) * self.channels)?;
        let quiet = energy(region) < QUIET * block_size(region.len());
        (quiet || fine.likeness >= ALIKE).then_some(fine)
    }
}

/// The most alike neighbours of all `periods`, at the beginning or at the end of the sound.
fn best(
    values: &[f32],
    channels: usize,
    periods: core::ops::RangeInclusive<usize>,
) -> Option<Joint> {
    let frames = values.len() / channels;
    let mut best: Option<Joint> = None;
    for period in periods {
        let Some(end) = frames.checked_sub(2 * period) else { break };
        for at in [0, end] {
            let start = at * channels;
            let middle = start + period * channels;
            let first = values.get(start..middle)?;
            let second = values.get(middle..middle + period * channels)?;
            let likeness = likeness(first, second);
            if best.is_none_or(|best| likeness > best.likeness) {
                best = Some(Joint { at, period, likeness });
            }
        }
    }
    best
}

/// The normalised correlation of two stretches of sound; nothing where one is much louder.
fn likeness(first: &[f32], second: &[f32]) -> f32 {
    let (mut product, mut one, mut two) = (0.0f32, 0.0f32, 0.0f32);
    for (a, b) in first.iter().zip(second) {
        product += a * b;
        one += a * a;
        two += b * b;
    }
    if !(one <= ONSET * two && two <= ONSET * one) {
        return 0.0;
    }
    let scale = libm::sqrtf(one * two);
    if scale > 0.0 { product / scale } else { 0.0 }
}

fn energy(values: &[f32]) -> f32 {
    values.iter().map(|value| value * value).sum()
}

#[allow(clippy::cast_precision_loss, reason = "chunks are far shorter than 2^24 values")]
fn block_size(values: usize) -> f32 {
    values as f32
}

fn samples(rate: u32, micros: u32) -> usize {
    usize::try_from(u64::from(rate) * u64::from(micros) / 1_000_000).unwrap_or(usize::MAX)
}

/// The part of the output that is written.
struct Output<'a> {
    values: &'a mut [f32],
    written: usize,
}

impl Output<'_> {
    fn copy(&mut self, from: &[f32]) {
        let end = self.written + from.len();
        if let Some(place) = self.values.get_mut(self.written..end) {
            place.copy_from_slice(from);
            self.written = end;
        }
    }

    /// One fades out while the other fades in.
    fn fade(&mut self, out: &[f32], into: &[f32], channels: usize) {
        // Both ends are pure, so that what comes before and after fits.
        let last = block_size((out.len() / channels).saturating_sub(1).max(1));
        let end = self.written + out.len();
        let Some(place) = self.values.get_mut(self.written..end) else { return };
        let pairs = out.chunks_exact(channels).zip(into.chunks_exact(channels));
        for ((i, (from, to)), place) in pairs.enumerate().zip(place.chunks_exact_mut(channels)) {
            let weight = block_size(i) / last;
            for ((place, from), to) in place.iter_mut().zip(from).zip(to) {
                *place = from + (to - from) * weight;
            }
        }
        self.written = end;
    }
}

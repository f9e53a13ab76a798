//! Sound: WAV files as a microphone, and a WAV file as a loudspeaker.

use crate::UsageError;
use anyhow::{Context, Result, anyhow};
use hound::{SampleFormat, WavReader, WavSpec};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};
use std::fs::File;
use std::io::{BufWriter, Cursor, Read};
use std::path::Path;

/// The sample rate of everything that a source gives and a writer takes.
pub const SAMPLE_RATE: u32 = 48_000;

/// A few seconds of synthetic speech; `examples/media/README.md` says how it was made.
static SPEECH: &[u8] = include_bytes!("../media/speech.wav");

/// No file is read beyond this: ten minutes of stereo at 48 kHz.
const MAX_SAMPLES: u32 = 10 * 60 * SAMPLE_RATE * 2;

/// A WAV file that speaks for ever: resampled to 48 kHz once, then repeated.
#[derive(Debug, Clone)]
pub struct AudioSource {
    samples: Vec<f32>,
    channels: u16,
    position: usize,
}

impl AudioSource {
    /// A file of 8 to 48 kHz, mono or stereo, integer samples of 8 to 32 bits or floats; the bundled
    /// speech without one.
    ///
    /// # Errors
    /// [`UsageError`] if the file is missing, damaged or of another kind.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Self::from_wav(SPEECH) };
        let read = || Self::from_wav(Cursor::new(std::fs::read(path)?));
        read().map_err(|error| UsageError::file(path, &error).into())
    }

    fn from_wav(wav: impl Read) -> Result<Self> {
        let (spec, samples) = read_wav(wav)?;
        let channels = spec.channels;
        let samples = resample(samples, spec.sample_rate, channels)?;
        Ok(Self { samples, channels, position: 0 })
    }

    /// 1 or 2.
    #[must_use]
    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// Fills `frame` with the next samples, channels interleaved, from the beginning again after the
    /// end.
    pub fn read(&mut self, frame: &mut [f32]) {
        let mut rest = frame;
        while !rest.is_empty() {
            let ahead = self.samples.get(self.position..).unwrap_or_default();
            let count = ahead.len().min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(ahead.get(..count).unwrap_or_default());
            rest = later;
            self.position += count;
            if self.position >= self.samples.len() {
                self.position = 0;
            }
        }
    }

    /// Goes on from `fraction` of the whole, so that two sources don't speak in unison.
    pub fn skip_to(&mut self, percent: usize) {
        let channels = usize::from(self.channels);
        let frames = self.samples.len() / channels;
        self.position = frames * (percent % 100) / 100 * channels;
    }
}

/// All samples of a WAV file, between -1 and 1.
fn read_wav(wav: impl Read) -> Result<(WavSpec, Vec<f32>)> {
    let mut reader = WavReader::new(wav)?;
    let spec = reader.spec();
    if !(1..=2).contains(&spec.channels) {
        return Err(anyhow!("it has {} channels; mono or stereo is needed", spec.channels));
    }
    if !(8_000..=SAMPLE_RATE).contains(&spec.sample_rate) {
        return Err(anyhow!("{} Hz is outside of 8 to 48 kHz", spec.sample_rate));
    }
    if reader.len() > MAX_SAMPLES {
        return Err(anyhow!("it is too long: ten minutes are the most"));
    }
    let samples: hound::Result<Vec<f32>> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let scale = 2_f32.powi(1 - i32::from(spec.bits_per_sample));
            #[allow(clippy::cast_precision_loss, reason = "24 bits are more than anyone hears")]
            reader.samples::<i32>().map(|sample| sample.map(|s| s as f32 * scale)).collect()
        }
    };
    let samples: Vec<f32> = samples.context("it ends early or is damaged")?;
    if samples.len() < usize::from(spec.channels) * 100 {
        return Err(anyhow!("it holds next to no sound"));
    }
    Ok((spec, samples.into_iter().map(audible).collect()))
}

/// Floats in a file may be anything.
fn audible(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

fn resample(samples: Vec<f32>, rate: u32, channels: u16) -> Result<Vec<f32>> {
    if rate == SAMPLE_RATE {
        return Ok(samples);
    }
    let (rate, channels) = (rate as usize, usize::from(channels));
    let frames = samples.len() / channels;
    let input = InterleavedSlice::new(&samples, channels, frames)?;
    let mut resampler =
        Fft::<f32>::new(rate, SAMPLE_RATE as usize, 1024, channels, FixedSync::Both)?;
    let mut resampled = resampler.process_all(&input, frames, None)?.take_data();
    resampled.truncate(resampled.len() / channels * channels);
    Ok(resampled)
}

/// Writes what is heard into a WAV file of 48 kHz and 16 bits, as it comes.
pub struct WavWriter(hound::WavWriter<BufWriter<File>>);

impl WavWriter {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn create(path: &Path, channels: u16) -> Result<Self> {
        let spec = WavSpec {
            channels,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(path, spec)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(writer))
    }

    /// Appends samples, channels interleaved.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        for &sample in samples {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "audible() keeps it within 16 bits"
            )]
            self.0.write_sample((audible(sample) * 32_767.0).round() as i16)?;
        }
        Ok(())
    }

    /// Completes the header.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn finish(self) -> Result<()> {
        Ok(self.0.finalize()?)
    }
}

//! What one side heard and saw, as files.

use crate::audio::WavWriter;
use crate::y4m_file::Y4mWriter;
use anyhow::{Context, Result};
use core::time::Duration;
use std::path::Path;
use visavis_codec::PictureView;

/// `received.wav` and `received.y4m` in a folder named after the direction; or nothing, if nobody
/// asked for files.
#[derive(Default)]
pub struct Received {
    files: Option<(WavWriter, Y4mWriter)>,
}

impl Received {
    /// Makes the files in the folder `direction` of `out`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn create(
        out: Option<&Path>,
        direction: &str,
        channels: u16,
        frame_interval: Duration,
    ) -> Result<Self> {
        let Some(out) = out else { return Ok(Self::default()) };
        let dir = out.join(direction);
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let wav = WavWriter::create(&dir.join("received.wav"), channels)?;
        let y4m = Y4mWriter::create(&dir.join("received.y4m"), frame_interval)?;
        Ok(Self { files: Some((wav, y4m)) })
    }

    /// What was heard next, channels interleaved.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn hear(&mut self, samples: &[f32]) -> Result<()> {
        self.files.as_mut().map_or(Ok(()), |(wav, _)| wav.write(samples))
    }

    /// What was seen next.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn see(&mut self, picture: PictureView<'_>) -> Result<()> {
        self.files.as_mut().map_or(Ok(()), |(_, y4m)| y4m.write(picture))
    }

    /// Completes the files.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn finish(self) -> Result<()> {
        let Some((wav, y4m)) = self.files else { return Ok(()) };
        wav.finish()?;
        y4m.finish()
    }
}

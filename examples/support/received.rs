//! What one side heard and saw, as files.

use crate::audio::WavWriter;
use crate::y4m_file::Y4mWriter;
use anyhow::{Context, Result};
use core::fmt;
use core::time::Duration;
use std::path::{Path, PathBuf};
use visavis_codec::PictureView;

/// `received.wav` and `received.y4m` in a folder named after the direction, made when there is
/// something to put into them; or nothing, if nobody asked for files.
pub(crate) struct Received {
    folder: Option<PathBuf>,
    frame_interval: Duration,
    sound: Option<WavWriter>,
    pictures: Option<Y4mWriter>,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Received {
    pub(crate) fn new(out: Option<&Path>, direction: &str, frame_interval: Duration) -> Self {
        let folder = out.map(|out| out.join(direction));
        Self { folder, frame_interval, sound: None, pictures: None }
    }

    /// Where a file goes; its folder exists then. `None` if nobody asked for files.
    fn path(&self, name: &str) -> Result<Option<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Some(folder.join(name)))
    }

    /// What was heard next, channels interleaved.
    pub(crate) fn hear(&mut self, samples: &[f32], channels: usize) -> Result<()> {
        if self.sound.is_none()
            && let Some(path) = self.path("received.wav")?
        {
            self.sound = Some(WavWriter::create(&path, u16::try_from(channels)?)?);
        }
        self.sound.as_mut().map_or(Ok(()), |wav| wav.write(samples))
    }

    /// What was seen next.
    pub(crate) fn see(&mut self, picture: PictureView<'_>) -> Result<()> {
        if self.pictures.is_none()
            && let Some(path) = self.path("received.y4m")?
        {
            self.pictures = Some(Y4mWriter::create(&path, self.frame_interval)?);
        }
        self.pictures.as_mut().map_or(Ok(()), |y4m| y4m.write(picture))
    }

    /// Completes the files.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.sound.take().map_or(Ok(()), WavWriter::finish)?;
        self.pictures.take().map_or(Ok(()), Y4mWriter::finish)
    }
}

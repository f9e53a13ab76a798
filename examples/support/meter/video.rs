//! Glass to glass.

use super::{Freezes, percentile};
use crate::video::{Comparison, Reference};
use alloc::collections::BTreeMap;
use anyhow::Result;
use core::time::Duration;
use visavis_codec::PictureView;
use visavis_core::{Instant, RtpTimestamp};

/// Follows one direction's pictures.
#[derive(Debug)]
pub(crate) struct VideoMeter {
    reference: Reference,
    frame_interval: Duration,
    pub(crate) frames: Vec<Frame>,
    /// Which frame was sent under a timestamp.
    by_timestamp: BTreeMap<u32, usize>,
    /// In the order in which they were shown.
    rendered: Vec<usize>,
    pub(crate) keyframes: u64,
}

/// One frame's way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    number: u32,
    captured: Instant,
    shown: Option<Shown>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    at: Instant,
    psnr_y_db: Option<f64>,
}

impl VideoMeter {
    pub(crate) fn new(reference: Reference, frame_interval: Duration) -> Self {
        Self {
            reference,
            frame_interval,
            frames: Vec::new(),
            by_timestamp: BTreeMap::new(),
            rendered: Vec::new(),
            keyframes: 0,
        }
    }

    pub(crate) fn on_sent(
        &mut self,
        captured: Instant,
        timestamp: RtpTimestamp,
        number: u32,
        keyframe: bool,
    ) {
        self.keyframes += u64::from(keyframe);
        self.by_timestamp.insert(timestamp.0, self.frames.len());
        self.frames.push(Frame { number, captured, shown: None });
    }

    pub(crate) fn on_rendered(
        &mut self,
        at: Instant,
        timestamp: RtpTimestamp,
        picture: PictureView<'_>,
    ) -> Result<()> {
        let Some(&index) = self.by_timestamp.get(&timestamp.0) else { return Ok(()) };
        let Some(frame) = self.frames.get_mut(index) else { return Ok(()) };
        if frame.shown.is_some() {
            return Ok(());
        }
        if let Comparison::Same { psnr_y_db } = self.reference.compare(frame.number, picture)? {
            frame.shown = Some(Shown { at, psnr_y_db });
            self.rendered.push(index);
        }
        Ok(())
    }

    fn shown(&self) -> impl Iterator<Item = (&Frame, Shown)> {
        let frames = self.rendered.iter().filter_map(|&index| self.frames.get(index));
        frames.filter_map(|frame| Some((frame, frame.shown?)))
    }

    pub(crate) fn frames_rendered(&self) -> usize {
        self.rendered.len()
    }

    /// When each frame was shown, and how long after it was captured in milliseconds.
    pub(crate) fn delays(&self) -> Vec<(Instant, f64)> {
        self.shown()
            .map(|(frame, shown)| (shown.at, shown.at.diff_millis(frame.captured)))
            .collect()
    }

    pub(crate) fn delays_ms(&self) -> Vec<f64> {
        self.delays().iter().map(|delay| delay.1).collect()
    }

    pub(crate) fn last_delay_ms(&self) -> Option<f64> {
        let frame = self.frames.get(*self.rendered.last()?)?;
        Some(frame.shown?.at.diff_millis(frame.captured))
    }

    /// The mean and the least; `None` if the originals aren't known.
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn psnr_y_db(&self) -> Option<(f64, f64)> {
        let values: Vec<f64> = self.shown().filter_map(|(_, shown)| shown.psnr_y_db).collect();
        let least = values.iter().copied().min_by(f64::total_cmp)?;
        Some((values.iter().sum::<f64>() / values.len() as f64, least))
    }

    /// A picture that never moved again is a freeze too: it lasts until the last frame sent would
    /// have been shown with the usual delay.
    pub(crate) fn freezes(&self) -> Freezes {
        let mut times: Vec<Instant> = self.shown().map(|(_, shown)| shown.at).collect();
        let usual = percentile(&self.delays_ms(), 50).unwrap_or(0.0).max(0.0);
        if let Some(last) = self.frames.last().filter(|last| last.shown.is_none()) {
            let expected = last.captured + Duration::from_secs_f64(usual / 1e3);
            if times.is_empty() {
                times.extend(self.frames.first().map(|first| first.captured));
            }
            times.push(expected);
        }
        Freezes::of(times, self.frame_interval)
    }
}

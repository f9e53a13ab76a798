//! Mouth to ear.

use super::PerSecond;
use alloc::collections::VecDeque;
use core::time::Duration;
use visavis_core::{ClockRate, Instant, RtpTimestamp};

/// Sound that was sent longer ago than so many packets isn't expected any more: 20 s of 20 ms.
const REMEMBERED: usize = 1000;

/// Where a piece of sound came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// From its own packet.
    Decoded,
    /// From the redundancy in the next packet.
    Repaired,
    /// Made up, since nothing came.
    Concealed,
}

/// Follows one direction's sound.
#[derive(Debug, Clone, Default)]
pub(crate) struct AudioMeter {
    pub(crate) packets_sent: u64,
    /// The sender has said all that it had to say.
    pub(crate) ended: bool,
    captured: VecDeque<(RtpTimestamp, Instant)>,
    /// When each chunk was played, and how long after it was captured in milliseconds.
    pub(crate) delays: Vec<(Instant, f64)>,
    pub(crate) played: PerSecond,
    pub(crate) repaired: PerSecond,
    pub(crate) concealed: PerSecond,
}

impl AudioMeter {
    pub(crate) fn on_sent(&mut self, captured: Instant, timestamp: RtpTimestamp) {
        self.packets_sent += 1;
        if self.captured.len() == REMEMBERED {
            self.captured.pop_front();
        }
        self.captured.push_back((timestamp, captured));
    }

    pub(crate) fn on_played(
        &mut self,
        at: Instant,
        timestamp: RtpTimestamp,
        ticks: u32,
        sound: Sound,
    ) {
        if self.is_over(timestamp, sound) {
            return;
        }
        let ticks = u64::from(ticks);
        self.played.add(at, ticks);
        match sound {
            Sound::Concealed => return self.concealed.add(at, ticks),
            Sound::Repaired => self.repaired.add(at, ticks),
            Sound::Decoded => {}
        }
        if let Some(captured) = self.captured_at(timestamp) {
            self.delays.push((at, at.diff_millis(captured)));
        }
    }

    /// What a receiver makes up after the last packet that was ever sent isn't missing from the call.
    fn is_over(&self, timestamp: RtpTimestamp, sound: Sound) -> bool {
        let mut latest = self.captured.iter().rev();
        let (Some((last, _)), Some((before, _))) = (latest.next(), latest.next()) else {
            return false;
        };
        // The codec's look-ahead is less than half a packet.
        self.ended && sound == Sound::Concealed && timestamp.since(*last) > last.since(*before) / 2
    }

    /// When the sample with this timestamp was captured.
    fn captured_at(&self, timestamp: RtpTimestamp) -> Option<Instant> {
        let before = |sent: &&(RtpTimestamp, Instant)| timestamp.since(sent.0) >= 0;
        let (start, captured) = self.captured.iter().rev().find(before)?;
        let into = ClockRate::OPUS.duration(i64::from(timestamp.since(*start)));
        (into < Duration::from_secs(1)).then(|| *captured + into)
    }

    pub(crate) fn concealed_percent(&self) -> f64 {
        super::percent(self.concealed.total(), self.played.total())
    }

    pub(crate) fn last_delay_ms(&self) -> Option<f64> {
        self.delays.last().map(|delay| delay.1)
    }

    pub(crate) fn delays_ms(&self) -> Vec<f64> {
        self.delays.iter().map(|delay| delay.1).collect()
    }
}

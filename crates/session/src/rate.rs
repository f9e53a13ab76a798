//! How much of a budget is left for pictures.

use core::time::Duration;

use visavis_core::{Bitrate, DataSize, Instant};

/// A rate over the last second, in slices of 100 ms.
#[derive(Debug, Clone, Default)]
pub(crate) struct RateMeter {
    slices: [u64; SLICES],
    /// The slice of the latest bytes, counted from the epoch.
    current: u64,
    /// The first slice that counted anything, so that a young stream isn't taken for a thin one.
    first: Option<u64>,
}

const SLICES: usize = 10;
const SLICE: Duration = Duration::from_millis(100);

fn slice_of(now: Instant) -> u64 {
    now.as_nanos() / 100_000_000
}

impl RateMeter {
    pub(crate) fn add(&mut self, now: Instant, size: usize) {
        self.advance(slice_of(now));
        self.first.get_or_insert(self.current);
        if let Some(slice) = self.slices.get_mut(index(self.current)) {
            *slice += size as u64;
        }
    }

    pub(crate) fn rate(&mut self, now: Instant) -> Bitrate {
        self.advance(slice_of(now));
        let Some(first) = self.first else { return Bitrate::ZERO };
        let slices = (self.current.saturating_sub(first) + 1).clamp(2, SLICES as u64);
        let time = SLICE * u32::try_from(slices).unwrap_or(u32::MAX);
        DataSize::from_bytes(self.slices.iter().sum()).per(time)
    }

    fn advance(&mut self, slice: u64) {
        if slice.saturating_sub(self.current) >= SLICES as u64 {
            self.slices = [0; SLICES];
            self.current = slice;
        }
        while self.current < slice {
            self.current += 1;
            if let Some(slice) = self.slices.get_mut(index(self.current)) {
                *slice = 0;
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "below SLICES")]
fn index(slice: u64) -> usize {
    (slice % SLICES as u64) as usize
}

/// What is being sent, by what it is for, with and without the overhead of packets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spending {
    /// Sound, everything on the wire.
    pub(crate) audio: RateMeter,
    /// Sound, payload only.
    pub(crate) audio_payload: RateMeter,
    /// Pictures sent again, everything on the wire.
    pub(crate) repair: RateMeter,
    /// Which part of a video packet is payload: smoothed.
    video_payload_share: Option<f64>,
}

impl Spending {
    pub(crate) fn on_video(&mut self, wire: usize, payload: usize) {
        #[allow(clippy::cast_precision_loss, reason = "packet sizes are small")]
        let share = payload as f64 / wire.max(1) as f64;
        // Weighted by size: the share of the bytes counts, not of the packets.
        #[allow(clippy::cast_precision_loss, reason = "packet sizes are small")]
        let weight = wire as f64 / 100_000.0;
        let smoothed = self.video_payload_share.get_or_insert(share);
        *smoothed += (share - *smoothed) * weight.min(0.5);
    }

    /// What pictures may use of `total` (which counts every byte on the wire), payload only.
    pub(crate) fn video_budget(&mut self, now: Instant, total: Bitrate) -> Bitrate {
        let left = total - self.audio.rate(now) - self.repair.rate(now);
        left.scale(self.video_payload_share.unwrap_or(DEFAULT_PAYLOAD_SHARE))
    }
}

/// Of 1200-byte packets with IP, UDP, RTP, extensions and SRTP; until it has been measured.
const DEFAULT_PAYLOAD_SHARE: f64 = 0.93;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_second() {
        let mut meter = RateMeter::default();
        for ms in 0..3000 {
            meter.add(Instant::from_millis(ms), 125);
        }
        assert_eq!(meter.rate(Instant::from_millis(2999)), Bitrate::from_kbps(1000));
        assert_eq!(meter.rate(Instant::from_millis(3499)), Bitrate::from_kbps(500));
        assert_eq!(meter.rate(Instant::from_millis(9000)), Bitrate::ZERO);
    }

    #[test]
    fn a_young_stream_is_not_taken_for_a_thin_one() {
        let mut meter = RateMeter::default();
        for ms in 5000..5200 {
            meter.add(Instant::from_millis(ms), 125);
        }
        assert_eq!(meter.rate(Instant::from_millis(5199)), Bitrate::from_kbps(1000));
    }

    #[test]
    fn pictures_get_what_sound_and_repair_leave() {
        let mut spending = Spending::default();
        let now = Instant::from_millis(950);
        for ms in (0..1000).step_by(20) {
            spending.audio.add(Instant::from_millis(ms), 250);
            spending.audio_payload.add(Instant::from_millis(ms), 100);
            spending.on_video(1200, 1080);
        }
        let budget = spending.video_budget(now, Bitrate::from_kbps(1100));
        assert!((budget.kbps_f64() - 900.0).abs() < 5.0, "{budget}");
    }
}

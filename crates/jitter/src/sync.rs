//! Sound and pictures of one sender, together.

use core::time::Duration;

use visavis_core::{ClockRate, ExtTimestamp, Instant, MediaKind, NtpTime};

/// A skew up to this many milliseconds isn't noticed, and not corrected.
const DEAD_ZONE: f64 = 15.0;
/// The most by which one correction changes a delay, in milliseconds: what the buffers can follow.
const MAX_STEP: f64 = 80.0;
/// The share of a measurement in the average.
const WEIGHT: f64 = 0.25;
/// A skew beyond this many milliseconds is no skew but a wrong sender report.
const MAX_SKEW: f64 = 10_000.0;
/// No stream is held back by more.
const MAX_DELAY: f64 = 10_000.0;
/// A delay this much above its minimum, in milliseconds, isn't caused by it.
const NOT_BINDING: f64 = 10.0;

/// What one stream is playing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Playing {
    /// A media time of the stream.
    pub timestamp: ExtTimestamp,
    /// When that is played or shown.
    pub at: Instant,
    /// The delay that the stream's buffer aims at now.
    pub delay: Duration,
}

/// The least delay for each of the two buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncDelays {
    /// For [`AudioPlayout::set_minimum_delay`](crate::AudioPlayout::set_minimum_delay).
    pub audio: Duration,
    /// For [`VideoBuffer::set_minimum_delay`](crate::VideoBuffer::set_minimum_delay).
    pub video: Duration,
}

/// Keeps sound and pictures together: delays the one that is ahead.
///
/// Sender reports say which media times of the two streams belong to the same wall time
/// ([RFC 3550 §6.4.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1)). The wall clock itself
/// doesn't matter, as long as it's the same for both.
///
/// ```
/// use core::time::Duration;
/// use visavis_core::{ClockRate, ExtTimestamp, Instant, MediaKind, NtpTime};
/// use visavis_jitter::{LipSync, Playing};
///
/// let mut sync = LipSync::new(ClockRate::OPUS, ClockRate::VIDEO);
/// sync.on_sender_report(MediaKind::Audio, NtpTime(1 << 32), ExtTimestamp(0));
/// sync.on_sender_report(MediaKind::Video, NtpTime(1 << 32), ExtTimestamp(0));
/// let delay = Duration::from_millis(20);
/// let audio = Playing { timestamp: ExtTimestamp(48_000), at: Instant::from_millis(5_000), delay };
/// let video = Playing { timestamp: ExtTimestamp(90_000), at: Instant::from_millis(5_100), delay };
/// let delays = sync.update(audio, video).unwrap();
/// // The pictures are 100 ms late: the sound is held back, half of the way at first.
/// assert_eq!((delays.audio.as_millis(), delays.video.as_millis()), (70, 0));
/// ```
#[derive(Debug, Clone)]
pub struct LipSync {
    audio: Side,
    video: Side,
    /// How many milliseconds the sound is behind the pictures, averaged.
    skew: Option<f64>,
}

#[derive(Debug, Clone)]
struct Side {
    rate: ClockRate,
    report: Option<(NtpTime, ExtTimestamp)>,
    /// The least delay that was asked for, in milliseconds.
    minimum: f64,
}

impl Side {
    fn new(rate: ClockRate) -> Self {
        Self { rate, report: None, minimum: 0.0 }
    }

    /// Milliseconds on the media clock from the last report to `timestamp`.
    #[allow(clippy::cast_precision_loss, reason = "2^53 ticks are thousands of years")]
    fn since_report(&self, timestamp: ExtTimestamp) -> Option<f64> {
        let (_, reported) = self.report?;
        Some((timestamp - reported) as f64 * 1e3 / f64::from(self.rate.hertz()))
    }

    /// Holds this stream back less, or the other one more.
    fn shift(&mut self, other: &mut Self, step: f64, me: Playing, them: Playing) {
        let my_delay = millis(me.delay);
        if self.minimum > 0.0 && my_delay < self.minimum + NOT_BINDING {
            self.minimum = (self.minimum - step).max(0.0);
        } else {
            self.minimum = 0.0;
            other.minimum = (other.minimum.max(millis(them.delay)) + step).min(MAX_DELAY);
        }
    }
}

impl LipSync {
    /// For streams with these clocks.
    #[must_use]
    pub fn new(audio: ClockRate, video: ClockRate) -> Self {
        Self { audio: Side::new(audio), video: Side::new(video), skew: None }
    }

    /// Takes the two times that stand in a sender report.
    pub fn on_sender_report(&mut self, stream: MediaKind, wall: NtpTime, timestamp: ExtTimestamp) {
        match stream {
            MediaKind::Audio => self.audio.report = Some((wall, timestamp)),
            MediaKind::Video => self.video.report = Some((wall, timestamp)),
        }
    }

    /// How many milliseconds the sound is behind the pictures, negative if it is ahead. `None` before
    /// both streams have had a sender report.
    #[must_use]
    pub fn skew_millis(&self, audio: Playing, video: Playing) -> Option<f64> {
        let ((audio_wall, _), (video_wall, _)) = (self.audio.report?, self.video.report?);
        let reports = millis(audio_wall.since(video_wall)) - millis(video_wall.since(audio_wall));
        let media =
            self.audio.since_report(audio.timestamp)? - self.video.since_report(video.timestamp)?;
        Some(audio.at.diff_millis(video.at) - (reports + media))
    }

    /// Given what both play, says how long each should wait at least. Call it about once a second.
    /// `None` before both have had a sender report, or when these can't be right.
    pub fn update(&mut self, audio: Playing, video: Playing) -> Option<SyncDelays> {
        let now = self.skew_millis(audio, video)?;
        if libm::fabs(now) > MAX_SKEW {
            return None;
        }
        let mut skew = self.skew.map_or(now, |skew| skew + WEIGHT * (now - skew));
        if libm::fabs(skew) > DEAD_ZONE {
            let step = (skew / 2.0).clamp(-MAX_STEP, MAX_STEP);
            // The next measurement will see this.
            skew -= step;
            let (sound, pictures) = (&mut self.audio, &mut self.video);
            if step > 0.0 {
                sound.shift(pictures, step, audio, video);
            } else {
                pictures.shift(sound, -step, video, audio);
            }
        }
        self.skew = Some(skew);
        Some(SyncDelays {
            audio: from_millis(self.audio.minimum),
            video: from_millis(self.video.minimum),
        })
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn from_millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis.max(0.0) / 1e3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Two streams whose buffers keep the delays that they are told, but never less than their own;
    /// gives the skew after each second.
    fn run(own: (f64, f64), network: (f64, f64), seconds: u64) -> Vec<f64> {
        let mut sync = LipSync::new(ClockRate::OPUS, ClockRate::VIDEO);
        let mut delays = SyncDelays::default();
        let mut skews = Vec::new();
        for second in 1..=seconds {
            let wall = NtpTime(u64::MAX - (5 << 32)).plus(Duration::from_secs(second));
            sync.on_sender_report(MediaKind::Audio, wall, ExtTimestamp(7 + 48_000 * second));
            let later = wall.plus(Duration::from_millis(300));
            sync.on_sender_report(MediaKind::Video, later, ExtTimestamp(90_000 * second + 27_000));
            let noise: f64 = if second % 2 == 0 { 4.0 } else { -4.0 };
            let play = |rate: u64, own: f64, network: f64, least: Duration, start: u64| {
                let delay = from_millis(own).max(least);
                let captured = Instant::from_millis(second * 1000 + 200);
                let at = captured + from_millis(network + noise.max(0.0)) + delay;
                let timestamp = ExtTimestamp(start + rate * second + rate / 5);
                Playing { timestamp, at, delay }
            };
            let audio = play(48_000, own.0, network.0, delays.audio, 7);
            let video = play(90_000, own.1, network.1, delays.video, 0);
            skews.push(sync.skew_millis(audio, video).unwrap());
            let next = sync.update(audio, video).unwrap();
            for (now, before, own) in
                [(next.audio, delays.audio, own.0), (next.video, delays.video, own.1)]
            {
                let change = millis(now) - millis(before).max(own);
                assert!(change <= MAX_STEP + 1e-6, "a step of {change} ms");
            }
            delays = next;
        }
        skews
    }

    #[test]
    fn whichever_is_ahead_waits() {
        for (own, network) in [
            ((20.0, 150.0), (30.0, 30.0)),
            ((120.0, 30.0), (60.0, 20.0)),
            ((30.0, 400.0), (0.0, 300.0)),
        ] {
            let skews = run(own, network, 40);
            assert!(libm::fabs(skews[0]) > 80.0);
            for skew in &skews[25..] {
                assert!(libm::fabs(*skew) <= 40.0, "{skews:?}");
            }
        }
    }

    #[test]
    fn without_reports_or_with_mad_ones_nothing_is_done() {
        let mut sync = LipSync::new(ClockRate::OPUS, ClockRate::VIDEO);
        let playing =
            Playing { timestamp: ExtTimestamp(0), at: Instant::ZERO, delay: Duration::ZERO };
        assert_eq!(sync.update(playing, playing), None);
        sync.on_sender_report(MediaKind::Audio, NtpTime(0), ExtTimestamp(0));
        assert_eq!(sync.update(playing, playing), None);
        sync.on_sender_report(MediaKind::Video, NtpTime(100 << 32), ExtTimestamp(u64::MAX));
        assert_eq!(sync.update(playing, playing), None);
    }
}

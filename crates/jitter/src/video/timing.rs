//! When each frame is to be shown.

use core::time::Duration;

use visavis_core::{ClockRate, ExtTimestamp, Instant};

use crate::window::Window;

/// Over how long the frames' delays are looked at, in milliseconds, and how many frames at most.
const SPAN: f64 = 10_000.0;
const FRAMES: usize = 1024;
/// The share of the frames that should be there in time.
const IN_TIME: f64 = 0.9;
/// How fast the delay may grow and shrink, in milliseconds per millisecond: motion that is a little
/// slower or faster isn't seen.
const RISE: f64 = 0.2;
const FALL: f64 = 0.05;
/// A frame this far, in milliseconds, from all others of the last while belongs to a new timeline.
const JUMP: f64 = 10_000.0;

/// Keeps the time between frames as the sender had it, at a delay that nearly all frames can keep.
///
/// What counts is when a frame could be decoded: its own last packet's arrival or that of a frame
/// before it. Retransmission is in there, so no round-trip time has to be added for it.
#[derive(Debug)]
pub(super) struct Timing {
    rate: ClockRate,
    /// Least and greatest hold, and the decode time, in milliseconds.
    least: f64,
    most: f64,
    decode: f64,
    origin: Option<(Instant, ExtTimestamp)>,
    delays: Window,
    /// When the newest frame could be decoded.
    decodable: Instant,
    /// Time of showing minus media time, in milliseconds from the origin.
    offset: f64,
    shown: Instant,
}

impl Timing {
    pub(super) fn new(rate: ClockRate, least: Duration, most: Duration, decode: Duration) -> Self {
        Self {
            rate,
            least: millis(least),
            most: millis(most),
            decode: millis(decode),
            origin: None,
            delays: Window::new(SPAN, FRAMES),
            decodable: Instant::ZERO,
            offset: 0.0,
            shown: Instant::ZERO,
        }
    }

    pub(super) fn set_least(&mut self, least: Duration) {
        self.least = millis(least).min(self.most);
    }

    /// Takes the next frame in decoding order, complete since `complete_at`.
    pub(super) fn on_frame(&mut self, complete_at: Instant, timestamp: ExtTimestamp) {
        let before = self.decodable;
        self.decodable = before.max(complete_at);
        if let (Some(delay), Some(least)) = (self.delay(timestamp), self.delays.min())
            && libm::fabs(delay - least) > JUMP
        {
            self.origin = None;
        }
        let fresh = self.origin.is_none();
        if fresh {
            self.delays.clear();
            self.decodable = complete_at;
            self.origin = Some((complete_at, timestamp));
        }
        let Some(delay) = self.delay(timestamp) else { return };
        self.delays.push(self.time(self.decodable), delay);
        let goal = self.goal();
        let passed = if fresh { 0.0 } else { millis(self.decodable.since(before)) };
        self.offset = if fresh {
            goal
        } else {
            goal.clamp(self.offset - FALL * passed, self.offset + RISE * passed)
        };
    }

    fn time(&self, at: Instant) -> f64 {
        self.origin.map_or(0.0, |(origin, _)| at.diff_millis(origin))
    }

    #[allow(clippy::cast_precision_loss, reason = "2^53 ticks are thousands of years")]
    fn media(&self, timestamp: ExtTimestamp) -> Option<f64> {
        let (_, origin) = self.origin?;
        Some((timestamp - origin) as f64 * 1e3 / f64::from(self.rate.hertz()))
    }

    fn delay(&self, timestamp: ExtTimestamp) -> Option<f64> {
        Some(self.time(self.decodable) - self.media(timestamp)?)
    }

    fn goal(&self) -> f64 {
        let fastest = self.delays.min().unwrap_or(0.0);
        let usual = self.delays.quantile(IN_TIME).unwrap_or(0.0);
        fastest + (usual - fastest + self.decode).clamp(self.least, self.most.max(self.least))
    }

    /// How long a frame that came the fastest way is held.
    pub(super) fn hold(&self) -> Duration {
        from_millis(self.goal() - self.delays.min().unwrap_or(0.0))
    }

    /// When a frame should be shown; never before one that was.
    pub(super) fn render_at(&self, timestamp: ExtTimestamp) -> Instant {
        let (Some((origin, _)), Some(media)) = (self.origin, self.media(timestamp)) else {
            return self.shown;
        };
        let after = media + self.offset;
        let at =
            if after < 0.0 { origin - from_millis(-after) } else { origin + from_millis(after) };
        at.max(self.shown)
    }

    /// When it should be given to the decoder.
    pub(super) fn decode_at(&self, timestamp: ExtTimestamp) -> Instant {
        self.render_at(timestamp) - from_millis(self.decode)
    }

    pub(super) fn on_shown(&mut self, at: Instant) {
        self.shown = self.shown.max(at);
    }

    pub(super) fn clear(&mut self) {
        self.origin = None;
        self.delays.clear();
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn from_millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis.max(0.0) / 1e3).unwrap_or_default()
}

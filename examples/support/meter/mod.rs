//! Measures one direction of a call: what went in, what came out, and when.
//!
//! All times are those of the call's one clock, which is 0 when the call starts: sender and receiver
//! are on the same machine, so that delays need no synchronised clocks.

mod audio;
mod freeze;
mod series;
mod video;

pub(crate) use audio::AudioMeter;
pub use audio::Sound;
pub(crate) use freeze::Freezes;
pub(crate) use series::{PerSecond, Steps, percentile};
pub(crate) use video::VideoMeter;

use crate::cli::CallOptions;
use crate::network::PathStats;
use crate::received::Received;
use crate::video::{VideoCodec, VideoSource};
use anyhow::Result;
use core::time::Duration;
use visavis_codec::{EncodedFrame, PictureView};
use visavis_core::{Bitrate, DataSize, Instant, RtpTimestamp};

/// How often counters are kept for the report.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);
/// The start of a call, in which the rate is still being found, isn't counted in
/// `lost_after_5s_percent`.
const SETTLED: Instant = Instant::from_millis(5_000);

/// Counters of the receiving and sending session, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Audio packets that never came.
    pub audio_lost: u64,
    /// Packets that were sent once more.
    pub retransmitted: u64,
    /// How much sound waits to be played.
    pub audio_buffer: Duration,
    /// Packets whose authentication failed.
    pub auth_failures: u64,
    /// Packets that came a second time.
    pub replays: u64,
}

/// The recorder of one direction; each fact is one call.
#[derive(Debug)]
pub struct Direction {
    pub(crate) codec: VideoCodec,
    pub(crate) duration: Duration,
    pub(crate) received: Received,
    pub(crate) audio: AudioMeter,
    pub(crate) video: VideoMeter,
    pub(crate) target: Steps,
    pub(crate) sent: PerSecond,
    pub(crate) network: Vec<(Instant, PathStats)>,
    pub(crate) latest: PathStats,
    pub(crate) settled: Option<PathStats>,
    pub(crate) counters: Counters,
    pub(crate) retransmitted: PerSecond,
}

impl Direction {
    /// For what `source` shoots in the call that `options` ask for. What is received goes into the
    /// folder `name` of `--out`.
    ///
    /// # Errors
    /// If the source's file went away meanwhile, or files can't be made.
    pub fn new(options: &CallOptions, name: &str, source: &VideoSource) -> Result<Self> {
        let out = options.out.as_deref();
        Ok(Self {
            codec: source.codec(),
            duration: options.duration(),
            received: Received::new(out, name, source.frame_interval()),
            audio: AudioMeter::default(),
            video: VideoMeter::new(source.reference()?, source.frame_interval()),
            target: Steps::default(),
            sent: PerSecond::default(),
            network: Vec::new(),
            latest: PathStats::default(),
            settled: None,
            counters: Counters::default(),
            retransmitted: PerSecond::default(),
        })
    }

    /// The sender encoded `payload`; its first sample was captured at `captured`.
    pub fn on_audio_sent(&mut self, captured: Instant, timestamp: RtpTimestamp, payload: &[u8]) {
        self.sent.add(captured, DataSize::of(payload).bits());
        self.audio.on_sent(captured, timestamp);
    }

    /// The sender encoded shot `number`, which was captured at `captured`, as `frame`.
    pub fn on_frame_sent(
        &mut self,
        captured: Instant,
        timestamp: RtpTimestamp,
        number: u32,
        frame: &EncodedFrame<'_>,
    ) {
        self.sent.add(captured, DataSize::of(frame.data).bits());
        self.video.on_sent(captured, timestamp, number, frame.keyframe);
    }

    /// The rate that the sender's media aim at from now on.
    pub fn on_target(&mut self, now: Instant, target: Bitrate) {
        self.target.push(now, target.kbps_f64());
    }

    /// The receiver plays `samples`, `channels` interleaved, the first of them at `at`. `timestamp` is
    /// that of the first.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn on_audio_played(
        &mut self,
        at: Instant,
        timestamp: RtpTimestamp,
        (samples, channels): (&[f32], usize),
        sound: Sound,
    ) -> Result<()> {
        let ticks = u32::try_from(samples.len() / channels.max(1))?;
        self.audio.ended = at >= Instant::ZERO + self.duration;
        self.audio.on_played(at, timestamp, ticks, sound);
        self.received.hear(samples, channels)
    }

    /// The receiver shows `picture` at `at`. A picture that isn't the one sent under this timestamp
    /// doesn't count.
    ///
    /// # Errors
    /// If the source's file went away meanwhile, or the disk is full.
    pub fn on_frame_rendered(
        &mut self,
        at: Instant,
        timestamp: RtpTimestamp,
        picture: PictureView<'_>,
    ) -> Result<()> {
        self.video.on_rendered(at, timestamp, picture)?;
        self.received.see(picture)
    }

    /// What the network did so far; to be told often.
    pub fn on_network(&mut self, now: Instant, stats: PathStats) {
        self.latest = stats;
        if now >= SETTLED && self.settled.is_none() {
            self.settled = Some(stats);
        }
        if self.network.last().is_none_or(|last| now.since(last.0) >= SAMPLE_EVERY) {
            self.network.push((now, stats));
        }
    }

    /// What the sessions counted so far; to be told often.
    pub fn on_counters(&mut self, now: Instant, counters: Counters) {
        let more = counters.retransmitted.saturating_sub(self.counters.retransmitted);
        self.retransmitted.add(now, more);
        self.counters = counters;
    }

    /// Packets lost after the first five seconds, in percent.
    pub(crate) fn lost_after_5s(&self) -> f64 {
        self.settled.map_or(0.0, |before| loss(before, self.latest))
    }

    /// How many seconds the call has begun.
    pub(crate) fn seconds(&self) -> usize {
        usize::try_from(self.duration.as_nanos().div_ceil(1_000_000_000)).unwrap_or(0)
    }

    /// Media sent in each second; the last one may be shorter.
    #[allow(clippy::cast_precision_loss, reason = "sums are far below 2^53")]
    pub(crate) fn sent_kbps(&self) -> Vec<f64> {
        let lengths = (0_u32..).map(|at| (self.duration.as_secs_f64() - f64::from(at)).min(1.0));
        let sums = self.sent.sums(self.seconds());
        sums.zip(lengths).map(|(bits, length)| bits as f64 / 1e3 / length).collect()
    }

    /// What the network had done at the start of each second, and at the end.
    pub(crate) fn network_per_second(&self) -> Vec<PathStats> {
        let starts = (0..=self.seconds() as u64).map(|s| Instant::from_millis(s * 1000));
        let reading = |at: Instant| {
            let until = self.network.partition_point(|sample| sample.0 <= at);
            until.checked_sub(1).and_then(|last| self.network.get(last)).map(|sample| sample.1)
        };
        starts.map(|at| reading(at).unwrap_or_default()).collect()
    }

    /// The figures of the last second, for watching.
    #[must_use]
    pub fn figures(&self, now: Instant) -> Figures {
        let second_ago = now - Duration::from_secs(1);
        let before = self.network.iter().rev().find(|sample| sample.0 <= second_ago);
        Figures {
            sent_kbps: self.sent.before(now) / 1e3,
            target_kbps: self.target.last().unwrap_or(0.0),
            loss_percent: loss(before.map_or_else(PathStats::default, |b| b.1), self.latest),
            picture_delay_ms: self.video.last_delay_ms(),
            sound_delay_ms: self.audio.last_delay_ms(),
            buffer_ms: self.counters.audio_buffer.as_secs_f64() * 1e3,
        }
    }
}

/// What can be seen at a moment of the call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Media in the last whole second.
    pub sent_kbps: f64,
    /// What they should be now.
    pub target_kbps: f64,
    /// Of the packets of the last second.
    pub loss_percent: f64,
    /// From capture to rendering, of the last picture.
    pub picture_delay_ms: Option<f64>,
    /// From capture to playout, of the last sound.
    pub sound_delay_ms: Option<f64>,
    /// How much sound waits to be played.
    pub buffer_ms: f64,
}

/// Loss between two readings, in percent.
pub(crate) fn loss(before: PathStats, after: PathStats) -> f64 {
    let sent = after.sent.saturating_sub(before.sent);
    percent(after.lost.saturating_sub(before.lost), sent)
}

/// `part` of `whole` in percent; nothing of nothing.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

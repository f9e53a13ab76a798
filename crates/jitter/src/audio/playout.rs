//! What to play next.

use alloc::collections::VecDeque;
use core::time::Duration;

use visavis_core::{ConfigError, Engine, ExtSeq, ExtTimestamp, Instant};

use super::buffer::Buffer;
use super::clocks::{Arrival, Clocks};
use super::delay::References;
use super::{AudioConfig, AudioPacket, AudioStats, PlayoutOutput};
use crate::{DiscardReason, RefuseReason, Refused};

/// A packet this much earlier than any other of the last ten seconds, in milliseconds, belongs to a
/// new timeline: no network is ahead of itself.
const JUMP_AHEAD: f64 = 1_000.0;
/// And one this much later too: nobody waits so long for it.
const JUMP_BEHIND: f64 = 10_000.0;
/// An embedder that polls this late has been asleep; the timeline goes on from now.
const ASLEEP: Duration = Duration::from_secs(1);

/// Decides what of a stream is played when, and adapts the delay to the network.
///
/// The output is one timeline without gaps: each chunk begins where the one before ended. Call
/// [`poll`](Engine::poll) when a chunk is due, [`next_wakeup`](Engine::next_wakeup) says when that is: the
/// later a decision, the more packets it can choose from. Playing begins a small delay after the first
/// packet; when nothing has come for [`max_conceal`](AudioConfig::max_conceal), it stops until something
/// does.
///
/// The delay follows from the relative arrival delays of the packets: of many virtual playouts with
/// different delays, the one that would have cost the listener the least is imitated.
#[derive(Debug)]
pub struct AudioPlayout<P> {
    pub(super) config: AudioConfig,
    pub(super) now: Instant,
    pub(super) buffer: Buffer<P>,
    pub(super) discards: VecDeque<(P, DiscardReason)>,
    pub(super) references: References,
    pub(super) clocks: Clocks,
    /// Where the delays are counted from: the first packet's arrival and timestamp.
    pub(super) origin: Option<(Instant, ExtTimestamp)>,
    /// The end of the newest packet that came, on the media clock, and its sequence number.
    pub(super) newest: Option<(ExtTimestamp, ExtSeq)>,
    /// The sequence number of the newest packet that was played.
    pub(super) played: Option<ExtSeq>,
    pub(super) timeline: Option<Timeline>,
    /// Where the timeline before this one ended.
    pub(super) ended: Instant,
    pub(super) minimum: Duration,
    /// How much may be stretched just now, in ticks.
    pub(super) stretch_budget: i64,
    pub(super) stats: AudioStats,
}

/// Where playout stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeline {
    /// When the next chunk is due.
    pub(super) at: Instant,
    /// The media time that comes next.
    pub(super) media: ExtTimestamp,
    /// How many ticks have been concealed in a row.
    pub(super) concealed: i64,
    /// The last chunk: when it began and how long it is in ticks.
    pub(super) last: (Instant, u32),
}

impl<P> AudioPlayout<P> {
    /// An empty playout.
    ///
    /// # Errors
    /// Says which value of the configuration can't work.
    pub fn new(config: AudioConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            now: Instant::ZERO,
            buffer: Buffer::new(config.capacity),
            discards: VecDeque::with_capacity(config.capacity),
            references: References::new(),
            clocks: Clocks::new(config.frame.as_secs_f64() * 1e3),
            origin: None,
            newest: None,
            played: None,
            timeline: None,
            ended: Instant::ZERO,
            minimum: config.min_delay,
            stretch_budget: 0,
            stats: AudioStats::default(),
            config,
        })
    }

    /// Takes a packet that has just arrived.
    ///
    /// # Errors
    /// Gives the packet back if its time has passed, it is held already, or there is no room.
    pub fn insert(&mut self, now: Instant, packet: AudioPacket<P>) -> Result<(), Refused<P>> {
        self.now = self.now.max(now);
        if packet.ticks == 0 || packet.ticks > self.config.clock_rate.hertz() {
            self.stats.packets_invalid += 1;
            return Err(Refused { packet: packet.packet, reason: RefuseReason::Length });
        }
        if self.belongs_elsewhere(&packet) {
            if self.newest.is_some_and(|(_, newest)| packet.seq <= newest) {
                // Older than what came: a straggler from long ago.
                self.stats.packets_late += 1;
                return Err(Refused { packet: packet.packet, reason: RefuseReason::Late });
            }
            self.reset();
            self.stats.resets += 1;
        }
        let played = self.timeline.is_some_and(|line| packet.timestamp < line.media);
        let arrival = self.arrival(&packet);
        let (timestamp, seq, ticks) = (packet.timestamp, packet.seq, packet.ticks);
        let result = if played {
            Err(Refused { packet: packet.packet, reason: RefuseReason::Late })
        } else {
            self.buffer.insert(self.now, packet, self.discards.len())
        };
        match &result {
            Ok(()) => self.stats.packets_received += 1,
            Err(Refused { reason: RefuseReason::Late, .. }) => self.stats.packets_late += 1,
            Err(Refused { reason: RefuseReason::Duplicate, .. }) => {
                self.stats.packets_duplicate += 1;
                return result;
            }
            Err(_) => self.stats.packets_overflow += 1,
        }
        let before = self.references.values();
        self.references.push(arrival.media, arrival.at - arrival.media);
        let before = if self.newest.is_none() { self.references.values() } else { before };
        self.clocks.on_packet(arrival, before);
        let end = timestamp + i64::from(ticks);
        if self.newest.is_none_or(|(_, newest)| newest < seq) {
            self.newest = Some((end, seq));
        }
        if self.timeline.is_none() {
            self.start();
        }
        result
    }

    /// The packet that comes next and still waits; the one with the redundancy for
    /// [`Action::Fec`](crate::Action::Fec).
    #[must_use]
    pub fn upcoming(&self) -> Option<&P> {
        self.buffer.front().map(|held| &held.packet.packet)
    }

    /// Says how many ticks of sound the last chunk really became after stretching. Without this call
    /// it counts as played at its own length.
    pub fn on_played(&mut self, ticks: u32) {
        let Some(line) = &mut self.timeline else { return };
        let (began, nominal) = line.last;
        // More than this is no stretching, and would let a mistake move time.
        let ticks = ticks.min(nominal.saturating_mul(2));
        let change = i64::from(ticks) - i64::from(nominal);
        line.at = began + self.config.clock_rate.duration(i64::from(ticks));
        line.last = (began, ticks);
        self.stretch_budget -= change.abs();
        self.stats.total_samples = self.stats.total_samples.saturating_add_signed(change);
        if change > 0 {
            self.stats.inserted_samples_for_deceleration += change.unsigned_abs();
        } else {
            self.stats.removed_samples_for_acceleration += change.unsigned_abs();
        }
    }

    /// Never lets the delay fall below `delay`, or below what the configuration asks for: lip sync.
    pub fn set_minimum_delay(&mut self, delay: Duration) {
        self.minimum = delay.max(self.config.min_delay).min(self.config.max_delay);
    }

    /// How long a packet that took the usual way should wait before it is played.
    #[must_use]
    pub fn target_delay(&self) -> Duration {
        let usual = self.references.usual().unwrap_or(0.0);
        from_millis(self.target().0 - usual)
    }

    /// How long such a packet waits now.
    #[must_use]
    pub fn current_delay(&self) -> Duration {
        let Some(line) = &self.timeline else { return self.target_delay() };
        from_millis(self.position(line) - self.references.usual().unwrap_or(0.0))
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &AudioStats {
        &self.stats
    }

    /// Forgets the stream, for one that begins anew. What is held is given back by `poll`.
    pub fn reset(&mut self) {
        while let Some(held) = self.buffer.pop() {
            self.discard(held, DiscardReason::Reset);
        }
        self.references.clear();
        self.clocks.clear();
        if let Some(line) = self.timeline.take() {
            self.ended = line.at;
        }
        self.origin = None;
        self.newest = None;
        self.played = None;
    }
}

/// Milliseconds since the origin, and what they are compared with.
impl<P> AudioPlayout<P> {
    pub(super) fn media(&self, timestamp: ExtTimestamp) -> f64 {
        let Some((_, origin)) = self.origin else { return 0.0 };
        self.millis(timestamp - origin)
    }

    #[allow(clippy::cast_precision_loss, reason = "2^53 ticks are thousands of years")]
    pub(super) fn millis(&self, ticks: i64) -> f64 {
        ticks as f64 * 1e3 / f64::from(self.config.clock_rate.hertz())
    }

    pub(super) fn time(&self, at: Instant) -> f64 {
        self.origin.map_or(0.0, |(origin, _)| at.diff_millis(origin))
    }

    /// Where playout stands: time minus media time.
    pub(super) fn position(&self, line: &Timeline) -> f64 {
        self.time(line.at) - self.media(line.media)
    }

    /// Where it should stand, and the share of that which is safety.
    pub(super) fn target(&self) -> (f64, f64) {
        let (target, distance) = self.clocks.target(&self.references);
        let Some(usual) = self.references.usual() else { return (target, distance) };
        let (low, high) = (millis(self.minimum), millis(self.config.max_delay));
        (target.clamp(usual + low, usual + high.max(low)), distance)
    }

    fn arrival(&mut self, packet: &AudioPacket<P>) -> Arrival {
        self.origin.get_or_insert((self.now, packet.timestamp));
        Arrival {
            seq: packet.seq.0,
            at: self.time(self.now),
            media: self.media(packet.timestamp),
            length: self.millis(i64::from(packet.ticks)),
            has_fec: packet.has_fec,
        }
    }

    /// Whether the packet can't belong to the timeline of those before it.
    fn belongs_elsewhere(&self, packet: &AudioPacket<P>) -> bool {
        let (Some(least), Some((newest_end, newest))) = (self.references.least(), self.newest)
        else {
            return false;
        };
        let delay = self.time(self.now) - self.media(packet.timestamp);
        let backwards =
            packet.seq > newest && packet.timestamp + i64::from(packet.ticks) < newest_end;
        backwards || delay < least - JUMP_AHEAD || delay > least + JUMP_BEHIND
    }
}

impl<P> Engine for AudioPlayout<P> {
    type Buffer = ();
    type Output = PlayoutOutput<P>;

    fn poll(&mut self, now: Instant, (): &mut ()) -> Option<PlayoutOutput<P>> {
        self.now = self.now.max(now);
        if let Some((packet, reason)) = self.discards.pop_front() {
            return Some(PlayoutOutput::Discarded { packet, reason });
        }
        loop {
            let mut line = self.timeline?;
            if self.now < line.at {
                return None;
            }
            if self.now.since(line.at) > ASLEEP {
                line.at = self.now;
            }
            if let Some(play) = self.next_chunk(line) {
                return Some(PlayoutOutput::Play(play));
            }
        }
    }

    fn next_wakeup(&self) -> Option<Instant> {
        if self.discards.is_empty() { self.timeline.map(|line| line.at) } else { Some(self.now) }
    }
}

pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(super) fn from_millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis.max(0.0) / 1e3).unwrap_or_default()
}

//! What to play next.

use alloc::collections::VecDeque;
use core::time::Duration;

use visavis_core::{ConfigError, Engine, ExtSeq, ExtTimestamp, Instant};

use super::buffer::{Buffer, Held};
use super::clocks::{ABOVE, Arrival, BELOW, Clocks, JUMP_SLACK};
use super::delay::References;
use super::{Action, AudioConfig, AudioPacket, AudioStats, Play, PlayoutOutput, Stretch};
use crate::{DiscardReason, RefuseReason, Refused};

/// A packet this much earlier than any other of the last ten seconds, in milliseconds, belongs to a
/// new timeline: no network is ahead of itself.
const JUMP_AHEAD: f64 = 1_000.0;
/// And one this much later too: nobody waits so long for it.
const JUMP_BEHIND: f64 = 10_000.0;
/// An embedder that polls this late has been asleep; the timeline goes on from now.
const ASLEEP: Duration = Duration::from_secs(1);
/// The most that one chunk can be stretched, in milliseconds: one pitch period.
const MAX_PERIOD: f64 = 12.5;
/// The share of the sound that may be stretched, so that it doesn't begin to sound strange.
const MAX_STRETCH: f64 = 0.25;

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
    config: AudioConfig,
    now: Instant,
    buffer: Buffer<P>,
    discards: VecDeque<(P, DiscardReason)>,
    references: References,
    clocks: Clocks,
    /// Where the delays are counted from: the first packet's arrival and timestamp.
    origin: Option<(Instant, ExtTimestamp)>,
    /// The end of the newest packet that came, on the media clock, and its sequence number.
    newest: Option<(ExtTimestamp, ExtSeq)>,
    /// The sequence number of the newest packet that was played.
    played: Option<ExtSeq>,
    timeline: Option<Timeline>,
    minimum: Duration,
    /// How much may be stretched just now, in ticks.
    stretch_budget: i64,
    stats: AudioStats,
}

/// Where playout stands.
#[derive(Debug, Clone, Copy)]
struct Timeline {
    /// When the next chunk is due.
    at: Instant,
    /// The media time that comes next.
    media: ExtTimestamp,
    /// How many ticks have been concealed in a row.
    concealed: i64,
    /// The last chunk: when it began and how long it is in ticks.
    last: (Instant, u32),
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

    /// The packet that comes next and still waits; the one with the redundancy for [`Action::Fec`].
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
        self.origin = None;
        self.newest = None;
        self.played = None;
        self.timeline = None;
    }
}

/// Milliseconds since the origin, and what they are compared with.
impl<P> AudioPlayout<P> {
    fn media(&self, timestamp: ExtTimestamp) -> f64 {
        let Some((_, origin)) = self.origin else { return 0.0 };
        self.millis(timestamp - origin)
    }

    #[allow(clippy::cast_precision_loss, reason = "2^53 ticks are thousands of years")]
    fn millis(&self, ticks: i64) -> f64 {
        ticks as f64 * 1e3 / f64::from(self.config.clock_rate.hertz())
    }

    fn time(&self, at: Instant) -> f64 {
        self.origin.map_or(0.0, |(origin, _)| at.diff_millis(origin))
    }

    /// Where playout stands: time minus media time.
    fn position(&self, line: &Timeline) -> f64 {
        self.time(line.at) - self.media(line.media)
    }

    /// Where it should stand, and the share of that which is safety.
    fn target(&self) -> (f64, f64) {
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

/// Deciding.
impl<P> AudioPlayout<P> {
    /// Sets the time at which the first packet that is held is played.
    fn start(&mut self) {
        let Some(first) = self.buffer.front().map(|held| held.packet.timestamp) else { return };
        let Some((origin, _)) = self.origin else { return };
        let due = self.target().0 + self.media(first);
        let at = (origin + from_millis(due)).max(self.now);
        let at = self.timeline.map_or(at, |line| at.max(line.at));
        self.timeline = Some(Timeline { at, media: first, concealed: 0, last: (at, 0) });
    }

    fn discard(&mut self, held: Held<P>, reason: DiscardReason) {
        self.stats.packets_discarded += 1;
        self.discards.push_back((held.packet.packet, reason));
    }

    /// Jumps over what makes the delay longer than it may ever be.
    fn skip(&mut self, line: &mut Timeline) {
        let (target, _) = self.target();
        let most = self.references.usual().unwrap_or(target) + millis(self.config.max_delay);
        if self.position(line) <= most.max(target) + ABOVE {
            return;
        }
        while let Some(front) = self.buffer.front() {
            let jump = self.position(line) - self.millis(front.packet.timestamp - line.media);
            let more = self.buffer.len() > 1;
            if jump <= target + ABOVE || !more {
                line.media = front.packet.timestamp;
                return;
            }
            if let Some(held) = self.buffer.pop() {
                line.media = held.end();
                self.played = self.played.max(Some(held.packet.seq));
                self.discard(held, DiscardReason::Skipped);
            }
        }
    }

    /// The media time from which something can be played without concealment.
    fn playable_from(&self) -> Option<ExtTimestamp> {
        let front = &self.buffer.front()?.packet;
        // A copy is of use if its original is really missing, and not merely silence that wasn't sent.
        let original_missing = self.played.is_none_or(|played| front.seq > played.next());
        let back = front.timestamp + -i64::from(front.ticks);
        if front.has_fec && original_missing && self.timeline.is_some_and(|line| back >= line.media)
        {
            return Some(back);
        }
        Some(front.timestamp)
    }

    /// How long concealment must have lasted before what follows a gap of `gap` milliseconds is played.
    fn enough_concealed(&self, line: &Timeline, gap: f64) -> f64 {
        let before = self.position(line) - self.millis(line.concealed);
        let (target, _) = self.target();
        (target - JUMP_SLACK - before + gap).clamp(gap.min(5.0), gap)
    }

    fn next_chunk(&mut self, mut line: Timeline) -> Option<Play<P>> {
        self.skip(&mut line);
        self.timeline = Some(line);
        if let Some(from) = self.playable_from() {
            let gap = self.millis(from - line.media);
            if gap <= 0.0 || self.millis(line.concealed) >= self.enough_concealed(&line, gap) {
                line.media = from;
                return self.take_front(line);
            }
        }
        if self.config.clock_rate.duration(line.concealed) >= self.config.max_conceal {
            self.timeline = Some(line);
            if self.buffer.front().is_some() {
                self.start();
            } else {
                self.timeline = None;
            }
            return None;
        }
        let ticks =
            u32::try_from(self.config.clock_rate.ticks(self.config.frame)).unwrap_or(u32::MAX);
        self.stats.on_concealed(ticks, line.concealed, self.config.clock_rate);
        let timestamp = line.media;
        line.concealed += i64::from(ticks);
        Some(self.give(
            line,
            Play { at: line.at, timestamp, ticks, action: Action::Conceal, stretch: Stretch::None },
        ))
    }

    /// Plays the first packet that is held, or what it carries of the one before.
    fn take_front(&mut self, mut line: Timeline) -> Option<Play<P>> {
        let front = self.buffer.front()?;
        let (at, timestamp, ticks) = (line.at, line.media, front.packet.ticks);
        let waited = at.since(front.arrived_at);
        let stretch = self.stretch(&line);
        let action = if front.packet.timestamp > timestamp {
            self.stats.fec_samples += u64::from(ticks);
            Action::Fec
        } else {
            let held = self.buffer.pop()?;
            self.played = self.played.max(Some(held.packet.seq));
            Action::Decode(held.packet.packet)
        };
        self.stats.on_emitted(ticks, waited);
        line.media = timestamp + i64::from(ticks);
        line.concealed = 0;
        // What overlaps with this chunk has been played.
        while self.buffer.front().is_some_and(|held| held.packet.timestamp < line.media) {
            if let Some(held) = self.buffer.pop() {
                self.discard(held, DiscardReason::Skipped);
            }
        }
        Some(self.give(line, Play { at, timestamp, ticks, action, stretch }))
    }

    fn give(&mut self, mut line: Timeline, play: Play<P>) -> Play<P> {
        line.last = (play.at, play.ticks);
        line.at = play.at + self.config.clock_rate.duration(i64::from(play.ticks));
        self.timeline = Some(line);
        self.stats.total_samples += u64::from(play.ticks);
        #[allow(clippy::cast_possible_truncation, reason = "a share of a chunk")]
        let earned = (f64::from(play.ticks) * MAX_STRETCH) as i64;
        let most = self.config.clock_rate.ticks(Duration::from_millis(25));
        self.stretch_budget = (self.stretch_budget + earned).min(most);
        play
    }

    /// Whether the chunk that is played now should change its length.
    fn stretch(&self, line: &Timeline) -> Stretch {
        let (target, distance) = self.target();
        let position = self.position(line);
        if self.stretch_budget < 0 {
            return Stretch::None;
        }
        if position > target + ABOVE && position - MAX_PERIOD >= target - BELOW {
            return Stretch::Shorten;
        }
        // The first packet that is missing should have come, but hasn't: play slowly what there is.
        let missing = self.media(self.buffer.contiguous_end(line.media));
        let overdue = self.time(line.at) - missing - (target - distance) > 0.3 * distance + 15.0;
        if position < target - BELOW || (overdue && position < target + 20.0) {
            return Stretch::Lengthen;
        }
        Stretch::None
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

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn from_millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis.max(0.0) / 1e3).unwrap_or_default()
}

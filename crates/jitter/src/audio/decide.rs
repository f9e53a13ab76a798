//! What the next chunk is.

use core::time::Duration;

use visavis_core::ExtTimestamp;

use super::buffer::Held;
use super::clocks::{ABOVE, BELOW, JUMP_SLACK};
use super::playout::{Timeline, from_millis, millis};
use super::{Action, AudioPlayout, Play, Stretch};
use crate::DiscardReason;

/// The most that one chunk can be stretched, in milliseconds: one pitch period.
const MAX_PERIOD: f64 = 12.5;
/// The share of the sound that may be stretched, so that it doesn't begin to sound strange.
const MAX_STRETCH: f64 = 0.25;

impl<P> AudioPlayout<P> {
    /// Sets the time at which the first packet that is held is played.
    pub(super) fn start(&mut self) {
        let Some(first) = self.buffer.front().map(|held| held.packet.timestamp) else { return };
        let Some((origin, _)) = self.origin else { return };
        let due = self.target().0 + self.media(first);
        let at = (origin + from_millis(due)).max(self.now).max(self.ended);
        let at = self.timeline.map_or(at, |line| at.max(line.at));
        self.timeline = Some(Timeline { at, media: first, concealed: 0, last: (at, 0) });
    }

    pub(super) fn discard(&mut self, held: Held<P>, reason: DiscardReason) {
        self.stats.packets_discarded += 1;
        self.discards.push_back((held.packet.packet, reason));
    }

    /// Jumps over what makes the delay longer than it may ever be.
    fn skip(&mut self, line: &mut Timeline) {
        let (target, _) = self.target();
        let most = self.references.usual().unwrap_or(target) + millis(self.config.max_delay);
        // A gap before the first packet is no delay of what is held.
        let Some(front) = self.buffer.front() else { return };
        let gap = self.millis(front.packet.timestamp - line.media);
        if self.position(line) - gap <= most.max(target) + ABOVE {
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

    pub(super) fn next_chunk(&mut self, mut line: Timeline) -> Option<Play<P>> {
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

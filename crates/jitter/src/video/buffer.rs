//! Which frame comes next.

use alloc::collections::VecDeque;
use core::time::Duration;

use visavis_core::{ConfigError, Engine, ExtSeq, ExtTimestamp, Instant, earliest};

use super::keyframe::Requests;
use super::slots::{Found, Held, Slots};
use super::timing::Timing;
use super::{FrameReady, VideoConfig, VideoOutput, VideoPacket, VideoStats};
use crate::{DiscardReason, RefuseReason, Refused};

/// How long the first packets of a stream may be overtaken by others.
const OVERTAKEN: Duration = Duration::from_millis(40);

/// Puts packets together to frames, and says when each is to be decoded and shown.
///
/// A frame is given out when all its packets are there, it can be decoded (it is a keyframe, or directly
/// follows the last frame that was given out) and its time has come. The time is chosen such that
/// nearly all frames keep the distance that the sender gave them. Where a packet is missing,
/// retransmission is waited for; a keyframe is asked for when that takes suspiciously long, and
/// everything before the next keyframe is given up after [`max_wait`](VideoConfig::max_wait).
#[derive(Debug)]
pub struct VideoBuffer<P> {
    config: VideoConfig,
    now: Instant,
    slots: Slots<P>,
    discards: VecDeque<(P, DiscardReason)>,
    abandoned: Option<(ExtSeq, ExtSeq)>,
    timing: Timing,
    requests: Requests,
    /// The packet that comes next, and the highest that came; `None` before the first.
    range: Option<(ExtSeq, ExtSeq)>,
    /// No keyframe was found and nothing given up so far: an earlier packet may still be of use.
    fresh: bool,
    /// The next packet is certainly the first of a frame.
    at_start: bool,
    /// Only a keyframe can be decoded.
    need_keyframe: bool,
    overflow: bool,
    next: Next,
    stats: VideoStats,
}

/// What stands at the head.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// Nothing that calls for a decision.
    Nothing,
    /// A complete frame.
    Frame(Found),
    /// A packet is missing, though later ones came.
    Gap(Gap),
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    /// When the first packet after it came.
    since: Instant,
    /// A frame that can be left out: its last packet and its time.
    dispensable: Option<(ExtSeq, ExtTimestamp)>,
    /// A complete keyframe behind the gap.
    keyframe: Option<Found>,
}

impl<P> VideoBuffer<P> {
    /// An empty buffer.
    ///
    /// # Errors
    /// Says which value of the configuration can't work.
    pub fn new(config: VideoConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            now: Instant::ZERO,
            slots: Slots::new(config.capacity_packets),
            discards: VecDeque::with_capacity(config.capacity_packets),
            abandoned: None,
            timing: Timing::new(
                config.clock_rate,
                config.min_delay,
                config.max_delay,
                config.decode_time,
            ),
            requests: Requests::new(),
            range: None,
            fresh: true,
            at_start: false,
            need_keyframe: true,
            overflow: false,
            next: Next::Nothing,
            stats: VideoStats::default(),
            config,
        })
    }

    /// Takes a packet that has just arrived.
    ///
    /// # Errors
    /// Gives the packet back if its time has passed, it is held already, or there is no room.
    pub fn insert(&mut self, now: Instant, packet: VideoPacket<P>) -> Result<(), Refused<P>> {
        self.now = self.now.max(now);
        let seq = packet.seq;
        if let Err(reason) = self.room_for(seq) {
            return Err(self.refuse(packet, reason));
        }
        if let Err(held) = self.slots.put(Held { arrived_at: self.now, packet }) {
            self.overflow = true;
            return Err(self.refuse(held.packet, RefuseReason::Full));
        }
        self.range =
            Some(self.range.map_or((seq, seq), |(low, high)| (low.min(seq), high.max(seq))));
        self.stats.packets_received += 1;
        self.requests.on_packet();
        self.look();
        Ok(())
    }

    fn room_for(&mut self, seq: ExtSeq) -> Result<(), RefuseReason> {
        if seq.next() == seq {
            return Err(RefuseReason::Late);
        }
        let Some((low, high)) = self.range else { return Ok(()) };
        if self.slots.get(seq).is_some() {
            return Err(RefuseReason::Duplicate);
        }
        let capacity = self.slots.capacity();
        if seq < low && !(self.fresh && seq + capacity > high) {
            return Err(RefuseReason::Late);
        }
        if seq >= low + capacity && self.slots.count() == 0 {
            // Nothing held is lost by beginning again there.
            self.give_up(seq, false);
        } else if seq >= low + capacity || self.slots.count() + self.discards.len() >= self.ring() {
            self.overflow = true;
            return Err(RefuseReason::Full);
        }
        Ok(())
    }

    fn ring(&self) -> usize {
        self.config.capacity_packets
    }

    fn refuse(&mut self, packet: VideoPacket<P>, reason: RefuseReason) -> Refused<P> {
        match reason {
            RefuseReason::Late => self.stats.packets_late += 1,
            RefuseReason::Duplicate => self.stats.packets_duplicate += 1,
            _ => self.stats.packets_overflow += 1,
        }
        Refused { packet: packet.packet, reason }
    }

    /// The packets of a frame that was given out and not yet released, in order.
    pub fn packets(&self, frame: &FrameReady) -> impl Iterator<Item = &P> {
        self.slots.between(frame.first, frame.last).map(|held| &held.packet.packet)
    }

    /// Gives back the packets of a frame that was given out. Until then they take room.
    pub fn release(&mut self, frame: &FrameReady, mut give_back: impl FnMut(P)) {
        let Some((low, _)) = self.range else { return };
        let end = frame.last.next().min(low).min(frame.first + self.slots.capacity());
        for seq in frame.first.0..end.0 {
            if let Some(held) = self.slots.take(ExtSeq(seq)) {
                give_back(held.packet.packet);
            }
        }
    }

    /// The decoder couldn't decode a frame: nothing is given out before the next keyframe, which is
    /// asked for.
    pub fn on_decoder_error(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.need_keyframe = true;
        self.requests.want(self.now);
    }

    /// The round-trip time, which a retransmission or a keyframe takes. 100 ms before the first call.
    pub fn on_rtt(&mut self, rtt: Duration) {
        self.requests.on_rtt(rtt);
    }

    /// Never lets the delay fall below `delay`, or below what the configuration asks for: lip sync.
    pub fn set_minimum_delay(&mut self, delay: Duration) {
        self.timing.set_least(delay.max(self.config.min_delay));
    }

    /// How long a frame that came the fastest way is held until it is shown.
    #[must_use]
    pub fn target_delay(&self) -> Duration {
        self.timing.hold()
    }

    /// No packet before this one is of any use: it needn't be asked for again.
    #[must_use]
    pub fn nothing_before(&self) -> ExtSeq {
        self.range.map_or(ExtSeq(0), |(low, _)| low)
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &VideoStats {
        &self.stats
    }

    /// Forgets the stream, for one that begins anew. What is held is given back by `poll`.
    pub fn reset(&mut self) {
        while let Some(held) = self.slots.take_any() {
            self.discard(held, DiscardReason::Reset);
        }
        self.timing.clear();
        self.requests.satisfied();
        self.abandoned = None;
        self.range = None;
        (self.fresh, self.at_start, self.need_keyframe) = (true, false, true);
        self.overflow = false;
        self.next = Next::Nothing;
    }
}

/// Looking and moving on.
impl<P> VideoBuffer<P> {
    /// Finds out what stands at the head, after anything has changed there.
    fn look(&mut self) {
        let Some((low, high)) = self.range else { return };
        let frame_before = matches!(self.next, Next::Frame(_));
        self.next = match self.slots.frame_at(low) {
            Ok(found) => {
                if !frame_before && self.can_decode(&found) {
                    self.timing.on_frame(found.complete_at, found.timestamp);
                }
                Next::Frame(found)
            }
            Err(missing) => match self.slots.first_between(missing.next(), high) {
                Some(behind) => Next::Gap(Gap {
                    since: behind.arrived_at,
                    dispensable: self.slots.dispensable(low, high),
                    keyframe: self.slots.keyframe_after(low, high),
                }),
                None => Next::Nothing,
            },
        };
    }

    fn can_decode(&self, found: &Found) -> bool {
        !self.need_keyframe || (found.keyframe && (self.at_start || found.start))
    }

    fn discard(&mut self, held: Held<P>, reason: DiscardReason) {
        self.stats.packets_discarded += 1;
        self.discards.push_back((held.packet.packet, reason));
    }

    /// Goes on at `seq`; what is held before it is given back.
    fn drop_before(&mut self, seq: ExtSeq, at_start: bool, reason: DiscardReason) {
        let Some((low, high)) = self.range else { return };
        let end = seq.min(low + self.slots.capacity());
        for gone in low.0..end.0 {
            if let Some(held) = self.slots.take(ExtSeq(gone)) {
                self.discard(held, reason);
            }
        }
        self.move_to(seq, high.max(seq), at_start);
    }

    fn move_to(&mut self, low: ExtSeq, high: ExtSeq, at_start: bool) {
        self.range = Some((low, high));
        (self.at_start, self.fresh) = (at_start, false);
        self.next = Next::Nothing;
        self.look();
    }

    /// Gives up everything before `seq`.
    fn give_up(&mut self, seq: ExtSeq, at_start: bool) {
        let Some((low, _)) = self.range else { return };
        if !self.need_keyframe {
            self.stats.gave_up += 1;
        }
        self.need_keyframe = true;
        if seq > low {
            let first = self.abandoned.map_or(low, |(first, _)| first);
            self.abandoned = Some((first, ExtSeq(seq.0.saturating_sub(1))));
        }
        self.drop_before(seq, at_start, DiscardReason::Undecodable);
    }

    /// Gives up everything before the next frame that may become a keyframe.
    fn give_up_to_keyframe(&mut self) {
        let Some((low, high)) = self.range else { return };
        self.requests.want(self.now);
        let end = self.slots.info(high).is_some_and(|info| info.end);
        let (seq, at_start) = self.slots.keyframe_to_come(low, high).unwrap_or((high.next(), end));
        self.give_up(seq, at_start);
    }

    fn give_out(&mut self, found: Found) -> VideoOutput<P> {
        let planned = self.timing.render_at(found.timestamp);
        let render_at = planned.max(self.now);
        self.timing.on_shown(render_at);
        self.stats.frames += 1;
        self.stats.keyframes += u64::from(found.keyframe);
        self.stats.frames_late += u64::from(planned < self.now);
        let Found { first, last, timestamp, keyframe, complete_at, .. } = found;
        let high = self.range.map_or(last, |(_, high)| high);
        self.move_to(last.next(), high, true);
        VideoOutput::Frame(FrameReady { timestamp, first, last, keyframe, complete_at, render_at })
    }

    /// How long a gap may last before a keyframe is asked for as well: two retransmissions' time.
    fn patience(&self) -> Duration {
        let rtt = self.requests.rtt();
        (rtt * 2 + rtt / 2).max(Duration::from_millis(100)) + Duration::from_millis(20)
    }

    /// How long it may last at all. A third retransmission is still sooner here than a keyframe.
    fn most_patience(&self) -> Duration {
        if !self.config.retransmission {
            return self.config.max_wait;
        }
        let rtt = self.requests.rtt();
        self.config.max_wait.max(rtt * 3 + rtt / 2)
    }

    /// Does what is due at the head. `Err` when nothing is.
    fn act(&mut self) -> Result<Option<VideoOutput<P>>, ()> {
        match self.next {
            // A frame that is longer than the buffer; otherwise it's those not released that fill it.
            Next::Nothing if self.overflow => {
                if self.range.is_some_and(|(low, _)| self.slots.get(low).is_some()) {
                    self.give_up_to_keyframe();
                }
            }
            Next::Nothing => return Err(()),
            Next::Frame(found) if !self.can_decode(&found) => {
                if self.now < self.useless_at(&found) && !self.overflow {
                    return Err(());
                }
                self.requests.want(self.now);
                self.drop_before(found.last.next(), true, DiscardReason::Undecodable);
            }
            Next::Frame(found) => {
                // From here on earlier packets are of no use.
                (self.need_keyframe, self.fresh) = (false, false);
                self.requests.satisfied();
                if self.now < self.timing.decode_at(found.timestamp) && !self.overflow {
                    return Err(());
                }
                self.overflow = false;
                return Ok(Some(self.give_out(found)));
            }
            Next::Gap(gap) => return self.act_on_gap(gap),
        }
        self.overflow = false;
        Ok(None)
    }

    fn act_on_gap(&mut self, gap: Gap) -> Result<Option<VideoOutput<P>>, ()> {
        if let Some(key) = gap.keyframe
            && (self.now >= self.jump_at(&key) || self.overflow)
        {
            self.give_up(key.first, true);
            return Ok(None);
        }
        if let Some((last, timestamp)) = gap.dispensable
            && !self.need_keyframe
            && self.now >= self.timing.decode_at(timestamp)
        {
            self.stats.frames_skipped += 1;
            self.drop_before(last.next(), true, DiscardReason::Skipped);
            return Ok(None);
        }
        if self.now >= gap.since + self.most_patience() || self.overflow {
            self.overflow = false;
            self.give_up_to_keyframe();
            return Ok(None);
        }
        if self.now >= gap.since + self.patience() {
            self.requests.want(self.now);
        }
        Err(())
    }

    /// When a frame that can't be decoded is dropped: at the very beginning its first packets may have
    /// been overtaken.
    fn useless_at(&self, found: &Found) -> Instant {
        if self.fresh && !found.start { found.complete_at + OVERTAKEN } else { Instant::ZERO }
    }

    /// When to leave a gap behind for a keyframe after it.
    fn jump_at(&self, key: &Found) -> Instant {
        if self.need_keyframe { Instant::ZERO } else { self.timing.decode_at(key.timestamp) }
    }

    fn head_wakeup(&self) -> Option<Instant> {
        match self.next {
            Next::Nothing => None,
            Next::Frame(found) if !self.can_decode(&found) => Some(self.useless_at(&found)),
            Next::Frame(found) => Some(self.timing.decode_at(found.timestamp)),
            Next::Gap(gap) => {
                let ask = (!self.requests.wanted()).then(|| gap.since + self.patience());
                let skip = gap.dispensable.filter(|_| !self.need_keyframe);
                let skip = skip.map(|(_, timestamp)| self.timing.decode_at(timestamp));
                let jump = gap.keyframe.map(|key| self.jump_at(&key));
                let wait = Some(gap.since + self.most_patience());
                earliest(earliest(ask, skip), earliest(jump, wait))
            }
        }
    }
}

impl<P> Engine for VideoBuffer<P> {
    type Buffer = ();
    type Output = VideoOutput<P>;

    fn poll(&mut self, now: Instant, (): &mut ()) -> Option<VideoOutput<P>> {
        self.now = self.now.max(now);
        loop {
            if let Some((packet, reason)) = self.discards.pop_front() {
                return Some(VideoOutput::Discarded { packet, reason });
            }
            if let Some((first, last)) = self.abandoned.take() {
                return Some(VideoOutput::Abandoned { first, last });
            }
            match self.act() {
                Ok(Some(output)) => return Some(output),
                Ok(None) => {}
                Err(()) => break,
            }
        }
        if self.requests.poll(self.now) {
            self.stats.keyframe_requests += 1;
            return Some(VideoOutput::RequestKeyframe);
        }
        None
    }

    fn next_wakeup(&self) -> Option<Instant> {
        if !self.discards.is_empty() || self.abandoned.is_some() || self.overflow {
            return Some(self.now);
        }
        earliest(self.requests.due(), self.head_wakeup())
    }
}

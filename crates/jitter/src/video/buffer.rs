//! Which frame comes next.

use alloc::collections::VecDeque;
use core::time::Duration;

use visavis_core::{ConfigError, Engine, ExtSeq, Instant, earliest};

use super::head::{Gap, Next};
use super::keyframe::Requests;
use super::slots::{Found, Held, Slots};
use super::timing::Timing;
use super::{FrameReady, VideoConfig, VideoOutput, VideoPacket, VideoStats};
use crate::{DiscardReason, RefuseReason, Refused};

/// Puts packets together to frames, and says when each is to be decoded and shown.
///
/// A frame is given out when all its packets are there, it can be decoded (it is a keyframe, or directly
/// follows the last frame that was given out) and its time has come. The time is chosen such that
/// nearly all frames keep the distance that the sender gave them. Where a packet is missing,
/// retransmission is waited for; a keyframe is asked for when that takes suspiciously long, and
/// everything before the next keyframe is given up after [`max_wait`](VideoConfig::max_wait).
#[derive(Debug)]
pub struct VideoBuffer<P> {
    pub(super) config: VideoConfig,
    pub(super) now: Instant,
    pub(super) slots: Slots<P>,
    pub(super) discards: VecDeque<(P, DiscardReason)>,
    pub(super) abandoned: Option<(ExtSeq, ExtSeq)>,
    pub(super) timing: Timing,
    pub(super) requests: Requests,
    /// The packet that comes next, and the highest that came; `None` before the first.
    pub(super) range: Option<(ExtSeq, ExtSeq)>,
    /// No keyframe was found and nothing given up so far: an earlier packet may still be of use.
    pub(super) fresh: bool,
    /// The next packet is certainly the first of a frame.
    pub(super) at_start: bool,
    /// Only a keyframe can be decoded.
    pub(super) need_keyframe: bool,
    pub(super) overflow: bool,
    pub(super) next: Next,
    pub(super) stats: VideoStats,
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
        // What waits to be given back takes room too.
        let full = self.slots.count() + self.discards.len() >= self.config.capacity_packets;
        let Some((low, high)) = self.range else {
            return if full { Err(RefuseReason::Full) } else { Ok(()) };
        };
        if self.slots.get(seq).is_some() {
            return Err(RefuseReason::Duplicate);
        }
        let capacity = self.slots.capacity();
        if seq < low && !(self.fresh && seq + capacity > high) {
            return Err(RefuseReason::Late);
        }
        let far = seq >= low + capacity;
        if full || (far && self.slots.count() > 0) {
            self.overflow = true;
            return Err(RefuseReason::Full);
        }
        if far {
            // Nothing held is lost by beginning again there.
            self.give_up(seq, false);
        }
        Ok(())
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

    pub(super) fn can_decode(&self, found: &Found) -> bool {
        !self.need_keyframe || (found.keyframe && (self.at_start || found.start))
    }

    fn discard(&mut self, held: Held<P>, reason: DiscardReason) {
        self.stats.packets_discarded += 1;
        self.discards.push_back((held.packet.packet, reason));
    }

    /// Goes on at `seq`; what is held before it is given back.
    pub(super) fn drop_before(&mut self, seq: ExtSeq, at_start: bool, reason: DiscardReason) {
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
    pub(super) fn give_up(&mut self, seq: ExtSeq, at_start: bool) {
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
    pub(super) fn give_up_to_keyframe(&mut self) {
        let Some((low, high)) = self.range else { return };
        self.requests.want(self.now);
        let end = self.slots.info(high).is_some_and(|info| info.end);
        let (seq, at_start) = self.slots.keyframe_to_come(low, high).unwrap_or((high.next(), end));
        self.give_up(seq, at_start);
    }

    pub(super) fn give_out(&mut self, found: Found) -> VideoOutput<P> {
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

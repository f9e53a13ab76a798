//! What to do about what stands at the head: give it out, wait, or give it up.

use core::time::Duration;

use visavis_core::{ExtSeq, ExtTimestamp, Instant, earliest};

use super::slots::Found;
use super::{VideoBuffer, VideoOutput};
use crate::DiscardReason;

/// How long the first packets of a stream may be overtaken by others.
const OVERTAKEN: Duration = Duration::from_millis(40);

/// What stands at the head.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// Nothing that calls for a decision.
    Nothing,
    /// A complete frame.
    Frame(Found),
    /// A packet is missing, though later ones came.
    Gap(Gap),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    /// When the first packet after it came.
    pub(super) since: Instant,
    /// A frame that can be left out: its last packet and its time.
    pub(super) dispensable: Option<(ExtSeq, ExtTimestamp)>,
    /// A complete keyframe behind the gap.
    pub(super) keyframe: Option<Found>,
}

impl<P> VideoBuffer<P> {
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
    pub(super) fn act(&mut self) -> Result<Option<VideoOutput<P>>, ()> {
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

    pub(super) fn head_wakeup(&self) -> Option<Instant> {
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

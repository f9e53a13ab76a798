//! The packets that are held, found by sequence number.

use alloc::vec::Vec;

use visavis_core::{ExtSeq, ExtTimestamp, FrameInfo, Instant};

use super::VideoPacket;

/// A packet and when it came.
#[derive(Debug)]
pub(super) struct Held<P> {
    pub(super) arrived_at: Instant,
    pub(super) packet: VideoPacket<P>,
}

/// A complete frame among the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) first: ExtSeq,
    pub(super) last: ExtSeq,
    pub(super) timestamp: ExtTimestamp,
    pub(super) keyframe: bool,
    /// The first packet says that it is the first.
    pub(super) start: bool,
    pub(super) complete_at: Instant,
}

impl Found {
    fn begin<P>(first: &Held<P>) -> Self {
        Self {
            first: first.packet.seq,
            last: first.packet.seq,
            timestamp: first.packet.timestamp,
            keyframe: false,
            start: first.packet.info.start,
            complete_at: first.arrived_at,
        }
    }

    fn add<P>(&mut self, held: &Held<P>) {
        self.last = held.packet.seq;
        self.keyframe |= held.packet.info.keyframe;
        self.complete_at = self.complete_at.max(held.arrived_at);
    }
}

/// A ring in which every sequence number has one place.
#[derive(Debug)]
pub(super) struct Slots<P> {
    ring: Vec<Option<Held<P>>>,
    count: usize,
}

impl<P> Slots<P> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { ring: (0..capacity.max(1)).map(|_| None).collect(), count: 0 }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn capacity(&self) -> u64 {
        self.ring.len() as u64
    }

    fn index(&self, seq: ExtSeq) -> usize {
        usize::try_from(seq.0 % self.capacity()).unwrap_or(0)
    }

    pub(super) fn get(&self, seq: ExtSeq) -> Option<&Held<P>> {
        self.ring.get(self.index(seq))?.as_ref().filter(|held| held.packet.seq == seq)
    }

    pub(super) fn info(&self, seq: ExtSeq) -> Option<FrameInfo> {
        self.get(seq).map(|held| held.packet.info)
    }

    /// Gives the packet back if its place is taken.
    pub(super) fn put(&mut self, held: Held<P>) -> Result<(), Held<P>> {
        let index = self.index(held.packet.seq);
        match self.ring.get_mut(index) {
            Some(slot @ None) => {
                *slot = Some(held);
                self.count += 1;
                Ok(())
            }
            _ => Err(held),
        }
    }

    pub(super) fn take(&mut self, seq: ExtSeq) -> Option<Held<P>> {
        self.get(seq)?;
        let index = self.index(seq);
        let held = self.ring.get_mut(index)?.take()?;
        self.count -= 1;
        Some(held)
    }

    /// Takes any packet.
    pub(super) fn take_any(&mut self) -> Option<Held<P>> {
        let held = self.ring.iter_mut().find_map(Option::take)?;
        self.count -= 1;
        Some(held)
    }

    /// The first packet that is held from `from` to `to`.
    pub(super) fn first_between(&self, from: ExtSeq, to: ExtSeq) -> Option<&Held<P>> {
        self.between(from, to).next()
    }

    /// What is held from `from` to `to`, in order.
    pub(super) fn between(&self, from: ExtSeq, to: ExtSeq) -> impl Iterator<Item = &Held<P>> {
        // No more than there are places, whatever the numbers.
        let end = to.next().min(from + self.capacity());
        (from.0..end.0).filter_map(|seq| self.get(ExtSeq(seq)))
    }

    /// The frame that begins with the packet `first`, if all of it is held.
    pub(super) fn frame_at(&self, first: ExtSeq) -> Result<Found, ExtSeq> {
        let mut held = self.get(first).ok_or(first)?;
        let mut found = Found::begin(held);
        loop {
            found.add(held);
            if held.packet.info.end {
                return Ok(found);
            }
            let next = found.last.next();
            if next == found.last {
                return Err(next);
            }
            held = self.get(next).ok_or(next)?;
            if held.packet.timestamp != found.timestamp {
                return Ok(found);
            }
        }
    }

    /// The newest complete keyframe that certainly has its first packet, after `after` and up to `to`.
    pub(super) fn keyframe_after(&self, after: ExtSeq, to: ExtSeq) -> Option<Found> {
        let mut best = None;
        let mut previous: Option<&Held<P>> = None;
        for held in self.between(after.next(), to) {
            let seq = held.packet.seq;
            let follows = previous.is_some_and(|previous| {
                previous.packet.seq.next() == seq
                    && (previous.packet.info.end
                        || previous.packet.timestamp != held.packet.timestamp)
            });
            previous = Some(held);
            if !(follows || held.packet.info.start) {
                continue;
            }
            if let Ok(found) = self.frame_at(seq)
                && found.keyframe
            {
                best = Some(found);
            }
        }
        best
    }

    /// The first packet of a frame after `after`, up to `to`, that may still become a keyframe, and
    /// whether that is certain.
    pub(super) fn keyframe_to_come(&self, after: ExtSeq, to: ExtSeq) -> Option<(ExtSeq, bool)> {
        let mut previous: Option<&Held<P>> = None;
        let mut first = None;
        for held in self.between(after, to) {
            let new = previous.is_none_or(|p| p.packet.timestamp != held.packet.timestamp);
            if held.packet.info.start {
                first = Some((held.packet.seq, true));
            } else if new {
                // What is missing before it may be its own.
                first = Some((previous.map_or(after, |p| p.packet.seq.next()), false));
            }
            previous = Some(held);
            if held.packet.info.keyframe && first.is_some_and(|(first, _)| first > after) {
                return first;
            }
        }
        None
    }

    /// The last packet of the frame at `first`, if it is known which packets are its, some are missing,
    /// and nothing refers to it.
    pub(super) fn dispensable(&self, first: ExtSeq, to: ExtSeq) -> Option<(ExtSeq, ExtTimestamp)> {
        let timestamp = self.get(first)?.packet.timestamp;
        let mut discardable = false;
        for held in self.between(first, to) {
            if held.packet.timestamp != timestamp {
                return None;
            }
            discardable |= held.packet.info.discardable;
            if held.packet.info.end {
                return discardable.then_some((held.packet.seq, timestamp));
            }
        }
        None
    }
}

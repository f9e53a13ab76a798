//! The packets that wait to be played, in media order.

use alloc::collections::VecDeque;

use visavis_core::{ExtTimestamp, Instant};

use super::AudioPacket;
use crate::{RefuseReason, Refused};

/// A packet and when it came.
#[derive(Debug)]
pub(super) struct Held<P> {
    pub(super) arrived_at: Instant,
    pub(super) packet: AudioPacket<P>,
}

impl<P> Held<P> {
    pub(super) fn end(&self) -> ExtTimestamp {
        self.packet.timestamp + i64::from(self.packet.ticks)
    }
}

/// A bounded queue sorted by timestamp, in which no two packets share a sequence number.
#[derive(Debug)]
pub(super) struct Buffer<P> {
    capacity: usize,
    held: VecDeque<Held<P>>,
}

impl<P> Buffer<P> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, held: VecDeque::with_capacity(capacity) }
    }

    pub(super) fn front(&self) -> Option<&Held<P>> {
        self.held.front()
    }

    pub(super) fn pop(&mut self) -> Option<Held<P>> {
        self.held.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// The media time up to which everything from `media` on is held, itself or as a copy.
    pub(super) fn contiguous_end(&self, media: ExtTimestamp) -> ExtTimestamp {
        let mut end = media;
        for held in &self.held {
            let copied = if held.packet.has_fec { i64::from(held.packet.ticks) } else { 0 };
            if held.packet.timestamp - end > copied {
                break;
            }
            end = end.max(held.end());
        }
        end
    }

    /// Puts a packet where its timestamp belongs, which is nearly always the end. `reserved` places must
    /// stay free.
    pub(super) fn insert(
        &mut self,
        now: Instant,
        packet: AudioPacket<P>,
        reserved: usize,
    ) -> Result<(), Refused<P>> {
        let mut index = self.held.len();
        for other in self.held.iter().rev() {
            if other.packet.seq == packet.seq || other.packet.timestamp == packet.timestamp {
                return Err(Refused { packet: packet.packet, reason: RefuseReason::Duplicate });
            }
            if other.packet.timestamp < packet.timestamp {
                break;
            }
            index -= 1;
        }
        if self.held.len() + reserved >= self.capacity {
            return Err(Refused { packet: packet.packet, reason: RefuseReason::Full });
        }
        self.held.insert(index, Held { arrived_at: now, packet });
        Ok(())
    }
}

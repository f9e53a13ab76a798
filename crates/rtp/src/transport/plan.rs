//! How much of a run of arrivals one feedback packet can say.

use visavis_core::{Instant, TooShort};

use crate::transport::chunk::{ChunkPacker, Symbol};
use crate::transport::{TICK_NANOS, TICKS_PER_REFERENCE};

/// What one packet will say, found in a first pass; [`write`](Self::write) is the second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransportFeedbackPlan {
    len: u16,
    /// Of the first arrival, in ticks.
    first: Option<u64>,
}

impl TransportFeedbackPlan {
    /// The first word, both SSRCs, base, count, reference and feedback count.
    const HEADER_LEN: usize = 20;
    /// A packet with one chunk and one arrival.
    pub(crate) const LEAST: usize = Self::HEADER_LEN + 4;

    pub(crate) fn new(room: usize, arrivals: impl Iterator<Item = Option<Instant>>) -> Self {
        let mut plan = Self { len: 0, first: None };
        let (mut packer, mut chunks, mut deltas) = (ChunkPacker::new(), 0, 0);
        let mut clock = Deltas::default();
        for arrival in arrivals.take(usize::from(u16::MAX)) {
            let Some((symbol, _)) = clock.next(arrival) else { break };
            chunks += usize::from(packer.push(symbol).is_some());
            deltas += symbol.delta_len();
            // One more for the symbols that the packer still holds.
            let len = Self::HEADER_LEN + (chunks + 1) * 2 + deltas;
            if len.next_multiple_of(4) > room {
                break;
            }
            plan.len += 1;
            plan.first = plan.first.or(clock.last);
        }
        plan
    }

    /// How many packets it says.
    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) const fn wire_len(&self) -> u16 {
        self.len
    }

    /// The reference time, 24 bits; `None` if nothing arrived.
    #[allow(clippy::cast_possible_truncation, reason = "masked to 24 bits")]
    pub(crate) fn reference(&self) -> Option<u32> {
        self.first.map(|ticks| ((ticks / TICKS_PER_REFERENCE) & 0x00ff_ffff) as u32)
    }

    /// Gives `put` the chunks and then the arrival times.
    pub(crate) fn write(
        &self,
        arrivals: impl Iterator<Item = Option<Instant>> + Clone,
        mut put: impl FnMut(&[u8]) -> Result<(), TooShort>,
    ) -> Result<(), TooShort> {
        let deltas = || {
            let mut clock = Deltas::default();
            arrivals.clone().take(self.len()).map_while(move |arrival| clock.next(arrival))
        };
        let mut packer = ChunkPacker::new();
        for (symbol, _) in deltas() {
            if let Some(chunk) = packer.push(symbol) {
                put(&chunk.to_be_bytes())?;
            }
        }
        if let Some(chunk) = packer.finish() {
            put(&chunk.to_be_bytes())?;
        }
        for (symbol, delta) in deltas() {
            let bytes = delta.to_be_bytes();
            let skipped = 2 - symbol.delta_len();
            put(bytes.get(skipped..).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Arrivals as steps from one to the next, the first from the reference time.
#[derive(Debug, Clone, Copy, Default)]
struct Deltas {
    last: Option<u64>,
}

impl Deltas {
    /// `None` if the step is too long for 16 bits.
    fn next(&mut self, arrival: Option<Instant>) -> Option<(Symbol, i16)> {
        let Some(arrival) = arrival else { return Some((Symbol::NotReceived, 0)) };
        let ticks = arrival.as_nanos() / TICK_NANOS;
        let last = self.last.unwrap_or(ticks - ticks % TICKS_PER_REFERENCE);
        let delta = i16::try_from(ticks.wrapping_sub(last).cast_signed()).ok()?;
        self.last = Some(ticks);
        let small = matches!(delta, 0..=0xff);
        Some((if small { Symbol::SmallDelta } else { Symbol::LargeDelta }, delta))
    }
}

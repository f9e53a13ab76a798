//! Arrivals as points on the remote clock.

use visavis_core::{Instant, Seq};

use crate::transport::{TICK_NANOS, TICKS_PER_REFERENCE, TransportFeedback};

/// Follows the reference time of one peer's feedback across its wraps, and so tells arrivals as
/// points on that peer's clock, with an epoch of its own: only differences mean anything.
#[derive(Debug, Clone, Default)]
pub struct ReferenceTime {
    highest: Option<u64>,
}

impl ReferenceTime {
    /// The reference time has 24 bits, 12 days.
    const TURN: u64 = 1 << 24;

    /// Before the first feedback.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// When each packet arrived; `None` if it didn't.
    ///
    /// Feedback in which nothing arrived doesn't move the reference, since senders put anything there.
    pub fn arrivals<'a>(
        &mut self,
        feedback: &TransportFeedback<'a>,
    ) -> impl Iterator<Item = (Seq, Option<Instant>)> + Clone + use<'a> {
        let reference = self.unwrap(feedback.reference_time());
        if feedback.has_arrivals() {
            self.highest = Some(self.highest.map_or(reference, |highest| highest.max(reference)));
        }
        let start = reference.saturating_mul(TICKS_PER_REFERENCE);
        feedback.packets().map(move |(seq, ticks)| {
            let at = ticks.map(|ticks| {
                Instant::from_nanos(start.saturating_add_signed(ticks).saturating_mul(TICK_NANOS))
            });
            (seq, at)
        })
    }

    /// The time nearest to the highest so far.
    fn unwrap(&self, reference: u32) -> u64 {
        // The first one starts one turn up, so that an earlier one that was overtaken fits below.
        let highest = self.highest.unwrap_or(Self::TURN | u64::from(reference));
        let ahead = u64::from(reference).wrapping_sub(highest) & (Self::TURN - 1);
        if ahead < Self::TURN / 2 {
            highest.saturating_add(ahead)
        } else {
            highest.saturating_sub(Self::TURN - ahead)
        }
    }
}

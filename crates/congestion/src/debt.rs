//! What was sent and isn't paid yet.

use core::time::Duration;
use visavis_core::{Bitrate, DataSize};

/// The debt doesn't grow beyond what this takes to pay.
const MAX_DEBT: Duration = Duration::from_millis(500);
/// Bits are counted in billionths, so that rate × nanoseconds is exact.
const BILLION: i128 = 1_000_000_000;

/// What was sent and isn't paid yet, in billionths of a bit; what may be caught up is negative.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Debt {
    pub(crate) rate: Bitrate,
    owed: i128,
}

impl Debt {
    pub(crate) const fn new(rate: Bitrate) -> Self {
        Self { rate, owed: 0 }
    }

    pub(crate) fn owe(&mut self, size: DataSize) {
        let most = i128::from(self.rate.bps()) * nanos(MAX_DEBT);
        let owed = self.owed + i128::from(size.bits()) * BILLION;
        // One packet always counts in full.
        self.owed = owed.min(most.max(i128::from(size.bits()) * BILLION));
    }

    pub(crate) fn pay(&mut self, passed: Duration, burst: Duration) {
        let rate = i128::from(self.rate.bps());
        let paid = rate.saturating_mul(nanos(passed));
        self.owed = self.owed.saturating_sub(paid).max(-rate.saturating_mul(nanos(burst)));
    }

    pub(crate) const fn is_paid(self) -> bool {
        self.owed <= 0
    }

    /// [`Duration::MAX`] if never.
    pub(crate) fn time_to_pay(self) -> Duration {
        let rate = i128::from(self.rate.bps());
        match (self.is_paid(), rate) {
            (true, _) => Duration::ZERO,
            (false, 0) => Duration::MAX,
            (false, _) => {
                let nanos = (self.owed + rate - 1) / rate;
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        }
    }
}

fn nanos(duration: Duration) -> i128 {
    i128::from(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

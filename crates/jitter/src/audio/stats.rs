//! What the playout did, counted.

use core::time::Duration;

use visavis_core::ClockRate;

/// Counters since the start, with the names of the
/// [W3C's statistics](https://www.w3.org/TR/webrtc-stats/#inboundrtpstats-dict*) where it has them.
/// Samples are ticks of the media clock.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct AudioStats {
    /// The time that each emitted sample spent in the buffer, in seconds, summed over the samples.
    pub jitter_buffer_delay: f64,
    /// Samples that came from packets.
    pub jitter_buffer_emitted_count: u64,
    /// All samples that were given out, of whatever origin, after stretching.
    pub total_samples: u64,
    /// Samples that had to be invented, silence that wasn't sent (DTX) included.
    pub concealed_samples: u64,
    /// How often concealment began.
    pub concealment_events: u64,
    /// How often at least 150 ms in a row were invented.
    pub interruptions: u64,
    /// Samples that came from a packet's redundancy.
    pub fec_samples: u64,
    /// Samples that stretching put in.
    pub inserted_samples_for_deceleration: u64,
    /// Samples that stretching took out.
    pub removed_samples_for_acceleration: u64,
    /// Packets that were taken.
    pub packets_received: u64,
    /// Packets refused for coming too late.
    pub packets_late: u64,
    /// Packets refused for being held already.
    pub packets_duplicate: u64,
    /// Packets refused for a length that can't be right.
    pub packets_invalid: u64,
    /// Packets refused for want of room.
    pub packets_overflow: u64,
    /// Packets that were taken and given back unused.
    pub packets_discarded: u64,
    /// How often the stream began anew.
    pub resets: u64,
}

impl AudioStats {
    /// How long a sample stayed in the buffer on average.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a mean needs no more than 53 bits")]
    pub fn mean_delay(&self) -> Duration {
        if self.jitter_buffer_emitted_count == 0 {
            return Duration::ZERO;
        }
        let mean = self.jitter_buffer_delay / self.jitter_buffer_emitted_count as f64;
        Duration::try_from_secs_f64(mean).unwrap_or_default()
    }

    #[allow(clippy::cast_precision_loss, reason = "a delay times a packet's samples is small")]
    pub(super) fn on_emitted(&mut self, ticks: u32, waited: Duration) {
        self.jitter_buffer_delay += waited.as_secs_f64() * f64::from(ticks);
        self.jitter_buffer_emitted_count += u64::from(ticks);
    }

    /// `before` is how many ticks had been concealed in a row before these.
    pub(super) fn on_concealed(&mut self, ticks: u32, before: i64, rate: ClockRate) {
        self.concealed_samples += u64::from(ticks);
        self.concealment_events += u64::from(before == 0);
        let limit = rate.ticks(Duration::from_millis(150));
        self.interruptions += u64::from(before < limit && before + i64::from(ticks) >= limit);
    }
}

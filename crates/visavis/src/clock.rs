//! The one place that reads a clock.

use core::time::Duration;
use std::time::SystemTime;

use visavis_core::{Instant, NtpTime};

/// The system's clocks in the units of visavis. Copies tell the same time.
///
/// ```
/// use visavis::Clock;
///
/// let clock = Clock::new();
/// let now = clock.now();
/// assert!(clock.now() >= now);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch: std::time::Instant,
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads a clock")]
impl Clock {
    /// Starts at [`Instant::ZERO`].
    #[must_use]
    pub fn new() -> Self {
        Self { epoch: std::time::Instant::now() }
    }

    /// The time since the clock was made; it never goes backwards.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// The wall time, as the system believes it, for `Session::on_wall_clock`.
    #[must_use]
    pub fn ntp(&self) -> NtpTime {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        NtpTime::from_unix(since_1970.unwrap_or(Duration::ZERO))
    }

    /// What the system's own clock will say at `at`, for timers of a runtime.
    #[must_use]
    pub fn to_std(&self, at: Instant) -> std::time::Instant {
        self.epoch + at.since(Instant::ZERO)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

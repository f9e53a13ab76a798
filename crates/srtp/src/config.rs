//! Limits of a sender or receiver.

use visavis_core::ConfigError;

/// How much a [`Sender`](crate::Sender) or [`Receiver`](crate::Receiver) keeps; all of it is
/// allocated when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How many packets back from the newest of an SSRC a packet still passes: a late arrival at a
    /// receiver, one sent out of order by a sender. A power of two from 64
    /// ([RFC 3711 §3.3.2](https://www.rfc-editor.org/rfc/rfc3711#section-3.3.2)) to 32768.
    pub window: usize,
    /// How many SSRCs are followed, RTP and RTCP each: from 1 to 2^20. There is no way to forget
    /// one, since its packets could then be replayed; so count those of the whole call.
    pub max_streams: usize,
}

impl Default for Config {
    /// A window of 1024 packets and 128 streams: about 40 kB.
    fn default() -> Self {
        Self { window: 1024, max_streams: 128 }
    }
}

impl Config {
    pub(crate) fn check(self) -> Result<(), ConfigError> {
        if !(64..=1 << 15).contains(&self.window) || !self.window.is_power_of_two() {
            return Err(ConfigError::new("window", "must be a power of two from 64 to 32768"));
        }
        if !(1..=1 << 20).contains(&self.max_streams) {
            return Err(ConfigError::new("max_streams", "must be from 1 to 1048576"));
        }
        Ok(())
    }
}

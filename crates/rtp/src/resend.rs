//! Keeping what may be asked for.

use alloc::vec::Vec;
use core::time::Duration;
use visavis_core::{ConfigError, Instant, Seq};

#[derive(Debug, Clone)]
struct Sent<P> {
    seq: Seq,
    packet: P,
    /// When it was last sent again.
    resent_at: Option<Instant>,
}

/// The last packets of one stream, by sequence number, for those who ask for them again.
///
/// Room for all of them is allocated at construction; each packet displaces the one that was sent
/// `capacity` numbers before, and hands it back so that its buffer can be used again.
///
/// ```
/// # use core::time::Duration;
/// # use visavis_core::{Instant, Seq};
/// # use visavis_rtp::Resender;
/// let mut sent = Resender::new(512)?;
/// let (now, rtt) = (Instant::ZERO, Duration::from_millis(80));
/// assert_eq!(sent.insert(Seq(7), "seven"), None);
/// assert_eq!(sent.request(now, Seq(7), rtt), Some(&"seven"));
/// assert_eq!(sent.request(now, Seq(7), rtt), None, "on its way already");
/// # Ok::<(), visavis_core::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Resender<P> {
    slots: Vec<Option<Sent<P>>>,
    latest: Option<Seq>,
}

impl<P> Resender<P> {
    /// Room for `capacity` packets, a power of two up to 32768.
    ///
    /// # Errors
    /// [`ConfigError`] for any other capacity.
    pub fn new(capacity: usize) -> Result<Self, ConfigError> {
        if !capacity.is_power_of_two() || capacity > 32_768 {
            return Err(ConfigError::new("capacity", "must be a power of two up to 32768"));
        }
        let slots = core::iter::repeat_with(|| None).take(capacity).collect();
        Ok(Self { slots, latest: None })
    }

    /// Keeps a packet that is sent now, and gives back the one whose place it takes.
    pub fn insert(&mut self, seq: Seq, packet: P) -> Option<P> {
        self.latest = Some(seq);
        let index = self.index(seq);
        let slot = self.slots.get_mut(index)?;
        slot.replace(Sent { seq, packet, resent_at: None }).map(|sent| sent.packet)
    }

    /// The packet to send again. `None` if it isn't there any more, or was sent again less than
    /// `rtt` ago, so that the one who asks can't have seen it.
    pub fn request(&mut self, now: Instant, seq: Seq, rtt: Duration) -> Option<&P> {
        let index = self.index(seq);
        let sent = self.slots.get_mut(index)?.as_mut().filter(|sent| sent.seq == seq)?;
        if sent.resent_at.is_some_and(|at| now.since(at) < rtt) {
            return None;
        }
        sent.resent_at = Some(now);
        Some(&sent.packet)
    }

    /// The packet with this number, if it's still there.
    #[must_use]
    pub fn get(&self, seq: Seq) -> Option<&P> {
        let sent = self.slots.get(self.index(seq))?.as_ref()?;
        (sent.seq == seq).then_some(&sent.packet)
    }

    /// The packet inserted last: what a probe can repeat instead of sending nothing but padding.
    #[must_use]
    pub fn latest(&self) -> Option<(Seq, &P)> {
        let seq = self.latest?;
        self.get(seq).map(|packet| (seq, packet))
    }

    /// Forgets all packets and gives them back in no particular order.
    pub fn drain(&mut self) -> impl Iterator<Item = P> {
        self.latest = None;
        self.slots.iter_mut().filter_map(|slot| slot.take().map(|sent| sent.packet))
    }

    fn index(&self, seq: Seq) -> usize {
        // The length is a power of two.
        usize::from(seq.0) & self.slots.len().wrapping_sub(1)
    }
}

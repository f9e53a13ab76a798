//! The keys of a session, and the change from one set to the next.

use core::time::Duration;

use visavis_core::{ConfigError, Instant};
use visavis_srtp::{Config, MasterKey, ProtectError, Receiver, Sender, UnprotectError};

use crate::config::MAX_DATAGRAM;

/// The two master keys of a session, from DTLS, SDES or the embedder's own key exchange.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Protects what is sent.
    pub send: MasterKey,
    /// Unprotects what is received.
    pub receive: MasterKey,
}

/// Old packets may be under way for so long after the first one under a new key.
const OVERLAP: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Security {
    limits: Config,
    keys: Option<Keys>,
    sender: Option<Sender>,
    receiver: Option<Receiver>,
    previous: Option<Previous>,
    /// Holds the packet while the newer key is tried, since a failure spoils it.
    scratch: Box<[u8]>,
}

#[derive(Debug)]
struct Previous {
    receiver: Receiver,
    /// Set by the first packet under the newer key.
    until: Option<Instant>,
}

/// Either half of a receiver.
pub(crate) type Unprotect = fn(&mut Receiver, &mut [u8]) -> Result<usize, UnprotectError>;

impl Security {
    pub(crate) fn new(limits: Config) -> Self {
        let scratch = vec![0; MAX_DATAGRAM].into();
        Self { limits, keys: None, sender: None, receiver: None, previous: None, scratch }
    }

    /// New keys for both directions. Packets under the keys before are still read for a while.
    pub(crate) fn set_keys(&mut self, keys: &Keys) -> Result<(), ConfigError> {
        // A key that stays keeps its indices: beginning anew under it would use them twice, and let
        // old packets pass again.
        let old = self.keys.as_ref();
        if !old.is_some_and(|old| old.send.same_as(&keys.send)) {
            self.sender = Some(Sender::new(&keys.send, self.limits)?);
        }
        if !old.is_some_and(|old| old.receive.same_as(&keys.receive)) {
            let previous = self.receiver.replace(Receiver::new(&keys.receive, self.limits)?);
            self.previous = previous.map(|receiver| Previous { receiver, until: None });
        }
        self.keys = Some(keys.clone());
        Ok(())
    }

    pub(crate) fn can_send(&self) -> bool {
        self.sender.is_some()
    }

    /// How many bytes protection adds to an RTP packet at present.
    pub(crate) fn rtp_overhead(&self) -> usize {
        self.sender.as_ref().map_or(0, |sender| sender.profile().rtp_overhead())
    }

    /// How many bytes protection adds to an RTCP packet at present.
    pub(crate) fn rtcp_overhead(&self) -> usize {
        self.sender.as_ref().map_or(0, |sender| sender.profile().rtcp_overhead())
    }

    pub(crate) fn protect_rtp(
        &mut self,
        buffer: &mut [u8],
        len: usize,
    ) -> Option<Result<usize, ProtectError>> {
        self.sender.as_mut().map(|sender| sender.protect_rtp(buffer, len))
    }

    pub(crate) fn protect_rtcp(
        &mut self,
        buffer: &mut [u8],
        len: usize,
    ) -> Option<Result<usize, ProtectError>> {
        self.sender.as_mut().map(|sender| sender.protect_rtcp(buffer, len))
    }

    /// `None` before any keys have been set.
    pub(crate) fn unprotect(
        &mut self,
        now: Instant,
        packet: &mut [u8],
        unprotect: Unprotect,
    ) -> Option<Result<usize, UnprotectError>> {
        let receiver = self.receiver.as_mut()?;
        self.previous.take_if(|previous| previous.until.is_some_and(|until| until < now));
        let Some(previous) = &mut self.previous else { return Some(unprotect(receiver, packet)) };

        let Some(copy) = self.scratch.get_mut(..packet.len()) else {
            return Some(Err(UnprotectError::Malformed));
        };
        copy.copy_from_slice(packet);
        let result = unprotect(receiver, packet);
        if result.is_ok() {
            previous.until.get_or_insert(now + OVERLAP);
            return Some(result);
        }
        if result == Err(UnprotectError::Replayed) {
            return Some(result);
        }
        packet.copy_from_slice(copy);
        Some(unprotect(&mut previous.receiver, packet))
    }
}

//! Unprotects what arrives.

use core::fmt;

use visavis_core::{ConfigError, Ssrc};

use crate::header::{rtcp_ssrc, rtp_header};
use crate::key::Usage;
use crate::session_key::{RTCP_HEADER, SessionKey};
use crate::streams::Streams;
use crate::{
    Config, MasterKey, Profile, Provider, TooManyStreams, UnprotectError, default_provider,
};

/// RTCP packets are few: this is minutes of them.
const RTCP_WINDOW: usize = 128;

/// Unprotects the SRTP and SRTCP packets of any number of SSRCs under one master key.
pub struct Receiver {
    profile: Profile,
    rtp_key: SessionKey,
    rtcp_key: SessionKey,
    rtp: Streams,
    rtcp: Streams,
    auth_failures: u64,
    replays: u64,
}

impl Receiver {
    /// With [`default_provider`].
    ///
    /// # Errors
    ///
    /// If `config` holds what can't be.
    pub fn new(key: &MasterKey, config: Config) -> Result<Self, ConfigError> {
        Self::with_provider(key, config, default_provider())
    }

    /// With ciphers of the caller's choice.
    ///
    /// # Errors
    ///
    /// If `config` holds what can't be, or `provider` hasn't the ciphers of the key's profile.
    pub fn with_provider(
        key: &MasterKey,
        config: Config,
        provider: &dyn Provider,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            profile: key.profile(),
            rtp_key: SessionKey::new(key, Usage::Rtp, provider)?,
            rtcp_key: SessionKey::new(key, Usage::Rtcp, provider)?,
            rtp: Streams::new(config.max_streams, config.window),
            rtcp: Streams::new(config.max_streams, RTCP_WINDOW),
            auth_failures: 0,
            replays: 0,
        })
    }

    /// The profile of its key.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Unprotects an SRTP packet in place and returns the length of the RTP packet, which stands at
    /// the front.
    ///
    /// # Errors
    ///
    /// See [`UnprotectError`]. `packet` may hold anything afterwards.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        let header = rtp_header(packet).ok_or(UnprotectError::Malformed)?;
        let len = packet.len().checked_sub(self.profile.rtp_overhead());
        let len = len.filter(|len| header.len <= *len).ok_or(UnprotectError::Malformed)?;

        // Beyond the last index, no packet can be genuine.
        let Some(candidate) = self.rtp.guess(header.ssrc, header.seq) else {
            return Err(self.forged());
        };
        if !self.rtp.is_fresh(candidate) {
            return Err(self.replayed());
        }
        if !self.rtp_key.open_rtp(header.ssrc, candidate.index, header.len, packet) {
            return Err(self.forged());
        }
        self.rtp.accept(candidate)?;
        Ok(len)
    }

    /// Unprotects an SRTCP packet in place and returns the length of the RTCP packet, which stands at
    /// the front.
    ///
    /// A packet whose E bit says that it isn't encrypted is authenticated like any other.
    ///
    /// # Errors
    ///
    /// See [`UnprotectError`]. `packet` may hold anything afterwards.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        let ssrc = rtcp_ssrc(packet).ok_or(UnprotectError::Malformed)?;
        let len = packet.len().checked_sub(self.profile.rtcp_overhead());
        let len = len.filter(|len| RTCP_HEADER <= *len).ok_or(UnprotectError::Malformed)?;

        let candidate = self.rtcp.at_index(ssrc, self.rtcp_key.rtcp_index(packet));
        if !self.rtcp.is_fresh(candidate) {
            return Err(self.replayed());
        }
        if !self.rtcp_key.open_rtcp(ssrc, packet) {
            return Err(self.forged());
        }
        self.rtcp.accept(candidate)?;
        Ok(len)
    }

    /// How many packets weren't authentic.
    #[must_use]
    pub const fn auth_failures(&self) -> u64 {
        self.auth_failures
    }

    /// How many packets were replayed or older than the window.
    #[must_use]
    pub const fn replays(&self) -> u64 {
        self.replays
    }

    /// How often the sequence number of `ssrc` has wrapped; `None` if it isn't known.
    #[must_use]
    pub fn rollover(&self, ssrc: Ssrc) -> Option<u32> {
        self.rtp.rollover(ssrc.0)
    }

    /// Says how often the sequence number of `ssrc` has wrapped, which who joins late can't know; the
    /// sender can ([`Sender::rollover`](crate::Sender::rollover)).
    ///
    /// If that isn't what is known, what was seen of the stream is forgotten. So the count must come
    /// from the sender by a trusted way: an older one would let old packets pass again.
    ///
    /// # Errors
    ///
    /// If the SSRC is a new one and there is no room for it.
    pub fn set_rollover(&mut self, ssrc: Ssrc, roc: u32) -> Result<(), TooManyStreams> {
        self.rtp.set_rollover(ssrc.0, roc)
    }

    const fn forged(&mut self) -> UnprotectError {
        self.auth_failures += 1;
        UnprotectError::Unauthenticated
    }

    const fn replayed(&mut self) -> UnprotectError {
        self.replays += 1;
        UnprotectError::Replayed
    }
}

impl fmt::Debug for Receiver {
    /// No key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("profile", &self.profile)
            .field("auth_failures", &self.auth_failures)
            .field("replays", &self.replays)
            .finish_non_exhaustive()
    }
}

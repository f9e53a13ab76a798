//! Protects what leaves.

use core::fmt;

use visavis_core::{ConfigError, Ssrc, TooShort};

use crate::header::{rtcp_ssrc, rtp_header};
use crate::key::Usage;
use crate::session_key::SessionKey;
use crate::streams::Streams;
use crate::{Config, MasterKey, Profile, ProtectError, Provider, default_provider};

/// The last index of SRTCP. [RFC 3711 §9.2](https://www.rfc-editor.org/rfc/rfc3711#section-9.2)
const LAST_RTCP_INDEX: u64 = (1 << 31) - 1;
/// Of RTCP only the highest index counts: the sender itself numbers its packets.
const RTCP_WINDOW: usize = 64;

/// Protects the RTP and RTCP packets of any number of SSRCs under one master key.
pub struct Sender {
    profile: Profile,
    rtp_key: SessionKey,
    rtcp_key: SessionKey,
    rtp: Streams,
    rtcp: Streams,
}

impl Sender {
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
        })
    }

    /// The profile of its key.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Protects the RTP packet in the first `len` bytes of `buffer`, in place, and returns its new
    /// length: [`Profile::rtp_overhead`] more, for which `buffer` must have room.
    ///
    /// Sequence numbers of an SSRC may leave gaps below 32768 and may come out of order within
    /// [`Config::window`], but none may come twice: what is to be sent again must be sent as it was
    /// protected, or as a retransmission stream.
    ///
    /// # Errors
    ///
    /// See [`ProtectError`].
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        let plain = buffer.get(..len).ok_or(TooShort { needed: len })?;
        let header = rtp_header(plain).ok_or(ProtectError::Malformed)?;
        let needed = len + self.profile.rtp_overhead();
        let packet = buffer.get_mut(..needed).ok_or(TooShort { needed })?;

        let guess = self.rtp.guess(header.ssrc, header.seq);
        let candidate = guess.ok_or(ProtectError::KeyExhausted)?;
        if !self.rtp.is_fresh(candidate) {
            return Err(ProtectError::IndexReused);
        }
        self.rtp.accept(candidate)?;
        self.rtp_key.seal_rtp(header.ssrc, candidate.index, header.len, packet);
        Ok(needed)
    }

    /// Protects the (compound) RTCP packet in the first `len` bytes of `buffer`, in place, and returns
    /// its new length: [`Profile::rtcp_overhead`] more, for which `buffer` must have room.
    ///
    /// Its index is counted for the SSRC that it begins with, from 0.
    ///
    /// # Errors
    ///
    /// See [`ProtectError`].
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        let plain = buffer.get(..len).ok_or(TooShort { needed: len })?;
        let ssrc = rtcp_ssrc(plain).ok_or(ProtectError::Malformed)?;
        let needed = len + self.profile.rtcp_overhead();
        let packet = buffer.get_mut(..needed).ok_or(TooShort { needed })?;

        let candidate = self.rtcp.following(ssrc);
        let index =
            u32::try_from(candidate.index).ok().filter(|_| candidate.index <= LAST_RTCP_INDEX);
        let index = index.ok_or(ProtectError::KeyExhausted)?;
        self.rtcp.accept(candidate)?;
        self.rtcp_key.seal_rtcp(ssrc, index, packet);
        Ok(needed)
    }

    /// How often the sequence number of `ssrc` has wrapped: what somebody who joins late must be told.
    /// `None` before its first packet.
    #[must_use]
    pub fn rollover(&self, ssrc: Ssrc) -> Option<u32> {
        self.rtp.rollover(ssrc.0)
    }
}

impl fmt::Debug for Sender {
    /// No key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("profile", &self.profile).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn sender(profile: Profile) -> Sender {
        let material = vec![1; profile.key_len() + profile.salt_len()];
        let key = MasterKey::from_concatenated(profile, &material).unwrap();
        Sender::new(&key, Config::default()).unwrap()
    }

    #[test]
    fn the_last_index_of_rtp_is_the_last() {
        for profile in Profile::ALL {
            let mut sender = sender(profile);
            sender.rtp.set_rollover(0, u32::MAX).unwrap();
            let mut packet = [0; 64];
            for (seq, outcome) in [
                (0xffffu16, Ok(12 + profile.rtp_overhead())),
                (0, Err(ProtectError::KeyExhausted)),
                (0xffff, Err(ProtectError::IndexReused)),
                (0xfffe, Ok(12 + profile.rtp_overhead())),
            ] {
                packet[0] = 0x80;
                packet[2..4].copy_from_slice(&seq.to_be_bytes());
                assert_eq!(sender.protect_rtp(&mut packet, 12), outcome);
            }
        }
    }

    #[test]
    fn the_last_index_of_rtcp_is_the_last() {
        for profile in Profile::ALL {
            let mut sender = sender(profile);
            let last = sender.rtcp.at_index(0, u32::try_from(LAST_RTCP_INDEX).unwrap() - 1);
            sender.rtcp.accept(last).unwrap();
            let mut packet = [0; 64];
            packet[0] = 0x80;
            assert_eq!(sender.protect_rtcp(&mut packet, 8), Ok(8 + profile.rtcp_overhead()));
            packet[4..8].fill(0);
            assert_eq!(sender.protect_rtcp(&mut packet, 8), Err(ProtectError::KeyExhausted));
        }
    }

    #[test]
    fn a_limit_that_cannot_be_is_named() {
        let key = MasterKey::new(Profile::AeadAes256Gcm, &[0; 32], &[0; 12]).unwrap();
        for (window, max_streams, field) in
            [(0, 1, "window"), (96, 1, "window"), (1 << 16, 1, "window"), (64, 0, "max_streams")]
        {
            let error = Sender::new(&key, Config { window, max_streams }).unwrap_err();
            assert_eq!(error.field, field);
        }
    }

    #[cfg(feature = "ring")]
    #[test]
    fn a_provider_without_the_cipher_is_refused() {
        let key = MasterKey::new(Profile::AesCm128HmacSha1_80, &[0; 16], &[0; 14]).unwrap();
        let error =
            Sender::with_provider(&key, Config::default(), &crate::provider::Ring).unwrap_err();
        assert_eq!(error.field, "provider");
    }
}

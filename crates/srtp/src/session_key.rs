//! One session key at work: where the parts of a packet lie, and what is encrypted and authenticated.
//!
//! ```text
//!                 AES-CM with HMAC                       AES-GCM
//! SRTP    header │ payload* │ tag            header │ payload* │ tag
//! SRTCP   8 bytes │ rest* │ E+index │ tag    8 bytes │ rest* │ tag │ E+index
//! ```
//!
//! `*` is encrypted. [RFC 3711 §3.1 and §3.4](https://www.rfc-editor.org/rfc/rfc3711#section-3.1),
//! [RFC 7714 §7 to §9](https://www.rfc-editor.org/rfc/rfc7714#section-7)

use alloc::boxed::Box;

use subtle::ConstantTimeEq;
use visavis_core::ConfigError;

use crate::MasterKey;
use crate::Profile;
use crate::key::Usage;
use crate::provider::{Aead, Mac, Provider, StreamCipher};

/// The part of an RTCP packet that is never encrypted.
pub(crate) const RTCP_HEADER: usize = 8;
/// The flag in front of an SRTCP index that says "encrypted".
const E: u32 = 1 << 31;
const GCM_TAG: usize = 16;

enum Ciphers {
    CtrHmac { stream: Box<dyn StreamCipher>, mac: Box<dyn Mac>, tag_len: usize },
    Gcm(Box<dyn Aead>),
}

/// The ciphers of RTP or of RTCP under one master key.
pub(crate) struct SessionKey {
    ciphers: Ciphers,
    /// At its place in the initialisation vector; see [`Self::iv`].
    salt: u128,
}

impl SessionKey {
    pub(crate) fn new(
        master: &MasterKey,
        usage: Usage,
        provider: &dyn Provider,
    ) -> Result<Self, ConfigError> {
        let keys = master.derive(usage);
        let profile = master.profile();
        Self::from_parts(
            profile,
            keys.encryption(),
            keys.authentication(),
            keys.salt().get(..profile.salt_len()).unwrap_or_default(),
            provider,
        )
    }

    pub(crate) fn from_parts(
        profile: Profile,
        encryption: &[u8],
        authentication: &[u8],
        salt: &[u8],
        provider: &dyn Provider,
    ) -> Result<Self, ConfigError> {
        let ciphers = match profile {
            Profile::AesCm128HmacSha1_80 => Ciphers::CtrHmac {
                stream: provider
                    .aes_ctr(encryption)
                    .ok_or(ConfigError::new("provider", "must have AES in counter mode"))?,
                mac: provider
                    .hmac_sha1(authentication)
                    .ok_or(ConfigError::new("provider", "must have HMAC-SHA1"))?,
                tag_len: profile.rtp_overhead(),
            },
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => Ciphers::Gcm(
                provider
                    .aes_gcm(encryption)
                    .ok_or(ConfigError::new("provider", "must have AES-GCM"))?,
            ),
        };
        let salt = salt.iter().fold(0, |salt, byte| (salt << 8) | u128::from(*byte)) << 16;
        Ok(Self { ciphers, salt })
    }

    /// Salt, SSRC and index, combined as both kinds of profile have it: 16 bytes to be the first
    /// counter block of one ([RFC 3711 §4.1.1](https://www.rfc-editor.org/rfc/rfc3711#section-4.1.1)),
    /// of which the other takes the twelve from the third on
    /// ([RFC 7714 §8.1 and §9.1](https://www.rfc-editor.org/rfc/rfc7714#section-8.1)).
    #[inline]
    const fn iv(&self, ssrc: u32, index: u64) -> [u8; 16] {
        (self.salt ^ ((ssrc as u128) << 64) ^ ((index as u128) << 16)).to_be_bytes()
    }

    /// Protects a packet that ends with room for the tag.
    #[inline]
    pub(crate) fn seal_rtp(&self, ssrc: u32, index: u64, header_len: usize, packet: &mut [u8]) {
        let iv = self.iv(ssrc, index);
        match &self.ciphers {
            Ciphers::CtrHmac { stream, mac, tag_len } => {
                let (message, tag) = split_end(packet, *tag_len);
                if let Some(payload) = message.get_mut(header_len..) {
                    stream.apply(&iv, payload);
                }
                copy(tag, &mac.tag(message, &rollover(index)));
            }
            Ciphers::Gcm(aead) => {
                let (header, body) = split_start(packet, header_len);
                aead.seal(nonce(&iv), header, body);
            }
        }
    }

    /// Whether the packet, which ends with its tag, is genuine; if so, it is plain now.
    #[inline]
    pub(crate) fn open_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header_len: usize,
        packet: &mut [u8],
    ) -> bool {
        let iv = self.iv(ssrc, index);
        match &self.ciphers {
            Ciphers::CtrHmac { stream, mac, tag_len } => {
                let (message, tag) = split_end(packet, *tag_len);
                let genuine = is_tag(&mac.tag(message, &rollover(index)), tag);
                if genuine && let Some(payload) = message.get_mut(header_len..) {
                    stream.apply(&iv, payload);
                }
                genuine
            }
            Ciphers::Gcm(aead) => {
                let (header, body) = split_start(packet, header_len);
                aead.open(nonce(&iv), header, body)
            }
        }
    }

    /// Protects a packet that ends with room for index and tag.
    pub(crate) fn seal_rtcp(&self, ssrc: u32, index: u32, packet: &mut [u8]) {
        let iv = self.iv(ssrc, u64::from(index));
        let word = (E | index).to_be_bytes();
        match &self.ciphers {
            Ciphers::CtrHmac { stream, mac, tag_len } => {
                let (message, tag) = split_end(packet, *tag_len);
                let (text, trailer) = split_end(message, word.len());
                copy(trailer, &word);
                if let Some(text) = text.get_mut(RTCP_HEADER..) {
                    stream.apply(&iv, text);
                }
                copy(tag, &mac.tag(message, &[]));
            }
            Ciphers::Gcm(aead) => {
                let (packet, trailer) = split_end(packet, word.len());
                copy(trailer, &word);
                let (header, body) = split_start(packet, RTCP_HEADER);
                aead.seal(nonce(&iv), &rtcp_aad(header, word), body);
            }
        }
    }

    /// The index that an SRTCP packet says it has.
    pub(crate) fn rtcp_index(&self, packet: &[u8]) -> u32 {
        self.rtcp_word(packet) & !E
    }

    /// The index with its flag.
    fn rtcp_word(&self, packet: &[u8]) -> u32 {
        let behind = match &self.ciphers {
            Ciphers::CtrHmac { tag_len, .. } => *tag_len,
            Ciphers::Gcm(_) => 0,
        };
        let end = packet.len().saturating_sub(behind);
        let word = packet.split_at_checked(end).and_then(|(front, _)| front.last_chunk::<4>());
        word.map_or(0, |word| u32::from_be_bytes(*word))
    }

    /// Whether the packet, which ends with index and tag, is genuine; if so, it is plain now.
    ///
    /// A packet without the flag isn't encrypted, but authenticated all the same.
    pub(crate) fn open_rtcp(&self, ssrc: u32, packet: &mut [u8]) -> bool {
        let word = self.rtcp_word(packet);
        let iv = self.iv(ssrc, u64::from(word & !E));
        match &self.ciphers {
            Ciphers::CtrHmac { stream, mac, tag_len } => {
                let (message, tag) = split_end(packet, *tag_len);
                if !is_tag(&mac.tag(message, &[]), tag) {
                    return false;
                }
                let (text, _) = split_end(message, 4);
                if word & E != 0
                    && let Some(text) = text.get_mut(RTCP_HEADER..)
                {
                    stream.apply(&iv, text);
                }
                true
            }
            Ciphers::Gcm(aead) if word & E != 0 => {
                let (packet, _) = split_end(packet, 4);
                let (header, body) = split_start(packet, RTCP_HEADER);
                aead.open(nonce(&iv), &rtcp_aad(header, word.to_be_bytes()), body)
            }
            Ciphers::Gcm(aead) => {
                // All of the packet and the index are associated data, so bring them together: put
                // the tag last. [RFC 7714 §9.3](https://www.rfc-editor.org/rfc/rfc7714#section-9.3)
                split_end(packet, GCM_TAG + 4).1.rotate_right(4);
                let (aad, tag) = split_end(packet, GCM_TAG);
                aead.open(nonce(&iv), aad, tag)
            }
        }
    }
}

#[inline]
const fn nonce(iv: &[u8; 16]) -> &[u8; 12] {
    let [_, _, nonce @ .., _, _] = iv;
    nonce
}

/// The rollover counter as it stands behind the packet when it is authenticated.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "an index has 48 bits")]
const fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

fn rtcp_aad(header: &[u8], word: [u8; 4]) -> [u8; RTCP_HEADER + 4] {
    let mut aad = [0; RTCP_HEADER + 4];
    aad.iter_mut().zip(header.iter().chain(&word)).for_each(|(to, from)| *to = *from);
    aad
}

/// In constant time, over the length of `tag`.
#[inline]
fn is_tag(code: &[u8; 20], tag: &[u8]) -> bool {
    code.get(..tag.len()).is_some_and(|code| code.ct_eq(tag).into())
}

/// Fills `to`, which is the shorter one.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    if let Some(from) = from.get(..to.len()) {
        to.copy_from_slice(from);
    }
}

/// Senders and receivers have checked the lengths; a shorter packet would be all end.
#[inline]
fn split_end(packet: &mut [u8], end: usize) -> (&mut [u8], &mut [u8]) {
    packet.split_at_mut(packet.len().saturating_sub(end))
}

/// Likewise all start.
#[inline]
fn split_start(packet: &mut [u8], start: usize) -> (&mut [u8], &mut [u8]) {
    packet.split_at_mut(start.min(packet.len()))
}

//! The header extensions that visavis speaks, and the numbers they go by.

use core::time::Duration;
use visavis_core::{Instant, Mid, NtpTime, Seq};

use crate::extension::ExtensionId;
use crate::packet::Packet;

/// The names of header extensions in a session description.
pub mod uri {
    /// [RFC 6464](https://www.rfc-editor.org/rfc/rfc6464)
    pub const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    /// When the packet left, in 24 bits: the form in which WebRTC peers send it.
    pub const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    /// [draft-holmer-rmcat-transport-wide-cc-extensions-01 §2](https://datatracker.ietf.org/doc/html/draft-holmer-rmcat-transport-wide-cc-extensions-01#section-2)
    pub const TRANSPORT_SEQ: &str =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    /// [RFC 8843 §15.2](https://www.rfc-editor.org/rfc/rfc8843#section-15.2)
    pub const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
}

/// How loud a packet's sound is, so that a mixer needn't decode it.
/// [RFC 6464 §3](https://www.rfc-editor.org/rfc/rfc6464#section-3)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AudioLevel(u8);

impl AudioLevel {
    /// `level` is in dB below the loudest possible sound, at most 127, which means digital silence;
    /// `voice` whether the encoder believes that someone speaks.
    #[must_use]
    pub const fn new(level: u8, voice: bool) -> Self {
        let level = if level > 127 { 127 } else { level };
        Self(level | if voice { 0x80 } else { 0 })
    }

    /// Decibels below the loudest possible sound, 0 to 127.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.0 & 0x7f
    }

    /// Whether the sender believes that someone speaks.
    #[must_use]
    pub const fn voice(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// When a packet left, in seconds modulo 64 as 6.18 fixed point. Only differences mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AbsSendTime(u32);

impl AbsSendTime {
    const MASK: u32 = 0x00ff_ffff;

    /// From a clock with any epoch.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the time is modulo 64 s")]
    pub const fn from_instant(now: Instant) -> Self {
        let (seconds, nanos) = (now.as_nanos() / 1_000_000_000, now.as_nanos() % 1_000_000_000);
        let fraction = (nanos << 18) / 1_000_000_000;
        Self((((seconds & 0x3f) << 18) | fraction) as u32)
    }

    /// From wall time, as most senders do.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the time is modulo 64 s")]
    pub const fn from_ntp(now: NtpTime) -> Self {
        Self((now.0 >> 14) as u32 & Self::MASK)
    }

    /// From the three bytes in a packet.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 3]) -> Self {
        let [a, b, c] = bytes;
        Self(u32::from_be_bytes([0, a, b, c]))
    }

    /// As three bytes in a packet, for [`Packet::set_extension`] when the packet leaves.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// How long after `earlier`, if that is less than 32 s; nothing if it isn't after.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        let units = self.0.wrapping_sub(earlier.0) & Self::MASK;
        if units > Self::MASK / 2 {
            return Duration::ZERO;
        }
        Duration::from_nanos(((units as u64) * 1_000_000_000 + (1 << 17)) >> 18)
    }
}

/// Which identifiers the header extensions of one direction have; `None` for those that weren't
/// agreed on, which are then neither written nor read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExtensionMap {
    /// [`uri::AUDIO_LEVEL`]
    pub audio_level: Option<ExtensionId>,
    /// [`uri::ABS_SEND_TIME`]
    pub abs_send_time: Option<ExtensionId>,
    /// [`uri::TRANSPORT_SEQ`]
    pub transport_seq: Option<ExtensionId>,
    /// [`uri::MID`]
    pub mid: Option<ExtensionId>,
}

impl ExtensionMap {
    /// Gives the extension that `uri` names the identifier `id`, as an `a=extmap` line of a session
    /// description does; `false` if it's none of ours.
    pub fn assign(&mut self, uri: &str, id: ExtensionId) -> bool {
        let slot = match uri {
            uri::AUDIO_LEVEL => &mut self.audio_level,
            uri::ABS_SEND_TIME => &mut self.abs_send_time,
            uri::TRANSPORT_SEQ => &mut self.transport_seq,
            uri::MID => &mut self.mid,
            _ => return false,
        };
        *slot = Some(id);
        true
    }

    /// What a packet's header extensions say. An element of the wrong length is ignored, and of two
    /// with the same identifier the last counts.
    #[must_use]
    #[inline]
    pub fn read<T: AsRef<[u8]>>(&self, packet: &Packet<T>) -> ExtensionValues {
        let mut values = ExtensionValues::default();
        for (id, data) in packet.extensions() {
            let id = Some(id);
            if id == self.transport_seq {
                if let &[a, b] = data {
                    values.transport_seq = Some(Seq(u16::from_be_bytes([a, b])));
                }
            } else if id == self.abs_send_time {
                if let &[a, b, c] = data {
                    values.abs_send_time = Some(AbsSendTime::from_bytes([a, b, c]));
                }
            } else if id == self.audio_level {
                // RFC 6464 §3: in the two-byte form a second, unused byte may follow.
                if let &[level] | &[level, _] = data {
                    values.audio_level = Some(AudioLevel(level));
                }
            } else if id == self.mid {
                values.mid = core::str::from_utf8(data).ok().and_then(Mid::new).or(values.mid);
            }
        }
        values
    }
}

/// What header extensions say. Those that are `None` are not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExtensionValues {
    /// How loud the packet's sound is.
    pub audio_level: Option<AudioLevel>,
    /// When the packet left.
    pub abs_send_time: Option<AbsSendTime>,
    /// The packet's number among all packets of the transport.
    pub transport_seq: Option<Seq>,
    /// The media stream to which the packet belongs.
    pub mid: Option<Mid>,
}

impl ExtensionValues {
    /// Whether there's no element that both `self` and `map` have.
    #[inline]
    pub(crate) const fn is_empty(&self, map: &ExtensionMap) -> bool {
        !((self.transport_seq.is_some() & map.transport_seq.is_some())
            | (self.abs_send_time.is_some() & map.abs_send_time.is_some())
            | (self.audio_level.is_some() & map.audio_level.is_some())
            | (self.mid.is_some() & map.mid.is_some()))
    }

    /// Gives `take` the elements that both `self` and `map` have.
    #[inline]
    pub(crate) fn each(&self, map: &ExtensionMap, mut take: impl FnMut(ExtensionId, &[u8])) {
        if let (Some(id), Some(seq)) = (map.transport_seq, self.transport_seq) {
            take(id, &seq.0.to_be_bytes());
        }
        if let (Some(id), Some(time)) = (map.abs_send_time, self.abs_send_time) {
            take(id, &time.to_bytes());
        }
        if let (Some(id), Some(level)) = (map.audio_level, self.audio_level) {
            take(id, &[level.0]);
        }
        if let (Some(id), Some(mid)) = (map.mid, &self.mid) {
            take(id, mid.as_str().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn send_time_is_6_18_fixed_point_modulo_64_seconds() {
        let time = |millis| AbsSendTime::from_instant(Instant::from_millis(millis));
        assert_eq!(time(1_500).to_bytes(), [0x06, 0, 0]);
        assert_eq!(time(65_500), time(1_500));
        assert_eq!(AbsSendTime::from_ntp(NtpTime(0x0000_0041_8000_0000)), time(1_500));
        assert_eq!(time(64_250).since(time(63_750)), Duration::from_millis(500));
        assert_eq!(time(1_000).since(time(2_000)), Duration::ZERO);
    }

    #[test]
    fn silence_is_127_and_no_louder_than_that() {
        let silence = AudioLevel::new(200, true);
        assert_eq!((silence.level(), silence.voice()), (127, true));
        assert!(!AudioLevel::new(0, false).voice());
    }

    #[test]
    fn a_uri_gets_its_identifier() {
        let (mut map, id) = (ExtensionMap::default(), ExtensionId::new(3).unwrap());
        assert!(map.assign(uri::TRANSPORT_SEQ, id));
        assert!(!map.assign("urn:example", id));
        assert_eq!(map, ExtensionMap { transport_seq: Some(id), ..ExtensionMap::default() });
    }
}

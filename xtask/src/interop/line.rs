//! What both sides of a test agree on without signalling: ports, key, payload types, SSRCs.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, UdpSocket};

use anyhow::{Context as _, Result};

/// The pictures that every sender draws.
pub(super) const WIDTH: usize = 640;
pub(super) const HEIGHT: usize = 360;
pub(super) const FPS: u32 = 30;

pub(super) const AUDIO_PT: u8 = 96;
pub(super) const VIDEO_PT: u8 = 97;

/// What the example `peer` sends under; GStreamer has to know it beforehand.
pub(super) const AUDIO_SSRC: u32 = 0x5150;
pub(super) const VIDEO_SSRC: u32 = 0x5151;

/// Key and salt of AES_CM_128_HMAC_SHA1_80, the profile that all of them have: 30 bytes.
/// [RFC 4568 §6.2](https://www.rfc-editor.org/rfc/rfc4568#section-6.2)
const KEY: [u8; 30] = *b"a key and a salt, known to all";

/// Where the receiver listens, on loopback.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) audio_port: u16,
    pub(super) video_port: u16,
}

impl Line {
    /// Two even ports with the odd one above free as well, for RTCP.
    pub(super) fn free() -> Result<Self> {
        let audio_port = free_pair(40_000)?;
        Ok(Self { audio_port, video_port: free_pair(audio_port + 2)? })
    }

    pub(super) fn key_hex(self) -> String {
        KEY.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// As an SDP `inline:` wants it. 30 bytes make 40 characters without padding.
    pub(super) fn key_base64(self) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits = |group: &[u8]| group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let letters = KEY.chunks(3).map(bits).flat_map(|bits| {
            [18, 12, 6, 0].map(|shift| ALPHABET.get((bits >> shift & 63) as usize).copied())
        });
        letters.flatten().map(char::from).collect()
    }

    /// What a receiver needs to know about us.
    /// [RFC 4568 §4](https://www.rfc-editor.org/rfc/rfc4568#section-4)
    pub(super) fn sdp(self) -> String {
        let Self { audio_port, video_port } = self;
        let crypto = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}", self.key_base64());
        format!(
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=visavis\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {audio_port} RTP/SAVP {AUDIO_PT}\r\n\
             a=rtpmap:{AUDIO_PT} opus/48000/2\r\n{crypto}\r\n\
             m=video {video_port} RTP/SAVP {VIDEO_PT}\r\n\
             a=rtpmap:{VIDEO_PT} H264/90000\r\n\
             a=fmtp:{VIDEO_PT} packetization-mode=1\r\n{crypto}\r\n"
        )
    }
}

fn free_pair(from: u16) -> Result<u16> {
    let free = |port: u16| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    (from..u16::MAX - 1)
        .step_by(2)
        .find(|port| free(*port) && free(port + 1))
        .context("no free UDP ports on 127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_written_both_ways() {
        let line = Line { audio_port: 40_000, video_port: 40_002 };
        assert!(line.key_hex().starts_with("61206b6579"));
        assert_eq!(line.key_base64(), "YSBrZXkgYW5kIGEgc2FsdCwga25vd24gdG8gYWxs");
    }
}

//! Byte for byte beside `webrtc-srtp`, which is fed well-formed packets only.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "numbers are meant to wrap")]

mod common;

use common::{default_pair, protect_rtcp, protect_rtp, rtcp, rtp, unprotect_rtcp, unprotect_rtp};
use visavis_srtp::Profile;
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;

fn peer(profile: Profile) -> Context {
    let theirs = match profile {
        Profile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        _ => ProtectionProfile::AeadAes256Gcm,
    };
    let material: Vec<u8> = (1..).take(profile.key_len() + profile.salt_len()).collect();
    let (key, salt) = material.split_at(profile.key_len());
    let replay = (srtp_replay_protection(1024), srtcp_replay_protection(1024));
    Context::new(key, salt, theirs, Some(replay.0), Some(replay.1)).unwrap()
}

/// Two streams over two wraps, with gaps, reordering within the window, and all sizes of payload.
fn packets() -> Vec<Vec<u8>> {
    let mut order: Vec<u32> = (0..3000).map(|n| 60_000 + 37 * n).collect();
    for pair in order.chunks_exact_mut(5) {
        pair.swap(1, 3);
    }
    let packet = |(n, seq): (usize, u32)| {
        let payload: Vec<u8> = (0..n % 700).map(|byte| (byte ^ n) as u8).collect();
        rtp(0x1234_5678 + (n % 2) as u32, seq as u16, &payload)
    };
    order.into_iter().enumerate().map(packet).collect()
}

#[test]
fn rtp_over_wraps_in_both_directions() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = default_pair(profile);
        let (mut their_sender, mut their_receiver) = (peer(profile), peer(profile));
        for packet in packets() {
            let ours = protect_rtp(&mut sender, &packet).unwrap();
            let theirs = their_sender.encrypt_rtp(&packet).unwrap();
            assert_eq!(ours, theirs[..], "{profile}");
            assert_eq!(their_receiver.decrypt_rtp(&ours).unwrap()[..], packet);
            assert_eq!(unprotect_rtp(&mut receiver, &theirs), Ok(packet));
        }
        assert_eq!(receiver.rollover(visavis_core::Ssrc(0x1234_5678)), Some(2));
    }
}

#[test]
fn rtcp_in_both_directions() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = default_pair(profile);
        let (mut their_sender, mut their_receiver) = (peer(profile), peer(profile));
        // They count from 1 where RFC 3711 §3.2.1 says 0: let one packet of ours go ahead.
        assert!(protect_rtcp(&mut sender, &rtcp(7)).is_ok());
        for n in 0..200u8 {
            let mut packet = rtcp(7);
            packet.extend([0x80, 200, 0, 1, n, n, n, n].repeat(usize::from(n)));
            let ours = protect_rtcp(&mut sender, &packet).unwrap();
            let theirs = their_sender.encrypt_rtcp(&packet).unwrap();
            assert_eq!(ours, theirs[..], "{profile}");
            assert_eq!(their_receiver.decrypt_rtcp(&ours).unwrap()[..], packet);
            assert_eq!(unprotect_rtcp(&mut receiver, &theirs), Ok(packet));
        }
    }
}

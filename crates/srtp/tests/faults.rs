//! Faults that other implementations of SRTP had, each as the input that showed it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod common;

use common::{
    default_pair, master, protect_rtcp, protect_rtp, rtcp, rtp, unprotect_rtcp, unprotect_rtp,
};
use visavis_core::Ssrc;
use visavis_srtp::UnprotectError::{Replayed, TooManyStreams, Unauthenticated};
use visavis_srtp::{Config, MasterKey, Profile, ProtectError, Receiver, Sender};

/// A BYE that says of itself that it isn't encrypted, with a tag of zeroes.
#[test]
fn unencrypted_srtcp_must_be_authentic_too() {
    for profile in Profile::ALL {
        let (_, mut receiver) = default_pair(profile);
        let mut forged = vec![0x81, 203, 0, 1, 0, 0, 0, 7];
        forged.resize(forged.len() + profile.rtcp_overhead(), 0);
        assert_eq!(unprotect_rtcp(&mut receiver, &forged), Err(Unauthenticated));
        assert_eq!(receiver.auth_failures(), 1);
    }
}

#[test]
fn no_length_of_packet_panics() {
    for profile in Profile::ALL {
        let (_, mut receiver) = default_pair(profile);
        for len in 0..80 {
            // With every count of CSRCs, with and without an extension of any length.
            for first in 0x80..=0x9f {
                for fill in [0, 1, 0xff] {
                    let mut packet = vec![fill; len];
                    packet.iter_mut().take(1).for_each(|byte| *byte = first);
                    assert!(unprotect_rtp(&mut receiver, &packet).is_err());
                    assert!(unprotect_rtcp(&mut receiver, &packet).is_err());
                }
            }
        }
    }
}

#[test]
fn a_forged_packet_does_not_move_the_replay_window() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = default_pair(profile);
        let mut forged = rtp(7, 30_000, &[0; 50]);
        assert_eq!(unprotect_rtp(&mut receiver, &forged), Err(Unauthenticated));
        for seq in 1..20 {
            let packet = protect_rtp(&mut sender, &rtp(7, seq, b"x")).unwrap();
            assert!(unprotect_rtp(&mut receiver, &packet).is_ok());
            forged = rtp(7, seq + 20_000, &[0; 50]);
            assert_eq!(unprotect_rtp(&mut receiver, &forged), Err(Unauthenticated));
        }
        // Nor in SRTCP, whose packets say their index themselves.
        for _ in 0..20 {
            let genuine = protect_rtcp(&mut sender, &rtcp(7)).unwrap();
            let mut forged = genuine.clone();
            let word = forged.len() - profile.rtcp_overhead()
                + if profile == Profile::AesCm128HmacSha1_80 { 0 } else { 16 };
            forged[word..word + 4].copy_from_slice(&[0xff; 4]);
            assert_eq!(unprotect_rtcp(&mut receiver, &forged), Err(Unauthenticated));
            assert!(unprotect_rtcp(&mut receiver, &genuine).is_ok());
        }
    }
}

#[test]
fn forged_ssrcs_take_no_room() {
    for profile in Profile::ALL {
        let mut config = Config::default();
        config.max_streams = 2;
        let mut receiver = Receiver::new(&master(profile), config).unwrap();
        let (mut sender, _) = default_pair(profile);
        let mut forged = rtp(0, 1, &[0; 30]);
        for ssrc in 0..200_000u32 {
            forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
            assert_eq!(receiver.unprotect_rtp(&mut forged.clone()), Err(Unauthenticated));
        }
        assert_eq!(receiver.auth_failures(), 200_000);
        assert_eq!(receiver.rollover(Ssrc(5)), None);
        // There is room for just the two genuine ones.
        for (ssrc, outcome) in [(1, None), (2, None), (3, Some(TooManyStreams)), (1, None)] {
            let seq = if ssrc == 1 { receiver.rollover(Ssrc(1)).map_or(1, |_| 2) } else { 1 };
            let packet = protect_rtp(&mut sender, &rtp(ssrc, seq, b"x")).unwrap();
            assert_eq!(unprotect_rtp(&mut receiver, &packet).err(), outcome);
        }
    }
}

/// An extension with elements of id 15 belongs to the header all the same.
#[test]
fn the_header_extension_is_never_encrypted() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = default_pair(profile);
        let mut plain = rtp(7, 1, &[0xbe, 0xde, 0, 2, 0xf0, 1, 2, 3, 4, 5, 6, 7]);
        plain[0] |= 0x10;
        plain.extend(b"payload");
        let protected = protect_rtp(&mut sender, &plain).unwrap();
        assert_eq!(protected[..24], plain[..24]);
        assert_ne!(protected[24..31], plain[24..31]);
        assert_eq!(unprotect_rtp(&mut receiver, &protected), Ok(plain));
    }
}

#[test]
fn no_index_is_used_twice() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = default_pair(profile);
        assert!(protect_rtp(&mut sender, &rtp(7, 1, b"one")).is_ok());
        assert_eq!(protect_rtp(&mut sender, &rtp(7, 1, b"two")), Err(ProtectError::IndexReused));
        // A gap, what was left out in it, and that again.
        for (seq, ok) in [(30_000, true), (29_000, true), (29_000, false), (28_976, false)] {
            let protected = protect_rtp(&mut sender, &rtp(7, seq, b"x"));
            assert_eq!(protected.is_ok(), ok, "{seq}");
            if let Ok(packet) = protected {
                assert!(unprotect_rtp(&mut receiver, &packet).is_ok());
            }
        }
        // Another SSRC has indices of its own.
        assert!(protect_rtp(&mut sender, &rtp(8, 1, b"one")).is_ok());
    }
}

#[test]
fn late_packets_do_not_move_the_index_back() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = default_pair(profile);
        let mut packets = Vec::new();
        for seq in 64_900..66_200u32 {
            packets.push(protect_rtp(&mut sender, &rtp(7, (seq & 0xffff) as u16, b"x")).unwrap());
        }
        let (early, late) = packets.split_at_mut(1290);
        assert!(unprotect_rtp(&mut receiver, &early[0]).is_ok());
        assert!(unprotect_rtp(&mut receiver, &late[0]).is_ok());
        assert_eq!(receiver.rollover(Ssrc(7)), Some(1));
        // Each older than the one before, down to before the wrap.
        for packet in early[300..].iter().rev() {
            assert!(unprotect_rtp(&mut receiver, packet).is_ok());
            assert_eq!(receiver.rollover(Ssrc(7)), Some(1));
        }
        assert_eq!(unprotect_rtp(&mut receiver, &early[10]), Err(Replayed));
        for packet in &late[1..] {
            assert!(unprotect_rtp(&mut receiver, packet).is_ok());
        }
    }
}

#[test]
fn who_joins_after_a_wrap_can_be_told_the_rollover() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = default_pair(profile);
        for turn in 0..3 {
            for seq in (0..=u16::MAX).step_by(1 << 14) {
                protect_rtp(&mut sender, &rtp(7, seq + turn, b"x")).unwrap();
            }
        }
        let packet = protect_rtp(&mut sender, &rtp(7, 60_000, b"x")).unwrap();
        assert_eq!(sender.rollover(Ssrc(7)), Some(2));
        assert_eq!(unprotect_rtp(&mut receiver, &packet), Err(Unauthenticated));
        receiver.set_rollover(Ssrc(7), 2).unwrap();
        assert_eq!(receiver.rollover(Ssrc(7)), Some(2));
        assert!(unprotect_rtp(&mut receiver, &packet).is_ok());
        // Saying so again is no way to play it again.
        receiver.set_rollover(Ssrc(7), 2).unwrap();
        assert_eq!(unprotect_rtp(&mut receiver, &packet), Err(Replayed));
    }
}

#[test]
fn a_used_up_key_ends_the_stream() {
    let (_, mut receiver) = default_pair(Profile::AeadAes128Gcm);
    receiver.set_rollover(Ssrc(7), u32::MAX).unwrap();
    assert_eq!(receiver.rollover(Ssrc(7)), Some(u32::MAX));
    assert_eq!(unprotect_rtp(&mut receiver, &rtp(7, 1, &[0; 40])), Err(Unauthenticated));
}

#[test]
fn nothing_secret_is_printed() {
    let key = MasterKey::from_concatenated(Profile::AeadAes128Gcm, &[0xa5; 28]).unwrap();
    let sender = Sender::new(&key, Config::default()).unwrap();
    let receiver = Receiver::new(&key, Config::default()).unwrap();
    for text in [format!("{key:?}"), format!("{sender:?}"), format!("{receiver:?}")] {
        assert!(text.contains("AeadAes128Gcm"));
        assert!(!text.contains("165") && !text.to_lowercase().contains("a5"), "{text}");
    }
}

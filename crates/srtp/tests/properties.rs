//! What holds for every packet, profile and provider.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod common;

use common::{pair, protect_rtcp, protect_rtp, rtcp, rtp, suites, unprotect_rtcp, unprotect_rtp};
use proptest::prelude::*;
use visavis_srtp::UnprotectError::{Malformed, Replayed, Unauthenticated};
use visavis_srtp::{Config, ProtectError, Sender};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }
}

/// An RTP packet with any CSRCs, extension, and payload.
fn any_rtp() -> impl Strategy<Value = Vec<u8>> {
    let parts =
        (0u8..16, any::<Option<[u8; 2]>>(), 0u8..6, prop::collection::vec(any::<u8>(), 0..300));
    (parts, any::<[u8; 11]>()).prop_map(|((csrcs, extension, words, payload), fixed)| {
        let mut packet = vec![0x80 | csrcs | if extension.is_some() { 0x10 } else { 0 }];
        packet.extend(fixed);
        packet.extend(vec![0xcc; 4 * usize::from(csrcs)]);
        if let Some(kind) = extension {
            packet.extend(kind);
            packet.extend([0, words]);
            // Elements with the reserved id 15, at which others take the payload to begin.
            packet.extend(vec![0xf0; 4 * usize::from(words)]);
        }
        packet.extend(payload);
        packet
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rtp_comes_out_as_it_went_in(packet in any_rtp()) {
        for (profile, provider) in suites() {
            let (mut sender, mut receiver) = pair(profile, provider);
            let protected = protect_rtp(&mut sender, &packet).unwrap();
            prop_assert_eq!(protected.len(), packet.len() + profile.rtp_overhead());
            let header = visavis_rtp::header_len(&packet).unwrap();
            prop_assert_eq!(&protected[..header], &packet[..header]);
            prop_assert_eq!(unprotect_rtp(&mut receiver, &protected), Ok(packet.clone()));
            prop_assert_eq!(unprotect_rtp(&mut receiver, &protected), Err(Replayed));
            prop_assert_eq!((receiver.auth_failures(), receiver.replays()), (0, 1));
        }
    }

    #[test]
    fn rtcp_comes_out_as_it_went_in(ssrc: u32, rest in prop::collection::vec(any::<u8>(), 0..300)) {
        for (profile, provider) in suites() {
            let (mut sender, mut receiver) = pair(profile, provider);
            let mut packet = rtcp(ssrc);
            packet.extend(&rest);
            for _ in 0..3 {
                let protected = protect_rtcp(&mut sender, &packet).unwrap();
                prop_assert_eq!(protected.len(), packet.len() + profile.rtcp_overhead());
                prop_assert_eq!(unprotect_rtcp(&mut receiver, &protected), Ok(packet.clone()));
                prop_assert_eq!(unprotect_rtcp(&mut receiver, &protected), Err(Replayed));
            }
        }
    }

    /// The receiver says the same things whether or not anything of this came before.
    #[test]
    fn bytes_that_are_no_packet_change_nothing(
        junk in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..20),
    ) {
        for (profile, provider) in suites() {
            let (mut sender, mut receiver) = pair(profile, provider);
            let media = protect_rtp(&mut sender, &rtp(7, 9, b"payload")).unwrap();
            let report = protect_rtcp(&mut sender, &rtcp(7)).unwrap();
            for bytes in &junk {
                // Half of them with a version that passes, and the SSRC of the genuine ones.
                let mut likely = bytes.clone();
                likely.iter_mut().zip([0x80, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 7]).for_each(|(b, to)| *b = to);
                for bytes in [bytes, &likely] {
                    let rtp = unprotect_rtp(&mut receiver, bytes);
                    prop_assert!(matches!(rtp, Err(Malformed | Unauthenticated)));
                    let rtcp = unprotect_rtcp(&mut receiver, bytes);
                    prop_assert!(matches!(rtcp, Err(Malformed | Unauthenticated)));
                }
            }
            prop_assert_eq!(receiver.rollover(visavis_core::Ssrc(7)), None);
            prop_assert!(unprotect_rtp(&mut receiver, &media).is_ok());
            prop_assert!(unprotect_rtcp(&mut receiver, &report).is_ok());
        }
    }
}

#[test]
fn any_flipped_bit_is_noticed_and_changes_nothing() {
    for (profile, provider) in suites() {
        let (mut sender, mut receiver) = pair(profile, provider);
        let mut plain = rtp(7, 9, b"some payload");
        plain[0] |= 0x11;
        plain.splice(12..12, [0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x10, 5, 0, 0]);
        let media = protect_rtp(&mut sender, &plain).unwrap();
        let report = protect_rtcp(&mut sender, &rtcp(7)).unwrap();
        for bit in 0..8 * media.len() {
            let mut forged = media.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(unprotect_rtp(&mut receiver, &forged).is_err(), "{profile} {provider:?} {bit}");
        }
        for bit in 0..8 * report.len() {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(
                unprotect_rtcp(&mut receiver, &forged).is_err(),
                "{profile} {provider:?} {bit}"
            );
        }
        assert_eq!(receiver.replays(), 0);
        assert_eq!(unprotect_rtp(&mut receiver, &media), Ok(plain));
        assert_eq!(unprotect_rtcp(&mut receiver, &report), Ok(rtcp(7)));
    }
}

#[test]
fn any_truncation_is_refused() {
    for (profile, provider) in suites() {
        let (mut sender, mut receiver) = pair(profile, provider);
        let media = protect_rtp(&mut sender, &rtp(7, 9, b"some payload")).unwrap();
        let report = protect_rtcp(&mut sender, &rtcp(7)).unwrap();
        for len in 0..media.len() {
            assert!(unprotect_rtp(&mut receiver, &media[..len]).is_err());
        }
        for len in 0..report.len() {
            assert!(unprotect_rtcp(&mut receiver, &report[..len]).is_err());
        }
        assert!(unprotect_rtp(&mut receiver, &media).is_ok());
        assert!(unprotect_rtcp(&mut receiver, &report).is_ok());
    }
}

#[test]
fn every_provider_gives_the_same_bytes() {
    for (profile, provider) in suites() {
        let (mut ours, _) = pair(profile, provider);
        let (mut theirs, _) = common::default_pair(profile);
        for seq in [65_534, 65_535, 0, 1] {
            let packet = rtp(3, seq, &[seq.to_be_bytes()[1]; 1000]);
            assert_eq!(protect_rtp(&mut ours, &packet), protect_rtp(&mut theirs, &packet));
            assert_eq!(protect_rtcp(&mut ours, &rtcp(3)), protect_rtcp(&mut theirs, &rtcp(3)));
        }
    }
}

#[test]
fn a_buffer_without_room_says_how_much_is_needed() {
    for (profile, provider) in suites() {
        let mut sender =
            Sender::with_provider(&common::master(profile), Config::default(), provider).unwrap();
        let plain = rtp(1, 1, b"abc");
        let mut short = plain.clone();
        let Err(ProtectError::TooShort(error)) = sender.protect_rtp(&mut short, plain.len()) else {
            panic!("no room was found");
        };
        assert_eq!(error.needed, plain.len() + profile.rtp_overhead());
        assert_eq!(short, plain);
        // Nothing was changed, so the number may be used now.
        assert!(protect_rtp(&mut sender, &plain).is_ok());

        let mut short = rtcp(1);
        let len = short.len();
        assert!(matches!(sender.protect_rtcp(&mut short, len), Err(ProtectError::TooShort(_))));
        assert!(matches!(sender.protect_rtp(&mut [], 1), Err(ProtectError::TooShort(_))));
        assert_eq!(sender.protect_rtp(&mut [0x80; 40], 11), Err(ProtectError::Malformed));
        assert_eq!(sender.protect_rtp(&mut [0; 40], 12), Err(ProtectError::Malformed));
        assert_eq!(sender.protect_rtcp(&mut [0x80; 40], 7), Err(ProtectError::Malformed));
    }
}

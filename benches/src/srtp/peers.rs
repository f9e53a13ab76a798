//! The two other crates, each through the interface that copies least.

use core::hint::black_box;

use visavis_srtp::Profile;

use super::{Case, Direction, contestant, material, packets};
use crate::Contestant;

/// The size of everybody's replay window.
const WINDOW: usize = 1024;

fn webrtc_context(profile: Profile) -> webrtc_srtp::context::Context {
    use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
    use webrtc_srtp::protection_profile::ProtectionProfile;
    let (key, salt) = material(profile);
    let theirs = match profile {
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        _ => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    let (rtp, rtcp) = (srtp_replay_protection(WINDOW), srtcp_replay_protection(WINDOW));
    webrtc_srtp::context::Context::new(&key, &salt, theirs, Some(rtp), Some(rtcp))
        .expect("the lengths are the profile's")
}

/// `webrtc-srtp`.
#[must_use]
pub fn webrtc(case: Case) -> Contestant<'static> {
    let (packets, profile, len) = (packets(case), case.profile, case.plain_len());
    let context = move || webrtc_context(profile);
    match case.direction {
        Direction::Protect => contestant(packets, context, move |context, packet| {
            let plain = packet.get(..len).expect("it has room for the tag behind");
            assert!(black_box(context.encrypt_rtp(plain)).is_ok());
        }),
        Direction::Unprotect => contestant(packets, context, |context, packet| {
            assert!(black_box(context.decrypt_rtp(packet)).is_ok());
        }),
    }
}

fn rtc_context(profile: Profile) -> rtc_srtp::context::Context {
    use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
    use rtc_srtp::protection_profile::ProtectionProfile;
    let (key, salt) = material(profile);
    let theirs = match profile {
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        _ => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    let (rtp, rtcp) = (srtp_replay_protection(WINDOW), srtcp_replay_protection(WINDOW));
    let provider = rtc_srtp::crypto::default_provider().expect("its default feature brings ring");
    let crypto = provider.crypto();
    rtc_srtp::context::Context::new(&key, &salt, theirs, Some(rtp), Some(rtcp), crypto)
        .expect("the lengths are the profile's")
}

/// `rtc-srtp` with its `ring` back-end.
#[must_use]
pub fn rtc(case: Case) -> Contestant<'static> {
    let (packets, profile, len) = (packets(case), case.profile, case.plain_len());
    let context = move || rtc_context(profile);
    match case.direction {
        Direction::Protect => contestant(packets, context, move |context, packet| {
            let plain = packet.get(..len).expect("it has room for the tag behind");
            assert!(black_box(context.encrypt_rtp(plain)).is_ok());
        }),
        Direction::Unprotect => contestant(packets, context, |context, packet| {
            assert!(black_box(context.decrypt_rtp(packet)).is_ok());
        }),
    }
}

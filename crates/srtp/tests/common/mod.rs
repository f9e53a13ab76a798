//! Packets, keys and providers for the tests.
#![allow(dead_code, reason = "no test file needs all of it")]
#![allow(unreachable_pub, reason = "each test file is a crate of its own")]

use visavis_srtp::provider::{Provider, RustCrypto, default_provider};
use visavis_srtp::{Config, MasterKey, Profile, ProtectError, Receiver, Sender};

pub fn master(profile: Profile) -> MasterKey {
    let material: Vec<u8> = (1..).take(profile.key_len() + profile.salt_len()).collect();
    MasterKey::from_concatenated(profile, &material).unwrap()
}

/// Every profile with every provider that has it.
pub fn suites() -> Vec<(Profile, &'static dyn Provider)> {
    let providers = [default_provider(), &RustCrypto].into_iter().chain(ring());
    let pairs = |provider| Profile::ALL.map(|profile| (profile, provider));
    let has = |&(profile, provider): &(Profile, &dyn Provider)| {
        Sender::with_provider(&master(profile), Config::default(), provider).is_ok()
    };
    providers.flat_map(pairs).filter(has).collect()
}

fn ring() -> Option<&'static dyn Provider> {
    #[cfg(feature = "ring")]
    return Some(&visavis_srtp::provider::Ring);
    #[cfg(not(feature = "ring"))]
    None
}

/// A sender and a receiver with the same key.
pub fn pair(profile: Profile, provider: &dyn Provider) -> (Sender, Receiver) {
    let (key, config) = (master(profile), Config::default());
    (
        Sender::with_provider(&key, config, provider).unwrap(),
        Receiver::with_provider(&key, config, provider).unwrap(),
    )
}

pub fn default_pair(profile: Profile) -> (Sender, Receiver) {
    pair(profile, default_provider())
}

pub fn rtp(ssrc: u32, seq: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(seq.to_be_bytes());
    packet.extend((u32::from(seq) * 960).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A receiver report with one block.
pub fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x81, 201, 0, 7];
    packet.extend(ssrc.to_be_bytes());
    packet.extend((1..=24).collect::<Vec<u8>>());
    packet
}

pub fn protect_rtp(sender: &mut Sender, plain: &[u8]) -> Result<Vec<u8>, ProtectError> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + sender.profile().rtp_overhead(), 0);
    let len = sender.protect_rtp(&mut buffer, plain.len())?;
    assert_eq!(len, buffer.len());
    Ok(buffer)
}

pub fn protect_rtcp(sender: &mut Sender, plain: &[u8]) -> Result<Vec<u8>, ProtectError> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + sender.profile().rtcp_overhead(), 0);
    let len = sender.protect_rtcp(&mut buffer, plain.len())?;
    assert_eq!(len, buffer.len());
    Ok(buffer)
}

pub type Unprotected = Result<Vec<u8>, visavis_srtp::UnprotectError>;

pub fn unprotect_rtp(receiver: &mut Receiver, packet: &[u8]) -> Unprotected {
    let mut packet = packet.to_vec();
    let len = receiver.unprotect_rtp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

pub fn unprotect_rtcp(receiver: &mut Receiver, packet: &[u8]) -> Unprotected {
    let mut packet = packet.to_vec();
    let len = receiver.unprotect_rtcp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

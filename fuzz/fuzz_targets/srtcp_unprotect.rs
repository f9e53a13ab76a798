//! Genuine SRTCP packets between damaged and invented ones: the genuine ones come out as they went in,
//! once each, and nothing else comes out at all, whatever its E bit and index say.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use visavis_srtp::{Config, MasterKey, Profile, Receiver, Sender, UnprotectError};

#[derive(Debug, Arbitrary)]
struct Input {
    profile: u8,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// A report; before it come damaged copies of it.
    Send { ssrc: u8, words: u8, damage: Vec<(u16, u8)>, cut: u8, index: Option<u32> },
    /// Anything at all.
    Invent(Vec<u8>),
}

fuzz_target!(|input: Input| {
    let profile = Profile::ALL[usize::from(input.profile) % Profile::ALL.len()];
    let material = vec![7; profile.key_len() + profile.salt_len()];
    let key = MasterKey::from_concatenated(profile, &material).unwrap();
    let mut sender = Sender::new(&key, Config::default()).unwrap();
    let mut receiver = Receiver::new(&key, Config::default()).unwrap();

    for step in input.steps {
        let (ssrc, words, damage, cut, index) = match step {
            Step::Send { ssrc, words, damage, cut, index } => (ssrc, words, damage, cut, index),
            Step::Invent(mut bytes) => {
                assert!(receiver.unprotect_rtcp(&mut bytes).is_err());
                continue;
            }
        };
        let mut plain = vec![0x80, 201, 0, words.saturating_add(1), 0, 0, 0, ssrc % 4];
        plain.extend(vec![words; 4 * usize::from(words)]);
        let mut protected = plain.clone();
        protected.resize(plain.len() + profile.rtcp_overhead(), 0);
        assert_eq!(sender.protect_rtcp(&mut protected, plain.len()), Ok(protected.len()));

        let mut damaged = protected.clone();
        for (at, bits) in damage {
            let at = usize::from(at) % damaged.len();
            damaged[at] ^= bits;
            refuse(&mut receiver, &damaged, &protected);
        }
        if let Some(index) = index {
            let mut damaged = protected.clone();
            let behind = if profile == Profile::AesCm128HmacSha1_80 { 10 } else { 0 };
            let word = damaged.len() - behind - 4;
            damaged[word..word + 4].copy_from_slice(&index.to_be_bytes());
            refuse(&mut receiver, &damaged, &protected);
        }
        let kept = protected.len().saturating_sub(usize::from(cut));
        refuse(&mut receiver, &protected[..kept], &protected);

        let mut buffer = protected.clone();
        assert_eq!(receiver.unprotect_rtcp(&mut buffer), Ok(plain.len()));
        assert_eq!(buffer[..plain.len()], plain);
        let again = receiver.unprotect_rtcp(&mut protected.clone());
        assert_eq!(again, Err(UnprotectError::Replayed));
    }
});

fn refuse(receiver: &mut Receiver, packet: &[u8], genuine: &[u8]) {
    if packet != genuine {
        assert!(receiver.unprotect_rtcp(&mut packet.to_vec()).is_err());
    }
}

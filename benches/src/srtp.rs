//! Protecting and unprotecting SRTP packets, beside `webrtc-srtp`, `rtc-srtp` and the bare cipher.
//!
//! One stream, a packet after the other. Only the calls are timed: what was sent into is restored and
//! every context is made anew between the passes, as a receiver takes no packet twice.

use core::hint::black_box;

use anyhow::Result;
use visavis_srtp::{Config, MasterKey, Profile, Receiver, Sender};

use crate::{Contestant, Goal, Scorecard, time};

mod peers;
mod raw;

pub use peers::{rtc, webrtc};
pub use raw::raw;

/// Packets in a pass: few enough to stay in the second cache.
const BATCH: u16 = 256;
/// Header without CSRCs or extension.
const HEADER: usize = 12;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What a sender does.
    Protect,
    /// What a receiver does.
    Unprotect,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Protect or unprotect.
    pub direction: Direction,
    /// With which ciphers.
    pub profile: Profile,
    /// Bytes of payload.
    pub size: usize,
}

impl Case {
    /// Both directions of every profile, at the size of sound and of video.
    pub fn all() -> impl Iterator<Item = Self> {
        let cases = |profile| {
            [160, 1200].into_iter().flat_map(move |size| {
                [Direction::Protect, Direction::Unprotect].map(|direction| Self {
                    direction,
                    profile,
                    size,
                })
            })
        };
        Profile::ALL.into_iter().flat_map(cases)
    }

    /// "unprotect AEAD_AES_128_GCM 1200 B"
    #[must_use]
    pub fn name(self) -> String {
        let direction = match self.direction {
            Direction::Protect => "protect",
            Direction::Unprotect => "unprotect",
        };
        format!("{direction} {} {} B", self.profile, self.size)
    }

    /// How many times as fast as `webrtc-srtp` we want to be. Long packets of AES-CM are nearly all
    /// HMAC-SHA1, which nobody has faster: the bare cipher itself gets to about 1.2 there.
    fn goal(self) -> f64 {
        match (self.profile, self.size) {
            (Profile::AesCm128HmacSha1_80, 160) => 1.5,
            (Profile::AesCm128HmacSha1_80, _) => 1.15,
            (_, 160) => 4.0,
            _ => 6.0,
        }
    }

    /// The length of a packet before it is protected.
    const fn plain_len(self) -> usize {
        HEADER + self.size
    }

    /// The packets of a pass, with room for the tag behind each.
    fn plain(self) -> Vec<Vec<u8>> {
        let packet = |seq: u16| {
            let mut packet = vec![0x80, 96];
            packet.extend(seq.to_be_bytes());
            packet.extend((u32::from(seq) * 960).to_be_bytes());
            packet.extend(0x1234_5678u32.to_be_bytes());
            packet.extend((0..=255u8).cycle().take(self.size));
            packet.resize(packet.len() + self.profile.rtp_overhead(), 0);
            packet
        };
        (0..BATCH).map(packet).collect()
    }

    /// The packets that the measured direction is given: plain ones, or those that `protect` makes.
    fn packets(self, mut protect: impl FnMut(&mut [u8])) -> Vec<Vec<u8>> {
        let mut packets = self.plain();
        if self.direction == Direction::Unprotect {
            packets.iter_mut().for_each(|packet| protect(packet));
        }
        packets
    }
}

/// Passes of `step` over `packets`, with a new state each.
fn contestant<S>(
    packets: Vec<Vec<u8>>,
    state: impl Fn() -> S + 'static,
    mut step: impl FnMut(&mut S, &mut [u8]) + 'static,
) -> Contestant<'static> {
    let mut work = packets.clone();
    let pass = move || {
        work.iter_mut().zip(&packets).for_each(|(work, packet)| work.copy_from_slice(packet));
        let mut state = state();
        time(|| work.iter_mut().for_each(|packet| step(&mut state, black_box(packet))))
    };
    Contestant { batch: u32::from(BATCH), pass: Box::new(pass) }
}

/// The key and salt of everybody.
fn material(profile: Profile) -> (Vec<u8>, Vec<u8>) {
    let mut bytes = 1..;
    (
        bytes.by_ref().take(profile.key_len()).collect(),
        bytes.by_ref().take(profile.salt_len()).collect(),
    )
}

fn sender(profile: Profile) -> Sender {
    let (key, salt) = material(profile);
    let key = MasterKey::new(profile, &key, &salt).expect("the lengths are the profile's");
    Sender::new(&key, Config::default()).expect("the defaults are right")
}

fn receiver(profile: Profile) -> Receiver {
    let (key, salt) = material(profile);
    let key = MasterKey::new(profile, &key, &salt).expect("the lengths are the profile's");
    Receiver::new(&key, Config::default()).expect("the defaults are right")
}

/// The packets of `case` as everybody but the bare cipher is given them.
fn packets(case: Case) -> Vec<Vec<u8>> {
    let mut sender = sender(case.profile);
    case.packets(|packet| assert!(sender.protect_rtp(packet, case.plain_len()).is_ok()))
}

/// `visavis-srtp` with its default provider.
#[must_use]
pub fn ours(case: Case) -> Contestant<'static> {
    let (packets, profile, len) = (packets(case), case.profile, case.plain_len());
    match case.direction {
        Direction::Protect => contestant(
            packets,
            move || sender(profile),
            move |sender, packet| assert!(sender.protect_rtp(packet, len).is_ok()),
        ),
        Direction::Unprotect => contestant(
            packets,
            move || receiver(profile),
            |receiver, packet| assert!(receiver.unprotect_rtp(packet).is_ok()),
        ),
    }
}

/// Measures every case beside every peer.
///
/// # Errors
///
/// None so far.
pub fn run(card: &mut Scorecard) -> Result<()> {
    for case in Case::all() {
        let webrtc_goal = Goal::AtLeast(case.goal());
        card.contest(case.name(), "webrtc-srtp", webrtc_goal, &mut ours(case), &mut webrtc(case));
        card.contest(case.name(), "rtc-srtp", Goal::AtLeast(1.0), &mut ours(case), &mut rtc(case));
        card.contest(
            case.name(),
            "raw cipher",
            Goal::AtLeast(0.85),
            &mut ours(case),
            &mut raw(case),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_its_work() {
        for case in Case::all() {
            for mut contestant in [ours(case), webrtc(case), rtc(case), raw(case)] {
                // What isn't protected or unprotected as it should be panics.
                assert!(!(contestant.pass)().is_zero());
                assert!(!(contestant.pass)().is_zero());
            }
        }
    }
}

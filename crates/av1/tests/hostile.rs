//! Temporal units that nobody sane would send.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod common;

use common::{checksum, colour, luma_checksum, units};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use visavis_av1::Decoder;
use visavis_codec::{DecodeError, Limit, Limits, VideoDecoder};

fn decoder() -> Decoder {
    Decoder::new(Limits::default()).unwrap()
}

#[test]
fn a_decoder_asks_for_a_keyframe_until_one_comes() {
    let units = colour();
    let (mut late, mut punctual) = (decoder(), decoder());
    for (index, unit) in units.iter().enumerate() {
        let expected = punctual.decode(unit).unwrap().map(checksum);
        match late.decode(unit) {
            _ if index == 0 => late = decoder(),
            Err(error) => {
                assert_eq!(error, DecodeError::NeedKeyframe);
                assert!(index < 10, "a keyframe comes with unit 10");
            }
            Ok(shown) => assert_eq!(shown.map(checksum), expected),
        }
    }
}

#[test]
fn after_garbage_only_a_keyframe_helps() {
    let units = colour();
    let mut decoder = decoder();
    for garbage in [&[][..], &[0xff; 9], &units[3][..units[3].len() / 2]] {
        assert!(decoder.decode(&units[0]).unwrap().is_some());
        assert!(decoder.decode(&units[1]).unwrap().is_some());
        assert_eq!(decoder.decode(garbage).unwrap_err(), DecodeError::Corrupt);
        assert_eq!(decoder.decode(&units[2]).unwrap_err(), DecodeError::NeedKeyframe);
        assert!(decoder.decode(&units[10]).unwrap().is_some());
    }
}

#[test]
fn what_only_dav1d_finds_is_corrupt_too() {
    // A sequence header of a reserved profile, and a frame of one byte.
    let unit = [0x12, 0, 0x0a, 2, 0xff, 0xff, 0x32, 1, 9];
    let mut decoder = decoder();
    assert_eq!(decoder.decode(&unit).unwrap_err(), DecodeError::Corrupt);
    assert!(decoder.decode(&colour()[0]).unwrap().is_some());
}

#[test]
fn limits_hold() {
    let unit = &colour()[0];
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        Decoder::new(limits).unwrap().decode(unit).err()
    };
    let which = |error: Option<DecodeError>| match error {
        Some(DecodeError::LimitExceeded { limit, .. }) => Some(limit),
        _ => None,
    };
    assert_eq!(with(|limits| (limits.max_width, limits.max_height) = (128, 96)), None);
    assert_eq!(with(|limits| limits.max_pixels = 128 * 96), None);
    assert_eq!(which(with(|limits| limits.max_width = 127)), Some(Limit::Width));
    assert_eq!(which(with(|limits| limits.max_height = 95)), Some(Limit::Height));
    assert_eq!(which(with(|limits| limits.max_pixels = 128 * 96 - 1)), Some(Limit::Pixels));
    assert_eq!(which(with(|limits| limits.max_bytes = 50)), Some(Limit::Bytes));
    assert_eq!(
        Decoder::new({
            let mut limits = Limits::default();
            limits.max_width = 0;
            limits
        })
        .unwrap_err()
        .field,
        "limits.max_width"
    );
}

/// Changes bytes, or cuts out and repeats pieces.
fn mutate(rng: &mut TestRng, unit: &mut Vec<u8>) {
    for _ in 0..=rng.next_u32() % 4 {
        let len = unit.len().max(1);
        // Half of the changes hit the headers.
        let near = rng.next_u32().is_multiple_of(2);
        let at = rng.next_u32() as usize % if near { len } else { len.min(30) };
        match rng.next_u32() % 8 {
            0 => unit.truncate(at),
            1 => {
                unit.drain(
                    at..(at + 1 + rng.next_u32() as usize % 30).min(len).min(unit.len()).max(at),
                );
            }
            2 => {
                let piece = unit[at.min(unit.len())..(at + 20).min(unit.len())].to_vec();
                unit.splice(at..at, piece);
            }
            _ => {
                if let Some(byte) = unit.get_mut(at) {
                    *byte ^= 1 << (rng.next_u32() % 8);
                }
            }
        }
    }
}

#[test]
fn mutated_units_do_no_harm_and_a_keyframe_mends_everything() {
    let mut clip = colour();
    let whole: Vec<u32> = {
        let mut decoder = decoder();
        clip.iter().map(|unit| checksum(decoder.decode(unit).unwrap().unwrap())).collect()
    };
    clip.extend(units(include_bytes!("clips/grey.ivf")));
    clip.extend(units(include_bytes!("clips/odd.ivf")));
    let mut limits = Limits::default();
    (limits.max_width, limits.max_height, limits.max_pixels) = (1024, 1024, 512 * 512);
    let mut decoder = Decoder::new(limits).unwrap();
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (mut shown, mut refused) = (0, 0);
    for _ in 0..150 {
        for unit in &clip {
            let mut unit = unit.clone();
            if rng.next_u32().is_multiple_of(3) {
                mutate(&mut rng, &mut unit);
            }
            match decoder.decode(&unit) {
                Ok(Some(picture)) => {
                    shown += 1;
                    assert!(picture.width() * picture.height() <= 512 * 512);
                    // Every byte that is lent can be read.
                    core::hint::black_box((checksum(picture), luma_checksum(picture)));
                }
                Ok(None) => {}
                Err(_) => refused += 1,
            }
        }
        // Unit 10 is a keyframe, and from there on nothing of the past is seen.
        for (unit, expected) in clip[10..30].iter().zip(&whole[10..]) {
            assert_eq!(decoder.decode(unit).unwrap().map(checksum), Some(*expected));
        }
    }
    assert!(shown > 500 && refused > 500, "{shown} shown, {refused} refused");
}

#[test]
fn decoders_are_send() {
    fn send<T: Send>() {}
    send::<Decoder>();
}

#[test]
fn nothing_is_printed() {
    // Another test of this file, in a process whose stderr can be seen.
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_only_dav1d_finds_is_corrupt_too", "--nocapture"])
        .output()
        .unwrap();
    assert!(run.status.success());
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
}

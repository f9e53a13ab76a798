//! Frames that nobody sane would send.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod common;

use common::encode;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use visavis_codec::{DecodeError, Limit, Limits, VideoDecoder};
use visavis_core::Bitrate;
use visavis_h264::{Decoder, Encoder, H264Config};

fn stream(size: (usize, usize), count: usize, every: usize) -> Vec<(Vec<u8>, bool)> {
    let mut config = H264Config::default();
    config.bitrate = Bitrate::from_kbps(600);
    encode(&mut Encoder::new(config).unwrap(), size, 0, count, |index| index % every == 0)
}

/// Brightness of every pixel that the decoder shows, so that two decoders can be compared.
fn luma(decoder: &mut Decoder, data: &[u8]) -> Option<Vec<u8>> {
    let shown = decoder.decode(data).ok().flatten()?;
    Some(shown.y().rows().flatten().copied().collect())
}

#[test]
fn a_decoder_asks_for_a_keyframe_until_one_comes() {
    let frames = stream((320, 180), 20, 10);
    let mut decoder = Decoder::new(Limits::default()).unwrap();
    for (data, _) in &frames[1..10] {
        let error = decoder.decode(data).unwrap_err();
        assert_eq!(error, DecodeError::NeedKeyframe);
        assert!(error.wants_keyframe());
    }
    for (data, _) in &frames[10..] {
        assert!(decoder.decode(data).unwrap().is_some());
    }
}

#[test]
fn after_garbage_only_a_keyframe_helps_and_it_helps_wholly() {
    let frames = stream((320, 180), 20, 10);
    let (mut hurt, mut sound) = (Limits::default(), Limits::default());
    hurt.max_bytes = 1 << 20;
    sound.max_bytes = 1 << 20;
    let (mut hurt, mut sound) = (Decoder::new(hurt).unwrap(), Decoder::new(sound).unwrap());
    for (data, _) in &frames[..5] {
        assert_eq!(luma(&mut hurt, data), luma(&mut sound, data));
    }
    assert_eq!(hurt.decode(&[1, 2, 3]).unwrap_err(), DecodeError::Corrupt);
    assert_eq!(hurt.decode(&[]).unwrap_err(), DecodeError::Corrupt);
    assert_eq!(hurt.decode(&frames[5].0).unwrap_err(), DecodeError::NeedKeyframe);
    for (data, _) in &frames[10..] {
        let shown = luma(&mut hurt, data);
        assert!(shown.is_some() && shown == luma(&mut sound, data));
    }
}

#[test]
fn a_truncated_frame_is_not_shown() {
    let frames = stream((320, 180), 3, 10);
    let mut decoder = Decoder::new(Limits::default()).unwrap();
    assert!(decoder.decode(&frames[0].0).unwrap().is_some());
    let half = &frames[1].0[..frames[1].0.len() / 2];
    assert!(decoder.decode(half).unwrap_err().wants_keyframe());
    assert_eq!(decoder.decode(&frames[2].0).unwrap_err(), DecodeError::NeedKeyframe);
}

#[test]
fn limits_hold_before_openh264_sees_the_frame() {
    let frames = stream((640, 360), 2, 10);
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        Decoder::new(limits).unwrap().decode(&frames[0].0).err()
    };
    let which = |error: Option<DecodeError>| match error {
        Some(DecodeError::LimitExceeded { limit, .. }) => Some(limit),
        _ => None,
    };
    assert_eq!(with(|limits| (limits.max_width, limits.max_height) = (640, 360)), None);
    assert_eq!(with(|limits| limits.max_pixels = 640 * 360), None);
    assert_eq!(which(with(|limits| limits.max_width = 638)), Some(Limit::Width));
    assert_eq!(which(with(|limits| limits.max_height = 358)), Some(Limit::Height));
    assert_eq!(which(with(|limits| limits.max_height = 200)), Some(Limit::Height));
    assert_eq!(which(with(|limits| limits.max_pixels = 640 * 300)), Some(Limit::Pixels));
    assert_eq!(which(with(|limits| limits.max_bytes = 100)), Some(Limit::Bytes));

    // The sequence parameter set alone is enough to be refused.
    let end = 4 + frames[0].0[4..].windows(3).position(|bytes| bytes == [0, 0, 1]).unwrap();
    let mut limits = Limits::default();
    assert_eq!(Decoder::new(limits).unwrap().decode(&frames[0].0[..end]).err(), None);
    limits.max_width = 600;
    let refused = Decoder::new(limits).unwrap().decode(&frames[0].0[..end]).err();
    assert_eq!(which(refused), Some(Limit::Width));
}

/// Changes bytes, or cuts out and repeats pieces.
fn mutate(rng: &mut TestRng, frame: &mut Vec<u8>) {
    for _ in 0..=rng.next_u32() % 5 {
        let len = frame.len().max(1);
        // Half of the changes hit the headers.
        let at = rng.next_u32() as usize
            % if rng.next_u32().is_multiple_of(2) { len } else { len.min(40) };
        match rng.next_u32() % 8 {
            0 => frame.truncate(at.max(4)),
            1 => {
                frame.drain(at..(at + 1 + rng.next_u32() as usize % 30).min(len));
            }
            2 => {
                let piece = frame[at..(at + 20).min(len)].to_vec();
                frame.splice(at..at, piece);
            }
            _ => {
                if let Some(byte) = frame.get_mut(at) {
                    *byte ^= 1 << (rng.next_u32() % 8);
                }
            }
        }
    }
}

#[test]
fn mutated_frames_do_no_harm_and_a_keyframe_mends_everything() {
    let frames = stream((176, 144), 60, 12);
    let mut limits = Limits::default();
    (limits.max_width, limits.max_height) = (640, 640);
    let mut decoder = Decoder::new(limits).unwrap();
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (mut shown, mut refused) = (0, 0);
    for _ in 0..100 {
        for (data, _) in &frames {
            let mut data = data.clone();
            if rng.next_u32().is_multiple_of(3) {
                mutate(&mut rng, &mut data);
            }
            match decoder.decode(&data) {
                Ok(Some(picture)) => {
                    shown += 1;
                    assert!(picture.width() <= 640 && picture.height() <= 640);
                    // Every byte that is lent can be read.
                    let sum = |plane: visavis_codec::Plane<'_>| -> usize {
                        plane.rows().flatten().map(|byte| usize::from(*byte)).sum()
                    };
                    core::hint::black_box(picture.planes().map(sum));
                }
                Ok(None) => {}
                Err(_) => refused += 1,
            }
        }
        let (mut fresh, mut same) = (Decoder::new(limits).unwrap(), true);
        for (data, _) in &frames[..12] {
            let expected = luma(&mut fresh, data);
            same &= expected.is_some() && luma(&mut decoder, data) == expected;
        }
        assert!(same, "a keyframe didn't mend the decoder");
    }
    assert!(shown > 500 && refused > 500, "{shown} shown, {refused} refused");
}

#[test]
fn codecs_are_send() {
    fn send<T: Send>() {}
    send::<Encoder>();
    send::<Decoder>();
}

#[test]
fn nothing_is_printed() {
    // Another test of this file, in a process whose stderr can be seen.
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_truncated_frame_is_not_shown", "--nocapture"])
        .output()
        .unwrap();
    assert!(run.status.success());
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
}

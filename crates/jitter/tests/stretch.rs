//! What stretching does to voices, noise and silence.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "test values are small")]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests have std")]

mod support;

use proptest::prelude::*;
use support::Random;
use visavis_jitter::{Stretch, TimeStretch};

/// A voice of a few harmonics.
fn voice(rate: u32, pitch: f64, frames: usize, channels: usize) -> Vec<f32> {
    let sample = |i: usize| {
        let t = i as f64 / f64::from(rate) * pitch * std::f64::consts::TAU;
        (0.3 * t.sin() + 0.2 * (2.0 * t + 0.4).sin() + 0.1 * (3.0 * t + 1.1).sin()) as f32
    };
    (0..frames).flat_map(|i| std::iter::repeat_n(sample(i), channels)).collect()
}

fn stretched(rate: u32, channels: usize, input: &[f32], how: Stretch) -> Vec<f32> {
    let mut stretch = TimeStretch::new(rate, channels, 5760).unwrap();
    let mut output = vec![9.0; input.len() + stretch.headroom()];
    let written = stretch.process(input, how, &mut output).unwrap();
    output.truncate(written);
    output
}

/// The greatest step between neighbouring samples of the first channel.
fn roughest(values: &[f32], channels: usize) -> f32 {
    let first: Vec<f32> = values.chunks(channels).map(|frame| frame[0]).collect();
    first.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn a_voice_loses_or_gains_one_period_without_a_click() {
    for rate in [8_000, 16_000, 24_000, 48_000] {
        for channels in [1, 2] {
            for pitch in [105.0, 140.0, 220.0, 330.0] {
                let frames = rate as usize / 50;
                let input = voice(rate, pitch, frames, channels);
                for (how, sign) in [(Stretch::Shorten, -1.0), (Stretch::Lengthen, 1.0)] {
                    let output = stretched(rate, channels, &input, how);
                    assert_eq!(output.len() % channels, 0);
                    let change = (output.len() as f64 - input.len() as f64) / channels as f64;
                    let periods = sign * change * pitch / f64::from(rate);
                    let whole = periods.round();
                    assert!(whole >= 1.0, "{rate} Hz, {pitch} Hz, {how:?}: changed by {change}");
                    let off = (periods - whole).abs() * f64::from(rate) / pitch;
                    assert!(
                        off <= 2.0,
                        "{rate} Hz, {pitch} Hz, {how:?}: {off} samples from a period"
                    );
                    assert_eq!(output.first(), input.first());
                    assert_eq!(output.last(), input.last());
                    let (before, after) = (roughest(&input, channels), roughest(&output, channels));
                    assert!(
                        after <= 1.15 * before,
                        "{rate} Hz, {pitch} Hz, {how:?}: a click, {before} {after}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_pitch_stays() {
    // Ten chunks, each shortened: what is left must still be the same tone, with no other beside it.
    let input = voice(16_000, 200.0, 3200, 1);
    let output: Vec<f32> =
        input.chunks(320).flat_map(|chunk| stretched(16_000, 1, chunk, Stretch::Shorten)).collect();
    assert!(output.len() < 2700);
    let power = |hertz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, value) in output.iter().enumerate() {
            let phase = std::f64::consts::TAU * hertz * i as f64 / 16_000.0;
            re += f64::from(*value) * phase.cos();
            im += f64::from(*value) * phase.sin();
        }
        (re * re + im * im).sqrt() / output.len() as f64
    };
    assert!(power(200.0) > 0.14, "{}", power(200.0));
    for other in [150.0, 250.0, 300.0, 500.0] {
        assert!(power(other) < 0.01, "{other} Hz: {}", power(other));
    }
}

#[test]
fn noise_is_left_alone_and_silence_is_not() {
    let mut random = Random(3);
    let noise: Vec<f32> = (0..960).map(|_| 0.3 * random.normal() as f32).collect();
    assert_eq!(stretched(48_000, 1, &noise, Stretch::Shorten), noise);
    let quiet: Vec<f32> = noise.iter().map(|value| value / 300.0).collect();
    assert!(stretched(48_000, 1, &quiet, Stretch::Shorten).len() < 960);
    assert!(stretched(48_000, 1, &[0.0; 960], Stretch::Lengthen).len() > 960);
}

#[test]
fn an_onset_is_left_alone() {
    let mut word = voice(48_000, 200.0, 960, 1);
    word[..480].fill(0.0);
    let shorter = stretched(48_000, 1, &word, Stretch::Shorten);
    // Whatever was done, the beginning of the word is still there, whole.
    assert!(shorter.windows(60).any(|part| *part == word[470..530]));
}

#[test]
fn arguments_are_checked() {
    assert!(TimeStretch::new(7_999, 1, 160).is_err());
    assert!(TimeStretch::new(48_000, 3, 160).is_err());
    assert!(TimeStretch::new(48_000, 1, 0).is_err());
    let mut stretch = TimeStretch::new(48_000, 2, 960).unwrap();
    let short = stretch.process(&[0.0; 960], Stretch::Lengthen, &mut [0.0; 960]).unwrap_err();
    assert_eq!(short.needed, 960 + stretch.headroom());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_input_comes_out_in_one_piece(
        input in prop::collection::vec(any::<f32>(), 0..2500),
        channels in 1usize..=2,
        rate in prop::sample::select(vec![8_000u32, 11_025, 44_100, 48_000]),
        how in prop::sample::select(vec![Stretch::None, Stretch::Shorten, Stretch::Lengthen]),
    ) {
        let mut stretch = TimeStretch::new(rate, channels, 960).unwrap();
        let mut output = vec![0.0; input.len() + stretch.headroom()];
        let written = stretch.process(&input, how, &mut output).unwrap();
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        if how == Stretch::None {
            prop_assert_eq!(bits(&output[..written]), bits(&input));
        }
        prop_assert!(written + stretch.headroom() >= input.len());
        if written != input.len() {
            prop_assert_eq!(how == Stretch::Lengthen, written > input.len());
            prop_assert_eq!(written % channels, 0);
        }
    }
}

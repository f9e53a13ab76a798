//! Media files go in and come out as they should.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "samples are rounded to what the file holds")]

use core::time::Duration;
use std::path::{Path, PathBuf};
use support::audio::{AudioSource, SAMPLE_RATE};
use support::cli::CallOptions;
use support::meter::{Direction, Sound};
use support::video::{Comparison, Image, Shot, VideoSource};
use visavis_codec::{Picture, PictureView};
use visavis_core::{Instant, RtpTimestamp};

fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("visavis-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// A tone of 500 Hz, the second channel half as loud.
fn tone(path: &Path, rate: u32, channels: u16, sample_format: hound::SampleFormat, bits: u16) {
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for index in 0..rate {
        let phase = f64::from(index) * 500.0 / f64::from(rate);
        for channel in 0..channels {
            let value = (phase * core::f64::consts::TAU).sin() * 0.5 / f64::from(channel + 1);
            match sample_format {
                hound::SampleFormat::Float => writer.write_sample(value as f32).unwrap(),
                hound::SampleFormat::Int => {
                    let full = f64::from((1_u32 << (bits - 1)) - 1);
                    writer.write_sample((value * full) as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
}

/// The level of 500 Hz in one channel, and of everything else.
fn levels(samples: &[f32], channels: usize, channel: usize) -> (f64, f64) {
    let samples: Vec<f64> =
        samples.iter().skip(channel).step_by(channels).map(|&s| f64::from(s)).collect();
    let step = 500.0 * core::f64::consts::TAU / f64::from(SAMPLE_RATE);
    let (mut re, mut im) = (0.0, 0.0);
    for (index, sample) in (0_u32..).zip(&samples) {
        let (sin, cos) = (f64::from(index) * step).sin_cos();
        re += sample * cos;
        im += sample * sin;
    }
    let half = samples.len() as f64 / 2.0;
    let level = (re * re + im * im).sqrt() / half;
    let power: f64 = samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64;
    (level, (power - level * level / 2.0).max(0.0).sqrt())
}

#[test]
fn every_kind_of_wav_is_heard_at_48_khz() {
    use hound::SampleFormat::{Float, Int};
    let path = folder("tones").join("tone.wav");
    for (rate, channels, format, bits) in [
        (8_000, 1, Int, 16),
        (11_025, 2, Int, 16),
        (16_000, 1, Int, 24),
        (22_050, 1, Int, 32),
        (44_100, 2, Float, 32),
        (48_000, 1, Int, 8),
        (48_000, 2, Int, 16),
    ] {
        tone(&path, rate, channels, format, bits);
        let mut source = AudioSource::open(Some(&path)).unwrap();
        assert_eq!(source.channels(), channels);
        let channels = usize::from(channels);
        let mut second = vec![0.0; SAMPLE_RATE as usize * channels];
        source.read(&mut second);
        // The middle, away from where the file starts and ends.
        let middle = &second[4800 * channels..43_200 * channels];
        for channel in 0..channels {
            let (level, rest) = levels(middle, channels, channel);
            let expected = 0.5 / (channel + 1) as f64;
            assert!((level - expected).abs() < 0.01, "{rate} Hz: {level}");
            assert!(rest < 0.006, "{rate} Hz, {bits} bits: {rest}");
        }
    }
}

#[test]
fn a_source_speaks_for_ever_and_frames_do_not_matter() {
    let mut whole = AudioSource::open(None).unwrap();
    let mut parts = whole.clone();
    let mut long = vec![0.0; 20 * SAMPLE_RATE as usize];
    whole.read(&mut long);
    assert!(long[long.len() / 2..].iter().any(|sample| sample.abs() > 0.1));
    for expected in long.chunks(480) {
        let mut frame = vec![0.0; expected.len()];
        parts.read(&mut frame);
        assert_eq!(frame, expected);
    }
    let mut other = AudioSource::open(None).unwrap();
    other.skip_to(50);
    let mut frame = vec![0.0; SAMPLE_RATE as usize];
    other.read(&mut frame);
    assert_ne!(frame, long[..frame.len()]);
}

fn raw<'a>(shot: &Shot<'a>) -> PictureView<'a> {
    match shot.image {
        Image::Raw(picture) => picture,
        Image::Encoded(_) => panic!("a picture is expected"),
    }
}

const AT: (Instant, RtpTimestamp) = (Instant::ZERO, RtpTimestamp(0));

fn hear(way: &mut Direction, samples: &[f32], channels: usize) {
    way.on_audio_played(AT.0, AT.1, (samples, channels), Sound::Decoded).unwrap();
}

fn see(way: &mut Direction, picture: PictureView<'_>) {
    way.on_frame_rendered(AT.0, AT.1, picture).unwrap();
}

#[test]
fn what_is_received_can_be_sent_again() {
    let dir = folder("again");
    let options = CallOptions::from_list(["call", "--out", dir.to_str().unwrap()]).unwrap();
    let mut drawn = VideoSource::open(None, None, 1).unwrap();
    let mut way = Direction::new(&options, "a_to_b", &drawn).unwrap();
    let mut pictures = Vec::new();
    for _ in 0..3 {
        let shot = drawn.shoot().unwrap();
        see(&mut way, raw(&shot));
        pictures.push(Picture::try_from(raw(&shot)).unwrap());
    }
    // A picture of another size is left out.
    see(&mut way, Picture::new(16, 16).unwrap().view());
    let sound: Vec<f32> = (0_u16..4800).map(|index| f32::from(index % 97) / 97.0 - 0.5).collect();
    hear(&mut way, &sound, 2);
    hear(&mut way, &[f32::NAN, 9.0], 2);
    let back = Direction::new(&options, "b_to_a", &drawn).unwrap();
    support::outcome::finish(&options, [way, back]).unwrap();

    let path = dir.join("a_to_b/received.y4m");
    let mut again = VideoSource::open(Some(&path), None, 0).unwrap();
    assert_eq!((again.size(), again.frame_interval()), ((640, 360), Duration::from_secs(1) / 30));
    let mut reference = again.reference().unwrap();
    for number in 0..7 {
        let shot = again.shoot().unwrap();
        assert_eq!(shot.number, number);
        let picture = &pictures[number as usize % 3];
        assert_eq!(&Picture::try_from(raw(&shot)).unwrap(), picture);
        let same = reference.compare(number, picture.view()).unwrap();
        assert_eq!(same, Comparison::Same { psnr_y_db: Some(support::psnr::MOST) });
    }

    let mut speaker = AudioSource::open(Some(&dir.join("a_to_b/received.wav"))).unwrap();
    let mut heard = vec![0.0; sound.len() + 2];
    speaker.read(&mut heard);
    assert!(heard.iter().zip(&sound).all(|(a, b)| (a - b).abs() < 1e-4));
    assert!(heard[sound.len()].abs() < 1e-9 && heard[sound.len() + 1] > 0.999);
}

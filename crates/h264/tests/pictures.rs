//! Pictures through encoder and decoder: fidelity, rates, keyframes, sizes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod common;

use common::{at, draw, encode};
use visavis_codec::{
    EncodeError, EncodeOptions, Limits, Picture, PictureView, Plane, VideoDecoder, VideoEncoder,
};
use visavis_core::Bitrate;
use visavis_h264::{Complexity, Decoder, Encoder, H264Config};

const SIZE: (usize, usize) = (640, 360);

fn encoder(kbps: u64) -> Encoder {
    let mut config = H264Config::default();
    config.bitrate = Bitrate::from_kbps(kbps);
    Encoder::new(config).unwrap()
}

fn decoder() -> Decoder {
    Decoder::new(Limits::default()).unwrap()
}

fn squared_error(a: Plane<'_>, b: Plane<'_>) -> f64 {
    let squares = a.rows().zip(b.rows()).flat_map(|(a, b)| a.iter().zip(b));
    squares.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum()
}

/// Peak signal to noise of one plane, in dB.
fn psnr(a: Plane<'_>, b: Plane<'_>) -> f64 {
    let mean = squared_error(a, b) / (a.width() * a.height()) as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

fn psnr_y(a: PictureView<'_>, b: PictureView<'_>) -> f64 {
    psnr(a.y(), b.y())
}

fn bytes(frames: &[(Vec<u8>, bool)]) -> usize {
    frames.iter().map(|(data, _)| data.len()).sum()
}

#[test]
fn pictures_come_back() {
    for complexity in [Complexity::Low, Complexity::Medium] {
        let mut config = H264Config::default();
        (config.bitrate, config.complexity) = (Bitrate::from_kbps(1500), complexity);
        let frames = encode(&mut Encoder::new(config).unwrap(), SIZE, 0, 60, |_| false);
        let mut decoder = decoder();
        let mut picture = Picture::new(SIZE.0, SIZE.1).unwrap();
        let mut worst = f64::MAX;
        for (index, (data, keyframe)) in frames.iter().enumerate() {
            assert_eq!(*keyframe, index == 0);
            draw(&mut picture, index);
            let shown = decoder.decode(data).unwrap().unwrap();
            assert_eq!((shown.width(), shown.height()), SIZE);
            worst = worst.min(psnr_y(picture.view(), shown));
            assert!(psnr(picture.view().u(), shown.u()) > 36.0, "blue of {index}");
            assert!(psnr(picture.view().v(), shown.v()) > 36.0, "red of {index}");
        }
        assert!(worst > 33.0, "{complexity:?}: {worst:.1} dB");
    }
}

#[test]
fn the_rate_follows_while_running_without_a_keyframe() {
    let mut encoder = encoder(300);
    let mut from = 0;
    let mut kbps = |encoder: &mut Encoder, rate: u64| {
        encoder.set_bitrate(Bitrate::from_kbps(rate));
        // A second to get there, then two to count.
        let frames = encode(encoder, SIZE, from, 90, |_| false);
        assert!(frames.iter().skip(usize::from(from == 0)).all(|(_, keyframe)| !keyframe));
        from += 90;
        bytes(&frames[30..]) as f64 * 8.0 / 2000.0
    };
    for rate in [300, 1200, 400, 1500, 250] {
        let sent = kbps(&mut encoder, rate);
        assert!((sent / rate as f64 - 1.0).abs() < 0.2, "{sent:.0} kb/s instead of {rate}");
    }
}

#[test]
fn the_frame_rate_shares_out_the_bits() {
    let mut encoder = encoder(400);
    let fast = encode(&mut encoder, SIZE, 0, 60, |_| false);
    encoder.set_frame_rate(10.0);
    let slow = encode(&mut encoder, SIZE, 60, 60, |_| false);
    let ratio = bytes(&slow[20..]) as f64 / bytes(&fast[20..]) as f64;
    assert!((2.0..4.0).contains(&ratio), "{ratio:.1} times as much for a third of the pictures");
    encoder.set_frame_rate(f32::NAN);
    encoder.set_frame_rate(-1.0);
    encoder.set_frame_rate(f32::MAX);
    encode(&mut encoder, SIZE, 120, 2, |_| false);
}

#[test]
fn keyframes_come_on_demand_and_a_decoder_can_start_there() {
    let frames = encode(&mut encoder(800), SIZE, 0, 30, |index| index == 12 || index == 13);
    let keyframes: Vec<usize> = (0..30).filter(|index| frames[*index].1).collect();
    assert_eq!(keyframes, [0, 12, 13]);
    let mut late = decoder();
    for (data, _) in &frames[12..] {
        assert!(late.decode(data).unwrap().is_some());
    }
}

#[test]
fn a_new_size_begins_with_a_keyframe_at_the_rate_of_now() {
    let mut encoder = encoder(3000);
    encode(&mut encoder, (320, 180), 0, 5, |_| false);
    encoder.set_bitrate(Bitrate::from_kbps(300));
    let frames = encode(&mut encoder, SIZE, 5, 90, |_| false);
    assert!(frames[0].1 && frames[1..].iter().all(|(_, keyframe)| !keyframe));
    let sent = bytes(&frames[30..]) as f64 * 8.0 / 2000.0;
    assert!((sent / 300.0 - 1.0).abs() < 0.2, "{sent:.0} kb/s");
    let mut decoder = decoder();
    for (data, _) in &frames {
        assert_eq!(decoder.decode(data).unwrap().unwrap().width(), 640);
    }
}

#[test]
fn sizes_at_the_ends_work_and_those_beyond_are_told() {
    for (width, height) in [(16, 16), (18, 34), (2160, 3840), (3840, 2160)] {
        let mut encoder = encoder(2000);
        let picture = Picture::new(width, height).unwrap();
        let frame = encoder.encode(picture.view(), EncodeOptions::default()).unwrap().unwrap();
        let mut decoder = decoder();
        let shown = decoder.decode(frame.data).unwrap().unwrap();
        assert_eq!((shown.width(), shown.height()), (width, height));
        assert!(psnr_y(picture.view(), shown) > 40.0);
    }
    for (width, height) in [(14, 16), (3842, 16), (2162, 2162)] {
        let picture = Picture::new(width, height).unwrap();
        let mut encoder = encoder(300);
        let refused = encoder.encode(picture.view(), EncodeOptions::default());
        assert_eq!(refused.err(), Some(EncodeError::PictureSize { width, height }));
    }
}

#[test]
fn the_same_pictures_give_the_same_bytes() {
    let run = || {
        let mut encoder = encoder(500);
        let mut frames = encode(&mut encoder, SIZE, 0, 20, |index| index == 7);
        encoder.set_bitrate(Bitrate::from_kbps(900));
        frames.extend(encode(&mut encoder, SIZE, 20, 20, |_| false));
        frames
    };
    assert!(run() == run());
}

#[test]
fn no_picture_is_left_out_unless_allowed() {
    let at_a_trickle = |skip_frames| {
        let mut config = H264Config::default();
        (config.bitrate, config.skip_frames) = (Bitrate::from_kbps(30), skip_frames);
        let mut encoder = Encoder::new(config).unwrap();
        let mut picture = Picture::new(SIZE.0, SIZE.1).unwrap();
        let encode = |index| {
            draw(&mut picture, index * 5);
            encoder.encode(picture.view(), EncodeOptions::at(at(index))).unwrap().is_some()
        };
        (0..60).map(encode).filter(|encoded| *encoded).count()
    };
    assert_eq!(at_a_trickle(false), 60);
    let encoded = at_a_trickle(true);
    assert!((1..60).contains(&encoded), "{encoded} of 60");
}

#[test]
fn a_keyframe_comes_even_where_pictures_are_left_out() {
    let mut config = H264Config::default();
    (config.bitrate, config.skip_frames) = (Bitrate::from_kbps(30), true);
    let mut encoder = Encoder::new(config).unwrap();
    let mut picture = Picture::new(SIZE.0, SIZE.1).unwrap();
    let (mut owed, mut came) = (false, 0);
    for index in 0..150 {
        draw(&mut picture, index * 5);
        let ask = index % 20 == 10;
        owed |= ask;
        let options = EncodeOptions::at(at(index)).keyframe(ask);
        if let Some(frame) = encoder.encode(picture.view(), options).unwrap() {
            assert_eq!(frame.keyframe, owed || index == 0, "picture {index}");
            came += usize::from(frame.keyframe);
            owed = false;
        }
    }
    assert!(came > 4, "{came} keyframes");
}

#[test]
fn strides_make_no_difference() {
    let mut tight = Picture::new(64, 48).unwrap();
    draw(&mut tight, 3);
    let padded = |plane: usize, stride: usize| -> Vec<u8> {
        let rows = tight.view().planes()[plane].rows();
        let mut data: Vec<u8> =
            rows.flat_map(|row| [row, &vec![77; stride - row.len()]].concat()).collect();
        data.truncate(data.len() - (stride - tight.view().planes()[plane].width()));
        data
    };
    let frame_of = |picture: PictureView<'_>| {
        let mut encoder = encoder(500);
        let first = encoder.encode(picture, EncodeOptions::default()).unwrap().unwrap();
        let first = first.data.to_vec();
        // The second goes through a copy that is there already.
        let second = encoder.encode(picture, EncodeOptions::at(at(1))).unwrap().unwrap();
        (first, second.data.to_vec())
    };
    let expected = frame_of(tight.view());
    for (y, u, v) in [(64, 32, 32), (80, 40, 40), (100, 32, 51), (65, 51, 32)] {
        let planes = [padded(0, y), padded(1, u), padded(2, v)];
        let view =
            PictureView::new(64, 48, (&planes[0], y), (&planes[1], u), (&planes[2], v)).unwrap();
        assert!(frame_of(view) == expected, "strides {y}, {u}, {v}");
    }
}

//! Sound through encoder and decoder: fidelity, gaps, redundancy, rates, silence.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "samples are made in double precision")]

use core::f64::consts::TAU;
use core::iter;
use core::time::Duration;

use visavis_codec::{AudioDecoder, AudioEncoder, AudioInput, DecodeError, EncodeError};
use visavis_core::{Bitrate, TooShort};
use visavis_opus::{Application, Decoder, Encoder, LONGEST_PACKET, OpusConfig, RECOMMENDED_PACKET};

const FRAME: usize = 960;

/// Something like a voice: a pitch that glides, its harmonics, and syllables.
fn voice(samples: usize) -> Vec<f32> {
    let mut phase = 0.0f64;
    (0..samples)
        .map(|n| {
            let t = n as f64 / 48_000.0;
            phase += (140.0 + 40.0 * (TAU * 0.7 * t).sin()) / 48_000.0;
            let harmonics: f64 =
                (1..=12).map(|h| (TAU * phase * f64::from(h)).sin() / f64::from(h)).sum();
            let syllable = 0.55 + 0.45 * (TAU * 3.1 * t).sin();
            (0.25 * harmonics * syllable) as f32
        })
        .collect()
}

fn encode_all(encoder: &mut Encoder, pcm: &[f32]) -> Vec<Vec<u8>> {
    let samples = encoder.frame_len() * usize::from(encoder.channels());
    let mut packet = [0; RECOMMENDED_PACKET];
    pcm.chunks_exact(samples)
        .map(|frame| {
            let len = encoder.encode(frame, &mut packet).unwrap();
            packet[..len].to_vec()
        })
        .collect()
}

/// Signal to noise in dB, where `decoded` lags by `lag` samples.
fn snr(original: &[f32], decoded: &[f32], lag: usize) -> f64 {
    let (mut signal, mut noise) = (0.0, 0.0);
    for (a, b) in original.iter().zip(&decoded[lag..]) {
        signal += f64::from(*a).powi(2);
        noise += f64::from(a - b).powi(2);
    }
    10.0 * (signal / noise.max(1e-12)).log10()
}

fn speech() -> OpusConfig {
    OpusConfig::default()
}

#[test]
fn a_tone_comes_back() {
    for (channels, application) in [(1, Application::Audio), (2, Application::Audio)] {
        let mut config = OpusConfig::default();
        (config.channels, config.application) = (channels, application);
        config.bitrate = Bitrate::from_kbps(64 * u64::from(channels));
        let mut encoder = Encoder::new(config).unwrap();
        let tone: Vec<f32> = (0..FRAME * 50)
            .flat_map(|n| {
                let sample = (0.5 * (TAU * 440.0 * n as f64 / 48_000.0).sin()) as f32;
                iter::repeat_n(sample, usize::from(channels))
            })
            .collect();
        let packets = encode_all(&mut encoder, &tone);
        let mut decoder = Decoder::new(channels).unwrap();
        let mut sound = vec![0.0; LONGEST_PACKET * usize::from(channels)];
        let mut decoded = Vec::new();
        for packet in &packets {
            let samples = decoder.decode(AudioInput::Packet(packet), &mut sound).unwrap();
            assert_eq!(samples, FRAME);
            decoded.extend_from_slice(&sound[..samples * usize::from(channels)]);
        }
        // The first frames are the codec finding its feet.
        let skip = FRAME * 5 * usize::from(channels);
        let lag = encoder.lookahead() * usize::from(channels);
        let snr = snr(&tone[skip..tone.len() - lag], &decoded[skip..], lag);
        assert!(snr > 25.0, "{channels} channels: {snr:.1} dB");
    }
}

/// Decodes with every tenth packet lost, and filled as `fill` says.
fn with_losses(packets: &[Vec<u8>], fec: bool) -> Vec<f32> {
    let mut decoder = Decoder::new(1).unwrap();
    let mut decoded = vec![0.0; packets.len() * FRAME];
    for (index, out) in decoded.chunks_exact_mut(FRAME).enumerate() {
        let input = match packets.get(index + 1) {
            Some(next) if index % 10 == 5 && fec => AudioInput::Fec(next),
            _ if index % 10 == 5 => AudioInput::Lost,
            _ => AudioInput::Packet(&packets[index]),
        };
        assert_eq!(decoder.decode(input, out), Ok(FRAME));
    }
    decoded
}

#[test]
fn redundancy_restores_a_lost_frame_better_than_making_it_up() {
    let pcm = voice(FRAME * 200);
    let mut config = speech();
    (config.bitrate, config.expected_loss) = (Bitrate::from_kbps(40), 10);
    let packets = encode_all(&mut Encoder::new(config).unwrap(), &pcm);
    let whole: Vec<f32> = {
        let mut decoder = Decoder::new(1).unwrap();
        let mut out = vec![0.0; FRAME];
        packets
            .iter()
            .flat_map(|packet| {
                decoder.decode(AudioInput::Packet(packet), &mut out).unwrap();
                out.clone()
            })
            .collect()
    };
    let quality = |fec| {
        let decoded = with_losses(&packets, fec);
        let lost = |pcm: &[f32]| -> Vec<f32> {
            pcm.chunks(FRAME).skip(5).step_by(10).flatten().copied().collect()
        };
        snr(&lost(&whole), &lost(&decoded), 0)
    };
    let (fec, made_up) = (quality(true), quality(false));
    assert!(fec > made_up + 3.0, "FEC {fec:.1} dB, concealment {made_up:.1} dB");
}

#[test]
fn fec_without_redundancy_conceals() {
    let packets = encode_all(&mut Encoder::new(speech()).unwrap(), &voice(FRAME * 20));
    let (mut one, mut other) = (Decoder::new(1).unwrap(), Decoder::new(1).unwrap());
    let (mut a, mut b) = ([0.0; FRAME], [0.0; FRAME]);
    for packet in &packets[..15] {
        one.decode(AudioInput::Packet(packet), &mut a).unwrap();
        other.decode(AudioInput::Packet(packet), &mut b).unwrap();
    }
    one.decode(AudioInput::Fec(&packets[16]), &mut a).unwrap();
    other.decode(AudioInput::Lost, &mut b).unwrap();
    assert_eq!(a, b);
    assert!(a.iter().any(|sample| sample.abs() > 1e-3), "the gap isn't silence");
}

#[test]
fn the_rate_follows_while_running() {
    let pcm = voice(FRAME * 300);
    let mut encoder = Encoder::new(speech()).unwrap();
    let mut kbps = |rate: u64| {
        encoder.set_bitrate(Bitrate::from_kbps(rate));
        let bytes: usize = encode_all(&mut encoder, &pcm).iter().map(Vec::len).sum();
        bytes as f64 * 8.0 / 6.0 / 1000.0
    };
    for rate in [12, 48, 20] {
        let sent = kbps(rate);
        assert!((sent / rate as f64 - 1.0).abs() < 0.25, "{sent:.1} kb/s instead of {rate}");
    }
    encoder.set_bitrate(Bitrate::ZERO);
    encoder.set_bitrate(Bitrate::from_bps(u64::MAX));
    assert_eq!(encoder.config().bitrate, Bitrate::from_bps(u64::MAX));
    assert!(encode_all(&mut encoder, &pcm[..FRAME])[0].len() > 300);
}

#[test]
fn expected_loss_buys_redundancy_while_running() {
    let pcm = voice(FRAME * 100);
    let mut config = speech();
    config.bitrate = Bitrate::from_kbps(32);
    let mut encoder = Encoder::new(config).unwrap();
    let mut recovered = |loss| {
        encoder.set_expected_loss(loss);
        let packets = encode_all(&mut encoder, &pcm);
        let (mut one, mut other) = (Decoder::new(1).unwrap(), Decoder::new(1).unwrap());
        let (mut a, mut b) = ([0.0; FRAME], [0.0; FRAME]);
        let mut differ = 0;
        one.decode(AudioInput::Packet(&packets[0]), &mut a).unwrap();
        other.decode(AudioInput::Packet(&packets[0]), &mut b).unwrap();
        for pair in packets.windows(2) {
            one.decode(AudioInput::Fec(&pair[1]), &mut a).unwrap();
            other.decode(AudioInput::Lost, &mut b).unwrap();
            differ += usize::from(a != b);
            one.decode(AudioInput::Packet(&pair[1]), &mut a).unwrap();
            other.decode(AudioInput::Packet(&pair[1]), &mut b).unwrap();
        }
        differ
    };
    assert_eq!(recovered(0), 0);
    let with = recovered(20);
    assert!(with > 50, "only {with} of 99 packets carry redundancy");
}

#[test]
fn silence_is_not_sent_if_asked() {
    let silence = vec![0.0; FRAME * 100];
    let mut config = speech();
    config.dtx = true;
    let packets = encode_all(&mut Encoder::new(config).unwrap(), &silence);
    let sent = packets.iter().filter(|packet| !packet.is_empty()).count();
    assert!(sent < 40, "{sent} of 100 packets of silence");
    let packets = encode_all(&mut Encoder::new(speech()).unwrap(), &silence);
    assert!(packets.iter().all(|packet| !packet.is_empty()));
}

#[test]
fn every_rate_and_length_that_opus_has_works() {
    for sample_rate in [8_000, 12_000, 16_000, 24_000, 48_000] {
        for micros in [2_500, 5_000, 10_000, 20_000, 40_000, 60_000] {
            for application in [Application::Voip, Application::Audio, Application::LowDelay] {
                let mut config = OpusConfig::default();
                config.sample_rate = sample_rate;
                config.frame = Duration::from_micros(micros);
                config.application = application;
                let mut encoder = Encoder::new(config).unwrap();
                let mut packet = [0; 6 * RECOMMENDED_PACKET];
                let pcm = vec![0.1; encoder.frame_len()];
                let len = encoder.encode(&pcm, &mut packet).unwrap();
                let mut sound = [0.0; LONGEST_PACKET];
                let samples =
                    Decoder::new(1).unwrap().decode(AudioInput::Packet(&packet[..len]), &mut sound);
                assert_eq!(samples, Ok(usize::try_from(micros * 48 / 1000).unwrap()));
            }
        }
    }
}

#[test]
fn what_opus_does_not_have_is_refused() {
    let refused = |change: fn(&mut OpusConfig)| {
        let mut config = OpusConfig::default();
        change(&mut config);
        Encoder::new(config).err().map(|error| error.field)
    };
    assert_eq!(refused(|config| config.sample_rate = 44_100), Some("sample_rate"));
    assert_eq!(refused(|config| config.channels = 3), Some("channels"));
    assert_eq!(refused(|config| config.frame *= 2), None);
    assert_eq!(refused(|config| config.frame *= 4), Some("frame"));
    assert_eq!(refused(|config| config.complexity = 11), Some("complexity"));
    assert_eq!(refused(|config| config.expected_loss = 101), Some("expected_loss"));
    assert_eq!(Decoder::new(0).unwrap_err().field, "channels");
}

#[test]
fn wrong_lengths_are_told() {
    let mut encoder = Encoder::new(speech()).unwrap();
    let mut packet = [0; RECOMMENDED_PACKET];
    let wrong = encoder.encode(&[0.0; 959], &mut packet);
    assert_eq!(wrong, Err(EncodeError::FrameLength { samples: 959, expected: 960 }));
    let short = encoder.encode(&[0.0; 960], &mut packet[..2]);
    assert_eq!(short, Err(EncodeError::BufferTooShort(TooShort { needed: 3 })));
    // A small buffer costs quality, nothing else.
    assert!(encoder.encode(&voice(960), &mut packet[..20]).unwrap() <= 20);

    let len = encoder.encode(&voice(960), &mut packet).unwrap();
    let mut decoder = Decoder::new(2).unwrap();
    let mut sound = [0.0; 2 * LONGEST_PACKET + 240];
    let short = decoder.decode(AudioInput::Packet(&packet[..len]), &mut sound[..1919]);
    assert_eq!(short, Err(DecodeError::BufferTooShort(TooShort { needed: 1920 })));
    assert_eq!(decoder.decode(AudioInput::Packet(&packet[..len]), &mut sound[..1920]), Ok(960));
    for samples in [0, 1, 239, 241, 2 * LONGEST_PACKET + 240] {
        let gap = decoder.decode(AudioInput::Lost, &mut sound[..samples]);
        assert_eq!(gap, Err(DecodeError::FrameLength { samples }));
    }
    assert_eq!(decoder.decode(AudioInput::Lost, &mut sound[..240]), Ok(120));
    assert_eq!(
        decoder.decode(AudioInput::Lost, &mut sound[..2 * LONGEST_PACKET]),
        Ok(LONGEST_PACKET)
    );
}

#[test]
fn sound_that_is_none_does_not_harm() {
    let mut encoder = Encoder::new(speech()).unwrap();
    let mut decoder = Decoder::new(1).unwrap();
    let mut packet = [0; RECOMMENDED_PACKET];
    let mut sound = [0.0; FRAME];
    for bad in [f32::NAN, f32::INFINITY, f32::MAX, -1e30, f32::MIN_POSITIVE] {
        let len = encoder.encode(&[bad; FRAME], &mut packet).unwrap();
        decoder.decode(AudioInput::Packet(&packet[..len]), &mut sound).unwrap();
        assert!(sound.iter().all(|sample| sample.is_finite()), "after {bad}");
    }
    // And the next good frames are good again.
    let packets = encode_all(&mut encoder, &voice(FRAME * 20));
    for packet in &packets {
        decoder.decode(AudioInput::Packet(packet), &mut sound).unwrap();
    }
    assert!(sound.iter().any(|sample| sample.abs() > 0.01));
}

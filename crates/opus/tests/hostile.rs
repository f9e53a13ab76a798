//! Packets that nobody sane would send.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use visavis_codec::{AudioDecoder, AudioEncoder, AudioInput, DecodeError, Limit};
use visavis_core::Bitrate;
use visavis_opus::{Decoder, Encoder, LONGEST_PACKET, OpusConfig, RECOMMENDED_PACKET};

fn noise(rng: &mut TestRng) -> f32 {
    f32::from(i8::try_from(rng.next_u32() >> 25).unwrap()) / 200.0
}

/// Packets of all modes and rates, with redundancy.
fn seeds(rng: &mut TestRng) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (channels, kbps) in [(1, 10), (1, 24), (2, 40), (2, 128)] {
        let mut config = OpusConfig::default();
        (config.channels, config.bitrate) = (channels, Bitrate::from_kbps(kbps));
        config.expected_loss = 15;
        let mut encoder = Encoder::new(config).unwrap();
        let mut packet = [0; RECOMMENDED_PACKET];
        for _ in 0..10 {
            let pcm: Vec<f32> = (0..960 * usize::from(channels)).map(|_| noise(rng)).collect();
            let len = encoder.encode(&pcm, &mut packet).unwrap();
            seeds.push(packet[..len].to_vec());
        }
    }
    seeds
}

fn mutate(rng: &mut TestRng, packet: &mut Vec<u8>) {
    for _ in 0..=rng.next_u32() % 4 {
        let len = packet.len().max(1);
        let at = rng.next_u32() as usize % len;
        match rng.next_u32() % 4 {
            0 => packet.truncate(at),
            1 => packet.insert(at.min(packet.len()), (rng.next_u32() >> 24) as u8),
            2 => packet.extend(core::iter::repeat_n((rng.next_u32() >> 24) as u8, at)),
            _ => {
                if let Some(byte) = packet.get_mut(at % 3 * at) {
                    *byte ^= 1 << (rng.next_u32() % 8);
                }
            }
        }
    }
}

#[test]
fn mutated_packets_do_no_harm_and_the_stream_goes_on() {
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let seeds = seeds(&mut rng);
    let mut decoder = Decoder::new(2).unwrap();
    let mut sound = [0.0; 2 * LONGEST_PACKET];
    let (mut decoded, mut corrupt) = (0, 0);
    for round in 0..20_000 {
        let mut packet = seeds[rng.next_u32() as usize % seeds.len()].clone();
        mutate(&mut rng, &mut packet);
        let outcome = if round % 3 == 0 {
            decoder.decode(AudioInput::Fec(&packet), &mut sound[..1920])
        } else {
            decoder.decode(AudioInput::Packet(&packet), &mut sound)
        };
        match outcome {
            Ok(samples) => {
                decoded += 1;
                let written = &sound[..2 * samples];
                assert!(written.iter().all(|sample| sample.is_finite()), "round {round}");
            }
            Err(DecodeError::Corrupt) => corrupt += 1,
            Err(other) => panic!("{other} in round {round}"),
        }
    }
    assert!(decoded > 1_000 && corrupt > 500, "{decoded} decoded, {corrupt} corrupt");
    assert_eq!(decoder.decode(AudioInput::Packet(&seeds[0]), &mut sound), Ok(960));
}

#[test]
fn empty_and_endless_packets_are_refused() {
    let mut decoder = Decoder::new(1).unwrap();
    let mut sound = [0.0; LONGEST_PACKET];
    let endless = vec![0xff; 65_536];
    let exceeded =
        Err(DecodeError::LimitExceeded { limit: Limit::Bytes, value: 65_536, max: 65_535 });
    // libopus would take no bytes for a lost packet and make up sound.
    assert_eq!(decoder.decode(AudioInput::Packet(&[]), &mut sound), Err(DecodeError::Corrupt));
    assert_eq!(decoder.decode(AudioInput::Fec(&[]), &mut sound), Err(DecodeError::Corrupt));
    assert_eq!(decoder.decode(AudioInput::Packet(&endless), &mut sound), exceeded);
    assert_eq!(decoder.decode(AudioInput::Fec(&endless), &mut sound), exceeded);
}

#[test]
fn codecs_are_send() {
    fn send<T: Send>() {}
    send::<Encoder>();
    send::<Decoder>();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn random_bytes_never_write_past_what_they_say(packet in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut decoder = Decoder::new(1).unwrap();
        let mut sound = [9.0; LONGEST_PACKET];
        if let Ok(samples) = decoder.decode(AudioInput::Packet(&packet), &mut sound) {
            prop_assert!(samples.is_multiple_of(120) && samples <= LONGEST_PACKET);
            prop_assert!(sound[samples..].iter().all(|sample| *sample == 9.0));
        }
    }
}

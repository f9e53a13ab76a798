//! Opus packets, as RFC 6716 §3 lays them out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use core::time::Duration;
use proptest::prelude::*;
use visavis_payload::{PacketizeError, PayloadError, PayloadFormat, opus};

fn toc(config: u8, stereo: bool, code: u8) -> u8 {
    (config << 3) | (u8::from(stereo) << 2) | code
}

/// RFC 6716 §3.1, table 2.
#[test]
fn each_configuration_has_its_frame_length() {
    let silk = [480, 960, 1920, 2880];
    let hybrid = [480, 960];
    let celt = [120, 240, 480, 960];
    let table = [silk, silk, silk].into_iter().flatten();
    let table = table.chain([hybrid, hybrid].into_iter().flatten());
    let table = table.chain([celt, celt, celt, celt].into_iter().flatten());
    for (config, ticks) in (0..32).zip(table) {
        for stereo in [false, true] {
            let packet = [toc(config, stereo, 0), 1, 2, 3];
            assert_eq!(opus::ticks(&packet), Ok(ticks), "configuration {config}");
            assert_eq!(opus::channels(&packet), Ok(if stereo { 2 } else { 1 }));
        }
    }
    assert_eq!(opus::duration(&[toc(16, false, 0)]), Ok(Duration::from_micros(2500)));
    assert_eq!(opus::duration(&[toc(3, false, 0)]), Ok(Duration::from_millis(60)));
}

/// RFC 6716 §3.2.2 to §3.2.5.
#[test]
fn each_code_has_its_number_of_frames() {
    let frames = |packet: &[u8]| opus::ticks(packet).map(|ticks| ticks / 960);
    let with = |code| toc(1, false, code);
    assert_eq!(frames(&[with(0)]), Ok(1), "a frame of nothing is allowed");
    assert_eq!(frames(&[with(1), 1, 2]), Ok(2));
    assert_eq!(frames(&[with(2), 1, 9, 9, 9]), Ok(2));
    assert_eq!(frames(&[with(3), 3, 1, 2, 3]), Ok(3), "constant");
    assert_eq!(frames(&[with(3), 0x83, 1, 2, 7, 8, 8, 9]), Ok(3), "variable");
    assert_eq!(frames(&[with(3), 0x43, 2, 1, 2, 3, 0, 0]), Ok(3), "constant, padded");
    assert_eq!(frames(&[with(3), 0xc2, 1, 1, 7, 0]), Ok(2), "variable, padded, last frame empty");
    // A padding of 255 and 1: 254 + 1 bytes.
    let mut padded = vec![with(3), 0x41, 255, 1];
    padded.resize(4 + 255, 0);
    assert_eq!(frames(&padded), Ok(1));
    padded.pop();
    assert_eq!(frames(&padded), Err(PayloadError::Truncated));
}

/// RFC 6716 §3.4.
#[test]
fn the_seven_requirements() {
    use PayloadError::{Empty, Invalid, Truncated};
    let with = |code| toc(1, false, code);
    let long = |code: u8, len: usize| [&[with(code)][..], &vec![1; len]].concat();
    assert_eq!(opus::ticks(&[]), Err(Empty), "R1");
    assert!(opus::ticks(&long(0, 1275)).is_ok());
    assert_eq!(opus::ticks(&long(0, 1276)), Err(Invalid), "R2");
    assert!(opus::ticks(&long(1, 2550)).is_ok());
    assert_eq!(opus::ticks(&long(1, 2552)), Err(Invalid), "R2");
    assert_eq!(opus::ticks(&[with(1), 1, 2, 3]), Err(Invalid), "R3");
    assert_eq!(opus::ticks(&[with(2)]), Err(Truncated), "R4: no length");
    assert_eq!(opus::ticks(&[with(2), 252]), Err(Truncated), "R4: half a length");
    assert_eq!(opus::ticks(&[with(2), 3, 1, 2]), Err(Truncated), "R4: a frame beyond the end");
    assert_eq!(opus::ticks(&[with(3)]), Err(Truncated), "R6: no count");
    assert_eq!(opus::ticks(&[with(3), 0]), Err(Invalid), "R5: no frame");
    assert!(opus::ticks(&[with(3), 6]).is_ok());
    assert_eq!(opus::ticks(&[with(3), 7]), Err(Invalid), "R5: 140 ms");
    assert_eq!(opus::ticks(&[toc(16, false, 3), 48]), Ok(5760), "R5: 120 ms");
    assert_eq!(opus::ticks(&[toc(16, false, 3), 49]), Err(Invalid), "R5: 122.5 ms");
    assert_eq!(opus::ticks(&[with(3), 2, 1, 2, 3]), Err(Invalid), "R6: unequal");
    assert_eq!(opus::ticks(&[with(3), 0x42, 3, 1, 2]), Err(Truncated), "R6: all padding and more");
    assert_eq!(opus::ticks(&[with(3), 0x82]), Err(Truncated), "R7: no length");
    assert_eq!(opus::ticks(&[with(3), 0x83, 2, 2, 1, 1, 1]), Err(Truncated), "R7: beyond the end");
    assert!(
        opus::ticks(&[with(2), 252, 0].iter().copied().chain([0; 252]).collect::<Vec<_>>()).is_ok()
    );
}

/// RFC 6716 §4.2.3: for each channel the voice flags of its SILK frames, then the flag for redundancy.
#[test]
fn redundancy_shows_in_the_first_bits() {
    // 20 ms: voice, redundancy; voice and redundancy of the side channel.
    assert!(!opus::has_fec(&[toc(9, false, 0), 0b1011_1111]));
    assert!(opus::has_fec(&[toc(9, false, 0), 0b0100_0000]));
    assert!(!opus::has_fec(&[toc(9, true, 0), 0b1010_1111]));
    assert!(opus::has_fec(&[toc(9, true, 0), 0b0100_0000]));
    assert!(opus::has_fec(&[toc(9, true, 0), 0b0001_0000]));
    // 10 ms has one SILK frame, 40 ms two, 60 ms three.
    assert!(opus::has_fec(&[toc(8, false, 0), 0b0100_0000]));
    assert!(opus::has_fec(&[toc(10, false, 0), 0b0010_0000]));
    assert!(!opus::has_fec(&[toc(10, false, 0), 0b1101_1111]));
    assert!(opus::has_fec(&[toc(11, false, 0), 0b0001_0000]));
    assert!(opus::has_fec(&[toc(11, true, 0), 0b0000_0001]));
    assert!(!opus::has_fec(&[toc(11, true, 0), 0b1110_1110]));
    // Hybrid has a SILK layer, CELT alone doesn't.
    assert!(opus::has_fec(&[toc(15, false, 0), 0b0100_0000]));
    assert!(!opus::has_fec(&[toc(31, false, 0), 0xff]));
    // The first of several frames, and nothing at all.
    assert!(opus::has_fec(&[toc(9, false, 3), 0x82, 1, 0b0100_0000, 0]));
    assert!(!opus::has_fec(&[toc(9, false, 3), 0x82, 1, 0, 0b0100_0000]));
    assert!(!opus::has_fec(&[toc(9, false, 0)]));
    assert!(!opus::has_fec(&[]));
}

#[test]
fn a_packet_is_a_payload_and_a_frame() {
    let packetizer = PayloadFormat::Opus.packetizer(100).unwrap();
    let packet = [toc(9, false, 0), 1, 2, 3];
    let mut run = packetizer.packetize(&packet);
    assert!(
        matches!(run.next_into(&mut [0; 3]), Err(PacketizeError::TooShort(short)) if short.needed == 4)
    );
    let mut buffer = [0; 4];
    let payload = run.next_into(&mut buffer).unwrap().unwrap();
    assert_eq!((payload.len, payload.last, buffer), (4, true, packet));
    assert_eq!(run.next_into(&mut buffer), Ok(None));

    let info = PayloadFormat::Opus.classify(&packet, false).unwrap();
    assert!(info.start && info.end && info.keyframe);
    let mut out = [0; 4];
    let joined = PayloadFormat::Opus.depacketize([&packet[..]], &mut out).unwrap();
    assert_eq!((joined.len, joined.damaged, out), (4, false, packet));
    let twice = PayloadFormat::Opus.depacketize([&packet[..], &packet], &mut out).unwrap();
    assert_eq!((twice.len, twice.damaged), (4, true));
    let none = PayloadFormat::Opus.depacketize([&[][..]], &mut out).unwrap();
    assert_eq!((none.len, none.damaged), (0, true));

    assert_eq!(packetizer.packetize(&[]).next_into(&mut out), Err(PacketizeError::Empty));
    let too_large = packetizer.packetize(&[0; 101]).next_into(&mut [0; 200]);
    assert_eq!(too_large, Err(PacketizeError::TooLarge { size: 101, max: 100 }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_a_lawful_duration_or_an_error(packet in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = opus::has_fec(&packet);
        if let Ok(ticks) = opus::ticks(&packet) {
            prop_assert!((120..=5760).contains(&ticks) && ticks % 120 == 0);
        }
    }
}

//! Whatever is wrong with a file or an option is said in one line.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use std::path::{Path, PathBuf};
use support::UsageError;
use support::audio::AudioSource;
use support::cli::CallOptions;
use support::video::{VideoCodec, VideoSource};

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("visavis-bad-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The one line, if it is one and the user's to mend.
fn line<T>(result: anyhow::Result<T>) -> String {
    let error = result.err().expect("should be refused");
    assert!(error.is::<UsageError>(), "{error:#}");
    let line = format!("{error:#}");
    assert!(!line.contains('\n'), "{line}");
    line
}

fn wav(channels: u16, rate: u32, bits: u16, frames: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for sample in 0..frames * u32::from(channels) {
        writer.write_sample(i32::try_from(sample % 100).unwrap()).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn hear(name: &str, bytes: &[u8]) -> String {
    line(AudioSource::open(Some(&file(name, bytes))))
}

fn see(name: &str, bytes: &[u8], codec: Option<VideoCodec>) -> String {
    line(VideoSource::open(Some(&file(name, bytes)), codec, 0))
}

#[test]
fn missing_files() {
    let path = Path::new("no/such/file");
    assert!(line(AudioSource::open(Some(path))).contains("no/such/file"));
    assert!(line(VideoSource::open(Some(path), None, 0)).contains("no/such/file"));
}

#[test]
fn a_wav_file_cut_anywhere() {
    let whole = wav(1, 16_000, 16, 400);
    assert!(AudioSource::open(Some(&file("whole.wav", &whole))).is_ok());
    for length in 0..whole.len() {
        hear("cut.wav", &whole[..length]);
    }
    assert!(hear("cut.wav", &whole[..whole.len() - 1]).contains("ends early"));
}

#[test]
fn wav_files_of_other_kinds() {
    assert!(hear("six.wav", &wav(6, 48_000, 16, 400)).contains("6 channels"));
    assert!(hear("slow.wav", &wav(1, 4_000, 16, 400)).contains("4000 Hz"));
    assert!(hear("fast.wav", &wav(1, 96_000, 16, 400)).contains("96000 Hz"));
    assert!(hear("short.wav", &wav(1, 48_000, 16, 3)).contains("no sound"));
    hear("noise.wav", &[7; 500]);
    hear("empty.wav", &[]);
}

fn y4m(header: &str, frame_bytes: usize) -> Vec<u8> {
    let mut bytes = format!("YUV4MPEG2 {header}\n").into_bytes();
    for _ in 0..2 {
        bytes.extend(b"FRAME\n");
        bytes.extend(vec![100; frame_bytes]);
    }
    bytes
}

#[test]
fn y4m_files_of_other_kinds() {
    assert!(see("444.y4m", &y4m("W16 H16 F30:1 C444", 768), None).contains("4:2:0 is needed"));
    assert!(see("10.y4m", &y4m("W16 H16 F30:1 C420p10", 768), None).contains("8-bit 4:2:0"));
    assert!(see("other.y4m", &y4m("W16 H16 F30:1 C411", 384), None).contains("4:2:0"));
    let odd = see("odd.y4m", &y4m("W15 H16 F30:1 C420", 15 * 16 + 2 * 64), None);
    assert!(odd.contains("15"), "{odd}");
    assert!(see("rate.y4m", &y4m("W16 H16 F0:1", 384), None).contains("frame rate"));
    assert!(see("rate.y4m", &y4m("W16 H16 F30:0", 384), None).contains("frame rate"));
    assert!(see("rate.y4m", &y4m("W16 H16 F1000:1", 384), None).contains("frame rate"));
    assert!(see("none.y4m", b"YUV4MPEG2 W16 H16 F30:1\n", None).contains("no picture"));
    see("huge.y4m", &y4m("W99998 H99998 F30:1", 1), None);
    see("overflow.y4m", &y4m("W18446744073709551615 H18446744073709551615 F30:1", 1), None);
    see("noise.y4m", &[7; 5000], None);
    see("empty.y4m", &[], None);
}

#[test]
fn a_y4m_file_cut_anywhere() {
    let whole = y4m("W16 H16 F30:1", 384);
    let one = whole.len() - 390;
    for length in (0..whole.len()).filter(|&length| length != one) {
        see("cut.y4m", &whole[..length], None);
    }
    assert!(see("cut.y4m", &whole[..whole.len() - 1], None).contains("within frame 1"));
}

#[test]
fn codecs_that_do_not_go_with_their_file() {
    let mut ivf = b"DKIF\0\0\x20\0AV01\x40\x01\xb4\0".to_vec();
    ivf.extend([30, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    ivf.extend([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0]);
    assert!(VideoSource::open(Some(&file("good.ivf", &ivf)), None, 0).is_ok());
    assert!(see("good.ivf", &ivf, Some(VideoCodec::H264)).contains("AV1"));
    assert!(line(VideoSource::open(None, Some(VideoCodec::Av1), 0)).contains("IVF"));
    let y4m = y4m("W16 H16 F30:1", 384);
    assert!(see("raw.y4m", &y4m, Some(VideoCodec::Av1)).contains("IVF"));
    ivf[8..12].copy_from_slice(b"VP80");
    assert!(see("vp8.ivf", &ivf, None).contains("VP80"));
}

#[test]
fn options_that_cannot_be() {
    let options = |text: &str| {
        CallOptions::from_list(core::iter::once("call").chain(text.split_whitespace()))
    };
    for (bad, why) in [
        ("--loss 101", "between 0 and 100"),
        ("--loss NaN", "between 0 and 100"),
        ("--loss many", "not a number"),
        ("--seconds 0", "between"),
        ("--delay-ms=-1", "--delay-ms"),
        ("--start-kbps 50", "--min-kbps 100"),
        ("--start-kbps 900 --max-kbps 800", "--max-kbps 800"),
        ("--rate-kbps 600 --capacity x.txt", "--capacity"),
        ("--rate-kbps 0", "rate-kbps"),
        ("--video-codec vp8", "vp8"),
        ("--nonsense", "--nonsense"),
        ("--seed", "--seed"),
    ] {
        let line = line(options(bad));
        assert!(line.contains(why), "{bad}: {line}");
    }
    let missing = options("--capacity no/such/script").unwrap();
    assert!(line(missing.links()).contains("no/such/script"));
    let path = file("bad.txt", b"0 1000\n5 fast\n");
    let bad = options(&format!("--capacity {}", path.display())).unwrap();
    assert!(line(bad.links()).contains("line 2"));
    let profile: Result<u8, _> = options("--srtp NONE").unwrap().srtp();
    assert!(profile.unwrap_err().to_string().starts_with("--srtp NONE"));
}

#[test]
fn an_error_ends_with_code_2_only_if_the_user_can_mend_it() {
    let code = |result: anyhow::Result<()>| format!("{:?}", support::cli::run(|| result));
    let two = format!("{:?}", std::process::ExitCode::from(2));
    assert_eq!(code(Err(UsageError::new("bad\nfile").into())), two);
    assert_eq!(code(Err(anyhow::Error::from(UsageError::new("x")).context("y"))), two);
    assert_ne!(code(Err(anyhow::anyhow!("a bug"))), two);
    assert_eq!(code(Ok(())), format!("{:?}", std::process::ExitCode::SUCCESS));
}

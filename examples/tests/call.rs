//! Whole calls in virtual time, held against what a call must reach.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

#[path = "../call.rs"]
#[allow(dead_code, reason = "the test calls what main calls")]
mod example;

use std::path::Path;
use support::cli::CallOptions;
use support::outcome::{Outcome, Way};

fn call(arguments: &str) -> Outcome {
    let arguments = ["call", "--virtual"].into_iter().chain(arguments.split_whitespace());
    let options = CallOptions::from_list(arguments).unwrap();
    let ways = example::call(&options).unwrap();
    Outcome::new(&options, &options.capacity().unwrap(), ways.each_ref(), None)
}

fn each(outcome: &Outcome, check: impl Fn(&Way)) {
    [&outcome.a_to_b, &outcome.b_to_a].into_iter().for_each(check);
}

fn rendered(way: &Way) -> f64 {
    way.video.frames_rendered as f64 / way.video.frames_sent as f64
}

#[test]
fn a_good_network_carries_a_good_call() {
    each(&call("--seconds 10"), |way| {
        assert!(rendered(way) >= 0.99, "{way:?}");
        assert!(way.video.psnr_y_db.mean.unwrap() >= 34.0, "{way:?}");
        assert!(way.audio.concealed_percent <= 0.2, "{way:?}");
        assert!(way.audio.mouth_to_ear_ms.p95.unwrap() <= 110.0, "{way:?}");
        assert!(way.video.glass_to_glass_ms.p95.unwrap() <= 140.0, "{way:?}");
    });
}

#[test]
fn loss_and_jitter_are_repaired() {
    each(&call("--loss 5 --delay-ms 40 --jitter-ms 20"), |way| {
        assert!(rendered(way) >= 0.97, "{way:?}");
        assert!(way.video.longest_freeze_ms <= 500.0, "{way:?}");
        assert!(way.audio.concealed_percent <= 2.5, "{way:?}");
    });
}

#[test]
fn a_narrow_network_is_filled_and_not_flooded() {
    each(&call("--rate-kbps 600 --seconds 30"), |way| {
        let last = way.target_kbps.last.unwrap();
        assert!((300.0..=600.0).contains(&last), "{way:?}");
        assert!(way.packets.lost_after_5s_percent < 2.0, "{way:?}");
        assert!(way.video.longest_freeze_ms <= 1000.0, "{way:?}");
    });
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let arguments = "--seed 7 --seconds 3 --loss 2 --jitter-ms 10";
    let [first, second] = [call(arguments), call(arguments)];
    let json = |outcome| serde_json::to_string(outcome).unwrap();
    assert_eq!(json(&first), json(&second));
    assert_ne!(json(&first), json(&call("--seed 8 --seconds 3 --loss 2 --jitter-ms 10")));
}

/// The list was made by FFmpeg; `media/README.md` says how.
#[test]
fn each_picture_of_an_av1_clip_is_what_another_decoder_makes_of_it() {
    let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("media");
    let clip = media.join("clip.ivf");
    let out = std::env::temp_dir().join(format!("visavis-clip-{}", std::process::id()));
    let (clip, folder) = (clip.to_str().unwrap(), out.to_str().unwrap());
    let outcome = call(&format!("--video {clip} --video-codec av1 --seconds 4 --out {folder}"));
    each(&outcome, |way| assert!(rendered(way) >= 0.99, "{way:?}"));
    let expected = std::fs::read_to_string(media.join("clip.md5")).unwrap();
    for way in ["a_to_b", "b_to_a"] {
        let y4m = std::fs::read(out.join(way).join("received.y4m")).unwrap();
        let found: Vec<_> =
            pictures(&y4m).map(|i420| format!("{:x}", md5::compute(i420))).collect();
        assert_eq!(found, expected.lines().collect::<Vec<_>>());
    }
    std::fs::remove_dir_all(out).unwrap();
}

/// The I420 pictures of a Y4M file of 640x360.
fn pictures(y4m: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LEN: usize = 640 * 360 * 3 / 2;
    let header = y4m.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    y4m[header..].chunks(b"FRAME\n".len() + LEN).map(|frame| &frame[b"FRAME\n".len()..])
}

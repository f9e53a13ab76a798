//! A call that never took place, with figures known beforehand.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

use core::time::Duration;
use support::cli::CallOptions;
use support::meter::{Counters, Direction, Sound};
use support::network::PathStats;
use support::outcome::Outcome;
use support::video::{Image, VideoSource};
use visavis_codec::{EncodedFrame, Picture};
use visavis_core::{Bitrate, Instant, RtpTimestamp};

const FRAME: u32 = 3000;
const SOUND: u32 = 960;
/// Both media clocks wrap during the call.
const FIRST: RtpTimestamp = RtpTimestamp(u32::MAX - 5 * FRAME);

fn at_tick(number: u32, ticks: u32, rate: u32) -> Instant {
    Instant::from_nanos(u64::from(number) * u64::from(ticks) * 1_000_000_000 / u64::from(rate))
}

/// Two seconds of 30 frames and 50 packets each, 40 ms to the ear and 70 ms to the eye. `dropped`
/// frames are not shown, every tenth piece of sound is made up if `conceal`.
fn call(dropped: core::ops::Range<u32>, conceal: bool) -> Direction {
    let mut source = VideoSource::open(None, None, 0).unwrap();
    let mut direction = Direction::new(&options("--seconds 2"), "a_to_b", &source).unwrap();
    direction.on_target(Instant::ZERO, Bitrate::from_kbps(500));
    direction.on_target(Instant::from_millis(1500), Bitrate::from_kbps(700));
    for number in 0..60 {
        let captured = at_tick(number, FRAME, 90_000);
        let timestamp = FIRST.offset(i64::from(number * FRAME));
        let shot = source.shoot().unwrap();
        let Image::Raw(picture) = shot.image else { panic!("drawn") };
        let frame = EncodedFrame::new(&[0; 1000], number == 0);
        direction.on_frame_sent(captured, timestamp, shot.number, &frame);
        if dropped.contains(&number) {
            continue;
        }
        let shown = captured + Duration::from_millis(70);
        direction.on_frame_rendered(shown, timestamp, picture).unwrap();
        // Neither a second time nor under the wrong timestamp does it count.
        direction.on_frame_rendered(shown, timestamp, picture).unwrap();
        direction.on_frame_rendered(shown, timestamp.offset(-3000), picture).unwrap();
        direction.on_frame_rendered(shown, timestamp.offset(7), picture).unwrap();
    }
    for number in 0..100 {
        let captured = at_tick(number, SOUND, 48_000);
        let timestamp = FIRST.offset(i64::from(number * SOUND));
        direction.on_audio_sent(captured, timestamp, &[0; 80]);
        let sound = match number % 10 {
            5 if conceal => Sound::Concealed,
            6 if conceal => Sound::Repaired,
            _ => Sound::Decoded,
        };
        let at = captured + Duration::from_millis(45);
        // The second half of the packet: its first sample was captured 10 ms later.
        let timestamp = timestamp.offset(i64::from(SOUND / 2));
        direction.on_audio_played(at, timestamp, (&[0.0; 480], 1), sound).unwrap();
    }
    for tenth in 0..=20 {
        let now = Instant::from_millis(tenth * 100);
        let one_way = Duration::from_millis(20);
        direction.on_network(now, PathStats { sent: 10 * tenth, lost: tenth / 2, one_way });
        direction.on_counters(
            now,
            Counters { audio_lost: 3, replays: 1, retransmitted: tenth / 3, ..Counters::default() },
        );
    }
    direction
}

fn options(arguments: &str) -> CallOptions {
    CallOptions::from_list(core::iter::once("call").chain(arguments.split_whitespace())).unwrap()
}

fn outcome(arguments: &str, directions: [&Direction; 2]) -> Outcome {
    let options = options(arguments);
    let capacity = options.capacity().unwrap();
    Outcome::new(&options, &capacity, directions, Some(1.239))
}

#[test]
fn the_json_has_its_keys_in_order() {
    let (a_to_b, b_to_a) = (call(0..0, true), call(10..12, false));
    let outcome = outcome("--seconds 2 --loss 5 --seed 7", [&a_to_b, &b_to_a]);
    let way = |rendered: u32, concealed: &str| {
        format!(
            "{{\"audio\":{{\"packets_sent\":100,\"packets_lost\":3,\"concealed_percent\":{concealed},\
             \"mouth_to_ear_ms\":{{\"p50\":35.0,\"p95\":35.0}}}},\
             \"video\":{{\"codec\":\"h264\",\"frames_sent\":60,\"frames_rendered\":{rendered},\
             \"psnr_y_db\":{{\"mean\":100.0,\"min\":100.0}},\
             \"glass_to_glass_ms\":{{\"p50\":70.0,\"p95\":70.0}},\
             \"freezes\":0,\"longest_freeze_ms\":0.0,\"keyframes\":1}},\
             \"packets\":{{\"sent\":200,\"lost\":10,\"lost_after_5s_percent\":0.0}},\
             \"target_kbps\":{{\"mean\":550.0,\"last\":700.0,\"per_second\":[500.0,600.0]}},\
             \"sent_kbps\":{{\"per_second\":[272.0,272.0]}},\
             \"srtp\":{{\"auth_failures\":0,\"replays\":1}}}}"
        )
    };
    let expected = format!(
        "{{\"srtp_profile\":\"AEAD_AES_128_GCM\",\
         \"network\":{{\"delay_ms\":20,\"jitter_ms\":0,\"loss_percent\":5.0,\"rate_kbps\":null,\
         \"capacity_kbps\":null,\"queue_ms\":300,\"seed\":7,\"virtual\":false}},\
         \"a_to_b\":{},\"b_to_a\":{},\"cpu_seconds\":1.24}}",
        way(60, "10.0"),
        way(58, "0.0")
    );
    assert_eq!(serde_json::to_string(&outcome).unwrap(), expected);
}

#[test]
fn virtual_time_has_no_cpu_seconds() {
    let direction = call(0..0, false);
    let outcome = outcome("--seconds 2 --virtual", [&direction, &direction]);
    assert_eq!(outcome.cpu_seconds, None);
    assert!(!serde_json::to_string(&outcome).unwrap().contains("cpu"));
}

#[test]
fn frames_that_are_missing_freeze_the_picture() {
    let (inside, at_the_end, all) = (call(20..30, false), call(45..60, false), call(0..60, false));
    let way = outcome("--seconds 2", [&inside, &at_the_end]);
    assert_eq!((way.a_to_b.video.freezes, way.a_to_b.video.longest_freeze_ms), (1, 366.7));
    assert_eq!((way.b_to_a.video.freezes, way.b_to_a.video.longest_freeze_ms), (1, 500.0));
    let nothing = outcome("--seconds 2", [&all, &all]).a_to_b.video;
    assert_eq!((nothing.frames_rendered, nothing.freezes), (0, 1));
    assert!(nothing.longest_freeze_ms > 1900.0);
    assert_eq!((nothing.psnr_y_db.mean, nothing.glass_to_glass_ms.p95), (None, None));
}

#[test]
fn a_picture_that_shows_another_number_does_not_count() {
    let source = VideoSource::open(None, None, 0).unwrap();
    let mut direction = Direction::new(&options("--seconds 1"), "a_to_b", &source).unwrap();
    let mut picture = Picture::new(640, 360).unwrap();
    support::drawing::Drawing::new(0).draw(5, &mut picture);
    for (number, timestamp) in [(4, 10), (5, 20), (6, 30)] {
        let timestamp = RtpTimestamp(timestamp);
        let frame = EncodedFrame::new(&[1], false);
        direction.on_frame_sent(Instant::ZERO, timestamp, number, &frame);
        direction.on_frame_rendered(Instant::from_millis(50), timestamp, picture.view()).unwrap();
    }
    let video = outcome("--seconds 1", [&direction, &direction]).a_to_b.video;
    assert_eq!((video.frames_sent, video.frames_rendered), (3, 1));
}

#[test]
fn loss_after_five_seconds_leaves_out_the_start() {
    let source = VideoSource::open(None, None, 0).unwrap();
    let mut direction = Direction::new(&options("--seconds 10"), "a_to_b", &source).unwrap();
    for (millis, sent, lost) in [(4990, 490, 100), (5010, 500, 100), (10_000, 1000, 105)] {
        let stats = PathStats { sent, lost, one_way: Duration::ZERO };
        direction.on_network(Instant::from_millis(millis), stats);
    }
    let packets = outcome("--seconds 10", [&direction, &direction]).a_to_b.packets;
    assert!((packets.lost_after_5s_percent - 1.0).abs() < 1e-9);
    assert_eq!((packets.sent, packets.lost), (1000, 105));
}

#[test]
fn the_report_stands_alone() {
    let dir = std::env::temp_dir().join(format!("visavis-report-{}", std::process::id()));
    let list = ["call", "--seconds", "2", "--rate-kbps", "600", "--out", dir.to_str().unwrap()];
    let options = CallOptions::from_list(list).unwrap();
    let ways = [call(20..30, true), call(0..0, false)];
    support::outcome::finish(&options, ways).unwrap();
    let page = std::fs::read_to_string(dir.join("report.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 8);
    for outside in ["<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    for figure in ["83.3\u{a0}%", "1 freeze, 367\u{a0}ms", "10.00\u{a0}%", "600 kb/s", "frozen"] {
        assert!(page.contains(figure), "{figure}");
    }
}

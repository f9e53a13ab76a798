//! What the video buffer does in the situations that a call brings.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "test values are small")]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests have std")]

use std::time::Duration;

use visavis_core::{Engine, ExtSeq, ExtTimestamp, FrameInfo, Instant};
use visavis_jitter::{
    DiscardReason, RefuseReason, VideoBuffer, VideoConfig, VideoOutput, VideoPacket,
};

const START: u8 = 1;
const END: u8 = 2;
const KEY: u8 = 4;
const DISCARDABLE: u8 = 8;

/// A buffer, and what it said: when, and what.
struct Viewer {
    buffer: VideoBuffer<u64>,
    /// Given out at, shown at, the frame's number, its first and last packet.
    frames: Vec<(f64, f64, u64, u64, u64)>,
    requests: Vec<f64>,
    discarded: Vec<(u64, DiscardReason)>,
    abandoned: Vec<(u64, u64)>,
}

impl Viewer {
    fn new(config: VideoConfig) -> Self {
        Self {
            buffer: VideoBuffer::new(config).unwrap(),
            frames: Vec::new(),
            requests: Vec::new(),
            discarded: Vec::new(),
            abandoned: Vec::new(),
        }
    }

    fn poll(&mut self, now: Instant) {
        while let Some(output) = self.buffer.poll(now, &mut ()) {
            match output {
                VideoOutput::Frame(frame) => {
                    let (first, last) = (frame.first.0, frame.last.0);
                    let packets: Vec<u64> = self.buffer.packets(&frame).copied().collect();
                    assert_eq!(packets, (first..=last).collect::<Vec<_>>());
                    self.buffer.release(&frame, |_| {});
                    assert_eq!(self.buffer.packets(&frame).count(), 0);
                    let (at, shown) = (now.as_millis_f64(), frame.render_at.as_millis_f64());
                    self.frames.push((at, shown, frame.timestamp.0 / 3000, first, last));
                }
                VideoOutput::RequestKeyframe => self.requests.push(now.as_millis_f64()),
                VideoOutput::Discarded { packet, reason } => self.discarded.push((packet, reason)),
                VideoOutput::Abandoned { first, last } => self.abandoned.push((first.0, last.0)),
                other => panic!("{other:?}"),
            }
        }
    }

    fn watch(&mut self, until: f64) {
        let until = Instant::from_nanos((until * 1e6) as u64);
        while let Some(now) = self.buffer.next_wakeup().filter(|at| *at <= until) {
            self.poll(now);
        }
    }

    fn packet(&mut self, at: f64, seq: u64, frame: u64, flags: u8) -> Option<RefuseReason> {
        self.watch(at);
        let mut info = FrameInfo::default();
        info.start = flags & START != 0;
        info.end = flags & END != 0;
        info.keyframe = flags & KEY != 0;
        info.discardable = flags & DISCARDABLE != 0;
        let timestamp = ExtTimestamp(3000 * frame);
        let now = Instant::from_nanos((at * 1e6) as u64);
        let result =
            self.buffer.insert(now, VideoPacket { seq: ExtSeq(seq), timestamp, info, packet: seq });
        self.poll(now);
        result.err().map(|refused| refused.reason)
    }

    fn shown(&self) -> Vec<u64> {
        self.frames.iter().map(|frame| frame.2).collect()
    }
}

/// When the packets of a frame come, at 30 frames a second.
fn time(frame: u64) -> f64 {
    100.0 + frame as f64 * 100.0 / 3.0
}

/// One frame of two packets; packet 2n and 2n + 1 belong to frame n.
fn frame(viewer: &mut Viewer, n: u64, flags: u8) {
    assert_eq!(viewer.packet(time(n), 2 * n, n, START | flags), None);
    assert_eq!(viewer.packet(time(n) + 1.0, 2 * n + 1, n, END | flags), None);
}

#[test]
fn an_even_stream_is_shown_evenly_and_soon() {
    let mut viewer = Viewer::new(VideoConfig::default());
    frame(&mut viewer, 0, KEY);
    for n in 1..60 {
        frame(&mut viewer, n, 0);
    }
    viewer.watch(5_000.0);
    assert_eq!(viewer.shown(), (0..60).collect::<Vec<_>>());
    for two in viewer.frames.windows(2) {
        assert!((two[1].1 - two[0].1 - 33.333).abs() < 0.01, "{two:?}");
    }
    for (n, shown) in viewer.frames.iter().enumerate() {
        assert!((0.0..=12.0).contains(&(shown.1 - time(n as u64))), "{shown:?}");
    }
    assert!(viewer.requests.is_empty() && viewer.discarded.is_empty());
    assert_eq!(viewer.buffer.nothing_before(), ExtSeq(120));
}

#[test]
fn a_retransmission_that_comes_late_is_still_of_use() {
    let mut viewer = Viewer::new(VideoConfig::default());
    frame(&mut viewer, 0, KEY);
    for n in 1..10 {
        if n == 3 {
            viewer.packet(time(n), 6, n, START);
        } else {
            frame(&mut viewer, n, 0);
        }
    }
    viewer.watch(time(3) + 200.0);
    assert_eq!(viewer.shown(), [0, 1, 2]);
    assert_eq!(viewer.buffer.nothing_before(), ExtSeq(6));
    assert_eq!(viewer.packet(time(3) + 220.0, 7, 3, END), None);
    viewer.watch(5_000.0);
    assert_eq!(viewer.shown(), (0..10).collect::<Vec<_>>());
    assert!(viewer.requests.is_empty() && viewer.abandoned.is_empty());
    assert!(viewer.frames.windows(2).all(|two| two[0].1 <= two[1].1));
}

#[test]
fn what_never_comes_is_given_up_and_a_keyframe_asked_for() {
    let mut viewer = Viewer::new(VideoConfig::default());
    viewer.buffer.on_rtt(Duration::from_millis(60));
    frame(&mut viewer, 0, KEY);
    for n in 1..60 {
        match n {
            3 => assert_eq!(viewer.packet(time(n), 6, n, START), None),
            40 => frame(&mut viewer, n, KEY),
            _ => frame(&mut viewer, n, 0),
        }
    }
    viewer.watch(5_000.0);
    let shown: Vec<u64> = (0..3).chain(40..60).collect();
    assert_eq!(viewer.shown(), shown);
    // The gap was seen when frame 4 came.
    let gap = time(4);
    assert!((160.0..180.0).contains(&(viewer.requests[0] - gap)), "{:?}", viewer.requests);
    assert!(viewer.requests.windows(2).all(|two| two[1] - two[0] >= 199.0));
    assert!((4..=6).contains(&viewer.requests.len()), "{:?}", viewer.requests);
    let (first, last) = viewer.abandoned[0];
    assert!(first == 6 && last > 20, "{:?}", viewer.abandoned);
    assert_eq!(viewer.buffer.stats().gave_up, 1);
    assert_eq!(viewer.packet(6_000.0, 7, 3, END), Some(RefuseReason::Late));
}

#[test]
fn a_newer_keyframe_ends_the_waiting() {
    let mut viewer = Viewer::new(VideoConfig::default());
    frame(&mut viewer, 0, KEY);
    frame(&mut viewer, 1, 0);
    viewer.packet(time(2), 4, 2, START);
    frame(&mut viewer, 3, 0);
    frame(&mut viewer, 4, KEY);
    viewer.watch(time(5));
    assert_eq!(viewer.shown(), [0, 1, 4]);
    assert!(viewer.requests.is_empty());
    assert_eq!(viewer.abandoned, [(4, 7)]);
}

#[test]
fn a_frame_that_none_refers_to_is_left_out() {
    let mut viewer = Viewer::new(VideoConfig::default());
    frame(&mut viewer, 0, KEY);
    viewer.packet(time(1), 2, 1, START | DISCARDABLE);
    viewer.packet(time(1) + 1.0, 4, 1, END | DISCARDABLE);
    viewer.packet(time(2), 5, 2, START);
    viewer.packet(time(2), 6, 2, END);
    viewer.watch(time(3));
    assert_eq!(viewer.shown(), [0, 2]);
    assert_eq!(viewer.discarded, [(2, DiscardReason::Skipped), (4, DiscardReason::Skipped)]);
    assert!(viewer.requests.is_empty());
    // Where it isn't sure whose packet is missing, nothing is left out.
    viewer.packet(time(3), 8, 3, DISCARDABLE);
    viewer.packet(time(3) + 1.0, 9, 3, END | DISCARDABLE);
    viewer.packet(time(4), 10, 4, START | END);
    viewer.watch(time(6));
    assert_eq!(viewer.shown(), [0, 2]);
}

#[test]
fn a_frame_ends_where_the_next_begins_even_without_a_marker() {
    let mut viewer = Viewer::new(VideoConfig::default());
    for (seq, frame) in [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)] {
        let flags = if seq == 0 { START | KEY } else { 0 };
        viewer.packet(time(frame), seq, frame, flags);
    }
    viewer.watch(1_000.0);
    assert_eq!(viewer.shown(), [0, 1]);
    assert_eq!((viewer.frames[1].3, viewer.frames[1].4), (2, 3));
}

#[test]
fn a_stream_begins_with_a_keyframe_in_any_order_of_packets() {
    let mut viewer = Viewer::new(VideoConfig::default());
    viewer.packet(100.0, 11, 0, END);
    viewer.packet(101.0, 10, 0, 0);
    viewer.packet(102.0, 9, 0, START | KEY);
    viewer.watch(200.0);
    assert_eq!(viewer.shown(), [0]);
    let mut viewer = Viewer::new(VideoConfig::default());
    frame(&mut viewer, 5, 0);
    frame(&mut viewer, 6, 0);
    assert_eq!(viewer.requests.len(), 1);
    frame(&mut viewer, 7, KEY);
    frame(&mut viewer, 8, 0);
    viewer.watch(time(9));
    assert_eq!(viewer.shown(), [7, 8]);
    assert_eq!(viewer.discarded.len(), 4);
}

#[test]
fn a_decoder_error_asks_for_a_keyframe() {
    let mut viewer = Viewer::new(VideoConfig::default());
    frame(&mut viewer, 0, KEY);
    frame(&mut viewer, 1, 0);
    viewer.watch(time(1) + 20.0);
    viewer.buffer.on_decoder_error(Instant::from_millis(160));
    frame(&mut viewer, 2, 0);
    frame(&mut viewer, 3, KEY);
    frame(&mut viewer, 4, 0);
    viewer.watch(time(5));
    assert_eq!(viewer.shown(), [0, 1, 3, 4]);
    assert_eq!(viewer.requests, [160.0]);
}

#[test]
fn a_buffer_that_overflows_starts_over() {
    let mut config = VideoConfig::default();
    config.capacity_packets = 16;
    let mut viewer = Viewer::new(config);
    frame(&mut viewer, 0, KEY);
    viewer.watch(time(1));
    // Packet 2 is missing, and the others come faster than it can be given up.
    let refused: Vec<_> =
        (3..30).filter_map(|seq| viewer.packet(150.0, seq, seq / 2, START | END)).collect();
    assert_eq!(refused, [RefuseReason::Full]);
    viewer.packet(151.0, 30, 15, START | END | KEY);
    viewer.watch(1_000.0);
    assert_eq!(viewer.shown(), [0, 15]);
    assert_eq!(viewer.requests.len(), 1);
}

#[test]
fn what_waits_to_be_given_back_takes_room() {
    let mut config = VideoConfig::default();
    config.capacity_packets = 8;
    let mut buffer = VideoBuffer::new(config).unwrap();
    let insert = |buffer: &mut VideoBuffer<u64>, seq| {
        let (info, timestamp) = (FrameInfo::default(), ExtTimestamp(0));
        let packet = VideoPacket { seq: ExtSeq(seq), timestamp, info, packet: seq };
        buffer.insert(Instant::from_millis(1), packet).is_ok()
    };
    assert!((0..8).all(|seq| insert(&mut buffer, seq)));
    buffer.reset();
    assert!(!insert(&mut buffer, 100), "eight wait to be given back");
    while buffer.poll(Instant::from_millis(2), &mut ()).is_some() {}
    assert!(insert(&mut buffer, 100));
}

#[test]
fn a_frame_longer_than_the_buffer_is_given_up() {
    let mut config = VideoConfig::default();
    config.capacity_packets = 8;
    let mut viewer = Viewer::new(config);
    for seq in 0..12 {
        viewer.packet(100.0, seq, 0, if seq == 0 { START | KEY } else { 0 });
    }
    frame(&mut viewer, 6, KEY);
    viewer.watch(1_000.0);
    assert_eq!(viewer.shown(), [6]);
}

#[test]
fn the_minimum_delay_is_kept() {
    let mut viewer = Viewer::new(VideoConfig::default());
    viewer.buffer.set_minimum_delay(Duration::from_millis(100));
    frame(&mut viewer, 0, KEY);
    for n in 1..30 {
        frame(&mut viewer, n, 0);
    }
    viewer.watch(5_000.0);
    assert_eq!(viewer.buffer.target_delay(), Duration::from_millis(100));
    assert!(
        viewer.frames.iter().all(|f| (99.0..=102.0).contains(&(f.1 - time(f.2)))),
        "{:?}",
        viewer.frames
    );
    // Given out only as early as decoding needs.
    assert!(viewer.frames.iter().all(|f| (f.1 - f.0 - 8.0).abs() < 0.01));
}

#[test]
fn a_new_timeline_is_not_shown_before_the_old_one() {
    let mut viewer = Viewer::new(VideoConfig::default());
    viewer.buffer.set_minimum_delay(Duration::from_millis(400));
    viewer.packet(100.0, 0, 0, START | END | KEY);
    viewer.buffer.set_minimum_delay(Duration::ZERO);
    viewer.packet(101.0, 1, 1_000, START | END);
    viewer.watch(2_000.0);
    assert_eq!(viewer.shown(), [0, 1_000]);
    assert_eq!((viewer.frames[0].1, viewer.frames[1].1), (500.0, 500.0));
}

//! Random operations on the video buffer: every packet comes back once, frames are whole and in order,
//! and the wakeups hold.
#![no_main]

use std::collections::BTreeSet;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use visavis_core::{Engine, ExtSeq, ExtTimestamp, FrameInfo, Instant};
use visavis_jitter::{FrameReady, VideoBuffer, VideoConfig, VideoOutput, VideoPacket};

fuzz_target!(|data: &[u8]| {
    let mut config = VideoConfig::default();
    config.capacity_packets = 32;
    let mut buffer = VideoBuffer::new(config).expect("it is valid");
    let (mut now, mut shown) = (Instant::from_millis(100), Instant::ZERO);
    let mut inside = BTreeSet::new();
    let (mut seq, mut timestamp) = (1u64 << 16, 1u64 << 32);
    let mut last: Option<FrameReady> = None;
    let mut unreleased: Vec<FrameReady> = Vec::new();
    for (key, op) in data.chunks_exact(6).enumerate() {
        let wide = u64::from(u16::from_le_bytes([op[1], op[2]]));
        match op[0] % 16 {
            0 => now += Duration::from_micros(wide * 100),
            1 => seq = seq.wrapping_add_signed((wide as i16).into()),
            2 => timestamp = timestamp.wrapping_add_signed(i64::from(wide as i16) << (op[3] % 40)),
            3 => buffer.set_minimum_delay(Duration::from_millis(wide)),
            4 => buffer.on_rtt(Duration::from_millis(wide)),
            5 if op[1] == 0 => {
                buffer.reset();
                (last, unreleased) = (None, Vec::new());
            }
            6 => buffer.on_decoder_error(now),
            7 => {
                if let Some(at) = buffer.next_wakeup() {
                    now = now.max(at);
                }
            }
            _ => {
                seq = seq.wrapping_add(1 + u64::from(op[3] == 0));
                let mut info = FrameInfo::default();
                info.start = op[2] & 1 == 1;
                info.end = op[2] & 2 == 2;
                info.keyframe = op[2] & 12 == 12;
                info.discardable = op[2] & 48 == 48;
                if info.start {
                    timestamp = timestamp.wrapping_add(3000);
                }
                inside.insert(key);
                let packet = VideoPacket {
                    seq: ExtSeq(seq.wrapping_sub(u64::from(op[4] % 8))),
                    timestamp: ExtTimestamp(timestamp),
                    info,
                    packet: key,
                };
                if let Err(refused) = buffer.insert(now, packet) {
                    assert!(inside.remove(&refused.packet));
                }
                assert!(inside.len() <= 32);
                now += Duration::from_micros(u64::from(op[1]) * 50);
            }
        }
        if op[5] & 2 == 2 {
            continue;
        }
        while let Some(output) = buffer.poll(now, &mut ()) {
            match output {
                VideoOutput::Discarded { packet, .. } => assert!(inside.remove(&packet)),
                VideoOutput::Frame(frame) => {
                    let count = buffer.packets(&frame).count();
                    assert_eq!(count as i64, frame.last - frame.first + 1, "a frame with a hole");
                    assert!(last.is_none_or(|last| frame.first > last.last), "out of order");
                    assert!(last.is_some() || frame.keyframe, "it begins without a keyframe");
                    assert!(frame.render_at >= shown && frame.render_at >= now);
                    shown = frame.render_at;
                    last = Some(frame);
                    unreleased.push(frame);
                }
                VideoOutput::Abandoned { first, last } => assert!(first <= last),
                _ => {}
            }
            if op[5] & 4 == 0 {
                for frame in unreleased.drain(..) {
                    buffer.release(&frame, |packet| assert!(inside.remove(&packet)));
                }
            }
        }
        assert!(buffer.next_wakeup().is_none_or(|at| at > now), "it would spin");
    }
    buffer.reset();
    while let Some(output) = buffer.poll(now, &mut ()) {
        let VideoOutput::Discarded { packet, .. } = output else { panic!("{output:?}") };
        assert!(inside.remove(&packet));
    }
    assert!(inside.is_empty(), "{inside:?} were kept");
});

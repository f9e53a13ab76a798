//! Both engines under random operations: the contract, and every packet given back exactly once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "test values are small")]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests have std")]

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use visavis_core::{ClockRate, Engine, ExtSeq, ExtTimestamp, FrameInfo, Instant};
use visavis_jitter::{
    Action, AudioConfig, AudioPacket, AudioPlayout, PlayoutOutput, VideoBuffer, VideoConfig,
    VideoOutput, VideoPacket,
};
use visavis_sim::{Rng, contract};

fn audio_packet(rng: &mut Rng, now: Instant) -> AudioPacket<u64> {
    let sent = now.as_nanos() / 20_000_000;
    let (seq, timestamp) = match rng.below(20) {
        0 => (rng.below(u64::MAX), rng.below(u64::MAX)),
        1 => (sent, rng.below(1 << 40)),
        _ => {
            let i = sent.saturating_sub(rng.below(8));
            (1000 + i, 960 * i)
        }
    };
    let ticks = match rng.below(10) {
        0 => rng.below(6000) as u32,
        _ => 960,
    };
    let has_fec = rng.below(2) == 0;
    AudioPacket {
        seq: ExtSeq(seq),
        timestamp: ExtTimestamp(timestamp),
        ticks,
        has_fec,
        packet: seq,
    }
}

#[test]
fn the_audio_playout_keeps_the_contract() {
    let make = || {
        let mut config = AudioConfig::default();
        config.capacity = 20;
        AudioPlayout::new(config).unwrap()
    };
    contract::check(60, make, |playout, rng, now| match rng.below(16) {
        0 => playout.on_played(rng.below(3000) as u32),
        1 => playout.set_minimum_delay(rng.duration(Duration::from_millis(700))),
        2 if rng.below(8) == 0 => playout.reset(),
        _ => {
            let _ = playout.insert(now, audio_packet(rng, now));
        }
    });
}

fn video_packet(rng: &mut Rng, now: Instant) -> VideoPacket<u64> {
    let frame = now.as_nanos() / 33_333_333;
    let (mut seq, mut timestamp) = (frame * 3 + rng.below(12), 0);
    seq = seq.saturating_sub(6) + 500;
    timestamp += (seq / 3) * 3000;
    if rng.below(30) == 0 {
        (seq, timestamp) = (rng.below(u64::MAX), rng.below(u64::MAX));
    }
    let mut info = FrameInfo::default();
    info.start = seq % 3 == 0 && rng.below(4) > 0;
    info.end = seq % 3 == 2 && rng.below(4) > 0;
    info.keyframe = seq / 3 % 10 == 0;
    info.discardable = seq / 3 % 4 == 1;
    VideoPacket { seq: ExtSeq(seq), timestamp: ExtTimestamp(timestamp), info, packet: seq }
}

#[test]
fn the_video_buffer_keeps_the_contract() {
    let make = || {
        let mut config = VideoConfig::default();
        config.capacity_packets = 40;
        VideoBuffer::new(config).unwrap()
    };
    contract::check(60, make, |buffer, rng, now| match rng.below(40) {
        0 => buffer.on_decoder_error(now),
        1 => buffer.on_rtt(rng.duration(Duration::from_millis(900))),
        2 => buffer.set_minimum_delay(rng.duration(Duration::from_millis(700))),
        3 if rng.below(8) == 0 => buffer.reset(),
        _ => {
            let _ = buffer.insert(now, video_packet(rng, now));
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn audio_packets_come_back_exactly_once(seed: u64) {
        let mut rng = Rng::new(seed);
        let mut config = AudioConfig::default();
        config.capacity = 12;
        let mut playout = AudioPlayout::new(config).unwrap();
        let (mut now, mut inside, mut key, mut end) = (Instant::from_millis(500), BTreeSet::new(), 0u64, None);
        for _ in 0..600 {
            now += rng.duration(Duration::from_millis(30));
            let AudioPacket { seq, timestamp, ticks, has_fec, .. } = audio_packet(&mut rng, now);
            key += 1;
            inside.insert(key);
            let packet = AudioPacket { seq, timestamp, ticks, has_fec, packet: key };
            if let Err(refused) = playout.insert(now, packet) {
                prop_assert_eq!(refused.packet, key);
                inside.remove(&key);
            }
            if rng.below(60) == 0 {
                playout.reset();
            }
            prop_assert!(inside.len() <= 12);
            while let Some(output) = playout.poll(now, &mut ()) {
                match output {
                    PlayoutOutput::Discarded { packet, .. } => prop_assert!(inside.remove(&packet)),
                    PlayoutOutput::Play(play) => {
                        prop_assert!(play.ticks > 0);
                        prop_assert!(play.at <= now);
                        prop_assert!(end.is_none_or(|end| play.at >= end), "chunks overlap");
                        match play.action {
                            Action::Decode(packet) => prop_assert!(inside.remove(&packet)),
                            Action::Fec => prop_assert!(playout.upcoming().is_some()),
                            Action::Conceal => {}
                        }
                        end = Some(play.at + ClockRate::OPUS.duration(play.ticks.into()));
                    }
                    _ => {}
                }
            }
        }
        playout.reset();
        while let Some(output) = playout.poll(now, &mut ()) {
            let PlayoutOutput::Discarded { packet, .. } = output else { panic!("{output:?}") };
            prop_assert!(inside.remove(&packet));
        }
        prop_assert!(inside.is_empty());
    }

    #[test]
    fn video_packets_come_back_exactly_once(seed: u64) {
        let mut rng = Rng::new(seed);
        let mut config = VideoConfig::default();
        config.capacity_packets = 24;
        let mut buffer = VideoBuffer::new(config).unwrap();
        let (mut now, mut inside, mut key) = (Instant::from_millis(500), BTreeSet::new(), 0u64);
        let (mut last, mut frames, mut shown) = (None, 0, Instant::ZERO);
        for _ in 0..800 {
            now += rng.duration(Duration::from_millis(20));
            let VideoPacket { seq, timestamp, info, .. } = video_packet(&mut rng, now);
            key += 1;
            inside.insert(key);
            if let Err(refused) = buffer.insert(now, VideoPacket { seq, timestamp, info, packet: key }) {
                prop_assert_eq!(refused.packet, key);
                inside.remove(&key);
            }
            if rng.below(100) == 0 {
                buffer.reset();
                last = None;
            }
            prop_assert!(inside.len() <= 24);
            if rng.below(3) == 0 {
                continue;
            }
            while let Some(output) = buffer.poll(now, &mut ()) {
                match output {
                    VideoOutput::Discarded { packet, .. } => prop_assert!(inside.remove(&packet)),
                    VideoOutput::Frame(ready) => {
                        frames += 1;
                        let count = buffer.packets(&ready).count() as i64;
                        prop_assert_eq!(count, ready.last - ready.first + 1, "a frame with a hole");
                        prop_assert!(last.is_none_or(|last| ready.first > last), "out of order");
                        let follows = last.is_some_and(|last: ExtSeq| last.next() == ready.first);
                        prop_assert!(follows || ready.keyframe || frames == 1 || buffer.stats().frames_skipped > 0);
                        prop_assert!(ready.render_at >= shown && ready.render_at >= now);
                        shown = ready.render_at;
                        last = Some(ready.last);
                        prop_assert_eq!(buffer.nothing_before(), ready.last.next());
                        let mut gone = Vec::new();
                        buffer.release(&ready, |packet| gone.push(packet));
                        prop_assert_eq!(gone.len() as i64, count);
                        for packet in gone {
                            prop_assert!(inside.remove(&packet));
                        }
                    }
                    VideoOutput::Abandoned { first, last } => prop_assert!(first <= last),
                    _ => {}
                }
            }
        }
        buffer.reset();
        while let Some(output) = buffer.poll(now, &mut ()) {
            let VideoOutput::Discarded { packet, .. } = output else { panic!("{output:?}") };
            prop_assert!(inside.remove(&packet));
        }
        prop_assert!(inside.is_empty());
    }
}

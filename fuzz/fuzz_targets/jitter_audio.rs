//! Random operations on the audio playout: every packet comes back once, time goes forward, and the
//! wakeups hold.
#![no_main]

use std::collections::BTreeSet;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use visavis_core::{Engine, ExtSeq, ExtTimestamp, Instant};
use visavis_jitter::{Action, AudioConfig, AudioPacket, AudioPlayout, PlayoutOutput};

fuzz_target!(|data: &[u8]| {
    let mut config = AudioConfig::default();
    config.capacity = 16;
    let mut playout = AudioPlayout::new(config).expect("it is valid");
    let (mut now, mut ends, mut inside) = (Instant::from_millis(100), None, BTreeSet::new());
    let (mut seq, mut timestamp) = (1u64 << 16, 1u64 << 32);
    for (key, op) in data.chunks_exact(6).enumerate() {
        let wide = u64::from(u16::from_le_bytes([op[1], op[2]]));
        match op[0] % 16 {
            0 => now += Duration::from_micros(wide * 100),
            1 => seq = seq.wrapping_add_signed((wide as i16).into()),
            2 => timestamp = timestamp.wrapping_add_signed(i64::from(wide as i16) << (op[3] % 40)),
            3 => playout.set_minimum_delay(Duration::from_millis(wide)),
            4 => playout.on_played(wide as u32),
            5 if op[1] == 0 => playout.reset(),
            6 => now += Duration::from_millis(wide),
            7 => {
                if let Some(at) = playout.next_wakeup() {
                    now = now.max(at);
                }
            }
            _ => {
                seq = seq.wrapping_add(1 + u64::from(op[3] == 0));
                timestamp = timestamp.wrapping_add(960);
                let back = u64::from(op[4] % 8);
                inside.insert(key);
                let packet = AudioPacket {
                    seq: ExtSeq(seq.wrapping_sub(back)),
                    timestamp: ExtTimestamp(timestamp.wrapping_sub(960 * back)),
                    ticks: if op[5] == 0 { wide as u32 } else { 960 },
                    has_fec: op[5] & 1 == 1,
                    packet: key,
                };
                if let Err(refused) = playout.insert(now, packet) {
                    assert!(inside.remove(&refused.packet));
                }
                assert!(inside.len() <= 16);
                now += Duration::from_micros(u64::from(op[1]) * 160);
            }
        }
        if op[5] & 2 == 2 {
            continue;
        }
        while let Some(output) = playout.poll(now, &mut ()) {
            match output {
                PlayoutOutput::Discarded { packet, .. } => assert!(inside.remove(&packet)),
                PlayoutOutput::Play(play) => {
                    assert!(play.ticks > 0 && play.at <= now);
                    assert!(ends.is_none_or(|before| play.at >= before), "time went back");
                    ends = Some(play.at);
                    match play.action {
                        Action::Decode(packet) => assert!(inside.remove(&packet)),
                        Action::Fec => assert!(playout.upcoming().is_some()),
                        Action::Conceal => {}
                    }
                }
                _ => {}
            }
        }
        assert!(playout.next_wakeup().is_none_or(|at| at > now), "it would spin");
    }
    playout.reset();
    while let Some(output) = playout.poll(now, &mut ()) {
        let PlayoutOutput::Discarded { packet, .. } = output else { panic!("{output:?}") };
        assert!(inside.remove(&packet));
    }
    assert!(inside.is_empty(), "{inside:?} were kept");
});

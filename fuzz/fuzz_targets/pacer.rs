//! Arbitrary pushes, rates and probes: what went in comes out once, sound at once, and nobody spins.
#![no_main]

use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use visavis_congestion::{Paced, Pacer, PacerConfig, PacketKind, ProbeCluster, ProbeId};
use visavis_core::{Bitrate, DataSize, Engine, Instant};

fuzz_target!(|data: &[u8]| {
    let mut config = PacerConfig::default();
    config.queue = 64;
    let mut pacer = Pacer::new(config).unwrap();
    let (mut now, mut number) = (Instant::ZERO, 0u32);
    // Numbers of the packets that wait, by kind.
    let mut waiting: [Vec<u32>; 4] = Default::default();
    for step in data.chunks_exact(4) {
        let &[what, a, b, c] = step else { return };
        now += Duration::from_micros(u64::from(c) * 50);
        let rate = |factor: u8| Bitrate::from_kbps(u64::from(factor) * 40);
        match what % 8 {
            0 => pacer.set_rate(now, rate(a), rate(b)),
            1 => {
                let cluster = ProbeCluster {
                    id: ProbeId(u32::from(a)),
                    rate: rate(b),
                    min_size: DataSize::from_bytes(u64::from(a) * 100),
                    min_packets: u32::from(b % 8),
                };
                pacer.start_probe(now, cluster);
            }
            2 => {
                let keep = |number: &u32| number % 4 != u32::from(a % 4);
                pacer.retain(keep);
                waiting.iter_mut().for_each(|kind| kind.retain(keep));
            }
            _ => {
                let kinds = [
                    PacketKind::Audio,
                    PacketKind::Retransmission,
                    PacketKind::Video,
                    PacketKind::Padding,
                ];
                let kind = usize::from(a % 4);
                let size = DataSize::from_bytes(u64::from(b) * 6);
                let fits = waiting.iter().map(Vec::len).sum::<usize>() < 64;
                assert_eq!(pacer.push(now, kinds[kind], size, number).is_ok(), fits);
                if fits {
                    waiting[kind].push(number);
                }
                number += 1;
            }
        }
        let mut yielded = 0;
        while let Some(paced) = pacer.poll(now, &mut ()) {
            yielded += 1;
            assert!(yielded < 10_000, "it ends");
            if let Paced::Packet { packet, .. } = paced {
                let first = waiting.iter_mut().find(|kind| kind.first() == Some(&packet)).unwrap();
                first.remove(0);
            }
        }
        assert!(waiting[0].is_empty(), "sound never waits");
        assert_eq!(pacer.len(), waiting.iter().map(Vec::len).sum::<usize>());
        assert!(pacer.next_wakeup().is_none_or(|wakeup| wakeup > now));
    }
});

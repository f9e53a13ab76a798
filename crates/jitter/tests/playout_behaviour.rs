//! What the audio playout does in the situations that a call brings.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "test values are small")]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests have std")]

mod support;

use std::time::Duration;

use support::{Network, Random, Trace, generate, play};
use visavis_core::{ClockRate, Engine, ExtSeq, ExtTimestamp, Instant};
use visavis_jitter::{
    Action, AudioConfig, AudioPacket, AudioPlayout, DiscardReason, PlayoutOutput, RefuseReason,
};

/// A playout that is polled exactly when it asks to be, and what it said.
struct Listener {
    /// Whether packets carry a copy of the one before.
    fec: bool,
    playout: AudioPlayout<u64>,
    /// When, what (`None`: concealed), and how many ticks.
    heard: Vec<(f64, Option<u64>, u32)>,
    discarded: Vec<(u64, DiscardReason)>,
}

impl Listener {
    fn new(config: AudioConfig) -> Self {
        Self {
            fec: false,
            playout: AudioPlayout::new(config).unwrap(),
            heard: Vec::new(),
            discarded: Vec::new(),
        }
    }

    fn listen(&mut self, until: f64) {
        let until = Instant::from_nanos((until * 1e6) as u64);
        while let Some(now) = self.playout.next_wakeup().filter(|at| *at <= until) {
            while let Some(output) = self.playout.poll(now, &mut ()) {
                match output {
                    PlayoutOutput::Play(play) => {
                        let what = match play.action {
                            Action::Decode(packet) => Some(packet),
                            Action::Fec => Some(*self.playout.upcoming().unwrap() - 1),
                            Action::Conceal => None,
                        };
                        self.heard.push((play.at.as_millis_f64(), what, play.ticks));
                    }
                    PlayoutOutput::Discarded { packet, reason } => {
                        self.discarded.push((packet, reason))
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn packet(&mut self, at: f64, seq: u64, timestamp: u64, ticks: u32) -> Option<RefuseReason> {
        self.listen(at);
        let (seq, timestamp) = (ExtSeq(seq), ExtTimestamp(timestamp));
        let packet = AudioPacket { seq, timestamp, ticks, has_fec: self.fec, packet: seq.0 };
        let now = Instant::from_nanos((at * 1e6) as u64);
        self.playout.insert(now, packet).err().map(|refused| refused.reason)
    }

    fn played(&self) -> Vec<u64> {
        self.heard.iter().filter_map(|(_, what, _)| *what).collect()
    }

    fn concealed(&self) -> u32 {
        self.heard.iter().filter(|(_, what, _)| what.is_none()).map(|(_, _, ticks)| ticks).sum()
    }
}

#[test]
fn a_quiet_network_costs_little_delay_even_with_late_threads() {
    for (noise, limit) in [(0.0, 25.0), (3.0, 25.0), (8.0, 32.0)] {
        for seed in 1..=5 {
            let mut random = Random(seed);
            let trace: Trace = (0..500)
                .map(|i| Some(20.0 * f64::from(i) + 20.0 + noise * random.unit().powi(3)))
                .collect();
            let row = play(&trace, true, seed);
            println!("noise {noise}: {row}");
            assert!(row.delay <= limit, "noise {noise}: {row}");
            assert!(row.concealed == 0.0, "noise {noise}: {row}");
        }
    }
}

#[test]
fn uniform_jitter_and_loss_with_redundancy() {
    for seed in 1..=5 {
        let row = play(&generate(Network::Uniform { jitter: 20.0, loss: 5.0 }, seed), true, seed);
        println!("{row}");
        assert!(row.concealed <= 2.0 && row.delay <= 50.0, "{row}");
    }
}

#[test]
fn late_duplicate_and_superfluous_packets_are_given_back() {
    let mut config = AudioConfig::default();
    config.capacity = 4;
    let mut listener = Listener::new(config);
    for i in 0..4u64 {
        assert_eq!(listener.packet(100.0, 10 + i, 960 * i, 960), None);
    }
    assert_eq!(listener.packet(100.0, 12, 960 * 2, 960), Some(RefuseReason::Duplicate));
    assert_eq!(listener.packet(100.0, 12, 960 * 2 + 480, 960), Some(RefuseReason::Duplicate));
    assert_eq!(listener.packet(100.0, 14, 960 * 4, 960), Some(RefuseReason::Full));
    listener.listen(250.0);
    assert_eq!(listener.played(), [10, 11, 12, 13]);
    assert_eq!(listener.packet(250.0, 11, 960, 960), Some(RefuseReason::Late));
    assert_eq!(listener.packet(250.0, 15, 960 * 5, 0), Some(RefuseReason::Length));
    let stats = listener.playout.stats();
    assert_eq!((stats.packets_received, stats.packets_late, stats.packets_invalid), (4, 1, 1));
    assert_eq!((stats.packets_duplicate, stats.packets_overflow), (2, 1));
}

#[test]
fn silence_that_is_not_sent_keeps_its_length() {
    // Discontinuous transmission: 40 packets, 300 and then 700 ms nothing, and so on; no sequence number is missing.
    let mut listener = Listener::new(AudioConfig::default());
    // The copy in the first packet after the silence is of one that was played long ago.
    listener.fec = true;
    let (mut seq, mut start) = (1u64, 0u64);
    for silence in [15, 35, 15, 35, 15] {
        for i in start..start + 40 {
            assert_eq!(listener.packet(30.0 + 20.0 * i as f64, seq, 960 * i, 960), None);
            seq += 1;
        }
        start += 40 + silence;
    }
    listener.listen(30.0 + 20.0 * start as f64);
    assert_eq!(listener.played(), (1..seq).collect::<Vec<_>>());
    let at: Vec<f64> =
        listener.heard.iter().filter(|(_, what, _)| what.is_some()).map(|h| h.0).collect();
    let silences = [320.0, 720.0, 320.0, 720.0];
    for (talk, silence) in at.chunks(40).collect::<Vec<_>>().windows(2).zip(silences) {
        let gap = talk[1][0] - talk[0][39];
        // The delay itself may change meanwhile.
        assert!((gap - silence).abs() <= 60.0, "{gap}");
    }
}

#[test]
fn after_a_long_pause_it_stops_and_begins_again() {
    let mut listener = Listener::new(AudioConfig::default());
    for i in 0..50u64 {
        listener.packet(20.0 + 20.0 * i as f64, i, 960 * i, 960);
    }
    listener.listen(20_000.0);
    assert_eq!(listener.playout.next_wakeup(), None, "it rests");
    assert_eq!(listener.concealed(), 48_000, "max_conceal");
    for i in 1000..1050u64 {
        listener.packet(20.0 + 20.0 * i as f64, 50 + i - 1000, 960 * i, 960);
    }
    listener.listen(22_000.0);
    assert_eq!(listener.played(), (0..100).collect::<Vec<_>>());
    assert_eq!(listener.playout.stats().resets, 0);
}

#[test]
fn a_timestamp_that_jumps_begins_a_new_timeline() {
    for jump in [1_000_000_000, 4_000_000, -4_000_000i64] {
        let mut listener = Listener::new(AudioConfig::default());
        for i in 0..100u64 {
            let shift = if i < 50 { 0 } else { jump };
            let timestamp = (1 << 32) + 960 * i as i64 + shift;
            assert_eq!(listener.packet(20.0 + 20.0 * i as f64, i, timestamp as u64, 960), None);
        }
        listener.listen(2_100.0);
        assert_eq!(listener.playout.stats().resets, 1, "{jump}");
        let all = listener.played().len() + listener.discarded.len();
        assert_eq!(all, 100);
        assert!(listener.discarded.len() <= 4, "{:?}", listener.discarded);
    }
}

#[test]
fn a_straggler_from_long_ago_disturbs_nothing() {
    let mut listener = Listener::new(AudioConfig::default());
    for i in 0..1000u64 {
        let at = 20.0 + 20.0 * i as f64;
        assert_eq!(listener.packet(at, 100 + i, 960 * (1000 + i), 960), None);
        if i == 900 {
            let long_ago = listener.packet(at, 90 + i - 800, 960 * (990 + i - 800), 960);
            assert_eq!(long_ago, Some(RefuseReason::Late));
            assert_eq!(listener.packet(at, 50, 1, 960), Some(RefuseReason::Late));
        }
    }
    assert_eq!(listener.playout.stats().resets, 0);
    assert_eq!(listener.concealed(), 0);
}

#[test]
fn a_sleeping_embedder_goes_on_from_now() {
    let mut listener = Listener::new(AudioConfig::default());
    for i in 0..50u64 {
        listener.packet(20.0 + 20.0 * i as f64, i, 960 * i, 960);
    }
    // Nothing is polled for five seconds, while packets pile up.
    for i in 50..300u64 {
        let packet = AudioPacket {
            seq: ExtSeq(i),
            timestamp: ExtTimestamp(960 * i),
            ticks: 960,
            has_fec: false,
            packet: i,
        };
        let _ = listener.playout.insert(Instant::from_millis(20 + 20 * i), packet);
    }
    listener.listen(6_030.0);
    let after: Vec<_> = listener.heard.iter().filter(|h| h.0 > 1_100.0).collect();
    assert!(after[0].0 >= 5_900.0, "it doesn't play the past: {:?}", after[0]);
    assert!(listener.playout.stats().packets_discarded > 100);
}

#[test]
fn packet_times_and_clocks_of_all_kinds() {
    for rate in [8_000u32, 16_000, 44_100, 48_000, 90_000] {
        for micros in [2_500u64, 5_000, 10_000, 20_000, 40_000, 60_000, 120_000, 500_000] {
            let mut config = AudioConfig::default();
            config.clock_rate = ClockRate::new(rate).unwrap();
            let ticks = config.clock_rate.ticks(Duration::from_micros(micros)) as u64;
            let mut listener = Listener::new(config);
            let count = 4_000_000 / micros;
            for i in 0..count {
                let at = 30.0 + (micros * i) as f64 / 1e3;
                assert_eq!(listener.packet(at, i, ticks * i, ticks as u32), None);
            }
            listener.listen(29.0 + (micros * count) as f64 / 1e3);
            assert_eq!(listener.concealed(), 0, "{rate} Hz, {micros} µs");
            assert!(listener.played().len() as u64 >= count - 100_000 / micros - 1);
        }
    }
}

#[test]
fn drifting_clocks_are_followed() {
    for ppm in [-500.0, 500.0] {
        let trace: Trace =
            (0..6000).map(|i| Some(20.0 * f64::from(i) * (1.0 + ppm / 1e6) + 30.0)).collect();
        let row = play(&trace, false, 1);
        println!("{ppm} ppm: {row}");
        assert!(row.concealed <= 0.05 && row.delay <= 30.0, "{ppm} ppm: {row}");
    }
}

#[test]
fn the_minimum_delay_is_kept_and_given_up_again() {
    let mut listener = Listener::new(AudioConfig::default());
    let mut delays = Vec::new();
    let mut random = Random(1);
    for i in 0..1500u64 {
        if i == 500 {
            listener.playout.set_minimum_delay(Duration::from_millis(120));
        }
        if i == 1000 {
            listener.playout.set_minimum_delay(Duration::ZERO);
        }
        let at = 20.0 + 20.0 * i as f64;
        // Stretch what asks for it.
        while let Some(now) = listener.playout.next_wakeup().filter(|w| w.as_millis_f64() <= at) {
            while let Some(output) = listener.playout.poll(now, &mut ()) {
                let PlayoutOutput::Play(play) = output else { continue };
                match play.stretch {
                    visavis_jitter::Stretch::None => {}
                    how if random.unit() < 0.5 => {
                        let change = 300;
                        let longer = how == visavis_jitter::Stretch::Lengthen;
                        let ticks = if longer { play.ticks + change } else { play.ticks - change };
                        listener.playout.on_played(ticks);
                    }
                    _ => {}
                }
            }
        }
        listener.packet(at, i, 960 * i, 960);
        delays.push(listener.playout.current_delay().as_millis());
    }
    assert!(delays[450] <= 30, "{}", delays[450]);
    assert!((110..=135).contains(&delays[999]), "{}", delays[999]);
    assert!(delays[1499] <= 35, "{}", delays[1499]);
    let stats = listener.playout.stats();
    assert!(stats.inserted_samples_for_deceleration > 3000);
    assert!(stats.removed_samples_for_acceleration > 3000);
    assert_eq!(stats.concealed_samples, 0);
}

//! A listener in virtual time, and the networks before it.
#![allow(dead_code, reason = "each test uses a part")]

use std::fmt;

use visavis_core::{Engine, ExtSeq, ExtTimestamp, Instant};
use visavis_jitter::{Action, AudioConfig, AudioPacket, AudioPlayout, PlayoutOutput, Stretch};

/// SplitMix64: small, and good enough for tests.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Arrivals in ms, `None` where the packet is lost; packet i is sent at 20·i ms.
pub(crate) type Trace = Vec<Option<f64>>;

#[derive(Clone, Copy)]
pub(crate) enum Network {
    Const30,
    Loss5,
    Ge10,
    Exp10,
    Wifi,
    Saw,
    Step,
    Norm40,
    /// Delay 20 ms and uniform jitter up to so much, with independent loss in percent.
    Uniform {
        jitter: f64,
        loss: f64,
    },
}

impl Network {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "const30" => Self::Const30,
            "loss5" => Self::Loss5,
            "ge10" => Self::Ge10,
            "exp10" => Self::Exp10,
            "wifi" => Self::Wifi,
            "saw" => Self::Saw,
            "step" => Self::Step,
            _ => Self::Norm40,
        }
    }
}

pub(crate) fn published(name: &str) -> Trace {
    let path = format!("{}/tests/traces/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let mut trace = vec![None; 3000];
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let (index, arrival) = line.split_once(' ').unwrap();
        trace[index.parse::<usize>().unwrap()] = Some(arrival.parse().unwrap());
    }
    trace
}

/// A minute of a network.
pub(crate) fn generate(network: Network, seed: u64) -> Trace {
    let mut random = Random(seed.wrapping_mul(0x1234_5678_9abc_def1) ^ network_key(network));
    let (mut bad, mut spike) = (false, 0.0f64);
    let mut latest = 0.0f64;
    let packet = |i: usize| {
        let sent = 20.0 * i as f64;
        let mut lost = false;
        let delay = match network {
            Network::Const30 => 30.0,
            Network::Loss5 => {
                lost = random.unit() < 0.05;
                30.0
            }
            Network::Ge10 => {
                bad = if bad { random.unit() >= 0.25 } else { random.unit() < 0.03 };
                lost = bad;
                30.0 + random.exponential(2.0)
            }
            Network::Exp10 => 30.0 + random.exponential(10.0),
            Network::Wifi => {
                spike = (spike - 20.0).max(0.0);
                if random.unit() < 0.004 {
                    spike = spike.max(80.0 + 170.0 * random.unit());
                }
                lost = random.unit() < 0.01;
                20.0 + random.exponential(5.0) + spike
            }
            Network::Saw => 30.0 + 120.0 * (sent / 4000.0).fract() + random.exponential(4.0),
            Network::Step if (20_000.0..40_000.0).contains(&sent) => 180.0,
            Network::Step => 30.0 + random.exponential(3.0),
            Network::Norm40 => (100.0 + 40.0 * random.normal()).max(5.0),
            Network::Uniform { jitter, loss } => {
                lost = random.unit() * 100.0 < loss;
                20.0 + jitter * random.unit()
            }
        };
        let mut arrival = sent + delay;
        if !matches!(network, Network::Norm40 | Network::Uniform { .. }) {
            latest = latest.max(arrival);
            arrival = latest;
        }
        (!lost).then_some(arrival)
    };
    (0..3000).map(packet).collect()
}

fn network_key(network: Network) -> u64 {
    match network {
        Network::Const30 => 1,
        Network::Loss5 => 2,
        Network::Ge10 => 3,
        Network::Exp10 => 4,
        Network::Wifi => 5,
        Network::Saw => 6,
        Network::Step => 7,
        Network::Norm40 => 8,
        Network::Uniform { .. } => 9,
    }
}

/// What a listener got, counted outside the playout.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Row {
    pub(crate) delay: f64,
    pub(crate) p95: f64,
    pub(crate) concealed: f64,
    pub(crate) stretched: f64,
    pub(crate) interruptions: f64,
    pub(crate) late: f64,
}

impl Row {
    pub(crate) const HEADER: &str = "network   delay   p95 concealed% stretched% interrupt late\n";

    pub(crate) fn mean(rows: &[Self]) -> Self {
        let of = |get: fn(&Self) -> f64| rows.iter().map(get).sum::<f64>() / rows.len() as f64;
        Self {
            delay: of(|r| r.delay),
            p95: of(|r| r.p95),
            concealed: of(|r| r.concealed),
            stretched: of(|r| r.stretched),
            interruptions: of(|r| r.interruptions),
            late: of(|r| r.late),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delay, p95, concealed, stretched, interruptions, late } = self;
        write!(
            f,
            "{delay:6.1} {p95:5.0} {concealed:10.3} {stretched:10.2} {interruptions:9.1} {late:4.0}"
        )
    }
}

/// Plays a trace to the end. Stretching succeeds for 65 % of the chunks, by 5 to 12.5 ms.
pub(crate) fn play(trace: &Trace, fec: bool, seed: u64) -> Row {
    play_with(AudioConfig::default(), trace, fec, seed)
}

pub(crate) fn play_with(config: AudioConfig, trace: &Trace, fec: bool, seed: u64) -> Row {
    let mut arrivals: Vec<(f64, usize)> =
        trace.iter().enumerate().filter_map(|(i, at)| at.map(|at| (at, i))).collect();
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut playout = AudioPlayout::new(config).unwrap();
    let mut random = Random(seed);
    let mut delays = Vec::new();
    let (mut total, mut concealed, mut run, mut interruptions, mut stretched) =
        (0u64, 0u64, 0u64, 0, 0u64);
    let end = Instant::from_micros((20_000.0 * trace.len() as f64) as u64);
    let mut arrivals = arrivals.into_iter().peekable();
    let mut expected_at = None;
    loop {
        let arrival = arrivals.peek().map(|(at, _)| Instant::from_nanos((at * 1e6) as u64));
        let wakeup = playout.next_wakeup();
        let Some(now) = visavis_core::earliest(arrival, wakeup) else { break };
        if now > end {
            break;
        }
        if arrival == Some(now) {
            let (_, i) = arrivals.next().unwrap();
            let packet = AudioPacket {
                seq: ExtSeq(100 + i as u64),
                timestamp: ExtTimestamp(5000 + 960 * i as u64),
                ticks: 960,
                has_fec: fec && i > 0,
                packet: now,
            };
            let _ = playout.insert(now, packet);
        }
        while let Some(output) = playout.poll(now, &mut ()) {
            let PlayoutOutput::Play(chunk) = output else { continue };
            if let Some(expected) = expected_at {
                assert_eq!(chunk.at, expected, "the timeline has a gap");
            }
            let mut ticks = chunk.ticks;
            match chunk.action {
                Action::Conceal => {
                    concealed += u64::from(ticks);
                    interruptions += u64::from(run < 7200 && run + u64::from(ticks) >= 7200);
                    run += u64::from(ticks);
                }
                Action::Decode(arrived) => {
                    delays.push(chunk.at.diff_millis(arrived));
                    run = 0;
                }
                Action::Fec => {
                    delays.push(chunk.at.diff_millis(*playout.upcoming().unwrap()));
                    run = 0;
                }
            }
            if chunk.stretch != Stretch::None && random.unit() < 0.65 {
                let change = 240 + (random.unit() * 360.0) as u32;
                ticks =
                    if chunk.stretch == Stretch::Shorten { ticks - change } else { ticks + change };
                stretched += u64::from(change);
                playout.on_played(ticks);
            }
            total += u64::from(ticks);
            expected_at = playout.next_wakeup();
        }
    }
    delays.sort_by(f64::total_cmp);
    let percent = |part: u64| 100.0 * part as f64 / total as f64;
    assert_eq!(playout.stats().concealed_samples, concealed);
    Row {
        delay: delays.iter().sum::<f64>() / delays.len() as f64,
        p95: delays[delays.len() * 95 / 100],
        concealed: percent(concealed),
        stretched: percent(stretched),
        interruptions: interruptions as f64,
        late: playout.stats().packets_late as f64,
    }
}

//! The result of a call: one JSON object, and the same in words.

use crate::cli::CallOptions;
use crate::meter::{Direction, percentile};
use crate::report;
use anyhow::{Context, Result};
use core::fmt::Write as _;
use core::time::Duration;
use serde::Serialize;
use visavis_core::Instant;
use visavis_sim::Capacity;

/// What a call came to. The order of the fields is that of the JSON keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// How packets were protected.
    pub srtp_profile: String,
    /// What the network was like.
    pub network: Network,
    /// What A said and showed, as B heard and saw it.
    pub a_to_b: Way,
    /// What B said and showed, as A heard and saw it.
    pub b_to_a: Way,
    /// The CPU time of the whole program; only in real time, so that a call in virtual time always
    /// gives the same result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
}

/// What the network was like, in each direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "each is the option of that name")]
pub struct Network {
    pub delay_ms: u64,
    pub jitter_ms: u64,
    pub loss_percent: f64,
    pub rate_kbps: Option<u64>,
    /// Each second of a capacity script.
    pub capacity_kbps: Option<Vec<f64>>,
    pub queue_ms: u64,
    pub seed: u64,
    #[serde(rename = "virtual")]
    pub virtual_time: bool,
}

/// One direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "each group is documented")]
pub struct Way {
    pub audio: Audio,
    pub video: Video,
    pub packets: Packets,
    pub target_kbps: Target,
    pub sent_kbps: Sent,
    pub srtp: Srtp,
}

/// Sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Audio {
    pub packets_sent: u64,
    pub packets_lost: u64,
    pub concealed_percent: f64,
    pub mouth_to_ear_ms: Percentiles,
}

/// Pictures. What needs the original picture is null where there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Video {
    pub codec: String,
    pub frames_sent: usize,
    pub frames_rendered: usize,
    pub psnr_y_db: Fidelity,
    pub glass_to_glass_ms: Percentiles,
    pub freezes: u32,
    pub longest_freeze_ms: f64,
    pub keyframes: u64,
}

/// Nearest-rank percentiles; null where nothing was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Percentiles {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
}

/// How faithful the pictures were.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Fidelity {
    pub mean: Option<f64>,
    pub min: Option<f64>,
}

/// All packets of this direction, feedback for the other one included, as the network saw them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Packets {
    pub sent: u64,
    pub lost: u64,
    pub lost_after_5s_percent: f64,
}

/// The rate that the media should have.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Target {
    pub mean: Option<f64>,
    pub last: Option<f64>,
    pub per_second: Vec<f64>,
}

/// The rate that the media had.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sent {
    pub per_second: Vec<f64>,
}

/// What the receiver's SRTP refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Srtp {
    pub auth_failures: u64,
    pub replays: u64,
}

/// Ends a call: completes what was received, writes `report.html` if there is a folder for it, and prints the result, as words or
/// as JSON on the last line of stdout.
///
/// # Errors
/// If a file can't be read or written.
pub fn finish(options: &CallOptions, mut directions: [Direction; 2]) -> Result<()> {
    directions.iter_mut().try_for_each(|direction| direction.received.finish())?;
    let directions = directions.each_ref();
    let capacity = options.capacity()?;
    let cpu = crate::cpu::seconds();
    let outcome = Outcome::new(options, &capacity, directions, cpu);
    if let Some(dir) = &options.out {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let path = dir.join("report.html");
        std::fs::write(&path, report::html(options, &capacity, &outcome, directions)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("report: {}", path.display());
    }
    if let (true, Some(cpu)) = (options.virtual_time, cpu) {
        eprintln!("cpu_seconds: {cpu:.2}");
    }
    if options.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        print!("{}", outcome.in_words());
    }
    Ok(())
}

impl Outcome {
    /// Sums up. `cpu` is left out of a call in virtual time.
    #[must_use]
    pub fn new(
        options: &CallOptions,
        capacity: &Capacity,
        directions: [&Direction; 2],
        cpu: Option<f64>,
    ) -> Self {
        let scripted = options.capacity.is_some().then(|| kbps_per_second(capacity, options));
        let [a_to_b, b_to_a] = directions.map(Way::new);
        Self {
            srtp_profile: options.srtp.clone(),
            network: Network {
                delay_ms: options.delay_ms,
                jitter_ms: options.jitter_ms,
                loss_percent: options.loss,
                rate_kbps: options.rate_kbps,
                capacity_kbps: scripted,
                queue_ms: options.queue_ms,
                seed: options.seed,
                virtual_time: options.virtual_time,
            },
            a_to_b,
            b_to_a,
            cpu_seconds: cpu.filter(|_| !options.virtual_time).map(|cpu| round(cpu, 2)),
        }
    }

    /// A few lines for a person.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = String::new();
        for (name, way) in [("A → B", &self.a_to_b), ("B → A", &self.b_to_a)] {
            let [picture, sound, rate] = way.sentences();
            let _infallible = writeln!(text, "{name}  {picture}\n       {sound}\n       {rate}");
        }
        text
    }
}

fn kbps_per_second(capacity: &Capacity, options: &CallOptions) -> Vec<f64> {
    let end = Instant::ZERO + options.duration();
    let seconds = (0..).map(|second| Instant::ZERO + Duration::from_secs(second));
    let rates = seconds.take_while(|&at| at < end).filter_map(|at| capacity.at(at));
    rates.map(|rate| rate.kbps_f64()).collect()
}

impl Way {
    fn new(direction: &Direction) -> Self {
        let (audio, video) = (&direction.audio, &direction.video);
        let freezes = video.freezes();
        let psnr = video.psnr_y_db();
        let duration = direction.duration;
        let end = Instant::ZERO + duration;
        let targets = direction.target.per_second(duration);
        let round1 = |values: Vec<f64>| values.into_iter().map(|v| round(v, 1)).collect();
        Self {
            audio: Audio {
                packets_sent: audio.packets_sent,
                packets_lost: direction.counters.audio_lost,
                concealed_percent: round(audio.concealed_percent(), 3),
                mouth_to_ear_ms: Percentiles::of(&audio.delays_ms()),
            },
            video: Video {
                codec: direction.codec.to_string(),
                frames_sent: video.frames.len(),
                frames_rendered: video.frames_rendered(),
                psnr_y_db: Fidelity {
                    mean: psnr.map(|psnr| round(psnr.0, 2)),
                    min: psnr.map(|psnr| round(psnr.1, 2)),
                },
                glass_to_glass_ms: Percentiles::of(&video.delays_ms()),
                freezes: freezes.count,
                longest_freeze_ms: round(freezes.longest.as_secs_f64() * 1e3, 1),
                keyframes: video.keyframes,
            },
            packets: Packets {
                sent: direction.latest.sent,
                lost: direction.latest.lost,
                lost_after_5s_percent: round(direction.lost_after_5s(), 3),
            },
            target_kbps: Target {
                mean: direction.target.mean(Instant::ZERO, end).map(|mean| round(mean, 1)),
                last: direction.target.at_end(duration).map(|last| round(last, 1)),
                per_second: round1(targets),
            },
            sent_kbps: Sent { per_second: round1(direction.sent_kbps()) },
            srtp: Srtp {
                auth_failures: direction.counters.auth_failures,
                replays: direction.counters.replays,
            },
        }
    }

    /// Pictures, sound and packets in a sentence each.
    pub(crate) fn sentences(&self) -> [String; 3] {
        let (video, audio) = (&self.video, &self.audio);
        let ms = |value: Option<f64>| value.map_or("–".to_owned(), |ms| format!("{ms:.0} ms"));
        let freezes = match video.freezes {
            0 => "no freeze".to_owned(),
            1 => format!("1 freeze of {:.0} ms", video.longest_freeze_ms),
            many => format!("{many} freezes, the longest {:.0} ms", video.longest_freeze_ms),
        };
        let fidelity =
            video.psnr_y_db.mean.map_or(String::new(), |mean| format!(", {mean:.1} dB PSNR-Y"));
        let glass = &video.glass_to_glass_ms;
        let mouth = &audio.mouth_to_ear_ms;
        [
            format!(
                "picture: {} of {} frames shown, {freezes}{fidelity}, {} late (p95 {})",
                video.frames_rendered,
                video.frames_sent,
                ms(glass.p50),
                ms(glass.p95)
            ),
            format!(
                "sound: {:.2} % concealed, {} late (p95 {})",
                audio.concealed_percent,
                ms(mouth.p50),
                ms(mouth.p95)
            ),
            format!(
                "network: {} of {} packets lost; rate {} kb/s on average, {} at the end",
                self.packets.lost,
                self.packets.sent,
                self.target_kbps.mean.map_or("–".to_owned(), |kbps| format!("{kbps:.0}")),
                self.target_kbps.last.map_or("–".to_owned(), |kbps| format!("{kbps:.0}"))
            ),
        ]
    }
}

impl Percentiles {
    fn of(values: &[f64]) -> Self {
        let at = |percent| percentile(values, percent).map(|value| round(value, 1));
        Self { p50: at(50), p95: at(95) }
    }
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

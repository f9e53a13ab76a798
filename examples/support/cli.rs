//! The command line of the examples, and how they end: 0, or one clear line and 2 for bad input.

use crate::UsageError;
use crate::video::VideoCodec;
use anyhow::Result;
use clap::Parser;
use core::fmt::Display;
use core::str::FromStr;
use core::time::Duration;
use std::path::PathBuf;
use std::process::ExitCode;
use visavis_core::Bitrate;
use visavis_sim::{Capacity, LinkConfig, Loss};

/// The options of the `call` example.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "call", about = "A two-way encrypted call between two endpoints on this machine")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct CallOptions {
    /// What both sides say: a WAV file of 8 to 48 kHz, mono or stereo [default: bundled speech].
    #[arg(long, value_name = "F.wav")]
    pub audio: Option<PathBuf>,
    /// What both sides show: a 4:2:0 Y4M file, or an IVF file with AV1 [default: a drawn picture].
    #[arg(long, value_name = "F.y4m|F.ivf")]
    pub video: Option<PathBuf>,
    /// How pictures are coded [default: h264, or what the IVF file holds].
    #[arg(long, value_name = "CODEC")]
    pub video_codec: Option<VideoCodec>,
    /// How long the call lasts.
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    pub seconds: f64,
    /// One-way delay of the network.
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = millis())]
    pub delay_ms: u64,
    /// Additional delay of each packet, uniform between 0 and this.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = millis())]
    pub jitter_ms: u64,
    /// Packets lost at random, in percent.
    #[arg(long, value_name = "PCT", default_value_t = 0.0, value_parser = percent)]
    pub loss: f64,
    /// Capacity of the network in each direction [default: unlimited].
    #[arg(long, value_name = "N", conflicts_with = "capacity", value_parser = kbps())]
    pub rate_kbps: Option<u64>,
    /// Capacity over time: lines of `seconds kbps`, the last one holds.
    #[arg(long, value_name = "FILE")]
    pub capacity: Option<PathBuf>,
    /// The longest queue in front of the bottleneck; what doesn't fit is lost.
    #[arg(long, value_name = "MS", default_value_t = 300, value_parser = millis())]
    pub queue_ms: u64,
    /// The rate that a call starts with.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = kbps())]
    pub start_kbps: u64,
    /// The lowest rate.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = kbps())]
    pub min_kbps: u64,
    /// The highest rate.
    #[arg(long, value_name = "N", default_value_t = 1500, value_parser = kbps())]
    pub max_kbps: u64,
    /// How packets are protected.
    #[arg(long, value_name = "PROFILE", default_value = "AEAD_AES_128_GCM")]
    pub srtp: String,
    /// Seed of everything that is random.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Run in virtual time, as fast as the machine allows.
    #[arg(long = "virtual")]
    pub virtual_time: bool,
    /// Where received media and the report go [default: nowhere].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the result as one JSON object, the last line of stdout.
    #[arg(long)]
    pub json: bool,
}

impl CallOptions {
    /// Reads the command line.
    ///
    /// # Errors
    /// [`UsageError`] if an option is unknown, has a value that it can't have, or contradicts another.
    pub fn from_args() -> Result<Self> {
        Self::from_list(std::env::args_os())
    }

    /// Like [`from_args`](Self::from_args), of any list; the first one is the program's name.
    ///
    /// # Errors
    /// [`UsageError`], as there.
    pub fn from_list<T: Into<std::ffi::OsString> + Clone>(
        args: impl IntoIterator<Item = T>,
    ) -> Result<Self> {
        let options: Self = parse(args)?;
        if !(options.min_kbps..=options.max_kbps).contains(&options.start_kbps) {
            return Err(UsageError::new(format!(
                "--start-kbps {} must be between --min-kbps {} and --max-kbps {}",
                options.start_kbps, options.min_kbps, options.max_kbps
            ))
            .into());
        }
        Ok(options)
    }

    /// How long the call lasts.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// The rates: start, lowest, highest.
    #[must_use]
    pub fn rates(&self) -> [Bitrate; 3] {
        [self.start_kbps, self.min_kbps, self.max_kbps].map(Bitrate::from_kbps)
    }

    /// `--srtp` as the type that knows which profiles there are.
    ///
    /// # Errors
    /// [`UsageError`] if it isn't one of them.
    pub fn srtp<P: FromStr<Err: Display>>(&self) -> Result<P, UsageError> {
        self.srtp.parse().map_err(|e: P::Err| UsageError::new(format!("--srtp {}: {e}", self.srtp)))
    }

    /// The network in both directions, from A to B and back. Their random numbers differ; time on
    /// the capacity script counts from [`Instant::ZERO`](visavis_core::Instant::ZERO), when the call starts.
    ///
    /// # Errors
    /// [`UsageError`] if the capacity script can't be read.
    pub fn links(&self) -> Result<[LinkConfig; 2]> {
        let mut config = LinkConfig::default();
        config.delay = Duration::from_millis(self.delay_ms);
        config.jitter = Duration::from_millis(self.jitter_ms);
        config.queue = Duration::from_millis(self.queue_ms);
        config.capacity = self.capacity()?;
        if self.loss > 0.0 {
            config.loss = Loss::Random(self.loss / 100.0);
        }
        let seeded = |way: u64| {
            let mut config = config.clone();
            config.seed = self.seed.wrapping_mul(2).wrapping_add(way);
            config
        };
        Ok([seeded(0), seeded(1)])
    }

    /// What the network carries over time.
    ///
    /// # Errors
    /// [`UsageError`] if the capacity script can't be read.
    pub fn capacity(&self) -> Result<Capacity> {
        let Some(path) = &self.capacity else {
            let constant = |kbps| Capacity::constant(Bitrate::from_kbps(kbps));
            return Ok(self.rate_kbps.map_or_else(Capacity::unlimited, constant));
        };
        let read = || Ok(Capacity::parse(&std::fs::read_to_string(path)?)?);
        read().map_err(|error| UsageError::file(path, &error).into())
    }
}

/// Runs an example's main function. An error is one line on stderr; the exit code is 2 if it was a
/// [`UsageError`] and 1 otherwise.
pub fn run(main: impl FnOnce() -> Result<()>) -> ExitCode {
    let Err(error) = main() else { return ExitCode::SUCCESS };
    let usage = error.chain().any(|cause| cause.is::<UsageError>());
    eprintln!("error: {}", one_line(&format!("{error:#}")));
    ExitCode::from(if usage { 2 } else { 1 })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Parses the options of any example; help and version are printed and end the program.
///
/// # Errors
/// [`UsageError`] with the first line of what clap says.
pub fn parse<O: Parser>(
    args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
) -> Result<O> {
    O::try_parse_from(args).map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        let text = error.to_string();
        let problem = one_line(text.split("\n\n").next().unwrap_or_default());
        UsageError::new(problem.strip_prefix("error: ").unwrap_or(&problem)).into()
    })
}

fn seconds(text: &str) -> Result<f64, String> {
    number(text, 0.1, 86_400.0)
}

fn percent(text: &str) -> Result<f64, String> {
    number(text, 0.0, 100.0)
}

fn number(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("must be between {least} and {most}"))
    }
}

fn millis() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(0..=60_000)
}

fn kbps() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=10_000_000)
}

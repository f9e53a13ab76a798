//! `cargo xtask interop`: SRTP to and from programs that someone else wrote.
//!
//! Every case is one sender and one receiver on loopback with a fixed key and no signalling. The sender
//! talks until the receiver has had its seconds; then what was decoded is judged.

mod install;
mod judge;
mod line;
mod peers;

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{cargo, run, shown, target_dir};
use line::Line;

/// How much a receiver takes.
const SECONDS: u32 = 5;

/// How long a program may take to listen, and a receiver to have its seconds, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Peer {
    Ffmpeg,
    Gstreamer,
}

pub(crate) fn run_all(only: Option<Peer>) -> Result<()> {
    let mut programs = Vec::new();
    if only != Some(Peer::Gstreamer) {
        programs.push(Program::Ffmpeg(install::ffmpeg()?));
    }
    if only != Some(Peer::Ffmpeg) {
        install::gstreamer()?;
        programs.push(Program::Gstreamer);
    }
    // In the profile and with the features of the tests, which have built nearly all of it.
    run(cargo().args(["build", "--locked", "--workspace", "--example", "peer"]))?;
    programs.push(Program::Visavis(target_dir().join("debug/examples/peer")));

    let mut failures = 0;
    for (sender, receiver) in cases(&programs) {
        let name = format!("{} to {}", sender.name(), receiver.name());
        match run_case(&name, sender, receiver) {
            Ok(verdict) => eprintln!("interop: {name}: {verdict}"),
            Err(error) => {
                failures += 1;
                eprintln!("error: {name}: {error:#}");
            }
        }
    }
    ensure!(failures == 0, "{failures} cases failed");
    Ok(())
}

/// Who sends to whom: everybody to everybody else. Where the others understand each other but not us,
/// the failure is ours.
fn cases(programs: &[Program]) -> impl Iterator<Item = (&Program, &Program)> {
    let pairs = programs.iter().flat_map(|sender| programs.iter().map(move |to| (sender, to)));
    pairs.filter(|(sender, receiver)| sender.name() != receiver.name())
}

/// A program that can send and receive.
enum Program {
    Ffmpeg(PathBuf),
    Gstreamer,
    Visavis(PathBuf),
}

impl Program {
    fn name(&self) -> &'static str {
        match self {
            Self::Ffmpeg(_) => "FFmpeg",
            Self::Gstreamer => "GStreamer",
            Self::Visavis(_) => "visavis",
        }
    }

    /// Takes some seconds and ends.
    fn receives(&self, line: Line, folder: &Path) -> Result<Vec<Command>> {
        Ok(match self {
            Self::Ffmpeg(program) => {
                let sdp = folder.join("line.sdp");
                fs::write(&sdp, line.sdp()).context("cannot write the SDP")?;
                vec![peers::ffmpeg_receives(program, &sdp, folder, SECONDS)]
            }
            Self::Gstreamer => vec![peers::gstreamer_receives(line, folder, SECONDS)],
            // It counts from its own start, and the others take their time to send.
            Self::Visavis(program) => peers::visavis(program, "receive", line, SECONDS + 4).into(),
        })
    }

    /// Sends until it is stopped.
    fn sends(&self, line: Line) -> Vec<Command> {
        match self {
            Self::Ffmpeg(program) => vec![peers::ffmpeg_sends(program, line)],
            Self::Gstreamer => vec![peers::gstreamer_sends(line)],
            Self::Visavis(program) => peers::visavis(program, "send", line, 600).into(),
        }
    }

    /// What came of it.
    fn judge(&self, folder: &Path) -> Result<String> {
        let (audio, video) = match self {
            Self::Ffmpeg(_) | Self::Gstreamer => (
                judge::audio(&folder.join("audio.pcm"), SECONDS)?,
                judge::video(&folder.join("video.yuv"), SECONDS)?,
            ),
            Self::Visavis(_) => (
                judge::audio_report(&folder.join("receiver-0.log"), SECONDS)?,
                judge::video_report(&folder.join("receiver-1.log"), SECONDS)?,
            ),
        };
        Ok(format!("{audio}, {video}"))
    }
}

fn run_case(name: &str, sender: &Program, receiver: &Program) -> Result<String> {
    let folder = target_dir().join("interop").join(name.replace(' ', "-"));
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let line = Line::free()?;

    let mut receiving = Running::start(receiver.receives(line, &folder)?, &folder, "receiver")?;
    for port in [line.audio_port, line.video_port] {
        receiving.wait_for_port(port)?;
    }
    let sending = Running::start(sender.sends(line), &folder, "sender")?;
    receiving.wait()?;
    drop(sending);
    receiver.judge(&folder).with_context(|| format!("what they said is in {}", folder.display()))
}

/// The programs of one side of a case. They end with the case, whatever happens.
struct Running {
    children: Vec<(Child, String)>,
    folder: PathBuf,
}

impl Running {
    fn start(commands: Vec<Command>, folder: &Path, role: &str) -> Result<Self> {
        let mut running = Self { children: Vec::new(), folder: folder.to_path_buf() };
        for (number, mut command) in commands.into_iter().enumerate() {
            let log = folder.join(format!("{role}-{number}.log"));
            let file =
                File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
            let twin = file.try_clone().context("cannot share a log")?;
            let command = command.stdin(Stdio::null()).stdout(twin).stderr(file);
            let shown = shown(command);
            let child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
            running.children.push((child, shown));
        }
        Ok(running)
    }

    /// Until somebody listens there: a packet sent earlier would be lost.
    fn wait_for_port(&mut self, port: u16) -> Result<()> {
        let bound = format!(":{port:04X} ");
        self.patiently("to listen", |running| {
            running.ended()?;
            let listening = ["/proc/net/udp", "/proc/net/udp6"].iter().any(|table| {
                // `sl: address:port ...`; a peer's port stands further to the right.
                let table = fs::read_to_string(table).unwrap_or_default();
                table.lines().any(|socket| {
                    socket
                        .split_once(": ")
                        .and_then(|(_, rest)| rest.find(&bound))
                        .is_some_and(|at| at == 8 || at == 32)
                })
            });
            Ok(listening)
        })
    }

    /// Until all have ended well.
    fn wait(&mut self) -> Result<()> {
        self.patiently("to hear and see enough", Self::ended)
    }

    /// Whether all have ended well; one that failed is an error.
    fn ended(&mut self) -> Result<bool> {
        let mut all = true;
        for (child, command) in &mut self.children {
            match child.try_wait().context("cannot wait")? {
                None => all = false,
                Some(status) => ensure!(
                    status.success(),
                    "`{command}` failed ({status}); what it said is in {}",
                    self.folder.display()
                ),
            }
        }
        Ok(all)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a tool for the terminal, which waits for programs"
    )]
    fn patiently(
        &mut self,
        what: &str,
        mut done: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        let started = Instant::now();
        while !done(self)? {
            if started.elapsed() > PATIENCE {
                let commands: Vec<_> =
                    self.children.iter().map(|(_, name)| name.as_str()).collect();
                bail!(
                    "`{}` took too long {what}; what it said is in {}",
                    commands.join("`, `"),
                    self.folder.display()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (child, _) in &mut self.children {
            // Already gone is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

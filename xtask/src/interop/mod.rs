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

use crate::process::{shown, target_dir};
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

/// Who sends to whom. First the programs among themselves: where that works, a later failure is ours.
fn cases(programs: &[Program]) -> impl Iterator<Item = (&Program, &Program)> {
    let pairs = programs.iter().flat_map(|sender| programs.iter().map(move |to| (sender, to)));
    pairs.filter(|(sender, receiver)| sender.name() != receiver.name())
}

/// A program that can send and receive.
enum Program {
    Ffmpeg(PathBuf),
    Gstreamer,
}

impl Program {
    fn name(&self) -> &'static str {
        match self {
            Self::Ffmpeg(_) => "FFmpeg",
            Self::Gstreamer => "GStreamer",
        }
    }

    /// Takes some seconds and leaves audio.pcm (48 kHz mono s16le) and video.yuv (I420) in the folder.
    fn receives(&self, line: Line, folder: &Path) -> Result<Command> {
        match self {
            Self::Ffmpeg(program) => {
                let sdp = folder.join("line.sdp");
                fs::write(&sdp, line.sdp()).context("cannot write the SDP")?;
                Ok(peers::ffmpeg_receives(program, &sdp, folder, SECONDS))
            }
            Self::Gstreamer => Ok(peers::gstreamer_receives(line, folder, SECONDS)),
        }
    }

    /// Sends until it is stopped.
    fn sends(&self, line: Line) -> Command {
        match self {
            Self::Ffmpeg(program) => peers::ffmpeg_sends(program, line),
            Self::Gstreamer => peers::gstreamer_sends(line),
        }
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

    let mut receiver = Running::start(receiver.receives(line, &folder)?, &folder, "receiver")?;
    receiver.wait_for_port(line.audio_port)?;
    receiver.wait_for_port(line.video_port)?;
    let sender = Running::start(sender.sends(line), &folder, "sender")?;
    receiver.wait()?;
    drop(sender);

    let audio = judge::audio(&folder.join("audio.pcm"), SECONDS);
    let video = judge::video(&folder.join("video.yuv"), SECONDS);
    let logs = || format!("what the programs said is in {}", folder.display());
    Ok(format!("{}, {}", audio.with_context(logs)?, video.with_context(logs)?))
}

/// A program of one case. It ends with the case, whatever happens.
struct Running {
    child: Child,
    command: String,
    log: PathBuf,
}

impl Running {
    fn start(mut command: Command, folder: &Path, role: &str) -> Result<Self> {
        let log = folder.join(role).with_extension("log");
        let file = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let twin = file.try_clone().context("cannot share a log")?;
        let command = command.stdin(Stdio::null()).stdout(twin).stderr(file);
        let shown = shown(command);
        let child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
        Ok(Self { child, command: shown, log })
    }

    /// Until it listens there: a packet sent earlier would be lost.
    fn wait_for_port(&mut self, port: u16) -> Result<()> {
        let bound = format!(":{port:04X} ");
        self.patiently("to listen", |running| {
            if let Some(status) = running.child.try_wait().context("cannot wait")? {
                bail!(
                    "`{}` ended early ({status}); see {}",
                    running.command,
                    running.log.display()
                );
            }
            let listening = ["/proc/net/udp", "/proc/net/udp6"].iter().any(|table| {
                fs::read_to_string(table).is_ok_and(|table| {
                    table.lines().any(|socket| {
                        socket
                            .split_once(": ")
                            .is_some_and(|(_, rest)| rest.find(&bound) == Some(8))
                    })
                })
            });
            Ok(listening.then_some(()))
        })
    }

    /// Until it has ended well.
    fn wait(&mut self) -> Result<()> {
        let status = self.patiently("to have heard and seen enough", |running| {
            running.child.try_wait().context("cannot wait")
        })?;
        ensure!(
            status.success(),
            "`{}` failed ({status}); see {}",
            self.command,
            self.log.display()
        );
        Ok(())
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a tool for the terminal, which waits for programs"
    )]
    fn patiently<T>(
        &mut self,
        what: &str,
        mut poll: impl FnMut(&mut Self) -> Result<Option<T>>,
    ) -> Result<T> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(done) = poll(self)? {
                return Ok(done);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("`{}` took too long {what}; see {}", self.command, self.log.display())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

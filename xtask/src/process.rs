//! Child processes: every failure names the command that failed, and whatever takes long is seen to move.
#![allow(clippy::disallowed_methods, reason = "a tool for the terminal, which times what it runs")]

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// A command that ran and failed. Its exit code becomes ours, so that `demo` says 2 when the call does.
#[derive(Debug)]
pub(crate) struct Failed {
    command: String,
    status: ExitStatus,
    /// The end of what it said, where that wasn't shown.
    tail: String,
}

impl Failed {
    pub(crate) fn code(&self) -> u8 {
        self.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed ({})", self.command, self.status)?;
        if !self.tail.is_empty() {
            write!(f, "; it ended with:\n{}", self.tail.trim_end())?;
        }
        Ok(())
    }
}

impl std::error::Error for Failed {}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo builds, and where we may build too.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Cargo at the root of the checkout, of the toolchain that runs us.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    as_if_typed(&mut cargo);
    cargo
}

/// Takes back what `cargo run` put into our environment from `.cargo/config.toml`: with it, build scripts
/// would believe that the variable changed whenever a person types the same command without xtask.
pub(crate) fn as_if_typed(command: &mut Command) {
    let ours = root().join(".native/lib/pkgconfig");
    if std::env::var_os("PKG_CONFIG_PATH").is_some_and(|path| path == ours) {
        command.env_remove("PKG_CONFIG_PATH");
    }
}

/// As a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    let words = words.map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains([' ', '"', '\'', '$', ';', '&', '|']) {
            format!("'{}'", word.replace('\'', r"'\''"))
        } else {
            word.into_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Runs a program that speaks for itself: its output goes straight through.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if status.success() {
        return Ok(());
    }
    Err(Failed { command: shown(command), status, tail: String::new() }.into())
}

/// What a short question answers: `None` where the program is missing or says no.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program of this name is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    find_on_path(program).is_some()
}

/// The first program of this name on the PATH.
pub(crate) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Runs a program whose output nobody wants to read unless it fails, and shows that it moves: a bar or a
/// spinner on a terminal, now and then a line in a pipe.
pub(crate) fn watch(what: &str, command: &mut Command) -> Result<()> {
    let started = Instant::now();
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("cannot share a pipe")?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    // The command keeps the writing end open until it is told otherwise, and then the pipe never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut progress = Progress::start(what);
    let mut tail = VecDeque::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.context("cannot read what it says")?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        progress.line(&line);
        if tail.len() == 30 {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{}`", shown(command)))?;
    progress.end(status.success(), started.elapsed());
    if status.success() {
        return Ok(());
    }
    let tail = Vec::from(tail).join("\n");
    Err(Failed { command: shown(command), status, tail }.into())
}

/// One long step on the screen.
struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    /// The last tenth that was told in a pipe.
    tenth: u64,
}

impl Progress {
    fn start(what: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_message(what.to_owned());
            bar.set_style(style("{spinner} {msg} {elapsed} {prefix:.dim}"));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if bar.is_none() {
            eprintln!("{what} ...");
        }
        Self { what: what.to_owned(), bar, tenth: 0 }
    }

    fn line(&mut self, line: &str) {
        let step = ninja_step(line);
        match (&self.bar, step) {
            (Some(bar), Some((done, all))) => {
                if bar.length() != Some(all) {
                    bar.set_style(style("{spinner} {msg} [{bar:30}] {pos}/{len} {elapsed}"));
                    bar.set_length(all);
                }
                bar.set_position(done);
            }
            (Some(bar), None) => bar.set_prefix(line.chars().take(60).collect::<String>()),
            (None, Some((done, all))) if all > 0 && done * 10 / all > self.tenth => {
                self.tenth = done * 10 / all;
                eprintln!("{} ... {} %", self.what, self.tenth * 10);
            }
            (None, _) => {}
        }
    }

    fn end(self, well: bool, took: Duration) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        if well {
            eprintln!("{}: done in {} s", self.what, took.as_secs());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// `[12/340] Compiling ...`
fn ninja_step(line: &str) -> Option<(u64, u64)> {
    let (step, _) = line.strip_prefix('[')?.split_once(']')?;
    let (done, all) = step.split_once('/')?;
    Some((done.trim().parse().ok()?, all.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_shows_its_end() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo first; echo last >&2; exit 3"]);
        let error = watch("a step", &mut command).unwrap_err();
        let failed = error.downcast_ref::<Failed>().unwrap();
        assert_eq!(failed.code(), 3);
        let text = failed.to_string();
        assert!(text.starts_with("`sh -c 'echo first; echo last >&2; exit 3'` failed"), "{text}");
        assert!(text.ends_with("first\nlast"), "{text}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-here")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program-here`");
        assert_eq!(ask(&mut Command::new("no-such-program-here")), None);
    }

    #[test]
    fn ninja_says_how_far_it_is() {
        assert_eq!(ninja_step("[12/340] Compiling C object"), Some((12, 340)));
        assert_eq!(ninja_step("[x/340] Compiling"), None);
        assert_eq!(ninja_step("ninja: no work to do."), None);
    }
}

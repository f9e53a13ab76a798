//! Packages of the system: brought by apt as root, otherwise named in the one line that brings them.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::{Failed, ask, on_path, shown, watch};

/// How often apt-get is tried: mirrors have hiccups.
const TRIES: u64 = 3;

/// Installs the packages, or says how. `what_for` ends up in the message.
pub(crate) fn install(packages: &[&str], what_for: &str) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.join(" ");
    if !on_path("apt-get") {
        bail!("{what_for} needs what Debian calls {names}: install that by your package manager");
    }
    if !is_root() {
        bail!(
            "{what_for} needs {names}; run this line, then the same command again:\n  sudo sh -c \
             'apt-get update && apt-get install -y --no-install-recommends {names}'"
        );
    }
    update()?;
    let mut install = apt_get();
    install.args(["install", "-y", "--no-install-recommends"]).args(packages);
    retry(&format!("apt-get install {names}"), &mut install)
}

/// Has apt read its lists, once per run.
pub(crate) fn update() -> Result<()> {
    static DONE: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    if DONE.get().is_none() {
        retry("apt-get update", apt_get().arg("update"))?;
        DONE.get_or_init(|| ());
    }
    Ok(())
}

/// Whether we may install: as root on a system with apt.
pub(crate) fn may_install() -> bool {
    on_path("apt-get") && is_root()
}

fn is_root() -> bool {
    ask(Command::new("id").arg("-u")).is_some_and(|id| id == "0")
}

/// The version of a package that apt would install.
pub(crate) fn candidate(package: &str) -> Option<String> {
    let policy = ask(Command::new("apt-cache").args(["policy", package]).env("LC_ALL", "C"))?;
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (version != "(none)").then(|| version.to_owned())
}

/// Whether a Debian version is at least `major.minor`.
pub(crate) fn at_least(version: &str, major: u32, minor: u32) -> bool {
    let version = version.split_once(':').map_or(version, |(_epoch, version)| version);
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
}

fn apt_get() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args([
        "-q",
        "-o=Acquire::Retries=3",
        "-o=Dpkg::Use-Pty=0",
        "-o=DPkg::Lock::Timeout=300",
    ]);
    apt
}

fn retry(what: &str, command: &mut Command) -> Result<()> {
    for attempt in 1..TRIES {
        match watch(what, command) {
            Err(error) if error.is::<Failed>() => {
                eprintln!("`{}` failed; trying again in {} s", shown(command), attempt * 5);
                std::thread::sleep(Duration::from_secs(attempt * 5));
            }
            ended => return ended,
        }
    }
    watch(what, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_debian_are_compared_by_number() {
        assert!(!at_least("1.0.0-2+deb12u1", 1, 3));
        assert!(at_least("1.5.1-1", 1, 3));
        assert!(at_least("1.4.1-1build1", 1, 3));
        assert!(at_least("2:1.10", 1, 3));
        assert!(!at_least("", 1, 3));
    }
}

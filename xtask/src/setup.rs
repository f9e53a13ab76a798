//! `cargo xtask setup`: brings what is missing, says what it does, and does nothing the second time.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process::{ask, cargo, find_on_path, on_path, root, run, target_dir, watch};
use crate::{native, system};

/// Every workspace whose packages must be here before the network goes.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

/// The version that was tried.
const CARGO_FUZZ: &str = "0.13.2";

pub(crate) fn run_all() -> Result<()> {
    // Two setups at once would build into the same place.
    let target = target_dir();
    std::fs::create_dir_all(&target)
        .with_context(|| format!("cannot make {}", target.display()))?;
    let lock = File::create(target.join("xtask.lock")).context("cannot make xtask.lock")?;
    if lock.try_lock().is_err() {
        eprintln!("setup: another one is running; waiting for it");
        lock.lock().context("cannot lock xtask.lock")?;
    }

    if !native::intact() && native::present() {
        eprintln!("setup: the dav1d in .native is not whole; making it anew");
        native::remove()?;
    }
    let did = [tools()?, dav1d()?, packages()?, cargo_fuzz()?];
    if !did.contains(&true) {
        eprintln!("setup: everything is here");
    }
    Ok(())
}

/// The programs that build the C and C++ libraries.
fn tools() -> Result<bool> {
    let wanted = [
        ("c++", "g++"),               // OpenH264
        ("cmake", "cmake"),           // libopus
        ("make", "make"),             // what cmake drives
        ("nasm", "nasm"),             // OpenH264 and dav1d in assembly: twice as fast
        ("pkg-config", "pkg-config"), // finds dav1d
    ];
    let mut missing: Vec<_> =
        wanted.into_iter().filter(|(program, _)| !on_path(program)).map(|(_, p)| p).collect();
    if std::env::var_os("CXX").is_some() {
        missing.retain(|package| *package != "g++");
    }
    if missing.is_empty() {
        return Ok(false);
    }
    // In one go with what dav1d will ask for, so that without root one line is enough.
    if !native::intact() && native::found().is_none() {
        missing.extend(dav1d_packages()?);
        missing.sort_unstable();
        missing.dedup();
    }
    eprintln!("setup: missing here: {}", missing.join(" "));
    system::install(&missing, "building the codecs")?;
    Ok(true)
}

/// libdav1d 1.3 or newer: the system's, else our own.
fn dav1d() -> Result<bool> {
    if native::found().is_some() {
        return Ok(false);
    }
    if !native::intact() {
        system::install(&dav1d_packages()?, "decoding AV1")?;
        if native::found().is_some() {
            return Ok(true);
        }
        eprintln!("setup: no libdav1d {} or newer here; building one into .native", native::WANTED);
        native::build()?;
    }
    ensure!(
        native::found().is_some(),
        "pkg-config doesn't find .native/lib/pkgconfig/dav1d.pc: your environment sets PKG_CONFIG_PATH, \
         which goes before .cargo/config.toml; add {} to it",
        root().join(".native/lib/pkgconfig").display()
    );
    Ok(true)
}

/// What apt must bring for dav1d: the library itself where it is new enough, else what builds it.
fn dav1d_packages() -> Result<Vec<&'static str>> {
    if system::may_install() {
        system::update()?;
    }
    if system::candidate("libdav1d-dev").is_some_and(|version| system::at_least(&version, 1, 3)) {
        return Ok(vec!["libdav1d-dev"]);
    }
    let wanted = [("meson", "meson"), ("ninja", "ninja-build"), ("nasm", "nasm")];
    Ok(wanted.into_iter().filter(|(program, _)| !on_path(program)).map(|(_, p)| p).collect())
}

/// The packages of every lock file, so that everything afterwards works with the network cut.
fn packages() -> Result<bool> {
    let mut did = false;
    for manifest in WORKSPACES {
        let fetch = |offline: &[&str]| {
            let mut fetch = cargo();
            fetch.args(["fetch", "--locked", "--manifest-path", manifest]).args(offline);
            fetch
        };
        if ask(&mut fetch(&["--offline"])).is_none() {
            eprintln!("setup: fetching the packages that {manifest} locks");
            run(&mut fetch(&[]))?;
            did = true;
        }
    }
    Ok(did)
}

fn cargo_fuzz() -> Result<bool> {
    if cargo_fuzz_program().is_some() {
        return Ok(false);
    }
    let mut install = cargo();
    install.args(["install", "--locked", "--version", CARGO_FUZZ, "--root", ".native"]);
    // In debug: it's compiled in half the time, and all it does is launch.
    let what = format!("setup: installing cargo-fuzz {CARGO_FUZZ} into .native");
    watch(&what, install.args(["--debug", "cargo-fuzz"]))?;
    Ok(true)
}

/// Where cargo-fuzz is: the user's own, or ours.
pub(crate) fn cargo_fuzz_program() -> Option<PathBuf> {
    let ours = root().join(".native/bin/cargo-fuzz");
    let program = find_on_path("cargo-fuzz").or_else(|| ours.is_file().then_some(ours))?;
    ask(Command::new(&program).args(["fuzz", "--version"]))?;
    Some(program)
}

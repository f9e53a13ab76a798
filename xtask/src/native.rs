//! libdav1d where the system has none that is new enough: built from the source that the Cargo package
//! `libdav1d-sys` carries, and installed into `.native/`, where `.cargo/config.toml` points pkg-config.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{ask, cargo, root, target_dir, watch};

/// What the crate `dav1d` asks of pkg-config.
pub(crate) const WANTED: &str = "1.3.0";

/// What ninja installs and the build of the crate `dav1d` needs.
const INSTALLED: [&str; 3] = ["lib/libdav1d.a", "lib/pkgconfig/dav1d.pc", "include/dav1d/dav1d.h"];

/// The version that plain cargo commands would find, if it is new enough.
pub(crate) fn found() -> Option<String> {
    ask(Command::new("pkg-config").args([&format!("--atleast-version={WANTED}"), "dav1d"]))?;
    ask(Command::new("pkg-config").args(["--modversion", "dav1d"]))
}

/// Whether `.native` holds all of what was installed there, unchanged, for this place of the checkout.
pub(crate) fn intact() -> bool {
    let native = root().join(".native");
    let stamp = fs::read_to_string(native.join("dav1d.stamp")).ok();
    stamp.is_some() && stamp == stamp_of(&native).ok()
}

/// Whether anything of ours is there, whole or not.
pub(crate) fn present() -> bool {
    let native = root().join(".native");
    INSTALLED.iter().any(|file| native.join(file).exists())
}

/// Fetches, builds and installs libdav1d. Takes a minute or two.
pub(crate) fn build() -> Result<()> {
    let native = root().join(".native");
    remove()?;

    let source = fetch_source()?;
    let work = target_dir().join("native/dav1d");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("cannot clear {}", work.display()))?;
    }
    // A copy, because meson writes beside what it builds and cargo's copy of a package is read only.
    let copy = work.join("source");
    copy_tree(&source, &copy)?;

    let build = work.join("build");
    let mut meson = Command::new("meson");
    meson.arg("setup").arg(&build).arg(&copy).args([
        "-Denable_tools=false",
        "-Denable_tests=false",
        "--default-library=static",
        "--buildtype=release",
        "--libdir=lib",
    ]);
    watch("dav1d: configuring", meson.arg("--prefix").arg(&native))?;
    watch("dav1d: building", Command::new("ninja").arg("-C").arg(&build))?;
    watch("dav1d: installing", Command::new("ninja").arg("-C").arg(&build).arg("install"))?;

    let stamp = stamp_of(&native)?;
    fs::write(native.join("dav1d.stamp"), stamp).context("cannot write .native/dav1d.stamp")?;
    fs::remove_dir_all(&work).with_context(|| format!("cannot clear {}", work.display()))
}

/// Takes away what an earlier run installed.
pub(crate) fn remove() -> Result<()> {
    let native = root().join(".native");
    for file in INSTALLED.iter().copied().chain(["dav1d.stamp"]) {
        let file = native.join(file);
        if file.exists() {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    Ok(())
}

/// Has cargo bring the source (with its checksum, from whatever registry is configured) and say where it is.
fn fetch_source() -> Result<PathBuf> {
    let manifest = root().join("xtask/dav1d/Cargo.toml");
    watch(
        "dav1d: fetching the source",
        cargo().args(["fetch", "--locked", "--manifest-path"]).arg(&manifest),
    )?;
    let metadata = ask(cargo()
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--manifest-path"])
        .arg(&manifest))
    .context("`cargo metadata` can't read xtask/dav1d/Cargo.toml")?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).context("`cargo metadata` gave no JSON")?;
    let packages = metadata.get("packages").and_then(serde_json::Value::as_array);
    let manifest = packages
        .into_iter()
        .flatten()
        .find(|package| package.get("name").is_some_and(|name| name == "libdav1d-sys"))
        .and_then(|package| package.get("manifest_path")?.as_str())
        .context("libdav1d-sys is not among the packages of xtask/dav1d")?;
    let vendor = Path::new(manifest).with_file_name("vendor");
    ensure!(vendor.join("meson.build").is_file(), "no source of dav1d in {}", vendor.display());
    Ok(vendor)
}

/// One line per installed file with its size and checksum, so that a half-written or moved `.native` is noticed.
fn stamp_of(native: &Path) -> Result<String> {
    let mut stamp = format!("{}\n", native.display());
    for file in INSTALLED {
        let bytes = fs::read(native.join(file))
            .with_context(|| format!("{file} is missing from .native"))?;
        if bytes.is_empty() {
            bail!("{file} in .native is empty");
        }
        // FNV-1a: meant to notice accidents.
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        writeln!(stamp, "{file} {} {hash:016x}", bytes.len())?;
    }
    Ok(stamp)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("cannot copy {} to {}", from.display(), to.display());
    fs::create_dir_all(to).with_context(failed)?;
    for entry in fs::read_dir(from).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let target = to.join(entry.file_name());
        if entry.file_type().with_context(failed)?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).with_context(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_notices_what_is_missing_or_changed() {
        let native = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        for file in INSTALLED {
            let file = native.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "something").unwrap();
        }
        let whole = stamp_of(&native).unwrap();
        fs::write(native.join(INSTALLED[0]), "somethinG").unwrap();
        assert_ne!(stamp_of(&native).unwrap(), whole);
        fs::write(native.join(INSTALLED[0]), "").unwrap();
        assert!(stamp_of(&native).is_err());
        fs::remove_file(native.join(INSTALLED[0])).unwrap();
        assert!(stamp_of(&native).is_err());
        fs::remove_dir_all(native).unwrap();
    }
}

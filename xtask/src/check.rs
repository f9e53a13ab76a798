//! `cargo xtask check`: the rules of the house that no lint can say.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::metadata::{Package, packages};
use crate::process::{ask, cargo, root};

/// Folders that hold sources.
const SOURCES: [&str; 5] = ["crates", "examples", "benches", "fuzz", "xtask"];

/// From here on a file wants to be two; above the limit it has to be.
const LONG: usize = 400;
const TOO_LONG: usize = 600;

/// Where there is no std, no socket, thread or clock can even be named.
const PURE: [&str; 5] = ["core", "rtp", "payload", "jitter", "congestion"];

/// Who may use whom (ARCHITECTURE.md); the facade may use everything.
const USES: [(&str, &[&str]); 12] = [
    ("core", &[]),
    ("rtp", &["core"]),
    ("srtp", &["core", "rtp"]),
    ("payload", &["core"]),
    ("jitter", &["core"]),
    ("congestion", &["core"]),
    ("codec", &["core"]),
    ("opus", &["core", "codec"]),
    ("h264", &["core", "codec"]),
    ("av1", &["core", "codec"]),
    ("sim", &["core"]),
    ("session", &["core", "rtp", "srtp", "payload", "jitter", "congestion"]),
];

/// Examples that have to stay short to prove their point: the limit in lines, and what they do without.
const PROOFS: [(&str, usize, &[&str]); 2] =
    [("examples/call.rs", 250, &[]), ("examples/by_hand.rs", 150, &["session"])];

/// What the examples' support library does without, so that the examples show it.
const NOT_IN_SUPPORT: [&str; 5] = ["session", "rtp", "srtp", "jitter", "congestion"];

pub(crate) fn run_all() -> Result<()> {
    let mut findings = Findings::default();
    let packages = packages()?;
    let files = sources()?;
    for (path, text) in &files {
        length(path, text, &mut findings);
        unsafe_code(path, text, &mut findings);
        std_outside_tests(path, text, &mut findings);
        if path.starts_with("examples/support") {
            does_without(path, text, &NOT_IN_SUPPORT, &mut findings);
        }
        for (proof, limit, without) in PROOFS {
            if path == Path::new(proof) {
                let lines = text.lines().count();
                if lines >= limit {
                    findings
                        .wrong(format!("{proof} has {lines} lines; it must stay under {limit}"));
                }
                does_without(path, text, without, &mut findings);
            }
        }
    }
    for package in &packages {
        manifest(package, &mut findings)?;
        direction(package, &mut findings);
        if PURE.contains(&package.short()) {
            pure(package, &files, &mut findings)?;
        }
    }
    findings.report(files.len())
}

#[derive(Debug, Default)]
struct Findings {
    warnings: Vec<String>,
    errors: Vec<String>,
}

impl Findings {
    fn wrong(&mut self, what: String) {
        self.errors.push(what);
    }

    fn report(self, files: usize) -> Result<()> {
        for warning in &self.warnings {
            eprintln!("warning: {warning}");
        }
        for error in &self.errors {
            eprintln!("error: {error}");
        }
        if !self.errors.is_empty() {
            bail!("{} rules of the house are broken", self.errors.len());
        }
        eprintln!("check: {files} source files keep the rules of the house");
        Ok(())
    }
}

/// Every Rust file with its text, by its path from the root.
fn sources() -> Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = SOURCES.iter().map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        let failed = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(root().join(&folder)).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let path = folder.join(entry.file_name());
            if entry.file_type().with_context(failed)?.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(root().join(&path));
                let text = text.with_context(|| format!("cannot read {}", path.display()))?;
                files.push((path, text));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn length(path: &Path, text: &str, findings: &mut Findings) {
    let lines = text.lines().count();
    let what = format!("{} has {lines} lines", path.display());
    if lines > TOO_LONG {
        findings.wrong(format!("{what}; the limit is {TOO_LONG}"));
    } else if lines > LONG {
        findings.warnings.push(format!("{what}; more than {LONG} want to be two files"));
    }
}

/// `unsafe` in libraries lives in one ffi.rs per codec crate.
fn unsafe_code(path: &Path, text: &str, findings: &mut Findings) {
    if !path.starts_with("crates") || path.ends_with("ffi.rs") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        if words(code_of(line)).any(|word| word == "unsafe") {
            findings.wrong(format!("{}:{}: unsafe outside ffi.rs", path.display(), number + 1));
        }
    }
}

/// The words of a line of code.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The line without its comment.
fn code_of(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

fn folder_of(path: &Path) -> Option<&str> {
    path.strip_prefix("crates").ok()?.iter().next()?.to_str()
}

/// A pure crate takes std for its tests only.
fn std_outside_tests(path: &Path, text: &str, findings: &mut Findings) {
    if !folder_of(path).is_some_and(|folder| PURE.contains(&folder)) {
        return;
    }
    let mut before = "";
    for (number, line) in text.lines().enumerate() {
        let declares = code_of(line).trim_start().trim_start_matches("pub ");
        if declares.starts_with("extern crate std") && before.trim() != "#[cfg(test)]" {
            let place = format!("{}:{}", path.display(), number + 1);
            findings.wrong(format!("{place}: `extern crate std` needs #[cfg(test)] before it"));
        }
        before = line;
    }
}

/// That a source names none of these crates of ours, neither directly nor through the facade.
fn does_without(path: &Path, text: &str, without: &[&str], findings: &mut Findings) {
    for (number, line) in text.lines().enumerate() {
        let code = code_of(line);
        for name in without {
            if words(code).any(|word| word == format!("visavis_{name}"))
                || code.contains(&format!("visavis::{name}"))
            {
                let place = format!("{}:{}", path.display(), number + 1);
                findings.wrong(format!("{place}: uses {name}, which it must do without"));
            }
        }
    }
}

/// Every package takes the workspace's lints, and `cargo bench -- --save-baseline x` must not reach libtest.
fn manifest(package: &Package, findings: &mut Findings) -> Result<()> {
    let text = fs::read_to_string(&package.manifest)
        .with_context(|| format!("cannot read {}", package.manifest))?;
    if !text.contains("[lints]\nworkspace = true") {
        findings.wrong(format!("{}: no `[lints] workspace = true`", package.name));
    }
    if package.is_library() && !text.contains("[lib]\nbench = false") {
        findings.wrong(format!("{}: no `[lib] bench = false`", package.name));
    }
    Ok(())
}

fn direction(package: &Package, findings: &mut Findings) {
    let Some((_, allowed)) = USES.iter().find(|(name, _)| *name == package.short()) else {
        if package.is_library() && package.name != "visavis" {
            findings.wrong(format!("{}: say in xtask/src/check.rs what it may use", package.name));
        }
        return;
    };
    for used in &package.uses {
        let used = used.strip_prefix("visavis-").unwrap_or(used);
        if !allowed.contains(&used) {
            findings.wrong(format!("{} must not depend on {used}", package.name));
        }
    }
}

/// No std, no unsafe, and no dependency whose std is switched on.
fn pure(package: &Package, files: &[(PathBuf, String)], findings: &mut Findings) -> Result<()> {
    let lib = PathBuf::from(format!("crates/{}/src/lib.rs", package.short()));
    let text = files.iter().find(|(path, _)| *path == lib).map_or("", |(_, text)| text);
    for attribute in ["#![no_std]", "#![forbid(unsafe_code)]"] {
        if !text.lines().any(|line| line == attribute) {
            findings.wrong(format!("{} lacks {attribute}", lib.display()));
        }
    }
    let mut tree = cargo();
    tree.args(["tree", "--locked", "--edges=normal,no-proc-macro", "--prefix=none"]);
    tree.args(["--format={p}: {f}", "--package", &package.name]);
    let tree = ask(&mut tree).with_context(|| format!("`cargo tree` on {}", package.name))?;
    for line in tree.lines() {
        let Some((dependency, features)) = line.rsplit_once(": ") else { continue };
        if features.split(',').any(|feature| feature == "std") {
            findings.wrong(format!("{}: its {dependency} has std switched on", package.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(rule: impl Fn(&mut Findings)) -> Vec<String> {
        let mut findings = Findings::default();
        rule(&mut findings);
        findings.errors
    }

    #[test]
    fn unsafe_belongs_into_ffi() {
        let check = |path: &str, text: &str| errors(|f| unsafe_code(Path::new(path), text, f));
        assert_eq!(check("crates/h264/src/lib.rs", "fn a() {}\nunsafe { b() }").len(), 1);
        assert!(check("crates/h264/src/ffi.rs", "unsafe { b() }").is_empty());
        assert!(check("crates/rtp/src/lib.rs", "#![forbid(unsafe_code)] // unsafe").is_empty());
    }

    #[test]
    fn std_is_for_tests_in_pure_crates() {
        let check =
            |path: &str, text: &str| errors(|f| std_outside_tests(Path::new(path), text, f));
        assert_eq!(check("crates/rtp/src/lib.rs", "extern crate std;").len(), 1);
        assert!(check("crates/rtp/src/lib.rs", "#[cfg(test)]\nextern crate std;").is_empty());
        assert!(check("crates/opus/src/lib.rs", "extern crate std;").is_empty());
    }

    #[test]
    fn a_long_file_is_too_long() {
        let check = |lines: usize| errors(|f| length(Path::new("a.rs"), &"x\n".repeat(lines), f));
        assert!(check(TOO_LONG).is_empty());
        assert_eq!(check(TOO_LONG + 1).len(), 1);
    }

    #[test]
    fn what_is_shown_by_hand_is_not_hidden() {
        let check = |text: &str| {
            errors(|f| does_without(Path::new("examples/support/a.rs"), text, &NOT_IN_SUPPORT, f))
        };
        assert_eq!(check("use visavis_rtp::Packet;").len(), 1);
        assert_eq!(check("use visavis::session::Session;").len(), 1);
        assert!(check("use visavis_codec::Picture; // not visavis_rtp").is_empty());
    }

    #[test]
    fn siblings_do_not_know_each_other() {
        let package = |uses: &str| Package {
            name: "visavis-jitter".to_owned(),
            features: Vec::new(),
            uses: vec![uses.to_owned()],
            manifest: "/crates/jitter/Cargo.toml".to_owned(),
        };
        assert!(errors(|f| direction(&package("visavis-core"), f)).is_empty());
        assert_eq!(errors(|f| direction(&package("visavis-rtp"), f)).len(), 1);
    }
}

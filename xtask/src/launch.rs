//! `demo`, `test`, `scorecard` and `fuzz`: setup first where it's needed, then the program itself.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::{as_if_typed, ask, cargo, run};
use crate::setup;

/// What `demo` shows when nothing else is asked for: a call over a network that misbehaves a little.
const DEMO: [&str; 6] = ["--seconds", "10", "--loss", "2", "--jitter-ms", "10"];

/// Where the report goes unless `--out` says otherwise.
const DEMO_OUT: &str = "out/demo";

pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    setup::run_all()?;
    let arguments = demo_arguments(arguments);
    let mut call = cargo();
    call.args([
        "run",
        "--release",
        "--locked",
        "--package",
        "visavis-examples",
        "--example",
        "call",
    ]);
    run(call.arg("--").args(&arguments))?;
    if let Some(out) = value_of(&arguments, "--out") {
        eprintln!("demo: the report is {out}/report.html; what was heard and seen lies beside it");
    }
    Ok(())
}

/// The user's own arguments, or ours; in both cases with a place for the report.
fn demo_arguments(given: &[String]) -> Vec<String> {
    let mut arguments: Vec<String> = if given.is_empty() {
        DEMO.iter().map(ToString::to_string).collect()
    } else {
        given.to_vec()
    };
    let asks_only = given.iter().any(|word| word == "--help" || word == "-h");
    if !asks_only && value_of(&arguments, "--out").is_none() {
        arguments.extend(["--out".to_owned(), DEMO_OUT.to_owned()]);
    }
    arguments
}

/// `--name VALUE` or `--name=VALUE`.
fn value_of<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == name {
            return words.next().map(String::as_str);
        }
        if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

pub(crate) fn test(arguments: &[String]) -> Result<()> {
    setup::run_all()?;
    run(cargo().args(["test", "--workspace", "--locked"]).args(arguments))
}

pub(crate) fn scorecard(name: &str, json: bool) -> Result<()> {
    let mut card = cargo();
    card.args(["run", "--profile", "bench", "--locked", "--quiet", "--package", "visavis-benches"]);
    card.args(["--bin", "scorecard", "--", name]);
    if json {
        card.arg("--json");
    }
    run(&mut card)
}

/// Runs cargo-fuzz. It needs flags that only a nightly compiler takes unless it is told to; telling it
/// here keeps the switch out of everybody else's build.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    let program = setup::cargo_fuzz_program()
        .context("cargo-fuzz is not here: `cargo xtask setup` brings it")?;
    let mut fuzz = Command::new(program);
    fuzz.arg("fuzz").args(arguments);
    as_if_typed(&mut fuzz);
    if !ask(Command::new("rustc").arg("--version")).is_some_and(|rustc| rustc.contains("nightly")) {
        fuzz.env("RUSTC_BOOTSTRAP", "1");
    }
    run(&mut fuzz)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_report_has_a_place() {
        assert!(demo_arguments(&[]).ends_with(&words("--out out/demo")));
        assert_eq!(demo_arguments(&words("--loss 5")), words("--loss 5 --out out/demo"));
        assert_eq!(demo_arguments(&words("--out there")), words("--out there"));
        assert_eq!(demo_arguments(&words("--out=there")), words("--out=there"));
        assert_eq!(demo_arguments(&words("--help")), words("--help"));
        assert_eq!(value_of(&words("--loss 5 --out=there"), "--out"), Some("there"));
    }
}

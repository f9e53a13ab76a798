//! Whole calls in virtual time: the example `call`, run on several networks, and its figures.
//!
//! The figures are those of both directions; the same seed gives the same ones on every machine.

use std::env;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{Goal, Scorecard};

/// A figure, from where it stands in the report of one direction.
type Figure = (&'static str, &'static str, fn(&Value) -> Option<f64>, Goal);

struct Scenario {
    name: &'static str,
    arguments: &'static [&'static str],
    figures: &'static [Figure],
}

const SCENARIOS: [Scenario; 3] = [
    Scenario {
        name: "20 ms",
        arguments: &["--seconds", "10", "--delay-ms", "20"],
        figures: &[
            ("frames rendered", "%", rendered, Goal::AtLeast(99.0)),
            ("PSNR-Y mean", "dB", |r| number(r, "/video/psnr_y_db/mean"), Goal::AtLeast(34.0)),
            ("audio concealed", "%", concealed, Goal::AtMost(0.2)),
            (
                "mouth to ear, p95",
                "ms",
                |r| number(r, "/audio/mouth_to_ear_ms/p95"),
                Goal::AtMost(110.0),
            ),
            (
                "glass to glass, p95",
                "ms",
                |r| number(r, "/video/glass_to_glass_ms/p95"),
                Goal::AtMost(140.0),
            ),
        ],
    },
    Scenario {
        name: "5 % loss, 40 ms, jitter",
        arguments: &["--seconds", "10", "--loss", "5", "--delay-ms", "40", "--jitter-ms", "20"],
        figures: &[
            ("frames rendered", "%", rendered, Goal::AtLeast(97.0)),
            ("longest freeze", "ms", freeze, Goal::AtMost(500.0)),
            ("audio concealed", "%", concealed, Goal::AtMost(2.5)),
        ],
    },
    Scenario {
        name: "600 kb/s",
        arguments: &["--seconds", "30", "--rate-kbps", "600"],
        figures: &[
            ("last target", "kb/s", |r| number(r, "/target_kbps/last"), Goal::Within(300.0, 600.0)),
            (
                "lost after 5 s",
                "%",
                |r| number(r, "/packets/lost_after_5s_percent"),
                Goal::AtMost(2.0),
            ),
            ("longest freeze", "ms", freeze, Goal::AtMost(1000.0)),
        ],
    },
];

/// Runs every scenario.
///
/// # Errors
///
/// If the example can't be run, or doesn't end with its report.
pub fn run(card: &mut Scorecard) -> Result<()> {
    for scenario in &SCENARIOS {
        let report =
            call(scenario.arguments).with_context(|| format!("call, {}", scenario.name))?;
        for direction in ["a_to_b", "b_to_a"] {
            for (name, unit, figure, goal) in scenario.figures {
                let name = format!("{}, {direction}: {name}", scenario.name);
                card.figure(name, unit, report.get(direction).and_then(figure), *goal);
            }
        }
    }
    Ok(())
}

/// The report of one call, the last line that it prints.
fn call(arguments: &[&str]) -> Result<Value> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let out = env::temp_dir().join("visavis-scorecard-call");
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--release", "--example", "call", "--"])
        .args(["--virtual", "--seed", "1", "--json", "--out"])
        .arg(out)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo run --example call")?;
    ensure!(output.status.success(), "the example failed: {}", output.status);
    let stdout = String::from_utf8(output.stdout).context("the report is not text")?;
    let last = stdout.lines().last().context("there is no report")?;
    serde_json::from_str(last).context("the last line is not the report")
}

fn number(report: &Value, pointer: &str) -> Option<f64> {
    report.pointer(pointer)?.as_f64()
}

fn rendered(report: &Value) -> Option<f64> {
    let sent = number(report, "/video/frames_sent").filter(|sent| *sent > 0.0)?;
    Some(100.0 * number(report, "/video/frames_rendered")? / sent)
}

fn concealed(report: &Value) -> Option<f64> {
    number(report, "/audio/concealed_percent")
}

fn freeze(report: &Value) -> Option<f64> {
    number(report, "/video/longest_freeze_ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_in_the_report_that_the_example_promises() {
        let direction = serde_json::json!({
            "audio": {"packets_sent": 1, "concealed_percent": 0.1, "mouth_to_ear_ms": {"p95": 90.0}},
            "video": {"frames_sent": 200, "frames_rendered": 199, "psnr_y_db": {"mean": 35.0},
                      "glass_to_glass_ms": {"p95": 120.0}, "longest_freeze_ms": 0},
            "packets": {"lost_after_5s_percent": 0.5},
            "target_kbps": {"last": 550.0},
        });
        for scenario in &SCENARIOS {
            for (name, _, figure, goal) in scenario.figures {
                let figure = figure(&direction);
                assert!(figure.is_some_and(|figure| goal.is_met(figure)), "{name}: {figure:?}");
            }
        }
        assert_eq!(rendered(&serde_json::json!({"video": {"frames_sent": 0}})), None);
    }
}

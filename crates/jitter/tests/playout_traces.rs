//! Eight networks through the audio playout, in virtual time: a table of what it did, under snapshot.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "test values are small")]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests have std")]

mod support;

use std::fmt::Write;

use support::{Network, Row, generate, play, published};

const NAMES: [&str; 8] = ["const30", "loss5", "ge10", "exp10", "wifi", "saw", "step", "norm40"];

fn with_fec(name: &str) -> bool {
    ["loss5", "ge10", "wifi"].contains(&name)
}

#[test]
fn the_published_traces() {
    let mut table = String::from(Row::HEADER);
    for name in NAMES {
        let row = play(&published(name), with_fec(name), 1);
        writeln!(table, "{name:<8} {row}").unwrap();
    }
    insta::assert_snapshot!(table);
}

/// Goals: mean delay in ms and concealed %, as means over ten seeds that are not the published ones.
#[test]
fn fresh_traces_meet_the_goals() {
    let goals = [
        ("const30", 30.0, 0.1),
        ("loss5", 35.0, 2.1),
        ("ge10", 35.0, 8.0),
        ("exp10", 80.0, 0.1),
        ("wifi", 100.0, 1.7),
        ("saw", 90.0, 0.15),
        ("step", 70.0, 0.3),
        ("norm40", 130.0, 0.3),
    ];
    let mut table = String::from(Row::HEADER);
    let mut missed = String::new();
    for (name, delay, concealed) in goals {
        let rows: Vec<Row> = (1..=10)
            .map(|seed| play(&generate(Network::named(name), seed), with_fec(name), seed))
            .collect();
        let mean = Row::mean(&rows);
        writeln!(table, "{name:<8} {mean}").unwrap();
        if mean.delay > delay || mean.concealed > concealed {
            writeln!(missed, "{name}: {mean}").unwrap();
        }
    }
    println!("{table}");
    assert!(missed.is_empty(), "missed:\n{missed}");
    insta::assert_snapshot!(table);
}

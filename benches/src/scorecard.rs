//! The rows of a card, for people and for programs.

use serde::Serialize;

use crate::contest::{Contestant, Quartiles, compare};

/// What a figure is measured against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// It must not be below this.
    AtLeast(f64),
    /// It must not be above this.
    AtMost(f64),
    /// It must be from the first to the second.
    Within(f64, f64),
}

impl Goal {
    /// Whether `value` meets it; what isn't a number doesn't.
    #[must_use]
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(goal) => value >= goal,
            Self::AtMost(goal) => value <= goal,
            Self::Within(from, to) => (from..=to).contains(&value),
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(goal) => format!(">= {goal}"),
            Self::AtMost(goal) => format!("<= {goal}"),
            Self::Within(from, to) => format!("{from} to {to}"),
        }
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The card's name.
    pub card: &'static str,
    /// What was measured.
    pub name: String,
    /// The unit of `ours` and `theirs`.
    pub unit: &'static str,
    /// Our figure; null if there is none.
    pub ours: Option<f64>,
    /// Who we compare with; null if the goal is absolute.
    pub peer: Option<&'static str>,
    /// The peer's figure.
    pub theirs: Option<f64>,
    /// How many times as fast as the peer we are: above 1 is faster.
    pub ratio: Option<f64>,
    /// The lower and upper quartile of the ratio over all rounds.
    pub ratio_quartiles: Option<[f64; 2]>,
    /// What the ratio, or without a peer our figure, must be.
    pub goal: String,
    /// Whether it is.
    pub met: bool,
}

/// A card being filled: each row goes to stdout as soon as it is known.
#[derive(Debug)]
pub struct Scorecard {
    card: &'static str,
    json: bool,
    rows: usize,
    met: usize,
}

impl Scorecard {
    /// An empty card; `json` makes each row an object on a line of its own.
    #[must_use]
    pub fn new(card: &'static str, json: bool) -> Self {
        if !json {
            println!(
                "{:<44} {:>6} {:>10} {:>10} {:>7} {:>15}  {:<10} {:<4} peer",
                "figure", "unit", "ours", "theirs", "ratio", "quartiles", "goal", "met"
            );
        }
        Self { card, json, rows: 0, met: 0 }
    }

    /// Measures a row: nanoseconds of one operation, the `goal` being on the ratio.
    pub fn contest(
        &mut self,
        name: impl Into<String>,
        peer: &'static str,
        goal: Goal,
        ours: &mut Contestant<'_>,
        theirs: &mut Contestant<'_>,
    ) {
        let comparison = compare(ours, theirs);
        let Quartiles { lower, median, upper } = comparison.ratio;
        self.add(Row {
            card: self.card,
            name: name.into(),
            unit: "ns",
            ours: Some(round(comparison.ours)),
            peer: Some(peer),
            theirs: Some(round(comparison.theirs)),
            ratio: Some(round(median)),
            ratio_quartiles: Some([round(lower), round(upper)]),
            goal: goal.text(),
            met: goal.is_met(median),
        });
    }

    /// Adds a row with a figure of our own; `None`, which meets no goal, if it couldn't be had.
    pub fn figure(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        ours: Option<f64>,
        goal: Goal,
    ) {
        self.add(Row {
            card: self.card,
            name: name.into(),
            unit,
            ours: ours.map(round),
            peer: None,
            theirs: None,
            ratio: None,
            ratio_quartiles: None,
            goal: goal.text(),
            met: ours.is_some_and(|ours| goal.is_met(ours)),
        });
    }

    /// How many rows there are, and how many of them meet their goal.
    #[must_use]
    pub const fn result(&self) -> (usize, usize) {
        (self.rows, self.met)
    }

    fn add(&mut self, row: Row) {
        self.rows += 1;
        self.met += usize::from(row.met);
        if self.json {
            println!("{}", serde_json::json!(row));
            return;
        }
        let number =
            |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value}"));
        let quartiles =
            row.ratio_quartiles.map_or_else(|| "-".into(), |[l, u]| format!("{l} to {u}"));
        println!(
            "{:<44} {:>6} {:>10} {:>10} {:>7} {:>15}  {:<10} {:<4} {}",
            row.name,
            row.unit,
            number(row.ours),
            number(row.theirs),
            number(row.ratio),
            quartiles,
            row.goal,
            if row.met { "yes" } else { "NO" },
            row.peer.unwrap_or("-"),
        );
    }
}

/// To three digits behind the point below 10, one below 1000, none above: more would be noise.
fn round(value: f64) -> f64 {
    let digits = match value.abs() {
        small if small < 10.0 => 1000.0,
        medium if medium < 1000.0 => 10.0,
        _ => 1.0,
    };
    (value * digits).round() / digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_met_at_their_ends() {
        assert!(Goal::AtLeast(1.5).is_met(1.5) && !Goal::AtLeast(1.5).is_met(1.49));
        assert!(Goal::AtMost(2.0).is_met(2.0) && !Goal::AtMost(2.0).is_met(2.1));
        assert!(Goal::Within(300.0, 600.0).is_met(600.0) && !Goal::Within(1.0, 2.0).is_met(0.9));
        assert!(!Goal::AtLeast(0.0).is_met(f64::NAN) && !Goal::AtMost(0.0).is_met(f64::NAN));
    }

    #[test]
    fn a_missing_figure_is_a_missed_goal() {
        let mut card = Scorecard::new("test", true);
        card.figure("there", "ms", Some(1.0), Goal::AtMost(1.0));
        card.figure("missing", "ms", None, Goal::AtMost(1.0));
        assert_eq!(card.result(), (2, 1));
    }
}

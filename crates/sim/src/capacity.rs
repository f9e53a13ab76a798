//! How much a link carries, over time.

use visavis_core::{Bitrate, DataSize, Instant};

/// What a link carries over time: unlimited, or steps of which the last holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capacity {
    /// In order of time; empty means unlimited.
    steps: Vec<(Instant, Bitrate)>,
}

/// A capacity script that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("capacity, line {line}: {problem}")]
pub struct CapacityError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: CapacityProblem,
}

/// What is wrong with a line of a capacity script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapacityProblem {
    /// There aren't two numbers on it.
    #[error("expected two numbers, seconds and kb/s")]
    NotTwoNumbers,
    /// A number is negative, not finite, or too large.
    #[error("seconds and kb/s must be from 0 to 1e9")]
    OutOfRange,
    /// It isn't later than the line before.
    #[error("must be later than the line before")]
    NotLater,
    /// The script has no step at all.
    #[error("there must be at least one step")]
    Empty,
}

impl Capacity {
    /// The link never holds a packet up.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { steps: Vec::new() }
    }

    /// Always `rate`. At no rate at all nothing passes.
    #[must_use]
    pub fn constant(rate: Bitrate) -> Self {
        Self { steps: vec![(Instant::ZERO, rate)] }
    }

    /// From each instant on the rate beside it; the first also holds before, the last for ever. A step
    /// of no rate is an outage.
    ///
    /// # Errors
    /// If there is no step, or one isn't later than the one before; `line` counts the steps from 1.
    pub fn steps(
        steps: impl IntoIterator<Item = (Instant, Bitrate)>,
    ) -> Result<Self, CapacityError> {
        let steps: Vec<_> = steps.into_iter().collect();
        if steps.is_empty() {
            return Err(CapacityError { line: 1, problem: CapacityProblem::Empty });
        }
        let unordered = steps.windows(2).position(|pair| matches!(pair, [a, b] if a.0 >= b.0));
        match unordered {
            Some(at) => Err(CapacityError { line: at + 2, problem: CapacityProblem::NotLater }),
            None => Ok(Self { steps }),
        }
    }

    /// Reads a script: each line has seconds and kb/s, as in `40 2500`. Empty lines and what follows a
    /// `#` are skipped.
    ///
    /// # Errors
    /// Says which line can't be read and why.
    pub fn parse(script: &str) -> Result<Self, CapacityError> {
        let mut steps: Vec<(Instant, Bitrate)> = Vec::new();
        for (index, line) in script.lines().enumerate() {
            let fail = |problem| CapacityError { line: index + 1, problem };
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let (at, rate) = parse_line(line).map_err(fail)?;
            if steps.last().is_some_and(|last| last.0 >= at) {
                return Err(fail(CapacityProblem::NotLater));
            }
            steps.push((at, rate));
        }
        Self::steps(steps)
    }

    /// The rate at `at`; `None` if unlimited.
    #[must_use]
    pub fn at(&self, at: Instant) -> Option<Bitrate> {
        let begun = self.steps.partition_point(|step| step.0 <= at);
        self.steps.get(begun.saturating_sub(1)).map(|step| step.1)
    }

    /// When the last bit of `size` has passed if the first one starts at `start`; `None` if never.
    pub(crate) fn passed(&self, start: Instant, size: DataSize) -> Option<Instant> {
        let (mut at, mut left) = (start, size);
        let mut next = self.steps.partition_point(|step| step.0 <= at).max(1);
        loop {
            let Some(rate) = self.at(at) else { return Some(at) };
            let until = self.steps.get(next).map(|step| step.0);
            let done = at + rate.time_for(left);
            match until {
                Some(until) if done > until => {
                    left -= rate.over(until.since(at));
                    at = until;
                    next += 1;
                }
                None if rate == Bitrate::ZERO && left > DataSize::ZERO => return None,
                _ => return Some(done),
            }
        }
    }
}

fn parse_line(line: &str) -> Result<(Instant, Bitrate), CapacityProblem> {
    let mut numbers = line.split_whitespace().map(str::parse::<f64>);
    let (Some(Ok(seconds)), Some(Ok(kbps)), None) =
        (numbers.next(), numbers.next(), numbers.next())
    else {
        return Err(CapacityProblem::NotTwoNumbers);
    };
    if ![seconds, kbps].iter().all(|number| (0.0..=1e9).contains(number)) {
        return Err(CapacityProblem::OutOfRange);
    }
    let whole = |number: f64, unit: u64| Bitrate::from_bps(unit).scale(number).bps();
    Ok((Instant::from_nanos(whole(seconds, 1_000_000_000)), Bitrate::from_bps(whole(kbps, 1_000))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use CapacityProblem::{Empty, NotLater, NotTwoNumbers, OutOfRange};

    fn error(script: &str) -> (usize, CapacityProblem) {
        let error = Capacity::parse(script).unwrap_err();
        (error.line, error.problem)
    }

    #[test]
    fn a_script_is_read_and_its_last_line_holds() {
        let capacity = Capacity::parse("# RFC 8867\n1 1000\n\n40.5\t2500 # up\n").unwrap();
        let at = |ms| capacity.at(Instant::from_millis(ms));
        assert_eq!(at(0), Some(Bitrate::from_kbps(1000)));
        assert_eq!(at(40_499), Some(Bitrate::from_kbps(1000)));
        assert_eq!(at(40_500), Some(Bitrate::from_kbps(2500)));
        assert_eq!(at(4_000_000), Some(Bitrate::from_kbps(2500)));
        assert_eq!(Capacity::unlimited().at(Instant::ZERO), None);
    }

    #[test]
    fn a_bad_script_says_where() {
        assert_eq!(error("0 100\n1\n"), (2, NotTwoNumbers));
        assert_eq!(error("0 100 7"), (1, NotTwoNumbers));
        assert_eq!(error("0 fast"), (1, NotTwoNumbers));
        assert_eq!(error("\n\n0 -1"), (3, OutOfRange));
        assert_eq!(error("0 inf"), (1, OutOfRange));
        assert_eq!(error("NaN 1"), (1, OutOfRange));
        assert_eq!(error("0 100\n5 100\n5 200"), (3, NotLater));
        assert_eq!(error("# nothing\n"), (1, Empty));
        assert_eq!(
            Capacity::parse("x").unwrap_err().to_string(),
            "capacity, line 1: expected two numbers, seconds and kb/s"
        );
        let twice = [(Instant::ZERO, Bitrate::ZERO); 2];
        assert_eq!(
            Capacity::steps(twice).unwrap_err(),
            CapacityError { line: 2, problem: NotLater }
        );
    }

    #[test]
    fn a_packet_crosses_steps_and_outages() {
        let capacity = Capacity::parse("0 800\n1 0\n2 80").unwrap();
        let size = DataSize::from_bytes(2000);
        let passed = |ms| capacity.passed(Instant::from_millis(ms), size);
        assert_eq!(passed(0), Some(Instant::from_millis(20)));
        // Half of it passes before the outage, the other half at a tenth of the rate after it.
        assert_eq!(passed(990), Some(Instant::from_millis(2100)));
        assert_eq!(passed(1500), Some(Instant::from_millis(2200)));
        let dead = Capacity::constant(Bitrate::ZERO);
        assert_eq!(dead.passed(Instant::ZERO, size), None);
        assert_eq!(Capacity::unlimited().passed(Instant::ZERO, size), Some(Instant::ZERO));
    }
}

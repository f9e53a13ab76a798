//! Two contestants taking turns.

use core::time::Duration;
use std::time::Instant;

/// How long each contestant runs in a round, at the least.
const TURN: Duration = Duration::from_millis(5);
const ROUNDS: usize = 41;

/// Something whose speed is measured: every call is a pass over a fixed batch, of which only the part
/// that counts is timed (see [`time`]).
pub struct Contestant<'a> {
    /// Operations in one pass.
    pub batch: u32,
    /// Does one pass and says how long it took.
    pub pass: Box<dyn FnMut() -> Duration + 'a>,
}

impl Contestant<'_> {
    /// Nanoseconds for one operation: the median of passes that take `turn` together, so that a pass
    /// which another process interrupted doesn't count.
    fn turn(&mut self, turn: Duration) -> f64 {
        let (mut passes, mut total) = (Vec::new(), Duration::ZERO);
        while total < turn {
            let pass = (self.pass)();
            total += pass;
            passes.push(pass.as_secs_f64() * 1e9 / f64::from(self.batch));
        }
        Quartiles::of(&mut passes).median
    }

    /// The time of `operations`, from as many passes as hold them: what criterion's `iter_custom`
    /// asks for.
    pub fn time_of(&mut self, operations: u64) -> Duration {
        let passes = operations.div_ceil(u64::from(self.batch));
        let total: Duration = (0..passes).map(|_| (self.pass)()).sum();
        #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        total.mul_f64(operations as f64 / (passes * u64::from(self.batch)) as f64)
    }
}

/// How long `work` takes.
#[allow(clippy::disallowed_methods, reason = "a bench is where the clock is read")]
pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The middle half of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quartiles {
    /// A quarter of them is below.
    pub lower: f64,
    /// Half of them is below.
    pub median: f64,
    /// A quarter of them is above.
    pub upper: f64,
}

impl Quartiles {
    /// Of `values`, whose order changes; of none at all, not a number.
    #[must_use]
    pub fn of(values: &mut [f64]) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let last = values.len().saturating_sub(1);
            values.get((last * quarter + 2) / 4).copied().unwrap_or(f64::NAN)
        };
        Self { lower: at(1), median: at(2), upper: at(3) }
    }
}

/// What came of a contest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Nanoseconds of one of our operations, median of the rounds.
    pub ours: f64,
    /// Nanoseconds of one of theirs.
    pub theirs: f64,
    /// How many times as fast ours is, round by round.
    pub ratio: Quartiles,
}

/// Lets both take turns, the one to begin changing from round to round.
pub fn compare(ours: &mut Contestant<'_>, theirs: &mut Contestant<'_>) -> Comparison {
    // The first round warms up.
    ours.turn(TURN);
    theirs.turn(TURN);
    let (mut our_times, mut their_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (our_time, their_time) = if round % 2 == 0 {
            let our_time = ours.turn(TURN);
            (our_time, theirs.turn(TURN))
        } else {
            let their_time = theirs.turn(TURN);
            (ours.turn(TURN), their_time)
        };
        our_times.push(our_time);
        their_times.push(their_time);
        ratios.push(their_time / our_time);
    }
    Comparison {
        ours: Quartiles::of(&mut our_times).median,
        theirs: Quartiles::of(&mut their_times).median,
        ratio: Quartiles::of(&mut ratios),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_the_textbook() {
        let quartiles = Quartiles::of(&mut [5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!((quartiles.lower, quartiles.median, quartiles.upper), (2.0, 3.0, 4.0));
        assert!(Quartiles::of(&mut []).median.is_nan());
    }

    #[test]
    fn who_needs_half_the_time_is_twice_as_fast() {
        let contestant = |micros| Contestant {
            batch: 10,
            pass: Box::new(move || Duration::from_micros(micros)),
        };
        let comparison = compare(&mut contestant(100), &mut contestant(200));
        assert!((comparison.ratio.median - 2.0).abs() < 1e-9);
        assert!((comparison.ours - 10_000.0).abs() < 1e-6);
        assert_eq!(contestant(100).time_of(25), Duration::from_micros(250));
    }
}

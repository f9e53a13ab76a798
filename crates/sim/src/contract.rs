//! Checks that an engine keeps the contract of [`visavis_core::Engine`], with random inputs.
//!
//! ```
//! use visavis_sim::{Link, LinkConfig, contract};
//!
//! let make = || Link::new(LinkConfig::default()).unwrap();
//! contract::check(20, make, |link, rng, now| {
//!     let _ = link.send(now, 1000, rng.below(100));
//! });
//! ```

use crate::Rng;
use core::fmt::Debug;
use core::time::Duration;
use visavis_core::{Engine, Instant};

/// How many rounds of inputs and polls one seed has.
const ROUNDS: u64 = 200;
/// An engine that yields so much without a pause never stops.
const MANY: usize = 100_000;

/// Drives the engines that `make` gives with random inputs, for each of `seeds` seeds, and checks that
///
/// - any number of inputs may come between polls, and time may go backwards (rules 1 and 2);
/// - after a drain the next wakeup is none or strictly later than the time (rule 3);
/// - nothing comes out before the wakeup that was announced;
/// - the same inputs give the same outputs, bytes written included (rule 5).
///
/// `input` gives the engine one random input. It must depend on nothing but its arguments.
///
/// # Panics
/// If a rule is broken; the message says which, and the seed.
pub fn check<E>(seeds: u64, make: impl Fn() -> E, input: impl Fn(&mut E, &mut Rng, Instant))
where
    E: Engine<Output: Debug, Buffer: Buffer>,
{
    check_bounded(seeds, make, input, |_| 0, 0);
}

/// As [`check`], and checks after every input that `size` of the engine is at most `bound` (rule 4).
///
/// # Panics
/// If a rule is broken; the message says which, and the seed.
pub fn check_bounded<E>(
    seeds: u64,
    make: impl Fn() -> E,
    input: impl Fn(&mut E, &mut Rng, Instant),
    size: impl Fn(&E) -> usize,
    bound: usize,
) where
    E: Engine<Output: Debug, Buffer: Buffer>,
{
    for seed in 0..seeds {
        let run = || {
            let mut run = Run::new(seed, make());
            for _ in 0..ROUNDS {
                run.round(&input, |engine| {
                    let size = size(engine);
                    assert!(
                        size <= bound,
                        "rule 4, seed {seed}: it holds {size}, more than {bound}"
                    );
                });
            }
            run.outputs
        };
        let (first, second) = (run(), run());
        for (one, two) in first.iter().zip(&second) {
            assert_eq!(one, two, "rule 5, seed {seed}: the same inputs gave another output");
        }
        assert_eq!(first.len(), second.len(), "rule 5, seed {seed}: outputs are missing");
    }
}

/// What an engine may write into while it's checked: `()` or `[u8]`.
pub trait Buffer {
    /// An empty one.
    fn fresh() -> Box<Self>;
    /// What is in it.
    fn content(&self) -> &[u8];
}

impl Buffer for () {
    fn fresh() -> Box<Self> {
        Box::new(())
    }
    fn content(&self) -> &[u8] {
        &[]
    }
}

impl Buffer for [u8] {
    fn fresh() -> Box<Self> {
        vec![0; 2048].into()
    }
    fn content(&self) -> &[u8] {
        self
    }
}

struct Run<E> {
    seed: u64,
    rng: Rng,
    engine: E,
    /// The latest time so far.
    latest: Instant,
    /// The latest time of a poll: an input may have done nothing, so it may not have told its own.
    polled: Instant,
    outputs: Vec<String>,
}

impl<E: Engine<Output: Debug, Buffer: Buffer>> Run<E> {
    fn new(seed: u64, engine: E) -> Self {
        let mut rng = Rng::new(seed);
        // Clocks start anywhere.
        let latest =
            Instant::from_nanos(if seed.is_multiple_of(2) { 0 } else { rng.below(1 << 60) });
        Self { seed, rng, engine, latest, polled: Instant::ZERO, outputs: Vec::new() }
    }

    fn round(&mut self, input: &impl Fn(&mut E, &mut Rng, Instant), check: impl Fn(&E)) {
        for _ in 0..self.rng.below(4) {
            let now = self.pass_time(None);
            input(&mut self.engine, &mut self.rng, now);
            check(&self.engine);
        }
        // Once for the inputs, once for what is due later.
        for _ in 0..2 {
            let wakeup = self.engine.next_wakeup();
            let now = self.pass_time(wakeup);
            let before = self.outputs.len();
            self.drain(now);
            if wakeup.is_none_or(|wakeup| self.latest < wakeup) {
                let early = self.outputs.get(before);
                assert!(
                    early.is_none(),
                    "seed {}: {early:?} before the wakeup {wakeup:?}",
                    self.seed
                );
            }
        }
    }

    /// A little later, at the wakeup, just before it, much later, or back in time.
    fn pass_time(&mut self, wakeup: Option<Instant>) -> Instant {
        let wakeup = wakeup.unwrap_or(self.latest);
        let now = match self.rng.below(16) {
            0 => self.latest - self.rng.duration(Duration::from_secs(2)),
            1 => self.latest + self.rng.duration(Duration::from_secs(20)),
            2..6 => wakeup,
            6..9 => wakeup - Duration::from_nanos(1),
            _ => self.latest + self.rng.duration(Duration::from_millis(30)),
        };
        self.latest = self.latest.max(now);
        now
    }

    fn drain(&mut self, now: Instant) {
        let seed = self.seed;
        self.polled = self.polled.max(now);
        let mut buffer = E::Buffer::fresh();
        for _ in 0..MANY {
            let Some(output) = self.engine.poll(now, &mut buffer) else {
                let (wakeup, polled) = (self.engine.next_wakeup(), self.polled);
                assert!(
                    wakeup.is_none_or(|wakeup| wakeup > polled),
                    "rule 3, seed {seed}: after a drain at {polled:?} the wakeup is {wakeup:?}"
                );
                return;
            };
            let bytes = buffer.content();
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            self.outputs.push(format!("{output:?} {:x?}", bytes.get(..used).unwrap_or(bytes)));
            buffer = E::Buffer::fresh();
        }
        panic!("rule 3, seed {seed}: {MANY} outputs without an end");
    }
}

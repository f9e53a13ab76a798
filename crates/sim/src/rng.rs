//! Random numbers that stay the same for ever.

use core::time::Duration;

/// A small seeded generator whose values never change between versions or platforms.
///
/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014,
/// [doi 10.1145/2660193.2660195](https://doi.org/10.1145/2660193.2660195). Not for secrets.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The same seed gives the same numbers.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from 0 up to but without 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds")]
    pub const fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Evenly from 0 up to but without `end`; 0 if `end` is 0.
    #[allow(clippy::cast_possible_truncation, reason = "a product's upper half has 64 bits")]
    pub const fn below(&mut self, end: u64) -> u64 {
        // Lemire's multiplication without its rejection: the bias is below end / 2^64.
        ((self.bits() as u128 * end as u128) >> 64) as u64
    }

    /// True with the probability `p`.
    pub const fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Evenly from nothing up to `max`.
    pub fn duration(&mut self, max: Duration) -> Duration {
        let nanos = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.below(nanos.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the C program at <https://prng.di.unimi.it/splitmix64.c> with the seed 1234567, as many
    /// other implementations list them.
    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut rng = Rng::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([(); 5].map(|()| rng.bits()), expected);
    }

    #[test]
    fn numbers_stay_in_their_ranges_and_fill_them() {
        let mut rng = Rng::new(1);
        let mut seen = [0u32; 6];
        for _ in 0..6000 {
            let unit = rng.unit();
            assert!((0.0..1.0).contains(&unit));
            seen[usize::try_from(rng.below(6)).unwrap()] += 1;
            assert!(rng.duration(Duration::from_millis(5)) <= Duration::from_millis(5));
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.duration(Duration::ZERO), Duration::ZERO);
    }
}

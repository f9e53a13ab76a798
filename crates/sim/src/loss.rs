//! Which packets the path loses.

use crate::Rng;
use visavis_core::ConfigError;

/// How a path loses packets, apart from a full queue. All numbers are probabilities from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Loss {
    /// Not at all.
    #[default]
    None,
    /// Each packet for itself.
    Random(f64),
    /// In bursts: a good and a bad state, each with its own loss; the state may change before every
    /// packet. E. O. Elliott, "Estimates of error rates for codes on burst-noise channels", 1963.
    GilbertElliott {
        /// That a bad time begins.
        good_to_bad: f64,
        /// That a bad time ends: it lasts `1 / bad_to_good` packets on average.
        bad_to_good: f64,
        /// Loss in a good time.
        loss_good: f64,
        /// Loss in a bad time.
        loss_bad: f64,
    },
}

impl Loss {
    /// Bursts of `burst` packets on average, all of them lost, so that `share` is lost over all.
    #[must_use]
    pub fn bursts(share: f64, burst: f64) -> Self {
        let bad_to_good = 1.0 / burst;
        Self::GilbertElliott {
            good_to_bad: bad_to_good * share / (1.0 - share),
            bad_to_good,
            loss_good: 0.0,
            loss_bad: 1.0,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let all = match *self {
            Self::None => [0.0; 4],
            Self::Random(p) => [p; 4],
            Self::GilbertElliott { good_to_bad, bad_to_good, loss_good, loss_bad } => {
                [good_to_bad, bad_to_good, loss_good, loss_bad]
            }
        };
        let fine = all.iter().all(|p| (0.0..=1.0).contains(p));
        if fine { Ok(()) } else { Err(ConfigError::new("loss", "must be from 0 to 1")) }
    }

    /// Whether the next packet is lost. Takes two numbers from `rng` whatever the answer.
    pub(crate) fn next(&self, bad: &mut bool, rng: &mut Rng) -> bool {
        let (change, loss) = (rng.unit(), rng.unit());
        match *self {
            Self::None => false,
            Self::Random(p) => loss < p,
            Self::GilbertElliott { good_to_bad, bad_to_good, loss_good, loss_bad } => {
                *bad = if *bad { change >= bad_to_good } else { change < good_to_bad };
                loss < if *bad { loss_bad } else { loss_good }
            }
        }
    }
}

//! Scorecards, and what they share with the criterion benches.
//!
//! A card is a module with a `run` that fills a [`Scorecard`]; the program `scorecard` runs one by its
//! name. A timed row lets ours and a peer take turns in one process, so that whatever else the machine
//! does meets both, and reports the median of the ratios of the rounds.
#![forbid(unsafe_code)]

pub mod call;
mod contest;
pub mod rtp;
mod scorecard;
pub mod srtp;

pub use contest::{Comparison, Contestant, Quartiles, compare, time};
pub use scorecard::{Goal, Row, Scorecard};

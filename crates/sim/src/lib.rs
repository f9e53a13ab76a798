//! A network that fits into a test: an emulated [`Link`], a [`VirtualClock`], [`Scenario`] scripts, and
//! [`contract`], which checks that an engine keeps the rules of [`visavis_core::Engine`].
//!
//! Everything is seeded and is told the time, so a run in virtual time takes as long as the CPU needs
//! and gives the same result each time, on every platform. The same [`Link`] also serves inside a
//! relay in real time: it's an engine like any other.
//!
//! It doesn't model protocols, send feedback or own a socket: what passes through is up to you.
//!
//! ```
//! use core::time::Duration;
//! use visavis_core::{Bitrate, Engine, Instant};
//! use visavis_sim::{Capacity, Link, LinkConfig, VirtualClock};
//!
//! let mut config = LinkConfig::default();
//! config.delay = Duration::from_millis(20);
//! config.capacity = Capacity::constant(Bitrate::from_kbps(800));
//! config.overhead = 0;
//! let mut link = Link::new(config)?;
//! let mut clock = VirtualClock::new();
//!
//! // Two packets of 1000 bytes take 10 ms each at 800 kb/s.
//! link.send(clock.now(), 1000, "one").unwrap();
//! link.send(clock.now(), 1000, "two").unwrap();
//! let mut arrivals = Vec::new();
//! while clock.advance([link.next_wakeup()]) {
//!     while let Some(delivery) = link.poll(clock.now(), &mut ()) {
//!         arrivals.push((clock.now(), delivery.packet));
//!     }
//! }
//! assert_eq!(arrivals, [(Instant::from_millis(30), "one"), (Instant::from_millis(40), "two")]);
//! # Ok::<(), visavis_core::ConfigError>(())
//! ```
//!
//! **Errors**: a configuration that can't work is a [`ConfigError`](visavis_core::ConfigError), a
//! capacity script that can't be read is a [`CapacityError`] with its line. A lost packet comes back
//! to its sender as [`Lost`], for counting. Only [`contract`] panics: that is how a test fails.
#![forbid(unsafe_code)]

extern crate alloc;

mod capacity;
mod clock;
pub mod contract;
mod link;
mod loss;
mod rng;
mod scenario;

pub use capacity::{Capacity, CapacityError, CapacityProblem};
pub use clock::VirtualClock;
pub use link::{Delivery, Link, LinkConfig, LinkStats, Lost, LostBy};
pub use loss::Loss;
pub use rng::Rng;
pub use scenario::{Scenario, Step};

//! How much to send, when, and what to report: congestion control for media over RTP.
//!
//! The parts stand alone and know no wire format. On the sending side [`SendHistory`] remembers what
//! was sent and turns feedback into reports, a [`Controller`] turns them into a target, and a [`Pacer`]
//! sends what waits at an even pace, with probes in between. On the receiving side an [`ArrivalLog`]
//! says what to report and when.
//!
//! - [`Gcc`] needs feedback on single packets (transport-wide feedback or RFC 8888).
//! - [`LossBased`] makes do with receiver reports, all that a plain AVP peer sends.
//!
//! It doesn't encode, drop frames or divide the target among streams.
//!
//! ```
//! use core::time::Duration;
//! use visavis_congestion::{Controller, Gcc, GccConfig, PacketKind, SendHistory, SentPacket};
//! use visavis_core::{DataSize, Ecn, Engine, ExtSeq, Instant, Seq};
//!
//! let mut history = SendHistory::new(4096)?;
//! let mut controller = Gcc::new(GccConfig::default())?;
//! let mut now = Instant::from_millis(1000);
//! let first = controller.poll(now, &mut ()).unwrap();
//!
//! let size = DataSize::from_bytes(1200);
//! let packet = SentPacket { seq: ExtSeq(1), size, kind: PacketKind::Video, probe: None };
//! history.on_sent(now, &packet);
//! controller.on_sent(now, &packet);
//!
//! // The receiver says when the packet arrived, on its own clock.
//! now += Duration::from_millis(60);
//! let report = history.resolve(Seq(1), Some(Instant::from_millis(7)), Ecn::NotEct).unwrap();
//! controller.on_feedback(now, &[report]);
//! while let Some(update) = controller.poll(now, &mut ()) {
//!     assert!(update.target >= first.target);
//! }
//! # Ok::<(), visavis_core::ConfigError>(())
//! ```
//!
//! **Errors**: a configuration that can't work is a [`ConfigError`](visavis_core::ConfigError); a full
//! pacer gives the packet back in [`Overflow`]. Nothing that comes from the network is an error, and
//! nothing of it panics or grows: every memory is allocated at construction or has a bound.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod aimd;
mod arrival;
mod controller;
mod debt;
mod gcc;
mod history;
mod inter_arrival;
mod loss;
mod loss_based;
mod pacer;
mod probe;
mod queue;
mod throughput;
mod train;
mod trendline;

pub use arrival::{ArrivalConfig, ArrivalLog, Feedback, FeedbackDue};
pub use controller::{Controller, Limits, PacketKind, ProbeCluster, ProbeId, SentPacket, Update};
pub use gcc::{Gcc, GccConfig};
pub use history::{HistoryStats, SendHistory};
pub use loss_based::{LossBased, LossBasedConfig};
pub use pacer::{Overflow, Paced, Pacer, PacerConfig};

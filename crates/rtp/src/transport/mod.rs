//! Transport-wide congestion feedback: when each packet of a transport arrived.
//! [draft-holmer-rmcat-transport-wide-cc-extensions-01](https://datatracker.ietf.org/doc/html/draft-holmer-rmcat-transport-wide-cc-extensions-01)

mod chunk;
mod plan;
mod reference;
mod view;

pub(crate) use plan::TransportFeedbackPlan;
pub use reference::ReferenceTime;
pub use view::TransportFeedback;

/// Arrival times count in 1/4 ms.
pub(crate) const TICK_NANOS: u64 = 250_000;
/// The reference time counts in 64 ms.
pub(crate) const TICKS_PER_REFERENCE: u64 = 256;

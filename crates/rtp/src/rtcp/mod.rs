//! RTCP: compound packets read without copying ([`Compound`]) and written into the caller's buffer
//! ([`Writer`]).
//!
//! ```
//! use visavis_core::{Seq, Ssrc};
//! use visavis_rtp::rtcp::{Compound, Rtcp, Writer};
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let (us, them) = (Ssrc(1), Ssrc(2));
//! let mut buffer = [0; 200];
//! let mut writer = Writer::new(&mut buffer);
//! writer.receiver_report(us, [])?;
//! writer.sdes_cname(us, "us@example")?;
//! writer.nack(us, them, [Seq(7), Seq(9)])?;
//! let len = writer.finish();
//!
//! for packet in Compound::parse(&buffer[..len])?.iter() {
//!     if let Rtcp::Nack(nack) = packet? {
//!         assert_eq!(nack.seqs().collect::<Vec<_>>(), [Seq(7), Seq(9)]);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod compound;
mod feedback;
mod report;
mod sdes;
mod writer;

pub use compound::{Compound, Other, Rtcp};
pub(crate) use feedback::sender_and_media;
pub use feedback::{Fir, Nack, Pli};
pub use report::{ReceiverReport, ReportBlock, SenderInfo, SenderReport};
pub use sdes::{Bye, Sdes, SdesItem};
pub use writer::Writer;

/// The packet types that this crate knows.
/// [RFC 3550 §12.1](https://www.rfc-editor.org/rfc/rfc3550#section-12.1)
pub(crate) mod packet_type {
    pub(crate) const SR: u8 = 200;
    pub(crate) const RR: u8 = 201;
    pub(crate) const SDES: u8 = 202;
    pub(crate) const BYE: u8 = 203;
    /// Transport layer feedback. [RFC 4585 §6.2](https://www.rfc-editor.org/rfc/rfc4585#section-6.2)
    pub(crate) const RTPFB: u8 = 205;
    /// Payload-specific feedback. [RFC 4585 §6.3](https://www.rfc-editor.org/rfc/rfc4585#section-6.3)
    pub(crate) const PSFB: u8 = 206;
}

/// The formats of feedback packets that this crate knows.
pub(crate) mod format {
    pub(crate) const NACK: u8 = 1;
    pub(crate) const TRANSPORT: u8 = 15;
    pub(crate) const PLI: u8 = 1;
    /// [RFC 5104 §4.3.1](https://www.rfc-editor.org/rfc/rfc5104#section-4.3.1)
    pub(crate) const FIR: u8 = 4;
}

//! RTP and RTCP on the wire, and what has to be kept between packets to speak them well.
//!
//! - [`Packet`] reads a packet where it lies; [`Header`] writes one; [`ExtensionMap`] and
//!   [`ExtensionValues`] do the same for header extensions.
//! - [`rtcp`] reads compound packets without copying and writes them; [`TransportFeedback`] is the
//!   transport-wide congestion feedback among them.
//! - [`ReceptionStats`], [`round_trip`] and [`ReportTimer`] are the bookkeeping of RFC 3550.
//! - [`NackGenerator`] asks for what is missing, [`Resender`] keeps what may be asked for, [`rtx`] is
//!   the form in which it is sent again.
//! - [`classify`] tells what a datagram on a shared port is.
//!
//! It is no session: it knows neither sockets nor codecs, encrypts nothing, negotiates nothing, and
//! reads no clock. The parts don't know each other; take those you need.
//!
//! ```
//! use visavis_core::{Mid, PayloadType, RtpTimestamp, Seq, Ssrc};
//! use visavis_rtp::{ExtensionId, ExtensionMap, Header, Packet};
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let mut map = ExtensionMap::default();
//! map.mid = ExtensionId::new(4);
//!
//! let opus = PayloadType::from_low_bits(111);
//! let mut header = Header::new(opus, Seq(7), RtpTimestamp(960), Ssrc(0x1234));
//! header.extensions.mid = Mid::new("audio");
//!
//! let mut buffer = [0; 1200];
//! let start = header.write_into(&map, &mut buffer)?;
//! buffer[start..start + 3].copy_from_slice(b"opu");
//!
//! let packet = Packet::parse(&buffer[..start + 3])?;
//! assert_eq!(packet.seq(), Seq(7));
//! assert_eq!(packet.payload(), b"opu");
//! assert_eq!(map.read(&packet).mid, Mid::new("audio"));
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! What a peer sends wrongly is a [`ParseError`]: `Copy`, without text, with the place where it was
//! noticed. Drop the packet and count it. A buffer that is too short is a
//! [`TooShort`](visavis_core::TooShort) and can be tried again. No input panics.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod demux;
mod error;
mod extension;
mod header;
mod nack;
mod packet;
mod resend;
pub mod rtcp;
pub mod rtx;
mod stats;
mod timer;
mod transport;
mod value;
mod wire;

pub use demux::{DatagramKind, classify};
pub use error::{ParseError, ParseErrorKind, WriteError};
pub use extension::{ExtensionId, Extensions};
pub use header::{Header, write_padding};
pub use nack::{NackBatch, NackConfig, NackGenerator, NackStats};
pub use packet::{Packet, header_len};
pub use resend::Resender;
pub use stats::{ReceptionStats, round_trip};
pub use timer::{ReportConfig, ReportDue, ReportTimer};
pub use transport::{ReferenceTime, TransportFeedback};
pub use value::{AbsSendTime, AudioLevel, ExtensionMap, ExtensionValues, uri};

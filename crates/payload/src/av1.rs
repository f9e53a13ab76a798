//! AV1: OBUs aggregated and fragmented, as the
//! [RTP payload format for AV1](https://aomediacodec.github.io/av1-rtp-spec/) v1.0.0 says.
//!
//! A frame is one temporal unit in the low-overhead format of
//! [AV1 §5.2](https://aomediacodec.github.io/av1-spec/#low-overhead-bitstream-format): OBUs with size
//! fields (the last one may do without). Temporal delimiters and sizes aren't sent; the receiver puts
//! them back.
//!
//! ```
//! use visavis_payload::av1::{self, Config, Packetizer};
//!
//! // A temporal delimiter, padding, and a frame that shows an earlier one.
//! let unit = [0x12, 0x00, 0x7a, 0x02, 7, 7, 0x1a, 0x01, 0x80];
//! let packetizer = Packetizer::new(Config::default())?;
//! let mut buffer = [0; 1200];
//! let mut run = packetizer.packetize(&unit);
//! let payload = run.next_into(&mut buffer)?.map_or(&[][..], |payload| &buffer[..payload.len]);
//! assert_eq!(payload, [0x20, 3, 0x78, 7, 7, 0x18, 0x80]);
//!
//! let mut joined = [0; 100];
//! let len = av1::depacketize([payload], &mut joined)?.len;
//! assert_eq!(&joined[..len], unit);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod depacketize;
mod leb128;
mod obu;
mod packetize;

pub use depacketize::{classify, depacketize};
pub use packetize::{Packetizer, Run};

/// What a packetizer needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The largest payload in bytes, 16 to 65535. 1200 by default.
    pub max_payload: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_payload: 1200 }
    }
}

/// In the aggregation header: the first element continues one of the packet before.
/// [§4.4](https://aomediacodec.github.io/av1-rtp-spec/#44-av1-aggregation-header)
const CONTINUES: u8 = 0x80;
/// In the aggregation header: the last element goes on in the next packet.
const GOES_ON: u8 = 0x40;
/// In the aggregation header: the packet is the first of a coded video sequence.
const NEW_SEQUENCE: u8 = 0x08;
/// In the aggregation header, how many elements there are, or 0 if all have a length.
const fn count(header: u8) -> u8 {
    (header >> 4) & 3
}

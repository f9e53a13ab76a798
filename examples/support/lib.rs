//! What the examples need beside visavis: media files, a drawn picture, a command line, a relay that
//! impairs, and the measurements and report of a call.
//!
//! Nothing here knows sessions, packets, encryption, jitter or congestion: what an example shows of
//! those stands in the example itself.
#![forbid(unsafe_code)]

extern crate alloc;

pub mod audio;
pub mod cli;
mod cpu;
pub mod devices;
pub mod drawing;
mod error;
mod ivf;
pub mod live;
pub mod meter;
pub mod network;
pub mod outcome;
pub mod psnr;
mod received;
pub mod relay;
mod report;
mod texture;
pub mod transport;
pub mod video;
mod y4m_file;

pub use error::UsageError;
pub use y4m_file::Y4mWriter;

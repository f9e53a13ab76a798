//! One transport, many streams: the parts of visavis put together, and still sans-IO.
#![forbid(unsafe_code)]

mod bindings;
mod config;
mod control;
mod feedback;
mod incoming;
mod output;
mod poll;
mod pool;
mod rate;
mod receive;
mod security;
mod send;
mod session;
mod transform;

pub use config::{BitrateLimits, Congestion, Faces, Feedback, Layer, SessionConfig, StreamConfig};
pub use output::{
    AudioChunk, AudioSource, Component, Datagram, Disposition, DropReason, Event, OutgoingFrame,
    Output, PacketOutput, PathId, Role, StreamId, StreamStats, Target, Transmit, TransportStats,
    VideoFrame,
};
pub use security::Keys;
pub use send::SendError;
pub use session::Session;
pub use transform::{FrameTransform, TransformError};

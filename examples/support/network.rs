//! One way through an emulated network, and what an observer beside it sees.

use bytes::Bytes;
use core::time::Duration;
use visavis_core::{ConfigError, Engine, Instant};
use visavis_sim::{Link, LinkConfig};

/// Carries datagrams one way; the relay does so in real time, and a call in virtual time directly.
#[derive(Debug)]
pub struct Path {
    link: Link<(Instant, Bytes)>,
    one_way: Duration,
}

/// What happened on a [`Path`] so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathStats {
    /// Packets that were put on it.
    pub sent: u64,
    /// Packets that it lost, by chance or because the queue was full.
    pub lost: u64,
    /// How long the packet took that arrived last.
    pub one_way: Duration,
}

impl Path {
    /// An idle path.
    ///
    /// # Errors
    /// If `config` can't work.
    pub fn new(config: LinkConfig) -> Result<Self, ConfigError> {
        Ok(Self { link: Link::new(config)?, one_way: Duration::ZERO })
    }

    /// Puts a datagram on the path.
    pub fn send(&mut self, now: Instant, datagram: Bytes) {
        // A loss is no error here: it is what the network is for, and counted.
        let _lost = self.link.send(now, datagram.len(), (now, datagram));
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> PathStats {
        let stats = self.link.stats();
        PathStats {
            sent: stats.sent,
            lost: stats.lost_random + stats.lost_queue,
            one_way: self.one_way,
        }
    }
}

impl Engine for Path {
    type Buffer = ();
    type Output = Bytes;

    fn poll(&mut self, now: Instant, buffer: &mut ()) -> Option<Bytes> {
        let delivery = self.link.poll(now, buffer)?;
        let (sent_at, datagram) = delivery.packet;
        self.one_way = delivery.at.since(sent_at);
        Some(datagram)
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.link.next_wakeup()
    }
}

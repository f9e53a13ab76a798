//! A UDP relay on loopback that impairs what passes.

use crate::network::{Path, PathStats};
use alloc::sync::Arc;
use anyhow::{Context, Result};
use bytes::Bytes;
use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::net::UdpSocket;
use visavis_core::{Engine, Instant, earliest};
use visavis_sim::LinkConfig;

/// How long the relay sleeps at most, so that it notices when it is to end.
const NAP: Duration = Duration::from_millis(20);

/// Stands between two endpoints A and B. Each sends to its own side of the relay and gets from there
/// what the other one sent, as late and as incomplete as the network makes it.
///
/// It has a thread of its own, so that a busy endpoint isn't taken for a slow network; dropping the
/// relay ends it.
#[derive(Debug)]
pub struct Relay {
    sides: [SocketAddr; 2],
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    stats: Mutex<[PathStats; 2]>,
}

impl Relay {
    /// Starts to relay between `ends`, the sockets of A and B. `links` are the ways from A to B and
    /// back, on the time that `clock` tells.
    ///
    /// # Errors
    /// If a link can't work or the system gives no socket or thread.
    pub fn start(
        ends: [SocketAddr; 2],
        links: [LinkConfig; 2],
        clock: impl Fn() -> Instant + Send + 'static,
    ) -> Result<Self> {
        let [there, back] = links;
        let paths = [Path::new(there)?, Path::new(back)?];
        let sockets = [socket()?, socket()?];
        let sides = [sockets[0].local_addr()?, sockets[1].local_addr()?];
        let shared = Arc::new(Shared::default());
        let run = Run { ends, paths, shared: Arc::clone(&shared) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(run.relay(sockets, clock)) {
                eprintln!("the relay failed: {error:#}");
            }
        })?;
        Ok(Self { sides, shared, thread: Some(thread) })
    }

    /// Where A sends to, and where B sends to.
    #[must_use]
    pub const fn sides(&self) -> [SocketAddr; 2] {
        self.sides
    }

    /// What happened from A to B, and back.
    #[must_use]
    pub fn stats(&self) -> [PathStats; 2] {
        *self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it panicked, it said so.
            let _panicked = thread.join();
        }
    }
}

fn socket() -> Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no UDP socket")?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

struct Run {
    ends: [SocketAddr; 2],
    paths: [Path; 2],
    shared: Arc<Shared>,
}

impl Run {
    async fn relay(
        mut self,
        sockets: [std::net::UdpSocket; 2],
        clock: impl Fn() -> Instant,
    ) -> Result<()> {
        let [a, b] = sockets;
        let (a, b) = (UdpSocket::from_std(a)?, UdpSocket::from_std(b)?);
        while !self.shared.stop.load(Ordering::Relaxed) {
            let now = clock();
            let [there, back] = &mut self.paths;
            receive(&a, self.ends[0], there, now);
            receive(&b, self.ends[1], back, now);
            deliver(there, &b, self.ends[1], now);
            deliver(back, &a, self.ends[0], now);
            *self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner) =
                [there.stats(), back.stats()];
            let wakeup = earliest(there.next_wakeup(), back.next_wakeup());
            let sleep = wakeup.map_or(NAP, |at| at.since(clock()).min(NAP));
            tokio::select! {
                ready = a.readable() => ready?,
                ready = b.readable() => ready?,
                () = tokio::time::sleep(sleep) => {}
            }
        }
        Ok(())
    }
}

/// Takes in what has come from `end`; what strangers send is left out.
fn receive(socket: &UdpSocket, end: SocketAddr, path: &mut Path, now: Instant) {
    let mut datagram = [0; 2048];
    while let Ok((length, from)) = socket.try_recv_from(&mut datagram) {
        if from == end {
            path.send(now, Bytes::copy_from_slice(datagram.get(..length).unwrap_or_default()));
        }
    }
}

fn deliver(path: &mut Path, socket: &UdpSocket, end: SocketAddr, now: Instant) {
    while let Some(datagram) = path.poll(now, &mut ()) {
        // A full socket loses packets, as networks do.
        let _full = socket.try_send_to(&datagram, end);
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the relay works in real time")]
mod tests {
    use super::*;
    use std::time::Instant as Clock;
    use visavis_sim::Loss;

    fn relayed(links: [LinkConfig; 2]) -> (std::net::UdpSocket, std::net::UdpSocket, Relay) {
        let bind = || std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (a, b) = (bind(), bind());
        let ends = [a.local_addr().unwrap(), b.local_addr().unwrap()];
        let start = Clock::now();
        let clock = move || Instant::ZERO + start.elapsed();
        let relay = Relay::start(ends, links, clock).unwrap();
        a.connect(relay.sides()[0]).unwrap();
        b.connect(relay.sides()[1]).unwrap();
        for socket in [&a, &b] {
            socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        }
        (a, b, relay)
    }

    #[test]
    fn datagrams_arrive_late_and_in_order_in_both_directions() {
        let mut config = LinkConfig::default();
        config.delay = Duration::from_millis(30);
        let (a, b, relay) = relayed([config.clone(), config]);
        let mut buffer = [0; 100];
        for (from, to) in [(&a, &b), (&b, &a)] {
            let start = Clock::now();
            for number in 0..5 {
                from.send(&[number; 10]).unwrap();
            }
            for number in 0..5 {
                assert_eq!(to.recv(&mut buffer).unwrap(), 10);
                assert_eq!(buffer[0], number);
            }
            assert!(start.elapsed() >= Duration::from_millis(30));
        }
        // The relay tells after it has delivered.
        std::thread::sleep(2 * NAP);
        for stats in relay.stats() {
            assert_eq!((stats.sent, stats.lost), (5, 0));
            assert!(stats.one_way >= Duration::from_millis(30));
        }
    }

    #[test]
    fn what_the_network_loses_does_not_arrive_and_is_counted() {
        let mut lossy = LinkConfig::default();
        lossy.loss = Loss::Random(1.0);
        let (a, b, relay) = relayed([lossy, LinkConfig::default()]);
        b.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        a.send(b"gone").unwrap();
        assert!(b.recv(&mut [0; 10]).is_err());
        assert_eq!((relay.stats()[0].sent, relay.stats()[0].lost), (1, 1));
    }
}

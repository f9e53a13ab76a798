//! What lies between the two endpoints: sockets and a relay in real time, or an emulated network in
//! virtual time. To an endpoint both look the same.

use crate::cli::CallOptions;
use crate::network::{Path, PathStats};
use crate::relay::Relay;
use anyhow::Result;
use bytes::Bytes;
use core::net::Ipv4Addr;
use tokio::net::UdpSocket;
use tokio::runtime::Runtime;
use visavis::Clock;
use visavis_core::{Engine, Instant, NtpTime, earliest};

/// No datagram on loopback is longer than what fits an Ethernet frame.
const LONGEST: usize = 2048;

/// Carries datagrams between endpoint 0 and endpoint 1, and tells the time.
#[derive(Debug)]
pub struct Transport {
    kind: Kind,
    /// What arrived last.
    datagram: Vec<u8>,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one in a call")]
enum Kind {
    Real { runtime: Runtime, sockets: [UdpSocket; 2], relay: Relay, clock: Clock },
    Virtual { paths: [Path; 2], now: Instant },
}

impl Transport {
    /// As `options` ask. Each endpoint has a UDP socket of its own on loopback, connected to the relay;
    /// or, in virtual time, there are two emulated links.
    ///
    /// # Errors
    /// If the options contradict each other or the system gives no sockets.
    pub fn open(options: &CallOptions) -> Result<Self> {
        let links = options.links()?;
        let kind = if options.virtual_time {
            let [there, back] = links;
            Kind::Virtual { paths: [Path::new(there)?, Path::new(back)?], now: Instant::ZERO }
        } else {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let sockets = runtime.block_on(async {
                anyhow::Ok([
                    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?,
                    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?,
                ])
            })?;
            let ends = [sockets[0].local_addr()?, sockets[1].local_addr()?];
            let clock = Clock::new();
            let relay = Relay::start(ends, links, move || clock.now())?;
            for (socket, side) in sockets.iter().zip(relay.sides()) {
                runtime.block_on(socket.connect(side))?;
                // Until the runtime has looked at it once, a socket counts as full.
                runtime.block_on(socket.writable())?;
            }
            Kind::Real { runtime, sockets, relay, clock }
        };
        Ok(Self { kind, datagram: vec![0; LONGEST] })
    }

    /// The time since the call began.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.kind {
            Kind::Real { clock, .. } => clock.now(),
            Kind::Virtual { now, .. } => *now,
        }
    }

    /// The wall time; in virtual time the call always happens at the same one.
    #[must_use]
    pub fn wall_time(&self) -> NtpTime {
        match &self.kind {
            Kind::Real { clock, .. } => clock.ntp(),
            Kind::Virtual { now, .. } => NtpTime(1 << 63).plus(now.since(Instant::ZERO)),
        }
    }

    /// Sends a datagram from endpoint `side` to the other.
    pub fn send(&mut self, side: usize, datagram: &[u8]) {
        match &mut self.kind {
            Kind::Real { sockets, .. } => {
                if let Some(socket) = sockets.get(side) {
                    // A full socket buffer loses the datagram, as any network may.
                    drop(socket.try_send(datagram));
                }
            }
            Kind::Virtual { paths, now } => {
                if let Some(path) = paths.get_mut(side) {
                    path.send(*now, Bytes::copy_from_slice(datagram));
                }
            }
        }
    }

    /// Waits for a datagram, at most until `wakeup`, and says for which endpoint it is and when it
    /// came.
    ///
    /// # Errors
    /// If a socket fails.
    pub fn receive(&mut self, wakeup: Instant) -> Result<Option<(usize, Instant, &mut [u8])>> {
        let arrived = match &mut self.kind {
            Kind::Real { runtime, sockets, clock, .. } => runtime.block_on(async {
                let mut other = [0; LONGEST];
                tokio::select! {
                    biased;
                    len = sockets[0].recv(&mut self.datagram) => Ok(Some((0, len?))),
                    len = sockets[1].recv(&mut other) => {
                        self.datagram.copy_from_slice(&other);
                        Ok(Some((1, len?)))
                    }
                    () = tokio::time::sleep_until(clock.to_std(wakeup).into()) => anyhow::Ok(None),
                }
            })?,
            Kind::Virtual { paths, now } => {
                let arrival = earliest(paths[0].next_wakeup(), paths[1].next_wakeup());
                *now = arrival.map_or(wakeup, |arrival| arrival.min(wakeup)).max(*now);
                let mut arrived = None;
                for (path, receiver) in paths.iter_mut().zip([1, 0]) {
                    if let Some(datagram) = path.poll(*now, &mut ()) {
                        self.datagram.clear();
                        self.datagram.extend_from_slice(&datagram);
                        arrived = Some((receiver, datagram.len()));
                        break;
                    }
                }
                arrived
            }
        };
        let now = self.now();
        Ok(arrived.and_then(|(side, len)| Some((side, now, self.datagram.get_mut(..len)?))))
    }

    /// What the network did on the way from endpoint 0, and on the way from endpoint 1.
    #[must_use]
    pub fn stats(&self) -> [PathStats; 2] {
        match &self.kind {
            Kind::Real { relay, .. } => relay.stats(),
            Kind::Virtual { paths, .. } => [paths[0].stats(), paths[1].stats()],
        }
    }
}

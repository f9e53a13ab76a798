//! Sends what waits at an even pace.

use crate::debt::Debt;
use crate::{PacketKind, ProbeCluster, ProbeId};
use alloc::collections::VecDeque;
use core::time::Duration;
use visavis_core::{Bitrate, ConfigError, DataSize, Engine, Instant, earliest};

/// How a [`Pacer`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PacerConfig {
    /// The pace until [`Pacer::set_rate`] is called. By default 1 Mb/s.
    pub pacing: Bitrate,
    /// Who was late may catch up so much: a timer's accuracy. By default 5 ms.
    pub burst: Duration,
    /// How many packets may wait, all kinds together. By default 2048.
    pub queue: usize,
    /// The size of a padding packet in a probe. By default 1000 bytes.
    pub padding: DataSize,
}

impl Default for PacerConfig {
    fn default() -> Self {
        Self {
            pacing: Bitrate::from_kbps(1000),
            burst: Duration::from_millis(5),
            queue: 2048,
            padding: DataSize::from_bytes(1000),
        }
    }
}

/// The queue is full: the packet is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pacer's queue is full")]
pub struct Overflow<P>(pub P);

/// Something to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paced<P> {
    /// A packet that was pushed.
    Packet {
        /// The packet.
        packet: P,
        /// The probe that it's part of.
        probe: Option<ProbeId>,
    },
    /// Something nobody needs, of about this size with all overhead.
    Padding {
        /// How large.
        size: DataSize,
        /// The probe that it's part of.
        probe: Option<ProbeId>,
    },
}

/// How many probes may wait for their turn.
const MAX_PROBES: usize = 4;
/// A probe that finds no packet to begin with for so long is given up: libwebrtc's `BitrateProber`
/// waits as long.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Padding outside of probes is spread over packets this far apart.
const PADDING_INTERVAL: Duration = Duration::from_millis(5);
/// Queues packets of any type `P` and yields them at an even pace, the more urgent kinds first.
///
/// What was sent is a debt that is paid at the pacing rate; while there is any, everything but sound
/// waits. Sound never waits, though it counts. A probe is sent at its own rate, begins with a packet
/// that isn't sound, and is filled up with padding.
#[derive(Debug)]
pub struct Pacer<P> {
    config: PacerConfig,
    now: Instant,
    /// One queue for each [`PacketKind`], in their order.
    queues: [VecDeque<(DataSize, P)>; 4],
    queued: usize,
    queued_size: DataSize,
    overflows: u64,
    media: Debt,
    padding: Debt,
    probes: VecDeque<Probe>,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    cluster: ProbeCluster,
    debt: Debt,
    asked_at: Instant,
    sent: DataSize,
    packets: u32,
}

impl<P> Pacer<P> {
    /// An empty queue.
    ///
    /// # Errors
    /// If no packet fits, or padding has no size.
    pub fn new(config: PacerConfig) -> Result<Self, ConfigError> {
        if config.queue == 0 {
            return Err(ConfigError::new("queue", "must be above 0"));
        }
        if config.padding == DataSize::ZERO {
            return Err(ConfigError::new("padding", "must be above 0"));
        }
        Ok(Self {
            now: Instant::ZERO,
            queues: [const { VecDeque::new() }; 4],
            queued: 0,
            queued_size: DataSize::ZERO,
            overflows: 0,
            media: Debt::new(config.pacing),
            padding: Debt::new(Bitrate::ZERO),
            probes: VecDeque::with_capacity(MAX_PROBES),
            config,
        })
    }

    /// Queues a packet of `size` with all overhead.
    ///
    /// # Errors
    /// Gives the packet back if the queue is full.
    pub fn push(
        &mut self,
        now: Instant,
        kind: PacketKind,
        size: DataSize,
        packet: P,
    ) -> Result<(), Overflow<P>> {
        self.pass_time(now);
        if self.queued >= self.config.queue {
            self.overflows += 1;
            return Err(Overflow(packet));
        }
        self.queued += 1;
        self.queued_size += size;
        self.queue(kind).push_back((size, packet));
        Ok(())
    }

    /// From now on sends at `pacing`, and fills up with padding to `padding` when nothing waits.
    pub fn set_rate(&mut self, now: Instant, pacing: Bitrate, padding: Bitrate) {
        self.pass_time(now);
        self.media.rate = pacing;
        self.padding.rate = padding;
        if padding == Bitrate::ZERO {
            self.padding = Debt::new(padding);
        }
    }

    /// Sends this probe, after those already asked for. False if too many are waiting.
    pub fn start_probe(&mut self, now: Instant, cluster: ProbeCluster) -> bool {
        self.pass_time(now);
        if self.probes.len() >= MAX_PROBES || cluster.rate == Bitrate::ZERO {
            return false;
        }
        let debt = Debt::new(cluster.rate);
        let asked_at = self.now;
        self.probes.push_back(Probe { cluster, debt, asked_at, sent: DataSize::ZERO, packets: 0 });
        true
    }

    /// Drops the waiting packets that `keep` refuses, as when their stream is removed.
    pub fn retain(&mut self, mut keep: impl FnMut(&P) -> bool) {
        for queue in &mut self.queues {
            queue.retain(|one| keep(&one.1));
        }
        let all = || self.queues.iter().flatten();
        self.queued = all().count();
        self.queued_size = all().map(|one| one.0).sum();
    }

    /// How many packets wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.queued
    }

    /// Nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// How long a packet of the least urgent kind would wait if it were pushed now.
    #[must_use]
    pub fn queue_delay(&self) -> Duration {
        self.media.rate.time_for(self.queued_size).saturating_add(self.media.time_to_pay())
    }

    /// How many packets found the queue full.
    #[must_use]
    pub const fn overflows(&self) -> u64 {
        self.overflows
    }

    fn queue(&mut self, kind: PacketKind) -> &mut VecDeque<(DataSize, P)> {
        let [audio, retransmission, video, padding] = &mut self.queues;
        match kind {
            PacketKind::Audio => audio,
            PacketKind::Retransmission => retransmission,
            PacketKind::Video => video,
            PacketKind::Padding => padding,
        }
    }

    /// Something waits that isn't sound.
    fn unhurried(&self) -> bool {
        let [audio, ..] = &self.queues;
        self.queued > audio.len()
    }

    /// A probe has begun: only it and sound may send.
    fn probing(&self) -> bool {
        self.probes.front().is_some_and(|probe| probe.packets > 0)
    }

    /// Debts are paid as time passes.
    fn pass_time(&mut self, now: Instant) {
        let passed = now.since(self.now);
        self.now = self.now.max(now);
        self.media.pay(passed, self.config.burst);
        self.padding.pay(passed, Duration::ZERO);
        if let Some(probe) = self.probes.front_mut()
            && probe.packets > 0
        {
            probe.debt.pay(passed, self.config.burst);
        }
        while self.probes.front().is_some_and(|probe| probe.given_up_at() <= self.now) {
            self.next_probe();
        }
    }

    fn next_probe(&mut self) {
        self.probes.pop_front();
        if let Some(next) = self.probes.front_mut() {
            next.asked_at = self.now;
        }
    }

    fn take(&mut self, kinds: impl IntoIterator<Item = PacketKind>) -> Option<(DataSize, P)> {
        let (size, packet) = kinds.into_iter().find_map(|kind| self.queue(kind).pop_front())?;
        self.queued -= 1;
        self.queued_size -= size;
        Some((size, packet))
    }

    fn account(&mut self, size: DataSize) {
        self.media.owe(size);
        if self.padding.rate > Bitrate::ZERO {
            self.padding.owe(size);
        }
    }

    fn poll_probe(&mut self) -> Option<Paced<P>> {
        let unhurried = self.unhurried();
        let probe = self.probes.front()?;
        if !probe.debt.is_paid() || (probe.packets == 0 && !unhurried) {
            return None;
        }
        let id = Some(probe.cluster.id);
        let taken = self.take(UNHURRIED);
        let size = taken.as_ref().map_or(self.config.padding, |one| one.0);
        self.account(size);
        let probe = self.probes.front_mut()?;
        probe.debt.owe(size);
        probe.sent += size;
        probe.packets = probe.packets.saturating_add(1);
        if probe.sent >= probe.cluster.min_size && probe.packets >= probe.cluster.min_packets {
            self.next_probe();
        }
        Some(match taken {
            Some((_, packet)) => Paced::Packet { packet, probe: id },
            None => Paced::Padding { size, probe: id },
        })
    }

    fn poll_padding(&mut self) -> Option<Paced<P>> {
        let waits = self.queued > 0 || !self.media.is_paid();
        if waits || self.padding.rate == Bitrate::ZERO || !self.padding.is_paid() {
            return None;
        }
        let size = self.padding.rate.over(PADDING_INTERVAL);
        let size = size.max(DataSize::from_bytes(50)).min(self.config.padding);
        self.account(size);
        Some(Paced::Padding { size, probe: None })
    }

    fn probe_wakeup(&self) -> Option<Instant> {
        let probe = self.probes.front()?;
        let ready = probe.packets > 0 || self.unhurried();
        let due = if ready { self.at_payment(probe.debt) } else { None };
        earliest(due, Some(probe.given_up_at()))
    }

    fn at_payment(&self, debt: Debt) -> Option<Instant> {
        let wait = debt.time_to_pay();
        (wait < Duration::MAX).then(|| self.now + wait)
    }
}

const UNHURRIED: [PacketKind; 3] =
    [PacketKind::Retransmission, PacketKind::Video, PacketKind::Padding];

impl<P> Engine for Pacer<P> {
    type Buffer = ();
    type Output = Paced<P>;

    fn poll(&mut self, now: Instant, _: &mut ()) -> Option<Paced<P>> {
        self.pass_time(now);
        if let Some((size, packet)) = self.take([PacketKind::Audio]) {
            self.account(size);
            return Some(Paced::Packet { packet, probe: None });
        }
        if let Some(paced) = self.poll_probe() {
            return Some(paced);
        }
        if self.probing() || !self.media.is_paid() {
            return None;
        }
        if let Some((size, packet)) = self.take(UNHURRIED) {
            self.account(size);
            return Some(Paced::Packet { packet, probe: None });
        }
        self.poll_padding()
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let [audio, ..] = &self.queues;
        if !audio.is_empty() {
            return Some(self.now);
        }
        let probe = self.probe_wakeup();
        if self.probing() {
            return probe;
        }
        let media = self.at_payment(self.media);
        let other = if self.unhurried() {
            media
        } else if self.padding.rate > Bitrate::ZERO {
            media.max(self.at_payment(self.padding)).filter(|_| media.is_some())
        } else {
            None
        };
        earliest(probe, other)
    }
}

impl Probe {
    /// A running probe also ends then, so that a path that stopped sending can't hold it for ever.
    fn given_up_at(&self) -> Instant {
        self.asked_at + PROBE_TIMEOUT
    }
}

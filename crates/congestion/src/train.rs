//! The packets of one probe, and what their arrivals say.

use crate::probe::FIRST_PROBES;
use crate::{ProbeCluster, SentPacket};
use core::time::Duration;
use visavis_core::{Bitrate, DataSize, ExtSeq, Instant, PacketReport};

/// A result is worth something if this share of the train arrived,
const ENOUGH: f64 = 0.8;
/// within this,
const MAX_INTERVAL: Duration = Duration::from_secs(1);
/// not faster than this times the rate at which it was sent.
const MAX_COMPRESSION: f64 = 2.0;
/// If it arrives slower than this share of that rate, it has found the bottleneck, and the result is a
/// little less than it.
const SATURATED: f64 = 0.9;
const MARGIN: f64 = 0.95;

/// A probe on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Train {
    pub(crate) cluster: ProbeCluster,
    pub(crate) asked_at: Instant,
    /// The numbers of its first and last packet so far.
    span: Option<(ExtSeq, ExtSeq)>,
    packets: u32,
    size: DataSize,
    arrived: Option<Arrived>,
}

#[derive(Debug, Clone, Copy)]
struct Arrived {
    /// When the first and the last packet were sent and arrived, and the size of the last.
    first: (Instant, Instant),
    last: (Instant, Instant, DataSize),
    packets: u32,
    size: DataSize,
    /// Sums for a line through the arrivals: `x` in kilobits, `y` in milliseconds after the first.
    sums: Sums,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Arrived {
    /// What arrived by when. With jitter, all packets together tell more than the first and the last.
    fn rate(&self) -> Option<Bitrate> {
        let (count, Sums { x, y, xx, xy }) = (f64::from(self.packets), self.sums);
        let (rise, run) = (count * xy - x * y, count * xx - x * x);
        // Kilobits per millisecond are megabits per second.
        (rise > 0.0 && run > 0.0).then(|| Bitrate::from_kbps(1000).scale(run / rise))
    }
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The rate that the path carries.
    pub(crate) rate: Bitrate,
    /// It was one of the first.
    pub(crate) first: bool,
    /// The bottleneck was met: more doesn't pass.
    pub(crate) saturated: bool,
    /// The rate that was tried.
    pub(crate) tried: Bitrate,
}

impl Train {
    pub(crate) const fn new(asked_at: Instant, cluster: ProbeCluster) -> Self {
        Self { cluster, asked_at, span: None, packets: 0, size: DataSize::ZERO, arrived: None }
    }

    /// One of its packets was sent.
    pub(crate) fn on_sent(&mut self, packet: &SentPacket) {
        let first = self.span.map_or(packet.seq, |span| span.0);
        self.span = Some((first, packet.seq));
        self.packets = self.packets.saturating_add(1);
        self.size += packet.size;
    }

    /// Its first packet was sent before this one, or is this one.
    pub(crate) fn has_begun(&self, seq: ExtSeq) -> bool {
        self.span.is_some_and(|span| span.0 <= seq)
    }

    /// A packet was reported; it counts if it was sent before the last one of the train.
    pub(crate) fn on_report(&mut self, report: &PacketReport) {
        let within = self.span.is_some_and(|span| (span.0..=span.1).contains(&report.seq));
        let Some(arrived_at) = report.arrived_at.filter(|_| within) else { return };
        let one = (report.sent_at, arrived_at, report.size);
        let arrived = self.arrived.get_or_insert(Arrived {
            first: (report.sent_at, arrived_at),
            last: one,
            packets: 0,
            size: DataSize::ZERO,
            sums: Sums::default(),
        });
        arrived.last = one;
        arrived.packets = arrived.packets.saturating_add(1);
        arrived.size += report.size;
        let x = Bitrate::from_bps(arrived.size.bits()).kbps_f64();
        let y = arrived_at.diff_millis(arrived.first.1);
        let sums = &mut arrived.sums;
        (sums.x, sums.y) = (sums.x + x, sums.y + y);
        (sums.xx, sums.xy) = (sums.xx + x * x, sums.xy + x * y);
    }

    /// Its last packet was reported, or one after it. Packets may be smaller than the pacer asked for, so
    /// that the end can't be told by their size alone.
    pub(crate) fn is_over(&self, seq: ExtSeq) -> bool {
        let sent = self.packets >= self.cluster.min_packets && self.size >= self.cluster.min_size;
        self.span.is_some_and(|span| seq > span.1 || (sent && seq == span.1))
    }

    /// What it found, if enough arrived in a way that tells anything.
    pub(crate) fn judge(&self) -> Option<Found> {
        let arrived = self.arrived?;
        let enough = f64::from(arrived.packets) >= ENOUGH * f64::from(self.packets)
            && self.packets >= self.cluster.min_packets;
        let ((first_sent, first_at), (last_sent, last_at, last_size)) =
            (arrived.first, arrived.last);
        let (sending, arriving) = (last_sent.since(first_sent), last_at.since(first_at));
        let usable = |interval: Duration| !interval.is_zero() && interval <= MAX_INTERVAL;
        if !enough || !usable(sending) || !usable(arriving) {
            return None;
        }
        // The last one sent lies outside of the time that is counted.
        let sent = (arrived.size - last_size).per(sending);
        let received = arrived.rate()?;
        if received > sent.scale(MAX_COMPRESSION) {
            return None;
        }
        let saturated = received < sent.scale(SATURATED);
        let rate = if saturated { received.scale(MARGIN) } else { sent.min(received) };
        let first = self.cluster.id.0 < FIRST_PROBES;
        Some(Found { rate, first, saturated, tried: self.cluster.rate })
    }
}

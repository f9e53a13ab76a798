//! What was sent, until it's known what became of it.

use crate::SentPacket;
use alloc::boxed::Box;
use alloc::vec;
use visavis_core::{ConfigError, DataSize, Ecn, ExtSeq, Instant, PacketReport, Seq};

/// Remembers the packets sent last and turns feedback about sequence numbers into [`PacketReport`]s.
///
/// The memory is allocated once. Each packet is reported at most once: what was reported lost and is
/// said to have arrived later is counted as recovered.
#[derive(Debug, Clone)]
pub struct SendHistory {
    /// By sequence number modulo the length.
    slots: Box<[Option<Slot>]>,
    /// The newest packet sent.
    sent: Option<ExtSeq>,
    /// The newest packet that any feedback spoke of.
    reported: Option<ExtSeq>,
    in_flight: DataSize,
    stats: HistoryStats,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    seq: ExtSeq,
    sent_at: Instant,
    size: DataSize,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Arrived,
    Lost,
}

/// What feedback said so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HistoryStats {
    /// Packets sent.
    pub sent: u64,
    /// Packets that arrived, the recovered ones included.
    pub arrived: u64,
    /// Packets that were reported lost, those recovered later included.
    pub lost: u64,
    /// Packets that were reported lost first and arrived later.
    pub recovered: u64,
    /// Reports of packets that were never sent, or too long ago.
    pub unknown: u64,
}

impl SendHistory {
    /// Remembers the last `packets` packets: as many as are sent in a few round trips.
    ///
    /// # Errors
    /// Unless `packets` is from 1 to 32 768, the most that 16-bit sequence numbers can tell apart.
    pub fn new(packets: usize) -> Result<Self, ConfigError> {
        if !(1..=1 << 15).contains(&packets) {
            return Err(ConfigError::new("packets", "must be from 1 to 32768"));
        }
        Ok(Self {
            slots: vec![None; packets].into(),
            sent: None,
            reported: None,
            in_flight: DataSize::ZERO,
            stats: HistoryStats::default(),
        })
    }

    /// A packet was sent. One that isn't newer than the newest so far is ignored.
    pub fn on_sent(&mut self, now: Instant, packet: &SentPacket) {
        let SentPacket { seq, size, .. } = *packet;
        if self.sent.is_some_and(|sent| seq <= sent) {
            return;
        }
        self.stats.sent += 1;
        self.sent = Some(seq);
        self.in_flight += size;
        let slot = Slot { seq, sent_at: now, size, fate: Fate::Unknown };
        let reported = self.reported;
        if let Some(place) = self.place(seq)
            && let Some(old) = place.replace(slot)
            && old.flies(reported)
        {
            self.in_flight -= old.size;
        }
    }

    /// Feedback says that a packet arrived at `arrived_at`, or, if `None`, that it's lost. Gives the
    /// report for the controller, unless there was one already or the packet isn't remembered.
    pub fn resolve(
        &mut self,
        seq: Seq,
        arrived_at: Option<Instant>,
        ecn: Ecn,
    ) -> Option<PacketReport> {
        let Some(seq) = self.extend(seq) else {
            self.stats.unknown += 1;
            return None;
        };
        self.move_reported(seq);
        let Some(slot) = self.place(seq).and_then(Option::as_mut).filter(|slot| slot.seq == seq)
        else {
            self.stats.unknown += 1;
            return None;
        };
        let before = slot.fate;
        if before != Fate::Arrived {
            slot.fate = if arrived_at.is_some() { Fate::Arrived } else { Fate::Lost };
        }
        let Slot { sent_at, size, fate, .. } = *slot;
        match (before, fate) {
            (Fate::Unknown, Fate::Arrived) => self.stats.arrived += 1,
            (Fate::Unknown, _) => self.stats.lost += 1,
            (Fate::Lost, Fate::Arrived) => {
                self.stats.arrived += 1;
                self.stats.recovered += 1;
            }
            _ => {}
        }
        (before == Fate::Unknown).then_some(PacketReport { seq, sent_at, arrived_at, size, ecn })
    }

    /// How much was sent after the newest packet that feedback spoke of.
    #[must_use]
    pub const fn in_flight(&self) -> DataSize {
        self.in_flight
    }

    /// What feedback said so far.
    #[must_use]
    pub const fn stats(&self) -> HistoryStats {
        self.stats
    }

    /// The number nearest to the newest sent; `None` if nothing like it was sent.
    fn extend(&self, seq: Seq) -> Option<ExtSeq> {
        let sent = self.sent?;
        let back = sent.wire().since(seq);
        u64::try_from(back).ok().and_then(|back| sent.0.checked_sub(back)).map(ExtSeq)
    }

    /// What is no newer than `seq` flies no longer, whether it was reported or its report was lost.
    fn move_reported(&mut self, seq: ExtSeq) {
        let first = self.reported.map_or(0, |reported| reported.0.saturating_add(1));
        // Numbers may have gaps, so what is older than the memory is long may still be remembered; but
        // no slot needs to be looked at twice.
        let oldest = seq.0.saturating_sub(self.slots.len() as u64 - 1);
        for number in first.max(oldest)..=seq.0 {
            if let Some(slot) = self.place(ExtSeq(number)).and_then(|slot| *slot)
                && (first..=seq.0).contains(&slot.seq.0)
            {
                self.in_flight -= slot.size;
            }
        }
        self.reported = self.reported.max(Some(seq));
    }

    fn place(&mut self, seq: ExtSeq) -> Option<&mut Option<Slot>> {
        let index = usize::try_from(seq.0 % self.slots.len() as u64).ok()?;
        self.slots.get_mut(index)
    }
}

impl Slot {
    fn flies(&self, reported: Option<ExtSeq>) -> bool {
        reported.is_none_or(|reported| self.seq > reported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PacketKind;
    use proptest::prelude::*;

    const AT: Instant = Instant::from_millis(7);

    fn packet(seq: u64) -> SentPacket {
        let size = DataSize::from_bytes(100);
        SentPacket { seq: ExtSeq(seq), size, kind: PacketKind::Video, probe: None }
    }

    fn history(len: usize, seqs: impl IntoIterator<Item = u64>) -> SendHistory {
        let mut history = SendHistory::new(len).unwrap();
        for seq in seqs {
            history.on_sent(Instant::from_millis(seq), &packet(seq));
        }
        history
    }

    fn resolve(history: &mut SendHistory, seq: u16, arrived: bool) -> bool {
        history.resolve(Seq(seq), arrived.then_some(AT), Ecn::NotEct).is_some()
    }

    #[test]
    fn a_report_carries_what_was_sent() {
        let mut history = history(16, 65_530..65_540);
        let report = history.resolve(Seq(2), Some(AT), Ecn::Ce).unwrap();
        assert_eq!(report.seq, ExtSeq(65_538));
        assert_eq!(report.sent_at, Instant::from_millis(65_538));
        assert_eq!(report.arrived_at, Some(AT));
        assert_eq!(report.size, DataSize::from_bytes(100));
        assert_eq!(report.ecn, Ecn::Ce);
        assert_eq!(history.in_flight(), DataSize::from_bytes(100));
    }

    #[test]
    fn only_the_first_report_counts() {
        let mut history = history(16, 1..5);
        assert!(resolve(&mut history, 1, false));
        assert!(!resolve(&mut history, 1, true));
        assert!(!resolve(&mut history, 1, false));
        assert!(resolve(&mut history, 2, true));
        assert!(!resolve(&mut history, 2, false));
        let stats = history.stats();
        assert_eq!((stats.arrived, stats.lost, stats.recovered, stats.unknown), (2, 1, 1, 0));
    }

    #[test]
    fn what_was_not_sent_is_not_reported() {
        let mut history = history(16, [1, 2, 4]);
        assert!(!resolve(&mut history, 5, true));
        assert!(!resolve(&mut history, 3, true));
        assert!(!resolve(&mut history, 40_000, true));
        assert_eq!(history.stats().unknown, 3);
        assert!(!resolve(&mut SendHistory::new(4).unwrap(), 0, true));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut history = history(8, 0..20);
        assert!(!resolve(&mut history, 11, true));
        assert!(resolve(&mut history, 12, true));
        assert_eq!(history.in_flight(), DataSize::from_bytes(700));
    }

    #[test]
    fn an_unreported_packet_before_a_reported_one_does_not_fly() {
        let mut history = history(16, 0..10);
        assert_eq!(history.in_flight(), DataSize::from_bytes(1000));
        assert!(resolve(&mut history, 6, true));
        assert_eq!(history.in_flight(), DataSize::from_bytes(300));
        assert!(resolve(&mut history, 3, true));
        assert_eq!(history.in_flight(), DataSize::from_bytes(300));
    }

    #[test]
    fn a_size_that_can_not_be_is_refused() {
        assert!(SendHistory::new(0).is_err());
        assert!(SendHistory::new(40_000).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against a map that never forgets.
        #[test]
        fn it_agrees_with_a_plain_list(
            steps in prop::collection::vec((any::<bool>(), 0u16..40, any::<bool>()), 1..200),
        ) {
            let mut history = SendHistory::new(16).unwrap();
            let mut sent: alloc::vec::Vec<(u64, bool)> = alloc::vec::Vec::new();
            let (mut next, mut highest) = (65_500u64, None);
            for (send, number, arrived) in steps {
                if send {
                    next += u64::from(number % 3);
                    history.on_sent(AT, &packet(next));
                    sent.push((next, false));
                    next += 1;
                } else {
                    let seq = next.saturating_sub(u64::from(number));
                    let newest = sent.last().map_or(0, |last| last.0);
                    let known = sent.iter_mut().find(|one| one.0 == seq);
                    let fresh = known.as_ref().is_some_and(|one| !one.1 && one.0 + 16 > newest);
                    // A slot is kept until another packet needs it.
                    let got = resolve(&mut history, ExtSeq(seq).wire().0, arrived);
                    prop_assert!(got || !fresh, "{seq} of {newest}");
                    if let Some(one) = known {
                        prop_assert!(!(got && one.1), "twice");
                        one.1 |= got;
                    } else {
                        prop_assert!(!got);
                    }
                    if seq <= newest && !sent.is_empty() {
                        highest = highest.max(Some(seq));
                    }
                }
                let newest = sent.last().map_or(0, |last| last.0);
                let flying = sent.iter().filter(|one| highest.is_none_or(|high| one.0 > high));
                let least = flying.clone().filter(|one| one.0 + 16 > newest).count() as u64;
                let most = flying.count() as u64;
                let packets = history.in_flight().bytes() / 100;
                prop_assert!((least..=most).contains(&packets), "{least} {packets} {most}");
            }
        }
    }
}

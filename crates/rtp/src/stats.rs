//! How well one stream is received, as receiver reports tell it.

use core::time::Duration;
use visavis_core::{ClockRate, ExtSeq, Instant, NtpTime, RtpTimestamp, Seq, Ssrc};

use crate::rtcp::ReportBlock;

/// Counts one received stream: loss, jitter, and what its reports say.
///
/// For packets that are known to be genuine. A stream whose numbers jump by thousands is taken for
/// one that was started anew when a second packet follows the jump
/// ([RFC 3550 §A.1](https://www.rfc-editor.org/rfc/rfc3550#appendix-A.1)); its counts start anew then,
/// while its extended numbers go on rising.
///
/// ```
/// # use visavis_core::{ClockRate, Instant, RtpTimestamp, Seq, Ssrc};
/// # use visavis_rtp::ReceptionStats;
/// let mut stats = ReceptionStats::new(ClockRate::OPUS);
/// for n in [0_u16, 1, 3, 4] {
///     let now = Instant::from_millis(u64::from(n) * 20);
///     stats.on_packet(now, Seq(n), RtpTimestamp(u32::from(n) * 960));
/// }
/// let block = stats.report_block(Instant::from_millis(100), Ssrc(9));
/// assert_eq!((block.cumulative_lost, block.fraction_lost), (1, 51));
/// ```
#[derive(Debug, Clone)]
pub struct ReceptionStats {
    clock_rate: ClockRate,
    sequence: Option<Sequence>,
    /// In sixteenths of a tick.
    jitter: u32,
    transit: Option<u32>,
    last_sr: Option<(Instant, NtpTime)>,
}

/// Where the sequence numbers stand.
#[derive(Debug, Clone, Copy)]
struct Sequence {
    /// The first of them.
    base: u64,
    highest: u64,
    /// The number expected after one that was out of place.
    restart: Option<Seq>,
    received: u64,
    expected_before: u64,
    received_before: u64,
}

impl Sequence {
    const fn new(base: u64) -> Self {
        Self {
            base,
            highest: base,
            restart: None,
            received: 0,
            expected_before: 0,
            received_before: 0,
        }
    }

    const fn expected(&self) -> u64 {
        self.highest - self.base + 1
    }
}

impl ReceptionStats {
    /// A step in the numbers that isn't loss or reordering any more: MAX_DROPOUT. It also serves
    /// backwards for MAX_MISORDER, since a retransmission may come hundreds of packets late.
    const MAX_STEP: i16 = 3000;

    /// Before the first packet of a stream with this media clock.
    #[must_use]
    pub const fn new(clock_rate: ClockRate) -> Self {
        Self { clock_rate, sequence: None, jitter: 0, transit: None, last_sr: None }
    }

    /// Counts a packet and gives its extended number. `None` if its number is out of place: the packet
    /// isn't counted and best dropped.
    pub fn on_packet(&mut self, now: Instant, seq: Seq, timestamp: RtpTimestamp) -> Option<ExtSeq> {
        // The first one starts one turn up, so that an earlier one that was overtaken fits below.
        let sequence =
            self.sequence.get_or_insert_with(|| Sequence::new((1 << 16) | u64::from(seq.0)));
        let step = seq.since(ExtSeq(sequence.highest).wire());
        if step.unsigned_abs() >= Self::MAX_STEP.unsigned_abs() {
            if sequence.restart != Some(seq) {
                sequence.restart = Some(seq.next());
                return None;
            }
            // The next number with these 16 bits.
            let ahead = u64::from(step.cast_unsigned());
            *sequence = Sequence::new(sequence.highest + ahead);
            self.transit = None;
        } else {
            sequence.restart = None;
        }
        sequence.received += 1;
        let highest = sequence.highest;
        let step = i64::from(seq.since(ExtSeq(highest).wire()));
        let extended = highest.saturating_add_signed(step);
        sequence.highest = highest.max(extended);
        // The transit of a late packet is that of its retransmission or detour.
        if step > 0 || self.transit.is_none() {
            self.update_jitter(now, timestamp);
        }
        Some(ExtSeq(extended))
    }

    /// The extended form of a number of this stream that isn't counted, such as that of a packet which
    /// came as a retransmission. `None` before the first packet.
    #[must_use]
    pub fn extend(&self, seq: Seq) -> Option<ExtSeq> {
        let highest = self.sequence?.highest;
        let step = i64::from(seq.since(ExtSeq(highest).wire()));
        Some(ExtSeq(highest.saturating_add_signed(step)))
    }

    /// [RFC 3550 §A.8](https://www.rfc-editor.org/rfc/rfc3550#appendix-A.8), in sixteenths.
    fn update_jitter(&mut self, now: Instant, timestamp: RtpTimestamp) {
        let transit = self.ticks(now).wrapping_sub(timestamp.0);
        if let Some(before) = self.transit {
            let step = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            let decay = self.jitter.saturating_add(8) >> 4;
            self.jitter = self.jitter.saturating_add(step).saturating_sub(decay);
        }
        self.transit = Some(transit);
    }

    /// `now` on the media clock, modulo 2^32.
    #[allow(clippy::cast_possible_truncation, reason = "the media clock is modulo 2^32")]
    fn ticks(&self, now: Instant) -> u32 {
        let rate = u64::from(self.clock_rate.hertz());
        let (seconds, nanos) = (now.as_nanos() / 1_000_000_000, now.as_nanos() % 1_000_000_000);
        seconds.wrapping_mul(rate).wrapping_add(nanos * rate / 1_000_000_000) as u32
    }

    /// Notes a sender report of this stream, to which the next blocks answer.
    pub const fn on_sender_report(&mut self, now: Instant, ntp: NtpTime) {
        self.last_sr = Some((now, ntp));
    }

    /// The block that reports on this stream, `ssrc`; the fraction lost is that since the last one.
    /// [RFC 3550 §A.3](https://www.rfc-editor.org/rfc/rfc3550#appendix-A.3)
    pub fn report_block(&mut self, now: Instant, ssrc: Ssrc) -> ReportBlock {
        let (last_sr, delay_since_last_sr) = self.last_sr.map_or((0, 0), |(at, ntp)| {
            let units = now.since(at).as_nanos() * 65_536 / 1_000_000_000;
            (ntp.middle(), u32::try_from(units).unwrap_or(u32::MAX))
        });
        let mut block = ReportBlock {
            ssrc,
            fraction_lost: 0,
            cumulative_lost: i32::try_from(self.lost()).unwrap_or(i32::MAX),
            highest_seq: 0,
            jitter: self.jitter >> 4,
            last_sr,
            delay_since_last_sr,
        };
        if let Some(sequence) = &mut self.sequence {
            // Wraps count from the first packet, which is somewhere in turn 0.
            block.highest_seq = low(sequence.highest - (sequence.base & !0xffff));
            let expected = sequence.expected() - sequence.expected_before;
            let received = sequence.received - sequence.received_before;
            sequence.expected_before = sequence.expected();
            sequence.received_before = sequence.received;
            let lost = expected.saturating_sub(received);
            let fraction = (lost * 256).checked_div(expected).unwrap_or(0);
            block.fraction_lost = u8::try_from(fraction).unwrap_or(u8::MAX);
        }
        block
    }

    /// Packets received, duplicates and late ones included.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.sequence.map_or(0, |sequence| sequence.received)
    }

    /// Packets lost: those expected less those received, negative when there are duplicates.
    #[must_use]
    pub fn lost(&self) -> i64 {
        self.sequence.map_or(0, |s| s.expected().wrapping_sub(s.received).cast_signed())
    }

    /// The interarrival jitter. [RFC 3550 §6.4.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1)
    #[must_use]
    pub fn jitter(&self) -> Duration {
        let nanos = u64::from(self.jitter) * 1_000_000_000 / 16;
        Duration::from_nanos(nanos / u64::from(self.clock_rate.hertz()))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the wire has 32 bits")]
const fn low(value: u64) -> u32 {
    value as u32
}

/// The time to a receiver and back, from a block that reports on a stream of ours and came at `now`,
/// on the wall clock of our sender reports. `None` before the receiver has seen one, or if its
/// figures can't be.
/// [RFC 3550 §6.4.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1)
#[must_use]
pub fn round_trip(now: NtpTime, block: &ReportBlock) -> Option<Duration> {
    /// Both ends round: this little below nothing is nothing, in 1/65536 s.
    const ROUNDING: i64 = 4;
    if block.last_sr == 0 {
        return None;
    }
    let units = now.middle().wrapping_sub(block.last_sr).wrapping_sub(block.delay_since_last_sr);
    let units = i64::from(units.cast_signed());
    let nanos = u64::try_from(units.max(0)).unwrap_or(0) * 1_000_000_000 / 65_536;
    (units >= -ROUNDING).then_some(Duration::from_nanos(nanos))
}

//! Which playout delay would have been best: many playout clocks run virtually beside the real one, and
//! the cheapest is followed.
//!
//! A clock is a reference (see [`References`]) and a distance `B` to keep from it. Every packet is put
//! through all of them as soon as it's known when it could be played. A clock's cost weighs the delay
//! that it had against the sound that it would have had to invent and to stretch. Redundancy,
//! reordering and retransmission need no special case: they stand in the time at which a packet
//! could be played.

use alloc::vec::Vec;

use super::delay::{REFERENCES, References};

/// The distances, in milliseconds.
const DISTANCES: [f64; 28] = [
    0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 70.0, 80.0, 90.0,
    100.0, 110.0, 120.0, 135.0, 150.0, 175.0, 200.0, 230.0, 260.0, 300.0, 350.0, 400.0,
];
/// What is believed before anything was seen: this share would be concealed without a distance, and as
/// much as after so many milliseconds of sound.
const PRIOR: f64 = 0.01;
const PRIOR_TIME: f64 = 1_500.0;
/// What one percent of concealment costs, in milliseconds of delay.
const CONCEALMENT_COST: f64 = 106.0;
/// What one percent of stretching costs.
const STRETCH_COST: f64 = 0.2;
/// Delay beyond this many milliseconds costs double.
const COMFORTABLE_DELAY: f64 = 75.0;
/// Another clock is followed when it is better by this much.
const SWITCH_GAIN: f64 = 1.0;
/// What share of the sound stretching can change at most, on average.
const MAX_STRETCH: f64 = 0.175;
/// The clocks' delay may be this much above the target before it is lowered, and this much below before
/// it is raised, in milliseconds.
pub(super) const ABOVE: f64 = 10.0;
pub(super) const BELOW: f64 = 4.0;
/// How much earlier than necessary a packet must come for a clock to have it in time, in milliseconds:
/// the embedder's threads are late now and then.
const GUARD: f64 = 4.0;
/// How far playout may fall behind the target when it jumps over a packet that is missing.
pub(super) const JUMP_SLACK: f64 = 8.0;
/// How many packets can be undecided at once.
const UNDECIDED: u64 = 128;

/// What is known of a packet that hasn't gone through the clocks yet.
#[derive(Debug, Clone, Copy, Default)]
struct Undecided {
    /// When it could be played: its arrival, or that of its copy.
    available: Option<f64>,
    /// Its media time and its length.
    media: f64,
    length: f64,
    /// When the first packet after it came.
    overtaken: f64,
}

#[derive(Debug, Clone, Copy)]
struct Clock {
    reference: usize,
    distance: f64,
    /// Where playout stands: time minus media time.
    position: f64,
    delay: f64,
    concealed: f64,
    stretched: f64,
}

impl Clock {
    fn new(reference: usize, distance: f64, level: f64) -> Self {
        Self {
            reference,
            distance,
            position: level + distance,
            delay: distance,
            concealed: PRIOR * libm::exp(-distance / 50.0),
            stretched: 0.0,
        }
    }

    fn cost(&self) -> f64 {
        self.delay
            + (self.delay - COMFORTABLE_DELAY).max(0.0)
            + CONCEALMENT_COST * 100.0 * self.concealed
            + STRETCH_COST * 100.0 * self.stretched
    }
}

/// All the clocks and the packets that are still to go through them.
#[derive(Debug)]
pub(super) struct Clocks {
    clocks: Vec<Clock>,
    best: usize,
    /// How many packets have gone through.
    seen: f64,
    /// Sequence numbers: the next to go through, and the one after the highest that came.
    next: u64,
    end: u64,
    undecided: Vec<Undecided>,
    /// The longest that a packet came after one that it should have preceded, slowly forgotten.
    reorder: f64,
    /// The length of one concealed chunk.
    step: f64,
}

/// One packet as the clocks see it, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) seq: u64,
    pub(super) at: f64,
    pub(super) media: f64,
    pub(super) length: f64,
    pub(super) has_fec: bool,
}

impl Clocks {
    pub(super) fn new(step: f64) -> Self {
        Self {
            clocks: Vec::with_capacity(REFERENCES * DISTANCES.len()),
            best: 0,
            seen: 0.0,
            next: 0,
            end: 0,
            undecided: (0..UNDECIDED).map(|_| Undecided::default()).collect(),
            reorder: 0.0,
            step,
        }
    }

    pub(super) fn clear(&mut self) {
        self.clocks.clear();
        self.reorder = 0.0;
    }

    /// Where playout should stand (time minus media time), and how far from its reference that is.
    pub(super) fn target(&self, references: &References) -> (f64, f64) {
        let Some(best) = self.clocks.get(self.best) else { return (0.0, 0.0) };
        let level = references.values().get(best.reference).copied().unwrap_or(0.0);
        (level + best.distance, best.distance)
    }

    /// Takes a packet; `references` must know it already, `before` are their values without it.
    pub(super) fn on_packet(&mut self, arrival: Arrival, before: [f64; REFERENCES]) {
        if self.clocks.is_empty() {
            self.start(arrival);
        }
        self.note(arrival);
        self.decide(arrival.at, before);
    }

    fn start(&mut self, first: Arrival) {
        let level = first.at - first.media;
        for reference in 0..REFERENCES {
            self.clocks.extend(DISTANCES.map(|distance| Clock::new(reference, distance, level)));
        }
        (self.seen, self.next, self.end) = (0.0, first.seq, first.seq);
        self.best = 0;
        self.choose();
    }

    fn slot(&mut self, seq: u64) -> Option<&mut Undecided> {
        let index = usize::try_from(seq % UNDECIDED).ok()?;
        self.undecided.get_mut(index)
    }

    /// Writes down what the packet says of itself, of those before it and of its predecessor's copy.
    fn note(&mut self, arrival: Arrival) {
        let Arrival { seq, at, media, length, has_fec } = arrival;
        if seq.saturating_add(UNDECIDED) < self.next {
            return;
        }
        if seq < self.end {
            let decided = seq < self.next;
            let mut late = 0.0;
            if let Some(slot) = self.slot(seq) {
                late = at - slot.overtaken;
                if !decided {
                    *slot = Undecided {
                        available: Some(slot.available.map_or(at, |then| then.min(at))),
                        media,
                        length,
                        ..*slot
                    };
                }
            }
            self.reorder = self.reorder.max(late.clamp(0.0, 500.0));
        } else {
            self.reorder *= 0.9995;
            if seq - self.end >= UNDECIDED {
                // Too many at once to be counted one by one.
                self.next = seq;
            }
            self.end = self.end.max(self.next);
            while self.end < seq {
                let missing = self.end;
                #[allow(clippy::cast_precision_loss, reason = "at most 128")]
                let back = length * (seq - missing) as f64;
                self.push(
                    missing,
                    Undecided { media: media - back, length, overtaken: at, available: None },
                );
            }
            self.push(seq, Undecided { media, length, overtaken: at, available: Some(at) });
        }
        if has_fec
            && seq > self.next
            && let Some(slot) = self.slot(seq - 1)
        {
            slot.available.get_or_insert(at);
        }
    }

    fn push(&mut self, seq: u64, undecided: Undecided) {
        if seq.saturating_sub(self.next) >= UNDECIDED {
            self.next = seq - UNDECIDED + 1;
        }
        if let Some(slot) = self.slot(seq) {
            *slot = undecided;
        }
        self.end = seq.saturating_add(1);
    }

    /// Puts all packets through the clocks whose fate is known.
    fn decide(&mut self, now: f64, references: [f64; REFERENCES]) {
        while self.next < self.end {
            let Some(packet) = self.slot(self.next).copied() else { return };
            let patience = (1.2 * self.reorder).min(600.0) + 2.0 * packet.length;
            if packet.available.is_none() && now - packet.overtaken < patience {
                return;
            }
            let following = self.next.saturating_add(1);
            let following = if following < self.end {
                self.slot(following).and_then(|slot| slot.available)
            } else {
                None
            };
            self.seen += 1.0;
            let window = (self.seen + PRIOR_TIME / packet.length).min(30_000.0 / packet.length);
            let passage = Passage { packet, following, weight: 1.0 / window, step: self.step };
            for clock in &mut self.clocks {
                let level = references.get(clock.reference).copied().unwrap_or(0.0);
                passage.through(clock, level);
            }
            self.next = self.next.saturating_add(1);
        }
        self.choose();
    }

    fn choose(&mut self) {
        let costs = self.clocks.iter().map(Clock::cost).enumerate();
        let Some((index, least)) = costs.min_by(|(_, a), (_, b)| a.total_cmp(b)) else { return };
        let current = self.clocks.get(self.best).map_or(f64::INFINITY, Clock::cost);
        if least < current - SWITCH_GAIN {
            self.best = index;
        }
    }
}

/// One packet on its way through the clocks.
struct Passage {
    packet: Undecided,
    following: Option<f64>,
    weight: f64,
    step: f64,
}

impl Passage {
    fn through(&self, clock: &mut Clock, level: f64) {
        let length = self.packet.length;
        let target = level + clock.distance;
        let off = clock.position - target;
        let mut stretched = 0.0;
        if !(-BELOW..=ABOVE).contains(&off) {
            stretched = libm::fabs(off).min(MAX_STRETCH * length);
            clock.position -= libm::copysign(stretched, off);
        }
        let concealed = self.conceal(clock, target);
        if let Some(available) = self.packet.available {
            let delay = (clock.position - (available - self.packet.media)).max(0.0);
            clock.delay += self.weight * (delay - clock.delay);
        }
        clock.concealed += self.weight * (concealed / length - clock.concealed);
        clock.stretched += self.weight * (stretched / length - clock.stretched);
    }

    /// How much has to be invented for this packet; moves the clock by what doesn't replace it.
    fn conceal(&self, clock: &mut Clock, target: f64) -> f64 {
        let Undecided { available, media, length, .. } = self.packet;
        // As soon as the following packet is there, waiting for this one ends.
        let cut = self.following.map(|at| (at - media - clock.position).max(length));
        let Some(available) = available else {
            let cut = cut.unwrap_or(length);
            let over = clock.position + cut - length - target + JUMP_SLACK;
            let concealed = self.in_steps(cut - over.clamp(0.0, (length - 5.0).max(0.0)));
            clock.position += concealed - length;
            return concealed;
        };
        let late = available + GUARD - media - clock.position;
        if late <= 0.0 {
            return 0.0;
        }
        let wait = self.in_steps(late);
        match cut.map(|cut| self.in_steps(cut)) {
            Some(cut) if cut < wait => {
                clock.position += cut - length;
                cut
            }
            _ => {
                clock.position += wait;
                wait
            }
        }
    }

    /// Whole chunks of concealment.
    fn in_steps(&self, concealed: f64) -> f64 {
        libm::ceil(concealed / self.step) * self.step
    }
}

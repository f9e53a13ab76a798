//! What is remembered of each SSRC: the highest index and which of those below it were seen.

use alloc::vec;
use alloc::vec::Vec;

use crate::TooManyStreams;

/// Indices of SRTP are below this: 32 bits of rollover counter, 16 of sequence number.
const INDEX_END: u64 = 1 << 48;

/// One SSRC.
#[derive(Debug, Clone, Copy)]
struct Stream {
    ssrc: u32,
    /// Whether a packet came; before one, only the rollover counter in `highest` is known.
    started: bool,
    highest: u64,
}

/// A bounded table of streams with a window of seen indices each. Everything that asks leaves it as
/// it is; only [`accept`](Self::accept), called when a packet is known to be genuine, changes it.
#[derive(Debug)]
pub(crate) struct Streams {
    /// Open addressing: 0 is free, else one more than the place in `streams`. At most half full.
    slots: Vec<u32>,
    streams: Vec<Stream>,
    /// `window / 64` words for each stream, a bit for each index modulo the window.
    seen: Vec<u64>,
    max_streams: usize,
    window: u64,
    /// Where the packet before was found.
    last: usize,
}

/// A packet as it would be accepted; of no effect by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    ssrc: u32,
    /// Where its stream stands, if there is one.
    at: Option<usize>,
    pub(crate) index: u64,
}

impl Streams {
    /// `window` is a power of two of at least 64.
    pub(crate) fn new(max_streams: usize, window: usize) -> Self {
        Self {
            slots: vec![0; (2 * max_streams).next_power_of_two()],
            streams: Vec::with_capacity(max_streams),
            seen: Vec::with_capacity(max_streams * (window / 64)),
            max_streams,
            window: window as u64,
            last: 0,
        }
    }

    /// A packet with a sequence number of 16 bits, at the index that is nearest to the highest.
    /// `None` if that is beyond the last one.
    ///
    /// [RFC 3711 §3.3.1](https://www.rfc-editor.org/rfc/rfc3711#section-3.3.1), but that a number
    /// which would be before the first turn is taken for a leap within it.
    #[inline]
    pub(crate) fn guess(&self, ssrc: u32, seq: u16) -> Option<Candidate> {
        let at = self.find(ssrc);
        let index = match at.and_then(|at| self.streams.get(at)) {
            None => u64::from(seq),
            Some(stream) => {
                let turn = stream.highest & !0xffff;
                let (same, highest) = (turn | u64::from(seq), stream.highest);
                if !stream.started {
                    same
                } else if same > highest + 0x8000 && turn > 0 {
                    same - 0x1_0000
                } else if same + 0x8000 < highest {
                    same + 0x1_0000
                } else {
                    same
                }
            }
        };
        (index < INDEX_END).then_some(Candidate { ssrc, at, index })
    }

    /// A packet that says its index itself.
    pub(crate) fn at_index(&self, ssrc: u32, index: u32) -> Candidate {
        Candidate { ssrc, at: self.find(ssrc), index: u64::from(index) }
    }

    /// A packet with the index after the highest, 0 being the first.
    pub(crate) fn following(&self, ssrc: u32) -> Candidate {
        let at = self.find(ssrc);
        let index = at.and_then(|at| self.streams.get(at)).map_or(0, |stream| stream.highest + 1);
        Candidate { ssrc, at, index }
    }

    /// Whether the index wasn't seen yet, as far as the window reaches.
    #[inline]
    pub(crate) fn is_fresh(&self, candidate: Candidate) -> bool {
        let Some((at, stream)) = candidate.at.and_then(|at| Some((at, self.streams.get(at)?)))
        else {
            return true;
        };
        if !stream.started || candidate.index > stream.highest {
            return true;
        }
        let (word, bit) = self.place(at, candidate.index);
        stream.highest - candidate.index < self.window
            && self.seen.get(word).is_some_and(|word| word & bit == 0)
    }

    /// Marks the index as seen and moves the window up to it, if it is ahead.
    #[inline]
    pub(crate) fn accept(&mut self, candidate: Candidate) -> Result<(), TooManyStreams> {
        let Candidate { ssrc, index, .. } = candidate;
        let at = match candidate.at {
            Some(at) => at,
            None => self.insert(ssrc, index & !0xffff)?,
        };
        self.last = at;
        let Some(stream) = self.streams.get_mut(at) else {
            return Ok(());
        };
        if index > stream.highest || !stream.started {
            let (before, started) = (stream.highest, stream.started);
            (stream.highest, stream.started) = (index, true);
            if started {
                self.clear(at, before, index);
            }
        }
        let (word, bit) = self.place(at, index);
        if let Some(word) = self.seen.get_mut(word) {
            *word |= bit;
        }
        Ok(())
    }

    /// The upper 32 bits of the highest index.
    pub(crate) fn rollover(&self, ssrc: u32) -> Option<u32> {
        let stream = self.streams.get(self.find(ssrc)?)?;
        u32::try_from(stream.highest >> 16).ok()
    }

    /// Forgets the stream's indices and expects its next packet at this rollover counter, unless it
    /// has it already.
    pub(crate) fn set_rollover(&mut self, ssrc: u32, roc: u32) -> Result<(), TooManyStreams> {
        if self.rollover(ssrc) == Some(roc) {
            return Ok(());
        }
        let highest = u64::from(roc) << 16;
        let at = match self.find(ssrc) {
            Some(at) => at,
            None => self.insert(ssrc, highest)?,
        };
        if let Some(stream) = self.streams.get_mut(at) {
            *stream = Stream { ssrc, started: false, highest };
        }
        self.clear(at, 0, self.window);
        Ok(())
    }

    #[inline]
    fn find(&self, ssrc: u32) -> Option<usize> {
        if self.streams.get(self.last).is_some_and(|stream| stream.ssrc == ssrc) {
            return Some(self.last);
        }
        self.probe(ssrc).ok()
    }

    /// Where the stream stands, or else the free slot where it would be entered.
    fn probe(&self, ssrc: u32) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        // Fibonacci hashing: the upper bits depend on all of the SSRC's.
        let hash = u64::from(ssrc).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        #[allow(clippy::cast_possible_truncation, reason = "32 bits are left")]
        let mut slot = (hash >> 32) as usize & mask;
        loop {
            match self.slots.get(slot).copied().unwrap_or_default() {
                0 => return Err(slot),
                entry => {
                    let at = entry as usize - 1;
                    if self.streams.get(at).is_some_and(|stream| stream.ssrc == ssrc) {
                        return Ok(at);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn insert(&mut self, ssrc: u32, highest: u64) -> Result<usize, TooManyStreams> {
        let at = self.streams.len();
        if at >= self.max_streams {
            return Err(TooManyStreams);
        }
        if let Err(slot) = self.probe(ssrc)
            && let Some(slot) = self.slots.get_mut(slot)
        {
            *slot = u32::try_from(at + 1).map_err(|_| TooManyStreams)?;
        }
        self.streams.push(Stream { ssrc, started: false, highest });
        #[allow(clippy::cast_possible_truncation, reason = "it came from a usize")]
        let words = (self.window / 64) as usize;
        self.seen.resize(self.seen.len() + words, 0);
        Ok(at)
    }

    /// The word in `seen` and the bit in it.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "below the window")]
    const fn place(&self, at: usize, index: u64) -> (usize, u64) {
        let within = index & (self.window - 1);
        (at * (self.window / 64) as usize + (within / 64) as usize, 1 << (within % 64))
    }

    /// Forgets the indices above `from` up to `to`.
    #[inline]
    fn clear(&mut self, at: usize, from: u64, to: u64) {
        if to - from >= self.window {
            let first = self.place(at, 0).0;
            let last = self.place(at, self.window - 1).0;
            if let Some(words) = self.seen.get_mut(first..=last) {
                words.fill(0);
            }
            return;
        }
        for index in from + 1..=to {
            let (word, bit) = self.place(at, index);
            if let Some(word) = self.seen.get_mut(word) {
                *word &= !bit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Appendix A of RFC 3711 word by word, for a rollover counter that isn't at its ends.
    fn rfc_guess(roc: u64, s_l: u64, seq: u64) -> u64 {
        let v = if s_l < 32_768 {
            if seq > s_l + 32_768 { roc - 1 } else { roc }
        } else if s_l - 32_768 > seq {
            roc + 1
        } else {
            roc
        };
        (v << 16) | seq
    }

    #[test]
    fn a_leap_within_the_first_turn_stays_in_it() {
        let mut streams = Streams::new(1, 64);
        streams.accept(streams.guess(1, 5).unwrap()).unwrap();
        assert_eq!(streams.guess(1, 65_000).unwrap().index, 65_000);
    }

    #[test]
    fn ten_thousand_streams_are_told_apart() {
        let mut streams = Streams::new(10_000, 64);
        let ssrc = |n: u32| n << 12;
        for n in 0..10_000 {
            streams.accept(streams.at_index(ssrc(n), n)).unwrap();
        }
        for n in 0..10_000 {
            assert!(!streams.is_fresh(streams.at_index(ssrc(n), n)));
            assert!(streams.is_fresh(streams.at_index(ssrc(n), n + 1)));
        }
        assert_eq!(streams.accept(streams.at_index(1, 0)), Err(TooManyStreams));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_index_is_that_of_the_rfc(
            roc in 1u64..0xffff_ffff,
            s_l: u16,
            step in prop_oneof![any::<u16>(), 0x7ffe..0x8003u16],
        ) {
            let seq = s_l.wrapping_add(step);
            let mut streams = Streams::new(1, 64);
            let index = (roc << 16) | u64::from(s_l);
            streams.accept(Candidate { ssrc: 1, at: None, index }).unwrap();
            let expected = rfc_guess(roc, u64::from(s_l), u64::from(seq));
            prop_assert_eq!(streams.guess(1, seq).unwrap().index, expected);
        }

        /// Beside sets of all indices ever seen.
        #[test]
        fn the_window_forgets_nothing_within_it(
            window in prop::sample::select(&[64u64, 128, 1024]),
            steps in prop::collection::vec((0u32..3, -1500i32..1500, 0u32..20), 1..400),
        ) {
            let mut streams = Streams::new(3, usize::try_from(window).unwrap());
            let mut model: HashMap<u32, BTreeSet<u64>> = HashMap::new();
            for (ssrc, far, near) in steps {
                let seen = model.entry(ssrc).or_default();
                let highest = seen.last().copied();
                // Mostly near the newest, now and then far from it.
                let step = if near < 18 { i64::from(near) - 6 } else { i64::from(far) };
                let index = highest.unwrap_or(2000).saturating_add_signed(step);
                let candidate = streams.at_index(ssrc, u32::try_from(index).unwrap());
                let in_window = highest.is_none_or(|highest| index + window > highest);
                prop_assert_eq!(streams.is_fresh(candidate), in_window && !seen.contains(&index));
                if streams.is_fresh(candidate) {
                    streams.accept(candidate).unwrap();
                    seen.insert(index);
                }
            }
        }
    }
}

//! From payloads to an access unit.

use super::{F_AND_NRI, FU_A, FU_END, FU_START, STAP_A, is_unit, kind};
use crate::output::Output;
use crate::{Joined, PayloadError};
use visavis_core::{FrameInfo, TooShort};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Slice of an IDR picture.
const IDR: u8 = 5;
const SPS: u8 = 7;
const DELIMITER: u8 = 9;

/// What one payload says about its access unit; `marker` is the marker bit of its packet.
///
/// `start` is set where an access unit delimiter or a sequence parameter set begins. Other units may
/// be the first of theirs too, but don't show it. An encoder that sends several sequence parameter sets
/// with a frame, in packets of their own, shows more than one start.
///
/// # Errors
///
/// The payload is empty, cut off, of the interleaved mode, or of no known type.
pub fn classify(payload: &[u8], marker: bool) -> Result<FrameInfo, PayloadError> {
    let (&first, rest) = payload.split_first().ok_or(PayloadError::Empty)?;
    let mut info = FrameInfo::default();
    info.end = marker;
    match kind(first) {
        STAP_A => {
            let mut units = Aggregated(rest).peekable();
            units.peek().ok_or(PayloadError::Truncated)?;
            for (index, unit) in units.enumerate() {
                note(&mut info, *unit?.first().ok_or(PayloadError::Truncated)?, index == 0);
            }
        }
        FU_A => {
            let header = rest.first().ok_or(PayloadError::Truncated)?;
            let unit = (first & F_AND_NRI) | kind(*header);
            if !is_unit(unit) {
                return Err(PayloadError::Invalid);
            }
            note(&mut info, unit, header & FU_START != 0);
        }
        1..24 => note(&mut info, first, true),
        // STAP-B, MTAP and FU-B.
        25..30 => return Err(PayloadError::Unsupported),
        _ => return Err(PayloadError::Invalid),
    }
    Ok(info)
}

/// Adds what the first byte of a unit shows. `leads`: the unit begins the payload.
fn note(info: &mut FrameInfo, header: u8, leads: bool) {
    let kind = kind(header);
    info.start |= leads && matches!(kind, SPS | DELIMITER);
    info.keyframe |= matches!(kind, IDR | SPS);
    // All slices of a picture agree on whether others refer to it (H.264 §7.4.1).
    info.discardable |= matches!(kind, 1..=IDR) && header & 0x60 == 0;
}

/// Joins the payloads of one access unit, all of them and in order, at the front of `out`, each NAL
/// unit behind a start code of four bytes. An empty payload stands for one that is missing.
///
/// A fragmented unit of which a part is missing is left out as a whole.
///
/// # Errors
///
/// `out` is too short for the access unit.
pub fn depacketize<'a>(
    payloads: impl IntoIterator<Item = &'a [u8]>,
    out: &mut [u8],
) -> Result<Joined, TooShort> {
    let mut joiner = Joiner { out: Output::new(out), open: None, damaged: false };
    for payload in payloads {
        if joiner.payload(payload).is_none() {
            joiner.abandon();
            joiner.damaged = true;
        }
    }
    joiner.abandon();
    let len = joiner.out.finish()?;
    Ok(Joined { len, damaged: joiner.damaged || len == 0 })
}

struct Joiner<'b> {
    out: Output<'b>,
    /// The unit whose fragments are coming in.
    open: Option<Open>,
    damaged: bool,
}

struct Open {
    /// Where its start code stands.
    at: usize,
    /// Its first byte, which all its fragments repeat in pieces.
    header: u8,
}

impl Joiner<'_> {
    /// `None` if the payload, or the rest of it, is of no use.
    fn payload(&mut self, payload: &[u8]) -> Option<()> {
        let (&first, rest) = payload.split_first()?;
        match kind(first) {
            FU_A => return self.fragment(first, rest),
            STAP_A => {
                self.abandon();
                let mut units = Aggregated(rest).peekable();
                units.peek()?;
                for unit in units {
                    let unit = unit.ok()?;
                    if unit.first().is_some_and(|&header| is_unit(header)) {
                        self.unit(unit);
                    } else {
                        self.damaged = true;
                    }
                }
            }
            1..24 => {
                self.abandon();
                self.unit(payload);
            }
            _ => return None,
        }
        Some(())
    }

    fn unit(&mut self, unit: &[u8]) {
        self.out.put(&START_CODE);
        self.out.put(unit);
    }

    fn fragment(&mut self, indicator: u8, rest: &[u8]) -> Option<()> {
        let (&flags, body) = rest.split_first()?;
        let header = (indicator & F_AND_NRI) | kind(flags);
        if flags & FU_START != 0 {
            self.abandon();
            if !is_unit(header) {
                return None;
            }
            self.open = Some(Open { at: self.out.len(), header });
            self.unit(&[header]);
        } else if self.open.as_ref()?.header != header {
            return None;
        }
        self.out.put(body);
        if flags & FU_END != 0 {
            self.open = None;
        }
        Some(())
    }

    /// Takes back what there is of a unit that won't be whole.
    fn abandon(&mut self) {
        if let Some(open) = self.open.take() {
            self.out.truncate(open.at);
            self.damaged = true;
        }
    }
}

/// The units of a STAP-A, behind its first byte. After an error there is nothing more.
struct Aggregated<'a>(&'a [u8]);

impl<'a> Iterator for Aggregated<'a> {
    type Item = Result<&'a [u8], PayloadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let [high, low, rest @ ..] = self.0 else {
            let odd_byte = !self.0.is_empty();
            self.0 = &[];
            return odd_byte.then_some(Err(PayloadError::Truncated));
        };
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        let (unit, rest) = rest.split_at_checked(size).unwrap_or_default();
        self.0 = rest;
        if unit.is_empty() {
            self.0 = &[];
            return Some(Err(PayloadError::Truncated));
        }
        Some(Ok(unit))
    }
}

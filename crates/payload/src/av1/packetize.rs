//! From a temporal unit to payloads.

use super::leb128::{self, Leb128};
use super::obu::{Obu, Obus, starts_sequence};
use super::{CONTINUES, Config, GOES_ON, NEW_SEQUENCE};
use crate::output::Output;
use crate::{PacketizeError, Payload, check_max_payload};
use visavis_core::{ConfigError, TooShort};

/// A fragment that isn't the last of its OBU has at least so many bytes, unless it has the packet for
/// itself: shorter ones aren't worth their length field.
const MIN_FRAGMENT: usize = 32;
/// So many elements can be counted in the aggregation header.
const MAX_COUNT: usize = 3;

/// Makes payloads of temporal units.
#[derive(Debug, Clone, Copy)]
pub struct Packetizer {
    config: Config,
}

impl Packetizer {
    /// A packetizer for `config`.
    ///
    /// # Errors
    ///
    /// `max_payload` isn't between 16 and 65535.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        check_max_payload(config.max_payload)?;
        Ok(Self { config })
    }

    /// Begins with one temporal unit. What is wrong with it shows in the first [`Run::next_into`],
    /// before anything is sent.
    #[must_use]
    pub fn packetize<'a>(&self, temporal_unit: &'a [u8]) -> Run<'a> {
        let mut obus = Obus(temporal_unit);
        let failed = match obus.clone().find_map(Result::err) {
            Some(left) => Some(PacketizeError::Malformed { offset: temporal_unit.len() - left }),
            None if obus.clone().next().is_none() => Some(PacketizeError::Empty),
            None => None,
        };
        if failed.is_some() {
            obus = Obus(&[]);
        }
        let flags = if starts_sequence(obus.clone()) { NEW_SEQUENCE } else { 0 };
        let current = obus.next().and_then(Result::ok);
        Run { max: self.config.max_payload, obus, current, sent: 0, flags, failed }
    }

    /// How long a payload can get.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        self.config.max_payload
    }
}

/// The payloads of one temporal unit, in order.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    max: usize,
    /// What comes behind `current`. All of it can be read: that was checked.
    obus: Obus<'a>,
    /// The OBU that the next payload begins with.
    current: Option<Obu<'a>>,
    /// How much of it went into earlier payloads.
    sent: usize,
    /// What the next aggregation header has to say of a sequence's start.
    flags: u8,
    failed: Option<PacketizeError>,
}

/// What goes into one payload: `count` elements, the last of them with `last_len` bytes.
struct Plan {
    count: usize,
    last_len: usize,
}

impl Run<'_> {
    /// Writes the next payload to the front of `buffer`; `None` when the temporal unit is done.
    ///
    /// # Errors
    ///
    /// `buffer` is shorter than [`Packetizer::max_payload`], or the temporal unit has no OBU to send or
    /// one that can't be read.
    pub fn next_into(&mut self, buffer: &mut [u8]) -> Result<Option<Payload>, PacketizeError> {
        let buffer = buffer.get_mut(..self.max).ok_or(TooShort { needed: self.max })?;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.current.is_none() {
            return Ok(None);
        }
        let plan = self.plan();
        let mut out = Output::new(buffer);
        let counted = plan.count <= MAX_COUNT;
        let count = if counted { u8::try_from(plan.count).unwrap_or(0) } else { 0 };
        let continues = if self.sent > 0 { CONTINUES } else { 0 };
        out.put(&[continues | (count << 4) | self.flags]);
        for index in 1..=plan.count {
            let Some(obu) = self.current else { break };
            let left = obu.len() - self.sent;
            let last = index == plan.count;
            let len = if last { plan.last_len } else { left };
            if !(last && counted) {
                out.put(Leb128::new(len).as_bytes());
            }
            obu.put(self.sent, len, &mut out);
            if len < left {
                self.sent += len;
                out.overwrite(0, &[continues | GOES_ON | (count << 4) | self.flags]);
            } else {
                (self.sent, self.current) = (0, self.obus.next().and_then(Result::ok));
            }
        }
        self.flags = 0;
        Ok(Some(Payload { len: out.finish()?, last: self.current.is_none() }))
    }

    /// How much fits. Elements before the last have a length field; the last has one only if there are
    /// too many to count.
    fn plan(&self) -> Plan {
        let room = self.max - 1;
        let mut plan = Plan { count: 0, last_len: 0 };
        let mut used = 0;
        let mut layers = None;
        let mut offset = self.sent;
        for obu in self.current.into_iter().chain(self.obus.clone().flatten()) {
            // A packet has one layer, and a sequence header only at its front.
            // https://aomediacodec.github.io/av1-rtp-spec/#5-packetization-rules
            let other_layer = obu.extension.is_some_and(|of| layers.is_some_and(|is| is != of));
            if plan.count > 0 && (other_layer || obu.header.is_sequence_header()) {
                break;
            }
            layers = layers.or(obu.extension);
            let left = obu.len() - core::mem::take(&mut offset);
            let Some(mut space) = room.checked_sub(used) else { break };
            if plan.count >= MAX_COUNT {
                space = space.saturating_sub(leb128::len(space));
            }
            let len = left.min(space);
            if len == 0 || (len < left && plan.count > 0 && len < MIN_FRAGMENT) {
                break;
            }
            plan = Plan { count: plan.count + 1, last_len: len };
            if len < left {
                break;
            }
            used += leb128::len(left) + left;
        }
        plan
    }
}

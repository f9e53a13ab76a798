//! From an access unit to payloads.

use super::annexb::Units;
use super::{Config, F_AND_NRI, FU_A, FU_END, FU_START, PacketizationMode, STAP_A, is_unit, kind};
use crate::output::Output;
use crate::{PacketizeError, Payload, check_max_payload};
use visavis_core::{ConfigError, TooShort};

/// The length field before each unit of a STAP-A.
const SIZE_FIELD: usize = 2;
/// Indicator and header of an FU-A.
const FU_HEADERS: usize = 2;

/// Makes payloads of access units.
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

    /// Begins with one access unit. What is wrong with it shows in [`Run::next_into`].
    #[must_use]
    pub fn packetize<'a>(&self, access_unit: &'a [u8]) -> Run<'a> {
        let mut run = Run {
            config: self.config,
            frame_len: access_unit.len(),
            units: None,
            current: None,
            sent: 0,
            failed: None,
        };
        match Units::new(access_unit) {
            Ok(units) => {
                run.units = Some(units);
                run.advance();
                if run.current.is_none() {
                    run.failed = Some(PacketizeError::Empty);
                }
            }
            Err(error) => run.failed = Some(error),
        }
        run
    }

    /// How long a payload can get.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        self.config.max_payload
    }
}

/// The payloads of one access unit, in order.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    config: Config,
    frame_len: usize,
    units: Option<Units<'a>>,
    /// The unit that the next payload begins with.
    current: Option<&'a [u8]>,
    /// How much of it, behind its first byte, went into fragments already.
    sent: usize,
    failed: Option<PacketizeError>,
}

impl<'a> Run<'a> {
    /// Writes the next payload to the front of `buffer`; `None` when the access unit is done.
    ///
    /// Small units are aggregated, as long as they fit; a large one is cut into fragments of nearly
    /// equal size, so that none is much dearer to lose than another.
    ///
    /// # Errors
    ///
    /// `buffer` is shorter than [`Packetizer::max_payload`]; in mode 0, a unit is larger than a payload;
    /// there is no unit, no start code at the front, or a unit of a type that H.264 leaves
    /// unspecified and the payload format uses for itself.
    pub fn next_into(&mut self, buffer: &mut [u8]) -> Result<Option<Payload>, PacketizeError> {
        let max = self.config.max_payload;
        let buffer = buffer.get_mut(..max).ok_or(TooShort { needed: max })?;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some((unit, &header)) = self.current.and_then(|unit| Some((unit, unit.first()?)))
        else {
            return Ok(None);
        };
        let modes = self.config.mode == PacketizationMode::NonInterleaved;
        if !is_unit(header) {
            return Err(self.fail(PacketizeError::Malformed { offset: self.offset_of_current() }));
        }
        let mut out = Output::new(buffer);
        if unit.len() <= max {
            self.advance();
            if modes { self.write_units(unit, header, &mut out) } else { out.put(unit) }
        } else if modes {
            self.write_fragment(unit, header, &mut out);
        } else {
            return Err(self.fail(PacketizeError::TooLarge { size: unit.len(), max }));
        }
        Ok(Some(Payload { len: out.finish()?, last: self.current.is_none() }))
    }

    /// The unit alone, or, if the next one fits too, a STAP-A of as many as fit.
    fn write_units(&mut self, first: &[u8], header: u8, out: &mut Output<'_>) {
        let Some(mut next) = self.joins(1 + SIZE_FIELD + first.len()) else {
            return out.put(first);
        };
        let mut indicator = header & F_AND_NRI;
        out.put(&[STAP_A]);
        put_sized(first, out);
        loop {
            self.advance();
            put_sized(next, out);
            // The bit is set if it is in any unit; the indication is the highest of all.
            let of_next = next.first().map_or(0, |header| header & F_AND_NRI);
            indicator = ((indicator | of_next) & 0x80) | (indicator & 0x60).max(of_next & 0x60);
            match self.joins(out.len()) {
                Some(another) => next = another,
                None => break,
            }
        }
        out.overwrite(0, &[indicator | STAP_A]);
    }

    /// The unit to come, if it fits a STAP-A that has `len` bytes already.
    fn joins(&self, len: usize) -> Option<&'a [u8]> {
        let fits = |unit: &&[u8]| {
            len + SIZE_FIELD + unit.len() <= self.config.max_payload
                && unit.first().is_some_and(|&header| is_unit(header))
        };
        self.current.filter(fits)
    }

    fn write_fragment(&mut self, unit: &[u8], header: u8, out: &mut Output<'_>) {
        let body = unit.get(1 + self.sent..).unwrap_or(&[]);
        let room = self.config.max_payload - FU_HEADERS;
        let len = body.len().div_ceil(body.len().div_ceil(room).max(1));
        let start = if self.sent == 0 { FU_START } else { 0 };
        let end = if len == body.len() { FU_END } else { 0 };
        out.put(&[(header & F_AND_NRI) | FU_A, start | end | kind(header)]);
        out.put(body.get(..len).unwrap_or(body));
        self.sent += len;
        if end != 0 {
            self.advance();
        }
    }

    fn advance(&mut self) {
        self.sent = 0;
        self.current = self.units.as_mut().and_then(Iterator::next);
    }

    fn fail(&mut self, error: PacketizeError) -> PacketizeError {
        (self.units, self.current) = (None, None);
        error
    }

    /// Where the current unit ends in the frame, zeros and the next start code included, less its length:
    /// near enough to find it.
    fn offset_of_current(&self) -> usize {
        let behind = self.units.as_ref().map_or(0, Units::left);
        let unit = self.current.map_or(0, <[u8]>::len);
        self.frame_len.saturating_sub(behind).saturating_sub(unit)
    }
}

/// A unit of a STAP-A behind its length. It fits a payload, so its length has 16 bits.
fn put_sized(unit: &[u8], out: &mut Output<'_>) {
    out.put(&u16::try_from(unit.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.put(unit);
}

//! Open bitstream units: as they stand in a file and as elements of a packet.

use super::leb128;
use crate::output::Output;

const FORBIDDEN: u8 = 0x80;
const HAS_EXTENSION: u8 = 0x04;
/// The flag that a size follows the header.
pub(super) const HAS_SIZE: u8 = 0x02;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;

/// The first byte of an OBU. [AV1 §5.3.2](https://aomediacodec.github.io/av1-spec/#obu-header-syntax)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header(pub(super) u8);

impl Header {
    const fn kind(self) -> u8 {
        (self.0 >> 3) & 0x0f
    }

    /// A forbidden bit is set: this is no OBU.
    pub(super) const fn is_forbidden(self) -> bool {
        self.0 & FORBIDDEN != 0
    }

    pub(super) const fn has_extension(self) -> bool {
        self.0 & HAS_EXTENSION != 0
    }

    pub(super) const fn has_size(self) -> bool {
        self.0 & HAS_SIZE != 0
    }

    pub(super) const fn is_sequence_header(self) -> bool {
        self.kind() == SEQUENCE_HEADER
    }

    pub(super) const fn is_temporal_delimiter(self) -> bool {
        self.kind() == TEMPORAL_DELIMITER
    }

    /// Neither temporal delimiters nor tile lists travel in packets; a receiver ignores them.
    /// [§5](https://aomediacodec.github.io/av1-rtp-spec/#5-packetization-rules)
    pub(super) const fn stays_home(self) -> bool {
        matches!(self.kind(), TEMPORAL_DELIMITER | TILE_LIST)
    }
}

/// One OBU. It is sent without its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Obu<'a> {
    pub(super) header: Header,
    /// Temporal and spatial layer.
    pub(super) extension: Option<u8>,
    pub(super) payload: &'a [u8],
}

impl<'a> Obu<'a> {
    /// The OBU at the front of a low-overhead bitstream and what follows it.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&header, mut rest) = bytes.split_first()?;
        let header = Header(header);
        if header.is_forbidden() {
            return None;
        }
        let mut extension = None;
        if header.has_extension() {
            let (&byte, behind) = rest.split_first()?;
            (extension, rest) = (Some(byte), behind);
        }
        let mut size = rest.len();
        if header.has_size() {
            (size, rest) = leb128::read(rest)?;
        }
        let (payload, rest) = rest.split_at_checked(size)?;
        Some((Self { header, extension, payload }, rest))
    }

    /// How long it is as an element.
    pub(super) fn len(&self) -> usize {
        1 + usize::from(self.extension.is_some()) + self.payload.len()
    }

    /// Appends `len` bytes of the element, from `from` on.
    pub(super) fn put(&self, from: usize, len: usize, out: &mut Output<'_>) {
        let head = [self.header.0 & !HAS_SIZE, self.extension.unwrap_or(0)];
        let head_len = 1 + usize::from(self.extension.is_some());
        let to = from.saturating_add(len);
        out.put(head.get(from.min(head_len)..to.min(head_len)).unwrap_or(&[]));
        let (from, to) = (from.saturating_sub(head_len), to.saturating_sub(head_len));
        out.put(self.payload.get(from..to).unwrap_or(&[]));
    }
}

/// The OBUs of a temporal unit that are sent. `None` inside at the first that can't be read, with the
/// number of bytes that are left there.
#[derive(Debug, Clone)]
pub(super) struct Obus<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Obus<'a> {
    type Item = Result<Obu<'a>, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.0.is_empty() {
            let Some((obu, rest)) = Obu::read(self.0) else {
                let left = self.0.len();
                self.0 = &[];
                return Some(Err(left));
            };
            self.0 = rest;
            if !obu.header.stays_home() {
                return Some(Ok(obu));
            }
        }
        None
    }
}

/// Whether a coded video sequence starts with this temporal unit: a sequence header stands before a
/// key frame that is shown. [AV1 §7.5](https://aomediacodec.github.io/av1-spec/#ordering-of-obus)
pub(super) fn starts_sequence(obus: Obus<'_>) -> bool {
    let mut reduced = None;
    for obu in obus.flatten() {
        let first = obu.payload.first().copied().unwrap_or(0);
        match obu.header.kind() {
            // seq_profile (3), still_picture (1), reduced_still_picture_header (1)
            SEQUENCE_HEADER => reduced = Some(first & 0x08 != 0),
            // show_existing_frame (1) = 0, frame_type (2) = KEY_FRAME = 0, show_frame (1) = 1; with the
            // reduced header there are no such fields, and all frames are key frames.
            FRAME_HEADER | FRAME => {
                return reduced.is_some_and(|reduced| reduced || first & 0xf0 == 0x10);
            }
            _ => {}
        }
    }
    false
}

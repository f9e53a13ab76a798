//! From payloads to a temporal unit.

use super::leb128::{self, Leb128};
use super::obu::{HAS_SIZE, Header};
use super::{CONTINUES, GOES_ON, NEW_SEQUENCE, count};
use crate::output::Output;
use crate::{Joined, PayloadError};
use visavis_core::{FrameInfo, TooShort};

/// A temporal delimiter with its size, which decoders want in front of each temporal unit.
const TEMPORAL_DELIMITER: [u8; 2] = [0x12, 0x00];

/// What one payload says about its temporal unit; `marker` is the marker bit of its packet.
///
/// `start` is set where a coded video sequence starts (there a decoder can start, too) and where a
/// sender left a temporal delimiter in. The layers are those of the first OBU that tells them.
///
/// # Errors
///
/// The payload is empty, cut off, or contradicts itself.
pub fn classify(payload: &[u8], marker: bool) -> Result<FrameInfo, PayloadError> {
    let (&header, rest) = payload.split_first().ok_or(PayloadError::Empty)?;
    let continues = header & CONTINUES != 0;
    let new_sequence = header & NEW_SEQUENCE != 0;
    if continues && new_sequence {
        return Err(PayloadError::Invalid);
    }
    if rest.is_empty() {
        return Err(PayloadError::Truncated);
    }
    let mut info = FrameInfo::default();
    (info.start, info.keyframe, info.end) = (new_sequence, new_sequence, marker);
    let mut layers = None;
    for (index, element) in Elements::new(header, rest).enumerate() {
        let (element, _) = element?;
        if index == 0 && continues {
            continue;
        }
        let Some(&first) = element.first() else { continue };
        let first = Header(first);
        info.start |= index == 0 && first.is_temporal_delimiter();
        if first.has_extension() {
            layers = layers.or(element.get(1).copied());
        }
    }
    let layers = layers.unwrap_or(0);
    (info.temporal_layer, info.spatial_layer) = (layers >> 5, (layers >> 3) & 3);
    Ok(info)
}

/// Joins the payloads of one temporal unit, all of them and in order, at the front of `out`: a temporal
/// delimiter and then each OBU with its size. An empty payload stands for one that is missing.
///
/// An OBU of which a part is missing is left out as a whole.
///
/// # Errors
///
/// `out` is too short for the temporal unit.
pub fn depacketize<'a>(
    payloads: impl IntoIterator<Item = &'a [u8]>,
    out: &mut [u8],
) -> Result<Joined, TooShort> {
    let mut joiner = Joiner { out: Output::new(out), open: None, damaged: false };
    joiner.out.put(&TEMPORAL_DELIMITER);
    for payload in payloads {
        if joiner.payload(payload).is_none() {
            joiner.abandon();
            joiner.damaged = true;
        }
    }
    joiner.abandon();
    if joiner.out.len() == TEMPORAL_DELIMITER.len() {
        return Ok(Joined { len: 0, damaged: true });
    }
    Ok(Joined { len: joiner.out.finish()?, damaged: joiner.damaged })
}

struct Joiner<'b> {
    out: Output<'b>,
    /// The OBU whose elements are coming in.
    open: Option<Open>,
    damaged: bool,
}

/// An OBU of which the end hasn't come yet.
struct Open {
    /// Where it begins in the output.
    at: usize,
    header: Header,
    stage: Stage,
    /// The size that it says it has. A sender may leave it in, and then it must be right.
    announced: Option<usize>,
    /// Where its payload begins in the output, behind the `gap` bytes that are kept free for its size.
    payload_at: usize,
    gap: usize,
}

/// Which byte of an OBU comes next: any of them may be the last of its packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Extension,
    /// Behind the bytes of the size that came so far.
    Size {
        bytes: [u8; leb128::MAX],
        len: usize,
    },
    Payload,
}

impl Joiner<'_> {
    /// `None` if the payload, or the rest of it, is of no use.
    fn payload(&mut self, payload: &[u8]) -> Option<()> {
        let (&header, rest) = payload.split_first()?;
        let continues = header & CONTINUES != 0;
        if rest.is_empty() || (continues && header & NEW_SEQUENCE != 0) {
            return None;
        }
        if !continues {
            self.abandon();
        }
        for (index, element) in Elements::new(header, rest).enumerate() {
            let (element, last) = element.ok()?;
            if index > 0 || !continues {
                self.begin(*element.first()?);
            }
            if self.open.is_none() {
                // The OBU that is continued here began in a packet that is missing.
                self.damaged = true;
                continue;
            }
            self.append(element);
            if !last || header & GOES_ON == 0 {
                self.close();
            }
        }
        Some(())
    }

    fn begin(&mut self, header: u8) {
        let at = self.out.len();
        self.open = Some(Open {
            at,
            header: Header(header),
            stage: Stage::Header,
            announced: None,
            payload_at: at,
            gap: 0,
        });
    }

    fn append(&mut self, mut bytes: &[u8]) {
        let Some(open) = &mut self.open else { return };
        while open.stage != Stage::Payload {
            let Some((&byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            if let Some(head) = open.next(byte) {
                self.out.put(&[head]);
            }
            if open.stage == Stage::Payload {
                // As many bytes as the size takes at least; there is rarely need for another.
                open.gap = leb128::len(bytes.len());
                self.out.put([0; 10].get(..open.gap).unwrap_or(&[]));
                open.payload_at = self.out.len();
            }
        }
        self.out.put(bytes);
    }

    /// The OBU has come to its end.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let size = self.out.len() - open.payload_at;
        let whole = open.stage == Stage::Payload
            && open.announced.is_none_or(|announced| announced == size)
            && !open.header.is_forbidden();
        if !whole || open.header.stays_home() {
            self.damaged |= !whole;
            self.out.truncate(open.at);
            return;
        }
        let size = Leb128::new(size);
        let size = size.as_bytes();
        self.out.make_room(open.payload_at, size.len().saturating_sub(open.gap));
        self.out.overwrite(open.payload_at - open.gap, size);
    }

    /// Takes back what there is of an OBU that won't be whole.
    fn abandon(&mut self) {
        if let Some(open) = self.open.take() {
            self.out.truncate(open.at);
            self.damaged = true;
        }
    }
}

impl Open {
    /// Takes a byte that stands before the payload, and gives what stands there in the output.
    fn next(&mut self, byte: u8) -> Option<u8> {
        let behind_header = if self.header.has_size() {
            Stage::Size { bytes: [0; leb128::MAX], len: 0 }
        } else {
            Stage::Payload
        };
        match &mut self.stage {
            Stage::Header => {
                let extended = self.header.has_extension();
                self.stage = if extended { Stage::Extension } else { behind_header };
                return Some(byte | HAS_SIZE);
            }
            Stage::Extension => {
                self.stage = behind_header;
                return Some(byte);
            }
            // Beyond the most that a size may have, this goes on to the end, and the OBU isn't whole.
            Stage::Size { bytes, len } => {
                if let Some(place) = bytes.get_mut(*len) {
                    *place = byte;
                    *len += 1;
                    if let Some((size, _)) = bytes.get(..*len).and_then(leb128::read) {
                        (self.announced, self.stage) = (Some(size), Stage::Payload);
                    }
                }
            }
            Stage::Payload => {}
        }
        None
    }
}

/// The elements of one payload, and whether each is the last; never an empty one. After an error there
/// is nothing more.
struct Elements<'a> {
    rest: &'a [u8],
    /// How many are to come, if the header counts them.
    counted: Option<u8>,
}

impl<'a> Elements<'a> {
    fn new(header: u8, rest: &'a [u8]) -> Self {
        Self { rest, counted: Some(count(header)).filter(|&count| count > 0) }
    }

    fn read(&mut self) -> Option<(&'a [u8], bool)> {
        let others = self.counted.is_some_and(|count| count > 1);
        let (element, rest) = if self.counted == Some(1) {
            (self.rest, &[][..])
        } else {
            let (len, rest) = leb128::read(self.rest)?;
            self.counted = self.counted.map(|count| count - 1);
            rest.split_at_checked(len)?
        };
        self.rest = rest;
        // Elements that are counted but not there make the one before them doubtful, too.
        let cut_off = others && rest.is_empty();
        (!element.is_empty() && !cut_off).then_some((element, rest.is_empty()))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<(&'a [u8], bool), PayloadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let element = self.read();
        if element.is_none() {
            self.rest = &[];
        }
        Some(element.ok_or(PayloadError::Truncated))
    }
}

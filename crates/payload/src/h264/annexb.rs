//! NAL units out of a byte stream.

use crate::PacketizeError;
use memchr::memmem;

const START_CODE: &[u8] = &[0, 0, 1];

/// The NAL units of an access unit, without start codes and the zeros around them; never an empty one.
#[derive(Debug, Clone)]
pub(super) struct Units<'a> {
    /// What lies behind the last start code that was found.
    rest: &'a [u8],
}

impl<'a> Units<'a> {
    /// The frame must begin with a start code, which zeros may precede.
    pub(super) fn new(frame: &'a [u8]) -> Result<Self, PacketizeError> {
        let zeros = frame.iter().position(|&byte| byte != 0).ok_or(PacketizeError::Empty)?;
        match frame.get(zeros..) {
            Some([1, rest @ ..]) if zeros >= 2 => Ok(Self { rest }),
            _ => Err(PacketizeError::Malformed { offset: zeros }),
        }
    }

    /// How many bytes of the frame lie behind what was given out so far.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Units<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let found = memmem::find(self.rest, START_CODE);
            let (unit, rest) = found
                .and_then(|at| {
                    Some((self.rest.get(..at)?, self.rest.get(at + START_CODE.len()..)?))
                })
                .unwrap_or((self.rest, &[]));
            self.rest = rest;
            // A unit can't end in a zero: what follows it belongs to the byte stream (H.264 §B.1).
            let len = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if let Some(unit @ [_, ..]) = unit.get(..len) {
                return Some(unit);
            }
        }
        None
    }
}

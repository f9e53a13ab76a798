//! Writing into a buffer that may be too short.

use visavis_core::TooShort;

/// Appends to a buffer and goes on counting when it is full, so that the length which would have been
/// needed is known at the end.
pub(crate) struct Output<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Output<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// How much was appended, whether it fitted or not.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(space) = self.buffer.get_mut(self.len..end) {
            space.copy_from_slice(bytes);
        }
        self.len = end;
    }

    /// Forgets what lies behind `len`. What lies before it was written if it fits, since appending
    /// only ever moves forward.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Writes over what was appended before.
    pub(crate) fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        if let Some(space) = self.buffer.get_mut(at..at.saturating_add(bytes.len())) {
            space.copy_from_slice(bytes);
        }
    }

    /// Moves everything from `at` on `by` bytes back, which makes room there.
    pub(crate) fn make_room(&mut self, at: usize, by: usize) {
        let (end, new_end) = (self.len, self.len.saturating_add(by));
        if at <= end && new_end <= self.buffer.len() {
            self.buffer.copy_within(at..end, at + by);
        }
        self.len = new_end;
    }

    /// The length, if everything fitted.
    pub(crate) fn finish(self) -> Result<usize, TooShort> {
        if self.len <= self.buffer.len() {
            Ok(self.len)
        } else {
            Err(TooShort { needed: self.len })
        }
    }
}

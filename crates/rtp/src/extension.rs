//! The elements of a header extension block, RFC 8285.

use core::num::NonZeroU8;
use core::ops::Range;

/// The number under which two peers agreed to send one kind of header extension: 1 to 14 in the
/// one-byte form, 1 to 255 in the two-byte form.
/// [RFC 8285 §4.1](https://www.rfc-editor.org/rfc/rfc8285#section-4.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtensionId(NonZeroU8);

impl ExtensionId {
    /// `None` for 0, which means padding.
    #[must_use]
    pub const fn new(id: u8) -> Option<Self> {
        match NonZeroU8::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

/// How elements are laid out in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// [RFC 8285 §4.2](https://www.rfc-editor.org/rfc/rfc8285#section-4.2)
    OneByte,
    /// [RFC 8285 §4.3](https://www.rfc-editor.org/rfc/rfc8285#section-4.3)
    TwoByte,
    /// A profile of its own: the block has no elements that we could know.
    Opaque,
}

impl Form {
    pub(crate) const ONE_BYTE_PROFILE: u16 = 0xbede;
    pub(crate) const TWO_BYTE_PROFILE: u16 = 0x1000;

    pub(crate) const fn of(profile: u16) -> Self {
        match profile {
            Self::ONE_BYTE_PROFILE => Self::OneByte,
            // The low four bits are for the application.
            0x1000..=0x100f => Self::TwoByte,
            _ => Self::Opaque,
        }
    }
}

pub(crate) enum Step {
    Element(ExtensionId, Range<usize>),
    End,
    /// The element that starts here runs past the block.
    Overrun(usize),
}

/// Where a walk over a block stands; it doesn't borrow the block.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    form: Form,
    at: usize,
}

impl Walk {
    pub(crate) const fn new(form: Form) -> Self {
        Self { form, at: 0 }
    }

    #[inline]
    pub(crate) fn step(&mut self, block: &[u8]) -> Step {
        loop {
            let start = self.at;
            let Some(&first) = block.get(start) else { return Step::End };
            let (id, data, len) = match self.form {
                Form::Opaque => return Step::End,
                _ if first == 0 => {
                    self.at += 1;
                    continue;
                }
                // RFC 8285 §4.2: 15 ends the block, and so does a 0 that claims a length.
                Form::OneByte if first >> 4 == 15 || first >> 4 == 0 => return self.end(block),
                Form::OneByte => (first >> 4, start + 1, usize::from(first & 0x0f) + 1),
                Form::TwoByte => match block.get(start + 1) {
                    Some(&len) => (first, start + 2, usize::from(len)),
                    None => return Step::Overrun(start),
                },
            };
            let end = data + len;
            if end > block.len() {
                return Step::Overrun(start);
            }
            self.at = end;
            if let Some(id) = ExtensionId::new(id) {
                return Step::Element(id, data..end);
            }
        }
    }

    const fn end(&mut self, block: &[u8]) -> Step {
        self.at = block.len();
        Step::End
    }
}

/// The elements of one packet's header extension, in the order in which they stand.
///
/// Both forms of [RFC 8285](https://www.rfc-editor.org/rfc/rfc8285) are walked; padding is skipped, and
/// the reserved identifier 15 of the one-byte form ends the walk. A block of another profile has no
/// elements.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    block: &'a [u8],
    walk: Walk,
}

impl<'a> Extensions<'a> {
    pub(crate) const fn new(form: Form, block: &'a [u8]) -> Self {
        Self { block, walk: Walk::new(form) }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (ExtensionId, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.walk.step(self.block) {
            Step::Element(id, range) => self.block.get(range).map(|data| (id, data)),
            Step::End | Step::Overrun(_) => None,
        }
    }
}

/// One block's elements about to be written: how they will be laid out and how long that is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) form: Form,
    /// Bytes of the elements with their headers, not yet rounded up to a word.
    pub(crate) len: usize,
    pub(crate) fits: bool,
}

impl Layout {
    /// The one-byte form wherever it can say it all.
    #[inline]
    pub(crate) fn of<'e>(elements: impl Iterator<Item = (ExtensionId, &'e [u8])>) -> Self {
        let (mut count, mut data, mut longest, mut one_byte) = (0, 0, 0, true);
        for (id, value) in elements {
            one_byte &= id.get() < 15 && matches!(value.len(), 1..=16);
            longest = value.len().max(longest);
            data += value.len();
            count += 1;
        }
        let form = if one_byte { Form::OneByte } else { Form::TwoByte };
        let len = data + count * if one_byte { 1 } else { 2 };
        let fits = longest <= 255 && len.div_ceil(4) <= usize::from(u16::MAX);
        Self { form, len, fits }
    }

    /// Bytes of the whole block with its own header; nothing without elements.
    pub(crate) const fn block_len(&self) -> usize {
        if self.len == 0 { 0 } else { 4 + self.len.next_multiple_of(4) }
    }

    /// Writes the block; `slot` has exactly the block's length.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "`fits` was checked")]
    pub(crate) fn write<'e>(
        &self,
        elements: impl Iterator<Item = (ExtensionId, &'e [u8])>,
        slot: &mut [u8],
    ) {
        let Some((head, mut rest)) = slot.split_first_chunk_mut::<4>() else { return };
        let profile = match self.form {
            Form::OneByte => Form::ONE_BYTE_PROFILE,
            _ => Form::TWO_BYTE_PROFILE,
        };
        let [p0, p1] = profile.to_be_bytes();
        let [l0, l1] = (self.len.div_ceil(4) as u16).to_be_bytes();
        *head = [p0, p1, l0, l1];
        for (id, value) in elements {
            let len = value.len() as u8;
            let head = match self.form {
                Form::OneByte => [(id.get() << 4) | (len.wrapping_sub(1) & 0x0f), 0],
                _ => [id.get(), len],
            };
            let head_len = if self.form == Form::OneByte { 1 } else { 2 };
            let Some((at, after)) = rest.split_at_mut_checked(head_len + value.len()) else {
                return;
            };
            let (at_head, at_data) = at.split_at_mut(head_len);
            at_head.copy_from_slice(head.get(..head_len).unwrap_or_default());
            at_data.copy_from_slice(value);
            rest = after;
        }
        rest.fill(0);
    }
}

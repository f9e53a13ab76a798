//! The elements of a header extension block, RFC 8285.

use core::num::NonZeroU8;

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

/// Takes the first element off `rest`, padding before it included; `None` at the end, or where an
/// element runs past the block.
#[inline]
fn step<'a>(form: Form, rest: &mut &'a [u8]) -> Option<(ExtensionId, &'a [u8])> {
    while let [first, after @ ..] = *rest {
        let (id, after, len) = match form {
            Form::Opaque => break,
            _ if *first == 0 => {
                *rest = after;
                continue;
            }
            // RFC 8285 §4.2: 15 ends the block, and so does a 0 that claims a length.
            Form::OneByte if *first >= 0xf0 || *first < 0x10 => break,
            Form::OneByte => (first >> 4, after, usize::from(first & 0x0f) + 1),
            Form::TwoByte => match after {
                [len, after @ ..] => (*first, after, usize::from(*len)),
                [] => break,
            },
        };
        let (data, after) = after.split_at_checked(len)?;
        *rest = after;
        if let Some(id) = ExtensionId::new(id) {
            return Some((id, data));
        }
    }
    None
}

/// The elements of one packet's header extension, in the order in which they stand.
///
/// Both forms of [RFC 8285](https://www.rfc-editor.org/rfc/rfc8285) are walked; padding is skipped, and
/// the reserved identifier 15 of the one-byte form ends the walk, as does an element that runs past the
/// block. A block of another profile has no elements.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Extensions<'a> {
    pub(crate) const fn new(form: Form, rest: &'a [u8]) -> Self {
        Self { form, rest }
    }

    /// How many bytes of the block are left.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (ExtensionId, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        step(self.form, &mut self.rest)
    }
}

/// How elements that are about to be written will be laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    count: usize,
    data: usize,
    one_byte: bool,
    longest: usize,
}

impl Layout {
    pub(crate) const fn new() -> Self {
        Self { count: 0, data: 0, one_byte: true, longest: 0 }
    }

    #[inline]
    pub(crate) fn add(&mut self, id: ExtensionId, value: &[u8]) {
        self.one_byte &= id.get() < 15 && matches!(value.len(), 1..=16);
        self.longest = self.longest.max(value.len());
        self.data += value.len();
        self.count += 1;
    }

    /// The one-byte form wherever it can say it all.
    const fn head_len(&self) -> usize {
        if self.one_byte { 1 } else { 2 }
    }

    /// Bytes of the elements with their heads, filled up to a word.
    const fn elements_len(&self) -> usize {
        (self.data + self.count * self.head_len()).next_multiple_of(4)
    }

    /// Bytes of the whole block with its own head; nothing without elements.
    #[inline]
    pub(crate) const fn block_len(&self) -> usize {
        if self.count == 0 { 0 } else { 4 + self.elements_len() }
    }

    /// Whether the lengths can be said.
    #[inline]
    pub(crate) fn fits(&self) -> bool {
        self.longest <= 255 && self.elements_len() / 4 <= usize::from(u16::MAX)
    }

    /// Starts the block in `slot`, which has exactly its length.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "`fits` was asked")]
    pub(crate) fn block<'b>(&self, slot: &'b mut [u8]) -> Block<'b> {
        let Some((head, rest)) = slot.split_first_chunk_mut::<4>() else {
            return Block { rest: &mut [], one_byte: self.one_byte };
        };
        let profile = if self.one_byte { Form::ONE_BYTE_PROFILE } else { Form::TWO_BYTE_PROFILE };
        let [p0, p1] = profile.to_be_bytes();
        let [l0, l1] = ((self.elements_len() / 4) as u16).to_be_bytes();
        *head = [p0, p1, l0, l1];
        Block { rest, one_byte: self.one_byte }
    }
}

/// A block that is being written.
#[derive(Debug)]
pub(crate) struct Block<'b> {
    rest: &'b mut [u8],
    one_byte: bool,
}

impl Block<'_> {
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "`fits` was asked")]
    pub(crate) fn put(&mut self, id: ExtensionId, value: &[u8]) {
        let len = value.len() as u8;
        let rest = core::mem::take(&mut self.rest);
        let data = if self.one_byte {
            let Some((head, data)) = rest.split_first_mut() else { return };
            *head = (id.get() << 4) | (len.wrapping_sub(1) & 0x0f);
            data
        } else {
            let Some((head, data)) = rest.split_first_chunk_mut() else { return };
            *head = [id.get(), len];
            data
        };
        let Some((data, rest)) = data.split_at_mut_checked(value.len()) else { return };
        data.copy_from_slice(value);
        self.rest = rest;
    }

    /// Fills the last word up.
    #[inline]
    pub(crate) fn finish(self) {
        for byte in self.rest {
            *byte = 0;
        }
    }
}

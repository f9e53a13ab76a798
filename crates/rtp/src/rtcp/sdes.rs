//! Who is behind an SSRC, and who leaves.

use visavis_core::Ssrc;

use crate::error::ParseError;
use crate::wire::u32_at;

/// Who is behind an SSRC. [RFC 3550 §6.5](https://www.rfc-editor.org/rfc/rfc3550#section-6.5)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sdes<'a> {
    chunks: u8,
    body: &'a [u8],
}

/// One fact about one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// The source that the item is about.
    pub ssrc: Ssrc,
    /// Which fact: 1 is the canonical name, the others are in
    /// [RFC 3550 §12.2](https://www.rfc-editor.org/rfc/rfc3550#section-12.2).
    pub kind: u8,
    /// UTF-8 if the peer keeps to the rules.
    pub text: &'a [u8],
}

impl SdesItem<'_> {
    /// The kind of a canonical name, which stays when the SSRC changes.
    /// [RFC 3550 §6.5.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.5.1)
    pub const CNAME: u8 = 1;
}

enum Step<'a> {
    Item(SdesItem<'a>),
    End,
    /// What starts here isn't all there.
    Truncated(usize),
}

/// Where a walk over the chunks stands: before a chunk, or within that of a source.
#[derive(Clone)]
struct Walk {
    chunks: u8,
    at: usize,
    ssrc: Option<Ssrc>,
}

impl Walk {
    fn step<'a>(&mut self, body: &'a [u8]) -> Step<'a> {
        loop {
            let rest = body.get(self.at..).unwrap_or_default();
            match (self.ssrc, rest) {
                (None, _) if self.chunks == 0 => return Step::End,
                (None, [_, _, _, _, ..]) => {
                    self.ssrc = Some(Ssrc(u32_at(rest, 0)));
                    self.at += 4;
                }
                // A zero ends the chunk, more of them fill its last word.
                (Some(_), [0, ..]) => {
                    self.at = (self.at + 1).next_multiple_of(4);
                    self.chunks -= 1;
                    self.ssrc = None;
                }
                (Some(ssrc), &[kind, len, ref text @ ..]) => {
                    let Some(text) = text.get(..usize::from(len)) else {
                        return Step::Truncated(self.at);
                    };
                    self.at += 2 + text.len();
                    return Step::Item(SdesItem { ssrc, kind, text });
                }
                _ => return Step::Truncated(self.at),
            }
        }
    }
}

impl<'a> Sdes<'a> {
    pub(crate) fn parse(chunks: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let sdes = Self { chunks, body };
        let mut walk = sdes.walk();
        loop {
            match walk.step(body) {
                Step::Item(_) => {}
                Step::End => return Ok(sdes),
                Step::Truncated(at) => return Err(ParseError::truncated(at)),
            }
        }
    }

    /// All items of all sources.
    pub fn items(&self) -> impl Iterator<Item = SdesItem<'a>> + Clone + use<'a> {
        let (mut walk, body) = (self.walk(), self.body);
        core::iter::from_fn(move || match walk.step(body) {
            Step::Item(item) => Some(item),
            Step::End | Step::Truncated(_) => None,
        })
    }

    /// The first canonical name, and whose it is; `None` if there is none in UTF-8.
    #[must_use]
    pub fn cname(&self) -> Option<(Ssrc, &'a str)> {
        self.items()
            .filter(|item| item.kind == SdesItem::CNAME)
            .find_map(|item| core::str::from_utf8(item.text).ok().map(|name| (item.ssrc, name)))
    }

    const fn walk(&self) -> Walk {
        Walk { chunks: self.chunks, at: 0, ssrc: None }
    }
}

/// Who leaves, and perhaps why. [RFC 3550 §6.6](https://www.rfc-editor.org/rfc/rfc3550#section-6.6)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bye<'a> {
    sources: &'a [[u8; 4]],
    reason: Option<&'a [u8]>,
}

impl<'a> Bye<'a> {
    pub(crate) fn parse(count: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let Some((sources, rest)) = body.split_at_checked(usize::from(count) * 4) else {
            return Err(ParseError::truncated(body.len()));
        };
        let reason = match rest.split_first() {
            None | Some((0, _)) => None,
            Some((&len, text)) => match text.get(..usize::from(len)) {
                Some(text) => Some(text),
                None => return Err(ParseError::truncated(sources.len())),
            },
        };
        Ok(Self { sources: sources.as_chunks().0, reason })
    }

    /// The sources that leave.
    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + Clone + use<'a> {
        self.sources.iter().map(|bytes| Ssrc(u32::from_be_bytes(*bytes)))
    }

    /// Why, in UTF-8 if the peer keeps to the rules.
    #[must_use]
    pub const fn reason(&self) -> Option<&'a [u8]> {
        self.reason
    }
}

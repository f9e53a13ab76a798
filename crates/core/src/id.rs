//! Identifiers on the wire.

use core::fmt;
use core::str;

/// A synchronisation source: one sender's one stream of packets.
/// [RFC 3550 §3](https://www.rfc-editor.org/rfc/rfc3550#section-3)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// An RTP payload type: seven bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadType(u8);

impl PayloadType {
    /// `None` above 127.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        if value < 128 { Some(Self(value)) } else { None }
    }

    /// From the low seven bits, as they stand in the second byte of an RTP packet.
    #[must_use]
    pub const fn from_low_bits(value: u8) -> Self {
        Self(value & 0x7f)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// At most this many bytes of an identifier, the most that a one-byte header extension carries.
const MAX_ID: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Token {
    len: u8,
    bytes: [u8; MAX_ID],
}

impl Token {
    #[allow(clippy::indexing_slicing, reason = "iterators can't be const; the length is checked")]
    #[allow(clippy::cast_possible_truncation, reason = "at most 16")]
    const fn new(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.is_empty() || text.len() > MAX_ID {
            return None;
        }
        let mut bytes = [0; MAX_ID];
        let mut at = 0;
        while at < text.len() {
            // RFC 8843 §15.1 and RFC 8851 §10: printable, no spaces.
            if !text[at].is_ascii_graphic() {
                return None;
            }
            bytes[at] = text[at];
            at += 1;
        }
        Some(Self { len: text.len() as u8, bytes })
    }

    fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|b| str::from_utf8(b).ok()).unwrap_or("")
    }
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Token);

        impl $name {
            /// `None` unless `text` has 1 to 16 printable ASCII characters and no space.
            #[must_use]
            pub const fn new(text: &str) -> Option<Self> {
                match Token::new(text) {
                    Some(token) => Some(Self(token)),
                    None => None,
                }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

token! {
    /// The identification of a media stream in its session description.
    /// [RFC 8843 §15](https://www.rfc-editor.org/rfc/rfc8843#section-15)
    Mid
}

token! {
    /// The identification of one layer or version of a media stream.
    /// [RFC 8852 §3](https://www.rfc-editor.org/rfc/rfc8852#section-3)
    Rid
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn a_payload_type_has_seven_bits() {
        assert_eq!(PayloadType::new(127).map(PayloadType::get), Some(127));
        assert_eq!(PayloadType::new(128), None);
        assert_eq!(PayloadType::from_low_bits(0xe0).get(), 96);
    }

    #[test]
    fn an_identifier_is_short_printable_and_not_empty() {
        assert_eq!(Mid::new("audio0").map(|mid| format!("{mid}")), Some("audio0".into()));
        assert_eq!(Mid::new("0123456789abcdef").map(|mid| mid.as_str().len()), Some(16));
        assert_eq!(Mid::new(""), None);
        assert_eq!(Mid::new("0123456789abcdefg"), None);
        assert_eq!(Rid::new("a b"), None);
        assert_eq!(Rid::new("\u{e9}"), None);
    }
}

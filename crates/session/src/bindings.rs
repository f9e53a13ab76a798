//! Which SSRC belongs to which stream.

use visavis_core::Ssrc;

use crate::output::{Role, StreamId};

/// Where packets of an SSRC belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) stream: StreamId,
    pub(crate) layer: usize,
    pub(crate) role: Role,
}

/// The SSRCs of all streams that are received, sorted, and the strangers told of lately.
#[derive(Debug)]
pub(crate) struct Bindings {
    known: Vec<(Ssrc, Binding)>,
    strangers: [Option<Ssrc>; STRANGERS],
    next_stranger: usize,
}

/// So many strangers are remembered, to be told of once: enough for a room's late joiners, and a peer
/// that makes up new ones costs nothing but its own packets.
const STRANGERS: usize = 32;

impl Bindings {
    pub(crate) fn new(max_streams: usize) -> Self {
        Self {
            known: Vec::with_capacity(max_streams * 3),
            strangers: [None; STRANGERS],
            next_stranger: 0,
        }
    }

    pub(crate) fn find(&self, ssrc: Ssrc) -> Option<Binding> {
        let at = self.known.binary_search_by_key(&ssrc, |&(ssrc, _)| ssrc).ok()?;
        self.known.get(at).map(|&(_, binding)| binding)
    }

    /// False if the SSRC already belongs to another stream or role.
    pub(crate) fn insert(&mut self, ssrc: Ssrc, binding: Binding) -> bool {
        match self.known.binary_search_by_key(&ssrc, |&(ssrc, _)| ssrc) {
            Ok(at) => self.known.get(at).is_some_and(|&(_, known)| known == binding),
            Err(at) => {
                self.known.insert(at, (ssrc, binding));
                self.strangers.iter_mut().filter(|s| **s == Some(ssrc)).for_each(|s| *s = None);
                true
            }
        }
    }

    pub(crate) fn remove_stream(&mut self, stream: StreamId) {
        self.known.retain(|(_, binding)| binding.stream != stream);
    }

    pub(crate) fn remove(&mut self, ssrc: Ssrc) {
        self.known.retain(|&(known, _)| known != ssrc);
    }

    /// Whether a stranger is new enough to be told of.
    pub(crate) fn is_news(&mut self, ssrc: Ssrc) -> bool {
        if self.strangers.contains(&Some(ssrc)) {
            return false;
        }
        if let Some(slot) = self.strangers.get_mut(self.next_stranger) {
            *slot = Some(ssrc);
        }
        self.next_stranger = (self.next_stranger + 1) % STRANGERS;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(stream: u32) -> Binding {
        Binding { stream: StreamId(stream), layer: 0, role: Role::Media }
    }

    #[test]
    fn an_ssrc_belongs_to_one_stream() {
        let mut bindings = Bindings::new(4);
        assert!(bindings.insert(Ssrc(7), binding(1)));
        assert!(bindings.insert(Ssrc(7), binding(1)));
        assert!(!bindings.insert(Ssrc(7), binding(2)));
        bindings.remove_stream(StreamId(1));
        assert_eq!(bindings.find(Ssrc(7)), None);
        assert!(bindings.insert(Ssrc(7), binding(2)));
        assert_eq!(bindings.find(Ssrc(7)), Some(binding(2)));
    }

    #[test]
    fn a_stranger_is_news_once() {
        let mut bindings = Bindings::new(4);
        assert!(bindings.is_news(Ssrc(1)));
        assert!(!bindings.is_news(Ssrc(1)));
        for ssrc in 0..200_000 {
            bindings.is_news(Ssrc(ssrc));
        }
        assert!(!bindings.is_news(Ssrc(199_999)));
    }
}

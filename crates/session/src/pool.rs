//! Memory for packets: allocated once, then handed round.

use crate::config::MAX_DATAGRAM;

/// One packet's bytes in a block of the [`Pool`].
///
/// The visible part can be narrowed without copying, as when a header or the two bytes of an original
/// sequence number are taken off.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Block {
    /// The visible part.
    pub(crate) fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// All of the block, to be written into; [`set_range`](Self::set_range) says what of it counts.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Shows `start..end` of the block.
    pub(crate) fn set_range(&mut self, start: usize, end: usize) {
        self.end = end.min(self.bytes.len());
        self.start = start.min(self.end);
    }

    /// Replaces the contents; false if they don't fit.
    pub(crate) fn fill(&mut self, data: &[u8]) -> bool {
        let Some(space) = self.bytes.get_mut(..data.len()) else { return false };
        space.copy_from_slice(data);
        self.set_range(0, data.len());
        true
    }
}

/// A fixed number of blocks, each large enough for any datagram.
#[derive(Debug)]
pub(crate) struct Pool {
    free: Vec<Block>,
}

impl Pool {
    pub(crate) fn new(blocks: usize) -> Self {
        let block = || Block { bytes: vec![0; MAX_DATAGRAM].into(), start: 0, end: 0 };
        Self { free: (0..blocks).map(|_| block()).collect() }
    }

    /// A block with old contents; `None` when all are in use.
    pub(crate) fn take(&mut self) -> Option<Block> {
        self.free.pop()
    }

    /// Gives a block back.
    pub(crate) fn give(&mut self, block: Block) {
        self.free.push(block);
    }

    /// How many are free.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_finite_and_blocks_come_back() {
        let mut pool = Pool::new(1);
        let mut block = pool.take().unwrap();
        assert!(pool.take().is_none());
        assert!(block.fill(b"hello"));
        block.set_range(1, 99);
        assert_eq!(block.data().len(), MAX_DATAGRAM.min(99) - 1);
        block.set_range(1, 3);
        assert_eq!(block.data(), b"el");
        assert!(!block.fill(&[0; MAX_DATAGRAM + 1]));
        pool.give(block);
        assert_eq!(pool.free(), 1);
    }
}

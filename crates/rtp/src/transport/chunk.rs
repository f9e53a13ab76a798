//! Which packets arrived: symbols of two bits, packed into chunks of 16 bits.

/// What is said of one packet, and so how many bytes its arrival takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    NotReceived = 0,
    SmallDelta = 1,
    LargeDelta = 2,
}

impl Symbol {
    /// `None` for 3, which is reserved.
    const fn of(bits: u16) -> Option<Self> {
        match bits & 0b11 {
            0 => Some(Self::NotReceived),
            1 => Some(Self::SmallDelta),
            2 => Some(Self::LargeDelta),
            _ => None,
        }
    }

    /// The bytes of its arrival.
    pub(crate) const fn delta_len(self) -> usize {
        self as usize
    }
}

/// A chunk as it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk(pub(crate) u16);

impl Chunk {
    /// How many packets it speaks of.
    pub(crate) const fn len(self) -> u16 {
        match self.0 >> 14 {
            0b10 => 14,
            0b11 => 7,
            // A run: §3.1.3.
            _ => self.0 & 0x1fff,
        }
    }

    /// What it says of its packet `index`; `None` for a reserved symbol.
    pub(crate) const fn symbol(self, index: u16) -> Option<Symbol> {
        match self.0 >> 14 {
            // One bit a symbol: §3.1.4.
            0b10 => Symbol::of(self.0.wrapping_shr(13_u16.saturating_sub(index) as u32) & 1),
            // Two bits a symbol.
            0b11 => Symbol::of(self.0.wrapping_shr(12_u16.saturating_sub(index * 2) as u32)),
            _ => Symbol::of(self.0 >> 13),
        }
    }
}

/// Packs symbols into as few chunks as one look ahead allows.
#[derive(Debug, Clone)]
pub(crate) struct ChunkPacker {
    symbols: [Symbol; Self::ONE_BIT],
    len: u16,
    run: bool,
    large: bool,
}

impl ChunkPacker {
    const ONE_BIT: usize = 14;
    const TWO_BIT: u16 = 7;
    const LONGEST_RUN: u16 = 0x1fff;

    pub(crate) const fn new() -> Self {
        Self { symbols: [Symbol::NotReceived; Self::ONE_BIT], len: 0, run: true, large: false }
    }

    /// Takes a symbol; gives a chunk when those before it don't fit one with it.
    pub(crate) fn push(&mut self, symbol: Symbol) -> Option<u16> {
        let chunk = if self.takes(symbol) { None } else { Some(self.emit()) };
        let same = self.len == 0 || self.symbols.first() == Some(&symbol);
        if let Some(slot) = self.symbols.get_mut(usize::from(self.len)) {
            *slot = symbol;
        }
        self.len += 1;
        self.run &= same;
        self.large |= symbol == Symbol::LargeDelta;
        chunk
    }

    /// The chunk of the symbols that are left, if any: there's never more than one.
    pub(crate) fn finish(&mut self) -> Option<u16> {
        let chunk = if self.run || usize::from(self.len) == Self::ONE_BIT {
            (self.len != 0).then(|| self.emit())
        } else if self.len <= Self::TWO_BIT {
            Some(self.two_bit())
        } else {
            Some(self.one_bit())
        };
        *self = Self::new();
        chunk
    }

    fn takes(&self, symbol: Symbol) -> bool {
        self.len < Self::TWO_BIT
            || (usize::from(self.len) < Self::ONE_BIT
                && !self.large
                && symbol != Symbol::LargeDelta)
            || (self.run && self.len < Self::LONGEST_RUN && self.symbols.first() == Some(&symbol))
    }

    /// A full chunk from the front of the symbols.
    fn emit(&mut self) -> u16 {
        if self.run {
            let symbol = self.symbols.first().map_or(0, |symbol| *symbol as u16);
            let chunk = (symbol << 13) | self.len;
            *self = Self::new();
            return chunk;
        }
        if usize::from(self.len) == Self::ONE_BIT {
            let chunk = self.one_bit();
            *self = Self::new();
            return chunk;
        }
        let chunk = self.two_bit();
        let (symbols, len) = (self.symbols, self.len);
        *self = Self::new();
        // At most seven are left, which always fit.
        for symbol in symbols.iter().take(usize::from(len)).skip(usize::from(Self::TWO_BIT)) {
            self.push(*symbol);
        }
        chunk
    }

    fn one_bit(&self) -> u16 {
        let bits = self.pending(Self::ONE_BIT).fold(0, |bits, symbol| (bits << 1) | symbol);
        0b10 << 14 | bits
    }

    fn two_bit(&self) -> u16 {
        let bits = self.pending(7).fold(0, |bits, symbol| (bits << 2) | symbol);
        0b11 << 14 | bits
    }

    /// The first `count` symbols, those that aren't there as not received.
    fn pending(&self, count: usize) -> impl Iterator<Item = u16> {
        let len = usize::from(self.len);
        self.symbols
            .iter()
            .take(count)
            .enumerate()
            .map(move |(index, symbol)| if index < len { *symbol as u16 } else { 0 })
    }
}

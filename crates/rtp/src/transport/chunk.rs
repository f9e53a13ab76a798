//! Which packets arrived: symbols of two bits, packed into chunks of 16 bits.

/// What is said of one packet, and so how many bytes its arrival takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    NotReceived = 0,
    SmallDelta = 1,
    LargeDelta = 2,
}

impl Symbol {
    /// The bytes of its arrival.
    pub(crate) const fn delta_len(self) -> usize {
        self as usize
    }
}

/// A chunk as it is read, symbol by symbol; each is also the number of bytes of its arrival.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Symbols {
    /// The next symbol is at the top.
    bits: u16,
    /// Bits of a symbol.
    width: u8,
    /// How far the next one is: nothing in a run, which is the same symbol again and again.
    step: u8,
    len: u16,
}

impl Symbols {
    #[inline]
    pub(crate) const fn of(chunk: u16) -> Self {
        match chunk >> 14 {
            // §3.1.4, one bit a symbol and two bits.
            0b10 => Self { bits: chunk << 2, width: 1, step: 1, len: 14 },
            0b11 => Self { bits: chunk << 2, width: 2, step: 2, len: 7 },
            // §3.1.3
            _ => Self { bits: chunk << 1, width: 2, step: 0, len: chunk & 0x1fff },
        }
    }

    /// Of how many packets the chunk still speaks.
    pub(crate) const fn len(&self) -> u16 {
        self.len
    }

    /// How many bytes the arrivals of the next `packets` take; `None` if a symbol is 3, which is
    /// reserved.
    pub(crate) fn deltas_len(self, packets: u16) -> Option<usize> {
        let packets = packets.min(self.len);
        if self.step == 0 {
            let symbol = self.bits >> 14;
            return (symbol != 3).then_some(usize::from(symbol) * usize::from(packets));
        }
        let said = u32::from(packets) * u32::from(self.step);
        let bits = self.bits & !(u16::MAX.checked_shr(said).unwrap_or(0));
        let ones = |bits: u16| bits.count_ones() as usize;
        if self.width == 1 {
            return Some(ones(bits));
        }
        let (twos, units) = ((bits >> 1) & 0x5555, bits & 0x5555);
        (twos & units == 0).then_some(ones(twos) * 2 + ones(units))
    }
}

impl Iterator for Symbols {
    type Item = u16;

    #[inline]
    fn next(&mut self) -> Option<u16> {
        self.len = self.len.checked_sub(1)?;
        let symbol = self.bits.wrapping_shr(u32::from(16 - self.width));
        self.bits = self.bits.wrapping_shl(u32::from(self.step));
        Some(symbol)
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

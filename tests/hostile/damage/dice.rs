//! Choices that follow from a seed and the number of an input alone.

use std::ops::Range;

/// SplitMix64: the same numbers on every machine and with every version of every library.
pub struct Dice(u64);

impl Dice {
    /// The choices for input `number` of `seed`.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed);
        let start = dice.next() ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03);
        Self(start)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A whole number in `0..limit`; 0 when `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.next() % limit as u64) as usize }
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A stretch of `0..len`, mostly short.
    pub fn stretch(&mut self, len: usize) -> Range<usize> {
        let most = *self.pick(&[1, 2, 4, 8, 32, 256, usize::MAX]);
        let start = self.below(len);
        start..start + self.below((len - start).min(most) + 1)
    }

    /// How often something is repeated: mostly a few times, now and then so often that it counts.
    pub fn times(&mut self) -> usize {
        let most = *self.pick(&[2, 2, 4, 4, 8, 100, 4000]);
        1 + self.below(most)
    }

    /// A whole number at which programs go wrong: the ends of types, powers of two, and the neighbours of `old`.
    pub fn number(&mut self, old: u64) -> u64 {
        match self.below(6) {
            0 => old.wrapping_add(1),
            1 => old.wrapping_sub(1),
            2 => old.wrapping_mul(*self.pick(&[2, 4, 8, 256])),
            3 => self.next() >> self.below(64),
            4 => (1u64 << self.below(64)).wrapping_add(*self.pick(&[0, 1, u64::MAX])),
            _ => *self.pick(&[0, 1, 2, 3, 255, 65535, u64::from(u32::MAX), i64::MAX as u64, u64::MAX]),
        }
    }
}

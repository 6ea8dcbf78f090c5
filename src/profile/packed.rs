//! An integer of each row, packed: rows that lie beside each other were made at much the same time and got keys close to
//! each other, so that half of a timestamp's bytes tell them apart, and one of a serial key's.

use crate::model::Row;

/// Rows that share a base.
const BLOCK: usize = 128;

/// Bytes that are read at a time, whatever the width.
const WINDOW: usize = 8;

/// Points in time by row, UTC microseconds, where they are known; some four bytes each.
pub type Times = Packed;

/// Integers by row, where they are known.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    blocks: Vec<Block>,
    /// The distances of all blocks behind each other, little end first, with room for a whole window at the end.
    packed: Vec<u8>,
    /// Rows behind the last whole block.
    tail: Vec<Option<i64>>,
}

/// As many rows that follow each other.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// The smallest one.
    base: i64,
    /// Where its distances begin, and their width in bytes: 1 to 8. The largest number of a width says "not known".
    start: usize,
    width: u8,
}

/// Returns the largest number of so many bytes.
const fn largest(width: u8) -> u64 {
    u64::MAX >> (64 - 8 * width as u32)
}

impl Block {
    #[inline]
    fn get(self, packed: &[u8], place: usize) -> Option<i64> {
        let at = self.start + place * usize::from(self.width);
        let window = packed.get(at..at + WINDOW)?.try_into().ok()?;
        let distance = u64::from_le_bytes(window) & largest(self.width);
        (distance != largest(self.width)).then(|| self.base.wrapping_add_unsigned(distance))
    }
}

impl Packed {
    /// Returns a row's integer.
    #[must_use]
    #[inline]
    pub fn get(&self, row: Row) -> Option<i64> {
        let row = row as usize;
        match self.blocks.get(row / BLOCK) {
            Some(block) => block.get(&self.packed, row % BLOCK),
            None => *self.tail.get(row - self.blocks.len() * BLOCK)?,
        }
    }

    /// Returns whether there is no row at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.tail.is_empty()
    }

    /// Walks the integers of all rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<i64>> {
        let blocks = self.blocks.iter().flat_map(|block| (0..BLOCK).map(|place| block.get(&self.packed, place)));
        blocks.chain(self.tail.iter().copied())
    }

    /// Walks the known ones, in order of rows.
    pub fn known(&self) -> impl Iterator<Item = i64> {
        self.iter().flatten()
    }

    /// Lists the rows whose integer is known, the smallest first; of equal ones the first row first.
    #[must_use]
    pub fn rising(&self) -> Vec<Row> {
        // Most rows rise already. What does not is sorted apart, and put between them.
        let (mut line, mut others): (Vec<Row>, Vec<(i64, Row)>) = (Vec::new(), Vec::new());
        let mut known = self.iter().zip(0..).filter_map(|(number, row)| Some((number?, row))).peekable();
        let mut last = i64::MIN;
        while let Some((number, row)) = known.next() {
            if last <= number && known.peek().is_none_or(|next| number <= next.0) {
                line.push(row);
                last = number;
            } else {
                others.push((number, row));
            }
        }
        others.sort_unstable();
        // From the end on, so that no second list is needed.
        let mut left = line.len();
        line.resize(left + others.len(), 0);
        for place in (0..line.len()).rev() {
            let Some(other) = others.last().copied() else { break };
            let of_line = left.checked_sub(1).and_then(|at| Some((self.get(line[at])?, line[at])));
            line[place] = match of_line.filter(|own| *own > other) {
                Some((_, row)) => {
                    left -= 1;
                    row
                }
                None => {
                    others.pop();
                    other.1
                }
            };
        }
        line
    }

    fn push(&mut self, number: Option<i64>) {
        self.tail.push(number);
        if self.tail.len() == BLOCK {
            self.pack();
        }
    }

    /// Packs the tail, which is as long as a block.
    fn pack(&mut self) {
        let known = || self.tail.iter().flatten();
        let base = known().min().copied().unwrap_or_default();
        let longest = known().max().map_or(0, |last| last.abs_diff(base));
        // Only a span of all 64 bits has no number left; no two rows beside each other are that far apart.
        let width = (1..=8).find(|width| longest < largest(*width)).unwrap_or(8);
        let start = self.packed.len().saturating_sub(WINDOW);
        self.packed.truncate(start);
        for number in self.tail.drain(..) {
            let distance = number.map_or(largest(width), |number| number.abs_diff(base));
            self.packed.extend_from_slice(&distance.to_le_bytes()[..usize::from(width)]);
        }
        self.packed.extend_from_slice(&[0; WINDOW]);
        self.blocks.push(Block { base, start, width });
    }
}

impl FromIterator<Option<i64>> for Packed {
    fn from_iter<T: IntoIterator<Item = Option<i64>>>(numbers: T) -> Self {
        let mut found = Self::default();
        found.extend(numbers);
        found
    }
}

impl Extend<Option<i64>> for Packed {
    fn extend<T: IntoIterator<Item = Option<i64>>>(&mut self, numbers: T) {
        numbers.into_iter().for_each(|number| self.push(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn gives_back_what_it_took(
            blocks in proptest::collection::vec((proptest::num::i64::ANY, 0_u32..64, 1_usize..200), 0..6),
            holes in proptest::collection::vec(0_usize..600, 0..20),
        ) {
            // Stretches of times that lie as far apart as so many bits reach, of all lengths, with holes.
            let mut wanted: Vec<Option<i64>> = Vec::new();
            for (base, bits, rows) in blocks {
                let step = |row: usize| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (63 - bits.min(62));
                wanted.extend((0..rows).map(|row| Some((base / 2).wrapping_add_unsigned(step(row)))));
            }
            for hole in holes {
                if let Some(time) = wanted.get_mut(hole) {
                    *time = None;
                }
            }
            let times: Times = wanted.iter().copied().collect();
            proptest::prop_assert_eq!(times.iter().collect::<Vec<_>>(), wanted.clone());
            for (row, time) in wanted.iter().enumerate() {
                proptest::prop_assert_eq!(times.get(row as Row), *time);
            }
            proptest::prop_assert_eq!(times.get(wanted.len() as Row), None);
            proptest::prop_assert_eq!(times.is_empty(), wanted.is_empty());
            let mut rising: Vec<(i64, Row)> = wanted.iter().zip(0..).filter_map(|(time, row)| Some(((*time)?, row))).collect();
            rising.sort_unstable();
            proptest::prop_assert_eq!(times.rising(), rising.into_iter().map(|r| r.1).collect::<Vec<Row>>());
        }
    }

    #[test]
    fn times_beside_each_other_take_half() {
        let times: Times = (0..128_000).map(|row| Some(1_700_000_000_000_000 + row * 9_000_000)).collect();
        assert!(times.packed.len() <= 4 * 128_000 + WINDOW, "{}", times.packed.len());
    }
}

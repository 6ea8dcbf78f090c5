//! Numbers for the values of a feature, in the order in which they appear; a few bits a row.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Different values of a feature that are kept apart; all rarer ones are one.
const VALUES: usize = 250;

/// 2^64 by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads numbers of which many are digests already: by the golden ratio, as Fibonacci hashing does.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(self.0 ^ u64::from(*b)));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value.wrapping_mul(GOLDEN);
        self.0 ^= self.0 >> 32;
    }
}

type Known<N> = HashMap<u64, N, BuildHasherDefault<Spread>>;

/// The values of some rows that follow each other, numbered among themselves.
#[derive(Default)]
pub(super) struct Part {
    known: Known<u16>,
    /// By number.
    values: Vec<u64>,
    /// By row.
    numbers: Vec<u16>,
    /// Values that came up last, each with its number, by the first bits of their spread: the next is often one of them.
    recent: Recent,
}

/// Values that are found again without a look into the whole table.
const RECENT: usize = 64;

struct Recent([Option<(u64, u16)>; RECENT]);

impl Default for Recent {
    fn default() -> Self {
        Self([None; RECENT])
    }
}

impl Recent {
    #[inline]
    fn slot(&mut self, value: u64) -> &mut Option<(u64, u16)> {
        &mut self.0[(value.wrapping_mul(GOLDEN) >> (u64::BITS - RECENT.ilog2())) as usize]
    }
}

impl Part {
    pub(super) fn with_room(rows: usize) -> Self {
        Self { numbers: Vec::with_capacity(rows), ..Self::default() }
    }

    /// Takes the next row's value. A part has at most 65,536 rows, so that each may have a number of its own.
    #[inline]
    pub(super) fn push(&mut self, value: u64) {
        let recent = self.recent.slot(value);
        let number = match *recent {
            Some((known, number)) if known == value => number,
            _ => {
                let next = self.values.len();
                let number = *self.known.entry(value).or_insert(next as u16);
                if usize::from(number) == next {
                    self.values.push(value);
                }
                *recent = Some((value, number));
                number
            }
        };
        self.numbers.push(number);
    }
}

/// The values of all rows, numbered.
#[derive(Default)]
pub(super) struct Numbering {
    known: Known<u8>,
    numbers: Numbers,
    /// Rows with a value beyond the ones that are kept apart.
    rare: usize,
}

impl Numbering {
    /// Takes the next part.
    pub(super) fn append(&mut self, part: &Part) {
        let next = |known: &mut Known<u8>, value: u64| match known.get(&value) {
            Some(number) => *number,
            None if known.len() < VALUES => {
                let number = known.len() as u8;
                known.insert(value, number);
                number
            }
            None => u8::MAX,
        };
        let numbers: Vec<u8> = part.values.iter().map(|value| next(&mut self.known, *value)).collect();
        for number in &part.numbers {
            let number = numbers[usize::from(*number)];
            self.rare += usize::from(number == u8::MAX);
            self.numbers.push(number);
        }
    }

    /// Returns the numbers, unless they tell nothing: there is one value, or nearly every row has its own.
    pub(super) fn finish(self) -> Option<Numbers> {
        (self.known.len() > 1 && self.rare * 2 < self.numbers.len()).then_some(self.numbers)
    }
}

/// A number below 256 for each row, in as few bits as the largest needs: 1, 2, 4 or 8.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    packed: Vec<u8>,
    rows: usize,
    /// Log2 of the bits of a number.
    width: u32,
}

impl Numbers {
    /// Returns the number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Returns whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns a row's number, 0 for a row that there is not.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> u8 {
        let bit = row << self.width;
        let byte = self.packed.get(bit / 8).copied().unwrap_or_default();
        byte >> (bit % 8) & self.largest()
    }

    /// Walks the numbers of all rows.
    pub fn iter(&self) -> impl Iterator<Item = u8> {
        (0..self.rows).map(|row| self.get(row))
    }

    /// Returns what every number is below.
    #[must_use]
    pub const fn bound(&self) -> usize {
        self.largest() as usize + 1
    }

    const fn largest(&self) -> u8 {
        u8::MAX >> (8 - (1 << self.width))
    }

    #[inline]
    fn push(&mut self, number: u8) {
        if number > self.largest() {
            self.widen(number);
        }
        let bit = self.rows << self.width;
        if bit.is_multiple_of(8) {
            self.packed.push(number);
        } else if let Some(last) = self.packed.last_mut() {
            *last |= number << (bit % 8);
        }
        self.rows += 1;
    }

    /// Makes room for larger numbers.
    #[cold]
    fn widen(&mut self, number: u8) {
        let mut wider = Self { width: self.width + 1, ..Self::default() };
        self.iter().for_each(|known| wider.push(known));
        *self = wider;
        if number > self.largest() {
            self.widen(number);
        }
    }
}

impl FromIterator<u8> for Numbers {
    fn from_iter<T: IntoIterator<Item = u8>>(numbers: T) -> Self {
        let mut found = Self::default();
        numbers.into_iter().for_each(|number| found.push(number));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn numbers_are_what_was_pushed(numbers in proptest::collection::vec(0_u32..8, 0..300), bits in 0_u32..9) {
            let numbers: Vec<u8> = numbers.into_iter().map(|n| ((1_u32 << bits.min(n)) - 1) as u8).collect();
            let packed: Numbers = numbers.iter().copied().collect();
            proptest::prop_assert_eq!(packed.iter().collect::<Vec<u8>>(), numbers);
        }
    }

    #[test]
    fn parts_are_numbered_as_they_follow_each_other() {
        let values: Vec<u64> = (0..2_000_u64).map(|row| if row % 7 < 5 { row % 7 } else { row % 400 }).collect();
        let mut numbering = Numbering::default();
        for rows in values.chunks(300) {
            let mut part = Part::with_room(rows.len());
            rows.iter().for_each(|value| part.push(*value));
            numbering.append(&part);
        }
        let mut seen: Vec<u64> = Vec::new();
        let expected = values.iter().map(|value| match seen.iter().position(|s| s == value) {
            Some(place) => place.min(255) as u8,
            None if seen.len() < VALUES => {
                seen.push(*value);
                seen.len() as u8 - 1
            }
            None => u8::MAX,
        });
        let expected: Vec<u8> = expected.collect();
        assert_eq!(numbering.finish().expect("several values").iter().collect::<Vec<u8>>(), expected);
    }
}

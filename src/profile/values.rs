//! Sets of a column's values, over all rows: whether they are all different, and whether one column's are all
//! among another's. Values are equal as SQLite compares them: by storage class, except that 5 and 5.0 are one.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use crate::model::{Row, TableId, ValueRef};
use crate::parallel;
use crate::snapshot::{CHUNK_ROWS, Part, Reader, SnapshotError};

/// Bits of a set of integers for each of its members, at most: denser ones take one bit a number.
const SPARSE: u64 = 64;

/// Why a walk over rows ends.
enum End {
    /// The question is answered: no.
    No,
    Failed(SnapshotError),
}

impl From<SnapshotError> for End {
    fn from(error: SnapshotError) -> Self {
        Self::Failed(error)
    }
}

fn answer(walked: Result<(), End>) -> Result<bool, SnapshotError> {
    match walked {
        Ok(()) => Ok(true),
        Err(End::No) => Ok(false),
        Err(End::Failed(error)) => Err(error),
    }
}

/// Returns the integer that a value equals.
fn integer(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(n) => Some(n),
        ValueRef::Real(x) if x.fract() == 0.0 && x.abs() < 9e15 => Some(x as i64),
        _ => None,
    }
}

/// Digests a value that equals no integer; `None` for NULL.
fn digest(value: ValueRef<'_>) -> Option<u64> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    match value {
        ValueRef::Null | ValueRef::Integer(_) => None,
        ValueRef::Real(x) => Some(hasher.hash_one((0_u8, x.to_bits()))),
        ValueRef::Text(bytes) => Some(hasher.hash_one((1_u8, bytes))),
        ValueRef::Blob(bytes) => Some(hasher.hash_one((2_u8, bytes))),
    }
}

/// Returns whether no row has NULL and no two rows have one value. Two values of one digest count as one.
///
/// # Errors
/// Returns what the case file says.
pub(super) fn all_differ(reader: Reader<'_>, table: TableId, column: usize) -> Result<bool, SnapshotError> {
    // Keys that were handed out in order need no memory.
    if rises(reader, table, column)? {
        return Ok(true);
    }
    let (mut integers, mut digests): (Vec<i64>, Vec<u64>) = (Vec::new(), Vec::new());
    let whole = answer(reader.visit(table, &[column], |_: Row, cells| match (integer(cells[0]), digest(cells[0])) {
        (Some(n), _) => {
            integers.push(n);
            Ok(())
        }
        (None, Some(digest)) => {
            digests.push(digest);
            Ok(())
        }
        (None, None) => Err(End::No),
    }))?;
    integers.sort_unstable();
    digests.sort_unstable();
    Ok(whole && integers.windows(2).all(|w| w[0] != w[1]) && digests.windows(2).all(|w| w[0] != w[1]))
}

/// Returns whether a column holds integers, each larger than the one before.
fn rises(reader: Reader<'_>, table: TableId, column: usize) -> Result<bool, SnapshotError> {
    let ends = |part: &Part| -> Result<Option<(i64, i64)>, End> {
        let mut ends: Option<(i64, i64)> = None;
        reader.visit_part(part, &[column], |_, cells| {
            let number = integer(cells[0]).filter(|n| ends.is_none_or(|(_, last)| *n > last)).ok_or(End::No)?;
            ends = Some((ends.map_or(number, |(first, _)| first), number));
            Ok::<(), End>(())
        })?;
        Ok(ends)
    };
    let mut before: Option<i64> = None;
    let parts = reader.parts(table, CHUNK_ROWS)?;
    answer(parallel::in_order(&parts, ends, |found: Result<Option<(i64, i64)>, End>| {
        let Some((first, last)) = found? else { return Ok(()) };
        if before.is_some_and(|before| first <= before) {
            return Err(End::No);
        }
        before = Some(last);
        Ok(())
    }))
}

/// The values of a column.
pub(super) struct ValueSet {
    integers: IntegerSet,
    digests: HashSet<u64>,
}

/// Integers: a bit for each number where they lie close to each other, else a sorted list.
enum IntegerSet {
    Bits { first: i64, bits: Vec<u64> },
    Sorted(Vec<i64>),
}

impl IntegerSet {
    fn new(mut numbers: Vec<i64>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        let (Some(first), Some(last)) = (numbers.first().copied(), numbers.last().copied()) else { return Self::Sorted(numbers) };
        let span = last.abs_diff(first);
        if span / SPARSE >= numbers.len() as u64 {
            return Self::Sorted(numbers);
        }
        let mut bits = vec![0; (span / 64 + 1) as usize];
        for number in numbers {
            let place = number.abs_diff(first);
            bits[(place / 64) as usize] |= 1 << (place % 64);
        }
        Self::Bits { first, bits }
    }

    fn contains(&self, number: i64) -> bool {
        match self {
            Self::Bits { first, bits } => {
                let place = number.abs_diff(*first);
                number >= *first && bits.get((place / 64) as usize).is_some_and(|word| word & 1 << (place % 64) != 0)
            }
            Self::Sorted(numbers) => numbers.binary_search(&number).is_ok(),
        }
    }
}

impl ValueSet {
    /// Returns whether a value is among them; a number that is written as a text is that number.
    pub(super) fn holds(&self, value: ValueRef<'_>) -> bool {
        let written = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|t| t.parse::<i64>().ok());
        let number = match value {
            ValueRef::Text(text) => written(text),
            other => integer(other),
        };
        number.is_some_and(|n| self.integers.contains(n)) || digest(value).is_some_and(|d| self.digests.contains(&d))
    }

    /// Reads a column's values.
    ///
    /// # Errors
    /// Returns what the case file says.
    pub(super) fn of(reader: Reader<'_>, table: TableId, column: usize) -> Result<Self, SnapshotError> {
        let of_part = |part: &Part| {
            let (mut integers, mut digests) = (Vec::new(), Vec::new());
            reader.visit_part(part, &[column], |_: Row, cells| {
                match integer(cells[0]) {
                    Some(n) => integers.push(n),
                    None => digests.extend(digest(cells[0])),
                }
                Ok::<(), SnapshotError>(())
            })?;
            Ok((integers, digests))
        };
        let (mut integers, mut digests) = (Vec::new(), HashSet::new());
        let parts = reader.parts(table, CHUNK_ROWS)?;
        parallel::in_order(&parts, of_part, |found: Result<(Vec<i64>, Vec<u64>), SnapshotError>| {
            let (more_integers, more_digests) = found?;
            integers.extend(more_integers);
            digests.extend(more_digests);
            Ok::<(), SnapshotError>(())
        })?;
        Ok(Self { integers: IntegerSet::new(integers), digests })
    }

    /// Returns whether every value of a column that is not NULL is in the set.
    ///
    /// # Errors
    /// Returns what the case file says.
    pub(super) fn includes(&self, reader: Reader<'_>, table: TableId, column: usize) -> Result<bool, SnapshotError> {
        let all_known = |part: &Part| {
            reader.visit_part(part, &[column], |_: Row, cells| {
                let known = match integer(cells[0]) {
                    Some(n) => self.integers.contains(n),
                    None => digest(cells[0]).is_none_or(|d| self.digests.contains(&d)),
                };
                if known { Ok(()) } else { Err(End::No) }
            })
        };
        answer(parallel::in_order(&reader.parts(table, CHUNK_ROWS)?, all_known, |known| known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_near_and_far() {
        for numbers in [vec![5, 1, 3, 3, 200], vec![i64::MIN, 0, i64::MAX], vec![], vec![-7]] {
            let set = IntegerSet::new(numbers.clone());
            for number in [i64::MIN, -8, -7, -6, 0, 1, 2, 3, 5, 199, 200, 201, i64::MAX] {
                assert_eq!(set.contains(number), numbers.contains(&number), "{number} in {numbers:?}");
            }
        }
    }
}

//! Whether the order of keys or of rows tells when rows were inserted. Where it does not (random keys,
//! a rewritten or shuffled table), says so, and nothing may build on it.

use crate::model::TableId;
use crate::snapshot::{CHUNK_ROWS, Case, ColumnRead, SnapshotError, scan};

/// Share of rows that must lie on one rising line of creation times before an order is trusted.
///
/// A random order of n rows has a rising line of about 2√n (Ulam's problem): 3 % at 5,000 rows. A seed
/// that forges its dates leaves the real rows on the line, so that half is enough, and far from chance.
const TRUSTED_SHARE: f64 = 0.5;

/// The same of integer keys, which nothing but a sequence makes: a seed may be most of the table.
const TRUSTED_KEYS: f64 = 0.25;

/// Share of rows that may lie off the line by themselves before the order of rows is not trusted.
///
/// An update writes a row anew, at the end of a Postgres table or into a gap, so that rows lie one by one among
/// rows of other times; a seed that forges its dates leaves them in one block.
const MOVED_ALONE: f64 = 0.01;

/// Rows below which no order can be told from chance.
const LEAST_ROWS: usize = 12;

/// What tells when a row was inserted.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertionClock {
    /// An integer key that was handed out in order; share of rows on the rising line.
    Key {
        /// Ordinal of the key's column.
        column: usize,
        /// Between 0 and 1.
        rising: f64,
    },
    /// The order of rows in the input; share of rows on the rising line.
    RowOrder {
        /// Between 0 and 1.
        rising: f64,
    },
    /// Nothing does, for this reason.
    NotApplicable(String),
}

/// Tests a table's key, then its row order, against its creation times.
pub(super) fn trust(case: &Case, table: TableId, created: Option<usize>) -> Result<InsertionClock, SnapshotError> {
    let info = case.table(table);
    let Some(created) = created else { return Ok(InsertionClock::NotApplicable("no creation time to test an order against".to_owned())) };
    let key = match info.key() {
        [only] => Some(*only),
        _ => None,
    };
    let mut reads = vec![ColumnRead::Time(created)];
    reads.extend(key.map(ColumnRead::Integer));
    let mut times: Vec<(i64, i64, i64)> = Vec::new();
    let mut all_integers = key.is_some();
    scan(case, table, &reads, CHUNK_ROWS, |chunk| {
        let column = |read: ColumnRead| chunk.frame.column(&read.name()).and_then(|c| c.i64().cloned()).map_err(SnapshotError::Frame);
        let created = column(ColumnRead::Time(created))?;
        let keys = key.map(|k| column(ColumnRead::Integer(k))).transpose()?;
        for offset in 0..chunk.frame.height() {
            let id = keys.as_ref().and_then(|k| k.get(offset));
            all_integers &= id.is_some();
            if let Some(time) = created.get(offset) {
                times.push((id.unwrap_or_default(), i64::from(chunk.first_row) + offset as i64, time));
            }
        }
        Ok::<(), SnapshotError>(())
    })?;
    if times.len() < LEAST_ROWS {
        return Ok(InsertionClock::NotApplicable(format!("{} rows with a creation time are too few to test an order", times.len())));
    }
    let first = times[0].2;
    if times.iter().all(|t| t.2 == first) {
        return Ok(InsertionClock::NotApplicable("all rows have one creation time".to_owned()));
    }
    let share = |times: &[(i64, i64, i64)]| {
        let line: Vec<i64> = times.iter().map(|t| t.2).collect();
        longest_non_decreasing(&line).iter().filter(|on| **on).count() as f64 / line.len() as f64
    };
    let by_row = share(&times);
    if let Some(column) = key.filter(|_| all_integers) {
        let mut by_id = times.clone();
        by_id.sort_unstable();
        let by_key = share(&by_id);
        if by_key >= TRUSTED_KEYS {
            return Ok(InsertionClock::Key { column, rising: by_key });
        }
    }
    if by_row >= TRUSTED_SHARE {
        let moved = moved_alone(&times.iter().map(|t| t.2).collect::<Vec<_>>());
        if moved <= MOVED_ALONE {
            return Ok(InsertionClock::RowOrder { rising: by_row });
        }
        return Ok(InsertionClock::NotApplicable(format!(
            "{:.0} % of rows lie alone among rows of another time: updates have moved them",
            moved * 100.0
        )));
    }
    Ok(InsertionClock::NotApplicable(format!(
        "only {:.0} % of creation times rise with the order of rows: random keys, or a rewritten table",
        by_row * 100.0
    )))
}

/// Returns the share of rows off the rising line whose neighbours are both on it.
fn moved_alone(times: &[i64]) -> f64 {
    let on = longest_non_decreasing(times);
    let alone = on.windows(3).filter(|w| w[0] && !w[1] && w[2]).count();
    alone as f64 / times.len().max(1) as f64
}

/// Marks the members of a longest non-decreasing subsequence.
///
/// Source: patience sorting (Aldous and Diaconis 1999), O(n log n).
#[must_use]
pub fn longest_non_decreasing(values: &[i64]) -> Vec<bool> {
    // tails[k]: index of the smallest last value of a subsequence of length k + 1.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<usize> = vec![usize::MAX; values.len()];
    for (index, value) in values.iter().enumerate() {
        let place = tails.partition_point(|t| values[*t] <= *value);
        if place > 0 {
            before[index] = tails[place - 1];
        }
        if place == tails.len() {
            tails.push(index);
        } else {
            tails[place] = index;
        }
    }
    let mut on = vec![false; values.len()];
    let mut at = tails.last().copied().unwrap_or(usize::MAX);
    while at != usize::MAX {
        on[at] = true;
        at = before[at];
    }
    on
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_the_rising_line() {
        let on = longest_non_decreasing(&[1, 2, 9, 3, 3, 0, 4]);
        assert_eq!(on, [true, true, false, true, true, false, true]);
        assert_eq!(longest_non_decreasing(&[]), Vec::<bool>::new());
    }
}

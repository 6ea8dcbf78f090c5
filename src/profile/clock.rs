//! Whether the order of keys or of rows tells when rows were inserted. Where it does not (random keys,
//! a rewritten or shuffled table), says so, and nothing may build on it.

use super::{ColumnProfile, Packed, Times};
use crate::model::stamp::{HOUR, PLAUSIBLE_FROM, SECOND};
use crate::model::{Role, Row, Scheme, TableId};
use crate::segments::maximal;
use crate::snapshot::{CHUNK_ROWS, CaseTable, Chunk, ColumnRead, Reader, SnapshotError, scan};

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

/// Share of rows whose id must be as old as the row says before ids are believed: where most are younger, they were
/// given to older rows afterwards. As of keys, a seed that forges its dates may be most of the table.
const TRUSTED_IDS: f64 = 0.25;

/// An id was made with its row when its clock and the row's differ by at most this, microseconds: an id may be made
/// by a browser, a form be open for long, a clock be wrong.
pub(crate) const MADE_WITH_ROW: i64 = HOUR;

/// A column of ids that carry the time at which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MintedColumn {
    /// Its ordinal.
    pub column: usize,
    /// How the time is written.
    pub scheme: Scheme,
}

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
    /// Ids that carry the time at which they were made; share of rows that are as old as their ids.
    Minted {
        /// The column and how the time is written.
        ids: MintedColumn,
        /// Between 0 and 1.
        agreeing: f64,
    },
    /// The order of rows in the input; share of rows on the rising line.
    RowOrder {
        /// Between 0 and 1.
        rising: f64,
    },
    /// Nothing does, for this reason.
    NotApplicable(String),
}

impl InsertionClock {
    /// Returns whether each row's own key or id tells its place, which no update or export moves.
    #[must_use]
    pub const fn by_key(&self) -> bool {
        matches!(self, Self::Key { .. } | Self::Minted { .. })
    }
}

/// Finds the column of ids that carry a time: the key, else another that every row has a different value in.
pub(super) fn minted(info: &CaseTable, columns: &[ColumnProfile]) -> Option<MintedColumn> {
    let own = |c: &usize| {
        let facts = &columns[*c].facts;
        matches!(columns[*c].role, Role::Key | Role::ExternalId | Role::Code | Role::Token | Role::Binary)
            && facts.nulls == 0
            && (facts.distinct == facts.values() || columns[*c].role == Role::Binary)
    };
    let key = match info.key() {
        [only] if columns[*only].role != Role::Reference => Some(*only),
        _ => None,
    };
    let mut candidates = key.into_iter().chain((0..columns.len()).filter(own));
    candidates.find_map(|column| Some(MintedColumn { column, scheme: columns[column].facts.scheme()? }))
}

/// Estimates by how much the rows' clock runs ahead of their ids', in whole quarter hours (a time zone), and
/// the share of rows that are as old as their ids, given the distances in microseconds.
#[must_use]
pub(crate) fn agreement(distances: &[i64]) -> (i64, f64) {
    const QUARTER: i64 = HOUR / 4;
    let mut zones = [0_usize; 113];
    for distance in distances {
        let zone = (distance + QUARTER / 2).div_euclid(QUARTER);
        if (-56..=56).contains(&zone) {
            zones[(zone + 56) as usize] += 1;
        }
    }
    // Of equally frequent ones the smallest offset.
    let best = (0..zones.len()).max_by_key(|z| (zones[*z], usize::MAX - z.abs_diff(56))).unwrap_or(56);
    let offset = (best as i64 - 56) * QUARTER;
    let agree = distances.iter().filter(|d| (*d - offset).abs() <= MADE_WITH_ROW).count();
    (offset, agree as f64 / distances.len().max(1) as f64)
}

/// The columns of a table that tell times.
#[derive(Clone, Debug, Default)]
pub(super) struct Dated {
    /// When a row was created.
    pub(super) created: Option<usize>,
    /// Ids that carry a time.
    pub(super) ids: Option<MintedColumn>,
    /// Others that tell how new the newest row is; empty where nobody asks.
    pub(super) others: Vec<usize>,
}

/// What the clocks of a table gave.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) clock: InsertionClock,
    /// Creation times by row, UTC microseconds.
    pub(super) created: Times,
    /// Whether rows lie in the table as their keys rise.
    pub(super) lies_by_key: bool,
    /// The newest plausible time of all columns, UTC microseconds.
    pub(super) newest: Option<i64>,
}

/// What a table's columns say of when its rows were inserted.
struct Clocks {
    created: Times,
    /// The column of an integer key, and its values.
    key: Option<(usize, Packed)>,
    ids: Option<MintedColumn>,
    /// By how much each row's time runs ahead of its id's, microseconds.
    distances: Vec<i64>,
}

/// Reads a table's times once: tests its key, then ids that carry a time, then its row order, against its creation
/// times, and finds the newest time until `now`, UTC microseconds.
pub(super) fn trust(reader: Reader<'_>, table: TableId, dated: &Dated, now: i64) -> Result<Found, SnapshotError> {
    let info = reader.table(table);
    let key = match info.key() {
        [only] if dated.created.is_some() => Some(*only),
        _ => None,
    };
    let ids = dated.ids.filter(|_| dated.created.is_some());
    let mut reads: Vec<ColumnRead> = dated.created.iter().chain(&dated.others).copied().map(ColumnRead::Time).collect();
    reads.extend(key.map(ColumnRead::Integer));
    reads.extend(ids.map(|ids| ColumnRead::Text(ids.column)));
    reads.sort_unstable();
    reads.dedup();
    let mut clocks = Clocks { created: Times::default(), key: key.map(|key| (key, Packed::default())), ids, distances: Vec::new() };
    let mut newest: Option<i64> = None;
    let take = |chunk: Chunk| {
        let column = |read: ColumnRead| chunk.frame.column(&read.name()).and_then(|c| c.i64().cloned()).map_err(SnapshotError::Frame);
        for other in dated.created.iter().chain(&dated.others) {
            let times = column(ColumnRead::Time(*other))?;
            newest = newest.max(times.iter().flatten().filter(|time| (PLAUSIBLE_FROM..=now).contains(time)).max());
        }
        let Some(created) = dated.created else { return Ok(()) };
        let created = column(ColumnRead::Time(created))?;
        if let Some((key, values)) = &mut clocks.key {
            values.extend(column(ColumnRead::Integer(*key))?.iter());
        }
        if let Some(ids) = ids {
            let texts = chunk.frame.column(&ColumnRead::Text(ids.column).name()).and_then(|c| c.str()).map_err(SnapshotError::Frame)?;
            let minted = texts.iter().map(|t| t.and_then(|t| ids.scheme.read(t)));
            clocks.distances.extend(created.iter().zip(minted).filter_map(|(created, minted)| Some(created? - minted?.micros)));
        }
        clocks.created.extend(created.iter());
        Ok::<(), SnapshotError>(())
    };
    if !reads.is_empty() {
        scan(reader, table, &reads, CHUNK_ROWS, take)?;
    }
    let lies_by_key = clocks.key.as_ref().is_some_and(|(_, keys)| keys.iter().is_sorted());
    let clock = match (dated.created, dated.ids.filter(|_| info.rows >= LEAST_ROWS as u64)) {
        (Some(_), _) => clocks.judge(lies_by_key),
        // What nothing contradicts is believed: the id is the only clock that the row has.
        (None, Some(ids)) => InsertionClock::Minted { ids, agreeing: 1.0 },
        (None, None) => InsertionClock::NotApplicable("no creation time to test an order against".to_owned()),
    };
    Ok(Found { clock, created: clocks.created, lies_by_key, newest })
}

impl Clocks {
    /// Says which of them tells when rows were inserted.
    fn judge(&self, lies_by_key: bool) -> InsertionClock {
        let times: Vec<i64> = self.created.known().collect();
        if times.len() < LEAST_ROWS {
            return InsertionClock::NotApplicable(format!("{} rows with a creation time are too few to test an order", times.len()));
        }
        if times.iter().all(|t| *t == times[0]) {
            return InsertionClock::NotApplicable("all rows have one creation time".to_owned());
        }
        let share = |on: &[bool]| on.iter().filter(|on| **on).count() as f64 / on.len() as f64;
        let on = longest_non_decreasing(&times);
        let by_row = share(&on);
        if let Some((column, keys)) = self.key.as_ref().filter(|(_, keys)| keys.iter().all(|k| k.is_some())) {
            let rising = if lies_by_key { by_row } else { share(&longest_non_decreasing(&self.in_order_of(keys))) };
            if rising >= TRUSTED_KEYS {
                return InsertionClock::Key { column: *column, rising };
            }
        }
        let (_, agreeing) = agreement(&self.distances);
        if let Some(ids) = self.ids.filter(|_| self.distances.len() >= LEAST_ROWS && agreeing >= TRUSTED_IDS) {
            return InsertionClock::Minted { ids, agreeing };
        }
        if by_row >= TRUSTED_SHARE {
            let moved = moved_alone(&on);
            if moved <= MOVED_ALONE {
                return InsertionClock::RowOrder { rising: by_row };
            }
            return InsertionClock::NotApplicable(format!(
                "{:.0} % of rows lie alone among rows of another time: updates have moved them",
                moved * 100.0
            ));
        }
        InsertionClock::NotApplicable(format!(
            "only {:.0} % of creation times rise with the order of rows: random keys, or a rewritten table",
            by_row * 100.0
        ))
    }

    /// Puts the known times in the order of their rows' keys; those of one key stay as they are.
    fn in_order_of(&self, keys: &Packed) -> Vec<i64> {
        keys.rising().iter().filter_map(|row| self.created.get(*row)).collect()
    }
}

/// Returns the share of rows off the rising line whose neighbours are both on it.
fn moved_alone(on: &[bool]) -> f64 {
    let alone = on.windows(3).filter(|w| w[0] && !w[1] && w[2]).count();
    alone as f64 / on.len().max(1) as f64
}

/// Marks the rows whose times tell when they and their neighbours were inserted: a longest line of times that rise
/// with the order of insertion, among the rows that do not stand in a stretch without any order.
#[must_use]
pub fn rising_line(times: &[i64]) -> Vec<bool> {
    let drawn = disordered(times);
    if !drawn.contains(&true) {
        return longest_non_decreasing(times);
    }
    let others: Vec<i64> = times.iter().zip(&drawn).filter(|(_, drawn)| !**drawn).map(|(time, _)| *time).collect();
    let mut on = longest_non_decreasing(&others).into_iter();
    drawn.into_iter().map(|drawn| !drawn && on.next() == Some(true)).collect()
}

/// Time by which a row must fall behind the one before it, microseconds: longer than transactions overlap.
const FALL: i64 = 60 * SECOND;

/// Log2 odds that a stretch of steps needs before half of them fall by more than chance, for each table.
const DISORDER: f64 = 20.0;

/// Marks the times that stand in no order among each other: every other one falls behind the one before it. A few of
/// these rise like any; where a site is young they would be taken for its own clock.
fn disordered(times: &[i64]) -> Vec<bool> {
    let falls = |pair: &[i64]| pair[0] - pair[1] >= FALL;
    let usual = times.windows(2).filter(|pair| falls(pair)).count() as f64 / times.len().max(1) as f64;
    let usual = usual.clamp(0.002, 0.25);
    let scores = times.windows(2).map(|pair| if falls(pair) { (0.5 / usual).log2() } else { (0.5 / (1.0 - usual)).log2() });
    let mut marked = vec![false; times.len()];
    for segment in maximal(scores, DISORDER + (times.len().max(1) as f64).log2()) {
        marked[segment.start + 1..=segment.end].fill(true);
    }
    marked
}

/// Marks the members of a longest non-decreasing subsequence.
///
/// Source: patience sorting (Aldous and Diaconis 1999), O(n log n).
#[must_use]
pub fn longest_non_decreasing(values: &[i64]) -> Vec<bool> {
    if values.is_sorted() {
        return vec![true; values.len()];
    }
    // tails[k]: index of the smallest last value of a subsequence of length k + 1.
    let mut tails: Vec<Row> = Vec::new();
    let mut before: Vec<Row> = vec![Row::MAX; values.len()];
    for (index, value) in values.iter().enumerate() {
        // Most values go on where the longest one ends.
        let goes_on = tails.last().is_none_or(|t| values[*t as usize] <= *value);
        let place = if goes_on { tails.len() } else { tails.partition_point(|t| values[*t as usize] <= *value) };
        if place > 0 {
            before[index] = tails[place - 1];
        }
        if place == tails.len() {
            tails.push(index as Row);
        } else {
            tails[place] = index as Row;
        }
    }
    let mut on = vec![false; values.len()];
    let mut at = tails.last().copied().unwrap_or(Row::MAX);
    while at != Row::MAX {
        on[at as usize] = true;
        at = before[at as usize];
    }
    on
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stamp::DAY;

    #[test]
    fn ids_agree_in_another_zone() {
        let zoned: Vec<i64> = (0..100).map(|i| 2 * HOUR + i * 1_000).chain([-40 * HOUR, 90 * HOUR]).collect();
        let (offset, agreeing) = agreement(&zoned);
        assert_eq!(offset, 2 * HOUR);
        assert!(agreeing > 0.97);
        assert_eq!(agreement(&[]), (0, 0.0));
        // Ids given to old rows afterwards agree with none of them.
        let given: Vec<i64> = (1..200).map(|i| -i * 50 * HOUR).collect();
        assert!(agreement(&given).1 < TRUSTED_IDS);
    }

    #[test]
    fn marks_the_rising_line() {
        let on = longest_non_decreasing(&[1, 2, 9, 3, 3, 0, 4]);
        assert_eq!(on, [true, true, false, true, true, false, true]);
        assert_eq!(longest_non_decreasing(&[]), Vec::<bool>::new());
    }

    #[test]
    fn dates_in_no_order_are_told_from_a_clock() {
        // A dozen early rows, sixty with dates of the year before, and hundreds of later ones.
        let drawn = |i: i64| (i * 7_919 % 360) * DAY;
        let times: Vec<i64> = (360..372).chain((0..60).map(|i| drawn(i) / DAY)).chain(372..800).map(|day| day * DAY).collect();
        let marked = disordered(&times);
        let (first, last) = (marked.iter().position(|m| *m), marked.iter().rposition(|m| *m));
        assert_eq!(first, Some(12));
        assert!(last.is_some_and(|last| (66..72).contains(&last)), "{last:?}");
        // Two servers whose clocks differ by minutes, and an import in its own order.
        let servers: Vec<i64> = (0..600).map(|i| i * HOUR + (i % 2) * 59 * SECOND).collect();
        assert!(!disordered(&servers).contains(&true));
        let import: Vec<i64> = (0..300).chain(50..250).chain(300..600).map(|day| day * DAY).collect();
        assert!(!disordered(&import).contains(&true));
    }
}

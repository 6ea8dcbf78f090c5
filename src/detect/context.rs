//! What several detectors and the cohort engine need of a table: creation times, the order of
//! insertion, and the parents of each row. Gathered once, as plain arrays.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

use polars::prelude::PolarsResult;

use crate::model::value::hex_text;
use crate::model::{Minted, Role, Row, TableClass, TableId, ValueRef};
use crate::parallel;
use crate::profile::HELD_ROWS;
use crate::profile::{InsertionClock, Profile, Relation, TableProfile, agreement, rising_line};
use crate::snapshot::{CHUNK_ROWS, Case, Chunk, ColumnRead, Part, Reader, SnapshotError, scan};
use crate::timing::timed;

/// Stands for "no such row".
pub const NO_ROW: Row = Row::MAX;

/// Facts about every row of a table.
#[derive(Clone, Debug, Default)]
pub struct TableFacts {
    /// Number of rows.
    pub rows: usize,
    /// Whether its rows are people.
    pub people: bool,
    /// Creation times by row, UTC microseconds; empty where the table has none.
    pub created: Times,
    /// Rows that were inserted at another time than they say they were created, with that time, by row; see
    /// [`Self::inserted`].
    pub(crate) moved: Vec<(Row, i64)>,
    /// Rows that say a later time than the next row of the rising line, with the latter's, by row: they were inserted
    /// before.
    pub(crate) ahead: Vec<(Row, i64)>,
    /// Rows in the order in which they were inserted; empty where that cannot be told.
    pub order: Vec<Row>,
    /// When each row's id was made, by the clock of the creation times, where ids carry a time; UTC microseconds.
    pub minted: Vec<Option<i64>>,
    /// Links to parents, one a relation.
    pub parents: Vec<ParentLink>,
}

/// Points in time by row, UTC microseconds, where they are known; eight bytes each.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<i64>);

/// Stands for "not known".
const NEVER: i64 = i64::MIN;

impl Times {
    /// Returns a row's time.
    #[must_use]
    pub fn get(&self, row: Row) -> Option<i64> {
        self.0.get(row as usize).copied().filter(|t| *t != NEVER)
    }

    /// Returns whether there is no row at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Walks the times of all rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<i64>> {
        self.0.iter().map(|t| Some(*t).filter(|t| *t != NEVER))
    }

    /// Walks the known times, in order of rows.
    pub fn known(&self) -> impl Iterator<Item = i64> {
        self.iter().flatten()
    }
}

impl FromIterator<Option<i64>> for Times {
    fn from_iter<T: IntoIterator<Item = Option<i64>>>(times: T) -> Self {
        let mut found = Self::default();
        found.extend(times);
        found
    }
}

impl Extend<Option<i64>> for Times {
    fn extend<T: IntoIterator<Item = Option<i64>>>(&mut self, times: T) {
        self.0.extend(times.into_iter().map(|t| t.unwrap_or(NEVER)));
    }
}

/// For each row of a child table, its parent's row.
#[derive(Clone, Debug)]
pub struct ParentLink {
    /// Index into `Profile::relations`.
    pub relation: usize,
    /// The parent table.
    pub parent: TableId,
    /// By child row; [`NO_ROW`] where the reference is NULL or dangles.
    pub rows: Vec<Row>,
}

impl TableFacts {
    /// Returns when a row was inserted, as far as the order of insertion tells (no earlier than the newest row before
    /// it), else when it says it was created; UTC microseconds.
    #[must_use]
    pub fn inserted(&self, row: Row) -> Option<i64> {
        match self.moved.binary_search_by_key(&row, |m| m.0) {
            Ok(place) => Some(self.moved[place].1),
            Err(_) => self.created.get(row),
        }
    }

    /// Returns whether a row was inserted when it says that it was created, to so many microseconds, as far as the order
    /// of insertion tells.
    #[must_use]
    pub fn in_place(&self, row: Row, within: i64) -> bool {
        let Some(created) = self.created.get(row) else { return false };
        let ahead = self.ahead.binary_search_by_key(&row, |a| a.0).is_ok_and(|place| created - self.ahead[place].1 > within);
        !ahead && self.inserted(row).is_some_and(|inserted| (inserted - created).abs() <= within)
    }

    /// Returns whether it is known of any row when it was inserted.
    #[must_use]
    pub fn has_times(&self) -> bool {
        !self.moved.is_empty() || self.created.known().next().is_some()
    }

    /// Returns each row's place in the order of insertion; empty where that cannot be told.
    #[must_use]
    pub fn ranks(&self) -> Vec<Row> {
        let mut ranks = vec![0; self.order.len()];
        for (rank, row) in self.order.iter().enumerate() {
            ranks[*row as usize] = rank as Row;
        }
        ranks
    }
}

/// Gathers the facts of every table, by ordinal.
///
/// # Errors
/// Returns what the case file says.
pub fn gather(case: &Case, profile: &Profile) -> Result<Vec<TableFacts>, SnapshotError> {
    let reader = case.reader();
    let of_table = |table: &TableProfile| -> Result<TableFacts, SnapshotError> {
        let mut facts =
            TableFacts { rows: reader.table(table.id).rows as usize, people: table.class == TableClass::People, ..TableFacts::default() };
        if table.is_judged() && facts.rows > 0 {
            times_and_order(reader, profile, table.id, &mut facts)?;
        }
        Ok(facts)
    };
    let found =
        timed(|| "gather: times and order", || parallel::each_within(&profile.tables, HELD_ROWS, |t| reader.table(t.id).rows, of_table));
    let mut all = found.into_iter().collect::<Result<Vec<TableFacts>, SnapshotError>>()?;
    let judged = |relation: &Relation| profile.table(relation.child).is_judged() && profile.table(relation.parent).is_judged();
    let relations: Vec<(usize, &Relation)> = profile.relations.iter().enumerate().filter(|(_, r)| judged(r)).collect();
    let links = timed(|| "gather: parents", || relations.iter().map(|r| link(reader, r.1)).collect::<Vec<_>>());
    for ((index, relation), rows) in relations.into_iter().zip(links) {
        all[relation.child.index()].parents.push(ParentLink { relation: index, parent: relation.parent, rows: rows? });
    }
    Ok(all)
}

fn integers(chunk: &Chunk, read: ColumnRead) -> Result<Vec<Option<i64>>, SnapshotError> {
    let read_all = || -> PolarsResult<Vec<Option<i64>>> { Ok(chunk.frame.column(&read.name())?.i64()?.iter().collect()) };
    read_all().map_err(SnapshotError::Frame)
}

fn times_and_order(reader: Reader<'_>, profile: &Profile, id: TableId, facts: &mut TableFacts) -> Result<(), SnapshotError> {
    let table = profile.table(id);
    let created = table.column(Role::CreatedAt).map(ColumnRead::Time);
    let key = match table.clock {
        InsertionClock::Key { column, .. } => Some(ColumnRead::Integer(column)),
        _ => None,
    };
    let ids = table.ids;
    let mut reads: Vec<ColumnRead> = created.into_iter().chain(key).chain(ids.map(|i| ColumnRead::Text(i.column))).collect();
    reads.sort_unstable();
    reads.dedup();
    let mut keys: Vec<i64> = Vec::new();
    let mut minted: Vec<Option<Minted>> = Vec::new();
    if !reads.is_empty() {
        scan(reader, id, &reads, CHUNK_ROWS, |chunk| {
            if let Some(read) = created {
                facts.created.extend(integers(&chunk, read)?);
            }
            if let Some(read) = key {
                keys.extend(integers(&chunk, read)?.into_iter().map(|k| k.unwrap_or(i64::MIN)));
            }
            if let Some(ids) = ids {
                let texts = chunk.frame.column(&ColumnRead::Text(ids.column).name()).and_then(|c| c.str()).map_err(SnapshotError::Frame)?;
                minted.extend(texts.iter().map(|t| t.and_then(|t| ids.scheme.read(t))));
            }
            Ok::<(), SnapshotError>(())
        })?;
    }
    let distances: Vec<i64> = facts.created.iter().zip(&minted).filter_map(|(c, m)| Some(c? - (*m)?.micros)).collect();
    let (offset, _) = agreement(&distances);
    facts.minted = minted.iter().map(|m| m.map(|m| m.micros + offset)).collect();
    // A row without a date of its own was made when its id was.
    if created.is_none() && matches!(table.clock, InsertionClock::Minted { .. }) {
        facts.created.extend(facts.minted.iter().copied());
    }
    facts.order = match table.clock {
        InsertionClock::Minted { .. } => by_ids(&minted),
        InsertionClock::Key { .. } => {
            let mut rows: Vec<Row> = (0..facts.rows as Row).collect();
            if !keys.is_sorted() {
                rows.sort_unstable_by_key(|row| (keys[*row as usize], *row));
            }
            rows
        }
        InsertionClock::RowOrder { .. } => (0..facts.rows as Row).collect(),
        InsertionClock::NotApplicable(_) => Vec::new(),
    };
    drop(keys);
    if let InsertionClock::Minted { .. } = table.clock {
        let dated = facts.minted.iter().zip(facts.created.iter()).zip(0..);
        facts.moved = dated.filter_map(|((minted, created), row)| Some((row, minted.filter(|m| created != Some(*m))?))).collect();
    } else {
        (facts.moved, facts.ahead) = off_the_line(facts);
    }
    Ok(())
}

/// Orders rows by their ids' clocks; one whose id has none stays behind the row before it.
fn by_ids(minted: &[Option<Minted>]) -> Vec<Row> {
    let mut last = None;
    let mut keyed: Vec<(Option<Minted>, Row)> = Vec::with_capacity(minted.len());
    for (id, row) in minted.iter().zip(0..) {
        last = id.or(last);
        keyed.push((last, row));
    }
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// Rows with the time at which they were inserted, which is not the one that they say, by row.
type Elsewhere = Vec<(Row, i64)>;

/// Dates rows by their place: who lies behind the rising line was inserted when the line says, and who is ahead of it
/// before the line goes on.
fn off_the_line(facts: &TableFacts) -> (Elsewhere, Elsewhere) {
    let dated = || facts.order.iter().filter_map(|row| Some((*row, facts.created.get(*row)?)));
    let times: Vec<i64> = dated().map(|d| d.1).collect();
    let on_line = rising_line(&times);
    let (mut moved, mut ahead) = (Vec::new(), Vec::new());
    let mut line = None;
    for ((row, time), on) in dated().zip(&on_line) {
        if *on {
            line = Some(time);
        } else if let Some(line) = line.filter(|line| *line > time) {
            moved.push((row, line));
        }
    }
    let mut line = None;
    for ((row, time), on) in dated().rev().zip(on_line.iter().rev()) {
        if *on {
            line = Some(time);
        } else if let Some(line) = line.filter(|line| *line < time) {
            ahead.push((row, line));
        }
    }
    moved.sort_unstable();
    ahead.sort_unstable();
    (moved, ahead)
}

/// Finds each child row's parent by the text of its key.
fn link(reader: Reader<'_>, relation: &Relation) -> Result<Vec<Row>, SnapshotError> {
    let by_integer = match (relation.child_columns.as_slice(), relation.parent_columns.as_slice()) {
        ([child], [parent]) => link_integers(reader, (relation.child, *child), (relation.parent, *parent))?,
        _ => None,
    };
    let mut rows = match by_integer {
        Some(rows) => rows,
        None => link_texts(reader, relation)?,
    };
    if let Some(only) = &relation.only {
        reader.visit(relation.child, &[only.column], |row, cells| {
            if cells[0] != ValueRef::Text(only.value.as_bytes()) {
                rows[row as usize] = NO_ROW;
            }
            Ok::<(), SnapshotError>(())
        })?;
    }
    Ok(rows)
}

/// Finds them by a digest of the key's texts.
fn link_texts(reader: Reader<'_>, relation: &Relation) -> Result<Vec<Row>, SnapshotError> {
    let mut parents: HashMap<u64, Row, BuildHasherDefault<Digest>> = HashMap::default();
    each_key(reader, relation.parent, &relation.parent_columns, |row, key| {
        if let Some(key) = key {
            parents.entry(key).or_insert(row);
        }
    })?;
    let mut rows = Vec::with_capacity(reader.table(relation.child).rows as usize);
    each_key(reader, relation.child, &relation.child_columns, |_, key| {
        rows.push(key.and_then(|key| parents.get(&key).copied()).unwrap_or(NO_ROW));
    })?;
    Ok(rows)
}

/// Rows by an integer key: a place for each number where they lie close to each other, else sorted.
enum RowsByKey {
    Dense { first: i64, rows: Vec<Row> },
    Sorted(Vec<(i64, Row)>),
}

/// Places of a dense table for each of its keys, at most: a sorted one takes sixteen bytes a key, a place four.
const SPARSE: u64 = 4;

impl RowsByKey {
    /// Takes the keys of all rows in order; of rows with one key the first counts.
    fn new(mut keys: Vec<(i64, Row)>) -> Self {
        let bounds = keys.iter().map(|k| k.0).min().zip(keys.iter().map(|k| k.0).max());
        let Some((first, last)) = bounds else { return Self::Sorted(keys) };
        let span = last.abs_diff(first);
        if span / SPARSE >= keys.len() as u64 {
            keys.sort_unstable();
            keys.dedup_by_key(|k| k.0);
            return Self::Sorted(keys);
        }
        let mut rows = vec![NO_ROW; span as usize + 1];
        for (key, row) in keys {
            let place = &mut rows[key.abs_diff(first) as usize];
            *place = (*place).min(row);
        }
        Self::Dense { first, rows }
    }

    fn row(&self, key: i64) -> Row {
        match self {
            Self::Dense { first, rows } if key >= *first => {
                usize::try_from(key.abs_diff(*first)).ok().and_then(|place| rows.get(place)).copied().unwrap_or(NO_ROW)
            }
            Self::Dense { .. } => NO_ROW,
            Self::Sorted(keys) => keys.binary_search_by_key(&key, |k| k.0).map_or(NO_ROW, |place| keys[place].1),
        }
    }
}

/// Finds them by the integers of one column; `None` where a parent's key is none.
fn link_integers(reader: Reader<'_>, child: (TableId, usize), parent: (TableId, usize)) -> Result<Option<Vec<Row>>, SnapshotError> {
    let mut keys: Vec<(i64, Row)> = Vec::new();
    let mut integers = true;
    let turn = |part: &Part| {
        let mut found: Vec<(i64, Row)> = Vec::with_capacity(part.rows());
        let mut integers = true;
        reader.visit_part(part, &[parent.1], |row, cells| {
            match cells[0] {
                ValueRef::Integer(n) => found.push((n, row)),
                ValueRef::Null => {}
                _ => integers = false,
            }
            Ok::<(), SnapshotError>(())
        })?;
        Ok(integers.then_some(found))
    };
    let parts = reader.parts(parent.0, CHUNK_ROWS)?;
    parallel::in_order(&parts, turn, |found: Result<_, SnapshotError>| {
        match found? {
            Some(found) if integers => keys.extend(found),
            _ => integers = false,
        }
        Ok::<(), SnapshotError>(())
    })?;
    if !integers {
        return Ok(None);
    }
    let parents = RowsByKey::new(keys);
    let turn = |part: &Part| {
        let mut digits = String::new();
        let mut found: Vec<Row> = Vec::with_capacity(part.rows());
        reader.visit_part(part, &[child.1], |_, cells| {
            let key = match cells[0] {
                ValueRef::Integer(n) => Some(n),
                cell => integer_of(cell, &mut digits),
            };
            found.push(key.map_or(NO_ROW, |key| parents.row(key)));
            Ok::<(), SnapshotError>(())
        })?;
        Ok(found)
    };
    let mut rows = Vec::with_capacity(reader.table(child.0).rows as usize);
    parallel::in_order(&reader.parts(child.0, CHUNK_ROWS)?, turn, |found: Result<Vec<Row>, SnapshotError>| {
        rows.extend(found?);
        Ok::<(), SnapshotError>(())
    })?;
    Ok(Some(rows))
}

/// Returns the integer that is written as a cell's text is.
fn integer_of(cell: ValueRef<'_>, digits: &mut String) -> Option<i64> {
    let text = cell_text(cell, digits)?;
    text.parse::<i64>().ok().filter(|n| n.to_string() == text)
}

/// Digests the texts of each row's key, `None` where a part of it is NULL.
fn each_key(reader: Reader<'_>, table: TableId, columns: &[usize], mut take: impl FnMut(Row, Option<u64>)) -> Result<(), SnapshotError> {
    let mut digits = String::new();
    reader.visit(table, columns, |row, cells| {
        let mut key = Some(0);
        for cell in cells {
            key = key.zip(cell_text(*cell, &mut digits)).map(|(seed, text)| text_hash(seed, &text));
        }
        take(row, key);
        Ok::<(), SnapshotError>(())
    })
}

/// Returns a cell as text, `None` for NULL; `digits` is room for a number's.
pub(super) fn cell_text<'t>(cell: ValueRef<'t>, digits: &'t mut String) -> Option<Cow<'t, str>> {
    digits.clear();
    Some(match cell {
        ValueRef::Null => return None,
        ValueRef::Integer(n) => {
            let _ = write!(digits, "{n}");
            Cow::Borrowed(digits.as_str())
        }
        ValueRef::Real(x) => {
            let _ = write!(digits, "{x}");
            Cow::Borrowed(digits.as_str())
        }
        ValueRef::Text(text) => simdutf8::basic::from_utf8(text).map_or_else(|_| hex_text(text).into(), Cow::Borrowed),
        ValueRef::Blob(bytes) => hex_text(bytes).into(),
    })
}

/// Takes digests as they are.
#[derive(Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = self.0.rotate_left(8) ^ u64::from(*b));
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

/// Hashes a text, the same on every machine.
///
/// Source: FNV-1a, 64 bit, with a final mix (`MurmurHash3`'s) so that the high bits are usable too.
#[must_use]
pub(super) fn text_hash(seed: u64, text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed;
    for byte in text.as_bytes() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_keys_near_and_far() {
        for keys in [vec![5, 3, 9, 3], vec![i64::MIN, i64::MAX, 0, i64::MAX], vec![-7], vec![]] {
            let by_key = RowsByKey::new(keys.iter().copied().zip(0..).collect());
            for key in [i64::MIN, -8, -7, 0, 3, 4, 5, 9, 10, i64::MAX] {
                let first = keys.iter().position(|k| *k == key).map_or(NO_ROW, |row| row as Row);
                assert_eq!(by_key.row(key), first, "{key} in {keys:?}");
            }
        }
        let mut digits = String::new();
        let of = |text: &'static str, digits: &mut String| integer_of(ValueRef::Text(text.as_bytes()), digits);
        assert_eq!(of("17", &mut digits), Some(17));
        for other in ["+17", "017", "-0", "17.0", "", "x"] {
            assert_eq!(of(other, &mut digits), None, "{other}");
        }
    }
}

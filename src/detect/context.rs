//! What several detectors and the cohort engine need of a table: creation times, the order of
//! insertion, and the parents of each row. Gathered once, as plain arrays.

use std::collections::HashMap;

use polars::prelude::PolarsResult;

use crate::model::{Minted, Role, Row, TableId};
use crate::profile::{InsertionClock, Profile, Relation, agreement, longest_non_decreasing};
use crate::snapshot::{CHUNK_ROWS, Case, Chunk, ColumnRead, SnapshotError, scan};

/// Stands for "no such row".
pub const NO_ROW: Row = Row::MAX;

/// Facts about every row of a table.
#[derive(Clone, Debug, Default)]
pub struct TableFacts {
    /// Number of rows.
    pub rows: usize,
    /// Creation times by row, UTC microseconds; empty where the table has none.
    pub created: Vec<Option<i64>>,
    /// When each row was inserted, as far as the order of insertion tells (no earlier than the newest row
    /// before it), else when it says it was created; UTC microseconds; empty where there are no times.
    pub inserted: Vec<Option<i64>>,
    /// Rows in the order in which they were inserted; empty where that cannot be told.
    pub order: Vec<Row>,
    /// When each row's id was made, by the clock of the creation times, where ids carry a time; UTC microseconds.
    pub minted: Vec<Option<i64>>,
    /// Links to parents, one a relation.
    pub parents: Vec<ParentLink>,
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
    let mut all: Vec<TableFacts> = Vec::new();
    for table in &profile.tables {
        let mut facts = TableFacts { rows: case.table(table.id).rows as usize, ..TableFacts::default() };
        if table.is_judged() && facts.rows > 0 {
            times_and_order(case, profile, table.id, &mut facts)?;
        }
        all.push(facts);
    }
    for (index, relation) in profile.relations.iter().enumerate() {
        if profile.table(relation.child).is_judged() && profile.table(relation.parent).is_judged() {
            let rows = link(case, relation)?;
            all[relation.child.index()].parents.push(ParentLink { relation: index, parent: relation.parent, rows });
        }
    }
    Ok(all)
}

fn integers(chunk: &Chunk, read: ColumnRead) -> Result<Vec<Option<i64>>, SnapshotError> {
    let read_all = || -> PolarsResult<Vec<Option<i64>>> { Ok(chunk.frame.column(&read.name())?.i64()?.iter().collect()) };
    read_all().map_err(SnapshotError::Frame)
}

fn times_and_order(case: &Case, profile: &Profile, id: TableId, facts: &mut TableFacts) -> Result<(), SnapshotError> {
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
    let mut keys: Vec<(i64, Row)> = Vec::new();
    let mut minted: Vec<Option<Minted>> = Vec::new();
    if !reads.is_empty() {
        scan(case, id, &reads, CHUNK_ROWS, |chunk| {
            if let Some(read) = created {
                facts.created.extend(integers(&chunk, read)?);
            }
            if let Some(read) = key {
                let first = chunk.first_row;
                keys.extend(integers(&chunk, read)?.into_iter().zip(first..).map(|(k, row)| (k.unwrap_or(i64::MIN), row)));
            }
            if let Some(ids) = ids {
                let texts = chunk.frame.column(&ColumnRead::Text(ids.column).name()).and_then(|c| c.str()).map_err(SnapshotError::Frame)?;
                minted.extend(texts.iter().map(|t| t.and_then(|t| ids.scheme.read(t))));
            }
            Ok::<(), SnapshotError>(())
        })?;
    }
    let distances: Vec<i64> = facts.created.iter().zip(&minted).filter_map(|(c, m)| Some((*c)? - (*m)?.micros)).collect();
    let (offset, _) = agreement(&distances);
    facts.minted = minted.iter().map(|m| m.map(|m| m.micros + offset)).collect();
    // A row without a date of its own was made when its id was.
    if created.is_none() && matches!(table.clock, InsertionClock::Minted { .. }) {
        facts.created.clone_from(&facts.minted);
    }
    facts.order = match table.clock {
        InsertionClock::Minted { .. } => by_ids(&minted),
        InsertionClock::Key { .. } => {
            keys.sort_unstable();
            keys.into_iter().map(|(_, row)| row).collect()
        }
        InsertionClock::RowOrder { .. } => (0..facts.rows as Row).collect(),
        InsertionClock::NotApplicable(_) => Vec::new(),
    };
    facts.inserted = match table.clock {
        InsertionClock::Minted { .. } => facts.minted.iter().zip(&facts.created).map(|(m, c)| m.or(*c)).collect(),
        _ => inserted(facts),
    };
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

/// Dates rows by their place: who lies behind the rising line was inserted when the line says.
fn inserted(facts: &TableFacts) -> Vec<Option<i64>> {
    let mut inserted = facts.created.clone();
    if inserted.is_empty() || facts.order.is_empty() {
        return inserted;
    }
    let dated: Vec<(Row, i64)> = facts.order.iter().filter_map(|row| Some((*row, facts.created[*row as usize]?))).collect();
    let on_line = longest_non_decreasing(&dated.iter().map(|d| d.1).collect::<Vec<_>>());
    let mut line = None;
    for ((row, time), on) in dated.iter().zip(on_line) {
        if on {
            line = Some(*time);
        } else if let Some(line) = line {
            inserted[*row as usize] = Some(line.max(*time));
        }
    }
    inserted
}

/// Finds each child row's parent by the text of its key.
fn link(case: &Case, relation: &Relation) -> Result<Vec<Row>, SnapshotError> {
    let keys = |table: TableId, columns: &[usize]| -> Result<Vec<Option<u64>>, SnapshotError> {
        let reads: Vec<ColumnRead> = columns.iter().map(|c| ColumnRead::Text(*c)).collect();
        let mut hashes = Vec::new();
        scan(case, table, &reads, CHUNK_ROWS, |chunk| {
            let mut row_hashes: Vec<Option<u64>> = vec![Some(0); chunk.frame.height()];
            for read in &reads {
                let column = chunk.frame.column(&read.name()).map_err(SnapshotError::Frame)?;
                for (hash, text) in row_hashes.iter_mut().zip(column.str().map_err(SnapshotError::Frame)?.iter()) {
                    *hash = hash.zip(text).map(|(h, t)| text_hash(h, t));
                }
            }
            hashes.extend(row_hashes);
            Ok::<(), SnapshotError>(())
        })?;
        Ok(hashes)
    };
    let mut by_key: HashMap<u64, Row> = HashMap::new();
    for (row, hash) in keys(relation.parent, &relation.parent_columns)?.into_iter().enumerate() {
        if let Some(hash) = hash {
            by_key.entry(hash).or_insert(row as Row);
        }
    }
    let children = keys(relation.child, &relation.child_columns)?;
    Ok(children.into_iter().map(|h| h.and_then(|h| by_key.get(&h).copied()).unwrap_or(NO_ROW)).collect())
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

//! What several detectors and the cohort engine need of a table: creation times, the order of
//! insertion, and the parents of each row. Gathered once, and held for all tables: whatever is here is kept small.

mod cells;
mod elsewhere;
mod insertion;
mod order;
mod parents;

use std::sync::Arc;

use crate::model::{Row, TableClass, TableId};
use crate::parallel;
use crate::profile::{HELD_ROWS, Profile, Relation, TableProfile};
use crate::snapshot::{Case, SnapshotError};
use crate::timing::timed;

pub use crate::profile::Times;
pub(super) use cells::{cell_text, text_hash};
pub(crate) use elsewhere::Elsewhere;
pub use order::{Order, Ranks};

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
    pub created: Arc<Times>,
    /// Rows that lie behind the rising line of times, with the line's time at their place; see [`Self::inserted`].
    pub(crate) moved: Elsewhere,
    /// Rows that say a later time than the next row of the rising line, with the latter's: they were inserted before.
    pub(crate) ahead: Elsewhere,
    /// Rows in the order in which they were inserted; empty where that cannot be told.
    pub order: Order,
    /// When each row's id was made, by the clock of the creation times, where ids carry a time; UTC microseconds.
    pub minted: Times,
    /// Whether a row was inserted when its id was made.
    pub(crate) by_ids: bool,
    /// How long its rows were made.
    pub life: Life,
    /// Links to parents, one a relation.
    pub parents: Vec<ParentLink>,
}

/// How long the rows of a table were made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    /// Rows whose time of creation is known.
    pub dated: usize,
    /// Time over which the middle nine tenths of them were made, microseconds: a few forged dates must not stretch it.
    pub middle: i64,
}

impl Life {
    /// Takes the known times of creation, in any order.
    #[must_use]
    pub fn of(mut times: Vec<i64>) -> Self {
        let dated = times.len();
        let trim = dated / 20;
        let mut at = |place: usize| *times.select_nth_unstable(place).1;
        let middle = if dated > 2 { at(dated - 1 - trim) - at(trim) } else { 0 };
        Self { dated, middle }
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
    #[inline]
    pub fn inserted(&self, row: Row) -> Option<i64> {
        let elsewhere = if self.by_ids { self.minted.get(row) } else { self.moved.get(row) };
        elsewhere.or_else(|| self.created.get(row))
    }

    /// Returns whether a row was inserted when it says that it was created, to so many microseconds, as far as the order
    /// of insertion tells.
    #[must_use]
    #[inline]
    pub fn in_place(&self, row: Row, within: i64) -> bool {
        let Some(created) = self.created.get(row) else { return false };
        let ahead = self.ahead.get(row).is_some_and(|next| created - next > within);
        !ahead && self.inserted(row).is_some_and(|inserted| (inserted - created).abs() <= within)
    }

    /// Returns whether it is known of any row when it was inserted.
    #[must_use]
    pub fn has_times(&self) -> bool {
        !self.moved.is_empty() || self.created.known().next().is_some() || (self.by_ids && self.minted.known().next().is_some())
    }

    /// Returns each row's place in the order of insertion; empty where that cannot be told.
    #[must_use]
    pub fn ranks(&self) -> Ranks {
        self.order.ranks()
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
            insertion::times_and_order(reader, profile, table.id, &mut facts)?;
        }
        Ok(facts)
    };
    let found =
        timed(|| "gather: times and order", || parallel::each_within(&profile.tables, HELD_ROWS, |t| reader.table(t.id).rows, of_table));
    let mut all = found.into_iter().collect::<Result<Vec<TableFacts>, SnapshotError>>()?;
    let judged = |relation: &Relation| profile.table(relation.child).is_judged() && profile.table(relation.parent).is_judged();
    let relations: Vec<(usize, &Relation)> = profile.relations.iter().enumerate().filter(|(_, r)| judged(r)).collect();
    let links = timed(|| "gather: parents", || relations.iter().map(|r| parents::link(reader, r.1)).collect::<Vec<_>>());
    for ((index, relation), rows) in relations.into_iter().zip(links) {
        all[relation.child.index()].parents.push(ParentLink { relation: index, parent: relation.parent, rows: rows? });
    }
    Ok(all)
}

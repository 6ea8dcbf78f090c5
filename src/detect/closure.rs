//! Closure: that nearly all rows of a group are in one list, where the rest of the table is not. A list
//! may hold many real values; what tells is that a group never leaves it.

use std::collections::{BTreeMap, HashMap};

use polars::prelude::{DataFrame, DataType, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::TableView;
use super::vocabulary::ListSet;
use crate::model::{DetectorMeta, Family, Row, TableId};

/// For each row of a table: which lists hold its value. Rows share few different sets, so that a number is kept of each.
#[derive(Clone, Debug)]
pub struct Closure {
    /// Id of the detector.
    pub detector: &'static str,
    /// Its family.
    pub family: Family,
    /// The table.
    pub table: TableId,
    /// What is in the lists: `both names`, `every word`.
    pub what: &'static str,
    /// Titles of the lists.
    pub titles: &'static [String],
    /// The different sets of lists that values are in.
    sets: Vec<ListSet>,
    /// By row: the number of its value's set, from 1; 0 where the row has no value at all.
    of: Vec<u32>,
}

impl Closure {
    /// Returns the lists that hold a row's value, `None` where the row has none.
    #[must_use]
    pub fn lists(&self, row: Row) -> Option<ListSet> {
        self.sets.get((*self.of.get(row as usize)? as usize).checked_sub(1)?).copied()
    }

    /// Returns whether a row has a value at all.
    #[must_use]
    pub fn applies(&self, row: Row) -> bool {
        self.of.get(row as usize).is_some_and(|set| *set != 0)
    }

    /// Returns whether a list holds a row's value.
    #[must_use]
    pub fn holds(&self, row: Row, list: usize) -> bool {
        self.lists(row).is_some_and(|lists| lists.contains(list))
    }

    /// Counts the same among some rows.
    #[must_use]
    pub fn totals_of(&self, rows: &[Row]) -> (usize, Vec<usize>) {
        let mut with: Vec<u32> = rows.iter().filter_map(|row| self.of.get(*row as usize)).copied().filter(|set| *set != 0).collect();
        with.sort_unstable();
        let mut hits = vec![0; self.titles.len()];
        for of_set in with.chunk_by(|a, b| a == b) {
            self.sets[of_set[0] as usize - 1].iter().for_each(|list| hits[list] += of_set.len());
        }
        (with.len(), hits)
    }

    /// Returns the number of each row's set, 0 where it has no value, in an order of rows.
    pub(crate) fn numbered(&self, order: impl Iterator<Item = Row>) -> Vec<u32> {
        order.map(|row| self.of.get(row as usize).copied().unwrap_or(0)).collect()
    }

    /// Returns by number of set, see [`Self::numbered`]: `without` for no value, else whether the list holds it.
    pub(crate) fn scores(&self, list: usize, without: f64, hit: f64, miss: f64) -> Vec<f64> {
        std::iter::once(without).chain(self.sets.iter().map(|set| if set.contains(list) { hit } else { miss })).collect()
    }

    /// Returns how many different sets there are.
    pub(crate) const fn different(&self) -> usize {
        self.sets.len()
    }

    /// Returns which sets hold a list, a bit each: lists with the same ones hold the same rows.
    pub(crate) fn sets_with(&self, list: usize) -> Vec<u64> {
        let mut bits = vec![0; self.sets.len().div_ceil(64)];
        for (place, _) in self.sets.iter().enumerate().filter(|(_, set)| set.contains(list)) {
            bits[place / 64] |= 1 << (place % 64);
        }
        bits
    }

    /// Counts the rows that have a value, and by list those in it.
    #[must_use]
    pub fn totals(&self) -> (usize, Vec<usize>) {
        let mut with = vec![0_usize; self.sets.len() + 1];
        self.of.iter().for_each(|set| with[*set as usize] += 1);
        let mut hits = vec![0; self.titles.len()];
        for (lists, rows) in self.sets.iter().zip(&with[1..]) {
            lists.iter().for_each(|l| hits[l] += rows);
        }
        (with[1..].iter().sum(), hits)
    }
}

/// Writes the lists of a chunk's rows as a partial frame: a row of it for each set, with the rows of the table that
/// have it. Rows without a value are left out.
pub(super) fn partial(first_row: Row, found: &[Option<ListSet>]) -> PolarsResult<DataFrame> {
    let mut by_set: BTreeMap<ListSet, Vec<Row>> = BTreeMap::new();
    for (lists, row) in found.iter().zip(first_row..) {
        if let Some(lists) = lists {
            by_set.entry(*lists).or_default().push(row);
        }
    }
    let rows: Vec<Series> = by_set.values().map(|rows| Series::new("rows".into(), rows)).collect();
    let rows = if rows.is_empty() {
        Series::new_empty("rows".into(), &DataType::List(Box::new(DataType::UInt32)))
    } else {
        Series::new("rows".into(), rows)
    };
    let mut columns = vec![rows.into_column()];
    for place in 0..5 {
        let words: Vec<u64> = by_set.keys().map(|lists| lists.words()[place]).collect();
        columns.push(Series::new(format!("lists{place}").into(), words).into_column());
    }
    DataFrame::new(by_set.len(), columns)
}

/// Gathers the partial frames of a table.
pub(super) fn gather(
    meta: &'static DetectorMeta,
    what: &'static str,
    merged: &DataFrame,
    table: &TableView<'_>,
    titles: &'static [String],
) -> PolarsResult<Closure> {
    let mut words = Vec::new();
    for place in 0..5 {
        words.push(merged.column(&format!("lists{place}"))?.u64()?.clone());
    }
    let rows = merged.column("rows")?.list()?.clone();
    let mut numbers: HashMap<ListSet, u32> = HashMap::new();
    let mut sets = Vec::new();
    let mut of = vec![0; table.rows()];
    for index in 0..merged.height() {
        let mut set = [0; 5];
        for (slot, column) in set.iter_mut().zip(&words) {
            *slot = column.get(index).unwrap_or_default();
        }
        let set = ListSet::from_words(set);
        let number = *numbers.entry(set).or_insert_with(|| {
            sets.push(set);
            sets.len() as u32
        });
        if let Some(rows) = rows.get_as_series(index) {
            rows.u32()?.into_no_null_iter().for_each(|row| of[row as usize] = number);
        }
    }
    Ok(Closure { detector: meta.id, family: meta.family, table: table.profile.id, what, titles, sets, of })
}

//! Closure: that nearly all rows of a group are in one list, where the rest of the table is not. A list
//! may hold many real values; what tells is that a group never leaves it.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::TableView;
use super::vocabulary::ListSet;
use crate::model::{DetectorMeta, Family, Row, TableId};

/// For each row of a table: which lists hold its value.
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
    /// Whether a row has a value at all, by row.
    pub applies: Vec<bool>,
    /// The lists that hold the row's value, by row.
    pub lists: Vec<ListSet>,
}

/// Writes the lists of a chunk's rows as a partial frame; rows without a value are left out.
pub(super) fn partial(first_row: Row, found: &[Option<ListSet>]) -> PolarsResult<DataFrame> {
    let kept: Vec<(Row, [u64; 5])> = found.iter().zip(first_row..).filter_map(|(f, row)| f.map(|f| (row, f.words()))).collect();
    let rows: Vec<u32> = kept.iter().map(|k| k.0).collect();
    let mut columns = vec![Series::new("row".into(), rows).into_column()];
    for place in 0..5 {
        let words: Vec<u64> = kept.iter().map(|k| k.1[place]).collect();
        columns.push(Series::new(format!("lists{place}").into(), words).into_column());
    }
    DataFrame::new(kept.len(), columns)
}

/// Gathers the partial frames of a table.
pub(super) fn gather(
    meta: &'static DetectorMeta,
    what: &'static str,
    merged: &DataFrame,
    table: &TableView<'_>,
    titles: &'static [String],
) -> PolarsResult<Closure> {
    let mut closure = Closure {
        detector: meta.id,
        family: meta.family,
        table: table.profile.id,
        what,
        titles,
        applies: vec![false; table.rows()],
        lists: vec![ListSet::default(); table.rows()],
    };
    let rows = super::rows_of(merged)?;
    let mut words = Vec::new();
    for place in 0..5 {
        words.push(merged.column(&format!("lists{place}"))?.u64()?.clone());
    }
    for (index, row) in rows.into_iter().enumerate() {
        let mut set = [0; 5];
        for (slot, column) in set.iter_mut().zip(&words) {
            *slot = column.get(index).unwrap_or_default();
        }
        closure.applies[row as usize] = true;
        closure.lists[row as usize] = ListSet::from_words(set);
    }
    Ok(closure)
}

//! What is known of every row: its verdict and its cohort, four bytes a row of a table that has any.

use std::collections::BTreeMap;

use crate::model::{Row, RowVerdict, TableId, Verdict};
use crate::snapshot::Case;

/// What is known of every row of a table: its verdict and its cohort.
pub(in crate::report) struct Marks {
    by_table: Vec<Vec<u32>>,
}

/// How a mark says that a row is seeded.
const SEEDED: u32 = 3;

impl Marks {
    pub(in crate::report) fn new<'a>(case: &Case, verdicts: impl Iterator<Item = &'a RowVerdict>, cohorts: &BTreeMap<&str, usize>) -> Self {
        let mut by_table: Vec<Vec<u32>> = case.tables().iter().map(|_| Vec::new()).collect();
        for verdict in verdicts {
            let rows = &mut by_table[verdict.table.index()];
            if rows.is_empty() {
                rows.resize(case.table(verdict.table).rows as usize, 0);
            }
            let kind = match verdict.verdict {
                Verdict::Real => 0,
                Verdict::Protected => 1,
                Verdict::Review => 2,
                Verdict::Seeded => SEEDED,
            };
            let cohort = verdict.cohort.as_ref().and_then(|c| cohorts.get(c.0.as_str())).map_or(0, |c| *c as u32 + 1);
            if let Some(mark) = rows.get_mut(verdict.row as usize) {
                *mark = kind | cohort << 2;
            }
        }
        Self { by_table }
    }

    pub(in crate::report) fn of(&self, table: TableId, row: u32) -> (Verdict, Option<usize>) {
        let mark = self.by_table[table.index()].get(row as usize).copied().unwrap_or(0);
        let verdict = [Verdict::Real, Verdict::Protected, Verdict::Review, Verdict::Seeded][(mark & 3) as usize];
        (verdict, (mark >> 2).checked_sub(1).map(|c| c as usize))
    }

    /// Lists the seeded rows of a table.
    pub(in crate::report) fn seeded(&self, table: TableId) -> Vec<Row> {
        let rows = &self.by_table[table.index()];
        rows.iter().zip(0..).filter(|(mark, _)| **mark & 3 == SEEDED).map(|(_, row)| row).collect()
    }

    pub(in crate::report) fn has_any(&self, table: TableId) -> bool {
        !self.by_table[table.index()].is_empty()
    }
}

//! Some cells of every row of a table, borrowed from its pages: for sums and counts that need no frame.

use super::leaves::{PageFile, Part};
use super::{Case, CaseTable, SnapshotError};
use crate::model::{Row, TableId, ValueRef};
use crate::parallel;

/// Pages that a thread takes at a time where rows are picked.
const PICKED_PAGES: usize = 64;

/// Reads whole tables of a case. Several threads may read at once, while the case writes what was found.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'c> {
    pub(super) pages: &'c PageFile,
    pub(super) tables: &'c [CaseTable],
}

impl<'c> From<&'c Case> for Reader<'c> {
    fn from(case: &'c Case) -> Self {
        case.reader()
    }
}

impl<'c> Reader<'c> {
    /// Returns a table.
    #[must_use]
    pub const fn table(self, id: TableId) -> &'c CaseTable {
        &self.tables[id.index()]
    }

    /// Reads a table once in row order, handing each row's cells of `columns`, in that order, to `take`.
    ///
    /// # Errors
    /// Returns what the system says or `take` does, or that the file is damaged.
    pub fn visit<E: From<SnapshotError>>(
        self,
        table: TableId,
        columns: &[usize],
        mut take: impl FnMut(Row, &[ValueRef<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rising = columns.to_vec();
        rising.sort_unstable();
        rising.dedup();
        let mut ordinal: Row = 0;
        if rising == columns {
            return self.pages.rows(self.table(table).root, columns, |cells| {
                take(ordinal, cells)?;
                ordinal += 1;
                Ok(())
            });
        }
        let places: Vec<usize> = columns.iter().filter_map(|c| rising.binary_search(c).ok()).collect();
        self.pages.rows(self.table(table).root, &rising, |cells| {
            let ordered: Vec<ValueRef<'_>> = places.iter().map(|place| cells[*place]).collect();
            take(ordinal, &ordered)?;
            ordinal += 1;
            Ok(())
        })
    }
}

impl Reader<'_> {
    /// Divides a table into parts of at most `most` rows, or of one page.
    ///
    /// # Errors
    /// Returns what the system says, or that the file is damaged.
    pub fn parts(self, table: TableId, most: usize) -> Result<Vec<Part>, SnapshotError> {
        let info = self.table(table);
        self.pages.parts(info.root, info.rows, most as u64)
    }

    /// Reads a part of a table once in row order, handing each row's cells of `columns`, which rise, to `take`.
    ///
    /// # Errors
    /// Returns what the system says or `take` does, or that the file is damaged.
    pub fn visit_part<E: From<SnapshotError>>(
        self,
        part: &Part,
        columns: &[usize],
        mut take: impl FnMut(Row, &[ValueRef<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut ordinal = part.first_row();
        self.pages.rows_of_part(part, columns, |cells| {
            take(ordinal, cells)?;
            ordinal += 1;
            Ok(())
        })
    }
}

impl Reader<'_> {
    /// Reads some rows of a table, which rise, on two threads: `turn` makes something of each row's cells of `columns`,
    /// which rise; what comes of all rows of a page or so is handed to `take`, in order.
    ///
    /// # Errors
    /// Returns what the system says, or that the file is damaged.
    pub fn pick<R: Send>(
        self,
        table: TableId,
        rows: &[Row],
        columns: &[usize],
        turn: impl Fn(Row, &[ValueRef<'_>]) -> R + Sync,
        mut take: impl FnMut(R),
    ) -> Result<(), SnapshotError> {
        let parts = self.parts(table, 1)?;
        let mut work: Vec<(&Part, &[Row])> = Vec::new();
        let mut left = rows;
        for part in &parts {
            let behind = part.first_row() as usize + part.rows();
            let (here, rest) = left.split_at(left.partition_point(|row| (*row as usize) < behind));
            left = rest;
            if !here.is_empty() {
                work.push((part, here));
            }
        }
        let pages: Vec<&[(&Part, &[Row])]> = work.chunks(PICKED_PAGES).collect();
        let some = |pages: &&[(&Part, &[Row])]| -> Result<Vec<R>, SnapshotError> {
            let mut found = Vec::new();
            for (part, rows) in *pages {
                self.pages.pick(part, rows, columns, |row, cells| {
                    found.push(turn(row, cells));
                    Ok::<(), SnapshotError>(())
                })?;
            }
            Ok(found)
        };
        parallel::in_order(&pages, some, |found: Result<Vec<R>, SnapshotError>| {
            found?.into_iter().for_each(&mut take);
            Ok(())
        })
    }
}

impl Case {
    /// Reads a table once in row order, handing each row's cells of `columns` to `take`.
    ///
    /// # Errors
    /// Returns what the system says, or that the file is damaged.
    pub fn visit(&self, table: TableId, columns: &[usize], mut take: impl FnMut(Row, &[ValueRef<'_>])) -> Result<(), SnapshotError> {
        self.reader().visit(table, columns, |row, cells| {
            take(row, cells);
            Ok(())
        })
    }

    /// Returns the closest rows that were spared, with their terms, and how many there are in all.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn closest_spared(&self, most: usize) -> Result<(Vec<super::StoredSpared>, usize), SnapshotError> {
        type Stored = (String, String, f64, String);
        let counted = self.meta("spared_total")?.and_then(|total| total.parse().ok());
        let run = || -> rusqlite::Result<(Vec<Stored>, usize)> {
            let count = || self.db().query_row("SELECT count(*) FROM unseed_spared", [], |row| row.get::<_, i64>(0));
            let total = counted.map_or_else(|| count().map(|n| n as usize), Ok)?;
            let mut statement =
                self.db().prepare("SELECT table_name, row_key, bits, reasons FROM unseed_spared ORDER BY bits DESC, rowid LIMIT ?1")?;
            let rows = statement.query_map([most as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            Ok((rows.collect::<rusqlite::Result<_>>()?, total))
        };
        let (rows, total) = run().map_err(|source| SnapshotError::Sqlite { file: self.path().display().to_string(), source })?;
        let mut spared = Vec::new();
        for (table, key, bits, reasons) in rows {
            spared.push((table, key, bits, serde_json::from_str(&reasons).map_err(|e| SnapshotError::Damaged(e.to_string()))?));
        }
        Ok((spared, total))
    }
}

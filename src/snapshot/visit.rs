//! Some cells of every row of a table, borrowed from SQLite's page: for sums and counts that need no frame.

use rusqlite::types::ValueRef as SqlRef;

use super::names::quote;
use super::{Case, SnapshotError};
use crate::model::{Row, TableId, ValueRef};

impl Case {
    /// Reads a table once in row order, handing each row's cells of `columns` to `take`.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn visit(&self, table: TableId, columns: &[usize], mut take: impl FnMut(Row, &[ValueRef<'_>])) -> Result<(), SnapshotError> {
        let info = self.table(table);
        let list: Vec<String> = columns.iter().map(|c| quote(&info.physical_columns[*c])).collect();
        let selected = if list.is_empty() { "NULL".to_owned() } else { list.join(", ") };
        let sql = format!("SELECT {selected} FROM {} NOT INDEXED ORDER BY rowid", quote(&info.physical));
        let sqlite = |source| SnapshotError::Sqlite { file: self.path().display().to_string(), source };
        let mut statement = self.db().prepare(&sql).map_err(sqlite)?;
        let mut rows = statement.query([]).map_err(sqlite)?;
        let mut ordinal: Row = 0;
        while let Some(row) = rows.next().map_err(sqlite)? {
            let mut cells = Vec::with_capacity(columns.len());
            for place in 0..columns.len() {
                cells.push(match row.get_ref(place).map_err(sqlite)? {
                    SqlRef::Null => ValueRef::Null,
                    SqlRef::Integer(n) => ValueRef::Integer(n),
                    SqlRef::Real(x) => ValueRef::Real(x),
                    SqlRef::Text(text) if simdutf8::basic::from_utf8(text).is_ok() => ValueRef::Text(text),
                    SqlRef::Text(text) => ValueRef::Blob(text),
                    SqlRef::Blob(bytes) => ValueRef::Blob(bytes),
                });
            }
            take(ordinal, &cells);
            ordinal += 1;
        }
        Ok(())
    }

    /// Returns the closest rows that were spared, with their terms, and how many there are in all.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn closest_spared(&self, most: usize) -> Result<(Vec<super::StoredSpared>, usize), SnapshotError> {
        type Stored = (String, String, f64, String);
        let run = || -> rusqlite::Result<(Vec<Stored>, usize)> {
            let total = self.db().query_row("SELECT count(*) FROM unseed_spared", [], |row| row.get::<_, i64>(0))? as usize;
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

//! The indexes that keys and relations ask for.

use std::fs::OpenOptions;

use rusqlite::Connection;

use super::schema::{enter, enter_index, set_page_count};
use super::{BulkTable, Open, fast};
use crate::model::Key;
use crate::snapshot::SnapshotError;
use crate::snapshot::key_index;
use crate::snapshot::names::quote;
use crate::snapshot::pages::{PAGE, PageWriter};
use crate::snapshot::partial::Partial;

/// An index of the case file.
pub(super) struct Index {
    /// Place of its table among those that were made.
    pub(super) table: usize,
    pub(super) columns: Vec<usize>,
    pub(super) name: String,
    pub(super) ddl: String,
    /// Its root page, where it was written as pages; else 0.
    pub(super) root: u32,
}

/// Lists the indexes that keys and relations ask for.
pub(super) fn planned_indexes(tables: &[BulkTable], open: &[Open]) -> Vec<Index> {
    let mut found: Vec<Index> = Vec::new();
    let kept = tables.iter().zip(open).enumerate().filter(|(_, t)| !t.0.dropped);
    for (ordinal, (table, (bulk, open))) in kept.enumerate() {
        let keys = bulk.table.primary_key.iter().chain(&bulk.table.unique_keys).map(|k: &Key| k.columns.as_slice());
        let first = found.len();
        for columns in keys.chain(bulk.table.foreign_keys.iter().map(|f| f.columns.as_slice())) {
            if columns.is_empty() || found[first..].iter().any(|i| i.columns == columns) {
                continue;
            }
            let list: Vec<String> = columns.iter().map(|c| quote(&open.columns[*c])).collect();
            let name = format!("unseed_ix_{ordinal}_{}", found.len() - first);
            let ddl = format!("CREATE INDEX {} ON {} ({})", quote(&name), quote(&open.physical), list.join(", "));
            found.push(Index { table, columns: columns.to_vec(), name, ddl, root: 0 });
        }
    }
    found
}

/// Writes the indexes that need sorting and fit the memory, behind the pages that are there.
pub(super) fn write_key_indexes(
    partial: &Partial,
    db: Connection,
    open: &[Open],
    indexes: &mut [Index],
    pending_byte: u64,
) -> Result<Connection, SnapshotError> {
    let fits = |index: &Index| {
        index.root == 0
            && matches!(index.columns.as_slice(), [only] if open[index.table].seen.get(*only).is_some_and(|c| key_index::fits(&c.stats)))
    };
    if !indexes.iter().any(fits) {
        return Ok(db);
    }
    // SQLite must not hold the file while it grows.
    db.close().map_err(|(_, e)| partial.sqlite(e))?;
    let file = OpenOptions::new().append(true).open(partial.path()).map_err(|e| partial.io(e))?;
    let count = (file.metadata().map_err(|e| partial.io(e))?.len() / PAGE as u64) as u32;
    let mut pages = PageWriter::new(file, count, pending_byte).map_err(|e| partial.io(e))?;
    let mut written = Vec::new();
    for (place, index) in indexes.iter_mut().enumerate().filter(|(_, i)| fits(i)) {
        let table = &open[index.table];
        let (name, column) = (quote(&table.physical), quote(&table.columns[index.columns[0]]));
        let column = key_index::Column { table: &name, column: &column, rows: table.rows };
        let root = key_index::write(partial.path(), &column, &mut pages).map_err(|e| partial.sqlite(e))?.map_err(|e| partial.io(e))?;
        if let Some(root) = root {
            index.root = root;
            written.push(place);
        }
    }
    let count = pages.finish().map_err(|e| partial.io(e))?;
    set_page_count(partial.path(), count).map_err(|e| partial.io(e))?;
    let db = fast(partial)?;
    enter(&db, |db| written.iter().try_for_each(|place| enter_index(db, open, &indexes[*place]))).map_err(|e| partial.sqlite(e))?;
    Ok(db)
}

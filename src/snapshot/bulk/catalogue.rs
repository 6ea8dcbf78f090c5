//! What the case file says of its tables: the catalogue, the statistics, the digest of the content.

use rusqlite::{Connection, params};

use super::{BulkTable, Open};
use crate::model::SnapshotId;

/// Hashes the logical content: tables by name, rows in order, type tag and bytes of each value, the
/// latter two as SQLite's record format spells them.
pub(super) fn content_id(tables: &[BulkTable], open: &[Open]) -> SnapshotId {
    let mut order: Vec<usize> = (0..tables.len()).filter(|i| !tables[*i].dropped).collect();
    order.sort_by_key(|i| &tables[*i].table.name);
    let mut whole = blake3::Hasher::new();
    let mut text = |t: &str| {
        whole.update(&(t.len() as u64).to_le_bytes());
        whole.update(t.as_bytes());
    };
    for index in order {
        let (table, open) = (&tables[index].table, &open[index]);
        for part in [&table.name.database, &table.name.schema, &table.name.name] {
            text(part);
        }
        for column in &table.columns {
            text(&column.name);
        }
        text(&open.rows.to_string());
        text(open.hasher.finalize().to_hex().as_str());
    }
    SnapshotId(whole.finalize().to_hex().to_string())
}

pub(super) fn write_table(db: &Connection, ordinal: usize, open: &Open, bulk: &BulkTable) -> rusqlite::Result<()> {
    let table = &bulk.table;
    db.execute(
        "INSERT INTO unseed_tables (table_id, database_name, schema_name, table_name, physical_name, rows, rejected, truncated, declared, model) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            ordinal, table.name.database, table.name.schema, table.name.name, open.physical, open.rows as i64, bulk.rejected as i64,
            bulk.truncated, bulk.declared, serde_json::to_string(table).unwrap_or_default()
        ],
    )?;
    let mut insert_column = db.prepare_cached(
        "INSERT INTO unseed_columns (table_id, ordinal, column_name, physical_name, type_text, not_null, generated, identity, default_text, invalid_utf8) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut insert_stats = db.prepare_cached("INSERT INTO unseed_column_stats VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    for (at, column) in table.columns.iter().enumerate() {
        insert_column.execute(params![
            ordinal,
            at,
            column.name,
            open.columns[at],
            column.type_text,
            column.not_null,
            column.generated,
            column.identity,
            column.default,
            bulk.invalid_utf8.get(at).copied().unwrap_or(0) as i64
        ])?;
        let stats = &open.seen[at].stats;
        insert_stats.execute(params![
            ordinal,
            at,
            stats.nulls as i64,
            stats.integers as i64,
            stats.reals as i64,
            stats.texts as i64,
            stats.blobs as i64,
            stats.bytes as i64,
            stats.shortest(),
            stats.longest()
        ])?;
    }
    Ok(())
}

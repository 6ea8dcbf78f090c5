//! Writes a new case file: under a partial name, in one transaction, renamed when complete.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, ValueRef as SqlRef};
use rusqlite::{Connection, ToSql, params};

use super::names::{Names, quote};
use super::{APPLICATION_ID, SCHEMA_VERSION, SnapshotError};
use crate::model::{Key, QualifiedName, SnapshotId, Table, TableId, ValueRef};

/// Rows written between two looks at the statement cache: SQLite keeps one statement a table.
const STATEMENT_CACHE: usize = 256;

/// Writes ingested rows.
pub struct BulkWriter {
    db: Option<Connection>,
    partial: PathBuf,
    target: PathBuf,
    names: Names,
    tables: Vec<Open>,
}

struct Open {
    physical: String,
    columns: Vec<String>,
    insert: String,
    rows: u64,
    hasher: blake3::Hasher,
}

/// What is known of a table when ingest ends.
#[derive(Clone, Debug)]
pub struct BulkTable {
    /// Its schema.
    pub table: Table,
    /// Whether DDL declared it.
    pub declared: bool,
    /// Rows that were set aside.
    pub rejected: u64,
    /// Whether its rows end before the end marker.
    pub truncated: bool,
    /// Text cells that are not valid UTF-8, by column.
    pub invalid_utf8: Vec<u64>,
}

/// What a finished case file holds.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Digest of the logical content.
    pub id: SnapshotId,
    /// Rows by table.
    pub rows: Vec<u64>,
}

struct Bound<'a>(ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            ValueRef::Null => SqlRef::Null,
            ValueRef::Integer(n) => SqlRef::Integer(n),
            ValueRef::Real(x) => SqlRef::Real(x),
            ValueRef::Text(text) => SqlRef::Text(text.as_bytes()),
            ValueRef::Blob(bytes) => SqlRef::Blob(bytes),
        }))
    }
}

impl BulkWriter {
    /// Starts a case file that will be `target`.
    ///
    /// # Errors
    /// Returns what the system or SQLite says.
    pub fn create(target: &Path) -> Result<Self, SnapshotError> {
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let io_error = |source| SnapshotError::Io { file: target.display().to_string(), source };
        fs::create_dir_all(folder).map_err(io_error)?;
        // The temporary file has mode 0600 from the start; the case holds personal data.
        let partial = tempfile::Builder::new().prefix(".unseed-").suffix(".partial").tempfile_in(folder).map_err(io_error)?;
        let (_, partial) = partial.keep().map_err(|e| io_error(e.error))?;
        let mut writer = Self { db: None, partial, target: target.to_owned(), names: Names::default(), tables: Vec::new() };
        let db = Connection::open(&writer.partial).map_err(|e| writer.error(e))?;
        db.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        // The file is worthless until it is renamed: neither journal nor sync protects anything before.
        let set_up = format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -65536; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; BEGIN; {}",
            include_str!("case.sql")
        );
        db.execute_batch(&set_up).map_err(|e| writer.error(e))?;
        writer.db = Some(db);
        Ok(writer)
    }

    fn error(&self, source: rusqlite::Error) -> SnapshotError {
        SnapshotError::Sqlite { file: self.target.display().to_string(), source }
    }

    fn db(&self) -> Result<&Connection, SnapshotError> {
        self.db.as_ref().ok_or_else(|| SnapshotError::Damaged("the case file is closed".to_owned()))
    }

    /// Makes the table that holds an ingested table's rows. Columns have no type, so that no affinity
    /// rewrites a value.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn create_table(&mut self, name: &QualifiedName, columns: &[String]) -> Result<TableId, SnapshotError> {
        let physical = self.names.table(name);
        let mut names = Names::default();
        // `rowid` must stay the ordinal's name.
        for reserved in ["rowid", "oid", "_rowid_"] {
            names.column(reserved);
        }
        let mut columns: Vec<String> = columns.iter().map(|c| names.column(c)).collect();
        if columns.is_empty() {
            columns.push("(no columns)".to_owned());
        }
        let list: Vec<String> = columns.iter().map(|c| quote(c)).collect();
        let holes: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        let create = format!("CREATE TABLE {} ({})", quote(&physical), list.join(", "));
        self.db()?.execute_batch(&create).map_err(|e| self.error(e))?;
        let insert = format!("INSERT INTO {} VALUES ({})", quote(&physical), holes.join(", "));
        self.tables.push(Open { physical, columns, insert, rows: 0, hasher: blake3::Hasher::new() });
        Ok(TableId(self.tables.len() as u32 - 1))
    }

    /// Appends a row; its ordinal is the number of rows before it.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn append(&mut self, table: TableId, values: &[ValueRef<'_>]) -> Result<(), SnapshotError> {
        let file = || self.target.display().to_string();
        let db = self.db.as_ref().ok_or_else(|| SnapshotError::Damaged("the case file is closed".to_owned()))?;
        let open = &mut self.tables[table.index()];
        let mut statement = db.prepare_cached(&open.insert).map_err(|source| SnapshotError::Sqlite { file: file(), source })?;
        for value in values {
            value.digest(|bytes| {
                open.hasher.update(bytes);
            });
        }
        let values = values.iter().map(|v| Bound(*v));
        // A table without columns holds one NULL a row.
        let done = if values.len() == 0 {
            statement.execute([rusqlite::types::Null])
        } else {
            statement.execute(rusqlite::params_from_iter(values))
        };
        done.map_err(|source| SnapshotError::Sqlite { file: file(), source })?;
        open.rows += 1;
        Ok(())
    }

    /// Writes the catalogue and indexes, checks the file and moves it to its place.
    ///
    /// # Errors
    /// Returns what SQLite or the system says; the partial file is then gone.
    pub fn finish(
        mut self,
        tables: &[BulkTable],
        meta: &[(&str, String)],
        write_rest: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<Finished, SnapshotError> {
        let id = self.content_id(tables);
        let db = self.db.take().ok_or_else(|| SnapshotError::Damaged("the case file is closed".to_owned()))?;
        let sqlite = |source| SnapshotError::Sqlite { file: self.target.display().to_string(), source };
        for (ordinal, table) in tables.iter().enumerate() {
            write_table(&db, ordinal, &self.tables[ordinal], table).map_err(sqlite)?;
        }
        for (key, value) in meta.iter().map(|(k, v)| (*k, v.as_str())).chain([("snapshot_id", id.0.as_str())]) {
            db.execute("INSERT INTO unseed_meta VALUES (?1, ?2)", [key, value]).map_err(sqlite)?;
        }
        write_rest(&db).map_err(sqlite)?;
        db.execute_batch("COMMIT").map_err(sqlite)?;
        let check: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
        if check != "ok" {
            return Err(SnapshotError::Damaged(check));
        }
        db.close().map_err(|(_, e)| sqlite(e))?;
        let io_error = |source| SnapshotError::Io { file: self.target.display().to_string(), source };
        fs::File::open(&self.partial).and_then(|f| f.sync_all()).map_err(io_error)?;
        fs::rename(&self.partial, &self.target).map_err(io_error)?;
        Ok(Finished { id, rows: self.tables.iter().map(|t| t.rows).collect() })
    }

    /// Hashes the logical content: tables by name, rows in order, type tag and bytes of each value.
    fn content_id(&self, tables: &[BulkTable]) -> SnapshotId {
        let mut order: Vec<usize> = (0..tables.len()).collect();
        order.sort_by_key(|i| &tables[*i].table.name);
        let mut whole = blake3::Hasher::new();
        let mut text = |t: &str| {
            whole.update(&(t.len() as u64).to_le_bytes());
            whole.update(t.as_bytes());
        };
        for index in order {
            let (table, open) = (&tables[index].table, &self.tables[index]);
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
}

impl Drop for BulkWriter {
    fn drop(&mut self) {
        self.db = None;
        // Gone already where the file was renamed.
        let _ = fs::remove_file(&self.partial);
    }
}

fn write_table(db: &Connection, ordinal: usize, open: &Open, bulk: &BulkTable) -> rusqlite::Result<()> {
    let table = &bulk.table;
    db.execute(
        "INSERT INTO unseed_tables (table_id, database_name, schema_name, table_name, physical_name, rows, rejected, truncated, declared, model) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            ordinal, table.name.database, table.name.schema, table.name.name, open.physical, open.rows as i64, bulk.rejected as i64,
            bulk.truncated, bulk.declared, serde_json::to_string(table).unwrap_or_default()
        ],
    )?;
    for (at, column) in table.columns.iter().enumerate() {
        db.execute(
            "INSERT INTO unseed_columns (table_id, ordinal, column_name, physical_name, type_text, not_null, generated, identity, default_text, invalid_utf8) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                ordinal, at, column.name, open.columns[at], column.type_text, column.not_null, column.generated, column.identity,
                column.default, bulk.invalid_utf8.get(at).copied().unwrap_or(0) as i64
            ],
        )?;
    }
    let mut indexed: Vec<&[usize]> = Vec::new();
    let keys = table.primary_key.iter().chain(&table.unique_keys).map(|k: &Key| k.columns.as_slice());
    for columns in keys.chain(table.foreign_keys.iter().map(|f| f.columns.as_slice())) {
        if columns.is_empty() || indexed.contains(&columns) {
            continue;
        }
        let list: Vec<String> = columns.iter().map(|c| quote(&open.columns[*c])).collect();
        let name = quote(&format!("unseed_ix_{ordinal}_{}", indexed.len()));
        db.execute_batch(&format!("CREATE INDEX {name} ON {} ({})", quote(&open.physical), list.join(", ")))?;
        indexed.push(columns);
    }
    Ok(())
}

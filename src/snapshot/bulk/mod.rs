//! Writes a new case file: under a partial name, rows as finished pages, renamed when complete.
//! Values are stored as they are handed in; nothing is rewritten.

mod catalogue;
mod indexes;
mod insert;
mod schema;

use std::fs::{File, OpenOptions};

use rusqlite::Connection;

use super::check::{Check, whole};
use super::int_index::Ascending;
use super::names::{Names, quote};
use super::pages::{PAGE, PENDING_BYTE, PageWriter};
use super::partial::Partial;
use super::record::Records;
use super::stats::ColumnStats;
use super::{APPLICATION_ID, SCHEMA_VERSION, SnapshotError};
use crate::model::{QualifiedName, SnapshotId, Table, TableId, ValueRef};
use crate::progress::interrupted;
use crate::timing::timed;
use catalogue::{content_id, write_table};
use indexes::{planned_indexes, write_key_indexes};
use insert::{Inserter, owned};
use schema::{adopt, set_page_count};

/// Longest row, in bytes of its record.
///
/// Source: SQLite, `SQLITE_MAX_LENGTH` as shipped.
const MAX_ROW_BYTES: usize = 1_000_000_000;

/// Bytes of records that are hashed at a time: many enough for the hash to use wide registers.
const HASH_BYTES: usize = 256 << 10;

/// How rows reach the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// As finished b-tree pages.
    #[default]
    Pages,
    /// Through INSERT: slower, and what the pages are tested against.
    Insert,
}

/// Writes ingested rows.
pub struct BulkWriter {
    partial: Partial,
    store: Store,
    check: Check,
    /// File offset of the bytes that SQLite locks.
    pending_byte: u64,
    names: Names,
    tables: Vec<Open>,
    records: Records,
}

/// Rows on their way into one table.
pub struct Rows<'w> {
    table: TableId,
    open: &'w mut Open,
    records: &'w mut Records,
    store: &'w mut Store,
    partial: &'w Partial,
    column: usize,
}

enum Store {
    Pages(PageWriter),
    Insert(Inserter),
}

struct Open {
    physical: String,
    /// Whether SQLite dropped it already.
    gone: bool,
    columns: Vec<String>,
    taken: Names,
    rows: u64,
    hasher: blake3::Hasher,
    seen: Vec<Seen>,
}

/// What the rows so far tell of a column.
#[derive(Clone, Default)]
struct Seen {
    stats: ColumnStats,
    ascending: Ascending,
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
    /// Whether it goes: the input dropped it, or it stood in for a view.
    pub dropped: bool,
}

/// What a finished case file holds.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Digest of the logical content.
    pub id: SnapshotId,
    /// Rows by table.
    pub rows: Vec<u64>,
}

impl BulkWriter {
    /// Starts a case file.
    ///
    /// # Errors
    /// Returns what the system or SQLite says.
    pub fn create(partial: Partial, method: Method) -> Result<Self, SnapshotError> {
        Self::create_with(partial, method, PENDING_BYTE)
    }

    /// As [`Self::create`], with the lock byte at another place, for tests of what happens there.
    ///
    /// # Errors
    /// Returns what the system or SQLite says.
    pub fn create_with(partial: Partial, method: Method, pending_byte: u64) -> Result<Self, SnapshotError> {
        let sqlite = |e| partial.sqlite(e);
        let db = Connection::open(partial.path()).map_err(sqlite)?;
        // The file is worthless until it is renamed: neither journal nor sync protects anything before.
        let set_up = format!(
            "PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = NONE; {FAST} PRAGMA application_id = {APPLICATION_ID}; \
             PRAGMA user_version = {SCHEMA_VERSION}; BEGIN; {} COMMIT;",
            include_str!("../case.sql")
        );
        db.execute_batch(&set_up).map_err(sqlite)?;
        let store = match method {
            Method::Insert => {
                db.execute_batch("BEGIN").map_err(sqlite)?;
                Store::Insert(Inserter { db, values: Vec::new() })
            }
            Method::Pages => {
                db.close().map_err(|(_, e)| sqlite(e))?;
                let file = OpenOptions::new().append(true).open(partial.path()).map_err(|e| partial.io(e))?;
                let pages = (file.metadata().map_err(|e| partial.io(e))?.len() / PAGE as u64) as u32;
                Store::Pages(PageWriter::new(file, pages, pending_byte).map_err(|e| partial.io(e))?)
            }
        };
        Ok(Self {
            partial,
            store,
            check: Check::First,
            pending_byte,
            names: Names::default(),
            tables: Vec::new(),
            records: Records::default(),
        })
    }

    /// Says when the finished file is checked, where that is not before it gets its name.
    #[must_use]
    pub const fn checked(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Makes the table that holds an ingested table's rows. Columns have no type, so that no affinity
    /// rewrites a value.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn create_table(&mut self, name: &QualifiedName, columns: &[String]) -> Result<TableId, SnapshotError> {
        let physical = self.names.table(name);
        let mut taken = Names::default();
        // `rowid` must stay the ordinal's name.
        for reserved in ["rowid", "oid", "_rowid_"] {
            taken.column(reserved);
        }
        let columns: Vec<String> = columns.iter().map(|c| taken.column(c)).collect();
        let seen = vec![Seen::default(); columns.len()];
        let open = Open { physical, gone: false, columns, taken, rows: 0, hasher: blake3::Hasher::new(), seen };
        match &mut self.store {
            Store::Pages(pages) => pages.add_table(),
            Store::Insert(inserter) => inserter.db.execute_batch(&open.ddl()).map_err(|e| self.partial.sqlite(e))?,
        }
        self.tables.push(open);
        Ok(TableId(self.tables.len() as u32 - 1))
    }

    /// Adds a column behind the others; rows before it hold NULL there.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn add_column(&mut self, table: TableId, name: &str) -> Result<(), SnapshotError> {
        let open = &mut self.tables[table.index()];
        let column = open.taken.column(name);
        if let Store::Insert(inserter) = &mut self.store {
            let first = open.columns.is_empty();
            let alter = format!(
                "ALTER TABLE {} {} {}",
                quote(&open.physical),
                if first { "RENAME COLUMN \"(no columns)\" TO" } else { "ADD COLUMN" },
                quote(&column)
            );
            inserter.db.execute_batch(&alter).map_err(|e| self.partial.sqlite(e))?;
        }
        open.columns.push(column);
        // Rows that end before the column hold NULL there.
        let ascending = if open.rows == 0 { Ascending::default() } else { Ascending::unknown() };
        open.seen.push(Seen { stats: ColumnStats::after(open.rows), ascending });
        Ok(())
    }

    /// Gives up a table with its rows; its name is free again.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn drop_table(&mut self, table: TableId) -> Result<(), SnapshotError> {
        let open = &mut self.tables[table.index()];
        self.names.release(&open.physical);
        if let Store::Insert(inserter) = &mut self.store {
            inserter.db.execute_batch(&format!("DROP TABLE {}", quote(&open.physical))).map_err(|e| self.partial.sqlite(e))?;
            open.gone = true;
        }
        // Its pages are freed at the end, under a name that no table has.
        open.physical = format!("unseed_dropped_{}", table.0);
        Ok(())
    }

    /// Returns how many rows a table has so far.
    #[must_use]
    pub fn rows(&self, table: usize) -> u64 {
        self.tables.get(table).map_or(0, |t| t.rows)
    }

    /// Takes rows of a table.
    pub fn rows_of(&mut self, table: TableId) -> Rows<'_> {
        let open = &mut self.tables[table.index()];
        Rows { table, open, records: &mut self.records, store: &mut self.store, partial: &self.partial, column: 0 }
    }

    /// Writes the catalogue and indexes, checks the file unless its reader does, and moves it to its place.
    ///
    /// # Errors
    /// Returns what SQLite or the system says; the partial file is then gone.
    pub fn finish(
        self,
        tables: &[BulkTable],
        meta: &[(&str, String)],
        write_rest: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<Finished, SnapshotError> {
        let Self { partial, store, check, pending_byte, tables: open, .. } = self;
        let id = content_id(tables, &open);
        let sqlite = |source| partial.sqlite(source);
        let mut indexes = planned_indexes(tables, &open);
        let db = match store {
            Store::Insert(inserter) => {
                for (_, gone) in tables.iter().zip(&open).filter(|t| t.0.dropped && !t.1.gone) {
                    inserter.db.execute_batch(&format!("DROP TABLE {}", quote(&gone.physical))).map_err(sqlite)?;
                }
                inserter.db.execute_batch("COMMIT").map_err(sqlite)?;
                inserter.db
            }
            Store::Pages(mut pages) => {
                let dropped: Vec<bool> = tables.iter().map(|t| t.dropped).collect();
                let roots = pages.finish_tables(&dropped).map_err(|e| partial.io(e))?;
                for index in &mut indexes {
                    if let [only] = index.columns.as_slice()
                        && let Some(column) = open[index.table].seen.get(*only).map(|c| &c.ascending).filter(|c| c.is_known())
                    {
                        index.root = column.write(&mut pages).map_err(|e| partial.io(e))?;
                    }
                }
                let count = pages.finish().map_err(|e| partial.io(e))?;
                set_page_count(partial.path(), count).map_err(|e| partial.io(e))?;
                let db = fast(&partial)?;
                adopt(&db, &open, &roots, &indexes).map_err(sqlite)?;
                let db = timed(|| "ingest: key indexes", || write_key_indexes(&partial, db, &open, &mut indexes, pending_byte))?;
                for ((table, open), _) in tables.iter().zip(&open).zip(&roots).filter(|t| t.0.0.dropped && *t.1 > 0) {
                    debug_assert!(table.dropped, "{}", open.physical);
                    db.execute_batch(&format!("DROP TABLE {}", quote(&open.physical))).map_err(sqlite)?;
                }
                db
            }
        };
        // Sorting for an index spills beside the case file, where room was looked for. SQLite's own sorting
        // threads took 1.4 times the processor time on two cores, and won nothing.
        partial.sort_beside(&db).map_err(sqlite)?;
        db.execute_batch("BEGIN").map_err(sqlite)?;
        for (ordinal, (table, open)) in tables.iter().zip(&open).filter(|t| !t.0.dropped).enumerate() {
            write_table(&db, ordinal, open, table).map_err(sqlite)?;
        }
        for index in indexes.iter().filter(|i| i.root == 0) {
            db.execute_batch(&index.ddl).map_err(sqlite)?;
        }
        for (key, value) in meta.iter().map(|(k, v)| (*k, v.as_str())).chain([("snapshot_id", id.0.as_str())]) {
            db.execute("INSERT INTO unseed_meta VALUES (?1, ?2)", [key, value]).map_err(sqlite)?;
        }
        write_rest(&db).map_err(sqlite)?;
        db.execute_batch("COMMIT").map_err(sqlite)?;
        db.close().map_err(|(_, e)| sqlite(e))?;
        if check == Check::First {
            let file = File::open(partial.path()).map_err(|e| partial.io(e))?;
            timed(|| "ingest: check and sync", || whole(partial.path(), &file))?;
        }
        if interrupted() {
            return Err(SnapshotError::Interrupted);
        }
        partial.persist()?;
        Ok(Finished { id, rows: open.iter().map(|t| t.rows).collect() })
    }
}

impl Rows<'_> {
    /// Begins a row.
    #[inline]
    pub fn begin(&mut self) {
        self.column = 0;
        self.records.begin();
    }

    /// Adds the next column's value to the row at hand.
    #[inline]
    pub fn push(&mut self, value: ValueRef<'_>) {
        if let Some(seen) = self.open.seen.get_mut(self.column) {
            seen.stats.add(value);
            seen.ascending.add(value);
        }
        self.column += 1;
        self.records.push(value);
        if let Store::Insert(inserter) = &mut *self.store {
            inserter.values.push(owned(value));
        }
    }

    /// Adds the next column's value to the row at hand, a text; as [`Self::push`], without asking what it is.
    #[inline]
    pub fn push_text(&mut self, text: &[u8]) {
        if let Some(seen) = self.open.seen.get_mut(self.column) {
            seen.stats.text(text);
            seen.ascending.other();
        }
        self.column += 1;
        self.records.text(text);
        if let Store::Insert(inserter) = &mut *self.store {
            inserter.values.push(owned(ValueRef::Text(text)));
        }
    }

    /// Ends the row; its ordinal is the number of rows before it.
    ///
    /// # Errors
    /// Returns what the system or SQLite says, or that the row is larger than SQLite can hold.
    #[inline]
    pub fn end(&mut self) -> Result<(), SnapshotError> {
        if self.column == 0 {
            // A table without columns holds one NULL a row.
            self.records.push(ValueRef::Null);
        }
        let record = self.records.end();
        if record.len() > MAX_ROW_BYTES {
            return Err(SnapshotError::RowTooLarge { table: self.open.physical.clone(), row: self.open.rows + 1, bytes: record.len() });
        }
        match &mut *self.store {
            Store::Pages(pages) => pages.append(self.table.index(), record).map_err(|e| self.partial.io(e))?,
            Store::Insert(inserter) => inserter.insert(self.open).map_err(|e| self.partial.sqlite(e))?,
        }
        self.open.rows += 1;
        if self.records.bytes().len() >= HASH_BYTES {
            self.hash();
        }
        Ok(())
    }

    fn hash(&mut self) {
        self.open.hasher.update(self.records.bytes());
        self.records.clear();
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        // The next rows may be another table's.
        self.hash();
    }
}

impl Open {
    fn ddl(&self) -> String {
        let list: Vec<String> = self.columns.iter().map(|c| quote(c)).collect();
        let list = if list.is_empty() { "\"(no columns)\"".to_owned() } else { list.join(", ") };
        format!("CREATE TABLE {} ({list})", quote(&self.physical))
    }
}

/// Settings of a connection to a file that nobody else sees yet.
const FAST: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16384; PRAGMA trusted_schema = OFF;";

/// Opens the file that nobody else sees yet.
fn fast(partial: &Partial) -> Result<Connection, SnapshotError> {
    let db = Connection::open(partial.path()).map_err(|e| partial.sqlite(e))?;
    db.execute_batch(FAST).map_err(|e| partial.sqlite(e))?;
    Ok(db)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::indexes::Index;
    use super::*;

    /// With the lock byte near the file's beginning, its page falls on a leaf, an overflow page or an interior one.
    #[test]
    fn the_lock_byte_page_stays_empty_wherever_it_falls() {
        let folder = tempfile::tempdir().expect("a folder");
        let empty = Partial::create(&folder.path().join("empty.db")).expect("a file");
        let first = BulkWriter::create(empty, Method::Pages).expect("a writer").partial.path().metadata().expect("a file").len();
        for ahead in 0..24 {
            let pending = first + ahead * PAGE as u64;
            let target = folder.path().join("case.db");
            let mut writer = BulkWriter::create_with(Partial::create(&target).expect("a file"), Method::Pages, pending).expect("a writer");
            let table = writer.create_table(&QualifiedName::new("", "t"), &["a".to_owned(), "b".to_owned()]).expect("a table");
            let mut bytes = 0;
            for row in 0..3000_usize {
                // Every eleventh row spills over three pages.
                let text = vec![b'x'; if row % 11 == 0 { 2 * PAGE + 1000 } else { row % 50 }];
                bytes += text.len();
                let mut rows = writer.rows_of(table);
                rows.begin();
                rows.push(ValueRef::Integer(row as i64));
                rows.push(ValueRef::Text(&text));
                rows.end().expect("a row");
            }
            let BulkWriter { partial, store, tables, .. } = writer;
            let Store::Pages(mut pages) = store else { panic!("pages") };
            let mut index = Index { table: 0, columns: vec![0], name: "i".to_owned(), ddl: "CREATE INDEX i ON t (a)".to_owned(), root: 0 };
            let roots = pages.finish_tables(&[false]).expect("pages");
            index.root = tables[0].seen[0].ascending.write(&mut pages).expect("pages");
            set_page_count(partial.path(), pages.finish().expect("pages")).expect("a count");
            let db = Connection::open(partial.path()).expect("a database");
            adopt(&db, &tables, &roots, &[index]).expect("a schema");
            drop(db);
            // SQLite's own shell can be told where the lock byte is.
            let asked = Command::new("sqlite3")
                .args([":memory:", &format!(".testctrl pending_byte {pending}"), &format!(".open {}", partial.path().display())])
                .args(["PRAGMA integrity_check; SELECT count(*), sum(length(b)), sum(a) FROM t;"])
                .output();
            let Ok(said) = asked else { return };
            let text = String::from_utf8_lossy(&said.stdout);
            let expected = format!("ok\n3000|{bytes}|{}\n", 3000 * 2999 / 2);
            assert!(text.ends_with(&expected), "{ahead} pages ahead: {text}");
        }
    }
}

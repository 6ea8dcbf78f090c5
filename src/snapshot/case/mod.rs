//! An existing case file: typed reading and writing of what the layers store there.

mod decisions;
mod findings;
mod learnt;
mod rows;

pub use findings::{DetectorRun, ShortVerdict, StoredCohort, StoredSpared};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::check::Checking;
use super::leaves::PageFile;
use super::{APPLICATION_ID, Reader, SCHEMA_VERSION, SnapshotError};
use crate::model::{Engine, SnapshotFacts, SnapshotId, Table, TableId, TakenAt};

/// An open case file.
pub struct Case {
    db: Connection,
    path: PathBuf,
    tables: Vec<CaseTable>,
    facts: SnapshotFacts,
    /// Columns that are known to be indexed.
    indexed: RefCell<BTreeSet<(TableId, Vec<usize>)>>,
    /// The file once more, for whole tables; closed behind the connection, whose locks go with any other handle.
    pages: Arc<PageFile>,
    /// The check of a new file, as long as nobody has asked how it ended.
    checking: Option<Checking>,
}

/// A table of the case with what later layers learnt of it.
#[derive(Clone, Debug)]
pub struct CaseTable {
    /// Ordinal.
    pub id: TableId,
    /// Schema as declared.
    pub table: Table,
    /// Name inside the case file.
    pub physical: String,
    /// Column names inside the case file.
    pub physical_columns: Vec<String>,
    /// Rows.
    pub rows: u64,
    /// Rows that were set aside.
    pub rejected: u64,
    /// Whether its rows end before the end marker.
    pub truncated: bool,
    /// Whether DDL declared it.
    pub declared: bool,
    /// Text cells that are not valid UTF-8, by column.
    pub invalid_utf8: Vec<u64>,
    /// First page of its rows' tree.
    pub(crate) root: u32,
}

impl CaseTable {
    /// Returns the ordinals of the primary key's columns; empty where none is known.
    #[must_use]
    pub fn key(&self) -> &[usize] {
        self.table.primary_key.as_ref().map_or(&[], |k| &k.columns)
    }
}

impl Case {
    /// Opens a case file for reading and writing.
    ///
    /// # Errors
    /// Returns that the file is missing, no case file or of a newer version.
    pub fn open(path: &Path) -> Result<Self, SnapshotError> {
        let shown = path.display().to_string();
        let not_a_case = |what: String| SnapshotError::NotACase { file: shown.clone(), what };
        if !path.is_file() {
            return Err(not_a_case(
                "no such file; make a case with `unseed scan INPUT -o DIR` or `unseed ingest INPUT -o FILE.db`".to_owned(),
            ));
        }
        let sqlite = |source| SnapshotError::Sqlite { file: shown.clone(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        let pragma = |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
        let application = pragma("application_id").map_err(|_| not_a_case("not a SQLite file, so no case file".to_owned()))?;
        if application != APPLICATION_ID {
            return Err(not_a_case("a SQLite file, but no case file of unseed; to audit it, give it to `unseed scan`".to_owned()));
        }
        let version = pragma("user_version").map_err(sqlite)?;
        if version > SCHEMA_VERSION {
            return Err(not_a_case(format!(
                "written by a newer unseed (case version {version}, this one knows {SCHEMA_VERSION}); update unseed"
            )));
        }
        // Rows are read from the file's pages too: none may lie in a log beside it.
        db.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA trusted_schema = OFF;")
            .map_err(sqlite)?;
        let mut case = Self {
            db,
            path: path.to_owned(),
            tables: Vec::new(),
            facts: SnapshotFacts {
                id: SnapshotId(String::new()),
                engine: Engine::Csv,
                database: String::new(),
                taken_at: TakenAt::Unknown,
                truncated: false,
            },
            indexed: RefCell::default(),
            pages: Arc::new(PageFile::open(path)?),
            checking: None,
        };
        case.tables = case.load_tables()?;
        case.facts = case.load_facts()?;
        Ok(case)
    }

    /// Opens a new file that its ingest left unchecked ([`super::Check::ByReader`]), and checks it meanwhile: nothing of it
    /// may be kept before [`Self::settle`].
    ///
    /// # Errors
    /// Returns what [`Self::open`] does.
    pub fn open_unchecked(path: &Path) -> Result<Self, SnapshotError> {
        let mut case = Self::open(path)?;
        case.checking = Some(Checking::begin(path, Arc::clone(&case.pages)));
        Ok(case)
    }

    /// Waits until a new file is found to be whole and lies on the disk; nothing is written to it before.
    ///
    /// # Errors
    /// Returns that it is damaged, or what the system says.
    pub fn settle(&mut self) -> Result<(), SnapshotError> {
        self.checking.take().map_or(Ok(()), Checking::end)
    }

    /// Returns the tables, by ordinal.
    #[must_use]
    pub fn tables(&self) -> &[CaseTable] {
        &self.tables
    }

    /// Returns a table.
    #[must_use]
    pub fn table(&self, id: TableId) -> &CaseTable {
        &self.tables[id.index()]
    }

    /// Finds a table by what a person typed: `name` or `schema.name`, exact first, else whatever its case.
    #[must_use]
    pub fn find_table(&self, typed: &str) -> Option<TableId> {
        let forms = |t: &CaseTable| {
            [
                t.table.name.name.clone(),
                format!("{}.{}", t.table.name.schema, t.table.name.name),
                t.table.name.to_string(),
                t.physical.clone(),
            ]
        };
        let exact = self.tables.iter().find(|t| forms(t).iter().any(|f| f == typed));
        exact.or_else(|| self.tables.iter().find(|t| forms(t).iter().any(|f| f.eq_ignore_ascii_case(typed)))).map(|t| t.id)
    }

    /// Returns what is known of the snapshot.
    #[must_use]
    pub const fn facts(&self) -> &SnapshotFacts {
        &self.facts
    }

    /// Returns the case file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what reads whole tables, from any thread.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader { pages: &self.pages, tables: &self.tables }
    }

    pub(super) const fn db(&self) -> &Connection {
        &self.db
    }

    fn sqlite(&self, source: rusqlite::Error) -> SnapshotError {
        SnapshotError::Sqlite { file: self.path.display().to_string(), source }
    }

    fn run<T>(&self, work: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, SnapshotError> {
        work().map_err(|e| self.sqlite(e))
    }

    /// Runs `work` in one transaction, which is rolled back if it fails.
    ///
    /// # Errors
    /// Returns what `work` or SQLite says.
    pub fn transaction<T, E: From<SnapshotError>>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.db.execute_batch("BEGIN IMMEDIATE").map_err(|e| self.sqlite(e))?;
        match work(self).and_then(|done| Ok(self.settle().map(|()| done)?)) {
            Ok(done) => {
                self.db.execute_batch("COMMIT").map_err(|e| self.sqlite(e))?;
                Ok(done)
            }
            Err(error) => {
                let _ = self.db.execute_batch("ROLLBACK");
                Err(error)
            }
        }
    }

    fn load_tables(&self) -> Result<Vec<CaseTable>, SnapshotError> {
        let load = || -> rusqlite::Result<Vec<(CaseTable, String)>> {
            let mut columns: BTreeMap<u32, (Vec<String>, Vec<u64>)> = BTreeMap::new();
            let mut statement =
                self.db.prepare("SELECT table_id, physical_name, invalid_utf8 FROM unseed_columns ORDER BY table_id, ordinal")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let entry = columns.entry(row.get(0)?).or_default();
                entry.0.push(row.get(1)?);
                entry.1.push(row.get::<_, i64>(2)? as u64);
            }
            let mut statement = self.db.prepare(
                "SELECT table_id, physical_name, rows, rejected, truncated, declared, model, rootpage FROM unseed_tables \
                 LEFT JOIN sqlite_schema ON sqlite_schema.type = 'table' AND sqlite_schema.name = physical_name ORDER BY table_id",
            )?;
            let found = statement.query_map([], |row| {
                let id: u32 = row.get(0)?;
                let (physical_columns, invalid_utf8) = columns.remove(&id).unwrap_or_default();
                Ok((
                    CaseTable {
                        id: TableId(id),
                        table: Table::default(),
                        physical: row.get(1)?,
                        physical_columns,
                        rows: row.get::<_, i64>(2)? as u64,
                        rejected: row.get::<_, i64>(3)? as u64,
                        truncated: row.get(4)?,
                        declared: row.get(5)?,
                        invalid_utf8,
                        // Page 0 is no page: to read it is an error that says so.
                        root: row.get::<_, Option<u32>>(7)?.unwrap_or(0),
                    },
                    row.get::<_, String>(6)?,
                ))
            })?;
            found.collect()
        };
        let mut tables = Vec::new();
        for (mut table, model) in load().map_err(|e| self.sqlite(e))? {
            table.table = from_json(&model)?;
            tables.push(table);
        }
        Ok(tables)
    }

    fn load_facts(&self) -> Result<SnapshotFacts, SnapshotError> {
        let text = |key: &str| self.meta(key).map(Option::unwrap_or_default);
        Ok(SnapshotFacts {
            id: SnapshotId(text("snapshot_id")?),
            engine: Engine::parse(&text("engine")?).unwrap_or(Engine::Csv),
            database: text("database")?,
            taken_at: match self.meta("taken_at")? {
                Some(json) => from_json(&json)?,
                None => TakenAt::Unknown,
            },
            truncated: text("truncated")? == "1",
        })
    }

    /// Returns a value of `unseed_meta`.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn meta(&self, key: &str) -> Result<Option<String>, SnapshotError> {
        self.db.query_row("SELECT value FROM unseed_meta WHERE key = ?1", [key], |row| row.get(0)).optional().map_err(|e| self.sqlite(e))
    }

    /// Sets a value of `unseed_meta`.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<(), SnapshotError> {
        self.db.execute("INSERT OR REPLACE INTO unseed_meta VALUES (?1, ?2)", [key, value]).map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Stores when the snapshot was taken.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn set_taken_at(&mut self, taken_at: TakenAt) -> Result<(), SnapshotError> {
        self.set_meta("taken_at", &to_json(&taken_at))?;
        self.facts.taken_at = taken_at;
        Ok(())
    }

    /// Returns the inputs: name, format, bytes.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn inputs(&self) -> Result<Vec<(String, String, u64)>, SnapshotError> {
        self.run(|| {
            let mut statement = self.db.prepare("SELECT name, format, bytes FROM unseed_inputs ORDER BY ordinal")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)? as u64)))?;
            rows.collect()
        })
    }

    /// Returns the byte ledger: kind of byte and count, over all inputs.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn byte_ledger(&self) -> Result<Vec<(String, u64)>, SnapshotError> {
        self.run(|| {
            let mut statement = self.db.prepare("SELECT kind, sum(bytes) FROM unseed_byte_ledger GROUP BY kind ORDER BY kind")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
            rows.collect()
        })
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, SnapshotError> {
    serde_json::from_str(text).map_err(|e| SnapshotError::Damaged(e.to_string()))
}

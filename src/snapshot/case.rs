//! An existing case file: typed reading and writing of what the layers store there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef as SqlRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::names::quote;
use super::{APPLICATION_ID, SCHEMA_VERSION, SnapshotError};
use crate::model::value::row_key_json;
use crate::model::{
    Choice, Cohort, CohortId, Decision, DecisionSubject, Engine, Evidence, Reason, Role, Row, RowVerdict, SnapshotFacts, SnapshotId,
    Source, Table, TableClass, TableId, TakenAt, Value, Verdict,
};

/// An open case file.
pub struct Case {
    db: Connection,
    path: PathBuf,
    tables: Vec<CaseTable>,
    facts: SnapshotFacts,
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
}

impl CaseTable {
    /// Returns the ordinals of the primary key's columns; empty where none is known.
    #[must_use]
    pub fn key(&self) -> &[usize] {
        self.table.primary_key.as_ref().map_or(&[], |k| &k.columns)
    }
}

/// What a detector did with a table: detector, table, result, facts, why it does not apply.
pub type DetectorRun = (String, TableId, String, usize, String);

/// A row that was spared: table name, row key, bits, terms.
pub type StoredSpared = (String, String, f64, Vec<Reason>);

/// A cohort with the digest that decisions are bound to.
#[derive(Clone, Debug)]
pub struct StoredCohort {
    /// The cohort.
    pub cohort: Cohort,
    /// Digest over members and their evidence.
    pub digest: String,
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
        db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA trusted_schema = OFF;")
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
        };
        case.tables = case.load_tables()?;
        case.facts = case.load_facts()?;
        Ok(case)
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
        match work(self) {
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
                "SELECT table_id, physical_name, rows, rejected, truncated, declared, model FROM unseed_tables ORDER BY table_id",
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

    /// Replaces a table's keys and relations by what was inferred or configured; indexes them.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn set_schema(&mut self, id: TableId, table: Table) -> Result<(), SnapshotError> {
        let physical = self.table(id).physical.clone();
        let names = self.table(id).physical_columns.clone();
        let run = |case: &Self| -> rusqlite::Result<()> {
            case.db.execute("UPDATE unseed_tables SET model = ?2 WHERE table_id = ?1", params![id.0, to_json(&table)])?;
            let keys = table.primary_key.iter().map(|k| &k.columns).chain(table.foreign_keys.iter().map(|f| &f.columns));
            for columns in keys {
                let label: Vec<String> = columns.iter().map(usize::to_string).collect();
                let index = quote(&format!("unseed_ix_{}_on_{}", id.0, label.join("_")));
                let list: Vec<String> = columns.iter().map(|c| quote(&names[*c])).collect();
                case.db.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} ({})", quote(&physical), list.join(", ")))?;
            }
            Ok(())
        };
        run(self).map_err(|e| self.sqlite(e))?;
        self.tables[id.index()].table = table;
        Ok(())
    }

    /// Replaces the role of each column of a table, with its source and reason.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn set_roles(&self, id: TableId, class: (TableClass, Source, &str), roles: &[(Role, Source, String)]) -> Result<(), SnapshotError> {
        self.run(|| {
            self.db.execute(
                "UPDATE unseed_tables SET class = ?2, class_source = ?3, class_reason = ?4 WHERE table_id = ?1",
                params![id.0, class.0.as_str(), class.1.as_str(), class.2],
            )?;
            let mut statement = self.db.prepare_cached(
                "UPDATE unseed_columns SET role = ?3, role_source = ?4, role_reason = ?5 WHERE table_id = ?1 AND ordinal = ?2",
            )?;
            for (ordinal, (role, source, reason)) in roles.iter().enumerate() {
                statement.execute(params![id.0, ordinal, role.as_str(), source.as_str(), reason])?;
            }
            Ok(())
        })
    }

    /// Replaces the lists of keys and relations that reports and people read.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn write_keys_and_relations(&self) -> Result<(), SnapshotError> {
        self.run(|| {
            self.db.execute_batch("DELETE FROM unseed_keys; DELETE FROM unseed_relations;")?;
            for table in &self.tables {
                let names = |columns: &[usize]| to_json(&columns.iter().map(|c| table.table.columns[*c].name.as_str()).collect::<Vec<_>>());
                let keys =
                    table.table.primary_key.iter().map(|k| ("primary", k)).chain(table.table.unique_keys.iter().map(|k| ("unique", k)));
                for (kind, key) in keys {
                    self.db.execute(
                        "INSERT INTO unseed_keys VALUES (?1, ?2, ?3, ?4, '')",
                        params![table.id.0, kind, names(&key.columns), key.source.as_str()],
                    )?;
                }
                for key in &table.table.foreign_keys {
                    let Some(parent) = self.tables.iter().find(|t| t.table.name == key.parent) else { continue };
                    self.db.execute(
                        "INSERT INTO unseed_relations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                        params![
                            table.id.0,
                            names(&key.columns),
                            parent.id.0,
                            to_json(&key.parent_columns),
                            key.name,
                            key.on_delete.as_sql(),
                            key.source.as_str(),
                            key.reason
                        ],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// Removes all that an analysis wrote; the decision log stays.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn clear_analysis(&self) -> Result<(), SnapshotError> {
        self.db
            .execute_batch(
                "DELETE FROM unseed_evidence; DELETE FROM unseed_cohorts; DELETE FROM unseed_verdicts; DELETE FROM unseed_verdict_rows; \
                 DELETE FROM unseed_spared; DELETE FROM unseed_detector_runs; DELETE FROM unseed_warnings WHERE layer <> 'ingest'; \
                 DELETE FROM unseed_meta WHERE key = 'anonymised';",
            )
            .map_err(|e| self.sqlite(e))
    }

    /// Returns the key values of a row; the ordinal, from 1, where the table has no key.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn row_key(&self, table: TableId, row: Row) -> Result<Vec<Value>, SnapshotError> {
        let key = self.table(table).key();
        if key.is_empty() {
            return Ok(vec![Value::Integer(i64::from(row) + 1)]);
        }
        self.cells(table, row, key)
    }

    /// Returns some cells of a row.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn cells(&self, table: TableId, row: Row, columns: &[usize]) -> Result<Vec<Value>, SnapshotError> {
        let info = self.table(table);
        let list: Vec<String> = columns.iter().map(|c| quote(&info.physical_columns[*c])).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE rowid = ?1",
            if list.is_empty() { "NULL".to_owned() } else { list.join(", ") },
            quote(&info.physical)
        );
        self.run(|| {
            let mut statement = self.db.prepare_cached(&sql)?;
            statement.query_row([i64::from(row) + 1], |found| (0..columns.len()).map(|i| found.get_ref(i).map(to_value)).collect())
        })
    }

    /// Returns every cell of a row.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn row(&self, table: TableId, row: Row) -> Result<Vec<Value>, SnapshotError> {
        let all: Vec<usize> = (0..self.table(table).table.columns.len()).collect();
        self.cells(table, row, &all)
    }

    /// Finds the row with a key given as texts; the ordinal, from 1, where the table has no key.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn find_row(&self, table: TableId, key: &[String]) -> Result<Option<Row>, SnapshotError> {
        let info = self.table(table);
        if info.key().is_empty() {
            let ordinal = key.first().and_then(|k| k.parse::<u64>().ok()).filter(|n| (1..=info.rows).contains(n));
            return Ok(ordinal.map(|n| (n - 1) as Row));
        }
        if key.len() != info.key().len() {
            return Ok(None);
        }
        // Stored values have no affinity: a key may be an integer, text or bytes.
        let mut conditions = Vec::new();
        let mut values: Vec<Box<dyn rusqlite::ToSql>> = Vec::new();
        for (column, text) in info.key().iter().zip(key) {
            let name = quote(&info.physical_columns[*column]);
            let mut alternatives = vec![format!("{name} = ?{}", values.len() + 1)];
            values.push(Box::new(text.clone()));
            if let Some(number) = text.parse::<i64>().ok().filter(|n| n.to_string() == *text) {
                alternatives.push(format!("{name} = ?{}", values.len() + 1));
                values.push(Box::new(number));
            }
            if let Some(bytes) = text.strip_prefix("\\x").and_then(decode_hex) {
                alternatives.push(format!("{name} = ?{}", values.len() + 1));
                values.push(Box::new(bytes));
            }
            conditions.push(format!("({})", alternatives.join(" OR ")));
        }
        let sql = format!("SELECT rowid FROM {} WHERE {} ORDER BY rowid LIMIT 1", quote(&info.physical), conditions.join(" AND "));
        let found: Option<i64> =
            self.db.query_row(&sql, rusqlite::params_from_iter(values), |row| row.get(0)).optional().map_err(|e| self.sqlite(e))?;
        Ok(found.map(|rowid| (rowid - 1) as Row))
    }

    /// Returns the child rows whose columns equal the given values, by ordinal.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn rows_where(&self, table: TableId, columns: &[usize], values: &[Value]) -> Result<Vec<Row>, SnapshotError> {
        let info = self.table(table);
        let conditions: Vec<String> =
            columns.iter().enumerate().map(|(i, c)| format!("{} = ?{}", quote(&info.physical_columns[*c]), i + 1)).collect();
        let sql = format!("SELECT rowid FROM {} WHERE {} ORDER BY rowid", quote(&info.physical), conditions.join(" AND "));
        self.run(|| {
            let mut statement = self.db.prepare_cached(&sql)?;
            let rows = statement
                .query_map(rusqlite::params_from_iter(values.iter().map(from_value)), |row| row.get::<_, i64>(0).map(|n| (n - 1) as Row))?;
            rows.collect()
        })
    }

    /// Counts rows by a query over one table; `{}` in the query stands for the table, `{0}`, `{1}` for its columns.
    pub(crate) fn count(&self, sql: &str) -> Result<u64, SnapshotError> {
        self.db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|n| n as u64).map_err(|e| self.sqlite(e))
    }

    /// Returns the quoted physical names of a table and its columns, for queries inside the case file.
    #[must_use]
    pub fn quoted(&self, table: TableId) -> (String, Vec<String>) {
        let info = self.table(table);
        (quote(&info.physical), info.physical_columns.iter().map(|c| quote(c)).collect())
    }

    /// Stores what a detector did with a table.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn put_detector_run(&self, detector: &str, table: TableId, result: &str, facts: usize, why: &str) -> Result<(), SnapshotError> {
        self.db
            .execute(
                "INSERT OR REPLACE INTO unseed_detector_runs VALUES (?1, ?2, ?3, ?4, ?5)",
                params![detector, table.0, result, facts, why],
            )
            .map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Returns what each detector did with each table: detector, table, result, facts, why.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn detector_runs(&self) -> Result<Vec<DetectorRun>, SnapshotError> {
        self.run(|| {
            let mut statement =
                self.db.prepare("SELECT detector, table_id, result, facts, why FROM unseed_detector_runs ORDER BY detector, table_id")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, TableId(row.get(1)?), row.get(2)?, row.get(3)?, row.get(4)?)))?;
            rows.collect()
        })
    }

    /// Stores a measured fact with the bits it gives its rows.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn put_evidence(&self, evidence: &Evidence, bits: f64) -> Result<(), SnapshotError> {
        self.db
            .execute(
                "INSERT INTO unseed_evidence (detector, family, table_id, kind, rows, bits, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    evidence.detector,
                    evidence.family.as_str(),
                    evidence.table.0,
                    evidence.kind,
                    evidence.rows.len(),
                    bits,
                    evidence.detail
                ],
            )
            .map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Stores a cohort.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn put_cohort(&self, cohort: &Cohort, digest: &str) -> Result<(), SnapshotError> {
        let time = |micros: Option<i64>| micros.map(|m| crate::model::stamp::Rfc3339(m).to_string());
        self.db
            .execute(
                "INSERT INTO unseed_cohorts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    cohort.id.0,
                    cohort.title,
                    cohort.rows(),
                    cohort.bits.get(),
                    cohort.convicted,
                    cohort.declared,
                    time(cohort.first_at),
                    time(cohort.last_at),
                    digest,
                    to_json(cohort)
                ],
            )
            .map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Returns the cohorts, largest evidence first.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn cohorts(&self) -> Result<Vec<StoredCohort>, SnapshotError> {
        let stored = self.run(|| {
            let mut statement =
                self.db.prepare("SELECT model, digest FROM unseed_cohorts ORDER BY convicted DESC, rows DESC, bits DESC, cohort_id")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        stored.into_iter().map(|(model, digest)| Ok(StoredCohort { cohort: from_json(&model)?, digest })).collect()
    }

    /// Stores a verdict that is not `real`.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn put_verdict(&self, verdict: &RowVerdict, digest: &str) -> Result<(), SnapshotError> {
        let key = row_key_json(&self.row_key(verdict.table, verdict.row)?);
        let name = &self.table(verdict.table).table.name;
        let run = || -> rusqlite::Result<()> {
            let mut statement = self.db.prepare_cached("INSERT INTO unseed_verdicts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            statement.execute(params![
                name.schema,
                name.name,
                key,
                verdict.verdict.as_str(),
                verdict.bits.get(),
                verdict.cohort.as_ref().map(|c| c.0.as_str()),
                to_json(&verdict.reasons)
            ])?;
            let mut statement = self.db.prepare_cached("INSERT INTO unseed_verdict_rows VALUES (?1, ?2, ?3, ?4)")?;
            statement.execute(params![self.db.last_insert_rowid(), verdict.table.0, verdict.row, digest])?;
            Ok(())
        };
        run().map_err(|e| self.sqlite(e))
    }

    /// Stores a row that looked like a seeded one and stays real.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn put_spared(&self, verdict: &RowVerdict) -> Result<(), SnapshotError> {
        let key = row_key_json(&self.row_key(verdict.table, verdict.row)?);
        let name = &self.table(verdict.table).table.name;
        let run = || -> rusqlite::Result<()> {
            let mut statement = self.db.prepare_cached("INSERT INTO unseed_spared VALUES (?1, ?2, ?3, ?4, ?5)")?;
            statement.execute(params![name.schema, name.name, key, verdict.bits.get(), to_json(&verdict.reasons)])?;
            Ok(())
        };
        run().map_err(|e| self.sqlite(e))
    }

    /// Returns the verdicts that are not `real`, by table and row, with the digest of each row's evidence.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn verdicts(&self) -> Result<Vec<(RowVerdict, String)>, SnapshotError> {
        self.verdicts_where("1 = 1", [])
    }

    /// Returns the verdict of one row, `None` where it is real.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn verdict(&self, table: TableId, row: Row) -> Result<Option<(RowVerdict, String)>, SnapshotError> {
        Ok(self.verdicts_where("r.table_id = ?1 AND r.row = ?2", [table.0, row])?.pop())
    }

    fn verdicts_where(&self, condition: &str, values: impl rusqlite::Params) -> Result<Vec<(RowVerdict, String)>, SnapshotError> {
        let sql = format!(
            "SELECT r.table_id, r.row, v.verdict, v.bits, v.cohort_id, v.reasons, r.digest \
             FROM unseed_verdict_rows AS r JOIN unseed_verdicts AS v ON v.rowid = r.verdict_rowid WHERE {condition} ORDER BY r.table_id, r.row"
        );
        let stored = self.run(|| {
            let mut statement = self.db.prepare_cached(&sql)?;
            let rows = statement.query_map(values, |row| {
                let verdict = RowVerdict {
                    table: TableId(row.get(0)?),
                    row: row.get(1)?,
                    verdict: Verdict::parse(&row.get::<_, String>(2)?).unwrap_or(Verdict::Real),
                    bits: row.get::<_, f64>(3)?.into(),
                    cohort: row.get::<_, Option<String>>(4)?.map(CohortId),
                    reasons: Vec::new(),
                };
                Ok((verdict, row.get::<_, String>(5)?, row.get::<_, String>(6)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        stored
            .into_iter()
            .map(|(mut verdict, reasons, digest)| {
                verdict.reasons = from_json(&reasons)?;
                Ok((verdict, digest))
            })
            .collect()
    }

    /// Returns the rows that were spared: table name, row key, reasons.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn spared(&self) -> Result<Vec<StoredSpared>, SnapshotError> {
        let stored = self.run(|| {
            let mut statement =
                self.db.prepare("SELECT table_name, row_key, bits, reasons FROM unseed_spared ORDER BY bits DESC, rowid")?;
            let rows = statement
                .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get::<_, String>(3)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        stored.into_iter().map(|(table, key, bits, reasons)| Ok((table, key, bits, from_json(&reasons)?))).collect()
    }

    /// Adds a warning for reports; `layer` is who warns.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn warn(&self, layer: &str, warning: &str) -> Result<(), SnapshotError> {
        self.db.execute("INSERT INTO unseed_warnings (layer, warning) VALUES (?1, ?2)", [layer, warning]).map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Returns the warnings.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn warnings(&self) -> Result<Vec<String>, SnapshotError> {
        self.run(|| {
            let mut statement = self.db.prepare("SELECT warning FROM unseed_warnings ORDER BY ordinal")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect()
        })
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

    /// Returns the class that the analysis gave a table.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn class(&self, table: TableId) -> Result<TableClass, SnapshotError> {
        let word: Option<String> = self
            .db
            .query_row("SELECT class FROM unseed_tables WHERE table_id = ?1", [table.0], |row| row.get(0))
            .map_err(|e| self.sqlite(e))?;
        Ok(word.and_then(|w| TableClass::parse(&w)).unwrap_or(TableClass::Other))
    }

    /// Returns the roles that the analysis gave a table's columns.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn roles(&self, table: TableId) -> Result<Vec<Role>, SnapshotError> {
        self.run(|| {
            let mut statement = self.db.prepare_cached("SELECT role FROM unseed_columns WHERE table_id = ?1 ORDER BY ordinal")?;
            let rows = statement.query_map([table.0], |row| row.get::<_, Option<String>>(0))?;
            rows.map(|w| w.map(|w| w.and_then(|w| Role::parse(&w)).unwrap_or(Role::Unknown))).collect()
        })
    }

    /// Appends decisions to the log.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn log_decision(&self, decision: &Decision) -> Result<(), SnapshotError> {
        let (kind, cohort, table, key) = match &decision.subject {
            DecisionSubject::Cohort { cohort_id } => ("cohort", Some(&cohort_id.0), None, None),
            DecisionSubject::Row { table, key } => ("row", None, Some(table), Some(key)),
        };
        self.db
            .execute(
                "INSERT INTO unseed_decisions (kind, cohort_id, table_name, row_key, digest, rows, decision, tables, include_review, reason, by, at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    kind, cohort, table, key, decision.digest, decision.rows as i64, decision.decision.as_str(), to_json(&decision.tables),
                    decision.include_review, decision.reason, decision.by, decision.at
                ],
            )
            .map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Returns the decision log, oldest first.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn decisions(&self) -> Result<Vec<Decision>, SnapshotError> {
        self.run(|| {
            let mut statement = self.db.prepare(
                "SELECT kind, cohort_id, table_name, row_key, digest, rows, decision, tables, include_review, reason, by, at \
                 FROM unseed_decisions ORDER BY ordinal",
            )?;
            let rows = statement.query_map([], |row| {
                let subject = match row.get::<_, String>(0)?.as_str() {
                    "cohort" => DecisionSubject::Cohort { cohort_id: CohortId(row.get(1)?) },
                    _ => DecisionSubject::Row { table: row.get(2)?, key: row.get(3)? },
                };
                let tables: String = row.get(7)?;
                Ok(Decision {
                    subject,
                    digest: row.get(4)?,
                    rows: row.get::<_, i64>(5)? as u64,
                    decision: Choice::parse(&row.get::<_, String>(6)?).unwrap_or(Choice::Hold),
                    tables: serde_json::from_str(&tables).unwrap_or_default(),
                    include_review: row.get(8)?,
                    reason: row.get(9)?,
                    by: row.get(10)?,
                    at: row.get(11)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Records a plan's manifest.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn put_plan(&self, plan_id: &str, made_at: &str, author: &str, manifest: &str) -> Result<(), SnapshotError> {
        self.db
            .execute(
                "INSERT INTO unseed_plans (plan_id, made_at, author, manifest) VALUES (?1, ?2, ?3, ?4)",
                [plan_id, made_at, author, manifest],
            )
            .map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Returns the newest plan's manifest.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn newest_plan(&self) -> Result<Option<String>, SnapshotError> {
        self.db
            .query_row("SELECT manifest FROM unseed_plans ORDER BY ordinal DESC LIMIT 1", [], |row| row.get(0))
            .optional()
            .map_err(|e| self.sqlite(e))
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, SnapshotError> {
    serde_json::from_str(text).map_err(|e| SnapshotError::Damaged(e.to_string()))
}

pub(super) fn to_value(value: SqlRef<'_>) -> Value {
    match value {
        SqlRef::Null => Value::Null,
        SqlRef::Integer(n) => Value::Integer(n),
        SqlRef::Real(x) => Value::Real(x),
        SqlRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(text.to_owned()),
        },
        SqlRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    }
}

fn from_value(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(n) => rusqlite::types::Value::Integer(*n),
        Value::Real(x) => rusqlite::types::Value::Real(*x),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
        Value::Blob(bytes) => rusqlite::types::Value::Blob(bytes.clone()),
    }
}

fn decode_hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len() / 2).map(|i| u8::from_str_radix(digits.get(i * 2..i * 2 + 2)?, 16).ok()).collect()
}

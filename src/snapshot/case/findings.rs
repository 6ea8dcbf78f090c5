//! What an analysis stores and reports read: detector runs, evidence, cohorts, verdicts, warnings.

use std::collections::HashMap;

use rusqlite::params;

use super::{Case, from_json, to_json};
use crate::model::value::row_key_json;
use crate::model::verdict::Spared;
use crate::model::{Cohort, CohortId, Evidence, Reason, Row, RowVerdict, TableId, Verdict};
use crate::snapshot::SnapshotError;

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

/// A verdict without its terms, and where it is stored.
#[derive(Clone, Debug)]
pub struct ShortVerdict {
    /// The verdict.
    pub verdict: RowVerdict,
    place: i64,
}

impl Case {
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

    /// Takes a cohort away, for cohorts that are stored in its place.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn take_cohort(&self, id: &CohortId) -> Result<(), SnapshotError> {
        self.db.execute("DELETE FROM unseed_cohorts WHERE cohort_id = ?1", [&id.0]).map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Says which cohort a row's verdict belongs to.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn set_cohort_of(&self, table: TableId, row: Row, id: &CohortId) -> Result<(), SnapshotError> {
        self.run(|| {
            let mut statement = self.db.prepare_cached(
                "UPDATE unseed_verdicts SET cohort_id = ?3 WHERE rowid = (SELECT verdict_rowid FROM unseed_verdict_rows WHERE table_id = ?1 AND row = ?2)",
            )?;
            statement.execute(params![table.0, row, id.0])
        })?;
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
        self.put_verdict_of(verdict, &key, &to_json(&verdict.reasons), digest)
    }

    /// Does the same for a row whose key and terms are at hand, as they are stored.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn put_verdict_of(&self, verdict: &RowVerdict, key: &str, reasons: &str, digest: &str) -> Result<(), SnapshotError> {
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
                reasons
            ])?;
            let mut statement = self.db.prepare_cached("INSERT INTO unseed_verdict_rows VALUES (?1, ?2, ?3, ?4)")?;
            statement.execute(params![self.db.last_insert_rowid(), verdict.table.0, verdict.row, digest])?;
            Ok(())
        };
        run().map_err(|e| self.sqlite(e))
    }

    /// Stores rows that looked like seeded ones and stay real, of so many in all; those of a table follow each other, by
    /// row.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn put_spared(&self, spared: &[Spared], total: usize) -> Result<(), SnapshotError> {
        self.set_meta("spared_total", &total.to_string())?;
        let mut written: HashMap<*const Reason, String> = HashMap::new();
        for of_table in spared.chunk_by(|a, b| a.table == b.table) {
            let table = of_table[0].table;
            let rows: Vec<Row> = of_table.iter().map(|s| s.row).collect();
            let name = &self.table(table).table.name;
            let mut statement = self.run(|| self.db.prepare_cached("INSERT INTO unseed_spared VALUES (?1, ?2, ?3, ?4, ?5)"))?;
            let mut put = |spared: &Spared, key: &str| {
                let reasons =
                    written.entry(spared.reasons.as_ptr()).or_insert_with(|| serde_json::to_string(&*spared.reasons).unwrap_or_default());
                self.run(|| statement.execute(params![name.schema, name.name, key, spared.bits.get(), *reasons]))
            };
            for (spared, key) in of_table.iter().zip(self.keys_of(table, &rows)?) {
                put(spared, &key)?;
            }
        }
        Ok(())
    }

    /// Returns the verdicts that are not `real`, by table and row, with the digest of each row's evidence.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn verdicts(&self) -> Result<Vec<(RowVerdict, String)>, SnapshotError> {
        self.verdicts_where("1 = 1", [])
    }

    /// Returns the same verdicts without their terms and digests, for those who count them and look at a few.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn verdicts_in_short(&self) -> Result<Vec<ShortVerdict>, SnapshotError> {
        self.run(|| {
            let mut statement = self.db.prepare_cached(
                "SELECT r.table_id, r.row, v.verdict, v.bits, v.cohort_id, r.verdict_rowid \
                 FROM unseed_verdict_rows AS r JOIN unseed_verdicts AS v ON v.rowid = r.verdict_rowid ORDER BY r.table_id, r.row",
            )?;
            let rows = statement.query_map([], |row| Ok(ShortVerdict { verdict: short(row)?, place: row.get(5)? }))?;
            rows.collect()
        })
    }

    /// Returns a verdict with its terms and its digest.
    ///
    /// # Errors
    /// Returns what SQLite says, or that it is no longer there.
    pub fn whole_verdict(&self, short: &ShortVerdict) -> Result<(RowVerdict, String), SnapshotError> {
        let found = self.verdicts_where("r.verdict_rowid = ?1", [short.place])?.pop();
        found.ok_or_else(|| SnapshotError::Damaged("a verdict is no longer there".to_owned()))
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
            let rows = statement.query_map(values, |row| Ok((short(row)?, row.get::<_, String>(5)?, row.get::<_, String>(6)?)))?;
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
}

/// Reads a verdict without its terms: table, row, verdict, bits, cohort.
fn short(row: &rusqlite::Row<'_>) -> rusqlite::Result<RowVerdict> {
    let verdict = row.get_ref(2)?.as_str().ok().and_then(Verdict::parse);
    Ok(RowVerdict {
        table: TableId(row.get(0)?),
        row: row.get(1)?,
        verdict: verdict.unwrap_or(Verdict::Real),
        bits: row.get::<_, f64>(3)?.into(),
        cohort: row.get::<_, Option<String>>(4)?.map(CohortId),
        reasons: Vec::new(),
    })
}

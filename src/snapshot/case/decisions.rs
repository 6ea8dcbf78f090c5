//! What people decided, and the plans made from it.

use rusqlite::{OptionalExtension as _, params};

use super::{Case, to_json};
use crate::model::{Choice, CohortId, Decision, DecisionSubject};
use crate::snapshot::SnapshotError;

impl Case {
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

//! What surrounds the work of every script: session settings, guards that write into a gate, a COMMIT that
//! is prepared only where the gate is whole.
//!
//! The client may go on after any error, a lock timeout rolls back one statement only and a deadlock the
//! whole transaction. So each guard writes one row into a temporary `InnoDB` table, which a rollback empties
//! too; every change joins that table; and what is not committed at the end is rolled back.
//!
//! Source: checked on MariaDB 10.11.19; nothing here is MariaDB's alone.

use std::fmt::Write as _;

use super::guards::ME;
use super::literal::text;
use crate::dialect::comment;
use crate::model::plan::DeletePlan;

/// The guards of one transaction.
pub(super) struct Gate {
    /// The statements.
    pub(super) sql: String,
    steps: Vec<&'static str>,
    temps: Vec<String>,
    open_at: usize,
}

impl Gate {
    /// Begins a part, outside any transaction.
    pub(super) fn begin() -> Self {
        let mut gate = Self::bare();
        gate.temp("unseed_gate", "step INT NOT NULL PRIMARY KEY, ok INT NOT NULL, detail VARCHAR(1000) NOT NULL", "");
        gate.temp(
            "unseed_report",
            "no INT NOT NULL PRIMARY KEY, part INT, tbl VARCHAR(200), planned BIGINT, changed BIGINT, rows_before BIGINT, rows_after BIGINT",
            "",
        );
        gate.push("SET @unseed_open = 0, @unseed_done = 0, @unseed_run = 1, @unseed_n = 0, @unseed_sum = 0;\n");
        gate
    }

    /// Holds statements alone.
    pub(super) fn bare() -> Self {
        Self { sql: String::new(), steps: Vec::new(), temps: Vec::new(), open_at: 0 }
    }

    /// Adds statements.
    pub(super) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Makes a temporary table, dropped at the end of the part.
    pub(super) fn temp(&mut self, name: &str, columns: &str, from: &str) {
        let _ = writeln!(
            self.sql,
            "DROP TEMPORARY TABLE IF EXISTS {name};\nCREATE TEMPORARY TABLE {name} ({columns}) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4{from};"
        );
        self.temps.push(name.to_owned());
    }

    /// Runs a text that exists only where `condition` holds: what it names may not be there otherwise.
    pub(super) fn only_if(&mut self, condition: &str, sql: &str) {
        let _ = writeln!(
            self.sql,
            "SET @unseed_sql = IF({condition}, {}, 'DO 0');\nPREPARE unseed_s FROM @unseed_sql; EXECUTE unseed_s; DEALLOCATE PREPARE unseed_s;",
            text(sql)
        );
    }

    /// Adds a guard: `count` is a query of one number, `n`, which must be 0 for the gate to open. `always`
    /// says that it holds even where there is nothing left to do.
    pub(super) fn guard(&mut self, code: &'static str, label: &str, count: &str, what: &str, always: bool) {
        self.guard_that_tells(code, label, count, &format!("CONCAT(q.n, {})", text(&format!(" {what}"))), always);
    }

    /// The same, where what is told is an expression over the query.
    pub(super) fn guard_that_tells(&mut self, code: &'static str, label: &str, count: &str, told: &str, always: bool) {
        self.steps.push(code);
        let step = self.steps.len();
        let done = if always { "" } else { " OR @unseed_done = 1" };
        let _ = write!(
            self.sql,
            "-- [{code}] {}\n\
             INSERT INTO unseed_gate SELECT {step}, /*[*/q.n = 0/*]*/{done}, LEFT({told}, 1000) FROM ({count}) AS q;\n\
             -- [/{code}]\n",
            comment(label),
        );
    }

    /// Opens the gate where every guard so far holds and there is something to do.
    pub(super) fn open(&mut self) {
        self.open_at = self.steps.len();
        let _ = writeln!(
            self.sql,
            "-- The gate opens where every guard holds.\nSET @unseed_open = (SELECT COUNT(*) = {} FROM unseed_gate WHERE ok = 1) AND @unseed_done = 0;",
            self.open_at
        );
    }

    /// What a change joins: nothing, where the gate is not open, or was emptied by a rollback.
    pub(super) fn joined(&self) -> String {
        format!("JOIN unseed_gate AS g ON g.step = {} AND g.ok = 1 AND @unseed_open = 1", self.open_at)
    }

    /// The same as a condition.
    pub(super) fn condition(&self) -> String {
        format!("@unseed_open = 1 AND EXISTS (SELECT 1 FROM unseed_gate AS g WHERE g.step = {} AND g.ok = 1)", self.open_at)
    }

    /// Ends the part: says what happened, commits or rolls back.
    pub(super) fn end(mut self, plan: &DeletePlan, ledger: &str, done_word: &str) -> String {
        let steps: Vec<String> = self
            .steps
            .iter()
            .enumerate()
            .map(
                |(i, code)| {
                    if i == 0 { format!("SELECT 1 AS step, '{code}' AS code") } else { format!("UNION ALL SELECT {}, '{code}'", i + 1) }
                },
            )
            .collect();
        let _ = write!(
            self.sql,
            "\n-- The first guard that refuses, or whose statement failed.\n\
             SET @unseed_step = NULL, @unseed_code = 'DS060', @unseed_why = NULL;\n\
             SELECT s.step, s.code INTO @unseed_step, @unseed_code FROM (\n  {steps}\n) AS s LEFT JOIN unseed_gate AS g ON g.step = s.step AND g.ok = 1 WHERE g.step IS NULL ORDER BY s.step LIMIT 1;\n\
             SET @unseed_why = (SELECT detail FROM unseed_gate WHERE step = @unseed_step);\n\
             SET @unseed_whole = (SELECT COUNT(*) = {count} FROM unseed_gate WHERE ok = 1);\n\
             SELECT part, tbl AS `table`, planned, changed, rows_before, rows_after FROM unseed_report ORDER BY no;\n\
             SET @unseed_sql = IF(@unseed_whole = 1 AND @unseed_on = 1 AND @unseed_open = 1, 'COMMIT', 'DO 0');\n\
             PREPARE unseed_s FROM @unseed_sql; EXECUTE unseed_s; DEALLOCATE PREPARE unseed_s;\n\
             -- Undoes whatever was not committed.\n\
             ROLLBACK;\n\
             -- The ledger tells whether it was.\n\
             SET @unseed_written = 0;\n",
            steps = steps.join("\n  "),
            count = self.steps.len(),
        );
        self.only_if(
            "@unseed_on = 1 AND @unseed_whole = 1 AND @unseed_open = 1",
            &format!(
                "SELECT COUNT(*), COALESCE(SUM(rows_changed), 0) INTO @unseed_written, @unseed_sum FROM {ledger} WHERE plan_id = {} AND run = @unseed_run AND event = '{done_word}'",
                text(&plan.id.0)
            ),
        );
        self.push(
            "SET @unseed_said = CASE\n  \
               WHEN @unseed_refused <> '' THEN ''\n  \
               WHEN @unseed_whole = 1 AND @unseed_done = 1 THEN 'already'\n  \
               WHEN @unseed_whole = 1 AND @unseed_on = 0 THEN 'rehearsed'\n  \
               WHEN @unseed_written > 0 THEN 'done'\n  \
               ELSE 'refused' END;\n\
             SET @unseed_detail = IF(@unseed_said = 'refused', COALESCE(@unseed_why, 'a statement failed, see the error above'), @unseed_detail);\n\
             SET @unseed_refused = IF(@unseed_said = 'refused', @unseed_code, @unseed_refused),\n  \
               @unseed_total = @unseed_total + IF(@unseed_said = 'done', @unseed_sum, 0),\n  \
               @unseed_already = @unseed_already + (@unseed_said = 'already'),\n  \
               @unseed_rehearsed = @unseed_rehearsed + (@unseed_said = 'rehearsed'),\n  \
               @unseed_parts = @unseed_parts + (@unseed_said = 'done');\n",
        );
        for temp in &self.temps {
            let _ = writeln!(self.sql, "DROP TEMPORARY TABLE IF EXISTS {temp};");
        }
        self.sql
    }
}

/// What comes before the first part.
pub(super) fn opening(plan: &DeletePlan) -> String {
    format!(
        "SET NAMES utf8mb4;\n\
         SET @unseed_autocommit = @@SESSION.autocommit;\n\
         SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION';\n\
         SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = 3, SESSION lock_wait_timeout = 3, SESSION foreign_key_checks = 1,\n  \
           SESSION unique_checks = 1, SESSION sql_safe_updates = 0, SESSION group_concat_max_len = 1048576, SESSION autocommit = 0;\n\
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;\n\
         SET @unseed_on = (CAST(COALESCE(@unseed_apply, '') AS BINARY) = CAST({} AS BINARY));\n\
         SET @unseed_refused = '', @unseed_detail = '', @unseed_total = 0, @unseed_already = 0, @unseed_rehearsed = 0, @unseed_parts = 0;\n\
         -- Does this server follow another? Each engine tells it in another place, and tells only who may see it.\n\
         SET @unseed_replica = 0, @unseed_n = 0;\n\
         {followed}\
         -- One run at a time in a database; held until the end.\n\
         SET @unseed_lock_name = CONCAT('unseed.', MD5(COALESCE(DATABASE(), '')));\n\
         SET @unseed_lock = COALESCE(GET_LOCK(@unseed_lock_name, 0), 0);\n",
        text(&plan.id.0),
        followed = followed(),
    )
}

/// Counts the servers that this one follows: connections that run, or that are configured.
fn followed() -> String {
    let mut gate = Gate::bare();
    let reads = format!("EXISTS (SELECT 1 FROM information_schema.user_privileges WHERE grantee = {ME} AND privilege_type = 'SELECT')");
    for (schema, table, allowed, count) in [
        (
            "information_schema",
            "GLOBAL_STATUS",
            "TRUE",
            "MAX(variable_value) INTO @unseed_n FROM information_schema.global_status WHERE variable_name = 'SLAVES_RUNNING'",
        ),
        (
            "performance_schema",
            "replication_connection_configuration",
            reads.as_str(),
            "COUNT(*) INTO @unseed_n FROM performance_schema.replication_connection_configuration",
        ),
    ] {
        gate.only_if(
            &format!(
                "{allowed} AND EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = '{schema}' AND table_name = '{table}')"
            ),
            &format!("SELECT {count}"),
        );
        gate.push("SET @unseed_replica = @unseed_replica + COALESCE(@unseed_n, 0), @unseed_n = 0;\n");
    }
    gate.sql
}

/// The lines that end every script: an error where it was refused, and the outcome as the last line.
pub(super) fn ending(done: &str, already: &str, parts: u32) -> String {
    format!(
        "\nSET @unseed_outcome = CASE\n  \
           WHEN @unseed_refused <> '' THEN CONCAT('UNSEED REFUSED ', @unseed_refused)\n  \
           WHEN @unseed_already = {parts} THEN 'UNSEED {already}'\n  \
           WHEN @unseed_rehearsed > 0 THEN 'UNSEED DRY-RUN-OK'\n  \
           WHEN @unseed_parts + @unseed_already = {parts} THEN CONCAT('UNSEED {done} ', @unseed_total)\n  \
           ELSE 'UNSEED REFUSED DS060' END;\n\
         DO IF(@unseed_lock = 1, RELEASE_LOCK(@unseed_lock_name), 0);\n\
         SET SESSION autocommit = @unseed_autocommit;\n\
         SELECT @unseed_detail AS detail FROM (SELECT 1) AS o WHERE @unseed_detail <> '';\n\
         -- A client that stops at the first error finds the code here.\n\
         DO IF(@unseed_refused = '', 0, UPDATEXML('<a/>', CONCAT('~', @unseed_outcome), '<b/>'));\n\
         -- The outcome as the last line.\n\
         SELECT @unseed_outcome AS outcome;\n"
    )
}

//! What surrounds the work of every script: one transaction, guards that write into a gate, and an outcome
//! that outlives the rollback.
//!
//! SQLite has no blocks and no conditional rollback, and its shell goes on after an error. So: a table is
//! made that can only be made inside a transaction, and everything else reads it; each guard writes one row
//! into the gate, and a change happens only where the gate is whole; a failing CHECK with OR ROLLBACK undoes
//! a rehearsal; `last_insert_rowid()`, which no rollback takes back, carries the outcome to the last line.
//!
//! Source: checked on SQLite 3.40.1.

use std::fmt::Write as _;

use super::literal::text;
use crate::dialect::{CODES, comment, guard};
use crate::model::plan::DeletePlan;

/// Outcomes as `last_insert_rowid()` carries them: kind times this, plus a number.
const KIND: i64 = 1_000_000_000_000;
/// Rehearsed.
const REHEARSED: i64 = 1;
/// Done, with the number of rows.
const DONE: i64 = 2;
/// Was done before.
const ALREADY: i64 = 3;
/// Refused, with the number of the code.
const REFUSED: i64 = 4;

/// The guards of one transaction.
pub(super) struct Gate {
    /// The statements.
    pub(super) sql: String,
    steps: Vec<&'static str>,
    temps: Vec<String>,
}

impl Gate {
    /// Begins a transaction.
    pub(super) fn begin() -> Self {
        let mut sql = format!(
            "\n-- Foreign keys are enforced. The attempt to switch them off does nothing inside a transaction, which proves it.\n\
             PRAGMA foreign_keys = ON;\n\
             {preset}\
             BEGIN IMMEDIATE;\n\
             PRAGMA foreign_keys = OFF;\n\
             CREATE TEMP TABLE unseed_in AS SELECT abs(CASE WHEN f.foreign_keys = 1\n    \
               AND NOT EXISTS (SELECT 1 FROM temp.unseed_said WHERE kind = {REFUSED}) THEN 0 ELSE -9223372036854775808 END) AS inside FROM pragma_foreign_keys AS f;\n\
             CREATE TEMP TABLE unseed_gate AS SELECT 0 AS step, '' AS code, 0 AS ok, '' AS detail FROM temp.unseed_in WHERE 0;\n\
             CREATE TEMP TABLE unseed_stop (ok INTEGER CONSTRAINT unseed_undone_see_the_last_line CHECK (ok = 1));\n",
            preset = guard(
                "DS010",
                "what is said where the transaction cannot begin",
                &format!("INSERT OR REPLACE INTO temp.unseed_signal VALUES ({});", REFUSED * KIND + 10)
            ),
        );
        let _ = writeln!(
            sql,
            "CREATE TEMP TABLE unseed_report (part INTEGER, tbl TEXT, planned INTEGER, changed INTEGER, rows_before INTEGER, rows_after INTEGER);"
        );
        let temps = ["gate", "stop", "report", "state", "go", "steps", "refusal", "in"].map(|t| format!("unseed_{t}")).to_vec();
        Self { sql, steps: Vec::new(), temps }
    }

    /// Names a temporary table that is dropped at the end.
    pub(super) fn temp(&mut self, name: &str) {
        self.temps.push(name.to_owned());
    }

    /// Adds statements.
    pub(super) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Adds a guard: `count` is a query of one number, `n`, which must be 0 for the gate to open. `always`
    /// says that it holds even where there is nothing left to do.
    pub(super) fn guard(&mut self, code: &'static str, label: &str, count: &str, what: &str, always: bool) {
        self.steps.push(code);
        let step = self.steps.len();
        let done = if always { "" } else { " OR (SELECT done FROM temp.unseed_state)" };
        let _ = write!(
            self.sql,
            "-- [{code}] {}\n\
             INSERT INTO temp.unseed_gate SELECT {step}, '{code}', /*[*/q.n = 0/*]*/{done}, q.n || {} FROM ({count}) AS q, temp.unseed_in;\n\
             -- [/{code}]\n",
            comment(label),
            text(&format!(" {what}"))
        );
    }

    /// Opens the gate where every guard so far holds and there is something to do.
    pub(super) fn open(&mut self) {
        let _ = writeln!(
            self.sql,
            "-- The gate: one row where every guard holds, else none.\n\
             CREATE TEMP TABLE unseed_go AS SELECT 1 AS go FROM temp.unseed_in WHERE (SELECT count(*) FROM temp.unseed_gate WHERE ok) = {} AND NOT (SELECT done FROM temp.unseed_state);",
            self.steps.len()
        );
    }

    /// Ends the transaction: says what happened, undoes it unless the token is set and every guard holds.
    pub(super) fn end(mut self, plan: &DeletePlan, number: u32, total: &str) -> String {
        let steps: Vec<String> = self.steps.iter().enumerate().map(|(i, code)| format!("({}, '{code}')", i + 1)).collect();
        let token = text(&plan.id.0);
        let drops: String = self.temps.iter().map(|t| format!("DROP TABLE IF EXISTS temp.{t};\n")).collect();
        let _ = write!(
            self.sql,
            "-- The first guard that refuses, or whose statement failed.\n\
             CREATE TEMP TABLE unseed_steps AS SELECT column1 AS step, column2 AS code FROM (VALUES {steps}), temp.unseed_in;\n\
             CREATE TEMP TABLE unseed_refusal AS SELECT s.step, s.code, coalesce(g.detail, 'a statement failed, see the error above; usually a table or column has changed since the snapshot') AS detail\n  \
               FROM temp.unseed_steps AS s LEFT JOIN temp.unseed_gate AS g ON g.step = s.step WHERE g.ok IS NOT 1 ORDER BY s.step LIMIT 1;\n\
             SELECT part, tbl AS \"table\", planned, changed, rows_before, rows_after FROM temp.unseed_report;\n\
             SELECT code, detail FROM temp.unseed_refusal;\n\
             INSERT OR REPLACE INTO temp.unseed_signal SELECT CASE\n    \
               WHEN (SELECT count(*) FROM temp.unseed_refusal) = 1 THEN {refused} + (SELECT CAST(substr(code, 3) AS INTEGER) FROM temp.unseed_refusal)\n    \
               WHEN (SELECT done FROM temp.unseed_state) THEN {already}\n    \
               WHEN (SELECT count(*) FROM temp.unseed_apply WHERE plan_id = {token}) = 0 THEN {rehearsed}\n    \
               ELSE {done} + ({total}) END FROM temp.unseed_in;\n\
             -- Undone here, with an error of this name, unless it was applied.\n\
             INSERT OR ROLLBACK INTO temp.unseed_stop SELECT 0 WHERE last_insert_rowid() / {KIND} NOT IN ({DONE}, {ALREADY});\n\
             {drops}-- Where no transaction could be begun, the switch did switch them off.\n\
             {locked}\
             SAVEPOINT unseed_end;\nCOMMIT;\n\
             -- Inside a transaction that could not be committed this switch would do nothing.\n\
             PRAGMA foreign_keys = OFF;\n\
             INSERT INTO temp.unseed_said SELECT {number}, CASE WHEN f.foreign_keys = 0 AND last_insert_rowid() / {KIND} BETWEEN {REHEARSED} AND {REFUSED} THEN last_insert_rowid() / {KIND} ELSE {REFUSED} END,\n  \
               CASE WHEN f.foreign_keys = 0 AND last_insert_rowid() / {KIND} BETWEEN {REHEARSED} AND {REFUSED} THEN last_insert_rowid() % {KIND} ELSE 60 END FROM pragma_foreign_keys AS f;\n\
             PRAGMA foreign_keys = ON;\n",
            steps = steps.join(", "),
            refused = REFUSED * KIND,
            locked = guard(
                "DS010",
                "another transaction held the database",
                &format!(
                    "INSERT OR REPLACE INTO temp.unseed_signal SELECT {} FROM pragma_foreign_keys WHERE foreign_keys = 0;",
                    REFUSED * KIND + 10
                )
            ),
            already = ALREADY * KIND,
            rehearsed = REHEARSED * KIND,
            done = DONE * KIND,
        );
        self.sql
    }
}

/// What comes before the first transaction: the token's table, and the places that outlive a rollback.
pub(super) fn opening() -> String {
    "PRAGMA busy_timeout = 3000;\n\
     -- The token, where none was set; the outcome of each part.\n\
     CREATE TEMP TABLE IF NOT EXISTS unseed_apply (plan_id TEXT);\n\
     DROP TABLE IF EXISTS temp.unseed_signal;\n\
     CREATE TEMP TABLE unseed_signal (id INTEGER PRIMARY KEY);\n\
     DROP TABLE IF EXISTS temp.unseed_said;\n\
     CREATE TEMP TABLE unseed_said (part INTEGER, kind INTEGER, n INTEGER);\n"
        .to_owned()
}

/// The lines that end every script: an error where it was refused, and the outcome as the last line.
pub(super) fn ending(done: &str, already: &str, parts: u32) -> String {
    let codes: Vec<String> = CODES
        .iter()
        .map(|c| format!("WHEN {} THEN RAISE(ABORT, 'UNSEED REFUSED {}: {}')", &c.id[2..], c.id, c.title.replace('\'', "''")))
        .collect();
    format!(
        "\n-- A client that stops at the first error finds the code here.\n\
         CREATE TEMP TABLE unseed_error (n INTEGER);\n\
         CREATE TEMP TRIGGER unseed_raise BEFORE INSERT ON unseed_error BEGIN\n  SELECT CASE NEW.n {codes} END;\nEND;\n\
         INSERT INTO temp.unseed_error SELECT n FROM temp.unseed_said WHERE kind = {REFUSED} ORDER BY part LIMIT 1;\n\
         DROP TABLE temp.unseed_error;\n\
         -- The outcome as the last line.\n\
         SELECT CASE\n  \
           WHEN (SELECT count(*) FROM temp.unseed_said WHERE kind = {REFUSED}) > 0\n    \
             THEN 'UNSEED REFUSED ' || (SELECT printf('DS%03d', n) FROM temp.unseed_said WHERE kind = {REFUSED} ORDER BY part LIMIT 1)\n  \
           WHEN (SELECT count(*) FROM temp.unseed_said WHERE kind = {ALREADY}) = {parts} THEN 'UNSEED {already}'\n  \
           WHEN (SELECT count(*) FROM temp.unseed_said WHERE kind = {REHEARSED}) > 0 THEN 'UNSEED DRY-RUN-OK'\n  \
           WHEN (SELECT count(*) FROM temp.unseed_said) = {parts} THEN 'UNSEED {done} ' || (SELECT sum(n) FROM temp.unseed_said WHERE kind = {DONE})\n  \
           ELSE 'UNSEED REFUSED DS060' END AS outcome;\n",
        codes = codes.join(" "),
    )
}

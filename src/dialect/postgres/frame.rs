//! What surrounds the guarded blocks of every script: settings, what is said if a block cannot even
//! begin, the outcome as the last line.

use std::fmt::Write as _;

use super::guards::{Need, rights};
use crate::dialect::guard;
use crate::model::plan::DeletePlan;

/// Settings under which values print the same on both sides, and limits for waiting.
pub(super) fn settings() -> &'static str {
    "SET LOCAL search_path = pg_catalog, pg_temp;\n\
     SET LOCAL lock_timeout = '3s';\n\
     SET LOCAL statement_timeout = '15min';\n\
     SET LOCAL idle_in_transaction_session_timeout = '5min';\n\
     SET LOCAL row_security = off;\n\
     SET LOCAL TimeZone = 'UTC';\n\
     SET LOCAL DateStyle = 'ISO, YMD';\n\
     SET LOCAL IntervalStyle = 'postgres';\n\
     SET LOCAL extra_float_digits = 3;\n\
     SET LOCAL bytea_output = 'hex';\n"
}

/// Settings of the session, and the variables that carry the outcome to the last line.
pub(super) fn opening() -> String {
    "SET client_encoding = 'UTF8';\n\
     SET standard_conforming_strings = on;\n\
     SET client_min_messages = warning;\n\
     -- The outcome so far: refused holds a code, staging the number of the block that is being prepared.\n\
     DO $unseed$\n\
     BEGIN\n    \
         PERFORM set_config(v, '', false) FROM unnest(ARRAY['unseed.refused', 'unseed.detail', 'unseed.staging', 'unseed.outcome']) AS v;\n    \
         PERFORM set_config('unseed.total', '0', false), set_config('unseed.already', '0', false), set_config('unseed.rehearsed', '0', false), set_config('unseed.done', '0', false),\n        \
             set_config('unseed.report', '[]', false), set_config('unseed.drift', '[]', false), set_config('unseed.views', '[]', false);\n\
     END\n\
     $unseed$;\n"
        .to_owned()
}

/// Begins a block: says what is printed if it cannot even be staged, checks the user's rights, opens the
/// transaction. A block after a refused one stays unprepared and does nothing.
pub(super) fn begin(plan: &DeletePlan, number: u32, needs: &[Need], makes_schema: bool) -> String {
    let preset = "IF pg_is_in_recovery() THEN\n    \
             PERFORM set_config('unseed.refused', 'DS011', false), set_config('unseed.detail', 'this is a replica; run the script on the primary', false);\n    \
             RETURN;\n\
         END IF;";
    let mut body =
        "DECLARE\n  missing text;\nBEGIN\n  IF current_setting('unseed.refused') <> '' THEN\n    RETURN;\n  END IF;\n".to_owned();
    body.push_str(&crate::dialect::indent(&guard("DS011", "a replica", preset), 2));
    body.push_str(&crate::dialect::indent(&guard("DS031", "what this user may not do", &rights(plan, needs, makes_schema)), 2));
    let _ = write!(
        body,
        "  PERFORM set_config('unseed.staging', '{number}', false), set_config('unseed.refused', 'DS032', false),\n      \
             set_config('unseed.detail', 'staging failed, see the error above; usually a table, column or type has changed since the snapshot: take a new one', false);\n\
         END\n"
    );
    format!("-- What is said if this part cannot even be staged.\n{}BEGIN ISOLATION LEVEL READ COMMITTED;\n{}", do_block(&body), settings())
}

/// The lines that end every script: what happened as a table, an error where it was refused, and the
/// outcome as the last line. `done` is the word for a change that was made, `already` for one that was
/// made before.
pub(super) fn ending(columns: &str, done: &str, already: &str, blocks: u32) -> String {
    let body = format!(
        "DECLARE\n  refused text := current_setting('unseed.refused');\n\
         BEGIN\n  \
           PERFORM set_config('unseed.outcome', CASE\n      \
             WHEN refused <> '' THEN 'UNSEED REFUSED ' || refused\n      \
             WHEN current_setting('unseed.already')::integer = {blocks} THEN 'UNSEED {already}'\n      \
             WHEN current_setting('unseed.rehearsed')::integer > 0 AND current_setting('unseed.rehearsed')::integer + current_setting('unseed.already')::integer = {blocks} THEN 'UNSEED DRY-RUN-OK'\n      \
             WHEN current_setting('unseed.done')::integer > 0 AND current_setting('unseed.done')::integer + current_setting('unseed.already')::integer = {blocks} THEN 'UNSEED {done} ' || current_setting('unseed.total')\n      \
             ELSE 'UNSEED REFUSED DS060' END, false);\n\
         END\n"
    );
    format!(
        "-- What happened, table by table.\n\
         {outcome}\
         SELECT * FROM json_to_recordset(current_setting('unseed.report')::json)\n    AS {columns};\n\
         -- A client that stops at the first error finds the code here.\n\
         DO $unseed$\n\
         BEGIN\n    \
             IF starts_with(current_setting('unseed.outcome'), 'UNSEED REFUSED') THEN\n        \
                 RAISE EXCEPTION '%: %', current_setting('unseed.outcome'), current_setting('unseed.detail');\n    \
             END IF;\n\
         END\n\
         $unseed$;\n\
         SELECT current_setting('unseed.outcome') AS outcome;\n\
         -- The outcome as the last line (a client that cannot COPY has it from the statement above).\n\
         COPY (SELECT current_setting('unseed.outcome')) TO STDOUT;\n",
        outcome = do_block(&body),
    )
}

/// A handler's mapping from an error of Postgres itself to a code. Our own are UN001 (a guard refuses) and
/// UN002 (rehearsed): a code that ended in 000 would catch its whole class.
pub(super) struct ErrorCodes {
    /// A foreign key was violated.
    pub(super) foreign_key: &'static str,
    /// A unique key was violated.
    pub(super) unique: &'static str,
}

impl ErrorCodes {
    /// Renders the assignments of `code` and `detail`.
    pub(super) fn render(&self) -> String {
        format!(
            "        code := CASE\n            \
                 WHEN SQLSTATE = 'UN001' THEN split_part(SQLERRM, ' ', 1)\n            \
                 WHEN SQLSTATE IN ('55P03', '40P01', '40001', '57014') THEN 'DS010'\n            \
                 WHEN SQLSTATE = '23503' THEN '{}'\n            \
                 WHEN SQLSTATE = '23505' THEN '{}'\n            \
                 WHEN SQLSTATE = '42501' THEN 'DS031'\n            \
                 WHEN left(SQLSTATE, 2) IN ('42', '22') OR SQLSTATE = '23502' THEN 'DS032'\n            \
                 ELSE 'DS060' END;\n        \
             detail := CASE\n            \
                 WHEN SQLSTATE = 'UN001' THEN substr(SQLERRM, 7)\n            \
                 WHEN SQLSTATE IN ('55P03', '40P01', '40001', '57014') THEN 'another transaction holds a lock that this one needs (' || SQLERRM || '); run it again later'\n            \
                 ELSE SQLERRM || ' (' || SQLSTATE || ')' END;\n",
            self.foreign_key, self.unique
        )
    }
}

/// Wraps a PL/pgSQL body; its quote is a tag that the body does not hold, whatever names and keys are in it.
pub(super) fn do_block(body: &str) -> String {
    let tag = (0_u32..)
        .map(|n| if n == 0 { "$unseed$".to_owned() } else { format!("$unseed{n}$") })
        .find(|t| !body.contains(t.as_str()))
        .unwrap_or_default();
    // A table of the user's may have a column of any name: in a query it goes before our variables.
    let rule = if body.starts_with("DECLARE") { "#variable_conflict use_column\n" } else { "" };
    format!("DO {tag}\n{rule}{body}{tag};\n")
}

//! Scripts for PostgreSQL: pure SQL that runs in psql, a GUI or a driver.
//!
//! Source: behaviour checked on PostgreSQL 15.18; data-modifying statements re-check their conditions on
//! the newest row version (`EvalPlanQual`), a DO block's exception handler undoes all that its block did.

mod delete;
mod literal;
mod undo;
mod verify;

use super::{Dialect, Script};
use crate::model::plan::{DeletePlan, PlanTable};
use crate::model::{Engine, QualifiedName};

use literal::{name, qualified, text};

/// PostgreSQL.
pub(super) struct Postgres;

/// Key of the advisory lock that keeps two runs apart: "unsd".
const ADVISORY_KEY: i32 = crate::snapshot::APPLICATION_ID;

impl Dialect for Postgres {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn default_schema(&self) -> &'static str {
        "public"
    }

    fn render(&self, plan: &DeletePlan) -> Result<Vec<Script>, String> {
        for table in &plan.tables {
            for column in &table.columns {
                if column.name.len() > 63 || table.name.name.len() > 63 {
                    return Err(format!("a name in table {} is longer than Postgres keeps", table.name));
                }
            }
        }
        let mut scripts = vec![
            Script { name: "delete.sql", text: delete::script(plan) },
            Script { name: "undo.sql", text: undo::script(plan) },
            Script { name: "verify.sql", text: verify::script(plan) },
        ];
        scripts.push(Script { name: "apply.psql", text: apply_psql(plan) });
        Ok(scripts)
    }
}

/// Returns the name of the archive of a table: its own where no other planned table has it.
fn archive_name(plan: &DeletePlan, of: &QualifiedName) -> String {
    let twins = plan
        .tables
        .iter()
        .map(|t| &t.name)
        .chain(plan.touched.iter().map(|t| &t.name))
        .filter(|n| n.name == of.name && n.schema != of.schema)
        .count();
    let own = if twins == 0 { of.name.clone() } else { format!("{}.{}", of.schema, of.name) };
    if own.len() <= 63 && own != crate::model::plan::LEDGER_TABLE {
        return own;
    }
    format!("archive_{}", &blake3::hash(format!("{}.{}", of.schema, of.name).as_bytes()).to_hex()[..16])
}

/// Returns the schema that an apply leaves behind.
fn left_schema(plan: &DeletePlan) -> String {
    format!("unseed_{}", plan.id.short())
}

/// Returns the name of a table's staging table.
fn staging(index: usize) -> String {
    format!("unseed_plan_{index}")
}

/// Returns the quoted key column names of a table.
fn keys(table: &PlanTable) -> Vec<String> {
    table.key.iter().map(|c| name(&table.columns[*c].name)).collect()
}

/// Joins two aliases on a table's key.
fn on_key(table: &PlanTable, left: &str, right: &str) -> String {
    keys(table).iter().map(|k| format!("{left}.{k} = {right}.{k}")).collect::<Vec<_>>().join(" AND ")
}

/// Compares reviewed columns of two aliases, byte for byte and with NULL as a value of its own. Text that
/// both sides print under one setting is exact for every type, also for those without an equality.
fn differs(table: &PlanTable, left: &str, right: &str) -> String {
    let compared = table.reviewed.iter().filter(|c| !table.key.contains(c)).map(|c| name(&table.columns[*c].name));
    let terms: Vec<String> =
        compared.map(|c| format!("{left}.{c}::text COLLATE \"C\" IS DISTINCT FROM {right}.{c}::text COLLATE \"C\"")).collect();
    if terms.is_empty() { "false".to_owned() } else { terms.join("\n           OR ") }
}

/// Settings under which values print the same on both sides, and limits for waiting.
fn settings() -> &'static str {
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

/// The lines that end every script: what happened as a table, an error where it was refused, and the
/// outcome as the last line.
fn ending(what: &str) -> String {
    format!(
        "-- What happened, table by table.\n\
         SELECT * FROM json_to_recordset(coalesce(nullif(current_setting('unseed.report', true), ''), '[]')::json)\n    AS {what};\n\
         -- A client that stops at the first error finds the code here.\n\
         DO $unseed$\n\
         BEGIN\n    \
             IF left(current_setting('unseed.outcome', true), 14) = 'UNSEED REFUSED' THEN\n        \
                 RAISE EXCEPTION '%: %', current_setting('unseed.outcome', true), current_setting('unseed.detail', true);\n    \
             END IF;\n\
         END\n\
         $unseed$;\n\
         SELECT current_setting('unseed.outcome', true) AS outcome;\n\
         -- The outcome as the last line (a client that cannot COPY has it from the statement above).\n\
         COPY (SELECT current_setting('unseed.outcome', true)) TO STDOUT;\n"
    )
}

/// The lines before the transaction: outcome if anything fails before the guards can say why.
fn opening() -> String {
    format!(
        "SET client_encoding = 'UTF8';\n\
         SET standard_conforming_strings = on;\n\
         SET client_min_messages = warning;\n\
         -- What is said if the script cannot even be staged: a replica, or a column or type that changed.\n\
         DO $unseed$\n\
         BEGIN\n    \
             PERFORM set_config('unseed.outcome', CASE WHEN pg_is_in_recovery() THEN 'UNSEED REFUSED DS011' ELSE 'UNSEED REFUSED DS032' END, false),\n        \
                 set_config('unseed.detail', CASE WHEN pg_is_in_recovery() THEN 'this is a replica; run the script on the primary'\n            \
                 ELSE 'staging the plan failed, see the error above; usually a table, column or type has changed since the snapshot: take a new one' END, false),\n        \
                 set_config('unseed.report', '', false);\n\
         END\n\
         $unseed$;\n\
         BEGIN ISOLATION LEVEL READ COMMITTED;\n\
         {}",
        settings()
    )
}

/// Codes for errors that Postgres itself raises inside a guarded block. Our own are UN001 (a guard refuses) and
/// UN002 (rehearsed): a code that ended in 000 would catch its whole class.
fn error_codes() -> &'static str {
    "        code := CASE\n            \
             WHEN SQLSTATE = 'UN001' THEN split_part(SQLERRM, ' ', 1)\n            \
             WHEN SQLSTATE IN ('55P03', '40P01', '57014') THEN 'DS010'\n            \
             WHEN SQLSTATE = '23503' THEN 'DS040'\n            \
             WHEN SQLSTATE IN ('42501') THEN 'DS031'\n            \
             WHEN left(SQLSTATE, 2) IN ('42', '22') THEN 'DS032'\n            \
             ELSE 'DS060' END;\n        \
         detail := CASE\n            \
             WHEN SQLSTATE = 'UN001' THEN substr(SQLERRM, 7)\n            \
             WHEN SQLSTATE IN ('55P03', '40P01', '57014') THEN 'another transaction holds a lock that this one needs (' || SQLERRM || '); run it again later'\n            \
             WHEN SQLSTATE = '42501' THEN SQLERRM || '; it needs SELECT, UPDATE and DELETE on the planned tables, SELECT on those that refer to them, and CREATE on the database'\n            \
             ELSE SQLERRM || ' (' || SQLSTATE || ')' END;\n"
}

/// Wraps a PL/pgSQL body; its quote is a tag that the body does not hold, whatever names and keys are in it.
fn do_block(body: &str) -> String {
    let tag = (0_u32..)
        .map(|n| if n == 0 { "$unseed$".to_owned() } else { format!("$unseed{n}$") })
        .find(|t| !body.contains(t.as_str()))
        .unwrap_or_default();
    format!("DO {tag}\n{body}{tag};\n")
}

/// A guard's refusal: the code, what is wrong, the next step.
fn refuse(code: &str, message: &str) -> String {
    format!("RAISE EXCEPTION USING ERRCODE = 'UN001', MESSAGE = '{code} ' || {message};")
}

fn apply_psql(plan: &DeletePlan) -> String {
    format!(
        "-- Applies the plan with psql, stopping at the first error: psql -d DATABASE -f apply.psql\n\
         -- (never with -c: a server goes on with a string of statements when its client is killed)\n\
         \\set ON_ERROR_STOP on\n\
         \\set VERBOSITY verbose\n\
         \\timing on\n\
         SET unseed.apply = {};\n\
         \\ir delete.sql\n",
        text(&plan.id.0)
    )
}

/// Returns the qualified name of an archive table, quoted.
fn archive(plan: &DeletePlan, of: &QualifiedName) -> String {
    qualified(&QualifiedName::new(left_schema(plan), archive_name(plan, of)))
}

/// Returns the qualified name of the ledger, quoted.
fn ledger(plan: &DeletePlan) -> String {
    qualified(&QualifiedName::new(left_schema(plan), crate::model::plan::LEDGER_TABLE))
}

//! Scripts for PostgreSQL: pure SQL that runs in psql, a GUI or a driver.
//!
//! Source: behaviour checked on PostgreSQL 15.18; data-modifying statements re-check their conditions on
//! the newest row version (`EvalPlanQual`), a DO block's exception handler undoes all that its block did.

mod columns;
mod copy;
mod delete;
mod frame;
mod guards;
mod literal;
mod offline;
mod prevent;
mod stage;
mod undo;
mod verify;

use super::{Client, Dialect, Script, staging, touched_staging};
use crate::model::plan::{DeletePlan, PlanTable, PlanTouch};
use crate::model::{Engine, QualifiedName};

use literal::{name, qualified, text};

/// PostgreSQL.
pub(super) struct Postgres;

/// Key of the advisory lock that keeps two runs apart: "unsd".
const ADVISORY_KEY: i32 = crate::snapshot::APPLICATION_ID;

/// Bytes of a name that Postgres keeps; it cuts longer ones without an error.
///
/// Source: PostgreSQL manual, 4.1.1 (NAMEDATALEN - 1).
const NAME_BYTES: usize = 63;

const CLIENT: Client = Client {
    rehearse: "psql -X -d {db} -f {file}",
    apply: "psql -X -d {db} -c \"SET unseed.apply = '{id}'\" -f {file}",
    backup: "pg_dump -Fc -d {db} -f before-unseed.dump",
    after: "VACUUM (ANALYZE) on each table that rows went from",
    waits: (
        "sessions that touch these rows wait until the script ends, others do not",
        "sessions that touch a batch's rows wait until that batch ends, others do not",
    ),
    stale: "Refresh the materialized views that delete.sql listed, and caches that were filled from these tables.",
    drop_archive: "DROP SCHEMA \"{schema}\" CASCADE;",
    notes: &["Run it with -f, never with -c: a server goes on with a string of statements when its client is killed."],
};

impl Dialect for Postgres {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn default_schema(&self) -> &'static str {
        "public"
    }

    fn client(&self) -> &'static Client {
        &CLIENT
    }

    fn left_behind(&self, plan: &DeletePlan) -> String {
        format!("schema {}", left_schema(plan))
    }

    fn prevent(&self, plan: &DeletePlan, bans: &[crate::model::plan::PlanBan]) -> Vec<Script> {
        prevent::scripts(plan, bans)
    }

    fn copy(&self, copies: &[super::Copy<'_>]) -> String {
        copy::statements(copies)
    }

    fn digest(&self, table: &crate::model::Table) -> String {
        copy::digest(table)
    }

    fn explain(&self, plan: &DeletePlan) -> String {
        copy::explain(plan)
    }

    fn render(&self, plan: &DeletePlan) -> Result<Vec<Script>, String> {
        let names = |table: &PlanTable| table.columns.iter().map(|c| c.name.len()).chain([table.name.name.len()]).max();
        if let Some(table) = plan.tables.iter().find(|t| names(t) > Some(NAME_BYTES)) {
            return Err(format!("a name in table {} is longer than Postgres keeps", table.name));
        }
        Ok(vec![
            Script { name: "delete.sql", text: delete::script(plan) },
            Script { name: "undo.sql", text: undo::script(plan) },
            Script { name: "undo-offline.sql", text: offline::script(plan) },
            Script { name: "verify.sql", text: verify::script(plan) },
            Script { name: "apply.psql", text: apply_psql(plan) },
        ])
    }
}

/// Returns the name of the archive of a table: its own where no other planned table has it.
fn archive_name(plan: &DeletePlan, of: &QualifiedName) -> String {
    let names = plan.tables.iter().map(|t| &t.name).chain(plan.touched.iter().map(|t| &t.name));
    let twins = names.filter(|n| n.name == of.name && n.schema != of.schema).count();
    let own = if twins == 0 { of.name.clone() } else { format!("{}.{}", of.schema, of.name) };
    if own.len() <= NAME_BYTES && own != crate::model::plan::LEDGER_TABLE {
        return own;
    }
    format!("archive_{}", &blake3::hash(format!("{}.{}", of.schema, of.name).as_bytes()).to_hex()[..16])
}

/// Returns the schema that an apply leaves behind.
fn left_schema(plan: &DeletePlan) -> String {
    format!("unseed_{}", plan.id.short())
}

/// Returns the qualified name of an archive table, quoted.
fn archive(plan: &DeletePlan, of: &QualifiedName) -> String {
    qualified(&QualifiedName::new(left_schema(plan), archive_name(plan, of)))
}

/// Returns an archive's name as a text that `to_regclass` reads.
fn archive_regclass(plan: &DeletePlan, of: &QualifiedName) -> String {
    literal::regclass(&QualifiedName::new(left_schema(plan), archive_name(plan, of)))
}

/// Returns the quoted name of the table that keeps a touched table's old references.
fn touched_archive(plan: &DeletePlan, index: usize) -> String {
    qualified(&QualifiedName::new(left_schema(plan), format!("unseed_touched_{index}")))
}

/// Returns the qualified name of the ledger, quoted.
fn ledger(plan: &DeletePlan) -> String {
    qualified(&QualifiedName::new(left_schema(plan), crate::model::plan::LEDGER_TABLE))
}

/// Names a table as the target of a statement: without the tables that inherit from it, unless its rows
/// lie in partitions.
fn target(table: &PlanTable) -> String {
    if table.partitions.is_empty() { format!("ONLY {}", qualified(&table.name)) } else { qualified(&table.name) }
}

/// Returns the quoted key column names of a table.
fn keys(table: &PlanTable) -> Vec<String> {
    table.key.iter().map(|c| name(&table.columns[*c].name)).collect()
}

/// Joins two aliases on some columns.
fn on_columns(columns: &[String], left: &str, right: &str) -> String {
    columns.iter().map(|k| format!("{left}.{k} = {right}.{k}")).collect::<Vec<_>>().join(" AND ")
}

/// Joins two aliases on a table's key.
fn on_key(table: &PlanTable, left: &str, right: &str) -> String {
    on_columns(&keys(table), left, right)
}

/// Joins two aliases on a touched table's key.
fn on_touched(touch: &PlanTouch, left: &str, right: &str) -> String {
    let keys: Vec<String> = touch.key.iter().map(|c| name(&touch.columns[*c].name)).collect();
    on_columns(&keys, left, right)
}

/// A guard's refusal: the code, what is wrong, the next step.
fn refuse(code: &str, message: &str) -> String {
    format!("RAISE EXCEPTION USING ERRCODE = 'UN001', MESSAGE = '{code} ' || {message};")
}

fn apply_psql(plan: &DeletePlan) -> String {
    format!(
        "-- Applies the plan with psql, stopping at the first error: psql -X -d DATABASE -f apply.psql\n\
         -- (never with -c: a server goes on with a string of statements when its client is killed)\n\
         \\set ON_ERROR_STOP on\n\
         \\set VERBOSITY verbose\n\
         \\timing on\n\
         SET unseed.apply = {};\n\
         \\ir delete.sql\n",
        text(&plan.id.0)
    )
}

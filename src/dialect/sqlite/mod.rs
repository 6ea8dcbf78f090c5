//! Scripts for SQLite: pure SQL for the `sqlite3` shell or any driver.

mod copy;
mod delete;
mod gate;
mod guards;
mod literal;
mod offline;
mod prevent;
mod undo;
mod verify;

use super::{Client, Dialect, Script, staging, touched_staging};
use crate::model::plan::{ARCHIVE_NUMBER, DeletePlan, LEDGER_TABLE, PlanTable, PlanTouch};
use crate::model::{Column, Engine, QualifiedName};

use literal::name;

/// SQLite.
pub(super) struct Sqlite;

const CLIENT: Client = Client {
    rehearse: "sqlite3 {db} \".read {file}\"",
    apply: "sqlite3 {db} \"CREATE TEMP TABLE unseed_apply AS SELECT '{id}' AS plan_id\" \".read {file}\"",
    backup: "sqlite3 {db} \".backup before-unseed.db\"",
    after: "ANALYZE; VACUUM only where the file must shrink, it rewrites all of it",
    waits: (
        "every other writer of the file waits until the script ends, or gives up after its own busy timeout; readers do not",
        "every other writer of the file waits until a batch ends, or gives up after its own busy timeout; readers do not",
    ),
    stale: "Clear caches that were filled from these tables.",
    drop_archive: "DROP TABLE on each table whose name begins with {schema}",
    notes: &[
        "A rehearsal ends with one error on purpose, \"unseed_undone_see_the_last_line\": SQLite has no other way to undo on a condition.",
        "The whole database is locked against other writers while the script runs.",
    ],
};

impl Dialect for Sqlite {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn default_schema(&self) -> &'static str {
        "main"
    }

    fn client(&self) -> &'static Client {
        &CLIENT
    }

    fn left_behind(&self, plan: &DeletePlan) -> String {
        format!("tables {}..", prefix(plan))
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
        for table in plan.tables.iter().filter(|t| t.key.is_empty()) {
            if rowid(&table.columns).is_none() {
                return Err(format!("table {} has no key, and its columns hide the row's own number", table.name));
            }
        }
        Ok(vec![
            Script { name: "delete.sql", text: delete::script(plan) },
            Script { name: "undo.sql", text: undo::script(plan) },
            Script { name: "undo-offline.sql", text: offline::script(plan) },
            Script { name: "verify.sql", text: verify::script(plan) },
        ])
    }
}

/// Returns the beginning of every name that an apply leaves behind.
fn prefix(plan: &DeletePlan) -> String {
    format!("unseed_{}_", plan.id.short())
}

/// Returns the name of a table's archive, unquoted.
fn archive_name(plan: &DeletePlan, of: &QualifiedName) -> String {
    format!("{}{}", prefix(plan), of.name)
}

/// Returns the quoted name of a table's archive.
fn archive(plan: &DeletePlan, of: &QualifiedName) -> String {
    format!("main.{}", name(&archive_name(plan, of)))
}

/// Returns the quoted name of what keeps a touched table's old references.
fn touched_archive(plan: &DeletePlan, index: usize) -> String {
    format!("main.{}", name(&format!("{}touched.{index}", prefix(plan))))
}

/// Returns the ledger's name, unquoted.
fn ledger_name(plan: &DeletePlan) -> String {
    format!("{}{}", prefix(plan), LEDGER_TABLE.trim_start_matches("unseed_"))
}

/// Returns the quoted name of the ledger.
fn ledger(plan: &DeletePlan) -> String {
    format!("main.{}", name(&ledger_name(plan)))
}

/// Returns a name of the row's own number that no column hides.
fn rowid(columns: &[Column]) -> Option<&'static str> {
    ["_rowid_", "rowid", "oid"].into_iter().find(|n| columns.iter().all(|c| !c.name.eq_ignore_ascii_case(n)))
}

/// Lists quoted column names.
fn names(columns: &[Column], ordinals: &[usize]) -> Vec<String> {
    ordinals.iter().map(|c| name(&columns[*c].name)).collect()
}

/// Joins two aliases on columns.
fn on(columns: &[String], left: &str, right: &str) -> String {
    columns.iter().map(|k| format!("{left}.{k} = {right}.{k}")).collect::<Vec<_>>().join(" AND ")
}

/// Joins two aliases on a table's key.
fn on_key(table: &PlanTable, left: &str, right: &str) -> String {
    on(&names(&table.columns, &table.key), left, right)
}

/// Joins two aliases on a touched table's key.
fn on_touched(touch: &PlanTouch, left: &str, right: &str) -> String {
    on(&names(&touch.columns, &touch.key), left, right)
}

/// Lists some columns of an alias.
fn of(alias: &str, columns: &[String]) -> String {
    columns.iter().map(|c| format!("{alias}.{c}")).collect::<Vec<_>>().join(", ")
}

/// Says that two aliases of a table hold the same row.
fn any_equal(table: &PlanTable, left: &str, right: &str) -> String {
    format!("NOT ({})", guards::any_differs(table, left, right))
}

/// Returns the column that numbers an archive's rows, where the table has no key.
const fn number_column() -> &'static str {
    ARCHIVE_NUMBER
}

/// Returns the affinity that SQLite gives a declared type.
///
/// Source: SQLite documentation, Datatypes, 3.1.
fn affinity(column: &Column) -> &'static str {
    let upper = column.type_text.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|w| upper.contains(w));
    if has(&["INT"]) {
        "INTEGER"
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        "TEXT"
    } else if upper.is_empty() || has(&["BLOB"]) {
        "BLOB"
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        "REAL"
    } else {
        "NUMERIC"
    }
}

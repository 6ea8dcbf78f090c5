//! Scripts for MySQL and MariaDB: one dialect, nothing in it that only one of them reads.

mod copy;
mod delete;
mod gate;
mod guards;
mod ledger;
mod literal;
mod offline;
mod prevent;
mod stage;
mod undo;
mod verify;

use super::{Client, Dialect, Script, staging, touched_staging};
use crate::model::plan::{DeletePlan, LEDGER_TABLE, PlanTable, PlanTouch};
use crate::model::{Column, Engine, QualifiedName};

use literal::name;

/// MySQL and MariaDB.
pub(super) struct Mysql {
    /// Which of the two.
    pub(super) engine: Engine,
}

/// Characters of a name.
///
/// Source: MySQL manual, 9.2.1 (identifier length limits).
const NAME_CHARS: usize = 64;

/// Steps in which rows that refer to each other may be deleted: each is a statement a table.
const MAX_LEVELS: u32 = 5_000;

const MARIADB: Client = Client {
    rehearse: "mariadb --binary-mode {db} < {file}",
    apply: "(echo \"SET @unseed_apply = '{id}';\"; cat {file}) | mariadb --binary-mode {db}",
    backup: "mariadb-dump --single-transaction {db} > before-unseed.sql",
    after: "ANALYZE TABLE on each table that rows went from",
    waits: (
        "sessions that touch these rows wait until the script ends, others do not",
        "sessions that touch a batch's rows wait until that batch ends, others do not",
    ),
    stale: "Clear caches that were filled from these tables.",
    drop_archive: "DROP TABLE on each table whose name begins with {schema}",
    notes: &["DDL commits in this engine: an apply makes its archive tables first; a refusal drops those that it made."],
};

const MYSQL: Client = Client {
    rehearse: "mysql --binary-mode {db} < {file}",
    apply: "(echo \"SET @unseed_apply = '{id}';\"; cat {file}) | mysql --binary-mode {db}",
    backup: "mysqldump --single-transaction {db} > before-unseed.sql",
    ..MARIADB
};

impl Dialect for Mysql {
    fn engine(&self) -> Engine {
        self.engine
    }

    fn default_schema(&self) -> &'static str {
        ""
    }

    fn client(&self) -> &'static Client {
        if self.engine == Engine::Mysql { &MYSQL } else { &MARIADB }
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
        if let Some(circle) = plan.circles.first() {
            return Err(format!(
                "rows refer to each other in a circle that {} cannot delete, because it checks foreign keys row by row and none of these references may be NULL: {circle}",
                self.engine
            ));
        }
        for table in &plan.tables {
            let engine = &table.storage_engine;
            if !engine.is_empty() && !engine.eq_ignore_ascii_case("innodb") {
                return Err(format!("table {} is stored by {engine}, which cannot roll back; convert it to InnoDB", table.name));
            }
            if table.levels() > MAX_LEVELS {
                return Err(format!(
                    "rows of table {} refer to each other in a chain of {} rows; {MAX_LEVELS} are the most",
                    table.name,
                    table.levels()
                ));
            }
            if table.opens.len() > 32 {
                return Err(format!("table {} has too many circles of references", table.name));
            }
        }
        Ok(vec![
            Script { name: "delete.sql", text: delete::script(plan, self) },
            Script { name: "undo.sql", text: undo::script(plan, self) },
            Script { name: "undo-offline.sql", text: offline::script(plan, self) },
            Script { name: "verify.sql", text: verify::script(plan) },
        ])
    }
}

impl Mysql {
    /// Says on which server the dialect was proved.
    const fn proof(&self) -> &'static [&'static str] {
        match self.engine {
            Engine::Mysql => {
                &["Proved on MariaDB 10.11 only: nothing in it is MariaDB's alone, but rehearse it on a copy of your server first."]
            }
            _ => &["Proved on MariaDB 10.11."],
        }
    }
}

/// Returns the beginning of every name that an apply leaves behind.
fn prefix(plan: &DeletePlan) -> String {
    format!("unseed_{}_", plan.id.short())
}

fn fitted(plan: &DeletePlan, own: &str) -> String {
    let full = format!("{}{own}", prefix(plan));
    if full.chars().count() <= NAME_CHARS {
        return full;
    }
    format!("{}{}", prefix(plan), &blake3::hash(own.as_bytes()).to_hex()[..16])
}

/// Returns the name of a table's archive, unquoted.
fn archive_name(plan: &DeletePlan, of: &QualifiedName) -> String {
    fitted(plan, &of.name)
}

/// Returns the quoted name of a table's archive.
fn archive(plan: &DeletePlan, of: &QualifiedName) -> String {
    name(&archive_name(plan, of))
}

/// Returns the name of what keeps a touched table's old references, unquoted.
fn touched_archive_name(plan: &DeletePlan, index: usize) -> String {
    format!("{}touched.{index}", prefix(plan))
}

/// Returns the ledger's name, unquoted.
fn ledger_name(plan: &DeletePlan) -> String {
    format!("{}{}", prefix(plan), LEDGER_TABLE.trim_start_matches("unseed_"))
}

/// Returns the quoted name of the ledger.
fn ledger(plan: &DeletePlan) -> String {
    name(&ledger_name(plan))
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

//! The guards of `delete.sql`: each raises its code where what it asks for does not hold. Here those of the time and
//! place, of what is protected, and of what must remain.

mod catalogue;
mod children;
mod rows;
mod skip;

use super::gate::Gate;
use super::literal::{Kind, bytes, kind, name, table as qualified, text};
use super::staging;
use crate::model::plan::{DeletePlan, PlanProtection};
use crate::model::stamp::Rfc3339;
pub(super) use catalogue::{ME, catalogue, rights, shape};
pub(super) use children::{children, children_again, needs_twin, twin};
pub(super) use rows::{any_differs, differs, joined, rows, touched_rows};
pub(super) use skip::skip;

/// DS010, DS011, DS012, DS013: is this the time and place?
pub(super) fn place(gate: &mut Gate, plan: &DeletePlan, expires: bool) {
    gate.guard("DS010", "another run", "SELECT @unseed_lock <> 1 AS n", "other run is active; wait for it to end", true);
    gate.guard(
        "DS011",
        "a replica",
        "SELECT @@GLOBAL.read_only <> 0 OR @unseed_replica > 0 AS n",
        "replica: this server takes no writes, or follows another; run the script on the primary",
        true,
    );
    let count = "SELECT @unseed_ledger IS NULL OR @unseed_run IS NULL OR @unseed_done IS NULL AS n";
    gate.guard("DS061", "the ledger was read", count, "ledger that could not be read", true);
    let database = &plan.snapshot.database;
    let (count, what) = if database.is_empty() {
        ("SELECT DATABASE() IS NULL AS n".to_owned(), "database is chosen".to_owned())
    } else {
        let count = format!("SELECT NOT (CAST(CONVERT(DATABASE() USING utf8mb4) AS BINARY) <=> CAST({} AS BINARY)) AS n", text(database));
        (count, format!("wrong database: the snapshot is of {database}"))
    };
    gate.guard("DS012", "the wrong database", &count, &what, true);
    if expires {
        // UTC, whatever the session's zone.
        let count = format!("SELECT UNIX_TIMESTAMP() > {} AS n", plan.expires_at / 1_000_000);
        gate.guard(
            "DS013",
            "the plan has expired",
            &count,
            &format!("plan expired at {}; review a new snapshot", Rfc3339(plan.expires_at)),
            true,
        );
    }
}

/// DS050: no planned row is privileged or kept.
pub(super) fn protections(gate: &mut Gate, plan: &DeletePlan) {
    for protection in &plan.protected {
        let (count, what, label) = match protection {
            PlanProtection::Privilege { table, column, values, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let count =
                    format!("SELECT COUNT(*) AS n FROM {} WHERE {}", joined(index, &plan.tables[index]), privileged("t", column, values));
                (count, "planned rows are privileged accounts", table)
            }
            PlanProtection::Keys { table, columns, keys, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let own = &plan.tables[index];
                let part = |c: &String| {
                    let column = &own.columns[own.columns.iter().position(|k| k.name == *c).unwrap_or(0)];
                    if kind(column) == Kind::Binary {
                        format!("CAST(CONCAT(CONVERT(X'5c78' USING utf8mb4), LOWER(HEX(p.{}))) AS BINARY)", name(c))
                    } else {
                        bytes(column, "p")
                    }
                };
                let rows: Vec<String> = keys
                    .iter()
                    .map(|key| {
                        let same: Vec<String> =
                            columns.iter().zip(key).map(|(c, k)| format!("{} = CAST({} AS BINARY)", part(c), text(k))).collect();
                        format!("({})", same.join(" AND "))
                    })
                    .collect();
                // Rows that people keep are few; each is named.
                let sums: Vec<String> = rows.iter().map(|r| format!("COALESCE(SUM({r}), 0)")).collect();
                (
                    format!("SELECT {} AS n FROM {} AS p", sums.join(" + "), staging(index)),
                    "planned rows are protected or kept in review",
                    table,
                )
            }
        };
        gate.guard("DS050", &format!("{label}: no protected row"), &count, &format!("{label}: {what}"), false);
    }
}

fn privileged(alias: &str, column: &str, values: &[String]) -> String {
    let list: Vec<String> = values.iter().map(|v| text(v)).collect();
    format!("LOWER(CONVERT({alias}.{} USING utf8mb4)) IN ({})", name(column), list.join(", "))
}

/// DS051: at least one privileged account remains.
pub(super) fn admin_remains(gate: &mut Gate, plan: &DeletePlan) {
    for protection in &plan.protected {
        let PlanProtection::Privilege { table, column, values, keep_one: true } = protection else { continue };
        let count = format!("SELECT NOT EXISTS (SELECT 1 FROM {} AS t WHERE {}) AS n", qualified(table), privileged("t", column, values));
        gate.guard(
            "DS051",
            &format!("{table}: at least one privileged account remains"),
            &count,
            &format!("{table}: no privileged account would remain"),
            false,
        );
    }
}

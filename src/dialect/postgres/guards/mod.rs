//! The guards of `delete.sql`: each a piece of PL/pgSQL between its marks, that raises its code. Here those of the time
//! and place, of what was applied already, and of what must remain.

mod catalogue;
mod children;
mod rows;
mod skip;

use super::literal::{name, qualified, text};
use super::{ADVISORY_KEY, ledger, on_key, refuse, staging, target};
use crate::dialect::guard;
use crate::model::plan::{DeletePlan, OnDrift, PlanProtection};
use crate::model::stamp::Rfc3339;
pub(super) use catalogue::{Need, catalogue, needs, rights, shape};
pub(super) use children::{children, on_relation};
pub(super) use rows::{rows, touched_rows};
pub(super) use skip::skip;

/// DS010, DS012, DS013: is this the time and place? `expires` is left out where a plan may be undone for ever.
pub(super) fn place(plan: &DeletePlan, expires: bool) -> String {
    let mut out = guard(
        "DS010",
        "another run of a script of unseed",
        &format!(
            "IF NOT pg_try_advisory_xact_lock({ADVISORY_KEY}, 0) THEN\n  {}\nEND IF;",
            refuse("DS010", "'another run is active; wait for it to end'")
        ),
    );
    if !plan.snapshot.database.is_empty() {
        let wanted = text(&plan.snapshot.database);
        let wrong = refuse("DS012", &format!("'this is database ' || current_database() || ', the snapshot is of ' || {wanted}"));
        let body = format!("IF current_database() <> {wanted} THEN\n  {wrong}\nEND IF;");
        out.push_str(&guard("DS012", "the wrong database", &body));
    }
    if expires {
        let at = Rfc3339(plan.expires_at);
        let late = refuse("DS013", &format!("'the plan expired at {at}; review a new snapshot'"));
        let body = format!("IF clock_timestamp() > '{at}'::timestamptz THEN\n  {late}\nEND IF;");
        out.push_str(&guard("DS013", "the plan has expired", &body));
    }
    out
}

/// Reads the ledger: was this part applied already? Its last event counts. DS061 where it was, and rows
/// are there nevertheless.
pub(super) fn already_applied(plan: &DeletePlan) -> String {
    let query = format!(
        "SELECT max(run), (array_agg(event ORDER BY run DESC) FILTER (WHERE batch IN (0, {})))[1] = 'apply' FROM {} WHERE plan_id = $1",
        plan.part.0,
        ledger(plan)
    );
    let mut out = format!(
        "-- Was it applied already? The ledger tells; its last event counts.\n\
         IF to_regclass({quoted}) IS NOT NULL THEN\n  \
           EXECUTE {query} INTO n, applied USING {id};\n  \
           run_no := coalesce(n, 0) + 1;\n  \
           applied := coalesce(applied, false);\n\
         END IF;\n",
        quoted = text(&ledger(plan)),
        query = text(&query),
        id = text(&plan.id.0),
    );
    // Clusters that were skipped are still there, and equal rows of a table without a key may be.
    if plan.on_drift == OnDrift::Skip {
        return out;
    }
    let mut body = String::from("IF applied THEN\n  present := 0;\n");
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
        body.push_str(&format!(
            "  SELECT count(*) INTO n FROM {} AS p JOIN {} AS t ON {};\n  present := present + n;\n",
            staging(index),
            target(table),
            on_key(table, "t", "p")
        ));
    }
    let partly =
        format!("present || ' of {} rows are there although the plan was applied; somebody restored rows or reused keys'", plan.rows());
    body.push_str(&format!("  IF present > 0 THEN\n    {}\n  END IF;\nEND IF;", refuse("DS061", &partly)));
    out.push_str(&guard("DS061", "applied, and rows are there nevertheless", &body));
    out
}

/// DS050: no planned row is privileged or kept.
pub(super) fn protections(plan: &DeletePlan) -> String {
    let mut out = String::new();
    for protection in &plan.protected {
        let (found, what, label) = match protection {
            PlanProtection::Privilege { table, column, values, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let list: Vec<String> = values.iter().map(|v| text(v)).collect();
                let from = format!(
                    "FROM {} AS t JOIN {} AS p ON {}\n  WHERE lower(t.{}::text) IN ({})",
                    target(&plan.tables[index]),
                    staging(index),
                    on_key(&plan.tables[index], "t", "p"),
                    name(column),
                    list.join(", ")
                );
                (from, "planned rows are privileged accounts", table)
            }
            PlanProtection::Keys { table, columns, keys, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let row = |key: &Vec<String>| format!("({})", key.iter().map(|part| text(part)).collect::<Vec<_>>().join(", "));
                let rows: Vec<String> = keys.iter().map(row).collect();
                let parts: Vec<String> = (1..=columns.len()).map(|i| format!("k{i}")).collect();
                let on: Vec<String> = columns.iter().zip(&parts).map(|(c, k)| format!("p.{}::text = k.{k}", name(c))).collect();
                let from = format!(
                    "FROM {} AS p JOIN (VALUES {}) AS k({}) ON {}",
                    staging(index),
                    rows.join(", "),
                    parts.join(", "),
                    on.join(" AND ")
                );
                (from, "planned rows are protected or kept in review", table)
            }
        };
        let refusal = refuse("DS050", &format!("{} || ': ' || n || ' {what}'", text(&label.to_string())));
        let body = format!("SELECT count(*) INTO n {found};\nIF n > 0 THEN\n  {refusal}\nEND IF;");
        out.push_str(&guard("DS050", &format!("{label}: no protected row"), &body));
    }
    out
}

/// DS051, and DS040 again where no foreign key stops new rows.
pub(super) fn after(plan: &DeletePlan) -> String {
    let mut out = String::new();
    for protection in &plan.protected {
        let PlanProtection::Privilege { table, column, values, keep_one: true } = protection else { continue };
        let list: Vec<String> = values.iter().map(|v| text(v)).collect();
        let refusal = refuse("DS051", &format!("{} || ': no privileged account would remain'", text(&table.to_string())));
        let body = format!(
            "IF NOT EXISTS (SELECT 1 FROM {} WHERE lower({}::text) IN ({})) THEN\n  {refusal}\nEND IF;",
            qualified(table),
            name(column),
            list.join(", ")
        );
        out.push_str(&guard("DS051", &format!("{table}: at least one privileged account remains"), &body));
    }
    for relation in plan.relations.iter().filter(|r| !r.is_enforced()) {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let what =
            format!("{} || ': a row that refers to a planned one was inserted while the script ran'", text(&relation.child.to_string()));
        let body = format!(
            "IF EXISTS (SELECT 1 FROM {} AS c JOIN {} AS p ON {}) THEN\n  {}\nEND IF;",
            qualified(&relation.child),
            staging(parent),
            on_relation(relation, "c", "p"),
            refuse("DS040", &what)
        );
        out.push_str(&guard("DS040", &format!("{} again: no foreign key stops new rows", relation.child), &body));
    }
    out
}

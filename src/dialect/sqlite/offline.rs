//! `undo-offline.sql`: restores the planned rows from the snapshot, for when the archive is gone. What has
//! changed in production between the snapshot and the apply is not in it.

use super::delete::{containers, record, state, violations, write_rows};
use super::gate::{Gate, ending, opening};
use super::literal::table as qualified;
use super::undo::{refer_again, restore};
use super::{CLIENT, archive, guards, names, of, on_key, prefix, staging, touched_staging};
use crate::dialect::header;
use crate::model::plan::DeletePlan;

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let left = prefix(plan);
    let mut out = format!(
        "-- Undo script of unseed {}, plan {}, from the snapshot: for when the archive in tables {left}.. is gone.\n\
         -- undo.sql is better while the archive is there: it puts back exactly what was deleted.\n\
         -- Rehearse:  {}\n\
         -- Undo:      {}\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, UNDONE n, ALREADY-UNDONE or REFUSED DSnnn (a refusal changes nothing).\n\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        header::command(CLIENT.rehearse, plan, "undo-offline.sql", &left),
        header::command(CLIENT.apply, plan, "undo-offline.sql", &left),
    );
    out.push_str(&opening());
    let mut gate = Gate::begin();
    gate.push("\n-- The rows as the snapshot holds them.\n");
    for (index, table) in plan.tables.iter().enumerate() {
        let key = names(&table.columns, &table.key);
        write_rows(
            &mut gate,
            &staging(index),
            &table.columns,
            &table.stored(),
            &[("unseed_take", |_, row| row.take.to_string())],
            &table.rows,
            &key,
        );
    }
    for (index, touch) in plan.touched_tables() {
        write_rows(
            &mut gate,
            &touched_staging(index),
            &touch.columns,
            &touch.staged_columns(),
            &[],
            &touch.rows,
            &names(&touch.columns, &touch.key),
        );
    }
    containers(&mut gate, plan);
    let keyed: Vec<usize> = (0..plan.tables.len()).filter(|i| !plan.tables[*i].key.is_empty()).collect();
    let there: Vec<String> = keyed
        .iter()
        .map(|i| {
            let table = &plan.tables[*i];
            format!(
                "(SELECT count(*) FROM temp.{} AS p CROSS JOIN {} AS t ON {})",
                staging(*i),
                qualified(&table.name),
                on_key(table, "t", "p")
            )
        })
        .collect();
    let there = if there.is_empty() { "0".to_owned() } else { there.join(" + ") };
    let expected: usize = keyed.iter().map(|i| plan.tables[*i].count()).sum();
    state(&mut gate, plan, &format!("{there} = {expected} AND {expected} > 0"));
    guards::place(&mut gate, plan, false);
    for table in &plan.tables {
        let count = format!("SELECT count(*) AS n FROM {}", archive(plan, &table.name));
        gate.guard(
            "DS061",
            &format!("{}: no archive is left", table.name),
            &count,
            &format!("rows of {} are in the archive; use undo.sql, which restores exactly what was deleted", table.name),
            true,
        );
    }
    gate.guard(
        "DS070",
        "no key is taken",
        &format!("SELECT {there} AS n"),
        &format!("of {expected} keys are taken: the rows are partly there, or others have their keys"),
        false,
    );
    gate.open();
    gate.push("PRAGMA defer_foreign_keys = ON;\n");
    for (index, table) in plan.tables.iter().enumerate().rev() {
        let columns = of("p", &names(&table.columns, &table.stored()));
        // Equal rows of a table without a key are written as often as they were taken.
        let rows = format!(
            "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {most}) SELECT {columns} FROM temp.{} AS p JOIN c ON c.i <= p.unseed_take, temp.unseed_go",
            staging(index),
            most = table.rows.iter().map(|r| r.take).max().unwrap_or(1),
        );
        restore(&mut gate, table, &rows, &table.count().to_string());
    }
    for (index, touch) in plan.touched_tables() {
        refer_again(&mut gate, touch, &format!("temp.{}", touched_staging(index)));
    }
    violations(&mut gate, plan);
    record(&mut gate, plan, "undo", 0, false);
    out.push_str(&gate.end(plan, 1, "SELECT coalesce(sum(changed), 0) FROM temp.unseed_report"));
    out.push_str(&ending("UNDONE", "ALREADY-UNDONE", 1));
    out
}

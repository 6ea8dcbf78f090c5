//! `undo.sql`: puts the archived rows back and restores references that were set to NULL.

use super::delete::{containers, record, state, violations};
use super::gate::{Gate, ending, opening};
use super::literal::{table as qualified, text};
use super::{CLIENT, archive, guards, ledger, names, of, on_key, on_touched, prefix, touched_archive};
use crate::dialect::{comment, header};
use crate::model::plan::{DeletePlan, PlanTable, PlanTouch};

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let left = prefix(plan);
    let mut out = format!(
        "-- Undo script of unseed {}, plan {}\n\
         -- Puts back what delete.sql archived in tables {left}.., batch or not, and empties the archive.\n\
         -- Rehearse:  {}\n\
         -- Undo:      {}\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, UNDONE n, ALREADY-UNDONE or REFUSED DSnnn (a refusal changes nothing).\n\
         -- Triggers on insert fire as for any row. Where prevent.sql was run, run prevent-undo.sql first. An undo has no expiry.\n\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        header::command(CLIENT.rehearse, plan, "undo.sql", &left),
        header::command(CLIENT.apply, plan, "undo.sql", &left),
    );
    out.push_str(&opening());
    let mut gate = Gate::begin();
    containers(&mut gate, plan);
    let id = text(&plan.id.0);
    let since = format!("coalesce((SELECT max(run) FROM {} WHERE plan_id = {id} AND event = 'undo'), 0)", ledger(plan));
    let applies = format!("(SELECT count(*) FROM {} WHERE plan_id = {id} AND event = 'apply' AND run > {since})", ledger(plan));
    state(&mut gate, plan, &format!("{applies} = 0 AND {since} > 0"));
    guards::place(&mut gate, plan, false);
    let count = format!("SELECT {applies} = 0 AND {since} = 0 AS n");
    gate.guard("DS061", "the plan was applied here", &count, "time: the plan was never applied here, there is nothing to undo", true);
    for table in &plan.tables {
        whole_and_free(&mut gate, plan, table, &since);
    }
    gate.open();
    gate.push("PRAGMA defer_foreign_keys = ON;\n");
    for table in plan.tables.iter().rev() {
        let columns = names(&table.columns, &table.stored());
        let order = if table.key.is_empty() { format!(" ORDER BY a.{}", super::number_column()) } else { String::new() };
        restore(
            &mut gate,
            table,
            &format!("SELECT {} FROM {} AS a, temp.unseed_go{order}", of("a", &columns), archive(plan, &table.name)),
            &format!("(SELECT count(*) FROM {})", archive(plan, &table.name)),
        );
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        refer_again(&mut gate, touch, &touched_archive(plan, index));
    }
    violations(&mut gate, plan);
    let archives = plan.tables.iter().map(|t| archive(plan, &t.name));
    for place in archives.chain((0..plan.touched.len()).map(|i| touched_archive(plan, i))) {
        gate.push(&format!("DELETE FROM {place} WHERE EXISTS (SELECT 1 FROM temp.unseed_go);\n"));
        let count = format!("SELECT count(*) AS n FROM {place}, temp.unseed_go");
        gate.guard("DS060", "the archive is empty", &count, "rows are left in an archive", false);
    }
    record(&mut gate, plan, "undo", 0, false);
    out.push_str(&gate.end(plan, 1, "SELECT coalesce(sum(changed), 0) FROM temp.unseed_report"));
    out.push_str(&ending("UNDONE", "ALREADY-UNDONE", 1));
    out
}

/// DS061, DS070: the archive is whole, and no key is taken.
fn whole_and_free(gate: &mut Gate, plan: &DeletePlan, table: &PlanTable, since: &str) {
    let archived = archive(plan, &table.name);
    let count = format!(
        "SELECT abs((SELECT count(*) FROM {archived}) - coalesce((SELECT sum(archived) FROM {} WHERE plan_id = {} AND event = 'apply' AND run > {since} AND table_name = {}), 0)) AS n",
        ledger(plan),
        text(&plan.id.0),
        text(&table.name.name)
    );
    gate.guard(
        "DS061",
        &format!("{}: the archive is whole", table.name),
        &count,
        &format!("rows of {} are not in the archive as the ledger says; undo-offline.sql restores from the snapshot", table.name),
        false,
    );
    if !table.key.is_empty() {
        let count =
            format!("SELECT count(*) AS n FROM {archived} AS a CROSS JOIN {} AS t ON {}", qualified(&table.name), on_key(table, "t", "a"));
        gate.guard(
            "DS070",
            &format!("{}: no key is taken", table.name),
            &count,
            &format!("keys of {} are taken by other rows", table.name),
            false,
        );
    }
}

/// Puts rows back; a unique value that is taken makes the statement fail, and the count after it.
pub(super) fn restore(gate: &mut Gate, table: &PlanTable, rows: &str, wanted: &str) {
    let (target, shown) = (qualified(&table.name), text(&table.name.to_string()));
    let columns = names(&table.columns, &table.stored()).join(", ");
    gate.push(&format!(
        "-- {}\n\
         INSERT INTO temp.unseed_report SELECT 0, {shown}, {wanted}, 0, (SELECT count(*) FROM {target}), 0 FROM temp.unseed_go;\n\
         INSERT INTO {target} ({columns}) {rows};\n\
         UPDATE temp.unseed_report SET rows_after = (SELECT count(*) FROM {target}), changed = (SELECT count(*) FROM {target}) - rows_before WHERE tbl = {shown};\n",
        comment(&table.name.to_string()),
    ));
    let count = format!("SELECT 1 - count(*) AS n FROM temp.unseed_report WHERE tbl = {shown} AND changed = planned");
    gate.guard(
        "DS070",
        &format!("{}: all rows are back", table.name),
        &count,
        &format!("not all rows of {} could be put back: a unique value is taken by now", table.name),
        false,
    );
}

/// Restores the references of surviving rows from a place that holds their keys and old values.
pub(super) fn refer_again(gate: &mut Gate, touch: &PlanTouch, place: &str) {
    let keys = names(&touch.columns, &touch.key);
    let set: Vec<String> = names(&touch.columns, &touch.set_null)
        .into_iter()
        .map(|c| format!("{c} = (SELECT a.{c} FROM {place} AS a WHERE {})", super::on(&keys, &qualified(&touch.name), "a")))
        .collect();
    let null: Vec<String> = names(&touch.columns, &touch.set_null).into_iter().map(|c| format!("{c} IS NULL")).collect();
    let off: Vec<String> = names(&touch.columns, &touch.set_null).into_iter().map(|c| format!("t.{c} IS a.{c}")).collect();
    gate.push(&format!(
        "-- {}: references\nUPDATE {} SET {} WHERE {} AND ({}) IN (SELECT {} FROM {place} AS a, temp.unseed_go);\n",
        comment(&touch.name.to_string()),
        qualified(&touch.name),
        set.join(", "),
        null.join(" AND "),
        keys.join(", "),
        of("a", &keys),
    ));
    let count = format!(
        "SELECT count(*) AS n FROM {place} AS a WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {} AND {})",
        qualified(&touch.name),
        on_touched(touch, "t", "a"),
        off.join(" AND ")
    );
    gate.guard(
        "DS060",
        &format!("{}: all references are back", touch.name),
        &count,
        &format!("references of {} could not be restored; the rows are gone or refer elsewhere by now", touch.name),
        false,
    );
}

//! `delete.sql`: stage, check, archive, delete, count; all in one transaction (or one a batch), and undone
//! unless the token is set.

use std::fmt::Write as _;

use super::gate::{Gate, ending, opening};
use super::literal::{name, table as qualified, text, value};
use super::{
    CLIENT, affinity, any_equal, archive, archive_name, guards, ledger, names, of, on_key, on_touched, prefix, rowid, staging,
    touched_archive, touched_staging,
};
use crate::dialect::{Extra, comment, extras, header, touch_extras};
use crate::model::plan::{DeletePlan, LEDGER_COLUMNS, PlanRow, PlanTable, PlanTouch};

/// Rows in one INSERT of the staging.
const ROWS_PER_INSERT: usize = 500;

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let parts = plan.parts();
    let mut out = header::delete(plan, &CLIENT, &format!("tables {}..", prefix(plan)), &[]);
    out.push_str(&opening());
    for part in &parts {
        if part.part.1 > 1 {
            let _ = writeln!(out, "\n-- Batch {} of {}: {} rows", part.part.0, part.part.1, part.rows());
        }
        out.push_str(&transaction(part));
    }
    out.push_str(&ending("APPLIED", "ALREADY-APPLIED", parts.len() as u32));
    out
}

fn transaction(plan: &DeletePlan) -> String {
    let mut gate = Gate::begin();
    gate.push("\n-- 1. The plan: every row by key, with the values that were reviewed.\n");
    for (index, table) in plan.tables.iter().enumerate() {
        stage(&mut gate, plan, index, table);
    }
    for (index, touch) in plan.touched_tables() {
        stage_touched(&mut gate, plan, index, touch);
    }
    if plan.skips() {
        gate.push("CREATE TEMP TABLE unseed_drift (cluster INTEGER, code TEXT, tbl TEXT, key TEXT);\n");
        gate.temp("unseed_drift");
    }
    containers(&mut gate, plan);
    let last = "'apply'";
    state(
        &mut gate,
        plan,
        &format!(
            "coalesce((SELECT event = {last} FROM {} WHERE plan_id = {} AND batch IN (0, {}) ORDER BY run DESC LIMIT 1), 0)",
            ledger(plan),
            text(&plan.id.0),
            plan.part.0
        ),
    );
    gate.push("\n-- 2. Guards.\n");
    guards::place(&mut gate, plan, true);
    for table in &plan.tables {
        guards::shape(&mut gate, table);
    }
    guards::catalogue(&mut gate, plan);
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| t.key.is_empty()) {
        find_keyless(&mut gate, index, table);
    }
    if plan.skips() {
        guards::skip(&mut gate, plan);
    } else {
        applied_and_there(&mut gate, plan);
        guards::protections(&mut gate, plan);
        for (index, table) in plan.tables.iter().enumerate() {
            guards::rows(&mut gate, plan, index, table);
        }
        for (index, touch) in plan.touched_tables() {
            guards::touched_rows(&mut gate, index, touch);
        }
        guards::children(&mut gate, plan);
    }
    gate.open();
    gate.push("\n-- 3. Archive, delete, count. Foreign keys are checked at the end, so that rows may refer to each other.\n");
    gate.push("PRAGMA defer_foreign_keys = ON;\n");
    for (index, touch) in plan.touched_tables() {
        touch_step(&mut gate, plan, index, touch);
    }
    for (index, table) in plan.tables.iter().enumerate() {
        archive_step(&mut gate, plan, index, table);
    }
    for (index, table) in plan.tables.iter().enumerate() {
        delete_step(&mut gate, index, table);
    }
    for (index, table) in plan.tables.iter().enumerate() {
        count_step(&mut gate, plan, index, table);
    }
    guards::admin_remains(&mut gate, plan);
    violations(&mut gate, plan);
    record(&mut gate, plan, "apply", plan.part.0, true);
    gate.end(plan, plan.part.0, "SELECT coalesce(sum(changed), 0) FROM temp.unseed_report")
}

fn stage(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let extras = extras(plan, table);
    gate.push(&format!("\n-- {}: {} rows\n", comment(&table.name.to_string()), table.count()));
    let key = if table.key.is_empty() { vec!["unseed_no".to_owned()] } else { names(&table.columns, &table.key) };
    write_rows(gate, &staging(index), &table.columns, &table.reviewed, &extras, &table.rows, &key);
}

fn stage_touched(gate: &mut Gate, plan: &DeletePlan, index: usize, touch: &PlanTouch) {
    gate.push(&format!("\n-- {}: {} surviving rows lose a reference\n", comment(&touch.name.to_string()), touch.rows.len()));
    let key = names(&touch.columns, &touch.key);
    write_rows(gate, &touched_staging(index), &touch.columns, &touch.staged_columns(), &touch_extras(plan), &touch.rows, &key);
}

/// Makes and fills a staging.
pub(super) fn write_rows(
    gate: &mut Gate,
    place: &str,
    columns: &[crate::model::Column],
    ordinals: &[usize],
    extras: &[Extra],
    rows: &[PlanRow],
    key: &[String],
) {
    gate.temp(place);
    let typed = ordinals.iter().map(|c| format!("{} {}", name(&columns[*c].name), affinity(&columns[*c])));
    let all: Vec<String> = extras.iter().map(|e| format!("{} INTEGER", e.0)).chain(typed).collect();
    let mut out = format!("CREATE TEMP TABLE {place} ({});\n", all.join(", "));
    for (chunk, part) in rows.chunks(ROWS_PER_INSERT).enumerate() {
        let _ = writeln!(out, "INSERT INTO temp.{place} VALUES");
        for (at, row) in part.iter().enumerate() {
            let own = ordinals.iter().map(|c| value(&row.values[*c]));
            let cells: Vec<String> = extras.iter().map(|e| e.1(chunk * ROWS_PER_INSERT + at + 1, row)).chain(own).collect();
            let _ = writeln!(out, "  ({}){}", cells.join(", "), if at + 1 == part.len() { ";" } else { "," });
        }
    }
    if !key.is_empty() {
        let _ = writeln!(out, "CREATE INDEX temp.{place}_key ON {place} ({});", key.join(", "));
    }
    gate.push(&out);
}

/// Makes what an apply leaves behind; a rehearsal undoes it.
pub(super) fn containers(gate: &mut Gate, plan: &DeletePlan) {
    let integer = ["run", "batch", "rows_before", "rows_changed", "rows_after", "archived"];
    let columns: Vec<String> =
        LEDGER_COLUMNS.iter().map(|c| format!("CAST(NULL AS {}) AS {c}", if integer.contains(c) { "INTEGER" } else { "TEXT" })).collect();
    gate.push(&format!(
        "\n-- Ledger and archives; a rehearsal undoes these too.\nCREATE TABLE IF NOT EXISTS {} AS SELECT {} FROM temp.unseed_in WHERE 0;\n",
        ledger(plan),
        columns.join(", ")
    ));
    for table in &plan.tables {
        let all: Vec<usize> = (0..table.columns.len()).collect();
        let number = if table.key.is_empty() { format!("CAST(NULL AS INTEGER) AS {}, ", super::number_column()) } else { String::new() };
        gate.push(&format!(
            "CREATE TABLE IF NOT EXISTS {} AS SELECT {number}{} FROM {} AS t, temp.unseed_in WHERE 0;\n",
            archive(plan, &table.name),
            of("t", &names(&table.columns, &all)),
            qualified(&table.name)
        ));
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        gate.push(&format!(
            "CREATE TABLE IF NOT EXISTS {} AS SELECT {} FROM {} AS t, temp.unseed_in WHERE 0;\n",
            touched_archive(plan, index),
            of("t", &names(&touch.columns, &touch.staged_columns())),
            qualified(&touch.name)
        ));
    }
}

/// Remembers whether there is anything to do, and how many foreign keys are violated before.
pub(super) fn state(gate: &mut Gate, plan: &DeletePlan, done: &str) {
    gate.push(&format!(
        "CREATE TEMP TABLE unseed_state AS SELECT {done} AS done,\n  \
           coalesce((SELECT max(run) FROM {ledger} WHERE plan_id = {id}), 0) + 1 AS run, {violated} AS violated,\n  \
           strftime('%Y-%m-%d %H:%M:%f', 'now') AS started FROM temp.unseed_in;\n",
        ledger = ledger(plan),
        id = text(&plan.id.0),
        violated = violated(plan),
    ));
}

/// Counts violations of the foreign keys that point at planned tables or lie in them.
fn violated(plan: &DeletePlan) -> String {
    let mut children: Vec<&str> = plan.relations.iter().filter(|r| r.is_enforced()).map(|r| r.child.name.as_str()).collect();
    children.extend(plan.tables.iter().map(|t| t.name.name.as_str()));
    children.sort_unstable();
    children.dedup();
    let counts: Vec<String> = children.iter().map(|c| format!("(SELECT count(*) FROM pragma_foreign_key_check({}))", text(c))).collect();
    if counts.is_empty() { "0".to_owned() } else { counts.join(" + ") }
}

/// DS060: the deletes and the restored rows leave no reference that refers to nothing.
pub(super) fn violations(gate: &mut Gate, plan: &DeletePlan) {
    let count = format!("SELECT max(0, {} - (SELECT violated FROM temp.unseed_state)) AS n", violated(plan));
    gate.guard("DS060", "every foreign key still refers to a row", &count, "foreign keys would refer to nothing", false);
}

/// DS061: applied, and rows are there nevertheless.
fn applied_and_there(gate: &mut Gate, plan: &DeletePlan) {
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
        let count = format!(
            "SELECT (SELECT done FROM temp.unseed_state) * (SELECT count(*) FROM temp.{} AS p CROSS JOIN {} AS t ON {}) AS n",
            staging(index),
            qualified(&table.name),
            on_key(table, "t", "p")
        );
        let what = format!("planned rows of {} are there although the plan was applied; somebody restored rows or reused keys", table.name);
        gate.guard("DS061", &format!("{}: applied, and rows are there nevertheless", table.name), &count, &what, true);
    }
}

/// Finds every row that equals a planned one in all columns. A row's own number is good only for now.
fn find_keyless(gate: &mut Gate, index: usize, table: &PlanTable) {
    let number = rowid(&table.columns).unwrap_or("rowid");
    let place = format!("unseed_found_{index}");
    gate.temp(&place);
    gate.push(&format!(
        "CREATE TEMP TABLE {place} AS SELECT p.unseed_no, t.{number} AS r, row_number() OVER (PARTITION BY p.unseed_no ORDER BY t.{number}) AS place\n  \
           FROM temp.{} AS p CROSS JOIN {} AS t ON {};\n",
        staging(index),
        qualified(&table.name),
        any_equal(table, "t", "p"),
    ));
}

fn touch_step(gate: &mut Gate, plan: &DeletePlan, index: usize, touch: &PlanTouch) {
    let (staged, archived) = (touched_staging(index), touched_archive(plan, index));
    let columns = names(&touch.columns, &touch.staged_columns());
    let set: Vec<String> = names(&touch.columns, &touch.set_null).into_iter().map(|c| format!("{c} = NULL")).collect();
    let keys = names(&touch.columns, &touch.key);
    let left: Vec<String> = names(&touch.columns, &touch.set_null).into_iter().map(|c| format!("t.{c} IS NOT NULL")).collect();
    gate.push(&format!(
        "-- {}: surviving rows lose their reference\n\
         INSERT INTO {archived} SELECT {} FROM temp.{staged} AS p, temp.unseed_go;\n\
         UPDATE {} SET {} WHERE ({}) IN (SELECT {} FROM temp.{staged} AS p, temp.unseed_go);\n",
        comment(&touch.name.to_string()),
        of("p", &columns),
        qualified(&touch.name),
        set.join(", "),
        keys.join(", "),
        of("p", &keys),
    ));
    let count = format!(
        "SELECT count(*) AS n FROM temp.{staged} AS p CROSS JOIN {} AS t ON {} WHERE {}",
        qualified(&touch.name),
        on_touched(touch, "t", "p"),
        left.join(" OR ")
    );
    gate.guard(
        "DS060",
        &format!("{}: every reference is NULL", touch.name),
        &count,
        &format!("references of {} are still there", touch.name),
        false,
    );
    let same: Vec<String> = columns.iter().map(|c| format!("a.{c} IS p.{c}")).collect();
    let count = format!(
        "SELECT count(*) AS n FROM temp.{staged} AS p, temp.unseed_go WHERE NOT EXISTS (SELECT 1 FROM {archived} AS a WHERE {})",
        same.join(" AND ")
    );
    gate.guard(
        "DS060",
        &format!("{}: every reference is archived", touch.name),
        &count,
        &format!("references of {} are not in the archive", touch.name),
        false,
    );
}

/// The rows of a table that the plan names, as `FROM` clause over `t`.
fn planned_rows(index: usize, table: &PlanTable) -> String {
    let target = qualified(&table.name);
    if table.key.is_empty() {
        let number = rowid(&table.columns).unwrap_or("rowid");
        return format!(
            "temp.unseed_found_{index} AS f JOIN temp.{} AS p USING (unseed_no) CROSS JOIN {target} AS t ON t.{number} = f.r AND f.place <= p.unseed_take, temp.unseed_go",
            staging(index)
        );
    }
    format!("temp.{} AS p CROSS JOIN {target} AS t ON {}, temp.unseed_go", staging(index), on_key(table, "t", "p"))
}

fn archive_step(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let all = names(&table.columns, &(0..table.columns.len()).collect::<Vec<_>>());
    let number = if table.key.is_empty() { "row_number() OVER (), " } else { "" };
    gate.push(&format!(
        "-- {label}\n\
         INSERT INTO temp.unseed_report SELECT {part}, {shown}, {planned}, 0, (SELECT count(*) FROM {target}), 0 FROM temp.unseed_go;\n\
         INSERT INTO {archive} SELECT {number}{columns} FROM {rows};\n",
        label = comment(&table.name.to_string()),
        part = plan.part.0,
        shown = text(&table.name.to_string()),
        planned = wanted(plan, index, table),
        target = qualified(&table.name),
        archive = archive(plan, &table.name),
        columns = of("t", &all),
        rows = planned_rows(index, table),
    ));
}

/// How many rows a staging holds: those planned, less those skipped.
fn wanted(plan: &DeletePlan, index: usize, table: &PlanTable) -> String {
    if !plan.skips() {
        return table.count().to_string();
    }
    let sum = if table.key.is_empty() { "coalesce(sum(unseed_take), 0)" } else { "count(*)" };
    format!("(SELECT {sum} FROM temp.{})", staging(index))
}

fn delete_step(gate: &mut Gate, index: usize, table: &PlanTable) {
    let which =
        if table.key.is_empty() { vec![rowid(&table.columns).unwrap_or("rowid").to_owned()] } else { names(&table.columns, &table.key) };
    gate.push(&format!(
        "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {});\n",
        qualified(&table.name),
        which.join(", "),
        of("t", &which),
        planned_rows(index, table)
    ));
}

fn count_step(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let shown = text(&table.name.to_string());
    let target = qualified(&table.name);
    gate.push(&format!(
        "UPDATE temp.unseed_report SET rows_after = (SELECT count(*) FROM {target}), changed = rows_before - (SELECT count(*) FROM {target}) WHERE tbl = {shown};\n"
    ));
    let count = format!("SELECT 1 - count(*) AS n FROM temp.unseed_report WHERE tbl = {shown} AND changed = planned");
    gate.guard(
        "DS060",
        &format!("{}: all planned rows went, and no other", table.name),
        &count,
        &format!("wrong counts: rows of {}", table.name),
        false,
    );
    if !table.key.is_empty() {
        let count = format!(
            "SELECT count(*) AS n FROM temp.{} AS p CROSS JOIN {target} AS t ON {} WHERE EXISTS (SELECT 1 FROM temp.unseed_go)",
            staging(index),
            on_key(table, "t", "p")
        );
        gate.guard(
            "DS060",
            &format!("{}: none is there", table.name),
            &count,
            &format!("planned rows of {} are still there after the delete", table.name),
            false,
        );
    }
    let count = format!(
        "SELECT count(*) AS n FROM temp.unseed_report AS r WHERE r.tbl = {shown} AND r.planned > (SELECT count(*) FROM {})",
        archive(plan, &table.name)
    );
    gate.guard("DS060", &format!("{}: all are archived", table.name), &count, &format!("archive of {} is not whole", table.name), false);
}

/// Writes the ledger's rows.
pub(super) fn record(gate: &mut Gate, plan: &DeletePlan, event: &str, batch: u32, archived: bool) {
    for table in &plan.tables {
        gate.push(&format!(
            "INSERT INTO {} SELECT {}, s.run, {batch}, '{event}', 'main', {}, {}, r.rows_before, r.changed, r.rows_after, {}, s.started, strftime('%Y-%m-%d %H:%M:%f', 'now'), ''\n  \
               FROM temp.unseed_report AS r, temp.unseed_state AS s, temp.unseed_go WHERE r.tbl = {};\n",
            ledger(plan),
            text(&plan.id.0),
            text(&table.name.name),
            text(&archive_name(plan, &table.name)),
            if archived { "r.changed" } else { "0" },
            text(&table.name.to_string()),
        ));
    }
    let count = format!(
        "SELECT {} - (SELECT count(*) FROM {} AS l, temp.unseed_state AS s WHERE l.plan_id = {} AND l.run = s.run AND l.batch = {batch} AND l.event = '{event}') AS n",
        plan.tables.len(),
        ledger(plan),
        text(&plan.id.0)
    );
    gate.guard("DS060", "the ledger is written", &count, "rows of the ledger are missing", false);
}

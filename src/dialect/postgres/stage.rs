//! The plan as rows: temporary tables that exist in their transaction only, so that nothing behind them
//! can run without it.

use std::fmt::Write as _;

use super::columns::{Staged, staged};
use super::literal::{name, staged_type};
use super::{keys, staging, target, touched_staging};
use crate::dialect::{Extra, comment, extras, touch_extras};
use crate::model::plan::{DeletePlan, PlanRow, PlanTable, PlanTouch};

/// Rows in one INSERT of the staging: short enough for any client, long enough to be fast.
const ROWS_PER_INSERT: usize = 500;

/// Stages a part of the plan.
pub(super) fn stage(out: &mut String, plan: &DeletePlan) {
    for (index, table) in plan.tables.iter().enumerate() {
        planned(out, plan, index, table);
    }
    for (index, touch) in plan.touched_tables() {
        touched(out, plan, index, touch);
    }
    if plan.skips() {
        out.push_str(
            "\n-- Rows that changed since review, with the cluster that they belong to.\n\
             CREATE TEMP TABLE unseed_drift (cluster integer, code text, \"table\" text, key text) ON COMMIT DROP;\n",
        );
    }
}

fn planned(out: &mut String, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let extras = extras(plan, table);
    let _ = writeln!(out, "\n-- {}: {} rows", comment(&table.name.to_string()), table.count());
    let columns = staged(&table.columns, &table.reviewed, &table.rows, table.declared);
    let place = staging(index);
    create(out, &place, &target(table), &table.columns, &columns, &extras, table.declared);
    insert(out, &place, &table.columns, &columns, &extras, &table.rows);
    let key = if table.key.is_empty() { "unseed_no".to_owned() } else { keys(table).join(", ") };
    let _ = writeln!(out, "ALTER TABLE {place} ADD PRIMARY KEY ({key});\nANALYZE {place};");
    if table.declared {
        // The declared types side by side with production's, down to length and scale.
        let all: Vec<String> = table.columns.iter().map(|c| format!("{} {}", name(&c.name), staged_type(c))).collect();
        let _ = writeln!(out, "CREATE TEMP TABLE unseed_shape_{index} ({}) ON COMMIT DROP;", all.join(", "));
    }
}

/// Returns how the staged columns of a touched table are compared.
pub(super) fn touched_staged(touch: &PlanTouch) -> Vec<Staged> {
    staged(&touch.columns, &touch.staged_columns(), &[], false)
}

fn touched(out: &mut String, plan: &DeletePlan, index: usize, touch: &PlanTouch) {
    let extras = touch_extras(plan);
    let _ = writeln!(out, "\n-- {}: {} surviving rows lose a reference", comment(&touch.name.to_string()), touch.rows.len());
    let declared = touch.columns.iter().all(|c| !c.type_text.is_empty());
    let columns = touched_staged(touch);
    let place = touched_staging(index);
    create(out, &place, &super::literal::qualified(&touch.name), &touch.columns, &columns, &extras, declared);
    insert(out, &place, &touch.columns, &columns, &extras, &touch.rows);
}

fn create(
    out: &mut String,
    place: &str,
    target: &str,
    columns: &[crate::model::Column],
    staged: &[Staged],
    extras: &[Extra],
    declared: bool,
) {
    let extra = |glue: &str| extras.iter().map(|e| format!("{glue}{} integer", e.0)).collect::<Vec<_>>();
    if declared {
        let mut typed = extra("");
        typed.extend(staged.iter().map(|s| format!("{} {}", name(&columns[s.column].name), s.type_of(columns))));
        let _ = writeln!(out, "CREATE TEMP TABLE {place} ({}) ON COMMIT DROP;", typed.join(", "));
        return;
    }
    // An export without types takes production's.
    let names: Vec<String> = staged.iter().map(|s| name(&columns[s.column].name)).collect();
    let nulls: Vec<String> = extras.iter().map(|e| format!("NULL::integer AS {}", e.0)).chain(names).collect();
    let _ = writeln!(out, "CREATE TEMP TABLE {place} ON COMMIT DROP AS SELECT {} FROM {target} WITH NO DATA;", nulls.join(", "));
}

fn insert(out: &mut String, place: &str, columns: &[crate::model::Column], staged: &[Staged], extras: &[Extra], rows: &[PlanRow]) {
    let names: Vec<String> = extras.iter().map(|e| e.0.to_owned()).chain(staged.iter().map(|s| name(&columns[s.column].name))).collect();
    for (chunk, part) in rows.chunks(ROWS_PER_INSERT).enumerate() {
        let _ = writeln!(out, "INSERT INTO {place} ({}) VALUES", names.join(", "));
        for (index, row) in part.iter().enumerate() {
            let ordinal = chunk * ROWS_PER_INSERT + index + 1;
            let own = staged.iter().map(|s| s.literal(columns, row));
            let cells: Vec<String> = extras.iter().map(|e| e.1(ordinal, row)).chain(own).collect();
            let end = if index + 1 == part.len() { ";" } else { "," };
            let _ = writeln!(out, "  ({}){end}", cells.join(", "));
        }
    }
}

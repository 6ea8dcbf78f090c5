//! Rows: there, and with the values that were reviewed.

use super::super::gate::Gate;
use super::super::literal::{Kind, bytes, kind, name, table as qualified};
use super::super::{names, of, on_key, on_touched, staging, touched_staging};
use crate::dialect::is_wide;
use crate::model::Column;
use crate::model::plan::{DeletePlan, PlanRow, PlanTable, PlanTouch};

/// Says that production's value in `left` is not the staged one in `right`: byte for byte, NULL as a value.
pub(in crate::dialect::mysql) fn differs(columns: &[Column], rows: &[PlanRow], column: usize, left: &str, right: &str) -> String {
    let own = &columns[column];
    let c = name(&own.name);
    if is_wide(rows, column) && kind(own) != Kind::Typed {
        return format!("NOT (UNHEX(SHA2({}, 256)) <=> {right}.{c})", bytes(own, left));
    }
    match kind(own) {
        Kind::Text => format!("NOT ({} <=> {})", bytes(own, left), bytes(own, right)),
        Kind::Binary | Kind::Typed => format!("NOT ({left}.{c} <=> {right}.{c})"),
    }
}

/// Says that some reviewed column differs.
pub(in crate::dialect::mysql) fn any_differs(table: &PlanTable, left: &str, right: &str) -> String {
    let terms: Vec<String> = table.reviewed.iter().map(|c| differs(&table.columns, &table.rows, *c, left, right)).collect();
    if terms.is_empty() { "FALSE".to_owned() } else { terms.join("\n    OR ") }
}

/// The rows of a table that are not as they were reviewed, by code: condition over `p` (staged) and `t`.
pub(super) fn drifts(plan: &DeletePlan, table: &PlanTable) -> Vec<(&'static str, &'static str, String)> {
    let mut found = Vec::new();
    let others: Vec<String> =
        table.reviewed.iter().filter(|c| !table.key.contains(c)).map(|c| differs(&table.columns, &table.rows, *c, "t", "p")).collect();
    if others.len() >= 2 {
        found.push(("DS022", "keys now name other rows; take a new snapshot", others.join("\n    AND ")));
    }
    let active: Vec<String> = table
        .activity
        .iter()
        .map(|c| {
            let column = name(&table.columns[*c].name);
            format!("({} AND t.{column} IS NOT NULL)", differs(&table.columns, &table.rows, *c, "t", "p"))
        })
        .collect();
    if !active.is_empty() && plan.snapshot.taken_at.micros().is_some() {
        found.push((
            "DS041",
            "planned rows were active since the snapshot; somebody may use them: take a new snapshot",
            active.join(" OR "),
        ));
    }
    found.push(("DS020", "planned rows have changed since review; take a new snapshot", any_differs(table, "t", "p")));
    found
}

/// How many rows equal a staged one of a table without a key.
pub(in crate::dialect::mysql) fn equal_rows(table: &PlanTable) -> String {
    format!("(SELECT COUNT(*) FROM {} AS t WHERE NOT ({}))", qualified(&table.name), any_differs(table, "t", "p"))
}

/// DS020, DS021, DS022, DS041: every planned row is still the row that was reviewed.
pub(in crate::dialect::mysql) fn rows(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let staged = staging(index);
    if table.key.is_empty() {
        let count = |than: &str| format!("SELECT COUNT(*) AS n FROM {staged} AS p WHERE {} {than} p.unseed_of", equal_rows(table));
        gate.guard(
            "DS021",
            &format!("{}: every planned row is there", table.name),
            &count("<"),
            &format!("planned rows of {} are fewer than were reviewed; take a new snapshot", table.name),
            false,
        );
        gate.guard(
            "DS060",
            &format!("{}: and no equal one came", table.name),
            &count(">"),
            &format!("planned rows of {} are more than were reviewed; take a new snapshot", table.name),
            false,
        );
        return;
    }
    let count = format!(
        "SELECT COUNT(*) AS n FROM {staged} AS p LEFT JOIN {} AS t ON {} WHERE {} IS NULL",
        qualified(&table.name),
        on_key(table, "t", "p"),
        of("t", &names(&table.columns, &table.key[..1])),
    );
    gate.guard(
        "DS021",
        &format!("{}: every planned row is there", table.name),
        &count,
        &format!("planned rows of {} are not there; take a new snapshot", table.name),
        false,
    );
    for (code, what, condition) in drifts(plan, table) {
        let count = format!("SELECT COUNT(*) AS n FROM {} WHERE {condition}", joined(index, table));
        gate.guard(
            code,
            &format!("{}: {}", table.name, crate::dialect::codes::title(code)),
            &count,
            &format!("{}: {what}", table.name),
            false,
        );
    }
}

/// Staged rows beside production's.
pub(in crate::dialect::mysql) fn joined(index: usize, table: &PlanTable) -> String {
    format!("{} AS p STRAIGHT_JOIN {} AS t ON {}", staging(index), qualified(&table.name), on_key(table, "t", "p"))
}

/// DS020 for surviving rows: they still refer to what the snapshot says.
pub(in crate::dialect::mysql) fn touched_rows(gate: &mut Gate, index: usize, touch: &PlanTouch) {
    let count = format!("SELECT COUNT(*) AS n FROM {} AS p WHERE {}", touched_staging(index), touch_drifted(touch));
    gate.guard(
        "DS020",
        &format!("{}: surviving rows", touch.name),
        &count,
        &format!("surviving rows of {} refer to something else by now; take a new snapshot", touch.name),
        false,
    );
}

pub(super) fn touch_drifted(touch: &PlanTouch) -> String {
    let same: Vec<String> = touch.staged_columns().iter().map(|c| format!("NOT {}", differs(&touch.columns, &[], *c, "t", "p"))).collect();
    format!("NOT EXISTS (SELECT 1 FROM {} AS t WHERE {} AND {})", qualified(&touch.name), on_touched(touch, "t", "p"), same.join(" AND "))
}

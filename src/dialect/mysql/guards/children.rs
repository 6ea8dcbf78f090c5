//! Children that no plan knows of.

use super::super::gate::Gate;
use super::super::literal::{name, table as qualified, text};
use super::super::{on_key, on_touched, staging, touched_staging};
use super::rows::any_differs;
use crate::model::plan::{DeletePlan, PlanRelation};

/// Compares child and parent of a relation.
pub(in crate::dialect::mysql) fn on_relation(relation: &PlanRelation, child: &str, parent: &str) -> String {
    let plain = relation.same_types || relation.is_enforced();
    let side = |alias: &str, column: &str| {
        if plain { format!("{alias}.{}", name(column)) } else { format!("CAST(CONVERT({alias}.{} USING utf8mb4) AS BINARY)", name(column)) }
    };
    let mut terms: Vec<String> = relation
        .child_columns
        .iter()
        .zip(&relation.parent_columns)
        .map(|(c, p)| format!("{} = {}", side(child, c), side(parent, p)))
        .collect();
    terms.extend(
        relation
            .only
            .iter()
            .map(|o| format!("CAST(CONVERT({child}.{} USING utf8mb4) AS BINARY) = CAST({} AS BINARY)", name(&o.column), text(&o.value))),
    );
    terms.join(" AND ")
}

/// Tables whose rows are compared with themselves have a second staging of their keys.
pub(in crate::dialect::mysql) fn twin(index: usize) -> String {
    format!("unseed_twin_{index}")
}

/// Says whether some relation leads from a table to itself.
pub(in crate::dialect::mysql) fn needs_twin(plan: &DeletePlan, index: usize) -> bool {
    plan.relations.iter().any(|r| plan.table_named(&r.parent) == Some(index) && plan.table_named(&r.child) == Some(index))
}

/// Child rows of a relation that no part of the plan knows.
pub(super) fn unknown_children(plan: &DeletePlan, relation: &PlanRelation, parent: usize) -> String {
    let mut known = String::new();
    if let Some(child) = plan.table_named(&relation.child) {
        let table = &plan.tables[child];
        if table.key.is_empty() {
            // Every copy of a planned row goes or was counted: what equals one is known.
            known.push_str(&format!(
                " AND NOT EXISTS (SELECT 1 FROM {} AS q WHERE NOT ({}))",
                staging(child),
                any_differs(table, "c", "q")
            ));
        } else {
            let place = if child == parent { twin(child) } else { staging(child) };
            known.push_str(&format!(" AND NOT EXISTS (SELECT 1 FROM {place} AS q WHERE {})", on_key(table, "c", "q")));
        }
    }
    for (index, touch) in plan.touched.iter().enumerate().filter(|(_, t)| t.name == relation.child && !t.rows.is_empty()) {
        let columns: Vec<&String> = touch.set_null.iter().map(|c| &touch.columns[*c].name).collect();
        if columns.iter().copied().eq(&relation.child_columns) {
            known.push_str(&format!(
                " AND NOT EXISTS (SELECT 1 FROM {} AS q WHERE {})",
                touched_staging(index),
                on_touched(touch, "c", "q")
            ));
        }
    }
    format!(
        "{} AS p STRAIGHT_JOIN {} AS c ON {} WHERE TRUE{known}",
        staging(parent),
        qualified(&relation.child),
        on_relation(relation, "c", "p")
    )
}

/// DS040: no row that was not reviewed refers to a planned one.
pub(in crate::dialect::mysql) fn children(gate: &mut Gate, plan: &DeletePlan) {
    for relation in &plan.relations {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let label = format!("{} ({}) -> {}", relation.child, relation.child_columns.join(", "), relation.parent);
        let count = format!("SELECT COUNT(*) AS n FROM {}", unknown_children(plan, relation, parent));
        let what =
            format!("rows of {} refer to planned rows and were not reviewed; somebody may use them: take a new snapshot", relation.child);
        gate.guard("DS040", &label, &count, &what, false);
    }
}

/// DS040 again, where no foreign key stops new rows.
pub(in crate::dialect::mysql) fn children_again(gate: &mut Gate, plan: &DeletePlan) {
    for relation in plan.relations.iter().filter(|r| !r.is_enforced()) {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let count = format!(
            "SELECT COUNT(*) AS n FROM {} AS p STRAIGHT_JOIN {} AS c ON {} WHERE @unseed_open = 1",
            staging(parent),
            qualified(&relation.child),
            on_relation(relation, "c", "p")
        );
        gate.guard(
            "DS040",
            &format!("{} again: no foreign key stops new rows", relation.child),
            &count,
            "rows that refer to planned ones were inserted while the script ran",
            false,
        );
    }
}

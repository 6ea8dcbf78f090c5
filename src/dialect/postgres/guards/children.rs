//! Whether rows that were not reviewed refer to planned ones.

use crate::dialect::guard;
use crate::dialect::postgres::literal::{name, qualified, regclass, text};
use crate::dialect::postgres::{on_key, on_touched, refuse, staging, touched_staging};
use crate::model::plan::{DeletePlan, PlanRelation};

/// Renders a relation's comparison of child and parent.
pub(in crate::dialect::postgres) fn on_relation(relation: &PlanRelation, child: &str, parent: &str) -> String {
    let cast = if relation.same_types || relation.is_enforced() { "" } else { "::text" };
    let mut terms: Vec<String> = relation
        .child_columns
        .iter()
        .zip(&relation.parent_columns)
        .map(|(c, p)| format!("{child}.{}{cast} = {parent}.{}{cast}", name(c), name(p)))
        .collect();
    terms.extend(relation.only.iter().map(|o| format!("{child}.{}::text = {}", name(&o.column), text(&o.value))));
    terms.join(" AND ")
}

/// Renders the child rows of a relation that no part of the plan knows.
pub(super) fn unknown_children(plan: &DeletePlan, relation: &PlanRelation, parent: usize) -> String {
    let mut known = Vec::new();
    if let Some(child) = plan.table_named(&relation.child) {
        let table = &plan.tables[child];
        known.push(if table.key.is_empty() {
            format!("NOT EXISTS (SELECT 1 FROM unseed_found_{child} AS q WHERE q.o = c.tableoid AND q.c = c.ctid)")
        } else {
            format!("NOT EXISTS (SELECT 1 FROM {} AS q WHERE {})", staging(child), on_key(table, "c", "q"))
        });
    }
    for (index, touch) in plan.touched.iter().enumerate().filter(|(_, t)| t.name == relation.child && !t.rows.is_empty()) {
        let names: Vec<String> = touch.set_null.iter().map(|c| touch.columns[*c].name.clone()).collect();
        if names == relation.child_columns {
            known.push(format!("NOT EXISTS (SELECT 1 FROM {} AS q WHERE {})", touched_staging(index), on_touched(touch, "c", "q")));
        }
    }
    let known: String = known.iter().map(|k| format!("\n    AND {k}")).collect();
    format!(
        "FROM {} AS c JOIN {} AS p ON {}\n  WHERE true{known}",
        qualified(&relation.child),
        staging(parent),
        on_relation(relation, "c", "p")
    )
}

/// DS040: no row that was not reviewed refers to a planned one.
pub(in crate::dialect::postgres) fn children(plan: &DeletePlan) -> String {
    let mut out = String::new();
    for relation in &plan.relations {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let label = format!("{} ({}) -> {}", relation.child, relation.child_columns.join(", "), relation.parent);
        let shown = text(&relation.child.to_string());
        let quoted = regclass(&relation.child);
        let missing = refuse("DS032", &format!("'there is no table ' || {shown}"));
        out.push_str(&guard(
            "DS032",
            &format!("{} is there", relation.child),
            &format!("IF to_regclass({quoted}) IS NULL THEN\n  {missing}\nEND IF;"),
        ));
        let what = format!(
            "{shown} || ': ' || n || ' rows refer to planned rows and were not reviewed; somebody may use them: take a new snapshot'"
        );
        let body = format!(
            "SELECT count(*) INTO n {};\nIF n > 0 THEN\n  {}\nEND IF;",
            unknown_children(plan, relation, parent),
            refuse("DS040", &what)
        );
        out.push_str(&guard("DS040", &format!("{label}: no new row refers to a planned one"), &body));
    }
    out
}

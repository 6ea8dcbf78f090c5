//! `--on-drift skip`: clusters that are not as they were reviewed are taken out, whole.

use super::children::unknown_children;
use super::rows::Drift;
use crate::dialect::guard;
use crate::dialect::postgres::literal::{name, qualified, text};
use crate::dialect::postgres::stage::touched_staged;
use crate::dialect::postgres::{keys, on_key, on_touched, staging, target, touched_staging};
use crate::model::plan::{DeletePlan, PlanProtection, PlanTable};

/// `--on-drift skip`: gathers the clusters with a row that is not as it was reviewed, and takes them out of
/// the plan, whole.
pub(in crate::dialect::postgres) fn skip(plan: &DeletePlan) -> String {
    let mut out = String::from("-- Clusters with a row that is not as it was reviewed: DS020, DS021, DS022, DS040, DS041, DS050.\n");
    for (index, table) in plan.tables.iter().enumerate() {
        out.push_str(&skip_rows(plan, index, table));
    }
    for (index, touch) in plan.touched_tables() {
        let same: Vec<String> = touched_staged(touch).iter().map(|s| format!("NOT ({})", s.differs(&touch.columns, "t", "p"))).collect();
        let body = format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, 'DS020', {}, concat_ws(',', {}) FROM {} AS p\n  \
             WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {} AND {});",
            text(&touch.name.to_string()),
            touch.key.iter().map(|c| format!("p.{}", name(&touch.columns[*c].name))).collect::<Vec<_>>().join(", "),
            touched_staging(index),
            qualified(&touch.name),
            on_touched(touch, "t", "p"),
            same.join(" AND ")
        );
        out.push_str(&guard("DS020", &format!("{}: surviving rows", touch.name), &body));
    }
    for relation in &plan.relations {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let body = format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, 'DS040', {}, concat_ws(',', {}) {};",
            text(&relation.child.to_string()),
            relation.child_columns.iter().map(|c| format!("c.{}", name(c))).collect::<Vec<_>>().join(", "),
            unknown_children(plan, relation, parent)
        );
        out.push_str(&guard("DS040", &format!("{} -> {}: new rows", relation.child, relation.parent), &body));
    }
    let staged: Vec<String> = (0..plan.tables.len()).map(staging).chain(plan.touched_tables().map(|(i, _)| touched_staging(i))).collect();
    for place in staged {
        out.push_str(&format!("DELETE FROM {place} WHERE unseed_cluster IN (SELECT cluster FROM unseed_drift);\n"));
    }
    out.push_str(
        "SELECT coalesce(json_agg(d ORDER BY d.cluster, d.code, d.\"table\", d.key), '[]') INTO drift FROM (SELECT * FROM unseed_drift ORDER BY 1, 2, 3, 4 LIMIT 1000) AS d;\n",
    );
    out
}

fn skip_rows(plan: &DeletePlan, index: usize, table: &PlanTable) -> String {
    let shown = text(&table.name.to_string());
    if table.key.is_empty() {
        let body = format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, 'DS021', {shown}, p.unseed_no::text FROM {} AS p\n  \
             LEFT JOIN (SELECT unseed_no, count(*) AS present FROM unseed_found_{index} GROUP BY unseed_no) AS f USING (unseed_no)\n  \
             WHERE coalesce(f.present, 0) <> p.unseed_of;",
            staging(index)
        );
        return guard("DS021", &format!("{}: rows gone", table.name), &body);
    }
    let drift = Drift::of(plan, table);
    let key = keys(table).iter().map(|k| format!("p.{k}")).collect::<Vec<_>>().join(", ");
    let (on, staged, target) = (on_key(table, "t", "p"), staging(index), target(table));
    let mut out = guard(
        "DS021",
        &format!("{}: rows gone", table.name),
        &format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, 'DS021', {shown}, concat_ws(',', {key}) FROM {staged} AS p\n  \
             WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {on});"
        ),
    );
    let mut add = |code: &str, condition: &str| {
        let body = format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, '{code}', {shown}, concat_ws(',', {key}) FROM {staged} AS p JOIN {target} AS t ON {on}\n  WHERE {condition};"
        );
        out.push_str(&guard(code, &format!("{}: {}", table.name, crate::dialect::codes::title(code)), &body));
    };
    if let Some(reused) = &drift.reused {
        add("DS022", reused);
    }
    if let Some(active) = &drift.active {
        add("DS041", active);
    }
    add("DS020", &drift.changed);
    for protection in &plan.protected {
        if let PlanProtection::Privilege { table: of, column, values, .. } = protection
            && plan.table_named(of) == Some(index)
        {
            let list: Vec<String> = values.iter().map(|v| text(v)).collect();
            add("DS050", &format!("lower(t.{}::text) IN ({})", name(column), list.join(", ")));
        }
    }
    out
}

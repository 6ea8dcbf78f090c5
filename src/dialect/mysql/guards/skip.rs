//! Clusters with a row that has drifted are left out as a whole, where the plan says so.

use super::super::gate::Gate;
use super::super::literal::{table as qualified, text};
use super::super::{names, of, on_key, staging, touched_staging};
use super::children::unknown_children;
use super::privileged;
use super::rows::{drifts, equal_rows, joined, touch_drifted};
use crate::model::plan::{DeletePlan, PlanProtection};

/// `--on-drift skip`: gathers the clusters with a row that is not as it was reviewed, and takes them out of
/// the plan, whole.
pub(in crate::dialect::mysql) fn skip(gate: &mut Gate, plan: &DeletePlan) {
    gate.push("-- Clusters with a row that is not as it was reviewed: DS020, DS021, DS022, DS040, DS041, DS050.\n");
    let mut add = |code: &str, of_table: &str, key: &str, from: &str| {
        gate.push(&format!(
            "-- [{code}] {}\nINSERT INTO unseed_drift (cluster, code, tbl, row_key) SELECT p.unseed_cluster, '{code}', {}, {key} FROM {from};\n-- [/{code}]\n",
            crate::dialect::comment(of_table),
            text(of_table)
        ));
    };
    for (index, table) in plan.tables.iter().enumerate() {
        let label = table.name.to_string();
        let staged = staging(index);
        if table.key.is_empty() {
            add("DS021", &label, "p.unseed_no", &format!("{staged} AS p WHERE {} <> p.unseed_of", equal_rows(table)));
            continue;
        }
        let keys = names(&table.columns, &table.key);
        let key = format!("LEFT(CONCAT_WS(',', {}), 200)", of("p", &keys));
        let gone =
            format!("{staged} AS p LEFT JOIN {} AS t ON {} WHERE t.{} IS NULL", qualified(&table.name), on_key(table, "t", "p"), keys[0]);
        add("DS021", &label, &key, &gone);
        for (code, _, condition) in drifts(plan, table) {
            add(code, &label, &key, &format!("{} WHERE {condition}", joined(index, table)));
        }
        for protection in &plan.protected {
            if let PlanProtection::Privilege { table: of, column, values, .. } = protection
                && plan.table_named(of) == Some(index)
            {
                add("DS050", &label, &key, &format!("{} WHERE {}", joined(index, table), privileged("t", column, values)));
            }
        }
    }
    for (index, touch) in plan.touched_tables() {
        let key = format!("LEFT(CONCAT_WS(',', {}), 200)", of("p", &names(&touch.columns, &touch.key)));
        add("DS020", &touch.name.to_string(), &key, &format!("{} AS p WHERE {}", touched_staging(index), touch_drifted(touch)));
    }
    for relation in &plan.relations {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        add("DS040", &relation.child.to_string(), "''", &unknown_children(plan, relation, parent));
    }
    let staged = (0..plan.tables.len()).map(staging).chain(plan.touched_tables().map(|(i, _)| touched_staging(i)));
    for place in staged {
        gate.push(&format!(
            "DELETE p FROM {place} AS p JOIN (SELECT DISTINCT cluster FROM unseed_drift) AS d ON d.cluster = p.unseed_cluster;\n"
        ));
    }
    gate.push(
        "SELECT DISTINCT cluster AS skipped_cluster, code, tbl AS `table`, row_key FROM unseed_drift ORDER BY 1, 2, 3, 4 LIMIT 1000;\n",
    );
}

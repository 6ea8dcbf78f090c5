//! The guards of `delete.sql`: each one query of a number that must be 0.

use super::gate::Gate;
use super::literal::{name, table as qualified, text};
use super::{names, of, on_key, on_touched, rowid, staging, touched_staging};
use crate::model::plan::{DeletePlan, PlanProtection, PlanRelation, PlanRow, PlanTable, PlanTouch};
use crate::model::stamp::Rfc3339;
use crate::model::{Column, Value};

/// Unit separator, between the parts of a composite text.
const UNIT: &str = "char(31)";

/// DS012, DS013: is this the time and place?
pub(super) fn place(gate: &mut Gate, plan: &DeletePlan, expires: bool) {
    let database = &plan.snapshot.database;
    if !database.is_empty() {
        let file = database.rsplit('/').next().unwrap_or(database);
        let count = format!(
            "SELECT count(*) AS n FROM pragma_database_list WHERE name = 'main' AND NOT ('/' || file = {whole} OR substr(file, -length({part})) = {part})",
            whole = text(&format!("/{file}")),
            part = text(&format!("/{file}"))
        );
        gate.guard("DS012", "the wrong database", &count, &format!("main database is not the file {file} that the snapshot is of"), true);
    }
    if expires {
        let count = format!("SELECT CAST(strftime('%s', 'now') AS INTEGER) > {} AS n", plan.expires_at / 1_000_000);
        gate.guard(
            "DS013",
            "the plan has expired",
            &count,
            &format!("plan expired at {}; review a new snapshot", Rfc3339(plan.expires_at)),
            true,
        );
    }
}

/// DS032, DS033: is a table what was reviewed?
pub(super) fn shape(gate: &mut Gate, table: &PlanTable) {
    let shown = text(&table.name.name);
    let count = format!("SELECT 1 - count(*) AS n FROM pragma_table_list WHERE schema = 'main' AND lower(name) = lower({shown})");
    gate.guard("DS032", &format!("{} is there", table.name), &count, &format!("table {} is missing", table.name), true);
    let count =
        format!("SELECT count(*) AS n FROM pragma_table_list WHERE schema = 'main' AND lower(name) = lower({shown}) AND type <> 'table'");
    gate.guard("DS033", &format!("{} is a table", table.name), &count, &format!("{} is no ordinary table", table.name), true);
    let known: Vec<String> = table.columns.iter().map(|c| format!("({}, {})", text(&c.name), text(&c.type_text))).collect();
    // An export without types is held to its names.
    let typed = if table.declared { "" } else { " AND 0" };
    let count = format!(
        "SELECT (SELECT count(*) FROM pragma_table_xinfo({shown}) AS x WHERE x.hidden <> 1 AND NOT EXISTS (SELECT 1 FROM (VALUES {known}) AS k WHERE k.column1 = x.name AND (k.column2 = x.type OR NOT (1{typed}))))\n    \
         + abs((SELECT count(*) FROM pragma_table_xinfo({shown}) AS x WHERE x.hidden <> 1) - {n}) AS n",
        known = known.join(", "),
        n = table.columns.len()
    );
    gate.guard(
        "DS032",
        &format!("{} has the columns and types of the snapshot", table.name),
        &count,
        &format!("columns of {} differ from the snapshot; take a new snapshot", table.name),
        true,
    );
}

/// DS030, DS031: does the schema know of anything that the snapshot does not?
pub(super) fn catalogue(gate: &mut Gate, plan: &DeletePlan) {
    let lower = |names: Vec<&str>| names.iter().map(|n| format!("lower({})", text(n))).collect::<Vec<_>>().join(", ");
    let planned = lower(plan.tables.iter().map(|t| t.name.name.as_str()).collect());
    let known: Vec<String> = plan
        .relations
        .iter()
        .map(|r| {
            let columns: Vec<String> = r.child_columns.iter().map(|c| text(c)).collect();
            let action = if r.is_enforced() { text(r.on_delete.as_sql()) } else { "NULL".to_owned() };
            format!(
                "(lower({}), lower({}), lower({}), {action})",
                text(&r.child.name),
                columns.join(&format!(" || {UNIT} || ")),
                text(&r.parent.name)
            )
        })
        .collect();
    let known = if known.is_empty() { "(NULL, NULL, NULL, NULL)".to_owned() } else { known.join(", ") };
    let count = format!(
        "SELECT count(*) AS n FROM (\n  \
           SELECT lower(m.name) AS child, lower(group_concat(f.\"from\", {UNIT})) AS columns, lower(f.\"table\") AS parent, f.on_delete AS action\n  \
           FROM main.sqlite_schema AS m, (SELECT 1) AS o JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' AND lower(f.\"table\") IN ({planned})\n  \
           GROUP BY m.name, f.id) AS c\n  \
         WHERE NOT EXISTS (SELECT 1 FROM (VALUES {known}) AS k WHERE k.column1 = c.child AND k.column2 = c.columns AND k.column3 = c.parent AND (k.column4 IS NULL OR k.column4 = c.action))"
    );
    gate.guard(
        "DS030",
        "a foreign key that the snapshot does not know",
        &count,
        "foreign keys to planned tables are not in the snapshot; their rows were not reviewed: take a new snapshot",
        true,
    );
    let touched = plan.touched.iter().filter(|t| !t.rows.is_empty());
    let all = lower(plan.tables.iter().map(|t| t.name.name.as_str()).chain(touched.map(|t| t.name.name.as_str())).collect());
    let hooks: Vec<String> = plan
        .tables
        .iter()
        .map(|t| &t.hooks)
        .chain(plan.touched.iter().map(|t| &t.hooks))
        .flatten()
        .filter(|h| h.kind == "trigger")
        .map(|h| format!("lower({})", text(&h.name)))
        .collect();
    let hooks = if hooks.is_empty() { "''".to_owned() } else { hooks.join(", ") };
    let count = format!(
        "SELECT count(*) AS n FROM (SELECT name, tbl_name FROM main.sqlite_schema WHERE type = 'trigger' UNION ALL SELECT name, tbl_name FROM temp.sqlite_schema WHERE type = 'trigger')\n  \
         WHERE lower(tbl_name) IN ({all}) AND lower(name) NOT IN ({hooks})"
    );
    gate.guard(
        "DS031",
        "a trigger that the snapshot does not know",
        &count,
        "triggers of planned tables are not in the snapshot; see what they do, then take a new snapshot",
        true,
    );
}

/// Says that production's value in `left` is not the staged one in `right`: byte for byte, NULL as a value,
/// storage class included.
pub(super) fn differs(columns: &[Column], rows: &[PlanRow], column: usize, left: &str, right: &str) -> String {
    let c = name(&columns[column].name);
    let same = format!("{left}.{c} IS {right}.{c} COLLATE BINARY AND typeof({left}.{c}) = typeof({right}.{c})");
    // Text that is no UTF-8 is staged as its bytes.
    if rows.iter().any(|r| matches!(r.values[column], Value::Blob(_))) {
        return format!("NOT ({same} OR typeof({right}.{c}) = 'blob' AND CAST({left}.{c} AS BLOB) IS {right}.{c})");
    }
    format!("NOT ({same})")
}

/// Says that some reviewed column differs.
pub(super) fn any_differs(table: &PlanTable, left: &str, right: &str) -> String {
    let terms: Vec<String> = table.reviewed.iter().map(|c| differs(&table.columns, &table.rows, *c, left, right)).collect();
    if terms.is_empty() { "0".to_owned() } else { terms.join("\n    OR ") }
}

/// The rows of a table that are not as they were reviewed, by code: condition over `p` (staged) and `t`.
fn drifts(plan: &DeletePlan, table: &PlanTable) -> Vec<(&'static str, &'static str, String)> {
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

/// DS020, DS021, DS022, DS041: every planned row is still the row that was reviewed.
pub(super) fn rows(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let staged = staging(index);
    if table.key.is_empty() {
        let count = |than: &str| {
            format!(
                "SELECT count(*) AS n FROM temp.{staged} AS p LEFT JOIN (SELECT unseed_no, count(*) AS there FROM temp.unseed_found_{index} GROUP BY unseed_no) AS f USING (unseed_no) WHERE coalesce(f.there, 0) {than} p.unseed_of"
            )
        };
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
        "SELECT count(*) AS n FROM temp.{staged} AS p WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {})",
        qualified(&table.name),
        on_key(table, "t", "p")
    );
    gate.guard(
        "DS021",
        &format!("{}: every planned row is there", table.name),
        &count,
        &format!("planned rows of {} are not there; take a new snapshot", table.name),
        false,
    );
    for (code, what, condition) in drifts(plan, table) {
        let count = format!("SELECT count(*) AS n FROM {} WHERE {condition}", joined(index, table));
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
fn joined(index: usize, table: &PlanTable) -> String {
    format!("temp.{} AS p CROSS JOIN {} AS t ON {}", staging(index), qualified(&table.name), on_key(table, "t", "p"))
}

/// DS020 for surviving rows: they still refer to what the snapshot says.
pub(super) fn touched_rows(gate: &mut Gate, index: usize, touch: &PlanTouch) {
    let count = format!("SELECT count(*) AS n FROM temp.{} AS p WHERE {}", touched_staging(index), touch_drifted(touch));
    gate.guard(
        "DS020",
        &format!("{}: surviving rows", touch.name),
        &count,
        &format!("surviving rows of {} refer to something else by now; take a new snapshot", touch.name),
        false,
    );
}

fn touch_drifted(touch: &PlanTouch) -> String {
    let columns = touch.staged_columns();
    let same: Vec<String> = columns.iter().map(|c| format!("NOT {}", differs(&touch.columns, &touch.rows, *c, "t", "p"))).collect();
    format!("NOT EXISTS (SELECT 1 FROM {} AS t WHERE {} AND {})", qualified(&touch.name), on_touched(touch, "t", "p"), same.join(" AND "))
}

/// Compares child and parent of a relation.
pub(super) fn on_relation(relation: &PlanRelation, child: &str, parent: &str) -> String {
    let plain = relation.same_types || relation.is_enforced();
    let side = |alias: &str, column: &str| {
        if plain { format!("{alias}.{}", name(column)) } else { format!("CAST({alias}.{} AS TEXT)", name(column)) }
    };
    // The parent's collation decides whether a foreign key refers.
    let mut terms: Vec<String> = relation
        .child_columns
        .iter()
        .zip(&relation.parent_columns)
        .map(|(c, p)| format!("{} = {}", side(child, c), side(parent, p)))
        .collect();
    terms.extend(relation.only.iter().map(|o| format!("CAST({child}.{} AS TEXT) = {}", name(&o.column), text(&o.value))));
    terms.join(" AND ")
}

/// Child rows of a relation that no part of the plan knows.
fn unknown_children(plan: &DeletePlan, relation: &PlanRelation, parent: usize) -> String {
    let mut known = String::new();
    if let Some(child) = plan.table_named(&relation.child) {
        let table = &plan.tables[child];
        known.push_str(&if table.key.is_empty() {
            format!(" AND c.{} NOT IN (SELECT r FROM temp.unseed_found_{child})", rowid(&table.columns).unwrap_or("rowid"))
        } else {
            format!(" AND NOT EXISTS (SELECT 1 FROM temp.{} AS q WHERE {})", staging(child), on_key(table, "c", "q"))
        });
    }
    for (index, touch) in plan.touched.iter().enumerate().filter(|(_, t)| t.name == relation.child && !t.rows.is_empty()) {
        let columns: Vec<&String> = touch.set_null.iter().map(|c| &touch.columns[*c].name).collect();
        if columns.iter().copied().eq(&relation.child_columns) {
            known.push_str(&format!(
                " AND NOT EXISTS (SELECT 1 FROM temp.{} AS q WHERE {})",
                touched_staging(index),
                on_touched(touch, "c", "q")
            ));
        }
    }
    format!(
        "temp.{} AS p CROSS JOIN {} AS c ON {} WHERE 1{known}",
        staging(parent),
        qualified(&relation.child),
        on_relation(relation, "c", "p")
    )
}

/// DS040: no row that was not reviewed refers to a planned one.
pub(super) fn children(gate: &mut Gate, plan: &DeletePlan) {
    for relation in &plan.relations {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let label = format!("{} ({}) -> {}", relation.child, relation.child_columns.join(", "), relation.parent);
        let count = format!("SELECT count(*) AS n FROM {}", unknown_children(plan, relation, parent));
        let what =
            format!("rows of {} refer to planned rows and were not reviewed; somebody may use them: take a new snapshot", relation.child);
        gate.guard("DS040", &label, &count, &what, false);
    }
}

/// DS050: no planned row is privileged or kept.
pub(super) fn protections(gate: &mut Gate, plan: &DeletePlan) {
    for protection in &plan.protected {
        let (count, what, label) = match protection {
            PlanProtection::Privilege { table, column, values, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let count =
                    format!("SELECT count(*) AS n FROM {} WHERE {}", joined(index, &plan.tables[index]), privileged("t", column, values));
                (count, "planned rows are privileged accounts", table)
            }
            PlanProtection::Keys { table, columns, keys, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let rows: Vec<String> =
                    keys.iter().map(|key| format!("({})", key.iter().map(|p| text(p)).collect::<Vec<_>>().join(", "))).collect();
                let part = |c: &String| {
                    let c = name(c);
                    format!("CASE typeof(p.{c}) WHEN 'blob' THEN '\\x' || lower(hex(p.{c})) ELSE CAST(p.{c} AS TEXT) END")
                };
                let same: Vec<String> = columns.iter().enumerate().map(|(i, c)| format!("{} = k.column{}", part(c), i + 1)).collect();
                let count = format!(
                    "SELECT count(*) AS n FROM temp.{} AS p JOIN (VALUES {}) AS k ON {}",
                    staging(index),
                    rows.join(", "),
                    same.join(" AND ")
                );
                (count, "planned rows are protected or kept in review", table)
            }
        };
        gate.guard("DS050", &format!("{label}: no protected row"), &count, &format!("{label}: {what}"), false);
    }
}

fn privileged(alias: &str, column: &str, values: &[String]) -> String {
    let list: Vec<String> = values.iter().map(|v| text(v)).collect();
    format!("lower(CAST({alias}.{} AS TEXT)) IN ({})", name(column), list.join(", "))
}

/// `--on-drift skip`: gathers the clusters with a row that is not as it was reviewed, and takes them out of
/// the plan, whole.
pub(super) fn skip(gate: &mut Gate, plan: &DeletePlan) {
    gate.push("-- Clusters with a row that is not as it was reviewed: DS020, DS021, DS022, DS040, DS041, DS050.\n");
    let mut add = |code: &str, of_table: &str, key: &str, from: &str| {
        gate.push(&format!(
            "-- [{code}] {}\nINSERT INTO temp.unseed_drift SELECT p.unseed_cluster, '{code}', {}, {key} FROM {from};\n-- [/{code}]\n",
            crate::dialect::comment(of_table),
            text(of_table)
        ));
    };
    for (index, table) in plan.tables.iter().enumerate() {
        let label = table.name.to_string();
        let staged = staging(index);
        if table.key.is_empty() {
            let from = format!(
                "temp.{staged} AS p LEFT JOIN (SELECT unseed_no, count(*) AS there FROM temp.unseed_found_{index} GROUP BY unseed_no) AS f USING (unseed_no) WHERE coalesce(f.there, 0) <> p.unseed_of"
            );
            add("DS021", &label, "p.unseed_no", &from);
            continue;
        }
        let keys = names(&table.columns, &table.key);
        let key = keys.iter().map(|k| format!("p.{k}")).collect::<Vec<_>>().join(" || ',' || ");
        let gone = format!(
            "temp.{staged} AS p WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {})",
            qualified(&table.name),
            on_key(table, "t", "p")
        );
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
        let key = of("p", &names(&touch.columns, &touch.key)).replace(", ", " || ',' || ");
        add("DS020", &touch.name.to_string(), &key, &format!("temp.{} AS p WHERE {}", touched_staging(index), touch_drifted(touch)));
    }
    for relation in &plan.relations {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        add("DS040", &relation.child.to_string(), "''", &unknown_children(plan, relation, parent));
    }
    let staged = (0..plan.tables.len()).map(staging).chain(plan.touched_tables().map(|(i, _)| touched_staging(i)));
    for place in staged {
        gate.push(&format!("DELETE FROM temp.{place} WHERE unseed_cluster IN (SELECT cluster FROM temp.unseed_drift);\n"));
    }
    gate.push(
        "SELECT DISTINCT cluster AS skipped_cluster, code, tbl AS \"table\", key FROM temp.unseed_drift ORDER BY 1, 2, 3, 4 LIMIT 1000;\n",
    );
}

/// DS051: at least one privileged account remains.
pub(super) fn admin_remains(gate: &mut Gate, plan: &DeletePlan) {
    for protection in &plan.protected {
        let PlanProtection::Privilege { table, column, values, keep_one: true } = protection else { continue };
        let count = format!("SELECT NOT EXISTS (SELECT 1 FROM {} AS t WHERE {}) AS n", qualified(table), privileged("t", column, values));
        gate.guard(
            "DS051",
            &format!("{table}: at least one privileged account remains"),
            &count,
            &format!("{table}: no privileged account would remain"),
            false,
        );
    }
}

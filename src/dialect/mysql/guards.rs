//! The guards of `delete.sql`: each one query of a number that must be 0. No query names a temporary table
//! twice, which MySQL cannot open.

use super::gate::Gate;
use super::literal::{Kind, bytes, kind, name, table as qualified, text};
use super::{names, of, on_key, on_touched, staging, touched_staging};
use crate::dialect::is_wide;
use crate::model::Column;
use crate::model::plan::{DeletePlan, PlanProtection, PlanRelation, PlanRow, PlanTable, PlanTouch};
use crate::model::stamp::Rfc3339;

/// DS010, DS011, DS012, DS013: is this the time and place?
pub(super) fn place(gate: &mut Gate, plan: &DeletePlan, expires: bool) {
    gate.guard("DS010", "another run", "SELECT @unseed_lock <> 1 AS n", "other run is active; wait for it to end", true);
    gate.guard(
        "DS011",
        "a replica",
        "SELECT @@GLOBAL.read_only <> 0 OR @unseed_replica > 0 AS n",
        "replica: this server takes no writes, or follows another; run the script on the primary",
        true,
    );
    let count = "SELECT @unseed_ledger IS NULL OR @unseed_run IS NULL OR @unseed_done IS NULL AS n";
    gate.guard("DS061", "the ledger was read", count, "ledger that could not be read", true);
    let database = &plan.snapshot.database;
    let (count, what) = if database.is_empty() {
        ("SELECT DATABASE() IS NULL AS n".to_owned(), "database is chosen".to_owned())
    } else {
        let count = format!("SELECT NOT (CAST(CONVERT(DATABASE() USING utf8mb4) AS BINARY) <=> CAST({} AS BINARY)) AS n", text(database));
        (count, format!("wrong database: the snapshot is of {database}"))
    };
    gate.guard("DS012", "the wrong database", &count, &what, true);
    if expires {
        // UTC, whatever the session's zone.
        let count = format!("SELECT UNIX_TIMESTAMP() > {} AS n", plan.expires_at / 1_000_000);
        gate.guard(
            "DS013",
            "the plan has expired",
            &count,
            &format!("plan expired at {}; review a new snapshot", Rfc3339(plan.expires_at)),
            true,
        );
    }
}

/// The user as the lists of privileges name it.
pub(super) const ME: &str =
    "CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";

/// DS031: may this user do it, and see what a guard must see? Tells what is missing as GRANT statements:
/// rights on the tables, and on the database, where archive and ledger are made.
pub(super) fn rights(gate: &mut Gate, plan: &DeletePlan, on_tables: &[&str], on_database: &[&str]) {
    let mut tables: Vec<&str> = plan.tables.iter().map(|t| t.name.name.as_str()).collect();
    tables.extend(plan.touched.iter().filter(|t| !t.rows.is_empty()).map(|t| t.name.name.as_str()));
    tables.sort_unstable();
    tables.dedup();
    let mut needs: Vec<String> = Vec::new();
    for right in on_tables {
        needs.extend(tables.iter().map(|t| format!("SELECT {} AS tbl, {} AS privilege", text(t), text(right))));
    }
    needs.extend(on_database.iter().map(|right| format!("SELECT NULL AS tbl, {} AS privilege", text(right))));
    let count = format!(
        "SELECT COUNT(*) AS n, GROUP_CONCAT(m.grant_it ORDER BY m.grant_it SEPARATOR ' ') AS missing FROM (\n  \
           SELECT CONCAT('GRANT ', GROUP_CONCAT(w.privilege ORDER BY w.privilege SEPARATOR ', '), ' ON ', {database}, '.', COALESCE({table}, '*'), ' TO ', {me}, ';') AS grant_it\n  \
           FROM ({needs}) AS w\n  \
           WHERE NOT EXISTS (SELECT 1 FROM information_schema.user_privileges AS u WHERE u.grantee = {me} AND u.privilege_type = w.privilege)\n  \
           AND NOT EXISTS (SELECT 1 FROM information_schema.schema_privileges AS s WHERE s.grantee = {me} AND s.privilege_type = w.privilege AND REPLACE(s.table_schema, CONVERT(X'5c5f' USING utf8mb4), '_') IN (DATABASE(), '%'))\n  \
           AND NOT EXISTS (SELECT 1 FROM information_schema.table_privileges AS p WHERE p.grantee = {me} AND p.privilege_type = w.privilege AND p.table_schema = DATABASE() AND p.table_name = w.tbl)\n  \
           GROUP BY w.tbl) AS m",
        needs = needs.join(" UNION ALL "),
        database = quoted_by_server("DATABASE()"),
        table = quoted_by_server("w.tbl"),
        me = ME,
    );
    gate.guard_that_tells(
        "DS031",
        "what this user may not do",
        &count,
        "CONCAT('rights are missing: ', COALESCE(q.missing, 'none'))",
        true,
    );
}

/// An expression for a name in the server's quotes.
fn quoted_by_server(name: &str) -> String {
    format!("CONCAT('`', REPLACE({name}, '`', '``'), '`')")
}

/// DS032, DS033: is a table what was reviewed?
pub(super) fn shape(gate: &mut Gate, table: &PlanTable) {
    let shown = text(&table.name.name);
    let here = format!("table_schema = DATABASE() AND table_name = {shown}");
    let count = format!("SELECT 1 - COUNT(*) AS n FROM information_schema.tables WHERE {here}");
    gate.guard("DS032", &format!("{} is there", table.name), &count, &format!("table {} is missing", table.name), true);
    let count = format!(
        "SELECT COUNT(*) AS n FROM information_schema.tables WHERE {here} AND (table_type <> 'BASE TABLE' OR NOT (engine <=> 'InnoDB'))"
    );
    gate.guard(
        "DS033",
        &format!("{} can be rolled back", table.name),
        &count,
        &format!("table {} is no InnoDB table: nothing could be rolled back", table.name),
        true,
    );
    let squeezed = |t: &str| t.to_lowercase().replace(' ', "");
    let known: Vec<String> = table
        .columns
        .iter()
        .map(|c| {
            let name = format!("column_name = {}", text(&c.name));
            if table.declared {
                format!("({name} AND REPLACE(LOWER(column_type), ' ', '') = {})", text(&squeezed(&c.type_text)))
            } else {
                format!("({name})")
            }
        })
        .collect();
    // What is as it was, less what is there, less what should be.
    let count = format!(
        "SELECT {} * 2 - 2 * COALESCE(SUM({}), 0) + ABS(COUNT(*) - {}) AS n FROM information_schema.columns WHERE {here}",
        table.columns.len(),
        known.join(" OR "),
        table.columns.len()
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
    let list =
        |names: Vec<&str>| if names.is_empty() { "''".to_owned() } else { names.iter().map(|n| text(n)).collect::<Vec<_>>().join(", ") };
    let planned = list(plan.tables.iter().map(|t| t.name.name.as_str()).collect());
    let mut known: Vec<String> = plan
        .relations
        .iter()
        .map(|r| {
            let action = if r.is_enforced() {
                // Both engines treat these two alike, and name either.
                let restrict = matches!(r.on_delete, crate::model::OnDelete::NoAction | crate::model::OnDelete::Restrict);
                if restrict {
                    " AND f.action IN ('NO ACTION', 'RESTRICT')".to_owned()
                } else {
                    format!(" AND f.action = {}", text(r.on_delete.as_sql()))
                }
            } else {
                String::new()
            };
            format!(
                "NOT (f.place = DATABASE() AND f.child = {} AND f.cols = {} AND f.parent = {}{action})",
                text(&r.child.name),
                text(&r.child_columns.join("\u{1f}")),
                text(&r.parent.name)
            )
        })
        .collect();
    known.push("1 = 1".to_owned());
    // A table's foreign keys are shown only to those who may do more with it than read; those of other
    // databases may point here too, and a cascade follows them unseen.
    // Source: checked on MariaDB 10.11.19: SELECT on everything shows none, REFERENCES or DELETE shows all.
    let count = format!(
        "SELECT NOT EXISTS (SELECT 1 FROM information_schema.user_privileges AS u WHERE u.grantee = {ME} AND u.privilege_type IN ('REFERENCES', 'INSERT', 'UPDATE', 'DELETE')) AS n"
    );
    gate.guard_that_tells(
        "DS030",
        "this user sees every foreign key",
        &count,
        &format!("CONCAT('foreign keys of tables that this user may not change are hidden from it, and would cascade unseen: GRANT REFERENCES ON *.* TO ', {ME}, ';')"),
        true,
    );
    let count = format!(
        "SELECT COUNT(*) AS n FROM (\n  \
           SELECT k.table_schema AS place, k.table_name AS child, GROUP_CONCAT(k.column_name ORDER BY k.ordinal_position SEPARATOR 0x1f) AS cols, MAX(k.referenced_table_name) AS parent, MAX(r.delete_rule) AS action\n  \
           FROM information_schema.key_column_usage AS k JOIN information_schema.referential_constraints AS r\n    \
             ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name\n  \
           WHERE k.referenced_table_schema = DATABASE() AND k.referenced_table_name IN ({planned})\n  \
           GROUP BY k.table_schema, k.table_name, k.constraint_name) AS f\n  \
         WHERE {}",
        known.join("\n    AND ")
    );
    gate.guard(
        "DS030",
        "a foreign key that the snapshot does not know",
        &count,
        "foreign keys to planned tables are not in the snapshot; their rows were not reviewed: take a new snapshot",
        true,
    );
    // Tables whose rows are updated first: touched ones, and those with circles that are opened.
    let touched = plan.touched.iter().filter(|t| !t.rows.is_empty()).map(|t| t.name.name.as_str());
    let opened = plan.tables.iter().filter(|t| !t.opens.is_empty()).map(|t| t.name.name.as_str());
    let updated = list(touched.chain(opened).collect());
    let hooks: Vec<&str> = plan
        .tables
        .iter()
        .map(|t| &t.hooks)
        .chain(plan.touched.iter().map(|t| &t.hooks))
        .flatten()
        .filter(|h| h.kind == "trigger")
        .map(|h| h.name.as_str())
        .collect();
    let count = format!(
        "SELECT COUNT(*) AS n FROM information_schema.triggers WHERE event_object_schema = DATABASE()\n  \
         AND (event_manipulation = 'DELETE' AND event_object_table IN ({planned}) OR event_manipulation = 'UPDATE' AND event_object_table IN ({updated}))\n  \
         AND trigger_name NOT IN ({})",
        list(hooks)
    );
    gate.guard(
        "DS031",
        "a trigger that the snapshot does not know",
        &count,
        "triggers of planned tables are not in the snapshot; see what they do, then take a new snapshot",
        true,
    );
}

/// Says that production's value in `left` is not the staged one in `right`: byte for byte, NULL as a value.
pub(super) fn differs(columns: &[Column], rows: &[PlanRow], column: usize, left: &str, right: &str) -> String {
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
pub(super) fn any_differs(table: &PlanTable, left: &str, right: &str) -> String {
    let terms: Vec<String> = table.reviewed.iter().map(|c| differs(&table.columns, &table.rows, *c, left, right)).collect();
    if terms.is_empty() { "FALSE".to_owned() } else { terms.join("\n    OR ") }
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

/// How many rows equal a staged one of a table without a key.
pub(super) fn equal_rows(table: &PlanTable) -> String {
    format!("(SELECT COUNT(*) FROM {} AS t WHERE NOT ({}))", qualified(&table.name), any_differs(table, "t", "p"))
}

/// DS020, DS021, DS022, DS041: every planned row is still the row that was reviewed.
pub(super) fn rows(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
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
pub(super) fn joined(index: usize, table: &PlanTable) -> String {
    format!("{} AS p STRAIGHT_JOIN {} AS t ON {}", staging(index), qualified(&table.name), on_key(table, "t", "p"))
}

/// DS020 for surviving rows: they still refer to what the snapshot says.
pub(super) fn touched_rows(gate: &mut Gate, index: usize, touch: &PlanTouch) {
    let count = format!("SELECT COUNT(*) AS n FROM {} AS p WHERE {}", touched_staging(index), touch_drifted(touch));
    gate.guard(
        "DS020",
        &format!("{}: surviving rows", touch.name),
        &count,
        &format!("surviving rows of {} refer to something else by now; take a new snapshot", touch.name),
        false,
    );
}

fn touch_drifted(touch: &PlanTouch) -> String {
    let same: Vec<String> = touch.staged_columns().iter().map(|c| format!("NOT {}", differs(&touch.columns, &[], *c, "t", "p"))).collect();
    format!("NOT EXISTS (SELECT 1 FROM {} AS t WHERE {} AND {})", qualified(&touch.name), on_touched(touch, "t", "p"), same.join(" AND "))
}

/// Compares child and parent of a relation.
pub(super) fn on_relation(relation: &PlanRelation, child: &str, parent: &str) -> String {
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
pub(super) fn twin(index: usize) -> String {
    format!("unseed_twin_{index}")
}

/// Says whether some relation leads from a table to itself.
pub(super) fn needs_twin(plan: &DeletePlan, index: usize) -> bool {
    plan.relations.iter().any(|r| plan.table_named(&r.parent) == Some(index) && plan.table_named(&r.child) == Some(index))
}

/// Child rows of a relation that no part of the plan knows.
fn unknown_children(plan: &DeletePlan, relation: &PlanRelation, parent: usize) -> String {
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
pub(super) fn children(gate: &mut Gate, plan: &DeletePlan) {
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
pub(super) fn children_again(gate: &mut Gate, plan: &DeletePlan) {
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

/// DS050: no planned row is privileged or kept.
pub(super) fn protections(gate: &mut Gate, plan: &DeletePlan) {
    for protection in &plan.protected {
        let (count, what, label) = match protection {
            PlanProtection::Privilege { table, column, values, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let count =
                    format!("SELECT COUNT(*) AS n FROM {} WHERE {}", joined(index, &plan.tables[index]), privileged("t", column, values));
                (count, "planned rows are privileged accounts", table)
            }
            PlanProtection::Keys { table, columns, keys, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let own = &plan.tables[index];
                let part = |c: &String| {
                    let column = &own.columns[own.columns.iter().position(|k| k.name == *c).unwrap_or(0)];
                    if kind(column) == Kind::Binary {
                        format!("CAST(CONCAT(CONVERT(X'5c78' USING utf8mb4), LOWER(HEX(p.{}))) AS BINARY)", name(c))
                    } else {
                        bytes(column, "p")
                    }
                };
                let rows: Vec<String> = keys
                    .iter()
                    .map(|key| {
                        let same: Vec<String> =
                            columns.iter().zip(key).map(|(c, k)| format!("{} = CAST({} AS BINARY)", part(c), text(k))).collect();
                        format!("({})", same.join(" AND "))
                    })
                    .collect();
                // Rows that people keep are few; each is named.
                let sums: Vec<String> = rows.iter().map(|r| format!("COALESCE(SUM({r}), 0)")).collect();
                (
                    format!("SELECT {} AS n FROM {} AS p", sums.join(" + "), staging(index)),
                    "planned rows are protected or kept in review",
                    table,
                )
            }
        };
        gate.guard("DS050", &format!("{label}: no protected row"), &count, &format!("{label}: {what}"), false);
    }
}

fn privileged(alias: &str, column: &str, values: &[String]) -> String {
    let list: Vec<String> = values.iter().map(|v| text(v)).collect();
    format!("LOWER(CONVERT({alias}.{} USING utf8mb4)) IN ({})", name(column), list.join(", "))
}

/// `--on-drift skip`: gathers the clusters with a row that is not as it was reviewed, and takes them out of
/// the plan, whole.
pub(super) fn skip(gate: &mut Gate, plan: &DeletePlan) {
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

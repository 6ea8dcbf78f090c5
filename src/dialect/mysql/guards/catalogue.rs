//! Rights, and whether tables, columns, relations and triggers are still what the snapshot had.

use super::super::gate::Gate;
use super::super::literal::text;
use crate::model::plan::{DeletePlan, PlanTable};

/// The user as the lists of privileges name it.
pub(in crate::dialect::mysql) const ME: &str =
    "CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";

/// DS031: may this user do it, and see what a guard must see? Tells what is missing as GRANT statements:
/// rights on the tables, and on the database, where archive and ledger are made.
pub(in crate::dialect::mysql) fn rights(gate: &mut Gate, plan: &DeletePlan, on_tables: &[&str], on_database: &[&str]) {
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
pub(in crate::dialect::mysql) fn shape(gate: &mut Gate, table: &PlanTable) {
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
pub(in crate::dialect::mysql) fn catalogue(gate: &mut Gate, plan: &DeletePlan) {
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

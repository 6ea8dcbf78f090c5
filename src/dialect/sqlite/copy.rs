//! A scratch copy of the snapshot's tables, and how the deletes would be run.

use std::fmt::Write as _;

use super::literal::{name, table as qualified, text, value};
use super::{affinity, names, of, on_key, staging};
use crate::dialect::Copy;
use crate::model::Table;
use crate::model::plan::DeletePlan;

/// Rows in one INSERT.
const ROWS_PER_INSERT: usize = 500;

/// Renders the statements that make the tables with their rows.
pub(super) fn statements(copies: &[Copy<'_>]) -> String {
    let mut out = String::from("PRAGMA foreign_keys = OFF;\n");
    for Copy { table, rows } in copies {
        let list = |columns: &[usize]| names(&table.columns, columns).join(", ");
        let mut parts: Vec<String> = table
            .columns
            .iter()
            .map(|c| format!("{} {}{}", name(&c.name), c.type_text, if c.not_null && !c.generated { " NOT NULL" } else { "" }))
            .collect();
        if let Some(key) = table.primary_key.as_ref().filter(|k| k.source != crate::model::Source::Inferred) {
            parts.push(format!("PRIMARY KEY ({})", list(&key.columns)));
        }
        parts.extend(table.unique_keys.iter().map(|k| format!("UNIQUE ({})", list(&k.columns))));
        for key in table.foreign_keys.iter().filter(|k| k.source == crate::model::Source::Declared) {
            let theirs: Vec<String> = key.parent_columns.iter().map(|c| name(c)).collect();
            let theirs = if theirs.is_empty() { String::new() } else { format!(" ({})", theirs.join(", ")) };
            parts.push(format!(
                "FOREIGN KEY ({}) REFERENCES {}{theirs} ON DELETE {}",
                list(&key.columns),
                name(&key.parent.name),
                key.on_delete.as_sql()
            ));
        }
        let _ = writeln!(out, "CREATE TABLE {} ({});", qualified(&table.name), parts.join(", "));
        for (number, index) in table.indexes.iter().enumerate() {
            let _ = writeln!(
                out,
                "CREATE INDEX {} ON {} ({});",
                name(&format!("{}_scratch_{number}", table.name.name)),
                name(&table.name.name),
                list(index)
            );
        }
        for part in rows.chunks(ROWS_PER_INSERT) {
            let rows: Vec<String> = part.iter().map(|row| format!("({})", row.iter().map(value).collect::<Vec<_>>().join(", "))).collect();
            let _ = writeln!(out, "INSERT INTO {} VALUES\n{};", qualified(&table.name), rows.join(",\n"));
        }
    }
    out
}

/// Renders a query of one text a row, whatever their order, that tells a table's content.
pub(super) fn digest(table: &Table) -> String {
    let cells: Vec<String> = table.columns.iter().map(|c| format!("typeof({0}) || ':' || coalesce(hex({0}), '')", name(&c.name))).collect();
    format!("SELECT {} AS r FROM {} ORDER BY 1;\n", cells.join(" || ',' || "), qualified(&table.name))
}

/// Renders a script that shows how each delete would be run, and changes nothing.
pub(super) fn explain(plan: &DeletePlan) -> String {
    let mut out = String::new();
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
        let keys = names(&table.columns, &table.key);
        let typed: Vec<String> =
            table.key.iter().map(|c| format!("{} {}", name(&table.columns[*c].name), affinity(&table.columns[*c]))).collect();
        let place = staging(index);
        let _ = writeln!(
            out,
            "CREATE TEMP TABLE {place} ({});\nSELECT {};\nEXPLAIN QUERY PLAN DELETE FROM {target} WHERE ({}) IN (SELECT {} FROM temp.{place} AS p CROSS JOIN {target} AS t ON {});\nDROP TABLE temp.{place};",
            typed.join(", "),
            text(&format!("delete from {}", table.name)),
            keys.join(", "),
            of("t", &keys),
            on_key(table, "t", "p"),
            target = qualified(&table.name),
        );
    }
    out
}

//! A scratch copy of the snapshot's tables, what a digest of one is, and how the deletes would be run.

use std::fmt::Write as _;

use super::literal::{name, table as qualified, text, value};
use super::{names, on_key, staging};
use crate::dialect::Copy;
use crate::model::Table;
use crate::model::plan::DeletePlan;

/// Bytes in one INSERT.
const BYTES_PER_INSERT: usize = 256 * 1_024;

/// Renders the statements that make the tables with their rows, then keys and references.
pub(super) fn statements(copies: &[Copy<'_>]) -> String {
    let mut out = String::from(
        "SET NAMES utf8mb4;\nSET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO';\nSET SESSION time_zone = '+00:00';\n",
    );
    for Copy { table, rows } in copies {
        let mut parts: Vec<String> = table
            .columns
            .iter()
            .map(|c| {
                let kind = if c.type_text.is_empty() { "longtext" } else { &c.type_text };
                format!("{} {kind}{}", name(&c.name), if c.not_null && !c.generated { " NOT NULL" } else { " NULL" })
            })
            .collect();
        let list = |columns: &[usize]| names(&table.columns, columns).join(", ");
        if let Some(key) = table.primary_key.as_ref().filter(|k| k.source != crate::model::Source::Inferred) {
            parts.push(format!("PRIMARY KEY ({})", list(&key.columns)));
        }
        parts.extend(table.unique_keys.iter().map(|k| format!("UNIQUE ({})", list(&k.columns))));
        let _ =
            writeln!(out, "CREATE TABLE {} ({}) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;", qualified(&table.name), parts.join(", "));
        let mut lines: Vec<String> = Vec::new();
        let mut size = 0;
        for (at, row) in rows.iter().enumerate() {
            let line = format!("({})", row.iter().zip(&table.columns).map(|(v, c)| value(v, c)).collect::<Vec<_>>().join(", "));
            size += line.len();
            lines.push(line);
            if size > BYTES_PER_INSERT || at + 1 == rows.len() {
                let _ = writeln!(out, "INSERT INTO {} VALUES\n{};", qualified(&table.name), lines.join(",\n"));
                lines.clear();
                size = 0;
            }
        }
    }
    for Copy { table, .. } in copies {
        for key in table.foreign_keys.iter().filter(|k| k.source == crate::model::Source::Declared) {
            let parent = copies.iter().find(|c| c.table.name == key.parent).map(|c| c.table);
            let own = parent.and_then(|p| p.primary_key.as_ref().map(|k| names(&p.columns, &k.columns))).unwrap_or_default();
            let theirs = if key.parent_columns.is_empty() { own } else { key.parent_columns.iter().map(|c| name(c)).collect() };
            let _ = writeln!(
                out,
                "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {};",
                qualified(&table.name),
                names(&table.columns, &key.columns).join(", "),
                qualified(&key.parent),
                theirs.join(", "),
                key.on_delete.as_sql()
            );
        }
    }
    out
}

/// Renders a query of one text that tells a table's content, whatever the order of its rows.
pub(super) fn digest(table: &Table) -> String {
    let cells: Vec<String> = table.columns.iter().map(|c| format!("IFNULL(HEX({}), '-')", name(&c.name))).collect();
    format!(
        "SET SESSION group_concat_max_len = 1073741824; SELECT SHA2(COALESCE(GROUP_CONCAT(r.h ORDER BY r.h SEPARATOR ''), ''), 256) FROM (SELECT SHA2(CONCAT_WS(',', {}), 256) AS h FROM {}) AS r;\n",
        cells.join(", "),
        qualified(&table.name)
    )
}

/// Renders a script that shows how the server would run each delete, and changes nothing.
pub(super) fn explain(plan: &DeletePlan) -> String {
    let mut out = String::new();
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
        let keys = names(&table.columns, &table.key).join(", ");
        let place = staging(index);
        let _ = writeln!(
            out,
            "CREATE TEMPORARY TABLE {place} (PRIMARY KEY ({keys})) ENGINE = InnoDB AS SELECT {keys} FROM {} WHERE FALSE;",
            qualified(&table.name)
        );
        for row in table.rows.iter().take(1_000) {
            let cells: Vec<String> = table.key.iter().map(|c| value(&row.values[*c], &table.columns[*c])).collect();
            let _ = writeln!(out, "INSERT INTO {place} VALUES ({});", cells.join(", "));
        }
        let _ = writeln!(
            out,
            "SELECT {};\nEXPLAIN DELETE t FROM {place} AS p STRAIGHT_JOIN {} AS t ON {};\nDROP TEMPORARY TABLE {place};",
            text(&format!("delete from {}", table.name)),
            qualified(&table.name),
            on_key(table, "t", "p")
        );
    }
    out
}

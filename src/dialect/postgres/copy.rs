//! A scratch copy of the snapshot's tables, what a digest of one is, and how the deletes would be run.

use std::fmt::Write as _;

use super::delete::delete_statement;
use super::frame::settings;
use super::literal::{name, qualified, staged_type, text, value};
use super::stage::stage;
use crate::dialect::Copy;
use crate::model::Table;
use crate::model::plan::DeletePlan;

/// Words of types that every server has.
const BUILT_IN: &[&str] = &[
    "smallint",
    "integer",
    "int",
    "bigint",
    "int2",
    "int4",
    "int8",
    "real",
    "double",
    "float",
    "float4",
    "float8",
    "numeric",
    "decimal",
    "boolean",
    "bool",
    "text",
    "varchar",
    "character",
    "char",
    "bpchar",
    "name",
    "bytea",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "xml",
    "inet",
    "cidr",
    "macaddr",
    "bit",
    "varbit",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "money",
    "tsvector",
    "tsquery",
    "oid",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
];

/// Rows in one INSERT.
const ROWS_PER_INSERT: usize = 500;

/// Renders the statements that make the tables with their rows, then keys and references.
pub(super) fn statements(copies: &[Copy<'_>]) -> String {
    let mut out = String::from(
        "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET TimeZone = 'UTC';\nSET client_min_messages = warning;\n",
    );
    let mut made = std::collections::BTreeSet::new();
    for copy in copies {
        let table = copy.table;
        let _ = writeln!(out, "CREATE SCHEMA IF NOT EXISTS {};", name(&table.name.schema));
        for column in &table.columns {
            let word = column.type_text.to_ascii_lowercase();
            let word = word.split(['(', ' ', '[']).next().unwrap_or_default().to_owned();
            // A type of an extension or of the user's own: text under its name prints the same.
            if !word.is_empty() && !staged_type(column).is_empty() && !is_built_in(staged_type(column)) && made.insert(word.clone()) {
                if let Some((schema, _)) = word.split_once('.') {
                    let _ = writeln!(out, "CREATE SCHEMA IF NOT EXISTS {schema};");
                }
                let _ = writeln!(out, "CREATE DOMAIN {word} AS text;");
            }
        }
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|c| {
                let kind = if c.type_text.is_empty() { "text" } else { staged_type(c) };
                format!("{} {kind}{}", name(&c.name), if c.not_null && !c.generated { " NOT NULL" } else { "" })
            })
            .collect();
        let _ = writeln!(out, "CREATE TABLE {} ({});", qualified(&table.name), columns.join(", "));
        for part in copy.rows.chunks(ROWS_PER_INSERT) {
            let rows: Vec<String> = part
                .iter()
                .map(|row| format!("({})", row.iter().zip(&table.columns).map(|(v, c)| value(v, c)).collect::<Vec<_>>().join(", ")))
                .collect();
            let _ = writeln!(out, "INSERT INTO {} VALUES\n{};", qualified(&table.name), rows.join(",\n"));
        }
    }
    let list = |table: &Table, columns: &[usize]| columns.iter().map(|c| name(&table.columns[*c].name)).collect::<Vec<_>>().join(", ");
    for Copy { table, .. } in copies {
        let of = qualified(&table.name);
        if let Some(key) = table.primary_key.as_ref().filter(|k| k.source != crate::model::Source::Inferred) {
            let _ = writeln!(out, "ALTER TABLE {of} ADD PRIMARY KEY ({});", list(table, &key.columns));
        }
        for key in &table.unique_keys {
            let _ = writeln!(out, "ALTER TABLE {of} ADD UNIQUE ({});", list(table, &key.columns));
        }
        for index in &table.indexes {
            let _ = writeln!(out, "CREATE INDEX ON {of} ({});", list(table, index));
        }
    }
    for Copy { table, .. } in copies {
        for key in table.foreign_keys.iter().filter(|k| k.source == crate::model::Source::Declared) {
            let theirs: Vec<String> = key.parent_columns.iter().map(|c| name(c)).collect();
            let theirs = if theirs.is_empty() { String::new() } else { format!(" ({})", theirs.join(", ")) };
            let _ = writeln!(
                out,
                "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {}{theirs} ON DELETE {};",
                qualified(&table.name),
                list(table, &key.columns),
                qualified(&key.parent),
                key.on_delete.as_sql()
            );
        }
    }
    out.push_str("ANALYZE;\n");
    out
}

fn is_built_in(type_text: &str) -> bool {
    let lower = type_text.to_ascii_lowercase();
    lower.split(['(', ' ', '[']).next().is_some_and(|w| BUILT_IN.contains(&w))
}

/// Renders a query of one text that tells a table's content, whatever the order of its rows.
pub(super) fn digest(table: &Table) -> String {
    format!("SELECT md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM {} AS t;\n", qualified(&table.name))
}

/// Renders a script that shows how the server would run each delete, and changes nothing.
pub(super) fn explain(plan: &DeletePlan) -> String {
    let mut out = format!("SET client_min_messages = warning;\nBEGIN;\n{}", settings());
    stage(&mut out, plan);
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
        let _ = writeln!(out, "SELECT {};\nEXPLAIN {};", text(&format!("delete from {}", table.name)), delete_statement(index, table));
    }
    out.push_str("ROLLBACK;\n");
    out
}

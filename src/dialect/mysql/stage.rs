//! Stagings: temporary tables with every planned row, by key and with the values that were reviewed.

use std::fmt::Write as _;

use super::gate::Gate;
use super::guards::{needs_twin, twin};
use super::literal::{Kind, kind, name, table as qualified, value};
use super::{names, staging};
use crate::dialect::{Extra, hex, is_wide, sha256};
use crate::model::plan::{DeletePlan, PlanRow, PlanTable};
use crate::model::{Column, Value};

/// Rows in one INSERT of the staging.
const ROWS_PER_INSERT: usize = 500;

/// Bytes in one INSERT of the staging: far below the smallest packet that servers allow.
const BYTES_PER_INSERT: usize = 256 * 1_024;

/// Lists the columns of a staging that are not the table's own.
fn extras(plan: &DeletePlan, table: &PlanTable) -> Vec<Extra> {
    let mut extras = crate::dialect::extras(plan, table);
    if table.levels() > 1 {
        extras.push(("unseed_level", |_, row| row.level.to_string()));
    }
    if !table.opens.is_empty() {
        extras.push(("unseed_opens", |_, row| row.opens.to_string()));
    }
    extras
}

pub(super) fn make_staging(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let extras = extras(plan, table);
    let own: Vec<String> = table
        .reviewed
        .iter()
        .map(|c| {
            let column = name(&table.columns[*c].name);
            // Large values are staged as their digest.
            if is_digest(table, *c) { format!("CAST(NULL AS BINARY(32)) AS {column}") } else { column }
        })
        .collect();
    let key = if table.key.is_empty() { "unseed_no".to_owned() } else { names(&table.columns, &table.key).join(", ") };
    let mut columns: Vec<String> = extras.iter().map(|e| format!("{} BIGINT NOT NULL DEFAULT 0", e.0)).collect();
    columns.push(format!("PRIMARY KEY ({key})"));
    gate.temp(&staging(index), &columns.join(", "), &format!(" AS SELECT {} FROM {} WHERE FALSE", own.join(", "), qualified(&table.name)));
    if needs_twin(plan, index) && !table.key.is_empty() {
        gate.temp(&twin(index), &format!("PRIMARY KEY ({key})"), &format!(" AS SELECT {key} FROM {} WHERE FALSE", qualified(&table.name)));
    }
}

fn is_digest(table: &PlanTable, column: usize) -> bool {
    is_wide(&table.rows, column) && kind(&table.columns[column]) != Kind::Typed
}

pub(super) fn stage(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    write_rows(gate, &staging(index), &table.columns, &table.reviewed, &extras(plan, table), &table.rows, true);
    if needs_twin(plan, index) && !table.key.is_empty() {
        let keys = names(&table.columns, &table.key).join(", ");
        gate.push(&format!("INSERT INTO {} ({keys}) SELECT {keys} FROM {};\n", twin(index), staging(index)));
    }
}

/// Fills a staging; with `digest`, large values are written as their digest.
pub(super) fn write_rows(
    gate: &mut Gate,
    place: &str,
    columns: &[Column],
    ordinals: &[usize],
    extras: &[Extra],
    rows: &[PlanRow],
    digest: bool,
) {
    let wide: Vec<bool> = ordinals.iter().map(|c| digest && is_wide(rows, *c) && kind(&columns[*c]) != Kind::Typed).collect();
    let cell = |row: &PlanRow, place: usize| {
        let column = ordinals[place];
        match (&row.values[column], wide[place]) {
            (Value::Text(t), true) => format!("X'{}'", hex(&sha256(t.as_bytes()))),
            (Value::Blob(b), true) => format!("X'{}'", hex(&sha256(b))),
            (Value::Integer(n), true) => format!("X'{}'", hex(&sha256(n.to_string().as_bytes()))),
            (stored, _) => value(stored, &columns[column]),
        }
    };
    let into: Vec<String> = extras.iter().map(|e| e.0.to_owned()).chain(names(columns, ordinals)).collect();
    let head = format!("INSERT INTO {place} ({}) VALUES\n", into.join(", "));
    let mut lines: Vec<String> = Vec::new();
    let mut size = 0;
    let mut out = String::new();
    let mut flush = |lines: &mut Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(out, "{head}{};", lines.join(",\n"));
            lines.clear();
        }
    };
    for (ordinal, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            extras.iter().map(|e| e.1(ordinal + 1, row)).chain((0..ordinals.len()).map(|place| cell(row, place))).collect();
        let line = format!("  ({})", cells.join(", "));
        if lines.len() >= ROWS_PER_INSERT || size + line.len() > BYTES_PER_INSERT {
            flush(&mut lines);
            size = 0;
        }
        size += line.len();
        lines.push(line);
    }
    flush(&mut lines);
    gate.push(&out);
}

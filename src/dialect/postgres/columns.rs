//! How a column's reviewed value is compared with production's: byte for byte, with NULL as a value of
//! its own, by the cheapest way that is exact for its type.

use super::literal::{name, staged_type, value};
use crate::dialect::{hex, is_wide, sha256};
use crate::model::plan::{PlanRow, PlanTable};
use crate::model::{Column, Value};

/// The way of comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The type's own equality tells values apart exactly.
    Typed,
    /// Text, byte for byte, whatever the column's collation.
    Bytes,
    /// The text that both sides print under one setting: exact for every type, also for those without
    /// an equality or with a loose one.
    Printed,
    /// SHA-256 of the printed text or the bytes: large values are staged as their digest.
    Digest,
}

/// Chooses the way for a column; `wide` says that some reviewed value is large.
///
/// Source: checked on `PostgreSQL` 15.18: numeric without scale holds 1.0 = 1.00, floats -0 = 0, jsonb
/// ignores order and 1 = 1.0, bpchar and citext ignore blanks or case, json and xml have no equality,
/// interval holds 1 month = 30 days; the types below have none of that.
pub(super) fn way(column: &Column, wide: bool) -> Way {
    let lower = staged_type(column).trim().to_ascii_lowercase();
    let word = lower.split(['(', ' ']).next().unwrap_or_default();
    let is_array = lower.ends_with(']');
    let is_text = !is_array && matches!(word, "text" | "varchar" | "character");
    if wide && !is_array && (is_text || matches!(word, "bytea" | "json" | "jsonb" | "xml")) {
        return Way::Digest;
    }
    match word {
        _ if is_array => Way::Printed,
        "smallint" | "integer" | "int" | "bigint" | "int2" | "int4" | "int8" | "boolean" | "bool" | "date" | "timestamp"
        | "timestamptz" | "uuid" | "bytea" | "oid" => Way::Typed,
        "numeric" | "decimal" if lower.contains(',') => Way::Typed,
        _ if is_text => Way::Bytes,
        _ => Way::Printed,
    }
}

/// A staged column: its ordinal and the way in which it is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Staged {
    /// Ordinal in the table.
    pub(super) column: usize,
    /// How it is compared.
    pub(super) way: Way,
}

/// Chooses the way for each of some columns.
pub(super) fn staged(columns: &[Column], ordinals: &[usize], rows: &[PlanRow], declared: bool) -> Vec<Staged> {
    ordinals.iter().map(|c| Staged { column: *c, way: way(&columns[*c], declared && is_wide(rows, *c)) }).collect()
}

impl Staged {
    /// Returns the type that the column is staged in.
    pub(super) fn type_of(self, columns: &[Column]) -> &str {
        if self.way == Way::Digest { "bytea" } else { staged_type(&columns[self.column]) }
    }

    /// Writes a row's value as it is staged.
    pub(super) fn literal(self, columns: &[Column], row: &PlanRow) -> String {
        let stored = &row.values[self.column];
        match (self.way, stored) {
            (Way::Digest, Value::Text(text)) => format!("'\\x{}'", hex(&sha256(text.as_bytes()))),
            (Way::Digest, Value::Blob(bytes)) => format!("'\\x{}'", hex(&sha256(bytes))),
            (Way::Digest, Value::Integer(n)) => format!("'\\x{}'", hex(&sha256(n.to_string().as_bytes()))),
            _ => value(stored, &columns[self.column]),
        }
    }

    /// Says that production's value in `left` is not the staged one in `right`.
    pub(super) fn differs(self, columns: &[Column], left: &str, right: &str) -> String {
        let column = &columns[self.column];
        let c = name(&column.name);
        match self.way {
            Way::Typed => format!("{left}.{c} IS DISTINCT FROM {right}.{c}"),
            Way::Bytes => format!("{left}.{c} COLLATE \"C\" IS DISTINCT FROM {right}.{c} COLLATE \"C\""),
            Way::Printed => format!("{left}.{c}::text COLLATE \"C\" IS DISTINCT FROM {right}.{c}::text COLLATE \"C\""),
            Way::Digest if staged_type(column).eq_ignore_ascii_case("bytea") => format!("sha256({left}.{c}) IS DISTINCT FROM {right}.{c}"),
            Way::Digest => format!("sha256(convert_to({left}.{c}::text, 'UTF8')) IS DISTINCT FROM {right}.{c}"),
        }
    }
}

/// Lists the columns whose values are compared: all reviewed ones, less key columns that their own
/// equality tells apart exactly.
pub(super) fn compared(table: &PlanTable, all: &[Staged]) -> Vec<Staged> {
    all.iter().copied().filter(|s| !table.key.contains(&s.column) || s.way != Way::Typed).collect()
}

/// Says that some compared column differs.
pub(super) fn any_differs(table: &PlanTable, all: &[Staged], left: &str, right: &str) -> String {
    let terms: Vec<String> = compared(table, all).iter().map(|s| s.differs(&table.columns, left, right)).collect();
    if terms.is_empty() { "false".to_owned() } else { terms.join("\n          OR ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_types_compare_as_they_are() {
        let way = |type_text: &str| way(&Column { type_text: type_text.to_owned(), ..Column::default() }, false);
        for typed in ["integer", "bigserial", "timestamp(3) with time zone", "uuid", "numeric(10,2)", "boolean", "bytea"] {
            assert_eq!(way(typed), Way::Typed, "{typed}");
        }
        for printed in
            ["numeric", "numeric(10)", "double precision", "jsonb", "integer[]", "text[]", "public.citext", "interval", "public.mood", ""]
        {
            assert_eq!(way(printed), Way::Printed, "{printed}");
        }
        for bytes in ["text", "character varying(40)", "varchar(3)", "character(4)"] {
            assert_eq!(way(bytes), Way::Bytes, "{bytes}");
        }
    }
}

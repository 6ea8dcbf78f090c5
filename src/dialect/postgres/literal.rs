//! Names and values as PostgreSQL reads them back exactly, whatever they hold.

use std::fmt::Write as _;

use crate::model::{Column, QualifiedName, Value};

/// Quotes a name; one that holds characters which cannot be seen is written with their numbers, so that
/// it stays on its line and shows what it is.
pub(super) fn name(name: &str) -> String {
    if name.chars().all(|c| !c.is_control() && !is_invisible(c)) {
        return format!("\"{}\"", name.replace('"', "\"\""));
    }
    let mut out = String::from("U&\"");
    for c in name.chars() {
        match c {
            '"' => out.push_str("\"\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(out, "\\+{:06X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Returns whether a character is drawn as nothing, or turns the direction of what follows.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Quotes a schema-qualified name.
pub(super) fn qualified(table: &QualifiedName) -> String {
    format!("{}.{}", name(&table.schema), name(&table.name))
}

/// Writes a schema-qualified name as a text that `to_regclass` reads.
pub(super) fn regclass(table: &QualifiedName) -> String {
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    text(&format!("{}.{}", quote(&table.schema), quote(&table.name)))
}

/// Writes a text literal: plain quotes where the text is printable ASCII without backslash, an escape
/// string with `\u` everywhere else, so that the script itself stays printable.
pub(super) fn text(text: &str) -> String {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'\\') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("E'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii() && !c.is_ascii_control() => out.push(c),
            c if u32::from(c) <= 0xffff => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
        }
    }
    out.push('\'');
    out
}

/// Writes a value for a column: untyped, so that it takes the type of the column that it is staged in.
pub(super) fn value(value: &Value, column: &Column) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(n) if is_boolean(column) => if *n == 0 { "false" } else { "true" }.to_owned(),
        Value::Integer(n) if is_integer(column) => n.to_string(),
        Value::Integer(n) => format!("'{n}'"),
        Value::Real(x) => format!("'{x}'"),
        Value::Text(t) => text(t),
        Value::Blob(bytes) => {
            let mut out = String::from("'\\x");
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
            out.push('\'');
            out
        }
    }
}

fn is_boolean(column: &Column) -> bool {
    matches!(column.type_text.to_ascii_lowercase().as_str(), "boolean" | "bool")
}

fn is_integer(column: &Column) -> bool {
    matches!(staged_type(column).to_ascii_lowercase().as_str(), "integer" | "int" | "bigint" | "smallint" | "int2" | "int4" | "int8")
}

/// Returns the type that a declared column is staged in: a serial is an integer with a default.
pub(super) fn staged_type(column: &Column) -> &str {
    match column.type_text.to_ascii_lowercase().as_str() {
        "serial" | "serial4" => "integer",
        "bigserial" | "serial8" => "bigint",
        "smallserial" | "serial2" => "smallint",
        _ => &column.type_text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_printable_and_exact() {
        assert_eq!(text("it's"), "'it''s'");
        assert_eq!(text("a\\b\n\u{e9}\u{1f436}\u{202e}"), "E'a\\\\b\\n\\u00E9\\U0001F436\\u202E'");
        assert_eq!(name("we\"ird"), "\"we\"\"ird\"");
        assert_eq!(name("a\nb\u{202e}"), "U&\"a\\+00000Ab\\+00202E\"");
        assert_eq!(regclass(&QualifiedName::new("s", "a\nb")), "E'\"s\".\"a\\nb\"'");
        let blob = Column { type_text: "bytea".into(), ..Column::default() };
        assert_eq!(value(&Value::Blob(vec![0, 255]), &blob), "'\\x00ff'");
        let flag = Column { type_text: "boolean".into(), ..Column::default() };
        assert_eq!(value(&Value::Integer(1), &flag), "true");
        let undeclared = Column::default();
        assert_eq!(value(&Value::Integer(7), &undeclared), "'7'");
    }
}

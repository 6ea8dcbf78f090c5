//! Names and values as MySQL and MariaDB read them back exactly, under any SQL mode and connection
//! character set.

use crate::dialect::hex;
use crate::model::{Column, QualifiedName, Value};

/// Quotes a name.
pub(super) fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quotes a table's name; the database is the current one, which a guard checks.
pub(super) fn table(table: &QualifiedName) -> String {
    name(&table.name)
}

/// Writes a text: plain quotes where it is printable ASCII without backslash, hexadecimal bytes everywhere
/// else, so that neither the mode nor the client can change it.
pub(super) fn text(text: &str) -> String {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'\\') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    format!("CONVERT(X'{}' USING utf8mb4)", hex(text.as_bytes()))
}

/// Writes a value for a column.
pub(super) fn value(value: &Value, column: &Column) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(n) if kind(column) == Kind::Text => format!("'{n}'"),
        Value::Integer(n) => n.to_string(),
        Value::Real(x) => format!("'{x:?}'"),
        Value::Text(t) => text(t),
        Value::Blob(bytes) if bytes.is_empty() => "''".to_owned(),
        Value::Blob(bytes) => format!("X'{}'", hex(bytes)),
    }
}

/// How values of a column compare exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Characters under some collation: compared as bytes.
    Text,
    /// Bytes.
    Binary,
    /// Numbers and times: the type's own equality is exact.
    Typed,
}

/// Returns how values of a column compare exactly; an undeclared one as text.
pub(super) fn kind(column: &Column) -> Kind {
    let lower = column.type_text.to_ascii_lowercase();
    match lower.split(['(', ' ']).next().unwrap_or_default() {
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry" | "point" | "polygon" | "linestring"
        | "multipoint" | "multilinestring" | "multipolygon" | "geometrycollection" => Kind::Binary,
        "bit" | "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal" | "numeric" | "dec" | "fixed" | "float"
        | "double" | "real" | "date" | "datetime" | "timestamp" | "time" | "year" | "boolean" | "bool" => Kind::Typed,
        _ => Kind::Text,
    }
}

/// Writes a column of an alias as the bytes that are compared.
pub(super) fn bytes(column: &Column, alias: &str) -> String {
    let c = name(&column.name);
    match kind(column) {
        Kind::Binary => format!("{alias}.{c}"),
        _ => format!("CAST(CONVERT({alias}.{c} USING utf8mb4) AS BINARY)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_depend_on_no_mode() {
        assert_eq!(text("it's"), "'it''s'");
        assert_eq!(text("a\\b"), "CONVERT(X'615c62' USING utf8mb4)");
        assert_eq!(text("a\r\n"), "CONVERT(X'610d0a' USING utf8mb4)");
        assert_eq!(name("a`b"), "`a``b`");
        let column = |t: &str| Column { type_text: t.to_owned(), ..Column::default() };
        assert_eq!(value(&Value::Integer(7), &column("varchar(3)")), "'7'");
        assert_eq!(value(&Value::Integer(7), &column("int(11)")), "7");
        assert_eq!(kind(&column("double precision")), Kind::Typed);
        assert_eq!(kind(&column("enum('a')")), Kind::Text);
    }
}

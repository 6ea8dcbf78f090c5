//! Which storage class a cell gets. Keeps every value's text or bytes exactly; affinity never applies.

use crate::dump::{Cell, CellKind};
use crate::model::{Engine, ValueRef};

/// How the cells of a column are stored.
///
/// Source: "PostgreSQL Type Names" and SQLite's storage classes: integers that print back to the same
/// text become integers, declared booleans 0 or 1, declared binary bytes; everything else stays text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Declared integer.
    Integer,
    /// Declared boolean.
    Boolean,
    /// Declared binary, in Postgres' hex or escape format.
    Bytea,
    /// Declared as anything else: text as it stands.
    Verbatim,
    /// Undeclared: canonical integers become integers.
    Undeclared,
    /// SQLite: as the input stores it.
    Stored,
}

impl Conversion {
    /// Chooses by the declared type's text.
    pub(super) fn of(engine: Engine, type_text: &str) -> Self {
        if engine == Engine::Sqlite {
            return Self::Stored;
        }
        let lower = type_text.trim().to_ascii_lowercase();
        let word = lower.split([' ', '(']).next().unwrap_or_default();
        match word {
            "" => Self::Undeclared,
            _ if lower.ends_with(']') => Self::Verbatim,
            "smallint" | "integer" | "int" | "bigint" | "int2" | "int4" | "int8" | "serial" | "bigserial" | "smallserial" | "serial4"
            | "serial8" | "serial2" | "oid" => Self::Integer,
            "boolean" | "bool" => Self::Boolean,
            "bytea" => Self::Bytea,
            _ => Self::Verbatim,
        }
    }

    /// Stores a cell; `scratch` holds decoded bytes. The flag says that the text is not valid UTF-8.
    pub(super) fn store<'a>(self, cell: Cell<'a>, scratch: &'a mut Vec<u8>) -> (ValueRef<'a>, bool) {
        let number = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).unwrap_or_default();
        match cell.kind {
            CellKind::Null | CellKind::Default => (ValueRef::Null, false),
            CellKind::Integer => (ValueRef::Integer(i64::from_le_bytes(number(cell.bytes))), false),
            CellKind::Real => (ValueRef::Real(f64::from_le_bytes(number(cell.bytes))), false),
            CellKind::Bytes => (ValueRef::Blob(cell.bytes), false),
            CellKind::Text | CellKind::Bare => match self {
                Self::Integer | Self::Undeclared => match canonical_integer(cell.bytes) {
                    Some(n) => (ValueRef::Integer(n), false),
                    None => text(cell.bytes),
                },
                Self::Boolean => match cell.bytes {
                    b"t" | b"true" | b"TRUE" => (ValueRef::Integer(1), false),
                    b"f" | b"false" | b"FALSE" => (ValueRef::Integer(0), false),
                    other => text(other),
                },
                Self::Bytea => {
                    scratch.clear();
                    if decode_bytea(cell.bytes, scratch) { (ValueRef::Blob(scratch), false) } else { text(cell.bytes) }
                }
                Self::Verbatim | Self::Stored => text(cell.bytes),
            },
        }
    }
}

fn text(bytes: &[u8]) -> (ValueRef<'_>, bool) {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => (ValueRef::Text(text), false),
        Err(_) => (ValueRef::Blob(bytes), true),
    }
}

/// Returns the integer whose decimal text is exactly these bytes.
fn canonical_integer(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, bytes),
    };
    let leading_zero = digits.first() == Some(&b'0') && (digits.len() > 1 || negative);
    if digits.is_empty() || digits.len() > 19 || leading_zero {
        return None;
    }
    let mut value: i64 = 0;
    for byte in digits {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        if !(0..=9).contains(&digit) {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// Decodes `\x00ff` or the escape format (`\000`, `\\`) of a Postgres bytea.
///
/// Source: PostgreSQL manual, 8.4 Binary Data Types.
fn decode_bytea(text: &[u8], out: &mut Vec<u8>) -> bool {
    if let Some(digits) = text.strip_prefix(b"\\x") {
        let Some(bytes) = crate::dump::sql::lexer::decode_hex(digits) else { return false };
        out.extend_from_slice(&bytes);
        return true;
    }
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'\\' {
            out.push(byte);
            rest = tail;
        } else if tail.first() == Some(&b'\\') {
            out.push(b'\\');
            rest = &tail[1..];
        } else if tail.len() >= 3 && tail[..3].iter().all(|b| (b'0'..=b'7').contains(b)) && tail[0] <= b'3' {
            out.push((tail[0] - b'0') << 6 | (tail[1] - b'0') << 3 | (tail[2] - b'0'));
            rest = &tail[3..];
        } else {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(type_text: &str, text: &str) -> crate::model::Value {
        let mut scratch = Vec::new();
        let cell = Cell { kind: CellKind::Text, bytes: text.as_bytes() };
        Conversion::of(Engine::Postgres, type_text).store(cell, &mut scratch).0.into()
    }

    #[test]
    fn no_value_changes_its_text() {
        use crate::model::Value::{Blob, Integer, Text};
        assert_eq!(stored("integer", "42"), Integer(42));
        assert_eq!(stored("bigint", "-9223372036854775808"), Integer(i64::MIN));
        for odd in ["007", "+1", "-0", "9223372036854775808", "", "1.0", " 1", "--1", "-"] {
            assert_eq!(stored("integer", odd), Text(odd.into()), "{odd}");
            assert_eq!(stored("", odd), Text(odd.into()), "{odd}");
        }
        assert_eq!(stored("character varying(40)", "42"), Text("42".into()));
        assert_eq!(stored("numeric(10,2)", "1.10"), Text("1.10".into()));
        assert_eq!(stored("integer[]", "{1,2}"), Text("{1,2}".into()));
        assert_eq!(stored("boolean", "t"), Integer(1));
        assert_eq!(stored("bytea", "\\x00ff"), Blob(vec![0, 255]));
        assert_eq!(stored("bytea", "a\\000\\\\"), Blob(vec![b'a', 0, b'\\']));
    }
}

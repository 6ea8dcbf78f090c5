//! Which storage class a cell gets. Keeps every value's text or bytes exactly; affinity never applies.

use crate::dump::{Cell, CellKind, Charset};
use crate::model::{Engine, ValueRef};

/// How the cells of a column are stored.
///
/// Source: "PostgreSQL Type Names", MySQL "Data Types" and SQLite's storage classes: integers that print back
/// to the same text become integers, declared booleans 0 or 1, declared binary bytes; everything else stays text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Declared integer.
    Integer,
    /// Declared boolean.
    Boolean,
    /// Declared binary, in Postgres' hex or escape format.
    Bytea,
    /// Declared binary, as it stands.
    Binary,
    /// Declared as this many bits; stored as their digits.
    Bits(u8),
    /// Declared as anything else: text as it stands.
    Verbatim,
    /// Undeclared: canonical integers become integers.
    Undeclared,
    /// SQLite: as the input stores it.
    Stored,
}

/// A stored cell: the value, and whether its text is not valid in its character set.
pub(super) type Stored<'a> = (ValueRef<'a>, bool);

impl Conversion {
    /// Chooses by the declared type's text.
    pub(super) fn of(engine: Engine, type_text: &str) -> Self {
        if engine == Engine::Sqlite {
            return Self::Stored;
        }
        // `--quote-all-identifiers` quotes the names of types that are no keywords.
        let lower = type_text.trim().to_ascii_lowercase().replace('"', "");
        let lower = lower.strip_prefix("pg_catalog.").unwrap_or(&lower);
        let word = lower.split([' ', '(']).next().unwrap_or_default();
        let mysql = matches!(engine, Engine::Mysql | Engine::Mariadb);
        match word {
            "" => Self::Undeclared,
            _ if lower.ends_with(']') => Self::Verbatim,
            "smallint" | "integer" | "int" | "bigint" | "int2" | "int4" | "int8" | "serial" | "bigserial" | "smallserial" | "serial4"
            | "serial8" | "serial2" | "oid" => Self::Integer,
            "tinyint" | "mediumint" | "int1" | "int3" | "middleint" | "year" | "bool" | "boolean" if mysql => Self::Integer,
            "boolean" | "bool" => Self::Boolean,
            "bytea" => Self::Bytea,
            "bit" if mysql => Self::Bits(bits(lower)),
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry" | "point" | "linestring" | "polygon"
            | "multipoint" | "multilinestring" | "multipolygon" | "geometrycollection" | "geomcollection" | "vector"
                if mysql =>
            {
                Self::Binary
            }
            _ => Self::Verbatim,
        }
    }

    /// Returns whether a cell is plainly text to be stored as it stands, as most are; [`Self::store`] tells of the others.
    #[inline]
    pub(super) fn keeps(self, cell: Cell<'_>) -> bool {
        cell.kind == CellKind::Text
            && cell.valid
            && match self {
                Self::Verbatim | Self::Stored => true,
                Self::Undeclared => cell.bytes.first().is_none_or(|b| !matches!(b, b'-' | b'0'..=b'9')) || cell.bytes.len() > 20,
                _ => false,
            }
    }

    /// Stores a cell; `scratch` holds decoded bytes.
    #[inline]
    pub(super) fn store<'a>(self, cell: Cell<'a>, charset: Charset, scratch: &'a mut Vec<u8>) -> Stored<'a> {
        match cell.kind {
            CellKind::Text | CellKind::Bare => self.text(cell, charset, scratch),
            CellKind::Null | CellKind::Default => (ValueRef::Null, false),
            CellKind::Integer => (ValueRef::Integer(i64::from_le_bytes(number(cell.bytes))), false),
            CellKind::Real => (ValueRef::Real(f64::from_le_bytes(number(cell.bytes))), false),
            CellKind::Bytes => match self {
                Self::Bits(width) => (bit_digits(cell.bytes, width, scratch), false),
                // MySQL's tools write texts too as binary literals, where they were told that all is binary.
                Self::Verbatim => plain(cell),
                Self::Binary | Self::Bytea | Self::Undeclared | Self::Stored => (ValueRef::Blob(cell.bytes), false),
                Self::Integer | Self::Boolean => (ValueRef::Blob(cell.bytes), false),
            },
            CellKind::Bits => match self {
                Self::Bits(width) => {
                    scratch.clear();
                    scratch.resize(usize::from(width).saturating_sub(cell.bytes.len()), b'0');
                    scratch.extend_from_slice(cell.bytes);
                    (ValueRef::Text(scratch), false)
                }
                _ => plain(cell),
            },
        }
    }

    #[inline]
    fn text<'a>(self, cell: Cell<'a>, charset: Charset, scratch: &'a mut Vec<u8>) -> Stored<'a> {
        match self {
            Self::Integer | Self::Undeclared => {
                if let Some(n) = canonical_integer(cell.bytes) {
                    return (ValueRef::Integer(n), false);
                }
            }
            Self::Boolean => match cell.bytes {
                b"t" | b"true" | b"TRUE" => return (ValueRef::Integer(1), false),
                b"f" | b"false" | b"FALSE" => return (ValueRef::Integer(0), false),
                _ => {}
            },
            Self::Bytea => {
                scratch.clear();
                return if decode_bytea(cell.bytes, scratch) { (ValueRef::Blob(scratch), false) } else { plain(cell) };
            }
            Self::Binary => return (ValueRef::Blob(cell.bytes), false),
            Self::Bits(width) if cell.kind == CellKind::Text => return (bit_digits(cell.bytes, width, scratch), false),
            Self::Stored if cell.kind == CellKind::Bare => return stored_number(cell),
            Self::Verbatim | Self::Stored | Self::Bits(_) => {}
        }
        if charset.needs_decoding() && !cell.bytes.is_ascii() {
            scratch.clear();
            return if charset.decode(cell.bytes, scratch) { (ValueRef::Text(scratch), false) } else { (ValueRef::Blob(cell.bytes), true) };
        }
        plain(cell)
    }
}

fn number(bytes: &[u8]) -> [u8; 8] {
    <[u8; 8]>::try_from(bytes).unwrap_or_default()
}

/// Returns the number of bits of `bit(n)`.
fn bits(type_text: &str) -> u8 {
    let inner = type_text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("1", |(inner, _)| inner);
    inner.trim().parse().ok().filter(|n| (1..=64).contains(n)).unwrap_or(1)
}

/// Stores a MySQL bit value that is written as bytes, as its digits.
fn bit_digits<'a>(bytes: &'a [u8], width: u8, scratch: &'a mut Vec<u8>) -> ValueRef<'a> {
    if bytes.len() > 8 {
        return ValueRef::Blob(bytes);
    }
    let value = bytes.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
    scratch.clear();
    let width = u32::from(width).max(64 - value.leading_zeros());
    scratch.extend((0..width).rev().map(|place| b'0' + (value >> place & 1) as u8));
    ValueRef::Text(scratch)
}

/// Stores a bare number as SQLite would.
///
/// Source: SQLite, "Literal Values": a number with a point or exponent, or beyond 64 bits, is a float.
fn stored_number(cell: Cell<'_>) -> Stored<'_> {
    if let Some(n) = canonical_integer(cell.bytes) {
        return (ValueRef::Integer(n), false);
    }
    match std::str::from_utf8(cell.bytes).ok().and_then(|t| t.parse::<f64>().ok()) {
        Some(x) => (ValueRef::Real(x), false),
        None => plain(cell),
    }
}

/// Stores text as it stands, bytes where it is no UTF-8.
#[inline]
fn plain(cell: Cell<'_>) -> Stored<'_> {
    if cell.valid || simdutf8::basic::from_utf8(cell.bytes).is_ok() {
        (ValueRef::Text(cell.bytes), false)
    } else {
        (ValueRef::Blob(cell.bytes), true)
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

    fn stored_by(engine: Engine, type_text: &str, kind: CellKind, bytes: &[u8]) -> crate::model::Value {
        let mut scratch = Vec::new();
        let cell = Cell { kind, bytes, valid: false };
        Conversion::of(engine, type_text).store(cell, Charset::Utf8, &mut scratch).0.into()
    }

    fn stored(type_text: &str, text: &str) -> crate::model::Value {
        stored_by(Engine::Postgres, type_text, CellKind::Text, text.as_bytes())
    }

    #[test]
    fn mysql_types_are_mysqls() {
        use crate::model::Value::{Blob, Integer, Text};
        let mysql = |type_text, kind, bytes: &[u8]| stored_by(Engine::Mysql, type_text, kind, bytes);
        assert_eq!(mysql("tinyint(1)", CellKind::Bare, b"2"), Integer(2));
        assert_eq!(mysql("bigint(20) unsigned", CellKind::Bare, b"18446744073709551615"), Text("18446744073709551615".into()));
        assert_eq!(mysql("int(5) unsigned zerofill", CellKind::Bare, b"00042"), Text("00042".into()));
        assert_eq!(mysql("varbinary(4)", CellKind::Text, b"ab\xff"), Blob(b"ab\xff".to_vec()));
        for (kind, bytes) in [(CellKind::Bits, &b"101"[..]), (CellKind::Bytes, b"\x05"), (CellKind::Text, b"\x05")] {
            assert_eq!(mysql("bit(4)", kind, bytes), Text("0101".into()));
        }
        assert_eq!(mysql("decimal(10,2)", CellKind::Bare, b"1.10"), Text("1.10".into()));
        assert_eq!(mysql("datetime", CellKind::Text, b"0000-00-00 00:00:00"), Text("0000-00-00 00:00:00".into()));
    }

    #[test]
    fn sqlite_numbers_are_sqlites() {
        use crate::model::Value::{Integer, Real, Text};
        let sqlite = |kind, text: &str| stored_by(Engine::Sqlite, "TEXT", kind, text.as_bytes());
        assert_eq!(sqlite(CellKind::Bare, "7"), Integer(7));
        assert_eq!(sqlite(CellKind::Bare, "0.1"), Real(0.1));
        assert_eq!(sqlite(CellKind::Bare, "1e999"), Real(f64::INFINITY));
        assert_eq!(sqlite(CellKind::Text, "7"), Text("7".into()));
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

//! A stored cell, exactly as the input held it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One cell of the snapshot. The storage class is the one chosen at ingest; no affinity rewrites it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL; never the empty string.
    Null,
    /// A canonical integer that fits 64 bits, or a declared boolean as 0 or 1.
    Integer(i64),
    /// A binary float; only SQLite inputs hold these, every other format keeps its text.
    Real(f64),
    /// Text, valid UTF-8, verbatim.
    Text(String),
    /// Bytes: declared binary columns, and text that is not valid UTF-8.
    Blob(Vec<u8>),
}

impl Value {
    /// Returns the value as the text that a row key shows; binary as `\x<hex>`, NULL as `None`.
    #[must_use]
    pub fn key_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Null => None,
            Self::Integer(n) => Some(Cow::Owned(n.to_string())),
            Self::Real(x) => Some(Cow::Owned(x.to_string())),
            Self::Text(s) => Some(Cow::Borrowed(s)),
            Self::Blob(bytes) => Some(Cow::Owned(hex_text(bytes))),
        }
    }

    /// Returns whether the value is SQL NULL.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// A cell that is borrowed from a buffer. Text is bytes that were found to be valid UTF-8, so that it
/// need not be looked at once more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// SQL NULL.
    Null,
    /// See [`Value::Integer`].
    Integer(i64),
    /// See [`Value::Real`].
    Real(f64),
    /// See [`Value::Text`].
    Text(&'a [u8]),
    /// See [`Value::Blob`].
    Blob(&'a [u8]),
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(n) => Self::Integer(n),
            ValueRef::Real(x) => Self::Real(x),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::Blob(text.to_owned()),
            },
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_owned()),
        }
    }
}

/// Writes bytes as `\x` and lower-case hexadecimal digits, the form Postgres prints.
#[must_use]
pub fn hex_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("\\x");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Renders a row key as the JSON array of its parts' texts, as `unseed_verdicts.row_key` holds it.
#[must_use]
pub fn row_key_json(parts: &[Value]) -> String {
    let texts: Vec<Option<Cow<'_, str>>> = parts.iter().map(Value::key_text).collect();
    serde_json::to_string(&texts).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_json_arrays_of_text() {
        let key = [Value::Integer(42), Value::Text("a\"b".into()), Value::Blob(vec![0, 255])];
        assert_eq!(row_key_json(&key), r#"["42","a\"b","\\x00ff"]"#);
    }
}

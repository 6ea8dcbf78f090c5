//! Names and values as SQLite reads them back exactly, whatever they hold and whatever their type.

use crate::dialect::hex;
use crate::model::{QualifiedName, Value};

/// Quotes a name.
pub(super) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a table's name within the main database.
pub(super) fn table(table: &QualifiedName) -> String {
    format!("main.{}", name(&table.name))
}

/// Writes a text: plain quotes where it is printable ASCII, hexadecimal bytes everywhere else.
pub(super) fn text(text: &str) -> String {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    format!("CAST(X'{}' AS TEXT)", hex(text.as_bytes()))
}

/// Writes a value with its storage class.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        // The smallest integer is not written as such: its digits alone would be a float.
        Value::Integer(i64::MIN) => "(-9223372036854775807 - 1)".to_owned(),
        Value::Integer(n) => n.to_string(),
        Value::Real(x) => real(*x),
        Value::Text(t) => text(t),
        Value::Blob(bytes) => format!("X'{}'", hex(bytes)),
    }
}

/// 2 to the power of 52: the largest step that keeps every intermediate result exact.
const STEP_BITS: i32 = 52;

/// Writes a float as an integer times powers of two, all of them exact: reading decimal digits may be off
/// by the last bit.
fn real(x: f64) -> String {
    if x.is_infinite() {
        return if x > 0.0 { "9e999" } else { "-9e999" }.to_owned();
    }
    if x == 0.0 {
        return if x.is_sign_negative() { "-0.0" } else { "0.0" }.to_owned();
    }
    let bits = x.abs().to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let (mut mantissa, mut power) = if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    while mantissa % 2 == 0 {
        mantissa /= 2;
        power += 1;
    }
    let mut out = format!("CAST({}{mantissa} AS REAL)", if x < 0.0 { "-" } else { "" });
    while power != 0 {
        let step = power.abs().min(STEP_BITS);
        let sign = if power > 0 { '*' } else { '/' };
        out = format!("{out} {sign} {}.0", 1_u64 << step);
        power -= step * power.signum();
    }
    if out.contains(' ') { format!("({out})") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_exactly() {
        let db = rusqlite::Connection::open_in_memory().expect("a database");
        let texts = ["it's", "a\nb", "\u{0}x", "\u{e9}\u{1f436}\u{202e}", "", "--", "*/", "$g$", ":var", "\\"];
        let mut values: Vec<Value> = texts.iter().map(|t| Value::Text((*t).to_owned())).collect();
        values.extend([0, 1, -1, i64::MAX, i64::MIN].map(Value::Integer));
        values.extend(
            [0.1, -2.5, 1e300, 5e-324, 1.797_693_134_862_315_7e308, 1.0 / 3.0, 123_456.789, 9_007_199_254_740_993.0, f64::INFINITY]
                .map(Value::Real),
        );
        values.extend([Value::Null, Value::Blob(vec![0, 255, 39])]);
        for wanted in values {
            let sql = format!("SELECT {}", value(&wanted));
            let found: rusqlite::types::Value = db.query_row(&sql, [], |row| row.get(0)).expect("a value");
            let found = match found {
                rusqlite::types::Value::Null => Value::Null,
                rusqlite::types::Value::Integer(n) => Value::Integer(n),
                rusqlite::types::Value::Real(x) => Value::Real(x),
                rusqlite::types::Value::Text(t) => Value::Text(t),
                rusqlite::types::Value::Blob(b) => Value::Blob(b),
            };
            assert_eq!(found, wanted, "{sql}");
        }
    }
}

//! The reference writer: SQLite's own INSERT.

use rusqlite::Connection;

use super::Open;
use crate::model::ValueRef;
use crate::snapshot::names::quote;

/// The reference: SQLite's own INSERT.
pub(super) struct Inserter {
    pub(super) db: Connection,
    pub(super) values: Vec<rusqlite::types::Value>,
}

impl Inserter {
    pub(super) fn insert(&mut self, open: &Open) -> rusqlite::Result<()> {
        if self.values.is_empty() {
            self.values.push(rusqlite::types::Value::Null);
        }
        let holes = vec!["?"; self.values.len()].join(", ");
        let names: Vec<String> = open.columns.iter().take(self.values.len()).map(|c| quote(c)).collect();
        let names = if names.is_empty() { "\"(no columns)\"".to_owned() } else { names.join(", ") };
        let sql = format!("INSERT INTO {} ({names}) VALUES ({holes})", quote(&open.physical));
        self.db.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(self.values.drain(..)))?;
        Ok(())
    }
}

pub(super) fn owned(value: ValueRef<'_>) -> rusqlite::types::Value {
    use rusqlite::types::Value;
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::Integer(n),
        ValueRef::Real(x) => Value::Real(x),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    }
}

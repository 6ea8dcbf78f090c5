//! Rows of a case: found by key, read cell by cell.

use rusqlite::OptionalExtension as _;
use rusqlite::types::ValueRef as SqlRef;

use super::Case;
use crate::model::value::row_key_json;
use crate::model::{Row, TableId, Value, ValueRef};
use crate::snapshot::SnapshotError;
use crate::snapshot::names::quote;

impl Case {
    /// Returns the key values of a row; the ordinal, from 1, where the table has no key.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn row_key(&self, table: TableId, row: Row) -> Result<Vec<Value>, SnapshotError> {
        let key = self.table(table).key();
        if key.is_empty() {
            return Ok(vec![Value::Integer(i64::from(row) + 1)]);
        }
        self.cells(table, row, key)
    }

    /// Returns the keys of some rows, which rise, as texts that stand for them: see [`row_key_json`].
    ///
    /// # Errors
    /// Returns what the system says, or that the file is damaged.
    pub fn keys_of(&self, table: TableId, rows: &[Row]) -> Result<Vec<String>, SnapshotError> {
        let key = self.table(table).key();
        if key.is_empty() {
            return Ok(rows.iter().map(|row| row_key_json(&[Value::Integer(i64::from(*row) + 1)])).collect());
        }
        // Pages hold columns as they rise, and a key may name them otherwise.
        let mut rising = key.to_vec();
        rising.sort_unstable();
        rising.dedup();
        let places: Vec<usize> = key.iter().filter_map(|c| rising.binary_search(c).ok()).collect();
        let text = |_: Row, cells: &[ValueRef<'_>]| {
            let key: Vec<Value> = places.iter().map(|place| Value::from(cells[*place])).collect();
            row_key_json(&key)
        };
        let mut keys = Vec::with_capacity(rows.len());
        self.reader().pick(table, rows, &rising, text, |key| keys.push(key))?;
        Ok(keys)
    }

    /// Returns some cells of a row.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn cells(&self, table: TableId, row: Row, columns: &[usize]) -> Result<Vec<Value>, SnapshotError> {
        let info = self.table(table);
        let list: Vec<String> = columns.iter().map(|c| quote(&info.physical_columns[*c])).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE rowid = ?1",
            if list.is_empty() { "NULL".to_owned() } else { list.join(", ") },
            quote(&info.physical)
        );
        self.run(|| {
            let mut statement = self.db.prepare_cached(&sql)?;
            statement.query_row([i64::from(row) + 1], |found| (0..columns.len()).map(|i| found.get_ref(i).map(to_value)).collect())
        })
    }

    /// Returns every cell of a row.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn row(&self, table: TableId, row: Row) -> Result<Vec<Value>, SnapshotError> {
        let all: Vec<usize> = (0..self.table(table).table.columns.len()).collect();
        self.cells(table, row, &all)
    }

    /// Finds the row with a key given as texts; the ordinal, from 1, where the table has no key.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn find_row(&self, table: TableId, key: &[String]) -> Result<Option<Row>, SnapshotError> {
        let info = self.table(table);
        if info.key().is_empty() {
            let ordinal = key.first().and_then(|k| k.parse::<u64>().ok()).filter(|n| (1..=info.rows).contains(n));
            return Ok(ordinal.map(|n| (n - 1) as Row));
        }
        if key.len() != info.key().len() {
            return Ok(None);
        }
        // Stored values have no affinity: a key may be an integer, text or bytes.
        let mut conditions = Vec::new();
        let mut values: Vec<Box<dyn rusqlite::ToSql>> = Vec::new();
        for (column, text) in info.key().iter().zip(key) {
            let name = quote(&info.physical_columns[*column]);
            let mut alternatives = vec![format!("{name} = ?{}", values.len() + 1)];
            values.push(Box::new(text.clone()));
            if let Some(number) = text.parse::<i64>().ok().filter(|n| n.to_string() == *text) {
                alternatives.push(format!("{name} = ?{}", values.len() + 1));
                values.push(Box::new(number));
            }
            if let Some(bytes) = text.strip_prefix("\\x").and_then(decode_hex) {
                alternatives.push(format!("{name} = ?{}", values.len() + 1));
                values.push(Box::new(bytes));
            }
            conditions.push(format!("({})", alternatives.join(" OR ")));
        }
        self.index(table, info.key());
        let sql = format!("SELECT rowid FROM {} WHERE {} ORDER BY rowid LIMIT 1", quote(&info.physical), conditions.join(" AND "));
        let found: Option<i64> =
            self.db.query_row(&sql, rusqlite::params_from_iter(values), |row| row.get(0)).optional().map_err(|e| self.sqlite(e))?;
        Ok(found.map(|rowid| (rowid - 1) as Row))
    }

    /// Returns the child rows whose columns equal the given values, by ordinal.
    ///
    /// # Errors
    /// Returns what SQLite says.
    pub fn rows_where(&self, table: TableId, columns: &[usize], values: &[Value]) -> Result<Vec<Row>, SnapshotError> {
        let info = self.table(table);
        self.index(table, columns);
        let conditions: Vec<String> =
            columns.iter().enumerate().map(|(i, c)| format!("{} = ?{}", quote(&info.physical_columns[*c]), i + 1)).collect();
        let sql = format!("SELECT rowid FROM {} WHERE {} ORDER BY rowid", quote(&info.physical), conditions.join(" AND "));
        self.run(|| {
            let mut statement = self.db.prepare_cached(&sql)?;
            let rows = statement
                .query_map(rusqlite::params_from_iter(values.iter().map(from_value)), |row| row.get::<_, i64>(0).map(|n| (n - 1) as Row))?;
            rows.collect()
        })
    }

    /// Indexes columns that rows are looked up by, unless an index begins with them. Ingest did it for declared keys;
    /// what was inferred since is indexed when it is first asked for, which most analyses never do.
    fn index(&self, table: TableId, columns: &[usize]) {
        if !self.indexed.borrow_mut().insert((table, columns.to_vec())) {
            return;
        }
        let info = self.table(table);
        let names: Vec<&String> = columns.iter().map(|c| &info.physical_columns[*c]).collect();
        let exists = || -> rusqlite::Result<bool> {
            let mut indexes = self.db.prepare("SELECT name FROM pragma_index_list(?1)")?;
            let mut leading = self.db.prepare_cached("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
            for index in indexes.query_map([&info.physical], |row| row.get::<_, String>(0))? {
                let own: Vec<String> = leading.query_map([index?], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
                if own.iter().zip(&names).filter(|(a, b)| a == *b).count() == names.len() {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if exists().unwrap_or(true) {
            return;
        }
        let label: Vec<String> = columns.iter().map(usize::to_string).collect();
        let index = quote(&format!("unseed_ix_{}_on_{}", table.0, label.join("_")));
        let list: Vec<String> = names.iter().map(|n| quote(n)).collect();
        // Without it the same rows are found, only later.
        let _ = self.db.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} ({})", quote(&info.physical), list.join(", ")));
    }
}

pub(super) fn to_value(value: SqlRef<'_>) -> Value {
    match value {
        SqlRef::Null => Value::Null,
        SqlRef::Integer(n) => Value::Integer(n),
        SqlRef::Real(x) => Value::Real(x),
        SqlRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(text.to_owned()),
        },
        SqlRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    }
}

fn from_value(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(n) => rusqlite::types::Value::Integer(*n),
        Value::Real(x) => rusqlite::types::Value::Real(*x),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
        Value::Blob(bytes) => rusqlite::types::Value::Blob(bytes.clone()),
    }
}

fn decode_hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len() / 2).map(|i| u8::from_str_radix(digits.get(i * 2..i * 2 + 2)?, 16).ok()).collect()
}

//! What a case file and a server hold, in one form that can be compared: every value as the bytes of its text.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::harness::{Mariadb, Postgres};

/// A row: NULL, or the bytes of a value's text; binary values as lower-case hexadecimal digits.
pub type Row = Vec<Option<Vec<u8>>>;

/// Rows by table, sorted; table names as `schema.table` or `table`.
pub type Tables = BTreeMap<String, Vec<Row>>;

/// A table of a case file, with the columns that the database does not compute.
pub struct Stored {
    pub name: String,
    pub physical: String,
    pub columns: Vec<(String, String)>,
}

/// Opens a case file that must be whole.
pub fn open(path: &Path) -> Connection {
    let case = Connection::open(path).expect("a case file");
    let check: String = case.query_row("PRAGMA integrity_check", [], |r| r.get(0)).expect("a check");
    assert_eq!(check, "ok", "{}", path.display());
    case
}

/// Lists the tables of a case file: names qualified where their schema is not the engine's usual one.
pub fn stored_tables(case: &Connection) -> Vec<Stored> {
    let mut statement = case
        .prepare("SELECT table_id, database_name, schema_name, table_name, physical_name FROM unseed_tables ORDER BY table_id")
        .expect("tables");
    let named = statement
        .query_map([], |r| {
            let (database, schema, table): (String, String, String) = (r.get(1)?, r.get(2)?, r.get(3)?);
            let parts = [database.as_str(), schema.as_str(), table.as_str()];
            let parts: Vec<&str> = parts.into_iter().filter(|p| !matches!(*p, "" | "public" | "main")).collect();
            Ok((r.get::<_, i64>(0)?, parts.join("."), r.get::<_, String>(4)?))
        })
        .expect("tables");
    let mut found = Vec::new();
    for table in named {
        let (id, name, physical) = table.expect("a table");
        let mut statement = case
            .prepare("SELECT physical_name, type_text FROM unseed_columns WHERE table_id = ?1 AND NOT generated ORDER BY ordinal")
            .expect("columns");
        let columns = statement.query_map([id], |r| Ok((r.get(0)?, r.get(1)?))).expect("columns").map(|c| c.expect("a column")).collect();
        found.push(Stored { name, physical, columns });
    }
    found
}

/// Reads every value of a case file.
pub fn stored(case: &Connection) -> Tables {
    let mut tables = Tables::new();
    for table in stored_tables(case) {
        let mut rows = Vec::new();
        let list: Vec<String> = table.columns.iter().map(|c| format!("\"{}\"", c.0.replace('"', "\"\""))).collect();
        let list = if list.is_empty() { "NULL".to_owned() } else { list.join(", ") };
        let query = format!("SELECT {list} FROM \"{}\" ORDER BY rowid", table.physical.replace('"', "\"\""));
        let mut statement = case.prepare(&query).expect("a query");
        let mut found = statement.query([]).expect("rows");
        while let Some(row) = found.next().expect("a row") {
            rows.push(table.columns.iter().enumerate().map(|(at, column)| text(row.get_ref(at).expect("a value"), &column.1)).collect());
        }
        rows.sort();
        tables.insert(table.name, rows);
    }
    tables
}

fn text(value: ValueRef<'_>, type_text: &str) -> Option<Vec<u8>> {
    let boolean = matches!(type_text, "boolean" | "bool");
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(n) if boolean => if n == 1 { "t" } else { "f" }.into(),
        ValueRef::Integer(n) => n.to_string().into_bytes(),
        ValueRef::Real(x) => x.to_string().into_bytes(),
        ValueRef::Text(text) => text.to_vec(),
        ValueRef::Blob(bytes) => hex(bytes),
    })
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect()
}

/// Returns the rows of each table.
pub fn counts(tables: &Tables) -> BTreeMap<String, usize> {
    tables.iter().map(|(name, rows)| (name.clone(), rows.len())).collect()
}

impl Postgres {
    /// Reads every value of the user's tables, partitions each by itself; generated columns left out.
    pub fn values(&self) -> Tables {
        let listed = self.sql(
            "SELECT concat_ws(chr(1), n.nspname, c.relname, coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), ''), \
             coalesce(string_agg(t.typname, ',' ORDER BY a.attnum), '')) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
             LEFT JOIN pg_type t ON t.oid = a.atttypid \
             WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') GROUP BY n.nspname, c.relname ORDER BY n.nspname, c.relname",
        );
        let mut tables = Tables::new();
        for line in listed.lines() {
            let parts: Vec<&str> = line.split('\u{1}').collect();
            let [schema, table, columns, types] = parts[..] else { panic!("{line}") };
            let name = if schema == "public" { table.to_owned() } else { format!("{schema}.{table}") };
            let source = format!("ONLY \"{}\".\"{}\"", schema.replace('"', "\"\""), table.replace('"', "\"\""));
            // A partitioned table has no rows of its own.
            let out = self.sql_bytes(&format!("COPY (SELECT {columns} FROM {source}) TO STDOUT"));
            let types: Vec<&str> = types.split(',').collect();
            let mut rows: Vec<Row> = out
                .split_inclusive(|b| *b == b'\n')
                .map(|line| {
                    let line = line.strip_suffix(b"\n").unwrap_or(line);
                    if columns.is_empty() {
                        return Vec::new();
                    }
                    line.split(|b| *b == b'\t').zip(&types).map(|(cell, kind)| copy_cell(cell, *kind == "bytea")).collect()
                })
                .collect();
            rows.sort();
            tables.insert(name, rows);
        }
        tables
    }
}

/// Undoes COPY's escapes, as far as a server of today writes them.
fn copy_cell(cell: &[u8], bytea: bool) -> Option<Vec<u8>> {
    if cell == b"\\N" {
        return None;
    }
    let mut out = Vec::new();
    let mut bytes = cell.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next().expect("an escape") {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                other => *other,
            },
            other => *other,
        });
    }
    Some(if bytea { out.strip_prefix(b"\\x").expect("hex").to_vec() } else { out })
}

impl Mariadb {
    /// Reads every value of the database's tables; generated columns left out.
    pub fn values(&self) -> Tables {
        let listed = self.sql(&format!(
            "SELECT t.table_name, c.column_name, c.data_type, c.column_type FROM information_schema.tables t \
             JOIN information_schema.columns c USING (table_schema, table_name) \
             WHERE t.table_schema = '{}' AND t.table_type = 'BASE TABLE' AND c.extra NOT LIKE '%GENERATED%' ORDER BY 1, c.ordinal_position",
            self.name()
        ));
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in listed.lines() {
            let parts: Vec<&str> = line.split('\t').collect();
            let [table, column, kind, full] = parts[..] else { panic!("{line}") };
            let quoted = format!("`{}`", column.replace('`', "``"));
            let expression = match kind {
                "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry" | "point" => {
                    format!("concat('x', HEX({quoted}))")
                }
                "bit" => {
                    let width: usize = full.trim_start_matches("bit(").trim_end_matches(')').parse().unwrap_or(1);
                    format!("HEX(LPAD(BIN({quoted} + 0), {width}, '0'))")
                }
                _ => format!("HEX(CONVERT(CAST({quoted} AS CHAR) USING utf8mb4))"),
            };
            columns.entry(table.to_owned()).or_default().push(format!("IFNULL({expression}, '-')"));
        }
        let mut tables = Tables::new();
        for (table, columns) in columns {
            let out = self.sql(&format!("SELECT {} FROM `{}`", columns.join(", "), table.replace('`', "``")));
            let mut rows: Vec<Row> = out.lines().map(|line| line.split('\t').map(hex_cell).collect()).collect();
            rows.sort();
            tables.insert(table, rows);
        }
        tables
    }
}

fn hex_cell(cell: &str) -> Option<Vec<u8>> {
    match cell.strip_prefix('x') {
        _ if cell == "-" => None,
        Some(digits) => Some(digits.to_ascii_lowercase().into_bytes()),
        None => Some((0..cell.len() / 2).map(|at| u8::from_str_radix(&cell[2 * at..2 * at + 2], 16).expect("hex")).collect()),
    }
}

/// Asserts that two contents are equal, and names the first difference.
#[track_caller]
pub fn assert_same(what: &str, found: &Tables, expected: &Tables) {
    assert_eq!(counts(found), counts(expected), "{what}: rows by table");
    for (name, rows) in expected {
        for (found, expected) in found[name].iter().zip(rows) {
            let shown = |row: &Row| row.iter().map(|c| c.as_ref().map(|c| String::from_utf8_lossy(c).into_owned())).collect::<Vec<_>>();
            assert_eq!(shown(found), shown(expected), "{what}: table {name}");
            assert_eq!(found, expected, "{what}: table {name}");
        }
    }
}

//! The direct page writer against SQLite's own INSERT: random schemas, rows of every type and size, many
//! tables at once, dropped ones and late columns. Same digest, same values, a file that SQLite finds whole.

use std::path::Path;

use rusqlite::types::Value;
use unseed::model::{Column, Key, QualifiedName, Source, Table, TableId, ValueRef};
use unseed::snapshot::{BulkTable, BulkWriter, Finished, Method, Partial};

use crate::contents;

/// Numbers that are the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

/// What is written: tables made, rows, columns added, tables dropped.
enum Step {
    Table(Vec<String>),
    Row(usize, Vec<Value>),
    Column(usize, String),
    Drop(usize),
}

fn value(numbers: &mut Numbers) -> Value {
    match numbers.below(12) {
        0 => Value::Null,
        1 => Value::Integer([0, 1, -1, 127, 128, -128, -129, 32_767, 32_768, -8_388_608, 8_388_608][numbers.below(11) as usize]),
        2 => Value::Integer([i64::MAX, i64::MIN, 1 << 31, -(1 << 31) - 1, (1 << 47) - 1, 1 << 47, -(1 << 47)][numbers.below(7) as usize]),
        3 => Value::Real([0.0, -0.0, 1.5, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, 3.0][numbers.below(7) as usize]),
        4 => Value::Blob((0..numbers.below(300)).map(|n| n as u8).collect()),
        // Sizes around what stays on a leaf, an overflow page and several.
        5 if numbers.below(6) == 0 => {
            Value::Text("é".repeat([8160, 8172, 8174, 8176, 9206, 16_360, 17_396, 40_000][numbers.below(8) as usize]))
        }
        6 if numbers.below(6) == 0 => Value::Blob(vec![7; 16_230 + numbers.below(200) as usize]),
        7 => Value::Text(String::new()),
        _ => Value::Text("abcdefghij".repeat(numbers.below(12) as usize)),
    }
}

/// A value of a column that is indexed: NULLs, integers in no order, texts with long common beginnings, some
/// at the length from which SQLite moves an entry to overflow pages; rarely what is left to SQLite's own sorting.
fn key_value(numbers: &mut Numbers, seed: u64) -> Value {
    match numbers.below(40) {
        0 => Value::Null,
        1..=4 => Value::Integer(numbers.below(60) as i64 - 30),
        5 => Value::Text("k".repeat(4044 + numbers.below(27) as usize)),
        6 if seed % 7 == 3 => Value::Text("k".repeat(4071 + numbers.below(40) as usize)),
        7 if seed % 7 == 5 => Value::Blob(vec![1; numbers.below(9) as usize]),
        8 => Value::Text("same\0".repeat(numbers.below(4) as usize)),
        _ => Value::Text(format!("{}{}", "user.".repeat(numbers.below(5) as usize), numbers.below(900))),
    }
}

fn steps(seed: u64) -> Vec<Step> {
    let mut numbers = Numbers(seed);
    let mut steps = Vec::new();
    let mut serial = 0_i64;
    let mut widths: Vec<usize> = Vec::new();
    let mut alive: Vec<usize> = Vec::new();
    let rows = [0, 1, 50, 3000][numbers.below(4) as usize] + numbers.below(40);
    for _ in 0..=numbers.below(4) {
        let width = [0, 1, 3, 9, 200][numbers.below(5) as usize];
        alive.push(widths.len());
        widths.push(width);
        steps.push(Step::Table((0..width).map(|n| format!("c{n}")).collect()));
    }
    for _ in 0..rows {
        let table = alive[numbers.below(alive.len() as u64) as usize];
        match numbers.below(400) {
            0 if widths[table] > 0 => {
                steps.push(Step::Column(table, format!("late{}", widths[table])));
                widths[table] += 1;
            }
            1 if alive.len() > 1 => {
                steps.push(Step::Drop(table));
                alive.retain(|t| *t != table);
            }
            _ => {
                let mut row: Vec<Value> = (0..widths[table]).map(|_| value(&mut numbers)).collect();
                // Keys of every other table ascend, with gaps; now and then one does not.
                if let Some(key) = row.first_mut().filter(|_| table.is_multiple_of(2)) {
                    serial += 1 + i64::from(numbers.below(5) == 0) * numbers.below(1000) as i64;
                    *key = Value::Integer(if seed % 5 == 4 && numbers.below(900) == 0 { 7 } else { serial - 300 });
                }
                if let Some(key) = row.get_mut(1) {
                    *key = key_value(&mut numbers, seed);
                }
                steps.push(Step::Row(table, row));
            }
        }
    }
    steps
}

fn write(steps: &[Step], target: &Path, method: Method) -> Finished {
    let mut writer = BulkWriter::create(Partial::create(target).expect("a file"), method).expect("a writer");
    let mut tables: Vec<BulkTable> = Vec::new();
    for step in steps {
        match step {
            Step::Table(columns) => {
                let name = QualifiedName::new("", format!("t{}", tables.len()));
                writer.create_table(&name, columns).expect("a table");
                let key = (!columns.is_empty()).then(|| Key { columns: vec![0], source: Source::Declared });
                let unique = (columns.len() > 1).then(|| Key { columns: vec![1], source: Source::Declared });
                let columns = columns.iter().map(|c| Column { name: c.clone(), ..Column::default() }).collect();
                let table = Table { name, columns, primary_key: key, unique_keys: unique.into_iter().collect(), ..Table::default() };
                tables.push(BulkTable { table, declared: true, rejected: 0, truncated: false, invalid_utf8: Vec::new(), dropped: false });
            }
            Step::Row(table, values) => {
                let mut rows = writer.rows_of(TableId(*table as u32));
                rows.begin();
                for value in values {
                    rows.push(match value {
                        Value::Null => ValueRef::Null,
                        Value::Integer(n) => ValueRef::Integer(*n),
                        Value::Real(x) => ValueRef::Real(*x),
                        Value::Text(text) => ValueRef::Text(text.as_bytes()),
                        Value::Blob(bytes) => ValueRef::Blob(bytes),
                    });
                }
                rows.end().expect("a row");
            }
            Step::Column(table, name) => {
                writer.add_column(TableId(*table as u32), name).expect("a column");
                tables[*table].table.columns.push(Column { name: name.clone(), ..Column::default() });
            }
            Step::Drop(table) => {
                writer.drop_table(TableId(*table as u32)).expect("a drop");
                tables[*table].dropped = true;
            }
        }
    }
    writer.finish(&tables, &[], |_| Ok(())).expect("a case file")
}

fn values(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let case = contents::open(path);
    let mut found = Vec::new();
    for table in contents::stored_tables(&case) {
        let mut statement = case.prepare(&format!("SELECT rowid, * FROM \"{}\"", table.physical)).expect("a query");
        let width = statement.column_count();
        let rows = statement.query_map([], |r| (0..width).map(|i| r.get(i)).collect()).expect("rows").map(|r| r.expect("a row")).collect();
        found.push((table.name, rows));
    }
    found
}

#[test]
fn pages_hold_what_inserts_would() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = 0;
    for seed in 0..60 {
        let steps = steps(seed);
        let (pages, inserts) = (folder.path().join("pages.db"), folder.path().join("inserts.db"));
        let (by_pages, by_inserts) = (write(&steps, &pages, Method::Pages), write(&steps, &inserts, Method::Insert));
        assert_eq!(by_pages.id, by_inserts.id, "seed {seed}");
        assert_eq!(by_pages.rows, by_inserts.rows, "seed {seed}");
        // Also that every index holds every row, in order.
        let whole: String = contents::open(&pages).query_row("PRAGMA integrity_check", [], |r| r.get(0)).expect("a check");
        assert_eq!(whole, "ok", "seed {seed}");
        let (found, expected) = (values(&pages), values(&inserts));
        assert!(found == expected, "seed {seed}");
        rows += found.iter().map(|t| t.1.len()).sum::<usize>();
    }
    assert!(rows > 10_000, "{rows} rows");
}

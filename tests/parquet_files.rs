//! Parquet: every physical type with and without values, folders as exports to object storage make them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::contents;
use crate::harness::Desk;

/// One column of each physical type that a row group may have, in the order in which they are written.
const SCHEMA: &str = "message t {
    REQUIRED INT64 id;
    OPTIONAL BYTE_ARRAY email (UTF8);
    OPTIONAL BOOLEAN active;
    OPTIONAL INT32 amount (DECIMAL(9,2));
    OPTIONAL FIXED_LEN_BYTE_ARRAY (16) key (UUID);
    OPTIONAL INT64 at (TIMESTAMP(MICROS,true));
    OPTIONAL INT96 old;
    OPTIONAL DOUBLE score;
    OPTIONAL FLOAT rate;
    OPTIONAL INT32 born (DATE);
    OPTIONAL INT64 big (INTEGER(64,false));
}";

/// Writes `rows` rows; every third has NULL everywhere but in its id.
pub fn write(path: &Path, rows: i64, compression: Compression) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(5000)).build());
    let mut writer = SerializedFileWriter::new(File::create(path).expect("a file"), schema, properties).expect("a writer");
    for first in (0..rows).step_by(5000) {
        let ids: Vec<i64> = (first..rows.min(first + 5000)).collect();
        let there: Vec<i64> = ids.iter().copied().filter(|id| id % 3 != 2).collect();
        let levels: Vec<i16> = ids.iter().map(|id| i16::from(id % 3 != 2)).collect();
        let mut group = writer.next_row_group().expect("a row group");
        while let Some(mut column) = group.next_column().expect("a column") {
            let levels = Some(levels.as_slice());
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(w) => {
                    let name = w.get_descriptor().name().to_owned();
                    match name.as_str() {
                        "id" => w.write_batch(&ids, None, None),
                        "at" => w.write_batch(&there.iter().map(|n| 1_709_231_399_999_999 + n).collect::<Vec<_>>(), levels, None),
                        _ => w.write_batch(&there.iter().map(|n| -1 - n).collect::<Vec<_>>(), levels, None),
                    }
                }
                ColumnWriter::ByteArrayColumnWriter(w) => {
                    let texts: Vec<ByteArray> = there.iter().map(|n| ByteArray::from(format!("é{n}@acme.io").into_bytes())).collect();
                    w.write_batch(&texts, levels, None)
                }
                ColumnWriter::BoolColumnWriter(w) => w.write_batch(&there.iter().map(|n| n % 2 == 0).collect::<Vec<_>>(), levels, None),
                ColumnWriter::Int32ColumnWriter(w) => {
                    let days = w.get_descriptor().name() == "born";
                    w.write_batch(&there.iter().map(|n| if days { *n as i32 } else { -5 - *n as i32 }).collect::<Vec<_>>(), levels, None)
                }
                ColumnWriter::FixedLenByteArrayColumnWriter(w) => {
                    let keys: Vec<FixedLenByteArray> = there.iter().map(|n| ByteArray::from(vec![*n as u8; 16]).into()).collect();
                    w.write_batch(&keys, levels, None)
                }
                ColumnWriter::Int96ColumnWriter(w) => {
                    let days: Vec<Int96> = there.iter().map(|n| Int96::from(vec![*n as u32, 0, 2_440_588])).collect();
                    w.write_batch(&days, levels, None)
                }
                ColumnWriter::DoubleColumnWriter(w) => {
                    w.write_batch(&there.iter().map(|n| 0.1 * *n as f64).collect::<Vec<_>>(), levels, None)
                }
                ColumnWriter::FloatColumnWriter(w) => w.write_batch(&there.iter().map(|_| 0.1).collect::<Vec<_>>(), levels, None),
            }
            .expect("values");
            column.close().expect("a column");
        }
        group.close().expect("a row group");
    }
    writer.close().expect("a file");
}

fn first_rows(desk: &Desk, table: &str) -> Vec<String> {
    let case = desk.case("case.db");
    let physical = contents::stored_tables(&case).into_iter().find(|t| t.name == table).expect("the table").physical;
    let columns = "id, email, active, amount, key, at, old, quote(score), rate, born, big";
    let sql = format!("SELECT concat_ws('|', {columns}) FROM \"{physical}\" ORDER BY id LIMIT 3");
    let mut statement = case.prepare(&sql).expect("a query");
    let rows = statement.query_map([], |r| r.get::<_, String>(0)).expect("rows");
    rows.map(|r| r.expect("a row")).collect()
}

#[test]
fn every_type_is_kept_exactly() {
    let desk = Desk::new();
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(parquet::basic::GzipLevel::default()), Compression::LZ4_RAW]
    {
        write(&desk.path("users.parquet"), 12_000, compression);
        let _ = std::fs::remove_file(desk.path("case.db"));
        let ran = desk.unseed("ingest users.parquet -o case.db").exits(0);
        assert!(ran.out.contains("12000 rows  users"), "{}", ran.out);
        assert_eq!(
            first_rows(&desk, "users"),
            [
                "0|é0@acme.io|true|-0.05|00000000-0000-0000-0000-000000000000|2024-02-29 18:29:59.999999+00|\
                 1970-01-01 00:00:00.000000000|0.0|0.1|1970-01-01|18446744073709551615",
                "1|é1@acme.io|false|-0.06|01010101-0101-0101-0101-010101010101|2024-02-29 18:30:00.000000+00|\
                 1970-01-01 00:00:00.000000001|0.1|0.1|1970-01-02|18446744073709551614",
                "2|NULL",
            ]
        );
    }
}

#[test]
fn folders_of_an_export_are_tables() {
    let desk = Desk::new();
    for part in ["part-00000-1f.gz.parquet", "part-00001-1f.gz.parquet"] {
        write(&desk.path(&format!("export/shop/public.users/1/{part}")), 10, Compression::SNAPPY);
    }
    write(&desk.path("export/shop/public.events/day=2024-01-01/0.parquet"), 4, Compression::SNAPPY);
    desk.write("export/shop/public.users/1/_SUCCESS", "");
    desk.write("export/export_info_shop.json", "{\"status\": \"COMPLETE\"}");
    let ran = desk.unseed("ingest export -o case.db").exits(0);
    assert!(ran.out.contains("20 rows  public.users") && ran.out.contains("4 rows  public.events"), "{}", ran.out);
    let days: i64 =
        desk.case("case.db").query_row("SELECT count(*) FROM unseed_columns WHERE column_name = 'day'", [], |r| r.get(0)).expect("a count");
    assert_eq!(days, 1);
    desk.write("export/export_info_shop.json", "{\"status\": \"IN_PROGRESS\"}");
    desk.unseed("ingest export -o other.db").exits(2).says(&["COMPLETE", "--allow-truncated"]);
}

#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    let desk = Desk::new();
    write(&desk.path("users.parquet"), 50, Compression::UNCOMPRESSED);
    let whole = std::fs::read(desk.path("users.parquet")).expect("a file");
    let mut refused = 0;
    for at in (4..whole.len() - 8).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        desk.write("bad.parquet", &bytes);
        let ran = desk.unseed("ingest bad.parquet -o case.db");
        assert!(matches!(ran.code, 0 | 2) && !ran.err.contains("panicked"), "byte {at}: {}", ran.err);
        refused += usize::from(ran.code == 2);
        let _ = std::fs::remove_file(desk.path("case.db"));
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn a_file_that_is_cut_off_or_nested_is_refused() {
    let desk = Desk::new();
    write(&desk.path("users.parquet"), 100, Compression::SNAPPY);
    let whole = std::fs::read(desk.path("users.parquet")).expect("a file");
    desk.write("cut.parquet", &whole[..whole.len() - 9]);
    desk.unseed("ingest cut.parquet -o case.db").exits(2).says(&["cut.parquet", "no Parquet file", "copy it again"]);
    let schema = Arc::new(
        parse_message_type("message t { OPTIONAL group tags (LIST) { REPEATED group list { OPTIONAL INT32 element; } } }")
            .expect("a schema"),
    );
    let file = File::create(desk.path("nested.parquet")).expect("a file");
    SerializedFileWriter::new(file, schema, Arc::default()).expect("a writer").close().expect("a file");
    desk.unseed("ingest nested.parquet -o case.db").exits(2).says(&["nested.parquet", "tags", "is nested", "flat columns"]);
    assert!(!desk.path("case.db").exists());
}

//! Parquet files, and the folders of them that exports to object storage make: a table is a file, or a
//! folder of `part-*` files. Reads flat columns page by page and keeps each value exactly; nested ones are refused.
//!
//! Source: Apache Parquet format, `LogicalTypes.md`; AWS, "File naming convention for exports to Amazon S3 for
//! Amazon RDS" (`export/database/schema.table/1/part-00000-....gz.parquet`, `export_info_*.json`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::{
    ByteKind, CellKind, Charset, DumpError, DumpFormat, FormatMeta, Input, Limits, Note, Part, Position, RowBatch, Sink, parquet_pages,
};
use crate::model::{Engine, QualifiedName};

/// Parquet files.
pub struct Parquet;

const META: FormatMeta = FormatMeta {
    id: "parquet",
    title: "Parquet files and folders of them",
    engine: Engine::Csv,
    source: "Apache Parquet format 2.12, LogicalTypes.md; AWS, exports of RDS snapshots to S3; proved on files of pyarrow 26 and of the Rust writer",
};

/// Rows that are decoded at a time: a few MB, whatever the size of a row group.
const SLICE: usize = 4096;

/// Hive's word for NULL in the name of a partition's folder.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// How a column's physical values are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Boolean,
    Integer,
    Unsigned,
    Float,
    /// An unscaled integer with this many digits behind the point.
    Decimal(i32),
    /// Days since 1970-01-01.
    Date,
    /// Units since midnight; how many make a second.
    Time(i64),
    /// Units since 1970-01-01; how many make a second, and whether they count in UTC.
    Timestamp(i64, bool),
    Text,
    Uuid,
    Bytes,
    /// Bytes that the file says nothing of: text where it is UTF-8, as old writers have it.
    Unknown,
}

/// A slice of a column: the values that are there, and for each row whether it has one.
enum Slice {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

struct Column {
    reader: ColumnReader,
    meaning: Meaning,
    nullable: bool,
    slice: Slice,
    levels: Vec<i16>,
    next: usize,
}

impl DumpFormat for Parquet {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        head.starts_with(b"PAR1")
    }

    fn claims(&self, parts: &[Part], limits: &Limits) -> Result<Vec<usize>, DumpError> {
        let mut claimed = Vec::new();
        let mut rows = false;
        for (place, part) in parts.iter().enumerate() {
            let own = part.name.ends_with(".parquet") && self.sniff(&part.head(limits)?.0);
            rows |= own;
            if own || is_note(&part.name) {
                claimed.push(place);
            }
        }
        Ok(if rows { claimed } else { Vec::new() })
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        sink.charset(Charset::Utf8);
        for part in &input.parts {
            if is_note(&part.name) { notes(input, part, sink)? } else { file(input, part, sink)? }
        }
        Ok(())
    }
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// Returns whether a file of the folder tells of the export instead of holding rows.
fn is_note(name: &str) -> bool {
    let base = base(name);
    matches!(base, "_SUCCESS" | "_metadata" | "_common_metadata" | "_committed" | "_started")
        || ((base.starts_with("export_info") || base.starts_with("export_tables_info")) && base.ends_with(".json"))
}

/// Reads a file beside the rows for whether the export came to its end.
fn notes(input: &Input, part: &Part, sink: &mut dyn Sink) -> Result<(), DumpError> {
    let mut text = Vec::new();
    let mut reader = input.open(part)?;
    let read = reader.by_ref().take(input.limits.cell_bytes as u64).read_to_end(&mut text);
    let rest = read.and_then(|_| std::io::copy(&mut reader, &mut std::io::sink())).map_err(|e| DumpError::from_read(&part.shown, e))?;
    sink.account(ByteKind::Comment, text.len() as u64 + rest);
    let told: Option<serde_json::Value> = serde_json::from_slice(&text).ok();
    let status = told.as_ref().and_then(|t| t.get("status")).and_then(|s| s.as_str());
    if base(&part.name).starts_with("export_info") && status.is_some_and(|s| !s.eq_ignore_ascii_case("complete")) {
        let missing = format!("the status COMPLETE in {}", part.shown);
        return sink.note(Note::Truncated { missing, at: Position::default() });
    }
    Ok(())
}

/// Returns the table that a file holds rows of, and the columns that its folders tell.
fn table_of(part: &Part) -> (QualifiedName, BTreeMap<String, Option<String>>) {
    let mut partitions = BTreeMap::new();
    let mut folders: Vec<&str> = part.name.split('/').collect();
    folders.pop();
    folders.retain(|folder| match folder.split_once('=') {
        Some((column, value)) if !column.is_empty() => {
            partitions.insert(column.to_owned(), (value != HIVE_NULL).then(|| value.to_owned()));
            false
        }
        _ => true,
    });
    let stem = part.stem();
    let piece = stem.starts_with("part-") || !partitions.is_empty() || stem.bytes().all(|b| b.is_ascii_digit());
    let folder = folders.iter().rev().find(|f| !f.is_empty() && !f.bytes().all(|b| b.is_ascii_digit()));
    let name = match folder {
        Some(folder) if piece => folder.strip_suffix(".parquet").unwrap_or(folder).to_owned(),
        _ => stem,
    };
    (QualifiedName::new("", name), partitions)
}

fn file(input: &Input, part: &Part, sink: &mut dyn Sink) -> Result<(), DumpError> {
    let on_disk = input.on_disk(part)?;
    let io_error = |source| DumpError::Io { file: part.shown.clone(), source };
    let bytes = on_disk.path().metadata().map_err(io_error)?.len();
    let broken = |error: ParquetError| {
        let help = "the file is damaged or not whole; copy it again, or ask for the table as CSV";
        DumpError::malformed(&part.shown, Position { offset: 0, line: 1 }, format!("no Parquet file: {error}"), help)
    };
    let opened = File::open(on_disk.path()).map_err(io_error)?;
    let reader = guarded(|| SerializedFileReader::new(opened)).map_err(broken)?;
    let (table, partitions) = table_of(part);
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let mut names: Vec<String> = Vec::new();
    for column in schema.columns() {
        if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
            let what = format!("column {} of table {table} is nested", column.path().string());
            let help = "unseed reads flat columns; ask for the table with that column as JSON text";
            return Err(DumpError::malformed(&part.shown, Position { offset: 0, line: 1 }, what, help));
        }
        names.push(column.name().to_owned());
    }
    // A column of the file itself is nearer to the rows than a folder's name.
    let added: Vec<(&String, &Option<String>)> = partitions.iter().filter(|p| !names.contains(p.0)).collect();
    names.extend(added.iter().map(|p| p.0.clone()));
    let at = Position { offset: 0, line: 1 };
    let (source, _) = sink.open(&table, Some(&names), true, at)?;
    let mut batch = RowBatch::new();
    batch.reset(source);
    for group in 0..reader.num_row_groups() {
        let group = guarded(|| reader.get_row_group(group)).map_err(broken)?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut columns = Vec::with_capacity(schema.num_columns());
        for (place, described) in schema.columns().iter().enumerate() {
            let (start, len) = guarded(|| Ok(group.metadata().column(place).byte_range())).map_err(broken)?;
            let opened = File::open(on_disk.path()).map_err(io_error)?;
            parquet_pages::check(opened, start, len, input.limits.cell_bytes).map_err(|e| broken(e.into()))?;
            let pages = guarded(|| group.get_column_page_reader(place)).map_err(broken)?;
            let checked = Checked { pages, rows: left, done: false };
            columns.push(Column::new(get_column_reader(described.clone(), Box::new(checked)), described));
        }
        while left > 0 {
            let rows = left.min(SLICE);
            for column in &mut columns {
                guarded(|| column.fill(rows)).map_err(broken)?;
            }
            for row in 0..rows {
                for column in &mut columns {
                    column.push(row, &mut batch);
                }
                for (_, value) in &added {
                    match value {
                        Some(text) => batch.push(CellKind::Text, text.as_bytes()),
                        None => batch.push_null(),
                    }
                }
                batch.end_row();
                if batch.is_full() {
                    sink.rows(&mut batch)?;
                    batch.set_source(source);
                }
            }
            left -= rows;
        }
    }
    if !batch.is_empty() {
        sink.rows(&mut batch)?;
    }
    input.given.fetch_add(bytes, Ordering::Relaxed);
    if matches!(on_disk, super::OnDisk::Own(_)) {
        input.fetched.fetch_add(bytes, Ordering::Relaxed);
    }
    sink.account(ByteKind::Data, bytes);
    Ok(())
}

/// Pages whose headers are held against what the page and its row group can hold, before the library makes
/// room for what they claim.
struct Checked {
    pages: Box<dyn PageReader>,
    rows: usize,
    done: bool,
}

impl Checked {
    fn check(&self, page: &Page) -> Result<(), ParquetError> {
        let claimed = page.num_values() as usize;
        // A value of a dictionary takes four bytes at least; a flat column has a value for each row at most.
        let most = match page {
            Page::DictionaryPage { buf, .. } => buf.len(),
            Page::DataPage { .. } | Page::DataPageV2 { .. } => self.rows,
        };
        if claimed <= most {
            return Ok(());
        }
        Err(ParquetError::General(format!("a page claims {claimed} values where {most} fit")))
    }
}

impl Iterator for Checked {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let page = self.get_next_page().transpose();
        self.done = !matches!(page, Some(Ok(_)));
        page
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.pages.get_next_page()?;
        page.iter().try_for_each(|page| self.check(page))?;
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool, ParquetError> {
        self.pages.at_record_boundary()
    }
}

/// Runs the library, which panics at some of what no writer writes (an empty dictionary page, as of 60.1); its
/// panics are errors of the file like any other.
fn guarded<T>(run: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let done = panic::catch_unwind(AssertUnwindSafe(run));
    panic::set_hook(hook);
    done.unwrap_or_else(|_| Err(ParquetError::General("its pages contradict each other".to_owned())))
}

/// Chooses by the logical type, else by the older converted type, else by the physical one.
fn meaning(column: &ColumnDescriptor) -> Meaning {
    let per_second = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    let scale = column.type_scale();
    match column.logical_type_ref() {
        Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => return Meaning::Text,
        Some(LogicalType::Decimal(_)) => return Meaning::Decimal(scale),
        Some(LogicalType::Date) => return Meaning::Date,
        Some(LogicalType::Time(time)) => return Meaning::Time(per_second(&time.unit)),
        Some(LogicalType::Timestamp(time)) => return Meaning::Timestamp(per_second(&time.unit), time.is_adjusted_to_u_t_c),
        Some(LogicalType::Integer(int)) if !int.is_signed => return Meaning::Unsigned,
        Some(LogicalType::Uuid) => return Meaning::Uuid,
        Some(LogicalType::Bson) => return Meaning::Bytes,
        _ => {}
    }
    match column.converted_type() {
        ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Meaning::Text,
        ConvertedType::DECIMAL => Meaning::Decimal(scale),
        ConvertedType::DATE => Meaning::Date,
        ConvertedType::TIME_MILLIS => Meaning::Time(1_000),
        ConvertedType::TIME_MICROS => Meaning::Time(1_000_000),
        ConvertedType::TIMESTAMP_MILLIS => Meaning::Timestamp(1_000, true),
        ConvertedType::TIMESTAMP_MICROS => Meaning::Timestamp(1_000_000, true),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => Meaning::Unsigned,
        _ => match column.physical_type() {
            Physical::BOOLEAN => Meaning::Boolean,
            Physical::INT32 | Physical::INT64 => Meaning::Integer,
            // Impala and old Spark: nanoseconds of a day and a Julian day, without a time zone.
            Physical::INT96 => Meaning::Timestamp(1_000_000_000, false),
            Physical::FLOAT | Physical::DOUBLE => Meaning::Float,
            Physical::BYTE_ARRAY => Meaning::Unknown,
            Physical::FIXED_LEN_BYTE_ARRAY => Meaning::Bytes,
        },
    }
}

impl Column {
    fn new(reader: ColumnReader, described: &ColumnDescriptor) -> Self {
        let slice = match &reader {
            ColumnReader::BoolColumnReader(_) => Slice::Boolean(Vec::new()),
            ColumnReader::Int32ColumnReader(_) => Slice::Int32(Vec::new()),
            ColumnReader::Int64ColumnReader(_) => Slice::Int64(Vec::new()),
            ColumnReader::Int96ColumnReader(_) => Slice::Int96(Vec::new()),
            ColumnReader::FloatColumnReader(_) => Slice::Float(Vec::new()),
            ColumnReader::DoubleColumnReader(_) => Slice::Double(Vec::new()),
            ColumnReader::ByteArrayColumnReader(_) => Slice::Bytes(Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(_) => Slice::Fixed(Vec::new()),
        };
        Self { reader, meaning: meaning(described), nullable: described.max_def_level() > 0, slice, levels: Vec::new(), next: 0 }
    }

    /// Decodes the next rows.
    fn fill(&mut self, rows: usize) -> Result<(), ParquetError> {
        self.levels.clear();
        self.next = 0;
        let levels = self.nullable.then_some(&mut self.levels);
        let values = match (&mut self.reader, &mut self.slice) {
            (ColumnReader::BoolColumnReader(r), Slice::Boolean(v)) => decode(r, rows, levels, v)?,
            (ColumnReader::Int32ColumnReader(r), Slice::Int32(v)) => decode(r, rows, levels, v)?,
            (ColumnReader::Int64ColumnReader(r), Slice::Int64(v)) => decode(r, rows, levels, v)?,
            (ColumnReader::Int96ColumnReader(r), Slice::Int96(v)) => decode(r, rows, levels, v)?,
            (ColumnReader::FloatColumnReader(r), Slice::Float(v)) => decode(r, rows, levels, v)?,
            (ColumnReader::DoubleColumnReader(r), Slice::Double(v)) => decode(r, rows, levels, v)?,
            (ColumnReader::ByteArrayColumnReader(r), Slice::Bytes(v)) => decode(r, rows, levels, v)?,
            (ColumnReader::FixedLenByteArrayColumnReader(r), Slice::Fixed(v)) => decode(r, rows, levels, v)?,
            _ => 0,
        };
        let present = if self.nullable { self.levels.iter().filter(|l| **l > 0).count() } else { rows };
        if present != values || (self.nullable && self.levels.len() != rows) {
            return Err(ParquetError::EOF("a column ends before its row group".to_owned()));
        }
        Ok(())
    }

    /// Adds the cell of a row of the slice.
    fn push(&mut self, row: usize, batch: &mut RowBatch) {
        if self.nullable && self.levels.get(row).is_none_or(|level| *level == 0) {
            batch.push_null();
            return;
        }
        let at = self.next;
        self.next += 1;
        match &self.slice {
            Slice::Boolean(v) => batch.push(CellKind::Bare, if v[at] { b"true" } else { b"false" }),
            Slice::Int32(v) => integer(batch, self.meaning, i64::from(v[at]), u64::from(v[at].cast_unsigned())),
            Slice::Int64(v) => integer(batch, self.meaning, v[at], v[at].cast_unsigned()),
            Slice::Int96(v) => julian(batch, v[at].data()),
            // The shortest text that gives the same float; as a double it would show digits that it never had.
            Slice::Float(v) => text(batch, format_args!("{}", v[at])),
            Slice::Double(v) => batch.push(CellKind::Real, &v[at].to_le_bytes()),
            Slice::Bytes(v) => bytes(batch, self.meaning, v[at].data()),
            Slice::Fixed(v) => bytes(batch, self.meaning, v[at].data()),
        }
    }
}

/// Reads until there are as many rows or the row group ends; returns the number of values.
fn decode<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    mut levels: Option<&mut Vec<i16>>,
    values: &mut Vec<T::T>,
) -> Result<usize, ParquetError> {
    values.clear();
    let mut got = 0;
    while got < rows {
        let (records, _, _) = reader.read_records(rows - got, levels.as_deref_mut(), None, values)?;
        if records == 0 {
            break;
        }
        got += records;
    }
    Ok(values.len())
}

fn text(batch: &mut RowBatch, value: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // A vector takes whatever is written.
    let _ = batch.buffer().write_fmt(value);
    batch.end_cell(CellKind::Text);
}

fn integer(batch: &mut RowBatch, meaning: Meaning, n: i64, unsigned: u64) {
    match meaning {
        Meaning::Unsigned => match i64::try_from(unsigned) {
            Ok(n) => batch.push(CellKind::Integer, &n.to_le_bytes()),
            Err(_) => text(batch, format_args!("{unsigned}")),
        },
        Meaning::Decimal(scale) => decimal(batch, i128::from(n), scale),
        Meaning::Date => match i32::try_from(n).ok().and_then(chrono::NaiveDate::from_epoch_days) {
            Some(date) => text(batch, format_args!("{date}")),
            None => batch.push(CellKind::Integer, &n.to_le_bytes()),
        },
        Meaning::Time(per_second) => clock(batch, n, per_second),
        Meaning::Timestamp(per_second, utc) => timestamp(batch, n.div_euclid(per_second), n.rem_euclid(per_second), per_second, utc),
        _ => batch.push(CellKind::Integer, &n.to_le_bytes()),
    }
}

/// Writes an unscaled integer with its point; digits that are there stay.
fn decimal(batch: &mut RowBatch, n: i128, scale: i32) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let sign = if n < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", n.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    text(batch, format_args!("{sign}{whole}{point}{fraction}"));
}

/// Digits behind the second of a unit.
const fn digits(per_second: i64) -> usize {
    match per_second {
        1_000 => 3,
        1_000_000 => 6,
        _ => 9,
    }
}

fn clock(batch: &mut RowBatch, n: i64, per_second: i64) {
    let (seconds, rest, width) = (n.div_euclid(per_second), n.rem_euclid(per_second), digits(per_second));
    let (hours, minutes, seconds) = (seconds.div_euclid(3600), seconds.rem_euclid(3600) / 60, seconds.rem_euclid(60));
    text(batch, format_args!("{hours:02}:{minutes:02}:{seconds:02}.{rest:0width$}"));
}

fn timestamp(batch: &mut RowBatch, seconds: i64, rest: i64, per_second: i64, utc: bool) {
    let (width, zone) = (digits(per_second), if utc { "+00" } else { "" });
    match chrono::DateTime::from_timestamp(seconds, 0) {
        Some(at) => text(batch, format_args!("{}.{rest:0width$}{zone}", at.format("%Y-%m-%d %H:%M:%S"))),
        // Beyond what a calendar holds, such as a far future that stands for infinity: the number itself.
        None => text(batch, format_args!("{}", i128::from(seconds) * i128::from(per_second) + i128::from(rest))),
    }
}

/// Writes the timestamp of Impala and old Spark.
///
/// Source: Apache Parquet format, INT96: nanoseconds of the day in eight bytes, the Julian day in four; day
/// 2,440,588 is 1970-01-01.
fn julian(batch: &mut RowBatch, words: &[u32]) {
    let [low, high, day] = words else { return batch.push_null() };
    let nanos = (u64::from(*high) << 32 | u64::from(*low)).cast_signed();
    let seconds = (i64::from(*day) - 2_440_588) * 86_400 + nanos.div_euclid(1_000_000_000);
    timestamp(batch, seconds, nanos.rem_euclid(1_000_000_000), 1_000_000_000, false);
}

fn bytes(batch: &mut RowBatch, meaning: Meaning, value: &[u8]) {
    match (meaning, value.len()) {
        (Meaning::Decimal(scale), 1..=16) => {
            let fill = if value[0] & 0x80 == 0 { 0 } else { 0xff };
            let mut wide = [fill; 16];
            wide[16 - value.len()..].copy_from_slice(value);
            decimal(batch, i128::from_be_bytes(wide), scale);
        }
        (Meaning::Uuid, 16) => {
            let hex: Vec<String> = value.iter().map(|b| format!("{b:02x}")).collect();
            let part = |from: usize, to: usize| hex[from..to].concat();
            text(batch, format_args!("{}-{}-{}-{}-{}", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 16)));
        }
        (Meaning::Text, _) => batch.push(CellKind::Text, value),
        (Meaning::Unknown, _) if simdutf8::basic::from_utf8(value).is_ok() => batch.push(CellKind::Text, value),
        _ => batch.push(CellKind::Bytes, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(fill: impl FnOnce(&mut RowBatch)) -> Vec<String> {
        let mut batch = RowBatch::new();
        fill(&mut batch);
        batch.end_row();
        batch.row(0).iter().map(|c| String::from_utf8_lossy(c.bytes).into_owned()).collect()
    }

    #[test]
    fn values_are_written_out_exactly() {
        let found = cells(|b| {
            decimal(b, -5, 2);
            decimal(b, 110, 2);
            decimal(b, 7, 0);
            integer(b, Meaning::Date, -1, 0);
            integer(b, Meaning::Timestamp(1_000, true), -1, 0);
            integer(b, Meaning::Timestamp(1_000_000, false), 1_709_231_399_999_999, 0);
            integer(b, Meaning::Time(1_000_000), 86_399_000_001, 0);
            integer(b, Meaning::Unsigned, -1, u64::MAX);
            julian(b, &[1, 0, 2_440_588]);
            bytes(b, Meaning::Decimal(1), &[0xff, 0xf6]);
            bytes(b, Meaning::Uuid, &[0x12; 16]);
        });
        assert_eq!(
            found,
            [
                "-0.05",
                "1.10",
                "7",
                "1969-12-31",
                "1969-12-31 23:59:59.999+00",
                "2024-02-29 18:29:59.999999",
                "23:59:59.000001",
                "18446744073709551615",
                "1970-01-01 00:00:00.000000001",
                "-1.0",
                "12121212-1212-1212-1212-121212121212"
            ]
        );
    }

    #[test]
    fn folders_name_tables_and_partitions() {
        let of = |name: &str| {
            let (table, partitions) = table_of(&Part::file(std::path::Path::new("x"), name.to_owned(), name.to_owned()));
            (table.name, partitions.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(of("export/shop/public.users/1/part-00000-1f.gz.parquet"), ("public.users".to_owned(), Vec::new()));
        assert_eq!(of("users.parquet"), ("users".to_owned(), Vec::new()));
        assert_eq!(of("shop/users.parquet"), ("users".to_owned(), Vec::new()));
        assert_eq!(of("users/day=2024-01-01/00000.parquet"), ("users".to_owned(), vec![("day".to_owned(), Some("2024-01-01".to_owned()))]));
    }
}

//! Parquet files, and the folders of them that exports to object storage make: a table is a file, or a
//! folder of `part-*` files. Reads flat columns page by page and keeps each value exactly; nested ones are refused.
//!
//! Source: Apache Parquet format, `LogicalTypes.md`; AWS, "File naming convention for exports to Amazon S3 for
//! Amazon RDS" (`export/database/schema.table/1/part-00000-....gz.parquet`, `export_info_*.json`).

mod checked;
mod column;
mod names;
mod pages;
mod values;

use std::fs::File;
use std::io::Read as _;
use std::sync::atomic::Ordering;

use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use self::checked::{Checked, guarded};
use self::column::Column;
use self::names::{base, is_note, table_of};
use super::{ByteKind, CellKind, Charset, DumpError, DumpFormat, FormatMeta, Input, Limits, Note, Part, Position, RowBatch, Sink};
use crate::model::Engine;

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
            pages::check(opened, start, len, input.limits.cell_bytes).map_err(|e| broken(e.into()))?;
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

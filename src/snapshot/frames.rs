//! Column chunks of a table as polars frames: only the columns asked for, in row order.

use polars::prelude::{Column as FrameColumn, DataFrame, IntoColumn as _, NamedFrom as _, Series, StringChunkedBuilder};
use rusqlite::types::ValueRef as SqlRef;

use super::names::quote;
use super::{Case, SnapshotError};
use crate::model::stamp::Stamp;
use crate::model::value::hex_text;
use crate::model::{Row, TableId};

/// Rows of a chunk: a few MB of text, whatever the table's size.
pub const CHUNK_ROWS: usize = 64 * 1024;

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnRead {
    /// As text, whatever its storage class; column `text:<ordinal>`, type String.
    Text(usize),
    /// As UTC microseconds, NULL where it is no point in time; column `time:<ordinal>`, type Int64.
    Time(usize),
    /// As the digits after the second in its text; column `digits:<ordinal>`, type Int64.
    TimeDigits(usize),
    /// As an integer, NULL where it is none; column `integer:<ordinal>`, type Int64.
    Integer(usize),
    /// As a float, NULL where it is no number; column `number:<ordinal>`, type Float64.
    Number(usize),
}

impl ColumnRead {
    /// Returns the ordinal of the table's column.
    #[must_use]
    pub const fn column(self) -> usize {
        match self {
            Self::Text(c) | Self::Time(c) | Self::TimeDigits(c) | Self::Integer(c) | Self::Number(c) => c,
        }
    }

    /// Returns the name of the frame's column.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Text(c) => format!("text:{c}"),
            Self::Time(c) => format!("time:{c}"),
            Self::TimeDigits(c) => format!("digits:{c}"),
            Self::Integer(c) => format!("integer:{c}"),
            Self::Number(c) => format!("number:{c}"),
        }
    }
}

/// Some rows of a table.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Ordinal of the first row.
    pub first_row: Row,
    /// One column a [`ColumnRead`], and `row` (`UInt32`) with the ordinals.
    pub frame: DataFrame,
}

enum Builder {
    Text(StringChunkedBuilder),
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
}

/// Reads a table once, chunk by chunk, handing each to `take`.
///
/// # Errors
/// Returns what SQLite or polars says, or what `take` does.
pub fn scan<E: From<SnapshotError>>(
    case: &Case,
    table: TableId,
    reads: &[ColumnRead],
    chunk_rows: usize,
    mut take: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<(), E> {
    let info = case.table(table);
    let mut columns: Vec<usize> = reads.iter().map(|r| r.column()).collect();
    columns.sort_unstable();
    columns.dedup();
    let places: Vec<usize> = reads.iter().filter_map(|r| columns.binary_search(&r.column()).ok()).collect();
    let list: Vec<String> = columns.iter().map(|c| quote(&info.physical_columns[*c])).collect();
    let selected = if list.is_empty() { "NULL".to_owned() } else { list.join(", ") };
    let sql = format!("SELECT {selected} FROM {} NOT INDEXED ORDER BY rowid", quote(&info.physical));
    let sqlite = |source| SnapshotError::Sqlite { file: case.path().display().to_string(), source };
    let mut statement = case.db().prepare(&sql).map_err(sqlite)?;
    let mut rows = statement.query([]).map_err(sqlite)?;
    let mut first_row: Row = 0;
    loop {
        let mut builders: Vec<Builder> = reads.iter().map(|r| builder(*r, chunk_rows.min(info.rows as usize))).collect();
        let mut count = 0;
        while count < chunk_rows {
            let Some(row) = rows.next().map_err(sqlite)? else { break };
            for ((read, place), builder) in reads.iter().zip(&places).zip(&mut builders) {
                append(builder, *read, row.get_ref(*place).map_err(sqlite)?);
            }
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        let ordinals: Vec<u32> = (first_row..first_row + count as u32).collect();
        let mut parts: Vec<FrameColumn> = vec![Series::new("row".into(), ordinals).into_column()];
        parts.extend(reads.iter().zip(builders).map(|(read, builder)| finish(*read, builder)));
        let frame = DataFrame::new(count, parts).map_err(SnapshotError::Frame)?;
        take(Chunk { first_row, frame })?;
        first_row += count as u32;
    }
}

fn builder(read: ColumnRead, rows: usize) -> Builder {
    match read {
        ColumnRead::Text(_) => Builder::Text(StringChunkedBuilder::new(read.name().into(), rows)),
        ColumnRead::Time(_) | ColumnRead::TimeDigits(_) | ColumnRead::Integer(_) => Builder::Integers(Vec::with_capacity(rows)),
        ColumnRead::Number(_) => Builder::Numbers(Vec::with_capacity(rows)),
    }
}

fn append(builder: &mut Builder, read: ColumnRead, value: SqlRef<'_>) {
    match builder {
        Builder::Text(texts) => match value {
            SqlRef::Null => texts.append_null(),
            SqlRef::Integer(n) => texts.append_value(n.to_string()),
            SqlRef::Real(x) => texts.append_value(x.to_string()),
            SqlRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => texts.append_value(text),
                Err(_) => texts.append_value(hex_text(text)),
            },
            SqlRef::Blob(bytes) => texts.append_value(hex_text(bytes)),
        },
        Builder::Integers(numbers) => numbers.push(match read {
            ColumnRead::Time(_) => stamp(value).map(|s| s.micros),
            ColumnRead::TimeDigits(_) => stamp(value).map(|s| i64::from(s.fraction_digits)),
            _ => match value {
                SqlRef::Integer(n) => Some(n),
                SqlRef::Text(text) => std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()),
                _ => None,
            },
        }),
        Builder::Numbers(numbers) => numbers.push(match value {
            SqlRef::Integer(n) => Some(n as f64),
            SqlRef::Real(x) => Some(x),
            SqlRef::Text(text) => std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).filter(|x: &f64| x.is_finite()),
            _ => None,
        }),
    }
}

fn stamp(value: SqlRef<'_>) -> Option<Stamp> {
    match value {
        SqlRef::Text(text) => Stamp::parse(text),
        SqlRef::Integer(n) => Stamp::from_epoch(n),
        SqlRef::Real(x) => Stamp::from_epoch(x as i64),
        _ => None,
    }
}

fn finish(read: ColumnRead, builder: Builder) -> FrameColumn {
    match builder {
        Builder::Text(texts) => polars::prelude::IntoSeries::into_series(texts.finish()).into_column(),
        Builder::Integers(numbers) => Series::new(read.name().into(), numbers).into_column(),
        Builder::Numbers(numbers) => Series::new(read.name().into(), numbers).into_column(),
    }
}

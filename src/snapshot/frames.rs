//! Column chunks of a table as polars frames: only the columns asked for, in row order.

use polars::prelude::{
    ChunkedArray, ChunkedBuilder as _, Column as FrameColumn, DataFrame, DataType, Float64Type, Int64Type, IntoColumn as _, IntoSeries,
    NamedFrom as _, PolarsNumericType, PrimitiveChunkedBuilder, Series, StringChunkedBuilder,
};

use super::leaves::Part;
use super::{Reader, SnapshotError};
use crate::model::stamp::Stamp;
use crate::model::value::hex_text;
use crate::model::{Row, TableId, ValueRef};
use crate::parallel;

/// Rows of a chunk, at most: a few MB of text, whatever the table's size, and small tables still have several.
pub const CHUNK_ROWS: usize = 32 * 1024;

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

impl Chunk {
    /// Returns a chunk of no rows and no columns.
    #[must_use]
    pub fn empty() -> Self {
        Self { first_row: 0, frame: DataFrame::default() }
    }
}

/// What a column of the table becomes: a column of the frame for each way in which it is read.
#[derive(Default)]
struct Builders {
    text: Option<StringChunkedBuilder>,
    times: Option<PrimitiveChunkedBuilder<Int64Type>>,
    digits: Option<PrimitiveChunkedBuilder<Int64Type>>,
    integers: Option<PrimitiveChunkedBuilder<Int64Type>>,
    numbers: Option<PrimitiveChunkedBuilder<Float64Type>>,
}

impl Builders {
    fn add(&mut self, read: ColumnRead, rows: usize) {
        let name = read.name().into();
        match read {
            ColumnRead::Text(_) => self.text = Some(StringChunkedBuilder::new(name, rows)),
            ColumnRead::Time(_) => self.times = Some(PrimitiveChunkedBuilder::new(name, rows)),
            ColumnRead::TimeDigits(_) => self.digits = Some(PrimitiveChunkedBuilder::new(name, rows)),
            ColumnRead::Integer(_) => self.integers = Some(PrimitiveChunkedBuilder::new(name, rows)),
            ColumnRead::Number(_) => self.numbers = Some(PrimitiveChunkedBuilder::new(name, rows)),
        }
    }

    #[inline]
    fn append(&mut self, value: ValueRef<'_>) {
        if let Some(texts) = &mut self.text {
            append_text(texts, value);
        }
        if self.times.is_some() || self.digits.is_some() {
            let stamp = Stamp::of(value);
            if let Some(times) = &mut self.times {
                times.append_option(stamp.map(|s| s.micros));
            }
            if let Some(digits) = &mut self.digits {
                digits.append_option(stamp.map(|s| i64::from(s.fraction_digits)));
            }
        }
        if let Some(integers) = &mut self.integers {
            integers.append_option(match value {
                ValueRef::Integer(n) => Some(n),
                ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()),
                _ => None,
            });
        }
        if let Some(numbers) = &mut self.numbers {
            numbers.append_option(match value {
                ValueRef::Integer(n) => Some(n as f64),
                ValueRef::Real(x) => Some(x),
                ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).filter(|x: &f64| x.is_finite()),
                _ => None,
            });
        }
    }

    fn finish(&mut self, read: ColumnRead) -> FrameColumn {
        let series = match read {
            ColumnRead::Text(_) => self.text.take().map(|texts| texts.finish().into_series()),
            ColumnRead::Time(_) => numbers(&mut self.times),
            ColumnRead::TimeDigits(_) => numbers(&mut self.digits),
            ColumnRead::Integer(_) => numbers(&mut self.integers),
            ColumnRead::Number(_) => numbers(&mut self.numbers),
        };
        // Each way of reading has had its builder since the chunk began.
        series.unwrap_or_else(|| Series::new_empty(read.name().into(), &DataType::Null)).into_column()
    }
}

/// Ends a column of numbers.
fn numbers<T: PolarsNumericType>(builder: &mut Option<PrimitiveChunkedBuilder<T>>) -> Option<Series>
where
    ChunkedArray<T>: IntoSeries,
{
    builder.take().map(|numbers| numbers.finish().into_series())
}

/// Rows on their way into a chunk.
struct Filling<'r> {
    reads: &'r [ColumnRead],
    columns: Vec<usize>,
    builders: Vec<Builders>,
    first_row: Row,
    count: usize,
}

impl<'r> Filling<'r> {
    fn new(reads: &'r [ColumnRead], part: &Part) -> Self {
        let mut columns: Vec<usize> = reads.iter().map(|r| r.column()).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut builders: Vec<Builders> = columns.iter().map(|_| Builders::default()).collect();
        for read in reads {
            if let Ok(place) = columns.binary_search(&read.column()) {
                builders[place].add(*read, part.rows());
            }
        }
        Self { reads, columns, builders, first_row: part.first_row(), count: 0 }
    }

    #[inline]
    fn push(&mut self, cells: &[ValueRef<'_>]) {
        for (builders, cell) in self.builders.iter_mut().zip(cells) {
            builders.append(*cell);
        }
        self.count += 1;
    }

    fn finish(mut self) -> Result<Chunk, SnapshotError> {
        let first_row = self.first_row;
        let ordinals: Vec<u32> = (first_row..first_row + self.count as u32).collect();
        let mut parts: Vec<FrameColumn> = vec![Series::new("row".into(), ordinals).into_column()];
        for read in self.reads {
            if let Ok(place) = self.columns.binary_search(&read.column()) {
                parts.push(self.builders[place].finish(*read));
            }
        }
        let frame = DataFrame::new(self.count, parts).map_err(SnapshotError::Frame)?;
        Ok(Chunk { first_row, frame })
    }
}

/// Reads a table once, chunk by chunk, on two threads, and hands each chunk to `take`, in order.
///
/// # Errors
/// Returns what the case file or polars says, or what `take` does.
pub fn scan<'c, E: From<SnapshotError> + Send>(
    case: impl Into<Reader<'c>>,
    table: TableId,
    reads: &[ColumnRead],
    chunk_rows: usize,
    take: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<(), E> {
    scan_with(case, table, reads, chunk_rows, Ok, take)
}

/// Reads a table once, chunk by chunk; two threads turn each chunk into something else, and hand it to `take`, in
/// order.
///
/// # Errors
/// Returns what the case file or polars says, or what `turn` or `take` does.
pub fn scan_with<'c, R: Send, E: From<SnapshotError> + Send>(
    case: impl Into<Reader<'c>>,
    table: TableId,
    reads: &[ColumnRead],
    chunk_rows: usize,
    turn: impl Fn(Chunk) -> Result<R, E> + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let reader = case.into();
    let parts: Vec<Part> = reader.parts(table, chunk_rows)?.into_iter().filter(|p| p.rows() > 0).collect();
    parallel::in_order(&parts, |part| turn(chunk(reader, part, reads)?), |turned: Result<R, E>| take(turned?))
}

fn chunk(reader: Reader<'_>, part: &Part, reads: &[ColumnRead]) -> Result<Chunk, SnapshotError> {
    let mut filling = Filling::new(reads, part);
    let columns = filling.columns.clone();
    reader.visit_part(part, &columns, |_, cells| {
        filling.push(cells);
        Ok::<(), SnapshotError>(())
    })?;
    filling.finish()
}

fn append_text(texts: &mut StringChunkedBuilder, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => texts.append_null(),
        ValueRef::Integer(n) => texts.append_value(n.to_string()),
        ValueRef::Real(x) => texts.append_value(x.to_string()),
        ValueRef::Text(text) => match simdutf8::basic::from_utf8(text) {
            Ok(text) => texts.append_value(text),
            Err(_) => texts.append_value(hex_text(text)),
        },
        ValueRef::Blob(bytes) => texts.append_value(hex_text(bytes)),
    }
}

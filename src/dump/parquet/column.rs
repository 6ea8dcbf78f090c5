//! A column of a row group, decoded a slice at a time.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;

use super::values::{Meaning, bytes, integer, julian, meaning, text};
use crate::dump::{CellKind, RowBatch};

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

pub(super) struct Column {
    reader: ColumnReader,
    meaning: Meaning,
    nullable: bool,
    slice: Slice,
    levels: Vec<i16>,
    next: usize,
}

impl Column {
    pub(super) fn new(reader: ColumnReader, described: &ColumnDescriptor) -> Self {
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
    pub(super) fn fill(&mut self, rows: usize) -> Result<(), ParquetError> {
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
    pub(super) fn push(&mut self, row: usize, batch: &mut RowBatch) {
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

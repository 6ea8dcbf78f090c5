//! Partial frames of numbers in texts, each with its row, its column and a digest of the template that it stands in, for
//! detectors that look for counters. Digests instead of texts: nearly every row of a large table may end with a number.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use crate::model::Row;

/// Numbers of a chunk.
#[derive(Default)]
pub(super) struct Numbers {
    rows: Vec<Row>,
    columns: Vec<u32>,
    templates: Vec<u64>,
    numbers: Vec<u32>,
}

impl Numbers {
    pub(super) fn push(&mut self, row: Row, column: usize, template: u64, number: u32) {
        self.rows.push(row);
        self.columns.push(column as u32);
        self.templates.push(template);
        self.numbers.push(number);
    }

    /// Writes them as columns `row`, `column`, `template` and `number`.
    pub(super) fn frame(self) -> PolarsResult<DataFrame> {
        DataFrame::new(
            self.rows.len(),
            vec![
                Series::new("row".into(), self.rows).into_column(),
                Series::new("column".into(), self.columns).into_column(),
                Series::new("template".into(), self.templates).into_column(),
                Series::new("number".into(), self.numbers).into_column(),
            ],
        )
    }
}

/// Reads the merged frames: template, number and row of a column's values.
pub(super) fn of_column(merged: &DataFrame, column: usize) -> PolarsResult<impl Iterator<Item = (u64, u32, Row)>> {
    let (columns, rows) = (merged.column("column")?.u32()?, merged.column("row")?.u32()?);
    let (templates, numbers) = (merged.column("template")?.u64()?, merged.column("number")?.u32()?);
    let values = templates.into_no_null_iter().zip(numbers.into_no_null_iter()).zip(rows.into_no_null_iter());
    let of = columns.into_no_null_iter().zip(values).filter(move |(of, _)| *of as usize == column);
    Ok(of.map(|(_, ((template, number), row))| (template, number, row)))
}

//! Partial frames of points in time by row, for detectors that look at all of a table's together.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use crate::model::Row;
use crate::snapshot::{Chunk, ColumnRead};

/// Writes the times that some columns of a chunk hold, with their rows.
pub(super) fn frame(chunk: &Chunk, reads: &[ColumnRead]) -> PolarsResult<DataFrame> {
    let (mut rows, mut times): (Vec<Row>, Vec<i64>) = (Vec::new(), Vec::new());
    for read in reads {
        for (offset, time) in chunk.frame.column(&read.name())?.i64()?.iter().enumerate() {
            if let Some(time) = time {
                rows.push(chunk.first_row + offset as Row);
                times.push(time);
            }
        }
    }
    DataFrame::new(rows.len(), vec![Series::new("row".into(), &rows).into_column(), Series::new("time".into(), times).into_column()])
}

/// Reads the merged frames: times in order, UTC microseconds, each with its row.
pub(super) fn sorted(merged: &DataFrame) -> PolarsResult<Vec<(i64, Row)>> {
    let rows = merged.column("row")?.u32()?.into_no_null_iter();
    let mut times: Vec<(i64, Row)> = merged.column("time")?.i64()?.into_no_null_iter().zip(rows).collect();
    times.sort_unstable();
    times.dedup();
    Ok(times)
}

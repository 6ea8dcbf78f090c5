//! Lengths of time that are not what lies between start and end.

use polars::prelude::{Column, DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{Detector, TableView};
use crate::model::stamp::{HOUR, SECOND};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct WrongDuration;

const META: DetectorMeta = DetectorMeta {
    id: "wrong-duration",
    title: "Duration against start and end",
    family: Family::Discordance,
    reads: &[Role::Duration],
    finds: "Rows whose length of time is not what lies between their start and their end, in a table where it nearly always is.",
    false_positives: "Pauses and corrections by hand; where they are usual the table's own rows disagree too, and nothing is said.",
    source: "A public incident: 48 sessions whose duration and end were each drawn by themselves.",
};

/// Units in which a length of time may be kept, microseconds: milliseconds, seconds, minutes, hours.
const UNITS: [i64; 4] = [1_000, SECOND, 60 * SECOND, HOUR];

/// Share of rows that must agree in one unit.
const AGREE: f64 = 0.8;

/// A length agrees within one unit and this share of itself: it is rounded, or measured elsewhere.
const SLACK: f64 = 0.02;

/// Fewest rows with all three values.
const LEAST_ROWS: usize = 20;

/// Share of a seed's rows that disagree, and of real ones, at least.
const SEEDED: f64 = 0.95;
const REAL_FLOOR: f64 = 0.004;

/// The columns of start, end and length.
fn columns(table: &TableView<'_>) -> Result<[usize; 3], String> {
    let profile = table.profile;
    let length = profile.column(Role::Duration).ok_or("no length of time")?;
    let end = profile.column(Role::EndAt).ok_or("no end")?;
    let start = profile.column(Role::StartAt).or_else(|| profile.column(Role::CreatedAt)).ok_or("no start")?;
    Ok([start, end, length])
}

impl Detector for WrongDuration {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let [start, end, length] = columns(table)?;
        Ok(vec![ColumnRead::Time(start), ColumnRead::Time(end), ColumnRead::Number(length)])
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut rows: Vec<Row> = Vec::new();
        let mut spans: Vec<f64> = Vec::new();
        let mut lengths: Vec<f64> = Vec::new();
        if let Ok([start, end, length]) = columns(table) {
            let starts = chunk.frame.column(&ColumnRead::Time(start).name())?.i64()?;
            let ends = chunk.frame.column(&ColumnRead::Time(end).name())?.i64()?;
            let numbers = chunk.frame.column(&ColumnRead::Number(length).name())?.f64()?;
            for (offset, ((start, end), length)) in starts.iter().zip(ends.iter()).zip(numbers.iter()).enumerate() {
                if let (Some(start), Some(end), Some(length)) = (start, end, length) {
                    rows.push(chunk.first_row + offset as Row);
                    spans.push((end as f64) - (start as f64));
                    lengths.push(length);
                }
            }
        }
        let columns: Vec<Column> = vec![
            Series::new("row".into(), &rows).into_column(),
            Series::new("span".into(), spans).into_column(),
            Series::new("length".into(), lengths).into_column(),
        ];
        DataFrame::new(rows.len(), columns)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let rows = super::rows_of(merged)?;
        let spans: Vec<f64> = merged.column("span")?.f64()?.into_no_null_iter().collect();
        let lengths: Vec<f64> = merged.column("length")?.f64()?.into_no_null_iter().collect();
        let disagree = disagreeing(&spans, &lengths);
        let mut rows: Vec<Row> = disagree.into_iter().map(|place| rows[place]).collect();
        rows.sort_unstable();
        Ok(vec![Evidence {
            detector: META.id,
            family: META.family,
            table: table.profile.id,
            kind: "duration".to_owned(),
            detail: "its length of time is not what lies between start and end".to_owned(),
            proposes: rows.len() > 1,
            rows,
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
        }])
    }
}

/// Returns the places that disagree in the unit in which nearly all others agree; none where there is no such unit.
fn disagreeing(spans: &[f64], lengths: &[f64]) -> Vec<usize> {
    if spans.len() < LEAST_ROWS {
        return Vec::new();
    }
    let agrees = |place: usize, unit: i64| {
        let length = lengths[place] * unit as f64;
        (spans[place] - length).abs() <= unit as f64 + SECOND as f64 + SLACK * length.abs()
    };
    let counts = UNITS.map(|unit| (0..spans.len()).filter(|place| agrees(*place, unit)).count());
    let best = (0..UNITS.len()).max_by_key(|u| counts[*u]).unwrap_or_default();
    if (counts[best] as f64) < AGREE * spans.len() as f64 {
        return Vec::new();
    }
    (0..spans.len()).filter(|place| !agrees(*place, UNITS[best])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_lengths_of_their_own() {
        let mut spans: Vec<f64> = (0..40).map(|i| f64::from(i * 37 + 100) * 60e6).collect();
        let lengths: Vec<f64> = spans.iter().map(|s| (s / 60e6).round()).collect();
        assert!(disagreeing(&spans, &lengths).is_empty());
        spans[3] = 5e6;
        spans[7] *= 3.0;
        assert_eq!(disagreeing(&spans, &lengths), [3, 7]);
    }

    #[test]
    fn says_nothing_where_rows_disagree_anyway() {
        let spans: Vec<f64> = (0..40).map(|i| f64::from(i * 37 + 100) * 60e6).collect();
        let lengths: Vec<f64> = (0..40).map(|i| f64::from(i % 7)).collect();
        assert!(disagreeing(&spans, &lengths).is_empty());
        assert!(disagreeing(&spans[..5], &lengths[..5]).is_empty());
    }
}

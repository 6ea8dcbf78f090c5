//! Rows that were written anew on a later day: their place in the table says so, and their time of change agrees.

use polars::prelude::{DataFrame, PolarsResult};

use super::later::{BATCH, inserted_by};
use super::{Detector, TableView, moments};
use crate::model::stamp::{DAY, HOUR};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::profile::longest_non_decreasing;
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct LaterEdit;

const META: DetectorMeta = DetectorMeta {
    id: "later-edit",
    title: "Edited on a later day",
    family: Family::Human,
    reads: &[Role::UpdatedAt, Role::ActivityAt],
    finds: "Rows that lie, in an export that keeps the order in which a Postgres table stores them, behind rows inserted a day or more after them, where their time of change says: an update writes a row anew. Counts against a seed, which may write any time of change, but writes its rows once.",
    false_positives: "A job that updates many rows writes them anew too: rows whose time of change another row has to the second, and neighbours in the order of their keys, do not count. Applies only where keys tell the order of insertion and the export keeps another one.",
    source: "PostgreSQL manual, heap-only tuples and routine vacuuming: a new version of a row goes to where the table has room, mostly its end. Longest rising sequence of keys along the order of rows.",
};

/// Bits against a seed: one seed's row in 64 is edited by somebody.
const AGAINST: f64 = -6.0;

/// Least time between a row's insertion and that of the rows that it lies behind, microseconds.
const LATER: i64 = DAY;

/// How far a row's time of change may lie outside the times of the rows around it, microseconds: transactions and
/// pages overlap.
const SLACK: i64 = HOUR;

/// Share of the rows that must lie in the order of their keys: less in an export that was sorted by something else.
const IN_ORDER: f64 = 0.3;

/// Neighbours whose places in the order of insertion differ by at most this were updated by a job.
const SWEEP: u32 = 2;

impl Detector for LaterEdit {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let times = times(table);
        if times.is_empty() {
            return Err("no time of change".to_owned());
        }
        if !table.profile.clock.by_key() || table.facts.order.is_empty() {
            return Err("no key tells the order of insertion".to_owned());
        }
        if table.facts.order.is_sorted() {
            return Err("rows lie in the order of their keys: nothing tells which were written anew".to_owned());
        }
        Ok(times)
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        moments::frame(chunk, &times(table))
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let changes = moments::sorted(merged)?;
        let windows = written_anew(table);
        let beside = |at: usize, other: Option<usize>| {
            let other = other.and_then(|o| changes.get(o));
            other.is_some_and(|(time, row)| *row != changes[at].1 && (time - changes[at].0).abs() <= BATCH)
        };
        let mut found: Vec<Row> = Vec::new();
        for (at, (time, row)) in changes.iter().enumerate() {
            let Some((from, until)) = windows[*row as usize] else { continue };
            let agrees = *time >= from - SLACK && until.is_none_or(|until| *time <= until + SLACK);
            if agrees && !beside(at, at.checked_sub(1)) && !beside(at, Some(at + 1)) {
                found.push(*row);
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(vec![Evidence {
            detector: META.id,
            family: META.family,
            table: table.profile.id,
            kind: "edited".to_owned(),
            detail: "written anew a day or more after it was inserted: it lies where its time of change says".to_owned(),
            rows: found,
            measure: Measure::Against { bits: AGAINST },
            certainty: Certainty::Suggests,
            proposes: false,
        }])
    }
}

/// Returns the columns that say when a row changed, as reads.
fn times(table: &TableView<'_>) -> Vec<ColumnRead> {
    META.reads.iter().flat_map(|r| table.profile.columns_with(*r)).map(ColumnRead::Time).collect()
}

/// Finds, by row, between which times it was written anew: the rows on either side that lie in the order of their keys
/// were inserted then. `None` where it was not, or less than a day after it was inserted, or by a job.
fn written_anew(table: &TableView<'_>) -> Vec<Option<(i64, Option<i64>)>> {
    let ranks = table.facts.ranks();
    let ranks: Vec<Row> = (0..table.rows() as Row).filter_map(|row| ranks.get(row)).collect();
    let in_order = longest_non_decreasing(&ranks.iter().map(|r| i64::from(*r)).collect::<Vec<_>>());
    let mut found = vec![None; ranks.len()];
    if (in_order.iter().filter(|on| **on).count() as f64) < IN_ORDER * ranks.len() as f64 {
        return found;
    }
    let by = inserted_by(table.facts);
    let mut until: Vec<Option<i64>> = vec![table.taken_at; ranks.len()];
    let mut next = table.taken_at;
    for row in (0..ranks.len()).rev() {
        until[row] = next;
        if in_order[row] {
            next = table.facts.inserted(row as Row).or(next);
        }
    }
    let mut line: Option<(Row, i64)> = None;
    for row in 0..ranks.len() {
        if in_order[row] {
            line = table.facts.inserted(row as Row).map(|time| (ranks[row], time)).or(line);
            continue;
        }
        let swept = |other: Option<usize>| other.is_some_and(|o| o < ranks.len() && !in_order[o] && ranks[o].abs_diff(ranks[row]) <= SWEEP);
        let Some((rank, from)) = line.filter(|(rank, _)| *rank > ranks[row]) else { continue };
        let later = by[row].is_some_and(|by| from - by >= LATER);
        if later && rank > ranks[row] && !swept(row.checked_sub(1)) && !swept(Some(row + 1)) {
            found[row] = Some((from, until[row]));
        }
    }
    found
}

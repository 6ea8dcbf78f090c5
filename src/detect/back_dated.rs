//! Rows whose creation times lie before those of rows inserted earlier: their dates were made up.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::rhythm::Hours;
use super::{Detector, TableView};
use crate::model::stamp::{DAY, HOUR, SECOND};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::profile::{longest_non_decreasing, rising_line};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds back-dated blocks.
pub(super) struct BackDated;

const META: DetectorMeta = DetectorMeta {
    id: "back-dated",
    title: "Back-dated block",
    family: Family::Clock,
    reads: &[Role::CreatedAt],
    finds: "Runs of rows, next to each other in the order of insertion, whose creation times fall behind the time at which their neighbours were inserted.",
    false_positives: "An import of older records is such a block too; it is an import until the values of its rows say otherwise, or their dates, in no order, fall on all hours alike where people's keep a night. Applies only where the order of insertion can be trusted.",
    source: "Longest non-decreasing subsequence of creation times along the trusted order; a public incident whose seed set children back by hours and days.",
};

/// Least time by which a row must fall behind, microseconds: longer than transactions overlap.
const LEAST_LAG: i64 = 60 * SECOND;

/// Rows in time that may lie between two back-dated ones of a run.
const LARGEST_STEP: usize = 3;

/// Most bits of a row: an import of older records makes such blocks, so that one never sends a row to review
/// by itself; and updates move rows to where a Postgres table has room.
const MOST_BY_KEY: f64 = 8.0;
const MOST_BY_ROW: f64 = 5.0;

/// The same of rows with none in time behind them in the order of rows: an update writes a row anew where the table
/// ends.
const MOST_AT_THE_END: f64 = 2.0;

/// Fewest rows of a block.
const LEAST_ROWS: usize = 3;

impl Detector for BackDated {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.facts.order.is_empty() {
            return Err("the order of insertion cannot be told".to_owned());
        }
        Ok(Vec::new())
    }

    fn scan(&self, _chunk: &Chunk, _table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // Creation times and order are at hand in the table's facts.
        DataFrame::new(0, vec![Series::new("row".into(), Vec::<u32>::new()).into_column()])
    }

    fn finish(&self, _merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let late = late(table);
        let order = &table.facts.order;
        let share = (late.len() as f64 / order.len().max(1) as f64).clamp(0.002, 0.5);
        let mut others = late.iter().map(|l| l.place).peekable();
        let in_time = (0..order.len()).filter(|place| others.next_if_eq(place).is_none());
        let in_time = Hours::of(in_time.filter_map(|place| table.facts.created.get(order.get(place)?)));
        let runs: Vec<&[Late]> = late.chunk_by(|a, b| b.place - a.place <= LARGEST_STEP).collect();
        let dates = |run: &&[Late]| run.iter().filter_map(|late| table.facts.created.get(late.row)).collect::<Vec<i64>>();
        // One author's seed draws the dates of every run alike: together they tell what a few of each do not.
        let in_no_order: Vec<i64> =
            runs.iter().filter(|run| run.len() >= LEAST_ROWS).map(dates).filter(|d| !mostly_rise(d)).flatten().collect();
        let all_drawn = in_time.unlike(&in_no_order);
        let drawn = |run: &&[Late]| {
            let dates = dates(run);
            !mostly_rise(&dates) && (all_drawn || in_time.unlike(&dates))
        };
        let evidence = runs.iter().filter_map(|run| block(table, run, share, drawn(run))).collect();
        Ok(evidence)
    }
}

/// A row that falls behind the time of its neighbours.
struct Late {
    /// Its place in the order of insertion.
    place: usize,
    row: Row,
    /// By how much, microseconds.
    lag: i64,
}

/// Finds such rows, in the order of insertion.
fn late(table: &TableView<'_>) -> Vec<Late> {
    let facts = table.facts;
    let mut line: Option<i64> = None;
    // Where ids do not tell when rows were inserted, the rising line is known already.
    let mut on_line = facts.by_ids.then(|| {
        let known: Vec<i64> = facts.order.iter().filter_map(|row| facts.created.get(row)).collect();
        rising_line(&known).into_iter()
    });
    let lag = |(place, row): (usize, Row)| {
        let created = facts.created.get(row)?;
        let at = match on_line.as_mut().map(|on| on.next() == Some(true)) {
            Some(true) => {
                line = Some(created);
                line
            }
            Some(false) => line,
            None => facts.moved.get(row),
        };
        let lag = at? - created;
        (lag >= LEAST_LAG).then_some(Late { place, row, lag })
    };
    facts.order.iter().enumerate().filter_map(lag).collect()
}

/// Returns whether dates mostly rise, as people's own do.
fn mostly_rise(dates: &[i64]) -> bool {
    longest_non_decreasing(dates).iter().filter(|on| **on).count() * 2 > dates.len()
}

fn block(table: &TableView<'_>, run: &[Late], share: f64, drawn: bool) -> Option<Evidence> {
    if run.len() < LEAST_ROWS {
        return None;
    }
    let mut rows: Vec<Row> = run.iter().map(|late| late.row).collect();
    rows.sort_unstable();
    // Chance puts a late row into each of the next few places with the table's own share.
    let log2_p = (run.len() - 1) as f64 * (share * LARGEST_STEP as f64).min(0.9).log2() + (table.rows() as f64).log2();
    if log2_p > -6.0 {
        return None;
    }
    let at_the_end = run.last().is_some_and(|last| last.place + LARGEST_STEP >= table.facts.order.len());
    let most = match (table.profile.clock.by_key(), at_the_end) {
        (true, _) => MOST_BY_KEY,
        (false, false) => MOST_BY_ROW,
        (false, true) => MOST_AT_THE_END,
    };
    let largest = run.iter().map(|late| late.lag).max().unwrap_or_default();
    let shown = if largest >= 2 * DAY {
        format!("{:.0} days", largest as f64 / DAY as f64)
    } else {
        format!("{:.0} hours", (largest as f64 / HOUR as f64).max(1.0))
    };
    Some(Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: format!("block of {}", run.len()),
        detail: format!(
            "inserted among later rows, but dated up to {shown} earlier{}",
            if drawn { ", on all hours of the day alike" } else { "" }
        ),
        rows,
        measure: Measure::Against { bits: (-log2_p).min(most) },
        certainty: if drawn { Certainty::CannotBeHuman } else { Certainty::Suggests },
        proposes: true,
    })
}

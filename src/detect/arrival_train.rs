//! Rows that follow each other closer than people do. A train only proposes who may belong together:
//! imports, launches and campaigns make trains too.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::pace::{resolution, usual_rate};
use super::{Detector, TableView};
use crate::chance::log2_tail;
use crate::model::stamp::SECOND;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds arrival trains.
pub(super) struct ArrivalTrain;

const META: DetectorMeta = DetectorMeta {
    id: "arrival-train",
    title: "Arrival train",
    family: Family::Time,
    reads: &[Role::CreatedAt],
    finds: "Rows whose creation times are linked by gaps of at most 0, 20 ms, 0.2 s, 1.5 s or 6 s: a loop of awaited inserts, a bulk insert, a transaction.",
    false_positives: "Imports, launches and campaigns. A train adds 4 bits at most and never convicts; it says which rows to look at together.",
    source: "A public incident: 100 users over ten seconds, one round trip of 90 to 95 ms apart, 5 to 11 in each second. Poisson tail against the table's own median day, times the number of rows looked at.",
};

/// Largest gaps that link two rows, microseconds.
///
/// Source: one statement or transaction; a local loop; a loop over a network; a loop with work in it; a slow one.
const GAPS: [i64; 5] = [0, 20_000, SECOND / 5, 3 * SECOND / 2, 6 * SECOND];

/// Longest time over which rows with one parent are one act, microseconds: a statement, a loop over a form.
const ONE_ACT: i64 = SECOND;

/// Fewest rows of a train.
const LEAST_ROWS: usize = 3;

impl Detector for ArrivalTrain {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.facts.created.known().next().is_none() {
            return Err("no creation time".to_owned());
        }
        Ok(Vec::new())
    }

    fn scan(&self, _chunk: &Chunk, _table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // Creation times are at hand in the table's facts.
        DataFrame::new(0, vec![Series::new("row".into(), Vec::<u32>::new()).into_column()])
    }

    fn finish(&self, _merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let rows = table.facts.created.rising();
        let times: Vec<i64> = rows.iter().filter_map(|row| table.facts.created.get(*row)).collect();
        let Some(rate) = usual_rate(&times) else { return Ok(Vec::new()) };
        let resolution = resolution(&times);
        let mut evidence: Vec<Evidence> = Vec::new();
        for gap in GAPS {
            // Where people themselves arrive this close, or the clock is coarser than the gap, links mean nothing.
            let usual = rate * gap.max(resolution) as f64;
            if usual > 0.2 || (gap > 0 && gap < resolution) {
                continue;
            }
            let mut start = 0;
            for end in 1..=rows.len() {
                if end < rows.len() && times[end] - times[end - 1] <= gap {
                    continue;
                }
                if end - start >= LEAST_ROWS {
                    evidence.extend(train(table, &rows[start..end], &times[start..end], rate, resolution));
                }
                start = end;
            }
        }
        // The same rows linked at a smaller gap are the same train.
        evidence.sort_by(|a, b| a.rows.cmp(&b.rows));
        evidence.dedup_by(|a, b| a.rows == b.rows);
        Ok(evidence)
    }
}

fn train(table: &TableView<'_>, rows: &[Row], times: &[i64], rate: f64, resolution: i64) -> Option<Evidence> {
    let span = times[times.len() - 1] - times[0];
    let count = rows.len();
    // Any row could be the first.
    let log2_p = log2_tail(count, rate * (span + resolution) as f64) + (table.rows() as f64).log2();
    if log2_p > -10.0 {
        return None;
    }
    // The lines of one order, the pictures of one post: one act of one person.
    let one_parent = |link: &super::ParentLink| {
        let parent = link.rows[rows[0] as usize];
        parent != super::NO_ROW && rows.iter().all(|row| link.rows[*row as usize] == parent)
    };
    if span <= ONE_ACT && table.facts.parents.iter().any(one_parent) {
        return None;
    }
    let mut members = rows.to_vec();
    members.sort_unstable();
    let seconds = span as f64 / SECOND as f64;
    let pace = if span == 0 {
        "at one instant".to_owned()
    } else {
        format!("over {seconds:.1} s, one every {:.0} ms", span as f64 / 1000.0 / (count - 1) as f64)
    };
    Some(Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: format!("train of {count}"),
        detail: format!("{count} rows {pace}"),
        rows: members,
        measure: Measure::Chance { log2_p },
        certainty: Certainty::Suggests,
        proposes: true,
    })
}

//! Times that contradict each other within a row, and times that had not come when the snapshot was taken.

use polars::prelude::{DataFrame, PolarsResult};

use super::marks::{self, Finding};
use super::{Detector, TableView};
use crate::model::stamp::{DAY, SECOND};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct TimeContradiction;

const META: DetectorMeta = DetectorMeta {
    id: "time-contradiction",
    title: "Times that contradict each other",
    family: Family::Clock,
    reads: &[Role::CreatedAt, Role::UpdatedAt, Role::ActivityAt, Role::StartAt, Role::EndAt],
    finds: "Rows changed or used more than a day before they were created, ended before they began, or created, changed or used more than a day after the snapshot was taken.",
    false_positives: "An import that stamps its rows anew keeps older times of change; a wrong clock writes times to come. The share in the rest of the table is weighed, and the fact alone never sends a row to review.",
    source: "date.past(), date.recent() and date.soon() drawn for each column by itself: two independent times of one span are in the wrong order half the time.",
};

/// Share of a seed's rows with such a contradiction, where it draws each time by itself.
const SEEDED: f64 = 0.4;

/// Share of real rows, at least: imports, repairs by hand, clock steps.
const REAL_FLOOR: f64 = 0.002;

/// Longer than any two time zones lie apart, microseconds.
const LEAST_LEAD: i64 = DAY;

/// An end lies before its start by at least this, microseconds: both come from one clock.
const LEAST_NEGATIVE: i64 = SECOND;

const CHANGED: &str = "changed before it was created";
const USED: &str = "used before it was created";
const ENDED: &str = "ended before it began";
const TO_COME: &str = "dated after the snapshot was taken";

impl Detector for TimeContradiction {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let reads: Vec<ColumnRead> = META.reads.iter().flat_map(|r| table.profile.columns_with(*r)).map(ColumnRead::Time).collect();
        if reads.is_empty() { Err("no time of creation, change, use, start or end".to_owned()) } else { Ok(reads) }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut rows: Vec<Row> = Vec::new();
        let mut kinds: Vec<&str> = Vec::new();
        let times =
            |column: usize| Ok::<_, polars::prelude::PolarsError>(chunk.frame.column(&ColumnRead::Time(column).name())?.i64()?.clone());
        let mut mark = |earlier: usize, later: usize, lead: i64, kind| {
            let (earlier, later) = (times(earlier)?, times(later)?);
            for (offset, pair) in earlier.iter().zip(later.iter()).enumerate() {
                if let (Some(a), Some(b)) = pair
                    && a.saturating_sub(b) >= lead
                    && [a, b].into_iter().all(is_event)
                {
                    rows.push(chunk.first_row + offset as Row);
                    kinds.push(kind);
                }
            }
            Ok::<(), polars::prelude::PolarsError>(())
        };
        let of = |role: Role| table.profile.columns_with(role);
        if let Some(created) = table.profile.column(Role::CreatedAt) {
            of(Role::UpdatedAt).try_for_each(|later| mark(created, later, LEAST_LEAD, CHANGED))?;
            of(Role::ActivityAt).try_for_each(|later| mark(created, later, LEAST_LEAD, USED))?;
        }
        if let (Some(start), Some(end)) = (table.profile.column(Role::StartAt), table.profile.column(Role::EndAt)) {
            mark(start, end, LEAST_NEGATIVE, ENDED)?;
        }
        if let Some(taken_at) = table.taken_at {
            for column in [Role::CreatedAt, Role::UpdatedAt, Role::ActivityAt].into_iter().flat_map(of) {
                for (offset, time) in times(column)?.iter().enumerate() {
                    if time.is_some_and(|t| is_event(t) && t - taken_at >= LEAST_LEAD) {
                        rows.push(chunk.first_row + offset as Row);
                        kinds.push(TO_COME);
                    }
                }
            }
        }
        marks::frame(rows, &kinds)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<crate::model::Evidence>> {
        marks::facts(&META, usize::MAX, merged, table, |of| {
            Some(Finding {
                detail: of.kind.to_owned(),
                measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
                certainty: Certainty::Suggests,
                proposes: false,
            })
        })
    }
}

/// Sentinels such as 1970-01-01 and 9999-12-31 say that nothing is known.
fn is_event(micros: i64) -> bool {
    (crate::model::stamp::PLAUSIBLE_FROM..crate::model::stamp::PLAUSIBLE_UNTIL).contains(&micros)
}

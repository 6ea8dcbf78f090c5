//! Ids that were made after the date that their row bears.

use std::collections::BTreeSet;

use polars::prelude::{DataFrame, PolarsResult};

use super::rhythm::Hours;
use super::{Detector, TableView, marks};
use crate::model::stamp::{DAY, SECOND, civil_from_days};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::profile::{InsertionClock, longest_non_decreasing};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct IdClock;

const META: DetectorMeta = DetectorMeta {
    id: "id-clock",
    title: "Id younger than its row",
    family: Family::Clock,
    reads: &[Role::Key, Role::ExternalId, Role::Code, Role::Token, Role::Binary],
    finds: "Rows whose id (ULID, UUID of version 1, 6 or 7, ObjectId, KSUID, cuid, xid, snowflake) was made more than a day after the time at which the row says that it was created.",
    false_positives: "An import of older records gives them new ids; its dates rise with them or keep the hours of people, so that it is no more than a reason to look. Where most ids are younger than their rows they were given afterwards, and nothing is said. An id as old as its row says nothing for a person either: most seeds give no dates.",
    source: "Published layouts of the ids (RFC 9562, ulid/spec, BSON, segmentio/ksuid, paralleldrive/cuid, rs/xid, snowflake); date.past() and subDays() of seed programs, which cannot reach into an id that the database or the client makes.",
};

/// Least time by which an id must be younger, microseconds: longer than drafts, queues and wrong clocks.
const LEAST_LAG: i64 = DAY;

/// Ids made at most this far apart are of one run, microseconds.
const LARGEST_GAP: i64 = 600 * SECOND;

/// Most bits of a row: an import gives such ids too, so that one never sends a row to review by itself.
const MOST: f64 = 8.0;

/// Rows of a run from which it is proposed as a group.
const LEAST_ROWS: usize = 3;

/// Share of a run that may lie on one rising line of dates before its dates are in order.
const IN_ORDER: f64 = 0.5;

impl Detector for IdClock {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        match table.profile.clock {
            InsertionClock::Minted { .. } if table.profile.column(Role::CreatedAt).is_some() => Ok(Vec::new()),
            InsertionClock::Minted { .. } => Err("no creation time beside the ids' own".to_owned()),
            _ if table.profile.ids.is_some() => {
                Err("an integer key tells the order, or ids were given to older rows afterwards".to_owned())
            }
            _ => Err("no ids that carry a time".to_owned()),
        }
    }

    fn scan(&self, _chunk: &Chunk, _table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // The ids' times and the rows' are at hand in the table's facts.
        marks::frame(Vec::new(), &[])
    }

    fn finish(&self, _merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let facts = table.facts;
        let pairs = facts.minted.iter().zip(facts.created.iter()).zip(0..);
        let mut younger: Vec<(i64, Row, i64)> = pairs
            .filter_map(|((minted, created), row)| {
                let (minted, created) = (minted?, created?);
                (minted - created >= LEAST_LAG).then_some((minted, row, created))
            })
            .collect();
        younger.sort_unstable();
        let bits = -(younger.len() as f64 / table.rows().max(1) as f64).max(0.002).log2();
        let lagging: BTreeSet<Row> = younger.iter().map(|y| y.1).collect();
        let others = facts.created.iter().zip(0..).filter(|(_, row)| !lagging.contains(row)).filter_map(|(time, _)| time);
        let others = Hours::of(others);
        let runs = younger.chunk_by(|a, b| b.0 - a.0 <= LARGEST_GAP);
        Ok(runs.map(|run| fact(table, run, bits.min(MOST), &others)).collect())
    }
}

/// Says it of the rows whose ids were made in one run.
fn fact(table: &TableView<'_>, run: &[(i64, Row, i64)], bits: f64, others: &Hours) -> Evidence {
    let dates: Vec<i64> = run.iter().map(|r| r.2).collect();
    let rising = longest_non_decreasing(&dates).iter().filter(|on| **on).count() as f64;
    let drawn = rising <= IN_ORDER * dates.len() as f64 && others.unlike(&dates);
    let largest = run.iter().map(|r| r.0 - r.2).max().unwrap_or_default() / DAY;
    let (year, month, day) = civil_from_days(run[0].0.div_euclid(DAY));
    let mut rows: Vec<Row> = run.iter().map(|r| r.1).collect();
    rows.sort_unstable();
    let hours = if drawn { ", on all hours of the day alike" } else { "" };
    Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: format!("ids of {year}-{month:02}-{day:02}"),
        detail: format!("its id was made on {year}-{month:02}-{day:02}, but the row is dated up to {largest} days earlier{hours}"),
        proposes: rows.len() >= LEAST_ROWS,
        rows,
        measure: Measure::Against { bits },
        certainty: if drawn { Certainty::CannotBeHuman } else { Certainty::Suggests },
    }
}

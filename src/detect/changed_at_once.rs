//! Rows that a program changed last in one run, though they say that they were created on different days: a seed gives
//! its rows a time of creation and leaves the time of change to the database.

use polars::prelude::{DataFrame, PolarsResult};

use super::pace::{resolution, usual_rate};
use super::rhythm::Hours;
use super::{Detector, TableView, moments};
use crate::chance::log2_tail;
use crate::model::stamp::{DAY, SECOND, civil_from_days};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::profile::longest_non_decreasing;
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct ChangedAtOnce;

const META: DetectorMeta = DetectorMeta {
    id: "changed-at-once",
    title: "Created apart, changed at once",
    family: Family::Clock,
    reads: &[Role::CreatedAt, Role::UpdatedAt],
    finds: "Rows whose times of last change follow each other within 1.5 s, as a program's do, though they say that they were created on different days, in another order: date.past() fills the time of creation, the ORM or the database that of change.",
    false_positives: "A job that updates rows in an order of its own. Nothing is said where most rows were last changed so, nor of rows that were changed in the order of their creation, as a statement over the whole table changes them; a fact of the clock never convicts by itself.",
    source: "@updatedAt of Prisma, @UpdateDateColumn of TypeORM, timestamps of Rails and Laravel, ON UPDATE CURRENT_TIMESTAMP of MySQL: each is set on insert too, whatever created_at is given. Poisson tail against the table's own median day of changes.",
};

/// Largest gap that links two rows, microseconds: a loop over a network with work in it.
const GAP: i64 = 3 * SECOND / 2;

/// Least time by which the change lies behind the creation that a row claims, microseconds.
const LEAST_LAG: i64 = DAY;

/// Fewest rows of a run, and fewest days of creation among them.
const LEAST_ROWS: usize = 5;
const LEAST_DAYS: usize = 3;

/// Share of the table's rows in such runs from which changes at once are what the site's own jobs do.
const JOBS: f64 = 0.3;

/// Share of a run that may lie on one rising line of creation before a statement changed rows in their order.
const IN_ORDER: f64 = 0.5;

/// Most bits of a row: a job makes such runs too, so that one never sends a row to review by itself.
const MOST: f64 = 8.0;

/// A row's time of change, its own and that of its creation; UTC microseconds.
type Change = (i64, Row, i64);

impl Detector for ChangedAtOnce {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.facts.created.known().next().is_none() {
            return Err("no creation time".to_owned());
        }
        changed(table).map(|read| vec![read]).ok_or_else(|| "no time of change".to_owned())
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        moments::frame(chunk, changed(table).as_slice())
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let created = &table.facts.created;
        let changes: Vec<Change> =
            moments::sorted(merged)?.into_iter().filter_map(|(changed, row)| Some((changed, row, created.get(row)?))).collect();
        let times: Vec<i64> = changes.iter().map(|c| c.0).collect();
        let Some(rate) = usual_rate(&times) else { return Ok(Vec::new()) };
        let unit = resolution(&times);
        // Where changes come this close by themselves, or the clock is coarser, links mean nothing.
        if rate * GAP.max(unit) as f64 > 0.2 || unit > SECOND {
            return Ok(Vec::new());
        }
        let linked = changes.chunk_by(|a, b| b.0 - a.0 <= GAP).filter(|run| run.len() >= LEAST_ROWS);
        let runs: Vec<Vec<Change>> = linked.map(lagging).filter(|run| run.len() >= LEAST_ROWS).collect();
        let share = runs.iter().map(Vec::len).sum::<usize>() as f64 / table.rows().max(1) as f64;
        if share > JOBS {
            return Ok(Vec::new());
        }
        let bits = -share.max(0.002).log2();
        let held: std::collections::BTreeSet<Row> = runs.iter().flatten().map(|c| c.1).collect();
        let others = Hours::of(created.iter().zip(0..).filter(|(_, row)| !held.contains(row)).filter_map(|(time, _)| time));
        Ok(runs.iter().filter_map(|run| fact(table, run, rate, unit, bits.min(MOST), &others)).collect())
    }
}

/// Returns the column that says when a row was last changed.
fn changed(table: &TableView<'_>) -> Option<ColumnRead> {
    table.profile.column(Role::UpdatedAt).map(ColumnRead::Time)
}

/// Keeps the rows of a run that say that they were created a day or more before.
fn lagging(run: &[Change]) -> Vec<Change> {
    run.iter().copied().filter(|(changed, _, created)| changed - created >= LEAST_LAG).collect()
}

/// Says it of the rows of one run; `None` where chance, or a statement over rows in their order, made it.
fn fact(table: &TableView<'_>, run: &[Change], rate: f64, unit: i64, bits: f64, others: &Hours) -> Option<Evidence> {
    let span = run[run.len() - 1].0 - run[0].0;
    let log2_p = log2_tail(run.len(), rate * (span + unit) as f64) + (table.rows() as f64).log2();
    let dates: Vec<i64> = run.iter().map(|c| c.2).collect();
    let mut days: Vec<i64> = dates.iter().map(|t| t.div_euclid(DAY)).collect();
    days.sort_unstable();
    days.dedup();
    let rising = longest_non_decreasing(&dates).iter().filter(|on| **on).count() as f64;
    if log2_p > -20.0 || days.len() < LEAST_DAYS || rising > IN_ORDER * dates.len() as f64 {
        return None;
    }
    let drawn = others.unlike(&dates);
    let (year, month, day) = civil_from_days(run[0].0.div_euclid(DAY));
    let mut rows: Vec<Row> = run.iter().map(|c| c.1).collect();
    rows.sort_unstable();
    Some(Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: format!("changed on {year}-{month:02}-{day:02}"),
        detail: format!(
            "{} rows last changed within {:.1} s on {year}-{month:02}-{day:02}, but dated on {} days before{}",
            rows.len(),
            span as f64 / SECOND as f64,
            days.len(),
            if drawn { ", on all hours of the day alike" } else { "" }
        ),
        rows,
        measure: Measure::Against { bits },
        certainty: if drawn { Certainty::CannotBeHuman } else { Certainty::Suggests },
        proposes: true,
    })
}

//! Back-dating that keeps the minute or the time of day: `setHours(h - rand)`, `n.days.ago`, `subDays(rand)`.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{Detector, TableView};
use crate::model::stamp::{DAY, HOUR, SECOND};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds phase locks.
pub(super) struct PhaseLock;

const META: DetectorMeta = DetectorMeta {
    id: "phase-lock",
    title: "Phase lock",
    family: Family::Clock,
    reads: &[Role::CreatedAt],
    finds: "Rows inserted next to each other whose times differ by hours or days, in no order, and yet agree in the second of the hour or of the day: subtracting whole hours or days keeps the rest.",
    false_positives: "Cron jobs and nightly billing keep their phase too, but in rising order; such runs are left out. Appointments lie on the same minutes: a phase that other rows have too counts as often as they have it. Days without a time are all at one midnight, as an older program leaves them; they say nothing.",
    source: "Chance of n phases within 5 s of each other's among 3,600 or 86,400; setHours, setDate, subDays, timedelta and n.days.ago keep what they do not change.",
};

/// Periods whose phase back-dating keeps, seconds: an hour and a day.
const PERIODS_S: [i64; 2] = [3_600, 86_400];

/// Two rows keep the phase when theirs differ by at most this, microseconds: how far a seed's loop gets between them.
const TOLERANCE: i64 = 5 * SECOND;

/// Places in the order of insertion that a run may leap over: live rows among the seed's.
const LARGEST_STEP: usize = 4;

/// Fewest rows of a run, and fewest different hours or days among them.
const LEAST_ROWS: usize = 5;
const LEAST_CYCLES: usize = 3;

impl Detector for PhaseLock {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.facts.order.is_empty() {
            return Err("the order of insertion cannot be told".to_owned());
        }
        if days_only(table) {
            return Err("its times of creation have no time of day".to_owned());
        }
        Ok(Vec::new())
    }

    fn scan(&self, _chunk: &Chunk, _table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // Creation times and order are at hand in the table's facts.
        DataFrame::new(0, vec![Series::new("row".into(), Vec::<u32>::new()).into_column()])
    }

    fn finish(&self, _merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let mut evidence: Vec<Evidence> = Vec::new();
        // The day goes first: whatever keeps the time of day keeps the minute too.
        for period_s in PERIODS_S.into_iter().rev() {
            for run in runs(table, period_s * SECOND) {
                let known = |e: &Evidence| run.iter().filter(|r| e.rows.binary_search(r).is_ok()).count() * 2 > run.len();
                if !evidence.iter().any(known) {
                    evidence.extend(lock(table, &run, period_s));
                }
            }
        }
        Ok(evidence)
    }
}

/// Chains rows of equal phase along the order of insertion.
fn runs(table: &TableView<'_>, period: i64) -> Vec<Vec<Row>> {
    /// A chain; most have one row and end with it.
    struct Open {
        first: (Row, i64),
        others: Vec<(Row, i64)>,
        last: i64,
        last_place: usize,
    }
    let distance = |a: i64, b: i64| {
        let d = (a - b).rem_euclid(period);
        d.min(period - d)
    };
    let mut open: Vec<Open> = Vec::new();
    let mut closed: Vec<Vec<Row>> = Vec::new();
    let mut close = |chain: Open| {
        if chain.others.len() + 1 < LEAST_ROWS {
            return;
        }
        let (rows, times): (Vec<Row>, Vec<i64>) = std::iter::once(chain.first).chain(chain.others).unzip();
        let cycles = {
            let mut cycles: Vec<i64> = times.iter().map(|t| t.div_euclid(period)).collect();
            cycles.sort_unstable();
            cycles.dedup();
            cycles.len()
        };
        let falls = times.windows(2).filter(|w| w[1] < w[0] - TOLERANCE).count();
        // In rising order a live process may have made them.
        if cycles >= LEAST_CYCLES && falls * 6 >= rows.len() {
            closed.push(rows);
        }
    };
    for (place, row) in table.facts.order.iter().enumerate() {
        while let Some(over) = open.iter().position(|chain| place - chain.last_place > LARGEST_STEP) {
            close(open.remove(over));
        }
        let Some(time) = table.facts.created.get(row) else { continue };
        let nearest = open.iter_mut().filter(|c| distance(c.last, time) <= TOLERANCE).min_by_key(|c| place - c.last_place);
        match nearest {
            Some(chain) => {
                chain.others.push((row, time));
                (chain.last, chain.last_place) = (time, place);
            }
            None => open.push(Open { first: (row, time), others: Vec::new(), last: time, last_place: place }),
        }
    }
    open.into_iter().for_each(close);
    closed
}

/// Returns whether times are days: all at one time of day, on a whole minute, as midnight is in every zone.
fn days_only(table: &TableView<'_>) -> bool {
    let mut phases = table.facts.created.known().map(|t| t.rem_euclid(DAY));
    phases.next().is_some_and(|first| first % (60 * SECOND) == 0 && phases.all(|phase| phase == first))
}

/// Share of a table's other rows that have the phase of a run: slots of appointments lie on the same minutes, whoever
/// booked them.
fn elsewhere(table: &TableView<'_>, run: &[Row], period: i64) -> f64 {
    let Some(phase) = run.iter().find_map(|row| table.facts.created.get(*row)).map(|t| t.rem_euclid(period)) else { return 0.0 };
    let same = |t: i64| {
        let d = (t - phase).rem_euclid(period);
        d.min(period - d) <= TOLERANCE
    };
    let all = table.facts.created.known();
    let (mut known, mut with) = all.fold((0_usize, 0_usize), |(known, with), t| (known + 1, with + usize::from(same(t))));
    for time in run.iter().filter_map(|row| table.facts.created.get(*row)) {
        known -= 1;
        with -= usize::from(same(time));
    }
    with as f64 / known.max(1) as f64
}

fn on_the_minute(table: &TableView<'_>, run: &[Row]) -> bool {
    let phases = run.iter().filter_map(|row| table.facts.created.get(*row)).map(|t| t.rem_euclid(60 * SECOND));
    let whole = phases.filter(|p| *p <= TOLERANCE || *p >= 60 * SECOND - TOLERANCE).count();
    whole * 10 >= run.len()
}

/// Returns whether most of a table lies on the same whole minutes: no row is left to tell that these are not the site's
/// own hours, as of shows that go on sale at ten.
fn own_hours(table: &TableView<'_>, run: &[Row]) -> bool {
    let whole = |time: i64| time.rem_euclid(60 * SECOND) == 0;
    let minutes = run.iter().filter_map(|row| table.facts.created.get(*row)).filter(|time| whole(*time)).count();
    run.len() * 2 > table.facts.created.known().count() && minutes * 10 >= run.len() * 9
}

/// Returns whether a run's times are days, though the rest of the table has times of day: what an older program that kept
/// none left, at midnight of some zone.
fn are_days(table: &TableView<'_>, run: &[Row]) -> bool {
    let mut phases = run.iter().filter_map(|row| table.facts.created.get(*row)).map(|time| time.rem_euclid(DAY));
    phases.next().is_some_and(|first| first % HOUR == 0 && phases.all(|phase| phase == first))
}

fn lock(table: &TableView<'_>, run: &[Row], period_s: i64) -> Option<Evidence> {
    if own_hours(table, run) || are_days(table, run) {
        return None;
    }
    let by_chance = ((2 * TOLERANCE / SECOND) as f64 / period_s as f64).max(elsewhere(table, run, period_s * SECOND));
    let hit = (by_chance * LARGEST_STEP as f64).min(1.0);
    let log2_p = (run.len() - 1) as f64 * hit.log2() + (table.rows() as f64).log2();
    if log2_p > -20.0 {
        return None;
    }
    let mut rows = run.to_vec();
    rows.sort_unstable();
    let what = if period_s == 86_400 { "time of day" } else { "minute and second" };
    Some(Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: format!("same {what}"),
        detail: format!(
            "{} rows of different {} share their {what}, as back-dating leaves it",
            run.len(),
            if period_s == 86_400 { "days" } else { "hours" }
        ),
        rows,
        measure: Measure::Chance { log2_p },
        // Whole minutes may be a job's.
        certainty: if on_the_minute(table, run) { Certainty::Suggests } else { Certainty::CannotBeHuman },
        proposes: true,
    })
}

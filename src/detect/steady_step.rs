//! One row a day, an hour or a minute, always at the same second: loops over `subDays(i)`, jobs that
//! add a demo account a night.

use polars::prelude::{DataFrame, PolarsResult};

use super::{Detector, TableView, marks};
use crate::model::stamp::SECOND;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, TableClass};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct SteadyStep;

const META: DetectorMeta = DetectorMeta {
    id: "steady-step",
    title: "One row at every step",
    family: Family::Clock,
    reads: &[Role::CreatedAt],
    finds: "Accounts, contents and other rows of which one was created at every step of a minute, an hour, a day or a week, at the same second each time, without a step left out.",
    false_positives: "A nightly job that takes over new staff keeps its second too, but has nights with several rows or none. Live jobs write payments, sessions and logs at steps: tables of these are left out. Dates without a time of day, and whole minutes, are left out where the rest of the table has them too.",
    source: "for (i) createdAt = subDays(now, i), timedelta(hours=i), i.days.ago; one demo user a day from a scheduled job. Chance: the table's own rate, eight times over, for every step of the run.",
};

/// Steps, seconds: a week, a day, half a day, an hour, half, a sixth and a twelfth of it, a minute.
const STEPS_S: [i64; 8] = [604_800, 86_400, 43_200, 3_600, 1_800, 600, 300, 60];

/// How far from its second a row may be, microseconds: how far a loop gets, and how late a job starts.
const TOLERANCE: i64 = 5 * SECOND;

/// Fewest steps of a run.
const LEAST_STEPS: usize = 7;

/// How many times its mean rate a table's busy hours may have.
///
/// Source: as for trains, peak hours at two to three times the mean, and campaigns.
const BUSY: f64 = 8.0;

/// The same of the rate of the rows beside the run.
const BUSY_BESIDE: f64 = 3.0;

/// Rows expected in a window of a busy hour above which no run is looked for.
const TOO_BUSY: f64 = 0.5;

/// Most bits of a row where a person or a job may have made it.
const MOST: f64 = 8.0;

/// Rows a step, on average, above which it is a job that takes over whoever is new.
const ONE_A_STEP: f64 = 1.2;

/// Share of the other rows at whole minutes above which whole minutes are the table's own habit.
const HABIT: f64 = 0.02;

/// Log2 of the chance above which nothing is said.
const LEAST_CHANCE: f64 = -20.0;

impl Detector for SteadyStep {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.facts.created.known().next().is_none() {
            return Err("no creation time".to_owned());
        }
        if !matches!(table.profile.class, TableClass::People | TableClass::Content | TableClass::Other) {
            return Err("live jobs write such tables at steps".to_owned());
        }
        Ok(Vec::new())
    }

    fn scan(&self, _chunk: &Chunk, _table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // Creation times are at hand in the table's facts.
        marks::frame(Vec::new(), &[])
    }

    fn finish(&self, _merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let created = &table.facts.created;
        let times: Vec<(i64, Row)> = created.rising().into_iter().filter_map(|row| Some((created.get(row)?, row))).collect();
        let mut evidence: Vec<Evidence> = Vec::new();
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(Vec::new()) };
        let rate = BUSY * times.len() as f64 / (last.0 - first.0).max(1) as f64;
        for step_s in STEPS_S {
            // Where people come this often anyway, a row at every step shows nothing.
            if rate * window(step_s * SECOND) as f64 > TOO_BUSY {
                continue;
            }
            for run in runs(&times, step_s * SECOND) {
                // Whatever keeps the second of the day keeps that of the hour too.
                let known = |e: &Evidence| run.iter().filter(|(_, row)| e.rows.binary_search(row).is_ok()).count() * 2 > run.len();
                if !evidence.iter().any(known) {
                    evidence.extend(fact(table, &times, &run, step_s));
                }
            }
        }
        Ok(evidence)
    }
}

/// Lists the stretches of steps that all have a row at one second.
fn runs(times: &[(i64, Row)], step: i64) -> Vec<Vec<(i64, Row)>> {
    let width = window(step);
    let mut found = Vec::new();
    // Two grids, half a window apart: what lies within half a window is whole in one of them.
    for grid in [0, width / 2] {
        let cycle = |t: i64| (t + grid).div_euclid(step);
        let mut close = |run: &[(i64, Row)]| {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
            let steps = cycle(last.0) - cycle(first.0) + 1;
            if steps as usize >= LEAST_STEPS && run.len() as f64 <= ONE_A_STEP * steps as f64 {
                found.push(run.to_vec());
            }
        };
        // By place within the step; times rise, so that each place's rows come in order.
        let mut open: Vec<Vec<(i64, Row)>> = vec![Vec::new(); (step / width + 1) as usize];
        for (time, row) in times {
            let run = &mut open[((time + grid).rem_euclid(step) / width) as usize];
            if run.last().is_some_and(|last| cycle(*time) - cycle(last.0) > 1) {
                close(run);
                run.clear();
            }
            run.push((*time, *row));
        }
        open.iter().for_each(|run| close(run));
    }
    found.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    found
}

/// Returns how wide the place of a row within its step may be, microseconds.
fn window(step: i64) -> i64 {
    (2 * TOLERANCE).min(step / 10)
}

fn fact(table: &TableView<'_>, times: &[(i64, Row)], run: &[(i64, Row)], step_s: i64) -> Option<Evidence> {
    let span = (times[times.len() - 1].0 - times[0].0).max(1);
    let window = window(step_s * SECOND);
    // A launch has a rate of its own.
    let (first, last) = (run[0].0, run[run.len() - 1].0);
    let beside = times.partition_point(|t| t.0 <= last) - times.partition_point(|t| t.0 < first) - run.len();
    let beside = BUSY_BESIDE * beside as f64 / (last - first).max(1) as f64;
    let rate = beside.max(BUSY * times.len() as f64 / span as f64);
    // A row in the window of each step, where the busiest hours go on all the time.
    let looked_at = (times.len() * STEPS_S.len()) as f64;
    let log2_p = (run.len() - 1) as f64 * (rate * window as f64).min(1.0).log2() + looked_at.log2();
    if log2_p > LEAST_CHANCE {
        return None;
    }
    let whole = |t: i64| t.rem_euclid(60 * SECOND) == 0;
    let whole_in_run = run.iter().filter(|(t, _)| whole(*t)).count();
    let others = times.iter().filter(|(t, _)| whole(*t)).count() - whole_in_run;
    let on_the_minute = whole_in_run * 2 > run.len();
    if on_the_minute && others as f64 > HABIT * times.len() as f64 {
        return None;
    }
    let mut rows = one_a_step(run, step_s * SECOND);
    rows.sort_unstable();
    let certain = table.profile.class == TableClass::People && !on_the_minute;
    let step = match step_s {
        604_800 => "a week",
        86_400 => "a day",
        43_200 => "half a day",
        3_600 => "an hour",
        1_800 => "half an hour",
        60 => "a minute",
        _ => "some minutes",
    };
    Some(Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: format!("one every {step_s} s"),
        detail: format!("{} rows, one at every step of {step}, at the same second each time", rows.len()),
        rows,
        measure: if certain { Measure::Chance { log2_p } } else { Measure::Against { bits: (-log2_p).min(MOST) } },
        certainty: if certain { Certainty::CannotBeHuman } else { Certainty::Suggests },
        proposes: true,
    })
}

/// Takes, of the rows of one step, the one whose second is most like the run's.
fn one_a_step(run: &[(i64, Row)], step: i64) -> Vec<Row> {
    // From the first row on, so that no step is cut where its second lies.
    let from = run[0].0 - step / 2;
    let place = |t: i64| ((t - from).div_euclid(step), (t - from).rem_euclid(step));
    let mut seconds: Vec<i64> = run.iter().map(|r| place(r.0).1).collect();
    seconds.sort_unstable();
    let usual = seconds[seconds.len() / 2];
    let of_step = |rows: &[(i64, Row)]| rows.iter().min_by_key(|r| (place(r.0).1.abs_diff(usual), r.1)).map(|r| r.1);
    run.chunk_by(|a, b| place(a.0).0 == place(b.0).0).filter_map(of_step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stamp::DAY;

    /// Real rows: some ten a day, at no second of their own.
    fn real() -> Vec<(i64, Row)> {
        (0..1_000).map(|i| (i64::from(i) * (DAY / 10 + 7_919 * SECOND / 10), 10_000 + i)).collect()
    }

    fn with(rows: impl Iterator<Item = i64>) -> Vec<(i64, Row)> {
        let mut all: Vec<(i64, Row)> = rows.zip(0..).chain(real()).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn one_a_day_is_found_among_others() {
        let times = with((0..12).map(|i| 20 * DAY + i * DAY + 40_000 * SECOND + i * 130_000));
        let found = runs(&times, DAY);
        assert!(found.iter().any(|run| run.len() == 12 && run.iter().all(|r| r.1 < 12)), "{found:?}");
    }

    #[test]
    fn a_stranger_at_the_same_second_is_left_out() {
        let mut run: Vec<(i64, Row)> = (0..10).map(|i| (i64::from(i) * DAY + i64::from(i) * 1_000, i)).collect();
        run.push((4 * DAY + 3 * SECOND, 99));
        run.sort_unstable();
        assert_eq!(one_a_step(&run, DAY), (0..10).collect::<Vec<Row>>());
    }

    #[test]
    fn nights_with_none_or_several_are_a_job_for_all() {
        let with_holes = with((0..12).map(|i| (20 + i + i / 3) * DAY + 40_000 * SECOND));
        assert!(runs(&with_holes, DAY).is_empty());
        let several = with((0..36).map(|i| (20 + i / 3) * DAY + (40_000 + i % 3) * SECOND));
        assert!(runs(&several, DAY).is_empty());
    }
}

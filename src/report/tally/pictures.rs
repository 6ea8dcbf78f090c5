//! What a report draws of the counts: months, trains, hours of the week, strips of ids.

use std::collections::BTreeMap;

use super::counts::{Members, Reads};
use super::{Pass, Tally};
use crate::model::stamp::{SECOND, civil_from_days};
use crate::report::model::{Day, Figures, IdStrip, Month, TableHours, Timeline, Train};
use crate::report::redact::visible;

/// Bins of an id strip.
const STRIP_BINS: usize = 240;

/// Runs of ids that are listed.
const RUNS: usize = 6;

/// Cohorts whose trains are drawn.
const TRAINS: usize = 12;

/// Most bins of a train.
const TRAIN_BINS: i64 = 120;

/// Widths of a train's bin, in seconds.
const BIN_S: [i64; 9] = [1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400];

/// Months that are shown one by one.
const MONTHS: usize = 36;

impl Pass<'_> {
    /// Draws what was counted of the table.
    pub(super) fn pictures(
        &self,
        tally: &mut Tally,
        reads: &Reads,
        days: BTreeMap<i64, Day>,
        usual: Vec<u64>,
        members: BTreeMap<usize, Members>,
        others: &[i64],
        bounds: Option<(i64, i64)>,
    ) {
        let name = &self.table.name;
        if self.people == Some(self.id) && !days.is_empty() {
            let mut largest: Vec<(&usize, &Members)> = members.iter().filter(|(_, m)| m.times.len() > 1).collect();
            largest.sort_by_key(|(cohort, m)| (std::cmp::Reverse(m.times.len()), **cohort));
            tally.timeline = Timeline {
                table: name.clone(),
                days: days.into_iter().map(|(day, d)| Day { day, ..d }).collect(),
                trains: largest.into_iter().take(TRAINS).map(|(c, m)| train(self.cohorts[*c], &m.times, others)).collect(),
            };
        }
        if members.values().any(|m| !m.times.is_empty()) {
            tally.usual_hours.push(TableHours { table: name.clone(), rows: usual.iter().sum(), hours: usual });
        }
        let column = reads.key.map_or("row".to_owned(), |k| visible(&self.case.table(self.id).table.columns[reads.columns[k]].name));
        for (cohort, found) in members {
            let more = |had: Option<u64>| had.is_none_or(|n| n < found.times.len() as u64);
            if !found.times.is_empty() && more(tally.hours[cohort].as_ref().map(|h| h.rows)) {
                let mut hours = vec![0; 168];
                for time in &found.times {
                    hours[hour_of_week(*time)] += 1;
                }
                tally.hours[cohort] = Some(TableHours { table: name.clone(), rows: found.times.len() as u64, hours });
            }
            let had: u64 = tally.ids[cohort].as_ref().map_or(0, |i| i.bins.iter().sum());
            if let Some((low, high)) = bounds
                && found.ids.len() as u64 > had
            {
                tally.ids[cohort] = Some(strip(name, &column, low, high, found.ids));
            }
        }
    }
}

/// Returns the hour of the week from Monday 00:00 UTC; 1970-01-01 was a Thursday.
pub(super) fn hour_of_week(time: i64) -> usize {
    ((time.div_euclid(3_600 * SECOND) + 3 * 24).rem_euclid(168)) as usize
}

pub(super) fn months(days: &BTreeMap<i64, Day>, figures: &mut Figures) {
    let mut months: BTreeMap<(i64, i64), Month> = BTreeMap::new();
    for (day, counts) in days {
        let (year, month, _) = civil_from_days(*day);
        let entry = months.entry((year, month)).or_insert_with(|| Month { name: format!("{year:04}-{month:02}"), ..Month::default() });
        entry.stay += counts.stay;
        entry.seeded += counts.seeded;
        entry.review += counts.review;
    }
    let mut list: Vec<Month> = months.into_values().collect();
    let earlier = list.len().saturating_sub(MONTHS);
    for month in list.drain(..earlier) {
        figures.earlier.stay += month.stay;
        figures.earlier.seeded += month.seeded;
        figures.earlier.review += month.review;
        figures.earlier.name = format!("until {}", month.name);
    }
    figures.months = list;
}

/// Bins a cohort's times finely enough to see single statements, with a margin on both sides.
fn train(cohort: &str, times: &[i64], others: &[i64]) -> Train {
    let (first, last) = (times.iter().min().copied().unwrap_or_default(), times.iter().max().copied().unwrap_or_default());
    let width = BIN_S
        .iter()
        .copied()
        .find(|s| (last - first) / (s * SECOND) < TRAIN_BINS * 2 / 3)
        .unwrap_or_else(|| ((last - first) / SECOND / (TRAIN_BINS * 2 / 3) / BIN_S[8] + 1) * BIN_S[8]);
    let bin_us = width * SECOND;
    let span = (last.div_euclid(bin_us) - first.div_euclid(bin_us) + 1).max(1);
    let margin = (span / 4).clamp(3, TRAIN_BINS / 6);
    let start = (first.div_euclid(bin_us) - margin) * bin_us;
    let count = (span + 2 * margin) as usize;
    let bins = |times: &[i64]| {
        let mut bins = vec![0_u64; count];
        for time in times {
            let place = (time - start).div_euclid(bin_us);
            if let Some(bin) = usize::try_from(place).ok().and_then(|p| bins.get_mut(p)) {
                *bin += 1;
            }
        }
        bins
    };
    Train { cohort: cohort.to_owned(), start, bin_us, members: bins(times), others: bins(others) }
}

fn strip(table: &str, column: &str, low: i64, high: i64, mut ids: Vec<i64>) -> IdStrip {
    ids.sort_unstable();
    let span = i128::from(high) - i128::from(low) + 1;
    let mut bins = vec![0_u64; STRIP_BINS];
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for id in &ids {
        let place = (i128::from(*id) - i128::from(low)) * STRIP_BINS as i128 / span;
        bins[place as usize] += 1;
        match runs.last_mut() {
            Some(run) if *id <= run.1.saturating_add(1) => run.1 = *id,
            _ => runs.push((*id, *id)),
        }
    }
    let runs_total = runs.len();
    runs.sort_by_key(|(first, last)| (std::cmp::Reverse(i128::from(*last) - i128::from(*first)), *first));
    runs.truncate(RUNS);
    runs.sort_unstable();
    IdStrip { table: table.to_owned(), column: column.to_owned(), low, high, bins, runs, runs_total }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stamp::Stamp;

    #[test]
    fn the_week_begins_on_monday() {
        let at = |text: &str| hour_of_week(Stamp::parse(text.as_bytes()).expect(text).micros);
        assert_eq!(at("2026-01-12 00:30:00"), 0, "a Monday");
        assert_eq!(at("2026-01-18 23:59:59"), 167, "a Sunday");
    }

    #[test]
    fn runs_are_ids_without_a_gap() {
        let strip = strip("users", "id", 1, 1000, vec![5, 6, 7, 20, 900, 901]);
        assert_eq!(strip.runs, [(5, 7), (20, 20), (900, 901)]);
        assert_eq!(strip.bins.iter().sum::<u64>(), 6);
        let wide = super::strip("users", "id", i64::MIN, i64::MAX, vec![i64::MIN, i64::MAX]);
        assert_eq!((wide.bins[0], wide.bins[STRIP_BINS - 1]), (1, 1));
    }

    #[test]
    fn trains_are_cut_into_seconds() {
        let times: Vec<i64> = (0..100).map(|i| 1_700_000_000 * SECOND + i * 95_000).collect();
        let train = train("c1", &times, &[]);
        assert_eq!(train.bin_us, SECOND);
        assert_eq!(train.members.iter().sum::<u64>(), 100);
    }
}

//! What the site itself writes to many at a time: bills of a quarter, a nightly run of reminders. Such a job writes to
//! seeded accounts as to everybody, and did so before there were any.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::same_run::LEAST_SHARE;
use super::table::Table;
use super::trial::union;
use super::{Group, Member};
use crate::model::stamp::SECOND;
use crate::model::{Family, Row};

/// Other runs like one from which it is a job's: what comes three times more comes again.
const LEAST_RUNS: usize = 3;

/// Size of the others, as a share of the one: bills of one quarter are about as many as those of the next.
const LIKE: f64 = 0.5;

/// How many times as long the others may have taken, and how long any run may take, microseconds.
const SLOWER: i64 = 4;
const AT_ONCE: i64 = SECOND;

/// One run of rows.
struct Run {
    rows: usize,
    first: i64,
    last: i64,
}

impl Run {
    const fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Returns whether several others, at other times, are like this one; the others come largest first.
    fn comes_again(&self, others: &[Self]) -> bool {
        let longest = (SLOWER * (self.last - self.first)).max(AT_ONCE);
        let as_large = others.iter().take_while(|other| other.rows as f64 >= LIKE * self.rows as f64);
        let mut like: Vec<&Self> = Vec::new();
        for other in as_large.filter(|other| other.last - other.first <= longest && !other.meets(self)) {
            if like.iter().all(|known| !known.meets(other)) {
                like.push(other);
            }
            if like.len() == LEAST_RUNS {
                return true;
            }
        }
        false
    }
}

/// The rows that jobs of the site wrote into a table, sorted.
#[derive(Default)]
pub(super) struct Jobs(Vec<Row>);

impl Jobs {
    /// Finds the runs that are like several others of the table in which hardly any row has an owner in a convicted group.
    pub(super) fn of(table: &Table<'_>, groups: &[Group], members: &BTreeMap<Row, Member>) -> Self {
        if table.people() || members.is_empty() {
            return Self::default();
        }
        let seeded = |row: &&Row| members.get(row).is_some_and(|m| groups[m.group].convicted);
        let of_seeded = |rows: &[Row]| rows.iter().filter(seeded).count() as f64 >= LEAST_SHARE * rows.len() as f64;
        let trains: Vec<&[Row]> =
            table.scores.proposals(table.id).iter().filter(|p| p.family == Family::Time).map(|p| p.rows.as_slice()).collect();
        let mut others: Vec<Run> = trains.iter().filter(|rows| !of_seeded(rows)).filter_map(|rows| run(table, rows)).collect();
        others.sort_by_key(|other| Reverse(other.rows));
        let of_job = |rows: &&&[Row]| run(table, rows).is_some_and(|this| this.comes_again(&others));
        Self(union(trains.iter().filter(of_job).copied()))
    }

    /// Returns whether a job wrote a row.
    pub(super) fn wrote(&self, row: Row) -> bool {
        self.0.binary_search(&row).is_ok()
    }
}

/// Returns how many rows were created when; `None` where no time is known.
fn run(table: &Table<'_>, rows: &[Row]) -> Option<Run> {
    let times = || rows.iter().filter_map(|row| table.created(*row));
    Some(Run { rows: rows.len(), first: times().min()?, last: times().max()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_comes_again_where_three_others_are_as_large_and_as_fast() {
        let at = |day: i64, rows: usize, seconds: i64| Run { rows, first: day * 86_400 * SECOND, last: (day * 86_400 + seconds) * SECOND };
        let this = at(100, 170, 0);
        let quarters = || vec![at(90, 138, 0), at(60, 124, 0), at(30, 100, 0)];
        assert!(this.comes_again(&quarters()));
        assert!(!this.comes_again(&quarters()[..2]));
        // Others that took an hour, that are small, or that are one and the same.
        assert!(!this.comes_again(&[at(90, 138, 3_600), at(60, 124, 0), at(30, 100, 0)]));
        assert!(!this.comes_again(&[at(90, 138, 0), at(60, 124, 0), at(30, 80, 0)]));
        assert!(!this.comes_again(&[at(90, 138, 1), at(90, 130, 0), at(30, 100, 0)]));
        assert!(!this.comes_again(&[at(100, 170, 1), at(60, 124, 0), at(30, 100, 0)]));
    }
}

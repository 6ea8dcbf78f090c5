//! Rows of one run that hang on real parents: a seed gives payments to whoever is there. They are known
//! by the company they keep: inserted in the seconds in which the cohort was, one after the other, among
//! rows whose owners are seeded.

use std::collections::BTreeMap;

use super::table::Table;
use super::{Group, Member, refine};
use crate::model::stamp::{DAY, SECOND};
use crate::model::{Bits, Family, Row};

/// Longest run that is one: over more than a day anything may happen beside it, microseconds.
const LONGEST: i64 = DAY;

/// How long after its people a run may still write what they have, microseconds.
const SLACK: i64 = 600 * SECOND;

/// Fewest rows with seeded owners in a train, and their least share of it.
///
/// A nightly job writes to everybody, seeded or not; it does not do so in the seconds in which a seed runs.
const LEAST_OWNED: usize = 3;
const LEAST_SHARE: f64 = 0.1;

/// Joins rows to the group in whose run they were inserted.
pub(super) fn join(table: &Table<'_>, groups: &mut [Group], members: &mut BTreeMap<Row, Member>) {
    if table.people() {
        return;
    }
    let mut joined: BTreeMap<Row, (usize, f64)> = BTreeMap::new();
    let trains = table.scores.proposals(table.id).iter().filter(|p| p.family == Family::Time);
    for train in trains {
        let mut of: BTreeMap<usize, usize> = BTreeMap::new();
        for member in train.rows.iter().filter_map(|r| members.get(r)) {
            *of.entry(member.group).or_insert(0) += 1;
        }
        let Some((group, owned)) = of.into_iter().max_by_key(|(group, n)| (*n, usize::MAX - group)) else { continue };
        let share = owned as f64 / train.rows.len() as f64;
        let Some((first, last)) = groups[group].run.filter(|_| groups[group].convicted) else { continue };
        let Some((begins, ends)) = table.run(&train.rows) else { continue };
        let near = begins >= first - SECOND && ends <= last + SLACK.max(last - first) && last - first <= LONGEST;
        if owned < LEAST_OWNED || share < LEAST_SHARE || !near {
            continue;
        }
        let strangers = table.strangers(&train.rows) + 0.01;
        let hanging: Vec<Row> = train.rows.iter().copied().filter(|r| !members.contains_key(r) && !table.owners.contains_key(r)).collect();
        let odds = (hanging.len() as f64 / strangers).log2();
        for row in hanging {
            let known = joined.entry(row).or_insert((group, odds));
            if odds > known.1 {
                *known = (group, odds);
            }
        }
    }
    let core: Vec<Row> = members.keys().copied().collect();
    let mut excluded: Vec<Row> = core.iter().chain(joined.keys()).copied().collect();
    excluded.sort_unstable();
    let looks = refine::looks(table, &core, &excluded);
    for (row, (group, odds)) in joined {
        let membership = odds + looks(row);
        if membership <= 0.0 {
            continue;
        }
        let timed = table.scores.sum(table.id, row, &[Family::Time]);
        let term = (Bits::new(membership) - crate::weigh::PRIOR - timed).max(Bits::ZERO).capped(refine::most(true));
        members.insert(row, Member { group, term, terms: Vec::new(), taught: false });
        groups[group].members.entry(table.id).or_default().push(row);
    }
}

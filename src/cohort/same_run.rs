//! Rows of one run that hang on real parents: a seed gives payments to whoever is there. They are known
//! by the company they keep: inserted in the seconds in which the cohort was, one after the other, among
//! rows whose owners are seeded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::jobs::Jobs;
use super::scores::Proposal;
use super::table::{BUSY, Table};
use super::{Group, Member, refine};
use crate::detect::NO_ROW;
use crate::model::stamp::{DAY, SECOND};
use crate::model::{Bits, Family, Row};
use crate::segments::maximal;

/// Longest run that is one: over more than a day anything may happen beside it, microseconds.
const LONGEST: i64 = DAY;

/// How long after its people a run may still write what they have, microseconds.
const SLACK: i64 = 600 * SECOND;

/// Fewest rows with seeded owners in a train, and their least share of it.
///
/// A nightly job writes to everybody, seeded or not; it does not do so in the seconds in which a seed runs.
const LEAST_OWNED: usize = 2;
pub(super) const LEAST_SHARE: f64 = 0.1;

/// Rows with seeded owners, less a third of the others among them, that make a stretch of a table without times: a
/// seed that gives rows to whoever is there gives most of them to others where its own people are few.
const LEAST_STRETCH: f64 = 1.3;
const OTHER_IN_STRETCH: f64 = -0.34;

/// How seldom a stretch may hold so many rows of others in a row by chance, where they are mixed in by one run: once
/// in so many stretches.
const RARE_GAP: f64 = 1_000.0;

/// Share of the rows with seeded owners that the largest stretch holds where one run wrote them.
const ONE_STRETCH: f64 = 0.5;

/// Most bits that a row without a time may get beyond the cap for looking like the run's rows: as many as a train
/// gives to those that have one.
const LOOKS: f64 = 4.0;

/// Rows of live processes that are always expected, whatever the rates say.
const LEAST_STRANGERS: f64 = 0.0003;

/// Joins rows to the group in whose run they were inserted.
pub(super) fn join(table: &Table<'_>, jobs: &Jobs, groups: &mut [Group], members: &mut BTreeMap<Row, Member>) {
    if table.people() {
        return;
    }
    let mut joined: BTreeMap<Row, (usize, f64)> = BTreeMap::new();
    let mut join = |block: &[Row], group: usize, strangers: f64| {
        let hangs = |r: &Row| !members.contains_key(r) && !table.owners.contains_key(r) && !jobs.wrote(*r);
        let hanging: Vec<Row> = block.iter().copied().filter(hangs).collect();
        let odds = (hanging.len() as f64 / strangers).log2();
        for row in hanging {
            let known = joined.entry(row).or_insert((group, odds));
            if odds > known.1 {
                *known = (group, odds);
            }
        }
    };
    for block in table.scores.proposals(table.id) {
        let Some((group, owned)) = owner_of(&block.rows, members) else { continue };
        let share = owned as f64 / block.rows.len() as f64;
        if owned < LEAST_OWNED || share < LEAST_SHARE || !groups[group].convicted {
            continue;
        }
        if let Some(strangers) = strangers(table, block, &groups[group]) {
            join(&block.rows, group, strangers);
        }
    }
    let timeless = table.facts.created.known().next().is_none();
    if timeless {
        for (group, block, strangers) in undated(table, groups, members) {
            join(&block, group, strangers);
        }
    }
    let core: Vec<Row> = members.keys().copied().collect();
    let mut excluded: Vec<Row> = core.iter().chain(joined.keys()).copied().collect();
    excluded.sort_unstable();
    let looks = refine::looks(table, &core, &excluded);
    for (row, (group, odds)) in joined {
        let alike = looks(row);
        let membership = odds + alike;
        if membership <= 0.0 {
            continue;
        }
        let timed = table.scores.sum(table.id, row, &[Family::Time]);
        // Without a time of its own a row needs the looks of the others besides its place: who uses a seeded account
        // for long leaves rows among which real ones lie, and these look like real ones elsewhere.
        let most = refine::most(true) + if timeless { Bits::new(alike.clamp(0.0, LOOKS)) } else { Bits::ZERO };
        let term = (Bits::new(membership) - crate::weigh::PRIOR - timed).max(Bits::ZERO).capped(most);
        members.insert(row, Member { group, term, terms: Vec::new(), taught: false });
        groups[group].members.entry(table.id).or_default().push(row);
    }
}

/// Fewest rows that tell how fast a run wrote.
const LEAST_PACED: usize = 5;

/// Notes how fast the rows of a group's members were inserted into a table that hangs on theirs.
pub(super) fn note_pace(table: &Table<'_>, group: &mut Group) {
    let Some(rows) = group.members.get(&table.id).filter(|rows| !table.people() && rows.len() >= LEAST_PACED) else { return };
    if let Some((first, last)) = table.run(rows) {
        group.pace = Some(group.pace.map_or(last - first, |known| known.min(last - first)));
    }
}

/// Least share of some people who must have rows of a run, and largest share of these that may hang on others too.
const LEAST_OWNERS: f64 = 0.25;
const MOST_SHARED: f64 = 0.2;

/// Finds the rows of a table that belong to some people and nobody else, where the run that wrote the people went
/// on to write them: a seed that comes another day hangs rows on people of any origin.
pub(super) fn owned(people: &Table<'_>, rows: &[Row], child: &Table<'_>) -> Option<Vec<Row>> {
    let (first, last) = people.run(rows).filter(|(first, last)| last - first <= LONGEST)?;
    let with_them = (first - SECOND)..=(last + SLACK.max(last - first));
    let links: Vec<_> = child.facts.parents.iter().filter(|l| l.parent == people.id).collect();
    let mut owned: Vec<Row> = Vec::new();
    let mut owners: BTreeSet<Row> = BTreeSet::new();
    let mut shared = 0;
    let mut among = vec![false; people.rows()];
    rows.iter().for_each(|row| among[*row as usize] = true);
    for row in 0..child.rows() as Row {
        let of = || links.iter().map(|l| l.rows[row as usize]).filter(|r| *r != NO_ROW);
        let inside = of().filter(|r| among[*r as usize]).count();
        if inside == 0 {
            continue;
        }
        if inside == of().count() {
            // One that came at another time, as people's rows do, tells of all: most groups end here.
            child.inserted(row).filter(|time| with_them.contains(time))?;
            owned.push(row);
            owners.extend(of());
        } else {
            shared += 1;
        }
    }
    let enough = owned.len() >= LEAST_PACED && owners.len() as f64 >= LEAST_OWNERS * rows.len() as f64;
    (enough && shared as f64 <= MOST_SHARED * owned.len() as f64).then_some(owned)
}

/// Returns the group that most rows' owners are members of, and how many.
fn owner_of(rows: &[Row], members: &BTreeMap<Row, Member>) -> Option<(usize, usize)> {
    let mut of: BTreeMap<usize, usize> = BTreeMap::new();
    for member in rows.iter().filter_map(|r| members.get(r)) {
        *of.entry(member.group).or_insert(0) += 1;
    }
    of.into_iter().max_by_key(|(group, n)| (*n, usize::MAX - group))
}

/// Finds, in a table without times, the stretches of rows that lie among those whose owners a group has. That
/// they lie together at all shows that the order of rows is that of insertion.
fn undated(table: &Table<'_>, groups: &[Group], members: &BTreeMap<Row, Member>) -> Vec<(usize, Vec<Row>, f64)> {
    let mut found = Vec::new();
    for (index, group) in groups.iter().enumerate().filter(|(_, g)| g.convicted && g.life > 0) {
        // Where its people came slowly, what they have elsewhere tells how fast the run wrote such rows.
        let span = group.run.map(|(first, last)| last - first).into_iter().chain(group.pace).min();
        let Some(span) = span.filter(|span| *span <= LONGEST) else { continue };
        let owned = |row: Row| members.get(&row).is_some_and(|m| m.group == index);
        let scores = (0..table.rows() as Row).map(|row| if owned(row) { 1.0 } else { OTHER_IN_STRETCH });
        let mut stretches: Vec<Vec<Row>> = Vec::new();
        for segment in maximal(scores, LEAST_STRETCH) {
            without_gaps(segment.start as Row..segment.end as Row, &owned, &mut stretches);
        }
        let held = |rows: &Vec<Row>| rows.iter().filter(|row| owned(**row)).count();
        let all = members.values().filter(|m| m.group == index).count();
        // Accounts whose rows lie all over the table went on to be used, by whomever: no run wrote these rows.
        if stretches.iter().map(held).max().is_none_or(|most| (most as f64) < ONE_STRETCH * all as f64) {
            continue;
        }
        for rows in stretches {
            // Its own rows took as long as those of the people, at least a minute.
            let seconds = span.max(60 * SECOND) as f64;
            let strangers = BUSY * table.rows() as f64 * seconds / group.life as f64 + LEAST_STRANGERS;
            found.push((index, rows, strangers));
        }
    }
    found
}

/// Cuts a stretch where more rows of others follow each other than one run leaves between its own: there others
/// wrote, between two runs. Parts that are no stretch by themselves are left out.
fn without_gaps(stretch: Range<Row>, owned: &impl Fn(Row) -> bool, parts: &mut Vec<Vec<Row>>) {
    let own: Vec<Row> = stretch.clone().filter(|row| owned(*row)).collect();
    let rows = stretch.len() as f64;
    // Of rows that are mixed in at random, a gap of n has the n-th power of their share for its chance.
    let share = (rows - own.len() as f64) / rows;
    let longest = (rows * RARE_GAP).log2() / -share.log2();
    for part in own.chunk_by(|a, b| f64::from(b - a - 1) <= longest) {
        let (first, last) = (part[0], part[part.len() - 1]);
        let others = f64::from(last - first + 1) - part.len() as f64;
        if part.len() as f64 + others * OTHER_IN_STRETCH >= LEAST_STRETCH {
            parts.push((first..=last).collect());
        }
    }
}

/// Expects how many of a block's rows a live process inserted beside the run; `None` where the block and the
/// run do not lie together.
fn strangers(table: &Table<'_>, block: &Proposal, group: &Group) -> Option<f64> {
    let (first, last) = group.run.filter(|(first, last)| last - first <= LONGEST)?;
    let (begins, ends) = table.run(&block.rows)?;
    match block.family {
        Family::Time => {
            let near = begins >= first - SECOND && ends <= last + SLACK.max(last - first);
            // A table that hardly anybody used before the seed tells no rate with the seed's own rows in it.
            near.then(|| table.strangers(&block.rows).min(table.strangers_by_others(&block.rows, group.life)) + LEAST_STRANGERS)
        }
        // Dates that were made up tell no seconds: the block lies where the order of keys puts it.
        Family::Clock if block.detector == "back-dated" && table.by_key => {
            let near = begins >= first - LONGEST && ends <= last + LONGEST;
            near.then(|| table.usually_late() * block.rows.len() as f64 + LEAST_STRANGERS)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(own: &[Range<Row>], every: Row, stretch: Range<Row>) -> Vec<(Row, Row)> {
        let mut found = Vec::new();
        let owned = |row: Row| own.iter().any(|o| o.contains(&row)) && row % every != 1;
        without_gaps(stretch, &owned, &mut found);
        found.iter().map(|rows| (rows[0], rows[rows.len() - 1])).collect()
    }

    #[test]
    fn what_others_wrote_between_two_runs_belongs_to_neither() {
        assert_eq!(parts(&[0..900, 1_400..2_400], 5, 0..2_400), [(0, 899), (1_400, 2_399)]);
        // Rows on other people's things, here and there, are one run's.
        assert_eq!(parts(std::slice::from_ref(&(0..900)), 3, 0..900), [(0, 899)]);
        assert_eq!(parts(std::slice::from_ref(&(0..900)), 900, 0..900), [(0, 899)]);
    }
}

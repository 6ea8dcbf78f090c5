//! Children that are older than their parents: dates drawn without regard to each other.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{Detector, NO_ROW, ParentLink, TableView};
use crate::model::stamp::{DAY, HOUR, SECOND};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds children older than their parents.
pub(super) struct ChildOlder;

const META: DetectorMeta = DetectorMeta {
    id: "child-older",
    title: "Child older than its parent",
    family: Family::Clock,
    reads: &[Role::CreatedAt],
    finds: "Rows created before the row that they refer to, after the offset between the two columns' clocks was taken out; and people who are younger than what they own.",
    false_positives: "An import stamps parents with the time of the import and keeps the children's own dates; such parents look like people in every other way, and a clock fact alone never convicts.",
    source: "A public incident: 23 of 24 sessions, 6 of 7 payments and 47 of 48 reports of seeded users predate them by construction.",
};

/// Least time by which a child must be older, microseconds: clocks of two servers differ less.
const LEAST_LEAD: i64 = 120 * SECOND;

/// Share of real rows that are older than their parents, at least.
///
/// Source: rounded up from none of 20,000 rows of the generated sites; clock steps and manual repairs make a few.
const REAL_FLOOR: f64 = 0.001;

/// Share of a seed's children that are older than their parents, where it draws their dates apart.
const SEEDED: f64 = 0.9;

/// The same of people with such children, and of real ones at least: guests who became members, accounts joined.
const SEEDED_OWNERS: f64 = 0.6;
const REAL_OWNERS: f64 = 0.01;

/// Share of people with such children above which they have joined the site after what they own.
const MOST_OWNERS: f64 = 0.3;

impl Detector for ChildOlder {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.facts.created.is_empty() {
            return Err("no creation time".to_owned());
        }
        if table.facts.parents.iter().all(|p| table.all[p.parent.index()].created.is_empty()) {
            return Err("no parent with a creation time".to_owned());
        }
        Ok(Vec::new())
    }

    fn scan(&self, _chunk: &Chunk, _table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // Creation times and parents are at hand in the tables' facts.
        DataFrame::new(0, vec![Series::new("row".into(), Vec::<u32>::new()).into_column()])
    }

    fn finish(&self, _merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let mut evidence = Vec::new();
        for link in &table.facts.parents {
            let parent_created = &table.all[link.parent.index()].created;
            if parent_created.is_empty() {
                continue;
            }
            let children = table.facts.created.iter().zip(&link.rows).zip(0..).filter(|((_, parent), _)| **parent != NO_ROW);
            let leads = children.filter_map(|((child, parent), row)| Some((row, parent_created.get(*parent)? - child?)));
            // Most children are younger: only the others are kept.
            let (mut count, mut older): (usize, Vec<(Row, i64)>) = (0, Vec::new());
            leads.inspect(|_| count += 1).filter(|(_, lead)| *lead >= LEAST_LEAD).for_each(|lead| older.push(lead));
            let offset = clock_offset(&older, count);
            older.retain(|(_, lead)| *lead - offset >= LEAST_LEAD);
            // Where a third of all children are older, the two columns are no creation times of each other.
            if older.is_empty() || older.len() * 3 > count && count >= 100 {
                continue;
            }
            let typical = {
                let mut sorted: Vec<i64> = older.iter().map(|o| o.1 - offset).collect();
                sorted.sort_unstable();
                sorted[sorted.len() / 2]
            };
            let shown = if typical >= 2 * DAY {
                format!("{:.0} days", typical as f64 / DAY as f64)
            } else {
                format!("{:.1} hours", typical as f64 / HOUR as f64)
            };
            evidence.extend(owners(table, link, &older));
            evidence.push(Evidence {
                detector: META.id,
                family: META.family,
                table: table.profile.id,
                kind: format!("older than parent {}", link.relation),
                detail: format!("older than the row it refers to (typically by {shown})"),
                rows: older.into_iter().map(|o| o.0).collect(),
                measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
                certainty: Certainty::CannotBeHuman,
                proposes: false,
            });
        }
        Ok(evidence)
    }
}

/// Says of people that what they own is older than they are.
fn owners(table: &TableView<'_>, link: &ParentLink, older: &[(Row, i64)]) -> Option<Evidence> {
    let people = &table.all[link.parent.index()];
    // Who has things of all times, and one of them older, was given that one: a seed gives rows to whoever is there.
    let mut things = vec![(0_u32, 0_u32); people.rows];
    link.rows.iter().filter(|owner| **owner != NO_ROW).for_each(|owner| things[*owner as usize].0 += 1);
    older.iter().for_each(|(row, _)| things[link.rows[*row as usize] as usize].1 += 1);
    let rows: Vec<Row> = (0..).zip(&things).filter(|(_, (all, older))| *older > 0 && older * 2 >= *all).map(|(row, _)| row).collect();
    (people.people && rows.len() as f64 <= MOST_OWNERS * people.rows as f64).then(|| Evidence {
        detector: META.id,
        // A fact of what they own, as that a program made it.
        family: Family::Relational,
        table: link.parent,
        kind: format!("younger than child {}", link.relation),
        detail: "younger than what they own".to_owned(),
        rows,
        measure: Measure::Rate { seeded: SEEDED_OWNERS, real_floor: REAL_OWNERS },
        certainty: Certainty::Suggests,
        proposes: false,
    })
}

/// Estimates by how much the parent's clock runs ahead of the child's, in whole quarter hours: time
/// zones. Real children follow their parents closely from an edge on; a seed's are spread out.
///
/// `older` are the rows whose parents are ahead, of `count`.
fn clock_offset(older: &[(Row, i64)], count: usize) -> i64 {
    let quarter = HOUR / 4;
    let ahead: Vec<i64> = older.iter().map(|l| l.1).filter(|l| *l >= LEAST_LEAD && *l <= 14 * HOUR).collect();
    // A zone shifts all rows: unless a tenth of them lie ahead, there is none to take out.
    if ahead.len() * 10 < count {
        return 0;
    }
    let mut bins = vec![0_usize; 58];
    for lead in &ahead {
        bins[(lead / quarter) as usize] += 1;
    }
    // Behind the edge hardly a row is left.
    let total: usize = bins.iter().sum();
    let mut beyond = 0;
    for (index, count) in bins.iter().enumerate().rev() {
        beyond += count;
        if beyond * 20 > total {
            return (index as i64 + 1) * quarter;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_time_zone_out() {
        // Children follow within minutes, but their column runs two hours behind.
        let zoned: Vec<(Row, i64)> = (0..1000).map(|i| (i, 2 * HOUR - i64::from(i) * 30 * SECOND)).collect();
        assert_eq!(clock_offset(&zoned, zoned.len()), 2 * HOUR);
        let plain: Vec<(Row, i64)> = (0..1000).map(|i| (i, -i64::from(i) * HOUR)).collect();
        assert_eq!(clock_offset(&plain, plain.len()), 0);
    }
}

//! People who wrote and were written to on several days, or whom a help desk served on several days.

use std::collections::BTreeSet;

use polars::prelude::{DataFrame, PolarsResult};

use super::later::{Days, later_rows};
use super::{Detector, NO_ROW, ParentLink, TableFacts, TableView, marks};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, TableClass};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct Correspondence;

const META: DetectorMeta = DetectorMeta {
    id: "correspondence",
    title: "Wrote and was answered",
    family: Family::Human,
    reads: &[Role::CreatedAt],
    finds: "People on both sides of messages (once as the one, once as the other of two people) that were inserted by themselves on at least two later days each, and people with tickets on at least two later days at a desk that a few serve. Counts against a seed: it inserts all its messages in one run, and nobody but itself answers them.",
    false_positives: "Real people write to made-up profiles: these stand on one side only. Staff may write to an account that a seed made: a desk's rows weigh less. Only tables whose order of insertion can be trusted count, and only rows that lie where their date says, by themselves.",
    source: "Days of insertion by the trusted order of rows with two references to people; tables with one are measured by later-activity.",
};

/// Later days on which rows must have been written, on each side.
const LEAST_DAYS: u8 = 2;

/// Bits against a seed of somebody on both sides: one seed's account in 64 is so used.
const BOTH_SIDES: f64 = -6.0;

/// The same of somebody whom a desk served.
const SERVED: f64 = -4.0;

/// A desk: so few people, against those whom they serve, with so many rows each.
const DESK_SHARE: f64 = 0.02;
const DESK_PEOPLE: usize = 3;
const DESK_ROWS: usize = 5;

impl Detector for Correspondence {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.profile.class != TableClass::People {
            return Err("no table of people".to_owned());
        }
        if !table.facts.has_times() {
            return Err("no creation time".to_owned());
        }
        if table.all.iter().all(|child| child.order.is_empty() || sides(child, table).is_none()) {
            return Err("no rows between two of them whose order of insertion can be told".to_owned());
        }
        Ok(Vec::new())
    }

    fn scan(&self, _chunk: &Chunk, _table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // Times, orders and parents are at hand in the tables' facts.
        marks::frame(Vec::new(), &[])
    }

    fn finish(&self, _merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let (mut wrote, mut served): (BTreeSet<Row>, BTreeSet<Row>) = (BTreeSet::new(), BTreeSet::new());
        for child in table.all {
            let Some(sides) = sides(child, table) else { continue };
            let days = sides.map(|side| {
                let mut days = vec![Days::NONE; table.rows()];
                later_rows(child, table.facts, &side.rows).for_each(|later| days[later.owner as usize].note(later.day()));
                days
            });
            let often = |side: usize, row: Row| days[side][row as usize].count() >= LEAST_DAYS;
            let people = || 0..table.rows() as Row;
            match desk(sides) {
                Some(desk) => served.extend(people().filter(|row| often(1 - desk, *row))),
                None => wrote.extend(people().filter(|row| often(0, *row) && often(1, *row))),
            }
        }
        let fact = |kind: &str, detail: &str, rows: BTreeSet<Row>, bits: f64| Evidence {
            detector: META.id,
            family: META.family,
            table: table.profile.id,
            kind: kind.to_owned(),
            detail: detail.to_owned(),
            rows: rows.into_iter().collect(),
            measure: Measure::Against { bits },
            certainty: Certainty::Suggests,
            proposes: false,
        };
        let served = &served - &wrote;
        Ok(vec![
            fact("wrote and was answered", "stand on both sides of messages of at least two later days each", wrote, BOTH_SIDES),
            fact("was served", "a desk had rows of theirs on at least two later days", served, SERVED),
        ])
    }
}

/// Returns the two references to the people of a table, where a child has two.
fn sides<'t>(child: &'t TableFacts, people: &TableView<'_>) -> Option<[&'t ParentLink; 2]> {
    let mut links = child.parents.iter().filter(|l| l.parent == people.profile.id);
    match (links.next(), links.next(), links.next()) {
        (Some(one), Some(other), None) => Some([one, other]),
        _ => None,
    }
}

/// Returns which of two sides is a desk: a few people who serve all the others.
fn desk(sides: [&ParentLink; 2]) -> Option<usize> {
    let people = sides.map(|side| {
        let mut people: Vec<Row> = side.rows.iter().copied().filter(|r| *r != NO_ROW).collect();
        let rows = people.len();
        people.sort_unstable();
        people.dedup();
        (people, rows)
    });
    (0..2).find(|side| {
        let ((few, rows), (many, _)) = (&people[*side], &people[1 - side]);
        let largest = DESK_PEOPLE.max((DESK_SHARE * many.len() as f64) as usize);
        !few.is_empty() && few.len() <= largest && *rows >= DESK_ROWS * few.len() && many.len() >= DESK_ROWS * few.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableId;

    #[test]
    fn a_desk_is_few_people_who_serve_many() {
        let link = |rows: Vec<Row>| ParentLink { relation: 0, parent: TableId(0), rows };
        let customers = link((0..60).map(|i| 10 + i * 7 % 40).collect());
        let agents = link((0..60).map(|i| if i % 5 == 0 { NO_ROW } else { i % 2 }).collect());
        assert_eq!(desk([&customers, &agents]), Some(1));
        assert_eq!(desk([&agents, &customers]), Some(0));
        let friends = link((0..60).map(|i| 10 + i * 11 % 40).collect());
        assert_eq!(desk([&customers, &friends]), None);
    }
}

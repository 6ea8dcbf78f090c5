//! Rows that hold nothing but a cohort's rows: the company of each seeded contact, the workspace of a demo team. They
//! were inserted with what they hold, belong to no real person, and nobody else has anything in them. Accounts are
//! never such rows: what hangs on somebody says nothing of them.

use std::collections::BTreeMap;

use super::propagate::{ALL_SEEDED, IN_REVIEW, parents_first};
use super::scores::{Scores, Term};
use super::{Group, Member, verdicts};
use crate::detect::{NO_ROW, ParentLink, TableFacts};
use crate::model::stamp::{DAY, SECOND};
use crate::model::{Certainty, Family, Row, TableClass, TableId, Verdict};
use crate::profile::Profile;

/// How far from one of its rows a container may have been inserted, microseconds.
///
/// Source: loops that make a company and then its people, one at a time over a network, take seconds; a real company
/// that a seed gives rows to was there before.
const WITH_ITS_ROWS: i64 = 600 * SECOND;

/// Share of a table from which containers are what the application needs: a seed that makes the categories makes all.
const MOST_OF_TABLE: f64 = 0.5;

type Settled = Vec<(TableId, BTreeMap<Row, Verdict>)>;

/// What is known of the rows in a container.
#[derive(Default)]
struct Held {
    rows: usize,
    seeded: usize,
    review: usize,
    /// The first group that has one of them.
    group: Option<usize>,
    /// Whether one of them was inserted with it.
    together: bool,
}

/// Joins containers to the group that has what they hold, those that hold other containers last.
pub(super) fn join(
    profile: &Profile,
    facts: &[TableFacts],
    scores: &mut Scores,
    groups: &mut [Group],
    member_of: &mut [BTreeMap<Row, Member>],
    settled: &mut Settled,
) {
    if groups.is_empty() {
        return;
    }
    for id in parents_first(profile).into_iter().rev() {
        let table = profile.table(id);
        if !table.is_judged() || matches!(table.class, TableClass::People | TableClass::Reference | TableClass::Link) {
            continue;
        }
        let found: Vec<(Row, Held)> = held(profile, facts, id, member_of, settled)
            .into_iter()
            .filter(|(row, held)| {
                held.together && held.seeded + held.review == held.rows && belongs_to_nobody(profile, facts, id, *row, settled)
            })
            .collect();
        if found.is_empty() || found.len() as f64 > MOST_OF_TABLE * facts[id.index()].rows as f64 {
            continue;
        }
        for (row, held) in found {
            let Some(group) = held.group.filter(|_| !member_of[id.index()].contains_key(&row)) else { continue };
            let all = held.seeded == held.rows;
            let detail = if all { "all that it holds is seeded" } else { "all that it holds is seeded or in review" };
            let bits = if all { ALL_SEEDED } else { IN_REVIEW };
            scores.add(
                id,
                Family::Relational,
                row,
                &Term { bits, detector: "holds", detail: detail.into(), certainty: Certainty::Suggests, lacking: crate::model::Bits::ZERO },
            );
            member_of[id.index()].insert(row, Member { group, term: groups[group].term, terms: Vec::new(), taught: false });
            let members = groups[group].members.entry(id).or_default();
            members.push(row);
            members.sort_unstable();
        }
        if let Some(of_table) = settled.iter_mut().find(|s| s.0 == id) {
            of_table.1 = verdicts::settle(scores, id, &member_of[id.index()], groups);
        }
    }
}

/// Looks at what rows hold of which some group has a part.
fn held(
    profile: &Profile,
    facts: &[TableFacts],
    id: TableId,
    member_of: &[BTreeMap<Row, Member>],
    settled: &Settled,
) -> BTreeMap<Row, Held> {
    let links = |child: TableId| facts[child.index()].parents.iter().filter(move |l| l.parent == id && child != id);
    let children = || profile.tables.iter().filter(|t| t.is_judged()).map(|t| t.id);
    let parent_of = |link: &ParentLink, row: Row| Some(link.rows[row as usize]).filter(|parent| *parent != NO_ROW);
    let mut found: BTreeMap<Row, Held> = BTreeMap::new();
    for child in children() {
        let verdicts = settled.iter().find(|s| s.0 == child).map(|s| &s.1);
        for (row, member) in &member_of[child.index()] {
            for parent in links(child).filter_map(|link| parent_of(link, *row)) {
                let held = found.entry(parent).or_default();
                match verdicts.and_then(|v| v.get(row)) {
                    Some(Verdict::Seeded) => held.seeded += 1,
                    Some(Verdict::Review) => held.review += 1,
                    _ => {}
                }
                held.group = held.group.or(Some(member.group));
                held.together |= together((&facts[id.index()], parent), (&facts[child.index()], *row));
            }
        }
    }
    if found.is_empty() {
        return found;
    }
    for link in children().flat_map(links) {
        for parent in &link.rows {
            if let Some(held) = found.get_mut(parent) {
                held.rows += 1;
            }
        }
    }
    found
}

/// Returns whether two rows were inserted one with the other. Of a row with a made-up date it is known after whom it
/// was inserted, and hardly more than a day goes by before somebody else comes.
fn together(a: (&TableFacts, Row), b: (&TableFacts, Row)) -> bool {
    let made_up = |(facts, row): (&TableFacts, Row)| facts.inserted(row) != facts.created.get(row);
    let most = if made_up(a) || made_up(b) { DAY } else { WITH_ITS_ROWS };
    a.0.inserted(a.1).zip(b.0.inserted(b.1)).is_some_and(|(a, b)| (a - b).abs() <= most)
}

/// Returns whether no person that stays owns a row.
fn belongs_to_nobody(profile: &Profile, facts: &[TableFacts], id: TableId, row: Row, settled: &Settled) -> bool {
    facts[id.index()].parents.iter().filter(|l| profile.table(l.parent).class == TableClass::People).all(|link| {
        let owner = link.rows[row as usize];
        let verdict = settled.iter().find(|s| s.0 == link.parent).and_then(|s| s.1.get(&owner));
        owner == NO_ROW || matches!(verdict, Some(Verdict::Seeded | Verdict::Review))
    })
}

//! What parents say of their children: a child whose owners are all seeded came with them; one real
//! owner keeps it from being deleted by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::protect::Guarded;
use super::scores::{Scores, Term};
use super::table::Table;
use super::{Measures, judge};
use crate::detect::{NO_ROW, ParentLink, TableFacts};
use crate::model::{Bits, Certainty, Family, Row, TableClass, TableId, Verdict};
use crate::parallel;
use crate::profile::{Profile, TableProfile};

/// Bits for a child whose owners are all seeded.
pub(super) const ALL_SEEDED: Bits = Bits::from_hundredths(1_200);

/// Bits for a child with a seeded and a real owner: a reason to look, never enough by itself.
const MIXED: Bits = Bits::from_hundredths(500);

/// Bits for a child whose owners are in review.
pub(super) const IN_REVIEW: Bits = Bits::from_hundredths(600);

/// What is known of a child row's owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Owners that are seeded.
    pub(crate) seeded: usize,
    /// Owners that are in review.
    pub(crate) review: usize,
    /// Other owners.
    pub(crate) real: usize,
    /// Whether it hangs on something of a real person's, such as a post: what a seeded account wrote there is between
    /// the two.
    pub(crate) hosted: bool,
    /// The group that the row goes with, where all owners are members of groups.
    pub(crate) inherits: Option<usize>,
}

/// Orders tables so that parents come before children; within a cycle, by ordinal.
pub(super) fn parents_first(profile: &Profile) -> Vec<TableId> {
    let mut done: Vec<bool> = vec![false; profile.tables.len()];
    let mut order = Vec::new();
    while order.len() < profile.tables.len() {
        let ready =
            |table: &TableId| !done[table.index()] && profile.parents_of(*table).all(|r| r.parent == *table || done[r.parent.index()]);
        let ids = || profile.tables.iter().map(|t| t.id);
        // Where every table left waits for another, people go first: the rest hangs on them.
        let fallback = || ids().filter(|t| !done[t.index()]).min_by_key(|t| (profile.table(*t).class != TableClass::People, *t));
        let Some(next) = ids().find(ready).or_else(fallback) else { break };
        done[next.index()] = true;
        order.push(next);
    }
    order
}

/// Looks up the owners of each row that has a suspicious owner, or more than one.
pub(super) fn owners(
    profile: &Profile,
    facts: &[TableFacts],
    table: TableId,
    member_of: &[BTreeMap<Row, super::Member>],
    settled: &[(TableId, BTreeMap<Row, Verdict>)],
    guarded: &Guarded,
) -> BTreeMap<Row, Owner> {
    let links = &facts[table.index()].parents;
    let owned = owned_tables(profile);
    // People own; where a row refers to none, a parent that people own does (a line of an order, not the
    // product on it); else any parent that is no reference data.
    let people: Vec<_> = links.iter().filter(|l| profile.table(l.parent).class == TableClass::People && l.parent != table).collect();
    let mut others: Vec<_> = links.iter().filter(|l| owned[l.parent.index()] && l.parent != table).collect();
    if others.is_empty() {
        others = links.iter().filter(|l| profile.table(l.parent).class != TableClass::Reference && l.parent != table).collect();
    }
    let hosts = Hosts::new(profile, facts, table);
    let is_real = |of: (TableId, Row)| {
        let kept = guarded.kept.contains_key(&of) || guarded.privileged.contains_key(&of);
        !kept && !member_of[of.0.index()].contains_key(&of.1)
    };
    let suspicious: Vec<Vec<bool>> = facts.iter().zip(member_of).map(|(f, members)| marks(f.rows, members)).collect();
    let mut found = BTreeMap::new();
    let mut own: Vec<(TableId, Row)> = Vec::new();
    for row in 0..facts[table.index()].rows as Row {
        let parents = |links: &[&crate::detect::ParentLink], own: &mut Vec<(TableId, Row)>| {
            own.extend(links.iter().map(|l| (l.parent, l.rows[row as usize])).filter(|(_, r)| *r != NO_ROW));
        };
        own.clear();
        parents(&people, &mut own);
        if own.is_empty() {
            parents(&others, &mut own);
        }
        // One owner that no group has: a real one, and nothing to say.
        if let [(parent, parent_row)] = own.as_slice()
            && !suspicious[parent.index()].get(*parent_row as usize).is_some_and(|s| *s)
        {
            continue;
        }
        let mut owner = Owner { seeded: 0, review: 0, real: 0, hosted: false, inherits: None };
        for (parent, parent_row) in own.drain(..) {
            // What a protected row has stays with it.
            let kept = guarded.kept.contains_key(&(parent, parent_row)) || guarded.privileged.contains_key(&(parent, parent_row));
            match member_of[parent.index()].get(&parent_row).filter(|_| !kept) {
                Some(super::Member { group, .. }) => {
                    match settled.iter().find(|s| s.0 == parent).and_then(|s| s.1.get(&parent_row)) {
                        Some(Verdict::Seeded) => owner.seeded += 1,
                        Some(Verdict::Review) => owner.review += 1,
                        // It stays, and so does what it has.
                        _ => {
                            owner.real += 1;
                            continue;
                        }
                    }
                    owner.inherits = Some(owner.inherits.map_or(*group, |g| g.min(*group)));
                }
                None => owner.real += 1,
            }
        }
        owner.hosted = owner.seeded + owner.review > 0 && hosts.of(row).any(|(thing, host)| is_real(thing) && is_real(host));
        if owner.real > 0 {
            owner.inherits = None;
        }
        if owner.seeded + owner.review > 0 || owner.real > 1 {
            found.insert(row, owner);
        }
    }
    found
}

/// The people whose things the rows of a table hang on: whose post a comment is on, whose room a booking.
struct Hosts<'a> {
    /// By link to a thing: its rows, and the links of that thing to the people who have it.
    things: Vec<(&'a ParentLink, Vec<&'a ParentLink>)>,
}

impl<'a> Hosts<'a> {
    /// Only people of a table that the rows refer to themselves count: who writes and who is written to are one kind of
    /// account. Staff and organisers who have a table of their own put up what the site offers.
    fn new(profile: &Profile, facts: &'a [TableFacts], table: TableId) -> Self {
        let links = &facts[table.index()].parents;
        let class = |id: TableId| profile.table(id).class;
        let writers: Vec<TableId> = links.iter().map(|l| l.parent).filter(|p| class(*p) == TableClass::People && *p != table).collect();
        let thing = |l: &&ParentLink| l.parent != table && !matches!(class(l.parent), TableClass::People | TableClass::Reference);
        let of_thing = |l: &'a ParentLink| {
            let owners: Vec<&ParentLink> = facts[l.parent.index()].parents.iter().filter(|o| writers.contains(&o.parent)).collect();
            (!owners.is_empty()).then_some((l, owners))
        };
        Self { things: links.iter().filter(thing).filter_map(of_thing).collect() }
    }

    /// Returns the things that a row hangs on, each with a person who has it.
    fn of(&self, row: Row) -> impl Iterator<Item = ((TableId, Row), (TableId, Row))> {
        let things = self.things.iter().map(move |(link, owners)| (link.parent, link.rows[row as usize], owners));
        things.filter(|(_, thing, _)| *thing != NO_ROW).flat_map(|(table, thing, owners)| {
            let hosts = owners.iter().map(move |o| (o.parent, o.rows[thing as usize]));
            hosts.filter(|host| host.1 != NO_ROW).map(move |host| ((table, thing), host))
        })
    }
}

/// Marks the rows that are members of groups; empty where there are none.
fn marks(rows: usize, members: &BTreeMap<Row, super::Member>) -> Vec<bool> {
    let mut marks = vec![false; if members.is_empty() { 0 } else { rows }];
    members.keys().for_each(|row| marks[*row as usize] = true);
    marks
}

/// Marks the tables whose rows belong to people, at any number of steps; people themselves are not marked.
fn owned_tables(profile: &Profile) -> Vec<bool> {
    let mut owned = vec![false; profile.tables.len()];
    loop {
        let next = profile.relations.iter().find(|r| {
            let parent_counts = profile.table(r.parent).class == TableClass::People || owned[r.parent.index()];
            parent_counts && !owned[r.child.index()] && !matches!(profile.table(r.child).class, TableClass::People | TableClass::Reference)
        });
        let Some(next) = next else { return owned };
        owned[next.child.index()] = true;
    }
}

/// Scores rows by their owners. Accounts are never scored: who invited somebody says nothing of them.
pub(super) fn score(scores: &mut Scores, table: TableId, owners: &BTreeMap<Row, Owner>) {
    let mut details: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for (row, owner) in owners {
        // Between two real people: whatever it looks like, somebody must look.
        if owner.seeded + owner.review == 0 {
            scores.note_mixed(table, *row);
            continue;
        }
        let (bits, detail) = match owner {
            Owner { seeded, real: 0, review: 0, .. } => {
                (ALL_SEEDED, if *seeded == 1 { "its owner is seeded".to_owned() } else { "all its owners are seeded".to_owned() })
            }
            Owner { real: 0, .. } => (IN_REVIEW, "its owners are in review".to_owned()),
            _ => (MIXED, "one owner is seeded or in review, another is real".to_owned()),
        };
        if owner.real > 0 || owner.hosted || (owner.seeded > 0 && owner.review > 0) {
            scores.note_mixed(table, *row);
        }
        scores.add(
            table,
            Family::Relational,
            *row,
            &Term {
                bits,
                detector: "owner",
                detail: details.entry(detail).or_insert_with_key(|d| d.as_str().into()).clone(),
                certainty: Certainty::Suggests,
                lacking: Bits::ZERO,
            },
        );
    }
}

/// Bits for a person of whose rows a program made some.
const MADE_CHILDREN: Bits = Bits::from_hundredths(300);

/// Tells people what their rows show: judges the tables that hang on people by themselves first. A seed gives
/// rows to real people too, so that this is a reason among others and no more.
pub(super) fn upward(profile: &Profile, measures: &Measures<'_>, scores: &mut Scores) {
    let mut terms: BTreeMap<(TableId, Row), (usize, String)> = BTreeMap::new();
    let nobody = BTreeMap::new();
    let of_people = |child: &TableProfile| -> Vec<&ParentLink> {
        let links = measures.facts[child.id.index()].parents.iter();
        links.filter(|l| profile.table(l.parent).class == TableClass::People).collect()
    };
    let owned = |t: &&TableProfile| t.is_judged() && t.class != TableClass::People && !of_people(t).is_empty();
    let children: Vec<&TableProfile> = profile.tables.iter().filter(owned).collect();
    let known: &Scores = scores;
    let judged = |child: &&TableProfile| {
        let (mut groups, mut members) = (Vec::new(), BTreeMap::new());
        judge::table(&Table::new(child, measures, known, &nobody), &mut groups, &mut members);
        (groups, members)
    };
    let found = parallel::each(&children, |t| measures.facts[t.id.index()].rows as u64, judged, |_| {});
    for (child, (groups, members)) in children.into_iter().zip(found) {
        let people = of_people(child);
        for (row, member) in members.iter().filter(|(_, m)| groups[m.group].convicted) {
            for link in &people {
                let parent = link.rows[*row as usize];
                if parent != NO_ROW {
                    let term = terms.entry((link.parent, parent)).or_insert_with(|| (0, groups[member.group].title.clone()));
                    term.0 += 1;
                }
            }
        }
    }
    let mut with: BTreeMap<TableId, usize> = BTreeMap::new();
    terms.keys().for_each(|(table, _)| *with.entry(*table).or_insert(0) += 1);
    for ((table, row), (count, title)) in terms {
        // A seed that gives rows to everybody says nothing of anybody.
        let share = with[&table] as f64 / measures.facts[table.index()].rows.max(1) as f64;
        let bits = Bits::new(-share.log2()).capped(MADE_CHILDREN);
        let detail =
            if count == 1 { format!("a row of theirs was made: {title}") } else { format!("{count} rows of theirs were made: {title}") };
        let term = Term { bits, detector: "owned", detail: detail.into(), certainty: Certainty::Suggests, lacking: Bits::ZERO };
        scores.add(table, Family::Relational, row, &term);
    }
}

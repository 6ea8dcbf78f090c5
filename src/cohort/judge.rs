//! Tests each proposal alone, merges accepted ones that overlap, refines the members, and gives the
//! groups.

use std::collections::{BTreeMap, BTreeSet};

use super::jobs::Jobs;
use super::listed::Closed;
use super::scores::Proposal;
use super::table::Table;
use super::trial::{Tested, test, union, with_children};
use super::verdicts::Alone;
use super::{Group, Judgement, Member, pairs, propose, refine, same_run};
use crate::model::stamp::SECOND;
use crate::model::{Bits, Family, Row, TableId};
use crate::parallel;
use crate::timing::timed;

/// Bits of its own, besides time, that a member needs to be in the core.
pub(super) const CORE: Bits = Bits::from_hundredths(300);

/// Overlap, of the smaller group, from which two groups are one.
const OVERLAP: f64 = 0.3;

/// Share of a group's rows whose owners another group has from which it is that group's: a seed that gives rows to
/// whoever is there too gives its own people half of them, and seldom less than a fifth of a few.
const OWNED: f64 = 0.2;

/// Fewest rows that lie together, and their least share of the stretch: strangers are as rare among them as elsewhere.
const LEAST_TOGETHER: usize = 30;
const TOGETHER: f64 = 0.8;

/// Judges a table's proposals; the groups and their members are added to.
pub(super) fn table(table: &Table<'_>, groups: &mut Vec<Group>, members: &mut BTreeMap<Row, Member>) {
    // Children go with their owners; their groups grow from the owners' groups.
    if !table.people() {
        for (row, owner) in table.owners {
            if let Some(group) = owner.inherits {
                groups[group].members.entry(table.id).or_default().push(*row);
                members.insert(*row, Member { group, term: groups[group].term, terms: Vec::new(), taught: false });
            }
        }
    }
    let jobs = Jobs::of(table, groups, members);
    same_run::join(table, &jobs, groups, members);
    let proposals = timed(|| "judge: propose", || propose::all(table));
    accept(table, &jobs, &proposals, groups, members);
    // Who was found by place explains the facts that go together; only then may these tell of others.
    let proposals = timed(|| "judge: pairs", || pairs::all(table, members));
    accept(table, &jobs, &proposals, groups, members);
    for group in groups.iter_mut() {
        if let Some(rows) = group.members.get_mut(&table.id) {
            rows.sort_unstable();
            rows.dedup();
            same_run::note_pace(table, group);
        }
    }
}

/// Tests proposals, merges those that overlap, and adds the groups that stand with their members.
fn accept(table: &Table<'_>, jobs: &Jobs, proposals: &[Proposal], groups: &mut Vec<Group>, members: &mut BTreeMap<Row, Member>) {
    let price = (proposals.len().max(1) as f64).log2();
    let mut accepted: Vec<(Vec<Row>, Tested, &Proposal)> = Vec::new();
    let judged = |proposal: &Proposal| {
        let tested = test(table, &proposal.rows, &proposal.rows, by_list(proposal), price);
        tested.accepted.then(|| (core(table, &proposal.rows, &tested), tested))
    };
    let tested = timed(|| "judge: test", || parallel::each(proposals, |p| p.rows.len() as u64, judged, |_| {}));
    for (tested, proposal) in tested.into_iter().zip(proposals) {
        accepted.extend(tested.map(|(core, tested)| (core, tested, proposal)));
    }
    for cluster in timed(|| "judge: merge", || merge(&accepted)) {
        let core = union(cluster.iter().map(|i| accepted[*i].0.as_slice()));
        let candidates = union(cluster.iter().map(|i| accepted[*i].2.rows.as_slice()));
        let windows: Vec<&Proposal> = cluster.iter().map(|i| accepted[*i].2).collect();
        let listed = windows.iter().all(|w| by_list(w));
        let tested = test(table, &core, &candidates, listed, price);
        if core.is_empty() || !tested.accepted {
            continue;
        }
        let refined = timed(|| "judge: members", || refine::members(table, &core, &candidates, &windows, tested.closed.as_ref()));
        let rows: Vec<Row> = refined.iter().filter(|m| !m.1.taught).map(|m| m.0).collect();
        let tested = test(table, &rows, &candidates, listed, price);
        if rows.is_empty() || !tested.accepted {
            continue;
        }
        let strangers = candidates.iter().filter(|r| rows.binary_search(r).is_err()).count();
        let convicted = tested.convicted || with_children(table, &rows, &tested);
        let (title, findings) = details(table, &rows, strangers, &windows, tested.closed.as_ref());
        let known = joined(table, &rows, members);
        let group = known.unwrap_or(groups.len());
        if known.is_none() {
            groups.push(Group {
                began: table.id,
                members: BTreeMap::new(),
                families: tested.families.clone(),
                bits: tested.bits,
                convicted,
                term: refine::usual_term(&refined, convicted),
                run: table.run(&rows),
                life: table.life,
                pace: None,
                alone: false,
                scattered: windows.iter().all(|w| w.picked.is_some()) && !lie_together(&rows, table.rows()),
                title,
                findings,
            });
        } else {
            let place = table.class;
            groups[group].findings.extend(findings.into_iter().map(|d| format!("among its {place} rows: {d}")));
        }
        let convicted = groups[group].convicted;
        for (row, mut member) in refined {
            member.group = group;
            member.term = member.term.capped(refine::most(convicted));
            match members.get_mut(&row) {
                Some(known) => known.terms = member.terms,
                // What the site wrote to somebody else shows nothing of its own.
                None if known.is_some() && jobs.wrote(row) && table.own(row) < CORE => {}
                None => {
                    groups[group].members.entry(table.id).or_default().push(row);
                    members.insert(row, member);
                }
            }
        }
    }
}

/// Puts rows of people that stand by themselves side by side, so that what they own can go with them.
pub(super) fn gather_alone(table: TableId, alone: &Alone, groups: &mut Vec<Group>, members: &mut BTreeMap<Row, Member>) {
    for ((_, seeded), (rows, title)) in alone {
        for row in rows {
            members.insert(*row, Member { group: groups.len(), term: Bits::ZERO, terms: Vec::new(), taught: false });
        }
        groups.push(Group {
            began: table,
            members: BTreeMap::from([(table, rows.clone())]),
            families: BTreeMap::new(),
            bits: Bits::ZERO,
            convicted: *seeded,
            term: refine::usual_term(&[], *seeded),
            run: None,
            life: 0,
            pace: None,
            alone: true,
            scattered: true,
            title: title.clone(),
            findings: Vec::new(),
        });
    }
}

/// Returns whether some rows of so many were written one after the other, as the order in which the snapshot holds them shows, though
/// no column tells it: facts that scattered people share pick none that lie so.
fn lie_together(rows: &[Row], of: usize) -> bool {
    let Some((first, last)) = rows.first().zip(rows.last()) else { return false };
    let span = (last - first + 1) as usize;
    rows.len() >= LEAST_TOGETHER && rows.len() as f64 >= TOGETHER * span as f64 && span * 2 <= of
}

/// Returns whether only a list of names or words put a proposal together.
fn by_list(proposal: &Proposal) -> bool {
    proposal.family == Family::Vocabulary
}

/// Returns the rows of a proposal that have something of their own to show.
fn core(table: &Table<'_>, rows: &[Row], tested: &Tested) -> Vec<Row> {
    let in_list = |row: Row| {
        tested.closed.as_ref().is_some_and(|c| {
            let closure = table.closures[c.closure];
            closure.holds(row, c.list)
        })
    };
    rows.iter().copied().filter(|row| table.own(*row) >= CORE || in_list(*row)).collect()
}

/// Clusters accepted proposals whose cores share members; returns indexes.
fn merge(accepted: &[(Vec<Row>, Tested, &Proposal)]) -> Vec<Vec<usize>> {
    let mut cluster_of: Vec<usize> = (0..accepted.len()).collect();
    for i in 0..accepted.len() {
        for j in 0..i {
            let shared = in_both(&accepted[i].0, &accepted[j].0);
            let smaller = accepted[i].0.len().min(accepted[j].0.len());
            if smaller > 0 && shared as f64 >= OVERLAP * smaller as f64 {
                let (from, to) = (cluster_of[i], cluster_of[j]);
                cluster_of.iter_mut().filter(|c| **c == from).for_each(|c| *c = to);
            }
        }
    }
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, cluster) in cluster_of.iter().enumerate() {
        clusters.entry(*cluster).or_default().push(index);
    }
    clusters.into_values().collect()
}

/// Counts the rows of two sorted lists that are in both.
fn in_both(a: &[Row], b: &[Row]) -> usize {
    let (Some(first), Some(last)) = (a.first().max(b.first()), a.last().min(b.last())) else { return 0 };
    if first > last {
        return 0;
    }
    let mut others = b.iter().peekable();
    a.iter()
        .filter(|row| {
            while others.next_if(|other| other < row).is_some() {}
            others.peek() == Some(row)
        })
        .count()
}

/// Returns the group that most of the members which have one belong to.
fn joined(table: &Table<'_>, rows: &[Row], members: &BTreeMap<Row, Member>) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for member in rows.iter().filter_map(|r| members.get(r)) {
        *counts.entry(member.group).or_insert(0) += 1;
    }
    let best = counts.into_iter().max_by_key(|(group, count)| (*count, usize::MAX - group));
    let least = if table.people() { OVERLAP } else { OWNED };
    best.filter(|(_, count)| *count as f64 >= least * rows.len() as f64).map(|(group, _)| group)
}

/// Names the group and says what was found, strongest first.
fn details(table: &Table<'_>, members: &[Row], strangers: usize, windows: &[&Proposal], closed: Option<&Closed>) -> (String, Vec<String>) {
    // What names a group best: what its author wrote, before what a clock shows.
    let order = [
        Family::Template,
        Family::Identifier,
        Family::Vocabulary,
        Family::Shape,
        Family::Credential,
        Family::Discordance,
        Family::Relational,
        Family::Clock,
        Family::Time,
    ];
    let mut proposals: Vec<&&Proposal> = windows.iter().collect();
    let place = |p: &Proposal| order.iter().position(|f| *f == p.family).unwrap_or(order.len());
    proposals.sort_by(|a, b| {
        place(a)
            .cmp(&place(b))
            .then(b.rows.len().cmp(&a.rows.len()))
            .then_with(|| b.kind.len().cmp(&a.kind.len()))
            .then_with(|| a.kind.cmp(&b.kind))
    });
    let title = proposals.first().map(|p| p.kind.clone()).unwrap_or_default();
    // The largest finding of each detector stands for the smaller ones inside it.
    let mut named = BTreeSet::new();
    let mut findings: Vec<String> =
        proposals.iter().filter(|p| p.detector != "segment" && named.insert(p.detector)).map(|p| p.detail.clone()).collect();
    if let Some(closed) = closed {
        let closure = table.closures[closed.closure];
        findings.retain(|f| !f.contains(&closure.titles[closed.list]));
        findings.push(format!(
            "{} of {} have {} in {}, of the other rows {:.0} %",
            closed.hits,
            closed.of,
            closure.what,
            closure.titles[closed.list],
            closed.elsewhere * 100.0
        ));
    }
    let times: Vec<i64> = members.iter().filter_map(|r| table.created(*r)).collect();
    if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
        let seconds = (last - first) as f64 / SECOND as f64;
        if seconds < 3_600.0 && members.len() > 1 {
            findings.push(format!("created within {seconds:.1} s"));
        }
    }
    match strangers {
        0 => {}
        1 => findings.push("1 row among them shares too little of this and was left out".to_owned()),
        n => findings.push(format!("{n} rows among them share too little of this and were left out")),
    }
    (title, findings)
}

impl Judgement {
    /// Returns the number of rows with a verdict.
    #[must_use]
    pub fn count(&self, verdict: crate::model::Verdict) -> usize {
        self.verdicts.iter().filter(|v| v.verdict == verdict).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_together_where_few_others_lie_between() {
        let most = |every: u32| (1_000..1_100).filter(|row| row % every != 0).collect::<Vec<Row>>();
        assert!(lie_together(&most(10), 4_000));
        assert!(!lie_together(&most(3), 4_000), "every third row is another's");
        assert!(!lie_together(&most(10), 150), "nearly the whole table");
        assert!(!lie_together(&most(10)[..20], 4_000), "a few lie so by chance");
        let with_one_far_off: Vec<Row> = std::iter::once(3).chain(most(10)).collect();
        assert!(!lie_together(&with_one_far_off, 4_000) && !lie_together(&[], 0));
    }
}

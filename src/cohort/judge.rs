//! Tests each proposal alone, merges accepted ones that overlap, and ejects members that only happened
//! to be near.

use std::collections::{BTreeMap, BTreeSet};

use super::propagate::Owner;
use super::scores::{Proposal, Scores};
use super::{Group, Judgement};
use crate::detect::TableFacts;
use crate::model::stamp::SECOND;
use crate::model::{Bits, Certainty, Family, Row, TableClass, TableId};
use crate::profile::Profile;
use crate::weigh::{PRIOR, cap};

/// Evidence that a group needs in one family that a generator decides.
///
/// Source: thresholds of the prototype that judged 370,000 labelled rows without a wrong one.
const ONE_FAMILY: Bits = Bits::from_hundredths(1_800);

/// Evidence that a group needs in all.
const IN_ALL: Bits = Bits::from_hundredths(2_800);

/// Evidence from which a family counts as a second one.
const SECOND_FAMILY: Bits = Bits::from_hundredths(600);

/// What a member without a family's fact takes off that family's sum: a quarter of a seed's rows may lack it.
const ABSENT: Bits = Bits::from_hundredths(-200);

/// Share of members that must show a fact before it speaks for the group.
const CLOSURE: f64 = 0.5;

/// Bits of its own, besides time, that a member needs to stay.
const OWN: Bits = Bits::from_hundredths(300);

/// Overlap, of the smaller group, from which two groups are one.
const OVERLAP: f64 = 0.3;

/// Families that a generator or a seed's author decides, apart from clocks.
const VALUE_FAMILIES: [Family; 5] = [Family::Identifier, Family::Vocabulary, Family::Template, Family::Credential, Family::Discordance];

/// Families besides time and signs of people.
const OWN_FAMILIES: [Family; 7] =
    [Family::Identifier, Family::Vocabulary, Family::Template, Family::Credential, Family::Clock, Family::Discordance, Family::Relational];

/// What testing a proposal gave.
struct Tested {
    families: BTreeMap<Family, Bits>,
    bits: Bits,
    accepted: bool,
    convicted: bool,
}

/// Judges a table's proposals; the groups and their members are added to.
pub(super) fn table(
    profile: &Profile,
    facts: &[TableFacts],
    table: TableId,
    scores: &Scores,
    owners: &BTreeMap<Row, Owner>,
    groups: &mut Vec<Group>,
    member_of: &mut [BTreeMap<Row, usize>],
) {
    let people = profile.table(table).class == TableClass::People;
    // Children go with their owners; their groups grow from the owners' groups.
    for (row, owner) in owners {
        if let Some(group) = owner.inherits.filter(|_| !people) {
            groups[group].members.entry(table).or_default().push(*row);
            member_of[table.index()].insert(*row, group);
        }
    }
    let proposals = scores.proposals(table);
    let price = Bits::new((proposals.len().max(1) as f64).log2());
    let mut accepted: Vec<(Vec<Row>, Tested, &Proposal)> = Vec::new();
    for proposal in proposals {
        let tested = test(scores, table, &proposal.rows, price, people);
        if tested.accepted {
            accepted.push((proposal.rows.clone(), tested, proposal));
        }
    }
    for cluster in merge(&accepted) {
        let mut rows: Vec<Row> = cluster.iter().flat_map(|i| accepted[*i].0.iter().copied()).collect();
        rows.sort_unstable();
        rows.dedup();
        let stays = |row: &Row| scores.sum(table, *row, &OWN_FAMILIES) >= OWN;
        let (members, strangers): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(stays);
        // Without its strangers the group must still stand.
        let tested = test(scores, table, &members, price, people);
        if members.is_empty() || !tested.accepted {
            continue;
        }
        let known = joined(&members, &member_of[table.index()]);
        let details = details(facts, table, &members, &strangers, &cluster, &accepted);
        match known {
            Some(group) => {
                // Proposals around children of a known group widen it.
                for row in &members {
                    if !member_of[table.index()].contains_key(row) {
                        groups[group].members.entry(table).or_default().push(*row);
                        member_of[table.index()].insert(*row, group);
                    }
                }
                let place = profile.table(table).class;
                groups[group].findings.extend(details.1.into_iter().map(|d| format!("among its {place} rows: {d}")));
            }
            None => {
                let group = Group {
                    began: table,
                    term: term(&tested, members.len(), strangers.len()),
                    families: tested.families,
                    bits: tested.bits,
                    convicted: tested.convicted,
                    title: details.0,
                    findings: details.1,
                    members: BTreeMap::from([(table, members.clone())]),
                };
                for row in &members {
                    member_of[table.index()].entry(*row).or_insert(groups.len());
                }
                groups.push(group);
            }
        }
    }
    for group in groups.iter_mut() {
        if let Some(rows) = group.members.get_mut(&table) {
            rows.sort_unstable();
            rows.dedup();
        }
    }
}

/// Sums a group's evidence by family and says whether it stands.
fn test(scores: &Scores, table: TableId, rows: &[Row], price: Bits, people: bool) -> Tested {
    let mut families = BTreeMap::new();
    let mut closed = BTreeSet::new();
    let mut impossible = 0_usize;
    let mut seen_impossible: BTreeSet<Row> = BTreeSet::new();
    for family in Family::ALL {
        let mut sum = Bits::ZERO;
        let mut hits = 0;
        for row in rows {
            match scores.term(table, family, *row) {
                Some(term) => {
                    hits += 1;
                    sum += term.bits;
                    if term.certainty == Certainty::CannotBeHuman && family != Family::Relational && seen_impossible.insert(*row) {
                        impossible += 1;
                    }
                }
                None if family == Family::Human => {}
                None => sum += ABSENT,
            }
        }
        if hits == 0 {
            continue;
        }
        // One train is one fact, however many rows ride on it.
        let sum = if family == Family::Time { sum.capped(cap(family)) } else { sum };
        let sum = if family == Family::Human { sum } else { sum.max(Bits::ZERO) };
        families.insert(family, sum);
        if hits as f64 >= CLOSURE * rows.len() as f64 && sum >= SECOND_FAMILY {
            closed.insert(family);
        }
    }
    let total: Bits = families.values().copied().sum::<Bits>() - price;
    let get = |family: Family| families.get(&family).copied().unwrap_or_default();
    // Rows that are no people may stand on their owners.
    let carries = |family: &Family| VALUE_FAMILIES.contains(family) || (!people && *family == Family::Relational);
    let strongest = Family::ALL.into_iter().filter(carries).map(get).max().unwrap_or_default();
    let besides_time = closed.iter().filter(|f| !matches!(f, Family::Time | Family::Human)).count();
    let second = besides_time >= 2 || get(Family::Time) > Bits::ZERO;
    let accepted = strongest >= ONE_FAMILY && total >= IN_ALL && second;
    let convicted = accepted && besides_time >= 2 && impossible as f64 >= CLOSURE * rows.len() as f64;
    Tested { families, bits: total, accepted, convicted }
}

/// Clusters accepted proposals that share members; returns indexes.
fn merge(accepted: &[(Vec<Row>, Tested, &Proposal)]) -> Vec<Vec<usize>> {
    let mut cluster_of: Vec<usize> = (0..accepted.len()).collect();
    for i in 0..accepted.len() {
        for j in 0..i {
            let shared = accepted[i].0.iter().filter(|r| accepted[j].0.binary_search(r).is_ok()).count();
            let smaller = accepted[i].0.len().min(accepted[j].0.len());
            if shared as f64 >= OVERLAP * smaller as f64 {
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

/// Returns the group that most of the members which have one belong to.
fn joined(members: &[Row], member_of: &BTreeMap<Row, usize>) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for group in members.iter().filter_map(|r| member_of.get(r)) {
        *counts.entry(*group).or_insert(0) += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(group, count)| (*count, usize::MAX - group))
        .filter(|(_, count)| *count as f64 >= OVERLAP * members.len() as f64)
        .map(|(group, _)| group)
}

/// What membership adds: the odds of a member against a stranger take the prior's place.
fn term(tested: &Tested, members: usize, strangers: usize) -> Bits {
    let odds = (members as f64 / (strangers as f64 + 0.5)).log2();
    let most = if tested.convicted { 12.0 } else { 6.0 };
    (Bits::new(odds) - PRIOR).max(Bits::ZERO).capped(Bits::new(most))
}

/// Names the group and says what was found, strongest first.
fn details(
    facts: &[TableFacts],
    table: TableId,
    members: &[Row],
    strangers: &[Row],
    cluster: &[usize],
    accepted: &[(Vec<Row>, Tested, &Proposal)],
) -> (String, Vec<String>) {
    // What names a group best: what its author wrote, before what a clock shows.
    let order =
        [Family::Template, Family::Identifier, Family::Vocabulary, Family::Credential, Family::Discordance, Family::Clock, Family::Time];
    let mut proposals: Vec<&Proposal> = cluster.iter().map(|i| accepted[*i].2).collect();
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
    let mut findings: Vec<String> = proposals.iter().filter(|p| named.insert(p.detector)).map(|p| p.detail.clone()).collect();
    let times: Vec<i64> = members.iter().filter_map(|r| facts[table.index()].created.get(*r as usize).copied().flatten()).collect();
    if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
        let seconds = (last - first) as f64 / SECOND as f64;
        if seconds < 3_600.0 && members.len() > 1 {
            findings.push(format!("created within {seconds:.1} s"));
        }
    }
    if !strangers.is_empty() {
        findings.push(match strangers.len() {
            1 => "1 row among them shares none of this and was left out".to_owned(),
            n => format!("{n} rows among them share none of this and were left out"),
        });
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

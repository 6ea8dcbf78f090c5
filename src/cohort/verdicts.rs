//! From bits to verdicts. A row is seeded only inside a convicted cohort, or on two families of its own.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::protect::Guarded;
use super::scores::Scores;
use super::{Group, Judgement, Member, REVIEW_FROM, SEEDED_FROM, SPARED_FROM};
use crate::detect::TableFacts;
use crate::model::verdict::Spared;
use crate::model::{Bits, Certainty, Cohort, CohortTable, Family, Reason, Row, RowVerdict, TableId, Verdict};
use crate::profile::Profile;
use crate::weigh::{PRIOR, cap};

/// Findings listed of rows that stand by themselves.
const SHOWN: usize = 8;

/// A single row needs this much from each of two families.
const SINGLE_FAMILY: Bits = Bits::from_hundredths(400);

/// Gives verdicts to every row that has evidence, a group or a protection.
pub(super) fn give(
    profile: &Profile,
    facts: &[TableFacts],
    scores: &Scores,
    groups: &[Group],
    member_of: &[BTreeMap<Row, Member>],
    guarded: &Guarded,
) -> Judgement {
    let mut judgement = Judgement::default();
    let mut alone: BTreeMap<(TableId, String), Vec<RowVerdict>> = BTreeMap::new();
    let mut in_group: Vec<BTreeMap<TableId, Vec<Row>>> = vec![BTreeMap::new(); groups.len()];
    let mut terms: HashSet<Arc<[Reason]>> = HashSet::new();
    for table in profile.tables.iter().filter(|t| t.is_judged()) {
        let id = table.id;
        let mut rows = scores.rows(id);
        rows.extend(member_of[id.index()].keys());
        rows.extend(guarded.privileged.keys().filter(|k| k.0 == id).map(|k| k.1));
        rows.sort_unstable();
        rows.dedup();
        for row in rows {
            let member = member_of[id.index()].get(&row);
            let verdict = one(scores, id, row, member.map(|m| (m, &groups[m.group])), guarded);
            if verdict.verdict == Verdict::Real {
                let positive: Bits = verdict.reasons.iter().filter(|r| r.family != "prior" && r.bits > Bits::ZERO).map(|r| r.bits).sum();
                if positive >= SPARED_FROM {
                    let reasons = terms.get(verdict.reasons.as_slice()).cloned().unwrap_or_else(|| verdict.reasons.into());
                    terms.insert(reasons.clone());
                    judgement.spared.push(Spared { table: id, row, bits: verdict.bits, reasons });
                }
                continue;
            }
            if let Some(member) = member {
                in_group[member.group].entry(id).or_default().push(row);
            } else if verdict.verdict != Verdict::Protected {
                alone.entry((id, strongest(&verdict).detector)).or_default().push(verdict.clone());
            }
            judgement.verdicts.push(verdict);
        }
    }
    judgement.cohorts.extend(alone.into_values().map(|verdicts| singles(facts, &verdicts)));
    for (group, members) in groups.iter().zip(in_group) {
        if !members.is_empty() {
            judgement.cohorts.push(cohort(facts, group, members));
        }
    }
    judgement
}

/// Gives the verdicts of a table's rows before any protection, as their children see them.
pub(super) fn settle(scores: &Scores, table: TableId, members: &BTreeMap<Row, Member>, groups: &[Group]) -> BTreeMap<Row, Verdict> {
    let verdict = |row: Row, member: &Member| {
        let member = Some((member, &groups[member.group]));
        let bits: Bits = reasons(scores, table, row, member).iter().map(|r| r.bits).sum();
        by_bits(scores, table, row, member, bits)
    };
    members.iter().map(|(row, member)| (*row, verdict(*row, member))).collect()
}

/// Finds rows that belong to no group and are not real: by the strongest detector and whether they are
/// seeded, with a title.
pub(super) fn alone(scores: &Scores, table: TableId, members: &BTreeMap<Row, Member>) -> BTreeMap<(String, bool), (Vec<Row>, String)> {
    let mut found: BTreeMap<(String, bool), (Vec<Row>, String)> = BTreeMap::new();
    for row in scores.rows(table).into_iter().filter(|r| !members.contains_key(r)) {
        let verdict = one(scores, table, row, None, &Guarded::default());
        if matches!(verdict.verdict, Verdict::Seeded | Verdict::Review) {
            let reason = strongest(&verdict);
            let of = found.entry((reason.detector, verdict.verdict == Verdict::Seeded)).or_insert((Vec::new(), reason.detail));
            of.0.push(row);
        }
    }
    found
}

/// Lists the terms of a row that belongs to no cohort.
pub(super) fn explain(scores: &Scores, table: TableId, row: Row) -> RowVerdict {
    let reasons = reasons(scores, table, row, None);
    let bits = reasons.iter().map(|r| r.bits).sum();
    RowVerdict { table, row, verdict: Verdict::Real, bits, cohort: None, reasons }
}

/// Lists a row's terms: the prior, one a family, and what membership adds.
fn reasons(scores: &Scores, table: TableId, row: Row, member: Option<(&Member, &Group)>) -> Vec<Reason> {
    let mut reasons = vec![Reason {
        detector: "prior".to_owned(),
        family: "prior".to_owned(),
        bits: PRIOR,
        detail: "before looking, 1 row in 1,024".to_owned(),
    }];
    for family in Family::ALL {
        let own = scores.term(table, family, row).map(|term| Reason {
            detector: term.detector.to_owned(),
            family: family.as_str().to_owned(),
            bits: term.bits,
            detail: term.detail.to_string(),
        });
        let in_group = member.and_then(|(m, _)| m.terms.iter().find(|t| t.0 == family).map(|t| t.1.clone()));
        // A family counts once: the stronger of what the row shows by itself and within its group.
        let strongest = match (own, in_group) {
            (Some(own), Some(group)) if own.bits >= group.bits => Some(own),
            (_, Some(group)) => Some(group),
            (own, None) => own,
        };
        reasons.extend(strongest.map(|mut r| {
            r.bits = r.bits.capped(cap(family));
            r
        }));
    }
    if let Some((member, group)) = member {
        let size: usize = group.members.values().map(Vec::len).sum();
        let detail = format!("member of a group of {size} rows: {}", group.title);
        if group.alone && member.term == Bits::ZERO {
            return reasons;
        }
        reasons.push(Reason { detector: "cohort".to_owned(), family: "cohort".to_owned(), bits: member.term, detail });
    }
    reasons
}

fn one(scores: &Scores, table: TableId, row: Row, member: Option<(&Member, &Group)>, guarded: &Guarded) -> RowVerdict {
    let mut reasons = reasons(scores, table, row, member);
    let bits: Bits = reasons.iter().map(|r| r.bits).sum();
    let mut verdict = by_bits(scores, table, row, member, bits);
    let key = (table, row);
    let why = guarded.privileged.get(&key).or_else(|| {
        let suspicious = verdict != Verdict::Real;
        guarded.kept.get(&key).or_else(|| guarded.tables.get(&table)).filter(|_| suspicious)
    });
    if let Some(why) = why {
        verdict = Verdict::Protected;
        reasons.push(Reason { detector: "protect".to_owned(), family: "protect".to_owned(), bits: Bits::ZERO, detail: why.clone() });
    }
    RowVerdict { table, row, verdict, bits, cohort: None, reasons }
}

fn by_bits(scores: &Scores, table: TableId, row: Row, member: Option<(&Member, &Group)>, bits: Bits) -> Verdict {
    if bits < REVIEW_FROM {
        return Verdict::Real;
    }
    if bits < SEEDED_FROM {
        return Verdict::Review;
    }
    let families = Family::ALL.into_iter().filter(|f| !matches!(f, Family::Time | Family::Human | Family::Relational));
    let own = |family: Family| scores.term(table, family, row).map_or(Bits::ZERO, |t| t.bits);
    let listed = |family: Family| member.and_then(|(m, _)| m.terms.iter().find(|t| t.0 == family)).map_or(Bits::ZERO, |t| t.1.bits);
    let strong: Vec<Family> = families.filter(|f| own(*f).max(listed(*f)) >= SINGLE_FAMILY).collect();
    let impossible = strong.iter().filter_map(|f| scores.term(table, *f, row)).any(|t| t.certainty == Certainty::CannotBeHuman);
    let stands_alone = strong.len() >= 2 && impossible;
    // One real owner of two keeps a row.
    if scores.is_mixed(table, row) {
        return Verdict::Review;
    }
    let allowed = match member {
        Some((member, _)) if member.taught => stands_alone,
        // Rows that are no people go with their owners; without seeded owners the group must have been found among them.
        Some((_, group)) if group.alone || (group.scattered && group.began == table) => stands_alone,
        Some((_, group)) => group.convicted,
        None => stands_alone,
    };
    if allowed { Verdict::Seeded } else { Verdict::Review }
}

fn times(facts: &[TableFacts], table: TableId, rows: &[Row]) -> (Option<i64>, Option<i64>) {
    let created = &facts[table.index()].created;
    let known = rows.iter().filter_map(|r| created.get(*r));
    (known.clone().min(), known.max())
}

/// Returns the reason that weighs most.
fn strongest(verdict: &RowVerdict) -> Reason {
    let reasons = verdict.reasons.iter().filter(|r| r.family != "prior");
    reasons.max_by_key(|r| r.bits).cloned().unwrap_or_else(|| verdict.reasons[0].clone())
}

/// Rows of a table that stand by themselves, for one kind of reason: nothing says that they belong together,
/// but a person looks at them together.
fn singles(facts: &[TableFacts], verdicts: &[RowVerdict]) -> Cohort {
    let table = verdicts[0].table;
    let rows: Vec<Row> = verdicts.iter().map(|v| v.row).collect();
    let (first_at, last_at) = times(facts, table, &rows);
    let mut findings: Vec<String> = Vec::new();
    for verdict in verdicts {
        let reasons = verdict.reasons.iter().filter(|r| r.family != "prior" && r.bits > Bits::ZERO).map(|r| r.detail.clone());
        findings.extend(reasons);
        findings.dedup();
    }
    let mut seen = std::collections::BTreeSet::new();
    findings.retain(|f| seen.insert(f.clone()));
    let first = strongest(&verdicts[0]).detail;
    let title = if rows.len() == 1 { first } else { format!("{} rows by themselves: {first}", rows.len()) };
    findings.truncate(SHOWN);
    Cohort {
        id: crate::model::CohortId(String::new()),
        title,
        tables: vec![CohortTable { table, rows }],
        families: Vec::new(),
        bits: verdicts.iter().map(|v| v.bits).max().unwrap_or_default(),
        convicted: verdicts.iter().all(|v| v.verdict == Verdict::Seeded),
        declared: false,
        first_at,
        last_at,
        findings,
    }
}

fn cohort(facts: &[TableFacts], group: &Group, members: BTreeMap<TableId, Vec<Row>>) -> Cohort {
    // The table that the group was found in leads: it holds the families' sums.
    let (first_at, last_at) = members.get(&group.began).map_or((None, None), |rows| times(facts, group.began, rows));
    let mut tables: Vec<CohortTable> = members.into_iter().map(|(table, rows)| CohortTable { table, rows }).collect();
    tables.sort_by_key(|t| (t.table != group.began, t.table));
    Cohort {
        id: crate::model::CohortId(String::new()),
        title: group.title.clone(),
        tables,
        families: group.families.iter().map(|(f, b)| (*f, *b)).collect(),
        bits: group.bits,
        convicted: group.convicted,
        declared: false,
        first_at,
        last_at,
        findings: group.findings.clone(),
    }
}

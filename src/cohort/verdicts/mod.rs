//! From bits to verdicts. A row is seeded only inside a convicted cohort, or on two families of its own.

mod plain;
mod spares;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::protect::Guarded;
use super::scores::{Scores, Term};
use super::{Group, Judgement, Member, REVIEW_FROM, SEEDED_FROM, SPARED_FROM};
use crate::detect::TableFacts;
use crate::model::verdict::Spared;
use crate::model::{Bits, Certainty, Cohort, CohortTable, Family, Reason, Row, RowVerdict, TableId, Verdict};
use crate::profile::Profile;
use crate::weigh::{PRIOR, cap};

use plain::Plain;
use spares::Spares;

/// Findings listed of rows that stand by themselves.
const SHOWN: usize = 8;

/// A single row needs this much from each of two families.
const SINGLE_FAMILY: Bits = Bits::from_hundredths(400);

/// Families, besides time, that a row of a group without a place must show.
const SCATTERED_FAMILIES: usize = 3;

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
    let mut alone: BTreeMap<(TableId, Cow<'static, str>), Vec<RowVerdict>> = BTreeMap::new();
    let mut in_group: Vec<BTreeMap<TableId, Vec<Row>>> = vec![BTreeMap::new(); groups.len()];
    let mut spares = Spares::default();
    let membership: Vec<Arc<str>> = groups.iter().map(membership).collect();
    for table in profile.tables.iter().filter(|t| t.is_judged()) {
        let id = table.id;
        let mut rows = scores.rows(id);
        rows.extend(member_of[id.index()].keys());
        rows.extend(guarded.privileged.keys().filter(|k| k.0 == id).map(|k| k.1));
        rows.sort_unstable();
        rows.dedup();
        let mut plain = Plain::new(scores, id, &rows);
        for row in rows.iter().copied() {
            let member = member_of[id.index()].get(&row);
            // Most rows stay real by their bits alone: their terms are put into words only where they are listed, and once.
            if plain.look(row) < REVIEW_FROM && member.is_none() && !guarded.privileged.contains_key(&(id, row)) {
                if plain.positive() >= SPARED_FROM {
                    let reasons = plain.reasons(|| spares.shared(reasons(scores, id, row, None)));
                    spares.put(Spared { table: id, row, bits: plain.bits(), reasons });
                }
                continue;
            }
            let of = member.map(|m| Of { member: m, group: &groups[m.group], words: &membership[m.group] });
            let verdict = one(scores, id, row, of, guarded);
            if verdict.verdict == Verdict::Real {
                let positive: Bits = verdict.reasons.iter().filter(|r| r.family != "prior" && r.bits > Bits::ZERO).map(|r| r.bits).sum();
                if positive >= SPARED_FROM {
                    let reasons = spares.shared(verdict.reasons);
                    spares.put(Spared { table: id, row, bits: verdict.bits, reasons });
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
    (judgement.spared, judgement.spared_total) = (spares.rows, spares.total);
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
        let group = &groups[member.group];
        let terms = terms(scores, table, row, Some(member)).map(|(_, term)| term.bits()).sum::<Bits>();
        let bits = PRIOR + terms + if counts(member, group) { member.term } else { Bits::ZERO };
        by_bits(scores, table, row, Some((member, group)), bits)
    };
    members.iter().map(|(row, member)| (*row, verdict(*row, member))).collect()
}

/// Rows that stand by themselves, with a title, by the strongest detector and whether they are seeded.
pub(super) type Alone = BTreeMap<(Cow<'static, str>, bool), (Vec<Row>, String)>;

/// Finds rows that belong to no group and are not real.
pub(super) fn alone(scores: &Scores, table: TableId, members: &BTreeMap<Row, Member>) -> Alone {
    let mut found = Alone::new();
    let rows = scores.rows(table);
    let mut plain = Plain::new(scores, table, &rows);
    for row in rows.iter().copied().filter(|r| !members.contains_key(r)) {
        if plain.look(row) < REVIEW_FROM {
            continue;
        }
        let verdict = one(scores, table, row, None, &Guarded::default());
        if matches!(verdict.verdict, Verdict::Seeded | Verdict::Review) {
            let reason = strongest(&verdict);
            let seeded = verdict.verdict == Verdict::Seeded;
            found.entry((reason.detector, seeded)).or_insert_with(|| (Vec::new(), reason.detail.to_string())).0.push(row);
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

/// A row's place in a group, with what is said of it.
#[derive(Clone, Copy)]
struct Of<'a> {
    member: &'a Member,
    group: &'a Group,
    words: &'a Arc<str>,
}

/// Says of a group what all its members share.
fn membership(group: &Group) -> Arc<str> {
    let size: usize = group.members.values().map(Vec::len).sum();
    format!("member of a group of {size} rows: {}", group.title).into()
}

/// Returns whether being a member is a term of its own.
fn counts(member: &Member, group: &Group) -> bool {
    !group.alone || member.term != Bits::ZERO
}

/// What a family says of a row: by itself, or by its place in its group's lists.
enum Said<'a> {
    Own(&'a Term, Bits),
    Listed(&'a Reason, Bits),
}

impl Said<'_> {
    /// Returns its bits, within the family's cap.
    const fn bits(&self) -> Bits {
        match self {
            Self::Own(_, bits) | Self::Listed(_, bits) => *bits,
        }
    }
}

/// Walks the terms of a row by family. A family counts once: the stronger of what the row shows by itself and within
/// its group.
fn terms<'a>(scores: &'a Scores, table: TableId, row: Row, member: Option<&'a Member>) -> impl Iterator<Item = (Family, Said<'a>)> {
    Family::ALL.into_iter().filter_map(move |family| {
        let own = scores.term(table, family, row);
        let listed = member.and_then(|m| m.terms.iter().find(|t| t.0 == family)).map(|t| &t.1);
        let said = match (own, listed) {
            (Some(own), Some(listed)) if own.bits >= listed.bits => Said::Own(own, own.bits.capped(cap(family))),
            (_, Some(listed)) => Said::Listed(listed, listed.bits.capped(cap(family))),
            (own, None) => own.map(|own| Said::Own(own, own.bits.capped(cap(family))))?,
        };
        Some((family, said))
    })
}

/// What is said of every row.
static BEFORE_LOOKING: LazyLock<Arc<str>> = LazyLock::new(|| "before looking, 1 row in 1,024".into());

/// Lists a row's terms: the prior, one a family, and what membership adds.
fn reasons(scores: &Scores, table: TableId, row: Row, of: Option<Of<'_>>) -> Vec<Reason> {
    let prior = Reason { detector: "prior".into(), family: "prior".into(), bits: PRIOR, detail: Arc::clone(&BEFORE_LOOKING) };
    let in_words = |(family, said): (Family, Said<'_>)| match said {
        Said::Own(term, bits) => {
            Reason { detector: term.detector.into(), family: family.as_str().into(), bits, detail: Arc::clone(&term.detail) }
        }
        Said::Listed(reason, bits) => Reason { bits, ..reason.clone() },
    };
    let membership = of.filter(|of| counts(of.member, of.group)).map(|of| Reason {
        detector: "cohort".into(),
        family: "cohort".into(),
        bits: of.member.term,
        detail: Arc::clone(of.words),
    });
    let said = terms(scores, table, row, of.map(|of| of.member)).map(in_words);
    let mut reasons: Vec<Reason> = std::iter::once(prior).chain(said).chain(membership).collect();
    reasons.shrink_to_fit();
    reasons
}

fn one(scores: &Scores, table: TableId, row: Row, of: Option<Of<'_>>, guarded: &Guarded) -> RowVerdict {
    let mut reasons = reasons(scores, table, row, of);
    let bits: Bits = reasons.iter().map(|r| r.bits).sum();
    let mut verdict = by_bits(scores, table, row, of.map(|of| (of.member, of.group)), bits);
    let key = (table, row);
    let why = guarded.privileged.get(&key).or_else(|| {
        let suspicious = verdict != Verdict::Real;
        guarded.kept.get(&key).or_else(|| guarded.tables.get(&table)).filter(|_| suspicious)
    });
    if let Some(why) = why {
        verdict = Verdict::Protected;
        reasons.push(Reason { detector: "protect".into(), family: "protect".into(), bits: Bits::ZERO, detail: why.as_str().into() });
    }
    RowVerdict { table, row, verdict, bits, cohort: None, reasons }
}

fn by_bits(scores: &Scores, table: TableId, row: Row, member: Option<(&Member, &Group)>, bits: Bits) -> Verdict {
    if bits < REVIEW_FROM {
        return Verdict::Real;
    }
    // Copies make nobody a seed's row.
    let copied = scores.term(table, Family::Copy, row).map_or(Bits::ZERO, |t| t.bits.capped(cap(Family::Copy)));
    if bits - copied < SEEDED_FROM {
        return Verdict::Review;
    }
    let families = Family::ALL.into_iter().filter(|f| !matches!(f, Family::Time | Family::Human | Family::Relational | Family::Copy));
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
        // Who was picked by a fact of their own, not by their place, shows three kinds of facts before it is enough.
        Some((_, group)) if group.scattered && group.began == table && !group.alone => {
            stands_alone || (group.convicted && strong.len() >= SCATTERED_FAMILIES)
        }
        Some((_, group)) if group.alone => stands_alone,
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
    let said = verdicts.iter().flat_map(|v| &v.reasons).filter(|r| r.family != "prior" && r.bits > Bits::ZERO).map(|r| &*r.detail);
    let mut seen = BTreeSet::new();
    let findings = said.filter(|detail| seen.insert(*detail)).take(SHOWN).map(str::to_owned).collect();
    let first = strongest(&verdicts[0]).detail;
    let title = if rows.len() == 1 { first.to_string() } else { format!("{} rows by themselves: {first}", rows.len()) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Evidence, Measure};
    use crate::weigh::weigh;

    /// Returns the verdict of a row by itself that shows facts of these bits, the first of which cannot be human.
    fn verdict(shown: &[(Family, f64)]) -> Verdict {
        let facts = [TableFacts { rows: 1_000, ..TableFacts::default() }];
        let fact = |(place, (family, bits)): (usize, &(Family, f64))| Evidence {
            detector: "test",
            family: *family,
            table: TableId(0),
            kind: "k".into(),
            rows: vec![7],
            measure: Measure::Against { bits: *bits },
            certainty: if place == 0 { Certainty::CannotBeHuman } else { Certainty::Suggests },
            proposes: false,
            detail: "said".into(),
        };
        let weighed = weigh(shown.iter().enumerate().map(fact).collect(), &facts);
        one(&Scores::new(&weighed, &facts), TableId(0), 7, None, &Guarded::default()).verdict
    }

    #[test]
    fn copies_send_to_review_and_seed_nothing() {
        use Family::{Copy, Credential, Identifier, Relational, Template};
        assert_eq!(verdict(&[(Identifier, 12.0), (Template, 12.0)]), Verdict::Seeded);
        assert_eq!(verdict(&[(Copy, 12.0)]), Verdict::Review);
        // Neither as a second family nor by their bits.
        assert_eq!(verdict(&[(Identifier, 12.0), (Relational, 12.0), (Copy, 12.0)]), Verdict::Review);
        assert_eq!(verdict(&[(Identifier, 8.0), (Credential, 8.0), (Copy, 12.0)]), Verdict::Review);
    }
}

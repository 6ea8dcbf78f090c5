//! The decisions file: what people decided as sorted lines, one a decision, so that two reviewers' files can
//! be compared, merged and carried over to the next snapshot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ReviewError, find_cohort, find_row};
use crate::model::decision::{Choice, Decision, DecisionSubject};
use crate::model::stamp::Rfc3339;
use crate::model::{CohortId, Verdict};
use crate::snapshot::Case;

/// Version of the file's form.
const SCHEMA: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    schema: u32,
    snapshot_id: String,
    taken_at: Option<String>,
    config_sha256: String,
}

/// One decision's line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    digest: String,
    rows: u64,
    decision: Choice,
    tables: Vec<String>,
    include_review: bool,
    reason: String,
    by: String,
    at: String,
}

/// What an import did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Decisions that were added to the log.
    pub added: u64,
    /// Decisions that the log holds already, or holds newer ones of.
    pub known: u64,
    /// Decisions that were not carried over, one sentence each.
    pub changed: Vec<String>,
    /// Subjects on which people disagree; `keep` stands.
    pub conflicts: Vec<String>,
}

/// Writes each person's newest decision on each subject, sorted.
///
/// # Errors
/// Returns what the case file says.
pub fn export(case: &Case) -> Result<String, ReviewError> {
    let head = Head {
        schema: SCHEMA,
        snapshot_id: case.facts().id.0.clone(),
        taken_at: case.facts().taken_at.micros().map(|t| Rfc3339(t).to_string()),
        config_sha256: case.meta("config_sha256")?.unwrap_or_default(),
    };
    let mut lines: Vec<String> = newest(case)?.into_values().map(|d| serde_json::to_string(&line(d)).unwrap_or_default()).collect();
    lines.sort();
    lines.insert(0, serde_json::to_string(&head).unwrap_or_default());
    Ok(lines.join("\n") + "\n")
}

fn line(decision: Decision) -> Line {
    let (kind, cohort_id, table, key) = match decision.subject {
        DecisionSubject::Cohort { cohort_id } => ("cohort", Some(cohort_id.0), None, None),
        DecisionSubject::Row { table, key } => ("row", None, Some(table), Some(key)),
    };
    Line {
        kind: kind.to_owned(),
        cohort_id,
        table,
        key,
        digest: decision.digest,
        rows: decision.rows,
        decision: decision.decision,
        tables: decision.tables,
        include_review: decision.include_review,
        reason: decision.reason,
        by: decision.by,
        at: decision.at,
    }
}

type Newest = BTreeMap<(DecisionSubject, String), Decision>;

fn newest(case: &Case) -> Result<Newest, ReviewError> {
    Ok(case.decisions()?.into_iter().map(|d| ((d.subject.clone(), d.by.clone()), d)).collect())
}

/// Adds a file's decisions to the log. A file of another snapshot is refused unless `carry_over`, which keeps
/// what is unchanged and tells the rest. `file` names it in messages.
///
/// # Errors
/// Returns that the file is malformed, is of another snapshot, or approves what cannot be approved; nothing
/// of it is logged then.
pub fn import(case: &mut Case, file: &str, text: &str, carry_over: bool) -> Result<Imported, ReviewError> {
    let malformed = |number: usize, what: String| {
        ReviewError::Unknown(format!("{file}:{number}: {what}; export it again with `unseed review CASE export`"))
    };
    let mut lines = text.lines().enumerate();
    let head: Head = match lines.next() {
        Some((_, first)) => {
            serde_json::from_str(first).map_err(|e| malformed(1, format!("the first line is no head of a decisions file: {e}")))?
        }
        None => return Err(malformed(1, "the file is empty".to_owned())),
    };
    if head.schema != SCHEMA {
        return Err(malformed(1, format!("schema {} is not known", head.schema)));
    }
    let same = head.snapshot_id == case.facts().id.0;
    if !same && !carry_over {
        return Err(ReviewError::Refused(format!(
            "{file} is about another snapshot ({} instead of {}); --carry-over keeps what has not changed since",
            short(&head.snapshot_id),
            short(&case.facts().id.0)
        )));
    }
    let mut decisions = Vec::new();
    for (index, line) in lines.filter(|(_, l)| !l.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|e| malformed(index + 1, e.to_string()))?;
        let read = decision(line).ok_or_else(|| malformed(index + 1, "it names neither a cohort nor a row".to_owned()))?;
        if read.by.trim().is_empty() {
            return Err(malformed(index + 1, "a decision needs the name of who made it".to_owned()));
        }
        decisions.push((index + 1, read));
    }
    let mut imported = Imported::default();
    let known = newest(case)?;
    let mut adding = Vec::new();
    for (number, decision) in decisions {
        if !same && let Some(why) = changed(case, &decision)? {
            imported.changed.push(why);
            continue;
        }
        let decision = checked(case, &format!("{file}:{number}"), decision)?;
        match known.get(&(decision.subject.clone(), decision.by.clone())) {
            Some(held) if *held == decision || held.at >= decision.at => imported.known += 1,
            _ => adding.push(decision),
        }
    }
    case.transaction(|case| -> Result<(), ReviewError> {
        for decision in &adding {
            case.log_decision(decision)?;
        }
        Ok(())
    })?;
    imported.added = adding.len() as u64;
    imported.conflicts = conflicts(case)?;
    Ok(imported)
}

fn short(id: &str) -> &str {
    id.get(..16).unwrap_or(id)
}

fn decision(line: Line) -> Option<Decision> {
    let subject = match (line.kind.as_str(), line.cohort_id, line.table, line.key) {
        ("cohort", Some(id), None, None) => DecisionSubject::Cohort { cohort_id: CohortId(id) },
        ("row", None, Some(table), Some(key)) => DecisionSubject::Row { table, key },
        _ => return None,
    };
    Some(Decision {
        subject,
        digest: line.digest,
        rows: line.rows,
        decision: line.decision,
        tables: line.tables,
        include_review: line.include_review,
        reason: line.reason,
        by: line.by,
        at: line.at,
    })
}

/// Says what has changed since a decision of another snapshot; `None` where it still stands.
fn changed(case: &Case, decision: &Decision) -> Result<Option<String>, ReviewError> {
    match &decision.subject {
        DecisionSubject::Cohort { cohort_id } => {
            let cohorts = case.cohorts()?;
            Ok(match cohorts.iter().find(|c| c.cohort.id == *cohort_id) {
                Some(stored) if stored.digest == decision.digest => None,
                Some(stored) => Some(format!(
                    "cohort {cohort_id}: the same {} rows, but their evidence has changed since {} decided ({}): review it again",
                    stored.cohort.rows(),
                    decision.by,
                    decision.decision.as_str()
                )),
                None => {
                    let now: Vec<String> = cohorts.iter().map(|c| format!("{} ({} rows)", c.cohort.id, c.cohort.rows())).collect();
                    Some(format!(
                        "cohort {cohort_id}, {} rows, on which {} decided ({}), no longer has the same members; cohorts now: {}",
                        decision.rows,
                        decision.by,
                        decision.decision.as_str(),
                        if now.is_empty() { "none".to_owned() } else { now.join(", ") }
                    ))
                }
            })
        }
        // What people keep is kept, whatever the machine thinks of it by now.
        DecisionSubject::Row { .. } if decision.decision == Choice::Keep => Ok(None),
        DecisionSubject::Row { table, key } => {
            let digest = row(case, table, key)?.map(|v| v.1);
            Ok((digest.as_deref() != Some(decision.digest.as_str())).then(|| {
                format!(
                    "{table} {key}: its evidence has changed since {} decided ({}): review it again",
                    decision.by,
                    decision.decision.as_str()
                )
            }))
        }
    }
}

fn row(case: &Case, table: &str, key: &str) -> Result<Option<(crate::model::RowVerdict, String)>, ReviewError> {
    let Ok((table, row)) = super::find_row(case, table, key) else { return Ok(None) };
    Ok(case.verdict(table, row)?)
}

/// Binds a decision to what the case holds, or says why it may not be.
fn checked(case: &Case, at: &str, decision: Decision) -> Result<Decision, ReviewError> {
    let stale = |what: String| ReviewError::Refused(format!("{at}: {what} has changed since it was decided on: review it again"));
    match &decision.subject {
        DecisionSubject::Cohort { cohort_id } => {
            let found = find_cohort(case, &cohort_id.0).ok().filter(|c| c.cohort.id == *cohort_id);
            let Some(stored) = found else { return Err(stale(format!("cohort {cohort_id}"))) };
            if decision.decision != Choice::Hold && stored.digest != decision.digest {
                return Err(stale(format!("cohort {cohort_id}")));
            }
            for name in decision.tables.iter().filter(|t| *t != "all") {
                if !case.find_table(name).is_some_and(|id| stored.cohort.tables.iter().any(|t| t.table == id)) {
                    return Err(ReviewError::Unknown(format!("{at}: cohort {cohort_id} has no rows in {name}")));
                }
            }
            Ok(Decision { digest: stored.digest, rows: stored.cohort.rows() as u64, ..decision })
        }
        DecisionSubject::Row { table, key } => {
            let (id, row) = find_row(case, table, key)?;
            let verdict = case.verdict(id, row)?;
            if decision.decision == Choice::Approve {
                match &verdict {
                    Some((v, digest)) if matches!(v.verdict, Verdict::Seeded | Verdict::Review) => {
                        if *digest != decision.digest {
                            return Err(stale(format!("{table} {key}")));
                        }
                    }
                    Some((v, _)) if v.verdict == Verdict::Protected => {
                        return Err(ReviewError::Refused(format!("{at}: {table} {key} is protected and cannot be approved")));
                    }
                    _ => {
                        return Err(ReviewError::Refused(format!(
                            "{at}: {table} {key} is real as far as the evidence goes, and real rows cannot be approved"
                        )));
                    }
                }
            }
            Ok(Decision { digest: verdict.map(|v| v.1).unwrap_or_default(), rows: 1, ..decision })
        }
    }
}

/// Lists the subjects on which people disagree.
fn conflicts(case: &Case) -> Result<Vec<String>, ReviewError> {
    let mut by_subject: BTreeMap<DecisionSubject, BTreeMap<&'static str, Vec<String>>> = BTreeMap::new();
    for ((subject, by), decision) in newest(case)? {
        if decision.decision != Choice::Hold {
            by_subject.entry(subject).or_default().entry(decision.decision.as_str()).or_default().push(by);
        }
    }
    Ok(by_subject
        .into_iter()
        .filter(|(_, sides)| sides.len() > 1)
        .map(|(subject, sides)| {
            let subject = match subject {
                DecisionSubject::Cohort { cohort_id } => format!("cohort {cohort_id}"),
                DecisionSubject::Row { table, key } => format!("{table} {key}"),
            };
            let sides: Vec<String> = sides.into_iter().map(|(choice, people)| format!("{} {choice}", people.join(", "))).collect();
            format!("{subject}: {}; keep stands", sides.join(", "))
        })
        .collect())
}

//! Decisions as a file: JSON Lines, sorted, that the report's page writes too. A file is taken whole or not at all.

use serde::{Deserialize, Serialize};

use super::{ReviewError, find_cohort, find_row};
use crate::model::decision::{Choice, Decision, DecisionSubject};
use crate::model::{Row, TableId, Verdict};
use crate::snapshot::Case;

/// Version of the file's form.
const SCHEMA: u32 = 1;

/// The file's first line: what the decisions are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    schema: u32,
    snapshot_id: String,
    taken_at: String,
    config_sha256: String,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Decisions that were logged.
    pub logged: Vec<Decision>,
    /// Decisions that the log held already.
    pub known: usize,
}

/// Writes each person's newest decision on each subject, sorted.
///
/// # Errors
/// Returns what the case file says.
pub fn export(case: &Case) -> Result<String, ReviewError> {
    let head = Head {
        schema: SCHEMA,
        snapshot_id: case.facts().id.0.clone(),
        taken_at: case.facts().taken_at.micros().map(|t| crate::model::stamp::Rfc3339(t).to_string()).unwrap_or_default(),
        config_sha256: case.meta("config_sha256")?.unwrap_or_default(),
    };
    let mut newest: std::collections::BTreeMap<(DecisionSubject, String), Decision> = std::collections::BTreeMap::new();
    for decision in case.decisions()? {
        newest.insert((decision.subject.clone(), decision.by.clone()), decision);
    }
    let mut lines: Vec<String> = newest.values().map(|d| serde_json::to_string(d).unwrap_or_default()).collect();
    lines.sort();
    lines.insert(0, serde_json::to_string(&head).unwrap_or_default());
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// Logs the decisions of a file. Each goes through what the same decision would on the command line.
///
/// # Errors
/// Returns the first line that is not as it should be, of another snapshot, stale or not allowed; then nothing is logged.
pub fn import(case: &mut Case, text: &str) -> Result<Imported, ReviewError> {
    let malformed = |line: usize, what: String| ReviewError::Unknown(format!("line {line} of the decisions file: {what}"));
    let mut lines = text.lines().enumerate().map(|(i, l)| (i + 1, l)).filter(|(_, l)| !l.trim().is_empty());
    let Some((number, first)) = lines.next() else { return Err(malformed(1, "the file is empty".to_owned())) };
    let head: Head = serde_json::from_str(first).map_err(|e| malformed(number, format!("no head of a decisions file: {e}")))?;
    if head.schema != SCHEMA {
        return Err(malformed(number, format!("schema {} is not known; this unseed reads {SCHEMA}", head.schema)));
    }
    if head.snapshot_id != case.facts().id.0 {
        return Err(ReviewError::Refused(format!(
            "the decisions are about snapshot {}, and this case holds {}",
            head.snapshot_id.get(..12).unwrap_or(&head.snapshot_id),
            case.facts().id.0.get(..12).unwrap_or_default()
        )));
    }
    let mut decisions = Vec::new();
    for (number, line) in lines {
        let decision: Decision = serde_json::from_str(line).map_err(|e| malformed(number, format!("no decision: {e}")))?;
        if decision.by.trim().is_empty() {
            return Err(malformed(number, "a decision needs the name of who made it".to_owned()));
        }
        decisions.push((number, checked(case, number, decision)?));
    }
    let log = case.decisions()?;
    case.transaction(|case| {
        let mut imported = Imported::default();
        for (_, decision) in decisions {
            if log.contains(&decision) {
                imported.known += 1;
            } else {
                case.log_decision(&decision)?;
                imported.logged.push(decision);
            }
        }
        Ok(imported)
    })
}

/// Binds a decision to what the case holds, or says why it may not be.
fn checked(case: &Case, line: usize, decision: Decision) -> Result<Decision, ReviewError> {
    let stale = |what: String| {
        ReviewError::Refused(format!("line {line} of the decisions file: {what} has changed since it was decided on: review it again"))
    };
    match &decision.subject {
        DecisionSubject::Cohort { cohort_id } => {
            let found = find_cohort(case, &cohort_id.0).ok().filter(|c| c.cohort.id == *cohort_id);
            let Some(stored) = found else { return Err(stale(format!("cohort {cohort_id}"))) };
            if decision.decision != Choice::Hold && stored.digest != decision.digest {
                return Err(stale(format!("cohort {cohort_id}")));
            }
            for name in decision.tables.iter().filter(|t| *t != "all") {
                if !case.find_table(name).is_some_and(|id| stored.cohort.tables.iter().any(|t| t.table == id)) {
                    return Err(ReviewError::Unknown(format!(
                        "line {line} of the decisions file: cohort {cohort_id} has no rows in {name}"
                    )));
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
                        return Err(ReviewError::Refused(format!(
                            "line {line} of the decisions file: {table} {key} is protected and cannot be approved"
                        )));
                    }
                    _ => {
                        return Err(ReviewError::Refused(format!(
                            "line {line} of the decisions file: {table} {key} is real as far as the evidence goes, and real rows cannot be approved"
                        )));
                    }
                }
            }
            Ok(Decision { digest: verdict.map(|v| v.1).unwrap_or_default(), rows: 1, ..decision })
        }
    }
}

/// Returns a cohort's rows in one table, by key order of the input, from the row with one key to the row with another.
///
/// # Errors
/// Returns that a key names no row of the cohort.
pub fn part(
    case: &Case,
    cohort: &crate::snapshot::StoredCohort,
    table: TableId,
    from: Option<&str>,
    until: Option<&str>,
) -> Result<Vec<Row>, ReviewError> {
    let name = case.table(table).table.name.to_string();
    let Some(own) = cohort.cohort.tables.iter().find(|t| t.table == table) else {
        return Err(ReviewError::Unknown(format!("cohort {} has no rows in {name}", cohort.cohort.id)));
    };
    let place = |key: &str| -> Result<Row, ReviewError> {
        let (_, row) = find_row(case, &name, key)?;
        if own.rows.contains(&row) {
            Ok(row)
        } else {
            Err(ReviewError::Unknown(format!("{name} {key} is no row of cohort {}", cohort.cohort.id)))
        }
    };
    let first = from.map(place).transpose()?.unwrap_or(0);
    let last = until.map(place).transpose()?.unwrap_or(Row::MAX);
    Ok(own.rows.iter().copied().filter(|r| (first..=last).contains(r)).collect())
}

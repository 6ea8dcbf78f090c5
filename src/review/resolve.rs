//! What the log says now: each person's newest decision on each subject, and what follows for each row.

use std::collections::{BTreeMap, BTreeSet};

use super::{ReviewError, covers};
use crate::cohort::is_guarded_class;
use crate::model::decision::{Choice, Decision, DecisionSubject};
use crate::model::value::row_key_json;
use crate::model::{Approved, CohortId, Row, TableId, Verdict};
use crate::snapshot::Case;

/// What people decided about a row, directly or through its cohort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowState {
    /// Enough people approved it.
    Approved,
    /// Somebody keeps it.
    Kept,
    /// Nobody, or not enough people, decided.
    Held,
}

/// The log, resolved.
#[derive(Clone, Debug, Default)]
pub struct Resolution {
    /// By table and row: only rows that are not real.
    pub rows: BTreeMap<(TableId, Row), RowState>,
    /// People who approved something.
    pub approvers: BTreeSet<String>,
    /// Money and audit tables that enough people named in an approval.
    pub named_tables: BTreeSet<TableId>,
    /// Decisions whose subject changed since, one sentence each.
    pub stale: Vec<String>,
    /// Newest decision on each cohort by person.
    pub cohorts: BTreeMap<CohortId, Vec<Decision>>,
    /// Rows that were kept by a decision of their own, real ones too: table name, key, why.
    pub kept: Vec<(String, String, String)>,
    /// Digest over the decisions that count.
    pub digest: String,
}

impl Resolution {
    /// Returns the approved rows as what a plan can be made of.
    #[must_use]
    pub fn approved(&self) -> Approved {
        let rows = self.rows.iter().filter(|(_, state)| **state == RowState::Approved).map(|(row, _)| *row).collect();
        let (approvers, named) = (self.approvers.iter().cloned().collect(), self.named_tables.iter().copied().collect());
        Approved::from_decisions(rows, approvers, named, self.digest.clone())
    }

    /// Returns whether people decided on a cohort: `approve`, `keep` or `hold`.
    #[must_use]
    pub fn cohort_state(&self, id: &CohortId) -> Choice {
        let choices: Vec<Choice> = self.cohorts.get(id).into_iter().flatten().map(|d| d.decision).collect();
        if choices.contains(&Choice::Keep) {
            Choice::Keep
        } else if choices.contains(&Choice::Approve) {
            Choice::Approve
        } else {
            Choice::Hold
        }
    }
}

/// Resolves the log. `reviewers` people must approve a row; the plan's `author` counts only where one
/// approver is enough.
///
/// # Errors
/// Returns what the case file says.
pub fn resolve(case: &Case, reviewers: usize, author: &str) -> Result<Resolution, ReviewError> {
    let log = case.decisions()?;
    let mut newest: BTreeMap<(DecisionSubject, String), &Decision> = BTreeMap::new();
    for decision in &log {
        newest.insert((decision.subject.clone(), decision.by.clone()), decision);
    }
    let counts = |person: &str| reviewers <= 1 || person != author;
    let cohorts = case.cohorts()?;
    let mut resolution = Resolution::default();
    let mut cohort_decisions: BTreeMap<CohortId, Vec<&Decision>> = BTreeMap::new();
    let mut row_decisions: BTreeMap<(String, String), Vec<&Decision>> = BTreeMap::new();
    let mut hasher = blake3::Hasher::new();
    for ((subject, _), decision) in &newest {
        if decision.decision == Choice::Hold {
            continue;
        }
        match subject {
            DecisionSubject::Cohort { cohort_id } => {
                match cohorts.iter().find(|c| c.cohort.id == *cohort_id) {
                    Some(stored) if stored.digest == decision.digest => {}
                    Some(_) => {
                        resolution
                            .stale
                            .push(format!("the evidence of cohort {cohort_id} has changed since {} decided: review it again", decision.by));
                        continue;
                    }
                    None => {
                        let step = format!(
                            "review the cohorts again, and take this one back with `unseed review CASE hold {cohort_id} --by {}`",
                            decision.by
                        );
                        resolution
                            .stale
                            .push(format!("cohort {cohort_id}, on which {} decided, no longer has the same members: {step}", decision.by));
                        continue;
                    }
                }
                cohort_decisions.entry(cohort_id.clone()).or_default().push(decision);
                resolution.cohorts.entry(cohort_id.clone()).or_default().push((*decision).clone());
            }
            DecisionSubject::Row { table, key } => {
                row_decisions.entry((table.clone(), key.clone())).or_default().push(decision);
            }
        }
        hasher.update(serde_json::to_string(decision).unwrap_or_default().as_bytes());
        hasher.update(b"\n");
    }
    for (verdict, digest) in case.verdicts()? {
        let mut keeps = false;
        let mut approvers: BTreeSet<&str> = BTreeSet::new();
        if let Some(cohort) = &verdict.cohort {
            for decision in cohort_decisions.get(cohort).into_iter().flatten() {
                match decision.decision {
                    Choice::Keep => keeps = true,
                    Choice::Approve if counts(&decision.by) && covers(case, decision, verdict.table, verdict.verdict)? => {
                        approvers.insert(&decision.by);
                    }
                    Choice::Approve | Choice::Hold => {}
                }
            }
        }
        let name = case.table(verdict.table).table.name.to_string();
        let key = row_key_json(&case.row_key(verdict.table, verdict.row)?);
        for decision in row_decisions.remove(&(name.clone(), key.clone())).into_iter().flatten() {
            match decision.decision {
                Choice::Keep => {
                    keeps = true;
                    resolution.kept.push((name.clone(), key.clone(), format!("{} keeps it: {}", decision.by, decision.reason)));
                }
                Choice::Approve if decision.digest != digest => {
                    resolution
                        .stale
                        .push(format!("the evidence of {name} {key} has changed since {} decided: review it again", decision.by));
                }
                Choice::Approve if counts(&decision.by) && matches!(verdict.verdict, Verdict::Seeded | Verdict::Review) => {
                    approvers.insert(&decision.by);
                }
                Choice::Approve | Choice::Hold => {}
            }
        }
        let state = if keeps {
            RowState::Kept
        } else if approvers.len() >= reviewers.max(1) {
            resolution.approvers.extend(approvers.iter().map(|a| (*a).to_owned()));
            RowState::Approved
        } else {
            RowState::Held
        };
        resolution.rows.insert((verdict.table, verdict.row), state);
    }
    // Decisions on rows that are real by now: a keep still protects, an approval is stale.
    for ((name, key), decisions) in row_decisions {
        for decision in decisions {
            match decision.decision {
                Choice::Keep => resolution.kept.push((name.clone(), key.clone(), format!("{} keeps it: {}", decision.by, decision.reason))),
                Choice::Approve => resolution.stale.push(format!("{name} {key}, which {} approved, is no longer suspicious: take it back with `unseed review CASE hold {name} '{key}' --by {}`", decision.by, decision.by)),
                Choice::Hold => {}
            }
        }
    }
    resolution.named_tables = named_tables(case, &resolution.cohorts, reviewers, counts)?;
    resolution.digest = hasher.finalize().to_hex().to_string();
    Ok(resolution)
}

/// Lists the money and audit tables that enough people named in their approvals.
fn named_tables(
    case: &Case,
    cohorts: &BTreeMap<CohortId, Vec<Decision>>,
    reviewers: usize,
    counts: impl Fn(&str) -> bool,
) -> Result<BTreeSet<TableId>, ReviewError> {
    let mut by: BTreeMap<TableId, BTreeSet<&str>> = BTreeMap::new();
    for decision in cohorts.values().flatten().filter(|d| d.decision == Choice::Approve && counts(&d.by)) {
        for info in case.tables() {
            let named = decision.tables.iter().any(|t| t == "all" || case.find_table(t) == Some(info.id));
            if named && is_guarded_class(case.class(info.id)?) {
                by.entry(info.id).or_default().insert(&decision.by);
            }
        }
    }
    Ok(by.into_iter().filter(|(_, people)| people.len() >= reviewers.max(1)).map(|(table, _)| table).collect())
}

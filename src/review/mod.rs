//! The append-only log of human decisions, each bound to what was reviewed, and the approvals that
//! follow from it. Unlisted is on hold; `keep` beats `approve`.

mod file;
mod part;
mod resolve;
mod split;

use crate::cohort::is_guarded_class;
use crate::model::decision::{Choice, Decision, DecisionSubject};
use crate::model::value::row_key_json;
use crate::model::{CohortId, Row, TableId, Verdict};
use crate::snapshot::{Case, SnapshotError, StoredCohort};

pub use file::{Imported, export, import};
pub use part::part;
pub use resolve::{Resolution, RowState, resolve};
pub use split::split;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The case file.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// There is no such cohort, table or row.
    #[error("{0}")]
    Unknown(String),
    /// The decision is not allowed.
    #[error("refused: {0}")]
    Refused(String),
}

/// What a person says besides the choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Money and audit tables that an approval names; `all` for every one.
    pub tables: Vec<String>,
    /// Whether rows in review are covered.
    pub include_review: bool,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Finds a cohort by its id or an unambiguous beginning of it.
///
/// # Errors
/// Returns that there is none, or several.
pub fn find_cohort(case: &Case, typed: &str) -> Result<StoredCohort, ReviewError> {
    let mut found: Vec<StoredCohort> = case.cohorts()?.into_iter().filter(|c| c.cohort.id.0.starts_with(typed)).collect();
    if let Some(exact) = found.iter().position(|c| c.cohort.id.0 == typed) {
        return Ok(found.swap_remove(exact));
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(ReviewError::Unknown(format!("there is no cohort {typed}; `unseed review CASE list` shows them"))),
        n => Err(ReviewError::Unknown(format!("{n} cohorts begin with {typed}; type more of the id"))),
    }
}

/// Finds a row by its table and key; a composite key is typed as a JSON array.
///
/// # Errors
/// Returns that there is no such table or row.
pub fn find_row(case: &Case, table: &str, key: &str) -> Result<(TableId, Row), ReviewError> {
    let Some(id) = case.find_table(table) else {
        let known: Vec<String> = case.tables().iter().map(|t| t.table.name.to_string()).collect();
        return Err(ReviewError::Unknown(format!("there is no table {table}; the snapshot has {}", known.join(", "))));
    };
    let parts: Vec<String> = serde_json::from_str(key).unwrap_or_else(|_| vec![key.to_owned()]);
    match case.find_row(id, &parts)? {
        Some(row) => Ok((id, row)),
        None => Err(ReviewError::Unknown(format!("table {} has no row with key {key}", case.table(id).table.name))),
    }
}

/// Logs a decision on a cohort. An approval covers its seeded rows in ordinary tables; rows of money
/// and audit tables need to be named, rows in review need to be included.
///
/// # Errors
/// Returns that the decision is not allowed.
pub fn decide_cohort(case: &Case, cohort: &StoredCohort, choice: Choice, words: &Words) -> Result<Decision, ReviewError> {
    if choice == Choice::Approve {
        for name in words.tables.iter().filter(|t| *t != "all") {
            let known = case.find_table(name).is_some_and(|id| cohort.cohort.tables.iter().any(|t| t.table == id));
            if !known {
                return Err(ReviewError::Unknown(format!("--tables {name}: cohort {} has no rows there", cohort.cohort.id)));
            }
        }
    }
    let decision = Decision {
        subject: DecisionSubject::Cohort { cohort_id: cohort.cohort.id.clone() },
        digest: cohort.digest.clone(),
        rows: cohort.cohort.rows() as u64,
        decision: choice,
        tables: words.tables.clone(),
        include_review: words.include_review,
        reason: words.reason.clone(),
        by: words.by.clone(),
        at: words.at.clone(),
    };
    case.log_decision(&decision)?;
    Ok(decision)
}

/// Takes back a decision on a cohort that a newer analysis no longer has.
///
/// # Errors
/// Returns what the case file says.
pub fn hold_gone(case: &Case, id: &str, words: &Words) -> Result<Decision, ReviewError> {
    let decision = Decision {
        subject: DecisionSubject::Cohort { cohort_id: CohortId(id.to_owned()) },
        digest: String::new(),
        rows: 0,
        decision: Choice::Hold,
        tables: Vec::new(),
        include_review: false,
        reason: words.reason.clone(),
        by: words.by.clone(),
        at: words.at.clone(),
    };
    case.log_decision(&decision)?;
    Ok(decision)
}

/// Logs a decision on one row.
///
/// # Errors
/// Returns that the row is protected or real and so cannot be approved.
pub fn decide_row(case: &Case, table: TableId, row: Row, choice: Choice, words: &Words) -> Result<Decision, ReviewError> {
    let name = &case.table(table).table.name;
    let key = row_key_json(&case.row_key(table, row)?);
    let verdict = case.verdict(table, row)?;
    if choice == Choice::Approve {
        match verdict.as_ref().map(|v| v.0.verdict) {
            Some(Verdict::Protected) => {
                return Err(ReviewError::Refused(format!(
                    "{name} {key} is protected and cannot be approved; `unseed review CASE explain {name} {key}` says why"
                )));
            }
            None | Some(Verdict::Real) => {
                return Err(ReviewError::Refused(format!(
                    "{name} {key} is real as far as the evidence goes, and real rows cannot be approved"
                )));
            }
            Some(Verdict::Review | Verdict::Seeded) => {}
        }
    }
    let decision = Decision {
        subject: DecisionSubject::Row { table: name.to_string(), key },
        digest: verdict.map(|v| v.1).unwrap_or_default(),
        rows: 1,
        decision: choice,
        tables: Vec::new(),
        include_review: false,
        reason: words.reason.clone(),
        by: words.by.clone(),
        at: words.at.clone(),
    };
    case.log_decision(&decision)?;
    Ok(decision)
}

/// Returns whether an approval of a cohort covers a row of this table with this verdict.
fn covers(case: &Case, decision: &Decision, table: TableId, verdict: Verdict) -> Result<bool, SnapshotError> {
    let named = decision.tables.iter().any(|t| t == "all" || case.find_table(t) == Some(table));
    let table_ok = named || !is_guarded_class(case.class(table)?);
    let verdict_ok = match verdict {
        Verdict::Seeded => true,
        Verdict::Review => decision.include_review,
        Verdict::Protected | Verdict::Real => false,
    };
    Ok(table_ok && verdict_ok)
}

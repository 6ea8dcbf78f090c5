//! Splitting a cohort: some of its rows become a cohort of their own, so that people may decide on them
//! apart. Both parts have new ids, so that decisions on the whole are stale.

use std::collections::BTreeSet;

use super::{ReviewError, find_row};
use crate::cohort;
use crate::model::cohort::{Cohort, CohortTable};
use crate::model::value::row_key_json;
use crate::model::{CohortId, Row, RowVerdict, TableId};
use crate::snapshot::{Case, StoredCohort};

/// Puts rows of a table into a cohort of their own; all of the cohort's rows there where no key is given.
/// Returns the ids of the new cohort and of the rest.
///
/// # Errors
/// Returns that a row is not in the cohort, or that one side would be empty.
pub fn split(case: &mut Case, stored: &StoredCohort, table: &str, keys: &[String]) -> Result<(CohortId, CohortId), ReviewError> {
    let whole = &stored.cohort;
    let unknown = |what: String| ReviewError::Unknown(what);
    let Some(id) = case.find_table(table) else { return Err(unknown(format!("there is no table {table}"))) };
    let members: BTreeSet<Row> = whole.tables.iter().filter(|t| t.table == id).flat_map(|t| t.rows.iter().copied()).collect();
    let mut apart: BTreeSet<Row> = if keys.is_empty() { members.clone() } else { BTreeSet::new() };
    for key in keys {
        let (_, row) = find_row(case, table, key)?;
        if !members.contains(&row) {
            return Err(unknown(format!("{table} {key} is not in cohort {}", whole.id)));
        }
        apart.insert(row);
    }
    if apart.is_empty() {
        return Err(unknown(format!("cohort {} has no rows of {table}", whole.id)));
    }
    if apart.len() == whole.rows() {
        return Err(unknown(format!("these are all the rows of cohort {}: nothing would be left of it", whole.id)));
    }
    let part = |keep: &dyn Fn(TableId, Row) -> bool| -> Vec<CohortTable> {
        whole
            .tables
            .iter()
            .map(|t| CohortTable { table: t.table, rows: t.rows.iter().copied().filter(|r| keep(t.table, *r)).collect() })
            .filter(|t| !t.rows.is_empty())
            .collect()
    };
    let in_apart = |t: TableId, r: Row| t == id && apart.contains(&r);
    let sides = [("split off", part(&in_apart)), ("rest", part(&|t, r| !in_apart(t, r)))];
    let verdicts = case.verdicts()?;
    let mut ids = Vec::new();
    case.transaction(|case| -> Result<(), ReviewError> {
        case.take_cohort(&whole.id)?;
        for (word, tables) in sides {
            let cohort = Cohort {
                id: cohort::cohort_id(&named(case, &tables)?),
                title: format!("{} ({word})", whole.title),
                tables,
                ..whole.clone()
            };
            for part in &cohort.tables {
                for row in &part.rows {
                    case.set_cohort_of(part.table, *row, &cohort.id)?;
                }
            }
            case.put_cohort(&cohort, &digest(case, &cohort, &verdicts)?)?;
            ids.push(cohort.id);
        }
        Ok(())
    })?;
    let rest = ids.pop().unwrap_or_else(|| whole.id.clone());
    Ok((ids.pop().unwrap_or_else(|| whole.id.clone()), rest))
}

/// Names members as the analysis does.
fn named(case: &Case, tables: &[CohortTable]) -> Result<Vec<String>, ReviewError> {
    let mut members = Vec::new();
    for part in tables {
        let name = &case.table(part.table).table.name;
        for row in &part.rows {
            let key = row_key_json(&case.row_key(part.table, *row)?);
            members.push(format!("{}\0{}\0{}\0{key}", name.database, name.schema, name.name));
        }
    }
    Ok(members)
}

/// Digests members and their evidence, as the analysis does.
fn digest(case: &Case, cohort: &Cohort, verdicts: &[(RowVerdict, String)]) -> Result<String, ReviewError> {
    let mut hasher = blake3::Hasher::new();
    let is_member = |v: &RowVerdict| cohort.tables.iter().any(|t| t.table == v.table && t.rows.binary_search(&v.row).is_ok());
    for (verdict, digest) in verdicts.iter().filter(|(v, _)| is_member(v)) {
        let key = row_key_json(&case.row_key(verdict.table, verdict.row)?);
        for part in [case.table(verdict.table).table.name.to_string().as_str(), key.as_str(), digest.as_str()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

//! A part of a cohort: the rows of one table, from one key to another.

use super::{ReviewError, find_row};
use crate::model::{Row, TableId};
use crate::snapshot::Case;

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

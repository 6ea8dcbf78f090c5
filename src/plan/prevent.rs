//! What a planned table may refuse from now on: exactly the identifiers that were found in planned rows and
//! in no row that stays. Built from approved rows only.

use std::collections::BTreeSet;

use super::PlanError;
use super::links::leaves;
use crate::model::plan::{BanKind, DeletePlan, PlanBan, PlanTable};
use crate::model::{Role, Value};
use crate::snapshot::Case;

/// Values in one ban; a list that is longer is left out and told.
const MOST_VALUES: usize = 1_000;

/// Lists the bans.
///
/// # Errors
/// Returns what the case file says.
pub fn bans(case: &Case, plan: &DeletePlan) -> Result<Vec<PlanBan>, PlanError> {
    let mut found = Vec::new();
    for table in &plan.tables {
        let roles = case.roles(table.table)?;
        for (column, role) in roles.iter().enumerate() {
            match role {
                Role::Email => {
                    let domain = |text: &str| text.rsplit_once('@').map(|(_, d)| d.to_lowercase());
                    let (bad, free) = split(case, table, column, domain)?;
                    add(&mut found, table, column, BanKind::Domain, &bad.difference(&free).cloned().collect());
                    // Of a domain that people have too, the addresses themselves.
                    let shared = |text: &str| Some(text.to_lowercase()).filter(|t| domain(t).is_some_and(|d| free.contains(&d)));
                    let (bad, free) = split(case, table, column, shared)?;
                    add(&mut found, table, column, BanKind::Value, &bad.difference(&free).cloned().collect());
                }
                Role::Credential => {
                    let (bad, free) = split(case, table, column, |text| Some(text.to_owned()))?;
                    add(&mut found, table, column, BanKind::Exact, &bad.difference(&free).cloned().collect());
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

fn add(found: &mut Vec<PlanBan>, table: &PlanTable, column: usize, kind: BanKind, values: &BTreeSet<String>) {
    if !values.is_empty() && values.len() <= MOST_VALUES {
        found.push(PlanBan {
            table: table.name.clone(),
            column: table.columns[column].name.clone(),
            kind,
            values: values.iter().cloned().collect(),
        });
    }
}

/// Collects what planned rows hold, and what rows hold that stay.
fn split(
    case: &Case,
    table: &PlanTable,
    column: usize,
    of: impl Fn(&str) -> Option<String>,
) -> Result<(BTreeSet<String>, BTreeSet<String>), PlanError> {
    let planned: BTreeSet<(crate::model::TableId, u32)> = table.rows.iter().map(|r| r.place).collect();
    let (mut bad, mut free) = (BTreeSet::new(), BTreeSet::new());
    for leaf in leaves(case, table.table) {
        let Some(own) = case.table(leaf).table.column(&table.columns[column].name) else { continue };
        for row in 0..case.table(leaf).rows as u32 {
            if let Value::Text(text) = &case.cells(leaf, row, &[own])?[0]
                && let Some(value) = of(text)
            {
                if planned.contains(&(leaf, row)) {
                    bad.insert(value)
                } else {
                    free.insert(value)
                };
            }
        }
    }
    Ok((bad, free))
}

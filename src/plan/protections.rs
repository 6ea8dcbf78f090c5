//! What no planned row may be, checked again in production: privileged accounts, and rows that are
//! protected or that people keep.

use std::collections::BTreeSet;

use super::PlanError;
use super::build::{Options, production_name};
use super::links::root;
use crate::model::plan::PlanProtection;
use crate::model::{Role, TableClass, TableId, Value, Verdict};
use crate::profile;
use crate::review::Resolution;
use crate::snapshot::Case;

/// Lists the protections of the planned tables.
pub(super) fn protections(
    case: &Case,
    resolution: &Resolution,
    options: &Options,
    planned: &BTreeSet<TableId>,
) -> Result<Vec<PlanProtection>, PlanError> {
    let mut found = Vec::new();
    for info in case.tables().iter().filter(|t| planned.contains(&root(case, t.id))) {
        if case.class(info.id)? == TableClass::People {
            found.extend(privileges(case, options, info.id)?);
        }
        found.extend(kept_rows(case, resolution, options, info.id)?);
    }
    Ok(found)
}

fn privileges(case: &Case, options: &Options, table: TableId) -> Result<Vec<PlanProtection>, PlanError> {
    let info = case.table(table);
    let roles = case.roles(table)?;
    let verdicts = case.verdicts()?;
    let mut found = Vec::new();
    for column in (0..roles.len()).filter(|c| roles[*c] == Role::Privilege) {
        let mut values = BTreeSet::new();
        for (verdict, _) in verdicts.iter().filter(|(v, _)| v.table == table && v.verdict == Verdict::Protected) {
            if verdict.reasons.iter().any(|r| r.family == "protect" && r.detail.starts_with("a privileged account")) {
                let cell = case.cells(table, verdict.row, &[column])?;
                let flag = matches!(cell[0], Value::Integer(_));
                let text = cell[0].key_text().unwrap_or_default().to_lowercase();
                if profile::is_privileged(&text, flag) {
                    values.extend(if flag { vec!["true".to_owned(), "t".to_owned(), "1".to_owned()] } else { vec![text] });
                }
            }
        }
        if !values.is_empty() {
            found.push(PlanProtection::Privilege {
                table: production_name(case, options, root(case, table)),
                column: info.table.columns[column].name.clone(),
                values: values.into_iter().collect(),
                keep_one: true,
            });
        }
    }
    Ok(found)
}

fn kept_rows(case: &Case, resolution: &Resolution, options: &Options, table: TableId) -> Result<Option<PlanProtection>, PlanError> {
    let info = case.table(table);
    if info.key().is_empty() {
        return Ok(None);
    }
    let own = info.table.name.to_string();
    let mut keys: Vec<Vec<String>> = Vec::new();
    for (verdict, _) in case.verdicts()?.iter().filter(|(v, _)| v.table == table && v.verdict == Verdict::Protected) {
        let key = case.row_key(table, verdict.row)?;
        keys.push(key.iter().map(|v| v.key_text().unwrap_or_default().into_owned()).collect());
    }
    for (_, key, _) in resolution.kept.iter().filter(|k| k.0 == own) {
        keys.push(serde_json::from_str(key).unwrap_or_default());
    }
    keys.retain(|k| k.len() == info.key().len());
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        return Ok(None);
    }
    Ok(Some(PlanProtection::Keys {
        table: production_name(case, options, root(case, table)),
        columns: info.key().iter().map(|c| info.table.columns[*c].name.clone()).collect(),
        keys,
        reason: "protected or kept in review".to_owned(),
    }))
}

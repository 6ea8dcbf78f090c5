//! A later snapshot against the plan: what went as planned, what is still there, what went without a
//! plan, what came new.

use std::collections::{HashMap, HashSet};

use super::manifest::Manifest;
use crate::model::value::row_key_json;
use crate::model::{TableClass, TableId, Verdict};
use crate::snapshot::{Case, SnapshotError};

/// Keys named in a finding.
const NAMED: usize = 5;

/// One table's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableComparison {
    /// Table name.
    pub name: String,
    /// Rows before.
    pub before: u64,
    /// Rows to delete.
    pub planned: u64,
    /// Rows after; `None` where the table is gone.
    pub after: Option<u64>,
    /// Planned rows that are still there.
    pub still_there: Vec<String>,
    /// Rows that went without a plan.
    pub gone_unplanned: Vec<String>,
    /// Number of those.
    pub gone_count: u64,
    /// Rows that are new since.
    pub new: u64,
    /// Rows of the later snapshot that are seeded or in review.
    pub suspicious: u64,
}

/// The whole comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The plan.
    pub plan_id: String,
    /// By table, in the order of the earlier snapshot.
    pub tables: Vec<TableComparison>,
    /// Privileged accounts before and after.
    pub privileged: (u64, u64),
    /// What is wrong, one sentence each; empty means pass.
    pub failures: Vec<String>,
}

/// Compares two analysed cases under a plan.
///
/// # Errors
/// Returns what a case file says.
pub fn compare(manifest: &Manifest, before: &Case, after: &Case) -> Result<Comparison, SnapshotError> {
    let mut comparison = Comparison {
        plan_id: manifest.plan_id.clone(),
        tables: Vec::new(),
        privileged: (privileged(before)?, privileged(after)?),
        failures: Vec::new(),
    };
    for info in before.tables() {
        if before.class(info.id)? == TableClass::Leftover {
            continue;
        }
        let planned: HashSet<&String> = manifest
            .tables
            .iter()
            .filter(|t| t.name == info.table.name.name && same_schema(&t.schema, &info.table.name.schema))
            .flat_map(|t| &t.keys)
            .collect();
        let twin = after.tables().iter().find(|t| t.table.name == info.table.name).or_else(|| {
            after
                .tables()
                .iter()
                .find(|t| t.table.name.name == info.table.name.name && same_schema(&t.table.name.schema, &info.table.name.schema))
        });
        comparison.tables.push(table(before, after, info.id, twin.map(|t| t.id), &planned)?);
    }
    for table in &comparison.tables {
        let failures = &mut comparison.failures;
        if table.after.is_none() && table.before > 0 {
            failures.push(format!("{}: the later snapshot has no such table", table.name));
        }
        if !table.still_there.is_empty() {
            failures.push(format!("{}: planned rows are still there: {}", table.name, table.still_there.join(", ")));
        }
        if table.gone_count > 0 {
            failures.push(format!(
                "{}: {} rows are gone that were not planned: {}",
                table.name,
                table.gone_count,
                table.gone_unplanned.join(", ")
            ));
        }
        if table.suspicious > 0 {
            failures.push(format!("{}: {} rows of the later snapshot are seeded or in review", table.name, table.suspicious));
        }
    }
    if comparison.privileged.0 > 0 && comparison.privileged.1 == 0 {
        comparison.failures.push("no privileged account is left".to_owned());
    }
    Ok(comparison)
}

/// An export without schemas matches any.
fn same_schema(a: &str, b: &str) -> bool {
    a == b || a.is_empty() || b.is_empty()
}

fn privileged(case: &Case) -> Result<u64, SnapshotError> {
    let marked = |v: &crate::model::RowVerdict| {
        v.verdict == Verdict::Protected && v.reasons.iter().any(|r| r.detail.starts_with("a privileged account"))
    };
    Ok(case.verdicts()?.iter().filter(|(v, _)| marked(v)).count() as u64)
}

fn keys(case: &Case, table: TableId) -> Result<HashMap<String, u64>, SnapshotError> {
    let mut keys = HashMap::new();
    let info = case.table(table);
    for row in 0..info.rows as u32 {
        let key = if info.key().is_empty() { row_key_json(&case.row(table, row)?) } else { row_key_json(&case.row_key(table, row)?) };
        *keys.entry(key).or_insert(0) += 1;
    }
    Ok(keys)
}

fn table(
    before: &Case,
    after: &Case,
    id: TableId,
    twin: Option<TableId>,
    planned: &HashSet<&String>,
) -> Result<TableComparison, SnapshotError> {
    let info = before.table(id);
    let old = keys(before, id)?;
    let new = twin.map(|t| keys(after, t)).transpose()?.unwrap_or_default();
    let mut still_there: Vec<String> = planned.iter().filter(|k| new.contains_key(**k)).map(|k| (*k).clone()).collect();
    still_there.sort();
    still_there.truncate(NAMED);
    let mut gone: Vec<&String> = old.keys().filter(|k| !new.contains_key(*k) && !planned.contains(k)).collect();
    gone.sort();
    let suspicious = match twin {
        Some(twin) => {
            after.verdicts()?.iter().filter(|(v, _)| v.table == twin && matches!(v.verdict, Verdict::Seeded | Verdict::Review)).count()
                as u64
        }
        None => 0,
    };
    Ok(TableComparison {
        name: info.table.name.to_string(),
        before: info.rows,
        planned: planned.len() as u64,
        after: twin.map(|t| after.table(t).rows),
        still_there,
        gone_count: gone.len() as u64,
        gone_unplanned: gone.into_iter().take(NAMED).cloned().collect(),
        new: new.keys().filter(|k| !old.contains_key(*k)).count() as u64,
        suspicious,
    })
}

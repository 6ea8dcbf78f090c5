//! A later snapshot against the plan: what went as planned, what is still there, what went without a
//! plan, what came new.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::links::{leaves, root};
use super::manifest::{Manifest, ManifestTable};
use crate::model::value::row_key_json;
use crate::model::{QualifiedName, RowVerdict, TableClass, TableId, Verdict};
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
    /// Planned rows that are gone.
    pub removed: u64,
    /// Planned rows that are still there.
    pub still_there: Keys,
    /// Rows that went without a plan.
    pub gone_unplanned: Keys,
    /// Rows that are new since.
    pub new: u64,
    /// Rows that were real or not there, and are seeded or in review in the later snapshot.
    pub contamination: Keys,
    /// Rows that were suspicious, were not planned, and still are.
    pub left: u64,
    /// Surviving rows that should have lost a reference and still have it.
    pub still_refer: Keys,
}

/// A number of rows, the first of them by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// How many.
    pub count: u64,
    /// The first few, JSON arrays of texts.
    pub first: Vec<String>,
}

impl Keys {
    fn add(&mut self, key: &str, count: u64) {
        self.count += count;
        if self.first.len() < NAMED {
            self.first.push(key.to_owned());
        }
    }

    fn shown(&self) -> String {
        let more = if self.count > self.first.len() as u64 { ", .." } else { "" };
        format!("{}{more}", self.first.join(", "))
    }
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
    let (old, new) = (before.verdicts()?, after.verdicts()?);
    let mut comparison = Comparison {
        plan_id: manifest.plan_id.clone(),
        tables: Vec::new(),
        privileged: (privileged(&old), privileged(&new)),
        failures: Vec::new(),
    };
    let (old, new) = (Side { case: before, verdicts: by_row(old) }, Side { case: after, verdicts: by_row(new) });
    for info in before.tables() {
        if before.class(info.id)? == TableClass::Leftover || root(before, info.id) != info.id {
            continue;
        }
        let planned: Vec<&ManifestTable> = manifest.tables.iter().filter(|t| is_named(&info.table.name, &t.schema, &t.name)).collect();
        let twin = find(after, &info.table.name);
        let mut table = table(&old, &new, info.id, twin, &planned)?;
        if let Some(twin) = twin {
            for touch in manifest.touched.iter().filter(|t| is_named(&info.table.name, &t.schema, &t.table)) {
                if still_refers(after, twin, &touch.key, &touch.set_null)? {
                    table.still_refer.add(&touch.key, 1);
                }
            }
        }
        comparison.tables.push(table);
    }
    comparison.failures = failures(&comparison);
    Ok(comparison)
}

fn failures(comparison: &Comparison) -> Vec<String> {
    let mut failures = Vec::new();
    for table in &comparison.tables {
        let name = &table.name;
        if table.after.is_none() && table.before > 0 {
            failures.push(format!("{name}: the later snapshot has no such table"));
            continue;
        }
        let mut say = |keys: &Keys, what: &str| {
            if keys.count > 0 {
                failures.push(format!("{name}: {} {what}: {}", keys.count, keys.shown()));
            }
        };
        say(&table.still_there, "planned rows are still there");
        say(&table.gone_unplanned, "rows are gone that were not planned");
        say(&table.contamination, "rows are new contamination, seeded or in review");
        say(&table.still_refer, "rows still refer to what was planned");
    }
    if comparison.privileged.0 > 0 && comparison.privileged.1 == 0 {
        failures.push("no privileged account is left".to_owned());
    }
    failures
}

/// One of the two snapshots.
struct Side<'a> {
    case: &'a Case,
    verdicts: BTreeMap<(TableId, u32), Verdict>,
}

fn by_row(verdicts: Vec<(RowVerdict, String)>) -> BTreeMap<(TableId, u32), Verdict> {
    verdicts.into_iter().map(|(v, _)| ((v.table, v.row), v.verdict)).collect()
}

/// An export without schemas matches any.
fn is_named(name: &QualifiedName, schema: &str, table: &str) -> bool {
    name.name == table && (name.schema == schema || name.schema.is_empty() || schema.is_empty())
}

fn find(case: &Case, name: &QualifiedName) -> Option<TableId> {
    let exact = case.tables().iter().find(|t| t.table.name == *name);
    exact.or_else(|| case.tables().iter().find(|t| is_named(&t.table.name, &name.schema, &name.name))).map(|t| t.id)
}

fn privileged(verdicts: &[(RowVerdict, String)]) -> u64 {
    let marked = |v: &RowVerdict| v.verdict == Verdict::Protected && v.reasons.iter().any(|r| r.detail.starts_with("a privileged account"));
    verdicts.iter().filter(|(v, _)| marked(v)).count() as u64
}

/// How often a key occurs, and whether one of its rows is suspicious.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    count: u64,
    suspicious: bool,
}

/// Lists a table's rows by key; of a table without one, by all columns.
fn keys(side: &Side<'_>, table: TableId) -> Result<HashMap<String, Seen>, SnapshotError> {
    let mut keys: HashMap<String, Seen> = HashMap::new();
    let whole = side.case.table(table);
    for leaf in leaves(side.case, table) {
        for row in 0..side.case.table(leaf).rows as u32 {
            let key = if whole.key().is_empty() {
                let cells = side.case.row(leaf, row)?;
                let shown: Vec<_> = cells.into_iter().zip(&whole.table.columns).filter(|(_, c)| !c.generated).map(|(v, _)| v).collect();
                row_key_json(&shown)
            } else {
                row_key_json(&side.case.row_key(leaf, row)?)
            };
            let seen = keys.entry(key).or_default();
            seen.count += 1;
            seen.suspicious |= matches!(side.verdicts.get(&(leaf, row)), Some(Verdict::Seeded | Verdict::Review));
        }
    }
    Ok(keys)
}

fn table(
    before: &Side<'_>,
    after: &Side<'_>,
    id: TableId,
    twin: Option<TableId>,
    planned: &[&ManifestTable],
) -> Result<TableComparison, SnapshotError> {
    let old = keys(before, id)?;
    let new = twin.map(|t| keys(after, t)).transpose()?.unwrap_or_default();
    let mut take: HashMap<&str, u64> = HashMap::new();
    for table in planned {
        for (index, key) in table.keys.iter().enumerate() {
            *take.entry(key).or_default() += u64::from(table.copies.get(index).copied().unwrap_or(1));
        }
    }
    let mut found = TableComparison {
        name: before.case.table(id).table.name.to_string(),
        before: old.values().map(|s| s.count).sum(),
        planned: take.values().sum(),
        after: twin.map(|_| new.values().map(|s| s.count).sum()),
        removed: 0,
        still_there: Keys::default(),
        gone_unplanned: Keys::default(),
        new: 0,
        contamination: Keys::default(),
        left: 0,
        still_refer: Keys::default(),
    };
    // Sorted, so that the first keys are the same on every run.
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in all {
        let (was, is) = (old.get(key).copied().unwrap_or_default(), new.get(key).copied().unwrap_or_default());
        let take = take.get(key.as_str()).copied().unwrap_or_default();
        let gone = was.count.saturating_sub(is.count);
        found.removed += gone.min(take);
        if take > gone {
            found.still_there.add(key, take - gone);
        }
        if gone > take {
            found.gone_unplanned.add(key, gone - take);
        }
        found.new += is.count.saturating_sub(was.count);
        if is.suspicious && !was.suspicious {
            found.contamination.add(key, is.count);
        } else if is.suspicious && take == 0 {
            found.left += is.count;
        }
    }
    Ok(found)
}

/// Returns whether a row that should have lost a reference still has it.
fn still_refers(after: &Case, table: TableId, key: &str, set_null: &[String]) -> Result<bool, SnapshotError> {
    let parts: Vec<String> = serde_json::from_str(key).unwrap_or_default();
    for leaf in leaves(after, table) {
        let Some(row) = after.find_row(leaf, &parts)? else { continue };
        let columns: Vec<usize> = set_null.iter().filter_map(|c| after.table(leaf).table.column(c)).collect();
        return Ok(after.cells(leaf, row, &columns)?.iter().any(|v| !v.is_null()));
    }
    Ok(false)
}

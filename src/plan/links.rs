//! Every reference between tables of the snapshot that a delete has to respect: declared, inferred or
//! configured, polymorphic ones too. Rows of a partitioned table lie in its partitions; what refers to
//! the whole refers to those.

use super::PlanError;
use crate::config::{Config, Loaded};
use crate::model::{OnDelete, QualifiedName, Source, TableId};
use crate::profile;
use crate::snapshot::Case;

/// A reference from a child's columns to a parent's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Constraint name; empty where undeclared.
    pub(super) name: String,
    /// Child table, as declared.
    pub(super) child: TableId,
    /// Its columns.
    pub(super) child_columns: Vec<usize>,
    /// Parent table, as declared.
    pub(super) parent: TableId,
    /// Its columns.
    pub(super) parent_columns: Vec<usize>,
    /// Where it was learnt.
    pub(super) source: Source,
    /// What the database does on delete of the parent.
    pub(super) on_delete: OnDelete,
    /// The child's type column and what it holds (a polymorphic reference).
    pub(super) only: Option<(usize, String)>,
}

/// Lists the references, declared ones first.
///
/// # Errors
/// Returns that the stored configuration does not fit the snapshot.
pub(super) fn links(case: &Case) -> Result<Vec<Link>, PlanError> {
    let mut links: Vec<Link> = profile::relations(case)
        .into_iter()
        .map(|relation| {
            let parent = &case.table(relation.parent).table.name;
            let keys = &case.table(relation.child).table.foreign_keys;
            let key = keys.iter().find(|k| k.columns == relation.child_columns && k.parent == *parent);
            Link {
                name: key.map(|k| k.name.clone()).unwrap_or_default(),
                child: relation.child,
                child_columns: relation.child_columns,
                parent: relation.parent,
                parent_columns: relation.parent_columns,
                source: relation.source,
                on_delete: key.map_or(OnDelete::NoAction, |k| k.on_delete),
                only: None,
            }
        })
        .collect();
    // The configuration in force when the case was analysed: what people reviewed follows from it.
    let config: Config = match case.meta("config")? {
        Some(text) => serde_json::from_str(&text).map_err(|e| crate::snapshot::SnapshotError::Damaged(e.to_string()))?,
        None => Config::default(),
    };
    let loaded = Loaded { config, ..Loaded::default() };
    let polymorphic = profile::polymorphic(case, &loaded).map_err(|e| PlanError::Refused(e.to_string()))?;
    links.extend(polymorphic.into_iter().map(|p| Link {
        name: String::new(),
        child: p.relation.child,
        child_columns: p.relation.child_columns,
        parent: p.relation.parent,
        parent_columns: p.relation.parent_columns,
        source: p.relation.source,
        on_delete: p.on_delete,
        only: p.relation.only.map(|only| (only.column, only.value)),
    }));
    Ok(links)
}

/// Returns the partitioned table that a table is a part of at any depth; else the table itself.
pub(super) fn root(case: &Case, table: TableId) -> TableId {
    let mut at = table;
    for _ in 0..case.tables().len() {
        let Some(parent) = case.table(at).table.parent_table.as_ref().and_then(|name| named(case, name)) else { break };
        if !case.table(parent).table.partitioned {
            break;
        }
        at = parent;
    }
    at
}

fn named(case: &Case, name: &QualifiedName) -> Option<TableId> {
    case.tables().iter().find(|t| t.table.name == *name).map(|t| t.id)
}

/// Lists the tables that hold the rows of a table: itself, or its partitions at any depth.
pub(super) fn leaves(case: &Case, table: TableId) -> Vec<TableId> {
    if !case.table(table).table.partitioned {
        return vec![table];
    }
    let is_part = |t: TableId| t != table && !case.table(t).table.partitioned && is_under(case, t, table);
    let mut found: Vec<TableId> = case.tables().iter().map(|t| t.id).filter(|t| is_part(*t)).collect();
    // A dump may load rows through the whole.
    if case.table(table).rows > 0 {
        found.push(table);
    }
    found
}

fn is_under(case: &Case, table: TableId, whole: TableId) -> bool {
    let mut at = table;
    for _ in 0..case.tables().len() {
        match case.table(at).table.parent_table.as_ref().and_then(|name| named(case, name)) {
            Some(parent) if parent == whole => return true,
            Some(parent) => at = parent,
            None => return false,
        }
    }
    false
}

/// Replaces references from and to partitioned tables by those of the partitions, which hold the rows.
pub(super) fn between_rows(case: &Case, links: &[Link]) -> Vec<Link> {
    let mut found = Vec::new();
    for link in links {
        for child in leaves(case, link.child) {
            for parent in leaves(case, link.parent) {
                let columns = |from: TableId, to: TableId, columns: &[usize]| -> Option<Vec<usize>> {
                    columns.iter().map(|c| case.table(to).table.column(&case.table(from).table.columns[*c].name)).collect()
                };
                let (Some(child_columns), Some(parent_columns)) =
                    (columns(link.child, child, &link.child_columns), columns(link.parent, parent, &link.parent_columns))
                else {
                    continue;
                };
                let only = link.only.as_ref().and_then(|(c, value)| {
                    let own = case.table(child).table.column(&case.table(link.child).table.columns[*c].name)?;
                    Some((own, value.clone()))
                });
                if only.is_some() == link.only.is_some() {
                    found.push(Link { child, child_columns, parent, parent_columns, only, ..link.clone() });
                }
            }
        }
    }
    found
}

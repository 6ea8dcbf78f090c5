//! Which approved rows can go: a row stays as long as something that stays refers to it.
//!
//! Source: delete reduction as Jailer does it; what holds a row back is kept and told.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{OnDelete, Row, TableId};
use crate::profile::Relation;
use crate::snapshot::{Case, SnapshotError};

/// A row of a table.
pub(super) type Place = (TableId, Row);

/// A reference from a row to an approved row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    child: Place,
    parent: Place,
    relation: usize,
}

/// What can go, what stays and why, what is touched.
#[derive(Debug, Default)]
pub(super) struct Closure {
    /// Rows that can go.
    pub(super) planned: BTreeSet<Place>,
    /// Approved rows that stay, with the row that holds each back.
    pub(super) held: BTreeMap<Place, Place>,
    /// Surviving rows whose reference is set to NULL, by relation.
    pub(super) touched: BTreeSet<(usize, Place)>,
}

/// Reduces approved rows to those that nothing which stays refers to.
///
/// # Errors
/// Returns what the case file says.
pub(super) fn reduce(
    case: &Case,
    relations: &[(Relation, OnDelete)],
    approved: &BTreeSet<Place>,
    stays: &BTreeSet<Place>,
) -> Result<Closure, SnapshotError> {
    let mut closure = Closure { planned: approved.difference(stays).copied().collect(), ..Closure::default() };
    let edges = edges(case, relations, &closure.planned)?;
    let mut into: BTreeMap<Place, Vec<Edge>> = BTreeMap::new();
    let mut out: BTreeMap<Place, Vec<Edge>> = BTreeMap::new();
    for edge in &edges {
        into.entry(edge.parent).or_default().push(*edge);
        out.entry(edge.child).or_default().push(*edge);
    }
    let mut work: Vec<Place> = closure.planned.iter().copied().collect();
    while let Some(place) = work.pop() {
        if !closure.planned.contains(&place) {
            continue;
        }
        let holds = |e: &&Edge| !closure.planned.contains(&e.child) && !sets_null(case, relations, e);
        let Some(holder) = into.get(&place).and_then(|edges| edges.iter().find(holds)).map(|e| e.child) else { continue };
        closure.planned.remove(&place);
        closure.held.insert(place, holder);
        // It stays now, so whatever it refers to may have to stay too.
        work.extend(out.get(&place).into_iter().flatten().map(|e| e.parent));
    }
    for edge in &edges {
        if closure.planned.contains(&edge.parent) && !closure.planned.contains(&edge.child) {
            closure.touched.insert((edge.relation, edge.child));
        }
    }
    Ok(closure)
}

/// Returns whether the database would set the reference to NULL, and can.
fn sets_null(case: &Case, relations: &[(Relation, OnDelete)], edge: &Edge) -> bool {
    let (relation, action) = &relations[edge.relation];
    let child = &case.table(relation.child).table;
    *action == OnDelete::SetNull && relation.child_columns.iter().all(|c| !child.columns[*c].not_null && !child.columns[*c].generated)
}

/// Lists every reference to one of the rows.
fn edges(case: &Case, relations: &[(Relation, OnDelete)], rows: &BTreeSet<Place>) -> Result<Vec<Edge>, SnapshotError> {
    let mut edges = Vec::new();
    for (index, (relation, _)) in relations.iter().enumerate() {
        let parents = rows.range((relation.parent, 0)..=(relation.parent, Row::MAX));
        for parent in parents {
            let values = case.cells(relation.parent, parent.1, &relation.parent_columns)?;
            // MATCH SIMPLE: a reference with a NULL part refers to nothing, and NULL equals nothing here.
            if values.iter().any(crate::model::Value::is_null) {
                continue;
            }
            for child in case.rows_where(relation.child, &relation.child_columns, &values)? {
                let child = (relation.child, child);
                if child != *parent {
                    edges.push(Edge { child, parent: *parent, relation: index });
                }
            }
        }
    }
    Ok(edges)
}

//! Which approved rows can go: a row stays as long as something that stays refers to it.
//!
//! Source: delete reduction as Jailer does it; what holds a row back is kept and told.

use std::collections::{BTreeMap, BTreeSet};

use super::links::Link;
use crate::cohort::is_guarded_class;
use crate::model::{OnDelete, Row, TableId, Value};
use crate::snapshot::{Case, SnapshotError};

/// A row of a table.
pub(super) type Place = (TableId, Row);

/// A reference from a row to an approved row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The row that refers.
    pub(super) child: Place,
    /// The row that it refers to.
    pub(super) parent: Place,
    /// Index of the link.
    pub(super) link: usize,
}

/// What can go, what stays and why, what is touched.
#[derive(Debug, Default)]
pub(super) struct Closure {
    /// Rows that can go.
    pub(super) planned: BTreeSet<Place>,
    /// Approved rows that stay, with the row that holds each back.
    pub(super) held: BTreeMap<Place, Place>,
    /// Surviving rows whose reference is set to NULL, with the planned row that it means.
    pub(super) touched: BTreeMap<(usize, Place), Place>,
    /// References between planned rows, those of a row to itself among them.
    pub(super) inner: Vec<Edge>,
}

/// Reduces approved rows to those that nothing which stays refers to. `named` are the tables that an
/// approval names: rows of other money and audit tables are not changed either.
///
/// # Errors
/// Returns what the case file says.
pub(super) fn reduce(
    case: &Case,
    links: &[Link],
    approved: &BTreeSet<Place>,
    stays: &BTreeSet<Place>,
    named: &BTreeSet<TableId>,
) -> Result<Closure, SnapshotError> {
    let mut closure = Closure { planned: approved.difference(stays).copied().collect(), ..Closure::default() };
    let edges = edges(case, links, &closure.planned)?;
    let nulls = links.iter().map(|link| sets_null(case, link, named)).collect::<Result<Vec<bool>, _>>()?;
    let mut into: BTreeMap<Place, Vec<Edge>> = BTreeMap::new();
    let mut out: BTreeMap<Place, Vec<Edge>> = BTreeMap::new();
    for edge in edges.iter().filter(|e| e.child != e.parent) {
        into.entry(edge.parent).or_default().push(*edge);
        out.entry(edge.child).or_default().push(*edge);
    }
    let mut work: Vec<Place> = closure.planned.iter().copied().collect();
    while let Some(place) = work.pop() {
        if !closure.planned.contains(&place) {
            continue;
        }
        let holds = |e: &&Edge| !closure.planned.contains(&e.child) && !nulls[e.link];
        let Some(holder) = into.get(&place).and_then(|edges| edges.iter().find(holds)).map(|e| e.child) else { continue };
        closure.planned.remove(&place);
        closure.held.insert(place, holder);
        // It stays now, so whatever it refers to may have to stay too.
        work.extend(out.get(&place).into_iter().flatten().map(|e| e.parent));
    }
    for edge in edges {
        match (closure.planned.contains(&edge.child), closure.planned.contains(&edge.parent)) {
            (true, true) => closure.inner.push(edge),
            (false, true) => {
                closure.touched.insert((edge.link, edge.child), edge.parent);
            }
            _ => {}
        }
    }
    Ok(closure)
}

/// Returns whether the database would set the reference to NULL, and may: the columns take NULL, the row
/// can be named, and a money or audit table was named by an approval.
fn sets_null(case: &Case, link: &Link, named: &BTreeSet<TableId>) -> Result<bool, SnapshotError> {
    let child = case.table(link.child);
    let free = |c: &usize| !child.table.columns[*c].not_null && !child.table.columns[*c].generated && !child.key().contains(c);
    let allowed = !is_guarded_class(case.class(link.child)?) || named.contains(&link.child);
    Ok(link.on_delete == OnDelete::SetNull && allowed && !child.key().is_empty() && link.child_columns.iter().all(free))
}

/// Lists every reference to one of the rows.
fn edges(case: &Case, links: &[Link], rows: &BTreeSet<Place>) -> Result<Vec<Edge>, SnapshotError> {
    let mut edges = Vec::new();
    for (index, link) in links.iter().enumerate() {
        for parent in rows.range((link.parent, 0)..=(link.parent, Row::MAX)) {
            let values = case.cells(link.parent, parent.1, &link.parent_columns)?;
            // MATCH SIMPLE: a reference with a NULL part refers to nothing, and NULL equals nothing here.
            if values.iter().any(Value::is_null) {
                continue;
            }
            for child in children(case, link, values)? {
                edges.push(Edge { child: (link.child, child), parent: *parent, link: index });
            }
        }
    }
    Ok(edges)
}

/// Lists the child rows that refer to a parent with these values.
fn children(case: &Case, link: &Link, values: Vec<Value>) -> Result<Vec<Row>, SnapshotError> {
    let mut found = case.rows_where(link.child, &link.child_columns, &values)?;
    // Without a foreign key the two sides may have different types: a number may be stored as text.
    if let ([Value::Integer(n)], false) = (values.as_slice(), link.source == crate::model::Source::Declared) {
        found.extend(case.rows_where(link.child, &link.child_columns, &[Value::Text(n.to_string())])?);
    }
    if let Some((column, wanted)) = &link.only {
        let mut kept = Vec::new();
        for row in found {
            let cell = case.cells(link.child, row, &[*column])?;
            if cell[0].key_text().is_some_and(|text| text == wanted.as_str()) {
                kept.push(row);
            }
        }
        found = kept;
    }
    Ok(found)
}

/// Lists references from planned rows to rows that stay.
///
/// # Errors
/// Returns what the case file says.
pub(super) fn outer(case: &Case, links: &[Link], planned: &BTreeSet<Place>) -> Result<Vec<Edge>, SnapshotError> {
    let mut found = Vec::new();
    for (index, link) in links.iter().enumerate() {
        for child in planned.range((link.child, 0)..=(link.child, Row::MAX)) {
            let values = case.cells(link.child, child.1, &link.child_columns)?;
            if values.iter().any(Value::is_null) {
                continue;
            }
            for parent in case.rows_where(link.parent, &link.parent_columns, &values)? {
                if !planned.contains(&(link.parent, parent)) {
                    found.push(Edge { child: *child, parent: (link.parent, parent), link: index });
                }
            }
        }
    }
    Ok(found)
}

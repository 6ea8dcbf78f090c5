//! The plan's tables with their rows, the relations that point at them, and the surviving rows that
//! lose a reference.

use std::collections::{BTreeMap, BTreeSet};

use super::PlanError;
use super::build::{Graph, Options, production_name};
use super::circles::Order;
use super::closure::Place;
use super::links::{Link, leaves, root};
use crate::model::plan::{PlanCondition, PlanRelation, PlanRow, PlanTable, PlanTouch};
use crate::model::{Role, Table, TableId, Value};
use crate::snapshot::Case;

/// Gathers the planned rows of a table; of a partitioned one, from all its partitions.
pub(super) fn table(case: &Case, options: &Options, graph: &Graph, order: &Order, id: TableId) -> Result<PlanTable, PlanError> {
    let info = case.table(id);
    let roles = case.roles(id)?;
    let key = info.key().to_vec();
    let opens = opens(case, graph, order, id);
    let mut rows = Vec::new();
    for leaf in leaves(case, id) {
        for place in graph.closure.planned.range((leaf, 0)..=(leaf, u32::MAX)) {
            rows.push(PlanRow { values: values(case, id, *place)?, ..row(order, &opens, graph, *place) });
        }
    }
    if key.is_empty() {
        rows = grouped(case, id, rows)?;
    } else {
        rows.sort_by_cached_key(|r| sort_key(&key, &r.values));
    }
    // A table's partitions hold its rows: the whole has as many as they have together.
    let snapshot_rows = leaves(case, id).iter().map(|t| case.table(*t).rows).sum();
    let partitions = if info.table.partitioned { parts(case, options, id) } else { Vec::new() };
    Ok(PlanTable {
        table: id,
        name: production_name(case, options, id),
        class: case.class(id)?,
        columns: info.table.columns.clone(),
        reviewed: (0..info.table.columns.len()).filter(|c| !info.table.columns[*c].generated).collect(),
        activity: (0..roles.len()).filter(|c| matches!(roles[*c], Role::UpdatedAt | Role::ActivityAt)).collect(),
        key,
        hooks: info.table.hooks.clone(),
        declared: info.declared && info.table.columns.iter().all(|c| !c.type_text.is_empty()),
        partitions,
        storage_engine: info.table.storage_engine.clone(),
        opens,
        snapshot_rows,
        rows,
    })
}

fn parts(case: &Case, options: &Options, id: TableId) -> Vec<crate::model::QualifiedName> {
    case.tables().iter().filter(|t| t.id != id && root(case, t.id) == id).map(|t| production_name(case, options, t.id)).collect()
}

/// Lists the sets of columns that are set to NULL first in some row of a table.
fn opens(case: &Case, graph: &Graph, order: &Order, id: TableId) -> Vec<Vec<usize>> {
    let links: BTreeSet<usize> = order.opened.iter().filter(|(p, _)| root(case, p.0) == id).flat_map(|(_, l)| l.iter().copied()).collect();
    let columns: BTreeSet<Vec<usize>> = links.into_iter().map(|l| graph.links[l].child_columns.clone()).collect();
    columns.into_iter().collect()
}

fn row(order: &Order, opens: &[Vec<usize>], graph: &Graph, place: Place) -> PlanRow {
    let mut bits = 0;
    for link in order.opened.get(&place).into_iter().flatten() {
        if let Some(bit) = opens.iter().position(|c| *c == graph.links[*link].child_columns) {
            bits |= 1 << bit;
        }
    }
    PlanRow {
        place,
        values: Vec::new(),
        cluster: order.clusters.get(&place).copied().unwrap_or_default(),
        level: order.levels.get(&place).copied().unwrap_or_default(),
        opens: bits,
        take: 1,
        of: 1,
    }
}

/// Reads a row in the order of the whole table's columns; a partition may have another.
fn values(case: &Case, whole: TableId, place: Place) -> Result<Vec<Value>, PlanError> {
    let cells = case.row(place.0, place.1)?;
    if place.0 == whole {
        return Ok(cells);
    }
    let own = &case.table(place.0).table;
    let by_name = |name: &str| own.column(name).map_or(Value::Null, |c| cells[c].clone());
    Ok(case.table(whole).table.columns.iter().map(|c| by_name(&c.name)).collect())
}

fn sort_key(key: &[usize], values: &[Value]) -> Vec<(Option<i64>, String)> {
    let part = |value: &Value| {
        let number = if let Value::Integer(n) = value { Some(*n) } else { None };
        (number, value.key_text().unwrap_or_default().into_owned())
    };
    key.iter().map(|c| part(&values[*c])).collect()
}

/// Joins equal rows of a table without a key, and counts their like in the snapshot.
fn grouped(case: &Case, id: TableId, rows: Vec<PlanRow>) -> Result<Vec<PlanRow>, PlanError> {
    let reviewed: Vec<usize> = (0..case.table(id).table.columns.len()).filter(|c| !case.table(id).table.columns[*c].generated).collect();
    let tag = |values: &[Value]| reviewed.iter().map(|c| format!("{:?}", values[*c])).collect::<Vec<_>>().join("\u{1f}");
    let mut groups: BTreeMap<String, PlanRow> = BTreeMap::new();
    for row in rows {
        groups.entry(tag(&row.values)).and_modify(|r| r.take += 1).or_insert(row);
    }
    let mut counts: BTreeMap<&String, u32> = groups.keys().map(|k| (k, 0)).collect();
    for leaf in leaves(case, id) {
        for ordinal in 0..case.table(leaf).rows as u32 {
            if let Some(count) = counts.get_mut(&tag(&values(case, id, (leaf, ordinal))?)) {
                *count += 1;
            }
        }
    }
    let counts: Vec<u32> = counts.into_values().collect();
    Ok(groups.into_values().zip(counts).map(|(row, of)| PlanRow { of, ..row }).collect())
}

/// Lists the relations that point at a planned table.
pub(super) fn relations(
    case: &Case,
    options: &Options,
    links: &[Link],
    planned: &BTreeSet<TableId>,
) -> Result<Vec<PlanRelation>, PlanError> {
    let mut found = Vec::new();
    for link in links.iter().filter(|l| planned.contains(&root(case, l.parent))) {
        let child = &case.table(link.child).table;
        let parent = &case.table(link.parent).table;
        let names = |table: &Table, columns: &[usize]| columns.iter().map(|c| table.columns[*c].name.clone()).collect();
        let types = |table: &Table, columns: &[usize]| -> Vec<String> {
            columns.iter().map(|c| table.columns[*c].type_text.to_ascii_lowercase()).collect()
        };
        found.push(PlanRelation {
            name: link.name.clone(),
            child: production_name(case, options, link.child),
            child_columns: names(child, &link.child_columns),
            parent: production_name(case, options, link.parent),
            parent_columns: names(parent, &link.parent_columns),
            on_delete: link.on_delete,
            source: link.source,
            indexed: child.indexes.iter().any(|i| i.starts_with(&link.child_columns)),
            same_types: types(child, &link.child_columns) == types(parent, &link.parent_columns),
            only: link
                .only
                .as_ref()
                .map(|(column, value)| PlanCondition { column: child.columns[*column].name.clone(), value: value.clone() }),
        });
    }
    found.sort_by(|a, b| (&a.child, &a.child_columns, &a.parent).cmp(&(&b.child, &b.child_columns, &b.parent)));
    Ok(found)
}

/// Lists the surviving rows that lose a reference, by relation.
pub(super) fn touches(case: &Case, options: &Options, graph: &Graph, order: &Order) -> Result<Vec<PlanTouch>, PlanError> {
    // By whole table, columns and link: the surviving row and the planned one that it refers to.
    type Found = BTreeMap<(TableId, Vec<usize>, usize), Vec<(Place, Place)>>;
    let mut by_link: Found = BTreeMap::new();
    for ((link, place), parent) in &graph.closure.touched {
        let (whole, columns) = (root(case, place.0), graph.links[*link].child_columns.clone());
        by_link.entry((whole, columns, *link)).or_default().push((*place, *parent));
    }
    let mut touched = Vec::new();
    for ((whole, _, link), places) in by_link {
        let info = case.table(whole);
        let own = &case.table(graph.links[link].child).table;
        let set_null = graph.links[link].child_columns.iter().filter_map(|c| info.table.column(&own.columns[*c].name)).collect();
        let mut rows = Vec::new();
        for (place, parent) in places {
            let cluster = order.clusters.get(&parent).copied().unwrap_or_default();
            rows.push(PlanRow { place, values: values(case, whole, place)?, cluster, level: 0, opens: 0, take: 1, of: 1 });
        }
        touched.push(PlanTouch {
            name: production_name(case, options, whole),
            columns: info.table.columns.clone(),
            key: info.key().to_vec(),
            set_null,
            hooks: info.table.hooks.clone(),
            storage_engine: info.table.storage_engine.clone(),
            rows,
        });
    }
    Ok(touched)
}

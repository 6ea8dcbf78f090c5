//! The foreign-key graph of the tables that a deletion touches: levels, order, what is watched.

use std::collections::BTreeSet;

use crate::model::TableId;
use crate::snapshot::Case;

use super::model::{Edge, Graph, Node, TableReport};
use super::redact::visible;
use super::tally::Watched;

/// Tables that are drawn; more are a list that nobody reads as a picture.
const DRAWN: usize = 40;

/// Lays out the tables that lose rows, those that refer to them and those that they refer to.
pub(super) fn graph(case: &Case, tables: &[TableReport]) -> (Graph, Vec<Watched>) {
    let infos = case.tables();
    let relations: Vec<(usize, usize, usize)> = infos
        .iter()
        .enumerate()
        .flat_map(|(child, info)| {
            info.table.foreign_keys.iter().enumerate().filter_map(move |(key, relation)| {
                let parent = infos.iter().position(|t| t.table.name == relation.parent)?;
                Some((child, parent, key))
            })
        })
        .collect();
    let touched = |i: usize| tables[i].seeded + tables[i].review > 0;
    let mut drawn: BTreeSet<usize> = (0..tables.len()).filter(|i| touched(*i)).collect();
    for (child, parent, _) in &relations {
        if touched(*child) || touched(*parent) {
            drawn.extend([*child, *parent]);
        }
    }
    if !(0..tables.len()).any(touched) {
        drawn.clear();
    }
    let wanted = drawn.len();
    // Tables that lose rows come first where not all can be drawn.
    let mut chosen: Vec<usize> = drawn.into_iter().collect();
    chosen.sort_by_key(|i| (!touched(*i), *i));
    chosen.truncate(DRAWN);
    let relations: Vec<(usize, usize, usize)> =
        relations.into_iter().filter(|(child, parent, _)| chosen.contains(child) && chosen.contains(parent)).collect();
    let levels = levels(&chosen, &relations);
    let mut placed: Vec<(usize, usize)> = chosen.iter().copied().zip(levels).collect();
    placed.sort_by_key(|(table, level)| (*level, *table));
    let mut next = 0;
    let nodes: Vec<Node> = placed
        .iter()
        .map(|(index, level)| {
            let table = &tables[*index];
            let goes = table.seeded + table.review > 0;
            next += usize::from(goes);
            Node {
                name: table.name.clone(),
                rows: table.rows,
                seeded: table.seeded,
                review: table.review,
                level: *level,
                order: goes.then_some(next),
                circle: relations.iter().any(|r| r.0 == *index && reaches(r.1, *index, &relations)),
            }
        })
        .collect();
    let place = |table: usize| placed.iter().position(|p| p.0 == table);
    let mut edges = Vec::new();
    let mut watched = Vec::new();
    for (child, parent, key) in &relations {
        let (Some(from), Some(to)) = (place(*child), place(*parent)) else { continue };
        let info = &infos[*child];
        let relation = &info.table.foreign_keys[*key];
        let names: Vec<String> = relation.columns.iter().map(|c| visible(&info.table.columns[*c].name)).collect();
        // What is held back is counted for relations of one column; others say nothing rather than a guess.
        let parent_column = match relation.parent_columns.as_slice() {
            [] => Some(infos[*parent].key()).filter(|k| k.len() == 1).map(|k| k[0]),
            [name] => infos[*parent].table.column(name),
            _ => None,
        };
        if let (Some(parent_column), [column], true) = (parent_column, relation.columns.as_slice(), tables[*parent].seeded > 0) {
            watched.push(Watched {
                child: TableId(*child as u32),
                column: *column,
                parent: TableId(*parent as u32),
                parent_column,
                edge: edges.len(),
            });
        }
        edges.push(Edge {
            child: from,
            parent: to,
            columns: names.join(", "),
            on_delete: relation.on_delete,
            declared: relation.source == crate::model::Source::Declared,
            holding: 0,
        });
    }
    (Graph { nodes, edges, left_out: wanted - chosen.len() }, watched)
}

/// Gives each table the number of relations on the longest way from a table that nothing refers to;
/// the tables of a circle share a level.
fn levels(tables: &[usize], relations: &[(usize, usize, usize)]) -> Vec<usize> {
    let mut levels = vec![0; tables.len()];
    let place = |table: usize| tables.iter().position(|t| *t == table);
    let edges: Vec<(usize, usize, bool)> = relations
        .iter()
        .filter(|(child, parent, _)| child != parent)
        .filter_map(|(child, parent, _)| Some((place(*child)?, place(*parent)?, reaches(*parent, *child, relations))))
        .collect();
    // A level can rise once a table at most.
    for _ in 0..tables.len() {
        for (child, parent, circle) in &edges {
            levels[*parent] = levels[*parent].max(levels[*child] + usize::from(!circle));
            if *circle {
                levels[*child] = levels[*parent];
            }
        }
    }
    levels
}

fn reaches(from: usize, to: usize, relations: &[(usize, usize, usize)]) -> bool {
    let mut seen = BTreeSet::new();
    let mut work = vec![from];
    while let Some(table) = work.pop() {
        if table == to {
            return true;
        }
        if seen.insert(table) {
            work.extend(relations.iter().filter(|r| r.0 == table).map(|r| r.1));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_stand_left_of_their_parents() {
        let relations = [(0, 1, 0), (1, 2, 0), (0, 2, 1)];
        assert_eq!(levels(&[0, 1, 2], &relations), [0, 1, 2]);
    }

    #[test]
    fn circles_share_a_level() {
        let relations = [(0, 1, 0), (1, 0, 0), (2, 0, 0), (1, 3, 1), (3, 3, 0)];
        assert_eq!(levels(&[0, 1, 2, 3], &relations), [1, 1, 0, 2]);
    }
}

//! The order of tables: children before parents; tables that refer to each other in a circle go together.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::TableId;

/// Orders tables so that every child comes before its parents. Each group holds one table, or the
/// tables of a circle. Ties go by ordinal.
///
/// Source: Tarjan's strongly connected components, which come out parents last when edges run from
/// child to parent reversed.
pub(super) fn children_first(tables: &BTreeSet<TableId>, edges: &BTreeSet<(TableId, TableId)>) -> Vec<Vec<TableId>> {
    let mut parents: BTreeMap<TableId, Vec<TableId>> = BTreeMap::new();
    for (child, parent) in edges.iter().filter(|(c, p)| tables.contains(c) && tables.contains(p)) {
        parents.entry(*child).or_default().push(*parent);
    }
    let mut tarjan = Tarjan { parents: &parents, index: BTreeMap::new(), low: BTreeMap::new(), stack: Vec::new(), groups: Vec::new() };
    for table in tables {
        if !tarjan.index.contains_key(table) {
            tarjan.visit(*table);
        }
    }
    // A group is complete only after all its parents: reversed, children come first.
    tarjan.groups.reverse();
    tarjan.groups
}

struct Tarjan<'a> {
    parents: &'a BTreeMap<TableId, Vec<TableId>>,
    index: BTreeMap<TableId, usize>,
    low: BTreeMap<TableId, usize>,
    stack: Vec<TableId>,
    groups: Vec<Vec<TableId>>,
}

impl Tarjan<'_> {
    fn visit(&mut self, table: TableId) {
        let number = self.index.len();
        self.index.insert(table, number);
        self.low.insert(table, number);
        self.stack.push(table);
        for parent in self.parents.get(&table).cloned().unwrap_or_default() {
            let reach = if !self.index.contains_key(&parent) {
                self.visit(parent);
                self.low[&parent]
            } else if self.stack.contains(&parent) {
                self.index[&parent]
            } else {
                continue;
            };
            let low = self.low[&table].min(reach);
            self.low.insert(table, low);
        }
        if self.low[&table] == number {
            let start = self.stack.iter().position(|t| *t == table).unwrap_or_default();
            let mut group = self.stack.split_off(start);
            group.sort_unstable();
            self.groups.push(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(tables: u32, edges: &[(u32, u32)]) -> Vec<Vec<u32>> {
        let tables = (0..tables).map(TableId).collect();
        let edges = edges.iter().map(|(c, p)| (TableId(*c), TableId(*p))).collect();
        children_first(&tables, &edges).into_iter().map(|g| g.into_iter().map(|t| t.0).collect()).collect()
    }

    #[test]
    fn children_come_first() {
        assert_eq!(order(3, &[(1, 0), (2, 1)]), [vec![2], vec![1], vec![0]]);
        let diamond = order(4, &[(1, 0), (2, 0), (3, 1), (3, 2)]);
        assert_eq!(diamond.first(), Some(&vec![3]));
        assert_eq!(diamond.last(), Some(&vec![0]));
    }

    #[test]
    fn circles_go_together() {
        assert_eq!(order(3, &[(0, 1), (1, 0), (2, 0)]), [vec![2], vec![0, 1]]);
        assert_eq!(order(1, &[(0, 0)]), [vec![0]]);
    }
}

//! The order of rows: which belong together, in which steps an engine that checks foreign keys row by
//! row can delete them, and which references must be set to NULL first because rows refer to each
//! other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{Edge, Place};

/// What is known of the planned rows' order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Number of the cluster by row; rows that refer to each other, at any distance, share one.
    pub(super) clusters: BTreeMap<Place, u32>,
    /// Step by row, from 0: after all rows that refer to it. Rows that are not listed go at step 0.
    pub(super) levels: BTreeMap<Place, u32>,
    /// Links to set to NULL first, by row.
    pub(super) opened: BTreeMap<Place, BTreeSet<usize>>,
    /// Circles that no reference which may be NULL opens: the rows of each.
    pub(super) closed: Vec<Vec<Place>>,
}

/// Orders the rows. `same_group` says whether a link lies within one group of tables that refer to each
/// other in a circle: only there does the order of tables not give the order of rows. `nullable` says
/// whether a link's columns take NULL.
pub(super) fn order(
    planned: &BTreeSet<Place>,
    edges: &[Edge],
    same_group: impl Fn(usize) -> bool,
    nullable: impl Fn(usize) -> bool,
) -> Order {
    let places: Vec<Place> = planned.iter().copied().collect();
    let index_of: BTreeMap<Place, usize> = places.iter().enumerate().map(|(i, p)| (*p, i)).collect();
    let mut order = Order::default();
    let clusters = clusters(places.len(), edges.iter().map(|e| (index_of[&e.child], index_of[&e.parent])));
    order.clusters = places.iter().copied().zip(clusters).collect();
    let mut inner: Vec<Inner> = edges
        .iter()
        .filter(|e| same_group(e.link))
        .map(|e| Inner { child: index_of[&e.child], parent: index_of[&e.parent], link: e.link })
        .collect();
    let mut refused: BTreeSet<usize> = BTreeSet::new();
    loop {
        let knots = knots(places.len(), &inner);
        let mut opened_any = false;
        for knot in knots {
            if knot.iter().any(|i| refused.contains(i)) {
                continue;
            }
            let members: BTreeSet<usize> = knot.iter().copied().collect();
            let within = |e: &&Inner| members.contains(&e.child) && members.contains(&e.parent);
            let link = inner.iter().filter(within).map(|e| e.link).filter(|l| nullable(*l)).min();
            let Some(link) = link else {
                order.closed.push(circle(&inner, &members).into_iter().map(|i| places[i]).collect());
                refused.extend(members);
                continue;
            };
            for edge in inner.iter().filter(within).filter(|e| e.link == link) {
                order.opened.entry(places[edge.child]).or_default().insert(link);
            }
            inner.retain(|e| e.link != link || !members.contains(&e.child) || !members.contains(&e.parent));
            opened_any = true;
        }
        if !opened_any {
            break;
        }
    }
    // A reference that is NULL by now refers to nothing, wherever the row stands.
    let levels = levels(places.len(), &inner, &refused);
    order.levels = places.iter().copied().zip(levels).filter(|(_, level)| *level > 0).collect();
    order
}

#[derive(Clone, Copy, Debug)]
struct Inner {
    child: usize,
    parent: usize,
    link: usize,
}

/// Numbers connected components, in the order of their first member.
fn clusters(count: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<u32> {
    let mut above: Vec<usize> = (0..count).collect();
    fn top(above: &mut [usize], mut at: usize) -> usize {
        while above[at] != at {
            above[at] = above[above[at]];
            at = above[at];
        }
        at
    }
    for (a, b) in edges {
        let (a, b) = (top(&mut above, a), top(&mut above, b));
        // The smaller index stays on top, so that numbers follow the rows' order.
        above[a.max(b)] = a.min(b);
    }
    let mut numbers: BTreeMap<usize, u32> = BTreeMap::new();
    (0..count)
        .map(|i| {
            let next = numbers.len() as u32;
            *numbers.entry(top(&mut above, i)).or_insert(next)
        })
        .collect()
}

/// Lists the sets of rows that refer to each other in circles: strongly connected components of more
/// than one row, and rows that refer to themselves.
///
/// Source: Tarjan's algorithm, with a stack of its own: chains of rows may be as long as a table.
fn knots(count: usize, edges: &[Inner]) -> Vec<Vec<usize>> {
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut to_itself = vec![false; count];
    for edge in edges {
        parents[edge.child].push(edge.parent);
        to_itself[edge.child] |= edge.child == edge.parent;
    }
    const NEW: usize = usize::MAX;
    let (mut number, mut low, mut on_stack) = (vec![NEW; count], vec![0; count], vec![false; count]);
    let (mut stack, mut next, mut found) = (Vec::new(), 0, Vec::new());
    for start in 0..count {
        if number[start] != NEW || parents[start].is_empty() {
            continue;
        }
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((at, child)) = path.last_mut() {
            let at = *at;
            if *child == 0 && number[at] == NEW {
                number[at] = next;
                low[at] = next;
                next += 1;
                stack.push(at);
                on_stack[at] = true;
            }
            if let Some(parent) = parents[at].get(*child).copied() {
                *child += 1;
                if number[parent] == NEW {
                    path.push((parent, 0));
                } else if on_stack[parent] {
                    low[at] = low[at].min(number[parent]);
                }
                continue;
            }
            path.pop();
            if let Some((above, _)) = path.last() {
                low[*above] = low[*above].min(low[at]);
            }
            if low[at] == number[at] {
                let from = stack.iter().rposition(|i| *i == at).unwrap_or_default();
                let mut knot = stack.split_off(from);
                for member in &knot {
                    on_stack[*member] = false;
                }
                if knot.len() > 1 || to_itself[at] {
                    knot.sort_unstable();
                    found.push(knot);
                }
            }
        }
    }
    found.sort();
    found
}

/// Follows references from the first row of a knot until a row comes again.
fn circle(edges: &[Inner], members: &BTreeSet<usize>) -> Vec<usize> {
    let mut walk: Vec<usize> = Vec::new();
    let mut at = members.first().copied().unwrap_or_default();
    while !walk.contains(&at) {
        walk.push(at);
        let next = edges.iter().find(|e| e.child == at && members.contains(&e.parent)).map(|e| e.parent);
        at = next.unwrap_or(at);
    }
    let from = walk.iter().position(|i| *i == at).unwrap_or_default();
    let mut found = walk.split_off(from);
    found.push(at);
    found
}

/// Gives each row the step after all rows that refer to it; rows in `skipped` are left out.
fn levels(count: usize, edges: &[Inner], skipped: &BTreeSet<usize>) -> Vec<u32> {
    let mut waits = vec![0_u32; count];
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); count];
    for edge in edges.iter().filter(|e| !skipped.contains(&e.child) && !skipped.contains(&e.parent)) {
        waits[edge.parent] += 1;
        parents[edge.child].push(edge.parent);
    }
    let mut level = vec![0_u32; count];
    let mut ready: Vec<usize> = (0..count).filter(|i| waits[*i] == 0).collect();
    while let Some(at) = ready.pop() {
        for parent in &parents[at] {
            level[*parent] = level[*parent].max(level[at] + 1);
            waits[*parent] -= 1;
            if waits[*parent] == 0 {
                ready.push(*parent);
            }
        }
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableId;

    fn ordered(rows: u32, edges: &[(u32, u32, usize)], nullable: &[usize]) -> Order {
        let place = |row: u32| (TableId(0), row);
        let planned = (0..rows).map(place).collect();
        let edges: Vec<Edge> = edges.iter().map(|(c, p, l)| Edge { child: place(*c), parent: place(*p), link: *l }).collect();
        order(&planned, &edges, |_| true, |l| nullable.contains(&l))
    }

    fn level(order: &Order, row: u32) -> u32 {
        order.levels.get(&(TableId(0), row)).copied().unwrap_or(0)
    }

    #[test]
    fn a_chain_goes_leaf_first() {
        let found = ordered(4, &[(0, 1, 0), (1, 2, 0), (3, 2, 0)], &[]);
        assert_eq!((level(&found, 0), level(&found, 1), level(&found, 2), level(&found, 3)), (0, 1, 2, 0));
        assert!(found.opened.is_empty() && found.closed.is_empty());
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let edges: Vec<(u32, u32, usize)> = (0..200_000).map(|i| (i, i + 1, 0)).collect();
        assert_eq!(level(&ordered(200_001, &edges, &[]), 200_000), 200_000);
    }

    #[test]
    fn circles_open_where_a_reference_may_be_null() {
        let found = ordered(3, &[(0, 1, 0), (1, 2, 1), (2, 0, 2)], &[1]);
        assert_eq!(found.opened, BTreeMap::from([((TableId(0), 1), BTreeSet::from([1]))]));
        assert!(found.closed.is_empty());
        // 2 refers to 0, 0 to 1; nothing refers to 2 any more.
        assert_eq!((level(&found, 2), level(&found, 0), level(&found, 1)), (0, 1, 2));
        let stuck = ordered(2, &[(0, 1, 0), (1, 0, 1)], &[]);
        assert_eq!(stuck.closed, [vec![(TableId(0), 0), (TableId(0), 1), (TableId(0), 0)]]);
        let itself = ordered(1, &[(0, 0, 0)], &[0]);
        assert_eq!(itself.opened.len(), 1);
        assert_eq!(ordered(1, &[(0, 0, 0)], &[]).closed.len(), 1);
    }

    #[test]
    fn clusters_are_connected_rows() {
        let found = ordered(5, &[(3, 0, 0), (4, 3, 0)], &[]);
        let numbers: Vec<u32> = (0..5).map(|r| found.clusters[&(TableId(0), r)]).collect();
        assert_eq!(numbers, [0, 1, 2, 0, 0]);
    }
}

//! Proposals: rows that may have come from one run. Each is judged alone; none is merged before.

use std::collections::BTreeMap;

use super::listed::native_share;
use super::scores::Proposal;
use super::table::{CLOSURE_FLOOR, SHIPPED_CLOSURE, Table, VALUE_FAMILIES};
use crate::detect::Closure;
use crate::model::{Bits, Certainty, Family, Row};
use crate::parallel;
use crate::segments::{Segment, maximal, maximal_of_each};

/// What a row without any fact takes off a segment's score, bits.
const EMPTY: f64 = -1.5;

/// Score that a segment of summed bits needs, beyond what as many rows could have given by chance.
const SEGMENT: f64 = 10.0;

/// Fewest rows of a list before its segments are looked for.
const LEAST_HITS: usize = 4;

/// Lists whose segments are looked for in one pass.
const TOGETHER: usize = 4;

/// Segments kept for each kind of score.
const MOST: usize = 40;

/// Lists the proposals of a table: groups that facts put together, and segments of the order.
pub(super) fn all(table: &Table<'_>) -> Vec<Proposal> {
    let mut proposals = table.scores.proposals(table.id).to_vec();
    proposals.extend(of_bits(table));
    proposals.extend(of_closures(table));
    proposals.extend(of_owners(table));
    proposals.sort_by(|a, b| a.rows.cmp(&b.rows).then_with(|| a.detector.cmp(b.detector)));
    proposals.dedup_by(|a, b| a.rows == b.rows && a.family == b.family);
    proposals
}

/// Segments of the sum of the families that a seed's author decides.
fn of_bits(table: &Table<'_>) -> Vec<Proposal> {
    if table.order.is_empty() {
        return Vec::new();
    }
    let families = [VALUE_FAMILIES.as_slice(), &[Family::Human, Family::Clock]].concat();
    let sums = table.scores.sums(table.id, table.rows(), &families);
    let score = |row: Row| match sums[row as usize] {
        0 => EMPTY,
        hundredths => Bits::from_hundredths(hundredths.into()).get().min(12.0),
    };
    let least = SEGMENT + (table.rows() as f64).log2();
    let found = best(maximal(table.order.iter().map(score), least));
    let detail = "follow each other in the order of insertion";
    found.into_iter().map(|segment| proposal(table, segment, "segment", Family::Time, detail)).collect()
}

/// Segments of each list that holds enough rows.
fn of_closures(table: &Table<'_>) -> Vec<Proposal> {
    let mut found: Vec<(&Closure, usize, Segment)> = Vec::new();
    for (closure, (applicable, hits)) in table.closures.iter().zip(&table.totals) {
        let sets = closure.numbered(table.order.iter());
        let least = SEGMENT + ((table.rows() * closure.titles.len()) as f64).log2();
        // Many lists of one language hold the same of the table's names: they share their segments.
        let mut alike: BTreeMap<(Vec<u64>, u64), usize> = BTreeMap::new();
        let mut distinct: Vec<(usize, f64)> = Vec::new();
        let mut lists: Vec<(usize, usize)> = Vec::new();
        for (list, hits) in hits.iter().copied().enumerate().filter(|(_, h)| *h >= LEAST_HITS) {
            let real = real_share(hits as f64 / *applicable as f64, &closure.titles[list]);
            let place = *alike.entry((closure.sets_with(list), real.to_bits())).or_insert(distinct.len());
            if place == distinct.len() {
                distinct.push((list, real));
            }
            lists.push((list, place));
        }
        let of_lists = |lists: &&[(usize, f64)]| {
            let mut of_set = vec![[0.0; TOGETHER]; closure.different() + 1];
            for (place, (list, real)) in lists.iter().enumerate() {
                let scores = closure.scores(*list, -0.2, (0.95 / real).log2(), (0.05 / (1.0 - real)).log2());
                of_set.iter_mut().zip(scores).for_each(|(of_set, score)| of_set[place] = score);
            }
            maximal_of_each(sets.iter().map(|set| of_set[*set as usize]), least).map(best)
        };
        let together: Vec<&[(usize, f64)]> = distinct.chunks(TOGETHER).collect();
        let segments: Vec<Vec<Segment>> = parallel::each(&together, |_| 0, of_lists, |_| {}).into_iter().flatten().collect();
        found.extend(lists.into_iter().flat_map(|(list, place)| segments[place].iter().map(move |s| (*closure, list, *s))));
    }
    // Lists overlap: of proposals over nearly the same rows the largest few are enough.
    found.sort_by_key(|(_, _, s)| std::cmp::Reverse(s.end - s.start));
    found.truncate(MOST);
    let proposal = |(closure, list, segment): (&Closure, usize, Segment)| {
        let title = &closure.titles[list];
        let detail = format!("have {} in {title}", closure.what);
        Proposal { kind: title.clone(), ..proposal(table, segment, closure.detector, closure.family, &detail) }
    };
    found.into_iter().map(proposal).collect()
}

/// Returns the share of real rows in a list that is assumed, given that of all rows.
fn real_share(share: f64, title: &str) -> f64 {
    // Where most of the table is in the list, either the table was drawn from it, or its people bear such names.
    if share > 0.8 { SHIPPED_CLOSURE.max(2.0 * native_share(title) - 1.0) } else { share.max(CLOSURE_FLOOR) }
}

/// Keeps the segments that score most.
fn best(mut found: Vec<Segment>) -> Vec<Segment> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MOST);
    found
}

/// Proposes the rows of a segment of the order.
fn proposal(table: &Table<'_>, segment: Segment, detector: &'static str, family: Family, detail: &str) -> Proposal {
    let count = segment.end - segment.start;
    Proposal {
        rows: table.order.sorted(segment.start..segment.end),
        kind: format!("{count} rows in a row"),
        family,
        detector,
        detail: format!("{count} rows {detail}"),
        certainty: Certainty::Suggests,
        picked: None,
    }
}

/// Rows whose owners are members of one group.
fn of_owners(table: &Table<'_>) -> Vec<Proposal> {
    let mut groups: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
    for (row, owner) in table.owners {
        if let Some(group) = owner.inherits {
            groups.entry(group).or_default().push(*row);
        }
    }
    groups
        .into_values()
        .filter(|rows| rows.len() > 1 && !table.people())
        .map(|rows| Proposal {
            kind: "children of a group".to_owned(),
            family: Family::Relational,
            detector: "owner",
            detail: format!("{} rows belong to members of a group", rows.len()),
            rows,
            certainty: Certainty::Suggests,
            picked: None,
        })
        .collect()
}

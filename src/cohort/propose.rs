//! Proposals: rows that may have come from one run. Each is judged alone; none is merged before.

use super::listed::native_share;
use super::scores::Proposal;
use super::table::{CLOSURE_FLOOR, SHIPPED_CLOSURE, Table, VALUE_FAMILIES};
use crate::model::{Bits, Certainty, Family, Row};
use crate::parallel;
use crate::segments::maximal;

/// What a row without any fact takes off a segment's score, bits.
const EMPTY: f64 = -1.5;

/// Score that a segment of summed bits needs, beyond what as many rows could have given by chance.
const SEGMENT: f64 = 10.0;

/// Fewest rows of a list before its segments are looked for.
const LEAST_HITS: usize = 4;

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
    segments(table, table.order.iter().map(score), least, "segment", Family::Time, "follow each other in the order of insertion")
}

/// Segments of each list that holds enough rows.
fn of_closures(table: &Table<'_>) -> Vec<Proposal> {
    let mut found = Vec::new();
    for (closure, (applicable, hits)) in table.closures.iter().zip(&table.totals) {
        let sets = closure.numbered(table.order.iter());
        let least = SEGMENT + ((table.rows() * closure.titles.len()) as f64).log2();
        let of_list = |(list, hits): &(usize, usize)| {
            let share = *hits as f64 / *applicable as f64;
            // Where most of the table is in the list, either the table was drawn from it, or its people bear such names.
            let real =
                if share > 0.8 { SHIPPED_CLOSURE.max(2.0 * native_share(&closure.titles[*list]) - 1.0) } else { share.max(CLOSURE_FLOOR) };
            let (hit, miss) = ((0.95 / real).log2(), (0.05 / (1.0 - real)).log2());
            let scores = closure.scores(*list, -0.2, hit, miss);
            let detail = format!("have {} in {}", closure.what, closure.titles[*list]);
            let by_place = sets.iter().map(|set| scores[*set as usize]);
            let mut proposals = segments(table, by_place, least, closure.detector, closure.family, &detail);
            for proposal in &mut proposals {
                closure.titles[*list].clone_into(&mut proposal.kind);
            }
            proposals
        };
        let lists: Vec<(usize, usize)> = hits.iter().copied().enumerate().filter(|(_, h)| *h >= LEAST_HITS).collect();
        parallel::each(&lists, |_| 0, of_list, |_| {}).into_iter().for_each(|proposals| found.extend(proposals));
    }
    // Lists overlap: of proposals over nearly the same rows the largest few are enough.
    found.sort_by_key(|p| std::cmp::Reverse(p.rows.len()));
    found.truncate(MOST);
    found
}

fn segments(
    table: &Table<'_>,
    scores: impl Iterator<Item = f64>,
    least: f64,
    detector: &'static str,
    family: Family,
    detail: &str,
) -> Vec<Proposal> {
    let mut found = maximal(scores, least);
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MOST);
    found
        .into_iter()
        .map(|s| Proposal {
            rows: table.order.sorted(s.start..s.end),
            kind: format!("{} rows in a row", s.end - s.start),
            family,
            detector,
            detail: format!("{} rows {detail}", s.end - s.start),
            certainty: Certainty::Suggests,
            picked: None,
        })
        .collect()
}

/// Rows whose owners are members of one group.
fn of_owners(table: &Table<'_>) -> Vec<Proposal> {
    let mut groups: std::collections::BTreeMap<usize, Vec<Row>> = std::collections::BTreeMap::new();
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

//! Rows put together by two kinds of facts that have nothing to do with each other: people who type capitals into their
//! addresses bear names as all others do. Where nearly all who show one fact show the other too, and few besides do, one
//! program wrote both, whether or not the order of rows tells when.

use std::collections::BTreeMap;

use super::Member;
use super::scores::Proposal;
use super::table::{CLOSURE_FLOOR, OWN_FAMILIES, Table};
use crate::chance::log2_tail;
use crate::model::{Bits, Certainty, Row};

/// Fewest rows that show a fact, and largest share of the table.
const LEAST_ROWS: usize = 8;
const MOST_ROWS: f64 = 0.5;

/// Bits from which a row shows a fact.
const SHOWS: Bits = Bits::from_hundredths(150);

/// Share of those who show a fact that must show the other.
///
/// Source: whatever both hang on, such as the language of a part of the people, half of these people's names at most are
/// in their language's fullest list.
const BOTH: f64 = 0.65;

/// Log2 of the chance below which so many show both, before the price of having looked at many pairs.
const CHANCE: f64 = -30.0;

/// Share of those who show a fact that known groups may hold before the fact is theirs.
const EXPLAINED: f64 = 0.2;

/// Proposes the rows that show a fact which nearly always comes with another, though no group is known that explains
/// it; people only, whose rows stand for themselves.
pub(super) fn all(table: &Table<'_>, members: &BTreeMap<Row, Member>) -> Vec<Proposal> {
    if !table.people() {
        return Vec::new();
    }
    let marks = table.scores.marks(table.id, &OWN_FAMILIES, SHOWS);
    let few = |rows: &Vec<Row>| rows.len() >= LEAST_ROWS && rows.len() as f64 <= MOST_ROWS * table.rows() as f64;
    let explained = |rows: &Vec<Row>| {
        let known = rows.iter().filter(|row| members.contains_key(row)).count();
        known as f64 > EXPLAINED * rows.len() as f64
    };
    let marks: BTreeMap<_, _> = marks.into_iter().filter(|(_, rows)| few(rows) && !explained(rows)).collect();
    let tried = (marks.len() * (marks.len() + table.closures.iter().map(|c| c.titles.len()).sum::<usize>())).max(1) as f64;
    let price = tried.log2();
    let mut found = Vec::new();
    for ((family, detector), rows) in &marks {
        let with_marks = marks.iter().filter(|((other, _), _)| other != family).filter_map(|((_, other), others)| {
            let both = rows.iter().filter(|row| others.binary_search(row).is_ok()).count();
            let elsewhere = (others.len() - both) as f64 / (table.rows() - rows.len()).max(1) as f64;
            Pair::new(both, rows.len(), elsewhere, format!("most of them {}", named(other)))
        });
        let with_lists = table.closures.iter().zip(&table.totals).filter(|(c, _)| c.family != *family).flat_map(|(closure, totals)| {
            let (with, hits) = closure.totals_of(rows);
            let (applicable, everywhere) = totals;
            let outside = applicable.saturating_sub(with).max(1) as f64;
            hits.into_iter().enumerate().filter_map(move |(list, both)| {
                let elsewhere = (everywhere[list] - both) as f64 / outside;
                Pair::new(both, with, elsewhere, format!("{both} of {with} have {} in {}", closure.what, closure.titles[list]))
            })
        });
        let best = with_marks.chain(with_lists).min_by(|a, b| a.log2_p.total_cmp(&b.log2_p));
        if let Some(pair) = best.filter(|pair| pair.log2_p + price <= CHANCE) {
            found.push(Proposal {
                rows: rows.clone(),
                kind: format!("{} rows, {}", rows.len(), named(detector)),
                family: *family,
                detector,
                detail: format!("{} rows: {}; {}", rows.len(), named(detector), pair.what),
                certainty: Certainty::Suggests,
                picked: Some(pair.strangers),
            });
        }
    }
    found
}

/// How often those who show one fact show another.
struct Pair {
    /// Log2 of the chance of so many.
    log2_p: f64,
    /// Rows of those that show the one which no program wrote, estimated from those that do not show the other.
    strangers: f64,
    what: String,
}

impl Pair {
    fn new(both: usize, rows: usize, elsewhere: f64, what: String) -> Option<Self> {
        let elsewhere = elsewhere.clamp(CLOSURE_FLOOR, 1.0);
        if (both as f64) < BOTH * rows as f64 || both < LEAST_ROWS || elsewhere >= BOTH {
            return None;
        }
        let strangers = (rows - both) as f64 / (1.0 - elsewhere);
        Some(Self { log2_p: log2_tail(both, rows as f64 * elsewhere), strangers, what })
    }
}

/// Returns what a detector finds, in a few words.
fn named(detector: &str) -> String {
    let meta = crate::detect::DETECTORS.iter().map(|d| d.meta()).find(|m| m.id == detector);
    meta.map_or_else(|| detector.to_owned(), |m| m.title.to_lowercase())
}

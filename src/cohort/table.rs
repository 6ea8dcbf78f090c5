//! One table as the engine sees it: bits, closures, features, clock.

use std::collections::BTreeMap;

use super::propagate::Owner;
use super::scores::Scores;
use crate::detect::{Closure, Feature, TableFacts};
use crate::model::stamp::SECOND;
use crate::model::{Bits, Family, Row, TableClass, TableId};

/// Families that a generator or a seed's author decides, apart from clocks.
pub(super) const VALUE_FAMILIES: [Family; 6] =
    [Family::Identifier, Family::Vocabulary, Family::Shape, Family::Template, Family::Credential, Family::Discordance];

/// Families besides time and signs of people.
pub(super) const OWN_FAMILIES: [Family; 8] = [
    Family::Identifier,
    Family::Vocabulary,
    Family::Shape,
    Family::Template,
    Family::Credential,
    Family::Clock,
    Family::Discordance,
    Family::Relational,
];

/// Share of a list's values among real rows that is assumed where the table cannot tell.
///
/// Source: both names of a random American are in Python Faker's English list in a third of cases, the
/// most of any list.
pub(super) const SHIPPED_CLOSURE: f64 = 0.35;

/// Smallest share of real rows in a list that is assumed.
pub(super) const CLOSURE_FLOOR: f64 = 0.01;

/// How many times the mean rate a busy hour may have.
///
/// Source: real sign-ups follow the day and the week (peak hours at two to three times the mean) and campaigns.
const BUSY: f64 = 8.0;

/// A table.
pub(super) struct Table<'a> {
    pub(super) id: TableId,
    pub(super) class: TableClass,
    pub(super) facts: &'a TableFacts,
    pub(super) scores: &'a Scores,
    pub(super) closures: Vec<&'a Closure>,
    pub(super) features: &'a [Feature],
    pub(super) owners: &'a BTreeMap<Row, Owner>,
    /// Rows in the order of insertion, else of creation; empty where neither is known.
    pub(super) order: Vec<Row>,
    /// Mean arrivals per microsecond.
    rate: f64,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        id: TableId,
        class: TableClass,
        facts: &'a TableFacts,
        scores: &'a Scores,
        closures: &'a [Closure],
        features: &'a [Feature],
        owners: &'a BTreeMap<Row, Owner>,
    ) -> Self {
        let mut order = facts.order.clone();
        let mut times: Vec<i64> = facts.created.iter().flatten().copied().collect();
        times.sort_unstable();
        if order.is_empty() && !times.is_empty() {
            order = (0..facts.rows as Row).collect();
            order.sort_by_key(|row| (facts.created[*row as usize], *row));
        }
        // The middle nine tenths of the times: a few forged dates must not stretch the table's life.
        let trim = times.len() / 20;
        let span = if times.len() > 2 { times[times.len() - 1 - trim] - times[trim] } else { 0 };
        let rate = if span > 0 { 0.9 * times.len() as f64 / span as f64 } else { 0.0 };
        let closures = closures.iter().filter(|c| c.table == id).collect();
        Self { id, class, facts, scores, closures, features, owners, order, rate }
    }

    pub(super) const fn people(&self) -> bool {
        matches!(self.class, TableClass::People)
    }

    pub(super) const fn rows(&self) -> usize {
        self.facts.rows
    }

    pub(super) fn created(&self, row: Row) -> Option<i64> {
        self.facts.created.get(row as usize).copied().flatten()
    }

    /// Returns when the first and the last of some rows were inserted, where that is known of all.
    pub(super) fn run(&self, rows: &[Row]) -> Option<(i64, i64)> {
        let times: Vec<i64> = rows.iter().filter_map(|r| self.inserted(*r)).collect();
        (times.len() == rows.len()).then(|| Some((*times.iter().min()?, *times.iter().max()?)))?
    }

    pub(super) fn inserted(&self, row: Row) -> Option<i64> {
        self.facts.inserted.get(row as usize).copied().flatten()
    }

    /// Returns a row's bits over the families besides time and signs of people.
    pub(super) fn own(&self, row: Row) -> Bits {
        self.scores.sum(self.id, row, &OWN_FAMILIES)
    }

    /// Expects how many rows of no seed fall into the time that some rows span; at most all of them.
    pub(super) fn strangers(&self, rows: &[Row]) -> f64 {
        let times: Vec<i64> = rows.iter().filter_map(|r| self.created(*r)).collect();
        match (times.iter().min(), times.iter().max()) {
            (Some(first), Some(last)) if times.len() == rows.len() => {
                // A busy hour has several times the usual rate.
                (BUSY * self.rate * (last - first + SECOND) as f64).min(rows.len() as f64)
            }
            _ => rows.len() as f64,
        }
    }
}

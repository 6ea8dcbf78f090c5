//! One table as the engine sees it: bits, closures, features, clock.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use super::Measures;
use super::judge::CORE;
use super::propagate::Owner;
use super::scores::Scores;
use crate::detect::{Applicable, Closure, Feature, Life, Order, TableFacts};
use crate::model::stamp::SECOND;
use crate::model::{Bits, Family, Row, TableClass, TableId};
use crate::profile::{Profile, TableProfile};
use crate::weigh::LEAST_OUTSIDE;

/// Families that a generator or a seed's author decides, apart from clocks.
pub(super) const VALUE_FAMILIES: [Family; 7] =
    [Family::Identifier, Family::Vocabulary, Family::Shape, Family::Template, Family::Credential, Family::Discordance, Family::Source];

/// Families besides time and signs of people.
pub(super) const OWN_FAMILIES: [Family; 9] = [
    Family::Identifier,
    Family::Vocabulary,
    Family::Shape,
    Family::Template,
    Family::Credential,
    Family::Clock,
    Family::Discordance,
    Family::Relational,
    Family::Source,
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
pub(super) const BUSY: f64 = 8.0;

/// Share of a table's people who must have come back before their names are the site's own: no seed's rows do, and of a
/// tenth others may have been seeded.
const CAME_BACK: f64 = 0.1;

/// Of a closure: rows that have a value, and by list those in it.
type Totals = (usize, Vec<usize>);

/// A table.
pub(super) struct Table<'a> {
    pub(super) id: TableId,
    pub(super) class: TableClass,
    pub(super) facts: &'a TableFacts,
    pub(super) scores: &'a Scores,
    pub(super) closures: Vec<&'a Closure>,
    applicable: Vec<&'a Applicable>,
    pub(super) features: &'a [Feature],
    pub(super) owners: &'a BTreeMap<Row, Owner>,
    /// By closure.
    pub(super) totals: Vec<Totals>,
    /// By feature: how often each value occurs in the table.
    pub(super) spread: Vec<[u32; 256]>,
    /// Rows in the order of insertion, else of creation; empty where neither is known.
    pub(super) order: Cow<'a, Order>,
    /// Whether an integer key tells that order.
    pub(super) by_key: bool,
    /// Time over which the middle nine tenths of its rows were made, microseconds.
    pub(super) life: i64,
    /// Rows whose time of creation is known.
    dated: usize,
    /// Mean arrivals per microsecond.
    rate: f64,
    usually_late: OnceLock<f64>,
    /// By family and detector: rows that have such a fact.
    shown: OnceLock<HashMap<(Family, &'static str), usize>>,
    /// By row: the sum of its terms over [`OWN_FAMILIES`], hundredths of a bit.
    own: OnceLock<Vec<i16>>,
    telling: OnceLock<Vec<Row>>,
    /// Other tables that hang on this one.
    hanging: Vec<&'a TableProfile>,
    children: OnceLock<Vec<Self>>,
    /// What is known of the names of other tables' people who came back.
    neighbours: OnceLock<Vec<(&'a Closure, Totals)>>,
    measures: &'a Measures<'a>,
}

/// Returns the rows of a table in the order of insertion, else of creation, those without a time first.
fn order(facts: &TableFacts) -> Cow<'_, Order> {
    if !facts.order.is_empty() || facts.life.dated == 0 {
        return Cow::Borrowed(&facts.order);
    }
    let undated = facts.created.iter().zip(0..).filter(|(time, _)| time.is_none()).map(|(_, row)| row);
    Cow::Owned(undated.chain(facts.created.rising()).collect())
}

/// Owners of nobody: tables that are looked at without theirs.
static NO_OWNERS: BTreeMap<Row, Owner> = BTreeMap::new();

impl<'a> Table<'a> {
    pub(super) fn new(profile: &TableProfile, measures: &'a Measures<'a>, scores: &'a Scores, owners: &'a BTreeMap<Row, Owner>) -> Self {
        let (id, class) = (profile.id, profile.class);
        let by_key = profile.clock.by_key();
        let facts = &measures.facts[id.index()];
        let features = &measures.features[id.index()];
        let closures: Vec<&Closure> = measures.closures.iter().filter(|c| c.table == id).collect();
        let applicable = measures.applicable.iter().filter(|a| a.table == id).collect();
        let totals = closures.iter().map(|c| c.totals()).collect();
        let spread = features.iter().map(spread).collect();
        let Life { dated, middle } = facts.life;
        let rate = if middle > 0 { 0.9 * dated as f64 / middle as f64 } else { 0.0 };
        Self {
            id,
            class,
            facts,
            scores,
            closures,
            applicable,
            features,
            owners,
            totals,
            spread,
            order: order(facts),
            by_key,
            life: middle,
            dated,
            rate,
            usually_late: OnceLock::new(),
            shown: OnceLock::new(),
            own: OnceLock::new(),
            telling: OnceLock::new(),
            hanging: Vec::new(),
            children: OnceLock::new(),
            neighbours: OnceLock::new(),
            measures,
        }
    }

    /// Notes the tables whose rows hang on this one's.
    pub(super) fn with_children(mut self, profile: &'a Profile) -> Self {
        let hangs = |t: &&TableProfile| {
            t.is_judged() && t.class != TableClass::People && self.measures.facts[t.id.index()].parents.iter().any(|l| l.parent == self.id)
        };
        self.hanging = profile.tables.iter().filter(hangs).collect();
        self
    }

    /// Returns these tables, each without its owners; opened when they are first asked for.
    pub(super) fn children(&self) -> &[Self] {
        let open = |child: &&TableProfile| Table::new(child, self.measures, self.scores, &NO_OWNERS);
        self.children.get_or_init(|| self.hanging.iter().map(open).collect())
    }

    /// Returns the share of other tables' people that a list holds, the largest of those of tables whose people came back:
    /// what the site's own people are called; 0 where nobody tells.
    pub(super) fn at_home(&self, closure: &Closure, list: usize) -> f64 {
        let came_back = |id: TableId| {
            let rows: Vec<Row> = (0..self.measures.facts[id.index()].rows as Row).collect();
            let mut signs = self.scores.terms(id, Family::Human, &rows);
            let back = rows.iter().filter(|row| signs.of(**row).is_some_and(|term| term.bits < Bits::ZERO)).count();
            back as f64 >= CAME_BACK * rows.len() as f64
        };
        let find = || {
            let others = self.measures.closures.iter().filter(|c| c.table != self.id && self.measures.facts[c.table.index()].people);
            others.map(|c| (c, c.totals())).filter(|(c, (with, _))| *with >= LEAST_OUTSIDE && came_back(c.table)).collect()
        };
        let neighbours = self.neighbours.get_or_init(find).iter().filter(|(c, _)| c.detector == closure.detector);
        neighbours.map(|(_, (with, hits))| hits[list] as f64 / *with as f64).fold(0.0, f64::max)
    }

    /// Expects how many rows of no seed fall into the time that some rows span, by how many other rows the table
    /// has; at most all of them.
    pub(super) fn strangers_by_others(&self, rows: &[Row], life: i64) -> f64 {
        let times: Vec<i64> = rows.iter().filter_map(|r| self.created(*r)).collect();
        let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return rows.len() as f64 };
        let others = self.dated.saturating_sub(times.len());
        let life = self.life.max(life).max(SECOND);
        (BUSY * (others + 1) as f64 * (last - first + SECOND) as f64 / life as f64).min(rows.len() as f64)
    }

    pub(super) const fn people(&self) -> bool {
        matches!(self.class, TableClass::People)
    }

    pub(super) const fn rows(&self) -> usize {
        self.facts.rows
    }

    pub(super) fn created(&self, row: Row) -> Option<i64> {
        self.facts.created.get(row)
    }

    /// Returns the share of rows that lie behind the time of their neighbours though no block of such rows holds them.
    pub(super) fn usually_late(&self) -> f64 {
        *self.usually_late.get_or_init(|| self.share_late())
    }

    fn share_late(&self) -> f64 {
        let mut in_blocks: Vec<Row> =
            self.scores.proposals(self.id).iter().filter(|p| p.detector == "back-dated").flat_map(|p| p.rows.iter().copied()).collect();
        in_blocks.sort_unstable();
        in_blocks.dedup();
        let late =
            |row: &Row| self.created(*row).zip(self.inserted(*row)).is_some_and(|(created, inserted)| inserted - created > 60 * SECOND);
        let rows = self.facts.rows as Row;
        let others = (0..rows).filter(|r| late(r) && in_blocks.binary_search(r).is_err()).count();
        others as f64 / self.facts.rows.max(1) as f64
    }

    /// Counts the rows of the table whose strongest fact of a family is of this detector.
    pub(super) fn shown(&self, family: Family, detector: &'static str) -> usize {
        let shown = self.shown.get_or_init(|| self.scores.shown(self.id, &VALUE_FAMILIES));
        shown.get(&(family, detector)).copied().unwrap_or(0)
    }

    /// Returns when the first and the last of some rows were inserted, where that is known of all.
    pub(super) fn run(&self, rows: &[Row]) -> Option<(i64, i64)> {
        let times: Vec<i64> = rows.iter().filter_map(|r| self.inserted(*r)).collect();
        (times.len() == rows.len()).then(|| Some((*times.iter().min()?, *times.iter().max()?)))?
    }

    pub(super) fn inserted(&self, row: Row) -> Option<i64> {
        self.facts.inserted(row)
    }

    /// Returns whether a family's silence about a row says something.
    pub(super) fn could_show(&self, family: Family, row: Row) -> bool {
        let mut of_family = self.applicable.iter().filter(|a| a.family == family).peekable();
        of_family.peek().is_none() || of_family.any(|a| a.rows.binary_search(&row).is_ok())
    }

    /// Returns a row's bits over the families besides time and signs of people.
    pub(super) fn own(&self, row: Row) -> Bits {
        let sums = self.own.get_or_init(|| self.scores.sums(self.id, self.rows(), &OWN_FAMILIES));
        Bits::from_hundredths(sums[row as usize].into())
    }

    /// Returns the rows whose values alone could put them into a core, sorted.
    pub(super) fn telling(&self) -> &[Row] {
        let find = || {
            let sums = self.scores.sums(self.id, self.rows(), &VALUE_FAMILIES);
            let least = |sum: &i16| i32::from(*sum) >= CORE.hundredths();
            sums.iter().zip(0..).filter(|(sum, _)| least(sum)).map(|(_, row)| row).collect()
        };
        self.telling.get_or_init(find)
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

/// Counts how often each value of a feature occurs.
fn spread(feature: &Feature) -> [u32; 256] {
    let mut counts = [0; 256];
    for value in feature.values.iter() {
        counts[usize::from(value)] += 1;
    }
    counts
}

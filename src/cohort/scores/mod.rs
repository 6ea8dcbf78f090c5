//! The bits of every row, by family: inside a family the strongest fact counts.

mod explained;
mod signs;
mod terms;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::detect::TableFacts;
use crate::model::{Bits, Certainty, Family, Measure, Row, TableId};
use crate::weigh::Weighed;

use signs::Signs;
use terms::FamilyTerms;
pub(crate) use terms::Terms;

/// The strongest fact of a family about a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Term {
    /// Its bits.
    pub(crate) bits: Bits,
    /// Detector id.
    pub(crate) detector: &'static str,
    /// Sentence for a person, shared by the rows of a fact.
    pub(crate) detail: Arc<str>,
    /// Whether a person could have made it.
    pub(crate) certainty: Certainty,
    /// Where every row shows it by itself: bits by which a seed's row without it is rarer than one with or without.
    pub(crate) lacking: Bits,
}

/// A group of rows that some fact put together.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    /// Rows, sorted.
    pub(crate) rows: Vec<Row>,
    /// What it was put together by.
    pub(crate) kind: String,
    /// Family of that fact.
    pub(crate) family: Family,
    /// Id of the detector that found it.
    pub(crate) detector: &'static str,
    /// Sentence for a person.
    pub(crate) detail: String,
    /// Whether a person could have made it.
    pub(crate) certainty: Certainty,
    /// Where each row was chosen by a fact of its own: how many real rows show that fact too.
    pub(crate) picked: Option<f64>,
}

/// Bits by table, family and row.
#[derive(Debug)]
pub struct Scores {
    tables: Vec<BTreeMap<Family, FamilyTerms>>,
    proposals: Vec<Vec<Proposal>>,
    /// Signs of people by table; they add up.
    signs: Vec<Signs>,
    /// Rows with a real owner beside one that is not.
    mixed: BTreeSet<(TableId, Row)>,
    /// A family that says nothing.
    without: Option<Family>,
}

/// Share of a seed's rows that may be without any fact.
const WITHOUT: f64 = 0.02;

impl Scores {
    /// Sorts weighed facts by the rows they are about.
    #[must_use]
    pub fn new(weighed: &[Weighed], facts: &[TableFacts]) -> Self {
        let mut scores = Self {
            tables: vec![BTreeMap::new(); facts.len()],
            proposals: vec![Vec::new(); facts.len()],
            signs: facts.iter().map(|_| Signs::default()).collect(),
            mixed: BTreeSet::new(),
            without: None,
        };
        for Weighed { evidence, bits } in weighed {
            let detail: Arc<str> = evidence.detail.as_str().into();
            if evidence.family == Family::Human {
                let certainty = evidence.certainty;
                let term = Term { bits: *bits, detector: evidence.detector, detail, certainty, lacking: Bits::ZERO };
                scores.signs[evidence.table.index()].add(facts[evidence.table.index()].rows, &evidence.rows, &term);
                continue;
            }
            let lacking = match evidence.measure {
                Measure::Rate { seeded, .. } => Bits::new((1.0 - seeded).max(WITHOUT).log2()),
                _ => Bits::ZERO,
            };
            let term = Term { bits: *bits, detector: evidence.detector, detail, certainty: evidence.certainty, lacking };
            scores.add_all(evidence.table, evidence.family, &evidence.rows, &term);
            if evidence.proposes {
                scores.proposals[evidence.table.index()].push(Proposal {
                    rows: evidence.rows.clone(),
                    kind: evidence.kind.clone(),
                    family: evidence.family,
                    detector: evidence.detector,
                    detail: evidence.detail.clone(),
                    certainty: evidence.certainty,
                    picked: match evidence.measure {
                        Measure::Rate { real_floor, .. } => Some(real_floor * facts[evidence.table.index()].rows as f64),
                        _ => None,
                    },
                });
            }
        }
        scores
    }

    /// Leaves out a family: what there is of it, and what would come.
    #[must_use]
    pub(crate) fn without(mut self, family: Option<Family>) -> Self {
        if let Some(family) = family {
            for (terms, proposals) in self.tables.iter_mut().zip(&mut self.proposals) {
                terms.remove(&family);
                proposals.retain(|p| p.family != family);
            }
            if family == Family::Human {
                self.signs = self.signs.iter().map(|_| Signs::default()).collect();
            }
        }
        self.without = family;
        self
    }

    /// Adds a term; within a family the stronger one stays.
    pub(crate) fn add(&mut self, table: TableId, family: Family, row: Row, term: &Term) {
        self.add_all(table, family, &[row], term);
    }

    /// Adds a term of some rows.
    fn add_all(&mut self, table: TableId, family: Family, rows: &[Row], term: &Term) {
        if self.without != Some(family) {
            self.tables[table.index()].entry(family).or_default().add(rows, term);
        }
    }

    /// Notes that a row has a real owner beside one that is not: it is for a person to decide.
    pub(crate) fn note_mixed(&mut self, table: TableId, row: Row) {
        self.mixed.insert((table, row));
    }

    /// Returns whether a row has a real owner beside one that is not.
    pub(crate) fn is_mixed(&self, table: TableId, row: Row) -> bool {
        self.mixed.contains(&(table, row))
    }

    /// Returns the proposals of a table.
    pub(crate) fn proposals(&self, table: TableId) -> &[Proposal] {
        &self.proposals[table.index()]
    }

    /// Returns a family's term of a row.
    pub(crate) fn term(&self, table: TableId, family: Family, row: Row) -> Option<&Term> {
        if family == Family::Human {
            return self.signs[table.index()].of(row);
        }
        self.tables[table.index()].get(&family)?.of(row)
    }

    /// Returns a family's terms, to be asked for these rows in their order, which rises.
    pub(crate) fn terms<'s>(&'s self, table: TableId, family: Family, rows: &[Row]) -> Terms<'s> {
        if family == Family::Human {
            return Terms::Signs(&self.signs[table.index()]);
        }
        self.tables[table.index()].get(&family).map_or(Terms::None, |terms| Terms::along(terms, rows))
    }

    /// Gathers the rows that have a term of at least so many bits, by its family and the detector that found it; rows
    /// rise.
    pub(crate) fn marks(&self, table: TableId, families: &[Family], least: Bits) -> BTreeMap<(Family, &'static str), Vec<Row>> {
        let mut marks: BTreeMap<(Family, &'static str), Vec<Row>> = BTreeMap::new();
        for (family, terms) in self.tables[table.index()].iter().filter(|(family, _)| families.contains(family)) {
            for (row, term) in terms.iter().filter(|(_, term)| term.bits >= least) {
                marks.entry((*family, term.detector)).or_default().push(row);
            }
        }
        marks
    }

    /// Counts the rows that have a term of a family from a detector.
    pub(crate) fn shown(&self, table: TableId, families: &[Family]) -> HashMap<(Family, &'static str), usize> {
        let mut shown = HashMap::new();
        for (family, terms) in self.tables[table.index()].iter().filter(|(family, _)| families.contains(family)) {
            for (term, rows) in terms.counts() {
                *shown.entry((*family, term.detector)).or_insert(0) += rows;
            }
        }
        shown
    }

    /// Returns the rows of a table that have any term besides signs of people, sorted.
    pub(crate) fn rows(&self, table: TableId) -> Vec<Row> {
        let mut rows: Vec<Row> = self.tables[table.index()].values().flat_map(FamilyTerms::rows).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Returns the sums of each row's terms over some families, by row, in hundredths of a bit: two bytes a row hold
    /// all families at their caps. Looks only at the rows that have terms.
    pub(crate) fn sums(&self, table: TableId, rows: usize, families: &[Family]) -> Vec<i16> {
        let mut sums = vec![0_i16; rows];
        let more = |sum: &mut i16, bits: Bits| {
            let both = i32::from(*sum).saturating_add(bits.hundredths());
            *sum = both.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        };
        for (family, terms) in &self.tables[table.index()] {
            if families.contains(family) {
                terms.bits().for_each(|(row, bits)| more(&mut sums[row as usize], bits));
            }
        }
        let signs = &self.signs[table.index()];
        if families.contains(&Family::Human) && !signs.is_empty() {
            let of = |row: Row| signs.of(row).map_or(Bits::ZERO, |t| t.bits);
            sums.iter_mut().zip(0..).for_each(|(sum, row)| more(sum, of(row)));
        }
        sums
    }

    /// Returns the sum of a row's terms over some families.
    pub(crate) fn sum(&self, table: TableId, row: Row, families: &[Family]) -> Bits {
        families.iter().filter_map(|f| self.term(table, *f, row)).map(|t| t.bits).sum()
    }
}

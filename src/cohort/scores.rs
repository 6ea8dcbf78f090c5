//! The bits of every row, by family: inside a family the strongest fact counts.

use std::collections::btree_map::Range;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::sync::Arc;

use crate::detect::TableFacts;
use crate::model::{Bits, Certainty, Family, Measure, Row, TableId};
use crate::weigh::Weighed;

/// The strongest fact of a family about a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    /// Its bits.
    pub(crate) bits: Bits,
    /// Detector id.
    pub(crate) detector: &'static str,
    /// Sentence for a person, shared by the rows of a fact.
    pub(crate) detail: Arc<str>,
    /// Whether a person could have made it.
    pub(crate) certainty: Certainty,
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
    tables: Vec<BTreeMap<Family, BTreeMap<Row, Term>>>,
    proposals: Vec<Vec<Proposal>>,
    /// Signs of people by table; they add up.
    signs: Vec<Signs>,
    /// Rows with a real owner beside one that is not.
    mixed: BTreeSet<(TableId, Row)>,
    /// A family that says nothing.
    without: Option<Family>,
}

/// Signs of people, of one table. Most real rows have some, so that they are kept small: a number a row, and one
/// term for each set of signs that occurs.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    /// By row, the number of its set; 0 where it has none, empty where no row has any.
    set: Vec<u16>,
    /// By number less 1.
    terms: Vec<Term>,
}

impl Signs {
    fn add(&mut self, rows: usize, with: &[Row], term: &Term) {
        self.set.resize(rows, 0);
        let mut joined: BTreeMap<u16, u16> = BTreeMap::new();
        for row in with {
            let set = &mut self.set[*row as usize];
            let known = *set;
            *set = *joined.entry(known).or_insert_with(|| {
                self.terms.push(self.terms.get(usize::from(known).wrapping_sub(1)).map_or_else(|| term.clone(), |t| together(t, term)));
                u16::try_from(self.terms.len()).unwrap_or(u16::MAX)
            });
        }
    }

    fn of(&self, row: Row) -> Option<&Term> {
        let set = *self.set.get(row as usize)?;
        self.terms.get(usize::from(set).checked_sub(1)?)
    }
}

/// Fewest rows of a train that may be an import: who makes accounts by hand makes fewer at a sitting.
const IMPORT: usize = 30;

/// Terms of a family that are passed over for each row that is asked for, at most.
const WALK: usize = 8;

/// The terms of a family, for rows that rise.
pub(crate) enum Terms<'s> {
    /// There are none.
    None,
    /// Signs of people.
    Signs(&'s Signs),
    /// Looked up one by one.
    Look(&'s BTreeMap<Row, Term>),
    /// Walked along.
    Walk(Peekable<Range<'s, Row, Term>>),
}

impl<'s> Terms<'s> {
    /// Returns whether no row has any.
    pub(crate) fn is_empty(&mut self) -> bool {
        match self {
            Self::None => true,
            Self::Signs(signs) => signs.terms.is_empty(),
            Self::Look(terms) => terms.is_empty(),
            Self::Walk(terms) => terms.peek().is_none(),
        }
    }

    /// Returns a row's term; no row may lie before the one asked for last.
    pub(crate) fn of(&mut self, row: Row) -> Option<&'s Term> {
        match self {
            Self::None => None,
            Self::Signs(signs) => signs.of(row),
            Self::Look(terms) => terms.get(&row),
            Self::Walk(terms) => {
                while terms.next_if(|t| *t.0 < row).is_some() {}
                // The same row may be asked for again.
                terms.peek().filter(|t| *t.0 == row).map(|t| t.1)
            }
        }
    }
}

/// Adds two signs of a person, within the family's cap.
fn together(a: &Term, b: &Term) -> Term {
    let bits = (a.bits + b.bits).capped(crate::weigh::cap(Family::Human));
    Term { bits, detail: format!("{}; {}", a.detail, b.detail).into(), ..a.clone() }
}

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
                let term = Term { bits: *bits, detector: evidence.detector, detail, certainty: evidence.certainty };
                scores.signs[evidence.table.index()].add(facts[evidence.table.index()].rows, &evidence.rows, &term);
                continue;
            }
            for row in &evidence.rows {
                let term = Term { bits: *bits, detector: evidence.detector, detail: detail.clone(), certainty: evidence.certainty };
                scores.add(evidence.table, evidence.family, *row, term);
            }
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
    pub(crate) fn add(&mut self, table: TableId, family: Family, row: Row, term: Term) {
        if self.without == Some(family) {
            return;
        }
        let rows = self.tables[table.index()].entry(family).or_default();
        match rows.get_mut(&row) {
            None => {
                rows.insert(row, term);
            }
            Some(known) => {
                // What cannot be human must not hide behind a stronger fact that can.
                let certainty = if known.certainty == Certainty::CannotBeHuman { known.certainty } else { term.certainty };
                if term.bits > known.bits {
                    *known = term;
                }
                known.certainty = certainty;
            }
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
        self.tables[table.index()].get(&family)?.get(&row)
    }

    /// Returns a family's terms, to be asked for these rows in their order, which rises.
    pub(crate) fn terms<'s>(&'s self, table: TableId, family: Family, rows: &[Row]) -> Terms<'s> {
        if family == Family::Human {
            return Terms::Signs(&self.signs[table.index()]);
        }
        let (Some(terms), Some(first), Some(last)) = (self.tables[table.index()].get(&family), rows.first(), rows.last()) else {
            return Terms::None;
        };
        // To walk on costs less than to look each row up, unless most of what lies between is left out.
        if rows.is_sorted() && terms.len() <= WALK * rows.len() {
            Terms::Walk(terms.range(*first..=*last).peekable())
        } else {
            Terms::Look(terms)
        }
    }

    /// Takes back what trains say of their rows where many arrived at once and none of them was found to be a seed's:
    /// that was an import, and explains their time.
    pub(crate) fn explain_imports(&mut self, table: TableId, found: impl Fn(Row) -> bool) {
        let Some(terms) = self.tables[table.index()].get_mut(&Family::Time) else { return };
        for train in self.proposals[table.index()].iter().filter(|p| p.family == Family::Time && p.rows.len() >= IMPORT) {
            if !train.rows.iter().any(|row| found(*row)) {
                train.rows.iter().for_each(|row| drop(terms.remove(row)));
            }
        }
    }

    /// Gathers the rows that have a term of at least so many bits, by its family and the detector that found it; rows
    /// rise.
    pub(crate) fn marks(&self, table: TableId, families: &[Family], least: Bits) -> BTreeMap<(Family, &'static str), Vec<Row>> {
        let mut marks: BTreeMap<(Family, &'static str), Vec<Row>> = BTreeMap::new();
        for (family, terms) in self.tables[table.index()].iter().filter(|(family, _)| families.contains(family)) {
            for (row, term) in terms.iter().filter(|(_, term)| term.bits >= least) {
                marks.entry((*family, term.detector)).or_default().push(*row);
            }
        }
        marks
    }

    /// Returns the rows of a table that have any term besides signs of people, sorted.
    pub(crate) fn rows(&self, table: TableId) -> Vec<Row> {
        let mut rows: Vec<Row> = self.tables[table.index()].values().flat_map(|m| m.keys().copied()).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Returns the sums of each row's terms over some families, by row. Looks only at the rows that have terms.
    pub(crate) fn sums(&self, table: TableId, rows: usize, families: &[Family]) -> Vec<Bits> {
        let mut sums = vec![Bits::ZERO; rows];
        for (family, terms) in &self.tables[table.index()] {
            if families.contains(family) {
                terms.iter().for_each(|(row, term)| sums[*row as usize] += term.bits);
            }
        }
        if families.contains(&Family::Human) {
            let signs = &self.signs[table.index()];
            (0..rows as Row).for_each(|row| sums[row as usize] += signs.of(row).map_or(Bits::ZERO, |t| t.bits));
        }
        sums
    }

    /// Returns the sum of a row's terms over some families.
    pub(crate) fn sum(&self, table: TableId, row: Row, families: &[Family]) -> Bits {
        families.iter().filter_map(|f| self.term(table, *f, row)).map(|t| t.bits).sum()
    }
}

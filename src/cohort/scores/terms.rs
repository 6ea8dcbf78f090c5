//! The terms of one family in one table, by row: the strongest fact counts. Rows share few different terms, so that a
//! number is kept of each.

use std::collections::HashMap;
use std::collections::btree_map::{BTreeMap, Entry, Range};
use std::iter::Peekable;

use super::{Signs, Term};
use crate::model::{Bits, Certainty, Row};

/// The terms of a family.
#[derive(Clone, Debug, Default)]
pub(crate) struct FamilyTerms {
    /// By row: the number of its term.
    by_row: BTreeMap<Row, u32>,
    /// The different terms.
    terms: Vec<Term>,
    /// Their numbers.
    numbers: HashMap<Term, u32>,
}

impl FamilyTerms {
    /// Adds a term of some rows; of two terms of a row the stronger one stays.
    pub(super) fn add(&mut self, rows: &[Row], term: &Term) {
        let number = self.number(term);
        // What was stronger of a term that many of the rows have already.
        let mut stronger: Option<(u32, u32)> = None;
        for row in rows {
            let known = match self.by_row.entry(*row) {
                Entry::Vacant(place) => {
                    place.insert(number);
                    continue;
                }
                Entry::Occupied(place) => *place.get(),
            };
            let both = match stronger.filter(|s| s.0 == known) {
                Some((_, both)) => both,
                None => self.stronger(known, number),
            };
            stronger = Some((known, both));
            if both != known {
                self.by_row.insert(*row, both);
            }
        }
    }

    /// Puts a term in the place of those that its detector gave some rows.
    pub(super) fn replace(&mut self, rows: &[Row], term: &Term) {
        let number = self.number(term);
        for row in rows {
            if let Some(known) = self.by_row.get_mut(row).filter(|known| self.terms[**known as usize].detector == term.detector) {
                *known = number;
            }
        }
    }

    fn number(&mut self, term: &Term) -> u32 {
        if let Some(number) = self.numbers.get(term) {
            return *number;
        }
        let number = self.terms.len() as u32;
        self.terms.push(term.clone());
        self.numbers.insert(term.clone(), number);
        number
    }

    fn stronger(&mut self, known: u32, new: u32) -> u32 {
        let (own, other) = (&self.terms[known as usize], &self.terms[new as usize]);
        // What cannot be human must not hide behind a stronger fact that can.
        let certainty = if own.certainty == Certainty::CannotBeHuman { own.certainty } else { other.certainty };
        let stronger = if other.bits > own.bits { other } else { own };
        let both = Term { certainty, ..stronger.clone() };
        self.number(&both)
    }

    /// Returns a row's term.
    pub(super) fn of(&self, row: Row) -> Option<&Term> {
        self.by_row.get(&row).map(|number| &self.terms[*number as usize])
    }

    /// Walks the rows that have one.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        self.by_row.keys().copied()
    }

    /// Walks the rows that have one, each with its term.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Row, &Term)> {
        self.by_row.iter().map(|(row, number)| (*row, &self.terms[*number as usize]))
    }

    /// Walks the different terms, each with the number of rows that have it.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&Term, usize)> {
        let mut counts = vec![0; self.terms.len()];
        self.by_row.values().for_each(|number| counts[*number as usize] += 1);
        self.terms.iter().zip(counts)
    }

    /// Walks the rows that have one, each with its bits.
    pub(super) fn bits(&self) -> impl Iterator<Item = (Row, Bits)> {
        self.iter().map(|(row, term)| (row, term.bits))
    }
}

/// Terms of a family that are passed over for each row that is asked for, at most.
const WALK: usize = 8;

/// The terms of a family, for rows that rise.
pub(crate) enum Terms<'s> {
    /// There are none.
    None,
    /// Signs of people.
    Signs(&'s Signs),
    /// Looked up one by one.
    Look(&'s FamilyTerms),
    /// Walked along.
    Walk(Peekable<Range<'s, Row, u32>>, &'s [Term]),
}

impl<'s> Terms<'s> {
    /// Returns a family's terms, to be asked for these rows in their order.
    pub(super) fn along(terms: &'s FamilyTerms, rows: &[Row]) -> Self {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Self::None };
        // To walk on costs less than to look each row up, unless most of what lies between is left out.
        if rows.is_sorted() && terms.by_row.len() <= WALK * rows.len() {
            Self::Walk(terms.by_row.range(*first..=*last).peekable(), &terms.terms)
        } else {
            Self::Look(terms)
        }
    }

    /// Returns whether no row has any.
    pub(crate) fn is_empty(&mut self) -> bool {
        match self {
            Self::None => true,
            Self::Signs(signs) => signs.is_empty(),
            Self::Look(terms) => terms.by_row.is_empty(),
            Self::Walk(rows, _) => rows.peek().is_none(),
        }
    }

    /// Returns a row's term; no row may lie before the one asked for last.
    pub(crate) fn of(&mut self, row: Row) -> Option<&'s Term> {
        match self {
            Self::None => None,
            Self::Signs(signs) => signs.of(row),
            Self::Look(terms) => terms.of(row),
            Self::Walk(rows, terms) => {
                while rows.next_if(|r| *r.0 < row).is_some() {}
                // The same row may be asked for again.
                rows.peek().filter(|r| *r.0 == row).map(|r| &terms[*r.1 as usize])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(bits: i32, certainty: Certainty) -> Term {
        Term { bits: Bits::from_hundredths(bits), detector: "test", detail: "said".into(), certainty, lacking: Bits::ZERO }
    }

    #[test]
    fn the_stronger_stays_and_what_cannot_be_human_shows() {
        let mut terms = FamilyTerms::default();
        terms.add(&[1, 2, 3], &term(300, Certainty::CannotBeHuman));
        terms.add(&[2, 3, 4], &term(900, Certainty::Suggests));
        terms.add(&[3], &term(500, Certainty::Suggests));
        let of = |row: Row| terms.of(row).map(|t| (t.bits.hundredths(), t.certainty));
        assert_eq!(of(1), Some((300, Certainty::CannotBeHuman)));
        assert_eq!((of(2), of(3)), (Some((900, Certainty::CannotBeHuman)), Some((900, Certainty::CannotBeHuman))));
        assert_eq!((of(4), of(5)), (Some((900, Certainty::Suggests)), None));
        terms.replace(&[1, 5], &term(100, Certainty::Suggests));
        assert_eq!(terms.of(1).map(|t| (t.bits.hundredths(), t.certainty)), Some((100, Certainty::Suggests)));
        terms.replace(&[2], &Term { detector: "another", ..term(100, Certainty::Suggests) });
        assert_eq!((terms.of(2).map(|t| t.bits.hundredths()), terms.of(5)), (Some(900), None));
        let rows: Vec<Row> = (0..6).collect();
        let mut walked = Terms::along(&terms, &rows);
        assert!(rows.iter().all(|row| walked.of(*row) == terms.of(*row)));
    }
}

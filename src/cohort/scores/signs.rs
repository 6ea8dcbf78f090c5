//! Signs of people, by row: they add up.

use std::collections::BTreeMap;

use super::Term;
use crate::model::{Family, Row};

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
    pub(super) fn add(&mut self, rows: usize, with: &[Row], term: &Term) {
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

    pub(super) fn of(&self, row: Row) -> Option<&Term> {
        let set = *self.set.get(row as usize)?;
        self.terms.get(usize::from(set).checked_sub(1)?)
    }

    /// Returns whether no row has any.
    pub(super) const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// Adds two signs of a person, within the family's cap.
fn together(a: &Term, b: &Term) -> Term {
    let bits = (a.bits + b.bits).capped(crate::weigh::cap(Family::Human));
    Term { bits, detail: format!("{}; {}", a.detail, b.detail).into(), ..a.clone() }
}

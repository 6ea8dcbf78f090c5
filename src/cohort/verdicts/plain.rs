//! The terms of rows that belong to no group: most rows stay real by them alone, without a word.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cohort::scores::{Scores, Term, Terms};
use crate::model::{Bits, Family, Reason, Row, TableId};
use crate::weigh::{PRIOR, cap};

/// What tells a term from others: its family, its bits and where its words lie.
type TermKey = (Family, Bits, usize);

/// The terms of rows that belong to no group, walked along.
pub(super) struct Plain<'s> {
    families: Vec<(Family, Terms<'s>)>,
    /// Those of the row at hand.
    terms: Vec<(Family, &'s Term)>,
    bits: Bits,
    /// What was written of rows with the same terms.
    written: HashMap<Vec<TermKey>, Arc<[Reason]>>,
    /// The same of the last row.
    last: Option<(Vec<TermKey>, Arc<[Reason]>)>,
}

impl<'s> Plain<'s> {
    pub(super) fn new(scores: &'s Scores, table: TableId, rows: &[Row]) -> Self {
        let families = Family::ALL.into_iter().map(|family| (family, scores.terms(table, family, rows))).collect();
        Self { families, terms: Vec::new(), bits: Bits::ZERO, written: HashMap::new(), last: None }
    }

    /// Goes on to a row; returns its bits, as its terms in words sum to them.
    pub(super) fn look(&mut self, row: Row) -> Bits {
        self.terms.clear();
        self.terms.extend(self.families.iter_mut().filter_map(|(family, terms)| Some((*family, terms.of(row)?))));
        self.bits = PRIOR + self.terms.iter().map(|(family, term)| term.bits.capped(cap(*family))).sum();
        self.bits
    }

    /// Returns the bits of the row at hand.
    pub(super) const fn bits(&self) -> Bits {
        self.bits
    }

    /// Returns the sum of the terms that speak for a seed.
    pub(super) fn positive(&self) -> Bits {
        self.terms.iter().map(|(family, term)| term.bits.capped(cap(*family))).filter(|bits| *bits > Bits::ZERO).sum()
    }

    /// Returns the row's terms in words; those of one fact share theirs.
    pub(super) fn reasons(&mut self, write: impl FnOnce() -> Arc<[Reason]>) -> Arc<[Reason]> {
        let key = |(family, term): &(Family, &Term)| (*family, term.bits, Arc::as_ptr(&term.detail).addr());
        if let Some((keys, reasons)) = &self.last
            && keys.iter().copied().eq(self.terms.iter().map(key))
        {
            return Arc::clone(reasons);
        }
        let keys: Vec<TermKey> = self.terms.iter().map(key).collect();
        let reasons = self.written.entry(keys.clone()).or_insert_with(write).clone();
        self.last = Some((keys, Arc::clone(&reasons)));
        reasons
    }
}

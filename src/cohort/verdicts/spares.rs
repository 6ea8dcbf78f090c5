//! Rows that looked like seeded ones and stay real: counted all, listed some.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Reason;
use crate::model::verdict::Spared;

/// Rows with the same terms that are listed as spared, the first of them; all are counted. Where a live system
/// hands out values in turn, that is said of every row of a table, and nobody reads on.
const LISTED_ALIKE: usize = 1_000;

/// Rows that looked like seeded ones and stay real.
#[derive(Default)]
pub(super) struct Spares {
    pub(super) rows: Vec<Spared>,
    pub(super) total: usize,
    /// The different terms, each with how many rows have them.
    terms: HashMap<Arc<[Reason]>, usize>,
    /// Where the last row's terms lie, and how many rows had them by then.
    last: Option<(Arc<[Reason]>, usize)>,
}

impl Spares {
    /// Returns terms as they are kept for all rows that have the same.
    pub(super) fn shared(&mut self, reasons: Vec<Reason>) -> Arc<[Reason]> {
        if let Some((known, _)) = self.terms.get_key_value(reasons.as_slice()) {
            return Arc::clone(known);
        }
        let shared: Arc<[Reason]> = reasons.into();
        self.terms.insert(Arc::clone(&shared), 0);
        shared
    }

    pub(super) fn put(&mut self, spared: Spared) {
        self.total += 1;
        // Rows beside each other often have the same terms: then nothing is looked up.
        match &mut self.last {
            Some((terms, count)) if Arc::ptr_eq(terms, &spared.reasons) => *count += 1,
            last => {
                if let Some((terms, count)) = last.take() {
                    self.terms.insert(terms, count);
                }
                let count = self.terms.get(&*spared.reasons).copied().unwrap_or_default() + 1;
                *last = Some((Arc::clone(&spared.reasons), count));
            }
        }
        if self.last.as_ref().is_some_and(|(_, count)| *count <= LISTED_ALIKE) {
            self.rows.push(spared);
        }
    }
}

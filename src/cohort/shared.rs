//! Kinds of facts that nearly all members of a group show. How rare a fact is among real rows is told by the rows outside the
//! group: a seed that is a third of its table makes its own facts look usual there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scores::Term;
use super::table::{Table, VALUE_FAMILIES};
use crate::model::{Bits, Family, Reason, Row};
use crate::weigh::{LEAST_OUTSIDE, cap};

/// Fewest members, and the share of them that must show the fact.
const LEAST_MEMBERS: usize = 10;
const NEARLY_ALL: f64 = 0.9;

/// Share of real rows that is assumed at least.
const FLOOR: f64 = 0.005;

/// Largest share of a group.
const MOST: f64 = 0.98;

/// What one detector found of nearly all members.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    family: Family,
    detector: &'static str,
    /// What it adds to who shows it, and takes off who does not.
    hit: Bits,
    miss: Bits,
    of: String,
    elsewhere: f64,
    miss_words: Arc<str>,
}

impl Shared {
    /// Finds the facts that nearly all of some rows show; `besides`: a family that is weighed otherwise.
    pub(super) fn of(table: &Table<'_>, core: &[Row], candidates: &[Row], besides: Option<Family>) -> Vec<Self> {
        let outside = table.rows() - candidates.len().min(table.rows());
        if core.len() < LEAST_MEMBERS || outside < LEAST_OUTSIDE {
            return Vec::new();
        }
        let families = VALUE_FAMILIES.into_iter().filter(|f| Some(*f) != besides);
        families.filter_map(|family| Self::of_family(table, core, candidates, family, outside)).collect()
    }

    fn of_family(table: &Table<'_>, core: &[Row], candidates: &[Row], family: Family, outside: usize) -> Option<Self> {
        let count = |rows: &[Row]| {
            let mut terms = table.scores.terms(table.id, family, rows);
            let mut counts: BTreeMap<&'static str, (usize, &Term)> = BTreeMap::new();
            for term in rows.iter().filter_map(|row| terms.of(*row)).filter(|term| term.bits > Bits::ZERO) {
                counts.entry(term.detector).or_insert((0, term)).0 += 1;
            }
            counts
        };
        let (detector, (hits, term)) = count(core).into_iter().max_by_key(|(_, (hits, _))| *hits)?;
        let share = hits as f64 / core.len() as f64;
        if share < NEARLY_ALL {
            return None;
        }
        let inside = count(candidates).get(detector).map_or(0, |c| c.0);
        let others = table.shown(family, detector).saturating_sub(inside);
        let elsewhere = ((others as f64 + 0.5) / (outside as f64 + 1.0)).max(FLOOR);
        let share = share.min(MOST);
        if share <= elsewhere {
            return None;
        }
        let of = format!("{hits} of {} members", core.len());
        Some(Self {
            family,
            detector,
            hit: Bits::new((share / elsewhere).log2()).capped(cap(family)),
            miss: (term.lacking - Bits::new((1.0 - elsewhere).log2())).min(Bits::ZERO),
            miss_words: format!("shows nothing of the kind that {of} do: {}", term.detail).into(),
            of,
            elsewhere,
        })
    }

    /// Returns what the fact adds to a row beyond what it shows by itself, or takes off it.
    pub(super) fn bits(&self, table: &Table<'_>, row: Row) -> Bits {
        match table.scores.term(table.id, self.family, row) {
            Some(term) if term.detector == self.detector => (self.hit - term.bits).max(Bits::ZERO),
            None if table.could_show(self.family, row) => self.miss,
            _ => Bits::ZERO,
        }
    }

    /// Returns what stands for the row's own term of the family, in words.
    pub(super) fn reason(&self, table: &Table<'_>, row: Row) -> Option<(Family, Reason)> {
        let more = self.bits(table, row);
        let own = table.scores.term(table.id, self.family, row);
        let detail = match own {
            Some(own) => {
                format!("{}, as {} have something like it; of the other rows {:.1} %", own.detail, self.of, self.elsewhere * 100.0).into()
            }
            None => Arc::clone(&self.miss_words),
        };
        let bits = own.map_or(Bits::ZERO, |term| term.bits) + more;
        let reason = Reason { detector: self.detector.into(), family: self.family.as_str().into(), bits, detail };
        (more != Bits::ZERO).then_some((self.family, reason))
    }
}

//! What a live system's own doings explain: an import explains that its rows came at once, and rosters that people enter
//! explain that handles are numbered.

use std::collections::BTreeSet;

use super::{Scores, Term};
use crate::detect::{ROSTER, TableFacts};
use crate::model::stamp::DAY;
use crate::model::{Bits, Certainty, Family, Row, TableId};
use crate::weigh::cap;

/// Fewest rows of a train that may be an import: who makes accounts by hand makes fewer at a sitting.
const IMPORT: usize = 30;

/// Rosters of different names, entered on as many days, that show how a site names accounts; and the share of their
/// accounts with signs of people.
const ROSTERS: usize = 3;
const USED: f64 = 0.1;

/// The detectors of what is alike in a roster: its handles are numbered, and it has one first password.
const ALIKE: [(Family, &str); 2] = [(Family::Template, "numbered-template"), (Family::Credential, "shared-credential")];

impl Scores {
    /// Notes an import where many rows arrived at once and none of them was found to be a seed's: it explains their
    /// time, which then speaks for nothing.
    pub(crate) fn explain_imports(&mut self, table: TableId, rows: usize, found: impl Fn(Row) -> bool) {
        let imports = |p: &&super::Proposal| p.family == Family::Time && p.rows.len() >= IMPORT && !p.rows.iter().any(|row| found(*row));
        let with = sorted(self.proposals(table).iter().filter(imports).flat_map(|p| p.rows.iter().copied()));
        if with.is_empty() || self.without == Some(Family::Human) {
            return;
        }
        let detail = "came with many others, of whom no group was found to be a seed's: an import";
        self.signs[table.index()].add(rows, &with, &term(-cap(Family::Time), "arrival-train", detail));
    }

    /// Notes rosters: where handles are numbered under one name on one day and under another on the next, and some of
    /// their accounts were used since, that is how the site names those whom somebody enters together (a class by its
    /// teacher, with one password). Both then say nothing.
    pub(crate) fn explain_rosters(&mut self, table: TableId, facts: &TableFacts) {
        let rosters = || self.proposals(table).iter().filter(|p| p.kind.starts_with(ROSTER));
        let names: BTreeSet<&str> = rosters().map(|p| p.kind.as_str()).collect();
        let mut entered: Vec<i64> = rosters().filter_map(|p| p.rows.iter().filter_map(|row| facts.inserted(*row)).min()).collect();
        entered.sort_unstable();
        let mut days = 0;
        let mut last = None;
        for time in entered {
            if last.is_none_or(|last| time - last > DAY) {
                (days, last) = (days + 1, Some(time));
            }
        }
        let with = sorted(rosters().flat_map(|p| p.rows.iter().copied()));
        let used = with.iter().filter(|row| self.term(table, Family::Human, **row).is_some_and(|t| t.bits < Bits::ZERO)).count();
        if names.len() < ROSTERS || days < ROSTERS || (used as f64) < USED * with.len() as f64 {
            return;
        }
        let detail =
            format!("alike as the site's rosters are: such were entered on {days} days, and {used} of {} accounts used since", with.len());
        for (family, detector) in ALIKE {
            self.tables[table.index()].entry(family).or_default().replace(&with, &term(Bits::ZERO, detector, &detail));
        }
        self.proposals[table.index()].retain(|p| !p.kind.starts_with(ROSTER));
    }
}

fn term(bits: Bits, detector: &'static str, detail: &str) -> Term {
    Term { bits, detector, detail: detail.into(), certainty: Certainty::Suggests, lacking: Bits::ZERO }
}

fn sorted(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

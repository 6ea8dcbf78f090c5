//! Who belongs: what an accepted group's core looks like, feature by feature, against the rest of the
//! table; strangers are ejected, and rows outside that look the same are taught.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Member;
use super::judge::CORE;
use super::listed::Closed;
use super::scores::Proposal;
use super::shared::Shared;
use super::table::Table;
use crate::detect::Numbers;
use crate::model::{Bits, Family, Reason, Row};
use crate::parallel;
use crate::weigh::{LEAST_OUTSIDE, PRIOR};

/// Most bits that the features of one family may add or take off.
const FAMILY: f64 = 8.0;

/// Odds from which a row stays: 16 to 1.
const STAYS: f64 = 4.0;

/// Odds from which a row that shows nothing of its own stays.
const STAYS_SILENT: f64 = 9.0;

/// Bits from features that a row elsewhere needs to be taught.
const TAUGHT: f64 = 12.0;

/// How strongly a feature's shares inside the core are drawn to those outside.
const SHRINK: f64 = 2.0;

/// Rounds of fitting and ejecting.
const ROUNDS: usize = 3;

/// Most that membership may add to a row.
pub(super) const fn most(convicted: bool) -> Bits {
    Bits::from_hundredths(if convicted { 2_000 } else { 600 })
}

/// Returns the term of a usual member, for children that inherit the group.
pub(super) fn usual_term(members: &[(Row, Member)], convicted: bool) -> Bits {
    let mut terms: Vec<Bits> = members.iter().map(|m| m.1.term).collect();
    terms.sort_unstable();
    terms.get(terms.len() / 2).copied().unwrap_or(Bits::new(12.0)).capped(most(convicted)).capped(Bits::new(12.0))
}

/// What the values of a feature say for a core and against the rest.
struct Fitted<'a> {
    family: Family,
    values: &'a Numbers,
    /// By value: the bits of a row outside the core, and of a member, which is left out of what it is measured against.
    bits: [[f64; 256]; 2],
}

impl<'a> Fitted<'a> {
    fn new(family: Family, values: &'a Numbers, spread: &[u32; 256], core: &[Row], excluded: &[Row]) -> Self {
        let mut inside = [0; 256];
        let mut outside = *spread;
        for row in core {
            inside[usize::from(values.get(*row as usize))] += 1;
        }
        for row in excluded {
            outside[usize::from(values.get(*row as usize))] -= 1;
        }
        let spread = Spread::new(inside, outside, core.len(), values.len() - excluded.len());
        let bits = |in_core| std::array::from_fn(|value| if value < values.bound() { spread.bits(value, in_core) } else { 0.0 });
        Self { family, values, bits: [bits(false), bits(true)] }
    }

    /// Returns the bits of a row.
    #[inline]
    fn bits(&self, row: Row, in_core: bool) -> f64 {
        self.bits[usize::from(in_core)][usize::from(self.values.get(row as usize))]
    }
}

/// How a feature's values are spread inside and outside a core.
struct Spread {
    inside: [u32; 256],
    outside: [u32; 256],
    inside_total: f64,
    outside_total: f64,
    kinds: f64,
    /// Values that one row of the core has.
    singles: f64,
    /// Values that one other row has.
    other_singles: f64,
}

impl Spread {
    fn new(inside: [u32; 256], outside: [u32; 256], inside_total: usize, outside_total: usize) -> Self {
        let kinds = (0..256).filter(|v| inside[*v] > 0 || outside[*v] > 0).count() as f64;
        let singles = |counts: &[u32; 256]| counts.iter().filter(|n| **n == 1).count() as f64;
        Self {
            inside,
            outside,
            inside_total: inside_total as f64,
            outside_total: outside_total as f64,
            kinds,
            singles: singles(&inside),
            other_singles: singles(&outside),
        }
    }

    /// Returns the bits of a row with a value; a member of the core is left out of what it is measured against.
    fn bits(&self, value: usize, in_core: bool) -> f64 {
        let own = f64::from(u8::from(in_core));
        let real = (f64::from(self.outside[value]) + 0.5) / (self.outside_total + 0.5 * self.kinds);
        let count = f64::from(self.inside[value]) - own;
        let seeded = (count + SHRINK * real) / (self.inside_total - own + SHRINK);
        let bits = (seeded / real).log2();
        if count > 0.0 || self.outside[value] > 0 {
            return bits;
        }
        // A value that no other row has, in or out: where members have one each, one more says nothing against a row
        // (Good and Turing: the chance of something new is the share of what was seen once).
        let new = (self.singles - own).max(0.0) / (self.inside_total - own).max(1.0);
        let new_outside = (self.other_singles + 0.5) / (self.outside_total + 1.0);
        bits.max((new / new_outside).log2().min(0.0))
    }
}

/// Candidates that a thread weighs at a time.
const WEIGHED_TOGETHER: usize = 4_096;

/// Gives the members of a group, with what membership adds to each, by row.
///
/// `candidates` are the rows of all proposals that were merged, `core` those that show something of
/// their own, sorted.
pub(super) fn members(
    table: &Table<'_>,
    core: &[Row],
    candidates: &[Row],
    windows: &[&Proposal],
    closed: Option<&Closed>,
) -> Vec<(Row, Member)> {
    let mut core = core.to_vec();
    // By candidate: the odds of membership, and those of all that its row shows.
    let mut odds: Vec<(f64, f64)> = Vec::new();
    let base = base_odds(table, candidates, windows);
    let besides = closed.map(|closed| table.closures[closed.closure].family);
    let mut shared = Vec::new();
    for _ in 0..ROUNDS {
        let fitted = fit(table, &core, candidates);
        shared = Shared::of(table, &core, candidates, besides);
        let odds_of = |(row, base): (&Row, &f64)| {
            let membership = base + features(table, &fitted, *row, core.binary_search(row).is_ok());
            let of_group: Bits = shared.iter().map(|fact| fact.bits(table, *row)).sum();
            (membership, membership + own(table, *row, closed) + of_group.get())
        };
        let parts: Vec<(&[Row], &[f64])> = candidates.chunks(WEIGHED_TOGETHER).zip(base.chunks(WEIGHED_TOGETHER)).collect();
        let of_part = |(rows, base): &(&[Row], &[f64])| rows.iter().zip(*base).map(odds_of).collect::<Vec<(f64, f64)>>();
        odds = parallel::each(&parts, |part| part.0.len() as u64, of_part, |_| {}).into_iter().flatten().collect();
        let stays = |(row, (_, all)): &(&Row, &(f64, f64))| {
            let shows = table.own(**row) >= CORE || in_list(table, **row, closed);
            *all >= if shows { STAYS } else { STAYS_SILENT }
        };
        let next: Vec<Row> = candidates.iter().zip(&odds).filter(stays).map(|(row, _)| *row).collect();
        if next == core || next.is_empty() {
            break;
        }
        core = next;
    }
    let listed = closed.map(|closed| Listed::new(table, closed));
    let membership = |row: &Row| candidates.binary_search(row).ok().map(|place| odds[place].0);
    let of_core = |row: &Row| {
        let mut member = member(table, *row, membership(row)?, listed.as_ref(), false);
        member.terms.extend(shared.iter().filter_map(|fact| fact.reason(table, *row)));
        Some((*row, member))
    };
    let mut members: Vec<(Row, Member)> = core.iter().filter_map(of_core).collect();
    members.extend(taught(table, &core, candidates, listed.as_ref()));
    members.sort_by_key(|m| m.0);
    members
}

/// Odds of a row of each window against a stranger that fell into it, by candidate.
fn base_odds(table: &Table<'_>, candidates: &[Row], windows: &[&Proposal]) -> Vec<f64> {
    let mut base = vec![f64::MIN; candidates.len()];
    for window in windows {
        let strangers = match window.family {
            // Who is in a window of time is there by chance as often as the table's rate says.
            // Who lies behind the time of the neighbours is not there because it was a busy hour.
            Family::Clock if table.by_key && window.detector == "back-dated" => {
                table.usually_late().max(1.0 / table.rows() as f64) * window.rows.len() as f64 + 0.01
            }
            Family::Time | Family::Clock | Family::Vocabulary => table.strangers(&window.rows) + 0.01,
            _ => window.picked.unwrap_or(0.0) + 1.0,
        };
        let odds = (window.rows.len() as f64 / strangers).log2();
        for place in window.rows.iter().filter_map(|row| candidates.binary_search(row).ok()) {
            base[place] = base[place].max(odds);
        }
    }
    base
}

fn fit<'t>(table: &Table<'t>, core: &[Row], excluded: &[Row]) -> Vec<Fitted<'t>> {
    // A handful of rows, or a table that is hardly anything else, fits anything.
    if core.len() < 5 || table.rows() - excluded.len() < LEAST_OUTSIDE / 2 {
        return Vec::new();
    }
    table.features.iter().zip(&table.spread).map(|(f, spread)| Fitted::new(f.family, &f.values, spread, core, excluded)).collect()
}

/// Scores how much more a row's features are like those of the core than like the rest, bits.
pub(super) fn looks<'a, 't>(table: &'a Table<'t>, core: &[Row], excluded: &[Row]) -> impl Fn(Row) -> f64 + use<'a, 't> {
    let fitted = fit(table, core, excluded);
    move |row| features(table, &fitted, row, false)
}

/// Sums, by family of features, how much likelier the rows' features are among themselves than elsewhere.
pub(super) fn differences(table: &Table<'_>, rows: &[Row], candidates: &[Row]) -> BTreeMap<Family, f64> {
    let mut by_family: BTreeMap<Family, f64> = BTreeMap::new();
    for fitted in fit(table, rows, candidates) {
        let sum: f64 = rows.iter().map(|row| fitted.bits(*row, true).clamp(-FAMILY, FAMILY)).sum();
        let best = by_family.entry(fitted.family).or_insert(0.0);
        *best = best.max(sum);
    }
    by_family
}

fn features(table: &Table<'_>, fitted: &[Fitted<'_>], row: Row, in_core: bool) -> f64 {
    let mut by_family = [0.0; Family::ALL.len()];
    for feature in fitted {
        by_family[feature.family as usize] += feature.bits(row, in_core);
    }
    // What the row shows by itself in the same family is the same fact once more.
    let new = |(family, bits): (Family, f64)| {
        if bits <= 0.0 {
            return bits.max(-FAMILY);
        }
        let own = table.scores.sum(table.id, row, &[family]).get().max(0.0);
        (bits.min(FAMILY) - own).max(0.0)
    };
    Family::ALL.into_iter().zip(by_family).map(new).sum()
}

fn in_list(table: &Table<'_>, row: Row, closed: Option<&Closed>) -> bool {
    closed.is_some_and(|c| table.closures[c.closure].holds(row, c.list))
}

/// A row's own bits, with what its place in or out of the group's list says, and signs of a person.
fn own(table: &Table<'_>, row: Row, closed: Option<&Closed>) -> f64 {
    let human = table.scores.sum(table.id, row, &[Family::Human]).get();
    table.own(row).get() + human + closed.map_or(0.0, |c| closure_bits(table, row, c).get())
}

fn closure_bits(table: &Table<'_>, row: Row, closed: &Closed) -> Bits {
    let closure = table.closures[closed.closure];
    match (closure.applies(row), closure.holds(row, closed.list)) {
        (false, _) => Bits::ZERO,
        (true, true) => closed.hit(),
        (true, false) => closed.miss(),
    }
}

/// What a group's list says of its members, in words that they share.
struct Listed<'c> {
    closed: &'c Closed,
    family: Family,
    detector: &'static str,
    hit: Arc<str>,
    miss: Arc<str>,
}

impl<'c> Listed<'c> {
    fn new(table: &Table<'_>, closed: &'c Closed) -> Self {
        let closure = table.closures[closed.closure];
        let title = &closure.titles[closed.list];
        let (what, hits, of, elsewhere) = (closure.what, closed.hits, closed.of, closed.elsewhere * 100.0);
        let hit = format!("{what} in {title}, as {hits} of {of} members have; of the other rows {elsewhere:.0} %").into();
        let miss = format!("not in {title}, where {hits} of {of} members are").into();
        Self { closed, family: closure.family, detector: closure.detector, hit, miss }
    }

    fn reason(&self, bits: Bits) -> Reason {
        let detail = Arc::clone(if bits > Bits::ZERO { &self.hit } else { &self.miss });
        Reason { detector: self.detector.into(), family: self.family.as_str().into(), bits, detail }
    }
}

fn member(table: &Table<'_>, row: Row, membership: f64, listed: Option<&Listed<'_>>, taught: bool) -> Member {
    let mut terms = Vec::new();
    if let Some(listed) = listed {
        let bits = closure_bits(table, row, listed.closed);
        if bits != Bits::ZERO {
            terms.push((listed.family, listed.reason(bits)));
        }
    }
    // The odds of a member against a stranger take the prior's place, and that of the time they were had from.
    let timed = table.scores.sum(table.id, row, &[Family::Time]);
    let term = (Bits::new(membership) - PRIOR - timed).max(Bits::ZERO);
    Member { group: usize::MAX, term, terms, taught }
}

/// Finds rows outside the windows that show facts of their own and look like the core.
fn taught(table: &Table<'_>, core: &[Row], candidates: &[Row], listed: Option<&Listed<'_>>) -> Vec<(Row, Member)> {
    let fitted = fit(table, core, candidates);
    if fitted.is_empty() || core.len() < 10 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for row in table.telling().iter().copied().filter(|row| candidates.binary_search(row).is_err()) {
        let looks = features(table, &fitted, row, false);
        if looks >= TAUGHT && looks + own(table, row, listed.map(|l| l.closed)) + PRIOR.get() >= STAYS {
            found.push((row, member(table, row, looks + PRIOR.get(), listed, true)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(values: &[u8], core: &[Row]) -> f64 {
        let mut spread = [0; 256];
        values.iter().for_each(|v| spread[usize::from(*v)] += 1);
        let excluded: Vec<Row> = core.iter().copied().chain([values.len() as Row - 1]).collect();
        Fitted::new(Family::Shape, &values.iter().copied().collect(), &spread, core, &excluded).bits(values.len() as Row - 1, false)
    }

    #[test]
    fn what_no_member_has_counts_against_a_row_where_members_are_alike() {
        let core: Vec<Row> = (0..30).collect();
        // Members all have 1, the others 2; the last row has 3.
        let alike: Vec<u8> = (0..200).map(|i| if i < 30 { 1 } else { 2 }).chain([3]).collect();
        assert!(fitted(&alike, &core) < -3.0);
        // Members have a value each: one more of its own is what theirs are like.
        let apart: Vec<u8> = (0..200).map(|i| if i < 30 { 10 + i } else { 2 }).chain([3]).collect();
        assert!(fitted(&apart, &core) > -0.5);
        // But what the others have is not.
        let other: Vec<u8> = (0..200).map(|i| if i < 30 { 10 + i } else { 2 }).chain([2]).collect();
        assert!(fitted(&other, &core) < -3.0);
    }
}

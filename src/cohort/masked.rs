//! Whether a snapshot was masked before it was handed over: a generator's names and addresses in nearly all
//! rows of a table of people, and everything that masking leaves alone as people make it.

use std::collections::BTreeMap;

use super::Measures;
use super::listed::native_share;
use crate::detect::{Closure, TableFacts};
use crate::model::stamp::{DAY, HOUR};
use crate::model::{Family, Row, TableClass, TableId};
use crate::profile::Profile;

/// Families whose facts a mask makes: they say nothing of who made a masked row.
pub const MASKED_FAMILIES: [Family; 4] = [Family::Identifier, Family::Vocabulary, Family::Shape, Family::Discordance];

/// Fewest rows of a table that can be told.
const LEAST_ROWS: usize = 50;

/// Share of rows that must be synthetic, in the whole table and, less a fifth, in every tenth of its life.
///
/// Source: masking jobs rewrite every row, but often spare staff; a seed adds rows beside real ones.
const NEARLY_ALL: f64 = 0.85;

/// Share of rows from which another synthetic trait confirms it.
const HALF: f64 = 0.4;

/// Share of rows that machines may have timed, or that may share a credential, for the rest to be organic.
const FEW: f64 = 0.2;

/// Names the tables that were masked, with a sentence on how that shows.
#[must_use]
pub fn masked(profile: &Profile, measures: &Measures<'_>) -> BTreeMap<TableId, String> {
    let people = profile.tables.iter().filter(|t| t.class == TableClass::People);
    people.filter_map(|t| Some((t.id, sentence(t.id, measures)?))).collect()
}

fn sentence(table: TableId, measures: &Measures<'_>) -> Option<String> {
    let facts = &measures.facts[table.index()];
    if facts.rows < LEAST_ROWS {
        return None;
    }
    let traits = traits(table, facts, measures);
    let all: Vec<&Trait> = traits.iter().filter(|t| t.share >= NEARLY_ALL && everywhere(facts, &t.rows, t.share)).collect();
    let strongest = all.first()?;
    let confirmed = traits.iter().filter(|t| t.share >= HALF && t.what != strongest.what && everywhere(facts, &t.rows, t.share)).count();
    (confirmed > 0 && organic(table, facts, measures))
        .then(|| format!("{:.0} % of rows have {}, while times and credentials are people's own", strongest.share * 100.0, strongest.what))
}

/// A synthetic trait and the rows that show it.
struct Trait {
    what: String,
    /// Sorted.
    rows: Vec<Row>,
    share: f64,
}

fn traits(table: TableId, facts: &TableFacts, measures: &Measures<'_>) -> Vec<Trait> {
    let mut found: Vec<Trait> = Vec::new();
    for closure in measures.closures.iter().filter(|c| c.table == table) {
        found.extend(fullest(closure, facts.rows));
    }
    let mut by_detector: BTreeMap<&str, (String, Vec<Row>)> = BTreeMap::new();
    for fact in measures.weighed.iter().map(|w| &w.evidence).filter(|e| e.table == table && MASKED_FAMILIES.contains(&e.family)) {
        let entry = by_detector.entry(fact.detector).or_insert_with(|| (fact.detail.clone(), Vec::new()));
        entry.1.extend(&fact.rows);
    }
    found.extend(by_detector.into_values().map(|(what, mut rows)| {
        rows.sort_unstable();
        rows.dedup();
        let share = rows.len() as f64 / facts.rows as f64;
        Trait { what, rows, share }
    }));
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    found
}

/// Returns the list that holds most rows' values, unless its people have few names.
fn fullest(closure: &Closure, rows: usize) -> Option<Trait> {
    let (applicable, hits) = closure.totals();
    let (list, count) = hits.into_iter().enumerate().max_by_key(|(list, hits)| (*hits, usize::MAX - list))?;
    let few_names = native_share(&closure.titles[list]) > NEARLY_ALL;
    if applicable < LEAST_ROWS || few_names {
        return None;
    }
    let rows = (0..rows as Row).filter(|row| closure.holds(*row, list)).collect();
    Some(Trait { what: format!("{} in {}", closure.what, closure.titles[list]), rows, share: count as f64 / applicable as f64 })
}

/// Returns whether rows lie in every tenth of the table's life about as often as in all of it.
fn everywhere(facts: &TableFacts, rows: &[Row], share: f64) -> bool {
    let mut order: Vec<Row> = (0..facts.rows as Row).collect();
    if facts.created.is_empty() {
        return true;
    }
    order.sort_by_key(|row| (facts.created.get(*row), *row));
    order.chunks(facts.rows.div_ceil(10)).all(|tenth| {
        let hits = tenth.iter().filter(|r| rows.binary_search(r).is_ok()).count();
        hits as f64 >= 0.8 * share * tenth.len() as f64
    })
}

/// Returns whether times and credentials are as people make them.
fn organic(table: TableId, facts: &TableFacts, measures: &Measures<'_>) -> bool {
    let mut machine: Vec<Row> = Vec::new();
    for fact in measures.weighed.iter().map(|w| &w.evidence).filter(|e| e.table == table) {
        if matches!(fact.family, Family::Time | Family::Credential | Family::Clock | Family::Template) && fact.proposes {
            machine.extend(&fact.rows);
        }
    }
    machine.sort_unstable();
    machine.dedup();
    (machine.len() as f64) < FEW * facts.rows as f64 && has_days(facts)
}

/// Returns whether creation times follow the hours of a day, as far as they tell hours: some third of the day
/// holds far fewer of them than another. Dates that a generator draws fall on all hours alike.
fn has_days(facts: &TableFacts) -> bool {
    let times: Vec<i64> = facts.created.known().filter(|t| t % DAY != 0).collect();
    if times.len() < LEAST_ROWS {
        return true;
    }
    let mut hours = [0_usize; 24];
    for time in &times {
        hours[(time.rem_euclid(DAY) / HOUR) as usize] += 1;
    }
    let window = |from: usize| (0..8).map(|h| hours[(from + h) % 24]).sum::<usize>() as f64;
    let sums: Vec<f64> = (0..24).map(window).collect();
    let (least, most) = (sums.iter().copied().fold(f64::MAX, f64::min), sums.iter().copied().fold(0.0, f64::max));
    // A third of evenly drawn times varies by its square root.
    let even = times.len() as f64 / 3.0;
    most - least > 6.0 * even.sqrt()
}

//! Values that come in turn: `roles[i % 3]`, one row after the other.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::context::text_hash;
use super::{Detector, NO_ROW, Order, ParentLink, TableView};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row, TableClass};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct Turn;

const META: DetectorMeta = DetectorMeta {
    id: "turn",
    title: "Values in turn",
    family: Family::Template,
    reads: &[
        Role::Category,
        Role::Flag,
        Role::Privilege,
        Role::Currency,
        Role::Country,
        Role::Locale,
        Role::Region,
        Role::City,
        Role::Company,
        Role::Title,
        Role::GivenName,
        Role::FamilyName,
        Role::PersonName,
        Role::Amount,
        Role::Quantity,
    ],
    finds: "Runs of rows, one after the other in the order of insertion, in which a column's values repeat in turn: every second, third, up to every fortieth row has the same one; of whole names, the first or the last word.",
    false_positives: "A live system that hands out queues and variants in turn does so over the whole table; lines of orders and schedules repeat by nature, and where each turn has a parent of its own (debit and credit of a booking) nothing is said. How often rows repeat in the rest of the table is what a run is measured against. Couples and teams are imported in turn too, so that two in turn are only a reason to look.",
    source: "roles[i % roles.length], FIRST[i % FIRST.length], i % 2 === 0 and factory.Iterator in seed programs. Chance: the product of the values' shares over the run, times the rows, periods and columns looked at.",
};

/// Longest turn.
const LONGEST: usize = 40;

/// Log2 of the chance above which nothing is said.
const LEAST_CHANCE: f64 = -20.0;

/// Bits of rows at either end of a run that are left out: a row of no seed goes on in turn once in 4,096 runs.
const BORDER: f64 = 12.0;

/// Most bits of a row: alternation alone never sends it to review.
const MOST: f64 = 8.0;

/// Times that the whole turn must come round.
const LEAST_ROUNDS: usize = 3;

/// Log2 of the chance, and length of turn, from which no person and no import made it.
const CERTAIN_CHANCE: f64 = -60.0;
const CERTAIN_TURN: usize = 3;

/// What of a value comes in turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    FirstWord,
    LastWord,
}

impl Part {
    fn of(self, text: &str) -> &str {
        match self {
            Self::Whole => text,
            Self::FirstWord => text.split(' ').next().unwrap_or(text),
            Self::LastWord => text.rsplit(' ').next().unwrap_or(text),
        }
    }
}

impl Detector for Turn {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if table.facts.order.is_empty() {
            return Err("the order of insertion cannot be told".to_owned());
        }
        if matches!(table.profile.class, TableClass::Activity | TableClass::Audit | TableClass::Link) {
            return Err("what people do comes in turn by nature".to_owned());
        }
        let mut reads: Vec<ColumnRead> = parts(table).into_iter().map(|(column, _)| ColumnRead::Text(column)).collect();
        reads.dedup();
        if reads.is_empty() { Err("no column whose values repeat".to_owned()) } else { Ok(reads) }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        // One column of hashes each; the rows are in the order of chunks.
        let mut hashed = vec![chunk.frame.column("row")?.clone()];
        for (place, (column, part)) in parts(table).into_iter().enumerate() {
            let texts = chunk.frame.column(&ColumnRead::Text(column).name())?.str()?;
            let hashes: Vec<u32> = texts.iter().map(|t| t.map_or(0, |t| (text_hash(1, part.of(t)) >> 32) as u32 | 1)).collect();
            hashed.push(Series::new(place.to_string().into(), hashes).into_column());
        }
        DataFrame::new(chunk.frame.height(), hashed)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let mut evidence = Vec::new();
        let rows = super::rows_of(merged)?;
        let parts = parts(table);
        for place in 0..parts.len() {
            let hashes: Vec<u32> = merged.column(&place.to_string())?.u32()?.into_no_null_iter().collect();
            let mut by_row = vec![0; table.rows()];
            rows.iter().zip(&hashes).for_each(|(row, hash)| by_row[*row as usize] = *hash);
            drop(hashes);
            let ordered = match &table.facts.order {
                Order::Listed(order) => order.iter().map(|row| by_row[*row as usize]).collect(),
                _ => by_row,
            };
            let looked_at = (ordered.len() * LONGEST * parts.len()) as f64;
            let found = runs(&ordered, looked_at.log2());
            evidence.extend(found.iter().filter(|run| !of_parents(table, run)).map(|run| fact(table, run)));
        }
        Ok(evidence)
    }
}

/// Returns the columns whose values, or words, repeat enough to come in turn.
fn parts(table: &TableView<'_>) -> Vec<(usize, Part)> {
    let repeats = |column: &usize| {
        let column = &table.profile.columns[*column];
        column.facts.distinct > 1 && (column.facts.distinct_share() < 0.5 || column.role == Role::PersonName)
    };
    let words = |column: usize| match table.profile.columns[column].role {
        Role::PersonName => vec![(column, Part::FirstWord), (column, Part::LastWord)],
        _ => vec![(column, Part::Whole)],
    };
    META.reads.iter().flat_map(|r| table.profile.columns_with(*r)).filter(repeats).flat_map(words).collect()
}

/// Share of the turns that must hang on a parent of their own before the turn is the parent's.
const OF_A_PARENT: f64 = 0.9;

/// Returns whether some reference of a run's rows tells that each turn is a parent's.
fn of_parents(table: &TableView<'_>, run: &Run) -> bool {
    let rows: Vec<Row> = (run.start..run.end).filter_map(|place| table.facts.order.get(place)).collect();
    let parents = |link: &ParentLink| rows.iter().map(|row| link.rows[*row as usize]).collect::<Vec<Row>>();
    table.facts.parents.iter().any(|link| fills_parents(&parents(link), run.turn))
}

/// Returns whether each turn hangs on a parent of its own: the two sides of a booking, the three lines that every order
/// gets, whoever wrote them.
///
/// `parents` are those of the run's rows, in its order.
fn fills_parents(parents: &[Row], turn: usize) -> bool {
    (0..turn).any(|phase| {
        let turns: Vec<&[Row]> = parents[phase.min(parents.len())..].chunks_exact(turn).collect();
        let whole = |rows: &&&[Row]| rows[0] != NO_ROW && rows.iter().all(|row| *row == rows[0]);
        let changes = turns.windows(2).filter(|pair| pair[0][0] != pair[1][0]).count();
        let least = OF_A_PARENT * turns.len() as f64;
        !turns.is_empty() && turns.iter().filter(whole).count() as f64 >= least && (changes + 1) as f64 >= least
    })
}

/// A stretch of the order in which values come in turn.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    start: usize,
    end: usize,
    turn: usize,
    log2_p: f64,
}

/// Finds the runs, at most one over the same rows; `price` is log2 of the places and periods looked at.
fn runs(values: &[u32], price: f64) -> Vec<Run> {
    let Some((values, counts)) = numbered(values) else { return Vec::new() };
    let total = values.len() as f64;
    let mut found: Vec<Run> = Vec::new();
    for turn in 2..=LONGEST.min(values.len() / LEAST_ROUNDS) {
        let mut candidates = Vec::new();
        let least = (LEAST_ROUNDS - 1) * turn;
        let repeats = |at: &usize| values[*at] == values[at - turn];
        let mut start = turn;
        while start + least <= values.len() {
            // The last of them first: where it does not repeat, no run begins before it.
            if let Some(at) = (start..start + least).rev().find(|at| !repeats(at)) {
                start = at + 1;
                continue;
            }
            let at = (start + least..values.len()).find(|at| !repeats(at)).unwrap_or(values.len());
            // All alike is no turn, nor are two turns of half the length.
            if !shorter(&values[start - turn..at], turn) {
                candidates.push((start, at));
            }
            start = at + 1;
        }
        if candidates.is_empty() {
            continue;
        }
        let matches = values[turn..].iter().zip(&values).filter(|(a, b)| a == b).count();
        for (start, end) in candidates {
            // How often a row repeats the one before it by so many places where it is not in the run.
            let outside = (values.len() - turn - (end - start)).max(1) as f64;
            let repeat = ((matches - (end - start)) as f64 + 0.5) / (outside + 1.0);
            let chance = |at: usize| (counts[values[at] as usize] as f64 / total).max(repeat).log2();
            let log2_p = (start..end).map(chance).sum::<f64>() + price;
            // Rows before and behind the run go on in turn by chance for a while.
            let inner = |places: &mut dyn Iterator<Item = usize>| {
                let mut bits = 0.0;
                places
                    .take_while(|at| {
                        bits -= chance(*at);
                        bits < BORDER
                    })
                    .count()
            };
            let (head, tail) = (inner(&mut (start - turn..end)), inner(&mut (start - turn..end).rev()));
            let (first, last) = (start - turn + head, end.saturating_sub(tail));
            if log2_p <= LEAST_CHANCE && last > first + turn {
                found.push(Run { start: first, end: last, turn, log2_p });
            }
        }
    }
    found.sort_by(|a, b| a.log2_p.total_cmp(&b.log2_p).then(a.start.cmp(&b.start)));
    let mut kept: Vec<Run> = Vec::new();
    for run in found {
        if kept.iter().all(|k| run.end <= k.start || k.end <= run.start) {
            kept.push(run);
        }
    }
    kept.truncate(MOST_RUNS);
    kept
}

/// Numbers the values, with how often each occurs; `None` where they are all alike.
fn numbered(values: &[u32]) -> Option<(Vec<u32>, Vec<usize>)> {
    let mut known: HashMap<u32, u32, FixedState> = HashMap::default();
    let mut counts: Vec<usize> = Vec::new();
    let mut numbers = Vec::with_capacity(values.len());
    for value in values {
        let next = counts.len() as u32;
        let number = *known.entry(*value).or_insert(next);
        if number == next {
            counts.push(0);
        }
        counts[number as usize] += 1;
        numbers.push(number);
    }
    (counts.len() > 1).then_some((numbers, counts))
}

/// Runs kept of a column: the least likely ones.
const MOST_RUNS: usize = 50;

/// Returns whether the values repeat in fewer places too.
fn shorter(values: &[u32], turn: usize) -> bool {
    (1..turn).filter(|part| turn.is_multiple_of(*part)).any(|part| values.windows(part + 1).all(|w| w[0] == w[part]))
}

fn fact(table: &TableView<'_>, run: &Run) -> Evidence {
    let rows = table.facts.order.sorted(run.start..run.end);
    let certain = table.profile.class == TableClass::People && run.turn >= CERTAIN_TURN && run.log2_p <= CERTAIN_CHANCE;
    Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: format!("{} in turn", run.turn),
        detail: format!("{} values in turn over {} rows inserted one after the other", run.turn, rows.len()),
        rows,
        measure: Measure::Against { bits: (-run.log2_p).min(MOST) },
        certainty: if certain { Certainty::CannotBeHuman } else { Certainty::Suggests },
        proposes: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values as people leave them: no order, shares of 1/2, 1/4, 1/8 and so on.
    fn real(count: u64) -> Vec<u32> {
        (0..count).map(|i| (text_hash(7, &i.to_string()).trailing_zeros() + 1).min(6)).collect()
    }

    #[test]
    fn finds_a_turn_among_others() {
        let mut values = real(1_000);
        values.extend((0..45).map(|i| [3, 1, 4][i % 3]));
        values.extend(real(500));
        let found = runs(&values, 15.0);
        assert_eq!(found.len(), 1, "{found:?}");
        // Its ends are left out: whoever stood there may go on in turn.
        assert!(found[0].turn == 3 && found[0].start > 1_000 && found[0].end < 1_045 && found[0].end - found[0].start > 20, "{found:?}");
    }

    #[test]
    fn a_turn_that_fills_a_parent_is_the_parents() {
        // Debit and credit of twenty bookings, from the second half of one on.
        let bookings: Vec<Row> = (1..41).map(|i| i / 2).collect();
        assert!(fills_parents(&bookings, 2));
        // Three in turn whatever they hang on: on few, on one, on nothing, on one each.
        for of in [7, 20, 40] {
            let drawn: Vec<Row> = (0..60).map(|i| (text_hash(3, &i.to_string()) % of) as Row).collect();
            assert!(!fills_parents(&drawn, 3), "{of}");
        }
        assert!(!fills_parents(&[5; 60], 3) && !fills_parents(&[NO_ROW; 60], 3) && !fills_parents(&[], 2));
    }

    #[test]
    fn stays_quiet_where_life_repeats() {
        assert!(runs(&real(3_000), 15.0).is_empty());
        // A system that hands out three queues in turn, all its life.
        let queues: Vec<u32> = (0..900).map(|i| if i % 50 == 7 { 9 } else { i % 3 }).collect();
        assert!(runs(&queues, 15.0).is_empty());
        // All alike.
        let mut alike = real(500);
        alike.extend([1; 200]);
        alike.extend(real(500));
        assert!(runs(&alike, 15.0).is_empty());
    }
}

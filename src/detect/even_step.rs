//! Telephone numbers and the like that rise by one amount from person to person: 971 234 5678, 5779, 5880. A loop adds
//! `i * 101`; nobody's provider does.

use polars::prelude::{DataFrame, PolarsResult};

use super::context::text_hash;
use super::numbered::{self, Numbers};
use super::{Detector, Ranks, TableView};
use crate::model::stamp::DAY;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct EvenStep;

const META: DetectorMeta = DetectorMeta {
    id: "even-step",
    title: "Numbers in even steps",
    family: Family::Template,
    reads: &[Role::Phone, Role::PostalCode, Role::Street],
    finds: "Telephone numbers, postal codes and house numbers of people that rise by one amount, other than one, from each to the next, and whose rows lie together.",
    false_positives: "A firm's block of extensions rises by one, or by ten over a few; numbers that a system hands out belong to no person. How often two steps are alike in the rest of the column is counted.",
    source: "Loops of the form `'+91 97' + (12345678 + i * 101)` in seed scripts; in telephone numbers drawn by observed habits no five in a row rise evenly.",
};

/// Fewest rows of one step.
const LEAST: usize = 6;

/// Rows from which on no firm's block is even.
const CERTAIN: usize = 10;

/// Fewest and most digits of a text: fewer are even by chance, more are several numbers.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=18;

/// Digits, from the last, that a step changes: those before belong to the template.
const COUNTED: usize = 9;

/// Longest text that is looked at, in bytes.
const LONGEST: usize = 80;

/// Evidence below which nothing is said, log2 of a chance.
const LEAST_BITS: f64 = 20.0;

/// A value: what stands around its digits, what they make, and the row.
type Numbered = (u64, u32, Row);

impl Detector for EvenStep {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        if !table.facts.people {
            return Err("no table of people".to_owned());
        }
        table.texts_or(META.reads, "no telephone number and nothing like it")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut found = Numbers::default();
        let mut template = String::new();
        for read in table.texts(META.reads) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                if let Some(number) = text.and_then(|t| split(t, &mut template)) {
                    found.push(chunk.first_row + offset as Row, read.column(), text_hash(0, &template), number);
                }
            }
        }
        found.frame()
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let mut evidence = Vec::new();
        if merged.height() == 0 {
            return Ok(evidence);
        }
        let ranks = table.facts.ranks();
        for read in table.texts(META.reads) {
            let mut sorted: Vec<Numbered> = numbered::of_column(merged, read.column())?.collect();
            sorted.sort_unstable();
            evidence.extend(of_values(&sorted, table, &ranks));
        }
        Ok(evidence)
    }
}

/// Takes the last nine digits of a text as one number, and writes what stands around them; `None` where the text has too
/// few digits, or too many to be one number.
fn split(text: &str, template: &mut String) -> Option<u32> {
    if text.len() > LONGEST {
        return None;
    }
    let mut left = text.bytes().filter(u8::is_ascii_digit).count();
    if !DIGITS.contains(&left) {
        return None;
    }
    let mut number = 0;
    template.clear();
    for c in text.chars() {
        match c.to_digit(10) {
            Some(digit) if left <= COUNTED => {
                number = number * 10 + digit;
                template.push('0');
            }
            _ => template.push(c),
        }
        left -= usize::from(c.is_ascii_digit());
    }
    Some(number)
}

/// Finds the runs among a column's values, which are sorted.
fn of_values(sorted: &[Numbered], table: &TableView<'_>, ranks: &Ranks) -> Vec<Evidence> {
    let runs: Vec<&[Numbered]> = sorted.chunk_by(|a, b| a.0 == b.0).flat_map(even).collect();
    let alike = |run: &&[Numbered]| run.len() - 2;
    // How often two steps are alike by chance is told by all others.
    let in_runs: usize = runs.iter().filter(|run| run.len() >= LEAST).map(alike).sum();
    let by_chance = runs.iter().map(alike).sum::<usize>() - in_runs;
    let chance = (by_chance as f64 + 1.0) / (sorted.len().saturating_sub(in_runs) as f64 + 2.0);
    runs.into_iter().filter(|run| run.len() >= LEAST).filter_map(|run| judge(run, chance, table, ranks)).collect()
}

/// Cuts values of one template where the step changes; parts of at least three with a step above one.
fn even(values: &[Numbered]) -> Vec<&[Numbered]> {
    let step = |at: usize| values[at + 1].1 - values[at].1;
    let mut found = Vec::new();
    let mut first = 0;
    while first + 2 < values.len() {
        let mut last = first + 1;
        while last + 1 < values.len() && step(last) == step(first) {
            last += 1;
        }
        if last - first >= 2 && step(first) > 1 {
            found.push(&values[first..=last]);
        }
        first = last;
    }
    found
}

/// Says what a run shows, `None` where its rows lie apart or it may be chance.
fn judge(run: &[Numbered], chance: f64, table: &TableView<'_>, ranks: &Ranks) -> Option<Evidence> {
    let place = |row: &Numbered| ranks.get(row.2);
    let places: Vec<Row> = run.iter().filter_map(place).collect();
    let rising = places.len() == run.len() && (places.is_sorted() || places.is_sorted_by(|a, b| a >= b));
    let times: Vec<i64> = run.iter().filter_map(|value| table.facts.created.get(value.2)).collect();
    let day = times.len() == run.len() && times.iter().max()? - times.iter().min()? <= DAY;
    let near = places.len() == run.len() && (places.iter().max()? - places.iter().min()?) as usize <= 2 * run.len() + LEAST;
    let log2_p = (run.len() - 2) as f64 * chance.log2() + (table.rows() as f64).log2();
    if !(near || day) || -log2_p < LEAST_BITS {
        return None;
    }
    let mut rows: Vec<Row> = run.iter().map(|value| value.2).collect();
    rows.sort_unstable();
    let order = if rising { ", in the order of insertion" } else { "" };
    Some(Evidence {
        detector: META.id,
        family: META.family,
        table: table.profile.id,
        kind: (run[1].1 - run[0].1).to_string(),
        detail: format!("{} numbers that rise by {} each{order}", run.len(), run[1].1 - run[0].1),
        rows,
        measure: Measure::Chance { log2_p },
        certainty: if rising && run.len() >= CERTAIN { Certainty::CannotBeHuman } else { Certainty::Suggests },
        proposes: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_rises_by_one_amount() {
        let numbers = [7, 12, 40, 141, 242, 343, 344, 345, 346, 400];
        let values: Vec<Numbered> = numbers.iter().map(|n| (1, *n, 0)).collect();
        let found: Vec<Vec<u32>> = even(&values).iter().map(|run| run.iter().map(|v| v.1).collect()).collect();
        assert_eq!(found, [vec![40, 141, 242, 343]]);
        assert!(even(&values[..2]).is_empty() && even(&[]).is_empty());
    }

    #[test]
    fn takes_digits_as_one_number() {
        let mut template = String::new();
        assert_eq!(split("+91 97-123 4567", &mut template), Some(971_234_567));
        assert_eq!(template, "+91 00-000 0000");
        assert_eq!(split("12", &mut template), None);
        assert_eq!(split("1234567890123456789", &mut template), None);
    }
}

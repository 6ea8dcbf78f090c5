//! Names of people and firms that end with a counter.

use std::collections::BTreeSet;

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct CountedName;

const META: DetectorMeta = DetectorMeta {
    id: "counted-name",
    title: "Names with a counter",
    family: Family::Shape,
    reads: &[Role::PersonName, Role::GivenName, Role::FamilyName, Role::Company, Role::City],
    finds: "Names of people, firms and towns that end with a number: User 17, Customer-204, First12.",
    false_positives: "Handles in a name's place; the share in the rest of the table is weighed. Kings and rooms are no customers. Numbers of plots and of houses behind a name come in any order, with holes and again: what is counted has a number each, from one on or rising with the rows, or there are many of them.",
    source: "Loops of the form `name: \"User \" + i`; names with digits are below 1 in 500 in registration data that asks for a name.",
};

/// Share of real rows with such a name, at least.
const REAL_FLOOR: f64 = 0.002;

/// Share of the numbers between the ends of a count that must occur, and share of steps from row to row that rise.
const DENSE: f64 = 0.9;
const RISING: f64 = 0.8;

/// Rows from which numbers in any order are drawn rather than those of plots, and least share of different ones.
const MANY: usize = 20;
const DIFFERENT: f64 = 0.9;

/// Returns whether numbers, in the order of rows, are what a loop counts or draws.
fn is_count(numbers: &[u32]) -> bool {
    let different: BTreeSet<u32> = numbers.iter().copied().collect();
    let (Some(first), Some(last)) = (different.first(), different.last()) else { return false };
    let dense = *first <= 1 && different.len() as f64 >= DENSE * (f64::from(last - first) + 1.0);
    let rising = numbers.windows(2).filter(|pair| pair[1] > pair[0]).count() as f64 >= RISING * (numbers.len() - 1) as f64;
    dense || rising || (numbers.len() >= MANY && different.len() as f64 >= DIFFERENT * numbers.len() as f64)
}

/// Lists the numbers behind a text, in the order of rows.
fn numbers(of: &Marked<'_>) -> Vec<u32> {
    let columns = META.reads.iter().flat_map(|role| of.table.profile.columns_with(*role));
    let texts = columns.filter_map(|column| of.table.texts_of(column, of.rows).ok());
    let of_kind = |texts: Vec<String>| -> Vec<u32> {
        let number = |text: &String| text[text.trim_end_matches(|c: char| c.is_ascii_digit()).len()..].parse().ok();
        texts.iter().filter(|text| counted(text).is_some_and(|kind| kind == of.kind)).filter_map(number).collect()
    };
    texts.map(of_kind).max_by_key(Vec::len).unwrap_or_default()
}

/// Returns the name's text where a number ends it.
fn counted(name: &str) -> Option<String> {
    let text = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.len() - text.len();
    if digits == 0 || digits > 7 {
        return None;
    }
    let text = text.trim_end_matches([' ', '-', '_', '#', '.']);
    (text.chars().any(char::is_alphabetic) && text.len() <= 60).then(|| text.to_lowercase())
}

impl Marks for CountedName {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no name";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        counted(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        // One name with a number is a handle; a dozen of one text are counted.
        (of.rows.len() >= LEAST && is_count(&numbers(of))).then(|| Finding {
            detail: format!("name \"{}\" with a number behind it", of.kind),
            measure: Measure::Rate { seeded: 0.9, real_floor: REAL_FLOOR },
            certainty: Certainty::CannotBeHuman,
            proposes: true,
        })
    }
}

/// Fewest rows of one text.
const LEAST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_text_and_counter() {
        assert_eq!(counted("Test User 12").as_deref(), Some("test user"));
        assert_eq!(counted("First7").as_deref(), Some("first"));
        assert_eq!(counted("Mary Smith"), None);
    }

    #[test]
    fn numbers_of_plots_are_no_count() {
        assert!(!is_count(&[16, 24, 14, 18, 23]));
        assert!(!is_count(&[16, 7, 14, 16, 2, 9, 20]));
        assert!(!is_count(&[]));
        // From one on in any order; rising with holes; drawn from many.
        assert!(is_count(&[3, 1, 2, 5, 4]));
        assert!(is_count(&[12, 19, 23, 40, 41]));
        let drawn: Vec<u32> = (0..30).map(|i| i * 7_919 % 10_007).collect();
        assert!(is_count(&drawn));
    }
}

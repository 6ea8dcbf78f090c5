//! Names of people and firms that end with a counter.

use polars::prelude::{DataFrame, PolarsResult};

use super::cells::{self, Finding};
use super::{Detector, TableView};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct CountedName;

const META: DetectorMeta = DetectorMeta {
    id: "counted-name",
    title: "Names with a counter",
    family: Family::Shape,
    reads: &[Role::PersonName, Role::GivenName, Role::FamilyName, Role::Company, Role::City],
    finds: "Names of people, firms and towns that end with a number: User 17, Customer-204, First12.",
    false_positives: "Handles in a name's place; the share in the rest of the table is weighed. Kings and rooms are no customers.",
    source: "Loops of the form `name: \"User \" + i`; names with digits are below 1 in 500 in registration data that asks for a name.",
};

/// Share of real rows with such a name, at least.
const REAL_FLOOR: f64 = 0.002;

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

impl Detector for CountedName {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let reads = table.texts(META.reads);
        if reads.is_empty() { Err("no name".to_owned()) } else { Ok(reads) }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        cells::mark(chunk, table, META.reads, |_, text| counted(text))
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        cells::facts(&META, merged, table, |kind, rows| {
            // One name with a number is a handle; a dozen of one text are counted.
            (rows.len() >= LEAST).then(|| Finding {
                detail: format!("name \"{kind}\" with a number behind it"),
                measure: Measure::Rate { seeded: 0.9, real_floor: REAL_FLOOR },
                certainty: Certainty::CannotBeHuman,
                proposes: true,
            })
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
}

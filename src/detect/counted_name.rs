//! Names of people and firms that end with a counter.

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

impl Marks for CountedName {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no name";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        counted(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        // One name with a number is a handle; a dozen of one text are counted.
        (of.rows.len() >= LEAST).then(|| Finding {
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
}

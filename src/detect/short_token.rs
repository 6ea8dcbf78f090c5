//! The ten random letters that Laravel's factories put where a login writes sixty.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct ShortToken;

const META: DetectorMeta = DetectorMeta {
    id: "short-token",
    title: "A factory's token",
    family: Family::Credential,
    reads: &[Role::Token],
    finds: "Tokens of exactly ten letters and digits in a column whose other values have another length: remember_token as Laravel's user factory makes it.",
    false_positives: "Short codes of an application's own; then the column's other values have ten characters too, and nothing is said.",
    source: "laravel/laravel UserFactory: Str::random(10); Illuminate's SessionGuard writes Str::random(60).",
};

/// Characters of a factory's token, and of the one that a login writes.
const FACTORY: usize = 10;
const LOGIN: usize = 60;

/// Share of a factory's rows that show it, and of real ones, at least.
const SEEDED: f64 = 0.98;
const REAL_FLOOR: f64 = 0.001;

/// Share of the tokens that may have ten characters without a single one of sixty among them.
const MOST: f64 = 0.5;

const SHORT: &str = "ten characters";
const LONG: &str = "sixty characters";

impl Marks for ShortToken {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no token";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        kind(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        let own_codes = !of.all.contains_key(LONG) && of.rows.len() as f64 > MOST * of.table.rows() as f64;
        (of.kind == SHORT && !own_codes).then(|| Finding {
            detail: "its token has ten characters, as a factory makes it; a login writes sixty".to_owned(),
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: true,
        })
    }
}

fn kind(text: &str) -> Option<&'static str> {
    let random = text.bytes().all(|b| b.is_ascii_alphanumeric());
    let mixed = text.bytes().any(|b| b.is_ascii_uppercase()) && text.bytes().any(|b| b.is_ascii_lowercase());
    match text.len() {
        FACTORY if random && mixed => Some(SHORT),
        LOGIN if random => Some(LONG),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_factorys_token() {
        assert_eq!(kind("aB3dE6gH9k"), Some(SHORT));
        for other in ["0123456789", "abcdefghij", "aB3dE6gH9", "aB3-E6gH9k", ""] {
            assert_eq!(kind(other), None, "{other}");
        }
        assert_eq!(kind(&"aB3".repeat(20)), Some(LONG));
    }
}

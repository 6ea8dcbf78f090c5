//! Telephone numbers in the shapes that generators write.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct GeneratorPhone;

const META: DetectorMeta = DetectorMeta {
    id: "generator-phone",
    title: "Telephone numbers of generators",
    family: Family::Shape,
    reads: &[Role::Phone],
    finds: "American numbers with an extension written x123 without a word or a blank before it, as three quarters of a generator's are, and numbers whose area code or exchange begins with 0 or 1.",
    false_positives: "Offices do write extensions; the share in the rest of the table is weighed.",
    source: "Formats of faker-js, Python's Faker, FakerPHP, Ruby's faker and Bogus (75 % with an extension in faker-js 9 and 10); the North American Numbering Plan allows 2 to 9 as first digit of area code and exchange.",
};

/// Share of real rows with such a number, at least.
///
/// Source: about 1 in 200 business numbers carries an extension.
const REAL_FLOOR: f64 = 0.005;

/// Share of a generator's numbers that show it.
const SEEDED: f64 = 0.5;

/// Says what gives a number away.
fn flaw(number: &str) -> Option<&'static str> {
    if let Some((main, extension)) = number.rsplit_once('x') {
        let digits = |t: &str| t.chars().filter(char::is_ascii_digit).count();
        let plain = extension.len() >= 2 && extension.len() <= 6 && extension.bytes().all(|b| b.is_ascii_digit());
        if plain && (10..=13).contains(&digits(main)) && !main.to_ascii_lowercase().contains('e') {
            return Some("extension x");
        }
    }
    // Only numbers written in the American way: three, three, four.
    let main = number.trim();
    let main = ["+1-", "+1 ", "001-", "1-", "1 ", "+1"].iter().find_map(|p| main.strip_prefix(p)).unwrap_or(main);
    let groups: Vec<&str> = main.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    let [area, exchange, line] = groups.as_slice() else { return None };
    let american = area.len() == 3 && exchange.len() == 3 && line.len() == 4;
    let low = |group: &str| group.starts_with(['0', '1']);
    (american && (low(area) || low(exchange))).then_some("no such area code or exchange")
}

impl Marks for GeneratorPhone {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no telephone number";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        flaw(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("telephone number as generators write them: {}", of.kind),
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_generated_numbers() {
        assert_eq!(flaw("(611) 459-7143 x9875"), Some("extension x"));
        assert_eq!(flaw("+1-611-459-7143x9875"), Some("extension x"));
        assert_eq!(flaw("1-112-459-7143"), Some("no such area code or exchange"));
        assert_eq!(flaw("(415) 059-7143"), Some("no such area code or exchange"));
        for real in ["+1 415 859 7143", "415-859-7143 ext 12", "+44 20 7946 0018", "030 1234567", "0171 123 4567", "+49 151 12345678"] {
            assert_eq!(flaw(real), None, "{real}");
        }
    }
}

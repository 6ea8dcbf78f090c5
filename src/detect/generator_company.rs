//! Companies and towns put together as generators put them together: `Schaden, Prohaska and Kassulke`, `West Giovannyville`.

use super::marks::{Finding, Kind, Marked, Marks};
use super::vocabulary;
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct GeneratorCompany;

const META: DetectorMeta = DetectorMeta {
    id: "generator-company",
    title: "Companies and towns of generators",
    family: Family::Vocabulary,
    reads: &[Role::Company, Role::Title, Role::City],
    finds: "Companies made of family names in the generators' lists: three with commas and an and between them, two with a hyphen, one before and Sons; towns made of a point of the compass or the like, a name in the lists and an ending such as -ville, -bury, -mouth.",
    false_positives: "Law firms are called so, and West Jordan, North Charleston and Lake Charles are towns: each form counts against its share in the rest of the table.",
    source: "company.name() and location.city() of faker-js and Bogus, Faker for Python, FakerPHP and Ruby's faker: {last}, {last} and {last}; {last} - {last}; {last} and Sons; {prefix} {first}{suffix}.",
};

/// What stands before and behind names in the generators' towns.
///
/// Source: `city_prefix` and `city_suffix` of faker-js' en and of `en_US` in Faker for Python and FakerPHP.
const BEFORE: &[&str] = &["north", "east", "west", "south", "new", "lake", "port", "fort"];
const BEHIND: &[&str] = &[
    "town", "ton", "land", "ville", "berg", "burgh", "boro", "borough", "bury", "view", "port", "mouth", "stad", "stead", "furt",
    "chester", "cester", "fort", "field", "haven", "side", "shire", "worth",
];

const THREE_NAMES: &str = "three family names";
const TWO_NAMES: &str = "two family names and a hyphen";
const AND_SONS: &str = "a family name and Sons";
const MADE_TOWN: &str = "a point of the compass, a name and an ending";

/// By form: the share of a generator's values that show it, and of real ones at least.
///
/// Source: the generators choose among two or three forms of companies, and four of towns. Of real companies law firms
/// and family businesses are called so, of American towns some of every five hundred people's.
const FORMS: &[(&str, f64, f64)] = &[(THREE_NAMES, 0.3, 0.004), (TWO_NAMES, 0.3, 0.004), (AND_SONS, 0.1, 0.004), (MADE_TOWN, 0.2, 0.003)];

impl Marks for GeneratorCompany {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no company, title or town";

    fn mark(&self, role: Role, text: &str) -> Option<Kind> {
        let form = if role == Role::City { made_town(text) } else { company(text) };
        form.map(Kind::from)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        let (_, seeded, real_floor) = FORMS.iter().find(|f| f.0 == of.kind).copied()?;
        let what = if of.kind == MADE_TOWN { "a town" } else { "a company" };
        Some(Finding {
            detail: format!("{what} as generators make them: {}", of.kind),
            measure: Measure::Rate { seeded, real_floor },
            certainty: Certainty::Suggests,
            proposes: false,
        })
    }
}

/// Returns the form of a company that generators make of family names.
fn company(text: &str) -> Option<&'static str> {
    let known = |name: &str| {
        let first = name.chars().next().is_some_and(char::is_uppercase);
        first && !name.contains(' ') && vocabulary::is_family_name(&name.to_lowercase())
    };
    if let Some((two, third)) = text.split_once(" and ") {
        return match two.split_once(", ") {
            Some((first, second)) => [first, second, third].into_iter().all(known).then_some(THREE_NAMES),
            None => (third == "Sons" && known(two)).then_some(AND_SONS),
        };
    }
    let (first, second) = text.split_once(" - ").or_else(|| text.split_once('-'))?;
    (known(first) && known(second)).then_some(TWO_NAMES)
}

/// Returns the form of a town that generators make of a name.
fn made_town(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let (before, town) = lower.split_once(' ')?;
    let named = |ending: &str| town.strip_suffix(ending).is_some_and(|name| name.len() > 2 && vocabulary::is_given_name(name));
    (BEFORE.contains(&before) && BEHIND.iter().any(|ending| named(ending))).then_some(MADE_TOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_companies() {
        for (made, form) in [
            ("Schaden, Prohaska and Kassulke", THREE_NAMES),
            ("Bernhard, Schuppe and Bernhard", THREE_NAMES),
            ("Hilpert - Bogan", TWO_NAMES),
            ("Dibbert-Hoeger", TWO_NAMES),
            ("Altenwerth and Sons", AND_SONS),
        ] {
            assert_eq!(company(made), Some(form), "{made}");
        }
        for real in
            ["Rippin LLC", "Bread, Butter and Jam", "Smith and Daughters", "Wi-Fi", "Salt - Pepper", "Marks and Spencer", "T-Mobile"]
        {
            assert_eq!(company(real), None, "{real}");
        }
    }

    #[test]
    fn tells_towns() {
        for made in ["West Giovannyville", "South Quentinmouth", "Port Amelyville", "New Deborahton"] {
            assert_eq!(made_town(made), Some(MADE_TOWN), "{made}");
        }
        for real in
            ["West Hollywood", "Port Arthur", "New York", "Lake Placid", "North Vancouver", "Giovannyville", "South Shields", "East London"]
        {
            assert_eq!(made_town(real), None, "{real}");
        }
    }
}

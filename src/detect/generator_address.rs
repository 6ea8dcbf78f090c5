//! Addresses in the shape that generators give them.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct GeneratorAddress;

const META: DetectorMeta = DetectorMeta {
    id: "generator-address",
    title: "Address shapes of generators",
    family: Family::Shape,
    reads: &[Role::Email],
    finds: "Addresses at a free mail service whose local part is capitalised: First99, First.Last99, First_Last. People type lower-case addresses, and most sites make them so.",
    false_positives: "A few people do type capitals: 3 of 1,267 public addresses have this very shape; the share in the rest of the table is weighed.",
    source: "internet.email() of faker-js and Bogus: all local parts begin with a capital, domains gmail.com, yahoo.com and hotmail.com and each locale's own.",
};

/// Share of real rows with such an address, at least.
///
/// Source: 3 of 1,267 addresses of public commit authors.
const REAL_FLOOR: f64 = 0.0024;

/// Free mail services of the generators' lists.
const FREE_MAIL: &[&str] = &["gmail", "yahoo", "hotmail"];

/// Returns whether an address has the generators' shape.
fn capital_free_mail(address: &str) -> Option<&'static str> {
    let (local, domain) = address.rsplit_once('@')?;
    let service = domain.split('.').next()?.to_ascii_lowercase();
    if !FREE_MAIL.contains(&service.as_str()) {
        return None;
    }
    let letters = local.trim_end_matches(|c: char| c.is_ascii_digit());
    let parts: Vec<&str> = letters.split(['.', '_']).filter(|p| !p.is_empty()).collect();
    let name = |part: &&str| {
        let mut chars = part.chars();
        chars.next().is_some_and(char::is_uppercase) && chars.clone().any(char::is_lowercase) && part.len() >= 2
    };
    (local.len() - letters.len() <= 2 && (1..=2).contains(&parts.len()) && parts.iter().all(name))
        .then_some("Capital.Name99 at a free mail service")
}

impl Marks for GeneratorAddress {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no e-mail address";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        capital_free_mail(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("address of the form {}", of.kind),
            measure: Measure::Rate { seeded: 0.95, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_shape() {
        for made in ["Garnet85@gmail.com", "Mary.Kuvalis7@yahoo.com", "Nikita_Crist@hotmail.com", "Otto.Braun@yahoo.de"] {
            assert!(capital_free_mail(made).is_some(), "{made}");
        }
        for real in ["mary.smith85@gmail.com", "Mary.Smith@acme.com", "JOHN@gmail.com", "J.Doe1975@gmail.com"] {
            assert!(capital_free_mail(real).is_none(), "{real}");
        }
    }
}

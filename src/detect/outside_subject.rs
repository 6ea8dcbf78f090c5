//! Subjects that Google, Apple or Auth0 gave: somebody signed in there.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};
use crate::profile::ColumnProfile;

/// Finds what [`META`] says.
pub(super) struct OutsideSubject;

const META: DetectorMeta = DetectorMeta {
    id: "outside-subject",
    title: "Signed in elsewhere",
    family: Family::Human,
    reads: &[Role::ExternalId, Role::Code, Role::Token, Role::Quantity, Role::Reference],
    finds: "Subjects in the forms in which Google (21 digits), Apple and Auth0 give them to who signs in there. Counts against a seed.",
    false_positives: "A seed may write such numbers too; values that repeat, or that hold few different digits, do not count.",
    source: "Google's OpenID Connect documentation (sub), Apple's Sign in with Apple REST API, Auth0's user_id.",
};

/// Bits against a seed: one seed's row in 64 has a subject of such a form.
const AGAINST: f64 = -6.0;

/// Fewest different digits of a subject that was given and not typed.
const LEAST_DIGITS: u32 = 6;

/// Says who gave a subject of this form.
fn given_by(text: &str) -> Option<&'static str> {
    let varied = |t: &str| t.bytes().fold(0_u64, |seen, b| seen | 1 << (b & 63)).count_ones() >= LEAST_DIGITS;
    let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
    let google = |t: &str| digits(t, 21) && t.starts_with('1') && varied(t);
    let hex = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) && varied(t);
    if google(text) || text.strip_prefix("google-oauth2|").is_some_and(google) {
        return Some("Google");
    }
    if text.strip_prefix("auth0|").is_some_and(|rest| hex(rest, 24)) {
        return Some("Auth0");
    }
    let mut parts = text.split('.');
    let apple = [parts.next(), parts.next(), parts.next()];
    match (apple, parts.next()) {
        ([Some(a), Some(b), Some(c)], None) if digits(a, 6) && hex(b, 32) && digits(c, 4) => Some("Apple"),
        _ => None,
    }
}

impl Marks for OutsideSubject {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no id of another system";

    fn wants(&self, column: &ColumnProfile) -> bool {
        // Numbers of 21 digits, or longer texts: others need not be read.
        column.facts.longest >= 21
    }

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        given_by(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("signed in with {by}: it has a subject of the form that {by} gives", by = of.kind),
            measure: Measure::Against { bits: AGAINST },
            certainty: Certainty::Suggests,
            proposes: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_forms() {
        for (text, by) in [
            ("108204268033311374519", "Google"),
            ("google-oauth2|108204268033311374519", "Google"),
            ("auth0|5f7c8ec7c33c6c004bbafe82", "Auth0"),
            ("000123.0a1b2c3d4e5f60718293a4b5c6d7e8f9.1234", "Apple"),
        ] {
            assert_eq!(given_by(text), Some(by), "{text}");
        }
        for text in ["111111111111111111111", "google-oauth2|123", "auth0|seed-user-1", "208204268033311374519", "1.2.3", "", "...."] {
            assert_eq!(given_by(text), None, "{text}");
        }
    }
}

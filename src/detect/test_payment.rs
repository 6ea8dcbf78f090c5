//! Card numbers, tokens and ids that payment providers publish for tests.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct TestPayment;

const META: DetectorMeta = DetectorMeta {
    id: "test-payment",
    title: "Payments in test mode",
    family: Family::Identifier,
    reads: &[Role::Code, Role::Token, Role::ExternalId, Role::Text, Role::Title],
    finds: "Card numbers, tokens and keys that payment providers publish for tests (4242 4242 4242 4242, tok_visa, pm_card_visa, cs_test_).",
    false_positives: "A card's last four digits 4242 belong to real people too, so that only whole numbers count. A customer may try a published number: it is declined in live mode.",
    source: "Published test values of Stripe, Braintree, Adyen and PayPal; Stripe's checkout session ids carry their mode, other ids do not.",
};

/// Whole card numbers published for tests.
const CARDS: &[&str] = &[
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "3566002020360505",
    "4111111111111111",
    "4012888888881881",
    "4000000000000002",
    "4000000000009995",
    "5431111111111111",
    "4988438843884305",
];

/// Tokens published for tests, or beginnings of ids that a provider hands out in test mode only.
const TOKENS: &[&str] = &[
    "tok_visa",
    "tok_mastercard",
    "tok_amex",
    "tok_discover",
    "pm_card_",
    "cs_test_",
    "sk_test_",
    "pk_test_",
    "rk_test_",
    "fake-valid-nonce",
];

/// Share of real rows with such a value, at least.
const REAL_FLOOR: f64 = 0.0005;

fn published(value: &str) -> Option<String> {
    if let Some(token) = TOKENS.iter().find(|t| value.starts_with(*t)) {
        return Some((*token).to_owned());
    }
    if value.len() > 23 {
        return None;
    }
    let digits: String = value.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    CARDS.contains(&digits.as_str()).then(|| format!("card {digits}"))
}

impl Marks for TestPayment {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no code, token or id";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        published(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("{} is published for tests", of.kind),
            measure: Measure::Rate { seeded: 0.9, real_floor: REAL_FLOOR },
            certainty: Certainty::CannotBeHuman,
            proposes: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_published_values_only_whole() {
        assert!(published("4242 4242 4242 4242").is_some() && published("tok_visa").is_some() && published("cs_test_a1b2").is_some());
        assert!(published("4242").is_none() && published("4242424242424241").is_none() && published("tok_1N3T00LkdIwH").is_none());
    }
}

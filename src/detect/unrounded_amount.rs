//! Money with more decimals than any currency has, as `Math.random() * 500` leaves it.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct UnroundedAmount;

const META: DetectorMeta = DetectorMeta {
    id: "unrounded-amount",
    title: "Unrounded money",
    family: Family::Template,
    reads: &[Role::Amount],
    finds: "Amounts of money with five decimals or more that lie between two hundredths, where other rows have at most the decimals of a currency.",
    false_positives: "Taxes, conversions between currencies and crypto-currencies have as many decimals; then the table's other rows do too, and the fact counts for little. Binary rounding (19.990000000000002) is no such amount.",
    source: "A public incident: 30 payments of Math.random() * 500 + 10. ISO 4217: no currency has more than four decimals.",
};

/// Share of a seed's rows whose amount shows it, where it does not round.
const SEEDED: f64 = 0.98;

/// Share of real rows with such an amount, at least.
const REAL_FLOOR: f64 = 0.001;

/// Fewest digits behind the mark. Source: ISO 4217, at most four (the unit of Chile's index).
const LEAST_DECIMALS: usize = 5;

/// How near to a ten-thousandth an amount may be and be rounded all the same: what binary arithmetic leaves.
const ROUNDING: f64 = 1e-6;

fn is_unrounded(text: &str) -> bool {
    let Some((_, decimals)) = text.split_once('.') else { return false };
    let digits = decimals.trim_end_matches('0');
    if digits.len() < LEAST_DECIMALS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    text.parse::<f64>().is_ok_and(|amount| {
        let scaled = amount * 10_000.0;
        scaled.abs() < 1e13 && (scaled - scaled.round()).abs() > ROUNDING * 10_000.0
    })
}

impl Marks for UnroundedAmount {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no amount of money";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        is_unrounded(text).then_some("unrounded").map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("{}: an amount with more decimals than a currency has", of.kind),
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_random_numbers_from_prices() {
        for text in ["317.4482910347", "10.00013579", "-5.123456789"] {
            assert!(is_unrounded(text), "{text}");
        }
        for text in ["19.99", "19.990000000000002", "0.30000000000000004", "5", "12.5000000", "1.2345", "1e-7", "abc.defghi"] {
            assert!(!is_unrounded(text), "{text}");
        }
    }
}

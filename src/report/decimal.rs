//! Exact decimal numbers, as the snapshot's texts hold them: sums of money never pass through a float.

use std::cmp::Ordering;
use std::fmt;

use crate::model::ValueRef;

/// Most digits after the mark: what no database prints more of for money.
const LONGEST_SCALE: u32 = 18;

/// A decimal number: `mantissa / 10^scale`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

impl Decimal {
    /// Makes a whole number.
    #[must_use]
    pub const fn whole(n: u64) -> Self {
        Self { mantissa: n as i128, scale: 0 }
    }

    /// Reads `12`, `-3.50`, `+0.1`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let scale = u32::try_from(fraction.len()).ok().filter(|s| *s <= LONGEST_SCALE)?;
        if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut mantissa: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        Some(Self { mantissa: if negative { -mantissa } else { mantissa }, scale })
    }

    /// Reads a stored cell; `None` where it is no exact decimal.
    #[must_use]
    pub fn of(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(n) => Some(Self { mantissa: i128::from(n), scale: 0 }),
            ValueRef::Text(text) => Self::parse(std::str::from_utf8(text).ok()?),
            ValueRef::Real(x) => Self::parse(&x.to_string()),
            ValueRef::Null | ValueRef::Blob(_) => None,
        }
    }

    /// Adds; `None` where the sum does not fit 127 bits.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let mantissa = self.at(scale)?.checked_add(other.at(scale)?)?;
        Some(Self { mantissa, scale })
    }

    /// Subtracts; `None` where the difference does not fit 127 bits.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { mantissa: other.mantissa.checked_neg()?, scale: other.scale })
    }

    fn at(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(10_i128.checked_pow(scale - self.scale)?)
    }

    /// Returns whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Compares by value.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at(scale), other.at(scale)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => Ordering::Equal,
        }
    }
}

impl fmt::Display for Decimal {
    /// Prints all digits after the mark, zeros among them, and none of a float's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if fraction.is_empty() { f.pad(&format!("{sign}{whole}")) } else { f.pad(&format!("{sign}{whole}.{fraction}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(texts: &[&str]) -> String {
        texts.iter().map(|t| Decimal::parse(t).expect(t)).fold(Decimal::default(), |a, b| a.plus(b).expect("fits")).to_string()
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(sum(&["0.1", "0.2"]), "0.3");
        assert_eq!(sum(&["-0.05", "100", "1.995"]), "101.945");
        assert_eq!(sum(&["-0.50", "0.25"]), "-0.25");
        assert_eq!(sum(&["9007199254740993", "1"]), "9007199254740994");
        for text in ["", "-", ".", "1e5", "1,000", "NaN", "0x10", "1.0.0", "\u{661}"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::parse(".5").map(|d| d.to_string()), Some("0.5".to_owned()));
    }

    proptest! {
        #[test]
        fn hundredths_add_up(values in prop::collection::vec(-1_000_000_i64..1_000_000, 0..200)) {
            let text = |n: i64| format!("{}{}.{:02}", if n < 0 { "-" } else { "" }, n.abs() / 100, n.abs() % 100);
            let summed = values.iter().map(|n| Decimal::parse(&text(*n)).expect("a decimal")).fold(Decimal { mantissa: 0, scale: 2 }, |a, b| a.plus(b).expect("fits"));
            prop_assert_eq!(summed.to_string(), text(values.iter().sum()));
        }
    }
}

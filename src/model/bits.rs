//! Weights of evidence in bits. Kept in hundredths, so that sums are exact and the same on every
//! machine and in every order.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};

/// A log2 likelihood ratio or log2 odds, in hundredths of a bit.
///
/// Positive speaks for "seeded", negative for "a person or a real process wrote this".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Bits(i32);

impl Bits {
    /// No evidence either way.
    pub const ZERO: Self = Self(0);

    /// Rounds `bits` to 0.01; values outside ±10,000,000 bits are clamped, NaN counts as zero.
    #[must_use]
    pub fn new(bits: f64) -> Self {
        if bits.is_nan() {
            return Self::ZERO;
        }
        Self((bits.clamp(-1e7, 1e7) * 100.0).round() as i32)
    }

    /// Makes a weight from whole hundredths of a bit.
    #[must_use]
    pub const fn from_hundredths(hundredths: i32) -> Self {
        Self(hundredths)
    }

    /// Returns the weight in hundredths of a bit.
    #[must_use]
    pub const fn hundredths(self) -> i32 {
        self.0
    }

    /// Returns the weight in bits.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Limits the weight to `±cap`.
    #[must_use]
    pub fn capped(self, cap: Self) -> Self {
        Self(self.0.clamp(-cap.0, cap.0))
    }
}

impl From<f64> for Bits {
    fn from(bits: f64) -> Self {
        Self::new(bits)
    }
}

impl From<Bits> for f64 {
    fn from(bits: Bits) -> Self {
        bits.get()
    }
}

impl Add for Bits {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bits {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Bits {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Bits {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Bits {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Bits {
    /// Prints the sign and two decimals: `+12.00`, `-10.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.2}", self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_in_any_order() {
        let parts = [0.1, 0.2, 0.3, -10.0, 12.25].map(Bits::new);
        let forward: Bits = parts.iter().copied().sum();
        let backward: Bits = parts.iter().rev().copied().sum();
        assert_eq!(forward, backward);
        assert_eq!(forward, Bits::new(2.85));
        assert_eq!(forward.to_string(), "+2.85");
    }
}

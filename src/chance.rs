//! How likely counts are by chance, in bits.

/// Bounds the chance that so many rows arrive where so many are expected, after the first has set the place; log2.
///
/// Source: Poisson tail P(N >= k), bounded by Chernoff.
pub(crate) fn log2_tail(count: usize, expected: f64) -> f64 {
    let (k, expected) = (count.saturating_sub(1) as f64, expected.max(1e-9));
    if k > expected { (k - expected - k * (k / expected).ln()) / std::f64::consts::LN_2 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_no_surprise() {
        assert!(log2_tail(10, 12.0).abs() < f64::EPSILON);
        assert!(log2_tail(10, 0.01) < -60.0);
    }
}

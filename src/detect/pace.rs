//! How close rows follow each other: links by gaps, against what is usual in the table.

use crate::model::stamp::{DAY, SECOND};

/// Returns arrivals per microsecond on the median day that has any; `times` rise, UTC microseconds.
pub(super) fn usual_rate(times: &[i64]) -> Option<f64> {
    let mut days: Vec<usize> = times.chunk_by(|a, b| a.div_euclid(DAY) == b.div_euclid(DAY)).map(<[i64]>::len).collect();
    days.sort_unstable();
    let median = *days.get(days.len() / 2)?;
    Some(median as f64 / DAY as f64)
}

/// Returns the coarsest unit that nearly all times are multiples of, microseconds.
pub(super) fn resolution(times: &[i64]) -> i64 {
    let share = |unit: i64| times.iter().filter(|t| *t % unit == 0).count() as f64 / times.len().max(1) as f64;
    [DAY, 60 * SECOND, SECOND, 1_000].into_iter().find(|unit| share(*unit) > 0.98).unwrap_or(1)
}

/// Bounds the chance that so many rows arrive where so many are expected, after the first has set the place; log2.
///
/// Source: Poisson tail P(N >= k), bounded by Chernoff.
pub(super) fn log2_tail(count: usize, expected: f64) -> f64 {
    let (k, expected) = (count.saturating_sub(1) as f64, expected.max(1e-9));
    if k > expected { (k - expected - k * (k / expected).ln()) / std::f64::consts::LN_2 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_no_surprise() {
        assert!(log2_tail(10, 12.0).abs() < f64::EPSILON);
        assert!(log2_tail(10, 0.01) < -60.0);
        assert_eq!(resolution(&[SECOND, 3 * SECOND, 60 * SECOND]), SECOND);
        // Two days with one arrival, one with a hundred: a usual day has one.
        let times: Vec<i64> = [0, DAY].into_iter().chain((0..100).map(|i| 2 * DAY + i)).collect();
        assert!((usual_rate(&times).expect("days") * DAY as f64 - 1.0).abs() < 1e-9);
    }
}

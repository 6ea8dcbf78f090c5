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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_day_is_the_median_one() {
        assert_eq!(resolution(&[SECOND, 3 * SECOND, 60 * SECOND]), SECOND);
        // Two days with one arrival, one with a hundred: a usual day has one.
        let times: Vec<i64> = [0, DAY].into_iter().chain((0..100).map(|i| 2 * DAY + i)).collect();
        assert!((usual_rate(&times).expect("days") * DAY as f64 - 1.0).abs() < 1e-9);
    }
}

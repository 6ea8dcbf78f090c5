//! Whether times keep the hours of people. Dates drawn at random fall on all hours alike; those of
//! people, imported ones too, keep a night, wherever they live.

use crate::model::stamp::HOUR;

/// Fewest times of a group, and of the other rows, from which hours tell anything.
const LEAST_TIMES: usize = 40;
const LEAST_OTHERS: usize = 200;

/// Hours of a day.
const HOURS: usize = 24;

/// Largest chi-square of eight thirds of a working day against all alike: 1 % of even draws exceed it (7 degrees of
/// freedom).
const EVEN: f64 = 18.48;

/// Bits by which all hours alike must be likelier than the others' own hours, in whichever zone: by chance
/// one group in 16,000.
const LEAST_BITS: f64 = 14.0;

/// The hours of some rows' times.
pub(super) struct Hours([usize; HOURS]);

impl Hours {
    /// Counts times by their hour of day.
    pub(super) fn of(times: impl Iterator<Item = i64>) -> Self {
        let mut hours = [0; HOURS];
        for time in times {
            hours[time.div_euclid(HOUR).rem_euclid(HOURS as i64) as usize] += 1;
        }
        Self(hours)
    }

    /// Returns whether a group's times fall on all hours alike though these, of the other rows, do not.
    ///
    /// Source: the likelihood ratio is at least 2^n with a chance of at most 2^-n (Markov), for each of 24 zones.
    pub(super) fn unlike(&self, times: &[i64]) -> bool {
        let total: usize = self.0.iter().sum();
        if times.len() < LEAST_TIMES || total < LEAST_OTHERS {
            return false;
        }
        let Self(hours) = Self::of(times.iter().copied());
        let expected = times.len() as f64 / 8.0;
        let thirds = hours.chunks(3).map(|h| h.iter().sum::<usize>() as f64);
        if thirds.map(|n| (n - expected).powi(2) / expected).sum::<f64>() > EVEN {
            return false;
        }
        let even = -(HOURS as f64).log2() * times.len() as f64;
        let share = |hour: usize| (self.0[hour] as f64 + 1.0) / (total + HOURS) as f64;
        let shifted = |zone: usize| (0..HOURS).map(|hour| hours[hour] as f64 * share((hour + zone) % HOURS).log2()).sum::<f64>();
        let best = (0..HOURS).map(shifted).fold(f64::MIN, f64::max);
        even - best - (HOURS as f64).log2() >= LEAST_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stamp::DAY;

    /// People of a zone: one in a hundred at night.
    fn people(count: i64, zone: i64) -> Vec<i64> {
        (0..count).map(|i| i * DAY + (if i % 100 == 0 { 3 } else { 8 + (i * 7) % 14 } + zone) * HOUR).collect()
    }

    fn every_37_hours(count: i64) -> Vec<i64> {
        (0..count).map(|i| i * 37 * HOUR + i).collect()
    }

    #[test]
    fn random_dates_have_no_night() {
        assert!(Hours::of(people(2_000, 0).into_iter()).unlike(&every_37_hours(100)));
    }

    #[test]
    fn people_have_one_in_any_zone() {
        let usual = Hours::of(people(2_000, 0).into_iter());
        for zone in 0..24 {
            assert!(!usual.unlike(&people(300, zone)), "{zone}");
        }
        // Dates without a time of day, and too few of either.
        assert!(!usual.unlike(&(0..100).map(|i| i * DAY).collect::<Vec<_>>()));
        assert!(!usual.unlike(&every_37_hours(30)));
        assert!(!Hours::of(people(100, 0).into_iter()).unlike(&every_37_hours(100)));
        assert!(!Hours::of(every_37_hours(2_000).into_iter()).unlike(&every_37_hours(100)), "a site of the whole world has none either");
    }
}

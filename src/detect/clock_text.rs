//! Names that hold the time at which a test made them.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct ClockText;

const META: DetectorMeta = DetectorMeta {
    id: "clock-text",
    title: "The time of day as a name",
    family: Family::Template,
    reads: &[Role::Email, Role::Username, Role::PersonName, Role::Title],
    finds: "Addresses, handles and titles that hold the milliseconds or seconds since 1970 of about the time at which the row was made: e2e-1712345678901@...",
    false_positives: "Some systems name guests so; the share in the rest of the table is weighed.",
    source: "Date.now() and time.time() in end-to-end tests; 555 of 750 pending production tasks of one public incident ended in such a number.",
};

/// Share of real rows with such a value, at least.
const REAL_FLOOR: f64 = 0.001;

/// First and last second since 1970 that a name may hold: 2010 and 2060.
const SECONDS: std::ops::Range<u64> = 1_262_304_000..2_840_140_800;

/// Returns the text around the number.
fn clock(text: &str) -> Option<String> {
    let local = text.rsplit_once('@').map_or(text, |(local, _)| local);
    let bytes = local.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        if !bytes[start].is_ascii_digit() {
            start += 1;
            continue;
        }
        let end = bytes[start..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |n| start + n);
        let seconds = match (end - start, local[start..end].parse::<u64>().ok()) {
            (13, Some(millis)) => Some(millis / 1_000),
            (10, Some(seconds)) => Some(seconds),
            _ => None,
        };
        let others = local.len() > end - start;
        if seconds.is_some_and(|s| SECONDS.contains(&s)) && others {
            return Some(format!("{}{{time}}", local[..start].to_lowercase()));
        }
        start = end;
    }
    None
}

impl Marks for ClockText {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no name or title";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        clock(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        (of.rows.len() >= LEAST).then(|| Finding {
            detail: format!("{}: the time since 1970 in a name", of.kind),
            measure: Measure::Rate { seeded: 0.9, real_floor: REAL_FLOOR },
            certainty: Certainty::CannotBeHuman,
            proposes: true,
        })
    }
}

/// Fewest rows of one text: a telephone number may look like a time.
const LEAST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_times_in_names() {
        assert_eq!(clock("e2e-1712345678901@corp.io").as_deref(), Some("e2e-{time}"));
        assert_eq!(clock("task 1712345678").as_deref(), Some("task {time}"));
        assert_eq!(clock("mary1985@corp.io"), None);
        assert_eq!(clock("4917612345678"), None);
    }
}

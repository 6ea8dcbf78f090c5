//! Names that hold the time at which a test made them.

use polars::prelude::{DataFrame, PolarsResult};

use super::marks::{self, Finding};
use super::{Detector, TableView};
use crate::model::stamp::DAY;
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

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

/// Most digits that may follow the milliseconds, a counter or a random number, and how near the row's own time
/// these must then be, microseconds: in another zone's clock at most.
const COUNTED: std::ops::RangeInclusive<usize> = 14..=17;
const NEAR: i64 = DAY;

/// Returns the text around the number.
fn clock(text: &str, created: Option<i64>) -> Option<String> {
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
            (digits, _) if COUNTED.contains(&digits) => {
                let millis = local[start..start + 13].parse::<i64>().ok();
                let near = millis.zip(created).is_some_and(|(m, c)| (m.saturating_mul(1_000) - c).abs() <= NEAR);
                millis.filter(|_| near).map(|m| m.unsigned_abs() / 1_000)
            }
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

impl Detector for ClockText {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let reads = table.texts(META.reads);
        if reads.is_empty() { Err("no name or title".to_owned()) } else { Ok(reads) }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let (mut rows, mut kinds): (Vec<Row>, Vec<String>) = (Vec::new(), Vec::new());
        for read in table.texts(META.reads) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                let row = chunk.first_row + offset as Row;
                let created = table.facts.created.get(row as usize).copied().flatten();
                if let Some(kind) = text.and_then(|t| clock(t, created)) {
                    rows.push(row);
                    kinds.push(kind);
                }
            }
        }
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        marks::frame(rows, &kinds)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        marks::facts(&META, merged, table, |of| {
            (of.rows.len() >= LEAST).then(|| Finding {
                detail: format!("{}: the time since 1970 in a name", of.kind),
                measure: Measure::Rate { seeded: 0.9, real_floor: REAL_FLOOR },
                certainty: Certainty::CannotBeHuman,
                proposes: true,
            })
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
        assert_eq!(clock("e2e-1712345678901@corp.io", None).as_deref(), Some("e2e-{time}"));
        assert_eq!(clock("task 1712345678", None).as_deref(), Some("task {time}"));
        assert_eq!(clock("mary1985@corp.io", None), None);
        assert_eq!(clock("4917612345678", None), None);
        // A counter behind it, where the row was made then; an order's number that begins like a time was not.
        assert_eq!(clock("e2e-171234567890112@corp.io", Some(1_712_345_679_000_000)).as_deref(), Some("e2e-{time}"));
        assert_eq!(clock("e2e-171234567890112@corp.io", Some(1_752_345_679_000_000)), None);
        assert_eq!(clock("e2e-171234567890112@corp.io", None), None);
    }
}

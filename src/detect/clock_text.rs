//! Names that hold the time at which a test made them.

use polars::prelude::{DataFrame, PolarsResult};

use super::marks::{self, Finding};
use super::{Detector, TableView};
use crate::model::stamp::{DAY, SECOND};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct ClockText;

const META: DetectorMeta = DetectorMeta {
    id: "clock-text",
    title: "The time of day as a name",
    family: Family::Template,
    reads: &[Role::Email, Role::Username, Role::PersonName, Role::Title],
    finds: "Addresses, handles and titles that hold the milliseconds or seconds since 1970, behind a word or of about the time at which the row was made: e2e-1712345678901@...; or the last seven digits or six signs in base 36 of the moment at which it was.",
    false_positives: "Some systems name guests so; the share in the rest of the table is weighed.",
    source: "Date.now() and time.time() in end-to-end tests; 555 of 750 pending production tasks of one public incident ended in such a number.",
};

/// Share of real rows with such a value, at least.
const REAL_FLOOR: f64 = 0.001;

/// First and last second since 1970 that a name may hold: 2010 and 2060.
const SECONDS: std::ops::Range<i64> = 1_262_304_000..2_840_140_800;

/// Digits of milliseconds with more behind them, a counter or a random number.
const COUNTED: std::ops::RangeInclusive<usize> = 14..=17;

/// How near the row's own time such a number must be, microseconds: in another zone's clock at most. So must one with
/// no word before it.
const NEAR: i64 = DAY;

/// What is left of a clock where a test keeps only its last digits: digits and signs in base 36, the fewest that a
/// clock's end has and the most.
///
/// Source: `Date.now().toString().slice(-7)`, `Date.now().toString(36).slice(-6)`; 8 signs are the whole clock.
const DIGITS_LEFT: std::ops::RangeInclusive<usize> = 7..=9;
const SIGNS_LEFT: std::ops::RangeInclusive<usize> = 6..=8;

/// How near the row's own time the end of a clock must be, milliseconds: a test fills in a form before it sends it.
/// One number of seven digits in 166 is so near by chance.
const JUST_BEFORE: i64 = 30_000;

/// Marks a text whose end could have been a clock's and was not.
const OTHER: char = '!';

/// Returns the text before the end of a clock, marked with [`OTHER`] where the row was made at another time.
fn end_of_clock(text: &str, created: Option<i64>) -> Option<String> {
    let local = text.rsplit_once('@').map_or(text, |(local, _)| local);
    let start = local.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + local[at..].chars().next().map_or(1, char::len_utf8));
    let word = &local[start..];
    let digits = word.len() - word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (left, radix) = if DIGITS_LEFT.contains(&digits) {
        (&word[word.len() - digits..], 10_i64)
    } else if start > 0 && SIGNS_LEFT.contains(&word.len()) {
        (word, 36)
    } else {
        return None;
    };
    let before = &local[..local.len() - left.len()];
    let number = i64::from_str_radix(left, radix as u32).ok().filter(|_| !before.is_empty())?;
    let lap = radix.checked_pow(left.len() as u32)?;
    let ago = (created?.div_euclid(1_000) - number).rem_euclid(lap);
    let kind = before.to_lowercase();
    if ago.min(lap - ago) <= JUST_BEFORE {
        Some(format!("{}{{time}}", general(&kind)))
    } else {
        (radix == 10).then(|| format!("{OTHER}{}{{time}}", general(&kind)))
    }
}

/// Leaves out the words that differ from row to row: `mary.smith.` becomes `a.a.`.
fn general(text: &str) -> String {
    if text.matches(['.', '_', '-']).count() >= 2 { super::features::shape(text) } else { text.to_owned() }
}

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
        let near = |micros: i64| created.is_some_and(|c| micros.abs_diff(c) <= NEAR.unsigned_abs());
        let number = local[start..end].parse::<i64>().ok();
        let first = local.get(start..start + 13).and_then(|t| t.parse::<i64>().ok());
        // A number by itself may be a telephone's.
        let named = local[..start].chars().any(char::is_alphabetic);
        let micros = match (end - start, number) {
            (13, Some(millis)) => Some(millis * 1_000).filter(|t| named || near(*t)),
            (10, Some(seconds)) => Some(seconds * SECOND).filter(|t| named || near(*t)),
            (digits, _) if COUNTED.contains(&digits) => first.map(|millis| millis * 1_000).filter(|t| near(*t)),
            _ => None,
        };
        let others = local.len() > end - start;
        if micros.is_some_and(|t| SECONDS.contains(&(t / SECOND))) && others {
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
                let created = table.facts.created.get(row);
                if let Some(kind) = text.and_then(|t| clock(t, created).or_else(|| end_of_clock(t, created))) {
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
            let others = of.all.get(format!("{OTHER}{}", of.kind).as_str()).map_or(0, Vec::len);
            (of.rows.len() >= LEAST && others <= of.rows.len() && !of.kind.starts_with(OTHER)).then(|| Finding {
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
        // A telephone number with something behind it, unless the row was made just then.
        assert_eq!(clock("1712345678+1@corp.io", Some(1_752_345_679_000_000)), None);
        assert_eq!(clock("1712345678+1@corp.io", Some(1_712_345_679_000_000)).as_deref(), Some("{time}"));
        // A counter behind it, where the row was made then; an order's number that begins like a time was not.
        assert_eq!(clock("e2e-171234567890112@corp.io", Some(1_712_345_679_000_000)).as_deref(), Some("e2e-{time}"));
        assert_eq!(clock("e2e-171234567890112@corp.io", Some(1_752_345_679_000_000)), None);
        assert_eq!(clock("e2e-171234567890112@corp.io", None), None);
    }

    #[test]
    fn finds_the_end_of_a_clock() {
        let created = Some(1_712_345_681_000_000);
        for (text, kind) in [
            ("lib.reg+5678901@corp.io", "lib.reg+{time}"),
            // 1712345678901 in base 36 is lun2elv9.
            ("mary.smith.n2elv9@corp.io", "a.a.{time}"),
            ("joe.orr.lun2elv9@corp.io", "a.a.{time}"),
            ("reg+1234567@corp.io", "!reg+{time}"),
        ] {
            assert_eq!(end_of_clock(text, created).as_deref(), Some(kind), "{text}");
        }
        for text in ["mary.smithson@corp.io", "1712345@corp.io", "mary1985@corp.io", "robert@corp.io"] {
            assert_eq!(end_of_clock(text, created), None, "{text}");
        }
        assert_eq!(end_of_clock("lib.reg+5678901@corp.io", None), None);
    }
}

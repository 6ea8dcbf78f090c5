//! Names that hold the time at which a test made them.

use polars::prelude::{DataFrame, PolarsResult};

use super::address;
use super::marks::{self, Finding};
use super::{Detector, TableView};
use crate::model::stamp::{DAY, HOUR, SECOND};
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

/// Digits of the shortest such number.
const SHORTEST: usize = 10;

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

const BY_CHANCE: f64 = 0.006;

/// Zones in which the rows' times may be written without saying so, in half hours ahead of UTC; the likely ones first.
const HALF_HOURS: std::ops::RangeInclusive<i64> = -24..=28;

/// Milliseconds.
const HALF_HOUR: i64 = HOUR / 2_000;

/// Marks every text whose end could have been a clock's.
const ANY: char = '!';

/// Returns the texts before the end of a clock: each zone in which the row was made just then, and, marked with
/// [`ANY`], that it has such an end at all.
fn ends_of_clock(text: &str, created: Option<i64>) -> Vec<String> {
    let Some((before, number, lap, sure)) = end_of_clock(text) else { return Vec::new() };
    let Some(created) = created.map(|t| t.div_euclid(1_000)) else { return Vec::new() };
    let near = |half_hours: &i64| {
        let ago = (created - half_hours * HALF_HOUR - number).rem_euclid(lap);
        ago.min(lap - ago) <= JUST_BEFORE
    };
    // A long lap: nearly no number lies near any zone's clock, and to look at the first and the last tells.
    let ahead = (created - HALF_HOURS.start() * HALF_HOUR + JUST_BEFORE - number).rem_euclid(lap);
    let anywhere = ahead <= (HALF_HOURS.end() - HALF_HOURS.start()) * HALF_HOUR + 2 * JUST_BEFORE;
    if !anywhere && !sure {
        return Vec::new();
    }
    let kind = general(&before.to_lowercase());
    let zone = |half_hours: i64| {
        if half_hours == 0 { format!("{kind}{{clock}}") } else { format!("{kind}{{clock}}, {:+} h", half_hours as f64 / 2.0) }
    };
    let mut kinds: Vec<String> = HALF_HOURS.filter(near).map(zone).collect();
    if sure {
        kinds.push(format!("{ANY}{kind}{{clock}}"));
    }
    kinds
}

/// Splits a text into what stands before the end of a clock, its number, and after how many milliseconds that comes
/// again; and whether it is a number for sure: a word may be read as one in base 36.
fn end_of_clock(text: &str) -> Option<(&str, i64, i64, bool)> {
    let local = address::local(text);
    let start = local.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + local[at..].chars().next().map_or(1, char::len_utf8));
    let word = &local[start..];
    let digits = word.len() - word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (left, radix) = if DIGITS_LEFT.contains(&digits) {
        (&word[word.len() - digits..], 10)
    } else if start > 0 && SIGNS_LEFT.contains(&word.len()) {
        (word, 36)
    } else {
        return None;
    };
    let before = &local[..local.len() - left.len()];
    let number = i64::from_str_radix(left, radix).ok().filter(|_| !before.is_empty())?;
    let sure = left.bytes().any(|b| b.is_ascii_digit());
    Some((before, number, i64::from(radix).checked_pow(left.len() as u32)?, sure))
}

/// Leaves out the words that differ from row to row: `mary.smith.` becomes `a.a.`.
fn general(text: &str) -> String {
    if text.matches(['.', '_', '-']).count() >= 2 { super::features::shape(text) } else { text.to_owned() }
}

/// Returns the text around the number.
fn clock(text: &str, created: Option<i64>) -> Option<String> {
    let local = address::local(text);
    let bytes = local.as_bytes();
    // Most texts have few digits.
    if bytes.iter().filter(|b| b.is_ascii_digit()).count() < SHORTEST {
        return None;
    }
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
        table.texts_or(META.reads, "no name or title")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let (mut rows, mut kinds): (Vec<Row>, Vec<String>) = (Vec::new(), Vec::new());
        for read in table.texts(META.reads) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                let row = chunk.first_row + offset as Row;
                let created = table.facts.created.get(row);
                let Some(text) = text else { continue };
                let found = clock(text, created).map_or_else(|| ends_of_clock(text, created), |kind| vec![kind]);
                rows.extend(found.iter().map(|_| row));
                kinds.extend(found);
            }
        }
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        marks::frame(rows, &kinds)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        marks::facts(&META, usize::MAX, merged, table, |of| {
            let count = of.rows.len();
            if count < LEAST || of.kind.starts_with(ANY) {
                return None;
            }
            let template = of.kind.split(", ").next().unwrap_or(of.kind);
            let such = of.all.get(format!("{ANY}{template}").as_str()).map_or(0, Vec::len);
            let is_end = template.ends_with("{clock}");
            // Of the texts that end so, most must end with their own row's time.
            if is_end && (such == 0 || count * 2 <= such) {
                return None;
            }
            let by_chance = count as f64 * BY_CHANCE.log2() + (HALF_HOURS.count() as f64).log2();
            Some(Finding {
                detail: format!("{}: the time since 1970 in a name", of.kind),
                measure: if is_end { Measure::Chance { log2_p: by_chance } } else { Measure::Rate { seeded: 0.9, real_floor: REAL_FLOOR } },
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
        let created = |zone: i64| Some(1_712_345_681_000_000 + zone * HOUR);
        for (text, zone, kind) in [
            ("lib.reg+5678901@corp.io", 0, "lib.reg+{clock}"),
            ("lib.reg+5678901@corp.io", 9, "lib.reg+{clock}, +9 h"),
            // 1712345678901 in base 36 is lun2elv9.
            ("mary.smith.n2elv9@corp.io", 0, "a.a.{clock}"),
            ("joe.orr.lun2elv9@corp.io", -5, "a.a.{clock}, -5 h"),
        ] {
            let found = ends_of_clock(text, created(zone));
            assert!(found.iter().any(|k| k == kind), "{text}: {found:?}");
        }
        assert_eq!(ends_of_clock("reg+1234567@corp.io", created(0)).last().map(String::as_str), Some("!reg+{clock}"));
        for text in ["mary.smithson@corp.io", "1712345@corp.io", "mary1985@corp.io", "robert@corp.io"] {
            assert!(ends_of_clock(text, created(0)).is_empty(), "{text}");
        }
        assert!(ends_of_clock("lib.reg+5678901@corp.io", None).is_empty());
    }
}

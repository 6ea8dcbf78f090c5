//! Points in time as databases print them, read into UTC microseconds without loss of order.

use std::fmt;

use super::value::ValueRef;

/// A point in time read from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// UTC microseconds since 1970; a time without a zone counts as UTC.
    pub micros: i64,
    /// Digits after the second in the text, 0 to 9.
    pub fraction_digits: u8,
    /// Whether the text had a time of day (a plain date has none).
    pub has_time: bool,
    /// Whether the text named its offset from UTC.
    pub has_offset: bool,
}

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in an hour.
pub const HOUR: i64 = 3_600 * SECOND;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// 1990-01-01: older times are birthdays, sentinels or history, not events of a database.
pub const PLAUSIBLE_FROM: i64 = days_from_civil(1990, 1, 1) * DAY;
/// 2100-01-01: later times are sentinels.
pub const PLAUSIBLE_UNTIL: i64 = days_from_civil(2100, 1, 1) * DAY;

impl Stamp {
    /// Reads a cell: text as [`Self::parse`] does, numbers as [`Self::from_epoch`] does.
    #[must_use]
    pub fn of(cell: ValueRef<'_>) -> Option<Self> {
        match cell {
            ValueRef::Text(text) => Self::parse(text),
            ValueRef::Integer(n) => Self::from_epoch(n),
            ValueRef::Real(x) => Self::from_epoch(x as i64),
            ValueRef::Null | ValueRef::Blob(_) => None,
        }
    }

    /// Reads ISO 8601 and what Postgres, MySQL and SQLite print: `2024-02-29`,
    /// `2024-02-29 18:29:59.999999+00`, `2024-02-29T18:29:59Z`, also with `/` between the parts of the date.
    ///
    /// Returns `None` for anything else, `infinity`, years before Christ and zero dates among them.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut at = Cursor { bytes: text, pos: 0 };
        if let Some((mut stamp, date_and_time)) = usual(text) {
            // Most have no fraction, or microseconds, and nothing behind that.
            let behind = &text[USUAL..];
            if behind.is_empty() {
                return Some(Self { micros: date_and_time, ..stamp });
            }
            if let Some(micros) = behind.strip_prefix(b".").and_then(six_digits) {
                return Some(Self { micros: date_and_time + micros, fraction_digits: 6, ..stamp });
            }
            at.pos = USUAL;
            return Self::behind_second(&mut stamp, date_and_time, at);
        }
        let year = at.digits(4, 4)?;
        let separator = at.next().filter(|b| matches!(b, b'-' | b'/'))?;
        let month = at.digits(1, 2)?;
        at.expect(separator)?;
        let day = at.digits(1, 2)?;
        if year == 0 || !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
            return None;
        }
        let mut micros = days_from_civil(year, month, day) * DAY;
        let mut stamp = Self { micros, fraction_digits: 0, has_time: false, has_offset: false };
        if at.done() {
            return Some(stamp);
        }
        at.next().filter(|b| matches!(b, b' ' | b'T' | b't'))?;
        stamp.has_time = true;
        let hour = at.digits(1, 2)?;
        at.expect(b':')?;
        let minute = at.digits(2, 2)?;
        let second = if at.peek() == Some(b':') {
            at.next();
            at.digits(2, 2)?
        } else {
            0
        };
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        micros += hour * HOUR + minute * 60 * SECOND + second * SECOND;
        Self::behind_second(&mut stamp, micros, at)
    }

    /// Reads what may stand behind the second: a fraction, an offset.
    fn behind_second(stamp: &mut Self, mut micros: i64, mut at: Cursor<'_>) -> Option<Self> {
        if matches!(at.peek(), Some(b'.' | b',')) {
            at.next();
            let (fraction, digits) = at.fraction()?;
            micros += fraction;
            stamp.fraction_digits = digits;
        }
        let offset = at.offset()?;
        stamp.has_offset = offset.is_some();
        stamp.micros = micros - offset.unwrap_or(0);
        at.done().then_some(*stamp)
    }

    /// Reads an integer as seconds, milliseconds or microseconds since 1970, by its size:
    /// each unit's values between 1990 and 2100 do not overlap the others'.
    #[must_use]
    pub fn from_epoch(number: i64) -> Option<Self> {
        [(SECOND, 0), (1_000, 3), (1, 6)].into_iter().find_map(|(unit, digits)| {
            let micros = number.checked_mul(unit)?;
            (PLAUSIBLE_FROM..PLAUSIBLE_UNTIL).contains(&micros).then_some(Self {
                micros,
                fraction_digits: digits,
                has_time: true,
                has_offset: true,
            })
        })
    }

    /// Returns whether the time lies between 1990 and 2100.
    #[must_use]
    pub fn is_plausible(self) -> bool {
        (PLAUSIBLE_FROM..PLAUSIBLE_UNTIL).contains(&self.micros)
    }
}

/// UTC microseconds printed as RFC 3339 with microseconds only where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rfc3339(pub i64);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, in_day) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        let seconds = in_day / SECOND;
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match in_day % SECOND {
            0 => {}
            micros if micros % 1000 == 0 => write!(f, ".{:03}", micros / 1000)?,
            micros => write!(f, ".{micros:06}")?,
        }
        f.write_str("Z")
    }
}

/// Returns the days from 1970-01-01 to a date of the proleptic Gregorian calendar.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
#[must_use]
pub const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Returns year, month and day of the date that lies `days` after 1970-01-01.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
#[must_use]
pub const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Does the same for real dates; of 1901 to 2099, every fourth year is a leap year.
const fn days_of(year: i64, month: i64, day: i64) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    if year < 1_901 || year > 2_099 {
        return days_from_civil(year, month, day);
    }
    let leap = (year % 4 == 0 && month > 2) as i64;
    (year - 1_970) * 365 + (year - 1_901) / 4 - 17 + BEFORE[month as usize - 1] + leap + day - 1
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Bytes of a date and a time of day as nearly every value has them: `2024-02-29 18:29:59`.
const USUAL: usize = 19;

/// Reads a text that begins so, all digits at once; `None` where the slower way must tell.
fn usual(text: &[u8]) -> Option<(Stamp, i64)> {
    let t: &[u8; USUAL] = text.first_chunk()?;
    let d = t.map(|byte| byte.wrapping_sub(b'0'));
    let digits = [d[0], d[1], d[2], d[3], d[5], d[6], d[8], d[9], d[11], d[12], d[14], d[15], d[17], d[18]];
    let marks = t[4] == t[7] && matches!(t[4], b'-' | b'/') && matches!(t[10], b' ' | b'T' | b't') && t[13] == b':' && t[16] == b':';
    if !marks || digits.iter().fold(false, |bad, digit| bad | (*digit > 9)) {
        return None;
    }
    let two = |at: usize| i64::from(d[at]) * 10 + i64::from(d[at + 1]);
    let (year, month, day) = (two(0) * 100 + two(2), two(5), two(8));
    let (hour, minute, second) = (two(11), two(14), two(17));
    let real = year > 0 && (1..=12).contains(&month) && day > 0 && day <= days_in_month(year, month);
    if !real || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_of(year, month, day) * DAY;
    let stamp = Stamp { micros: days, fraction_digits: 0, has_time: true, has_offset: false };
    Some((stamp, days + hour * HOUR + (minute * 60 + second) * SECOND))
}

/// Reads a text of six digits.
fn six_digits(text: &[u8]) -> Option<i64> {
    let d = <[u8; 6]>::try_from(text).ok()?.map(|byte| byte.wrapping_sub(b'0'));
    let number = d.iter().fold(0, |number, digit| number * 10 + i64::from(*digit));
    d.iter().all(|digit| *digit <= 9).then_some(number)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.pos += 1;
        Some(byte)
    }

    fn done(&self) -> bool {
        self.pos == self.bytes.len()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let mut value = 0;
        let mut count = 0;
        while count < most {
            match self.peek() {
                Some(digit @ b'0'..=b'9') => value = value * 10 + i64::from(digit - b'0'),
                _ => break,
            }
            self.pos += 1;
            count += 1;
        }
        (count >= least).then_some(value)
    }

    /// Reads up to nine digits after the decimal mark; returns microseconds and the count of digits.
    fn fraction(&mut self) -> Option<(i64, u8)> {
        let mut nanos = 0;
        let mut count: u8 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            if count == 9 {
                return None;
            }
            nanos = nanos * 10 + i64::from(digit - b'0');
            count += 1;
            self.pos += 1;
        }
        if count == 0 {
            return None;
        }
        let micros = if count == 6 { nanos } else { nanos * 10_i64.pow(u32::from(9 - count)) / 1000 };
        Some((micros, count))
    }

    /// Reads `Z`, `UTC`, `+00`, `+0530`, `+05:30`, with a blank before it or not; `None` inside means no zone.
    #[expect(clippy::option_option, reason = "outer: readable at all; inner: a zone was named")]
    fn offset(&mut self) -> Option<Option<i64>> {
        if self.peek() == Some(b' ') {
            self.pos += 1;
        }
        match self.peek() {
            None => Some(None),
            Some(b'Z' | b'z') => {
                self.pos += 1;
                Some(Some(0))
            }
            Some(b'U') if self.bytes.get(self.pos..) == Some(b"UTC") => {
                self.pos += 3;
                Some(Some(0))
            }
            Some(sign @ (b'+' | b'-')) => {
                self.pos += 1;
                let hours = self.digits(2, 2)?;
                if self.peek() == Some(b':') {
                    self.pos += 1;
                }
                let minutes = if self.done() { 0 } else { self.digits(2, 2)? };
                if self.peek() == Some(b':') {
                    // Offsets before standard time have seconds; they shift no event of this century.
                    self.pos += 1;
                    self.digits(2, 2)?;
                }
                let offset = hours * HOUR + minutes * 60 * SECOND;
                Some(Some(if sign == b'-' { -offset } else { offset }))
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        Stamp::parse(text.as_bytes()).map(|s| s.micros)
    }

    #[test]
    fn days_are_counted_as_the_calendar_has_them() {
        for (year, month) in (1_890..2_110).flat_map(|year| (1..=12).map(move |month| (year, month))) {
            for day in [1, days_in_month(year, month)] {
                assert_eq!(days_of(year, month, day), days_from_civil(year, month, day), "{year}-{month}-{day}");
            }
        }
    }

    #[test]
    fn reads_what_databases_print() {
        assert_eq!(micros("1970-01-01"), Some(0));
        assert_eq!(micros("1970-01-01 00:00:01"), Some(SECOND));
        assert_eq!(micros("1970-01-01 01:00:00+01"), Some(0));
        assert_eq!(micros("1970-01-01T05:30:00.5+05:30"), Some(SECOND / 2));
        assert_eq!(micros("1970-01-01 00:00:00.000001Z"), Some(1));
        assert_eq!(micros("2024-02-29 24:00:00"), micros("2024-03-01"));
        assert_eq!(micros("2026-01-12 14:06:43.123 UTC"), micros("2026-01-12T14:06:43.123Z"));
    }

    #[test]
    fn usual_texts_are_read_as_others_are() {
        let full = |text: &str| Stamp::parse(text.as_bytes());
        for (fraction, digits, more) in
            [("", 0, 0), (".000001", 6, 1), (".999999", 6, 999_999), (".5", 1, 500_000), (".1234567", 7, 123_456)]
        {
            let text = format!("2024-02-29 18:29:59{fraction}");
            let micros = micros("2024-02-29T18:29:59Z").map(|second| second + more);
            let expected = micros.map(|micros| Stamp { micros, fraction_digits: digits, has_time: true, has_offset: false });
            assert_eq!(full(&text), expected, "{text}");
            assert_eq!(full(&format!("{text}+00")), expected.map(|stamp| Stamp { has_offset: true, ..stamp }), "{text}+00");
        }
        for text in
            ["2024-02-29 18:29:59.12345x", "2024-02-29 18:29:59.", "2024-02-29 18:2/:59", "2024-02:29 18:29:59", "2024-02-29 18:29:5:"]
        {
            assert_eq!(full(text), None, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_point_in_time() {
        for text in [
            "",
            "infinity",
            "0000-00-00 00:00:00",
            "2023-02-29",
            "2024-13-01",
            "12:00",
            "2024-01-01 BC",
            "2024-01-01x",
            "4713-01-01 00:00:00+00 BC",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["2026-01-12T14:06:43.123Z", "1999-12-31T23:59:59Z", "2024-02-29T00:00:00.000001Z"] {
            assert_eq!(Rfc3339(micros(text).expect(text)).to_string(), text);
        }
    }

    #[test]
    fn epoch_units_do_not_overlap() {
        let second = Stamp::from_epoch(1_700_000_000).expect("seconds");
        let milli = Stamp::from_epoch(1_700_000_000_000).expect("milliseconds");
        assert_eq!(second.micros, milli.micros);
        assert_eq!(Stamp::from_epoch(12_345), None);
    }
}

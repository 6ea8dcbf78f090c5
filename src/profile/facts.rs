//! Counts over a sample of a column's values: what kinds of text they are, how long, how many differ.

use std::collections::HashMap;

use crate::model::stamp::Stamp;
use crate::model::{Row, Scheme, TableId, Value, ValueRef};
use crate::snapshot::{Reader, SnapshotError};

/// Values looked at per table: enough that a share of 1 in 1,000 shows, few enough to cost nothing.
pub(super) const SAMPLE_ROWS: u64 = 8_192;

/// Distinct values kept with their counts: a column with more is no category.
const TOP_VALUES: usize = 64;

/// Share of a column's values that must be of one scheme: a random id of the same form shows a time between 2005
/// and 2060 in four cases of ten at most, and a seed may write some ids by hand.
const NEARLY_ALL: f64 = 0.9;

/// What the sampled values of a column are. Counts are of values that are not NULL, unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnFacts {
    /// Rows in the sample.
    pub rows: usize,
    /// NULLs among them.
    pub nulls: usize,
    /// Texts of no characters or blanks alone among the rest.
    pub empties: usize,
    /// Different values among the rest.
    pub distinct: usize,
    /// The most frequent values with their counts; empty where there are too many different ones.
    pub top: Vec<(String, usize)>,
    /// Integers.
    pub integers: usize,
    /// Numbers with a decimal mark.
    pub decimals: usize,
    /// Numbers with exactly two digits behind the mark.
    pub cents: usize,
    /// Numbers with more than four digits behind the mark.
    pub long_decimals: usize,
    /// Binary values.
    pub blobs: usize,
    /// E-mail addresses.
    pub emails: usize,
    /// UUIDs.
    pub uuids: usize,
    /// Web addresses.
    pub urls: usize,
    /// Web addresses or file names of pictures.
    pub images: usize,
    /// IP addresses.
    pub ips: usize,
    /// Browser user agents.
    pub agents: usize,
    /// Points in time with a time of day.
    pub stamps: usize,
    /// Plain dates.
    pub dates: usize,
    /// Integers that are plausible seconds, milliseconds or microseconds since 1970.
    pub epochs: usize,
    /// Zeros.
    pub zeros: usize,
    /// Years of four digits, 1000 to 2199.
    pub years: usize,
    /// Two or more integers with commas between them.
    pub id_lists: usize,
    /// Two or more words of a program with commas and no blanks between them.
    pub word_lists: usize,
    /// Password hashes.
    pub hashes: usize,
    /// JSON documents and arrays.
    pub jsons: usize,
    /// Telephone numbers with a sign, blanks or brackets.
    pub phones: usize,
    /// Digits only, 7 to 15 of them.
    pub digit_runs: usize,
    /// Three capital letters.
    pub currencies: usize,
    /// Words of capitalised letters, one a value.
    pub capitalised: usize,
    /// Two to four capitalised words.
    pub full_names: usize,
    /// Lower-case handles without blanks.
    pub handles: usize,
    /// Hexadecimal, at least 16 digits.
    pub hexes: usize,
    /// Random-looking tokens: letters and digits mixed, at least 16 long, no blanks.
    pub tokens: usize,
    /// Locale or language codes.
    pub locales: usize,
    /// Ids that carry a time, by scheme in the order of [`Scheme::ALL`].
    pub minted: [usize; Scheme::ALL.len()],
    /// Yes or no: `t`, `false`, `0`, `Y`.
    pub booleans: usize,
    /// Values with a blank.
    pub blanks: usize,
    /// Words over all values.
    pub words: usize,
    /// Letters and other characters over all values.
    pub chars: usize,
    /// Length of the longest value, in characters.
    pub longest: usize,
    /// Smallest and largest number.
    pub number_range: Option<(f64, f64)>,
    /// Smallest and largest point in time, UTC microseconds.
    pub time_range: Option<(i64, i64)>,
    /// Of neighbouring sampled points in time, in row order: pairs that do not go back.
    pub rising: usize,
    /// Of neighbouring sampled points in time, in row order: pairs.
    pub steps: usize,
    /// Rows whose earliest point in time stands in this column.
    pub earliest: usize,
}

impl ColumnFacts {
    /// Returns the values that are not NULL.
    #[must_use]
    pub const fn values(&self) -> usize {
        self.rows - self.nulls
    }

    /// Returns the values that are neither NULL nor empty text.
    #[must_use]
    pub const fn filled(&self) -> usize {
        self.values() - self.empties
    }

    /// Returns a count's share of the values that are not NULL, 0 where there are none.
    #[must_use]
    pub fn share(&self, count: usize) -> f64 {
        if self.values() == 0 { 0.0 } else { count as f64 / self.values() as f64 }
    }

    /// Returns the share of NULLs, 0 where there are no rows.
    #[must_use]
    pub fn null_share(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.nulls as f64 / self.rows as f64 }
    }

    /// Returns the different values' share of the values.
    #[must_use]
    pub fn distinct_share(&self) -> f64 {
        self.share(self.distinct)
    }

    /// Returns the scheme by which nearly all values carry a time.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        let fits = |count: usize| self.values() > 0 && self.share(count) >= NEARLY_ALL;
        Scheme::ALL.into_iter().zip(self.minted).find(|(_, count)| fits(*count)).map(|(scheme, _)| scheme)
    }

    /// Returns the mean number of words.
    #[must_use]
    pub fn mean_words(&self) -> f64 {
        self.share(self.words)
    }

    /// Returns the mean length in characters.
    #[must_use]
    pub fn mean_chars(&self) -> f64 {
        self.share(self.chars)
    }
}

/// Measures every column of a table over an evenly spread sample of its rows.
pub(super) fn measure(reader: Reader<'_>, table: TableId) -> Result<Vec<ColumnFacts>, SnapshotError> {
    let info = reader.table(table);
    let columns = info.table.columns.len();
    let mut facts = vec![ColumnFacts::default(); columns];
    let mut counts: Vec<HashMap<String, usize>> = vec![HashMap::new(); columns];
    let mut last_time: Vec<Option<i64>> = vec![None; columns];
    let wanted = info.rows.min(SAMPLE_ROWS);
    let rows: Vec<Row> = (0..wanted).map(|step| (step * info.rows / wanted) as Row).collect();
    let all: Vec<usize> = (0..columns).collect();
    let values_of = |_: Row, cells: &[ValueRef<'_>]| -> Vec<Value> { cells.iter().map(|c| Value::from(*c)).collect() };
    reader.pick(table, &rows, &all, values_of, |values| {
        let mut earliest: Option<i64> = None;
        let mut times: Vec<Option<i64>> = vec![None; columns];
        for (column, value) in values.iter().enumerate() {
            times[column] = look(value, &mut facts[column], &mut counts[column]);
            earliest = match (earliest, times[column]) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        for (column, time) in times.into_iter().enumerate() {
            let Some(time) = time else { continue };
            let fact = &mut facts[column];
            fact.earliest += usize::from(earliest == Some(time));
            fact.time_range = Some(fact.time_range.map_or((time, time), |(a, b)| (a.min(time), b.max(time))));
            if let Some(before) = last_time[column] {
                fact.steps += 1;
                fact.rising += usize::from(time >= before);
            }
            last_time[column] = Some(time);
        }
    })?;
    for (fact, counts) in facts.iter_mut().zip(counts) {
        fact.distinct = counts.len();
        if counts.len() <= TOP_VALUES {
            fact.top = counts.into_iter().collect();
            fact.top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        }
    }
    Ok(facts)
}

/// Counts one value; returns its point in time, if it is one.
fn look(value: &Value, fact: &mut ColumnFacts, counts: &mut HashMap<String, usize>) -> Option<i64> {
    fact.rows += 1;
    let text = match value {
        Value::Null => {
            fact.nulls += 1;
            return None;
        }
        Value::Blob(bytes) => {
            fact.blobs += 1;
            if bytes.len() == 16 {
                count_minted(&crate::model::value::hex_text(bytes), fact);
            }
            return None;
        }
        other => other.key_text().unwrap_or_default(),
    };
    *counts.entry(text.clone().into_owned()).or_insert(0) += 1;
    count_minted(&text, fact);
    let time = classify(&text, fact);
    let words = text.split_whitespace().count();
    let chars = text.chars().count();
    fact.empties += usize::from(words == 0);
    fact.words += words;
    fact.chars += chars;
    fact.longest = fact.longest.max(chars);
    fact.blanks += usize::from(words > 1);
    time
}

/// Counts the schemes by which a value carries a time.
fn count_minted(text: &str, fact: &mut ColumnFacts) {
    // No scheme is shorter, and none longer than a prefix and 26 digits.
    if !(17..=64).contains(&text.len()) {
        return;
    }
    for (scheme, count) in Scheme::ALL.into_iter().zip(&mut fact.minted) {
        *count += usize::from(scheme.read(text).is_some());
    }
}

fn classify(text: &str, fact: &mut ColumnFacts) -> Option<i64> {
    let mut count = |slot: fn(&mut ColumnFacts) -> &mut usize, hit: bool| *slot(fact) += usize::from(hit);
    let bytes = text.as_bytes();
    count(
        |f| &mut f.booleans,
        matches!(
            text,
            "t" | "f"
                | "T"
                | "F"
                | "true"
                | "false"
                | "True"
                | "False"
                | "TRUE"
                | "FALSE"
                | "0"
                | "1"
                | "Y"
                | "N"
                | "y"
                | "n"
                | "yes"
                | "no"
        ),
    );
    if let Ok(number) = text.parse::<f64>().map_err(|_| ()).and_then(|n| if n.is_finite() && !bytes.is_empty() { Ok(n) } else { Err(()) }) {
        return number_facts(text, number, fact);
    }
    if let Some(stamp) = Stamp::parse(bytes) {
        count(|f| &mut f.stamps, stamp.has_time);
        count(|f| &mut f.dates, !stamp.has_time);
        return Some(stamp.micros);
    }
    count(|f| &mut f.emails, is_email(text));
    count(|f| &mut f.uuids, is_uuid(text));
    let url = text.starts_with("http://") || text.starts_with("https://") || text.starts_with("www.");
    count(|f| &mut f.urls, url);
    let lower_end = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let image = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif", ".bmp", ".tif", ".tiff", ".ico", ".heic"]
        .iter()
        .any(|e| lower_end.ends_with(e));
    count(|f| &mut f.images, image || (url && ["avatar", "image", "photo", "picsum", "img", "gravatar"].iter().any(|w| text.contains(w))));
    count(
        |f| &mut f.ips,
        text.parse::<std::net::IpAddr>().is_ok()
            || text.split_once('/').is_some_and(|(ip, bits)| ip.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok()),
    );
    count(
        |f| &mut f.agents,
        text.starts_with("Mozilla/")
            || text.starts_with("Opera/")
            || text.starts_with("curl/")
            || text.starts_with("okhttp/")
            || text.starts_with("Dalvik/"),
    );
    count(|f| &mut f.hashes, is_hash(text));
    count(|f| &mut f.jsons, is_json(text));
    count(|f| &mut f.id_lists, is_id_list(text));
    count(|f| &mut f.word_lists, is_word_list(text));
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let phone_bytes =
        bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b' ' | b'(' | b')' | b'.' | b'x' | b'/' | b'e' | b't'));
    count(|f| &mut f.phones, phone_bytes && (7..=20).contains(&digits) && bytes.len() > digits);
    count(|f| &mut f.currencies, bytes.len() == 3 && bytes.iter().all(u8::is_ascii_uppercase));
    let words: Vec<&str> = text.split_whitespace().collect();
    let capital = |word: &str| {
        word.chars().next().is_some_and(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '.' | '\u{2019}'))
    };
    // Scripts without case (Chinese, Arabic, Hindi) have no capitals: any run of letters will do there.
    let caseless = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase());
    let name_word = |word: &&str| capital(word) || caseless(word);
    count(|f| &mut f.capitalised, words.len() == 1 && name_word(&words[0]));
    let named = words.iter().filter(|w| name_word(w)).count();
    count(
        |f| &mut f.full_names,
        (2..=4).contains(&words.len()) && named + 1 >= words.len() && named >= 2
            || (words.len() == 1 && caseless(words[0]) && (2..=4).contains(&words[0].chars().count())),
    );
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    count(
        |f| &mut f.handles,
        words.len() == 1 && (3..=32).contains(&bytes.len()) && bytes.iter().all(plain) && letters > 0 && bytes[0].is_ascii_alphanumeric(),
    );
    count(|f| &mut f.hexes, bytes.len() >= 16 && bytes.iter().all(u8::is_ascii_hexdigit));
    let mixed = digits > 0 && letters > 0;
    count(
        |f| &mut f.tokens,
        words.len() == 1 && bytes.len() >= 16 && mixed && bytes.iter().all(|b| plain(b) || matches!(b, b'=' | b'/' | b'+' | b':' | b'$')),
    );
    count(|f| &mut f.locales, is_locale(text));
    None
}

fn number_facts(text: &str, number: f64, fact: &mut ColumnFacts) -> Option<i64> {
    fact.number_range = Some(fact.number_range.map_or((number, number), |(a, b)| (a.min(number), b.max(number))));
    let fraction = text.split_once('.').map(|(_, f)| f.trim_end_matches(|c: char| !c.is_ascii_digit()).len());
    match fraction {
        None => {
            fact.integers += 1;
            let length = text.trim_start_matches('+').len();
            fact.zeros += usize::from(number == 0.0);
            fact.years += usize::from((1000.0..2200.0).contains(&number));
            fact.digit_runs += usize::from((7..=15).contains(&length) && text.bytes().all(|b| b.is_ascii_digit() || b == b'+'));
            let stamp = text.parse().ok().and_then(Stamp::from_epoch);
            fact.epochs += usize::from(stamp.is_some());
            return None;
        }
        Some(digits) => {
            fact.decimals += 1;
            fact.cents += usize::from(digits == 2);
            fact.long_decimals += usize::from(digits > 4);
        }
    }
    None
}

/// Returns whether the text is `local@domain`, the domain with a dot or `localhost`.
#[must_use]
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let domain_ok = (domain.contains('.')
        || domain == "localhost"
        || !domain.is_empty() && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        && !domain.starts_with('.')
        && !domain.ends_with('.');
    !local.is_empty() && !text.contains(char::is_whitespace) && domain_ok && !local.contains('@') && text.len() <= 320
}

/// Returns whether the text is 8-4-4-4-12 hexadecimal digits.
pub(super) fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

/// Returns whether the text has the form of a password hash.
///
/// Source: modular crypt formats of bcrypt (`$2a$`, `$2b$`, `$2y$`), Argon2, scrypt, SHA-crypt, phpass and
/// Django's `algorithm$iterations$salt$hash`; Laravel, Rails and Prisma applications store these.
fn is_hash(text: &str) -> bool {
    let prefixes = ["$2a$", "$2b$", "$2y$", "$argon2", "$scrypt$", "$5$", "$6$", "$1$", "$P$", "$H$", "{SSHA}", "{bcrypt}"];
    let django = ["pbkdf2_sha256$", "pbkdf2_sha1$", "bcrypt_sha256$", "argon2$", "scrypt:", "pbkdf2:sha256:", "md5$", "sha1$"];
    text.len() >= 20 && (prefixes.iter().chain(&django).any(|p| text.starts_with(p)))
}

/// Returns whether the text is a JSON object or array (as a string inside JSON too), or an array of Postgres.
fn is_json(text: &str) -> bool {
    let valid = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    (text.starts_with('{') && text.ends_with('}'))
        || (text.starts_with('[') && text.ends_with(']') && valid())
        || ((text.starts_with("\"{") || text.starts_with("\"[")) && text.ends_with('"') && valid())
}

/// Returns whether the text is words of a program with commas and no blanks between them.
fn is_word_list(text: &str) -> bool {
    let word = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:./-".contains(&b));
    text.contains(',') && text.bytes().any(|b| b.is_ascii_alphabetic()) && text.split(',').all(|part| !part.is_empty() && word(part))
}

/// Returns whether the text is integers with commas between them.
fn is_id_list(text: &str) -> bool {
    let id = |part: &str| !part.is_empty() && part.len() <= 19 && part.bytes().all(|b| b.is_ascii_digit());
    text.contains(',') && text.split(',').all(|part| id(part.trim()))
}

fn is_locale(text: &str) -> bool {
    let bytes = text.as_bytes();
    let language = bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_lowercase);
    let whole = bytes.len() == 2 || (bytes.len() == 5 && matches!(bytes[2], b'-' | b'_') && bytes[3..].iter().all(u8::is_ascii_alphabetic));
    let zone =
        ["Europe/", "America/", "Asia/", "Africa/", "Australia/", "Pacific/", "Etc/"].iter().any(|p| text.starts_with(p)) || text == "UTC";
    (language && whole) || zone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_prose() {
        assert!(is_email("o'brien+tag@mail.acme.co.uk") && is_email("root@localhost"));
        assert!(!is_email("a@b@c.com") && !is_email("see me @ noon") && !is_email("@acme.com") && !is_email("x@"));
    }

    #[test]
    fn names_without_case_count() {
        let mut fact = ColumnFacts::default();
        for name in ["Mary O\u{2019}Neil", "Jean-Luc de Witt", "\u{738b}\u{5c0f}\u{660e}"] {
            classify(name, &mut fact);
        }
        assert_eq!(fact.full_names, 3);
    }
}

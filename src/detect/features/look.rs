//! How a column is looked at, by its role, and what of each value one program gives all its rows.

use super::super::{address, context::text_hash};
use crate::model::{Family, Role};

/// How one column is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Domain,
    Shape,
    Value,
    Prefix,
    Decimals,
    Digits,
    Against,
    Words,
}

/// Chooses how to look at a column of a role.
pub(super) fn looks(role: Role) -> &'static [(Look, Family)] {
    match role {
        Role::Email => &[(Look::Domain, Family::Identifier), (Look::Shape, Family::Shape)],
        Role::Username | Role::Phone | Role::ExternalId | Role::Code | Role::Token | Role::PostalCode | Role::Url | Role::ImageUrl => {
            &[(Look::Shape, Family::Shape)]
        }
        Role::PersonName | Role::GivenName | Role::FamilyName | Role::Title | Role::Company | Role::City | Role::Street => {
            &[(Look::Words, Family::Shape)]
        }
        Role::Text => &[(Look::Words, Family::Shape)],
        Role::Credential => &[(Look::Prefix, Family::Credential)],
        Role::UserAgent => &[(Look::Prefix, Family::Shape)],
        Role::Flag
        | Role::ModeFlag
        | Role::Category
        | Role::Privilege
        | Role::Currency
        | Role::Country
        | Role::Locale
        | Role::ReferenceType
        | Role::Region => &[(Look::Value, Family::Template)],
        Role::Amount | Role::Coordinate => &[(Look::Decimals, Family::Template)],
        Role::CreatedAt => &[(Look::Digits, Family::Time)],
        Role::UpdatedAt | Role::ActivityAt | Role::StartAt | Role::EndAt | Role::Time | Role::DeletedAt => {
            &[(Look::Digits, Family::Time), (Look::Against, Family::Time)]
        }
        _ => &[],
    }
}

pub(super) const fn word(look: Look) -> &'static str {
    match look {
        Look::Domain => "domain",
        Look::Shape => "shape",
        Look::Value => "value",
        Look::Prefix => "beginning",
        Look::Decimals => "decimals",
        Look::Digits => "exactness",
        Look::Against => "distance from creation",
        Look::Words => "number and form of words",
    }
}

pub(super) fn value(look: Look, text: &str) -> u64 {
    let hash = |t: &str| text_hash(0, t);
    match look {
        Look::Domain => match address::domain(text) {
            domain if domain.bytes().any(|b| b.is_ascii_uppercase()) => hash(&domain.to_ascii_lowercase()),
            domain => hash(domain),
        },
        Look::Shape => {
            let mut digest = 0xcbf2_9ce4_8422_2325_u64;
            kinds(memchr::memchr(b'@', text.as_bytes()).map_or(text, |at| &text[..at]), |kind| {
                digest = (digest ^ u64::from(u32::from(kind))).wrapping_mul(0x0100_0000_01b3);
            });
            digest
        }
        Look::Value => hash(text),
        Look::Prefix => {
            let end = text.char_indices().nth(7).map_or(text.len(), |(at, _)| at);
            hash(&text[..end]).wrapping_add((text.len() / 4) as u64)
        }
        Look::Decimals => text.split_once('.').map_or(100, |(_, f)| f.len().min(9) as u64),
        Look::Words => {
            let (words, capitals) = if text.is_ascii() { ascii_words(text.as_bytes()) } else { words_of(text) };
            let words = words.min(12);
            let mark = u64::from(text.ends_with('.')) + 2 * u64::from(text.contains('\n'));
            1 + words * 64 + capitals.min(4) * 4 + mark
        }
        Look::Digits | Look::Against => 0,
    }
}

/// Counts the words of a text, and those that begin with a capital; more than twelve and four make no difference.
fn words_of(text: &str) -> (u64, u64) {
    let (mut words, mut capitals) = (0, 0);
    for word in text.split_whitespace() {
        words += 1;
        capitals += u64::from(word.chars().next().is_some_and(char::is_uppercase));
        if words >= 12 && capitals >= 4 {
            break;
        }
    }
    (words, capitals)
}

/// Does the same of a text of ASCII characters, byte by byte.
fn ascii_words(text: &[u8]) -> (u64, u64) {
    let (mut words, mut capitals) = (0, 0);
    let mut begins = |before: u8, byte: u8| {
        let begins = is_blank(before) & !is_blank(byte);
        words += u32::from(begins);
        capitals += u32::from(begins & byte.is_ascii_uppercase());
    };
    text.first().into_iter().for_each(|first| begins(b' ', *first));
    text.iter().zip(text.iter().skip(1)).for_each(|(before, byte)| begins(*before, *byte));
    (words.into(), capitals.into())
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Replaces letters and digits by their kind, runs by one: `Mary.Smith85` becomes `Aa.Aa9`.
#[must_use]
pub(in crate::detect) fn shape(text: &str) -> String {
    let mut out = String::new();
    kinds(text, |kind| out.push(kind));
    out
}

/// Kinds that are told of a text, and characters that are looked at.
const KINDS: usize = 16;
const LOOKED_AT: usize = 48;

/// Tells the first kinds of a text's first characters, runs as one.
fn kinds(text: &str, mut take: impl FnMut(char)) {
    let (mut last, mut count) = ('\0', 0);
    let mut told = |kind: char| {
        if count == 0 || last != kind {
            take(kind);
            last = kind;
            count += 1;
        }
        count < KINDS
    };
    match text.as_bytes() {
        bytes if bytes.is_ascii() => bytes.iter().take(LOOKED_AT).all(|byte| told(KIND_OF[usize::from(*byte)])),
        _ => text.chars().take(LOOKED_AT).all(|c| told(kind(c))),
    };
}

/// The kinds of ASCII characters.
static KIND_OF: [char; 128] = {
    let mut found = ['\0'; 128];
    let mut byte = 0;
    while byte < found.len() {
        found[byte] = ascii_kind(byte as u8);
        byte += 1;
    }
    found
};

const fn ascii_kind(byte: u8) -> char {
    match byte {
        b'0'..=b'9' => '9',
        b'A'..=b'Z' => 'A',
        b'a'..=b'z' => 'a',
        _ => byte as char,
    }
}

fn kind(c: char) -> char {
    match c {
        _ if c.is_ascii() => ascii_kind(c as u8),
        _ if c.is_uppercase() => 'A',
        _ if c.is_alphabetic() => 'a',
        _ => c,
    }
}

/// How exact a time is: the digits of its fraction as the value shows them, and whether lower units are zero.
pub(super) fn exactness(digits: i64, micros: i64) -> u64 {
    use crate::model::stamp::{DAY, SECOND};
    if micros % DAY == 0 {
        0
    } else if micros % (60 * SECOND) == 0 {
        1
    } else if micros % SECOND == 0 {
        2
    } else if micros % 1_000 == 0 {
        3
    } else {
        4 + digits as u64 / 4
    }
}

/// How far a time lies from the row's creation.
pub(super) fn distance(time: Option<i64>, created: Option<i64>) -> u64 {
    use crate::model::stamp::{DAY, HOUR, SECOND};
    match (time, created) {
        (None, _) => 0,
        (_, None) => 1,
        (Some(time), Some(created)) => match time - created {
            0 => 2,
            d if d < 0 => 3,
            d if d <= SECOND => 4,
            d if d <= HOUR => 5,
            d if d <= DAY => 6,
            d if d <= 30 * DAY => 7,
            _ => 8,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_alike() {
        for text in ["", " ", "Mary Ann  O'Neil\tand\x0bFour More\r\n", "one", " Two Words", "a\u{1c}b"] {
            assert_eq!(ascii_words(text.as_bytes()), words_of(text), "{text:?}");
        }
    }

    #[test]
    fn shapes_collapse_runs() {
        assert_eq!(shape("Mary.Smith85"), "Aa.Aa9");
        assert_eq!(shape("txn_a1b2"), "a_a9a9");
        assert_eq!(shape("Märy.Ölm85"), "Aa.Aa9");
        // No more than sixteen kinds, of no more than 48 characters.
        assert_eq!(shape(&"a1".repeat(30)), "a9".repeat(8));
        assert_eq!(shape(&format!("{}1", "x".repeat(48))), "a");
        assert_eq!(shape(&format!("{}1", "é".repeat(48))), "a");
    }
}

//! How a column is looked at, by its role, and what of each value one program gives all its rows.

use super::super::context::text_hash;
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
        Look::Domain => match text.rsplit_once('@').map_or("", |(_, domain)| domain) {
            domain if domain.bytes().any(|b| b.is_ascii_uppercase()) => hash(&domain.to_ascii_lowercase()),
            domain => hash(domain),
        },
        Look::Shape => {
            let mut digest = 0xcbf2_9ce4_8422_2325_u64;
            kinds(text.split_once('@').map_or(text, |(local, _)| local), |kind| {
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
    let (mut words, mut capitals, mut before) = (0, 0, true);
    for byte in text {
        let blank = matches!(byte, b' ' | b'\t'..=b'\r');
        let begins = before && !blank;
        words += u64::from(begins);
        capitals += u64::from(begins && byte.is_ascii_uppercase());
        before = blank;
    }
    (words, capitals)
}

/// Replaces letters and digits by their kind, runs by one: `Mary.Smith85` becomes `Aa.Aa9`.
#[must_use]
pub(in crate::detect) fn shape(text: &str) -> String {
    let mut out = String::new();
    kinds(text, |kind| out.push(kind));
    out
}

/// Tells the first sixteen kinds of a text's first 48 characters, runs as one.
fn kinds(text: &str, mut take: impl FnMut(char)) {
    let (mut last, mut count) = (None, 0);
    for c in text.chars().take(48) {
        let kind = match c {
            '0'..='9' => '9',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            _ if c.is_ascii() => c,
            _ if c.is_uppercase() => 'A',
            _ if c.is_alphabetic() => 'a',
            _ => c,
        };
        if last != Some(kind) {
            take(kind);
            last = Some(kind);
            count += 1;
            if count == 16 {
                return;
            }
        }
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
    }
}

//! Addresses in the shape that generators give them.

use polars::prelude::{DataFrame, PolarsResult};

use super::address;
use super::marks::{self, Finding};
use super::{Detector, TableView, vocabulary};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct GeneratorAddress;

const META: DetectorMeta = DetectorMeta {
    id: "generator-address",
    title: "Address and handle shapes of generators",
    family: Family::Shape,
    reads: &[Role::Email, Role::Username],
    finds: "Addresses at a free mail service whose local part is capitalised: First99, First.Last99, First_Last, which people type in lower case; a word and a year in which nobody alive was born, as mimesis writes them; the person's initial and family name with a row number in base 36 behind it, as Mockaroo writes them. Handles of the form First.Last99, First_Last and Name9999, whose words are names of the lists.",
    false_positives: "A few people do type capitals: 3 of 1,267 public addresses have this very shape; some end theirs with four digits of another meaning, or with the initials of a second name. The share in the rest of the table is weighed.",
    source: "internet.email() and internet.userName() of faker-js and Bogus, gofakeit's Username(): all local parts begin with a capital, domains gmail.com, yahoo.com and hotmail.com and each locale's own. mimesis' Person.email: a word and a number from 1800 to 2100. Mockaroo's default schema: icollisson0, jhansel1 ... nblarea.",
};

/// Forms of addresses, with the share of a generator's rows that show them and the least share of real ones.
///
/// Source: 3 of 1,267 addresses of public commit authors; 190 of mimesis' 301 numbers are no year of birth or of
/// today, and four digits behind one word, two in a hundred of which would be among them, are the ends of fewer
/// than one real address in ten; of Mockaroo's first thousand rows two thirds have a letter in their number.
const FORMS: &[(&str, f64, f64)] =
    &[(CAPITAL, 0.95, 0.0024), (YEAR, 0.6, 0.002), (ROW_NUMBER, 0.65, 0.004), (HANDLE_OF_TWO, 0.5, 0.02), (HANDLE_OF_ONE, 0.5, 0.02)];
const CAPITAL: &str = "Capital.Name99 at a free mail service";
const YEAR: &str = "a word and a year in which nobody alive was born";
const ROW_NUMBER: &str = "the person's initial and family name, and a number in base 36";

const HANDLE_OF_TWO: &str = "First.Last99, of names in the lists";
const HANDLE_OF_ONE: &str = "Name9999, of a name in the lists";

/// Free mail services of the generators' lists.
const FREE_MAIL: &[&str] = &["gmail", "yahoo", "hotmail"];

/// Returns whether an address has the generators' shape.
fn capital_free_mail(address: &str) -> Option<&'static str> {
    let (local, domain) = address::parts(address)?;
    let service = domain.split('.').next()?;
    if !FREE_MAIL.iter().any(|known| known.eq_ignore_ascii_case(service)) {
        return None;
    }
    let (parts, digits) = capitalised(local)?;
    (digits <= 2).then_some(())?;
    (1..=2).contains(&parts).then_some(CAPITAL)
}

/// Counts the words before the digits at the end, and these, where each word is capitalised as a name is.
fn capitalised(local: &str) -> Option<(usize, usize)> {
    let letters = local.trim_end_matches(|c: char| c.is_ascii_digit());
    let parts: Vec<&str> = letters.split(['.', '_']).filter(|p| !p.is_empty()).collect();
    let name = |part: &&str| {
        let mut chars = part.chars();
        chars.next().is_some_and(char::is_uppercase) && chars.clone().any(char::is_lowercase) && part.len() >= 2
    };
    parts.iter().all(name).then_some((parts.len(), local.len() - letters.len()))
}

/// Returns whether a handle has the generators' shape: two names with at most two digits, or one and four.
///
/// Four digits that may be a year of birth, or of these days, tell nothing.
fn handle(text: &str) -> Option<&'static str> {
    let (parts, digits) = capitalised(text)?;
    let named = |text: &str| text.split(['.', '_']).filter(|p| !p.is_empty()).all(|part| vocabulary::is_folded_name(&part.to_lowercase()));
    let (letters, number) = text.split_at(text.len() - digits);
    match (parts, digits) {
        (2, 0..=2) if named(letters) => Some(HANDLE_OF_TWO),
        (1, 4) if named(letters) && !(1_920..=2_030).contains(&number.parse().unwrap_or(0)) => Some(HANDLE_OF_ONE),
        _ => None,
    }
}

/// Returns whether an address is one word and a number of four digits that mimesis draws, and that is no year of
/// a person or of these days.
fn no_year_of_birth(address: &str) -> Option<&'static str> {
    let (local, _) = address::parts(address)?;
    let digits = local.get(local.len().checked_sub(4)?..)?;
    let word = local[..local.len() - 4].trim_end_matches(['.', '_', '-']);
    let year: u32 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
    let drawn = (1_800..1_920).contains(&year) || (2_031..=2_100).contains(&year);
    (drawn && word.len() >= 2 && local.len() - word.len() <= 5 && word.bytes().all(|b| b.is_ascii_alphabetic())).then_some(YEAR)
}

/// Returns whether an address is the person's initial and family name with a number in base 36 behind them that
/// holds a letter.
fn row_number(address: &str, names: &[&str]) -> Option<&'static str> {
    let number = behind_initial_and_family(address, names)?;
    number.bytes().any(|b| b.is_ascii_lowercase()).then_some(ROW_NUMBER)
}

/// Longest row number in base 36, in digits: past the rows that one export may have.
pub(super) const ROW_DIGITS: usize = 3;

/// Returns what an address has behind its owner's initial and family name, where that is a number in base 36.
///
/// `names`: the whole name, or given and family name.
pub(super) fn behind_initial_and_family<'a>(address: &'a str, names: &[&str]) -> Option<&'a str> {
    let local = address::local(address);
    let (given, family) = match names {
        [whole] => whole.trim().split_once(' ')?,
        [given, family] => (given.trim(), family.trim()),
        _ => return None,
    };
    let initial = given.chars().next()?.to_lowercase().next()?;
    let rest = local.strip_prefix(initial)?;
    // Most addresses are told apart by the first letter already.
    let number = if family.bytes().all(|b| b.is_ascii_alphabetic()) && family.len() >= 2 {
        rest.get(..family.len()).filter(|r| r.bytes().zip(family.bytes()).all(|(a, b)| a == b.to_ascii_lowercase()))?;
        &rest[family.len()..]
    } else {
        vocabulary::fold(&family.to_lowercase()).into_iter().find_map(|family| rest.strip_prefix(family.as_str()))?
    };
    let is_digit = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase();
    let written = number == "0" || !number.starts_with('0');
    (written && (1..=ROW_DIGITS).contains(&number.len()) && number.bytes().all(is_digit)).then_some(number)
}

/// Returns the columns of the names that may stand beside an address: given and family name, else the whole name.
pub(super) fn name_columns(table: &TableView<'_>) -> Vec<ColumnRead> {
    let column = |role: Role| table.profile.column(role).map(ColumnRead::Text);
    match (column(Role::GivenName), column(Role::FamilyName)) {
        (Some(given), Some(family)) => vec![given, family],
        _ => column(Role::PersonName).into_iter().collect(),
    }
}

impl Detector for GeneratorAddress {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let reads = table.texts(META.reads);
        if reads.is_empty() {
            Err("no address and no handle".to_owned())
        } else {
            Ok(reads.into_iter().chain(name_columns(table)).collect())
        }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut names = Vec::new();
        for read in name_columns(table) {
            names.push(chunk.frame.column(&read.name())?.str()?.clone());
        }
        let (mut rows, mut kinds) = (Vec::new(), Vec::new());
        for read in table.texts(&[Role::Username]) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                if let Some(kind) = text.filter(|text| !text.contains('@')).and_then(handle) {
                    rows.push(chunk.first_row + offset as Row);
                    kinds.push(kind);
                }
            }
        }
        for read in table.texts(&[Role::Email]) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                let Some(text) = text else { continue };
                let of_name = || {
                    let names: Option<Vec<&str>> = names.iter().map(|n| n.get(offset)).collect();
                    names.and_then(|names| row_number(text, &names))
                };
                if let Some(kind) = capital_free_mail(text).or_else(|| no_year_of_birth(text)).or_else(of_name) {
                    rows.push(chunk.first_row + offset as Row);
                    kinds.push(kind);
                }
            }
        }
        marks::frame(rows, &kinds)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        marks::facts(&META, usize::MAX, merged, table, |of| {
            let (_, seeded, real_floor) = FORMS.iter().find(|f| f.0 == of.kind).copied()?;
            Some(Finding {
                detail: format!(
                    "{} of the form {}",
                    if [HANDLE_OF_TWO, HANDLE_OF_ONE].contains(&of.kind) { "handle" } else { "address" },
                    of.kind
                ),
                measure: Measure::Rate { seeded, real_floor },
                certainty: Certainty::Suggests,
                proposes: false,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_shape() {
        for made in ["Garnet85@gmail.com", "Mary.Kuvalis7@yahoo.com", "Nikita_Crist@hotmail.com", "Otto.Braun@yahoo.de"] {
            assert!(capital_free_mail(made).is_some(), "{made}");
        }
        for real in ["mary.smith85@gmail.com", "Mary.Smith@acme.com", "JOHN@gmail.com", "J.Doe1975@gmail.com"] {
            assert!(capital_free_mail(real).is_none(), "{real}");
        }
    }

    #[test]
    fn tells_handles_of_names() {
        for (made, form) in [("Hilpert4298", HANDLE_OF_ONE), ("Kaelyn.Oconner66", HANDLE_OF_TWO), ("Isobel_Yost", HANDLE_OF_TWO)] {
            assert_eq!(handle(made), Some(form), "{made}");
        }
        for real in ["GhostWhale", "Maria1985", "maria_lopez", "Night_Owl42", "Skipper4298x", "Anna77", "WhaleHunter4298"] {
            assert_eq!(handle(real), None, "{real}");
        }
    }

    #[test]
    fn tells_years_of_nobody() {
        for made in ["grad1816@protonmail.com", "furniture_1822@duck.com", "taxes2070@example.com", "see-2078@live.com"] {
            assert!(no_year_of_birth(made).is_some(), "{made}");
        }
        for real in
            ["mary1985@gmx.de", "otto.1816.w@gmx.de", "x18162@gmx.de", "joe2024@gmx.de", "jo.ann_1816@gmx.de", "ñu@x.de", "1816@x.de"]
        {
            assert!(no_year_of_birth(real).is_none(), "{real}");
        }
    }

    #[test]
    fn tells_row_numbers_behind_names() {
        assert!(row_number("nblarea@hatena.ne.jp", &["Nadia Blare"]).is_some());
        assert!(row_number("clegallu@cam.ac.uk", &["Claybourne", "Le Gall"]).is_some());
        assert!(row_number("jmuller1k@who.int", &["Jörg", "Müller"]).is_some());
        for (address, name) in [
            ("jsmith85@gmx.de", "John Smith"),
            ("jsmithson@gmx.de", "Jane Doe"),
            ("jsmithsonian@gmx.de", "John Smith"),
            ("jsmith@gmx.de", "John Smith"),
            ("jsmith0a@gmx.de", "John Smith"),
            ("ana@gmx.de", "Ana"),
        ] {
            assert!(row_number(address, &[name]).is_none(), "{address}");
        }
    }
}

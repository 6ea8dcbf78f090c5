//! Names and addresses that consist of placeholder words and nothing else: "Test User", "asdf asdf",
//! `qa.test3@`. A person may be called Test; nobody is called Test Tester.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::address;
use super::{Detector, TableView, placeholder_word, rows_of, vocabulary};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct PlaceholderName;

const META: DetectorMeta = DetectorMeta {
    id: "placeholder-name",
    title: "Names of placeholders only",
    family: Family::Vocabulary,
    reads: &[Role::PersonName, Role::GivenName, Role::FamilyName, Role::Email, Role::Username],
    finds: "Whole names of which every part is a placeholder, a role in testing, a neighbouring row of keys or a figure of fiction, and addresses whose part before the @ is nothing else.",
    false_positives: "John Doe and Lisa Simpson do exist: names of fiction count only beside an address of the same kind. A name of placeholders by itself sends a row to review, never to a script.",
    source: "Accounts that testers make by hand in public issue threads; fictional names of the most frequent placeholder accounts; no name of 1,267 public commit authors consists of placeholders only.",
};

/// Bits of such a name. They are not weighed against the table's own share: who finds
/// a hundred people called Test Test has found a hundred test accounts.
///
/// Source: none of 1,267 public authors, and less than one account in some thousands of real sites, against four
/// in ten accounts that testers make by hand.
const NAME: f64 = 11.0;

/// The same of an address, or of a name of fiction, alone.
const ADDRESS: f64 = 8.0;

/// Words that make a placeholder's name complete, beside those of the placeholder list.
const FILLERS: &[&str] = &[
    "user",
    "account",
    "acc",
    "customer",
    "client",
    "guest",
    "admin",
    "one",
    "two",
    "three",
    "first",
    "last",
    "name",
    "firstname",
    "lastname",
    "person",
    "new",
    "my",
    "a",
    "b",
    "c",
    "x",
    "y",
    "z",
    "me",
    "signup",
    "login",
    "dev",
    "staging",
    "prod",
    "tmp",
    "temp",
    "abc",
    "xyz",
    "aaa",
    "bbb",
    "doe",
    "john",
    "jane",
    "hello",
    "blah",
    "bla",
    "delete",
    "deleteme",
    "ignore",
    "please",
    "null",
    "none",
    "na",
    "prueba",
    "essai",
    "teste",
    "prova",
    "probe",
    "provisional",
    "automation",
    "auto",
    "smoke",
    "regression",
    "bot",
    "uat",
    "sandbox",
];

/// Figures of fiction that testers type.
const FICTION: &[&str] = &[
    "mickey mouse",
    "donald duck",
    "minnie mouse",
    "homer simpson",
    "bart simpson",
    "lisa simpson",
    "harry potter",
    "darth vader",
    "luke skywalker",
    "han solo",
    "frodo baggins",
    "bilbo baggins",
    "bruce wayne",
    "clark kent",
    "peter parker",
    "tony stark",
    "bugs bunny",
    "john doe",
    "jane doe",
    "max mustermann",
    "erika mustermann",
    "sherlock holmes",
    "santa claus",
    "jon snow",
    "super mario",
    "sponge bob",
    "spongebob squarepants",
    "chuck norris",
    "foo bar",
];

/// Rows of keys, on American, French and German keyboards.
const KEYS: [&str; 5] = ["qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop", "qwertzuiop"];

/// For each pair of characters: a bit for each of the rows of keys in which they are neighbours.
static NEIGHBOURS: [[u8; 128]; 128] = {
    let mut found = [[0; 128]; 128];
    let mut row = 0;
    while row < KEYS.len() {
        let keys = KEYS[row].as_bytes();
        let mut at = 1;
        while at < keys.len() {
            let (a, b) = (keys[at - 1] as usize, keys[at] as usize);
            found[a][b] |= 1 << row;
            found[b][a] |= 1 << row;
            at += 1;
        }
        row += 1;
    }
    found
};

impl Detector for PlaceholderName {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        table.texts_or(META.reads, "no name and no address")
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let columns = |roles: &[Role]| -> PolarsResult<Vec<_>> {
            table.texts(roles).iter().map(|r| Ok(chunk.frame.column(&r.name())?.str()?.clone())).collect()
        };
        let names = columns(&[Role::PersonName])?;
        let parts = columns(&[Role::GivenName, Role::FamilyName])?;
        let handles = columns(&[Role::Email, Role::Username])?;
        let (mut rows, mut by_name): (Vec<Row>, Vec<bool>) = (Vec::new(), Vec::new());
        let mut joined = String::new();
        for offset in 0..chunk.frame.height() {
            joined.clear();
            let mut split = false;
            for part in parts.iter().filter_map(|c| c.get(offset)) {
                joined.push_str(if split { " " } else { "" });
                joined.push_str(part);
                split = true;
            }
            let all = || names.iter().filter_map(|c| c.get(offset)).chain(split.then_some(joined.as_str()));
            let named = all().any(placeholders_only);
            let fiction = all().any(is_fiction);
            let handle = handles.iter().filter_map(|c| c.get(offset)).any(handle_of_placeholders);
            if named || fiction || handle {
                rows.push(chunk.first_row + offset as Row);
                by_name.push(named || (handle && (fiction || all().any(placeholder_word::holds_one))));
            }
        }
        DataFrame::new(rows.len(), vec![Series::new("row".into(), rows).into_column(), Series::new("named".into(), by_name).into_column()])
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let rows = rows_of(merged)?;
        let named: Vec<bool> = merged.column("named")?.bool()?.iter().flatten().collect();
        let fact = |by_name: bool, kind: &str, bits: f64, detail: &str| Evidence {
            detector: META.id,
            family: META.family,
            table: table.profile.id,
            kind: kind.to_owned(),
            rows: rows.iter().zip(&named).filter(|(_, n)| **n == by_name).map(|(row, _)| *row).collect(),
            measure: Measure::Against { bits },
            certainty: Certainty::Suggests,
            proposes: false,
            detail: detail.to_owned(),
        };
        Ok(vec![
            fact(true, "name", NAME, "the whole name is made of placeholder words"),
            fact(false, "address", ADDRESS, "the address or handle is made of placeholder words, or the name is one of fiction"),
        ])
    }
}

/// What a word of the lists is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Placeholder,
    Filler,
}

/// Both lists: most names are told from them by their first word.
static LISTED: LazyLock<HashMap<&'static [u8], Known, FixedState>> = LazyLock::new(|| {
    let fillers = FILLERS.iter().map(|word| (word.as_bytes(), Known::Filler));
    fillers.chain(placeholder_word::WORDS.iter().map(|word| (word.as_bytes(), Known::Placeholder))).collect()
});

/// Returns whether every word of a name is a placeholder, and at least one is no mere filler.
fn placeholders_only(name: &str) -> bool {
    if !name.is_ascii() {
        let lower = name.to_lowercase();
        return all_known(lower.split(|c: char| !c.is_alphabetic()), |word| known(word.as_bytes()));
    }
    let mut lower = [0; LONGEST];
    all_known(name.split(|c: char| !c.is_ascii_alphabetic()), |word| {
        // A word that is longer than every one that is listed may still be a row of keys.
        let Some(lower) = lower.get_mut(..word.len()) else { return known(word.to_ascii_lowercase().as_bytes()) };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        known(lower)
    })
}

/// Bytes of a word that is looked up where it lies.
const LONGEST: usize = 32;

fn all_known<'t>(words: impl Iterator<Item = &'t str>, mut known: impl FnMut(&str) -> Option<Known>) -> bool {
    let (mut count, mut placeholders) = (0, 0);
    for word in words.filter(|w| !w.is_empty()) {
        count += 1;
        match known(word) {
            Some(Known::Placeholder) => placeholders += 1,
            Some(Known::Filler) => {}
            // Most names end here, with their first word.
            None => return false,
        }
    }
    placeholders > 0 && count <= 5
}

/// Tells what a word in small letters is.
fn known(word: &[u8]) -> Option<Known> {
    match LISTED.get(word) {
        Some(Known::Placeholder) => Some(Known::Placeholder),
        _ if is_mash(word) => Some(Known::Placeholder),
        listed => listed.copied(),
    }
}

/// Returns whether a name is one of fiction or of forms, which people bear too.
fn is_fiction(name: &str) -> bool {
    let plain = name.trim();
    // Blanks between two words may be several; nearly all names have one, and end here by their length or a letter.
    let single = !plain.as_bytes().windows(2).any(|w| w[0].is_ascii_whitespace() && w[1].is_ascii_whitespace());
    if plain.is_ascii() && single {
        let same = |a: u8, b: u8| a == b.to_ascii_lowercase() || (a == b' ' && b.is_ascii_whitespace());
        return FICTION.iter().any(|known| known.len() == plain.len() && known.bytes().zip(plain.bytes()).all(|(a, b)| same(a, b)));
    }
    let lower = name.to_lowercase();
    FICTION.contains(&lower.split_whitespace().collect::<Vec<_>>().join(" ").as_str())
}

/// The same of the part of an address before the @; parts behind a plus sign are a person's own affair.
fn handle_of_placeholders(handle: &str) -> bool {
    let local = address::local(handle);
    let local = local.split('+').next().unwrap_or(local);
    !local.contains(' ') && placeholders_only(local)
}

/// Returns whether a word is a run of neighbouring keys or of one letter, and no name.
fn is_mash(bytes: &[u8]) -> bool {
    if bytes.len() < 4 || !bytes.is_ascii() {
        return bytes.len() == 3 && bytes.iter().all(|b| *b == bytes[0]);
    }
    let same = bytes.iter().all(|b| *b == bytes[0]);
    let neighbours = |pair: &[u8]| NEIGHBOURS[usize::from(pair[0] & 0x7f)][usize::from(pair[1] & 0x7f)];
    // In most words hardly any two letters are neighbours, on any row of keys.
    let pairs = bytes.windows(2).filter(|pair| neighbours(pair) != 0).count();
    if !same && (pairs + 1) * 4 < bytes.len() * 3 {
        return false;
    }
    let mut next = [0; KEYS.len()];
    for rows in bytes.windows(2).map(neighbours) {
        next.iter_mut().enumerate().for_each(|(row, count)| *count += usize::from(rows >> row & 1));
    }
    let most = next.into_iter().max().unwrap_or_default();
    (same || (most + 1) * 4 >= bytes.len() * 3 && most >= 3) && !std::str::from_utf8(bytes).is_ok_and(vocabulary::is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_names_of_placeholders() {
        for name in ["Test Test", "QA Tester", "asdf asdf", "Demo User", "foo bar", "Tester Two", "xxx", "sdfghj"] {
            assert!(placeholders_only(name), "{name}");
        }
        for handle in ["test1@corp.io", "qa.test0@corp.io", "asdf@gmail.com", "demo", "test+signup@corp.io", "test_user_12"] {
            assert!(handle_of_placeholders(handle), "{handle}");
        }
    }

    #[test]
    fn stays_quiet_on_people() {
        for name in [
            "John Doe",
            "Lisa Simpson",
            "Maria Test",
            "Jennifer Null",
            "John Smith",
            "Jane Dover",
            "User",
            "Barbara Demo",
            "Guest",
            "Lee",
            "Werty Smith",
            "Aaron A",
        ] {
            assert!(!placeholders_only(name), "{name}");
        }
        for handle in ["anna+test@gmail.com", "john.doering@corp.io", "mary@test.de", "info@corp.io", "user12@corp.io"] {
            assert!(!handle_of_placeholders(handle), "{handle}");
        }
    }
}

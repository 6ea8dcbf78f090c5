//! Addresses of the form first.last that belong to somebody else than the name beside them.

use std::collections::HashMap;

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::address;
use super::marks::{self, Finding};
use super::{Detector, TableView, vocabulary};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role, Row};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct NameMismatch;

const META: DetectorMeta = DetectorMeta {
    id: "name-mismatch",
    title: "Name against address",
    family: Family::Discordance,
    reads: &[Role::Email],
    finds: "Addresses made of names, none of which is in the name column: a generator that draws name and address apart.",
    false_positives: "Married names, shared mailboxes and nicknames: 6 in 100 real addresses of the form first.last disagree; the share in the rest of the table is weighed. Relay addresses, addresses that several people share, names in other scripts and addresses that are made of no names are left out.",
    source: "internet.email() beside person.fullName() of faker-js agree in 0.23 % of rows, real authors' addresses of the form first.last in 94 % (248 of 263), all their addresses in 75 %, those without any name among them.",
};

/// What an address is made of, where it is somebody else's, with the share of real rows that disagree, at least.
///
/// Source: 15 of 263 real addresses of two names; a quarter of all 1,267 shares nothing with its owner's name,
/// most of them made of one word.
const FORMS: &[(&str, f64)] = &[(TWO_NAMES, 0.057), (ONE_WORD, 0.25)];
const TWO_NAMES: &str = "first.last of somebody else";
const ONE_WORD: &str = "a name of somebody else in one word";

/// An address that is made of its owner's name.
const OWN: &str = "own name";

/// Services that hand out addresses for others.
///
/// Source: public lists of private relays.
const RELAYS: &[&str] =
    &["privaterelay.appleid.com", "users.noreply.github.com", "mozmail.com", "duck.com", "simplelogin.com", "anonaddy.me"];

impl Detector for NameMismatch {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let addresses = table.texts(META.reads);
        let names = table.texts(&[Role::PersonName, Role::GivenName, Role::FamilyName]);
        if addresses.is_empty() || names.is_empty() {
            return Err("no name and address side by side".to_owned());
        }
        Ok(addresses.into_iter().take(1).chain(names).collect())
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let Some(address) = table.texts(META.reads).into_iter().next() else { return partial(Vec::new(), Vec::new()) };
        let addresses = chunk.frame.column(&address.name())?.str()?.clone();
        let mut names = Vec::new();
        for read in table.texts(&[Role::PersonName, Role::GivenName, Role::FamilyName]) {
            names.push(chunk.frame.column(&read.name())?.str()?.clone());
        }
        let (mut rows, mut forms): (Vec<Row>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut found: Vec<(Row, u32, &str)> = Vec::new();
        let mut times: HashMap<&str, usize> = HashMap::new();
        for (offset, address) in addresses.iter().enumerate() {
            let Some(address) = address else { continue };
            let whole: Vec<&str> = names.iter().filter_map(|n| n.get(offset)).collect();
            if let Some(whose) = compare(address, &whole) {
                let form = FORMS.iter().position(|f| f.0 == whose).map_or(0, |form| form as u32 + 1);
                if form > 0 {
                    *times.entry(address).or_insert(0) += 1;
                }
                found.push((chunk.first_row + offset as Row, form, address));
            }
        }
        // Who answers for several people, an agency or a parent, has an address that is none of theirs.
        for (row, form, address) in found {
            if form == 0 || times[address] == 1 {
                rows.push(row);
                forms.push(form);
            }
        }
        partial(rows, forms)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        let (mut rows, mut kinds): (Vec<Row>, Vec<&str>) = (Vec::new(), Vec::new());
        for (row, form) in super::rows_of(merged)?.into_iter().zip(merged.column("form")?.u32()?.into_no_null_iter()) {
            if let Some((kind, _)) = (form as usize).checked_sub(1).and_then(|form| FORMS.get(form)) {
                rows.push(row);
                kinds.push(kind);
            }
        }
        marks::facts(&META, usize::MAX, &marks::frame(rows, &kinds)?, table, |of| {
            let (_, real_floor) = FORMS.iter().find(|f| f.0 == of.kind).copied()?;
            let made_of = if of.kind == TWO_NAMES { "two names, and neither is the person's" } else { "a name, and it is somebody else's" };
            Some(Finding {
                detail: format!("the address is made of {made_of}"),
                measure: Measure::Rate { seeded: 0.95, real_floor },
                certainty: Certainty::Suggests,
                proposes: false,
            })
        })
    }

    fn applies_to(&self, merged: &DataFrame, _table: &TableView<'_>) -> PolarsResult<Option<Vec<Row>>> {
        let mut rows = super::rows_of(merged)?;
        rows.sort_unstable();
        Ok(Some(rows))
    }
}

/// Writes a partial frame. Most rows are in it: a number for a form keeps it small.
fn partial(rows: Vec<Row>, forms: Vec<u32>) -> PolarsResult<DataFrame> {
    DataFrame::new(rows.len(), vec![Series::new("row".into(), rows).into_column(), Series::new("form".into(), forms).into_column()])
}

/// Compares an address with the names beside it: whose it is, where it is made of names at all.
fn compare(address: &str, names: &[&str]) -> Option<&'static str> {
    let (local, domain) = address::parts(address)?;
    if RELAYS.iter().any(|relay| relay.eq_ignore_ascii_case(domain)) {
        return None;
    }
    let local = vocabulary::lower_case(local);
    let local = local.trim_end_matches(|c: char| c.is_ascii_digit());
    let parts: Vec<&str> = local.split(['.', '_', '-']).filter(|p| !p.is_empty()).collect();
    if parts.is_empty() || parts.iter().any(|p| !p.bytes().all(|b| b.is_ascii_lowercase())) {
        return None;
    }
    let (mut tokens, mut own) = (0, false);
    let mut token = |token: &str| {
        tokens += 1;
        own = own || parts.iter().any(|part| part.len() >= 3 && alike(part, token));
    };
    for name in names.iter().map(|n| vocabulary::lower_case(n)) {
        for word in name.split(|c: char| !c.is_alphanumeric() && c != '\'') {
            // Plain letters are their own form.
            if word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase()) {
                token(word);
            } else if word.chars().nth(1).is_some() {
                vocabulary::fold(word).iter().for_each(|form| token(form));
            }
        }
    }
    // A name that cannot be written in ASCII letters cannot be compared.
    if tokens < 2 {
        return None;
    }
    if own {
        return Some(OWN);
    }
    if parts.len() == 2 && parts.iter().all(|p| p.len() >= 3) {
        return Some(TWO_NAMES);
    }
    // A word that is no name, a nickname or a play on words, belongs to anybody.
    let of_names = (parts.len() == 1 || !local.contains(['.', '_'])) && local.len() >= 4 && !vocabulary::handle_name(local).is_empty();
    of_names.then_some(ONE_WORD)
}

/// Returns whether one word begins the other, or both begin with the same three letters.
fn alike(a: &str, b: &str) -> bool {
    let holds = |long: &str, short: &str| long.len() >= short.len() && long.as_bytes().windows(short.len()).any(|w| w == short.as_bytes());
    a.get(..3).is_some_and(|head| b.starts_with(head)) || holds(a, b) || holds(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_parts() {
        assert_eq!(compare("Nikita_Crist@hotmail.com", &["Garnet Wiegand"]), Some(TWO_NAMES));
        assert_eq!(compare("kara.moller7@firm.de", &["Jens", "Petersen"]), Some(TWO_NAMES));
        for (address, name) in [
            ("jens.petersen@firm.de", "Jens Petersen"),
            ("k.petersen@firm.de", "Anna Petersen"),
            ("kathy.smith@firm.de", "Katherine Jones"),
            ("mueller.h@firm.de", "Hans Müller"),
            ("juergen.mueller@firm.de", "Jürgen Müller"),
            ("jmueller@firm.de", "Hans Müller"),
            ("annasmith@firm.de", "Anna Smith"),
        ] {
            assert_eq!(compare(address, &[name]), Some(OWN), "{address} {name}");
        }
        for (address, name) in [("wei.zhang@firm.cn", "张伟"), ("abc.def@privaterelay.appleid.com", "Anna Smith")] {
            assert_eq!(compare(address, &[name]), None, "{address} {name}");
        }
    }

    #[test]
    fn compares_single_words_where_they_are_names() {
        for (address, name) in [("danielpowers@firm.de", "Ryan Harvey"), ("jharris@firm.de", "Gabriel Brown")] {
            assert_eq!(compare(address, &[name]), Some(ONE_WORD), "{address} {name}");
        }
        for address in ["s1234567@uni.edu", "sunnycoffee77@gmx.de", "info@firm.de", "x@firm.de", "12@firm.de"] {
            assert_eq!(compare(address, &["Gabriel Brown"]), None, "{address}");
        }
    }
}

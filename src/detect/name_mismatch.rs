//! Addresses of the form first.last that belong to somebody else than the name beside them.

use polars::prelude::{DataFrame, PolarsResult};

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
    finds: "Addresses made of two names, neither of which is in the name column: a generator that draws name and address apart.",
    false_positives: "Married names, shared mailboxes and nicknames: 6 in 100 real addresses of this form disagree; the share in the rest of the table is weighed. Relay addresses and names in other scripts are left out.",
    source: "internet.email() beside person.fullName() of faker-js agree in 0.23 % of rows, real authors' addresses of the form first.last in 94 % (248 of 263).",
};

/// Share of real rows that disagree, at least.
///
/// Source: 15 of 263 addresses of this form.
const REAL_FLOOR: f64 = 0.057;

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
        let Some(address) = table.texts(META.reads).into_iter().next() else { return marks::frame(Vec::new(), &[]) };
        let addresses = chunk.frame.column(&address.name())?.str()?.clone();
        let mut names = Vec::new();
        for read in table.texts(&[Role::PersonName, Role::GivenName, Role::FamilyName]) {
            names.push(chunk.frame.column(&read.name())?.str()?.clone());
        }
        let mut rows: Vec<Row> = Vec::new();
        for offset in 0..addresses.len() {
            let whole: Vec<&str> = names.iter().filter_map(|n| n.get(offset)).collect();
            if addresses.get(offset).is_some_and(|a| disagrees(a, &whole)) {
                rows.push(chunk.first_row + offset as Row);
            }
        }
        let kinds = vec![KIND; rows.len()];
        marks::frame(rows, &kinds)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        marks::facts(&META, merged, table, |_| {
            Some(Finding {
                detail: "the address is made of two names, and neither is the person's".to_owned(),
                measure: Measure::Rate { seeded: 0.95, real_floor: REAL_FLOOR },
                certainty: Certainty::Suggests,
                proposes: false,
            })
        })
    }
}

const KIND: &str = "first.last of somebody else";

/// Returns whether an address of the form first.last has no part in common with a name.
fn disagrees(address: &str, names: &[&str]) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    if RELAYS.contains(&domain.to_ascii_lowercase().as_str()) {
        return false;
    }
    let local = local.to_lowercase();
    let local = local.trim_end_matches(|c: char| c.is_ascii_digit());
    let parts: Vec<String> = local.split(['.', '_', '-']).filter(|p| !p.is_empty()).map(str::to_owned).collect();
    if parts.len() != 2 || parts.iter().any(|p| p.len() < 3 || !p.bytes().all(|b| b.is_ascii_lowercase())) {
        return false;
    }
    let lower: Vec<String> = names.iter().map(|n| n.to_lowercase()).collect();
    let tokens: Vec<String> = lower
        .iter()
        .flat_map(|n| n.split(|c: char| !c.is_alphanumeric() && c != '\''))
        .filter(|t| t.chars().count() >= 2)
        .flat_map(vocabulary::fold)
        .collect();
    // A name that cannot be written in ASCII letters cannot be compared.
    if tokens.len() < 2 {
        return false;
    }
    !parts.iter().any(|part| tokens.iter().any(|token| alike(part, token)))
}

/// Returns whether one word begins the other, or both begin with the same three letters.
fn alike(a: &str, b: &str) -> bool {
    a.starts_with(b) || b.starts_with(a) || a.get(..3).is_some_and(|head| b.starts_with(head)) || a.contains(b) || b.contains(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_parts() {
        assert!(disagrees("Nikita_Crist@hotmail.com", &["Garnet Wiegand"]));
        assert!(disagrees("kara.moller7@firm.de", &["Jens", "Petersen"]));
        for (address, name) in [
            ("jens.petersen@firm.de", "Jens Petersen"),
            ("k.petersen@firm.de", "Anna Smith"),
            ("kathy.smith@firm.de", "Katherine Jones"),
            ("mueller.h@firm.de", "Hans Müller"),
            ("juergen.mueller@firm.de", "Jürgen Müller"),
            ("wei.zhang@firm.cn", "张伟"),
            ("abc.def@privaterelay.appleid.com", "Anna Smith"),
        ] {
            assert!(!disagrees(address, &[name]), "{address} {name}");
        }
    }
}

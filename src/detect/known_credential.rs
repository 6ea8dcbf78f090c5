//! Password values that are in public code, or that no live system stores.

use super::TableView;
use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct KnownCredential;

const META: DetectorMeta = DetectorMeta {
    id: "known-credential",
    title: "Known passwords",
    family: Family::Credential,
    reads: &[Role::Credential],
    finds: "Password hashes that frameworks ship with their examples (Laravel's \"password\" and \"secret\"), hashes of a test's speed (bcrypt at cost 4, Django's md5 and plain hashers), and stored passwords that are none of the hashes beside them.",
    false_positives: "Installers create an administrator with a known hash: privileged accounts are protected whatever the evidence. Accounts without a password (single sign-on) hold a sign or a short word: values below four signs are left out, and what much of the table holds counts for little.",
    source: "laravel/framework UserFactory (both hashes verified with bcrypt; copies change the prefix, so only salt and digest are compared); Rails and Devise test configurations (cost 4 is bcrypt's minimum, 31 its maximum; 10 to 14 are in use); Django's test hashers.",
};

/// Salt and digest of hashes that are in public code, and the password.
const KNOWN: &[(&str, &str)] = &[
    ("92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi", "password"),
    ("TKh8H1.PfQx37YgCzwiKb.KjNyWgaHb9cbcoQgdIVFlYg7B77UdFm", "secret"),
];

/// Share of real rows with such a value, at least.
const REAL_FLOOR: f64 = 0.0005;

/// Says what a stored password is, if it is no ordinary hash.
fn kind(value: &str) -> Option<String> {
    let bcrypt = value.strip_prefix("$2").and_then(|rest| rest.split_once('$')).and_then(|(_, rest)| rest.split_once('$'));
    if let Some((cost, digest)) = bcrypt {
        if let Some((_, password)) = KNOWN.iter().find(|(known, _)| *known == digest) {
            return Some(format!("known: {password}"));
        }
        return (cost == "04").then(|| "bcrypt at cost 4".to_owned());
    }
    let hashed = value.contains('$') || (value.len() >= 32 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=._:-".contains(&b)));
    if value.starts_with("md5$") || value.starts_with("plain$") {
        return Some("hasher of Django's tests".to_owned());
    }
    let sign = value.starts_with(['!', '*', '{']);
    (!hashed && !sign && value.chars().count() >= 4).then(|| PLAIN.to_owned())
}

/// Kind of values that are no hash.
const PLAIN: &str = "no hash";

impl Marks for KnownCredential {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no password column";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        kind(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        let known = of.kind.starts_with("known");
        // Where most values are no hash, the site stores passwords so.
        if of.kind == PLAIN && (of.rows.len() * 2 > of.table.rows() || !hashes(of.table)) {
            return None;
        }
        Some(Finding {
            detail: match of.kind.strip_prefix("known: ") {
                Some(password) => format!("the hash of \"{password}\" that a framework ships with its examples"),
                None if of.kind == PLAIN => "a stored password that is no hash, among hashes".to_owned(),
                None => of.kind.to_owned(),
            },
            measure: Measure::Rate { seeded: 0.9, real_floor: REAL_FLOOR },
            certainty: if known { Certainty::CannotBeHuman } else { Certainty::Suggests },
            proposes: true,
        })
    }
}

/// Returns whether the table's passwords are hashes, mostly.
fn hashes(table: &TableView<'_>) -> bool {
    table.profile.columns_with(Role::Credential).any(|c| {
        let facts = &table.profile.columns[c].facts;
        facts.hashes * 2 > facts.values()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_known_hashes_whatever_their_prefix() {
        for prefix in ["$2y$10$", "$2b$12$", "$2a$10$"] {
            let value = format!("{prefix}92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi");
            assert_eq!(kind(&value).as_deref(), Some("known: password"));
        }
        assert_eq!(kind("$2b$04$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234").as_deref(), Some("bcrypt at cost 4"));
        assert_eq!(kind("hashed_password").as_deref(), Some(PLAIN));
    }

    #[test]
    fn stays_quiet_on_hashes_and_signs() {
        for value in [
            "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
            "!",
            "*",
            "{SSO}",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "pbkdf2_sha256$260000$x$y",
        ] {
            assert_eq!(kind(value), None, "{value}");
        }
    }
}

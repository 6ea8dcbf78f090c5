//! Which part a column plays: values decide, name and declared type are hints that break ties.

mod kind;
mod lists;
mod named;
mod number;
mod person;
mod privilege;
mod text;
mod time;

use std::collections::BTreeMap;

pub use privilege::is_privileged;

use self::kind::Kind;
use super::Relation;
use super::facts::ColumnFacts;
use super::words::{name_parts, name_words, singular};
use crate::model::{Role, Source};
use crate::snapshot::{Case, CaseTable};

/// Share of values that must be of a kind before the kind counts as the column's.
///
/// A column of addresses holds some typing errors and placeholders; below nine in ten it holds something else.
const MOST: f64 = 0.9;

/// Most different values of a category.
const CATEGORY_VALUES: usize = 30;

type Found = (Role, Source, String);

/// A column as the rules look at it.
struct Look<'a> {
    /// The words of its name.
    words: Vec<String>,
    /// The same, words that are glued together split; at least one.
    parts: Vec<String>,
    type_text: String,
    kind: Kind,
    facts: &'a ColumnFacts,
    /// The words of the names of all tables, in the singular.
    tables: &'a [Vec<String>],
    /// The words of its own table's name, in the singular.
    table: &'a [String],
}

impl Look<'_> {
    /// Returns whether the name holds one of the words, or of the runs of words that `_` joins.
    fn named(&self, words: &[&str]) -> bool {
        let joined = format!("_{}_", self.words.join("_"));
        let parted = format!("_{}_", self.parts.join("_"));
        let holds = |w: &str| w.contains('_') && [&joined, &parted].iter().any(|name| name.contains(&format!("_{w}_")));
        words.iter().any(|w| self.words.iter().chain(&self.parts).any(|own| own == w) || holds(w))
    }

    /// Returns whether the name ends in one of the words.
    fn ends(&self, words: &[&str]) -> bool {
        [&self.words, &self.parts].iter().any(|of| of.last().is_some_and(|last| words.contains(&last.as_str())))
    }

    /// Returns whether nearly all values that hold something are so.
    fn mostly(&self, count: usize) -> bool {
        self.facts.filled() > 0 && count as f64 >= MOST * self.facts.filled() as f64
    }

    /// Returns the number of different values that hold something.
    fn distinct(&self) -> usize {
        self.facts.distinct - usize::from(self.facts.empties > 0).min(self.facts.distinct)
    }

    /// Returns whether a few values come again and again.
    fn is_few(&self) -> bool {
        self.distinct() <= CATEGORY_VALUES && self.facts.filled() >= self.distinct() * 4
    }

    /// Returns whether the values that are seen often enough to be listed all pass.
    fn all_listed(&self, test: impl Fn(&str) -> bool) -> bool {
        let mut held = self.facts.top.iter().map(|(value, _)| value.trim()).filter(|v| !v.is_empty()).peekable();
        held.peek().is_some() && held.all(test)
    }

    fn is_number(&self) -> bool {
        self.mostly(self.facts.integers + self.facts.decimals)
    }

    fn is_time(&self) -> bool {
        if self.mostly(self.facts.stamps + self.facts.dates) {
            return true;
        }
        // Zero stands for "never" where times are integers.
        let epochs = self.facts.epochs + self.facts.zeros;
        self.kind != Kind::Narrow && self.names_time() && !self.names_id() && (self.mostly(epochs) || self.is_endless())
    }

    /// Returns whether all values are the largest that an integer holds, or -1: "until ever".
    fn is_endless(&self) -> bool {
        self.all_listed(|v| ["2147483647", "4294967295", "-1", "0"].contains(&v))
    }
}

/// Returns the words of the names of all tables, in the singular.
pub(super) fn table_words(case: &Case) -> Vec<Vec<String>> {
    case.tables().iter().map(|t| name_parts(&t.table.name.name).iter().map(|w| singular(w)).collect()).collect()
}

/// Gives each column of a table its role; `tables` is what [`table_words`] says.
pub(super) fn infer(info: &CaseTable, facts: &[ColumnFacts], tables: &[Vec<String>]) -> Vec<Found> {
    let table = &tables[info.id.index()];
    let looks: Vec<Look<'_>> = info
        .table
        .columns
        .iter()
        .zip(facts)
        .map(|(c, facts)| {
            let type_text = c.type_text.to_ascii_lowercase();
            let words = named_anyhow(name_words(&c.name));
            let parts = named_anyhow(name_parts(&c.name));
            Look { words, parts, kind: Kind::of(&type_text), type_text, facts, tables, table }
        })
        .collect();
    let mut roles: Vec<Found> = looks.iter().map(|l| by_values(l, &looks)).collect();
    time::tell_apart(info, &looks, &mut roles);
    person::names(&looks, &mut roles);
    for key in &info.table.foreign_keys {
        for column in &key.columns {
            roles[*column] = (Role::Reference, Source::Declared, format!("foreign key to {}", key.parent));
        }
    }
    if info.table.primary_key.is_none() && info.rows == 0 && roles[0].0 == Role::Reference && roles[0].1 == Source::Inferred {
        let own = |w: &String| table.contains(&singular(w));
        let stem = &looks[0].parts[..looks[0].parts.len() - 1];
        if looks[0].ends(&["id", "uid", "uuid"]) && stem.iter().all(own) {
            roles[0] = found(Role::Key, "first of an empty table, and named after it");
        }
    }
    if let Some(key) = &info.table.primary_key {
        for column in &key.columns {
            // A key that is also a reference stays a reference: the pair of a link table.
            if key.columns.len() == 1 || !matches!(roles[*column].0, Role::Reference | Role::ReferenceType) {
                roles[*column] = (Role::Key, key.source, "primary key".to_owned());
            }
        }
    }
    roles
}

/// Gives columns that hold nothing, and whose name says nothing, the role that a column of the same name and
/// kind has by its values in another table.
pub(super) fn share(case: &Case, facts: &[Vec<ColumnFacts>], roles: &mut [Vec<Found>]) {
    let columns = || {
        case.tables()
            .iter()
            .enumerate()
            .flat_map(|(table, t)| t.table.columns.iter().enumerate().map(move |(c, column)| (table, c, column)))
    };
    let mut told: BTreeMap<String, Option<Role>> = BTreeMap::new();
    for (table, column, info) in columns() {
        if facts[table][column].filled() > 0 {
            let role = roles[table][column].0;
            let known = told.entry(info.name.to_lowercase()).or_insert(Some(role));
            *known = known.filter(|k| *k == role && role != Role::Key);
        }
    }
    for (table, column, info) in columns() {
        let is_text = Kind::of(&info.type_text.to_ascii_lowercase()).is_text();
        let open = facts[table][column].filled() == 0 && is_text && named::is_weak(&roles[table][column].2);
        if let Some(Some(role)) = told.get(&info.name.to_lowercase()).filter(|_| open) {
            roles[table][column] = found(*role, "as the column of that name in another table");
        }
    }
}

/// A name without a letter or digit has no words; one empty word stands for it.
fn named_anyhow(words: Vec<String>) -> Vec<String> {
    if words.is_empty() { vec![String::new()] } else { words }
}

/// Gives the columns of a reference that says which table it means their roles, unless the configuration did.
pub(super) fn mark_polymorphic(relation: &Relation, roles: &mut [Found]) {
    let types = relation.only.iter().map(|only| (only.column, Role::ReferenceType, "says which table is meant"));
    let ids = relation.child_columns.iter().map(|column| (*column, Role::Reference, "refers to the table that is named beside it"));
    for (column, role, reason) in types.chain(ids) {
        if roles[column].1 == Source::Inferred {
            roles[column] = found(role, reason);
        }
    }
}

fn found(role: Role, reason: impl Into<String>) -> Found {
    (role, Source::Inferred, reason.into())
}

/// Decides by what most values are; what values leave open, the name decides.
fn by_values(look: &Look<'_>, all: &[Look<'_>]) -> Found {
    let facts = look.facts;
    let percent =
        |count: usize| format!("{:.0} % of {} sampled values", 100.0 * count as f64 / facts.filled().max(1) as f64, facts.filled());
    if facts.filled() == 0 {
        let (role, reason) = named::by_name(look);
        return found(role, reason);
    }
    if look.type_text.starts_with("bytea") || look.type_text.contains("blob") || look.mostly(facts.blobs) {
        return found(Role::Binary, "binary values");
    }
    for (count, role, what) in [
        (facts.emails, Role::Email, "e-mail addresses"),
        (facts.agents, Role::UserAgent, "user agents"),
        (facts.ips, Role::Ip, "IP addresses"),
        (facts.hashes, Role::Credential, "password hashes"),
        (facts.images, Role::ImageUrl, "pictures' addresses"),
        (facts.urls, Role::Url, "web addresses"),
    ] {
        if look.mostly(count) {
            return found(role, format!("{what}: {}", percent(count)));
        }
    }
    if look.mostly(facts.jsons) && (look.type_text.starts_with("json") || facts.longest > 2) {
        return found(Role::Json, format!("JSON or arrays: {}", percent(facts.jsons)));
    }
    if look.named(&[
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "encrypted_password",
        "password_hash",
        "password_digest",
        "pass_hash",
        "hashed_password",
    ]) && !look.is_time()
        && !look.named(&["reset", "token", "changed", "attempts"])
    {
        return found(Role::Credential, "named as a password");
    }
    if look.is_time() {
        return found(Role::Time, "points in time");
    }
    // Addresses that were typed in badly still make an address column, by name.
    if look.named(&["email", "mail", "e_mail", "correo", "email_address"]) && facts.share(facts.emails) >= 0.5 {
        return found(Role::Email, format!("e-mail addresses by name, and {}", percent(facts.emails)));
    }
    if let Some(role) = flag(look) {
        return role;
    }
    if look.is_number() {
        return number::role(look);
    }
    if look.mostly(facts.uuids) {
        return found(
            if look.ends(&["token", "secret"]) {
                Role::Token
            } else if looks_like_reference(look) {
                Role::Reference
            } else {
                Role::ExternalId
            },
            "UUIDs",
        );
    }
    text::role(look, all)
}

fn looks_like_reference(look: &Look<'_>) -> bool {
    look.words.len() > 1 && look.ends(&["id", "uuid", "guid", "ref", "fk"])
}

fn flag(look: &Look<'_>) -> Option<Found> {
    let facts = look.facts;
    let narrow = look.kind == Kind::Narrow && !look.names_count() && !look.names_choice() && !look.names_id();
    let named = look.names_flag() && !(look.names_choice() && look.kind == Kind::Integer);
    let two = look.mostly(facts.booleans) && facts.distinct <= 2 + usize::from(facts.empties > 0);
    (look.kind == Kind::Bool || two && (narrow || named || facts.integers == 0)).then(|| found(flag_role(look), "yes or no"))
}

/// Returns what a yes or no says, by its name.
fn flag_role(look: &Look<'_>) -> Role {
    if look.named(&["admin", "staff", "superuser", "superadmin", "moderator", "root", "employee"]) {
        return Role::Privilege;
    }
    if look.named(&["livemode", "live_mode", "demo", "test", "testmode", "test_mode", "sandbox", "sample", "dummy", "fake"]) {
        return Role::ModeFlag;
    }
    if look.named(&["perms", "permission", "permissions", "privilege"]) { Role::Privilege } else { Role::Flag }
}

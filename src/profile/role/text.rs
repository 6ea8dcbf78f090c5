//! What a column of texts holds.

use super::kind::Kind;
use super::{CATEGORY_VALUES, Found, Look, found, lists, looks_like_reference, named, privilege};
use crate::model::Role;
use crate::profile::words::{name_parts, singular};

/// Words of systems that give ids of their own: sign-in, payment, and what invoices call a transaction.
const OTHER_SYSTEMS: &[&str] = &[
    "stripe",
    "paypal",
    "provider",
    "external",
    "oauth",
    "google",
    "facebook",
    "auth0",
    "apple",
    "github",
    "sub",
    "gateway",
    "clerk",
    "firebase",
    "braintree",
    "adyen",
    "square",
    "saml",
    "sso",
    "uid",
    "subject",
    "transaction",
    "reference",
    "txn",
    "charge",
    "invoice_number",
    "payment_intent",
];

/// Decides by lists, then by the name, then by form.
pub(super) fn role(look: &Look<'_>, all: &[Look<'_>]) -> Found {
    listed(look).or_else(|| by_part(look, all)).or_else(|| key_or_code(look)).unwrap_or_else(|| prose(look))
}

/// Tells columns whose values are words of a list, or lists themselves.
fn listed(look: &Look<'_>) -> Option<Found> {
    let facts = look.facts;
    if look.kind == Kind::Choice {
        return Some(found(Role::Category, "declared as a choice"));
    }
    if look.mostly(facts.id_lists + facts.integers) && facts.id_lists > 0 {
        return Some(found(Role::Reference, "lists of integers"));
    }
    if look.mostly(facts.word_lists) && facts.blanks == 0 {
        let may = look.named(&["perms", "permission", "permissions", "privileges", "scopes"]);
        return Some(found(if may { Role::Privilege } else { Role::Code }, "lists of words of a program"));
    }
    let tables: usize = facts.top.iter().filter(|(v, _)| names_a_table(v, look.tables)).map(|(_, count)| count).sum();
    if tables as f64 >= 0.7 * facts.filled() as f64 && look.named(&["table", "tablename", "tablenames", "type", "model", "entity", "class"])
    {
        return Some(found(Role::ReferenceType, "names of tables of this snapshot"));
    }
    if look.all_listed(|v| lists::HONORIFICS.contains(&v.trim_end_matches('.').to_ascii_lowercase().as_str())) {
        return Some(found(Role::Category, "forms of address"));
    }
    if look.all_listed(|v| lists::LANGUAGES.contains(&v.to_ascii_lowercase().as_str())) {
        return Some(found(Role::Locale, "names of languages"));
    }
    if look.mostly(facts.currencies) && facts.distinct <= 60 && look.all_listed(|v| lists::CURRENCIES.contains(&v)) {
        return Some(found(Role::Currency, "ISO 4217 codes"));
    }
    let few = look.is_few();
    if few && privilege::are_roles(facts) && !look.named(&["title", "job", "occupation", "department"]) {
        return Some(found(Role::Privilege, "a few words, some of which mean privilege"));
    }
    let role = look.named(&["role", "user_role", "user_type", "account_type", "permission", "privilege", "access_level", "rol"]);
    (few && role).then(|| found(Role::Privilege, "a few words named as a role"))
}

/// Tells columns whose name, or whose table's, says what part of a person's or an object's data they are.
fn by_part(look: &Look<'_>, all: &[Look<'_>]) -> Option<Found> {
    let (facts, few) = (look.facts, look.is_few());
    // What a table of cities calls a name is a city's.
    let place = look.table.last().and_then(|t| lists::PLACES.iter().find(|p| p.0 == t)).filter(|_| look.ends(&["name"]) && !few);
    if let Some((_, role)) = place {
        return Some(found(*role, "a name in a table of such"));
    }
    for (words, role) in named::PARTS {
        // With values, a state may be a country's and a language a setting.
        let named =
            look.named(words) || *role == Role::Region && look.named(&["state"]) || *role == Role::Locale && look.named(&["language"]);
        // A state or type of a few words is a category, whatever it is called.
        let category_like = few && *role == Role::Region && !has_place(all);
        let numbers_in_address = *role == Role::Street && facts.emails + facts.ips > 0;
        if named && !category_like && !numbers_in_address {
            return Some(found(*role, "by name"));
        }
    }
    let phones = look.mostly(facts.phones) || (look.mostly(facts.phones + facts.digit_runs) && facts.phones * 4 > facts.values());
    phones.then(|| found(Role::Phone, "telephone numbers"))
}

/// Tells what a program looks up: digests, ids of other systems, tokens, references, addresses.
fn key_or_code(look: &Look<'_>) -> Option<Found> {
    let facts = look.facts;
    let digest = look.words.last().is_some_and(|last| ["sha1", "sha256", "md5", "hash", "checksum"].iter().any(|end| last.ends_with(end)));
    if look.mostly(facts.hexes) && (digest || look.ends(named::CODES)) {
        return Some(found(Role::Code, "hexadecimal, named as a code"));
    }
    if look.named(OTHER_SYSTEMS)
        && (look.ends(&["id", "ref", "reference", "sub", "uid", "subject", "intent", "number"]) || look.named(&["txn"]))
        && !look.is_few()
    {
        return Some(found(Role::ExternalId, "named as another system's id"));
    }
    let reference = looks_like_reference(look);
    let long = look.mostly(facts.tokens) && facts.uuids == 0 && facts.longest > 40;
    if (reference || look.names_id()) && facts.blanks == 0 && long {
        return Some(found(Role::Token, "long random values"));
    }
    if reference && facts.blanks == 0 {
        return Some(found(Role::Reference, "named as another row's id"));
    }
    if look.ends(&["url", "uri", "link", "href", "www", "website", "homepage"]) {
        return Some(found(Role::Url, "named as a web address"));
    }
    (look.ends(&["identifier", "field", "fieldname"]) && facts.blanks == 0).then(|| found(Role::Code, "named as a code"))
}

/// Tells categories, sentences, titles and codes by how many and how long the values are.
fn prose(look: &Look<'_>) -> Found {
    let facts = look.facts;
    let some = look.distinct() <= 3 || look.distinct() * 2 <= facts.filled();
    let choice = look.names_choice() || look.ends(&["level", "icon"]);
    if choice && some && look.distinct() <= CATEGORY_VALUES && facts.longest <= 40 && facts.blanks == 0 {
        return found(Role::Category, format!("named as a kind, {} different values", look.distinct()));
    }
    if look.is_few() && facts.mean_words() <= 3.0 {
        return found(Role::Category, format!("{} different values", facts.distinct));
    }
    if facts.mean_words() >= 5.0 || facts.mean_chars() >= 60.0 {
        return found(Role::Text, format!("{:.1} words a value", facts.mean_words()));
    }
    if look.mostly(facts.tokens) || look.mostly(facts.hexes) {
        return found(Role::Token, "long random values");
    }
    if look.mostly(facts.locales) {
        return found(Role::Locale, "language or zone codes");
    }
    if look.named(&[
        "title",
        "subject",
        "headline",
        "name",
        "label",
        "heading",
        "header",
        "subheader",
        "subtitle",
        "betreff",
        "titulo",
        "topic",
    ]) {
        return found(Role::Title, "named as a title");
    }
    if look.named(named::SENTENCES) || look.named(&["reason", "evidence", "review", "special_features"]) {
        return found(Role::Text, "named as text");
    }
    if facts.blanks * 2 >= facts.filled() {
        return found(Role::Title, format!("{:.1} words a value", facts.mean_words()));
    }
    found(Role::Code, "short values without blanks")
}

fn has_place(all: &[Look<'_>]) -> bool {
    let places = ["city", "country", "region", "address"];
    all.iter().any(|l| l.table.iter().any(|w| places.contains(&w.as_str())))
        || all.iter().any(|l| l.named(&["city", "town", "zip", "postal", "postcode", "country", "address", "street"]))
}

/// Returns whether a text is a table's name, or that of its class (`User` for `users`).
fn names_a_table(text: &str, tables: &[Vec<String>]) -> bool {
    let words: Vec<String> = name_parts(text).iter().map(|w| singular(w)).collect();
    !words.is_empty() && tables.contains(&words)
}

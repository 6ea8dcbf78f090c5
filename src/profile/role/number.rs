//! What a column of numbers holds.

use super::kind::Kind;
use super::{CATEGORY_VALUES, Found, Look, MOST, found};
use crate::model::Role;
use crate::profile::words::singular;

/// Words of money.
pub(super) const MONEY: &[&str] = &[
    "amount",
    "price",
    "total",
    "subtotal",
    "cost",
    "fee",
    "balance",
    "paid",
    "salary",
    "revenue",
    "cents",
    "tax",
    "vat",
    "refund",
    "betrag",
    "preis",
    "monto",
    "precio",
    "importe",
    "prix",
    "montant",
    "amount_cents",
    "price_cents",
    "unit_price",
    "freight",
    "discount_amount",
];

/// Decides by range and form, then by the name.
pub(super) fn role(look: &Look<'_>) -> Found {
    let facts = look.facts;
    let (low, high) = facts.number_range.unwrap_or_default();
    if look.named(&["lat", "lng", "lon", "latitude", "longitude"]) && low >= -180.0 && high <= 180.0 {
        return found(Role::Coordinate, "degrees");
    }
    if look.names_id() && facts.decimals == 0 {
        return found(Role::Reference, "integers named as another row's id");
    }
    if look.named(&["phone", "mobile", "telephone", "tel", "fax", "telefon"]) && look.mostly(facts.digit_runs) {
        return found(Role::Phone, "digits named as a telephone number");
    }
    if look.named(&["zip", "postal", "postcode", "zipcode", "plz", "postal_code"]) {
        return found(Role::PostalCode, "named as a postal code");
    }
    if facts.decimals == 0 && look.ends(&["year"]) && facts.years as f64 >= MOST * facts.filled() as f64 {
        return found(Role::Time, "years");
    }
    if look.named(&[
        "duration",
        "elapsed",
        "seconds",
        "minutes",
        "hours",
        "millis",
        "ms",
        "milliseconds",
        "length",
        "lifetime",
        "timeout",
        "ttl",
    ]) {
        return found(Role::Duration, "named as a length of time");
    }
    if look.named(&["role", "privilege", "permission", "access_level", "user_level"]) && facts.distinct <= CATEGORY_VALUES {
        return found(Role::Privilege, "a number named as a role");
    }
    let money_type = look.type_text.starts_with("money");
    let money_name = look.named(MONEY);
    let ratio_name = look.named(&[
        "rate",
        "ratio",
        "score",
        "percent",
        "percentage",
        "weight",
        "rating",
        "discount",
        "factor",
        "area",
        "expectancy",
        "distance",
        "width",
        "height",
    ]) && !money_name;
    if money_type || money_name || (look.mostly(facts.cents) && facts.decimals * 2 > facts.values() && !ratio_name) {
        return found(Role::Amount, if money_name { "a number named as money" } else { "numbers with two decimals" });
    }
    // Prices end in nines; rates and measures do not.
    if facts.decimals > 0 && look.mostly(facts.cents) && look.all_listed(|v| v.ends_with('9')) {
        return found(Role::Amount, "prices that end in nines");
    }
    if look.named(&["perms", "permission", "permissions"]) {
        return found(Role::Privilege, "a number named as a permission");
    }
    // Levels by which one counts on are measures; kinds are numbered one by one.
    let steps = look.ends(&["level"]) && high - low >= 2.0 * facts.distinct as f64;
    let kind = look.names_choice() || look.named(&["status", "state", "type", "kind", "level", "category"]);
    if facts.decimals == 0 && kind && facts.distinct <= CATEGORY_VALUES && !steps {
        return found(Role::Category, "a few numbers named as a kind");
    }
    if facts.decimals == 0 && (look.kind == Kind::Integer && (look.names_table(false) || look.ends(&["source", "original"]))) {
        return found(Role::Reference, "integers named after another table");
    }
    // A text that holds integers and is named in the plural is a list of keys, here of one.
    let plural = look.parts.last().is_some_and(|last| singular(last) != *last) && !look.names_count();
    if facts.decimals == 0 && look.kind.is_text() && (look.names_table(true) || facts.id_lists > 0 || plural) {
        return found(Role::Reference, "lists of another table's keys");
    }
    if facts.decimals == 0 && look.ends(&["code", "number", "no", "num", "nr", "isbn", "ean", "sku"]) && facts.distinct_share() > 0.5 {
        return found(Role::Code, "numbers named as a code");
    }
    found(Role::Quantity, "numbers")
}

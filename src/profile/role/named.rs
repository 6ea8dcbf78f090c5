//! What a column's name and declared type say of its part where the values leave it open, or where there
//! are none. Never goes against values.

use super::kind::Kind;
use super::{Look, flag_role, number};
use crate::model::Role;

/// Words that end in "id" and are no ids.
const NO_IDS: &[&str] = &[
    "paid", "unpaid", "prepaid", "postpaid", "valid", "invalid", "void", "bid", "grid", "raid", "aid", "said", "kid", "lid", "hybrid",
    "rapid", "solid", "fluid", "liquid", "android", "avoid", "mid", "acid", "covid", "humid",
];

/// Words of points in time.
const TIMES: &[&str] = &["at", "on", "time", "timestamp", "tstamp", "stamp", "datetime", "date", "ts", "until", "expires", "expiry"];

/// Words of lengths of time, which end like points in time.
const LENGTHS: &[&str] = &["lifetime", "timeout", "duration", "ttl", "interval", "life", "runtime", "uptime", "playtime"];

impl Look<'_> {
    /// Returns whether the name is one of a point in time.
    pub(super) fn names_time(&self) -> bool {
        let last = self.parts.last().map(String::as_str).unwrap_or_default();
        !self.named(LENGTHS)
            && (TIMES.contains(&last)
                || self.parts.first().is_some_and(|first| first == "cr" && last == "date")
                || (last == "login" && self.named(&["last"]))
                || (last == "online" && self.kind == Kind::Integer)
                || (last == "changed" && self.named(&["last"]))
                || (["time", "date"].contains(&self.parts[0].as_str()) && self.parts.len() > 1 && !self.named(&["zone", "format"]))
                || self.named(&["created", "updated", "modified", "changed", "timestamp", "tstamp", "indexed", "expired"]))
    }

    /// Returns whether the name ends as a reference's does.
    pub(super) fn names_id(&self) -> bool {
        let id = |word: &str| {
            word == "id"
                || word == "pid"
                || word == "guid"
                || word == "uuid"
                || (word.ends_with("id") && !NO_IDS.contains(&word) && word.len() <= 5)
        };
        self.parts.last().is_some_and(|last| id(last) || last == "parent")
            || (self.parts.len() > 1 && self.parts.iter().any(|w| ["uid", "oid", "guid", "fk"].contains(&w.as_str())))
    }

    /// Returns whether the name is one of a choice: a kind, a state, a style.
    pub(super) fn names_choice(&self) -> bool {
        self.ends(&[
            "type",
            "types",
            "kind",
            "state",
            "status",
            "stage",
            "mode",
            "category",
            "class",
            "layout",
            "style",
            "orient",
            "orientation",
            "alignment",
            "align",
            "pos",
            "position",
            "action",
            "error",
            "severity",
            "method",
            "scope",
            "settings",
            "setting",
            "options",
            "option",
            "preselection",
            "selection",
            "choice",
            "access",
            "visibility",
            "delimiter",
            "enclosure",
            "cfg",
            "notification",
            "channel",
            "gender",
            "sex",
            "theme",
            "color",
            "colour",
            "target",
            "module",
            "extension",
            "driver",
            "direction",
            "changefreq",
            "card",
        ]) || self.parts.last().is_some_and(|last| last.ends_with("type"))
    }

    /// Returns whether the name is one of a yes or no.
    pub(super) fn names_flag(&self) -> bool {
        let first = self.parts[0].as_str();
        let last = self.parts.last().map(String::as_str).unwrap_or_default();
        ["is", "has", "can", "no", "not", "allow", "show", "hide", "use", "enable", "disable", "auto", "needs", "was", "verify"]
            .contains(&first)
            || ["enabled", "active", "activebool", "verified", "deleted", "banned", "flag", "hidden", "hide", "disable", "lock", "only"]
                .contains(&last)
            || (last.len() > 4
                && (last.ends_with("ed") || last.ends_with("able") || last.ends_with("ible"))
                && !self.named(&["speed", "feed", "seed", "breed"]))
    }

    /// Returns whether the name is one of a number that counts or measures.
    pub(super) fn names_count(&self) -> bool {
        self.named(&[
            "count",
            "counter",
            "quantity",
            "qty",
            "attempts",
            "retries",
            "tries",
            "number",
            "num",
            "sort",
            "sorting",
            "order",
            "ordering",
            "priority",
            "rating",
            "score",
            "stars",
            "points",
            "weight",
            "rank",
            "cols",
            "rows",
            "columns",
            "width",
            "height",
            "size",
            "depth",
            "age",
            "amount",
            "total",
            "duration",
            "length",
            "uploads_count",
            "likes",
            "views",
            "version",
            "units",
            "stock",
            "level",
        ])
    }

    /// Returns whether the name ends with another table's, in the singular; `many` also takes the plural.
    pub(super) fn names_table(&self, many: bool) -> bool {
        let Some(last) = self.parts.last() else { return false };
        let one = crate::profile::words::singular(last);
        let plural = one != *last;
        (many || !plural) && self.tables.iter().any(|t| t.last().is_some_and(|word| *word == one))
    }
}

/// Names of columns of texts, and the part that each speaks for, whether the column holds values or not; the
/// first that fits.
///
/// Source: column names of the sample databases and frameworks listed in `TableClass`'s tables, in English,
/// German, Spanish and French.
pub(super) const PARTS: &[(&[&str], Role)] = &[
    (&["iplock", "ip", "ip_address", "remote_addr", "ip_lock"], Role::Ip),
    (&["user_agent", "useragent", "agent"], Role::UserAgent),
    (&["phone", "mobile", "telephone", "tel", "fax", "telefon", "telefono", "phone_number", "cell"], Role::Phone),
    (
        &["street", "address", "address1", "address2", "addr", "strasse", "direccion", "adresse", "address_line", "street_address"],
        Role::Street,
    ),
    (&["city", "town", "ort", "ciudad", "ville", "stadt"], Role::City),
    (&["country", "country_code", "nation", "land", "pais", "pays"], Role::Country),
    (&["province", "region", "district", "county", "bundesland"], Role::Region),
    (&["zip", "postal", "postcode", "zipcode", "plz", "postal_code"], Role::PostalCode),
    (&["company", "company_name", "organization", "organisation", "org_name", "employer", "firma", "empresa"], Role::Company),
    (&["username", "user_name", "login", "handle", "nickname", "nick", "screen_name", "usuario", "benutzername"], Role::Username),
    (&["locale", "lang", "timezone", "time_zone", "tz"], Role::Locale),
    (&["currency", "currency_code"], Role::Currency),
    (
        &["token", "secret", "api_key", "apikey", "nonce", "otp", "refresh_token", "access_token", "session_token", "remember_token"],
        Role::Token,
    ),
    (
        &[
            "commentable_type",
            "entity_type",
            "subject_type",
            "owner_type",
            "target_type",
            "resource_type",
            "model_type",
            "auditable_type",
            "item_type",
        ],
        Role::ReferenceType,
    ),
];

/// Names that speak for the part of a column of texts without a value; a column with values is told by these.
const EMPTY_PARTS: &[(&[&str], Role)] = &[
    (&["email", "mail", "e_mail", "correo", "email_address"], Role::Email),
    (&["forgot_hash", "reset_hash"], Role::Token),
    (&["password", "passwd"], Role::Credential),
    (&["url", "uri", "link", "href", "www", "website", "homepage", "web_site", "canonical"], Role::Url),
    (&["first_name", "firstname", "given_name", "forename", "middle_name", "middlename"], Role::GivenName),
    (&["last_name", "lastname", "surname", "family_name"], Role::FamilyName),
    (&["full_name", "fullname", "real_name", "realname", "display_name", "author", "contact_name"], Role::PersonName),
    (&["perms", "permission", "permissions", "privilege", "privileges"], Role::Privilege),
];

/// Names of sentences.
pub(super) const SENTENCES: &[&str] = &[
    "description",
    "desc",
    "body",
    "bodytext",
    "content",
    "comment",
    "comments",
    "message",
    "text",
    "notes",
    "note",
    "bio",
    "summary",
    "abstract",
    "keywords",
    "alternative",
    "details",
    "mailcomment",
    "caption",
    "remarks",
    "flexform",
    "constants",
    "config",
    "configuration",
    "tsconfig",
    "template",
    "arguments",
];

/// Names of codes: what a program looks up.
pub(super) const CODES: &[&str] = &[
    "identifier",
    "slug",
    "sku",
    "hash",
    "sha1",
    "sha256",
    "md5",
    "checksum",
    "etag",
    "fingerprint",
    "digest",
    "field",
    "fieldname",
    "path",
    "folder",
    "processingfolder",
    "file",
    "filename",
    "tag",
    "tags",
    "route",
    "component",
    "include",
    "includes",
    "isbn",
    "ean",
    "pointer",
    "flexpointer",
];

/// Names of JSON documents.
const DOCUMENTS: &[&str] = &["json", "payload", "meta", "metadata", "headers", "attributes", "properties", "state", "fields", "collection"];

const LONG: &str = "declared as a text of any length";
const SHORT: &str = "a short text without a value";
const TEXT: &str = "a text without a value";

/// Returns whether a reason says no more than the type does.
pub(super) fn is_weak(reason: &str) -> bool {
    [LONG, SHORT, TEXT].contains(&reason)
}

/// Returns the role that name and type suggest, and why.
pub(super) fn by_name(look: &Look<'_>) -> (Role, &'static str) {
    let kind = look.kind;
    match kind {
        Kind::Binary => return (Role::Binary, "declared as binary"),
        Kind::Json => return (Role::Json, "declared as JSON"),
        Kind::Choice => return (Role::Category, "declared as a choice"),
        Kind::Time => return (Role::Time, "declared as a point in time"),
        _ => {}
    }
    if look.named(&["password", "passwd"]) && !look.named(&["reset", "token", "changed", "attempts"]) && !kind.is_integer() {
        return (Role::Credential, "named as a password");
    }
    if matches!(kind, Kind::Integer | Kind::Decimal) && look.names_time() && !look.names_id() {
        return (Role::Time, "a number named as a point in time");
    }
    if look.names_id() && !matches!(kind, Kind::Bool) {
        return (Role::Reference, "named as another row's id");
    }
    match kind {
        Kind::Narrow | Kind::Integer | Kind::Decimal | Kind::Bool => number(look),
        Kind::Uuid => (Role::ExternalId, "declared as a UUID"),
        _ => text(look),
    }
}

/// What name and type say of a number.
pub(super) fn number(look: &Look<'_>) -> (Role, &'static str) {
    if look.kind == Kind::Bool || (look.kind == Kind::Narrow && look.names_flag() && !look.names_choice()) {
        return (flag_role(look), "named as a yes or no");
    }
    if look.named(LENGTHS) {
        return (Role::Duration, "named as a length of time");
    }
    if look.named(number::MONEY) {
        return (Role::Amount, "a number named as money");
    }
    if look.named(&["perms", "permission", "permissions", "privilege", "role"]) {
        return (Role::Privilege, "a number named as a role");
    }
    if look.kind.is_integer() && look.named(&["admin", "superuser"]) && look.kind == Kind::Narrow {
        return (Role::Privilege, "a yes or no named after a privilege");
    }
    if look.names_choice() && look.kind != Kind::Decimal {
        return (Role::Category, "a number named as a kind");
    }
    if look.kind == Kind::Narrow && look.parts.len() > 1 && look.names_table(false) {
        return (Role::Reference, "an integer named after another table");
    }
    if look.kind == Kind::Integer && (look.names_table(false) || look.ends(&["source", "original"])) {
        return (Role::Reference, "an integer named after another table");
    }
    if look.kind == Kind::Narrow && !look.names_count() {
        return (flag_role(look), "a small integer that nothing says to count");
    }
    (Role::Quantity, "a number")
}

/// What name and type say of a text.
fn text(look: &Look<'_>) -> (Role, &'static str) {
    let many = look.names_table(true) && !look.names_table(false);
    let of_group = look.parts.len() > 1 && look.ends(&["group", "groups", "users"]) && look.names_table(true);
    if look.ends(&["ids", "uids"]) || of_group || (many && look.kind == Kind::Long) {
        return (Role::Reference, "a text named after another table: a list of its keys");
    }
    if look.names_choice() && !look.ends(&["state", "options"]) {
        return (Role::Category, "named as a kind");
    }
    if look.named(&["table"]) && (look.ends(&["table", "tablename", "name", "names"])) {
        return (Role::ReferenceType, "named as another table's name");
    }
    if look.ends(&["title", "label", "header", "subheader", "subject", "headline", "heading", "caption", "subtitle"]) {
        return (Role::Title, "named as a title");
    }
    if look.kind == Kind::Long && look.ends(DOCUMENTS) {
        return (Role::Json, "named as a document");
    }
    if look.ends(CODES) && !look.named(&["forgot", "reset", "remember", "confirm", "verification", "activation"]) {
        return (Role::Code, "named as a code");
    }
    if look.ends(&["hash"]) {
        return (Role::Token, "a hash by which somebody is known again");
    }
    if let Some((_, role)) = EMPTY_PARTS.iter().chain(PARTS).find(|(words, role)| match role {
        // A link's style is no link, and a comment in a mail no address.
        Role::Url | Role::Email => look.ends(words),
        _ => look.named(words),
    }) {
        return (*role, "by name; the column holds no value");
    }
    if look.ends(SENTENCES) {
        return (Role::Text, "named as text");
    }
    if look.ends(&["name"]) {
        return (Role::Title, "named as a title");
    }
    if look.named(CODES) || look.ends(&["field"]) {
        return (Role::Code, "named as a code");
    }
    match look.kind {
        Kind::Long => (Role::Text, LONG),
        Kind::Short(length) if length <= 64 => (Role::Category, SHORT),
        Kind::Short(_) => (Role::Code, TEXT),
        _ => (Role::Unknown, "the column holds no value"),
    }
}

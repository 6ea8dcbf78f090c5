//! Which part a column plays: values decide, name and declared type are hints that break ties.

use std::collections::BTreeMap;

use super::facts::ColumnFacts;
use super::hints::{self, Kind};
use super::words::{name_parts, name_words, singular};
use crate::model::{Role, Source};
use crate::snapshot::{Case, CaseTable};

/// Share of values that must be of a kind before the kind counts as the column's.
///
/// A column of addresses holds some typing errors and placeholders; below nine in ten it holds something else.
const MOST: f64 = 0.9;

/// Most different values of a category.
const CATEGORY_VALUES: usize = 30;

/// ISO 4217 codes of currencies in wide use.
///
/// Source: ISO 4217:2015 list one; the currencies of the 60 largest economies and two common crypto units.
const CURRENCIES: &[&str] = &[
    "USD", "EUR", "GBP", "JPY", "CNY", "INR", "AUD", "CAD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "HRK", "RSD",
    "UAH", "RUB", "TRY", "ILS", "AED", "SAR", "QAR", "KWD", "EGP", "ZAR", "NGN", "KES", "GHS", "MAD", "BRL", "MXN", "ARS", "CLP", "COP",
    "PEN", "UYU", "VND", "THB", "IDR", "MYR", "SGD", "PHP", "HKD", "TWD", "KRW", "NZD", "PKR", "BDT", "LKR", "KZT", "GEL", "ISK", "BTC",
    "ETH",
];

/// Words that give an account power over others.
///
/// Source: default role names of Rails (Devise, Rolify), Laravel (Spatie), Django (`is_staff`,
/// `is_superuser`), WordPress, Keycloak, Supabase and Prisma examples.
pub(crate) const PRIVILEGED: &[&str] = &[
    "admin",
    "administrator",
    "superadmin",
    "super_admin",
    "super-admin",
    "superuser",
    "super_user",
    "root",
    "sysadmin",
    "system",
    "staff",
    "employee",
    "moderator",
    "mod",
    "support",
    "operator",
    "owner",
    "internal",
    "webmaster",
    "service",
    "service_role",
    "site_admin",
];

/// Returns whether a value of a privilege column means power over others; `flag` says that the column
/// is a yes or no.
#[must_use]
pub fn is_privileged(value: &str, flag: bool) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    if flag {
        return matches!(lower.as_str(), "t" | "true" | "1" | "y" | "yes");
    }
    let last = lower.rsplit(['_', '.', ':', '/']).next().unwrap_or_default();
    PRIVILEGED.contains(&lower.as_str()) || PRIVILEGED.contains(&last) || lower.contains("admin")
}

type Found = (Role, Source, String);

/// A column as the rules look at it.
pub(super) struct Look<'a> {
    /// The words of its name.
    pub(super) words: Vec<String>,
    /// The same, words that are glued together split; at least one.
    pub(super) parts: Vec<String>,
    pub(super) type_text: String,
    pub(super) kind: Kind,
    pub(super) facts: &'a ColumnFacts,
    /// The words of the names of all tables, in the singular.
    pub(super) tables: &'a [Vec<String>],
    /// The words of its own table's name, in the singular.
    table: &'a [String],
}

impl Look<'_> {
    pub(super) fn named(&self, words: &[&str]) -> bool {
        let joined = format!("_{}_", self.words.join("_"));
        let parted = format!("_{}_", self.parts.join("_"));
        let holds = |w: &str| w.contains('_') && [&joined, &parted].iter().any(|name| name.contains(&format!("_{w}_")));
        words.iter().any(|w| self.words.iter().chain(&self.parts).any(|own| own == w) || holds(w))
    }

    pub(super) fn ends(&self, words: &[&str]) -> bool {
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
    times(info, &looks, &mut roles);
    people_names(&looks, &mut roles);
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
        let open = facts[table][column].filled() == 0 && is_text && hints::is_weak(&roles[table][column].2);
        if let Some(Some(role)) = told.get(&info.name.to_lowercase()).filter(|_| open) {
            roles[table][column] = found(*role, "as the column of that name in another table");
        }
    }
}

/// A name without a letter or digit has no words; one empty word stands for it.
fn named_anyhow(words: Vec<String>) -> Vec<String> {
    if words.is_empty() { vec![String::new()] } else { words }
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
        let (role, reason) = hints::by_name(look);
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
        return number(look);
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
    text(look, all)
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
pub(super) fn flag_role(look: &Look<'_>) -> Role {
    if look.named(&["admin", "staff", "superuser", "superadmin", "moderator", "root", "employee"]) {
        return Role::Privilege;
    }
    if look.named(&["livemode", "live_mode", "demo", "test", "testmode", "test_mode", "sandbox", "sample", "dummy", "fake"]) {
        return Role::ModeFlag;
    }
    if look.named(&["perms", "permission", "permissions", "privilege"]) { Role::Privilege } else { Role::Flag }
}

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

fn number(look: &Look<'_>) -> Found {
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

fn text(look: &Look<'_>, all: &[Look<'_>]) -> Found {
    let facts = look.facts;
    let few = look.is_few();
    if look.kind == Kind::Choice {
        return found(Role::Category, "declared as a choice");
    }
    if look.mostly(facts.id_lists + facts.integers) && facts.id_lists > 0 {
        return found(Role::Reference, "lists of integers");
    }
    if look.mostly(facts.word_lists) && facts.blanks == 0 {
        let may = look.named(&["perms", "permission", "permissions", "privileges", "scopes"]);
        return found(if may { Role::Privilege } else { Role::Code }, "lists of words of a program");
    }
    let tables: usize = facts.top.iter().filter(|(v, _)| names_a_table(v, look.tables)).map(|(_, count)| count).sum();
    if tables as f64 >= 0.7 * facts.filled() as f64 && look.named(&["table", "tablename", "tablenames", "type", "model", "entity", "class"])
    {
        return found(Role::ReferenceType, "names of tables of this snapshot");
    }
    if look.all_listed(|v| HONORIFICS.contains(&v.trim_end_matches('.').to_ascii_lowercase().as_str())) {
        return found(Role::Category, "forms of address");
    }
    if look.all_listed(|v| LANGUAGES.contains(&v.to_ascii_lowercase().as_str())) {
        return found(Role::Locale, "names of languages");
    }
    if look.mostly(facts.currencies)
        && facts.distinct <= 60
        && facts.top.iter().all(|(v, _)| CURRENCIES.contains(&v.as_str()))
        && !facts.top.is_empty()
    {
        return found(Role::Currency, "ISO 4217 codes");
    }
    if few && privilege_values(facts) && !look.named(&["title", "job", "occupation", "department"]) {
        return found(Role::Privilege, "a few words, some of which mean privilege");
    }
    if look.named(&["role", "user_role", "user_type", "account_type", "permission", "privilege", "access_level", "rol"]) && few {
        return found(Role::Privilege, "a few words named as a role");
    }
    // What a table of cities calls a name is a city's.
    if look.ends(&["name"])
        && !few
        && let Some(role) = look.table.last().and_then(|t| PLACES.iter().find(|p| p.0 == t)).map(|p| p.1)
    {
        return found(role, "a name in a table of such");
    }
    let by_name: &[(&[&str], Role)] = &[
        (&["ip", "iplock", "ip_address"], Role::Ip),
        (&["user_agent", "useragent", "agent"], Role::UserAgent),
        (&["phone", "mobile", "telephone", "tel", "fax", "telefon", "telefono", "phone_number", "cell"], Role::Phone),
        (
            &["street", "address", "address1", "address2", "addr", "strasse", "direccion", "adresse", "address_line", "street_address"],
            Role::Street,
        ),
        (&["city", "town", "ort", "ciudad", "ville", "stadt"], Role::City),
        (&["country", "country_code", "nation", "land", "pais", "pays"], Role::Country),
        (&["state", "province", "region", "district", "county", "bundesland"], Role::Region),
        (&["zip", "postal", "postcode", "zipcode", "plz", "postal_code"], Role::PostalCode),
        (&["company", "company_name", "organization", "organisation", "org_name", "employer", "firma", "empresa"], Role::Company),
        (&["username", "user_name", "login", "handle", "nickname", "nick", "screen_name", "usuario", "benutzername"], Role::Username),
        (&["locale", "language", "lang", "timezone", "time_zone", "tz"], Role::Locale),
        (&["currency", "currency_code"], Role::Currency),
        (
            &["token", "secret", "api_key", "apikey", "nonce", "remember_token", "refresh_token", "access_token", "otp", "session_token"],
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
    for (words, role) in by_name {
        // A state or type of a few words is a category, whatever it is called.
        let category_like = few && matches!(role, Role::Region) && !has_place(all);
        let numbers_in_address = matches!(role, Role::Street) && facts.emails + facts.ips > 0;
        if look.named(words) && !category_like && !numbers_in_address {
            return found(*role, "by name");
        }
    }
    if look.mostly(facts.phones) || (look.mostly(facts.phones + facts.digit_runs) && facts.phones * 4 > facts.values()) {
        return found(Role::Phone, "telephone numbers");
    }
    let digest = look.words.last().is_some_and(|last| ["sha1", "sha256", "md5", "hash", "checksum"].iter().any(|end| last.ends_with(end)));
    if look.mostly(facts.hexes) && (digest || look.ends(hints::CODES)) {
        return found(Role::Code, "hexadecimal, named as a code");
    }
    let provider = look.named(&[
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
    ]);
    if provider && (look.ends(&["id", "ref", "reference", "sub", "uid", "subject", "intent", "number"]) || look.named(&["txn"])) && !few {
        return found(Role::ExternalId, "named as another system's id");
    }
    if (looks_like_reference(look) || look.names_id())
        && facts.blanks == 0
        && look.mostly(facts.tokens)
        && facts.uuids == 0
        && facts.longest > 40
    {
        return found(Role::Token, "long random values");
    }
    if looks_like_reference(look) && facts.blanks == 0 {
        return found(Role::Reference, "named as another row's id");
    }
    if look.ends(&["url", "uri", "link", "href", "www", "website", "homepage"]) {
        return found(Role::Url, "named as a web address");
    }
    if look.ends(&["identifier", "field", "fieldname"]) && facts.blanks == 0 {
        return found(Role::Code, "named as a code");
    }
    let some = look.distinct() <= 3 || look.distinct() * 2 <= facts.filled();
    let choice = look.names_choice() || look.ends(&["level", "icon"]);
    if choice && some && look.distinct() <= CATEGORY_VALUES && facts.longest <= 40 && facts.blanks == 0 {
        return found(Role::Category, format!("named as a kind, {} different values", look.distinct()));
    }
    if few && facts.mean_words() <= 3.0 {
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
    if look.named(&[
        "description",
        "body",
        "content",
        "comment",
        "comments",
        "message",
        "text",
        "notes",
        "note",
        "bio",
        "summary",
        "reason",
        "details",
        "evidence",
        "review",
        "special_features",
    ]) {
        return found(Role::Text, "named as text");
    }
    if look.mostly(facts.locales) {
        return found(Role::Locale, "language or zone codes");
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

/// Tables whose rows' names have a role of their own.
const PLACES: &[(&str, Role)] =
    &[("city", Role::City), ("town", Role::City), ("country", Role::Country), ("region", Role::Region), ("company", Role::Company)];

/// Forms of address, without a full stop, in lower case.
///
/// Source: English, German, French and Spanish letters.
const HONORIFICS: &[&str] =
    &["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam", "herr", "frau", "m", "mme", "mlle", "sr", "sra", "srta"];

/// Names of languages, in lower case.
///
/// Source: the 50 languages with the most speakers (Ethnologue 2023), as English names them.
const LANGUAGES: &[&str] = &[
    "english",
    "mandarin",
    "chinese",
    "hindi",
    "spanish",
    "french",
    "arabic",
    "bengali",
    "portuguese",
    "russian",
    "urdu",
    "indonesian",
    "german",
    "japanese",
    "marathi",
    "telugu",
    "turkish",
    "tamil",
    "cantonese",
    "vietnamese",
    "tagalog",
    "korean",
    "persian",
    "farsi",
    "hausa",
    "swahili",
    "javanese",
    "italian",
    "punjabi",
    "gujarati",
    "thai",
    "kannada",
    "polish",
    "ukrainian",
    "dutch",
    "romanian",
    "greek",
    "czech",
    "swedish",
    "hungarian",
    "hebrew",
    "danish",
    "finnish",
    "norwegian",
    "slovak",
    "bulgarian",
    "croatian",
    "serbian",
    "lithuanian",
    "catalan",
];

/// Returns whether a text is a table's name, or that of its class (`User` for `users`).
fn names_a_table(text: &str, tables: &[Vec<String>]) -> bool {
    let words: Vec<String> = name_parts(text).iter().map(|w| singular(w)).collect();
    !words.is_empty() && tables.contains(&words)
}

fn privilege_values(facts: &ColumnFacts) -> bool {
    let power = facts.top.iter().filter(|(v, _)| PRIVILEGED.contains(&v.to_ascii_lowercase().as_str())).count();
    let plain = [
        "user",
        "member",
        "customer",
        "guest",
        "client",
        "subscriber",
        "reader",
        "student",
        "viewer",
        "editor",
        "author",
        "free",
        "basic",
        "standard",
    ];
    let known = facts.top.iter().any(|(v, _)| plain.contains(&v.to_ascii_lowercase().as_str()));
    // "support" and "service" alone are departments or ticket kinds; beside "user" they are roles.
    let strong = facts.top.iter().any(|(v, _)| v.to_ascii_lowercase().contains("admin") || v.eq_ignore_ascii_case("superuser"));
    strong || (power > 0 && known)
}

/// Tells which of the points in time is the row's creation, change, activity, end.
fn times(info: &CaseTable, looks: &[Look<'_>], roles: &mut [Found]) {
    let columns: Vec<usize> = (0..looks.len()).filter(|c| roles[*c].0 == Role::Time).collect();
    for &column in &columns {
        let look = &looks[column];
        let facts = look.facts;
        let role = if look.named(&["birth", "dob", "birthday", "birthdate", "born", "date_of_birth", "geburtsdatum"]) {
            Some((Role::BirthDate, "named as a date of birth"))
        } else if look.named(&["deleted", "removed", "archived", "anonymized", "anonymised", "erased", "deactivated", "discarded"]) {
            Some((Role::DeletedAt, "named as a time of deletion"))
        } else if look.named(&[
            "updated",
            "modified",
            "changed",
            "update",
            "mtime",
            "last_update",
            "lastchanged",
            "modification",
            "edited",
            "aktualisiert",
            "actualizado",
        ]) {
            Some((Role::UpdatedAt, "named as a time of change"))
        } else if look.named(&[
            "login",
            "seen",
            "signin",
            "sign_in",
            "logged",
            "active",
            "activity",
            "visit",
            "visited",
            "access",
            "accessed",
            "last_used",
            "used",
            "online",
        ]) && !look.named(&["activated"])
        {
            Some((Role::ActivityAt, "named as a time of activity"))
        } else if look.named(&[
            "end",
            "ended",
            "ends",
            "expires",
            "expired",
            "expiry",
            "expiration",
            "until",
            "finished",
            "finish",
            "valid_to",
            "return",
            "returned",
            "newuntil",
            "due",
            "closed",
            "completed",
            "logout",
            "cancelled",
            "canceled",
        ]) {
            Some((Role::EndAt, "named as an end"))
        } else {
            None
        };
        if let Some((role, reason)) = role {
            roles[column] = found(role, reason);
        } else if birth_like(facts) {
            roles[column] = found(Role::BirthDate, "plain dates that span generations");
        }
    }
    let score = |column: usize| -> f64 {
        let (look, facts) = (&looks[column], looks[column].facts);
        let named = look.named(&[
            "created",
            "inserted",
            "registered",
            "joined",
            "signup",
            "creation",
            "added",
            "create_date",
            "date_joined",
            "erstellt",
            "creado",
            "cree",
            "signed_up",
            "ctime",
            "cr_date",
        ]);
        let neutral = look.parts.iter().all(|w| {
            ["at", "on", "date", "time", "ts", "timestamp", "tstamp", "datetime", "occurred", "happened", "logged", "recorded", "event"]
                .contains(&w.as_str())
                || look.table.contains(w)
        });
        let default = info.table.columns[column].default.as_deref().unwrap_or_default().to_ascii_lowercase();
        let stamped = default.contains("now()") || default.contains("current_timestamp") || default.contains("now(");
        let rising = if facts.steps >= 8 { facts.rising as f64 / facts.steps as f64 } else { 0.5 };
        let started = look.named(&["start", "started", "starts", "begin", "began", "valid_from", "scheduled", "hire", "hired"]);
        let other = look.named(&["published", "sent", "paid", "verified", "confirmed", "approved", "shipped", "email"]) && !named;
        4.0 * f64::from(u8::from(named))
            + 2.0 * f64::from(u8::from(neutral))
            + 2.0 * f64::from(u8::from(stamped))
            + 3.0 * facts.share(facts.earliest)
            + 4.0 * (rising - 0.5)
            + f64::from(u8::from(facts.null_share() == 0.0))
            - 2.0 * facts.null_share()
            - 1.5 * f64::from(u8::from(started))
            - 1.5 * f64::from(u8::from(other))
    };
    let is_candidate = |c: usize| looks[c].facts.null_share() < 0.5 && !looks[c].ends(&["year"]);
    let candidates = columns.iter().copied().filter(|c| roles[*c].0 == Role::Time && is_candidate(*c));
    let best = candidates.map(|c| (score(c), c)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    if let Some((points, column)) = best.filter(|b| b.0 >= 2.0) {
        roles[column] = found(
            Role::CreatedAt,
            format!(
                "earliest time of the row in {:.0} % of rows (score {points:.1})",
                looks[column].facts.share(looks[column].facts.earliest) * 100.0
            ),
        );
    }
    for &column in &columns {
        let named = looks[column].named(&["start", "started", "starts", "begin", "from", "valid_from", "hire", "hired", "employed"]);
        if roles[column].0 == Role::Time && named {
            roles[column] = found(Role::StartAt, "named as a start");
        }
        // A second clock without a word of its own tells of the last change.
        let plain = looks[column].parts.iter().all(|w| ["timestamp", "tstamp", "ts", "mtime"].contains(&w.as_str()));
        if roles[column].0 == Role::Time && plain && roles.iter().any(|r| r.0 == Role::CreatedAt) {
            roles[column] = found(Role::UpdatedAt, "a plain clock beside the row's creation");
        }
    }
}

fn birth_like(facts: &ColumnFacts) -> bool {
    let years = |micros: i64| micros / (365 * crate::model::stamp::DAY);
    let span = facts.time_range.map_or(0, |(a, b)| years(b) - years(a));
    facts.share(facts.dates) >= MOST && span >= 30 && facts.time_range.is_some_and(|(a, _)| a < 0)
}

/// Tells names of people from other titles: by their form, beside the other columns of a person.
fn people_names(looks: &[Look<'_>], roles: &mut [Found]) {
    let open = |role: Role| matches!(role, Role::Title | Role::Code | Role::Text | Role::Category | Role::Unknown);
    for (column, look) in looks.iter().enumerate() {
        if !open(roles[column].0) || look.facts.values() == 0 {
            continue;
        }
        let given = look.named(&["first", "given", "forename", "firstname", "vorname", "prenom", "nombre", "first_name", "fname"])
            && !look.named(&["seen", "login"]);
        let family = look.named(&[
            "last_name",
            "lastname",
            "surname",
            "family",
            "nachname",
            "apellido",
            "lname",
            "family_name",
            "nom_de_famille",
            "apellidos",
        ]) || (look.named(&["last"]) && look.named(&["name"]));
        if given {
            roles[column] = found(Role::GivenName, "named as a given name");
        } else if family {
            roles[column] = found(Role::FamilyName, "named as a family name");
        }
    }
    let has = |roles: &[Found], wanted: &[Role]| roles.iter().any(|r| wanted.contains(&r.0));
    let person_like = has(roles, &[Role::Email, Role::Credential, Role::Phone, Role::Username, Role::BirthDate, Role::Street]);
    for (column, look) in looks.iter().enumerate() {
        let facts = look.facts;
        if facts.filled() == 0 && person_like && look.words == ["name"] && open(roles[column].0) {
            roles[column] = found(Role::PersonName, "named as a name beside a person's other columns");
        }
        if !open(roles[column].0) || facts.values() == 0 {
            continue;
        }
        let named = look.named(&[
            "name",
            "full_name",
            "fullname",
            "display_name",
            "displayname",
            "real_name",
            "customer_name",
            "contact_name",
            "author",
            "nom",
            "nombre",
        ]);
        let formed = facts.share(facts.full_names) >= 0.7;
        if formed
            && (person_like || (named && look.words.len() > 1))
            && facts.distinct_share() > 0.3
            && !look.named(&["product", "title", "city", "film", "album", "track", "company"])
        {
            roles[column] = found(
                Role::PersonName,
                format!("two to four capitalised words in {:.0} % of values", facts.share(facts.full_names) * 100.0),
            );
        } else if person_like && named && look.words.len() == 1 && facts.distinct_share() > 0.3 {
            roles[column] = found(Role::PersonName, "named as a name beside a person's other columns");
        } else if person_like
            && facts.share(facts.handles) >= MOST
            && facts.distinct_share() > 0.95
            && look.named(&["user", "account", "name"])
        {
            roles[column] = found(Role::Username, "unique handles beside a person's other columns");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(values: &[&str]) -> ColumnFacts {
        ColumnFacts {
            rows: values.len(),
            distinct: values.len(),
            top: values.iter().map(|v| ((*v).to_owned(), 1)).collect(),
            ..ColumnFacts::default()
        }
    }

    #[test]
    fn ticket_departments_are_no_privileges() {
        assert!(!privilege_values(&facts(&["support", "billing", "sales"])));
        assert!(privilege_values(&facts(&["support", "user"])));
        assert!(privilege_values(&facts(&["ADMIN", "x"])));
    }
}

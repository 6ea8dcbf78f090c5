//! Which of a row's points in time is its creation, change, activity, end.

use super::{Found, Look, MOST, found};
use crate::model::{Role, stamp};
use crate::profile::facts::ColumnFacts;
use crate::snapshot::CaseTable;

/// Names of points in time that tell what happened then; the first that fits.
///
/// Source: columns of Rails (Devise), Laravel, Django, Prisma, TYPO3 and Magento schemas and of the public sample
/// databases, in English, German and Spanish.
const NAMED: &[(&[&str], Role, &str)] = &[
    (&["birth", "dob", "birthday", "birthdate", "born", "date_of_birth", "geburtsdatum"], Role::BirthDate, "named as a date of birth"),
    (
        &["deleted", "removed", "archived", "anonymized", "anonymised", "erased", "deactivated", "discarded"],
        Role::DeletedAt,
        "named as a time of deletion",
    ),
    (
        &[
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
        ],
        Role::UpdatedAt,
        "named as a time of change",
    ),
    (
        &[
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
        ],
        Role::ActivityAt,
        "named as a time of activity",
    ),
    (
        &[
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
        ],
        Role::EndAt,
        "named as an end",
    ),
];

/// Names of a row's creation; source as [`NAMED`].
const CREATED: &[&str] = &[
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
];

/// Words that say no more than that a column holds a point in time.
const NEUTRAL: &[&str] =
    &["at", "on", "date", "time", "ts", "timestamp", "tstamp", "datetime", "occurred", "happened", "logged", "recorded", "event"];

/// Least score at which a column is taken for the row's creation: a name that says so and not the latest of the
/// row's times, or the earliest of them and rising with the rows.
const CREATION: f64 = 2.0;

/// Tells which of the points in time is the row's creation, change, activity, end.
pub(super) fn tell_apart(info: &CaseTable, looks: &[Look<'_>], roles: &mut [Found]) {
    let columns: Vec<usize> = (0..looks.len()).filter(|c| roles[*c].0 == Role::Time).collect();
    for &column in &columns {
        let look = &looks[column];
        let fits = |words: &[&str], role: Role| look.named(words) && !(role == Role::ActivityAt && look.named(&["activated"]));
        if let Some((_, role, reason)) = NAMED.iter().find(|(words, role, _)| fits(words, *role)) {
            roles[column] = found(*role, *reason);
        } else if birth_like(look.facts) {
            roles[column] = found(Role::BirthDate, "plain dates that span generations");
        }
    }
    let is_candidate = |c: usize| looks[c].facts.null_share() < 0.5 && !looks[c].ends(&["year"]);
    let candidates = columns.iter().copied().filter(|c| roles[*c].0 == Role::Time && is_candidate(*c));
    let scored = candidates.map(|c| (creation(&looks[c], info.table.columns[c].default.as_deref()), c));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    if let Some((points, column)) = best.filter(|b| b.0 >= CREATION) {
        let earliest = looks[column].facts.share(looks[column].facts.earliest) * 100.0;
        roles[column] = found(Role::CreatedAt, format!("earliest time of the row in {earliest:.0} % of rows (score {points:.1})"));
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

/// Scores how much a point in time, with its declared default, looks like the row's creation.
fn creation(look: &Look<'_>, default: Option<&str>) -> f64 {
    let facts = look.facts;
    let points = |holds: bool| f64::from(u8::from(holds));
    let named = look.named(CREATED);
    let neutral = look.parts.iter().all(|w| NEUTRAL.contains(&w.as_str()) || look.table.contains(w));
    let default = default.unwrap_or_default().to_ascii_lowercase();
    let stamped = default.contains("now(") || default.contains("current_timestamp");
    let rising = if facts.steps >= 8 { facts.rising as f64 / facts.steps as f64 } else { 0.5 };
    let started = look.named(&["start", "started", "starts", "begin", "began", "valid_from", "scheduled", "hire", "hired"]);
    let other = look.named(&["published", "sent", "paid", "verified", "confirmed", "approved", "shipped", "email"]) && !named;
    4.0 * points(named)
        + 2.0 * points(neutral)
        + 2.0 * points(stamped)
        + 3.0 * facts.share(facts.earliest)
        + 4.0 * (rising - 0.5)
        + points(facts.null_share() == 0.0)
        - 2.0 * facts.null_share()
        - 1.5 * points(started)
        - 1.5 * points(other)
}

fn birth_like(facts: &ColumnFacts) -> bool {
    let years = |micros: i64| micros / (365 * stamp::DAY);
    let span = facts.time_range.map_or(0, |(a, b)| years(b) - years(a));
    facts.share(facts.dates) >= MOST && span >= 30 && facts.time_range.is_some_and(|(a, _)| a < 0)
}

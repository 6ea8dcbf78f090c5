//! What kind of thing a table's rows are: by the roles of its columns, who refers to it and how many
//! rows it has; the name is a hint.

use super::facts::ColumnFacts;
use super::words::{name_words, singular};
use crate::model::{Role, Source, TableClass};
use crate::snapshot::Case;

/// Rows up to which a table that others need may be reference data.
///
/// Countries (249), currencies (180), time zones (about 600) are the largest lists that applications ship.
const REFERENCE_ROWS: u64 = 1_000;

/// Tables that refer to one whose rows have handles or addresses before these are people.
const LEAST_OWNING: usize = 3;

/// Tables of frameworks' own bookkeeping.
///
/// Source: default names of Rails, Prisma, Laravel, Django, Flyway, Liquibase, Alembic, Knex, Sequelize,
/// TypeORM, Drizzle, golang-migrate, Ecto, EF Core and `PostGIS`.
const SYSTEM: &[&str] = &[
    "schema_migrations",
    "ar_internal_metadata",
    "_prisma_migrations",
    "migrations",
    "django_migrations",
    "django_content_type",
    "flyway_schema_history",
    "databasechangelog",
    "databasechangeloglock",
    "alembic_version",
    "knex_migrations",
    "knex_migrations_lock",
    "sequelizemeta",
    "typeorm_metadata",
    "__drizzle_migrations",
    "goose_db_version",
    "__efmigrationshistory",
    "spatial_ref_sys",
    "cache_locks",
    "job_batches",
    "failed_jobs",
    "_sqlx_migrations",
    "schema_version",
    "gorp_migrations",
];

pub(super) type Class = (TableClass, Source, String);

/// Gives each table its class.
pub(super) fn infer(case: &Case, roles: &[Vec<(Role, Source, String)>], facts: &[Vec<ColumnFacts>]) -> Vec<Class> {
    (0..case.tables().len())
        .map(|index| one(case, index, &told(case.tables()[index].rows, &roles[index], &facts[index]), &facts[index]))
        .collect()
}

/// Leaves out what only the name of a column without values says, unless it is one of a person's or of time.
fn told(rows: u64, roles: &[(Role, Source, String)], facts: &[ColumnFacts]) -> Vec<(Role, Source, String)> {
    let kept = |role: Role| {
        role.is_time() || matches!(role, Role::Key | Role::Reference | Role::Email | Role::Phone | Role::Credential | Role::Token)
    };
    let told = |(found, facts): (&(Role, Source, String), &ColumnFacts)| {
        let open = rows > 0 && facts.filled() == 0 && found.1 == Source::Inferred && !kept(found.0);
        if open { (Role::Unknown, found.1, found.2.clone()) } else { found.clone() }
    };
    roles.iter().zip(facts).map(told).collect()
}

fn one(case: &Case, index: usize, roles: &[(Role, Source, String)], facts: &[ColumnFacts]) -> Class {
    let info = &case.tables()[index];
    let made = |class: TableClass, reason: String| (class, Source::Inferred, reason);
    let words: Vec<String> = name_words(&info.table.name.name).iter().map(|w| singular(w)).collect();
    let named = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str()));
    if SYSTEM.contains(&info.table.name.name.to_ascii_lowercase().as_str()) {
        return made(TableClass::System, "a framework's own table".to_owned());
    }
    let count = |role: Role| roles.iter().filter(|r| r.0 == role).count();
    let has = |role: Role| count(role) > 0;
    let unique = |role: Role| {
        roles
            .iter()
            .zip(facts)
            .filter(|(r, _)| r.0 == role)
            .map(|(_, f)| if f.values() == 0 { 1.0 } else { f.distinct_share() })
            .fold(0.0, f64::max)
    };
    let references = count(Role::Reference);
    let payload = roles
        .iter()
        .filter(|r| !matches!(r.0, Role::Key | Role::Reference | Role::ReferenceType | Role::CreatedAt | Role::UpdatedAt))
        .count();
    if references >= 2 && payload == 0 {
        return made(TableClass::Link, "nothing but references".to_owned());
    }
    let audit_named = named(&["audit", "log", "trail", "changelog", "version", "history", "ledger"]);
    if audit_named && (has(Role::CreatedAt) || has(Role::Time)) && !has(Role::Credential) && !has(Role::Email) {
        return made(TableClass::Audit, "named as a record, with a time".to_owned());
    }
    let money_named = named(&[
        "payment",
        "invoice",
        "refund",
        "charge",
        "transaction",
        "order",
        "payout",
        "subscription",
        "billing",
        "donation",
        "sale",
        "purchase",
        "receipt",
        "transfer",
        "deposit",
        "withdrawal",
        "settlement",
        "credit",
        "wallet",
        "booking",
        "rental",
    ]);
    let people_named = named(&[
        "user",
        "usr",
        "account",
        "acct",
        "customer",
        "cust",
        "member",
        "person",
        "profile",
        "employee",
        "staff",
        "client",
        "student",
        "patient",
        "contact",
        "subscriber",
        "author",
        "admin",
        "lead",
        "buyer",
        "seller",
        "teacher",
        "driver",
        "guest",
        "participant",
        "player",
        "learner",
        "pupil",
        "donor",
        "volunteer",
        "tutor",
        "coach",
        "attendee",
        "visitor",
        "passenger",
        "rider",
        "applicant",
        "runner",
        "candidate",
        "artist",
        "actor",
        "kunde",
        "usuario",
        "utilisateur",
        "benutzer",
        "tenant",
        "nutzer",
        "mitglied",
        "persona",
        "personne",
        "pessoa",
        "cliente",
        "paciente",
        "aluno",
        "estudiante",
        "socio",
        "doador",
        "utente",
        "gebruiker",
        "klant",
        "lid",
        "bruker",
        "uzytkownik",
        "klient",
        "osoba",
        "kullanici",
        "hasta",
        "uye",
        "pengguna",
        "pelanggan",
        "anggota",
    ]);
    let children = case.tables().iter().filter(|t| t.table.foreign_keys.iter().any(|f| f.parent == info.table.name)).count();
    // Who has a handle or an address of their own, and things in several tables, is somebody, whatever the table is called.
    let owns = unique(Role::Username).max(unique(Role::Email)) >= 0.95 && children >= LEAST_OWNING;
    let person_points = 3.0 * f64::from(u8::from(has(Role::Email) && unique(Role::Email) >= 0.8))
        + 2.0 * f64::from(u8::from(has(Role::PersonName) || has(Role::FamilyName)))
        + 1.5 * f64::from(u8::from(has(Role::Username) && unique(Role::Username) >= 0.8))
        + 3.0 * f64::from(u8::from(has(Role::Credential)))
        + f64::from(u8::from(has(Role::Phone)))
        + f64::from(u8::from(has(Role::BirthDate)))
        + 2.0 * f64::from(u8::from(people_named))
        + 2.5 * f64::from(u8::from(owns));
    // Where addresses repeat, a row is something that a person did, not the person.
    // Who has a password is an account, whatever addresses it shares or lacks.
    let repeats = has(Role::Email) && !has(Role::Credential) && unique(Role::Email) < 0.8 && facts.iter().any(|f| f.values() >= 20);
    // A password beside nothing but a reference is what an account signs in with (better-auth, Auth.js), not another one.
    let bare = ![Role::Email, Role::PersonName, Role::GivenName, Role::FamilyName, Role::Username, Role::Phone].into_iter().any(has);
    let signs_in = has(Role::Credential) && bare && references > 0 && children == 0;
    if signs_in {
        return made(TableClass::Activity, "what an account signs in with".to_owned());
    }
    let event_like = repeats || (has(Role::Amount) && (references > 0 || money_named) && !has(Role::Credential));
    if person_points >= 4.0 && !event_like {
        return made(TableClass::People, format!("a person's columns ({person_points:.1} points)"));
    }
    if has(Role::Amount)
        && (has(Role::Currency) || money_named || references > 0)
        && (has(Role::CreatedAt) || has(Role::Time) || money_named)
        && info.rows > 0
    {
        let thing = named(&["product", "item", "plan", "price", "film", "track", "catalog", "variant", "article"]) && !money_named;
        if !thing {
            return made(TableClass::Money, "amounts with a time or a payer".to_owned());
        }
    }
    if money_named && (references > 0 || has(Role::Amount)) {
        return made(TableClass::Money, "named as money".to_owned());
    }
    let needed = children > 0 && info.rows > 0;
    let personal = has(Role::Email) || has(Role::PersonName) || has(Role::FamilyName) || has(Role::Credential) || has(Role::Username);
    let reference_named = named(&[
        "role",
        "plan",
        "country",
        "category",
        "currency",
        "language",
        "setting",
        "permission",
        "status",
        "type",
        "tag",
        "feature",
        "region",
        "state",
        "genre",
        "unit",
    ]);
    if !personal && info.rows <= REFERENCE_ROWS && references <= 1 && (needed || reference_named) && !has(Role::Text) && !has(Role::Amount)
    {
        return made(
            TableClass::Reference,
            if needed { format!("small, and {children} tables refer to it") } else { "small, and named as a list".to_owned() },
        );
    }
    if person_points >= 3.5 && !event_like && references <= 2 {
        return made(TableClass::People, format!("a person's columns ({person_points:.1} points)"));
    }
    if (has(Role::Title) || has(Role::Text)) && (references > 0 || has(Role::CreatedAt)) {
        return made(TableClass::Content, "titles or text".to_owned());
    }
    if (has(Role::CreatedAt) || has(Role::Time) || has(Role::StartAt) || has(Role::ActivityAt)) && (references > 0 || repeats) {
        return made(TableClass::Activity, "times of what others did".to_owned());
    }
    made(TableClass::Other, "nothing else fits".to_owned())
}

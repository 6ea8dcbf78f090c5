//! Names of people, by their form, beside the other columns of a person.

use super::{Found, Look, MOST, found};
use crate::model::Role;

/// Tells names of people from other titles: by their form, beside the other columns of a person.
pub(super) fn names(looks: &[Look<'_>], roles: &mut [Found]) {
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

//! Names of people, by their form, beside the other columns of a person.

use super::{Found, Look, MOST, found};
use crate::model::Role;

/// Names of columns of given names, family names and both, without accents.
///
/// Source: the words of the languages' own dictionaries for first name, surname and name.
const GIVEN: &[&str] = &[
    "first",
    "given",
    "forename",
    "firstname",
    "first_name",
    "fname",
    "vorname",
    "prenom",
    "nombre",
    "nombres",
    "primeiro_nome",
    "primer_nombre",
    "voornaam",
    "fornavn",
    "fornamn",
    "etunimi",
    "imie",
    "jmeno",
    "krestni",
    "keresztnev",
    "prenume",
    "nama_depan",
    "given_name",
    "imya",
];
const FAMILY: &[&str] = &[
    "last_name",
    "lastname",
    "surname",
    "family",
    "family_name",
    "lname",
    "nachname",
    "familienname",
    "zuname",
    "apellido",
    "apellidos",
    "nom_de_famille",
    "nom_famille",
    "sobrenome",
    "apelido",
    "cognome",
    "achternaam",
    "etternavn",
    "efternavn",
    "efternamn",
    "sukunimi",
    "nazwisko",
    "prijmeni",
    "priezvisko",
    "vezeteknev",
    "nume_familie",
    "soyad",
    "soyadi",
    "soyisim",
    "nama_belakang",
    "nama_keluarga",
    "familiya",
    "prezime",
];
const WHOLE: &[&str] = &[
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
    "nome",
    "nama",
    "naam",
    "navn",
    "namn",
    "nimi",
    "ad_soyad",
    "adi_soyadi",
    "isim",
    "nev",
    "nume",
    "fio",
    "anzeigename",
    "nom_affiche",
    "nombre_visible",
    "weergavenaam",
    "visningsnavn",
];

/// Such names that other columns have too: they count for columns of single capitalised words only.
const SHORT_GIVEN: &[&str] = &["ad", "adi", "isim", "ime", "mei", "nome"];
const SHORT_FAMILY: &[&str] = &["nom", "nume", "sei"];

/// Share of values that are single capitalised words.
const WORDS: f64 = 0.6;

/// Tells names of people from other titles: by their form, beside the other columns of a person.
pub(super) fn names(looks: &[Look<'_>], roles: &mut [Found]) {
    let open = |role: Role| matches!(role, Role::Title | Role::Code | Role::Text | Role::Category | Role::Unknown);
    for (column, look) in looks.iter().enumerate() {
        if !open(roles[column].0) || look.facts.values() == 0 {
            continue;
        }
        let words = look.facts.share(look.facts.capitalised) >= WORDS;
        let is = |plain: &[&str], short: &[&str]| look.named(plain) || (words && short.contains(&look.words.join("_").as_str()));
        let given = is(GIVEN, SHORT_GIVEN) && !look.named(&["seen", "login"]);
        let family = is(FAMILY, SHORT_FAMILY) || (look.named(&["last"]) && look.named(&["name"]));
        if family {
            roles[column] = found(Role::FamilyName, "named as a family name");
        } else if given {
            roles[column] = found(Role::GivenName, "named as a given name");
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
        let named = look.named(WHOLE);
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

//! What a project says of its own seed: rows of a reference, texts and templates of seed files; and look-alikes
//! that must stay quiet.

use std::collections::BTreeMap;

use crate::harness::{Desk, Ran, verdicts};

const FIRST: [&str; 14] =
    ["Marit", "Joris", "Anouk", "Sanne", "Bram", "Tess", "Wout", "Fenna", "Gijs", "Lotte", "Ruben", "Ilse", "Niek", "Maud"];
const LAST: [&str; 13] =
    ["Smit", "Vos", "Dekker", "Brouwer", "Kok", "Mulder", "Bos", "Peters", "Kuiper", "Prins", "Blom", "Koster", "Haan"];
const TOWNS: [&str; 7] = ["Utrecht", "Gouda", "Zwolle", "Breda", "Assen", "Delft", "Tilburg"];

/// A salted hash that no other number gives.
fn hash(i: usize) -> String {
    let tail = blake3::hash(format!("salt {i}").as_bytes()).to_hex();
    format!("$2b$12${}", &tail[..53])
}

/// A number below `bound` that shows no order: a loop's counter would make members look seeded.
fn draw(what: &str, i: usize, bound: usize) -> usize {
    let drawn = blake3::hash(format!("{what} {i}").as_bytes());
    drawn.as_bytes().iter().take(6).fold(0, |n, byte| n * 256 + usize::from(*byte)) % bound
}

type Person = (String, String, String, String, String);

/// A member of the site: name, address, telephone number, town, hash.
fn native(i: usize) -> Person {
    let (first, last) = (FIRST[draw("first", i, 14)], LAST[draw("last", i, 13)]);
    let address = format!(
        "{}.{}{}@{}",
        first.to_lowercase(),
        last.to_lowercase(),
        draw("number", i, 99),
        ["ziggo.nl", "kpnmail.nl", "xs4all.nl"][draw("domain", i, 3)]
    );
    (
        format!("{first} {last}"),
        address,
        format!("06-{:08}", 10_000_000 + draw("phone", i, 89_999_999)),
        TOWNS[draw("town", i, 7)].to_owned(),
        hash(i),
    )
}

/// A person whom the seed makes.
fn made(i: usize) -> Person {
    let first = ["Orla", "Piran", "Quill", "Rhoswen", "Sorcha"][i % 5];
    let last = ["Abernethy", "Blackwood", "Carmichael", "Drummond"][i / 5 % 4];
    let address = format!("{}@{}.coop", first.to_lowercase(), last.to_lowercase());
    (format!("{first} {last}"), address, format!("07700 1{:05}", i * 4_337 % 100_000), "Penzance".to_owned(), hash(9_000 + i))
}

fn insert(id: usize, person: &Person, created: &str) -> String {
    let (name, email, phone, city, password) = person;
    format!("INSERT INTO users VALUES ({id}, '{name}', '{email}', '{phone}', '{city}', '{password}', '{created}');\n")
}

const TABLE: &str =
    "CREATE TABLE users (id integer PRIMARY KEY, name text, email text, phone text, city text, password text, created_at timestamp);\n";

/// 400 members who came over a year, with `strangers` in their midst one a second.
fn site(strangers: &[Person]) -> String {
    let mut dump = TABLE.to_owned();
    for i in 0..400 {
        if i == 250 {
            for (k, person) in strangers.iter().enumerate() {
                dump.push_str(&insert(1_000 + k, person, &format!("2025-08-20 10:00:{:02}", k % 60)));
            }
        }
        // By day, and now and then nobody; the hours of the night are empty.
        let (day, second) = (i * 365 / 400 / 3 * 3 + draw("day", i / 4, 3), 7 * 3600 + draw("second", i, 16 * 3600));
        let created = chrono::DateTime::from_timestamp(1_735_689_600 + (day * 86_400 + second) as i64, 0).expect("a time");
        let id = if i < 250 { i + 1 } else { i + 2_000 };
        dump.push_str(&insert(id, &native(i), &created.format("%Y-%m-%d %H:%M:%S").to_string()));
    }
    dump
}

fn reference(people: &[Person]) -> String {
    let rows: String = people.iter().enumerate().map(|(i, p)| insert(i + 1, p, "2025-01-01 00:00:00")).collect();
    TABLE.to_owned() + &rows
}

fn scan(desk: &Desk, more: &str) -> (Ran, BTreeMap<String, String>) {
    let ran = desk.unseed(&format!("scan site.sql -o out {more}")).exits(0);
    let found = verdicts(&desk.case("out/case.db")).into_iter().map(|((_, key), verdict)| (key, verdict)).collect();
    (ran, found)
}

fn count(found: &BTreeMap<String, String>, verdict: &str) -> usize {
    found.values().filter(|v| *v == verdict).count()
}

#[test]
fn rows_of_a_reference_are_found() {
    let desk = Desk::new();
    let seed: Vec<Person> = (0..20).map(made).collect();
    desk.write("site.sql", site(&seed));
    desk.write("dev.sql", reference(&seed));
    let (_, before) = scan(&desk, "");
    assert_eq!(count(&before, "seeded"), 0, "{before:?}");
    let (_, found) = scan(&desk, "--reference dev.sql");
    assert_eq!(count(&found, "seeded"), 20, "{found:?}");
    assert_eq!(found.len(), 20, "{found:?}");
    // The reason names the reference, and the report what was given, with its digest.
    let reasons: String =
        desk.case("out/case.db").query_row("SELECT reasons FROM unseed_verdicts LIMIT 1", [], |r| r.get(0)).expect("reasons");
    assert!(reasons.contains("reference-row") && reasons.contains("\"source\""), "{reasons}");
    let report = std::fs::read_to_string(desk.path("out/report.json")).expect("a report");
    assert!(report.contains("\"reference\"") && report.contains("dev.sql ("), "{report}");
    // The same again, to the byte; and `analyze` of the case without it forgets it.
    desk.unseed("scan site.sql -o again --reference dev.sql -q").exits(0);
    let again = std::fs::read_to_string(desk.path("again/report.json")).expect("a report");
    assert_eq!(report.replace("-o out", ""), again.replace("-o again -q", "").replace("-o again", ""), "not the same twice");
    desk.unseed("analyze out/case.db -q").exits(0);
    let given: String =
        desk.case("out/case.db").query_row("SELECT value FROM unseed_meta WHERE key = 'given'", [], |r| r.get(0)).expect("a record");
    assert_eq!(given, "[]");
}

#[test]
fn who_shares_a_name_or_a_town_with_a_reference_stays() {
    let desk = Desk::new();
    desk.write("site.sql", site(&[]));
    // First names, towns, whole names of members, and a developer's own account by name and address.
    let mut seed: Vec<Person> = (0..20).map(made).collect();
    for (i, person) in seed.iter_mut().enumerate() {
        let member = native(i * 3);
        person.3 = member.3;
        person.0 = if i % 2 == 0 { format!("{} {}", member.0.split(' ').next().unwrap_or_default(), "Abernethy") } else { member.0 };
    }
    let developer = native(77);
    seed.push((developer.0.clone(), developer.1.clone(), "07700 900000".to_owned(), "Penzance".to_owned(), hash(9_000)));
    desk.write("dev.sql", reference(&seed));
    let (_, found) = scan(&desk, "--reference dev.sql");
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_copy_of_production_is_no_reference() {
    let desk = Desk::new();
    desk.write("site.sql", site(&[]));
    let (_, found) = scan(&desk, "--reference site.sql");
    assert!(found.is_empty(), "{found:?}");
}

const SEED: &str = r#"// the demo's people; it's run once
const countries = ["Germany", "Ireland"], statuses = ['active', 'pending'];
for (let i = 1; i <= 20; i++) {
  await prisma.user.create({ data: { email: `visitor${i}@demoland.io`, city: "Utrecht", name: 'Marit Smit', role: 'admin@' } });
}
const owner = "marit.smit0@ziggo.nl";
"#;

#[test]
fn templates_of_seed_files_are_found_with_file_and_line() {
    let desk = Desk::new();
    let seed: Vec<Person> = (1..=20)
        .map(|i| {
            let member = native(500 + i);
            (member.0, format!("visitor{i}@demoland.io"), member.2, member.3, member.4)
        })
        .collect();
    desk.write("site.sql", site(&seed));
    desk.write("db/seeds/users.ts", SEED);
    let (_, found) = scan(&desk, "--seed-source db");
    assert_eq!(count(&found, "seeded"), 20, "{found:?}");
    assert_eq!(found.len(), 20, "{found:?}");
    let report = std::fs::read_to_string(desk.path("out/report.json")).expect("a report");
    assert!(report.contains("seeds/users.ts:4") && report.contains("\"seed-source\""), "{report}");
    // An owner's address that stands in the file is not repeated anywhere.
    assert!(!report.contains("marit.smit0@ziggo.nl"));
}

#[test]
fn words_of_seed_files_flag_nobody() {
    let desk = Desk::new();
    desk.write("site.sql", site(&[]));
    desk.write("db/seeds/users.ts", SEED);
    desk.write("db/countries.yml", "- name: Netherlands\n  town: Utrecht\n- name: Ireland\n  town: Gouda\n");
    desk.write("db/people.csv", "name,town\nMarit Smit,Utrecht\nJoris Vos,Gouda\n");
    let (_, found) = scan(&desk, "--seed-source db");
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let desk = Desk::new();
    desk.write("site.sql", site(&[]));
    desk.write("empty/notes.txt", "user1@example.com");
    desk.write("broken.sql", "INSERT INTO users VALUES (1, 'x");
    desk.unseed("scan site.sql -o out --reference nowhere.sql").exits(2).says(&["nowhere.sql"]);
    desk.unseed("scan site.sql -o out --reference broken.sql").exits(2).says(&["--reference", "broken.sql"]);
    desk.unseed("scan site.sql -o out --seed-source nowhere").exits(2).says(&["nowhere"]);
    desk.unseed("scan site.sql -o out --seed-source empty").exits(2).says(&["no seed file", "yml"]);
    assert!(!desk.path("out/case.db").exists());
}

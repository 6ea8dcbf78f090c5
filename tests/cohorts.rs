//! What goes with a cohort and what does not: rows that name their owner's table beside its key, what holds nothing
//! else, a site's own numbers; and people whose dates were drawn.

use std::collections::BTreeMap;

use crate::harness::{Desk, verdicts};

/// People of the site, and those of the seed.
const PEOPLE: usize = 700;
const SEEDED: std::ops::Range<usize> = 300..360;

const SYLLABLES: [&str; 24] = [
    "ba", "ren", "da", "mil", "fo", "ga", "tin", "ha", "jo", "kel", "la", "mo", "ni", "or", "pe", "qui", "ro", "sa", "ti", "ul", "ve",
    "wal", "xi", "za",
];

/// A repeatable draw of a person.
struct Draw(blake3::Hash);

impl Draw {
    fn of(person: usize) -> Self {
        Self(blake3::hash(&person.to_le_bytes()))
    }

    fn below(&self, place: usize, bound: usize) -> usize {
        (usize::from(self.0.as_bytes()[place]) * 256 + usize::from(self.0.as_bytes()[place + 1])) % bound
    }

    /// A name that hardly anybody else has.
    fn name(&self, place: usize) -> String {
        let syllables: String = (0..3).map(|i| SYLLABLES[self.below(place + 2 * i, SYLLABLES.len())]).collect();
        format!("{}{}", syllables[..1].to_uppercase(), &syllables[1..])
    }
}

/// A time of day at which people are awake, `day` days after the site's first.
fn awake(day: usize, draw: &Draw) -> String {
    format!(
        "2024-{:02}-{:02} {:02}:{:02}:{:02}",
        day / 28 + 1,
        day % 28 + 1,
        8 + draw.below(20, 14),
        draw.below(22, 60),
        draw.below(24, 60)
    )
}

/// Writes a site of members with companies, tokens and numbered orders; `seed` writes the addresses and dates of its
/// rows, `(place, draw, day)`.
fn site(seed: impl Fn(usize, &Draw, usize) -> (String, String, String)) -> String {
    let mut dump = String::from(
        "-- PostgreSQL database dump\n\
         CREATE TABLE companies (id integer PRIMARY KEY, title text, description text, created_at timestamp);\n\
         CREATE TABLE members (id integer PRIMARY KEY, company_id integer REFERENCES companies (id), full_name text, email text, password text, created_at timestamp);\n\
         CREATE TABLE access_tokens (id integer PRIMARY KEY, tokenable_type text, tokenable_id text, secret text, created_at timestamp);\n\
         CREATE TABLE orders (id integer PRIMARY KEY, member_id integer REFERENCES members (id), number text, total numeric(8,2), created_at timestamp);\n",
    );
    let mut number = 100;
    for i in 0..PEOPLE {
        let draw = Draw::of(i);
        let day = i * 320 / PEOPLE;
        let hash = format!("$2y$10${}", &draw.0.to_hex()[..53]);
        let (name, email, at) = if SEEDED.contains(&i) {
            seed(i - SEEDED.start, &draw, day)
        } else {
            let (first, last) = (draw.name(0), draw.name(6));
            let email = match draw.below(12, 4) {
                0 => format!("{}.{}@mail.site", first.to_lowercase(), last.to_lowercase()),
                1 => format!("{}{}@post.site", last.to_lowercase(), draw.below(14, 99)),
                2 => format!("{}@{}.site", first.to_lowercase(), draw.name(16).to_lowercase()),
                _ => format!("{}{}@mail.site", &first[..1].to_lowercase(), last.to_lowercase()),
            };
            (format!("{first} {last}"), email, awake(day, &draw))
        };
        let password = if SEEDED.contains(&i) && email.ends_with("example.com") { format!("$2y$10${}", "k".repeat(53)) } else { hash };
        let words: Vec<String> = (0..6).map(|place| draw.name(2 * place).to_lowercase()).collect();
        dump.push_str(&format!("INSERT INTO companies VALUES ({i}, '{} works', 'We make {}.', '{at}');\n", draw.name(18), words.join(" ")));
        dump.push_str(&format!("INSERT INTO members VALUES ({i}, {i}, '{name}', '{email}', '{password}', '{at}');\n"));
        let secret = &draw.0.to_hex()[24..64];
        dump.push_str(&format!("INSERT INTO access_tokens VALUES ({i}, 'App\\Models\\Member', '{i}', '{secret}', '{at}');\n"));
        if !SEEDED.contains(&i) {
            // Now and then an order is undone, and its number is lost.
            number += 1 + 7 * usize::from(i % 41 == 5);
            let total = format!("{}.{:02}", draw.below(26, 90) + 5, draw.below(28, 100));
            dump.push_str(&format!("INSERT INTO orders VALUES ({number}, {i}, 'R24-{number:05}', {total}, '{}');\n", awake(day, &draw)));
        }
    }
    dump.push_str("-- PostgreSQL database dump complete\n");
    dump
}

/// Counts the seeded rows of the seed, and all other rows that are not real, by table.
fn found(desk: &Desk) -> (BTreeMap<String, usize>, Vec<(String, String)>) {
    let mut seeded = BTreeMap::new();
    let mut others = Vec::new();
    for ((table, key), verdict) in verdicts(&desk.case("out/case.db")) {
        let id: usize = key.trim_matches(['[', ']', '"']).parse().expect("an integer");
        if verdict == "seeded" && table != "orders" && SEEDED.contains(&id) {
            *seeded.entry(table).or_insert(0) += 1;
        } else {
            others.push((table, key));
        }
    }
    (seeded, others)
}

#[test]
fn what_belongs_to_a_cohort_goes_with_it_and_numbers_of_the_site_do_not() {
    let desk = Desk::new();
    let at = |place: usize| format!("2024-06-03 03:00:00.{place:03}");
    desk.write(
        "dump.sql",
        site(|place, draw, _| (format!("{} {}", draw.name(0), draw.name(6)), format!("user{place}@example.com"), at(place))),
    );
    desk.unseed("scan dump.sql -o out").exits(0);
    let (seeded, others) = found(&desk);
    let all = |table: &str| (table.to_owned(), SEEDED.len());
    assert_eq!(seeded, BTreeMap::from([all("access_tokens"), all("companies"), all("members")]));
    assert_eq!(others, Vec::new());
}

#[test]
fn people_whose_dates_were_drawn_are_no_import() {
    let (first, last) = (["Mara", "Jon", "Ada", "Till", "Ines", "Ole", "Nora", "Paul"], ["Berg", "Kranz", "Lund", "Moor", "Nolde", "Orth"]);
    let desk = Desk::new();
    // Sixty in a row, dated over the half year before, at any hour.
    let drawn = |_: usize, draw: &Draw, _: usize| {
        let (first, last) = (first[draw.below(0, first.len())], last[draw.below(2, last.len())]);
        let email = format!("{}.{}{}@mail.site", first.to_lowercase(), last.to_lowercase(), draw.below(4, 99));
        let day = draw.below(6, 130);
        let at = format!(
            "2024-{:02}-{:02} {:02}:{:02}:{:02}",
            day / 28 + 1,
            day % 28 + 1,
            draw.below(8, 24),
            draw.below(10, 60),
            draw.below(12, 60)
        );
        (format!("{first} {last}"), email, at)
    };
    desk.write("dump.sql", site(drawn));
    desk.unseed("scan dump.sql -o out").exits(0);
    let (seeded, others) = found(&desk);
    assert_eq!(seeded.get("members"), Some(&SEEDED.len()), "{others:?}");
    assert_eq!(others, Vec::new());
    // The same people in the order of their dates, by day: an import of older records.
    let desk = Desk::new();
    let imported = |place: usize, draw: &Draw, _: usize| {
        (format!("{} {}", draw.name(0), draw.name(6)), format!("m{}@mail.site", draw.name(12)), awake(place * 2, draw))
    };
    desk.write("dump.sql", site(imported));
    desk.unseed("scan dump.sql -o out").exits(0);
    assert_eq!(found(&desk), (BTreeMap::new(), Vec::new()));
}

/// Family and given names that generators give and few people bear.
const FAMILIES: [&str; 12] =
    ["Sporer", "Yost", "Nitzsche", "Kuvalis", "Hilpert", "Altenwerth", "Bogan", "Dibbert", "Schuppe", "Kassulke", "Prohaska", "Rippin"];
const GIVEN: [&str; 12] =
    ["Kaelyn", "Arvel", "Isobel", "Taurean", "Garnet", "Giovanny", "Quentin", "Amely", "Deangelo", "Ewald", "Jaleel", "Madyson"];

/// Writes members and their places, in the order of random keys: those of the seed have their dates drawn, names and
/// capitals of a generator, companies and towns of one, and a time of change that was left to the database.
pub fn scattered() -> (String, String) {
    let mut dump = String::from(
        "-- PostgreSQL database dump\n\
         CREATE TABLE members (id text PRIMARY KEY, full_name text, email text, created_at timestamp, updated_at timestamp);\n\
         CREATE TABLE places (id text PRIMARY KEY, member_id text REFERENCES members (id), title text, city text, created_at timestamp);\n",
    );
    let mut labels = String::from("table,pk,label\n");
    let mut lines: Vec<(String, String, &str)> = Vec::new();
    for i in 0..960_usize {
        let draw = Draw::of(i + 10_000);
        let id = draw.0.to_hex()[32..].to_owned();
        let seeded = i >= 900;
        let day = draw.below(0, 330);
        let any = |place: usize| {
            let (day, hour) = (draw.below(place, 330), draw.below(place + 1, 24));
            format!(
                "2024-{:02}-{:02} {hour:02}:{:02}:{:02}",
                day / 28 + 1,
                day % 28 + 1,
                draw.below(place + 2, 60),
                draw.below(place + 3, 60)
            )
        };
        let later = |place: usize| awake((day + 1 + draw.below(place, 5)).min(335), &draw);
        let family = |place: usize| FAMILIES[draw.below(place, FAMILIES.len())];
        let (name, email, created, changed) = if seeded {
            let (given, family) = (GIVEN[draw.below(2, GIVEN.len())], family(4));
            let email = format!("{given}.{family}{}@gmail.com", draw.below(6, 99));
            (format!("{given} {family}"), email, any(8), format!("2024-12-20 03:00:{:02}.{:03}", (i - 900) / 30, draw.below(10, 1_000)))
        } else {
            let (first, last) = (draw.name(0), draw.name(6));
            let email = format!("{}{}@mail.site", last.to_lowercase(), draw.below(14, 9_999));
            (format!("{first} {last}"), email, awake(day, &draw), later(12))
        };
        lines.push((
            id.clone(),
            format!("INSERT INTO members VALUES ('{id}', '{name}', '{email}', '{created}', '{changed}');\n"),
            "members",
        ));
        for child in 0..2_usize {
            let key = Draw::of(i * 2 + child + 50_000).0.to_hex()[..20].to_owned();
            let (title, city, at) = if seeded {
                let title = match draw.below(16 + child, 3) {
                    0 => format!("{}, {} and {}", family(18 + child), family(20), family(22 + child)),
                    1 => format!("{} - {}", family(18 + child), family(20)),
                    _ => format!("{} LLC", family(18 + child)),
                };
                (title, format!("West {}ville", GIVEN[draw.below(24 + child, GIVEN.len())]), any(26 + child))
            } else {
                (format!("{} works", draw.name(18 + child)), draw.name(22), later(24 + child))
            };
            lines.push((key.clone(), format!("INSERT INTO places VALUES ('{key}', '{id}', '{title}', '{city}', '{at}');\n"), "places"));
            labels.push_str(&format!("places,{key},{}\n", if seeded { "seeded" } else { "real" }));
        }
        labels.push_str(&format!("members,{id},{}\n", if seeded { "seeded" } else { "real" }));
    }
    lines.sort_by(|a, b| (a.2, &a.0).cmp(&(b.2, &b.0)));
    lines.iter().for_each(|line| dump.push_str(&line.1));
    dump.push_str("-- PostgreSQL database dump complete\n");
    (dump, labels)
}

#[test]
fn a_seed_without_a_place_is_known_by_facts_that_go_together() {
    let desk = Desk::new();
    let (dump, labels) = scattered();
    desk.write("dump.sql", dump);
    desk.unseed("scan dump.sql -o out").exits(0);
    let seeded: Vec<&str> = labels.lines().filter_map(|l| l.strip_suffix(",seeded")).collect();
    let found: Vec<String> = verdicts(&desk.case("out/case.db"))
        .into_keys()
        .map(|(table, key)| format!("{table},{}", key.trim_matches(['[', ']', '"'])))
        .collect();
    assert_eq!(found.iter().filter(|row| !seeded.contains(&row.as_str())).count(), 0, "real rows were flagged");
    assert!(found.len() * 100 >= seeded.len() * 98, "{} of {}", found.len(), seeded.len());
}

#[test]
fn what_accounts_sign_in_with_is_no_account() {
    let desk = Desk::new();
    let mut dump = String::from(
        "CREATE TABLE users (id text PRIMARY KEY, name text, email text, created_at timestamp);\n\
         CREATE TABLE account (id text PRIMARY KEY, user_id text REFERENCES users (id), provider_id text, password text, created_at timestamp);\n",
    );
    for i in 0..40 {
        let draw = Draw::of(70_000 + i);
        let (id, at) = (&draw.0.to_hex()[..16], awake(i, &draw));
        dump.push_str(&format!(
            "INSERT INTO users VALUES ('{id}', '{} {}', '{}{}@mail.site', '{at}');\n\
             INSERT INTO account VALUES ('a{id}', '{id}', 'credential', '$2b$10${}', '{at}');\n",
            draw.name(0),
            draw.name(6),
            draw.name(3).to_lowercase(),
            draw.below(9, 9_999),
            &draw.0.to_hex()[..53]
        ));
    }
    desk.write("dump.sql", dump);
    desk.unseed("scan dump.sql -o out").exits(0);
    let case = desk.case("out/case.db");
    let class = |table: &str| case.query_row("SELECT class FROM unseed_tables WHERE table_name = ?1", [table], |r| r.get::<_, String>(0));
    assert_eq!((class("users"), class("account")), (Ok("people".to_owned()), Ok("activity".to_owned())));
}

/// Common Dutch given and family names, which every generator's Dutch lists hold, too.
const DUTCH: ([&str; 16], [&str; 16]) = (
    ["Jan", "Anna", "Emma", "Daan", "Sanne", "Lotte", "Bram", "Thomas", "Femke", "Laura", "Mark", "Peter", "Lisa", "Tim", "Eva", "Ruben"],
    [
        "Jansen",
        "Bakker",
        "Visser",
        "Smit",
        "Meijer",
        "Mulder",
        "Bos",
        "Vos",
        "Peters",
        "Hendriks",
        "Dekker",
        "Brouwer",
        "Dijkstra",
        "Kok",
        "Jacobs",
        "Vermeulen",
    ],
);

/// A gym's leads: a table that was filled twice, by two lists from fairs, with nothing but names, at two instants; and, if
/// asked for, its members, who come back.
fn gym(members: bool) -> String {
    let mut dump = String::from(
        "CREATE TABLE leads (id integer PRIMARY KEY, naam text, email text, telefoon text, herkomst text, created_at timestamp);\n\
         CREATE TABLE members (id integer PRIMARY KEY, naam text, email text, created_at timestamp);\n\
         CREATE TABLE visits (id integer PRIMARY KEY, member_id integer REFERENCES members (id), created_at timestamp);\n",
    );
    let dutch = |draw: &Draw| {
        let (given, family) = (DUTCH.0[draw.below(0, 16)], DUTCH.1[draw.below(1, 16)]);
        let service = ["ziggo.nl", "kpnmail.nl", "planet.nl", "home.nl"][draw.below(2, 4)];
        let local = [format!("{given}.{family}"), format!("{family}{}", draw.below(3, 99)), format!("{given}{}", draw.below(4, 999))];
        (format!("{given} {family}"), format!("{}@{service}", local[draw.below(5, 3)].to_lowercase()))
    };
    for lead in 0..300 {
        let draw = Draw::of(600_000 + lead);
        let (name, email) = dutch(&draw);
        let (fair, at) = if lead < 170 { ("Jaarbeurs", "2025-03-28 09:40:11") } else { ("Sportdag", "2025-06-06 10:01:30") };
        let phone = 10_000_000 + draw.below(6, 800) * 99_991 + draw.below(7, 9_999);
        dump.push_str(&format!("INSERT INTO leads VALUES ({}, '{name}', '{email}', '06{phone}', '{fair}', '{at}');\n", lead + 1));
    }
    let mut visits = Vec::new();
    for day in (0..240).filter(|_| members) {
        let mut times: Vec<String> = (0..2).map(|of| awake(day, &Draw::of(700_000 + day * 2 + of))).collect();
        times.sort();
        for (of, at) in times.iter().enumerate() {
            let id = day * 2 + of + 1;
            let draw = Draw::of(800_000 + id);
            let (name, email) = dutch(&draw);
            dump.push_str(&format!("INSERT INTO members VALUES ({id}, '{name}', '{email}', '{at}');\n"));
            visits.extend((1..4).map(|visit| (awake(day + visit * (3 + draw.below(6, 20)), &Draw::of(900_000 + id * 4 + visit)), id)));
        }
    }
    visits.sort();
    for (id, (at, member)) in visits.into_iter().enumerate() {
        dump.push_str(&format!("INSERT INTO visits VALUES ({}, {member}, '{at}');\n", id + 1));
    }
    dump
}

#[test]
fn leads_from_a_fair_are_no_seed() {
    for members in [false, true] {
        let desk = Desk::new();
        desk.write("dump.sql", gym(members));
        desk.unseed("scan dump.sql -o out").exits(0);
        let found = verdicts(&desk.case("out/case.db"));
        assert!(found.values().all(|v| v != "seeded"), "{members}: {found:?}");
        // By themselves they are for a person; the members are called the same.
        let review = found.values().filter(|v| *v == "review").count();
        assert!(!members || review == 0, "{review}: {found:?}");
    }
}

/// A ledger: members pay each other, `(-amount, +amount)` in two lines a booking, and on three paydays a job books one amount
/// to each of forty.
fn ledger() -> String {
    let mut dump = String::from(
        "CREATE TABLE bookings (id integer PRIMARY KEY, kind text, booked_at timestamp);\n\
         CREATE TABLE lines (id integer PRIMARY KEY, booking_id integer REFERENCES bookings (id), wallet integer, amount integer, created_at timestamp);\n",
    );
    let mut bookings: Vec<(String, &str, usize)> = (0..900)
        .map(|booking| {
            let draw = Draw::of(1_000_000 + booking);
            (awake(booking * 240 / 900, &draw), "transfer", 100 * (1 + draw.below(0, 150)))
        })
        .collect();
    for month in [2, 4, 6] {
        bookings.extend((0..40).map(|of| (format!("2024-{month:02}-25 06:00:{:02}.{:03}", of / 20, of % 20 * 47), "benefit", 5_000)));
    }
    bookings.sort();
    for (booking, (at, kind, amount)) in bookings.into_iter().enumerate() {
        let draw = Draw::of(1_100_000 + booking);
        dump.push_str(&format!("INSERT INTO bookings VALUES ({booking}, '{kind}', '{at}');\n"));
        for (line, sign) in [(2 * booking, "-"), (2 * booking + 1, "")] {
            let wallet = draw.below(line % 2 * 2, 300);
            dump.push_str(&format!("INSERT INTO lines VALUES ({line}, {booking}, {wallet}, {sign}{amount}, '{at}');\n"));
        }
    }
    dump
}

/// A hire firm's catalogue: somebody types three to twelve machines of each of four kinds in an afternoon, numbered by kind, with
/// a price for every length of hire; later machines have their makers' numbers.
fn catalogue() -> String {
    let mut dump = String::from(
        "CREATE TABLE machines (id integer PRIMARY KEY, code text, title text, price integer, created_at timestamp);\n\
         CREATE TABLE rates (id integer PRIMARY KEY, machine_id integer REFERENCES machines (id), days integer, price integer, created_at timestamp);\n",
    );
    let typed =
        [("DRL", 3), ("SAW", 8), ("PMP", 4), ("GEN", 12)].into_iter().flat_map(|(kind, of)| (1..=of).map(move |n| format!("{kind}{n:02}")));
    let later = (0..60).map(|machine| {
        let draw = Draw::of(1_300_000 + machine);
        format!("{}-{}", draw.name(4).to_uppercase(), draw.below(2, 60_000))
    });
    let mut rate = 0;
    for (machine, code) in typed.chain(later).enumerate() {
        let draw = Draw::of(1_200_000 + machine);
        let minute = machine * 3 + draw.below(6, 3);
        let at = match machine {
            0..27 => format!("2024-01-09 {:02}:{:02}:{:02}", 13 + minute / 60, minute % 60, draw.below(8, 60)),
            _ => awake(10 + (machine - 27) * 4, &draw),
        };
        let (title, price) = (draw.name(10), 20 + draw.below(0, 280));
        dump.push_str(&format!("INSERT INTO machines VALUES ({machine}, '{code}', '{title}', {price}, '{at}');\n"));
        for days in [1, 4, 15, 30] {
            rate += 1;
            let price = price * (31 - days) / 30 + draw.below(days % 8, 9);
            dump.push_str(&format!("INSERT INTO rates VALUES ({rate}, {machine}, {days}, {price}, '{at}');\n"));
        }
    }
    dump
}

/// A sports office that took its households over from an older program, in five seconds, with the days on which they had
/// joined; later ones came by themselves.
fn takeover() -> String {
    let mut dump = String::from(
        "-- PostgreSQL database dump\n\
         CREATE TABLE households (id integer PRIMARY KEY, name text, email text, created_at timestamp, updated_at timestamp);\n",
    );
    for house in 0..480 {
        let draw = Draw::of(1_400_000 + house);
        let (name, provider) = (draw.name(0), ["gmail.com", "orange.fr", "free.fr"][draw.below(6, 3)]);
        let at = awake(house.saturating_sub(160), &draw);
        let (created, changed) = match house {
            0..160 => (
                format!("20{:02}-{:02}-{:02} 00:00:00", 12 + draw.below(9, 8), 1 + draw.below(11, 12), 1 + draw.below(13, 28)),
                format!("2024-01-01 05:10:{:02}", house / 32),
            ),
            _ => (at.clone(), at),
        };
        let email = format!("{}{}@{provider}", name.to_lowercase(), draw.below(15, 90));
        dump.push_str(&format!("INSERT INTO households VALUES ({house}, '{name}', '{email}', '{created}', '{changed}');\n"));
    }
    dump + "-- PostgreSQL database dump complete\n"
}

/// Customers of a heating company, a fifth of them houses on numbered plots of a few quarters.
fn plots() -> String {
    let mut dump = String::from(
        "-- PostgreSQL database dump\n\
         CREATE TABLE customers (id integer PRIMARY KEY, name text, email text, created_at timestamp);\n",
    );
    for customer in 0..300 {
        let draw = Draw::of(1_500_000 + customer);
        let name = match draw.below(0, 20) {
            0 => format!("Kvarter Larkan {}", 3 + draw.below(2, 30)),
            1 => format!("Kvarter Vargen {}", 4 + draw.below(2, 20)),
            2 => format!("Garden {}", 5 + draw.below(2, 60)),
            _ => format!("{} {}", draw.name(4), draw.name(12)),
        };
        let email = format!("{}.{}@gmail.com", draw.name(4).to_lowercase(), draw.name(12).to_lowercase());
        dump.push_str(&format!("INSERT INTO customers VALUES ({customer}, '{name}', '{email}', '{}');\n", awake(customer, &draw)));
    }
    dump + "-- PostgreSQL database dump complete\n"
}

#[test]
fn what_a_site_itself_writes_in_order_is_no_seed() {
    let dumps = [("ledger", ledger()), ("catalogue", catalogue()), ("takeover", takeover()), ("plots", plots())];
    let of = |(name, dump): (&'static str, String)| {
        let desk = Desk::new();
        desk.write("dump.sql", dump);
        desk.unseed("scan dump.sql -o out").exits(0);
        let wrong = verdicts(&desk.case("out/case.db")).into_values().filter(|v| v == "seeded" || v == "review").count();
        (wrong > 0).then_some((name, wrong))
    };
    assert_eq!(dumps.into_iter().filter_map(of).collect::<Vec<_>>(), []);
}

/// A heating company that bills all its customers of the day in one instant, each quarter. A script gave it thirty more,
/// with drawn dates and bills of their own for quarters gone by; the last bills of the site are theirs too.
fn heating() -> String {
    let mut dump = String::from(
        "-- PostgreSQL database dump\n\
         CREATE TABLE customers (id integer PRIMARY KEY, name text, email text, password text, created_at timestamp);\n\
         CREATE TABLE bills (id integer PRIMARY KEY, customer_id integer REFERENCES customers (id), amount text, created_at timestamp);\n",
    );
    let hash = |draw: &Draw| format!("$2a$12${}", &draw.0.to_hex()[..53]);
    let mut customers: Vec<(usize, usize)> = Vec::new();
    for n in 0..150 {
        let day = n * 2 + Draw::of(70_000 + n).below(3, 2);
        let (id, draw) = (customers.len() + 1, Draw::of(71_000 + n));
        let at = awake(day, &draw);
        dump.push_str(&format!(
            "INSERT INTO customers VALUES ({id}, '{} {}', '{}@fjordposten.no', '{}', '{at}');\n",
            draw.name(0),
            draw.name(8),
            draw.name(16).to_lowercase(),
            hash(&draw)
        ));
        customers.push((id, day));
    }
    let shared = hash(&Draw::of(72_000));
    for n in 1..=30 {
        let (id, draw) = (customers.len() + 1, Draw::of(73_000 + n));
        let day = 20 + draw.below(9, 200);
        let at = awake(day, &draw);
        dump.push_str(&format!("INSERT INTO customers VALUES ({id}, 'Customer {n}', 'customer{n}@example.com', '{shared}', '{at}');\n"));
        customers.push((id, 300));
    }
    let mut bill = 0;
    let mut write = |dump: &mut String, id: usize, at: &str| {
        bill += 1;
        let amount = 300 + Draw::of(74_000 + bill).below(0, 60_000);
        dump.push_str(&format!("INSERT INTO bills VALUES ({bill}, {id}, '{}.{:02}', '{at}');\n", amount / 100, amount % 100));
    };
    for quarter in 1..=7 {
        let day = quarter * 40 + 25;
        if day > 300 {
            for paid in [3, 5] {
                (151..=180).for_each(|id| write(&mut dump, id, &format!("2024-{paid:02}-01 00:00:00")));
            }
        }
        let at = format!("2024-{:02}-{:02} 05:30:00", day / 28 + 1, day % 28 + 1);
        customers.iter().filter(|(_, joined)| *joined < day).for_each(|(id, _)| write(&mut dump, *id, &at));
    }
    dump + "-- PostgreSQL database dump complete\n"
}

#[test]
fn bills_that_the_site_writes_to_all_stay_with_whom_they_are_for() {
    let desk = Desk::new();
    desk.write("dump.sql", heating());
    desk.unseed("scan dump.sql -o out").exits(0);
    let found = verdicts(&desk.case("out/case.db"));
    let seeded = |table: &str| found.iter().filter(|((of, _), v)| of == table && *v == "seeded").count();
    assert_eq!(seeded("customers"), 30, "{found:?}");
    // Theirs: two of the script's and one of the site's each, and none of anybody else's.
    assert_eq!(found.keys().filter(|(table, _)| table == "bills").count(), 90);
    assert_eq!(seeded("bills"), 90);
}

/// A club of children: some joined by themselves, some in classes that teachers entered, each with numbered logins, one
/// password and no address but perhaps its school's; every third child of a class came back on other days. One class, or
/// many.
fn club(classes: usize, school: Option<&str>) -> String {
    let mut dump = String::from(
        "-- PostgreSQL database dump\n\
         CREATE TABLE pupils (id integer PRIMARY KEY, login text, email text, encrypted_password text, created_at timestamp);\n\
         CREATE TABLE tries (id integer PRIMARY KEY, pupil_id integer REFERENCES pupils (id), task integer, created_at timestamp);\n",
    );
    let hash = |draw: &Draw| format!("$2a$12${}", &draw.0.to_hex()[..53]);
    let mut tries: Vec<(String, usize)> = Vec::new();
    let mut pupil = 0;
    for day in 0..240 {
        let mut lines: Vec<(String, String, String, String)> = Vec::new();
        for child in 0..3 {
            let draw = Draw::of(50_000 + day * 10 + child);
            let login = format!("{}{}", draw.name(0).to_lowercase(), draw.below(5, 90));
            lines.push((login.clone(), format!("'{login}@{}.org'", draw.name(7).to_lowercase()), hash(&draw), awake(day, &draw)));
        }
        lines.sort_by(|a, b| a.3.cmp(&b.3));
        if day % 40 == 17 && day / 40 < classes {
            let draw = Draw::of(90_000 + day);
            let (name, password) = (draw.name(3).to_lowercase(), hash(&draw));
            let at = awake(day, &draw);
            let address = |login: &str| school.map_or_else(|| "NULL".to_owned(), |school| format!("'{login}@{school}'"));
            let class = (1..=20 + draw.below(9, 9)).map(|n| {
                (format!("{name}{n:02}"), address(&format!("{name}{n:02}")), password.clone(), format!("{}.{:06}", &at[..19], n * 2_711))
            });
            lines.extend(class);
            lines.sort_by(|a, b| a.3.cmp(&b.3));
        }
        for (login, email, password, at) in lines {
            pupil += 1;
            dump.push_str(&format!("INSERT INTO pupils VALUES ({pupil}, '{login}', {email}, '{password}', '{at}');\n"));
            let draw = Draw::of(200_000 + pupil);
            if draw.below(0, 3) == 0 {
                let on = |place: usize| {
                    (awake((day + 1 + draw.below(place, 9) * (place - 1)).min(330), &Draw::of(300_000 + pupil * 7 + place)), pupil)
                };
                tries.extend((2..5).map(on));
            }
        }
    }
    tries.sort();
    for (id, (at, pupil)) in tries.into_iter().enumerate() {
        dump.push_str(&format!("INSERT INTO tries VALUES ({}, {pupil}, {}, '{at}');\n", id + 1, Draw::of(400_000 + id).below(0, 40)));
    }
    dump + "-- PostgreSQL database dump complete\n"
}

#[test]
fn rosters_that_teachers_enter_are_no_seed() {
    for (classes, school, most) in [(1, None, 40), (6, None, 0), (1, Some("zavo-school.nl"), 40), (6, Some("zavo-school.nl"), 200)] {
        let desk = Desk::new();
        desk.write("dump.sql", club(classes, school));
        desk.unseed("scan dump.sql -o out").exits(0);
        let found = verdicts(&desk.case("out/case.db"));
        assert!(found.values().all(|v| v != "seeded"), "{classes} {school:?}: {found:?}");
        // Of one class nothing tells that it is the site's way of naming: it is for a person.
        let pupils = found.keys().filter(|(table, _)| table == "pupils").count();
        assert!(pupils <= most, "{classes} {school:?}: {pupils} {found:?}");
    }
}

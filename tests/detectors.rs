//! Detectors that need a whole table: each on rows that must make it fire and on look-alikes that must not.

use rusqlite::Connection;

use crate::harness::Desk;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// 2025-01-06, a Monday, milliseconds since 1970.
const BEGIN: i64 = 1_736_121_600_000;

/// Real accounts of a site.
const PEOPLE: i64 = 600;

/// A repeatable number below `n`.
fn pick(seed: i64, n: i64) -> i64 {
    let mut x = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x % n as u64) as i64
}

/// When real account `i` was made: by day, some two a day.
fn made(i: i64) -> i64 {
    BEGIN + i / 2 * DAY + (8 + pick(i, 14)) * HOUR + pick(i + 7, 3_600) * SECOND + pick(i + 13, 1_000)
}

fn base36(mut n: i64, digits: usize) -> String {
    let mut text = vec![b'0'; digits];
    for place in text.iter_mut().rev() {
        *place = b"0123456789abcdefghijklmnopqrstuvwxyz"[(n % 36) as usize];
        n /= 36;
    }
    String::from_utf8(text).expect("digits")
}

fn cuid(at: i64, count: i64) -> String {
    format!("c{}{}k3x7{}", base36(at, 8), base36(count % 1_679_616, 4), base36(pick(at + count, 2_821_109_907_456), 8))
}

fn stamp(at: i64) -> String {
    let micros = at * 1_000;
    let days = micros.div_euclid(86_400_000_000);
    let (year, month, day) = unseed::model::stamp::civil_from_days(days);
    let rest = at.rem_euclid(DAY);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{:03}", rest / HOUR, rest / 60_000 % 60, rest / SECOND % 60, rest % SECOND)
}

/// A row of the table of people.
#[derive(Clone)]
struct Person {
    id: String,
    name: String,
    email: String,
    plan: &'static str,
    created: i64,
    updated: i64,
    inserted: i64,
}

const SYLLABLES: [&str; 12] = ["ma", "ri", "so", "lu", "ka", "ne", "do", "vi", "ta", "be", "jo", "pe"];

fn word(seed: i64) -> String {
    (0..3).map(|k| SYLLABLES[pick(seed * 5 + k, 12) as usize]).collect()
}

fn capital(text: &str) -> String {
    text[..1].to_uppercase() + &text[1..]
}

fn person(i: i64, created: i64, inserted: i64) -> Person {
    let (given, family) = (word(i * 2), word(i * 2 + 1));
    let plan = ["free", "free", "free", "pro", "free", "team", "free"][pick(i + 91, 7) as usize];
    Person {
        id: cuid(inserted, i),
        name: format!("{} {}", capital(&given), capital(&family)),
        email: format!("{given}.{family}{}@mail{}.org", pick(i + 23, 100), pick(i, 40)),
        plan,
        created,
        updated: created + pick(i, 40) * DAY,
        inserted,
    }
}

fn real() -> Vec<Person> {
    (0..PEOPLE).map(|i| person(i, made(i), made(i))).collect()
}

/// Writes people in the order of insertion and scans them; `extra` is more SQL.
fn scan(mut people: Vec<Person>, extra: &str) -> Connection {
    people.sort_by_key(|p| p.inserted);
    let mut sql = "CREATE TABLE users (id text NOT NULL PRIMARY KEY, full_name text, email text, plan text, created_at timestamp, updated_at timestamp);\n"
        .to_owned();
    sql.push_str("COPY users (id, full_name, email, plan, created_at, updated_at) FROM stdin;\n");
    for p in &people {
        let (created, updated) = (stamp(p.created), stamp(p.updated));
        sql.push_str(&format!("{}\t{}\t{}\t{}\t{created}\t{updated}\n", p.id, p.name, p.email, p.plan));
    }
    sql.push_str("\\.\n");
    sql.push_str(extra);
    let desk = Desk::on_the_clock();
    desk.write("dump.sql", format!("--\n-- PostgreSQL database dump\n--\n\n{sql}\n--\n-- PostgreSQL database dump complete\n--\n"));
    desk.unseed("scan dump.sql -o out -q --now 2026-04-01T00:00:00Z").exits(0);
    desk.case("out/case.db")
}

/// Sums the rows of a detector's facts, and says whether it applied anywhere.
fn found(case: &Connection, detector: &str) -> (i64, bool) {
    let rows =
        case.query_row("SELECT coalesce(sum(rows), 0) FROM unseed_evidence WHERE detector = ?1", [detector], |r| r.get(0)).expect("a sum");
    let applied = case
        .query_row("SELECT count(*) FROM unseed_detector_runs WHERE detector = ?1 AND result <> 'not applicable'", [detector], |r| {
            r.get::<_, i64>(0)
        })
        .expect("a count");
    (rows, applied > 0)
}

fn seeded(case: &Connection) -> i64 {
    case.query_row("SELECT count(*) FROM unseed_verdicts WHERE verdict = 'seeded'", [], |r| r.get(0)).expect("a count")
}

/// Accounts that a seed inserted in seconds, with dates drawn over the year before.
fn drawn(count: i64) -> impl Iterator<Item = Person> {
    let run = BEGIN + 250 * DAY + 14 * HOUR;
    (0..count).map(move |i| person(5_000 + i, run + i * 40 - pick(i, 200 * DAY), run + i * 40))
}

#[test]
fn id_clock_sees_through_drawn_dates() {
    let case = scan(real().into_iter().chain(drawn(80)).collect(), "");
    let (rows, applied) = found(&case, "id-clock");
    assert!(applied && (70..=80).contains(&rows), "{rows}");
    let certain: String = case
        .query_row("SELECT detail FROM unseed_evidence WHERE detector = 'id-clock' ORDER BY rows DESC LIMIT 1", [], |r| r.get(0))
        .expect("a fact");
    assert!(certain.contains("on all hours of the day alike"), "{certain}");
}

#[test]
fn id_clock_leaves_imports_and_late_ids_alone() {
    // An import of older people in the order in which they had joined: a reason to look, and no more.
    let run = BEGIN + 250 * DAY + 14 * HOUR;
    let import = (0..80).map(|i| person(5_000 + i, made(i) - 400 * DAY, run + i * 40));
    let case = scan(real().into_iter().chain(import).collect(), "");
    let detail: String =
        case.query_row("SELECT group_concat(detail) FROM unseed_evidence WHERE detector = 'id-clock'", [], |r| r.get(0)).expect("facts");
    assert!(!detail.contains("alike"), "{detail}");
    assert_eq!(seeded(&case), 0);
    // Ids that were given to everybody on one evening.
    let given = (0..PEOPLE).map(|i| person(i, made(i), BEGIN + 330 * DAY + pick(i, 60_000)));
    let case = scan(given.collect(), "");
    assert_eq!(found(&case, "id-clock"), (0, false));
    assert_eq!(seeded(&case), 0);
    // Nothing to say where ids are as old as their rows.
    assert_eq!(found(&scan(real(), ""), "id-clock"), (0, true));
}

#[test]
fn a_minted_key_orders_rows_whatever_the_dump_does() {
    let mut people: Vec<Person> = real().into_iter().chain(drawn(80)).collect();
    // As an export in the order of addresses leaves them.
    people.sort_by(|a, b| a.email.cmp(&b.email));
    let shuffled: Vec<Person> = people.iter().cloned().zip(0..).map(|(p, place)| Person { inserted: place, ..p }).collect();
    let (rows, _) = found(&scan(shuffled, ""), "back-dated");
    assert!(rows >= 70, "{rows}");
    // Random keys tell no order.
    let random: Vec<Person> = people
        .into_iter()
        .zip(0..)
        .map(|(p, place)| Person { id: format!("k{:024}", pick(place, i64::MAX)), inserted: place, ..p })
        .collect();
    assert_eq!(found(&scan(random, ""), "back-dated"), (0, false));
}

#[test]
fn steady_step_sees_one_account_a_day() {
    let daily = (0..14).map(|i| BEGIN + (100 + i) * DAY + 9 * HOUR + 123 * SECOND + i * 71).map(|t| person(t, t, t));
    let (rows, _) = found(&scan(real().into_iter().chain(daily).collect(), ""), "steady-step");
    assert_eq!(rows, 14);
    // New staff, taken over every night at one second: some nights none, some nights five.
    let nightly = (0..40).map(|i| BEGIN + (100 + pick(i, 25)) * DAY + 3 * HOUR + pick(i, 5_000)).map(|t| person(t, t, t));
    assert_eq!(found(&scan(real().into_iter().chain(nightly).collect(), ""), "steady-step").0, 0);
    assert_eq!(found(&scan(real(), ""), "steady-step"), (0, true));
}

#[test]
fn turn_sees_values_by_index() {
    let run = BEGIN + 200 * DAY + 12 * HOUR;
    let turn = (0..60).map(|i| Person { plan: ["free", "pro", "team"][(i % 3) as usize], ..person(9_000 + i, run + i * 90, run + i * 90) });
    let (rows, _) = found(&scan(real().into_iter().chain(turn).collect(), ""), "turn");
    assert!((30..=60).contains(&rows), "{rows}");
    assert_eq!(found(&scan(real(), ""), "turn"), (0, true));
    // A site that gives plans in turn to everybody.
    let always = real().into_iter().zip(0_usize..).map(|(p, i)| Person { plan: ["free", "pro", "team"][i % 3], ..p });
    assert_eq!(found(&scan(always.collect(), ""), "turn").0, 0);
}

#[test]
fn time_contradiction_sees_changes_before_creation() {
    let wrong = (0..40).map(|i| person(7_000 + i, made(i) + HOUR, made(i) + HOUR)).map(|p| Person { updated: p.created - 9 * DAY, ..p });
    assert_eq!(found(&scan(real().into_iter().chain(wrong).collect(), ""), "time-contradiction").0, 40);
    assert_eq!(found(&scan(real(), ""), "time-contradiction"), (0, true));
    // Two columns in two zones.
    let zoned = real().into_iter().map(|p| Person { updated: p.created - 5 * HOUR, ..p });
    assert_eq!(found(&scan(zoned.collect(), ""), "time-contradiction").0, 0);
}

/// Logins of the people: `days` says on which days after the account was made.
#[test]
fn loop_counter_sees_numbers_behind_drawn_names() {
    let numbered =
        |p: Person, n: i64| Person { email: p.email.replacen(|c: char| c.is_ascii_digit(), "", 2).replacen('@', &format!("{n}@"), 1), ..p };
    let seed = || drawn(80).enumerate().map(|(i, p)| numbered(p, i as i64 % 30 + 1));
    let case = scan(real().into_iter().chain(seed()).collect(), "");
    assert_eq!(found(&case, "loop-counter"), (80, true));
    // A site that puts its own numbering behind names does so all its life.
    let case = scan(real().into_iter().enumerate().map(|(i, p)| numbered(p, 1_000 + i as i64)).collect(), "");
    assert_eq!(found(&case, "loop-counter"), (0, true));
    // A register in order, taken over in a minute, is no loop: it starts somewhere.
    let register = drawn(80).enumerate().map(|(i, p)| numbered(Person { created: p.inserted, updated: p.inserted, ..p }, 4_711 + i as i64));
    let case = scan(real().into_iter().chain(register).collect(), "");
    assert_eq!(found(&case, "loop-counter"), (80, true));
    assert_eq!(seeded(&case), 0);
}

fn logins(people: &[Person], days: impl Fn(usize) -> Vec<i64>) -> String {
    let mut rows: Vec<(i64, String)> = Vec::new();
    for (place, p) in people.iter().enumerate() {
        for day in days(place) {
            rows.push((p.created + day * DAY + pick(day + place as i64, 20) * HOUR / 10, p.id.clone()));
        }
    }
    rows.sort();
    let mut sql = "CREATE TABLE logins (id integer NOT NULL PRIMARY KEY, user_id text REFERENCES users (id), created_at timestamp);\nCOPY logins (id, user_id, created_at) FROM stdin;\n".to_owned();
    for (place, (at, id)) in rows.iter().enumerate() {
        sql.push_str(&format!("{}\t{id}\t{}\n", place + 1, stamp(*at)));
    }
    sql + "\\.\n"
}

#[test]
fn later_activity_sees_who_came_back() {
    let people = real();
    let half = logins(&people, |place| if place % 2 == 0 { vec![1, 9] } else { vec![0] });
    assert_eq!(found(&scan(people.clone(), &half), "later-activity").0, PEOPLE / 2);
    // The day of sign-up and one more are no habit.
    let once = logins(&people, |_| vec![0, 3]);
    assert_eq!(found(&scan(people.clone(), &once), "later-activity"), (0, true));
    // Notices that a job writes to everybody at night show nobody's coming back.
    let mut nightly = "CREATE TABLE notices (id integer NOT NULL PRIMARY KEY, user_id text REFERENCES users (id), created_at timestamp);\nCOPY notices (id, user_id, created_at) FROM stdin;\n".to_owned();
    for night in 0..4_i64 {
        for (place, p) in people.iter().enumerate() {
            let at = BEGIN + (400 + night) * DAY + place as i64 * 3;
            nightly.push_str(&format!("{}\t{}\t{}\n", night * PEOPLE + place as i64 + 1, p.id, stamp(at)));
        }
    }
    assert_eq!(found(&scan(people, &(nightly + "\\.\n")), "later-activity").0, 0);
}

#[test]
fn a_row_without_a_date_is_as_old_as_its_id() {
    let people = real();
    let mut notes = "CREATE TABLE notes (id text NOT NULL PRIMARY KEY, user_id text REFERENCES users (id), body text);\nCOPY notes (id, user_id, body) FROM stdin;\n".to_owned();
    let row = |at: i64, i: i64, owner: &str| format!("{}\t{owner}\t{} {} {}\n", cuid(at, i), word(i), word(i + 1), word(i + 2));
    for (place, p) in people.iter().enumerate() {
        notes.push_str(&row(p.created + 5 * HOUR, place as i64, &p.id));
    }
    for i in 0..50 {
        notes.push_str(&row(BEGIN + 310 * DAY + i * 30, 9_000 + i, &people[pick(i, PEOPLE) as usize].id));
    }
    let case = scan(people, &(notes + "\\.\n"));
    let trains: i64 = case
        .query_row(
            "SELECT coalesce(max(e.rows), 0) FROM unseed_evidence e JOIN unseed_tables t USING (table_id) WHERE e.detector = 'arrival-train' AND t.table_name = 'notes'",
            [],
            |r| r.get(0),
        )
        .expect("a count");
    assert_eq!(trains, 50);
}

const GIVEN: [&str; 12] =
    ["Ryan", "Megan", "Tyler", "Nicole", "Brandon", "Heather", "Kevin", "Amber", "Justin", "Crystal", "Gabriel", "Tanya"];
const FAMILY: [&str; 12] =
    ["Harvey", "Powers", "Wilkerson", "Freeman", "Luna", "Schultz", "Garcia", "Harris", "Washington", "Day", "Smith", "Joyner"];

/// Accounts that a program wrote in one second: the addresses are names, and other people's.
fn borrowed(count: i64, run: i64, mark: &str) -> Vec<Person> {
    let place = |i: i64, step: i64| ((i * 5 + step) % 12) as usize;
    (0..count)
        .map(|i| Person {
            email: format!(
                "{}{mark}{}{}@mail{}.org",
                GIVEN[place(i, 4)].to_lowercase(),
                FAMILY[place(i, 7)].to_lowercase(),
                i * 37 % 90,
                i % 5
            ),
            updated: run + i * 40,
            ..person(8_000 + i, run + i * 40, run + i * 40)
        })
        .collect()
}

/// Notes of people: real ones of everybody, and at the end those that `numbered` tells, each with its time.
fn notes(people: &[Person], numbered: &[(i64, &str)]) -> String {
    let mut rows: Vec<(i64, String, String)> =
        people.iter().zip(0..).map(|(p, i)| (p.created + 5 * HOUR, p.id.clone(), format!("{} {}", word(i), word(i + 1)))).collect();
    rows.extend(numbered.iter().zip(1..).map(|((at, id), n)| (*at, (*id).to_owned(), format!("My note {n}"))));
    rows.sort();
    let mut sql = "CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, user_id text REFERENCES users (id), title text, created_at timestamp);\nCOPY notes (id, user_id, title, created_at) FROM stdin;\n".to_owned();
    for ((at, id, title), key) in rows.iter().zip(1..) {
        sql.push_str(&format!("{key}\t{id}\t{title}\t{}\n", stamp(*at)));
    }
    sql + "\\.\n"
}

fn seeded_in(case: &Connection, table: &str) -> i64 {
    case.query_row("SELECT count(*) FROM unseed_verdicts WHERE verdict = 'seeded' AND table_name = ?1", [table], |r| r.get(0))
        .expect("a count")
}

/// Charges of people in the order of their times of insertion, each with its owner, id, mode and the time that it says.
fn charges(mut rows: Vec<(i64, String, String, bool, i64)>) -> String {
    rows.sort();
    let mut sql = "CREATE TABLE payments (id integer NOT NULL PRIMARY KEY, user_id text REFERENCES users (id), amount numeric(10,2), livemode boolean, charge_id text, created_at timestamp);\nCOPY payments (id, user_id, amount, livemode, charge_id, created_at) FROM stdin;\n".to_owned();
    for ((_, id, charge, live, at), key) in rows.iter().zip(1..) {
        let (amount, mode) = (3 + pick(*at, 90), if *live { "t" } else { "f" });
        sql.push_str(&format!("{key}\t{id}\t{amount}.{:02}\t{mode}\t{charge}\t{}\n", pick(at + 1, 100), stamp(*at)));
    }
    sql + "\\.\n"
}

fn charge_id(i: i64) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..22).fold("pi_3x".to_owned(), |id, k| id + std::str::from_utf8(&letters[pick(i * 31 + k, 62) as usize..][..1]).expect("a letter"))
}

#[test]
fn live_payment_sees_who_paid_later() {
    let people = real();
    let paid = |p: &Person, i: i64, after: i64, live: bool| {
        let at = p.created + after + pick(i + 5, 50_000) * SECOND;
        (at, p.id.clone(), charge_id(i), live, at)
    };
    let of = |after: i64, live: fn(i64) -> bool| people.iter().zip(0..).map(|(p, i)| paid(p, i, after, live(i))).collect::<Vec<_>>();
    // Each payment speaks for itself and for who paid.
    let (rows, applied) = found(&scan(people.clone(), &charges(of(3 * DAY, |_| true))), "live-payment");
    assert!(applied && (2 * PEOPLE - 40..=2 * PEOPLE).contains(&rows), "{rows}");
    // A developer's try in test mode, a purchase at sign-up and numbers that somebody counted do not.
    let (rows, _) = found(&scan(people.clone(), &charges(of(3 * DAY, |i| i % 10 > 0))), "live-payment");
    assert!((2 * PEOPLE * 8 / 10..=2 * PEOPLE * 9 / 10).contains(&rows), "{rows}");
    assert_eq!(found(&scan(people.clone(), &charges(of(HOUR, |_| true))), "live-payment").0, 0);
    let counted = of(3 * DAY, |_| true).into_iter().zip(0..).map(|(row, i)| (row.0, row.1, format!("pi_{i}"), row.3, row.4));
    assert_eq!(found(&scan(people.clone(), &charges(counted.collect())), "live-payment"), (0, true));
    // A seed writes the same, with dates over the months after, in the run in which it writes its people; before and
    // after it real people pay on the day on which they come.
    let run = BEGIN + 200 * DAY + 12 * HOUR;
    let seed: Vec<Person> = (0..60).map(|i| person(12_000 + i, run + i * 40, run + i * 40)).collect();
    let later = |i: i64| run + DAY + pick(i + 3, 90 * DAY);
    let forged = seed.iter().zip(0..).map(|(p, i)| (run + 5 * SECOND + i * 40, p.id.clone(), charge_id(900 + i), true, later(i)));
    let all: Vec<Person> = people.iter().chain(&seed).cloned().collect();
    let rows = of(HOUR, |_| true).into_iter().chain(forged).collect();
    assert_eq!(found(&scan(all, &charges(rows)), "live-payment"), (0, true));
}

#[test]
fn later_edit_sees_rows_written_anew() {
    // Every sixth person changed something on a later day; the row lies where the table ended then.
    let edited = |at: fn(&Person, i64) -> i64| {
        let changed = move |(p, i): (Person, i64)| {
            if i % 6 > 0 {
                return Person { updated: p.created, ..p };
            }
            let at = at(&p, i);
            Person { updated: at, inserted: at, ..p }
        };
        real().into_iter().zip(0..).map(changed).collect::<Vec<Person>>()
    };
    let by_themselves = edited(|p, i| p.created + (2 + pick(i, 60)) * DAY + pick(i + 1, DAY));
    let (rows, applied) = found(&scan(by_themselves.clone(), ""), "later-edit");
    assert!(applied && (85..=PEOPLE / 6).contains(&rows), "{rows}");
    // Their rows where they were, whatever the time of change says: any program writes that.
    let unmoved = by_themselves.iter().cloned().map(|p| Person { inserted: p.created, ..p });
    assert_eq!(found(&scan(unmoved.collect(), ""), "later-edit"), (0, false));
    // Rows elsewhere, and a time of change that says nothing of it.
    let silent = by_themselves.iter().cloned().map(|p| Person { updated: p.created, ..p });
    assert_eq!(found(&scan(silent.collect(), ""), "later-edit").0, 0);
    // A job that goes through the table, some milliseconds a row, and one that gives all of them one time.
    assert_eq!(found(&scan(edited(|_, i| BEGIN + 290 * DAY + i * 7), ""), "later-edit").0, 0);
    let at_once = edited(|_, i| BEGIN + 290 * DAY + i).into_iter().map(|p| Person { updated: p.updated / HOUR * HOUR, ..p });
    assert_eq!(found(&scan(at_once.collect(), ""), "later-edit").0, 0);
}

/// Messages between people, in the order of their times of insertion: who, to whom, and the time that each says.
fn messages(mut rows: Vec<(i64, String, String, i64)>) -> String {
    rows.sort();
    let mut sql = "CREATE TABLE messages (id integer NOT NULL PRIMARY KEY, sender_id text REFERENCES users (id), recipient_id text REFERENCES users (id), created_at timestamp);\nCOPY messages (id, sender_id, recipient_id, created_at) FROM stdin;\n".to_owned();
    for ((_, from, to, at), key) in rows.iter().zip(1..) {
        sql.push_str(&format!("{key}\t{from}\t{to}\t{}\n", stamp(*at)));
    }
    sql + "\\.\n"
}

#[test]
fn correspondence_sees_both_sides() {
    let people = real();
    let pair = |i: i64| (&people[i as usize], &people[(i + 1) as usize]);
    let exchange = |i: i64, days: &[i64], back: bool| {
        let (a, b) = pair(i);
        let at = |day: &i64, k: i64| b.created + day * DAY + pick(i * 7 + day + k, 40_000) * SECOND;
        let there = days.iter().map(move |day| (at(day, 0), a.id.clone(), b.id.clone(), at(day, 0)));
        let back = days.iter().filter(move |_| back).map(move |day| (at(day, 9), b.id.clone(), a.id.clone(), at(day, 9)));
        there.chain(back).collect::<Vec<_>>()
    };
    let of = |days: &[i64], back: bool| messages((0..PEOPLE - 1).step_by(4).flat_map(|i| exchange(i, days, back)).collect());
    let (rows, applied) = found(&scan(people.clone(), &of(&[2, 5, 11], true)), "correspondence");
    assert!(applied && (PEOPLE / 2 - 20..=PEOPLE / 2).contains(&rows), "{rows}");
    // Nobody answers; or all is written on one day.
    assert_eq!(found(&scan(people.clone(), &of(&[2, 5, 11], false)), "correspondence"), (0, true));
    assert_eq!(found(&scan(people.clone(), &of(&[2], true)), "correspondence"), (0, true));
    // A seed's people write to each other over months, in seconds.
    let run = BEGIN + 200 * DAY + 12 * HOUR;
    let seed: Vec<Person> = (0..40).map(|i| person(13_000 + i, run + i * 40, run + i * 40)).collect();
    let says = |i: i64| run + DAY + pick(i + 3, 90 * DAY);
    let id = |i: i64| seed[i as usize % 40].id.clone();
    let forged = (0..320).map(|i| (run + 5 * SECOND + i * 40, id(pick(i, 40)), id(pick(i + 77, 40)), says(i)));
    let once = (0..PEOPLE - 1).step_by(4).flat_map(|i| exchange(i, &[2], true));
    let all: Vec<Person> = people.iter().chain(&seed).cloned().collect();
    assert_eq!(found(&scan(all, &messages(once.chain(forged).collect())), "correspondence"), (0, true));
    // Two agents serve everybody: who came to them on several days counts.
    let desk = |i: i64| {
        let p = &people[i as usize];
        let days = if i % 2 == 0 { vec![3, 8] } else { vec![3] };
        days.into_iter().map(move |day| {
            let at = p.created + day * DAY + pick(i + day, 40_000) * SECOND;
            (at, p.id.clone(), real()[pick(i + day, 2) as usize].id.clone(), at)
        })
    };
    let (rows, _) = found(&scan(people.clone(), &messages((10..210).flat_map(desk).collect())), "correspondence");
    assert!((90..=100).contains(&rows), "{rows}");
}

#[test]
fn work_domain_sees_colleagues() {
    let at_work = |count: i64, at: &dyn Fn(i64) -> i64, local: &str| {
        let colleague = |i: i64| person(14_000 + i, at(i), at(i));
        let email = |p: &Person| format!("{local}{}@harborlinefreight.com", p.email.split('@').next().unwrap_or_default());
        (0..count).map(|i| Person { email: email(&colleague(i)), ..colleague(i) }).collect::<Vec<_>>()
    };
    let organic = |i: i64| BEGIN + (40 + i * 9 + pick(i, 5)) * DAY + (8 + pick(i, 10)) * HOUR + pick(i + 3, 3_600) * SECOND;
    let with = |colleagues: Vec<Person>| found(&scan(real().into_iter().chain(colleagues).collect(), ""), "work-domain");
    let domains = with(Vec::new());
    assert_eq!(with(at_work(12, &organic, "")), (domains.0 + 12, true));
    // Taken over in one minute; one a day by a job; where a tester has an account too.
    assert_eq!(with(at_work(12, &|i| BEGIN + 99 * DAY + i * 3 * SECOND, "")), domains);
    assert_eq!(with(at_work(40, &|i| BEGIN + (60 + i) * DAY + 9 * HOUR + pick(i, 2_000), "")), domains);
    let tester = at_work(1, &|_| BEGIN + 170 * DAY + 9 * HOUR, "qa.");
    assert_eq!(with(at_work(12, &organic, "").into_iter().chain(tester).collect()), domains);
}

#[test]
fn name_mismatch_compares_single_words() {
    let run = BEGIN + 200 * DAY + 12 * HOUR;
    let case = scan(real().into_iter().chain(borrowed(30, run, "")).collect(), "");
    let (rows, _) = found(&case, "name-mismatch");
    assert!((28..=30).contains(&rows), "{rows}");
    // One family is no proof.
    assert_eq!(seeded(&case), 0);
    assert_eq!(found(&scan(real(), ""), "name-mismatch").0, 0);
    // Students whom a university numbers.
    let numbered =
        borrowed(60, run, "").into_iter().zip(0..).map(|(p, i)| Person { email: format!("s{}@uni.edu", 410_000 + pick(i, 90_000)), ..p });
    assert_eq!(found(&scan(real().into_iter().chain(numbered).collect(), ""), "name-mismatch").0, 0);
    // People for whom an agency answers.
    let agency = ["anna.meier@agency.de", "petersmith@agency.de", "nicole.luna@agency.de"];
    let taken_over = borrowed(60, run, "").into_iter().zip(0_usize..).map(|(p, i)| Person { email: agency[i % 3].to_owned(), ..p });
    assert_eq!(found(&scan(real().into_iter().chain(taken_over).collect(), ""), "name-mismatch").0, 0);
}

#[test]
fn people_are_judged_with_what_their_run_wrote() {
    let run = BEGIN + 200 * DAY + 12 * HOUR;
    let people = borrowed(20, run, ".");
    let own: Vec<(i64, &str)> = people.iter().zip(0..).map(|(p, i)| (run + 2 * SECOND + i * 40, p.id.as_str())).collect();
    let all: Vec<Person> = real().into_iter().chain(people.iter().cloned()).collect();
    let case = scan(all.clone(), &notes(&real(), &own));
    assert_eq!((seeded_in(&case, "users"), seeded_in(&case, "notes")), (20, 20));
    // The same notes, written on another day: what was taken over is no seed because a seed came later.
    let later: Vec<(i64, &str)> = own.iter().map(|(at, id)| (at + 9 * DAY, *id)).collect();
    assert_eq!(seeded_in(&scan(all.clone(), &notes(&real(), &later)), "users"), 0);
    // Notes of this kind on real people make nobody a seed's.
    let everybody = real();
    let theirs: Vec<(i64, &str)> = (0..20).map(|i| (run + 2 * SECOND + i * 40, everybody[pick(i, 300) as usize].id.as_str())).collect();
    assert_eq!(seeded_in(&scan(all, &notes(&everybody, &theirs)), "users"), 0);
}

#[test]
fn counted_address_needs_no_order() {
    let run = BEGIN + 200 * DAY + 12 * HOUR;
    let local =
        |i: i64, n: &str| format!("{}{}{n}", GIVEN[(i % 12) as usize][..1].to_lowercase(), FAMILY[(i % 12) as usize].to_lowercase());
    let name = |i: i64| format!("{} {}", GIVEN[(i % 12) as usize], FAMILY[(i % 12) as usize]);
    let digits = |n: i64| if n < 36 { base36(n, 1) } else { base36(n, 2) };
    // The numbers 0 to 59, in an order of their own, over two days.
    let counted = (0..60).map(|i| {
        let at = run + pick(i + 40, 2 * DAY);
        Person { name: name(i), email: format!("{}@mail{}.org", local(i, &digits(i)), i % 7), ..person(9_500 + i, at, at) }
    });
    let case = scan(real().into_iter().chain(counted).collect(), "");
    let (rows, _) = found(&case, "counted-address");
    assert!((57..=60).contains(&rows), "{rows}");
    // People add what is free or the year in which they were born.
    let years = (0..200).map(|i| {
        let at = made(i) + HOUR;
        Person { name: name(i), email: format!("{}@mail{}.org", local(i, &pick(i, 99).to_string()), i), ..person(9_500 + i, at, at) }
    });
    assert_eq!(found(&scan(real().into_iter().chain(years).collect(), ""), "counted-address").0, 0);
}

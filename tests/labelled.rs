//! `unseed detectors test`: labelled fixtures of any project, counted by row; and what the engine still holds
//! with a family of evidence, or one detector, switched off.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use unseed::config::Loaded;
use unseed::labelled::{Fixture, LABELS, Outcome, Scope};
use unseed::model::Family;
use unseed::model::stamp::Stamp;
use unseed::progress::Silent;

use crate::generator::matrix::{self, Kind, Labelled, Matrix};
use crate::generator::pool::{self, Pool};
use crate::generator::world::{Form, Label};
use crate::harness::{Desk, fixture, root, skipped};

/// One in so many worlds of the matrix is looked at, with every trap; and with `UNSEED_FULL`, where one family after the
/// other is switched off, as many as `tests/run.sh` measures.
const EVERY: usize = 29;
const EVERY_IN_FULL: usize = 5;

const NOW: &str = "2026-04-01T00:00:00Z";

/// Writes a fixture of 30 members of whom some are numbered by a program.
fn members(desk: &Desk, labels: &str) {
    let mut dump = String::from("CREATE TABLE shop.members (a integer, b text, email text, created_at timestamp, PRIMARY KEY (a, b));\n");
    let people = ["ann.lee", "bo.kim", "cy.orr", "dee.poe", "eli.fox", "flo.nye", "gus.ott", "hal.ray", "ida.sax", "jo.tan"];
    for (i, name) in people.iter().enumerate() {
        let line = format!("({i}, 'x', '{name}{}@gmx.de', '2025-0{}-1{} 08:1{i}:0{i}')", i * 7 % 10, i % 9 + 1, i % 10);
        dump.push_str(&format!("INSERT INTO shop.members VALUES {line};\n"));
    }
    for i in 10..30 {
        dump.push_str(&format!("INSERT INTO shop.members VALUES ({i}, 'x', 'user{}@example.com', '2025-11-02 03:00:00.{i}');\n", i - 9));
    }
    desk.write("fix/dump.sql", dump);
    desk.write(&format!("fix/{LABELS}"), labels);
}

fn rows(of: std::ops::Range<usize>, label: &str) -> String {
    of.map(|i| format!("members,\"[\"\"{i}\"\",\"\"x\"\"]\",{label}\n")).collect()
}

#[test]
fn the_storefront_is_found_whole() {
    let desk = Desk::new();
    let ran = desk.run(&["detectors", "test", &fixture("storefront")]).exits(0);
    assert!(ran.out.contains("213/213") && ran.out.contains("\n  ok\n"), "{}", ran.out);
    // Both fixtures from the folder that holds them; folders without labels are none.
    let all = desk.run(&["detectors", "test", &fixture("")]).exits(0).out;
    assert_eq!(all.matches("\n  ok\n").count(), 2, "{all}");
}

#[test]
fn a_missed_and_a_wrong_row_end_with_1() {
    let desk = Desk::new();
    members(&desk, &format!("table,pk,label\n{}{}", rows(0..10, "real"), rows(10..30, "seeded")));
    let right = desk.unseed("detectors test fix").exits(0).out;
    assert!(right.contains("20/20"), "{right}");
    members(&desk, &format!("table,pk,label\n{}{}", rows(0..11, "real"), rows(11..30, "seeded")));
    let wrong = desk.unseed("detectors test fix").exits(1).out;
    assert!(wrong.contains("wrong: shop.members [\"10\",\"x\"] is") && wrong.contains("FAILED"), "{wrong}");
    members(&desk, &format!("table,pk,label\n{}{}", rows(0..9, "real"), rows(9..30, "seeded")));
    let missed = desk.unseed("detectors test fix").exits(1).out;
    assert!(missed.contains("missed: shop.members [\"9\",\"x\"] is real"), "{missed}");
    // A row that must stay and is flagged is a protected hit.
    members(&desk, &format!("table,pk,label\n{}{}", rows(10..11, "protected"), rows(11..30, "seeded")));
    let hit = desk.unseed("detectors test fix").exits(1).out;
    assert!(hit.contains("1/1") && hit.contains("wrong: shop.members [\"10\",\"x\"]"), "{hit}");
}

#[test]
fn what_is_to_do_fails_nothing() {
    let desk = Desk::new();
    let labels =
        [rows(0..9, "real"), rows(9..10, "todo_seeded"), rows(10..11, "todo_real"), rows(11..12, "todo_seeded"), rows(12..30, "seeded")];
    members(&desk, &format!("table,pk,label\n{}", labels.concat()));
    let out = desk.unseed("detectors test fix").exits(0).out;
    assert!(out.contains("to do: 1 rows are right by now") && out.contains("to do: 2 rows are known not to be right yet"), "{out}");
}

#[test]
fn junit_names_what_failed() {
    let desk = Desk::new();
    members(&desk, &format!("table,pk,label\n{}{}", rows(0..11, "real"), rows(11..30, "seeded")));
    let out = desk.unseed("detectors test fix --format junit").exits(1).out;
    assert!(out.starts_with("<?xml") && out.contains("failures=\"1\""), "{out}");
    assert!(out.contains("<testcase classname=\"overall\" name=\"missed\"/>"), "{out}");
    assert!(
        out.contains("members [&quot;10&quot;,&quot;x&quot;] is") && out.contains("classname=\"detector\" name=\"counted-address\""),
        "{out}"
    );
    assert!(out.contains("classname=\"cohort\""), "{out}");
}

#[test]
fn one_detector_alone_and_a_family_left_out() {
    let desk = Desk::new();
    members(&desk, &format!("table,pk,label\n{}{}", rows(0..10, "real"), rows(10..30, "seeded")));
    let alone = desk.unseed("detectors test fix --only reserved-identifier").exits(0).out;
    assert!(alone.contains("reserved-identifier") && !alone.contains("arrival-train") && alone.contains("20/20"), "{alone}");
    // Nobody's password is known: the detector alone misses them all.
    desk.unseed("detectors test fix --only known-credential").exits(1);
    let without = desk.unseed("detectors test fix --without identifier");
    assert!(!without.out.contains("reserved-identifier") && without.out.contains("numbered-template"), "{}", without.out);
    desk.unseed("detectors test fix --only reserved-identifer").exits(2).says(&["did you mean reserved-identifier"]);
    desk.unseed("detectors test fix --without identifiers").exits(2).says(&["identifier, vocabulary"]);
}

#[test]
fn the_fixtures_own_rules_hold() {
    let desk = Desk::new();
    members(&desk, &format!("table,pk,label\n{}{}", rows(10..11, "protected"), rows(11..30, "seeded")));
    let rule = "[[protect]]\nid = \"ours\"\ntable = \"members\"\nwhere = { column = \"email\", in = [\"user1@example.com\"] }\nreason = \"ours\"\n";
    desk.write("fix/unseed.toml", rule);
    let out = desk.unseed("detectors test fix").exits(0).out;
    assert!(out.contains("0/1"), "{out}");
}

#[test]
fn labels_that_are_wrong_are_refused_with_their_line() {
    let desk = Desk::new();
    for (labels, said) in [
        ("table,pk\n", "labels.csv:1: the header must name table, pk and label"),
        ("table,pk,label\nmembers,\"[1,\"\"x\"\"]\",sedeed\n", "labels.csv:2: \"sedeed\" is no label"),
        ("table,pk,label\nmember,\"[1,\"\"x\"\"]\",real\n", "labels.csv:2: the export has no table \"member\""),
        ("table,pk,label\nmembers,1,real\n", "labels.csv:2: the key 1 has 2 columns"),
        ("table,pk,label\nmembers,\"[1]\",real\n", "labels.csv:2: the key [1] has 1 values"),
        ("table,pk,label\nmembers,\"[99,\"\"x\"\"]\",real\n", "labels.csv:2: table members has no row with the key"),
        ("table,pk,label\nmembers,\"[1,\"\"x\"\"]\",real\nmembers,\"[1,\"\"x\"\"]\",seeded\n", "labels.csv:3: the row"),
        ("table,pk,label\nmembers,\"[1,\"\"x\"\"]\"\n", "labels.csv:2: no CSV"),
    ] {
        members(&desk, labels);
        desk.unseed("detectors test fix").exits(2).says(&[said]);
    }
    desk.unseed("detectors test nowhere").exits(2).says(&["nowhere"]);
    desk.write("empty/x.sql", "");
    desk.unseed("detectors test empty").exits(2).says(&["holds no labels.csv"]);
}

/// Writes a world as a fixture; rows with one real owner count as real: they must not be in `seeded`.
fn open(desk: &Desk, labelled: &Labelled) -> Fixture {
    desk.write("world/dump.sql", labelled.world.pg_dump(Form::Copy));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["table", "pk", "label"]).expect("labels");
    for table in &labelled.world.tables {
        for (row, label) in table.rows.iter().zip(&table.labels) {
            let word = match label {
                Label::Seeded => "seeded",
                Label::Protected => "protected",
                Label::Real | Label::Mixed => "real",
            };
            let key = serde_json::json!([row[0]]).to_string();
            writer.write_record([table.name.as_str(), key.as_str(), word]).expect("a label");
        }
    }
    desk.write(&format!("world/{LABELS}"), writer.into_inner().expect("labels"));
    Fixture::open(&desk.path("world"), &Loaded::default(), &Silent).expect("a fixture")
}

fn run(fixture: &mut Fixture, scope: Scope<'_>) -> Outcome {
    let now = Stamp::parse(NOW.as_bytes()).expect("a time").micros;
    fixture.run(now, scope, &Silent).expect("an analysis")
}

/// The worlds that are looked at: one in so many of the matrix, and every trap; made one by one.
struct Sample {
    pools: Vec<Pool>,
    seed: u64,
    from: usize,
    every: usize,
}

impl Sample {
    fn new(test: &str, every: usize) -> Option<Self> {
        let Ok(folder) = std::env::var("UNSEED_POOLS") else {
            skipped(test, "UNSEED_POOLS names no folder of generators' records (tests/pools.sh makes one)");
            return None;
        };
        let seed = seed();
        // Those that `tests/run.sh` measures begin with the first.
        let from = if every == EVERY_IN_FULL { 0 } else { seed as usize % every };
        Some(Self { pools: pool::read(Path::new(&folder)), seed, from, every })
    }

    /// Hands the worlds, or the part of them that `UNSEED_PART` asks for (`1/8`), to two threads; gives what they
    /// return in order.
    fn each<T: Send>(&self, look: impl Fn(&Labelled) -> T + Sync) -> Vec<T> {
        let matrix = Matrix::new(&self.pools, self.seed);
        let traps = (0..matrix::TRAPS).map(|i| (true, i));
        let all: Vec<(bool, usize)> = traps.chain((self.from..matrix.len()).step_by(self.every).map(|i| (false, i))).collect();
        let (part, parts) = part();
        let worlds: Vec<(bool, usize)> = all.into_iter().skip(part).step_by(parts).collect();
        let next = AtomicUsize::new(0);
        let found: Mutex<BTreeMap<usize, T>> = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let place = next.fetch_add(1, Ordering::SeqCst);
                        let Some((is_trap, index)) = worlds.get(place) else { break };
                        let labelled = if *is_trap { matrix::trap(*index, &self.pools, self.seed) } else { matrix.world(*index) };
                        let looked = look(&labelled);
                        found.lock().expect("a lock").insert(place, looked);
                    }
                });
            }
        });
        found.into_inner().expect("what was found").into_values().collect()
    }
}

/// The part that is asked for, and of how many.
fn part() -> (usize, usize) {
    let asked = std::env::var("UNSEED_PART").unwrap_or_default();
    let numbers = asked.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    numbers.filter(|(part, parts)| part < parts).unwrap_or((0, 1))
}

/// The seed that is asked for, else today's.
fn seed() -> u64 {
    let today = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_secs() / 86_400);
    std::env::var("UNSEED_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(today)
}

/// A world without a family: its counts, and what was wrong with it.
#[derive(Clone, Default)]
struct Without {
    seeded: usize,
    found: usize,
    reviewed: usize,
    real: usize,
    real_reviewed: usize,
    grave: usize,
}

#[test]
fn without_any_one_family_no_real_row_is_seeded() {
    let full = std::env::var_os("UNSEED_FULL").is_some();
    let Some(sample) = Sample::new("one family off", if full { EVERY_IN_FULL } else { EVERY }) else { return };
    let today = Family::ALL[sample.seed as usize % Family::ALL.len()];
    let families: Vec<Family> = if full { Family::ALL.to_vec() } else { vec![today] };
    let worlds = sample.each(|labelled| {
        let desk = Desk::on_the_clock();
        let mut fixture = open(&desk, labelled);
        let without = |family: &Family| {
            let outcome = run(&mut fixture, Scope { without: Some(*family), ..Scope::default() });
            assert!(outcome.detectors.iter().all(|d| d.about != family.as_str()), "{family:?} is still there");
            let t = outcome.overall;
            let real_reviewed = t.wrong - t.grave.min(t.wrong);
            Without { seeded: t.seeded, found: t.found, reviewed: t.reviewed, real: t.real, real_reviewed, grave: t.grave }
        };
        (format!("{} ({})", labelled.name, labelled.about), families.iter().map(without).collect::<Vec<_>>())
    });
    let (number, parts) = part();
    let mut table = format!("Seed {}; {} worlds (part {number} of {parts}).\n\n", sample.seed, worlds.len());
    table +=
        "| without | seeded rows | found | with review | real and mixed rows | in `seeded` | in review |\n|---|---|---|---|---|---|---|\n";
    let mut failed = Vec::new();
    for (place, family) in families.iter().enumerate() {
        let mut sum = Without::default();
        for (world, by_family) in &worlds {
            let of = &by_family[place];
            sum.seeded += of.seeded;
            sum.found += of.found;
            sum.reviewed += of.reviewed;
            sum.real += of.real;
            sum.real_reviewed += of.real_reviewed;
            sum.grave += of.grave;
            if of.grave > 0 {
                failed.push(format!("without {}: {} real rows seeded in {world}", family.as_str(), of.grave));
            }
        }
        let Without { seeded, found, reviewed, real, real_reviewed, grave } = sum;
        table += &format!("| {} | {seeded} | {found} | {} | {real} | {grave} | {real_reviewed} |\n", family.as_str(), found + reviewed);
    }
    println!("{table}");
    if let Ok(folder) = std::env::var("UNSEED_TABLES") {
        std::fs::write(Path::new(&folder).join("family-off.md"), table).expect("a table");
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Given and family names of a fixture's members.
const GIVEN: [&str; 7] = ["Marit", "Joris", "Anouk", "Sanne", "Bram", "Tess", "Wout"];
const FAMILY: [&str; 6] = ["Smit", "Vos", "Dekker", "Kok", "Mulder", "Bos"];

/// Opens a fixture of one table of members, of whom the 200th is seeded.
fn of_members(desk: &Desk, name: &str, dump: String) -> Fixture {
    desk.write(&format!("{name}/dump.sql"), dump);
    desk.write(&format!("{name}/{LABELS}"), "table,pk,label\nmembers,1,real\nmembers,200,seeded\n");
    Fixture::open(&desk.path(name), &Loaded::default(), &Silent).expect("a fixture")
}

/// Returns a time in 2025 of a member's place among 400, at a drawn hour, minute and second.
fn in_turn(place: usize, [hour, minute, second]: [usize; 3]) -> String {
    format!("2025-{:02}-{:02} {:02}:{minute:02}:{second:02}", place / 34 + 1, place % 34 * 28 / 34 + 1, 7 + hour)
}

/// Writes 300 members and 30 guests of a loop: their names count, some have a generator's picture, some a test token,
/// some a public id that was typed, each a factory's token for its cookie, and with one somebody signs in.
fn guests(desk: &Desk) -> Fixture {
    let mut dump = String::from(
        "CREATE TABLE members (id integer PRIMARY KEY, full_name text, email text, avatar_url text, card_token text, uuid uuid, remember_token text, google_sub text, created_at timestamp);\n",
    );
    let particle = ["", "van ", "de ", "ter ", "van den ", "op ", "ten ", "in "];
    for i in 0..330_usize {
        let guest = (200..230).contains(&i);
        let name = if guest { format!("Guest {}", i - 199) } else { format!("{} {}{}", GIVEN[i % 7], particle[i / 42], FAMILY[i / 7 % 6]) };
        let picture =
            if guest && i < 215 { format!("https://i.pravatar.cc/{i}") } else { format!("https://cdn.site.nl/u/{}.png", i * 7_919) };
        let token = if guest && i >= 220 { "tok_visa".to_owned() } else { format!("tk{:014x}", i * 1_000_003 * 77_777 % 999_999_999_989) };
        let created = if guest {
            format!("2025-07-20 03:00:00.{i:03}")
        } else {
            format!("2025-{:02}-{:02} {:02}:{:02}:{:02}", i / 28 + 1, i % 28 + 1, i * 7 % 24, i * 13 % 60, i * 29 % 60)
        };
        let local = blake3::hash(&i.to_le_bytes()).to_hex();
        let typed = guest && i < 208;
        let public = if typed {
            format!("aaaaaaaa-0000-4000-8000-000000000{:03}", i % 10)
        } else {
            format!("{}-{}-4{}-9{}-{}", &local[..8], &local[8..12], &local[13..16], &local[17..20], &local[20..32])
        };
        let cookie = if guest { format!("x{}Q{}", &local[32..36], &local[36..40]) } else { local[..60].to_owned() };
        let number = local.bytes().take(20).map(|b| char::from(b'0' + b % 10)).collect::<String>();
        let subject = if i % 5 == 0 && (!guest || i == 210) { format!("'1{number}'") } else { "NULL".to_owned() };
        dump.push_str(&format!(
            "INSERT INTO members VALUES ({i}, '{name}', '{}{}@ziggo.nl', '{picture}', '{token}', '{public}', '{cookie}', {subject}, '{created}');\n",
            GIVEN[i % 7].to_lowercase(),
            &local[..5]
        ));
    }
    of_members(desk, "guests", dump)
}

/// Writes 400 members: 40 of a load test, whose handles are random letters, and the six accounts of one tester.
fn testers(desk: &Desk) -> Fixture {
    let mut dump =
        String::from("CREATE TABLE members (id integer PRIMARY KEY, full_name text, email text, password text, created_at timestamp);\n");
    for i in 0..400_usize {
        let hash = blake3::hash(&i.to_le_bytes());
        let drawn = |at: usize, of: usize| usize::from(hash.as_bytes()[at]) % of;
        let (first, last) = (GIVEN[drawn(0, 7)], FAMILY[drawn(1, 6)]);
        let random: String = (8..16).map(|at| char::from(b'a' + drawn(at, 26) as u8)).collect();
        let (at, email) = match i {
            200..240 => (format!("2025-07-20 21:{:02}:{:02}", (i - 200) / 20, drawn(2, 60)), format!("{random}@gmail.com")),
            i if i % 60 == 7 && i < 360 => (
                format!("2025-{:02}-{:02} 10:{:02}:00", i / 34 + 1, i % 34 % 28 + 1, drawn(2, 60)),
                format!("lena+t{}@ons.nl", drawn(3, 200)),
            ),
            _ => (
                in_turn(i, [drawn(4, 15), drawn(5, 60), drawn(6, 60)]),
                format!("{}.{}{}@ziggo.nl", first.to_lowercase(), last.to_lowercase(), drawn(7, 99)),
            ),
        };
        let password = format!("$2y$10${}", &hash.to_hex()[..53]);
        dump.push_str(&format!("INSERT INTO members VALUES ({i}, '{first} {last}', '{email}', '{password}', '{at}');\n"));
    }
    of_members(desk, "testers", dump)
}

/// What a fixture says of one of its members besides the name.
struct Said {
    domain: String,
    phone: usize,
    at: String,
}

/// Writes 400 members with names and numbers in their addresses; `of` says the rest of each, by its place and what is drawn
/// for it, `(byte, bound)`.
fn four_hundred(desk: &Desk, name: &str, salt: usize, of: impl Fn(usize, &dyn Fn(usize, usize) -> usize) -> Said) -> Fixture {
    let mut dump =
        String::from("CREATE TABLE members (id integer PRIMARY KEY, full_name text, email text, phone text, created_at timestamp);\n");
    for i in 0..400_usize {
        let hash = blake3::hash(&(i + salt).to_le_bytes());
        let drawn = |at: usize, of: usize| usize::from(u16::from_le_bytes([hash.as_bytes()[at], hash.as_bytes()[at + 1]])) % of;
        let Said { domain, phone, at } = of(i, &drawn);
        let (first, last) = (GIVEN[drawn(0, 7)], FAMILY[drawn(2, 6)]);
        let local = format!("{}.{}{}", first.to_lowercase(), last.to_lowercase(), drawn(16, 999));
        dump.push_str(&format!("INSERT INTO members VALUES ({i}, '{first} {last}', '{local}@{domain}', '+31 {phone}', '{at}');\n"));
    }
    of_members(desk, name, dump)
}

/// Returns when a member came: 36 of a loop in four seconds of one night, the others in turn.
fn in_a_night(i: usize, drawn: &dyn Fn(usize, usize) -> usize) -> String {
    match i {
        200..236 => format!("2025-07-20 03:00:0{}.{:03}", (i - 200) / 9, drawn(4, 1_000)),
        _ => in_turn(i, [drawn(10, 15), drawn(12, 60), drawn(14, 60)]),
    }
}

fn drawn_phone(drawn: &dyn Fn(usize, usize) -> usize) -> usize {
    610_000_000 + drawn(6, 40_000) * 997 + drawn(8, 997)
}

/// Members of whom a loop gave each the number of the one before and 101.
fn callers(desk: &Desk) -> Fixture {
    four_hundred(desk, "callers", 7_000, |i, drawn| Said {
        domain: "ziggo.nl".to_owned(),
        phone: if (200..236).contains(&i) { 612_345_678 + (i - 200) * 101 } else { drawn_phone(drawn) },
        at: in_a_night(i, drawn),
    })
}

/// Members of whom a loop drew each address's domain from family names.
fn tenants(desk: &Desk) -> Fixture {
    const OWNERS: [&str; 12] =
        ["nader", "berge", "flatley", "abbott", "sawayn", "effertz", "cummings", "beatty", "howe", "towne", "windler", "ankunding"];
    four_hundred(desk, "tenants", 11_000, |i, drawn| Said {
        domain: match i {
            200..236 => format!("{}.{}", OWNERS[drawn(18, 12)], ["org", "net", "biz", "name"][drawn(20, 4)]),
            _ => "ziggo.nl".to_owned(),
        },
        phone: drawn_phone(drawn),
        at: in_a_night(i, drawn),
    })
}

/// Writes 400 members whose ids are ULIDs: 36 of a loop that drew the dates but not the ids, and 12 of a test that did so,
/// too, and put the clock into the address.
fn clocks(desk: &Desk) -> Fixture {
    let mut dump = String::from("CREATE TABLE members (id text PRIMARY KEY, full_name text, email text, created_at timestamp);\n");
    let begin = chrono::DateTime::parse_from_rfc3339("2025-01-06T08:00:00Z").expect("a time").timestamp_millis();
    let day = 86_400_000;
    for i in 0..400_usize {
        let hash = blake3::hash(&(i + 9_000).to_le_bytes());
        let drawn = |at: usize, of: i64| i64::from(u32::from_le_bytes(hash.as_bytes()[at..at + 4].try_into().expect("four bytes"))) % of;
        let made = begin + i as i64 * (day / 2) + drawn(0, 10 * 3_600_000);
        let run = begin + 200 * (day / 2);
        let (made, created) = match i {
            200..236 => (run + (i as i64 - 200) * 40, run - drawn(4, 150 * day)),
            300..312 => (made, made - drawn(4, 150 * day)),
            _ => (made, made),
        };
        let (first, last) = (GIVEN[drawn(8, 7) as usize], FAMILY[drawn(12, 6) as usize]);
        let local = match i {
            300..312 => format!("e2e-{made}"),
            _ => format!("{}.{}{}", first.to_lowercase(), last.to_lowercase(), drawn(16, 999)),
        };
        let id: String = (0..26)
            .map(|place| match place {
                0..10 => made >> (45 - 5 * place) & 31,
                _ => i64::from(hash.as_bytes()[place as usize]) & 31,
            })
            .map(|digit| char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[digit as usize]))
            .collect();
        let at = chrono::DateTime::from_timestamp_millis(created).expect("a time").format("%F %T%.3f");
        dump.push_str(&format!("INSERT INTO members VALUES ('{id}', '{first} {last}', '{local}@ziggo.nl', '{at}');\n"));
    }
    desk.write("clocks/dump.sql", dump);
    desk.write(&format!("clocks/{LABELS}"), "table,pk,label\n");
    Fixture::open(&desk.path("clocks"), &Loaded::default(), &Silent).expect("a fixture")
}

/// A seed without a place, whose children are a generator's companies.
fn strangers(desk: &Desk) -> Fixture {
    let (dump, labels) = crate::cohorts::scattered();
    desk.write("strangers/dump.sql", dump);
    desk.write(&format!("strangers/{LABELS}"), labels);
    Fixture::open(&desk.path("strangers"), &Loaded::default(), &Silent).expect("a fixture")
}

/// Teams of which a script cloned some from a template.
fn clones(desk: &Desk) -> Fixture {
    desk.write("clones/dump.sql", crate::copies::cloned());
    desk.write(&format!("clones/{LABELS}"), "table,pk,label\n");
    Fixture::open(&desk.path("clones"), &Loaded::default(), &Silent).expect("a fixture")
}

/// Detectors that need what no world has, a project's word on its seed; their own tests show what is found without.
const ASKED: [&str; 2] = ["reference-row", "seed-source"];

/// Switches detectors off one by one, and names those without which everything is as it was.
fn idle(fixture: &mut Fixture, ids: &[&'static str]) -> Vec<&'static str> {
    let whole = run(fixture, Scope::default());
    ids.iter().copied().filter(|id| run(fixture, Scope { off: Some(id), ..Scope::default() }).digest == whole.digest).collect()
}

#[test]
fn what_no_world_shows_makes_a_difference_in_a_fixture() {
    let desk = Desk::on_the_clock();
    let ids = ["generator-image", "test-payment", "counted-name", "patterned-id", "short-token", "outside-subject"];
    assert_eq!(idle(&mut guests(&desk), &ids), Vec::<&str>::new());
    assert_eq!(idle(&mut testers(&desk), &["random-handle", "tagged-mailbox"]), Vec::<&str>::new());
    assert_eq!(idle(&mut strangers(&desk), &["changed-at-once", "generator-company"]), Vec::<&str>::new());
    assert_eq!(idle(&mut callers(&desk), &["even-step"]), Vec::<&str>::new());
    assert_eq!(idle(&mut clocks(&desk), &["clock-text", "id-clock"]), Vec::<&str>::new());
    assert_eq!(idle(&mut tenants(&desk), &["generator-domain"]), Vec::<&str>::new());
    assert_eq!(idle(&mut clones(&desk), &["recurring-block"]), Vec::<&str>::new());
    let folder = root().join("fixtures/storefront");
    let mut storefront = Fixture::open(&folder, &Loaded::default(), &Silent).expect("a fixture");
    assert_eq!(idle(&mut storefront, &["unrounded-amount", "wrong-duration"]), Vec::<&str>::new());
}

#[test]
fn every_detector_makes_a_difference() {
    if std::env::var_os("UNSEED_FULL").is_none() {
        skipped("every detector off", "one run a detector; UNSEED_FULL=1 asks for it");
        return;
    }
    let Some(sample) = Sample::new("every detector off", EVERY) else { return };
    let mut all: Vec<&str> = unseed::detect::DETECTORS.iter().map(|d| d.meta().id).filter(|id| !ASKED.contains(id)).collect();
    // Those that no world shows have a fixture of their own.
    for folder in unseed::labelled::fixtures(&root().join("fixtures")).expect("fixtures") {
        let mut fixture = Fixture::open(&folder, &Loaded::default(), &Silent).expect("a fixture");
        all = idle(&mut fixture, &all);
    }
    let desk = Desk::on_the_clock();
    for fixture in [guests, testers, strangers, callers, clocks, tenants, clones] {
        all = idle(&mut fixture(&desk), &all);
    }
    println!("the fixtures leave {}", all.join(", "));
    let open = Mutex::new(all);
    sample.each(|labelled| {
        let asked = open.lock().expect("a lock").clone();
        if labelled.kind == Kind::Clean || asked.is_empty() {
            return;
        }
        let desk = Desk::on_the_clock();
        let still = idle(&mut self::open(&desk, labelled), &asked);
        let shown: Vec<&str> = asked.into_iter().filter(|id| !still.contains(id)).collect();
        let mut open = open.lock().expect("a lock");
        let before = open.len();
        open.retain(|id| !shown.contains(id));
        if open.len() < before {
            println!("{} ({}) shows {}", labelled.name, labelled.about, shown.join(", "));
        }
    });
    let open_ones = open.into_inner().expect("detectors");
    assert!(open_ones.is_empty(), "switched off, these change nothing: {open_ones:?}");
}

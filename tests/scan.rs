//! Verdicts on the fixtures, from every form in which they may be handed over.

use crate::generator::storefront;
use crate::generator::world::Form;
use crate::harness::{Desk, fixture, labels, verdicts};

/// Checks a scanned storefront against its labels.
#[track_caller]
fn is_the_incident(desk: &Desk) {
    let labels = labels(&fixture("storefront/labels.csv"));
    let verdicts = verdicts(&desk.case("out/case.db"));
    let verdict = |row: &(String, String)| verdicts.get(row).map_or("real", String::as_str);
    // The seed's payments on real users, which need a person's look.
    let owners = desk.case("out/case.db");
    let mut on_real = Vec::new();
    for (row, label) in &labels {
        match label.as_str() {
            "seeded" if row.0 == "payments" && !owner_is_seeded(&owners, &row.1, &labels) => on_real.push(row.clone()),
            "seeded" => assert_eq!(verdict(row), "seeded", "{row:?}"),
            "protected" => assert_eq!(verdict(row), "protected", "{row:?}"),
            _ => assert_eq!(verdict(row), "real", "{row:?}"),
        }
    }
    assert_eq!(on_real.len(), 10);
    for row in on_real {
        assert!(matches!(verdict(&row), "review" | "seeded"), "{row:?} is {}", verdict(&row));
    }
}

fn owner_is_seeded(case: &rusqlite::Connection, key: &str, labels: &std::collections::BTreeMap<(String, String), String>) -> bool {
    let id: i64 = key.trim_matches(['[', ']', '"']).parse().expect("an integer key");
    let owner: i64 = case.query_row("SELECT user_id FROM payments WHERE id = ?1", [id], |row| row.get(0)).expect("a payment");
    labels[&("users".to_owned(), format!("[\"{owner}\"]"))] == "seeded"
}

#[test]
fn storefront_as_copy() {
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    is_the_incident(&desk);
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out", "--fail-on", "review"]).exits(1);
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out", "--fail-on", "seeded"]).exits(1);
}

#[test]
fn storefront_as_inserts_and_as_a_sqlite_file() {
    let world = storefront::storefront();
    let desk = Desk::new();
    desk.write("dump.sql", world.pg_dump(Form::Inserts));
    desk.unseed("scan dump.sql -o out").exits(0);
    is_the_incident(&desk);

    let desk = Desk::new();
    let db = rusqlite::Connection::open(desk.path("site.sqlite")).expect("a database");
    for table in &world.tables {
        let columns: Vec<String> =
            table.columns.iter().map(|(n, _)| if *n == "id" { "id INTEGER PRIMARY KEY".to_owned() } else { format!("{n} TEXT") }).collect();
        let keys = table.references.iter().map(|r| format!(", FOREIGN KEY ({}) REFERENCES {}(id)", r.column, r.parent));
        db.execute_batch(&format!("CREATE TABLE {} ({}{}); BEGIN;", table.name, columns.join(", "), keys.collect::<String>()))
            .expect("a table");
        let holes: Vec<&str> = table.columns.iter().map(|_| "?").collect();
        let mut insert = db.prepare(&format!("INSERT INTO {} VALUES ({})", table.name, holes.join(","))).expect("an insert");
        for row in &table.rows {
            insert.execute(rusqlite::params_from_iter(row)).expect("a row");
        }
        db.execute_batch("COMMIT").expect("a commit");
    }
    drop(db);
    desk.unseed("scan site.sqlite -o out").exits(0);
    // The file keeps keys as text where its columns say so; what is compared is the verdict by key.
    let seeded: i64 = desk
        .case("out/case.db")
        .query_row("SELECT count(*) FROM unseed_verdicts WHERE verdict = 'seeded'", [], |r| r.get(0))
        .expect("a count");
    assert_eq!(seeded, 213);
}

#[test]
fn storefront_as_a_folder_of_csv() {
    let desk = Desk::new();
    for (name, text) in storefront::storefront().csv() {
        desk.write(&format!("export/{name}"), text);
    }
    desk.unseed("scan export -o out").exits(0);
    is_the_incident(&desk);
}

#[test]
fn clean_is_clean() {
    let desk = Desk::new();
    let ran = desk.run(&["scan", &fixture("clean/dump.sql"), "-o", "out", "--fail-on", "unchecked"]).exits(0);
    assert!(ran.out.contains("CLEAN"), "{}", ran.out);
    let case = desk.case("out/case.db");
    let flagged: i64 =
        case.query_row("SELECT count(*) FROM unseed_verdicts WHERE verdict IN ('seeded', 'review')", [], |r| r.get(0)).expect("a count");
    assert_eq!(flagged, 0);
    // The admin is always listed; rows anonymised on request only where they would have been suspicious.
    assert_eq!(verdicts(&case).get(&("users".to_owned(), "[\"1\"]".to_owned())).map(String::as_str), Some("protected"));
    let imported: i64 = case.query_row("SELECT count(*) FROM unseed_spared WHERE table_name = 'users'", [], |r| r.get(0)).expect("a count");
    assert!(imported >= 300, "the bulk import is spared, not overlooked: {imported}");
}

#[test]
fn reasons_sum_to_bits() {
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let case = desk.case("out/case.db");
    for table in ["unseed_verdicts", "unseed_spared"] {
        let mut statement = case.prepare(&format!("SELECT bits, reasons FROM {table}")).expect("a query");
        let rows = statement.query_map([], |row| Ok((row.get::<_, f64>(0)?, row.get::<_, String>(1)?))).expect("rows");
        let mut count = 0;
        for row in rows {
            let (bits, reasons) = row.expect("a row");
            let reasons: Vec<serde_json::Value> = serde_json::from_str(&reasons).expect("reasons");
            let sum: f64 = reasons.iter().map(|r| r["bits"].as_f64().expect("bits")).sum();
            assert!((sum - bits).abs() < 0.005, "{sum} {bits}");
            assert!(reasons.iter().all(|r| r["detector"].is_string() && r["family"].is_string() && r["detail"].is_string()));
            count += 1;
        }
        assert!(count > 0, "{table}");
    }
}

#[test]
fn ordinary_cases_have_ordinary_words() {
    let desk = Desk::new();
    desk.write(
        "empty.sql",
        "CREATE TABLE public.users (id integer NOT NULL, email text);\nCOPY public.users (id, email) FROM stdin;\n\\.\n",
    );
    let ran = desk.unseed("scan empty.sql -o out --fail-on review").exits(0);
    assert!(ran.out.contains("UNCHECKED") && ran.out.contains("empty"), "{}", ran.out);
    desk.unseed("scan empty.sql -o out --fail-on unchecked").exits(1);

    desk.write(
        "nobody.sql",
        "CREATE TABLE public.readings (id integer, value numeric(6,2));\nINSERT INTO public.readings VALUES (1, 2.50), (2, 3.50);\n",
    );
    let ran = desk.unseed("scan nobody.sql -o out2").exits(0);
    assert!(ran.out.contains("UNCHECKED") && ran.out.contains("no table of people"), "{}", ran.out);
}

#[test]
fn the_page_loads_nothing_and_carries_no_inline_code() {
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let html = std::fs::read_to_string(desk.path("out/report.html")).expect("a report");
    for forbidden in ["http://", "https://", " src=", " style=", " onload", " onclick", "url(", "@import", "innerHTML", "eval("] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path("out/report.json")).expect("a report")).expect("JSON");
    assert_eq!((json["schema_version"].as_str(), json["verdict"].as_str()), (Some("1.0"), Some("seeded")));
    for result in json["detectors"].as_array().expect("detectors") {
        assert!(["found", "nothing", "not applicable"].contains(&result["result"].as_str().expect("a result")));
    }
}

#[test]
fn any_row_can_be_explained() {
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let seeded = desk.unseed("review out/case.db explain users 4685").exits(0).out;
    assert!(
        seeded.contains("users [\"4685\"]: seeded") && seeded.contains("numbered-template") && seeded.contains("in cohort c"),
        "{seeded}"
    );
    let real = desk.unseed("review out/case.db explain users 40").exits(0).out;
    assert!(real.contains("real") && real.contains("prior") && real.contains("later-activity") && real.contains("-26.00  sum"), "{real}");
    desk.unseed("review out/case.db explain users 999999").exits(2).says(&["no row with key 999999"]);
}

#[test]
fn protect_rules_keep_rows() {
    let desk = Desk::new();
    desk.write(
        "unseed.toml",
        "[[protect]]\nid = \"sales\"\ntable = \"users\"\nwhere = { column = \"email\", in = [\"user7@test.com\"] }\nreason = \"the sales demo\"\n",
    );
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let case = desk.case("out/case.db");
    let verdict: (String, String) = case
        .query_row(
            "SELECT v.verdict, v.reasons FROM unseed_verdicts v JOIN users u ON v.row_key = json_array(cast(u.id AS text)) WHERE v.table_name = 'users' AND u.email = 'user7@test.com'",
            [],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .expect("a verdict");
    assert_eq!(verdict.0, "protected");
    assert!(verdict.1.contains("the sales demo (rule sales of unseed.toml)"), "{}", verdict.1);
}

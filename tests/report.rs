//! Reports: every renderer gives the same counts, schemas are what the types say, sizes have a bound.

use std::collections::BTreeMap;

use crate::harness::{Desk, fixture, root};

type Counts = BTreeMap<String, [u64; 5]>;

/// Takes the numbers out of a text: commas between thousands are dropped.
fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace().filter_map(|w| if w == "-" { Some(0) } else { w.replace(',', "").parse().ok() }).collect()
}

fn five(numbers: &[u64]) -> [u64; 5] {
    numbers.get(..5).expect("five counts").try_into().expect("five counts")
}

fn of_html(html: &str, names: &[String]) -> Counts {
    let body = &html[html.find("id=\"before-after\"").expect("the section")..];
    let counts = |name: &String| {
        let row = &body[body.find(&format!("<th scope=\"row\"><bdi>{name}</bdi></th>")).expect("a row")..];
        let row = &row[row.find("</th>").expect("an end")..row.find("</tr>").expect("an end")];
        let mut text = String::new();
        let mut inside = false;
        for c in row.chars() {
            inside = c == '<' || inside && c != '>';
            text.push(if inside || c == '>' { ' ' } else { c });
        }
        (name.clone(), five(&numbers(&text)))
    };
    names.iter().map(counts).collect()
}

#[test]
fn every_renderer_gives_the_same_counts() {
    let desk = Desk::new();
    let scanned = desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    desk.unseed("report out/case.db -o out --format html,json,csv,junit,markdown").exits(0);
    let read = |name: &str| std::fs::read_to_string(desk.path(&format!("out/{name}"))).expect(name);
    let json: serde_json::Value = serde_json::from_str(&read("report.json")).expect("JSON");
    let tables = json["tables"].as_array().expect("tables");
    let name = |t: &serde_json::Value| t["name"].as_str().expect("a name").to_owned();
    let expected: Counts = tables
        .iter()
        .map(|t| (name(t), ["rows", "seeded", "review", "protected", "remaining"].map(|k| t[k].as_u64().expect("a count"))))
        .collect();
    let names: Vec<String> = expected.keys().cloned().collect();
    assert!(expected.values().any(|c| c[1] > 0));

    let case = desk.case("out/case.db");
    for (name, counts) in &expected {
        let stored: (u64, u64, u64, u64) = case
            .query_row("SELECT rows, seeded, review, protected FROM unseed_table_summary WHERE table_name = ?1", [name], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
            })
            .expect("a summary");
        assert_eq!((counts[0], counts[1], counts[2], counts[3]), stored, "{name}");
        assert_eq!(counts[4], counts[0] - counts[1]);
    }
    assert_eq!(of_html(&read("report.html"), &names), expected, "html");

    let mut csv_counts = Counts::new();
    let mut csv_cohorts = Vec::new();
    let text = read("report.csv");
    for record in csv::Reader::from_reader(text.as_bytes()).records() {
        let record = record.expect("a record");
        let figures = || five(&record.iter().skip(5).take(5).map(|c| c.parse().expect("a count")).collect::<Vec<u64>>());
        match &record[0] {
            "table" => {
                csv_counts.insert(record[2].to_owned(), figures());
            }
            "cohort" => csv_cohorts.push((record[1].to_owned(), record[5].parse::<u64>().expect("a count"))),
            "snapshot" => assert_eq!(record[4].to_owned(), json["verdict"].as_str().expect("a verdict")),
            _ => {}
        }
    }
    assert_eq!(csv_counts, expected, "csv");

    let markdown = read("report.md");
    let lines = |text: &str| -> Counts {
        let row = |name: &String| {
            let line = text.lines().find(|l| l.trim_start_matches(['|', ' ']).starts_with(&format!("{name} "))).expect("a line");
            (name.clone(), five(&numbers(&line.replace('|', " "))))
        };
        names.iter().map(row).collect()
    };
    assert_eq!(lines(&markdown), expected, "markdown");
    assert_eq!(lines(&scanned.out), expected, "terminal");

    let xml = read("report.junit.xml");
    let property = |name: &str, word: &str| -> u64 {
        let start = format!("<property name=\"{name}.{word}\" value=\"");
        let value = &xml[xml.find(&start).expect("a property") + start.len()..];
        value[..value.find('"').expect("an end")].parse().expect("a count")
    };
    for (name, counts) in &expected {
        assert_eq!(&["rows", "seeded", "review", "protected", "remaining"].map(|w| property(name, w)), counts, "junit");
    }

    let cohorts: Vec<(String, u64)> = json["cohorts"]
        .as_array()
        .expect("cohorts")
        .iter()
        .map(|c| (c["id"].as_str().expect("an id").to_owned(), c["rows"].as_u64().expect("a count")))
        .collect();
    assert_eq!(csv_cohorts, cohorts);
    let html = read("report.html");
    for (id, rows) in &cohorts {
        assert!(html.contains(&format!("<code>{id}</code> · {rows} rows")), "{id} in html");
        assert!(markdown.contains(&format!("**{id}**")) && markdown.contains(&format!("{rows} rows")), "{id} in markdown");
        assert!(xml.contains(&format!("name=\"{id}\"")) && xml.contains(&format!("{rows} rows&#10;")), "{id} in junit");
        assert!(scanned.out.contains(id), "{id} on the terminal");
    }
}

#[test]
fn money_is_summed_exactly() {
    let desk = Desk::new();
    desk.write("schema.sql", "CREATE TABLE public.users (id integer PRIMARY KEY, email text, created_at timestamp);\nCREATE TABLE public.payments (id integer PRIMARY KEY, user_id integer REFERENCES public.users(id), amount numeric(20,2), currency varchar(3), created_at timestamp);\n");
    let mut users = String::from("id,email,created_at\n");
    let mut payments = String::from("id,user_id,amount,currency,created_at\n");
    for i in 1..=50 {
        users.push_str(&format!("{i},name{}x@mail{i}.example.net,2025-03-{:02} 10:{:02}:07\n", i * 7, 1 + i % 28, i));
        // 0.10 is no binary fraction, and the large one has more digits than a float.
        payments.push_str(&format!(
            "{i},{i},{},{},2025-04-{:02} 11:{:02}:09\n",
            if i == 50 { "9007199254740993.01" } else { "0.10" },
            if i % 2 == 0 { "EUR" } else { "USD" },
            1 + i % 28,
            i
        ));
    }
    desk.write("export/users.csv", users);
    desk.write("export/payments.csv", payments);
    desk.unseed("scan schema.sql export -o out").exits(0);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path("out/report.json")).expect("a report")).expect("JSON");
    let figures = json["figures"]["figures"].as_array().expect("figures");
    let sum = |unit: &str| figures.iter().find(|f| f["unit"] == unit).expect("a sum")["before"].as_str().expect("a decimal").to_owned();
    assert_eq!((sum("EUR"), sum("USD")), ("9007199254740995.41".to_owned(), "2.50".to_owned()));
}

/// Compares a committed schema with what the types say; `UNSEED_BLESS=1` rewrites it.
fn is_current(name: &str, what: &str) {
    let path = root().join("src/report/schema").join(name);
    let made = Desk::new().run(&["schema", what]).exits(0).out;
    if std::env::var_os("UNSEED_BLESS").is_some() {
        std::fs::write(&path, &made).expect("a schema");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "{} differs: UNSEED_BLESS=1 cargo test --release schemas", path.display());
}

#[test]
fn schemas_are_what_the_types_say() {
    is_current("report.v1.schema.json", "report");
    is_current("unseed-toml.schema.json", "config");
}

#[test]
fn values_are_masked_unless_asked_for() {
    let desk = Desk::new();
    let text = std::fs::read_to_string(fixture("storefront/dump.sql")).expect("a dump");
    let column = |line: &str, n: usize| line.split('\t').nth(n).expect("a column").to_owned();
    let users = text.lines().skip_while(|l| !l.starts_with("COPY public.users")).skip(1).take_while(|l| *l != "\\.");
    let people: Vec<String> = users.map(|l| column(l, 1)).filter(|e| !e.ends_with("@test.com")).collect();
    for mode in [None, Some("full")] {
        let out = mode.unwrap_or("default");
        let input = fixture("storefront/dump.sql");
        let mut words = vec!["scan", &input, "-o", out];
        words.extend(mode.iter().flat_map(|m| ["--redact", m]));
        let ran = desk.run(&words).exits(0);
        for name in ["report.html", "report.json"] {
            let report = std::fs::read_to_string(desk.path(&format!("{out}/{name}"))).expect(name);
            for email in &people {
                assert!(!report.contains(email) && !ran.out.contains(email), "{email} in {name}");
            }
        }
    }
    let html = std::fs::read_to_string(desk.path("default/report.html")).expect("a page");
    assert!(html.contains("values masked: partly"), "the mode is printed");
}

/// A report's size depends on the number of cohorts, never on that of rows: the largest that can be shown.
#[test]
fn a_hundred_cohorts_fit_two_megabytes() {
    use unseed::model::{Bits, Cohort, CohortId, CohortTable, Family, Reason, RowVerdict, TableId, Verdict};
    let desk = Desk::new();
    let mut users = String::from("id,email,full_name,headline,bio,status,city,created_at\n");
    for i in 1..=13_600_u32 {
        let long = format!("words {i} that say little and go on and on and on ").repeat(6);
        users.push_str(&format!(
            "{i},name{}@mail{}.example.net,Given{i} Family{i},{long},{long},{long},{long},2025-03-{:02} {:02}:{:02}:07\n",
            i * 7 % 100_003,
            i % 90,
            1 + i % 28,
            i % 24,
            i % 60
        ));
    }
    desk.write("users.csv", users);
    desk.unseed("ingest users.csv -o case.db").exits(0);
    desk.unseed("analyze case.db").exits(0);
    let mut case = unseed::snapshot::Case::open(&desk.path("case.db")).expect("a case");
    let words = "40 rows of different days share their time of day, as back-dating leaves it: and more of this".to_owned();
    case.transaction(|case| {
        case.clear_analysis()?;
        for cohort in 0..100_u32 {
            let id = CohortId(format!("c{cohort:08x}"));
            // A hundred seeded rows, twenty-five in review, and six protected ones beside them.
            let rows: Vec<u32> = (cohort * 131..cohort * 131 + 131).collect();
            for (place, row) in rows.iter().enumerate() {
                let verdict = match place {
                    0..100 => Verdict::Seeded,
                    100..125 => Verdict::Review,
                    _ => Verdict::Protected,
                };
                let term = |detector: &str, bits: f64| Reason {
                    detector: detector.to_owned().into(),
                    family: "template".into(),
                    bits: Bits::new(bits),
                    detail: words.as_str().into(),
                };
                let mut reasons = vec![
                    term("prior", -10.0),
                    term("numbered-template", 12.0),
                    term("shared-credential", 12.0),
                    term("arrival-train", 4.0),
                    term("cohort", 12.0),
                ];
                if verdict == Verdict::Protected {
                    reasons.push(term("protect", 0.0));
                }
                let verdict =
                    RowVerdict { table: TableId(0), row: *row, verdict, bits: Bits::new(30.0), cohort: Some(id.clone()), reasons };
                case.put_verdict(&verdict, &format!("{row:032x}"))?;
            }
            let cohort = Cohort {
                id,
                title: format!("user{{n}}@test{cohort}.example.com"),
                tables: vec![CohortTable { table: TableId(0), rows }],
                families: vec![(Family::Template, Bits::new(12.0))],
                bits: Bits::new(900.0),
                convicted: true,
                declared: false,
                first_at: Some(0),
                last_at: Some(1),
                findings: vec![words.clone(); 9],
            };
            case.put_cohort(&cohort, &format!("{:032x}", cohort.rows()))?;
        }
        case.set_meta("verdict", "seeded")
    })
    .expect("verdicts");
    drop(case);
    desk.unseed("report case.db -o out").exits(0);
    let html = std::fs::read_to_string(desk.path("out/report.html")).expect("a page");
    assert_eq!(html.matches("data-cohort=\"").count(), 100);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path("out/report.json")).expect("a report")).expect("JSON");
    let listed = json["listed"].as_array().expect("rows").len();
    assert!(html.len() <= 2_000_000, "{} bytes", html.len());
    assert!(html.len() >= 1_000_000 && listed >= 500, "what fits is shown: {} bytes, {listed} rows", html.len());
    assert!(html.contains(" of 2,500 rows"), "and what does not is counted");
}

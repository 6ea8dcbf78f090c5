//! Forty hostile values in every text column: inert in HTML, CSV, Markdown, XML, JSON, on a terminal and in SQL.

use crate::harness::{Desk, Postgres, root};

/// The values; `LONG` stands for a megabyte.
fn values() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("tests/hostile.json")).expect("values");
    let values: Vec<String> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(values.len(), 40);
    values.into_iter().map(|v| if v == "LONG" { "<b>long</b>".repeat(95_326) } else { v }).collect()
}

const TEXTS: [&str; 5] = ["full_name", "headline", "bio", "status", "note"];

/// Rows of the seed that a report shows; five columns of eight rows hold each of the forty values once.
const SHOWN: [usize; 8] = [0, 12, 25, 37, 50, 62, 75, 99];

/// A site of 400 people and a seed of 100, whose text columns hold the values. A NUL has no place in Postgres.
fn rows(nul: bool) -> Vec<Vec<String>> {
    let values = values();
    let clean = |text: &str| if nul { text.to_owned() } else { text.replace('\0', "\u{1}") };
    let mut rows = Vec::new();
    for i in 0..400_u32 {
        let name = format!("{}{}", ["mara", "jon", "ida", "sven", "lou", "kim", "pat"][(i % 7) as usize], i * 7919 % 1000);
        let (day, hour, second) = (1 + i * 13 % 28, i * 7 % 24, i * 31 % 60);
        let mut row =
            vec![(i + 1).to_string(), format!("{name}@mail{}.example.net", i % 50), format!("$2b$10${:022}", u64::from(i) * 7_919_999_983)];
        row.extend((0..5).map(|c| format!("{name} {}", i * (c + 3) % 97)));
        row.push(format!("2025-{:02}-{day:02} {hour:02}:{:02}:{second:02}.{:03}", 1 + i % 12, i * 17 % 60, i * 137 % 1000));
        rows.push(row);
    }
    for i in 0..100_usize {
        let mut row = vec![(401 + i).to_string(), format!("user{}@test.com", i + 1), "hashed_password_123".to_owned()];
        let value = |c: usize| SHOWN.iter().position(|s| *s == i).map_or((i + c * 7) % 40, |shown| shown * 5 + c);
        row.extend((0..5).map(|c| clean(&values[value(c)])));
        row.push(format!("2026-01-12 14:06:{:02}.{:03}", 43 + i / 10, i % 10 * 95));
        rows.push(row);
    }
    rows
}

fn columns() -> Vec<String> {
    let mut columns = vec!["id".to_owned(), "email".to_owned(), "password".to_owned()];
    columns.extend(TEXTS.iter().map(|c| (*c).to_owned()));
    columns.push("created_at".to_owned());
    columns
}

fn sqlite(desk: &Desk) {
    let db = rusqlite::Connection::open(desk.path("site.sqlite")).expect("a database");
    let list: Vec<String> =
        columns().iter().map(|c| if c == "id" { "id INTEGER PRIMARY KEY".to_owned() } else { format!("{c} TEXT") }).collect();
    db.execute_batch(&format!("CREATE TABLE users ({}); BEGIN;", list.join(", "))).expect("a table");
    for row in rows(true) {
        db.execute(&format!("INSERT INTO users VALUES ({})", vec!["?"; row.len()].join(", ")), rusqlite::params_from_iter(row))
            .expect("a row");
    }
    db.execute_batch("COMMIT").expect("a commit");
}

fn dump() -> String {
    let copy =
        |text: &str| text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r").replace('\u{8}', "\\b");
    let mut out = String::from(
        "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.4\n\nSET standard_conforming_strings = on;\n\n",
    );
    let list: Vec<String> = columns()
        .iter()
        .map(|c| {
            if c == "id" {
                "    id integer NOT NULL".to_owned()
            } else if c == "created_at" {
                "    created_at timestamp(3) without time zone".to_owned()
            } else {
                format!("    {c} text")
            }
        })
        .collect();
    out.push_str(&format!("CREATE TABLE public.users (\n{}\n);\n\n", list.join(",\n")));
    // A name may be as hostile as a value.
    out.push_str("CREATE TABLE public.\"n*/;--<b>|`=1\" (\n    id integer NOT NULL,\n    \"u\"\"<i>\" integer\n);\n\n");
    out.push_str(&format!("COPY public.users ({}) FROM stdin;\n", columns().join(", ")));
    for row in rows(false) {
        out.push_str(&row.iter().map(|c| copy(c)).collect::<Vec<_>>().join("\t"));
        out.push('\n');
    }
    out.push_str("\\.\n\nCOPY public.\"n*/;--<b>|`=1\" (id, \"u\"\"<i>\") FROM stdin;\n");
    for i in 0..60 {
        out.push_str(&format!("{}\t{}\n", i + 1, 401 + i));
    }
    out.push_str("\\.\n\nALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);\n");
    out.push_str("ALTER TABLE ONLY public.\"n*/;--<b>|`=1\" ADD CONSTRAINT n_pkey PRIMARY KEY (id);\n");
    out.push_str("ALTER TABLE ONLY public.\"n*/;--<b>|`=1\" ADD CONSTRAINT \"n'fk\" FOREIGN KEY (\"u\"\"<i>\") REFERENCES public.users(id);\n\n-- PostgreSQL database dump complete\n");
    out
}

/// Characters that act instead of showing.
fn acts(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[track_caller]
fn shows_only(what: &str, text: &str) {
    if let Some(at) = text.find(acts) {
        let from = text.floor_char_boundary(at.saturating_sub(60));
        panic!("{what} holds {:?} after {:?}", text[at..].chars().next(), &text[from..at]);
    }
}

/// Asserts that the page has no element and no attribute but its own.
#[track_caller]
fn is_inert_page(html: &str) {
    const ELEMENTS: &str = " a aside b bdi body br button caption code dd desc details div dl dt figcaption figure footer g h1 h2 h3 head header html i input li main mark meta nav noscript p path rect script section span style summary svg table tbody td text tfoot th thead title tr ul ";
    const ATTRIBUTES: &str = " aria-hidden aria-label aria-labelledby charset class content d data-cohort data-decide data-row height href http-equiv id lang name open preserveAspectRatio role rx scope tabindex text-anchor title type vector-effect viewBox width x y ";
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a document type");
    let mut scripts = 0;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let closing = rest.starts_with('/');
        rest = rest.trim_start_matches('/');
        let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(ELEMENTS.contains(&format!(" {name} ")), "an element {name:?} near {:?}", &rest[..rest.floor_char_boundary(80)]);
        rest = &rest[name.len()..];
        while !rest.starts_with('>') {
            rest = rest.trim_start();
            let attribute: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            assert!(!closing && ATTRIBUTES.contains(&format!(" {attribute} ")), "an attribute {attribute:?} of {name}");
            rest = &rest[attribute.len()..];
            if let Some(value) = rest.strip_prefix("=\"") {
                let end = value.find('"').expect("a closed attribute");
                if attribute == "href" {
                    assert!(value.starts_with('#'), "{}", &value[..end]);
                }
                rest = &value[end + 1..];
            }
        }
        // What is inside a style or script is not markup; both are ours, which their hashes prove.
        if !closing && (name == "script" || name == "style") {
            scripts += usize::from(name == "script");
            rest = &rest[rest.find(&format!("</{name}>")).expect("an end")..];
        }
    }
    assert_eq!(scripts, 2, "the data and the page's own script");
}

fn reports_are_inert(desk: &Desk, input: &str) {
    for mode in ["partial", "none", "full"] {
        let ran = desk.run(&["scan", input, "-o", mode, "--redact", mode]).exits(0);
        shows_only("scan", &ran.out);
        shows_only("scan's messages", &ran.err);
        assert!(ran.out.contains("SEEDED"), "{}", ran.out);
        let case = format!("{mode}/case.db");
        desk.run(&["report", &case, "-o", mode, "--redact", mode, "--format", "html,json,csv,junit,markdown"]).exits(0);
        let read = |name: &str| std::fs::read_to_string(desk.path(&format!("{mode}/{name}"))).expect(name);
        let html = read("report.html");
        is_inert_page(&html);
        shows_only("report.html", &html);
        assert!(html.len() < 400_000, "{} bytes", html.len());
        let markdown = read("report.md");
        shows_only("report.md", &markdown);
        assert!(!markdown.contains('<'), "{markdown}");
        let xml = read("report.junit.xml");
        shows_only("report.junit.xml", &xml);
        let json = read("report.json");
        shows_only("report.json", &json);
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
        let csv = read("report.csv");
        for record in csv::Reader::from_reader(csv.as_bytes()).records() {
            for cell in &record.expect("a record") {
                let formula = cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']);
                assert!(!formula || cell[1..].bytes().all(|b| b.is_ascii_digit() || b == b'.'), "{cell}");
                shows_only("report.csv", cell);
            }
        }
    }
    // With values shown, each of the forty is on the page, cut and with what acts made visible.
    let html = std::fs::read_to_string(desk.path("none/report.html")).expect("a page");
    for part in [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "gnp.exe",
        "DROP TABLE users",
        "=HYPERLINK",
        "+1048466 characters",
        "\u{27e8}U+001B\u{27e9}",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let cohort = crate::harness::cohort(&desk.case("none/case.db"));
    for words in [vec!["list"], vec!["show", &cohort, "--rows", "100"], vec!["explain", "users", "420"], vec!["log"], vec!["export"]] {
        let mut all = vec!["review", "none/case.db"];
        all.extend(words);
        let ran = desk.run(&all).exits(0);
        shows_only(&all.join(" "), &ran.out);
        shows_only(&all.join(" "), &ran.err);
    }
}

#[test]
fn reports_of_a_sqlite_file() {
    let desk = Desk::new();
    sqlite(&desk);
    reports_are_inert(&desk, "site.sqlite");
}

#[test]
fn reports_and_scripts_of_a_dump() {
    // The server goes by its own clock.
    let desk = Desk::on_the_clock();
    desk.write("dump.sql", dump());
    reports_are_inert(&desk, "dump.sql");
    let cohort = crate::harness::cohort(&desk.case("none/case.db"));
    desk.run(&["review", "none/case.db", "approve", &cohort, "--tables", "all", "--include-review", "--reason", "\u{1b}[2J*/ x"]).exits(0);
    let ran = desk.unseed("plan none/case.db -o plan").exits(0);
    shows_only("plan", &ran.out);
    for name in ["delete.sql", "undo.sql", "verify.sql"] {
        let script = std::fs::read_to_string(desk.path(&format!("plan/{name}"))).expect(name);
        for line in script.lines().filter(|l| l.trim_start().starts_with("--")) {
            shows_only(name, line);
            assert!(!line.contains("touch /tmp"), "{line}");
        }
    }
    let Some(server) = Postgres::new("hostile") else { return };
    server.restore(&desk.path("dump.sql").display().to_string());
    assert_eq!(server.script(&desk.path("plan/delete.sql"), None), "UNSEED DRY-RUN-OK");
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path("plan/plan.json")).expect("a plan")).expect("JSON");
    let token = plan["plan_id"].as_str().expect("a plan's id");
    let before = server.tables();
    let applied = server.script(&desk.path("plan/delete.sql"), Some(token));
    assert!(applied.starts_with("UNSEED APPLIED"), "{applied}");
    let undone = server.script(&desk.path("plan/undo.sql"), Some(token));
    assert!(undone.starts_with("UNSEED UNDONE"), "{undone}");
    assert!(server.tables() == before, "every byte is back");
    assert!(!std::path::Path::new("/tmp/unseed-hostile").exists());
}

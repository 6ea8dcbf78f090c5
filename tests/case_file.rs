//! What the case file promises: any SQLite tool opens it, every value is as it was, every byte is accounted for.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Desk, fixture};

const TORTURE: &str = r#"--
-- PostgreSQL database dump
--
\restrict abc
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $_$ COPY x FROM stdin; SELECT ';' $_$;
CREATE TABLE public."Wéird ""T""" (
    "Id" bigint NOT NULL,
    "a b" text,
    n numeric(10,2),
    flag boolean,
    raw bytea,
    at timestamp with time zone,
    tags text[],
    doubled integer GENERATED ALWAYS AS (1 + 1) STORED
);
CREATE TABLE public.nocols (
);
COPY public."Wéird ""T""" ("Id", "a b", n, flag, raw, at, tags) FROM stdin;
1	it's \\ a\ttab	1.10	t	\\x00ff	2024-02-29 18:29:59.999999+00	{"a,b","c\\"d",NULL}
9223372036854775807	\N	-0	f	\N	infinity	{}
3		007	\N	\\x	\N	\N
4	-- COPY ; ' $$ \\.	1e-320	t	\\x0a	0001-01-01 00:00:00+00 BC	\N
\.
COPY public.nocols  FROM stdin;


\.
ALTER TABLE ONLY public."Wéird ""T""" ADD CONSTRAINT k PRIMARY KEY ("Id");
\unrestrict abc
--
-- PostgreSQL database dump complete
--
"#;

#[test]
fn values_are_as_they_were() {
    let desk = Desk::new();
    desk.write("dump.sql", TORTURE);
    desk.unseed("ingest dump.sql -o case.db").exits(0);
    let case = desk.case("case.db");
    let row = |id: i64| -> Vec<rusqlite::types::Value> {
        case.query_row("SELECT * FROM \"Wéird \"\"T\"\"\" WHERE \"Id\" = ?1", [id], |r| (0..8).map(|i| r.get(i)).collect()).expect("a row")
    };
    use rusqlite::types::Value::{Blob, Integer, Null, Text};
    let text = |t: &str| Text(t.to_owned());
    assert_eq!(
        row(1),
        [
            Integer(1),
            text("it's \\ a\ttab"),
            text("1.10"),
            Integer(1),
            Blob(vec![0, 255]),
            text("2024-02-29 18:29:59.999999+00"),
            text(r#"{"a,b","c\"d",NULL}"#),
            Null
        ]
    );
    assert_eq!(row(i64::MAX), [Integer(i64::MAX), Null, text("-0"), Integer(0), Null, text("infinity"), text("{}"), Null]);
    assert_eq!(row(3), [Integer(3), text(""), text("007"), Null, Blob(vec![]), Null, Null, Null]);
    assert_eq!(row(4)[1], text("-- COPY ; ' $$ \\."));
    assert_eq!(case.query_row("SELECT count(*) FROM nocols", [], |r| r.get::<_, i64>(0)), Ok(2));
}

#[test]
fn every_byte_is_accounted_for() {
    let desk = Desk::new();
    let csv = "\u{feff}id,email\r\n1,\"a\"\"b@acme.io\"\r\n2,\r\n\r\n";
    for (name, text) in [
        ("torture.sql", TORTURE.to_owned()),
        ("users.csv", csv.to_owned()),
        ("site.sql", std::fs::read_to_string(fixture("storefront/dump.sql")).expect("a dump")),
    ] {
        desk.write(name, &text);
        desk.unseed(&format!("ingest {name} -o {name}.db")).exits(0);
        let accounted: i64 =
            desk.case(&format!("{name}.db")).query_row("SELECT sum(bytes) FROM unseed_byte_ledger", [], |r| r.get(0)).expect("a sum");
        assert_eq!(accounted, text.len() as i64, "{name}");
    }
}

#[test]
fn csv_tells_null_from_empty() {
    let desk = Desk::new();
    desk.write("t.csv", "id,a,b\n1,,\"\"\n2,x,\"y\nz\"\n007,+1,0\n");
    desk.unseed("ingest t.csv -o case.db").exits(0);
    let case = desk.case("case.db");
    let types: Vec<String> = case
        .prepare("SELECT typeof(id) || '|' || typeof(a) || '|' || typeof(b) || '|' || coalesce(b, 'NULL') FROM t")
        .expect("a query")
        .query_map([], |r| r.get(0))
        .expect("rows")
        .map(|r| r.expect("a row"))
        .collect();
    assert_eq!(types, ["integer|null|text|", "integer|text|text|y\nz", "text|text|integer|0"]);
}

#[test]
fn the_file_is_private_marked_and_checked() {
    let desk = Desk::new();
    desk.write("dump.sql", TORTURE);
    desk.unseed("ingest dump.sql -o case.db").exits(0);
    let mode = std::fs::metadata(desk.path("case.db")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let case = desk.case("case.db");
    let pragma = |name: &str| case.query_row(&format!("PRAGMA {name}"), [], |r| r.get::<_, i64>(0)).expect("a pragma");
    assert_eq!(pragma("application_id"), 0x756e_7364);
    assert_eq!(pragma("user_version"), 1);
    assert_eq!(case.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).expect("a check"), "ok");
    case.execute_batch("PRAGMA user_version = 99").expect("a newer version");
    desk.unseed("analyze case.db").exits(2).says(&["newer unseed"]);
}

#[test]
fn names_that_are_taken_are_mapped() {
    let desk = Desk::new();
    desk.write(
        "dump.sql",
        "CREATE TABLE public.users (id int, \"ID\" int);\nCREATE TABLE app.users (id int);\nCREATE TABLE public.\"Users\" (id int);\nCREATE TABLE public.unseed_meta (id int);\n\
         INSERT INTO public.users VALUES (1, 2);\nINSERT INTO app.users VALUES (3);\nINSERT INTO public.\"Users\" VALUES (4);\nINSERT INTO public.unseed_meta VALUES (5);\n",
    );
    desk.unseed("ingest dump.sql -o case.db").exits(0);
    let case = desk.case("case.db");
    let mut statement =
        case.prepare("SELECT schema_name, table_name, physical_name FROM unseed_tables ORDER BY table_id").expect("a query");
    let names: Vec<(String, String, String)> =
        statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).expect("rows").map(|r| r.expect("a row")).collect();
    let name = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(
        names,
        [
            name("public", "users", "users"),
            name("app", "users", "app.users"),
            name("public", "Users", "public.Users"),
            name("public", "unseed_meta", "public.unseed_meta")
        ]
    );
    assert_eq!(case.query_row("SELECT \"ID~2\" FROM users", [], |r| r.get::<_, i64>(0)), Ok(2));
}

#[test]
fn a_sqlite_file_is_read_with_its_log_and_left_alone() {
    let desk = Desk::new();
    let db = rusqlite::Connection::open(desk.path("live.sqlite")).expect("a database");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 1.5), (2, 'a'), (3, x'00ff'), (4, NULL); \
         CREATE VIEW v AS SELECT * FROM t;",
    )
    .expect("rows in the log");
    let before = [std::fs::read(desk.path("live.sqlite")).expect("a file"), std::fs::read(desk.path("live.sqlite-wal")).expect("a log")];
    desk.unseed("ingest live.sqlite -o case.db").exits(0);
    let after = [std::fs::read(desk.path("live.sqlite")).expect("a file"), std::fs::read(desk.path("live.sqlite-wal")).expect("a log")];
    assert!(before == after, "the input was touched");
    let case = desk.case("case.db");
    let types: String = case.query_row("SELECT group_concat(typeof(x)) FROM t", [], |r| r.get(0)).expect("types");
    assert_eq!(types, "real,text,blob,null");
    assert_eq!(case.query_row("SELECT count(*) FROM unseed_tables", [], |r| r.get::<_, i64>(0)), Ok(1), "views are not read");
}

//! The harder cases of what a DBA may expect: circles, values, names, sessions that meet. The number in a
//! name is the case's own.

use std::process::{Child, Stdio};
use std::time::Duration;

use unseed::model::Engine;

use crate::engines::{Maria, Server, Site, last, mark, on_engines};
use crate::harness::{Desk, Postgres};

/// Loads tables whose keys refer to each other: the keys are declared once the rows are there.
fn load(engine: Engine, tables: &[(&str, &str)], keys: &[(&str, &str)], rows: &str) -> String {
    let mut sql = String::new();
    if engine == Engine::Sqlite {
        sql.push_str("PRAGMA foreign_keys = OFF;\n");
    }
    for (name, columns) in tables {
        let inline: String = if engine == Engine::Sqlite {
            keys.iter().filter(|k| k.0 == *name).map(|k| format!(", {}", k.1)).collect()
        } else {
            String::new()
        };
        sql.push_str(&format!("CREATE TABLE {name} ({columns}{inline});\n"));
    }
    sql.push_str(rows);
    if engine != Engine::Sqlite {
        for (name, key) in keys {
            sql.push_str(&format!("ALTER TABLE {name} ADD {key};\n"));
        }
    }
    sql
}

#[track_caller]
fn there_and_back(site: &Site, rows: usize) {
    let before = site.server.tables();
    assert_eq!(site.rehearse(), "UNSEED DRY-RUN-OK");
    assert_eq!(site.server.tables(), before);
    site.applies(&format!("UNSEED APPLIED {rows}"));
    assert_eq!(site.state(), "applied");
    let ran = site.server.run(&site.file("undo.sql"), Some(&site.token));
    assert_eq!(last(&ran), format!("UNSEED UNDONE {rows}"), "{}\n{}", ran.out, ran.err);
    assert_eq!(site.server.tables(), before, "undo restores every byte");
}

/// A chain of thirty rows, and one row beside it.
fn chain(engine: Engine) -> String {
    // Row k of the chain has the number 7k mod 31 + 1: neither order of ids is an order of the chain.
    let id = |k: u32| (k * 7) % 31 + 1;
    let parent = |k: u32| if k == 0 { "NULL".to_owned() } else { id(k - 1).to_string() };
    let rows: String = (0..30).map(|k| format!("INSERT INTO nodes VALUES ({}, {});\n", id(k), parent(k))).collect();
    let key = ("nodes", "FOREIGN KEY (parent_id) REFERENCES nodes (id)");
    load(
        engine,
        &[("nodes", "id INTEGER PRIMARY KEY, parent_id INTEGER")],
        &[key],
        &format!("{rows}INSERT INTO nodes VALUES (99, NULL);\n"),
    )
}

on_engines!(t21_a_chain_of_thirty_rows_in_adverse_order: postgres sqlite mariadb => |server| {
    let sql = chain(server.engine());
    let site = Site::new(server, &sql, "", &[("nodes", "id <> 99")], &[], &[]);
    there_and_back(&site, 30);
});

on_engines!(t21b_the_chain_goes_in_batches_too: postgres sqlite mariadb => |server| {
    let sql = chain(server.engine());
    let site = Site::new(server, &sql, "", &[("nodes", "id <> 99")], &[], &["--batch", "4"]);
    there_and_back(&site, 30);
});

on_engines!(t22_a_row_that_refers_to_itself: postgres sqlite mariadb => |server| {
    let sql = load(server.engine(), &[("nodes", "id INTEGER PRIMARY KEY, parent_id INTEGER")], &[("nodes", "FOREIGN KEY (parent_id) REFERENCES nodes (id)")], "INSERT INTO nodes VALUES (1, 1); INSERT INTO nodes VALUES (2, 1); INSERT INTO nodes VALUES (3, NULL);\n");
    let site = Site::new(server, &sql, "", &[("nodes", "id < 3")], &[], &[]);
    there_and_back(&site, 2);
});

on_engines!(t22b_a_row_that_must_refer_to_itself: postgres sqlite mariadb => |server| {
    let sql = load(server.engine(), &[("nodes", "id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL")], &[("nodes", "FOREIGN KEY (parent_id) REFERENCES nodes (id)")], "INSERT INTO nodes VALUES (1, 1); INSERT INTO nodes VALUES (3, 3);\n");
    if server.engine() == Engine::Mariadb {
        let site = Site::reviewed(server, &sql, "", &[("nodes", "id = 1")], &[]);
        site.desk.unseed("plan case.db -o plan").exits(3).says(&["in a circle", "nodes [\"1\"] -> nodes [\"1\"]"]);
        assert!(!site.desk.path("plan").exists(), "a refusal writes no file");
        return;
    }
    let site = Site::new(server, &sql, "", &[("nodes", "id = 1")], &[], &[]);
    there_and_back(&site, 1);
});

/// Two tables whose rows must refer to each other.
fn pair(engine: Engine) -> String {
    load(
        engine,
        &[("a", "id INTEGER PRIMARY KEY, b_id INTEGER NOT NULL"), ("b", "id INTEGER PRIMARY KEY, a_id INTEGER NOT NULL")],
        &[("a", "FOREIGN KEY (b_id) REFERENCES b (id)"), ("b", "FOREIGN KEY (a_id) REFERENCES a (id)")],
        "INSERT INTO a VALUES (1, 1); INSERT INTO a VALUES (2, 2); INSERT INTO b VALUES (1, 1); INSERT INTO b VALUES (2, 2);\n",
    )
}

on_engines!(t23_two_tables_that_must_refer_to_each_other: postgres sqlite mariadb => |server| {
    let sql = pair(server.engine());
    let seeded = &[("a", "id = 1"), ("b", "id = 1")];
    if server.engine() == Engine::Mariadb {
        let site = Site::reviewed(server, &sql, "", seeded, &[]);
        site.desk.unseed("plan case.db -o plan").exits(3).says(&["in a circle", "a [\"1\"] -> b [\"1\"] -> a [\"1\"]"]);
        assert!(!site.desk.path("plan").exists(), "a refusal writes no file");
        return;
    }
    let site = Site::new(server, &sql, "", seeded, &[], &[]);
    there_and_back(&site, 2);
});

on_engines!(t24_a_circle_of_three_opens_at_the_one_that_may_be_null: postgres sqlite mariadb => |server| {
    let sql = load(
        server.engine(),
        &[("a", "id INTEGER PRIMARY KEY, b_id INTEGER NOT NULL"), ("b", "id INTEGER PRIMARY KEY, c_id INTEGER NOT NULL"), ("c", "id INTEGER PRIMARY KEY, a_id INTEGER")],
        &[("a", "FOREIGN KEY (b_id) REFERENCES b (id)"), ("b", "FOREIGN KEY (c_id) REFERENCES c (id)"), ("c", "FOREIGN KEY (a_id) REFERENCES a (id)")],
        "INSERT INTO a VALUES (1, 1); INSERT INTO a VALUES (2, 2); INSERT INTO b VALUES (1, 1); INSERT INTO b VALUES (2, 2); INSERT INTO c VALUES (1, 1); INSERT INTO c VALUES (2, 2);\n",
    );
    let site = Site::new(server, &sql, "", &[("a", "id = 1"), ("b", "id = 1"), ("c", "id = 1")], &[], &[]);
    there_and_back(&site, 3);
    site.applies("UNSEED APPLIED 3");
    assert_eq!(site.server.sql("SELECT a_id FROM c").trim(), "2", "only planned rows were opened");
});

on_engines!(t25_restrict_does_not_stand_in_the_way: postgres sqlite mariadb => |server| {
    let sql = load(
        server.engine(),
        &[("users", "id INTEGER PRIMARY KEY, boss INTEGER"), ("posts", "id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL")],
        &[("users", "FOREIGN KEY (boss) REFERENCES users (id) ON DELETE RESTRICT"), ("posts", "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT")],
        "INSERT INTO users VALUES (1, 2); INSERT INTO users VALUES (2, NULL); INSERT INTO users VALUES (3, NULL); INSERT INTO posts VALUES (1, 1); INSERT INTO posts VALUES (2, 3);\n",
    );
    let site = Site::new(server, &sql, "", &[("users", "id < 3"), ("posts", "id = 1")], &[], &[]);
    there_and_back(&site, 3);
});

on_engines!(t26_a_reference_with_a_null_part_refers_to_nothing: postgres sqlite mariadb => |server| {
    let sql = load(
        server.engine(),
        &[("p", "a INTEGER NOT NULL, b INTEGER NOT NULL, v INTEGER, PRIMARY KEY (a, b)"), ("c", "id INTEGER PRIMARY KEY, a INTEGER, b INTEGER")],
        &[("c", "FOREIGN KEY (a, b) REFERENCES p (a, b) ON DELETE CASCADE")],
        "INSERT INTO p VALUES (1, 1, 0); INSERT INTO p VALUES (1, 2, 0); INSERT INTO c VALUES (1, 1, NULL); INSERT INTO c VALUES (2, 1, 1); INSERT INTO c VALUES (3, 1, 2);\n",
    );
    let site = Site::new(server, &sql, "", &[("p", "b = 1"), ("c", "id = 2")], &[], &[]);
    there_and_back(&site, 2);
    site.applies("UNSEED APPLIED 2");
    assert_eq!(site.server.sql("SELECT id FROM c ORDER BY id").split_whitespace().collect::<Vec<_>>(), ["1", "3"]);
});

on_engines!(t27_a_composite_key_with_text: postgres sqlite mariadb => |server| {
    let (collation, code) = match server.engine() {
        Engine::Sqlite => (" COLLATE NOCASE", "DS020"),
        // Without a collation that folds case, another case is another key.
        Engine::Postgres => ("", "DS021"),
        _ => ("", "DS020"),
    };
    let sql = format!(
        "CREATE TABLE k (code VARCHAR(20){collation} NOT NULL, n INTEGER NOT NULL, v VARCHAR(20), w INTEGER, PRIMARY KEY (code, n));
         INSERT INTO k VALUES ('abc', 1, 'seed', 5); INSERT INTO k VALUES ('abc', 2, 'seed', 6); INSERT INTO k VALUES ('xyz', 1, 'real', 7);"
    );
    let site = Site::new(server, &sql, "", &[("k", "code = 'abc'")], &[], &[]);
    there_and_back(&site, 2);
    site.server.sql("UPDATE k SET code = 'ABC' WHERE code = 'abc' AND n = 1");
    assert_eq!(site.apply(), format!("UNSEED REFUSED {code}"));
});

/// Postgres alone tells rows apart by their place where they have no key; `InnoDB` has no foreign keys with
/// partitions, SQLite no partitions.
#[test]
fn t29_partitions_may_hold_rows_at_the_same_place() {
    let Some(server) = Postgres::new("t29") else { return };
    let sql = "CREATE TABLE log (day integer, body text) PARTITION BY LIST (day);
        CREATE TABLE log_1 PARTITION OF log FOR VALUES IN (1); CREATE TABLE log_2 PARTITION OF log FOR VALUES IN (2);
        INSERT INTO log VALUES (1, 'seed'), (2, 'real'), (1, 'real'), (2, 'seed');
        CREATE TABLE acc (id integer, day integer, v text, PRIMARY KEY (id, day)) PARTITION BY LIST (day);
        CREATE TABLE acc_1 PARTITION OF acc FOR VALUES IN (1); CREATE TABLE acc_2 PARTITION OF acc FOR VALUES IN (2);
        INSERT INTO acc VALUES (1, 1, 'seed'), (1, 2, 'real'), (2, 2, 'seed');";
    let seeded = &[("log_1", "body = 'seed'"), ("log_2", "body = 'seed'"), ("acc_1", "v = 'seed'"), ("acc_2", "v = 'seed'")];
    let site = Site::new(Box::new(server), sql, "", seeded, &[], &[]);
    there_and_back(&site, 4);
    site.applies("UNSEED APPLIED 4");
    assert_eq!(site.server.sql("SELECT day, body FROM log ORDER BY 1"), "1\treal\n2\treal\n");
    assert_eq!(site.server.sql("SELECT id, day FROM acc"), "1\t2\n");
}

/// Texts that have broken scripts before.
const HOSTILE: &[&str] = &[
    "it's",
    "back\\slash",
    "\\'",
    "two\nlines",
    "two\r\nlines",
    "tab\there",
    "\u{1f436}",
    "\u{202e}rtl\u{2066}",
    "",
    "--",
    "*/ DROP TABLE v;",
    "$g$",
    "$unseed$",
    ":var",
    "/*!50000 x*/",
    "DELIMITER ;;",
    "\\! ls",
    "`",
    "\"",
    "a\u{301}",
    "%s",
    "'); DELETE FROM v; --",
    "\u{feff}bom",
];

fn quoted(engine: Engine, text: &str) -> String {
    let digits: String = text.bytes().map(|b| format!("{b:02x}")).collect();
    match engine {
        Engine::Postgres => format!("convert_from('\\x{digits}', 'UTF8')"),
        Engine::Sqlite => format!("CAST(X'{digits}' AS TEXT)"),
        _ => format!("CONVERT(X'{digits}' USING utf8mb4)"),
    }
}

on_engines!(t30_hostile_values: postgres sqlite mariadb => |server| {
    let engine = server.engine();
    let mut sql = match engine {
        Engine::Mariadb => "CREATE TABLE v (id INTEGER PRIMARY KEY, t LONGTEXT, n VARCHAR(200));\n".to_owned(),
        _ => "CREATE TABLE v (id INTEGER PRIMARY KEY, t TEXT, n VARCHAR(200));\n".to_owned(),
    };
    // What reads dumps of Postgres takes a version comment anywhere near the top for another engine's.
    let hostile: Vec<&str> = HOSTILE.iter().copied().filter(|t| engine != Engine::Postgres || !t.contains("/*!")).collect();
    for (id, text) in hostile.iter().enumerate() {
        sql.push_str(&format!("INSERT INTO v VALUES ({id}, {}, 'seed');\n", quoted(engine, text)));
    }
    let large = if engine == Engine::Mariadb { "REPEAT('x', 400000)" } else { "replace(printf('%1000000d', 1), ' ', 'x')" };
    let large = if engine == Engine::Postgres { "repeat('x', 1000000)" } else { large };
    sql.push_str(&format!("INSERT INTO v VALUES (500, {large}, 'seed'); INSERT INTO v VALUES (501, NULL, 'seed'); INSERT INTO v VALUES (900, 'real', 'real');\n"));
    if engine == Engine::Sqlite {
        sql.push_str("INSERT INTO v VALUES (502, CAST(X'610062' AS TEXT), 'seed'); INSERT INTO v VALUES (503, CAST(X'ff41fe' AS TEXT), 'seed');\n");
    }
    let count = hostile.len() + 2 + if engine == Engine::Sqlite { 2 } else { 0 };
    let site = Site::new(server, &sql, "", &[("v", "n = 'seed'")], &[], &[]);
    there_and_back(&site, count);
    // Under the modes that change what a literal means.
    let prelude = match engine {
        Engine::Postgres => "SET standard_conforming_strings = off; SET client_encoding = 'LATIN1';\n",
        Engine::Mariadb => "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'; SET NAMES latin1;\n",
        _ => "PRAGMA case_sensitive_like = ON;\n",
    };
    let script = site.desk.write("modes.sql", format!("{prelude}{}", site.script("delete.sql")));
    let ran = site.server.run(&script, Some(&site.token));
    assert_eq!(last(&ran), format!("UNSEED APPLIED {count}"), "{}", ran.err);
    assert_eq!(site.undo(), format!("UNSEED UNDONE {count}"));
    // The last byte of each: every change is seen.
    for (id, text) in hostile.iter().enumerate().take(6) {
        site.server.sql(&format!("UPDATE v SET t = {} WHERE id = {id}", quoted(engine, &format!("{text} "))));
        assert_eq!(site.apply(), "UNSEED REFUSED DS020", "{text:?}");
        site.server.sql(&format!("UPDATE v SET t = {} WHERE id = {id}", quoted(engine, text)));
    }
    site.server.sql("UPDATE v SET t = '' WHERE id = 501");
    assert_eq!(site.apply(), "UNSEED REFUSED DS020", "empty is not NULL");
});

on_engines!(t31_hostile_names: postgres sqlite mariadb => |server| {
    let engine = server.engine();
    let q = |name: &str| if engine == Engine::Mariadb { format!("`{}`", name.replace('`', "``")) } else { format!("\"{}\"", name.replace('"', "\"\"")) };
    // 63 bytes of two-byte characters and one more: the longest that every engine keeps.
    let long: String = std::iter::repeat_n('\u{e9}', 31).chain(['x']).collect();
    let tables = ["select", "UPPER Case", "a`b", "a\"b", "it's", &long];
    let mut sql = String::new();
    for table in tables {
        sql.push_str(&format!("CREATE TABLE {} ({} INTEGER PRIMARY KEY, {} VARCHAR(20));\n", q(table), q("order"), q("va\"l`ue's")));
        sql.push_str(&format!("INSERT INTO {0} VALUES (1, 'seed'); INSERT INTO {0} VALUES (2, 'real');\n", q(table)));
    }
    server.sql(&sql);
    let desk = Desk::on_the_clock();
    server.case(&desk, "case.db");
    let marked: Vec<(&str, &str)> = tables.iter().map(|t| (*t, "\"order\" = 1")).collect();
    let cohort = mark(&desk.path("case.db"), &marked, &[]);
    desk.run(&["review", "case.db", "approve", &cohort, "--tables", "all", "--by", "bea"]).exits(0);
    let mut site = Site { desk, server, token: String::new() };
    site.token = site.plan("plan", &[]);
    there_and_back(&site, tables.len());
});

#[test]
fn t32_every_type_of_postgres() {
    let Some(server) = Postgres::new("t32") else { return };
    let types = [
        ("float8", "0.1", "0.10000000000000002"),
        ("float4", "0.1", "0.10000001"),
        ("numeric", "1.0", "1.00"),
        ("numeric(10,2)", "1.50", "1.51"),
        ("timestamptz", "2026-01-01 00:00:00.000001+00", "2026-01-01 00:00:00.000002+00"),
        ("timestamp", "2026-01-01 00:00:00", "2026-01-01 00:00:01"),
        ("date", "2026-01-01", "2026-01-02"),
        ("interval", "1 month", "30 days"),
        ("bytea", "\\x00ff", "\\x00fe"),
        ("json", "{\"a\":1}", "{\"a\": 1}"),
        ("jsonb", "{\"a\":1}", "{\"a\":1.0}"),
        ("mood", "sad", "ok"),
        ("integer[]", "{1,2}", "{2,1}"),
        ("text[]", "{a,NULL}", "{a,\"NULL\"}"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12"),
        ("bit(4)", "1010", "1011"),
        ("boolean", "t", "f"),
        ("char(4)", "ab", "abc"),
        ("inet", "10.0.0.1", "10.0.0.2"),
        ("point", "(1,2)", "(1,3)"),
        ("bigint", "9223372036854775807", "9223372036854775806"),
    ];
    let mut sql = "CREATE TYPE mood AS ENUM ('sad', 'ok');\nCREATE TABLE v (id integer PRIMARY KEY".to_owned();
    for (place, (kind, _, _)) in types.iter().enumerate() {
        sql.push_str(&format!(", c{place} {kind}"));
    }
    let values: Vec<String> = types.iter().map(|t| format!("'{}'", t.1)).collect();
    sql.push_str(&format!(");\nINSERT INTO v VALUES (1, {0}), (2, {0});\nINSERT INTO v (id) VALUES (3);\n", values.join(", ")));
    let site = Site::new(Box::new(server), &sql, "", &[("v", "id IN (1, 3)")], &[], &[]);
    there_and_back(&site, 2);
    for (place, (kind, value, other)) in types.iter().enumerate() {
        site.server.sql(&format!("UPDATE v SET c{place} = '{other}' WHERE id = 1"));
        let ran = site.server.run(&site.file("delete.sql"), Some(&site.token));
        assert_eq!(last(&ran), "UNSEED REFUSED DS020", "{kind}: {}", ran.err);
        site.server.sql(&format!("UPDATE v SET c{place} = '{value}' WHERE id = 1"));
    }
    site.applies("UNSEED APPLIED 2");
}

#[test]
fn t32_every_type_of_mariadb() {
    let Some(server) = Maria::new("t32") else { return };
    let types = [
        ("float", "0.1", "0.2"),
        ("double", "0.1", "0.10000000000000002"),
        ("decimal(10,2)", "1.50", "1.51"),
        ("timestamp(6) null", "2026-01-01 00:00:00.000001", "2026-01-01 00:00:00.000002"),
        ("datetime", "2026-01-01 00:00:00", "2026-01-01 00:00:01"),
        ("date", "2026-01-01", "2026-01-02"),
        ("longblob", "a\\0b", "a\\0c"),
        ("enum('sad','ok')", "sad", "ok"),
        ("set('a','b')", "a,b", "a"),
        ("char(4)", "ab", "abc"),
        ("varchar(10) character set latin1", "caf", "CAF"),
        ("bigint(20) unsigned", "18446744073709551615", "18446744073709551614"),
        ("tinyint(1)", "1", "0"),
        ("text", "a", "a "),
    ];
    let mut sql = "CREATE TABLE v (id INTEGER PRIMARY KEY".to_owned();
    for (place, (kind, _, _)) in types.iter().enumerate() {
        sql.push_str(&format!(", c{place} {kind}"));
    }
    let values: Vec<String> = types.iter().map(|t| format!("'{}'", t.1)).collect();
    sql.push_str(&format!(
        ");\nSET time_zone = '+00:00'; INSERT INTO v VALUES (1, {0}), (2, {0});\nINSERT INTO v (id) VALUES (3);\n",
        values.join(", ")
    ));
    let site = Site::new(Box::new(server), &sql, "", &[("v", "id IN (1, 3)")], &[], &[]);
    there_and_back(&site, 2);
    for (place, (kind, value, other)) in types.iter().enumerate() {
        site.server.sql(&format!("SET time_zone = '+00:00'; UPDATE v SET c{place} = '{other}' WHERE id = 1"));
        let ran = site.server.run(&site.file("delete.sql"), Some(&site.token));
        assert_eq!(last(&ran), "UNSEED REFUSED DS020", "{kind}: {}", ran.err);
        site.server.sql(&format!("SET time_zone = '+00:00'; UPDATE v SET c{place} = '{value}' WHERE id = 1"));
    }
    site.applies("UNSEED APPLIED 2");
}

/// Every table of Postgres and SQLite can be rolled back.
#[test]
fn t34_a_table_without_transactions_is_refused() {
    let Some(server) = Maria::new("t34") else { return };
    let sql = "CREATE TABLE v (id INTEGER PRIMARY KEY, t VARCHAR(20)) ENGINE=MyISAM; INSERT INTO v VALUES (1, 'seed'), (2, 'real');";
    let site = Site::reviewed(Box::new(server), sql, "", &[("v", "id = 1")], &[]);
    site.desk.unseed("plan case.db -o plan").exits(3).says(&["MyISAM", "cannot roll back"]);
    assert!(!site.desk.path("plan").exists(), "a refusal writes no file");
}

#[test]
fn t34b_a_table_that_lost_its_transactions_is_refused() {
    let Some(server) = Maria::new("t34b") else { return };
    let sql = "CREATE TABLE v (id INTEGER PRIMARY KEY, t VARCHAR(20)); INSERT INTO v VALUES (1, 'seed'), (2, 'real');";
    let site = Site::new(Box::new(server), sql, "", &[("v", "id = 1")], &[], &[]);
    site.server.sql("ALTER TABLE v ENGINE=MyISAM");
    let before = site.server.contents();
    assert_eq!(site.apply(), "UNSEED REFUSED DS033");
    assert_eq!(site.server.contents(), before);
}

// InnoDB makes the index of a foreign key itself.
on_engines!(t36_a_reference_without_an_index_is_warned_about: postgres sqlite => |server| {
    let sql = "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(20)); CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id));
        INSERT INTO users VALUES (1, 'seed'); INSERT INTO users VALUES (2, 'real');";
    let site = Site::new(server, sql, "", &[("users", "id = 1")], &[], &[]);
    let warnings = site.manifest("plan")["warnings"].to_string();
    assert!(warnings.contains("no index leads with user_id of posts") && warnings.contains("CREATE INDEX"), "{warnings}");
    assert!(site.script("RUNBOOK.md").contains("no index leads with"));
});

#[test]
fn t38_identity_generated_and_zero_come_back() {
    let sql =
        "CREATE TABLE v (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text, twice text GENERATED ALWAYS AS (t || t) STORED);
        INSERT INTO v (t) VALUES ('seed'), ('seed'), ('real'); INSERT INTO v (id, t) OVERRIDING SYSTEM VALUE VALUES (0, 'seed');";
    if let Some(server) = Postgres::new("t38_kinds") {
        let site = Site::new(Box::new(server), sql, "", &[("v", "t = 'seed'")], &[], &[]);
        there_and_back(&site, 3);
        assert_eq!(
            site.server.sql("INSERT INTO v (t) VALUES ('next') RETURNING id").lines().next(),
            Some("4"),
            "the sequence stays where it was"
        );
    }
    let sql = "CREATE TABLE v (id INTEGER AUTO_INCREMENT PRIMARY KEY, t VARCHAR(20), twice VARCHAR(40) AS (CONCAT(t, t)) STORED);
        SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO v (id, t) VALUES (0, 'seed'), (1, 'seed'), (2, 'real'), (3, 'seed');";
    if let Some(server) = Maria::new("t38_kinds") {
        let site = Site::new(Box::new(server), sql, "", &[("v", "t = 'seed'")], &[], &[]);
        there_and_back(&site, 3);
        assert_eq!(
            site.server.sql("INSERT INTO v (t) VALUES ('next'); SELECT MAX(id) FROM v").trim(),
            "4",
            "the counter stays where it was"
        );
    }
}

/// Two tables of accounts and their sessions, for sessions that meet.
const MEET: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(50), coins INTEGER);
CREATE TABLE sessions (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
CREATE TABLE ballast (id INTEGER PRIMARY KEY);
INSERT INTO users VALUES (1, 'real', 0); INSERT INTO users VALUES (11, 'seed', 0); INSERT INTO users VALUES (12, 'seed', 0);
INSERT INTO sessions VALUES (1, 1); INSERT INTO sessions VALUES (21, 11); INSERT INTO sessions VALUES (22, 12);";

fn meet(server: Box<dyn Server>) -> Site {
    Site::new(server, MEET, "", &[("users", "id > 10"), ("sessions", "id > 20")], &[], &[])
}

/// The script with a pause after the deletes and before the end of its transaction.
fn paused(site: &Site, seconds: u32) -> std::path::PathBuf {
    let script = site.script("delete.sql");
    let (at, pause) = match site.server.engine() {
        Engine::Postgres => ("\nCOMMIT;\n", format!("\nSELECT pg_sleep({seconds});\nCOMMIT;\n")),
        _ => ("\n-- The first guard that refuses", format!("\nDO SLEEP({seconds});\n-- The first guard that refuses")),
    };
    assert!(script.contains(at));
    site.desk.write("paused.sql", script.replacen(at, &pause, 1))
}

/// A client of a server with two kinds: what meets what.
trait Meets: Server {
    fn spawn(&self, text: &str) -> Child;
}

impl Meets for Postgres {
    fn spawn(&self, text: &str) -> Child {
        let mut command = self.client();
        command.args(["-q", "-A", "-t"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        feed(command.spawn().expect("psql runs"), text)
    }
}

impl Meets for Maria {
    fn spawn(&self, text: &str) -> Child {
        let mut command = self.client(self.database());
        command.args(["--force", "-N", "-B"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        feed(command.spawn().expect("mariadb runs"), text)
    }
}

fn feed(mut child: Child, text: &str) -> Child {
    let mut input = child.stdin.take().expect("input");
    std::io::Write::write_all(&mut input, text.as_bytes()).expect("statements are sent");
    child
}

fn ended(child: Child) -> crate::harness::Ran {
    crate::harness::Ran::from(child.wait_with_output().expect("it ends"))
}

/// Starts the paused script with the token.
fn start(server: &dyn Meets, site: &Site, seconds: u32) -> Child {
    let token = match server.engine() {
        Engine::Postgres => format!("SET unseed.apply = '{}';\n", site.token),
        _ => format!("SET @unseed_apply = '{}';\n", site.token),
    };
    let script = std::fs::read_to_string(paused(site, seconds)).expect("a script");
    let child = server.spawn(&format!("{token}{script}"));
    std::thread::sleep(Duration::from_millis(1_500));
    child
}

/// The two servers that let sessions meet; SQLite locks the whole database instead.
fn each(name: &str, body: impl Fn(&dyn Meets, &Site)) {
    if let (Some(own), Some(other)) = (Postgres::new(name), Postgres::same(name)) {
        body(&other, &meet(Box::new(own)));
    }
    if let (Some(own), Some(other)) = (Maria::new(name), Maria::same(name)) {
        body(&other, &meet(Box::new(own)));
    }
}

#[test]
fn t10_a_child_that_comes_while_the_script_runs_is_never_cascaded_away() {
    each("t10", |server, site| {
        let before = site.server.tables();
        // It comes first and is not committed: the script waits, then gives up.
        let pause = if server.engine() == Engine::Postgres { "SELECT pg_sleep(6);" } else { "DO SLEEP(6);" };
        let other = server.spawn(&format!("BEGIN; INSERT INTO sessions VALUES (30, 11); {pause} ROLLBACK;"));
        std::thread::sleep(Duration::from_millis(700));
        assert_eq!(site.apply(), "UNSEED REFUSED DS010");
        let _ = ended(other);
        assert_eq!(site.server.tables(), before);
        // It comes while the script holds its locks: it waits, and then finds no parent.
        let running = start(server, site, 4);
        let ran = ended(server.spawn("INSERT INTO sessions VALUES (31, 11);\n"));
        assert!(ran.err.to_lowercase().contains("foreign key"), "{}", ran.err);
        assert_eq!(last(&ended(running)), "UNSEED APPLIED 4");
    });
}

#[test]
fn t11_an_update_of_a_planned_row_waits_or_is_seen() {
    each("t11", |server, site| {
        let running = start(server, site, 4);
        let ran = ended(server.spawn("UPDATE users SET coins = 7 WHERE id = 11;\n"));
        assert_eq!(last(&ended(running)), "UNSEED APPLIED 4", "{}", ran.err);
        assert_eq!(site.server.sql("SELECT count(*) FROM users WHERE coins = 7").trim(), "0");
        assert_eq!(site.undo(), "UNSEED UNDONE 4");
        site.server.sql("UPDATE users SET coins = 7 WHERE id = 11");
        assert_eq!(site.apply(), "UNSEED REFUSED DS020");
    });
}

#[test]
fn t12_a_lock_that_another_session_holds_ends_the_run_cleanly() {
    each("t12", |server, site| {
        let before = site.server.contents();
        let pause = if server.engine() == Engine::Postgres { "SELECT pg_sleep(6);" } else { "DO SLEEP(6);" };
        let other = server.spawn(&format!("BEGIN; UPDATE users SET coins = 1 WHERE id = 12; {pause} ROLLBACK;"));
        std::thread::sleep(Duration::from_millis(700));
        assert_eq!(site.apply(), "UNSEED REFUSED DS010");
        let _ = ended(other);
        assert_eq!(site.server.contents(), before);
    });
}

/// `InnoDB` alone rolls back a whole transaction and goes on in autocommit: Postgres aborts it, which is t12, and
/// SQLite has one writer.
#[test]
fn t13_the_victim_of_a_deadlock_deletes_nothing() {
    let (Some(own), Some(other)) = (Maria::new("t13"), Maria::same("t13")) else { return };
    let site = meet(Box::new(own));
    let before = site.server.contents();
    // The other session has changed more rows, so that the script is the victim.
    let ballast: String = (1..400).map(|i| format!("INSERT INTO ballast VALUES ({i});")).collect();
    let rival = other.spawn(&format!(
        "BEGIN; {ballast} UPDATE sessions SET user_id = 12 WHERE id = 22; DO SLEEP(3); UPDATE users SET coins = 3 WHERE id = 11; ROLLBACK;"
    ));
    std::thread::sleep(Duration::from_millis(1_500));
    let ran = site.server.run(&site.file("delete.sql"), Some(&site.token));
    assert!(last(&ran).starts_with("UNSEED REFUSED"), "{}\n{}", ran.out, ran.err);
    let _ = ended(rival);
    assert_eq!(site.server.contents(), before);
    site.applies("UNSEED APPLIED 4");
}

#[test]
fn t14_a_client_that_is_killed_changes_nothing_and_a_rerun_completes() {
    each("t14", |server, site| {
        let before = site.server.tables();
        let mut running = start(server, site, 30);
        running.kill().expect("the client is killed");
        running.wait().expect("it ends");
        // The server notices the next time that it talks to the client.
        for _ in 0..100 {
            let sessions = match server.engine() {
                Engine::Postgres => {
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                }
                _ => "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
            };
            let text = site.server.sql(sessions);
            if text.trim() == "0" {
                break;
            }
            if server.engine() == Engine::Mariadb {
                let ids = site.server.sql(
                    "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
                );
                site.server.sql(&format!("DO 0; {ids}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(site.server.tables(), before);
        site.applies("UNSEED APPLIED 4");
        assert_eq!(site.state(), "applied");
    });
}

#[test]
fn t41_of_two_runs_at_once_one_is_refused() {
    each("t41", |server, site| {
        let running = start(server, site, 4);
        assert_eq!(site.apply(), "UNSEED REFUSED DS010");
        assert_eq!(last(&ended(running)), "UNSEED APPLIED 4");
        site.applies("UNSEED ALREADY-APPLIED");
    });
}

#[test]
fn t12_sqlite_a_locked_database_ends_the_run_cleanly() {
    let Some(server) = crate::engines::Sqlite::new("t12") else { return };
    let path = server.path();
    let site = meet(Box::new(server));
    let before = site.server.contents();
    let holder = rusqlite::Connection::open(&path).expect("a connection");
    holder.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    assert_eq!(site.apply(), "UNSEED REFUSED DS010");
    assert_eq!(site.rehearse(), "UNSEED REFUSED DS010");
    holder.execute_batch("ROLLBACK").expect("released");
    assert_eq!(site.server.contents(), before);
    site.applies("UNSEED APPLIED 4");
}

/// `source` is the MariaDB client's; psql's and sqlite3's way of going on is in every other test.
#[test]
fn t16_source_goes_on_after_an_error_and_nothing_is_committed() {
    let Some(server) = Maria::new("t16") else { return };
    let Some(other) = Maria::same("t16") else { return };
    let site = meet(Box::new(server));
    site.server.sql("UPDATE users SET coins = 9 WHERE id = 12");
    let before = site.server.contents();
    let source = || {
        let mut command = other.client(other.database());
        let words = format!("SET @unseed_apply = '{}';\nsource {}\n", site.token, site.file("delete.sql").display());
        crate::harness::Ran::from(command.args(["--skip-binary-mode", "-N", "-B", "-e", &words]).output().expect("mariadb runs"))
    };
    let ran = source();
    assert_eq!(last(&ran), "UNSEED REFUSED DS020", "{}", ran.err);
    assert_eq!(site.server.contents(), before);
    site.server.sql("UPDATE users SET coins = 0 WHERE id = 12");
    let ran = source();
    assert_eq!(last(&ran), "UNSEED APPLIED 4", "{}", ran.err);
}

/// SQLite has no users; MariaDB's list is t47b.
#[test]
fn t47_missing_rights_are_listed_as_grants() {
    let Some(server) = Postgres::new("t47") else { return };
    let site = meet(Box::new(server));
    site.server.sql("DO $$ BEGIN CREATE ROLE unseed_t47; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT SELECT ON ALL TABLES IN SCHEMA public TO unseed_t47");
    let script = site.desk.write("as_role.sql", format!("SET ROLE unseed_t47;\n{}", site.script("delete.sql")));
    let ran = site.server.run(&script, Some(&site.token));
    assert_eq!(last(&ran), "UNSEED REFUSED DS031", "{}", ran.err);
    assert!(ran.err.contains("GRANT CREATE ON DATABASE") && ran.err.contains("TO unseed_t47"), "{}", ran.err);
    let database = site.server.sql("SELECT current_database()");
    site.server.sql(&format!("GRANT CREATE, TEMPORARY ON DATABASE {} TO unseed_t47", database.trim()));
    let ran = site.server.run(&script, Some(&site.token));
    assert!(ran.err.contains("GRANT DELETE, UPDATE ON \"public\".\"users\" TO unseed_t47"), "{}", ran.err);
    site.server.sql("GRANT DELETE, UPDATE ON ALL TABLES IN SCHEMA public TO unseed_t47");
    let ran = site.server.run(&script, Some(&site.token));
    assert_eq!(last(&ran), "UNSEED APPLIED 4", "{}", ran.err);
    site.server.sql("DROP OWNED BY unseed_t47 CASCADE; DROP ROLE unseed_t47");
}

on_engines!(t48_counters_that_will_be_off_are_reported: postgres sqlite mariadb => |server| {
    let sql = "CREATE TABLE shops (id INTEGER PRIMARY KEY, name VARCHAR(20), visits_count INTEGER);
        CREATE TABLE visits (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL, FOREIGN KEY (shop_id) REFERENCES shops (id));
        INSERT INTO shops VALUES (1, 'one', 3); INSERT INTO shops VALUES (2, 'two', 0);
        INSERT INTO visits VALUES (1, 1); INSERT INTO visits VALUES (2, 1); INSERT INTO visits VALUES (3, 1);";
    let site = Site::new(server, sql, "", &[("visits", "id < 3")], &[], &[]);
    let counters = site.manifest("plan")["counters"].to_string();
    assert!(counters.contains("visits_count"), "{counters}");
    assert!(site.script("RUNBOOK.md").contains("visits"));
});

on_engines!(t49_a_polymorphic_child_that_came_since_is_refused: postgres sqlite mariadb => |server| {
    let sql = "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(50));
        CREATE TABLE comments (id INTEGER PRIMARY KEY, subject_type VARCHAR(20), subject_id INTEGER, body VARCHAR(20));
        INSERT INTO users VALUES (1, 'real'); INSERT INTO users VALUES (11, 'seed'); INSERT INTO comments VALUES (1, 'Post', 11, 'x'); INSERT INTO comments VALUES (2, 'User', 11, 'seed');";
    let config = "[[relations]]\nfrom = \"comments.subject_id\"\nto = \"users.id\"\ntype = \"subject_type\"\nvalue = \"User\"\n";
    let site = Site::new(server, sql, config, &[("users", "id = 11"), ("comments", "id = 2")], &[], &[]);
    site.server.sql("INSERT INTO comments VALUES (3, 'Post', 11, 'about a post')");
    assert_eq!(site.rehearse(), "UNSEED DRY-RUN-OK");
    site.server.sql("INSERT INTO comments VALUES (4, 'User', 11, 'new')");
    site.refuses("DS040");
});

/// Postgres and SQLite read statements of any size.
#[test]
fn t50_a_script_larger_than_the_packet_limit() {
    let Some(server) = Maria::new("t50") else { return };
    let limit: u64 = server.sql("SELECT @@max_allowed_packet").trim().parse().expect("a number");
    let sql = "CREATE TABLE v (id INTEGER PRIMARY KEY, t VARCHAR(900));
        INSERT INTO v SELECT seq, CONCAT(REPEAT('x', 890), seq) FROM seq_1_to_3000; INSERT INTO v VALUES (9000, 'real');";
    let site = Site::new(Box::new(server), sql, "", &[("v", "id < 9000")], &[], &[]);
    assert!(limit <= 1_048_576, "the server is meant to have a small limit: {limit}");
    assert!(site.script("delete.sql").len() as u64 > 2 * limit);
    there_and_back(&site, 3_000);
}

#[test]
fn nothing_in_a_mysql_script_is_banned() {
    let Some(server) = Maria::new("banned") else { return };
    let site = Site::new(Box::new(server), MEET, "", &[("users", "id > 10"), ("sessions", "id > 20")], &[], &["--batch", "2"]);
    // The same tables as MySQL's own tool writes them: one dialect, but its header says where it was proved.
    let dump = std::fs::read_to_string(site.desk.path("case.db.sql")).expect("a dump");
    let line = |l: &str| match l {
        l if l.starts_with("-- Server version") => "-- Server version\t8.0.36\n".to_owned(),
        l if l.starts_with("-- MariaDB dump") => "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n".to_owned(),
        l => format!("{l}\n"),
    };
    site.desk.write("mysql.sql", dump.lines().filter(|l| !l.contains("sandbox")).map(line).collect::<String>());
    site.desk.unseed("ingest mysql.sql -o mysql.db").exits(0);
    site.desk.unseed("analyze mysql.db").exits(0);
    let cohort = mark(&site.desk.path("mysql.db"), &[("users", "id > 10"), ("sessions", "id > 20")], &[]);
    site.desk.run(&["review", "mysql.db", "approve", &cohort, "--tables", "all", "--by", "bea"]).exits(0);
    site.desk.unseed("plan mysql.db -o mysql --by ana --batch 2").exits(0);
    assert_eq!(site.manifest("mysql")["dialect"], "mysql");
    assert_eq!(site.manifest("plan")["dialect"], "mariadb");
    let files = ["delete.sql", "undo.sql", "undo-offline.sql", "verify.sql"];
    for (folder, file) in ["plan", "mysql"].into_iter().flat_map(|folder| files.map(|file| (folder, file))) {
        let script = std::fs::read_to_string(site.desk.path(&format!("{folder}/{file}"))).expect("a script");
        let proof = "Proved on MariaDB 10.11 only";
        assert_eq!(script.contains(proof), folder == "mysql" && file == "delete.sql", "{folder}/{file}");
        let code: String = script.lines().filter(|l| !l.trim_start().starts_with("--")).fold(String::new(), |all, l| all + l + "\n");
        let upper = code.to_uppercase();
        for banned in [
            "RETURNING",
            "NOT ATOMIC",
            "FOREIGN_KEY_CHECKS = 0",
            "FOREIGN_KEY_CHECKS=0",
            " LIKE '",
            "DELIMITER",
            "MAX_STATEMENT_TIME",
            "CREATE OR REPLACE",
            "INSERT IGNORE",
            "SEQUENCE",
        ] {
            assert!(!upper.contains(banned), "{file} holds {banned}");
        }
        // No statement opens a temporary table twice; tables are made with a key.
        for statement in code.split(";\n") {
            for temp in ["unseed_plan_", "unseed_touch_", "unseed_twin_", "unseed_gate", "unseed_drift", "unseed_report"] {
                let mut names: Vec<&str> = statement
                    .match_indices(temp)
                    .map(|(at, _)| {
                        let rest = &statement[at..];
                        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                        &rest[..end]
                    })
                    .collect();
                // The target of an INSERT is opened once more only where it is read too.
                names.sort_unstable();
                let twice = names.windows(2).find(|w| w[0] == w[1]);
                assert!(twice.is_none(), "{file} opens {twice:?} twice: {statement}");
            }
            if statement.trim_start().starts_with("CREATE TEMPORARY TABLE") || statement.contains("'CREATE TABLE IF NOT EXISTS") {
                assert!(statement.contains("PRIMARY KEY") || statement.contains(" LIKE `"), "{file}: no key in {statement}");
            }
        }
    }
}

#[test]
fn a_rehearsal_on_a_private_server_passes() {
    for (server, engine) in [
        (Postgres::new("rehearse").map(|s| Box::new(s) as Box<dyn Server>), "postgres"),
        (Maria::new("rehearse").map(|s| Box::new(s) as Box<dyn Server>), "mariadb"),
    ] {
        let Some(server) = server else { continue };
        let site = meet(server);
        let ran = site.desk.run(&["rehearse", "case.db", "plan", "--server", engine]);
        assert!(ran.code == 0 && ran.out.ends_with("PASS\n"), "{engine}: {}{}", ran.out, ran.err);
        let log = std::fs::read_to_string(site.desk.path("plan/REHEARSAL.md")).expect("a log");
        assert!(log.contains(&format!("private {engine} server")) && log.contains("UNSEED UNDONE 4"), "{log}");
        // And in SQLite, whatever the engine.
        let ran = site.desk.run(&["rehearse", "case.db", "plan"]);
        assert!(ran.code == 0 && ran.out.ends_with("PASS\n"), "{engine}: {}{}", ran.out, ran.err);
    }
}

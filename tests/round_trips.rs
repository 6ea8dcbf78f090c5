//! Random schemas and values, written by a real Postgres and a real MariaDB, dumped by their own tools in
//! every form, read back and compared with what the server says. Prints which types were covered.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::contents::{self, Tables, assert_same};
use crate::harness::{Desk, Mariadb, Postgres, skipped};

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// A type and SQL expressions of values that try it.
type Kind = (&'static str, &'static [&'static str]);

const TEXTS: &[&str] = &[
    "''",
    "'plain'",
    "'it''s'",
    "E'tab\\there'",
    "E'line\\nfeed\\r\\n'",
    "E'back\\\\slash'",
    "E'\\\\N'",
    "E'\\\\.'",
    "'-- no; comment'",
    "'$$ $tag$'",
    "'/* x */'",
    "'NULL'",
    "'007'",
    "' lead and trail '",
    "'Ünïcödé \u{1f600} 漢字'",
    "'{\"a\": \"b\"}'",
    "'a,b;c|d'",
    "E'\\x01\\x1f\\x7f'",
    "repeat('long ', 3000)",
];

const POSTGRES: &[Kind] = &[
    ("text", TEXTS),
    ("character varying(20000)", TEXTS),
    ("character(8)", &["'abc'", "''", "'12345678'"]),
    ("smallint", &["0", "-32768", "32767"]),
    ("integer", &["1", "-2147483648", "2147483647"]),
    ("bigint", &["9223372036854775807", "-9223372036854775808", "10"]),
    ("numeric", &["1.10", "-0.000", "123456789012345678901234567890.123456789012345678901234567890", "'NaN'", "1e20", "'Infinity'"]),
    ("numeric(12,3)", &["1", "-99.5", "0.001"]),
    ("real", &["1.5", "'-0'", "1e-30", "'NaN'", "'-Infinity'", "0.1"]),
    ("double precision", &["1e308", "1e-320", "0.1", "'-0'", "'Infinity'"]),
    ("money", &["12.34", "-5"]),
    ("boolean", &["true", "false"]),
    ("bytea", &["'\\x'", "'\\x00ff5c0a09'", "decode(repeat('ab', 5000), 'hex')"]),
    ("date", &["'2024-02-29'", "'infinity'", "'4713-01-01 BC'", "'9999-12-31'"]),
    ("time without time zone", &["'24:00:00'", "'00:00:00.000001'"]),
    ("time with time zone", &["'12:00:00+05:30'"]),
    ("timestamp without time zone", &["'2024-02-29 18:29:59.999999'", "'-infinity'", "'0001-01-01 00:00:00 BC'"]),
    ("timestamp with time zone", &["'2024-02-29 18:29:59.999999+00'", "'infinity'", "'1900-01-01 00:00:00+00'"]),
    ("interval", &["'1 year 2 mons -3 days 04:05:06.7'", "'0'"]),
    ("uuid", &["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
    ("json", &["'{\"b\": 1,  \"a\": [null, \"\\u00e9\\n\"]}'", "'1.10'"]),
    ("jsonb", &["'{\"b\": 1, \"a\": [null, \"x\"]}'", "'\"text\"'", "'null'"]),
    ("xml", &["'<a>b</a>'"]),
    ("inet", &["'192.168.0.1/24'", "'::1'"]),
    ("cidr", &["'10.0.0.0/8'"]),
    ("macaddr", &["'08:00:2b:01:02:03'"]),
    ("bit(5)", &["B'10101'"]),
    ("bit varying(9)", &["B''", "B'101'"]),
    ("int4range", &["'[1,10)'", "'empty'"]),
    ("tstzrange", &["'[2024-01-01 00:00+00,)'"]),
    ("integer[]", &["'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'"]),
    ("text[]", &["'{\"a,b\",\"c\\\"d\",NULL,\"NULL\",\"\"}'", "ARRAY[E'tab\\t', E'nl\\n']"]),
    ("point", &["'(1.5,-2)'"]),
    ("polygon", &["'((0,0),(1,1),(1,0))'"]),
    ("tsvector", &["'a:1 b:2'"]),
    ("mood", &["'sad'", "'very ''happy'''"]),
    ("zip", &["'00501'"]),
    ("pair", &["ROW(1, 'a,b')", "ROW(NULL, 'q\"q')"]),
    ("pg_lsn", &["'16/B374D848'"]),
    ("oid", &["4294967295"]),
    ("hstoreish", &["'x'"]),
];

const NAMES: &[&str] = &["plain", "a b", "Wéird", "select", "q\"uote", "tab\there", "UPPER", "1st", "semi;colon", "dash--", "ünï"];

#[test]
fn postgres_says_the_same() {
    let Some(database) = Postgres::new("round_trip") else { return };
    let mut covered = BTreeSet::new();
    let desk = Desk::new();
    for seed in 0..6 {
        let mut numbers = Numbers(seed + 7);
        let mut script = "DROP SCHEMA IF EXISTS public CASCADE; DROP SCHEMA IF EXISTS \"o t'her\" CASCADE; CREATE SCHEMA public; CREATE SCHEMA \"o t'her\";\n\
             CREATE TYPE mood AS ENUM ('sad', 'very ''happy'''); CREATE DOMAIN zip AS text; CREATE TYPE pair AS (a int, b text); CREATE DOMAIN hstoreish AS text;\n"
            .to_owned();
        for table in 0..6 {
            let schema = if table % 3 == 2 { "\"o t'her\"" } else { "public" };
            let quoted = format!("{schema}.\"{}{table}\"", NAMES[numbers.below(NAMES.len())].replace('"', "\"\""));
            let columns: Vec<(String, Kind)> = (0..numbers.below(10))
                .map(|n| {
                    (format!("\"{}{n}\"", NAMES[numbers.below(NAMES.len())].replace('"', "\"\"")), POSTGRES[numbers.below(POSTGRES.len())])
                })
                .collect();
            let mut list: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {}", kind.0)).collect();
            let identity = table % 2 == 0;
            if identity {
                list.insert(0, "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY".to_owned());
                list.insert(numbers.below(list.len() + 1).max(1), "computed text GENERATED ALWAYS AS ('x' || 'y') STORED".to_owned());
            }
            let _ = writeln!(script, "CREATE TABLE {quoted} ({});", list.join(", "));
            for _ in 0..numbers.below(30) {
                let values: Vec<&str> =
                    columns.iter().map(|(_, kind)| if numbers.below(6) == 0 { "NULL" } else { numbers.pick(kind.1) }).collect();
                if columns.is_empty() {
                    let _ = writeln!(script, "INSERT INTO {quoted} DEFAULT VALUES;");
                } else {
                    let names: Vec<&str> = columns.iter().map(|c| c.0.as_str()).collect();
                    let _ = writeln!(script, "INSERT INTO {quoted} ({}) VALUES ({});", names.join(", "), values.join(", "));
                }
            }
            covered.extend(columns.iter().map(|c| c.1.0));
        }
        script.push_str(
            "CREATE TABLE parted (k int, v text) PARTITION BY LIST (k); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);\n\
             CREATE TABLE parted_2 (v text, k int); ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);\n\
             INSERT INTO parted VALUES (1, 'one'), (2, 'two'); CREATE TABLE base (a int); CREATE TABLE child (b text) INHERITS (base);\n\
             INSERT INTO base VALUES (1); INSERT INTO child VALUES (2, 'c');\n\
             CREATE FUNCTION trap() RETURNS void LANGUAGE plpgsql AS $body$ BEGIN /* COPY x FROM stdin; */ END $body$;\n\
             CREATE VIEW seen AS SELECT 1 AS one; CREATE MATERIALIZED VIEW stored AS SELECT 1 AS one;\n\
             SELECT lo_create(0); COMMENT ON TABLE base IS E'a ; comment\\n\\\\.\\n';\n",
        );
        let path = desk.write("make.sql", &script);
        database.restore(&path.display().to_string());
        let expected = database.values();
        for (name, words) in [
            ("plain.sql", &["-Fp"][..]),
            ("custom.dump", &["-Fc"]),
            ("folder", &["-Fd"]),
            ("archive.tar", &["-Ft"]),
            ("inserts.sql", &["--inserts"]),
            ("columns.sql", &["--column-inserts", "--rows-per-insert=7"]),
            ("many.sql", &["--rows-per-insert=100"]),
            ("latin.sql", &["--encoding=SQL_ASCII"]),
            ("clean.sql", &["--clean", "--if-exists", "--create"]),
            ("quoted.sql", &["--quote-all-identifiers", "--verbose"]),
            ("conflict.sql", &["--inserts", "--on-conflict-do-nothing"]),
            ("triggers.sql", &["--disable-triggers", "--no-owner", "--no-privileges", "--serializable-deferrable"]),
        ] {
            let target = desk.path(name);
            let _ = std::fs::remove_dir_all(&target);
            let target = target.display().to_string();
            database.tool("pg_dump", &[words, &["-f", &target]].concat());
            desk.unseed(&format!("ingest {name} -o case.db")).exits(0);
            assert_same(&format!("seed {seed}, {name}"), &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
        }
    }
    told("Postgres", &covered, POSTGRES);
}

/// Tools of newer releases write newer archives: `UNSEED_NEWER_PG_DUMPS` names them, colons between.
#[test]
fn newer_tools_write_equal_archives() {
    let tools = std::env::var("UNSEED_NEWER_PG_DUMPS").unwrap_or_default();
    if tools.is_empty() {
        return skipped("archives 1.15 and 1.16", "UNSEED_NEWER_PG_DUMPS names no pg_dump; tests/run.sh fetches them");
    }
    let Some(database) = Postgres::new("newer") else { return };
    database.restore(&crate::harness::fixture("storefront/dump.sql"));
    let expected = database.values();
    let desk = Desk::new();
    for tool in tools.split(':').filter(|t| !t.is_empty()) {
        for words in [&["-Fp"][..], &["-Fc"], &["-Fc", "--compress=none"], &["-Fd", "--compress=gzip"], &["-Ft"], &["-Fc", "--inserts"]] {
            let target = desk.path("made");
            let _ = std::fs::remove_dir_all(&target);
            let _ = std::fs::remove_file(&target);
            database.tool(tool, &[words, &["-f", &target.display().to_string()]].concat());
            desk.unseed("ingest made -o case.db").exits(0);
            assert_same(&format!("{tool} {words:?}"), &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
        }
    }
}

/// A database in another character set: what `--encoding` of an older server would write.
#[test]
fn latin_dumps_are_decoded() {
    let Some(database) = Postgres::new("latin") else { return };
    database.sql("CREATE TABLE \"naïve\" (id int, \"größe\" text); INSERT INTO \"naïve\" VALUES (1, 'café'), (2, 'ß')");
    let desk = Desk::new();
    for (encoding, words) in [("LATIN1", &[][..]), ("WIN1252", &["-Fc"]), ("LATIN9", &["--inserts"]), ("UTF8", &[])] {
        let target = desk.path("dump").display().to_string();
        database.tool("pg_dump", &[&["--encoding", encoding, "-f", &target], words].concat());
        desk.unseed("ingest dump -o case.db").exits(0);
        assert_same(encoding, &contents::stored(&contents::open(&desk.path("case.db"))), &database.values());
    }
}

#[test]
fn a_cluster_dump_keeps_its_databases_apart() {
    let (Some(one), Some(two)) = (Postgres::new("all_one"), Postgres::new("all_two")) else { return };
    one.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    two.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (2), (3)");
    let desk = Desk::new();
    // What pg_dumpall writes for two databases; the private server holds those of other tests too.
    let mut text =
        "--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE ana;\nALTER ROLE ana WITH PASSWORD 'SCRAM-SHA-256$4096:secret';\n"
            .to_owned();
    for database in [&one, &two] {
        let path = desk.path("part.sql");
        database.tool("pg_dump", &["--create", "-f", &path.display().to_string()]);
        text.push_str(&std::fs::read_to_string(path).expect("a dump"));
    }
    text.push_str("--\n-- PostgreSQL database cluster dump complete\n--\n");
    desk.write("all.sql", text);
    desk.unseed("ingest all.sql -o case.db").exits(0);
    let case = contents::open(&desk.path("case.db"));
    let found: Tables = contents::stored(&case);
    assert_eq!(found["unseed_all_one.t"].len(), 1);
    assert_eq!(found["unseed_all_two.t"].len(), 2);
    // Passwords of roles are nobody's business.
    let bytes = std::fs::read(desk.path("case.db")).expect("a case");
    assert!(memchr::memmem::find(&bytes, b"SCRAM-SHA-256").is_none());
}

const MARIADB_TEXTS: &[&str] = &[
    "''",
    "'plain'",
    "'it''s'",
    "'tab\\there'",
    "'line\\nfeed\\r\\n'",
    "'back\\\\slash'",
    "'\\\\N'",
    "'nul\\0byte'",
    "'ctrl\\Z'",
    "'per\\%cent'",
    "'-- # /* x */;'",
    "'NULL'",
    "'007'",
    "' lead and trail '",
    "'Ünïcödé \u{1f600} 漢字'",
    "'say \"hi\"'",
    "'a,b'",
    "repeat('long ', 3000)",
    "'8g*9/*7T&G#R'",
    "'/*!50000 x */'",
];

const MARIADB: &[Kind] = &[
    ("text", MARIADB_TEXTS),
    ("varchar(16000)", MARIADB_TEXTS),
    ("longtext", MARIADB_TEXTS),
    ("char(9)", &["'abc'", "''"]),
    ("tinyint(1)", &["0", "1", "-128"]),
    ("smallint unsigned", &["65535"]),
    ("mediumint", &["-8388608"]),
    ("int", &["2147483647", "0"]),
    ("bigint", &["-9223372036854775808"]),
    ("bigint unsigned", &["18446744073709551615", "1"]),
    ("int(7) zerofill", &["42"]),
    ("decimal(30,10)", &["1.10", "-12345678901234567890.0123456789"]),
    ("double", &["1e308", "0.1", "-0.0", "1e-300"]),
    ("float", &["1.5", "0.1"]),
    ("bit(1)", &["b'1'", "b'0'"]),
    ("bit(12)", &["b'101010101010'", "b'0'"]),
    ("binary(4)", &["x'00ff5c27'", "''"]),
    ("varbinary(300)", &["x'00ff5c270a0d1a22'", "''", "repeat(x'80', 300)"]),
    ("blob", &["x'00ff5c270a0d1a22'", "''", "repeat(x'27', 9000)"]),
    ("date", &["'2024-02-29'", "'0000-00-00'", "'9999-12-31'"]),
    ("datetime(6)", &["'2024-02-29 18:29:59.999999'", "'0000-00-00 00:00:00'"]),
    ("timestamp NULL", &["'2024-02-29 18:29:59'"]),
    ("time(3)", &["'-838:59:59'", "'12:00:00.123'"]),
    ("year", &["2024", "0"]),
    ("enum('a','b''c','d,e')", &["'a'", "'b''c'", "'d,e'"]),
    ("set('x','y')", &["'x,y'", "''"]),
    ("json", &["'{\"a\": [1, \"\\\\u00e9\"]}'"]),
    ("point", &["POINT(1, 2)"]),
    ("varchar(90) CHARACTER SET latin1", &["'café'", "''"]),
    ("uuid", &["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
    ("inet6", &["'::1'"]),
];

#[test]
fn mariadb_says_the_same() {
    let Some(database) = Mariadb::new("round_trip") else { return };
    let mut covered = BTreeSet::new();
    let desk = Desk::new();
    let names = ["plain", "a b", "Wéird", "select", "q`uote", "UPPER", "1st", "semi;colon", "q'uote", "d\"ouble", "-- dash"];
    for seed in 0..6 {
        let mut numbers = Numbers(seed + 99);
        let mut script = format!(
            "DROP DATABASE {0}; CREATE DATABASE {0} CHARACTER SET utf8mb4; USE {0};\nSET sql_mode = ''; SET time_zone = '+00:00';\n",
            database.name()
        );
        for table in 0..6 {
            let quoted = format!("`{}{table}`", numbers.pick(&names).replace('`', "``"));
            let columns: Vec<(String, Kind)> = (0..=numbers.below(9))
                .map(|n| (format!("`{}{n}`", numbers.pick(&names).replace('`', "``")), MARIADB[numbers.below(MARIADB.len())]))
                .collect();
            let mut list: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {}", kind.0)).collect();
            if table % 2 == 0 {
                list.insert(0, "`id` bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY".to_owned());
                list.push("`computed` int AS (1 + 1) VIRTUAL".to_owned());
            }
            let _ = writeln!(
                script,
                "CREATE TABLE {quoted} ({}) {};",
                list.join(", "),
                numbers.pick(&["ENGINE=InnoDB", "ENGINE=MyISAM", "ENGINE=InnoDB COMMENT='a ; b'"])
            );
            for _ in 0..numbers.below(30) {
                let values: Vec<&str> =
                    columns.iter().map(|(_, kind)| if numbers.below(6) == 0 { "NULL" } else { numbers.pick(kind.1) }).collect();
                let names: Vec<&str> = columns.iter().map(|c| c.0.as_str()).collect();
                let _ = writeln!(script, "INSERT INTO {quoted} ({}) VALUES ({});", names.join(", "), values.join(", "));
            }
            covered.extend(columns.iter().map(|c| c.1.0));
        }
        script.push_str(
            "CREATE VIEW seen AS SELECT 1 AS one;\nDELIMITER ;;\nCREATE TRIGGER tr BEFORE DELETE ON `parent` FOR EACH ROW BEGIN SET @a = 'INSERT INTO x VALUES (1);'; END;;\nDELIMITER ;\n",
        );
        let script = script.replace("CREATE VIEW seen", "CREATE TABLE `parent` (`id` int PRIMARY KEY);\nCREATE VIEW seen");
        database.run(script.as_bytes());
        let expected = database.values();
        for (name, words) in [
            ("plain", &[][..]),
            ("hex", &["--hex-blob"]),
            ("complete", &["--complete-insert", "--skip-extended-insert"]),
            ("ansi", &["--compatible=ansi", "--default-character-set=utf8mb4", "--set-charset"]),
            ("compact", &["--compact"]),
            ("noescape", &["--compatible=no_table_options", "--default-character-set=utf8mb4", "--set-charset"]),
            ("replace", &["--replace", "--skip-quote-names"]),
            ("ignore", &["--insert-ignore", "--skip-comments", "--no-autocommit"]),
            ("routines", &["--routines", "--triggers", "--events", "--single-transaction", "--flush-logs"]),
            ("databases", &["--databases"]),
        ] {
            // Names that need quotes cannot do without.
            let words: Vec<&str> = words.iter().copied().filter(|w| *w != "--skip-quote-names").collect();
            let text = database.dump(&words);
            let file = format!("{name}.sql");
            desk.write(&file, &text);
            desk.unseed(&format!("ingest {file} -o case.db")).exits(0);
            assert_same(&format!("seed {seed}, {name}"), &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
        }
    }
    told("MariaDB", &covered, MARIADB);
}

/// Modes that change how text is quoted.
#[test]
fn quoting_modes_of_mysql_are_followed() {
    let Some(database) = Mariadb::new("modes") else { return };
    database.run(b"CREATE TABLE t (id int, a text, b varchar(50) CHARACTER SET latin1); INSERT INTO t VALUES (1, 'back\\\\slash \"q\" it''s', 'caf\xc3\xa9'), (2, 'end\\\\', 'x');");
    let expected = database.values();
    let desk = Desk::new();
    for mode in ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"] {
        // The dump's own words set the mode; what follows is quoted for it, as a server of that mode reads it.
        let escape = |text: &str| {
            if mode.contains("NO_BACKSLASH") { text.replace('\'', "''") } else { text.replace('\\', "\\\\").replace('\'', "\\'") }
        };
        let name = if mode.contains("ANSI") { "\"t\"" } else { "`t`" };
        let text = format!(
            "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8mb4 */;\n/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='{mode}' */;\nCREATE TABLE {name} (id int, a text, b text) ENGINE=InnoDB;\n\
             INSERT INTO {name} VALUES (1,'{}','x'),(2,'{}','y');\n/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n-- Dump completed\n",
            escape("back\\slash \"q\" it's"),
            escape("end\\")
        );
        desk.write("dump.sql", &text);
        desk.unseed("ingest dump.sql -o case.db").exits(0);
        let stored = contents::stored(&contents::open(&desk.path("case.db")));
        let first: Vec<_> = stored["t"].iter().map(|row| row[1].clone()).collect();
        assert_eq!(first, expected["t"].iter().map(|row| row[1].clone()).collect::<Vec<_>>(), "{mode}");
    }
    // Where a dump says that all is binary, texts that are no UTF-8 stay bytes, and are counted.
    let binary = database.dump(&["--default-character-set=binary", "--hex-blob"]);
    desk.write("dump.sql", &binary);
    desk.unseed("ingest dump.sql -o case.db").exits(0);
    let case = contents::open(&desk.path("case.db"));
    let found = contents::stored(&case);
    assert_eq!(found["t"][0][1..], [expected["t"][0][1].clone(), Some(b"636166e9".to_vec())]);
    assert_eq!(case.query_row("SELECT sum(invalid_utf8) FROM unseed_columns", [], |r| r.get(0)), Ok(1));
    let latin = database.dump(&["--default-character-set=latin1"]);
    desk.write("dump.sql", &latin);
    desk.unseed("ingest dump.sql -o case.db").exits(0);
    assert_same("latin1", &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
    // UTF-8 that went in as latin1 comes out encoded twice; what the server holds is what is stored.
    let Some(twice) = Mariadb::new("twice") else { return };
    twice.run("SET NAMES latin1; CREATE TABLE t (id int PRIMARY KEY, a varchar(50) CHARACTER SET latin1); INSERT INTO t VALUES (1, 'caf\u{e9} \u{20ac}'), (2, '\u{81}')".as_bytes());
    let expected = twice.values();
    for words in [&["--default-character-set=utf8mb4"][..], &["--default-character-set=latin1"]] {
        desk.write("dump.sql", twice.dump(words));
        desk.unseed("ingest dump.sql -o case.db").exits(0);
        assert_same(&format!("{words:?}"), &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
    }
}

#[expect(clippy::print_stderr, reason = "the coverage must show")]
fn told(engine: &str, covered: &BTreeSet<&str>, kinds: &[Kind]) {
    eprintln!("{engine}: {} of {} types covered: {}", covered.len(), kinds.len(), covered.iter().copied().collect::<Vec<_>>().join(", "));
    assert!(covered.len() * 10 >= kinds.len() * 9, "a type was hardly tried");
}

//! Every form that an input may have: wrappers, archives, folders, standard input, several at once. What a
//! real tool wrote is compared with its plain form; what was made by hand says so.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rusqlite::types::Value;

use crate::contents::{self, assert_same};
use crate::harness::{Desk, Mariadb, fixture, public_dumps, skipped};

/// Ingests inputs into `case.db` and returns the snapshot's id.
#[track_caller]
fn id(desk: &Desk, inputs: &str) -> String {
    let _ = std::fs::remove_file(desk.path("case.db"));
    desk.unseed(&format!("ingest {inputs} -o case.db")).exits(0);
    let case = contents::open(&desk.path("case.db"));
    case.query_row("SELECT value FROM unseed_meta WHERE key = 'snapshot_id'", [], |r| r.get(0)).expect("an id")
}

/// Runs a tool in the desk's folder; says so where it is missing.
fn tool(desk: &Desk, line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    match Command::new(words[0]).args(&words[1..]).current_dir(desk.path("")).stdout(Stdio::null()).status() {
        Ok(status) => {
            assert!(status.success(), "{line}");
            true
        }
        Err(_) => {
            skipped(line, "the tool is missing; tests/run.sh installs it");
            false
        }
    }
}

fn rows(desk: &Desk, query: &str) -> Vec<Vec<Value>> {
    let case = desk.case("case.db");
    let mut statement = case.prepare(query).expect("a query");
    let width = statement.column_count();
    let found = statement.query_map([], |r| (0..width).map(|i| r.get(i)).collect()).expect("rows");
    found.map(|r| r.expect("a row")).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn names_are_those_that_the_input_ends_with() {
    let desk = Desk::new();
    desk.write(
        "dump.sql",
        "CREATE TABLE old (id int PRIMARY KEY, mail text);\nCREATE TABLE child (old_id int REFERENCES old (id));\n\
         INSERT INTO old VALUES (1, 'a@acme.io');\nINSERT INTO child VALUES (1);\n\
         ALTER TABLE old RENAME COLUMN id TO key;\nALTER TABLE old RENAME mail TO email;\nALTER TABLE old RENAME TO users;\n\
         INSERT INTO users (email, key) VALUES ('b@acme.io', 2);\n",
    );
    id(&desk, "dump.sql");
    let case = desk.case("case.db");
    let tables = contents::stored_tables(&case);
    let names: Vec<&str> = tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["users", "child"]);
    let columns = "SELECT group_concat(column_name, ' ') FROM unseed_columns WHERE table_id = 0";
    assert_eq!(rows(&desk, columns), [[text("key email")]]);
    let stored = rows(&desk, &format!("SELECT * FROM \"{}\"", tables[0].physical));
    assert_eq!(stored, [[Value::Integer(1), text("a@acme.io")], [Value::Integer(2), text("b@acme.io")]]);
    let models = rows(&desk, "SELECT model FROM unseed_tables ORDER BY table_id");
    let model = |at: usize| match &models[at][0] {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert!(model(1).contains("\"name\":\"users\"") && model(1).contains("[\"key\"]"), "{}", model(1));
    // phpMyAdmin tells of keys and counters after the rows; names as a comment may not decide the engine.
    desk.write(
        "dump.sql",
        "CREATE TABLE `t` (`id` int(11) NOT NULL);\nINSERT INTO `t` VALUES (1);\nALTER TABLE `t` MODIFY `id` int(11) NOT NULL AUTO_INCREMENT;\n\
         RENAME TABLE t TO people;\n",
    );
    id(&desk, "dump.sql");
    assert_eq!(rows(&desk, "SELECT identity FROM unseed_columns"), [[Value::Integer(1)]]);
    assert_eq!(rows(&desk, "SELECT table_name FROM unseed_tables"), [[text("people")]]);
    // A remark in a value is no sign of MySQL.
    desk.write("dump.sql", "CREATE TABLE t (a text);\nINSERT INTO t VALUES ('/*! no code */');\n");
    id(&desk, "dump.sql");
    assert_eq!(rows(&desk, "SELECT value FROM unseed_meta WHERE key = 'engine'"), [[text("postgres")]]);
}

#[test]
fn wrappers_and_archives_change_nothing() {
    let desk = Desk::new();
    std::fs::copy(fixture("storefront/dump.sql"), desk.path("dump.sql")).expect("a dump");
    let plain = id(&desk, "dump.sql");
    for (line, made) in [
        ("gzip -k dump.sql", "dump.sql.gz"),
        ("zstd -q dump.sql", "dump.sql.zst"),
        ("zstd -q --long=27 -o long.zst dump.sql", "long.zst"),
        ("xz -k dump.sql", "dump.sql.xz"),
        ("bzip2 -k dump.sql", "dump.sql.bz2"),
        ("lz4 -q dump.sql dump.sql.lz4", "dump.sql.lz4"),
        ("zip -q dump.zip dump.sql", "dump.zip"),
        ("zip -q -0 stored.zip dump.sql", "stored.zip"),
        ("tar cf dump.tar dump.sql", "dump.tar"),
        ("tar czf dump.tgz dump.sql", "dump.tgz"),
        ("tar --format=pax -cf pax.tar dump.sql", "pax.tar"),
        // A wrapper within a wrapper, and a name that lies.
        ("gzip -k dump.sql.bz2", "dump.sql.bz2.gz"),
        ("cp dump.sql.xz really.csv", "really.csv"),
        ("zip -q nested.zip dump.sql.gz", "nested.zip"),
    ] {
        if tool(&desk, line) {
            assert_eq!(id(&desk, made), plain, "{made}");
        }
    }
    // Members of several gzips are one text.
    let whole = std::fs::read(desk.path("dump.sql")).expect("a dump");
    desk.write("a", &whole[..100_000]);
    desk.write("b", &whole[100_000..]);
    if tool(&desk, "gzip a b") {
        let joined = [std::fs::read(desk.path("a.gz")).expect("a"), std::fs::read(desk.path("b.gz")).expect("b")].concat();
        desk.write("joined.gz", joined);
        assert_eq!(id(&desk, "joined.gz"), plain);
    }
}

#[test]
fn standard_input_is_read_in_every_form() {
    let desk = Desk::new();
    std::fs::copy(fixture("storefront/dump.sql"), desk.path("dump.sql")).expect("a dump");
    let plain = id(&desk, "dump.sql");
    let mut made = vec!["dump.sql"];
    for (line, name) in
        [("gzip -k dump.sql", "dump.sql.gz"), ("tar czf dump.tgz dump.sql", "dump.tgz"), ("zip -q dump.zip dump.sql", "dump.zip")]
    {
        if tool(&desk, line) {
            made.push(name);
        }
    }
    for name in made {
        let mut child = Command::new(env!("CARGO_BIN_EXE_unseed"))
            .args(["ingest", "-", "-o", "piped.db", "--progress", "none"])
            .current_dir(desk.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let bytes = std::fs::read(desk.path(name)).expect("a file");
        child.stdin.take().expect("input").write_all(&bytes).expect("it is read");
        assert!(child.wait().expect("it ends").success(), "{name}");
        let case = desk.case("piped.db");
        let found: String = case.query_row("SELECT value FROM unseed_meta WHERE key = 'snapshot_id'", [], |r| r.get(0)).expect("an id");
        assert_eq!(found, plain, "{name}");
    }
}

#[test]
fn what_is_damaged_or_dangerous_is_refused() {
    let desk = Desk::new();
    std::fs::copy(fixture("storefront/dump.sql"), desk.path("dump.sql")).expect("a dump");
    if tool(&desk, "gzip -k dump.sql") {
        let whole = std::fs::read(desk.path("dump.sql.gz")).expect("gzip");
        desk.write("cut.gz", &whole[..whole.len() / 2]);
        desk.unseed("ingest cut.gz -o case.db").exits(2).says(&["cut.gz", "gzip data is damaged or cut off"]);
        let ran = desk.unseed("ingest cut.gz -o cut.db --allow-truncated").exits(0);
        assert!(ran.out.contains("cut off"), "{}", ran.out);
        let truncated: i64 = desk.case("cut.db").query_row("SELECT sum(truncated) FROM unseed_tables", [], |r| r.get(0)).expect("a sum");
        assert!(truncated > 0);
        let mut flipped = whole.clone();
        let last = flipped.len() - 6;
        flipped[last] ^= 0x55;
        desk.write("flipped.gz", flipped);
        desk.unseed("ingest flipped.gz -o case.db --allow-truncated").exits(2).says(&["flipped.gz", "damaged"]);
    }
    // 200 MB of zeros in 200 KB: zstd packs them 20,000 times.
    if tool(&desk, "sh -c true") {
        let bomb = zstd::bulk::compress(&vec![b'\n'; 200 << 20], 3).expect("zstd");
        desk.write("bomb.sql.zst", [&zstd::bulk::compress(b"CREATE TABLE t (id int);\n", 1).expect("zstd")[..], &bomb].concat());
        desk.unseed("ingest bomb.sql.zst -o case.db").exits(2).says(&["bomb", "--max-memory"]);
        desk.unseed("ingest bomb.sql.zst -o case.db --max-memory 64G").exits(0);
        std::fs::remove_file(desk.path("case.db")).expect("a case");
    }
    // A tar whose member points out of it, made by hand: tools refuse to write one.
    let mut header = [0_u8; 512];
    header[..14].copy_from_slice(b"../../evil.sql");
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(b"00000000001\0");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut tar = header.to_vec();
    tar.extend_from_slice(&[b'x'; 512]);
    tar.extend_from_slice(&[0; 1024]);
    desk.write("evil.tar", &tar);
    desk.unseed("ingest evil.tar -o case.db").exits(2).says(&["evil.tar", "points out of it"]);
    desk.write("short.tar", &tar[..600]);
    desk.unseed("ingest short.tar -o case.db").exits(2);
    assert!(!desk.path("case.db").exists());
}

#[test]
fn cells_are_held_to_the_memory_that_is_given() {
    let desk = Desk::new();
    let big = "x".repeat(5 << 20);
    desk.write("t.csv", format!("id,text\n1,\"{big}\"\n"));
    desk.unseed("ingest t.csv -o case.db --max-memory 16M").exits(2).says(&["t.csv", "larger than 4194304 bytes", "--max-memory"]);
    assert!(!desk.path("case.db").exists());
    id(&desk, "t.csv");
    assert_eq!(rows(&desk, "SELECT length(text) FROM t"), [[Value::Integer(5 << 20)]]);
    desk.unseed("ingest t.csv -o case.db --max-memory 1M").exits(2).says(&["less than 16M"]);
}

#[test]
fn several_inputs_are_one_snapshot() {
    let desk = Desk::new();
    desk.write(
        "schema.sql",
        "CREATE TABLE public.users (id bigint PRIMARY KEY, name text, born date);\nCREATE TABLE public.teams (id int, size int);\n",
    );
    desk.write("export/users.csv", "id,name,born\n1,Ann,1980-01-01\n2,,\n");
    desk.write("export/public.teams.csv", "7,1\n8,2\n");
    // The order does not matter: schema is read first.
    desk.unseed("ingest export schema.sql -o case.db").exits(0);
    assert_eq!(rows(&desk, "SELECT * FROM users WHERE id = 2"), [[Value::Integer(2), Value::Null, Value::Null]]);
    assert_eq!(rows(&desk, "SELECT id FROM teams"), [[Value::Integer(7)], [Value::Integer(8)]]);
    assert_eq!(rows(&desk, "SELECT sum(declared) FROM unseed_tables"), [[Value::Integer(2)]]);
}

#[test]
fn csv_dialects_are_found_and_told() {
    let desk = Desk::new();
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let mut bytes = if big { vec![0xfe, 0xff] } else { vec![0xff, 0xfe] };
        bytes.extend(text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }));
        bytes
    };
    let excel = "id\tname\r\n1\tJosé \u{1f600}\r\n";
    for (bytes, says) in [
        ("id;name\n1;José \u{1f600}\n".as_bytes().to_vec(), "separator \";\""),
        (utf16(excel, false), "UTF-16"),
        (utf16(excel, true), "UTF-16"),
        ("\u{feff}id|name\n1|\"José \u{1f600}\"\n".as_bytes().to_vec(), "separator \"|\""),
        ("sep=;\r\nid;name\r\n1;José \u{1f600}\r\n".as_bytes().to_vec(), "its first line says so"),
        ("id\x01name\n1\x01José \u{1f600}\n".as_bytes().to_vec(), "byte 0x01"),
    ] {
        desk.write("t.csv", bytes);
        let ran = desk.unseed("ingest t.csv -o case.db").exits(0);
        assert!(ran.out.contains(says), "{says}: {}", ran.out);
        assert_eq!(rows(&desk, "SELECT id, name FROM t"), [[Value::Integer(1), text("José \u{1f600}")]], "{says}");
    }
    desk.write("t.csv", b"id,name\n1,Jos\xe9 \x80\n");
    let ran = desk.unseed("ingest t.csv -o case.db").exits(0);
    assert!(ran.out.contains("windows-1252"), "{}", ran.out);
    assert_eq!(rows(&desk, "SELECT name FROM t"), [[text("José €")]]);
    desk.unseed("ingest t.csv -o case.db --encoding iso-8859-1").exits(0);
    assert_eq!(rows(&desk, "SELECT name FROM t"), [[text("José \u{80}")]]);
    desk.unseed("ingest t.csv -o case.db --encoding utf-8").exits(0);
    assert_eq!(rows(&desk, "SELECT name FROM t"), [[Value::Blob(b"Jos\xe9 \x80".to_vec())]]);
    assert_eq!(rows(&desk, "SELECT sum(invalid_utf8) FROM unseed_columns"), [[Value::Integer(1)]]);
    desk.write("t.csv", "1,Ann\n2,Bob\n");
    desk.unseed("ingest t.csv -o case.db").exits(0);
    assert_eq!(rows(&desk, "SELECT column_2 FROM t WHERE column_1 = 2"), [[text("Bob")]]);
    desk.unseed("ingest t.csv -o case.db --header yes").exits(0);
    assert_eq!(rows(&desk, "SELECT \"Ann\" FROM t"), [[text("Bob")]]);
    desk.write("t.csv", "id~name\n1~n/a\n");
    desk.unseed("ingest t.csv -o case.db --separator ~ --null n/a").exits(0);
    assert_eq!(rows(&desk, "SELECT id, name FROM t"), [[Value::Integer(1), Value::Null]]);
    // Whatever is wanted of the values, nobody changes them.
    desk.write("t.csv", "a,b,c,d\n007,1.10,+5,1e3\n-0, 1,9223372036854775808,0x10\n");
    desk.unseed("ingest t.csv -o case.db").exits(0);
    assert_eq!(
        rows(&desk, "SELECT * FROM t"),
        [["007", "1.10", "+5", "1e3"].map(text), ["-0", " 1", "9223372036854775808", "0x10"].map(text)]
    );
}

#[test]
fn json_lines_are_kept_as_written() {
    let desk = Desk::new();
    desk.write(
        "people.jsonl",
        "{\"id\": 1, \"name\": \"Ann \\u00e9\\n\", \"balance\": 1.10, \"tags\": [1, {\"a\": \"]\"}], \"ok\": true}\n\n\
         {\"id\": 18446744073709551615, \"name\": null, \"born\": \"1980-01-01\"}\r\n{\"name\": \"\", \"id\": 3}",
    );
    let ran = desk.unseed("ingest people.jsonl -o case.db").exits(0);
    assert!(ran.out.contains("3 rows  people"), "{}", ran.out);
    assert_eq!(
        rows(&desk, "SELECT id, name, balance, tags, ok, born FROM people"),
        [
            vec![Value::Integer(1), text("Ann é\n"), text("1.10"), text("[1, {\"a\": \"]\"}]"), text("true"), Value::Null],
            vec![text("18446744073709551615"), Value::Null, Value::Null, Value::Null, Value::Null, text("1980-01-01")],
            vec![Value::Integer(3), text(""), Value::Null, Value::Null, Value::Null, Value::Null],
        ]
    );
    desk.write("bad.jsonl", "{\"id\":1}\n{\"id\":2\n{\"id\":3}\n");
    desk.unseed("ingest bad.jsonl -o bad.db").exits(2).says(&["bad.jsonl:2 (byte 9)", "no JSON object"]);
    desk.unseed("ingest bad.jsonl -o case.db --bad-rows quarantine").exits(0);
    assert_eq!(rows(&desk, "SELECT rows_in, rows_stored FROM unseed_reconciliation"), [[Value::Integer(3), Value::Integer(2)]]);
}

#[test]
fn the_shell_of_sqlite_writes_text_that_is_equal_to_its_file() {
    let desk = Desk::new();
    let db = rusqlite::Connection::open(desk.path("shop.sqlite")).expect("a database");
    db.execute_batch(
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, price DECIMAL(10,2), x, twice INT GENERATED ALWAYS AS (id * 2));
         INSERT INTO users (name, price, x) VALUES ('a''b', 1.10, x'00ff'), (char(10, 13, 92, 110) || 'é', '1.10', 1e300), (NULL, 9e999, -9e999), ('', 0, -9223372036854775807 - 1);
         CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO pairs VALUES ('x', 'y'), ('x', 'z');
         CREATE TABLE empty (a); CREATE UNIQUE INDEX by_name ON users (name); CREATE VIEW v AS SELECT 1;
         CREATE TRIGGER t AFTER DELETE ON users BEGIN SELECT 1; SELECT 2; END;",
    )
    .expect("tables");
    drop(db);
    let Ok(dump) = Command::new("sqlite3").arg(desk.path("shop.sqlite")).arg(".dump").output() else {
        return skipped("SQLite text", "sqlite3 is missing; tests/run.sh installs it");
    };
    desk.write("dump.sql", &dump.stdout);
    let read = |input: &str| {
        let id = id(&desk, input);
        (
            id,
            rows(&desk, "SELECT model FROM unseed_tables ORDER BY table_name"),
            rows(&desk, "SELECT *, typeof(x), typeof(price) FROM users"),
        )
    };
    let (file, texts) = (read("shop.sqlite"), read("dump.sql"));
    let no_generated = |row: &Vec<Value>| [&row[..4], &row[5..]].concat();
    assert_eq!(texts.2.iter().map(no_generated).collect::<Vec<_>>(), file.2.iter().map(no_generated).collect::<Vec<_>>());
    let cut: Vec<u8> = dump.stdout[..dump.stdout.len() - "COMMIT;\n".len()].to_vec();
    desk.write("cut.sql", &cut);
    desk.unseed("ingest cut.sql -o cut.db").exits(2).says(&["cut off", "COMMIT", "--allow-truncated"]);
    desk.write(
        "damaged.sql",
        [&cut[..], b"/**** ERROR: (11) database disk image is malformed *****/\nROLLBACK; -- due to errors\n"].concat(),
    );
    desk.unseed("ingest damaged.sql -o cut.db").exits(2).says(&["found the database damaged", ".recover"]);
    // By hand: no shell of 3.50 or later is at hand to write it.
    desk.write(
        "new.sql",
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\nINSERT INTO t VALUES(unistr('a\\u000ab\\\\c'));\n\
         INSERT INTO t VALUES(replace(replace('x\\r\\ny','\\r',char(13)),'\\n',char(10)));\nCOMMIT;\n",
    );
    id(&desk, "new.sql");
    assert_eq!(rows(&desk, "SELECT a FROM t"), [[text("a\nb\\c")], [text("x\r\ny")]]);
}

#[test]
fn a_table_that_the_dump_drops_is_gone_with_its_rows() {
    let desk = Desk::new();
    let once = |rows: &str| {
        format!(
            "DROP TABLE IF EXISTS `t`;\nCREATE TABLE `t` (`id` int, PRIMARY KEY (`id`)) ENGINE=InnoDB;\nINSERT INTO `t` VALUES {rows};\n"
        )
    };
    desk.write("twice.sql", format!("-- MySQL dump 10.13\n{}{}-- Dump completed\n", once("(1),(2),(3)"), once("(4)")));
    let ran = desk.unseed("ingest twice.sql -o case.db").exits(0);
    assert!(ran.out.contains("drops table t after 3 rows"), "{}", ran.out);
    assert_eq!(rows(&desk, "SELECT * FROM t"), [[Value::Integer(4)]]);
    assert_eq!(rows(&desk, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%drop%'"), [[Value::Integer(0)]]);
    contents::open(&desk.path("case.db"));
}

#[test]
fn a_dump_that_names_a_wrong_character_set_is_read_as_told() {
    let desk = Desk::new();
    let mysql = |names: &str| {
        let mut text = format!(
            "-- MySQL dump 10.13\nSET NAMES {names};\nCREATE TABLE t (id int, a text) ENGINE=InnoDB;\nINSERT INTO t VALUES (1,'caf"
        )
        .into_bytes();
        text.extend_from_slice(b"\xe9 \xa4');\n-- Dump completed\n");
        text
    };
    let stored = || contents::stored(&contents::open(&desk.path("case.db")))["t"][0][1].clone();
    for names in ["utf8mb4", "klingon"] {
        desk.write("dump.sql", mysql(names));
        desk.unseed("ingest dump.sql -o case.db --encoding ISO-8859-15").exits(0);
        let case = contents::open(&desk.path("case.db"));
        let told: String = case.query_row("SELECT dialect FROM unseed_dialects", [], |r| r.get(0)).expect("a dialect");
        assert!(told.ends_with("ISO-8859-15, as given"), "{told}");
        assert_eq!(stored(), Some("café €".as_bytes().to_vec()), "{names}");
    }
    desk.unseed("ingest dump.sql -o other.db").exits(2).says(&["klingon", "--encoding"]);
    let mut text = b"--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\nCREATE TABLE public.t (id int, a text);\nCOPY public.t (id, a) FROM stdin;\n1\tcaf\xe9\n".to_vec();
    text.extend_from_slice(b"\\.\n--\n-- PostgreSQL database dump complete\n--\n");
    desk.write("dump.sql", &text);
    desk.unseed("ingest dump.sql -o case.db --encoding windows-1252").exits(0);
    assert_eq!(stored(), Some("café".as_bytes().to_vec()));
    // Without a word what is no UTF-8 stays bytes.
    desk.unseed("ingest dump.sql -o case.db").exits(0);
    assert_eq!(stored(), Some(b"636166e9".to_vec()));
}

#[test]
fn mysql_folders_are_one_dump() {
    let Some(database) = Mariadb::new("folders") else { return };
    database.run(
        b"CREATE TABLE users (id bigint unsigned PRIMARY KEY AUTO_INCREMENT, name varchar(80), note text, raw varbinary(20), price decimal(10,2), born date);\n\
          INSERT INTO users (name, note, raw, price, born) VALUES ('Ann', 'tab\\there\\nline \\\\ back', x'00095c0aff', 1.10, '1980-01-01'), (NULL, '', NULL, NULL, NULL), ('\\\\N', 'NULL', '', 0, '2000-02-29');\n\
          CREATE TABLE teams (id int, `odd name` text, t int AS (id + 1) STORED);\nINSERT INTO teams (id, `odd name`) VALUES (1, 'a,b'), (2, '\"q\"');\n\
          CREATE VIEW v AS SELECT id FROM users;\n",
    );
    let expected = database.values();
    let desk = Desk::new();
    // The server writes the rows' files itself.
    std::os::unix::fs::chown(desk.path(""), None, None).expect("a folder");
    std::fs::set_permissions(desk.path(""), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a folder");
    for (name, words) in [("tab", &[][..]), ("comma", &["--fields-terminated-by=,", "--fields-enclosed-by=\""])] {
        std::fs::create_dir(desk.path(name)).expect("a folder");
        std::fs::set_permissions(desk.path(name), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a folder");
        let folder = format!("--tab={}", desk.path(name).display());
        database.dump(&[&[folder.as_str()], words].concat());
        id(&desk, name);
        assert_same(name, &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
    }
    // By hand, from the parts of a real dump: a folder as mydumper lays it out.
    let schema = |table: &str| {
        let mut words = vec!["--no-data", "--compact"];
        words.push("--tables");
        String::from_utf8(database.dump_table(&words, table)).expect("text")
    };
    let data = |table: &str| {
        String::from_utf8_lossy(&database.dump_table(&["--no-create-info", "--compact", "--hex-blob", "--tables"], table)).into_owned()
    };
    let name = database.name();
    desk.write("my/metadata", "# Started dump at: 2026-01-01 00:00:00\n[config]\n# Finished dump at: 2026-01-01 00:00:01\n");
    desk.write(&format!("my/{name}-schema-create.sql"), format!("CREATE DATABASE `{name}`;\n"));
    for table in ["users", "teams"] {
        desk.write(&format!("my/{name}.{table}-schema.sql"), format!("/*!40101 SET NAMES binary*/;\n{}", schema(table)));
        desk.write(&format!("my/{name}.{table}.00000.sql"), format!("/*!40101 SET NAMES binary*/;\n{}", data(table)));
    }
    id(&desk, "my");
    assert_same("mydumper", &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
    // By hand: the same with --load-data and --csv, from files that the server wrote as LOAD DATA reads them.
    for (form, fields, enclosed) in [("load", "\\t", ""), ("csv", ",", "\"")] {
        desk.write(&format!("{form}/metadata"), "# Started dump at: 2026-01-01 00:00:00\n# Finished dump at: 2026-01-01 00:00:01\n");
        for (table, columns, set) in
            [("users", "`id`,`name`,`note`,@raw,`price`,`born`", "SET `raw`=UNHEX(@raw)"), ("teams", "`id`,`odd name`", "")]
        {
            desk.write(&format!("{form}/{name}.{table}-schema.sql"), format!("/*!40101 SET NAMES binary*/;\n{}", schema(table)));
            let rows = desk.path(&format!("{form}/{name}.{table}.00000.dat"));
            let folder = desk.path(form);
            std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a folder");
            let how = format!(
                "FIELDS TERMINATED BY '{fields}' ENCLOSED BY '{enclosed}' ESCAPED BY '\\\\' LINES STARTING BY '' TERMINATED BY '\\n'"
            );
            let selected = columns.replace("@raw", "hex(`raw`)");
            database.run(format!("SELECT {selected} INTO OUTFILE '{}' {how} FROM `{table}`;", rows.display()).as_bytes());
            let statement = format!(
                "/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\nLOAD DATA LOCAL INFILE '{name}.{table}.00000.dat' \
                 INTO TABLE `{table}` CHARACTER SET utf8mb4 {how} ({columns}){set};\n"
            );
            desk.write(&format!("{form}/{name}.{table}.00000.sql"), statement);
        }
        id(&desk, form);
        assert_same(form, &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
    }
    std::fs::rename(desk.path(&format!("csv/{name}.teams.00000.sql")), desk.path("gone.sql")).expect("a file");
    desk.unseed("ingest csv -o cut.db").exits(2).says(&["teams.00000.dat", "no LOAD DATA"]);
    desk.write("my/metadata", "# Started dump at: 2026-01-01 00:00:00\n[config]\n");
    desk.unseed("ingest my -o cut.db").exits(2).says(&["Finished dump at", "--allow-truncated"]);
    // By hand: a folder as MySQL Shell lays it out.
    desk.write("shell/@.json", "{\"dumper\": \"mysqlsh\", \"version\": \"2.0.1\"}");
    desk.write("shell/@.sql", "-- MySQLShell dump 2.0.1  Distrib Ver 8.0\nSET NAMES utf8mb4;\n");
    desk.write(&format!("shell/{name}.sql"), format!("-- MySQLShell dump\nCREATE DATABASE /*!32312 IF NOT EXISTS*/ `{name}`;\n"));
    for (table, columns, decode) in [
        ("users", r#"["id","name","note","raw","price","born"]"#, r#","decodeColumns":{"raw":"FROM_BASE64"}"#),
        ("teams", r#"["id","odd name"]"#, ""),
    ] {
        desk.write(&format!("shell/{name}@{table}.sql"), format!("-- MySQLShell dump\n{}", schema(table)));
        desk.write(
            &format!("shell/{name}@{table}.json"),
            format!(
                r#"{{"options":{{"schema":"{name}","table":"{table}","columns":{columns}{decode},"defaultCharacterSet":"utf8mb4","fieldsTerminatedBy":"\t","fieldsEnclosedBy":"","fieldsEscapedBy":"\\","linesTerminatedBy":"\n"}},"extension":"tsv.zst"}}"#
            ),
        );
    }
    let zst = |text: &str| zstd::bulk::compress(text.as_bytes(), 1).expect("zstd");
    desk.write(
        &format!("shell/{name}@users@0.tsv.zst"),
        zst("1\tAnn\ttab\\there\\nline \\\\ back\tAAlcCv8=\t1.10\t1980-01-01\n2\t\\N\t\t\\N\t\\N\t\\N\n"),
    );
    desk.write(&format!("shell/{name}@users@@1.tsv.zst"), zst("3\t\\\\N\tNULL\t\t0.00\t2000-02-29\n"));
    desk.write(&format!("shell/{name}@teams@@0.tsv.zst"), zst("1\ta,b\n2\t\"q\"\n"));
    desk.unseed("ingest shell -o cut.db").exits(2).says(&["@.done.json", "--allow-truncated"]);
    desk.write("shell/@.done.json", "{\"end\": \"2026-01-01 00:00:01\"}");
    id(&desk, "shell");
    assert_same("MySQL Shell", &contents::stored(&contents::open(&desk.path("case.db"))), &expected);
}

/// By hand, as the sources of each version write them; tests of round trips take newer tools where they are at hand.
#[test]
fn archives_of_every_version_and_compression() {
    let desk = Desk::new();
    for (minor, packing) in [(12, None), (13, Some(6)), (14, Some(1)), (15, Some(1)), (15, Some(2)), (16, Some(3)), (16, None)] {
        desk.write("made.dump", crate::fuzz::seeds::archive(minor, packing));
        id(&desk, "made.dump");
        assert_eq!(
            rows(&desk, "SELECT id, a FROM t"),
            [[Value::Integer(1), text("x\ty")], [Value::Integer(2), Value::Null]],
            "1.{minor} {packing:?}"
        );
        assert_eq!(rows(&desk, "SELECT json_extract(model, '$.primary_key.columns') FROM unseed_tables"), [[text("[0]")]], "1.{minor}");
    }
}

#[test]
fn archives_of_other_versions_and_of_bad_makers() {
    let Some(folder) = public_dumps("archive versions", "1 public dump") else { return };
    let bytes = std::fs::read(folder.join("dvdrental-fc-v1.12.tar")).expect("an archive");
    let desk = Desk::new();
    desk.write("real.dump", &bytes);
    let expected = id(&desk, "real.dump");
    // By hand: 1.13 has the layout of 1.12.
    let mut newer = bytes.clone();
    newer[6] = 13;
    desk.write("v13.dump", &newer);
    assert_eq!(id(&desk, "v13.dump"), expected);
    // Cut off anywhere, it is refused; with leave, what is there is taken and marked.
    for share in [3, 10, 30, 60, 90, 99] {
        desk.write("cut.dump", &bytes[..bytes.len() * share / 100]);
        desk.unseed("ingest cut.dump -o cut.db").exits(2);
    }
    desk.unseed("ingest cut.dump -o cut.db --allow-truncated").exits(0);
    let cut: (i64, i64) = desk
        .case("cut.db")
        .query_row("SELECT sum(rows), min(truncated) FROM unseed_tables", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .expect("sums");
    assert!(cut.0 > 1000 && cut.1 == 1);
}

//! Public dumps of other projects, read where `UNSEED_DUMPS` names their folder: every row of every table is
//! there, and equal to what a server, SQLite or another form of the same dump says.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use crate::contents::{self, Row, Tables, assert_same};
use crate::harness::{Desk, Mariadb, Postgres, public_dumps};

/// Ingests dumps that must have no reject and no byte unaccounted; returns what is stored.
#[track_caller]
fn ingest(inputs: &[PathBuf]) -> Tables {
    let desk = Desk::new();
    let mut words: Vec<String> = vec!["ingest".to_owned()];
    words.extend(inputs.iter().map(|p| p.display().to_string()));
    words.extend(["-o".to_owned(), "case.db".to_owned()]);
    desk.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    let case = contents::open(&desk.path("case.db"));
    let one = |query: &str| case.query_row(query, [], |r| r.get::<_, i64>(0)).expect("a number");
    assert_eq!(one("SELECT count(*) FROM unseed_rejects"), 0);
    assert_eq!(one("SELECT sum(bytes) FROM unseed_byte_ledger"), one("SELECT sum(bytes) FROM unseed_inputs"));
    contents::stored(&case)
}

/// Counts the lines of each COPY of a dump, with no help from the program.
fn copy_lines(text: &[u8]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in text.split(|b| *b == b'\n') {
        match &open {
            None if line.starts_with(b"COPY ") => {
                let name = String::from_utf8_lossy(line).split_whitespace().nth(1).unwrap_or_default().to_owned();
                let name = name.trim_start_matches("public.").replace('"', "");
                counts.insert(name.clone(), 0);
                open = Some(name);
            }
            None => {}
            Some(_) if line == b"\\." => open = None,
            Some(name) => *counts.entry(name.clone()).or_default() += 1,
        }
    }
    counts
}

/// Keeps the tables that have rows: a dump's text tells of no others.
fn with_rows(counts: BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    counts.into_iter().filter(|c| c.1 > 0).collect()
}

/// Drops what names a server's own collations, which other servers lack: the declared rewrite.
fn without_collations(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let names: [&[u8]; 3] = [b"utf8mb4_0900_ai_ci", b"utf8mb4_0900_bin", b"utf8mb4_ja_0900_as_cs"];
    while let Some((at, name)) = names.iter().filter_map(|n| Some((memchr::memmem::find(rest, n)?, *n))).min() {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"utf8mb4_general_ci");
        rest = &rest[at + name.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[test]
fn copy_dumps_have_a_row_a_line() {
    let Some(folder) = public_dumps("copy dumps", "2 public dumps") else { return };
    for (files, copy) in [
        (vec!["replibyte-postgres-copy.sql"], "replibyte-postgres-copy.sql"),
        (vec!["sakila-postgres-schema.sql", "sakila-postgres-copy.sql"], "sakila-postgres-copy.sql"),
    ] {
        let inputs: Vec<PathBuf> = files.iter().map(|f| folder.join(f)).collect();
        let text = std::fs::read(folder.join(copy)).expect("a dump");
        let stored = ingest(&inputs);
        assert_eq!(with_rows(contents::counts(&stored)), with_rows(copy_lines(&text)), "{copy}");
    }
}

#[test]
fn copy_and_insert_forms_are_equal() {
    let Some(folder) = public_dumps("COPY and INSERT forms", "2 public dumps") else { return };
    let copy = ingest(&[folder.join("replibyte-postgres-copy.sql")]);
    let mut insert = ingest(&[folder.join("replibyte-postgres-inserts.sql")]);
    // Somebody put a `;` into one text of the INSERT form, to try parsers; the rest is one database.
    let edited = |cell: &mut Option<Vec<u8>>| {
        if let Some(text) = cell.as_mut().filter(|t| t.ends_with(" 2222;".as_bytes())) {
            text.pop();
        }
    };
    insert.values_mut().flatten().flatten().for_each(edited);
    assert_same("INSERT against COPY", &insert, &copy);
    assert!(copy.values().map(Vec::len).sum::<usize>() > 1000);
}

#[test]
fn a_server_restores_the_same_rows_postgres() {
    let Some(folder) = public_dumps("Postgres restores", "5 public dumps") else { return };
    let Some(database) = Postgres::new("dumps") else { return };
    for (dump, archive) in [("replibyte-postgres-inserts.sql", false), ("dvdrental-fc-v1.12.tar", true)] {
        reset(&database);
        let path = folder.join(dump);
        if archive {
            database.sql("DROP SCHEMA public CASCADE");
            database.restore_archive(&path.display().to_string());
        } else {
            restore_lenient(&database, &std::fs::read(&path).expect("a dump"));
        }
        assert_same(dump, &ingest(&[path]), &database.values());
    }
    reset(&database);
    for file in ["sakila-postgres-schema.sql", "sakila-postgres-copy.sql"] {
        restore_lenient(&database, &std::fs::read(folder.join(file)).expect("a dump"));
    }
    assert_same(
        "sakila",
        &ingest(&[folder.join("sakila-postgres-schema.sql"), folder.join("sakila-postgres-copy.sql")]),
        &database.values(),
    );
    reset(&database);
    // The script makes a database of its own and goes there; the test stays in its own.
    let text = std::fs::read_to_string(folder.join("chinook_PostgreSql.sql")).expect("a dump");
    let here: String = text.lines().filter(|l| !l.contains("DATABASE") && !l.starts_with("\\c")).map(|l| format!("{l}\n")).collect();
    restore_lenient(&database, here.as_bytes());
    assert_same("chinook", &mapped(ingest(&[folder.join("chinook_PostgreSql.sql")])), &mapped(database.values()));
}

fn reset(database: &Postgres) {
    database.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

/// Restores a text whose owners and extensions the server may lack: what fails must be no rows.
fn restore_lenient(database: &Postgres, text: &[u8]) {
    let desk = Desk::new();
    let path = desk.write("restore.sql", text);
    let ran = database.script_ran(&path, None);
    for line in ran.err.lines().filter(|l| l.contains("ERROR")) {
        let harmless = ["role ", "must be owner", "already exists", "does not exist", "language"].iter().any(|w| line.contains(w));
        assert!(harmless, "{line}");
    }
}

#[test]
fn a_server_restores_the_same_rows_mariadb() {
    let Some(folder) = public_dumps("MariaDB restores", "3 public dumps") else { return };
    let Some(database) = Mariadb::new("dumps") else { return };
    for dump in ["world-mysqldump-8.sql", "chinook_MySql.sql", "typo3-demo.mysql.sql.gz"] {
        let path = folder.join(dump);
        let mut text = std::fs::read(&path).expect("a dump");
        if dump.ends_with(".gz") {
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(text.as_slice()).read_to_end(&mut plain).expect("gzip");
            text = plain;
        }
        let text = without_collations(&text);
        // The scripts make databases of their own; the test stays in its own.
        let text = without_databases(&text);
        let script = [b"SET FOREIGN_KEY_CHECKS=0;\n".as_slice(), &text].concat();
        database.sql(&format!("DROP DATABASE {0}; CREATE DATABASE {0} CHARACTER SET utf8mb4", database.name()));
        database.run(&script);
        let (found, expected) = (ingest(&[path]), database.values());
        // Chinook's script is written by hand: the server brings its dates into its own form.
        if dump.starts_with("chinook") {
            assert_same(dump, &mapped(found), &mapped(expected));
        } else {
            assert_same(dump, &found, &expected);
        }
    }
}

/// Drops lines that make or choose a database.
fn without_databases(text: &[u8]) -> Vec<u8> {
    let chooses = |line: &[u8]| {
        let upper = line[..line.len().min(60)].to_ascii_uppercase();
        upper.starts_with(b"USE ") || upper.starts_with(b"CREATE DATABASE") || memchr::memmem::find(&upper, b"DROP DATABASE").is_some()
    };
    text.split_inclusive(|b| *b == b'\n').filter(|line| !chooses(line)).flatten().copied().collect()
}

#[test]
fn sqlite_says_the_same_of_its_text() {
    let Some(folder) = public_dumps("SQLite text", "2 public dumps") else { return };
    let db = rusqlite::Connection::open_in_memory().expect("a database");
    db.execute_batch(&std::fs::read_to_string(folder.join("chinook_Sqlite.sql")).expect("a dump")).expect("the script runs");
    let stored = ingest(&[folder.join("chinook_Sqlite.sql")]);
    for (table, rows) in &stored {
        let count: i64 = db.query_row(&format!("SELECT count(*) FROM [{table}]"), [], |r| r.get(0)).expect("a count");
        assert_eq!(rows.len() as i64, count, "{table}");
    }
    assert_eq!(stored.len(), 11);
}

/// Three texts and a file hold one database. What differs, and is mapped: Postgres' names are in snake case,
/// its dates are `1962/2/18` where the others say `1962-02-18 00:00:00`; SQLite's decimals are binary floats;
/// MySQL reads the backslashes of its text as escapes, where the others keep them; a server takes blanks off the
/// end of a text that is too long for its column.
#[test]
fn chinook_is_one_database() {
    let Some(folder) = public_dumps("Chinook", "4 public dumps") else { return };
    let forms = ["chinook_MySql.sql", "chinook_PostgreSql.sql", "chinook_Sqlite.sql", "chinook_Sqlite.sqlite"];
    let read = forms.map(|form| mapped(ingest(&[folder.join(form)])));
    for (form, tables) in forms.iter().zip(&read).skip(1) {
        assert_same(form, tables, &read[0]);
    }
    assert_eq!(read[0].values().map(Vec::len).sum::<usize>(), 15_607);
}

fn mapped(tables: Tables) -> Tables {
    let name = |name: &str| name.rsplit('.').next().unwrap_or_default().replace('_', "").to_lowercase();
    let mut found = Tables::new();
    for (table, rows) in tables {
        let mut rows: Vec<Row> = rows.into_iter().map(|row| row.into_iter().map(|cell| cell.map(value)).collect()).collect();
        rows.sort();
        found.insert(name(&table), rows);
    }
    found
}

fn value(bytes: Vec<u8>) -> Vec<u8> {
    let Ok(text) = String::from_utf8(bytes.clone()).map(|t| t.replace('\\', "")) else { return bytes };
    let text = text.trim_end_matches(' ');
    let day = text.strip_suffix(" 00:00:00").unwrap_or(text);
    let parts: Vec<&str> = day.split(['-', '/']).collect();
    if let [year, month, day] = parts[..]
        && year.len() == 4
        && let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u16>(), month.parse::<u8>(), day.parse::<u8>())
    {
        return format!("{year:04}-{month:02}-{day:02}").into_bytes();
    }
    // Decimals have two places in every form but SQLite's.
    match text.split_once('.') {
        Some((whole, places)) if places.len() == 1 && whole.parse::<i64>().is_ok() && places.parse::<u8>().is_ok() => {
            format!("{text}0").into_bytes()
        }
        _ => text.as_bytes().to_vec(),
    }
}

#[test]
fn the_forms_of_pg_dump_are_equal() {
    let Some(folder) = public_dumps("forms of pg_dump", "1 public dump") else { return };
    let Some(database) = Postgres::new("forms") else { return };
    for file in ["sakila-postgres-schema.sql", "sakila-postgres-copy.sql"] {
        restore_lenient(&database, &std::fs::read(folder.join(file)).expect("a dump"));
    }
    let desk = Desk::new();
    let id = |desk: &Desk, input: &str| {
        desk.unseed(&format!("ingest {input} -o case-{input}.db")).exits(0);
        let case = contents::open(&desk.path(&format!("case-{input}.db")));
        let one = |query: &str| case.query_row(query, [], |r| r.get::<_, String>(0)).expect("a text");
        let tables = one("SELECT group_concat(model, char(10)) FROM (SELECT model FROM unseed_tables ORDER BY schema_name, table_name)");
        (one("SELECT value FROM unseed_meta WHERE key = 'snapshot_id'"), tables)
    };
    let made = |name: &str, words: &[&str]| {
        let path = desk.path(name).display().to_string();
        database.tool("pg_dump", &[words, &["-f", &path]].concat());
        name.to_owned()
    };
    let plain = made("plain.sql", &["-Fp"]);
    let expected = id(&desk, &plain);
    for (name, words) in [
        ("custom.dump", &["-Fc"][..]),
        ("stored.dump", &["-Fc", "-Z0"]),
        ("inserts.dump", &["-Fc", "--inserts"]),
        ("columns.sql", &["--column-inserts"]),
        ("many.sql", &["--rows-per-insert=50"]),
        ("folder", &["-Fd", "-j2"]),
        ("plainfolder", &["-Fd", "-Z0"]),
        ("archive.tar", &["-Ft"]),
    ] {
        let name = made(name, words);
        assert!(id(&desk, &name) == expected, "{name} differs from the plain text");
    }
    // Custom archives that were written to a pipe know no offsets, and are read from one.
    let path = desk.path("custom.dump").display().to_string();
    let piped = std::process::Command::new("sh")
        .args([
            "-c",
            &format!(
                "gzip -c '{path}' | '{}' ingest - -o '{}' --progress none",
                env!("CARGO_BIN_EXE_unseed"),
                desk.path("piped.db").display()
            ),
        ])
        .status()
        .expect("sh runs");
    assert!(piped.success());
    let case = contents::open(&desk.path("piped.db"));
    let found: String = case.query_row("SELECT value FROM unseed_meta WHERE key = 'snapshot_id'", [], |r| r.get(0)).expect("an id");
    assert_eq!(found, expected.0);
}

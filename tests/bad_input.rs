//! What is wrong with an input or a configuration ends with exit code 2, one message with the place and
//! the next step, and no file left behind.

use crate::harness::{Desk, fixture};

/// Asserts that a scan is refused, says these things, and leaves nothing behind.
#[track_caller]
fn refused(desk: &Desk, words: &str, parts: &[&str]) {
    let before = desk.files();
    let ran = desk.unseed(words).exits(2).says(parts);
    assert_eq!(ran.err.matches("error:").count(), 1, "{}", ran.err);
    assert_eq!(ran.out, "");
    assert_eq!(desk.files(), before, "something was left behind");
}

fn storefront() -> String {
    std::fs::read_to_string(fixture("storefront/dump.sql")).expect("the fixture")
}

#[test]
fn a_truncated_dump() {
    let desk = Desk::new();
    let whole = storefront();
    desk.write("rows.sql", &whole[..whole.find("\\.\n").expect("an end marker")]);
    refused(&desk, "scan rows.sql -o out", &["rows.sql:", "(byte ", "cut off", "end marker \\. of table users", "--allow-truncated"]);
    desk.write("tail.sql", &whole[..whole.rfind("-- PostgreSQL database dump complete").expect("a trailer")]);
    refused(&desk, "scan tail.sql -o out", &["tail.sql:", "PostgreSQL database dump complete", "--allow-truncated"]);
    desk.write("mid.sql", &whole[..whole.find("CREATE TABLE public.reports").expect("a table") + 60]);
    refused(&desk, "scan mid.sql -o out", &["mid.sql:", "(byte "]);
    // Looking is allowed; what was cut off is never clean and never planned.
    let ran = desk.unseed("scan rows.sql -o out --allow-truncated --fail-on unchecked");
    assert_ne!(ran.code, 0);
}

#[test]
fn a_row_with_too_many_fields() {
    let desk = Desk::new();
    let dump = storefront().replacen("2\tluckyriver45@gmail.com", "2\tluckyriver45@gmail.com\textra", 1);
    let offset = dump.find("2\tluckyriver45").expect("the row");
    let line = dump[..offset].matches('\n').count() + 1;
    desk.write("dump.sql", &dump);
    refused(
        &desk,
        "scan dump.sql -o out",
        &[&format!("dump.sql:{line} (byte {offset})"), "table users", "14 fields", "takes 13", "--bad-rows quarantine"],
    );
    // The values of the row are nobody's business.
    let ran = desk.unseed("scan dump.sql -o out");
    assert!(!ran.err.contains("luckyriver45"), "{}", ran.err);

    desk.write("export/users.csv", "id,email,name\n1,a@acme.io,Ann\n2,b@acme.io,Bob,extra\n");
    refused(&desk, "scan export -o out", &["users.csv:3 (byte 30)", "4 fields", "header has 3"]);
    desk.write("quote.csv", "id,name\n1,\"Ann\n2,Bob\n");
    refused(&desk, "scan quote.csv -o out", &["quote.csv:2 (byte 8)", "inside a quoted field", "never closes"]);
}

#[test]
fn rows_set_aside_are_kept_to_the_byte_and_block_a_plan() {
    let desk = Desk::new();
    desk.write("export/users.csv", "id,email,name\n1,a@acme.io,Ann\n2,b@acme.io,Bob,extra\n3,c@acme.io,Cid\n");
    let ran = desk.unseed("ingest export -o case.db --bad-rows quarantine").exits(0);
    assert!(ran.out.contains("2 rows  users  (1 set aside)"), "{}", ran.out);
    let raw: Vec<u8> = desk.case("case.db").query_row("SELECT raw FROM unseed_rejects", [], |r| r.get(0)).expect("a reject");
    assert_eq!(raw, b"2,b@acme.io,Bob,extra\n");
    let reconciled: (i64, i64, i64) = desk
        .case("case.db")
        .query_row("SELECT rows_in, rows_stored, rows_rejected FROM unseed_reconciliation", [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .expect("a line");
    assert_eq!(reconciled, (3, 2, 1));
}

#[test]
fn an_unknown_file() {
    let desk = Desk::new();
    desk.write("photo.sql", b"\x89PNG\r\n\x1a\n\x00\x00");
    refused(&desk, "scan photo.sql -o out", &["photo.sql", "\\x89PNG", "pg_dump"]);
    desk.write("letter.txt", "Dear all,\n\nplease find the export attached.\n");
    refused(&desk, "scan letter.txt -o out", &["letter.txt", "Dear all"]);
    desk.write("cut.dump", b"PGDMP\x01\x0e\x00");
    refused(&desk, "scan cut.dump -o out", &["cut.dump", "cut off in its table of contents"]);
    desk.write("old.dump", b"PGDMP\x01\x05\x00\x04\x08\x01");
    refused(&desk, "scan old.dump -o out", &["version 1.5", "1.11 to 1.16", "pg_dump -Fp"]);
    desk.write("empty.mysql", "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;\n");
    refused(&desk, "scan empty.mysql -o out", &["cut off", "Dump completed", "--allow-truncated"]);
    for (name, magic, says) in [
        ("shop.bak", &b"TAPE\0\0\x03\0"[..], "a SQL Server backup"),
        ("small.bak", b"MSSQLBAK\x02\0", "a compressed SQL Server backup"),
        ("shop.sql.gpg", b"\x85\x02\x0c\x03aaaaaaaa", "encrypted with PGP"),
        ("shop.sql.enc", b"Salted__12345678", "encrypted with openssl"),
        ("shop.sql.age", b"age-encryption.org/v1\n-> X25519 a", "encrypted with age"),
        ("shop.7z", b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive"),
    ] {
        desk.write(name, magic);
        refused(
            &desk,
            &format!("scan {name} -o out"),
            &[name, says, "Ask"].map(|p| if name == "shop.7z" && p == "Ask" { "Unpack it" } else { p }),
        );
    }
    desk.write("empty.sql", "");
    refused(&desk, "scan empty.sql -o out", &["empty.sql", "the file is empty"]);
}

#[test]
fn an_unreadable_path() {
    let desk = Desk::new();
    refused(&desk, "scan missing.sql -o out", &["missing.sql", "cannot read it", "check the path"]);
    std::fs::create_dir(desk.path("folder")).expect("a folder");
    refused(&desk, "scan folder -o out", &["folder", "holds no file"]);
    desk.unseed("review missing.db list").exits(2).says(&["missing.db", "no such file"]);
}

#[test]
fn an_unknown_key_in_the_configuration() {
    let desk = Desk::new();
    desk.write("unseed.toml", "version = 1\n[tables.users]\nclas = \"people\"\n");
    let dump = fixture("storefront/dump.sql");
    refused(&desk, &format!("scan {dump} -o out"), &["unseed.toml:3:1 (byte 27)", "clas", "did you mean `class`?"]);
    desk.write("unseed.toml", "[tables.people]\nclass = \"people\"\n");
    refused(&desk, &format!("scan {dump} -o out"), &["unseed.toml", "there is no table \"people\"", "users"]);
    desk.write("unseed.toml", "[tables.users]\ncolumns.mail = \"email\"\n");
    refused(&desk, &format!("scan {dump} -o out"), &["no column \"mail\"", "email"]);
}

#[test]
fn commands_in_a_dump_are_never_run() {
    let desk = Desk::new();
    desk.write("evil.sql", "CREATE TABLE t (id int);\n\\! touch pwned\n");
    refused(&desk, "scan evil.sql -o out", &["evil.sql:2", "\\!", "runs no client command"]);
    desk.write("update.sql", "CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\nUPDATE t SET id = 2;\n");
    refused(&desk, "scan update.sql -o out", &["update.sql:3", "UPDATE"]);
    assert!(!desk.path("pwned").exists());
}

#[test]
fn what_would_change_rows_after_the_fact_is_refused() {
    let desk = Desk::new();
    let begin = "CREATE TABLE t (id int, a text);\nINSERT INTO t VALUES (1, 'x');\n";
    for (statement, says) in [
        ("ALTER TABLE t DROP COLUMN a;", "column a of table t is dropped"),
        ("ALTER TABLE t ALTER COLUMN id TYPE numeric;", "column id of table t becomes numeric after its rows"),
        ("ALTER TABLE t RENAME a TO id;", "takes the name of another column"),
    ] {
        desk.write("dump.sql", format!("{begin}{statement}\n"));
        refused(&desk, "scan dump.sql -o out", &["dump.sql:3", says, "scratch server"]);
    }
}

#[test]
fn a_case_that_holds_decisions_is_not_replaced() {
    let desk = Desk::new();
    let dump = fixture("storefront/dump.sql");
    desk.run(&["scan", &dump, "-o", "out"]).exits(0);
    let cohort = crate::harness::cohort(&desk.case("out/case.db"));
    desk.run(&["review", "out/case.db", "hold", &cohort]).exits(0);
    let before = std::fs::read(desk.path("out/case.db")).expect("a case");
    desk.run(&["scan", &dump, "-o", "out"]).exits(3).says(&["holds 1 decisions"]);
    desk.run(&["ingest", &dump, "-o", "out/case.db"]).exits(3).says(&["holds 1 decisions"]);
    assert!(std::fs::read(desk.path("out/case.db")).expect("a case") == before, "the case file was touched");
    // A file that is no case is somebody else's.
    desk.write("mine.db", "hello");
    desk.run(&["ingest", &dump, "-o", "mine.db"]).exits(2).says(&["mine.db"]);
    assert_eq!(std::fs::read(desk.path("mine.db")).expect("a file"), b"hello");
}

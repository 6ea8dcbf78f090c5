//! What is left when something fails or dies in the middle: nothing, or all of it. The number in a name is
//! the acceptance case's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use unseed::model::Engine;

use crate::acceptance::{ADMINS, ROWS, SEEDED, SHOP, SHOP_CONFIG};
use crate::engines::{Maria, Server, Site, Sqlite, last, on_engines};
use crate::harness::Postgres;
use crate::servers::Own;

fn shop(server: Box<dyn Server>) -> Site {
    Site::new(server, SHOP, SHOP_CONFIG, SEEDED, ADMINS, &[])
}

/// Cuts a script where a client does: at the ends of statements.
fn statements(script: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut until: Option<String> = None;
    for line in script.split_inclusive('\n') {
        parts.last_mut().expect("a part").push_str(line);
        let plain = line.trim_end();
        if let Some(tag) = plain.strip_prefix("DO $") {
            until = Some(format!("${tag};"));
        } else if plain.starts_with("CREATE TEMP TRIGGER") {
            until = Some("END;".to_owned());
        } else if until.as_ref().map_or(plain.ends_with(';') && !plain.starts_with("--"), |u| u == plain) {
            until = None;
            parts.push(String::new());
        }
    }
    parts.retain(|p| p.lines().any(|l| !l.trim().is_empty() && !l.starts_with("--")));
    parts
}

// psql without ON_ERROR_STOP, sqlite3 without .bail and mariadb --force go on behind any error: whichever
// statement it is that fails, all of the plan is applied or nothing, and the outcome never claims more.
on_engines!(t17_t18_whichever_statement_fails_all_or_nothing: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.tables();
    let parts = statements(&site.script("delete.sql"));
    assert!(parts.len() > 10, "{}", parts.len());
    let (mut nothing, mut all) = (0, 0);
    for at in 0..parts.len() {
        let mut broken = parts.clone();
        broken[at] = "SELECT * FROM there_is_no_such_table;\n".to_owned();
        let path = site.desk.write("broken.sql", broken.concat());
        let ran = site.server.run(&path, Some(&site.token));
        let now = site.server.tables();
        if now == before {
            nothing += 1;
            assert!(!last(&ran).starts_with("UNSEED APPLIED"), "it claims what is not so, without {}", parts[at]);
        } else {
            all += 1;
            let claimed = ran.out.lines().filter_map(|l| l.strip_prefix("UNSEED APPLIED ")).all(|n| n == ROWS);
            assert!(claimed, "another number of rows, without {}\n{}", parts[at], ran.out);
            assert_eq!(site.state(), "applied", "a part was applied without {}\n{}\n{}", parts[at], ran.out, ran.err);
            assert_eq!(site.server.sql("SELECT count(*) FROM referrals WHERE referred_by IS NULL").trim(), "3");
            assert_eq!(site.undo(), format!("UNSEED UNDONE {ROWS}"), "without {}", parts[at]);
            assert_eq!(site.server.tables(), before);
        }
    }
    assert!(nothing > 5 && all > 0, "{nothing} {all}");
});

// The same of an undo.
on_engines!(t17_t18_whichever_statement_of_an_undo_fails_all_or_nothing: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.tables();
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    let applied = site.server.tables();
    let parts = statements(&site.script("undo.sql"));
    let (mut nothing, mut all) = (0, 0);
    for at in 0..parts.len() {
        let mut broken = parts.clone();
        broken[at] = "SELECT * FROM there_is_no_such_table;\n".to_owned();
        let path = site.desk.write("broken.sql", broken.concat());
        let ran = site.server.run(&path, Some(&site.token));
        if site.server.tables() == applied {
            nothing += 1;
            assert!(!last(&ran).starts_with("UNSEED UNDONE"), "it claims what is not so, without {}", parts[at]);
        } else {
            all += 1;
            let claimed = ran.out.lines().filter_map(|l| l.strip_prefix("UNSEED UNDONE ")).all(|n| n == ROWS);
            assert!(claimed, "another number of rows, without {}\n{}", parts[at], ran.out);
            assert_eq!(site.server.tables(), before, "a part was undone without {}\n{}\n{}", parts[at], ran.out, ran.err);
            assert_eq!(site.state(), "undone");
            site.applies(&format!("UNSEED APPLIED {ROWS}"));
        }
    }
    assert!(nothing > 0 && all > 0, "{nothing} {all}");
    assert_eq!(site.undo(), format!("UNSEED UNDONE {ROWS}"));
    assert_eq!(site.server.tables(), before);
});

/// The script up to where its transaction would end.
fn up_to_the_end(site: &Site) -> String {
    let script = site.script("delete.sql");
    let end = match site.server.engine() {
        Engine::Postgres => "\nCOMMIT;\n",
        _ => "\n-- The first guard that refuses",
    };
    let token = match site.server.engine() {
        Engine::Postgres => format!("SET unseed.apply = '{}';\n", site.token),
        Engine::Sqlite => format!("CREATE TEMP TABLE unseed_apply AS SELECT '{}' AS plan_id;\n", site.token),
        _ => format!("SET @unseed_apply = '{}';\n", site.token),
    };
    format!("{token}{}\n", &script[..script.find(end).expect("an end")])
}

/// Feeds a client and returns once it has run everything.
fn in_the_middle(mut command: Command, text: &str) -> Child {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a client runs");
    child.stdin.as_mut().expect("input").write_all(format!("{text}SELECT 'so far';\n").as_bytes()).expect("statements are sent");
    let lines = BufReader::new(child.stdout.take().expect("output")).lines();
    assert!(lines.map_while(Result::ok).any(|l| l == "so far"), "it did not come to the end");
    child
}

#[test]
fn t14_a_server_that_is_killed_has_changed_nothing_and_a_rerun_completes() {
    for engine in [Engine::Postgres, Engine::Mariadb] {
        let Some(mut own) = Own::new(engine) else { continue };
        let (server, command): (Box<dyn Server>, Command) = if engine == Engine::Postgres {
            let database = own.postgres("shop");
            let mut command = database.client();
            command.args(["-q", "-A", "-t"]);
            (Box::new(database), command)
        } else {
            let database = own.maria("shop");
            let mut command = database.client("shop");
            command.args(["--force", "-N", "-B", "-n"]);
            (Box::new(database), command)
        };
        let site = shop(server);
        let before = site.server.tables();
        // All rows are deleted, and nothing is committed.
        let mut client = in_the_middle(command, &up_to_the_end(&site));
        own.kill();
        let _ = client.kill();
        client.wait().expect("the client ends");
        own.start();
        assert_eq!(site.server.tables(), before, "{engine}");
        assert_eq!(site.state(), "not applied", "{engine}");
        site.applies(&format!("UNSEED APPLIED {ROWS}"));
        assert_eq!(site.undo(), format!("UNSEED UNDONE {ROWS}"));
        assert_eq!(site.server.tables(), before, "{engine}");
    }
}

#[test]
fn t14_sqlite_a_client_that_is_killed_has_changed_nothing_and_a_rerun_completes() {
    let Some(server) = Sqlite::new("t14") else { return };
    let path = server.path();
    // Enough rows that pages are written to the file before the end.
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO users SELECT i, 'user' || i || '@mail.example', i FROM n;";
    let sql = format!("CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(80), coins INTEGER); {rows}");
    let site = Site::new(Box::new(server), &sql, "", &[("users", "id % 2 = 0")], &[], &[]);
    let before = site.server.tables();
    let mut command = Command::new("sqlite3");
    command.arg("-batch").arg(&path);
    let mut client = in_the_middle(command, &format!("PRAGMA cache_size = 5;\n{}", up_to_the_end(&site)));
    assert!(path.with_extension("db-journal").exists(), "a transaction is open");
    client.kill().expect("it is killed");
    client.wait().expect("it ends");
    assert_eq!(site.server.tables(), before);
    assert_eq!(site.server.sql("PRAGMA integrity_check").trim(), "ok");
    assert_eq!(site.state(), "not applied");
    site.applies("UNSEED APPLIED 2000");
    assert_eq!(site.undo(), "UNSEED UNDONE 2000");
    assert_eq!(site.server.tables(), before);
}

#[test]
fn t26b_match_full() {
    // Postgres alone has it: InnoDB ignores the words, SQLite reads them as MATCH SIMPLE.
    let Some(server) = Postgres::new("t26b") else { return };
    let sql = "CREATE TABLE p (a integer NOT NULL, b integer NOT NULL, v integer, PRIMARY KEY (a, b));
        CREATE TABLE c (id integer PRIMARY KEY, a integer, b integer, FOREIGN KEY (a, b) REFERENCES p (a, b) MATCH FULL ON DELETE SET NULL);
        CREATE INDEX ON c (a, b);
        INSERT INTO p VALUES (1, 1, 0), (1, 2, 0); INSERT INTO c VALUES (1, NULL, NULL), (2, 1, 1), (3, 1, 1), (4, 1, 2);";
    let site = Site::new(Box::new(server), sql, "", &[("p", "b = 1"), ("c", "id = 2")], &[], &[]);
    let before = site.server.tables();
    assert_eq!(site.rehearse(), "UNSEED DRY-RUN-OK");
    // Row 3 survives and loses both parts at once, which is all that MATCH FULL allows.
    site.applies("UNSEED APPLIED 2");
    assert_eq!(site.server.sql("SELECT id, a, b FROM c ORDER BY id"), "1\t\t\n3\t\t\n4\t1\t2\n");
    assert_eq!(site.undo(), "UNSEED UNDONE 2");
    assert_eq!(site.server.tables(), before);
}

#[test]
fn t33b_row_security_that_the_snapshot_knows_stops_who_is_under_it() {
    let Some(server) = Postgres::new("t33b") else { return };
    let sql = "CREATE TABLE notes (id integer PRIMARY KEY, owner text, body text);
        INSERT INTO notes VALUES (1, 'ada', 'real'), (11, 'seed', 'x'), (12, 'seed', 'y');
        ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY half ON notes USING (id <> 12);";
    let site = Site::new(Box::new(server), sql, "", &[("notes", "id > 10")], &[], &[]);
    let database = site.server.sql("SELECT current_database()");
    site.server.sql(&format!(
        "CREATE ROLE unseed_t33b LOGIN; GRANT SELECT, UPDATE, DELETE ON notes TO unseed_t33b; GRANT CREATE, TEMPORARY ON DATABASE {} TO unseed_t33b",
        database.trim()
    ));
    let before = site.server.contents();
    let run = |token: bool| site.server.run_as("unseed_t33b", &site.file("delete.sql"), token.then_some(site.token.as_str()));
    for token in [false, true] {
        let ran = run(token);
        assert_eq!(last(&ran), "UNSEED REFUSED DS031", "half of the rows are hidden from it: {}", ran.err);
        assert_eq!(site.server.contents(), before);
    }
    site.applies("UNSEED APPLIED 2");
    site.server.sql("DROP OWNED BY unseed_t33b CASCADE; DROP ROLE unseed_t33b");
}

on_engines!(t33c_a_known_trigger_that_swallows_deletes_is_a_wrong_count: postgres sqlite => |server| {
    // A trigger of MariaDB cannot skip a row.
    let trigger = match server.engine() {
        Engine::Postgres => "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF OLD.id = 12 THEN RETURN NULL; END IF; RETURN OLD; END'; CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION f();",
        _ => "CREATE TRIGGER t BEFORE DELETE ON users WHEN OLD.id = 12 BEGIN SELECT RAISE(IGNORE); END;",
    };
    let site = Site::new(server, &format!("{SHOP}{trigger}"), SHOP_CONFIG, SEEDED, ADMINS, &[]);
    assert!(site.manifest("plan")["warnings"].to_string().contains("acts on deletes from"));
    site.refuses("DS060");
});

#[test]
fn t33d_what_is_deferred_speaks_in_the_rehearsal() {
    let Some(server) = Postgres::new("t33d") else { return };
    let sql = "CREATE TABLE users (id integer PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'real'), (11, 'seed');
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not today''; END';
        CREATE CONSTRAINT TRIGGER t AFTER DELETE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f();";
    let site = Site::new(Box::new(server), sql, "", &[("users", "id = 11")], &[], &[]);
    for token in [None, Some(site.token.as_str())] {
        let ran = site.server.run(&site.file("delete.sql"), token);
        assert_eq!(last(&ran), "UNSEED REFUSED DS060", "{}", ran.err);
        assert!(ran.err.contains("not today"), "{}", ran.err);
    }
}

#[test]
fn t30b_who_may_not_see_every_foreign_key_is_refused() {
    let Some(server) = Maria::new("t30b") else { return };
    let site = shop(Box::new(server));
    let database = site.server.sql("SELECT DATABASE()").trim().to_owned();
    // Came since the snapshot, in another database, and would cascade.
    site.server.sql(&format!(
        "CREATE DATABASE {database}_2; CREATE TABLE {database}_2.sessions (id INTEGER PRIMARY KEY, user_id INTEGER, FOREIGN KEY (user_id) REFERENCES {database}.users (id) ON DELETE CASCADE);
         INSERT INTO {database}_2.sessions VALUES (1, 11);
         CREATE USER unseed_t30b@localhost; GRANT ALL ON {database}.* TO unseed_t30b@localhost"
    ));
    let run = || site.server.run_as("unseed_t30b", &site.file("delete.sql"), Some(&site.token));
    let ran = run();
    assert_eq!(last(&ran), "UNSEED REFUSED DS030", "{}", ran.err);
    assert!(ran.out.contains("GRANT REFERENCES ON *.* TO 'unseed_t30b'@'localhost';"), "{}", ran.out);
    site.server.sql("GRANT REFERENCES ON *.* TO unseed_t30b@localhost");
    // It bears the name of a table that the snapshot knows; it is another one.
    let ran = run();
    assert_eq!(last(&ran), "UNSEED REFUSED DS030", "{}", ran.err);
    assert!(ran.out.contains("are not in the snapshot"), "{}", ran.out);
    site.server.sql(&format!("DROP DATABASE {database}_2"));
    let ran = run();
    assert_eq!(last(&ran), format!("UNSEED APPLIED {ROWS}"), "{}", ran.err);
    site.server.sql("DROP USER unseed_t30b@localhost");
}

#[test]
fn t47b_missing_rights_are_listed_as_grants_on_mariadb() {
    let Some(server) = Maria::new("t47b") else { return };
    let site = shop(Box::new(server));
    let database = site.server.sql("SELECT DATABASE()").trim().to_owned();
    site.server.sql(&format!(
        "CREATE USER unseed_t47b@localhost; GRANT SELECT, CREATE TEMPORARY TABLES ON {database}.* TO unseed_t47b@localhost; GRANT DELETE ON {database}.users TO unseed_t47b@localhost"
    ));
    let ran = site.server.run_as("unseed_t47b", &site.file("delete.sql"), Some(&site.token));
    assert_eq!(last(&ran), "UNSEED REFUSED DS031", "{}", ran.err);
    let listed = ran.out.lines().find(|l| l.contains("rights are missing")).unwrap_or_else(|| panic!("{}", ran.out));
    for grant in [
        format!("GRANT CREATE, DROP, INSERT ON `{database}`.* TO 'unseed_t47b'@'localhost';"),
        format!("GRANT TRIGGER, UPDATE ON `{database}`.`users` TO 'unseed_t47b'@'localhost';"),
        format!("GRANT DELETE, TRIGGER, UPDATE ON `{database}`.`sessions` TO 'unseed_t47b'@'localhost';"),
    ] {
        assert!(listed.contains(&grant), "{grant}\n{listed}");
    }
    // What is listed is what is missing: with it, and nothing else, the script applies.
    let grants = &listed[listed.find("GRANT").expect("grants")..];
    site.server.sql(&format!("{grants} GRANT REFERENCES ON *.* TO unseed_t47b@localhost"));
    let ran = site.server.run_as("unseed_t47b", &site.file("delete.sql"), Some(&site.token));
    assert_eq!(last(&ran), format!("UNSEED APPLIED {ROWS}"), "{}", ran.err);
    site.server.sql("DROP USER unseed_t47b@localhost");
}

#[test]
fn t48b_materialized_views_that_go_stale_are_reported() {
    // Postgres alone has them.
    let Some(server) = Postgres::new("t48b") else { return };
    let sql = format!(
        "{SHOP} CREATE VIEW members AS SELECT * FROM users WHERE role = 'member';
         CREATE MATERIALIZED VIEW member_count AS SELECT count(*) FROM members; CREATE MATERIALIZED VIEW apart AS SELECT 1;"
    );
    let site = Site::new(Box::new(server), &sql, SHOP_CONFIG, SEEDED, ADMINS, &[]);
    let ran = site.server.run(&site.file("delete.sql"), None);
    assert_eq!(last(&ran), "UNSEED DRY-RUN-OK", "{}", ran.err);
    assert!(ran.out.contains("refresh_materialized_view") && ran.out.contains("public.member_count"), "{}", ran.out);
    assert!(!ran.out.contains("public.apart"), "{}", ran.out);
}

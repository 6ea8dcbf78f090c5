//! What a DBA may expect of a script, on every engine, run as the worst client runs it: psql without
//! `ON_ERROR_STOP`, `mariadb --force`, sqlite3 without `.bail`. The number in a name is the case's own.

use crate::engines::{Server, Site, last, on_engines};

/// A small shop in SQL that every engine reads.
pub const SHOP: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(190) NOT NULL, role VARCHAR(20), last_login_at VARCHAR(40), coins INTEGER);
CREATE TABLE sessions (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, note VARCHAR(50), FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE referrals (id INTEGER PRIMARY KEY, referred_by INTEGER, FOREIGN KEY (referred_by) REFERENCES users (id) ON DELETE SET NULL);
CREATE INDEX referrals_by ON referrals (referred_by);
CREATE TABLE notes (author VARCHAR(30), body VARCHAR(50));
INSERT INTO users VALUES (1, 'boss@shop.example', 'admin', NULL, 0), (2, 'ada@mail.example', 'member', NULL, 5), (3, 'bob@mail.example', 'member', NULL, 7),
  (11, 'demo1@example.com', 'member', NULL, 1), (12, 'demo2@example.com', 'member', NULL, 2), (13, 'demo3@example.com', 'member', NULL, 3);
INSERT INTO sessions VALUES (1, 2, 'real'), (2, 3, 'real'), (21, 11, 'seed'), (22, 12, 'seed'), (23, 12, 'seed');
INSERT INTO referrals VALUES (1, 11), (2, 2), (3, 12), (4, NULL);
INSERT INTO notes VALUES ('seed', 'same'), ('seed', 'same'), ('seed', 'same'), ('ada', 'other');
";

pub const SHOP_CONFIG: &str = "[tables.users]\nclass = \"people\"\ncolumns.role = \"privilege\"\ncolumns.last_login_at = \"activity-at\"\n";

pub const SEEDED: &[(&str, &str)] = &[("users", "id BETWEEN 11 AND 13"), ("sessions", "id > 20"), ("notes", "rowid <= 2")];
pub const ADMINS: &[(&str, &str)] = &[("users", "id = 1")];

/// Rows of the plan: three users, three sessions, two notes.
pub const ROWS: &str = "8";

fn shop(server: Box<dyn Server>) -> Site {
    shop_with(server, &[])
}

fn shop_with(server: Box<dyn Server>, options: &[&str]) -> Site {
    Site::new(server, SHOP, SHOP_CONFIG, SEEDED, ADMINS, options)
}

/// Asserts that a change in production is refused with a code.
#[track_caller]
fn change_refused(server: Box<dyn Server>, change: &str, code: &str) {
    let site = shop(server);
    site.server.sql(change);
    site.refuses(code);
}

on_engines!(t01_a_dry_run_leaves_everything_as_it_is: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.contents();
    assert_eq!(site.rehearse(), "UNSEED DRY-RUN-OK");
    assert_eq!(site.server.contents(), before);
    let other = site.server.run(&site.file("delete.sql"), Some("0123"));
    assert_eq!(last(&other), "UNSEED DRY-RUN-OK", "another plan's token is no token");
    assert_eq!(site.server.contents(), before);
    assert_eq!(site.state(), "not applied");
});

on_engines!(t02_apply_deletes_exactly_the_plan: postgres sqlite mariadb => |server| {
    let site = shop(server);
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    assert_eq!(site.server.sql("SELECT id FROM users ORDER BY id").split_whitespace().collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(site.server.sql("SELECT id FROM sessions ORDER BY id").split_whitespace().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(site.server.sql("SELECT count(*) FROM notes").trim(), "2");
    assert_eq!(site.state(), "applied");
});

on_engines!(t03_a_second_apply_deletes_nothing: postgres sqlite mariadb => |server| {
    let site = shop(server);
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    let applied = site.server.contents();
    site.applies("UNSEED ALREADY-APPLIED");
    assert_eq!(site.rehearse(), "UNSEED ALREADY-APPLIED");
    assert_eq!(site.server.contents(), applied);
});

on_engines!(t04_partly_deleted_before_is_refused: postgres sqlite mariadb => |server| {
    change_refused(server, "DELETE FROM sessions WHERE id = 21", "DS021");
});

on_engines!(t05_a_changed_row_is_refused: postgres sqlite mariadb => |server| {
    change_refused(server, "UPDATE users SET coins = 99 WHERE id = 12", "DS020");
});

on_engines!(t06_case_blank_and_twin_are_changes: postgres sqlite mariadb => |server| {
    let site = shop(server);
    for text in ["Demo1@example.com", "demo1@example.com ", "demo\u{1f436}@example.com", "d\u{e9}mo1@example.com"] {
        site.server.sql(&format!("UPDATE users SET email = '{text}' WHERE id = 11"));
        assert_eq!(site.apply(), "UNSEED REFUSED DS020", "{text}");
    }
});

on_engines!(t07_a_new_child_is_refused: postgres sqlite mariadb => |server| {
    change_refused(server, "INSERT INTO sessions VALUES (30, 11, 'today')", "DS040");
});

on_engines!(t08_a_new_table_that_cascades_is_refused: postgres sqlite mariadb => |server| {
    change_refused(server, "CREATE TABLE badges (id INTEGER PRIMARY KEY, user_id INTEGER, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)", "DS030");
});

on_engines!(t09_a_new_table_that_sets_null_is_refused: postgres sqlite mariadb => |server| {
    change_refused(server, "CREATE TABLE badges (id INTEGER PRIMARY KEY, user_id INTEGER, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL)", "DS030");
});

on_engines!(t19_a_piece_alone_does_nothing: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.contents();
    let script = site.script("delete.sql");
    let start = script.find(if site.server.engine() == unseed::model::Engine::Postgres { "DO $unseed$\n#variable_conflict use_column\nDECLARE" } else { "-- 3." }).expect("the work");
    let piece = site.desk.write("piece.sql", &script[start..]);
    site.server.run(&piece, Some(&site.token));
    assert_eq!(site.server.contents(), before);
    // All but the statement that begins the transaction.
    let begin = match site.server.engine() {
        unseed::model::Engine::Postgres => "BEGIN ISOLATION",
        unseed::model::Engine::Sqlite => "BEGIN IMMEDIATE",
        // A session without autocommit begins one with its first statement; the gate is what is missing then.
        _ => "CREATE TEMPORARY TABLE unseed_gate",
    };
    let without: String = script.split_inclusive('\n').filter(|l| !l.starts_with(begin)).collect();
    assert_ne!(without, script);
    let piece = site.desk.write("without.sql", without);
    let ran = site.server.run(&piece, Some(&site.token));
    assert!(last(&ran).starts_with("UNSEED REFUSED"), "{}\n{}", ran.out, ran.err);
    assert_eq!(site.server.contents(), before);
});

on_engines!(t20_a_demo_user_who_is_admin_by_now_is_refused: postgres sqlite mariadb => |server| {
    change_refused(server, "UPDATE users SET role = 'Admin' WHERE id = 12", "DS050");
});

on_engines!(t28_of_equal_rows_without_a_key_the_planned_number_goes: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.tables();
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    assert_eq!(site.server.sql("SELECT count(*) FROM notes WHERE author = 'seed'").trim(), "1");
    assert_eq!(site.undo(), format!("UNSEED UNDONE {ROWS}"));
    assert_eq!(site.server.tables(), before);
    site.server.sql("INSERT INTO notes VALUES ('seed', 'same')");
    assert_eq!(site.apply(), "UNSEED REFUSED DS060", "one more than was reviewed");
    site.server.sql("DELETE FROM notes WHERE author = 'seed'");
    assert_eq!(site.apply(), "UNSEED REFUSED DS021");
});

on_engines!(t33_a_trigger_is_refused: postgres sqlite mariadb => |server| {
    let site = shop(server);
    site.server.sql(match site.server.engine() {
        unseed::model::Engine::Postgres => "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION f()",
        unseed::model::Engine::Sqlite => "CREATE TRIGGER t BEFORE DELETE ON users BEGIN SELECT RAISE(IGNORE); END",
        _ => "CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW SET @x = 1",
    });
    site.refuses("DS031");
});

on_engines!(t37_surviving_rows_are_listed_archived_and_restored: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.tables();
    let touched: Vec<String> = site.manifest("plan")["touched"].as_array().expect("touched").iter().map(|t| t["key"].as_str().expect("a key").to_owned()).collect();
    assert_eq!(touched, ["[\"1\"]", "[\"3\"]"]);
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    assert_eq!(site.server.sql("SELECT count(*) FROM referrals WHERE referred_by IS NULL").trim(), "3");
    assert_eq!(site.undo(), format!("UNSEED UNDONE {ROWS}"));
    assert_eq!(site.server.tables(), before);
});

on_engines!(t38_undo_restores_every_byte: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.tables();
    assert_eq!(site.undo(), "UNSEED REFUSED DS061", "nothing was applied");
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    let applied = site.server.contents();
    assert_eq!(site.run("undo.sql", false), "UNSEED DRY-RUN-OK");
    assert_eq!(site.server.contents(), applied);
    assert_eq!(site.undo(), format!("UNSEED UNDONE {ROWS}"));
    assert_eq!(site.server.tables(), before);
    assert_eq!(site.state(), "undone");
    assert_eq!(site.undo(), "UNSEED ALREADY-UNDONE");
    // Apply, undo, apply again.
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    assert_eq!(site.state(), "applied");
    assert_eq!(site.undo(), format!("UNSEED UNDONE {ROWS}"));
    assert_eq!(site.server.tables(), before);
});

on_engines!(t38b_undo_offline_restores_from_the_snapshot: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.tables();
    assert_eq!(site.run("undo-offline.sql", true), "UNSEED ALREADY-UNDONE");
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    assert_eq!(site.run("undo-offline.sql", true), "UNSEED REFUSED DS061", "the archive is there");
    let left: String = site.server.sql(match site.server.engine() {
        unseed::model::Engine::Postgres => "SELECT 'DROP SCHEMA \"' || nspname || '\" CASCADE;' FROM pg_namespace WHERE nspname LIKE 'unseed%'",
        unseed::model::Engine::Sqlite => "SELECT 'DROP TABLE \"' || name || '\";' FROM sqlite_schema WHERE name LIKE 'unseed%'",
        _ => "SELECT CONCAT('DROP TABLE `', table_name, '`;') FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'unseed%'",
    });
    site.server.sql(&left);
    assert_eq!(site.undo(), "UNSEED REFUSED DS061");
    assert_eq!(site.run("undo-offline.sql", false), "UNSEED DRY-RUN-OK");
    assert_eq!(site.run("undo-offline.sql", true), format!("UNSEED UNDONE {ROWS}"));
    assert_eq!(site.server.tables(), before);
});

on_engines!(t39_undo_refuses_a_key_that_is_taken: postgres sqlite mariadb => |server| {
    let site = shop(server);
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    site.server.sql("INSERT INTO users VALUES (12, 'new@mail.example', 'member', NULL, 0)");
    let before = site.server.contents();
    assert_eq!(site.undo(), "UNSEED REFUSED DS070");
    assert_eq!(site.server.contents(), before);
});

on_engines!(t40a_a_changed_schema_is_refused: postgres sqlite mariadb => |server| {
    change_refused(server, "ALTER TABLE users ADD COLUMN vip INTEGER", "DS032");
});

on_engines!(t40b_a_renamed_column_is_refused: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let before = site.server.contents();
    site.server.sql("ALTER TABLE users RENAME COLUMN coins TO points");
    assert_eq!(site.apply(), "UNSEED REFUSED DS032");
    site.server.sql("ALTER TABLE users RENAME COLUMN points TO coins");
    assert_eq!(site.server.contents(), before);
});

on_engines!(t40c_an_expired_plan_is_refused: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let old = site.plan("old", &["--now", "2026-02-10T00:00:00Z", "--expires", "1"]);
    let ran = site.server.run(&site.desk.path("old/delete.sql"), Some(&old));
    assert_eq!(last(&ran), "UNSEED REFUSED DS013");
    assert_eq!(site.state(), "not applied");
});

on_engines!(t40d_the_wrong_database_is_refused: postgres sqlite mariadb => |server| {
    let site = shop(server);
    let token = site.plan("elsewhere", &["--database", "other_shop"]);
    let ran = site.server.run(&site.desk.path("elsewhere/delete.sql"), Some(&token));
    assert_eq!(last(&ran), "UNSEED REFUSED DS012");
});

on_engines!(t22b_a_reused_key_is_refused: postgres sqlite mariadb => |server| {
    change_refused(server, "UPDATE users SET email = 'new@mail.example', role = 'partner', last_login_at = '2026-11-01', coins = 77 WHERE id = 13", "DS022");
});

on_engines!(t41b_activity_since_the_snapshot_is_refused: postgres sqlite mariadb => |server| {
    server.sql(SHOP);
    let desk = crate::harness::Desk::on_the_clock();
    desk.write("unseed.toml", format!("{SHOP_CONFIG}[snapshot]\ntaken_at = \"2026-11-01T00:00:00Z\"\n"));
    server.case(&desk, "case.db");
    desk.run(&["analyze", "case.db"]).exits(0);
    let cohort = crate::engines::mark(&desk.path("case.db"), SEEDED, ADMINS);
    desk.run(&["review", "case.db", "approve", &cohort, "--tables", "all", "--by", "bea"]).exits(0);
    let mut site = Site { desk, server, token: String::new() };
    site.token = site.plan("plan", &[]);
    site.server.sql("UPDATE users SET last_login_at = '2026-11-20T10:00:00Z' WHERE id = 13");
    site.refuses("DS041");
});

on_engines!(t51_at_least_one_admin_remains: postgres sqlite mariadb => |server| {
    change_refused(server, "UPDATE users SET role = 'member' WHERE id = 1", "DS051");
});

on_engines!(t61_rows_that_came_back_are_refused: postgres sqlite mariadb => |server| {
    let site = shop(server);
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    site.server.sql("INSERT INTO users VALUES (12, 'demo2@example.com', 'member', NULL, 2)");
    assert_eq!(site.state(), "partly");
    site.refuses("DS061");
});

on_engines!(drift_is_skipped_by_the_cluster: postgres sqlite mariadb => |server| {
    let site = shop_with(server, &["--on-drift", "skip"]);
    let before = site.server.tables();
    site.server.sql("INSERT INTO sessions VALUES (30, 11, 'today')");
    // User 11 stays with its session and its referral; 12 and 13 go.
    let ran = site.server.run(&site.file("delete.sql"), Some(&site.token));
    assert_eq!(last(&ran), "UNSEED APPLIED 6", "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("DS040"), "{}", ran.out);
    assert_eq!(site.server.sql("SELECT id FROM users ORDER BY id").split_whitespace().collect::<Vec<_>>(), ["1", "2", "3", "11"]);
    assert_eq!(site.server.sql("SELECT count(*) FROM sessions WHERE user_id = 11").trim(), "2");
    assert_eq!(site.server.sql("SELECT referred_by FROM referrals WHERE id = 1").trim(), "11");
    assert_eq!(site.state(), "applied");
    assert_eq!(site.undo(), "UNSEED UNDONE 6");
    site.server.sql("DELETE FROM sessions WHERE id = 30");
    assert_eq!(site.server.tables(), before);
});

on_engines!(t15_batches_go_on_where_they_stopped: postgres sqlite mariadb => |server| {
    let site = shop_with(server, &["--batch", "2"]);
    let before = site.server.tables();
    let batches = site.manifest("plan")["batches"].as_u64().expect("a number");
    assert!(batches > 2, "{batches}");
    assert_eq!(site.rehearse(), "UNSEED DRY-RUN-OK");
    assert_eq!(site.server.tables(), before);
    // The client is killed between two batches: only the first part of the file ran.
    let script = site.script("delete.sql");
    let cut = script.find("-- Batch 3 of").expect("a third batch");
    let half = site.desk.write("half.sql", &script[..cut]);
    site.server.run(&half, Some(&site.token));
    assert_eq!(site.state(), "partly");
    let left = site.server.sql("SELECT count(*) FROM users");
    let ran = site.server.run(&site.file("delete.sql"), Some(&site.token));
    assert!(last(&ran).starts_with("UNSEED APPLIED"), "{}\n{}", ran.out, ran.err);
    assert_eq!(site.state(), "applied");
    assert_ne!(site.server.sql("SELECT count(*) FROM users"), left);
    site.applies("UNSEED ALREADY-APPLIED");
    assert_eq!(site.undo(), format!("UNSEED UNDONE {ROWS}"));
    assert_eq!(site.server.tables(), before);
});

on_engines!(what_could_seed_again_is_listed: postgres sqlite mariadb => |server| {
    let site = Site::reviewed(server, SHOP, SHOP_CONFIG, SEEDED, ADMINS);
    site.desk.write("tree/package.json", "{\n  \"scripts\": {\n    \"build\": \"vite build\",\n    \"db:seed\": \"tsx prisma/seed.ts\"\n  },\n  \"prisma\": { \"seed\": \"tsx prisma/seed.ts\" }\n}\n");
    site.desk.write("tree/prisma/seed.ts", "main();\n");
    site.desk.write("tree/.github/workflows/deploy.yml", "jobs:\n  deploy:\n    steps:\n      - run: npm run build\n      - run: npm run db:seed\n");
    let ran = site.desk.unseed("plan case.db -o plan --seed-source tree").exits(0);
    let page = site.script("RUNBOOK.md");
    for place in ["package.json:4", "package.json:6", "prisma/seed.ts:1", ".github/workflows/deploy.yml:5"] {
        assert!(ran.out.contains(&format!("could seed again: {place}")), "{place}\n{}", ran.out);
        assert!(page.contains(&place.replace('_', "\\_")), "{place}\n{page}");
    }
    assert!(page.contains("process.env.ALLOW_SEED !== 'yes'") && page.contains("test \"$ALLOW_SEED\" = yes"), "{page}");
    assert!(page.contains("unseed scan EXPORT -o out --fail-on unchecked"), "{page}");
    // The scripts are the same without it.
    let with = site.script("delete.sql");
    site.desk.unseed("plan case.db -o plain").exits(0);
    assert_eq!(with.lines().count(), std::fs::read_to_string(site.desk.path("plain/delete.sql")).expect("a script").lines().count());
    site.desk.unseed("plan case.db -o none --seed-source nowhere").exits(2).says(&["--seed-source nowhere cannot be read"]);
    assert!(!site.desk.path("none").exists());
});

on_engines!(prevention_refuses_what_was_found_and_nothing_else: postgres sqlite mariadb => |server| {
    let config = format!("{SHOP_CONFIG}columns.email = \"email\"\n");
    let site = Site::new(server, SHOP, &config, SEEDED, ADMINS, &["--guard"]);
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
    let ran = site.server.run(&site.file("prevent.sql"), None);
    assert!(!ran.err.to_lowercase().contains("error"), "{}", ran.err);
    let insert = |id: u32, email: &str| {
        let path = site.desk.write("insert.sql", format!("INSERT INTO users VALUES ({id}, '{email}', 'member', NULL, 0);\n"));
        site.server.run(&path, None);
        site.server.sql(&format!("SELECT count(*) FROM users WHERE id = {id}")).trim() == "1"
    };
    assert!(!insert(50, "Demo9@Example.com"), "the domain was the seed's alone");
    assert!(insert(51, "new@mail.example"), "a domain of people is free");
    let ran = site.server.run(&site.file("prevent-undo.sql"), None);
    assert!(!ran.err.to_lowercase().contains("error"), "{}", ran.err);
    assert!(insert(52, "demo9@example.com"));
});

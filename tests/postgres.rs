//! The delete script against a real Postgres, run as the worst client runs it.

use crate::generator::storefront;
use crate::harness::{Desk, Postgres, cohort, fixture};

struct Site {
    desk: Desk,
    database: Postgres,
    token: String,
}

/// Restores the incident, scans it, approves everything and plans.
fn site(name: &str) -> Option<Site> {
    let database = Postgres::new(name)?;
    database.restore(&fixture("storefront/dump.sql"));
    let desk = Desk::on_the_clock();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let token = plan(&desk);
    Some(Site { desk, database, token })
}

fn plan(desk: &Desk) -> String {
    let cohort = cohort(&desk.case("out/case.db"));
    desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "payments", "--include-review", "--by", "bea"]).exits(0);
    desk.unseed("plan out/case.db -o plan --by ana").exits(0);
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path("plan/plan.json")).expect("a plan")).expect("JSON");
    plan["plan_id"].as_str().expect("an id").to_owned()
}

impl Site {
    fn delete(&self, token: bool) -> String {
        self.database.script(&self.desk.path("plan/delete.sql"), token.then_some(self.token.as_str()))
    }

    fn undo(&self, token: bool) -> String {
        self.database.script(&self.desk.path("plan/undo.sql"), token.then_some(self.token.as_str()))
    }

    fn state(&self) -> String {
        self.database.script(&self.desk.path("plan/verify.sql"), None)
    }
}

#[test]
fn a_rehearsal_changes_nothing_and_leaves_nothing() {
    let Some(site) = site("rehearsal") else { return };
    let before = site.database.contents();
    assert_eq!(site.delete(false), "UNSEED DRY-RUN-OK");
    assert_eq!(site.database.contents(), before);
    assert_eq!(site.state(), "not applied");
    // Another plan's token is no token.
    assert_eq!(site.database.script(&site.desk.path("plan/delete.sql"), Some("0123")), "UNSEED DRY-RUN-OK");
    assert_eq!(site.database.contents(), before);
}

#[test]
fn apply_removes_the_plan_and_undo_brings_it_back() {
    let Some(site) = site("apply") else { return };
    let before = site.database.tables();
    assert_eq!(site.delete(true), "UNSEED APPLIED 213");
    let counts = site.database.sql("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions), (SELECT count(*) FROM payments), (SELECT count(*) FROM reports)");
    assert_eq!(counts.trim(), "4902\t10734\t3581\t1277");
    assert_eq!(site.database.sql("SELECT count(*) FROM users WHERE email LIKE 'user%@test.com'").trim(), "0");
    assert_eq!(site.database.sql("SELECT email FROM users WHERE role = 'admin'").trim(), "operations@lanternmarket.io");
    assert_eq!(site.state(), "applied");
    // What is left is what was there, less the planned rows: every remaining line stood there before.
    let after = site.database.tables();
    let lines: std::collections::HashSet<&str> = before.lines().collect();
    assert!(after.lines().all(|l| lines.contains(l)));
    assert_eq!(before.lines().count() - after.lines().count(), 213);
    // The second apply finds nothing to do.
    let applied = site.database.contents();
    assert_eq!(site.delete(true), "UNSEED ALREADY-APPLIED");
    assert_eq!(site.delete(false), "UNSEED ALREADY-APPLIED");
    assert_eq!(site.database.contents(), applied);
    // Undo rehearses too.
    assert_eq!(site.undo(false), "UNSEED DRY-RUN-OK");
    assert_eq!(site.database.contents(), applied);
    assert_eq!(site.undo(true), "UNSEED UNDONE 213");
    assert_eq!(site.database.tables(), before);
    assert_eq!(site.state(), "undone");
    assert_eq!(site.undo(true), "UNSEED ALREADY-UNDONE");
    // Apply, undo, apply again.
    assert_eq!(site.delete(true), "UNSEED APPLIED 213");
    assert_eq!(site.state(), "applied");
}

#[test]
fn a_snapshot_after_the_apply_is_clean_and_verifies() {
    let Some(site) = site("after") else { return };
    assert_eq!(site.delete(true), "UNSEED APPLIED 213");
    site.database.dump(&site.desk.path("after.sql"));
    let ran = site.desk.unseed("scan after.sql -o after --fail-on unchecked").exits(0);
    assert!(ran.out.contains("CLEAN"), "{}", ran.out);
    // Archive and ledger are listed apart.
    assert!(ran.out.contains("leftover") && ran.out.contains("unseed_ledger"), "{}", ran.out);
    let ran = site.desk.unseed("verify out/case.db --after after.sql").exits(0);
    assert!(ran.out.ends_with("PASS\n"), "{}", ran.out);
    let ran = site.desk.unseed("verify out/case.db --after after.sql --plan plan").exits(0);
    assert!(ran.out.contains("5002        100       4902       4902"), "{}", ran.out);
}

#[test]
fn verify_fails_on_what_is_still_there_or_gone_unplanned() {
    let Some(site) = site("verify") else { return };
    site.database.dump(&site.desk.path("same.sql"));
    let ran = site.desk.unseed("verify out/case.db --after same.sql").exits(1);
    assert!(ran.out.contains("planned rows are still there") && ran.out.ends_with("FAIL\n"), "{}", ran.out);
    assert_eq!(site.delete(true), "UNSEED APPLIED 213");
    site.database.sql("DELETE FROM payments WHERE user_id = 3; DELETE FROM sessions WHERE user1_id = 3 OR user2_id = 3; DELETE FROM reports WHERE reporter_id = 3 OR reported_id = 3; DELETE FROM users WHERE id = 3");
    site.database.dump(&site.desk.path("later.sql"));
    let ran = site.desk.unseed("verify out/case.db --after later.sql").exits(1);
    assert!(ran.out.contains("users: 1 rows are gone that were not planned: [\"3\"]"), "{}", ran.out);
}

/// Asserts that a change in production makes the script refuse with a code and change nothing.
#[track_caller]
fn refused(name: &str, change: &str, code: &str) {
    let Some(site) = site(name) else { return };
    site.database.sql(change);
    let before = site.database.contents();
    let ran = site.database.script_ran(&site.desk.path("plan/delete.sql"), Some(&site.token));
    assert_eq!(ran.out.lines().last().unwrap_or_default(), format!("UNSEED REFUSED {code}"), "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains(code), "a client that stops at the first error finds the code: {}", ran.err);
    assert_eq!(site.database.contents(), before);
}

#[test]
fn a_new_session_of_a_demo_user_is_refused() {
    refused("ds040", "INSERT INTO sessions (user1_id, user2_id) SELECT id, 2 FROM users WHERE email = 'user50@test.com'", "DS040");
}

#[test]
fn a_changed_row_is_refused() {
    refused("ds020", "UPDATE users SET coins = coins + 1 WHERE email = 'user50@test.com'", "DS020");
    refused("ds020_case", "UPDATE users SET email = 'User50@test.com' WHERE email = 'user50@test.com'", "DS020");
}

#[test]
fn activity_since_the_snapshot_is_refused() {
    refused("ds041", "UPDATE users SET last_login_at = now() WHERE email = 'user50@test.com'", "DS041");
}

#[test]
fn a_missing_row_is_refused() {
    refused("ds021", "DELETE FROM reports WHERE evidence = 'Evidence for report 3'", "DS021");
}

#[test]
fn a_reused_key_is_refused() {
    refused(
        "ds022",
        "UPDATE reports SET reporter_id = 2, reported_id = 3, reason = 'x', evidence = 'y', status = 'z', created_at = now() WHERE evidence = 'Evidence for report 3'",
        "DS022",
    );
}

#[test]
fn an_unknown_foreign_key_is_refused() {
    refused("ds030", "CREATE TABLE badges (id int, user_id int REFERENCES users(id) ON DELETE CASCADE)", "DS030");
    refused("ds030_null", "CREATE TABLE badges (id int, user_id int REFERENCES users(id) ON DELETE SET NULL)", "DS030");
}

#[test]
fn an_unknown_trigger_rule_or_policy_is_refused() {
    refused(
        "ds031_trigger",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION f()",
        "DS031",
    );
    refused("ds031_rule", "CREATE RULE r AS ON DELETE TO users DO INSTEAD UPDATE users SET banned = true WHERE id = OLD.id", "DS031");
    refused("ds031_rls", "ALTER TABLE users ENABLE ROW LEVEL SECURITY", "DS031");
}

#[test]
fn a_changed_schema_is_refused() {
    refused("ds032_add", "ALTER TABLE users ADD COLUMN vip boolean", "DS032");
    refused("ds032_type", "ALTER TABLE users ALTER COLUMN coins TYPE bigint", "DS032");
    refused("ds032_gone", "ALTER TABLE reports RENAME TO complaints", "DS032");
}

#[test]
fn a_demo_user_who_became_admin_is_refused() {
    // The row has changed too, but what it has become is what a DBA must hear.
    refused("ds050", "UPDATE users SET role = 'admin' WHERE email = 'user50@test.com'", "DS050");
}

#[test]
fn the_wrong_database_is_refused() {
    let Some(site) = site("ds012") else { return };
    site.desk.unseed("plan out/case.db -o elsewhere --by ana --database shop").exits(0);
    assert_eq!(site.database.script(&site.desk.path("elsewhere/delete.sql"), None), "UNSEED REFUSED DS012");
}

#[test]
fn an_expired_plan_is_refused() {
    let Some(site) = site("ds013") else { return };
    site.desk.unseed("plan out/case.db -o old --by ana --now 2026-02-10T00:00:00Z --expires 1").exits(0);
    assert_eq!(site.database.script(&site.desk.path("old/delete.sql"), None), "UNSEED REFUSED DS013");
}

#[test]
fn a_held_lock_is_refused_cleanly() {
    let Some(site) = site("ds010") else { return };
    let before = site.database.contents();
    let mut holder = site.database.holding("BEGIN; SELECT 1 FROM users WHERE email = 'user50@test.com' FOR UPDATE; SELECT pg_sleep(30);\n");
    assert_eq!(site.delete(true), "UNSEED REFUSED DS010");
    holder.kill().expect("the holder ends");
    holder.wait().expect("the holder ends");
    assert_eq!(site.database.contents(), before);
}

#[test]
fn undo_refuses_a_key_that_is_taken() {
    let Some(site) = site("ds070") else { return };
    assert_eq!(site.undo(true), "UNSEED REFUSED DS061");
    assert_eq!(site.delete(true), "UNSEED APPLIED 213");
    site.database.sql("INSERT INTO users (id, email, updated_at) VALUES (4685, 'somebody@new.org', now())");
    let before = site.database.contents();
    assert_eq!(site.undo(true), "UNSEED REFUSED DS070");
    assert_eq!(site.database.contents(), before);
}

#[test]
fn a_piece_of_the_script_alone_does_nothing() {
    let Some(site) = site("piece") else { return };
    let before = site.database.contents();
    let script = std::fs::read_to_string(site.desk.path("plan/delete.sql")).expect("a script");
    let start = script.find("DO $unseed$\n#variable_conflict use_column\nDECLARE").expect("the block");
    let end = script[start..].find("COMMIT;").expect("the end") + start;
    let piece = site.desk.write("piece.sql", &script[start..end]);
    site.database.script_ran(&piece, Some(&site.token));
    assert_eq!(site.database.contents(), before);
}

/// The storefront as CSV applies to the same Postgres once keys and relations are confirmed.
#[test]
fn a_csv_export_applies_once_it_is_confirmed() {
    let Some(database) = Postgres::new("csv") else { return };
    database.restore(&fixture("storefront/dump.sql"));
    let before = database.tables();
    let confirm = "[tables.users]\nkey = [\"id\"]\n[tables.sessions]\nkey = [\"id\"]\n[tables.payments]\nkey = [\"id\"]\n[tables.reports]\nkey = [\"id\"]\n";
    let relations: String = [
        ("payments", "user_id"),
        ("reports", "reporter_id"),
        ("reports", "reported_id"),
        ("sessions", "user1_id"),
        ("sessions", "user2_id"),
    ]
    .map(|(table, column)| format!("[[relations]]\nfrom = \"{table}.{column}\"\nto = \"users.id\"\n"))
    .concat();
    let desk = Desk::on_the_clock();
    for (name, text) in storefront::storefront().csv() {
        desk.write(&format!("export/{name}"), text);
    }
    desk.unseed("scan export -o out").exits(0);
    let cohort = cohort(&desk.case("out/case.db"));
    desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "payments", "--include-review"]).exits(0);
    desk.unseed("plan out/case.db -o plan").exits(3).says(&["declares neither keys nor relations", "[tables.users]"]);
    assert!(!desk.path("plan").exists());
    // Half a confirmation is none.
    desk.write("unseed.toml", confirm);
    desk.unseed("analyze out/case.db").exits(0);
    desk.unseed("plan out/case.db -o plan").exits(3).says(&["[[relations]]"]);
    desk.write("unseed.toml", format!("{confirm}{relations}"));
    desk.unseed("analyze out/case.db").exits(0);
    desk.unseed("plan out/case.db -o plan --dialect postgres").exits(0);
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path("plan/plan.json")).expect("a plan")).expect("JSON");
    let token = plan["plan_id"].as_str().expect("an id");
    let delete = desk.path("plan/delete.sql");
    assert_eq!(database.script(&delete, None), "UNSEED DRY-RUN-OK");
    assert_eq!(database.tables(), before);
    assert_eq!(database.script(&delete, Some(token)), "UNSEED APPLIED 213");
    assert_eq!(database.script(&desk.path("plan/undo.sql"), Some(token)), "UNSEED UNDONE 213");
    assert_eq!(database.tables(), before);
}

/// The DDL beside the CSV confirms them too.
#[test]
fn ddl_beside_csv_confirms_it() {
    let Some(database) = Postgres::new("csv_ddl") else { return };
    database.restore(&fixture("storefront/dump.sql"));
    let desk = Desk::on_the_clock();
    for (name, text) in storefront::storefront().csv() {
        desk.write(&format!("export/{name}"), text);
    }
    let mut schema = String::new();
    let dump = std::fs::read_to_string(fixture("storefront/dump.sql")).expect("a dump");
    let mut in_rows = false;
    for line in dump.lines() {
        in_rows |= line.starts_with("COPY ");
        if !in_rows {
            schema.push_str(line);
            schema.push('\n');
        }
        in_rows &= line != "\\.";
    }
    desk.write("schema.sql", schema);
    desk.unseed("scan export schema.sql -o out").exits(0);
    let token = plan(&desk);
    assert_eq!(database.script(&desk.path("plan/delete.sql"), Some(&token)), "UNSEED APPLIED 213");
}

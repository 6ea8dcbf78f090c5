//! Every reason for which there is no plan: exit code 3, the reason, and no file.

use crate::engines::{Marked, Site, Sqlite, mark};
use crate::harness::{Desk, Ran};

const TABLES: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(50));
CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id));
INSERT INTO users VALUES (1, 'real'), (11, 'seed'), (12, 'seed'); INSERT INTO posts VALUES (1, 12);";

fn site() -> Option<Site> {
    Some(Site::reviewed(Box::new(Sqlite::new("refusals")?), TABLES, "", &[("users", "id > 10")], &[]))
}

#[track_caller]
fn refused(desk: &Desk, words: &str, says: &[&str]) -> Ran {
    let before = desk.files();
    let ran = desk.unseed(words).exits(3).says(says);
    assert_eq!(desk.files(), before, "a refusal writes no file");
    ran
}

#[test]
fn nothing_approved_is_left() {
    let Some(site) = site() else { return };
    site.desk.unseed("review case.db keep users 11 --by carl").exits(0);
    // 12 is held by a post that stays.
    refused(&site.desk, "plan case.db -o plan", &["nothing approved can go", "posts [\"1\"] refers to it and is real"]);
    site.desk.unseed("review case.db hold c0ffee00 --by bea").exits(0);
    refused(&site.desk, "plan case.db -o plan", &["nothing is approved"]);
}

#[test]
fn strict_refuses_what_is_held() {
    let Some(site) = site() else { return };
    refused(&site.desk, "plan case.db -o plan --strict", &["--strict", "users [\"12\"]", "posts [\"1\"]"]);
    site.desk.unseed("plan case.db -o plan").exits(0);
}

#[test]
fn a_stale_decision() {
    let Some(site) = site() else { return };
    let case = site.desk.case("case.db");
    case.execute_batch("UPDATE unseed_cohorts SET digest = 'other'").expect("the evidence changes");
    refused(&site.desk, "plan case.db -o plan", &["stale", "evidence of cohort c0ffee00 has changed"]);
    mark(&site.desk.path("case.db"), &[("users", "id = 12")], &[]);
    case.execute_batch("UPDATE unseed_cohorts SET cohort_id = 'c1', model = replace(model, 'c0ffee00', 'c1')").expect("the members change");
    refused(&site.desk, "plan case.db -o plan", &["stale", "no longer has the same members"]);
}

#[test]
fn a_missing_approver() {
    let Some(site) = site() else { return };
    refused(&site.desk, "plan case.db -o plan --by ana --reviewers 2", &["by 2 people other than the author"]);
    site.desk.unseed("review case.db approve c0ffee00 --by ana").exits(0);
    refused(&site.desk, "plan case.db -o plan --by ana --reviewers 2", &["nothing is approved"]);
    site.desk.unseed("review case.db approve c0ffee00 --by carl").exits(0);
    site.desk.unseed("plan case.db -o plan --by ana --reviewers 2").exits(0);
    site.desk.write("unseed.toml", "[review]\napprovers = 3\n");
    refused(&site.desk, "plan case.db -o more --by ana", &["by 3 people other than the author"]);
}

#[test]
fn rejects_or_truncation_of_a_planned_table() {
    let Some(site) = site() else { return };
    let case = site.desk.case("case.db");
    case.execute_batch("UPDATE unseed_tables SET rejected = 2 WHERE table_name = 'users'").expect("rejects");
    refused(&site.desk, "plan case.db -o plan", &["2 rows of table users were set aside"]);
    case.execute_batch("UPDATE unseed_tables SET rejected = 0, truncated = 1 WHERE table_name = 'users'").expect("truncation");
    refused(&site.desk, "plan case.db -o plan", &["the input was cut off"]);
    case.execute_batch("UPDATE unseed_tables SET truncated = table_name = 'posts'").expect("another table");
    site.desk.unseed("plan case.db -o plan").exits(0);
}

#[test]
fn an_anonymised_snapshot() {
    let Some(site) = site() else { return };
    site.desk.case("case.db").execute_batch("INSERT OR REPLACE INTO unseed_meta VALUES ('anonymised', '1')").expect("marked");
    refused(&site.desk, "plan case.db -o plan", &["anonymised"]);
}

#[test]
fn another_engine() {
    let Some(site) = site() else { return };
    for engine in ["postgres", "mysql", "mariadb"] {
        refused(&site.desk, &format!("plan case.db -o plan --dialect {engine}"), &["the snapshot is of sqlite"]);
    }
}

#[test]
fn an_unconfirmed_csv() {
    let desk = Desk::new();
    desk.write("export/users.csv", "id,email\n1,real@mail.example\n11,seed@example.com\n");
    desk.unseed("ingest export -o case.db").exits(0);
    desk.unseed("analyze case.db").exits(0);
    let cohort = mark(&desk.path("case.db"), &[("users", "id = 11")], &[]);
    desk.run(&["review", "case.db", "approve", &cohort, "--by", "bea"]).exits(0);
    refused(&desk, "plan case.db -o plan", &["declares neither keys nor relations", "[tables.users]"]);
}

/// A dump as mariadb-dump writes it, with these tables.
fn dumped(desk: &Desk, tables: &str, seeded: Marked<'_>) {
    desk.write("dump.sql", format!("-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)\n--\n-- Host: localhost    Database: shop\n-- ------------------------------------------------------\n-- Server version\t10.11.19-MariaDB\n\n{tables}\n-- Dump completed on 2026-02-09 12:00:00\n"));
    desk.unseed("ingest dump.sql -o case.db").exits(0);
    desk.unseed("analyze case.db").exits(0);
    let cohort = mark(&desk.path("case.db"), seeded, &[]);
    desk.run(&["review", "case.db", "approve", &cohort, "--tables", "all", "--by", "bea"]).exits(0);
}

#[test]
fn a_circle_without_a_safe_way() {
    // What the servers themselves say is in t22b and t23 of hard_cases.rs.
    let desk = Desk::new();
    let table = |name: &str, other: &str| {
        format!(
            "CREATE TABLE `{name}` (\n  `id` int(11) NOT NULL,\n  `{other}_id` int(11) NOT NULL,\n  PRIMARY KEY (`id`),\n  KEY `k_{name}` (`{other}_id`),\n  CONSTRAINT `fk_{name}` FOREIGN KEY (`{other}_id`) REFERENCES `{other}` (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\nINSERT INTO `{name}` VALUES (1,1),(2,2);\n"
        )
    };
    dumped(&desk, &(table("a", "b") + &table("b", "a")), &[("a", "id = 1"), ("b", "id = 1")]);
    refused(&desk, "plan case.db -o plan", &["in a circle that mariadb cannot delete", "a [\"1\"] -> b [\"1\"] -> a [\"1\"]"]);
}

#[test]
fn a_storage_engine_without_a_safe_way() {
    let desk = Desk::new();
    let table = "CREATE TABLE `v` (\n  `id` int(11) NOT NULL,\n  `t` varchar(20) DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4;\nINSERT INTO `v` VALUES (1,'seed'),(2,'real');\n";
    dumped(&desk, table, &[("v", "id = 1")]);
    refused(&desk, "plan case.db -o plan", &["MyISAM", "cannot roll back"]);
}

#[test]
fn a_case_that_holds_decisions_is_not_replaced() {
    let Some(site) = site() else { return };
    let before = std::fs::read(site.desk.path("case.db")).expect("a case");
    let path = site.desk.path("site.sqlite");
    site.server.sql(&format!("VACUUM INTO '{}'", path.display()));
    site.desk.unseed("ingest site.sqlite -o case.db").exits(3).says(&["decisions"]);
    assert!(std::fs::read(site.desk.path("case.db")).expect("a case") == before, "it is as it was");
}

#[test]
fn a_decisions_file_of_another_snapshot_and_what_is_carried_over() {
    let Some(site) = site() else { return };
    site.desk.unseed("review case.db keep users 1 --by carl --reason customer").exits(0);
    site.desk.unseed("review case.db export -o d.jsonl").exits(0);
    let text = std::fs::read_to_string(site.desk.path("d.jsonl")).expect("a file");
    assert!(text.starts_with("{\"schema\":1,\"snapshot_id\":\"") && text.lines().count() == 3, "{text}");
    assert!(text.lines().skip(1).is_sorted());
    // The same file again adds nothing; into a fresh case of the same snapshot it adds all.
    let ran = site.desk.unseed("review case.db import d.jsonl").exits(0);
    assert!(ran.out.contains("0 decisions added, 2 known"), "{}", ran.out);
    site.server.case(&site.desk, "again.db");
    site.desk.unseed("analyze again.db").exits(0);
    mark(&site.desk.path("again.db"), &[("users", "id > 10")], &[]);
    site.desk.unseed("review again.db import d.jsonl").exits(0);
    site.desk.unseed("plan again.db -o same --by ana").exits(0);
    // The next snapshot: refused, unless carried over.
    site.server.sql("INSERT INTO users VALUES (2, 'new')");
    site.server.case(&site.desk, "next.db");
    site.desk.unseed("analyze next.db").exits(0);
    mark(&site.desk.path("next.db"), &[("users", "id > 10")], &[]);
    refused(&site.desk, "review next.db import d.jsonl", &["is about another snapshot", "--carry-over"]);
    let ran = site.desk.unseed("review next.db import d.jsonl --carry-over").exits(0);
    assert!(ran.out.contains("2 decisions added"), "{}", ran.out);
    site.desk.unseed("plan next.db -o next --by ana").exits(0);
    // Where the evidence has changed, the decision is not carried, and that is told.
    site.server.sql("INSERT INTO users VALUES (3, 'newer')");
    site.server.case(&site.desk, "later.db");
    site.desk.unseed("analyze later.db").exits(0);
    mark(&site.desk.path("later.db"), &[("users", "id > 10")], &[]);
    site.desk.case("later.db").execute_batch("UPDATE unseed_cohorts SET digest = 'other'").expect("the evidence changes");
    let ran = site.desk.unseed("review later.db import d.jsonl --carry-over").exits(0);
    assert!(ran.out.contains("1 decisions added") && ran.out.contains("to review again: cohort c0ffee00"), "{}", ran.out);
    refused(&site.desk, "plan later.db -o later --by ana", &["nothing is approved"]);
}

#[test]
fn a_flipped_byte_makes_a_file_stale_or_malformed() {
    let Some(site) = site() else { return };
    site.desk.unseed("review case.db export -o d.jsonl").exits(0);
    let text = std::fs::read_to_string(site.desk.path("d.jsonl")).expect("a file");
    site.server.case(&site.desk, "again.db");
    site.desk.unseed("analyze again.db").exits(0);
    mark(&site.desk.path("again.db"), &[("users", "id > 10")], &[]);
    site.desk.write("flipped.jsonl", text.replace("\"digest\":\"digest\"", "\"digest\":\"digesu\""));
    refused(&site.desk, "review again.db import flipped.jsonl", &["flipped.jsonl:2", "has changed since"]);
    site.desk.write("broken.jsonl", text.replace("\"decision\":\"approve\"", "\"decision\":\"approvf\""));
    site.desk.unseed("review again.db import broken.jsonl").exits(2).says(&["broken.jsonl:2"]);
}

#[test]
fn merged_reviewers_disagree_and_keep_stands() {
    let Some(site) = site() else { return };
    site.desk.unseed("review case.db export -o bea.jsonl").exits(0);
    site.server.case(&site.desk, "carl.db");
    site.desk.unseed("analyze carl.db").exits(0);
    mark(&site.desk.path("carl.db"), &[("users", "id > 10")], &[]);
    site.desk.unseed("review carl.db keep c0ffee00 --by carl").exits(0);
    site.desk.unseed("review carl.db export -o carl.jsonl").exits(0);
    let ran = site.desk.unseed("review case.db import bea.jsonl carl.jsonl").exits(0);
    assert!(ran.out.contains("disagreement: cohort c0ffee00: bea approve, carl keep; keep stands"), "{}", ran.out);
    refused(&site.desk, "plan case.db -o plan --by ana", &["nothing is approved"]);
}

#[test]
fn a_cohort_is_split_and_decided_apart() {
    let Some(site) = site() else { return };
    let ran = site.desk.unseed("review case.db split c0ffee00 users 11").exits(0);
    assert!(ran.out.contains("(users) and"), "{}", ran.out);
    refused(&site.desk, "plan case.db -o plan --by ana", &["stale"]);
    site.desk.unseed("review case.db hold c0ffee00 --by bea").exits(0);
    let ids: Vec<String> = {
        let case = site.desk.case("case.db");
        let mut statement = case.prepare("SELECT cohort_id FROM unseed_cohorts WHERE title LIKE '%(split off)'").expect("cohorts");
        statement.query_map([], |row| row.get(0)).expect("cohorts").map(|r| r.expect("a cohort")).collect()
    };
    site.desk.run(&["review", "case.db", "approve", &ids[0], "--by", "bea"]).exits(0);
    site.desk.unseed("plan case.db -o plan --by ana").exits(0);
    assert_eq!(site.manifest("plan")["rows"], 1);
    site.desk.unseed("review case.db split c0ffee00 users 11").exits(2);
}

#[test]
fn the_same_case_gives_the_same_bytes() {
    let Some(site) = site() else { return };
    for folder in ["one", "two"] {
        site.desk.run(&["plan", "case.db", "-o", folder, "--by", "ana", "--now", "2026-02-10T00:00:00Z"]).exits(0);
    }
    for file in ["delete.sql", "undo.sql", "undo-offline.sql", "verify.sql", "plan.json", "RUNBOOK.md", "delete.sql.sha256"] {
        let read = |folder: &str| std::fs::read(site.desk.path(&format!("{folder}/{file}"))).expect("a file");
        assert_eq!(read("one"), read("two"), "{file}");
    }
    let sum = std::process::Command::new("sha256sum")
        .args(["-c", "delete.sql.sha256"])
        .current_dir(site.desk.path("one"))
        .output()
        .expect("sha256sum");
    assert!(sum.status.success());
}

#[test]
fn a_rehearsal_in_sqlite_passes_and_fills_the_runbook() {
    let Some(site) = site() else { return };
    site.desk.unseed("plan case.db -o plan --by ana").exits(0);
    let ran = site.desk.unseed("rehearse case.db plan").exits(0);
    assert!(ran.out.ends_with("PASS\n"), "{}{}", ran.out, ran.err);
    let log = std::fs::read_to_string(site.desk.path("plan/REHEARSAL.md")).expect("a log");
    assert!(log.contains("PASS") && log.contains("leaves out") && log.contains("delete from users"), "{log}");
    let runbook = std::fs::read_to_string(site.desk.path("plan/RUNBOOK.md")).expect("a runbook");
    assert!(runbook.contains("Measured on a scratch copy") && runbook.contains("## If it refuses"), "{runbook}");
    // Decisions that have changed since are no longer what the plan was made of.
    site.desk.unseed("review case.db keep users 11 --by carl").exits(0);
    site.desk.unseed("rehearse case.db plan").exits(3);
}

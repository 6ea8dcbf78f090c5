//! Decisions: what an approval covers, what beats it, what makes it stale, what refuses a plan.

use crate::generator::storefront;
use crate::generator::world::Form;
use crate::harness::{Desk, cohort, fixture};

fn scanned() -> (Desk, String) {
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let cohort = cohort(&desk.case("out/case.db"));
    (desk, cohort)
}

fn planned(desk: &Desk) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(desk.path("plan/plan.json")).expect("a plan")).expect("JSON")
}

#[test]
fn nothing_approved_is_no_plan() {
    let (desk, _) = scanned();
    desk.unseed("plan out/case.db -o plan").exits(3).says(&["nothing is approved"]);
    assert!(!desk.path("plan").exists(), "a refusal writes no file");
}

#[test]
fn money_must_be_named() {
    let (desk, cohort) = scanned();
    let ran = desk.run(&["review", "out/case.db", "approve", &cohort]).exits(0);
    assert!(ran.out.contains("left out: 40 rows of payments, which is named with --tables payments"), "{}", ran.out);
    desk.unseed("plan out/case.db -o plan").exits(0);
    let plan = planned(&desk);
    assert!(plan["tables"].as_array().expect("tables").iter().all(|t| t["name"] != "payments"));
    // Users whose payments stay are held, and the chain says so.
    let held = plan["held"].as_array().expect("held");
    assert!(!held.is_empty());
    let chain = held[0]["chain"][0].as_str().expect("a chain");
    assert!(chain.contains("payments") && chain.contains("is not approved"), "{chain}");
    desk.unseed("plan out/case.db -o strict --strict").exits(3).says(&["--strict"]);
    assert!(!desk.path("strict").exists());
}

/// The clean shop with three accounts that testers made by hand: they are for a person to decide.
fn with_testers() -> (Desk, String) {
    let mut world = storefront::clean();
    let mut referred: Vec<String> = Vec::new();
    for table in &world.tables {
        let place = |name: &str| table.columns.iter().position(|(n, _)| n == name).expect("a column");
        for column in table.references.iter().filter(|r| r.parent == "users").map(|r| place(&r.column)) {
            referred.extend(table.rows.iter().filter_map(|row| row[column].clone()));
        }
    }
    let users = world.tables.iter_mut().find(|t| t.name == "users").expect("users");
    let name = users.columns.iter().position(|(n, _)| n == "full_name").expect("a name");
    // Who has rows of money is held back by them, which another test shows.
    let alone = users.rows.iter_mut().skip(200).filter(|row| row[0].as_ref().is_some_and(|id| !referred.contains(id)));
    for row in alone.take(3) {
        row[name] = Some("Test Tester".to_owned());
    }
    let desk = Desk::new();
    desk.write("dump.sql", world.pg_dump(Form::Copy));
    desk.unseed("scan dump.sql -o out").exits(0);
    let found = desk.case("out/case.db").query_row(
        "SELECT cohort_id FROM unseed_verdicts WHERE verdict = 'review' AND table_name = 'users'",
        [],
        |row| row.get(0),
    );
    (desk, found.expect("a cohort"))
}

#[test]
fn review_rows_need_to_be_included() {
    let (desk, cohort) = with_testers();
    desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "all"]).exits(0);
    desk.unseed("plan out/case.db -o plan").exits(3);
    assert!(!desk.path("plan").exists());
    desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "all", "--include-review"]).exits(0);
    desk.unseed("plan out/case.db -o plan").exits(0);
    let plan = planned(&desk);
    let users = plan["tables"].as_array().expect("tables").iter().find(|t| t["name"] == "users").expect("users");
    assert_eq!(users["delete"].as_u64(), Some(3));
}

#[test]
fn keep_beats_approve() {
    let (desk, cohort) = scanned();
    desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "all", "--include-review", "--by", "bea"]).exits(0);
    desk.run(&["review", "out/case.db", "keep", "users", "4685", "--by", "carl", "--reason", "a partner's test account"]).exits(0);
    desk.unseed("plan out/case.db -o plan").exits(0);
    let plan = planned(&desk);
    let users = plan["tables"].as_array().expect("tables").iter().find(|t| t["name"] == "users").expect("users");
    assert!(!users["keys"].as_array().expect("keys").iter().any(|k| k == "[\"4685\"]"));
    let script = std::fs::read_to_string(desk.path("plan/delete.sql")).expect("a script");
    assert!(script.contains("('4685')"), "the kept row is asserted in production");
    desk.run(&["review", "out/case.db", "keep", &cohort, "--by", "dora"]).exits(0);
    desk.unseed("plan out/case.db -o plan2").exits(3).says(&["nothing is approved"]);
}

#[test]
fn protected_and_real_rows_cannot_be_approved() {
    let (desk, _) = scanned();
    desk.unseed("review out/case.db approve users 1").exits(3).says(&["is protected and cannot be approved"]);
    desk.unseed("review out/case.db approve users 40").exits(3).says(&["real rows cannot be approved"]);
    assert_eq!(desk.unseed("review out/case.db log").exits(0).out, "");
}

#[test]
fn a_decision_goes_stale_when_the_evidence_changes() {
    let (desk, cohort) = scanned();
    desk.run(&["review", "out/case.db", "approve", &cohort]).exits(0);
    desk.write("unseed.toml", "[detectors.shared-credential]\nenabled = false\n");
    desk.unseed("analyze out/case.db").exits(0);
    desk.unseed("plan out/case.db -o plan").exits(3).says(&["stale"]);
    // The same analysis as before makes the decision fresh again.
    std::fs::remove_file(desk.path("unseed.toml")).expect("a file");
    desk.unseed("analyze out/case.db").exits(0);
    desk.unseed("plan out/case.db -o plan").exits(0);
}

#[test]
fn two_reviewers_are_two_other_people() {
    let (desk, cohort) = scanned();
    let approve = |by: &str| desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "all", "--by", by]).exits(0);
    approve("ana");
    desk.unseed("plan out/case.db -o plan --by ana").exits(0);
    desk.unseed("plan out/case.db -o two --by ana --reviewers 2").exits(3);
    approve("bea");
    desk.unseed("plan out/case.db -o two --by ana --reviewers 2").exits(3);
    assert!(!desk.path("two").exists());
    approve("carl");
    desk.unseed("plan out/case.db -o two --by ana --reviewers 2").exits(0);
}

#[test]
fn the_log_is_append_only() {
    let (desk, cohort) = scanned();
    desk.run(&["review", "out/case.db", "approve", &cohort, "--by", "bea"]).exits(0);
    let case = desk.case("out/case.db");
    assert!(case.execute("UPDATE unseed_decisions SET by = 'carl'", []).is_err());
    assert!(case.execute("DELETE FROM unseed_decisions", []).is_err());
}

#[test]
fn a_plan_for_rejects_or_truncation_is_refused() {
    let desk = Desk::new();
    let dump = std::fs::read_to_string(fixture("storefront/dump.sql")).expect("a dump").replacen(
        "2\tluckyriver45@gmail.com",
        "2\tluckyriver45@gmail.com\textra",
        1,
    );
    desk.write("dump.sql", &dump);
    desk.unseed("scan dump.sql -o out --bad-rows quarantine").exits(0);
    let cohort = cohort(&desk.case("out/case.db"));
    desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "all", "--include-review"]).exits(0);
    desk.unseed("plan out/case.db -o plan").exits(3).says(&["set aside at ingest"]);
    assert!(!desk.path("plan").exists());
}

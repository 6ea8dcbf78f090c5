//! `unseed verify`: a later snapshot against the plan, on the incident's own dump.

use std::collections::BTreeSet;

use crate::acceptance::{ADMINS, SEEDED, SHOP, SHOP_CONFIG};
use crate::engines::{Site, Sqlite};
use crate::harness::{Desk, cohort, fixture};

/// Scans the incident, approves all and plans.
fn planned() -> (Desk, serde_json::Value) {
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let cohort = cohort(&desk.case("out/case.db"));
    desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "payments", "--include-review", "--by", "bea"]).exits(0);
    desk.unseed("plan out/case.db -o plan --by ana").exits(0);
    let plan = serde_json::from_slice(&std::fs::read(desk.path("plan/plan.json")).expect("a plan")).expect("JSON");
    (desk, plan)
}

/// The incident's dump with some rows left out and some added: by table and line of its rows.
fn dump(gone: impl Fn(&str, &str) -> bool, added: &[(&str, String)]) -> String {
    let text = std::fs::read_to_string(fixture("storefront/dump.sql")).expect("a dump");
    let mut out = String::new();
    let mut table: Option<String> = None;
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("COPY public.") {
            table = rest.split(' ').next().map(str::to_owned);
        } else if line.starts_with("\\.") {
            let own = table.take().expect("rows");
            added.iter().filter(|a| a.0 == own).for_each(|a| out.push_str(&a.1));
        } else if table.as_ref().is_some_and(|t| gone(t, line)) {
            continue;
        }
        out.push_str(line);
    }
    out
}

/// Says whether a row is planned.
fn by_key(plan: &serde_json::Value) -> impl Fn(&str, &str) -> bool + use<> {
    let mut keys: BTreeSet<(String, String)> = BTreeSet::new();
    for table in plan["tables"].as_array().expect("tables") {
        for key in table["keys"].as_array().expect("keys") {
            let parts: Vec<String> = serde_json::from_str(key.as_str().expect("a key")).expect("a key");
            keys.insert((table["name"].as_str().expect("a name").to_owned(), parts[0].clone()));
        }
    }
    move |table, line| keys.contains(&(table.to_owned(), line.split('\t').next().unwrap_or_default().to_owned()))
}

/// A row of users as the seed writes it.
fn seed_row(id: u32, number: u32) -> String {
    let text = std::fs::read_to_string(fixture("storefront/dump.sql")).expect("a dump");
    let line = text.lines().find(|l| l.contains("\tuser50@test.com\t")).expect("a seeded row");
    let (_, rest) = line.split_once('\t').expect("a key");
    format!("{id}\t{}\n", rest.replacen("user50@test.com", &format!("user{number}@test.com"), 1))
}

#[test]
fn what_went_as_planned_passes() {
    let (desk, plan) = planned();
    desk.write("later.sql", dump(by_key(&plan), &[]));
    let ran = desk.unseed("verify out/case.db --after later.sql").exits(0);
    assert!(ran.out.ends_with("PASS\n") && ran.out.contains("privileged accounts: 1 before, 1 after"), "{}", ran.out);
    // The success table: before, planned, expected, after.
    assert!(ran.out.contains("5002        100       4902       4902"), "{}", ran.out);
    // The page that sends a person here.
    let runbook = std::fs::read_to_string(desk.path("plan/RUNBOOK.md")).expect("a runbook");
    assert!(runbook.contains("unseed verify CASE --after SNAPSHOT --plan DIR"));
}

#[test]
fn what_is_still_there_fails() {
    let (desk, plan) = planned();
    let planned = by_key(&plan);
    desk.write("later.sql", dump(|table, line| planned(table, line) && table != "payments", &[]));
    let ran = desk.unseed("verify out/case.db --after later.sql --plan plan").exits(1);
    assert!(ran.out.contains("payments: 40 planned rows are still there") && ran.out.ends_with("FAIL\n"), "{}", ran.out);
    assert!(!ran.out.contains("users: 1"), "{}", ran.out);
}

#[test]
fn what_went_without_a_plan_fails() {
    let (desk, plan) = planned();
    let planned = by_key(&plan);
    desk.write("later.sql", dump(|table, line| planned(table, line) || table == "reports" && line.starts_with("7\t"), &[]));
    let ran = desk.unseed("verify out/case.db --after later.sql").exits(1);
    assert!(ran.out.contains("reports: 1 rows are gone that were not planned: [\"7\"]"), "{}", ran.out);
}

#[test]
fn new_contamination_fails_and_new_people_do_not() {
    let (desk, plan) = planned();
    let text = std::fs::read_to_string(fixture("storefront/dump.sql")).expect("a dump");
    let real = text.lines().find(|l| l.contains("luckyriver45@gmail.com")).expect("a person").split_once('\t').expect("a key").1.to_owned();
    let real = format!(
        "9001\t{}\n",
        real.replace("luckyriver45", "quietbrook18")
            .replace("Gary Weaver", "Ines Okafor")
            .replace("Wja0ZQafpxIXUDTTp2mDxHaCv", "q7Rk2LmVt0sWcYb5uJh8Gd3Zx")
    );
    desk.write("later.sql", dump(by_key(&plan), &[("users", real)]));
    let ran = desk.unseed("verify out/case.db --after later.sql").exits(0);
    assert!(ran.out.contains("5002        100       4902       4903          1  users"), "{}", ran.out);
    // The seed ran again: other keys, the same rows.
    let again: String = (1..=60).map(|n| seed_row(9_100 + n, n)).collect();
    desk.write("again.sql", dump(by_key(&plan), &[("users", again)]));
    let ran = desk.unseed("verify out/case.db --after again.sql").exits(1);
    assert!(ran.out.contains("rows are new contamination, seeded or in review"), "{}", ran.out);
}

#[test]
fn a_site_without_an_admin_or_a_table_fails() {
    let (desk, plan) = planned();
    let planned = by_key(&plan);
    desk.write("later.sql", dump(|table, line| planned(table, line) || table == "users" && line.contains("\tadmin\t"), &[]));
    let ran = desk.unseed("verify out/case.db --after later.sql").exits(1);
    assert!(ran.out.contains("no privileged account is left"), "{}", ran.out);
    let text = dump(by_key(&plan), &[]);
    desk.write("less.sql", text.replace("public.reports", "public.complaints"));
    let ran = desk.unseed("verify out/case.db --after less.sql").exits(1);
    assert!(ran.out.contains("reports: the later snapshot has no such table"), "{}", ran.out);
}

#[test]
fn a_reference_that_should_be_null_and_is_not_fails() {
    let Some(server) = Sqlite::new("verify") else { return };
    let site = Site::new(Box::new(server), SHOP, SHOP_CONFIG, SEEDED, ADMINS, &[]);
    site.applies("UNSEED APPLIED 8");
    // The file itself is the later snapshot.
    let verify = || {
        let path = site.desk.path("site.sqlite");
        let _ = std::fs::remove_file(&path);
        site.server.sql(&format!("VACUUM INTO '{}'", path.display()));
        site.desk.unseed("verify case.db --after site.sqlite --plan plan")
    };
    let what = "rows still refer to what was planned";
    assert!(!verify().out.contains(what));
    site.server.sql("UPDATE referrals SET referred_by = 2 WHERE id = 1");
    assert!(verify().exits(1).out.contains("referrals: 1 rows still refer to what was planned: [\"1\"]"));
}

#[test]
fn a_plan_is_needed_and_must_be_of_the_case() {
    let (desk, _) = planned();
    desk.write("site.sql", dump(|_, _| false, &[("users", seed_row(9_001, 777))]));
    desk.unseed("ingest site.sql -o other.db").exits(0);
    desk.unseed("verify other.db --after site.sql").exits(2).says(&["has no plan"]);
    desk.unseed("verify other.db --after site.sql --plan plan").exits(2).says(&["of another snapshot"]);
    desk.unseed("verify out/case.db --after site.sql --plan nowhere").exits(2).says(&["plan.json"]);
    desk.unseed("verify out/case.db --after nowhere.sql").exits(2);
}

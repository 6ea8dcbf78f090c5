//! The decisions file: written by the page and by `export`, taken by `import`, the same decisions as typed ones.

use crate::harness::{Desk, cohort, fixture};

fn scanned() -> (Desk, String) {
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let cohort = cohort(&desk.case("out/case.db"));
    (desk, cohort)
}

#[test]
fn export_and_import_give_the_same_plan() {
    let (first, id) = scanned();
    first
        .run(&[
            "review",
            "out/case.db",
            "approve",
            &id,
            "--tables",
            "payments",
            "--include-review",
            "--by",
            "bea",
            "--reason",
            "a \"seed\" \u{2028}",
        ])
        .exits(0);
    first.run(&["review", "out/case.db", "keep", "users", "4685", "--by", "bea"]).exits(0);
    first.unseed("review out/case.db export -o decisions.jsonl").exits(0);
    first.unseed("plan out/case.db -o plan --by ana").exits(0);
    let file = std::fs::read_to_string(first.path("decisions.jsonl")).expect("a file");
    assert_eq!(file, first.unseed("review out/case.db export").exits(0).out);

    let (second, _) = scanned();
    second.write("decisions.jsonl", &file);
    let ran = second.unseed("review out/case.db import decisions.jsonl").exits(0);
    assert_eq!(ran.out, "decisions.jsonl: 2 decisions added, 0 known\n");
    second.unseed("plan out/case.db -o plan --by ana").exits(0);
    let script = |desk: &Desk| std::fs::read_to_string(desk.path("plan/delete.sql")).expect("a script");
    assert!(script(&first) == script(&second), "the same plan");
    // Taken twice, it changes nothing.
    assert_eq!(second.unseed("review out/case.db import decisions.jsonl").exits(0).out, "decisions.jsonl: 0 decisions added, 2 known\n");
    assert_eq!(second.unseed("review out/case.db export").exits(0).out, file);
}

#[test]
fn a_file_is_taken_whole_or_not_at_all() {
    let (desk, id) = scanned();
    desk.run(&["review", "out/case.db", "approve", &id, "--by", "bea"]).exits(0);
    let file = desk.unseed("review out/case.db export").exits(0).out;
    let (head, line) = file.split_once('\n').expect("two lines");
    let (fresh, _) = scanned();
    let refused = |text: String, code: i32, says: &str| {
        fresh.write("decisions.jsonl", text);
        fresh.unseed("review out/case.db import decisions.jsonl").exits(code).says(&[says]);
        assert_eq!(fresh.unseed("review out/case.db log").exits(0).out, "");
    };
    let row = |key: &str, digest: &str| {
        format!(
            r#"{{"kind":"row","table":"users","key":"[\"{key}\"]","digest":"{digest}","rows":1,"decision":"approve","tables":[],"include_review":false,"reason":"","by":"bea","at":"2026-02-10T00:00:00Z"}}"#
        )
    };
    refused(String::new(), 2, "the file is empty");
    refused(format!("{}\n{line}", head.replace("\"snapshot_id\":\"", "\"snapshot_id\":\"0")), 3, "is about another snapshot");
    refused(format!("{head}\n{line}{}\n", row("1", "x")), 3, "is protected and cannot be approved");
    refused(format!("{head}\n{line}{}\n", row("40", "x")), 3, "real rows cannot be approved");
    refused(format!("{head}\n{line}{}\n", row("4685", "x")), 3, "has changed since");
    refused(format!("{head}\n{}", line.replacen("\"digest\":\"", "\"digest\":\"0", 1)), 3, "has changed since");
    refused(format!("{head}\n{line}{{\"kind\":\"row\"}}\n"), 2, "decisions.jsonl:3");
    refused(format!("{head}\n{}", line.replace("\"by\":\"bea\"", "\"by\":\" \"")), 2, "the name of who made it");
    refused(file.replace("\"schema\":1", "\"schema\":2"), 2, "schema 2 is not known");
}

#[test]
fn a_part_of_a_cohort_is_decided_by_itself() {
    let (desk, id) = scanned();
    desk.run(&["review", "out/case.db", "approve", &id, "--tables", "all", "--include-review"]).exits(0);
    let ran = desk
        .run(&["review", "out/case.db", "part", &id, "users", "--from", "4690", "--until", "4699", "--decide", "keep", "--reason", "staff"])
        .exits(0);
    assert!(ran.out.contains("10 rows of users: keep"), "{}", ran.out);
    desk.unseed("plan out/case.db -o plan").exits(0);
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path("plan/plan.json")).expect("a plan")).expect("JSON");
    let users = plan["tables"].as_array().expect("tables").iter().find(|t| t["name"] == "users").expect("users");
    assert_eq!(users["delete"].as_u64(), Some(90));
    desk.run(&["review", "out/case.db", "part", &id, "users", "--from", "40", "--decide", "keep"]).exits(2).says(&["is no row of cohort"]);
    desk.run(&["review", "out/case.db", "part", &id, "nothing", "--decide", "keep"]).exits(2).says(&["no table nothing"]);
}

#[test]
fn a_terminal_is_walked_through() {
    let (desk, id) = scanned();
    let waiting: bool = desk
        .case("out/case.db")
        .query_row("SELECT count(*) > 0 FROM unseed_verdicts WHERE verdict = 'review' AND cohort_id = ?1", [&id], |r| r.get(0))
        .expect("a count");
    // Rows in review are asked about where there are any.
    let review = if waiting { "y\n" } else { "" };
    let answers = format!("r\ns\nusers 4690 4699 keep\npartners\na\ny\n{review}the seed of January\nq\n");
    let ran = desk.on_a_terminal("review out/case.db", &answers).exits(0);
    for part in ["Cohort 1 of 1, now: hold", "10 rows of users: keep", "covers 40 rows of payments", "next: unseed plan out/case.db"] {
        assert!(ran.out.contains(part), "{part}\n{}", ran.out);
    }
    let log = desk.unseed("review out/case.db log").exits(0).out;
    assert_eq!(log.lines().count(), 11, "{log}");
    let include = if waiting { " --include-review" } else { "" };
    assert!(log.contains(&format!("approve  {id} --tables payments{include}  ana  the seed of January")), "{log}");
    // Where there is no terminal there is nobody to ask: the cohorts are listed.
    assert!(desk.unseed("review out/case.db").exits(0).out.contains(&id));
}

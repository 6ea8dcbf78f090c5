//! The same input, configuration and `--now` give the same bytes.

use crate::harness::{Desk, cohort, fixture};

#[test]
fn reports_and_scripts_are_the_same_bytes() {
    let run = || {
        let desk = Desk::new();
        desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
        let cohort = cohort(&desk.case("out/case.db"));
        desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "all", "--include-review", "--by", "bea"]).exits(0);
        desk.unseed("plan out/case.db -o plan --by ana").exits(0);
        ["out/report.json", "out/report.html", "plan/delete.sql", "plan/undo.sql", "plan/verify.sql", "plan/plan.json"]
            .map(|f| std::fs::read(desk.path(f)).expect(f))
    };
    let (first, second) = (run(), run());
    for (a, b) in first.iter().zip(&second) {
        assert!(
            a == b,
            "{}",
            String::from_utf8_lossy(a)
                .lines()
                .zip(String::from_utf8_lossy(b).lines())
                .find(|(x, y)| x != y)
                .map(|(x, y)| format!("{x}\n{y}"))
                .unwrap_or_default()
        );
    }
    // Nothing of this machine is in it.
    let json = String::from_utf8_lossy(&first[0]).into_owned();
    assert!(!json.contains(env!("CARGO_MANIFEST_DIR")) && !json.contains("/tmp"), "an absolute path");
}

#[test]
fn the_script_matches_its_digest() {
    use sha2::Digest as _;
    let desk = Desk::new();
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(0);
    let cohort = cohort(&desk.case("out/case.db"));
    desk.run(&["review", "out/case.db", "approve", &cohort, "--tables", "payments"]).exits(0);
    desk.unseed("plan out/case.db -o plan").exits(0);
    let script = std::fs::read(desk.path("plan/delete.sql")).expect("a script");
    let digest: String = sha2::Sha256::digest(&script).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(std::fs::read_to_string(desk.path("plan/delete.sql.sha256")).expect("a digest"), format!("{digest}  delete.sql\n"));
}

//! An ingest that is killed leaves the old case file or none, and the next run succeeds.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::contents;
use crate::harness::Desk;

/// How often the ingest is killed.
const POINTS: u64 = 50;

#[test]
fn a_killed_ingest_leaves_the_old_case_or_none() {
    let desk = Desk::new();
    let rows = 150_000;
    let mut text = "id,email,note\n".to_owned();
    for id in 0..rows {
        text.push_str(&format!("{id},user.{id}@example.com,\"a note, number {}\"\n", id * 7919 % 10_007));
    }
    desk.write("users.csv", text);
    desk.write("small.csv", "id,a\n1,x\n");
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unseed"));
        command.args(["ingest", "users.csv", "-o", "case.db", "--progress", "none"]).current_dir(desk.path(""));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let begun = Instant::now();
    assert!(command().status().expect("it runs").success());
    let whole = begun.elapsed();
    let complete = |what: &str| {
        let case = contents::open(&desk.path("case.db"));
        let count: i64 = case.query_row("SELECT count(*) FROM users", [], |r| r.get(0)).expect("a count");
        assert_eq!(count, rows, "{what}");
    };
    complete("the first run");
    let (mut killed, mut seed) = (0, 12_345_u64);
    for point in 0..POINTS {
        let old = point % 2 == 0;
        std::fs::remove_file(desk.path("case.db")).expect("a case");
        if old {
            desk.unseed("ingest small.csv -o case.db").exits(0);
        }
        let before = std::fs::read(desk.path("case.db")).ok();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (seed >> 33) % 1000;
        let mut child = command().spawn().expect("it runs");
        std::thread::sleep(Duration::from_nanos(whole.as_nanos() as u64 * share / 1000));
        child.kill().expect("it is killed");
        let status = child.wait().expect("it ends");
        let after = std::fs::read(desk.path("case.db")).ok();
        if after != before {
            // It was renamed before the kill came: then it is whole.
            complete("a finished file");
        }
        killed += u64::from(!status.success());
        assert!(command().status().expect("it runs").success(), "the run after kill {point}");
        complete("the next run");
        let mut left = desk.files();
        left.retain(|f| !matches!(f.as_str(), "users.csv" | "small.csv" | "case.db"));
        assert_eq!(left, Vec::<String>::new(), "what was left after kill {point}");
    }
    assert!(killed >= POINTS / 2, "only {killed} of {POINTS} runs were killed");
}

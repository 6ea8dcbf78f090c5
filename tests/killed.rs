//! An ingest that is killed, ended or out of room leaves the old case file or none, and the next run succeeds.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::contents;
use crate::harness::Desk;

/// How often the ingest is killed.
const POINTS: u64 = 50;

#[test]
fn a_killed_ingest_leaves_the_old_case_or_none() {
    let desk = Desk::new();
    let rows = long_table(&desk, 150_000);
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
        assert_eq!(left(&desk), Vec::<String>::new(), "what was left after kill {point}");
    }
    assert!(killed >= POINTS / 2, "only {killed} of {POINTS} runs were killed");
}

/// Writes a long table, 400,000 rows of which take some tenths of a second, and a short one; returns the rows.
fn long_table(desk: &Desk, rows: i64) -> i64 {
    let mut text = "id,email,note\n".to_owned();
    for id in 0..rows {
        text.push_str(&format!("{id},user.{id}@example.com,\"a note, number {}\"\n", id * 7919 % 10_007));
    }
    desk.write("users.csv", text);
    desk.write("small.csv", "id,a\n1,x\n");
    rows
}

fn left(desk: &Desk) -> Vec<String> {
    let mut left = desk.files();
    left.retain(|f| !matches!(f.as_str(), "users.csv" | "small.csv" | "case.db"));
    left
}

#[test]
fn an_ended_ingest_cleans_up_by_itself() {
    let desk = Desk::new();
    long_table(&desk, 400_000);
    desk.unseed("ingest small.csv -o case.db").exits(0);
    let old = std::fs::read(desk.path("case.db")).expect("a case");
    let mut ended = 0;
    for point in 0..12 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_unseed"))
            .args(["ingest", "users.csv", "-o", "case.db", "--progress", "none"])
            .current_dir(desk.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        std::thread::sleep(Duration::from_millis(20 + 10 * point));
        let signal = if point % 2 == 0 { "-TERM" } else { "-INT" };
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        let status = child.wait().expect("it ends");
        assert_eq!(left(&desk), Vec::<String>::new(), "what was left after {signal}");
        if status.code() == Some(130) {
            assert!(sent.success());
            assert_eq!(std::fs::read(desk.path("case.db")).expect("a case"), old, "the old case after {signal}");
            ended += 1;
        } else {
            // It came to its end before the signal.
            assert!(status.success(), "{signal}: {status}");
            desk.unseed("ingest small.csv -o case.db").exits(0);
        }
    }
    assert!(ended >= 3, "only {ended} of 12 runs were ended");
}

#[test]
fn an_ingest_out_of_room_leaves_the_old_case_and_no_litter() {
    let desk = Desk::new();
    let rows = long_table(&desk, 400_000);
    desk.unseed("ingest small.csv -o case.db").exits(0);
    let old = std::fs::read(desk.path("case.db")).expect("a case");
    // Limits on a file's size, in KiB, stand in for disks that fill up while the first pages, rows or the last pages are written.
    for limit in [64, 600, 9_000, 20_000] {
        let line = format!("ulimit -f {limit}; exec {} ingest users.csv -o case.db --progress none", env!("CARGO_BIN_EXE_unseed"));
        let ran = Command::new("bash").args(["-c", &line]).current_dir(desk.path("")).output().expect("it runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "limit {limit}: {said}");
        assert!(said.contains("case.db"), "limit {limit}: {said}");
        assert_eq!(left(&desk), Vec::<String>::new(), "what was left under limit {limit}");
        assert_eq!(std::fs::read(desk.path("case.db")).expect("a case"), old, "limit {limit}");
    }
    desk.unseed("ingest users.csv -o case.db").exits(0);
    let count: i64 = contents::open(&desk.path("case.db")).query_row("SELECT count(*) FROM users", [], |r| r.get(0)).expect("a count");
    assert_eq!(count, rows);
}

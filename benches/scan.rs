//! A whole `unseed scan` of four CSV files (a million users, six million rows, one user in a hundred seeded), in turn
//! with what an analyst would run instead: `DuckDB` loading them to a file and running hand-written checks on two
//! threads, and SQLite's shell doing the same. Whole processes; medians of alternated rounds. Prints commands, wall and
//! CPU time, ratios, the peak memory of an analysis, and what became of the seeded and of the real users.
//!
//!     cargo bench --bench scan                   three rounds
//!     cargo bench --bench scan -- --rounds 1     fewer
//!
//! `UNSEED_BENCH_USERS` makes it smaller or larger, `UNSEED_BENCH_DIR` keeps the data, `UNSEED_BENCH_PYTHON` is a
//! Python with `DuckDB` (`python3 -m venv V && V/bin/pip install duckdb`). A peer that is missing is left out, and said so.

#![expect(clippy::print_stdout, reason = "a program for people")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Users where nothing else is asked for.
const USERS: u64 = 1_000_000;

/// Memory that an analysis may take, whatever the number of rows, KiB.
const MOST_KIB: u64 = 2 << 20;

/// Wall time that a scan should take at most, as a share of the peer's.
const AGAINST_DUCKDB: f64 = 1.0;
const AGAINST_SQLITE: f64 = 0.2;

/// The generator, and what the peers run; written for this comparison, from Python's and SQL's own means.
const FILES: [(&str, &str); 7] = [
    ("bigdb.py", include_str!("scan/bigdb.py")),
    ("duck.py", include_str!("scan/duck.py")),
    ("load.duckdb.sql", include_str!("scan/load.duckdb.sql")),
    ("checks.duckdb.sql", include_str!("scan/checks.duckdb.sql")),
    ("schema.sqlite.sql", include_str!("scan/schema.sqlite.sql")),
    ("load.sqlite.sql", include_str!("scan/load.sqlite.sql")),
    ("checks.sqlite.sql", include_str!("scan/checks.sqlite.sql")),
];

const TABLES: [&str; 4] = ["users", "sessions", "payments", "reports"];

type Error = Box<dyn std::error::Error>;

/// A program to measure: its commands, and what they leave behind.
struct Peer {
    name: &'static str,
    commands: Vec<Vec<String>>,
    leaves: &'static [&'static str],
    took: Vec<Took>,
}

/// What a run took.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

fn main() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).filter(|w| w != "--bench").collect();
    let rounds = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // `cargo test --benches` only checks that it builds.
        ["--test"] => return Ok(()),
        [] => 3,
        ["--rounds", n] => n.parse()?,
        _ => return Err("usage: cargo bench --bench scan [-- --rounds N]".into()),
    };
    let users = std::env::var("UNSEED_BENCH_USERS").map_or(Ok(USERS), |n| n.parse())?;
    let kept = std::env::var_os("UNSEED_BENCH_DIR").map(PathBuf::from);
    let scratch = tempfile::tempdir()?;
    let folder = kept.unwrap_or_else(|| scratch.path().to_owned());
    fs::create_dir_all(&folder)?;
    for (name, text) in FILES {
        fs::write(folder.join(name), text)?;
    }
    make_data(&folder, users)?;
    let mut peers = peers(&folder);
    for peer in &peers {
        for command in &peer.commands {
            println!("{}: {}", peer.name, command.join(" "));
        }
    }
    for _ in 0..rounds {
        for peer in &mut peers {
            peer.leaves.iter().for_each(|left| remove(&folder.join(left)));
            peer.took.push(run(&folder, &peer.commands)?);
        }
    }
    compare(&peers);
    labels(&folder)?;
    let peak = peak_of_analysis(&folder)?;
    println!("analysis of {users} users: peak memory {} MiB, at most {} MiB", peak / 1024, MOST_KIB / 1024);
    if peak > MOST_KIB { Err("the analysis takes too much memory".into()) } else { Ok(()) }
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir_all(path);
}

/// Writes the files, unless the folder has them for as many users.
fn make_data(folder: &Path, users: u64) -> Result<(), Error> {
    let mark = folder.join("data.users");
    if fs::read_to_string(&mark).is_ok_and(|n| n == users.to_string()) {
        return Ok(());
    }
    run(folder, &[vec!["python3".into(), "bigdb.py".into(), "--users".into(), users.to_string(), "--out".into(), "data".into()]])?;
    fs::write(mark, users.to_string())?;
    Ok(())
}

/// Lists who takes part, unseed first.
fn peers(folder: &Path) -> Vec<Peer> {
    let words = |words: &[&str]| -> Vec<String> { words.iter().map(|w| (*w).to_owned()).collect() };
    let files: Vec<String> = TABLES.iter().map(|t| format!("data/{t}.csv")).collect();
    let scan = [words(&[env!("CARGO_BIN_EXE_unseed"), "scan"]), files, words(&["-o", "out", "-q"])].concat();
    let mut peers = vec![Peer { name: "unseed", commands: vec![scan], leaves: &["out"], took: Vec::new() }];
    let python = std::env::var("UNSEED_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let works = |command: &[&str]| {
        let mut found = Command::new(command[0]);
        found.args(&command[1..]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        found.status().is_ok_and(|s| s.success())
    };
    if works(&[&python, "-c", "import duckdb"]) {
        let step = |sql: &str| words(&[&python, "duck.py", "t.duckdb", sql, "2"]);
        let commands = vec![step("load.duckdb.sql"), step("checks.duckdb.sql")];
        peers.push(Peer { name: "duckdb", commands, leaves: &["t.duckdb", "t.duckdb.wal"], took: Vec::new() });
    } else {
        println!("duckdb is left out: {python} has no module duckdb (set UNSEED_BENCH_PYTHON)");
    }
    if works(&["sqlite3", "-version"]) {
        let commands = vec![words(&["sqlite3", "t.sqlite", ".read load.sqlite.sql", ".read checks.sqlite.sql"])];
        peers.push(Peer { name: "sqlite3", commands, leaves: &["t.sqlite", "t.sqlite-journal"], took: Vec::new() });
    } else {
        println!("sqlite3 is left out: no such program");
    }
    peers
}

/// Runs commands one after the other.
fn run(folder: &Path, commands: &[Vec<String>]) -> Result<Took, Error> {
    let (began, before) = (Instant::now(), children_cpu()?);
    for command in commands {
        let mut child = Command::new(&command[0]);
        child.args(&command[1..]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped());
        let done = child.output()?;
        if !done.status.success() {
            return Err(format!("{}: {}", command.join(" "), String::from_utf8_lossy(&done.stderr)).into());
        }
    }
    Ok(Took { wall: began.elapsed(), cpu: children_cpu()? - before })
}

/// Returns the CPU time of all children that have ended.
fn children_cpu() -> Result<Duration, Error> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Behind the name in brackets: cutime and cstime are the 14th and 15th, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[13].parse::<u64>()? + fields[14].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<f64> = times.map(|t| t.as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn compare(peers: &[Peer]) {
    let (wall, cpu) = (|p: &Peer| median(p.took.iter().map(|t| t.wall)), |p: &Peer| median(p.took.iter().map(|t| t.cpu)));
    for peer in peers {
        let each: Vec<String> = peer.took.iter().map(|t| format!("{:.1}", t.wall.as_secs_f64())).collect();
        println!("{:8} {:6.2} s wall, {:6.2} s CPU ({})", peer.name, wall(peer), cpu(peer), each.join(", "));
    }
    for peer in &peers[1..] {
        let most = if peer.name == "duckdb" { AGAINST_DUCKDB } else { AGAINST_SQLITE };
        let pairs = peers[0].took.iter().zip(&peer.took);
        let mut ratios: Vec<f64> = pairs.map(|(a, b)| a.wall.as_secs_f64() / b.wall.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        let ratio = ratios[ratios.len() / 2];
        let held = if ratio <= most { "held" } else { "missed" };
        println!(
            "unseed / {}: {ratio:.2} of its wall time, {:.2} of its CPU; at most {most}: {held}",
            peer.name,
            cpu(&peers[0]) / cpu(peer)
        );
    }
}

/// Says what became of each wave of seeded users, and of the others.
fn labels(folder: &Path) -> Result<(), Error> {
    let truth = fs::read_to_string(folder.join("data/truth.csv"))?;
    let waves: HashMap<&str, &str> = truth.lines().skip(1).filter_map(|line| line.split_once(',')).collect();
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    waves.values().for_each(|wave| *all.entry(wave).or_insert(0) += 1);
    let case = rusqlite::Connection::open(folder.join("out/case.db"))?;
    let mut statement = case.prepare("SELECT row_key, verdict FROM unseed_verdicts WHERE table_name = 'users'")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, verdict): (String, String) = (row.get(0)?, row.get(1)?);
        let id = key.trim_matches(|c| matches!(c, '[' | ']' | '"')).to_owned();
        *counts.entry((waves.get(id.as_str()).copied().unwrap_or("real"), verdict)).or_insert(0) += 1;
    }
    let count = |wave, verdict: &str| counts.get(&(wave, verdict.to_owned())).copied().unwrap_or(0);
    for (wave, rows) in all {
        println!("wave {wave}: {rows} users, {} seeded, {} in review", count(wave, "seeded"), count(wave, "review"));
    }
    println!(
        "real users: {} seeded, {} in review, {} protected",
        count("real", "seeded"),
        count("real", "review"),
        count("real", "protected")
    );
    if count("real", "seeded") > 0 { Err("a real user is seeded".into()) } else { Ok(()) }
}

/// Analyses a case by itself and returns its peak memory, KiB.
fn peak_of_analysis(folder: &Path) -> Result<u64, Error> {
    let unseed = env!("CARGO_BIN_EXE_unseed");
    remove(&folder.join("out"));
    let ingest = ["ingest", "data/users.csv", "data/sessions.csv", "data/payments.csv", "data/reports.csv", "-o", "peak.db", "-q"];
    remove(&folder.join("peak.db"));
    run(folder, &[std::iter::once(unseed).chain(ingest).map(str::to_owned).collect()])?;
    let mut child = Command::new(unseed);
    child.args(["analyze", "peak.db", "-q"]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let held = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        peak = peak.max(held.and_then(|h| h.split_whitespace().next()?.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    remove(&folder.join("peak.db"));
    Ok(peak)
}

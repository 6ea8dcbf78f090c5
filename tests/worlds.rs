//! Detection measured on labelled worlds, beside the rule that people write by hand and an isolation
//! forest. Needs the generators' records (`tests/pools.sh`, named by `UNSEED_POOLS`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::baselines;
use crate::generator::matrix::{self, Kind, Labelled, Matrix};
use crate::generator::pool;
use crate::generator::world::{Form, Label};
use crate::harness::{Desk, verdicts};

/// One in so many worlds of the matrix is made without `UNSEED_FULL`.
const EVERY: usize = 5;

/// Fewest seeded accounts of a world whose recall counts.
const LEAST_SEEDED: usize = 10;

/// What a world came to.
#[derive(Clone, Debug, Default)]
struct Outcome {
    name: String,
    about: String,
    kind: Option<Kind>,
    small: bool,
    refused: bool,
    verdict: String,
    seeded: usize,
    found: usize,
    reviewed: usize,
    real: usize,
    real_seeded: usize,
    real_reviewed: usize,
    protected_seeded: usize,
    naive: baselines::Tally,
    forest: baselines::Tally,
}

fn measure(labelled: &Labelled) -> Outcome {
    let desk = Desk::on_the_clock();
    desk.write("dump.sql", labelled.world.pg_dump(Form::Copy));
    desk.unseed("scan dump.sql -o out -q --now 2026-04-01T00:00:00Z").exits(0);
    let case = desk.case("out/case.db");
    let verdicts = verdicts(&case);
    let meta = |key: &str| case.query_row("SELECT value FROM unseed_meta WHERE key = ?1", [key], |r| r.get::<_, String>(0));
    let mut outcome = Outcome {
        name: labelled.name.clone(),
        about: labelled.about.clone(),
        kind: Some(labelled.kind),
        refused: meta("anonymised").is_ok(),
        verdict: meta("verdict").unwrap_or_default(),
        ..Outcome::default()
    };
    for table in &labelled.world.tables {
        for (row, label) in table.rows.iter().zip(&table.labels) {
            let key = (table.name.clone(), serde_json::json!([row[0]]).to_string());
            let verdict = verdicts.get(&key).map_or("real", String::as_str);
            match (label, verdict) {
                (Label::Seeded, "seeded") => outcome.found += 1,
                (Label::Seeded, "review") => outcome.reviewed += 1,
                (Label::Real | Label::Mixed, "seeded") => outcome.real_seeded += 1,
                (Label::Real, "review") => outcome.real_reviewed += 1,
                (Label::Protected, "seeded") => outcome.protected_seeded += 1,
                _ => {}
            }
            outcome.seeded += usize::from(*label == Label::Seeded);
            outcome.real += usize::from(*label == Label::Real);
        }
    }
    outcome.naive = baselines::naive(&labelled.world);
    outcome.forest = baselines::forest(&labelled.world);
    let accounts = baselines::people(&labelled.world).map_or(0, |t| t.labels.iter().filter(|l| **l == Label::Seeded).count());
    outcome.small = accounts < LEAST_SEEDED && outcome.seeded > 0;
    outcome
}

/// Measures worlds on two threads; gives them in order.
fn measure_all(pools: &[pool::Pool], seed: u64, every: usize) -> Vec<Outcome> {
    let matrix = Matrix::new(pools, seed);
    let worlds: Vec<(bool, usize)> =
        (0..matrix.len()).step_by(every).map(|i| (false, i)).chain((0..matrix::TRAPS).map(|i| (true, i))).collect();
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<BTreeMap<usize, Outcome>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((is_trap, index)) = worlds.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let labelled = if *is_trap { matrix::trap(*index, pools, seed) } else { matrix.world(*index) };
                    let place = usize::from(*is_trap) * matrix.len() + index;
                    outcomes.lock().expect("a lock").insert(place, measure(&labelled));
                }
            });
        }
    });
    outcomes.into_inner().expect("outcomes").into_values().collect()
}

/// Sums a column over worlds.
fn sum(of: &[&Outcome], take: impl Fn(&Outcome) -> usize) -> usize {
    of.iter().map(|o| take(o)).sum()
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

fn line(out: &mut String, what: &str, of: &[&Outcome]) {
    let (seeded, real) = (sum(of, |o| o.seeded), sum(of, |o| o.real));
    let naive = of.iter().fold(baselines::Tally::default(), |a, o| a.plus(o.naive));
    let forest = of.iter().fold(baselines::Tally::default(), |a, o| a.plus(o.forest));
    let recall = |t: baselines::Tally| if t.seeded == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * share(t.found, t.seeded)) };
    let wrong = |t: baselines::Tally| format!("{:.2} %", 100.0 * share(t.wrong, t.real.max(1)));
    let _ = writeln!(
        out,
        "| {what} | {} | {} | {} | {} | {real} | {} | {} | {} / {} | {} / {} |",
        of.len(),
        seeded,
        if seeded == 0 { "-".to_owned() } else { format!("{:.3}", share(sum(of, |o| o.found), seeded)) },
        if seeded == 0 { "-".to_owned() } else { format!("{:.3}", share(sum(of, |o| o.found + o.reviewed), seeded)) },
        sum(of, |o| o.real_seeded),
        sum(of, |o| o.real_reviewed),
        recall(naive),
        wrong(naive),
        recall(forest),
        wrong(forest)
    );
}

#[test]
fn no_real_row_is_seeded_in_any_world() {
    let Ok(folder) = std::env::var("UNSEED_POOLS") else {
        println!("SKIPPED: UNSEED_POOLS names no folder of generators' records (tests/pools.sh makes one)");
        return;
    };
    let full = std::env::var_os("UNSEED_FULL").is_some();
    let seed = match std::env::var("UNSEED_SEED").ok().and_then(|s| s.parse().ok()) {
        Some(seed) => seed,
        None if full => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_secs()),
        None => 1,
    };
    let outcomes = measure_all(&pool::read(Path::new(&folder)), seed, if full { 1 } else { EVERY });
    let of = |wanted: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).collect::<Vec<_>>();
    let of_kind = |kind: Kind| of(&|o| o.kind == Some(kind) && !o.small);
    let mut table = format!(
        "Seed of the worlds: {seed}\n\n| worlds | number | seeded rows | in `seeded` | with `review` | real rows | wrongly seeded | in review | rule by hand: accounts found / wrong | isolation forest: found / wrong |\n|---|---|---|---|---|---|---|---|---|---|\n"
    );
    for (what, kind) in [
        ("scripted seeds", Kind::Scripted),
        ("scripted, order lost", Kind::OrderLost),
        ("made by hand", Kind::HandMade),
        ("nearly all seeded", Kind::Mostly),
        ("traps", Kind::Trap),
        ("clean", Kind::Clean),
        ("masked", Kind::Masked),
    ] {
        line(&mut table, what, &of_kind(kind));
    }
    line(&mut table, "fewer than 10 accounts", &of(&|o| o.small));
    line(&mut table, "all", &of(&|_| true));
    let short = |o: &&Outcome| {
        o.kind == Some(Kind::Scripted) && !o.small && (share(o.found, o.seeded) < 0.98 || share(o.found + o.reviewed, o.seeded) < 0.995)
    };
    let missed: Vec<&Outcome> = outcomes.iter().filter(short).collect();
    let _ = writeln!(table, "\nScripted worlds below 0.98 in `seeded` or 0.995 with `review`: {}", missed.len());
    for o in &missed {
        let _ = writeln!(
            table,
            "- {} ({}): {:.3}, {:.3} of {} rows",
            o.name,
            o.about,
            share(o.found, o.seeded),
            share(o.found + o.reviewed, o.seeded),
            o.seeded
        );
    }
    println!("{table}");
    if let Ok(folder) = std::env::var("UNSEED_TABLES") {
        std::fs::write(Path::new(&folder).join("worlds.md"), &table).expect("a table");
    }
    // What must hold without exception.
    for o in &outcomes {
        assert_eq!((o.real_seeded, o.protected_seeded), (0, 0), "real rows seeded in {} ({})", o.name, o.about);
        assert!(
            share(o.real_reviewed, o.real.max(1)) <= 0.005 || o.real_reviewed <= 2,
            "{} real rows in review in {}",
            o.real_reviewed,
            o.name
        );
        if o.kind == Some(Kind::Clean) {
            assert_eq!(o.verdict, "clean", "{} ({})", o.name, o.about);
        }
        if o.kind == Some(Kind::Masked) {
            assert!(o.refused && o.verdict != "clean", "{} was masked, and it was not noticed", o.name);
        }
    }
    let all = of(&|_| true);
    assert!(share(sum(&all, |o| o.real_reviewed), sum(&all, |o| o.real)) <= 0.001);
    assert!(sum(&all, |o| o.real) >= if full { 600_000 } else { 60_000 });
    // The aim: 0.98 and 0.995 for scripted seeds, 0.95 with review by hand.
    let scripted = of_kind(Kind::Scripted);
    let (seeded, found) = (sum(&scripted, |o| o.seeded), sum(&scripted, |o| o.found));
    assert!(share(found, seeded) >= REACHED_SEEDED, "{found} of {seeded}");
    assert!(share(found + sum(&scripted, |o| o.reviewed), seeded) >= REACHED_REVIEW);
    let by_hand = of_kind(Kind::HandMade);
    let flagged = sum(&by_hand, |o| o.found + o.reviewed);
    assert!(share(flagged, sum(&by_hand, |o| o.seeded)) >= BY_HAND, "{flagged} rows made by hand");
    for o in of_kind(Kind::Mostly) {
        assert!(share(o.found, o.seeded) >= 0.98, "{} ({})", o.name, o.about);
    }
}

/// Recall of scripted seeds below which a change is a step back.
const REACHED_SEEDED: f64 = 0.98;
const REACHED_REVIEW: f64 = 0.995;

/// The same of rows made by hand, with review.
const BY_HAND: f64 = 0.95;

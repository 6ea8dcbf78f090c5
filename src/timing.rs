//! Where the time of a run goes: pieces of work by name, with wall time over all threads and how far the process's
//! memory had grown by then, for `-v`. Measures nothing unless it was asked to, and changes no result.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A piece of work.
struct Piece {
    name: String,
    /// When it first began, since the process was asked to measure.
    began: Duration,
    took: Duration,
    times: u32,
    /// Largest memory of the process so far when it last ended, KiB.
    peak_kib: u64,
}

static ASKED: AtomicBool = AtomicBool::new(false);
static PIECES: Mutex<(Option<Instant>, Vec<Piece>)> = Mutex::new((None, Vec::new()));

/// Begins to measure.
pub(crate) fn watch() {
    if let Ok(mut pieces) = PIECES.lock() {
        pieces.0 = Some(Instant::now());
    }
    ASKED.store(true, Ordering::Relaxed);
}

/// Does a piece of work; its name is asked for only where somebody measures.
pub(crate) fn timed<N: Into<String>, T>(name: impl FnOnce() -> N, work: impl FnOnce() -> T) -> T {
    if !ASKED.load(Ordering::Relaxed) {
        return work();
    }
    let began = Instant::now();
    let done = work();
    note(name().into(), began);
    done
}

fn note(name: String, began: Instant) {
    let (took, peak_kib) = (began.elapsed(), peak_kib());
    let Ok(mut pieces) = PIECES.lock() else { return };
    let began = pieces.0.map_or(Duration::ZERO, |start| began.saturating_duration_since(start));
    match pieces.1.iter_mut().find(|p| p.name == name) {
        Some(known) => {
            known.took += took;
            known.times += 1;
            known.peak_kib = peak_kib;
        }
        None => pieces.1.push(Piece { name, began, took, times: 1, peak_kib }),
    }
}

/// Returns the largest memory that the process has had, KiB; 0 where the system does not tell.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|held| held.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Lists the pieces as lines, in the order in which they began; empty where nobody asked.
pub(crate) fn lines() -> String {
    let Ok(mut pieces) = PIECES.lock() else { return String::new() };
    pieces.1.sort_by_key(|p| p.began);
    let mut text = String::new();
    for Piece { name, began, took, times, peak_kib } in &pieces.1 {
        let _ =
            writeln!(text, "{:8.3} s +{:7.3} s {:5}x {:6} MiB  {name}", began.as_secs_f64(), took.as_secs_f64(), times, peak_kib / 1024);
    }
    text
}

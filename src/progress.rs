//! How long work tells of itself. The command line draws bars or prints lines; tests stay silent.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Takes news of long work.
pub trait Progress: Sync {
    /// A stage begins; `total` is its size in bytes or steps, where known.
    fn begin(&self, stage: &str, total: Option<u64>);

    /// The stage has come this far: bytes or steps, and rows.
    fn advance(&self, done: u64, rows: u64);

    /// The stage has ended.
    fn end(&self);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _rows: u64) {}
    fn end(&self) {}
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Works under way that look for interrupts.
static HEEDING: AtomicUsize = AtomicUsize::new(0);

/// Says, while it lives, that the work at hand looks for interrupts and cleans up after them.
#[derive(Debug)]
pub struct Heed(());

/// Begins a work that looks for interrupts.
#[must_use]
pub fn heed() -> Heed {
    HEEDING.fetch_add(1, Ordering::Relaxed);
    Heed(())
}

impl Drop for Heed {
    fn drop(&mut self) {
        HEEDING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns whether the work at hand looks for interrupts.
#[must_use]
pub fn heeded() -> bool {
    HEEDING.load(Ordering::Relaxed) > 0
}

/// Notes that the user wants to stop; long work looks for it between batches.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Returns whether the user wants to stop.
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

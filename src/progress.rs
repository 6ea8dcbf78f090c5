//! How long work tells of itself. The command line draws bars or prints lines; tests stay silent.

use std::sync::atomic::{AtomicBool, Ordering};

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

/// Notes that the user wants to stop; long work looks for it between batches.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Returns whether the user wants to stop.
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

//! Pumps inputs into a case file: one thread reads, the other writes. Keeps the byte ledger and the
//! rejects; never drops or changes a value silently.

mod catalog;
mod convert;
mod inputs;
mod pump;

use std::path::{Path, PathBuf};

use crate::dump::{DumpError, Hints, Limits, MAX_MEMORY_BYTES};
use crate::model::SnapshotId;
use crate::progress::{Progress, heed};
use crate::snapshot::{Check, Method, Partial, SnapshotError};

/// What becomes of a row that does not fit its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadRows {
    /// The whole ingest is refused.
    #[default]
    Refuse,
    /// Its bytes are kept in `unseed_rejects`, and its table can never reach a delete script.
    Quarantine,
}

/// How to ingest.
#[derive(Clone, Debug)]
pub struct Options {
    /// When the snapshot was taken, if the user says so; UTC microseconds.
    pub taken_at: Option<i64>,
    /// Whether an input without its end marker is taken.
    pub allow_truncated: bool,
    /// What becomes of a row that does not fit.
    pub bad_rows: BadRows,
    /// Memory that limits on cells, windows and ratios are derived from, in bytes.
    pub max_memory_bytes: u64,
    /// What the user knows of delimited text.
    pub hints: Hints,
    /// How rows reach the file.
    pub method: Method,
    /// When the new file is checked.
    pub check: Check,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            taken_at: None,
            allow_truncated: false,
            bad_rows: BadRows::Refuse,
            max_memory_bytes: MAX_MEMORY_BYTES,
            hints: Hints::default(),
            method: Method::Pages,
            check: Check::First,
        }
    }
}

/// What was ingested.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Digest of the logical content.
    pub id: SnapshotId,
    /// Tables: name, rows stored, rows set aside.
    pub tables: Vec<(String, u64, u64)>,
    /// Bytes of all inputs, without their wrappers.
    pub bytes: u64,
    /// How delimited inputs were understood, and why.
    pub dialects: Vec<String>,
    /// Things that were read over.
    pub warnings: Vec<String>,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// An input is not as it should be.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// The case file cannot be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// Reads `inputs` into a new case file at `target`, which appears only when complete.
///
/// # Errors
/// Returns the first thing that is wrong, with file, line, byte offset and the next step.
pub fn ingest(inputs: &[PathBuf], target: &Path, options: &Options, progress: &dyn Progress) -> Result<Summary, IngestError> {
    let _heed = heed();
    let partial = Partial::create(target)?;
    let mut limits = Limits::of_memory(options.max_memory_bytes, &partial.scratch()?);
    limits.lenient_end = options.allow_truncated;
    let recognised = inputs::recognise(inputs, &limits, &options.hints)?;
    partial.needs_room(inputs::room(&recognised))?;
    pump::run(&recognised, partial, options, progress)
}

//! The case file: one SQLite database that holds a snapshot, what was found in it and what people
//! decided. Stores and hands out; never judges.

mod bulk;
mod case;
mod check;
mod frames;
mod index_pages;
mod int_index;
mod key_index;
mod leaves;
mod names;
mod pages;
mod partial;
mod record;
mod stats;
mod visit;

pub use bulk::{BulkTable, BulkWriter, Finished, Method};
pub use case::{Case, CaseTable, DetectorRun, ShortVerdict, StoredCohort, StoredSpared};
pub use check::Check;
pub use frames::{CHUNK_ROWS, Chunk, ColumnRead, scan, scan_with};
pub use leaves::Part;
pub use partial::Partial;
pub use visit::Reader;

/// `PRAGMA application_id` of a case file: "unsd".
pub const APPLICATION_ID: i32 = 0x756e_7364;

/// Version of the case file's schema, `PRAGMA user_version`.
pub const SCHEMA_VERSION: i32 = 1;

/// What can go wrong with a case file.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// SQLite refused.
    #[error("{file}: {source}")]
    Sqlite {
        /// The file.
        file: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The system refused.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
    /// The disk is too small.
    #[error(
        "{file}: this needs about {needed_mib} MiB of disk, and {free_mib} MiB are free there; nothing was imported; write to another disk with -o"
    )]
    DiskFull {
        /// The file.
        file: String,
        /// Needed, in MiB.
        needed_mib: u64,
        /// Free, in MiB.
        free_mib: u64,
    },
    /// A row is larger than SQLite can hold.
    #[error("table {table}: row {row} has {bytes} bytes, more than a SQLite file can hold in a row; nothing was imported")]
    RowTooLarge {
        /// The table.
        table: String,
        /// Its ordinal from 1.
        row: u64,
        /// Bytes of its record.
        bytes: usize,
    },
    /// The file is no case file, or of another version.
    #[error("{file}: {what}")]
    NotACase {
        /// The file.
        file: String,
        /// What it is, and the next step.
        what: String,
    },
    /// A stored text cannot be read.
    #[error("the case file is damaged: {0}")]
    Damaged(String),
    /// A frame cannot be built.
    #[error("column frame: {0}")]
    Frame(#[from] polars::error::PolarsError),
}

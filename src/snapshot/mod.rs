//! The case file: one SQLite database that holds a snapshot, what was found in it and what people
//! decided. Stores and hands out; never judges.

mod bulk;
mod case;
mod frames;
mod names;
mod visit;

pub use bulk::{BulkTable, BulkWriter, Finished};
pub use case::{Case, CaseTable, DetectorRun, StoredCohort, StoredSpared};
pub use frames::{CHUNK_ROWS, Chunk, ColumnRead, scan};

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

//! Rehearsal: the plan's scripts, run for real on a scratch copy of the snapshot: delete, check, undo, check
//! that every byte is back. Never touches a production database.

mod scratch;
mod server;

pub use scratch::{Rehearsal, rehearse};
pub use server::{Printed, Server};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    /// The case file.
    #[error(transparent)]
    Snapshot(#[from] crate::snapshot::SnapshotError),
    /// A file or a process.
    #[error("rehearsal: {0}")]
    Io(#[from] std::io::Error),
    /// The scratch database.
    #[error("rehearsal: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A server.
    #[error("rehearsal: {0}")]
    Server(String),
    /// The plan cannot be rehearsed so.
    #[error("refused: {0}")]
    Refused(String),
}

//! Approved rows to a dialect-free plan: what goes, in which order, what holds rows back, what must
//! hold in production. Is never built from a verdict.

mod build;
mod circles;
mod closure;
mod compare;
mod identity;
mod links;
mod manifest;
mod notes;
mod order;
mod prevent;
mod protections;
mod seed_source;
mod tables;

pub use build::{EXPIRES_DAYS, Options, build};
pub use compare::{Comparison, Keys, TableComparison, compare};
pub use manifest::{Manifest, ManifestTable, ManifestTouch};
pub use prevent::bans;
pub use seed_source::{Seeder, seeders};

use crate::snapshot::SnapshotError;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The case file.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A guard refuses; no file is written.
    #[error("refused: {0}")]
    Refused(String),
}

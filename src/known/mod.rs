//! Reads what a project knows of its own seed: a dump of a database right after the seed ran, and the seed's own
//! files. Both are untrusted: sizes are bounded, nothing in them is run.

mod reference;
mod source;

use std::path::PathBuf;

use crate::ingest::IngestError;
use crate::model::known::{Known, KnownInput, SeedPatterns};
use crate::profile::Profile;
use crate::progress::Progress;
use crate::snapshot::{Case, SnapshotError};

pub use reference::Reference;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// A file or folder cannot be read.
    #[error("{file}: cannot read it: {source}; check the path and its permissions")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The reference is no export that can be read.
    #[error("--reference: {0}")]
    Ingest(#[from] IngestError),
    /// The reference's own case file.
    #[error("--reference: {0}")]
    Snapshot(#[from] SnapshotError),
    /// More than a seed makes.
    #[error("{file}: {what}; give a database that holds nothing but what the seed made")]
    TooMuch {
        /// The file.
        file: String,
        /// What there is too much of.
        what: String,
    },
    /// A folder of seed files without any.
    #[error("{folder}: no seed file in it that says anything; what is read are {kinds} files")]
    NoSource {
        /// The folder.
        folder: String,
        /// Endings.
        kinds: String,
    },
}

/// What was given, not yet fitted to a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Dumps of databases right after the seed ran.
    pub references: Vec<Reference>,
    /// Texts and templates of seed files.
    pub patterns: SeedPatterns,
    /// What was read.
    pub inputs: Vec<KnownInput>,
}

impl Given {
    /// Reads dumps and folders.
    ///
    /// # Errors
    /// Returns what cannot be read, or is too much.
    pub fn read(references: &[PathBuf], sources: &[PathBuf], progress: &dyn Progress) -> Result<Self, KnownError> {
        let mut given = Self::default();
        for path in references {
            let (reference, input) = reference::read(path, progress)?;
            given.references.push(reference);
            given.inputs.push(input);
        }
        for path in sources {
            let input = source::read(path, &mut given.patterns)?;
            given.inputs.push(input);
        }
        Ok(given)
    }

    /// Fits it to the tables of a snapshot.
    #[must_use]
    pub fn fit(&self, case: &Case, profile: &Profile) -> Known {
        Known { tables: reference::fit(&self.references, case, profile), patterns: self.patterns.clone() }
    }
}

//! The machine's opinion of a row, with the bits that made it. Nothing here reaches SQL.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bits::Bits;
use super::ids::{CohortId, Row, TableId};

/// What the machine thinks of a row, or, by the worst of its rows, of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing speaks for a seed, or too little.
    Real,
    /// Would have been seeded or in review, or is privileged; a rule, a role or a veto keeps it.
    Protected,
    /// A person must look.
    Review,
    /// A script may delete it once a person has approved.
    Seeded,
}

impl Verdict {
    /// Returns the word used in the case file and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Protected => "protected",
            Self::Review => "review",
            Self::Seeded => "seeded",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Real, Self::Protected, Self::Review, Self::Seeded].into_iter().find(|v| v.as_str() == word)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One term of a row's posterior log2 odds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// Detector id, or `prior` or `cohort`.
    pub detector: Cow<'static, str>,
    /// Family word, or `prior` or `cohort`.
    pub family: Cow<'static, str>,
    /// What the term adds.
    pub bits: Bits,
    /// One sentence for a person, shared by the rows of which it is said.
    pub detail: Arc<str>,
}

/// A row's verdict; its reasons sum to its bits exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowVerdict {
    /// Table of the row.
    pub table: TableId,
    /// The row.
    pub row: Row,
    /// Verdict.
    pub verdict: Verdict,
    /// Posterior log2 odds of being seeded.
    pub bits: Bits,
    /// Cohort that the row belongs to; every seeded or review row has one.
    pub cohort: Option<CohortId>,
    /// The terms.
    pub reasons: Vec<Reason>,
}

/// A row that looked like a seeded one and stays real. Many share their terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spared {
    /// Table of the row.
    pub table: TableId,
    /// The row.
    pub row: Row,
    /// Posterior log2 odds of being seeded.
    pub bits: Bits,
    /// The terms.
    pub reasons: Arc<[Reason]>,
}

/// What a snapshot is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotVerdict {
    /// Nothing found, and something was looked at.
    Clean,
    /// No detector applied to a table of people, nothing was ingested, or the input was truncated.
    Unchecked,
    /// Some row is in review.
    Suspect,
    /// Some row is seeded.
    Seeded,
}

impl SnapshotVerdict {
    /// Returns the word used in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unchecked => "unchecked",
            Self::Suspect => "suspect",
            Self::Seeded => "seeded",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Clean, Self::Unchecked, Self::Suspect, Self::Seeded].into_iter().find(|v| v.as_str() == word)
    }
}

impl fmt::Display for SnapshotVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

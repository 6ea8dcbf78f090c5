//! A person's decisions. Only these reach a plan: `Decision -> Approved -> DeletePlan -> Script`.

use serde::{Deserialize, Serialize};

use super::ids::{CohortId, Row, TableId};

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// May be deleted.
    Approve,
    /// Is real, or must stay; beats an approval.
    Keep,
    /// Not decided; what is unlisted is on hold.
    Hold,
}

impl Choice {
    /// Returns the word used in the log and the decisions file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Keep => "keep",
            Self::Hold => "hold",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Approve, Self::Keep, Self::Hold].into_iter().find(|c| c.as_str() == word)
    }
}

/// What a decision is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DecisionSubject {
    /// A whole cohort.
    Cohort {
        /// The cohort.
        cohort_id: CohortId,
    },
    /// One row, by its table's name and key.
    Row {
        /// Table as the snapshot names it.
        table: String,
        /// Row key, a JSON array of texts.
        key: String,
    },
}

/// One decision, as the append-only log holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Cohort or row.
    #[serde(flatten)]
    pub subject: DecisionSubject,
    /// Digest over the members and evidence, or the row's evidence, that the person saw.
    pub digest: String,
    /// Members seen.
    pub rows: u64,
    /// The choice.
    pub decision: Choice,
    /// Money and audit tables that the approval names; `all` for every one.
    pub tables: Vec<String>,
    /// Whether rows in review are covered.
    pub include_review: bool,
    /// Why, in the person's words.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Rows that people approved, bound to what they saw. Made by `review` alone: there is no way from
/// a verdict to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    rows: Vec<(TableId, Row)>,
    approvers: Vec<String>,
    named_tables: Vec<TableId>,
    digest: String,
}

impl Approved {
    /// Gathers approved rows, who approved them, the money and audit tables that they named, and the
    /// digest of the decisions.
    pub(crate) fn from_decisions(
        mut rows: Vec<(TableId, Row)>,
        mut approvers: Vec<String>,
        mut named_tables: Vec<TableId>,
        digest: String,
    ) -> Self {
        rows.sort_unstable();
        rows.dedup();
        approvers.sort();
        approvers.dedup();
        named_tables.sort_unstable();
        named_tables.dedup();
        Self { rows, approvers, named_tables, digest }
    }

    /// Returns the rows, sorted by table and ordinal.
    #[must_use]
    pub fn rows(&self) -> &[(TableId, Row)] {
        &self.rows
    }

    /// Returns who approved, sorted.
    #[must_use]
    pub fn approvers(&self) -> &[String] {
        &self.approvers
    }

    /// Returns the money and audit tables that enough people named, sorted.
    #[must_use]
    pub fn named_tables(&self) -> &[TableId] {
        &self.named_tables
    }

    /// Returns the digest of the decisions that stand behind the rows.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

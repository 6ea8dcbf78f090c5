//! Groups of rows that one run of one program left behind.

use serde::{Deserialize, Serialize};

use super::bits::Bits;
use super::evidence::Family;
use super::ids::{CohortId, Row, TableId};

/// The members of a cohort in one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortTable {
    /// The table.
    pub table: TableId,
    /// Members, sorted.
    pub rows: Vec<Row>,
}

/// A cohort: it may span tables, and a single row is a cohort of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    /// Digest of the members.
    pub id: CohortId,
    /// A few words that name what the members share.
    pub title: String,
    /// Members, by table ordinal.
    pub tables: Vec<CohortTable>,
    /// Evidence of all members together, by family.
    pub families: Vec<(Family, Bits)>,
    /// Sum over families, less what was paid for looking at many groups.
    pub bits: Bits,
    /// Whether two families besides time and one fact that cannot be human hold it up.
    pub convicted: bool,
    /// Whether the rows say of themselves that they are a demo.
    pub declared: bool,
    /// Earliest creation time among the members of its leading table; UTC microseconds.
    pub first_at: Option<i64>,
    /// Latest creation time among the members of its leading table; UTC microseconds.
    pub last_at: Option<i64>,
    /// Sentences for a person: what was found, and what speaks against it.
    pub findings: Vec<String>,
}

impl Cohort {
    /// Returns the number of members over all tables.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tables.iter().map(|t| t.rows.len()).sum()
    }
}

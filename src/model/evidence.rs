//! Measured facts about rows. A fact says how often a seed program does such a thing and how rarely
//! anything else may; it never says what the rows are.

use serde::{Deserialize, Serialize};

use super::ids::{Row, TableId};
use super::role::Role;

/// Kinds of evidence. Facts of one family depend on each other, so a family counts once per row.
///
/// Source: the families of the evidence model in Fellegi and Sunter (1969), grouped by what a seed
/// program decides independently of the rest: identifiers, words, templates, clocks, credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Reserved or well-known test identifiers.
    Identifier,
    /// Placeholder words and generator vocabulary.
    Vocabulary,
    /// Shapes of values that a generator gives and people do not.
    Shape,
    /// Templates, counters and cycles.
    Template,
    /// Shared or impossible credentials.
    Credential,
    /// Machine pacing of the rows' own times.
    Time,
    /// Clocks that contradict each other: child before parent, insertion order against dates, back-dating
    /// that keeps the phase.
    Clock,
    /// Columns that contradict each other.
    Discordance,
    /// Parents and children.
    Relational,
    /// What the project itself says of its seed: a reference, its seed files.
    Source,
    /// Rows that come again under many parents. People enter lists for many branches too: it sends rows to review, and
    /// has no part in what is seeded.
    Copy,
    /// Signs of a person, with a minus sign.
    Human,
}

impl Family {
    /// Every family, in report order.
    pub const ALL: [Self; 12] = [
        Self::Identifier,
        Self::Vocabulary,
        Self::Shape,
        Self::Template,
        Self::Credential,
        Self::Time,
        Self::Clock,
        Self::Discordance,
        Self::Relational,
        Self::Source,
        Self::Copy,
        Self::Human,
    ];

    /// Returns the word used in reasons and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Vocabulary => "vocabulary",
            Self::Shape => "shape",
            Self::Template => "template",
            Self::Credential => "credential",
            Self::Time => "time",
            Self::Clock => "clock",
            Self::Discordance => "discordance",
            Self::Relational => "relational",
            Self::Source => "source",
            Self::Copy => "copy",
            Self::Human => "human",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == word)
    }
}

/// Whether a fact leaves room for a human origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// No person and no live system makes such a row (a reserved name, an unbroken sequence, a child
    /// older than its parent without signs of an import).
    CannotBeHuman,
    /// Seen in seeds far more often than in life, but seen in life.
    Suggests,
}

/// How a fact is measured, so that bits can be had from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// A fact of each row by itself.
    Rate {
        /// Share of a seed program's rows that show it (0 to 1).
        seeded: f64,
        /// Smallest share of real rows to assume, whatever the table shows (0 to 1).
        real_floor: f64,
    },
    /// A fact of the rows together: log2 of the probability that organic rows look like this.
    Chance {
        /// At most 0.
        log2_p: f64,
    },
    /// Bits as they stand: a log2 likelihood ratio, negative for signs of a person.
    Against {
        /// Any sign.
        bits: f64,
    },
}

/// One measured fact about some rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Id of the detector that measured it.
    pub detector: &'static str,
    /// Family that the fact belongs to.
    pub family: Family,
    /// Table of the rows.
    pub table: TableId,
    /// What was found, short and the same for rows that share it: `example.com`, `user{n}@test.com`.
    pub kind: String,
    /// The rows, sorted, without doubles.
    pub rows: Vec<Row>,
    /// How it was measured.
    pub measure: Measure,
    /// Whether a person could have made it.
    pub certainty: Certainty,
    /// Whether the rows may have come from one run of a program.
    pub proposes: bool,
    /// One sentence for a person.
    pub detail: String,
}

/// All of a detector's words, in one place.
#[derive(Debug)]
pub struct DetectorMeta {
    /// Stable id, `kebab-case`.
    pub id: &'static str,
    /// What it finds, a few words.
    pub title: &'static str,
    /// Family of its evidence.
    pub family: Family,
    /// Roles of which a table needs one for the detector to apply; empty where any table will do.
    pub reads: &'static [Role],
    /// What it measures and why a seed shows it.
    pub finds: &'static str,
    /// Real rows that show the same, and what keeps them safe.
    pub false_positives: &'static str,
    /// Where lists, thresholds and rates come from.
    pub source: &'static str,
}

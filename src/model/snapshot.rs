//! What is known of a snapshot as a whole.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::SnapshotId;

/// The database engine that wrote the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// SQLite.
    Sqlite,
    /// Text exports without an engine of their own.
    Csv,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 5] = [Self::Postgres, Self::Mysql, Self::Mariadb, Self::Sqlite, Self::Csv];

    /// Returns the word used by `--dialect` and in the case file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
            Self::Csv => "csv",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.as_str() == word)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// When the snapshot was taken, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", content = "micros", rename_all = "lowercase")]
pub enum TakenAt {
    /// `--taken-at`; UTC microseconds.
    Given(i64),
    /// The dump's header or trailer; UTC microseconds.
    Dump(i64),
    /// The newest plausible timestamp in the rows; UTC microseconds.
    Inferred(i64),
    /// Nothing tells.
    Unknown,
}

impl TakenAt {
    /// Returns the UTC microseconds, if known.
    #[must_use]
    pub const fn micros(self) -> Option<i64> {
        match self {
            Self::Given(t) | Self::Dump(t) | Self::Inferred(t) => Some(t),
            Self::Unknown => None,
        }
    }

    /// Returns how the time is known: `given`, `dump`, `inferred` or `unknown`.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Given(_) => "given",
            Self::Dump(_) => "dump",
            Self::Inferred(_) => "inferred",
            Self::Unknown => "unknown",
        }
    }
}

/// What everything downstream cites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotFacts {
    /// Digest of the logical content.
    pub id: SnapshotId,
    /// Engine that wrote the input.
    pub engine: Engine,
    /// Database name, where the input tells it.
    pub database: String,
    /// When the snapshot was taken.
    pub taken_at: TakenAt,
    /// Whether the input ended before its end marker.
    pub truncated: bool,
}

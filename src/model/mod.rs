//! The vocabulary every layer speaks: ids, schema, values, roles, evidence, weights, cohorts,
//! verdicts, decisions, plans. No I/O and no knowledge of polars, SQLite or clap.

pub mod bits;
pub mod cohort;
pub mod decision;
pub mod evidence;
pub mod ids;
pub mod known;
pub mod minted;
pub mod plan;
pub mod role;
pub mod schema;
pub mod snapshot;
pub mod stamp;
pub mod value;
pub mod verdict;

pub use bits::Bits;
pub use cohort::{Cohort, CohortTable};
pub use decision::{Approved, Choice, Decision, DecisionSubject};
pub use evidence::{Certainty, DetectorMeta, Evidence, Family, Measure};
pub use ids::{CohortId, PlanId, Row, SnapshotId, TableId};
pub use minted::{Minted, Scheme};
pub use role::{Role, TableClass};
pub use schema::{Column, ForeignKey, Key, OnDelete, QualifiedName, Source, Table};
pub use snapshot::{Engine, SnapshotFacts, TakenAt};
pub use stamp::Stamp;
pub use value::{Value, ValueRef};
pub use verdict::{Reason, RowVerdict, Verdict};

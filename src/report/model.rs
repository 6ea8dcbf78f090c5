//! What a report says. Gathered once from the case; every renderer prints this and nothing else, so
//! that none of them can count on its own.

use crate::config::Redact;
use crate::model::verdict::SnapshotVerdict;
use crate::model::{Bits, Choice, Family, OnDelete, Reason, TableClass, Verdict};

use super::decimal::Decimal;

/// The whole report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Version of the tool.
    pub tool_version: String,
    /// When the report was made, RFC 3339 (`--now`).
    pub made_at: String,
    /// The command that made it; absolute paths are cut to their last part.
    pub command: String,
    /// SHA-256 of the configuration.
    pub config_sha256: String,
    /// The configuration in force, as JSON.
    pub config: String,
    /// How values are masked.
    pub redact: Redact,
    /// The snapshot.
    pub snapshot: SnapshotReport,
    /// Its verdict.
    pub verdict: SnapshotVerdict,
    /// Why, one sentence.
    pub verdict_reason: String,
    /// Tables, in the order of the input; leftovers of scripts among them.
    pub tables: Vec<TableReport>,
    /// What the business counts, with and without the seed.
    pub figures: Figures,
    /// Cohorts, convicted and largest first.
    pub cohorts: Vec<CohortReport>,
    /// Rows that are decided one by one: in review first, then protected ones.
    pub listed: Vec<ListedRow>,
    /// Rows in review in all, listed or not.
    pub review_total: u64,
    /// Protected rows in all, listed or not.
    pub protected_total: u64,
    /// Detectors, over all tables.
    pub detectors: Vec<DetectorReport>,
    /// Each detector on each table.
    pub coverage: Vec<Coverage>,
    /// Rows that looked like seeded ones and stay real.
    pub spared: Vec<Spared>,
    /// Number of those, shown or not.
    pub spared_total: usize,
    /// Rows of the largest table of people by day, with the trains of its cohorts.
    pub timeline: Timeline,
    /// When the rows that stay were created, by table, for comparison.
    pub usual_hours: Vec<TableHours>,
    /// Tables that a deletion touches, and how they hang together.
    pub graph: Graph,
    /// What to do next.
    pub recommendations: Vec<String>,
    /// What was read over or could not be looked at.
    pub not_checked: Vec<String>,
}

impl Report {
    /// Adds up a figure of the tables.
    #[must_use]
    pub fn total(&self, of: impl Fn(&TableReport) -> u64) -> u64 {
        self.tables.iter().map(of).sum()
    }
}

/// The snapshot as a whole.
#[derive(Clone, Debug)]
pub struct SnapshotReport {
    /// Digest of the content.
    pub id: String,
    /// Engine.
    pub engine: String,
    /// When it was taken, RFC 3339; empty where unknown.
    pub taken_at: String,
    /// How that is known: `given`, `dump`, `inferred`, `unknown`.
    pub taken_at_source: String,
    /// Inputs.
    pub inputs: Vec<InputReport>,
    /// Whether an input was cut off.
    pub truncated: bool,
    /// Bytes of the inputs by kind.
    pub bytes: Vec<(String, u64)>,
}

/// One input.
#[derive(Clone, Debug)]
pub struct InputReport {
    /// File name.
    pub name: String,
    /// Format id.
    pub format: String,
    /// Bytes.
    pub bytes: u64,
}

/// One table.
#[derive(Clone, Debug)]
pub struct TableReport {
    /// Name.
    pub name: String,
    /// Class.
    pub class: TableClass,
    /// Rows.
    pub rows: u64,
    /// Rows set aside at ingest.
    pub rejected: u64,
    /// Seeded rows.
    pub seeded: u64,
    /// Rows in review.
    pub review: u64,
    /// Protected rows.
    pub protected: u64,
}

impl TableReport {
    /// Returns the rows that remain if every seeded row goes.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.rows - self.seeded
    }

    /// Returns whether nothing would be left of a table that holds something.
    #[must_use]
    pub const fn left_empty(&self) -> bool {
        self.rows > 0 && self.remaining() == 0
    }
}

/// What the business counts.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// The table of people that the headline speaks of; empty where there is none.
    pub people: String,
    /// Its rows, seeded ones, those in review: "your real user base is N".
    pub base: Figure,
    /// Counts and sums.
    pub figures: Vec<Figure>,
    /// Rows of that table by month of creation, newest last.
    pub months: Vec<Month>,
    /// Rows before the first month shown.
    pub earlier: Month,
    /// What could not be counted, one sentence each.
    pub notes: Vec<String>,
}

/// A count or sum.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// What is counted.
    pub title: String,
    /// Its table.
    pub table: String,
    /// Currency; empty for counts.
    pub unit: String,
    /// Over all rows.
    pub before: Decimal,
    /// Over the seeded rows.
    pub seeded: Decimal,
    /// Over the rows in review.
    pub review: Decimal,
}

impl Figure {
    /// Returns the figure without the seeded rows.
    #[must_use]
    pub fn after(&self) -> Decimal {
        self.before.minus(self.seeded).unwrap_or(self.before)
    }

    /// Returns the figure without the seeded rows and those in review.
    #[must_use]
    pub fn after_review(&self) -> Decimal {
        self.after().minus(self.review).unwrap_or(self.before)
    }
}

/// Rows created in a month.
#[derive(Clone, Debug, Default)]
pub struct Month {
    /// `2026-01`.
    pub name: String,
    /// Rows that stay.
    pub stay: u64,
    /// Seeded rows.
    pub seeded: u64,
    /// Rows in review.
    pub review: u64,
}

/// One cohort.
#[derive(Clone, Debug)]
pub struct CohortReport {
    /// Id.
    pub id: String,
    /// Digest of members and evidence, to which decisions are bound.
    pub digest: String,
    /// Title.
    pub title: String,
    /// Rows over all tables, as a decision counts them.
    pub rows: u64,
    /// Whether it is convicted.
    pub convicted: bool,
    /// Whether a table or `unseed.toml` declares it a demo.
    pub declared: bool,
    /// Evidence of all members together.
    pub bits: Bits,
    /// By family.
    pub families: Vec<(Family, Bits)>,
    /// Earliest creation time, RFC 3339.
    pub first_at: Option<String>,
    /// Latest creation time, RFC 3339.
    pub last_at: Option<String>,
    /// Sentences.
    pub findings: Vec<String>,
    /// What people decided.
    pub decision: Choice,
    /// By table.
    pub tables: Vec<CohortTableReport>,
    /// A typical member's terms: the median member by bits of the first table.
    pub typical: Vec<Reason>,
    /// Its bits.
    pub typical_bits: Bits,
    /// When its rows were created, by hour of the week.
    pub hours: Option<TableHours>,
    /// Where its rows lie in their table's ids.
    pub ids: Option<IdStrip>,
}

/// A cohort's rows in one table.
#[derive(Clone, Debug)]
pub struct CohortTableReport {
    /// Table name.
    pub name: String,
    /// Whether an approval must name the table.
    pub guarded: bool,
    /// Seeded rows.
    pub seeded: u64,
    /// Rows in review.
    pub review: u64,
    /// Protected rows.
    pub protected: u64,
    /// Column names of the samples.
    pub columns: Vec<String>,
    /// First, middle and last rows.
    pub samples: Vec<SampleRow>,
}

/// A sample row.
#[derive(Clone, Debug)]
pub struct SampleRow {
    /// Row key as shown, a JSON array of texts; masked where it names a person.
    pub key: String,
    /// What a decision on the row is bound to; none where the key is masked.
    pub bound: Option<Bound>,
    /// Verdict.
    pub verdict: Verdict,
    /// Bits.
    pub bits: Bits,
    /// Cells, masked.
    pub cells: Vec<Cell>,
}

/// What a decision on a row names, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Table name as the decision log holds it.
    pub table: String,
    /// Row key, a JSON array of texts, verbatim.
    pub key: String,
    /// Digest of the row's evidence.
    pub digest: String,
}

/// A cell as shown.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The text, masked and with hidden characters visible.
    pub text: String,
    /// The bytes of the text that are evidence, and what they are evidence of.
    pub mark: Option<(std::ops::Range<usize>, String)>,
}

/// A row that is decided by itself.
#[derive(Clone, Debug)]
pub struct ListedRow {
    /// Table name.
    pub table: String,
    /// Cohort id, if it belongs to one.
    pub cohort: Option<String>,
    /// Names of the columns that tell most.
    pub columns: Vec<String>,
    /// The row, with the cells of these columns.
    pub row: SampleRow,
    /// Why it is in review, or what protects it.
    pub why: String,
}

/// A detector over all tables.
#[derive(Clone, Debug)]
pub struct DetectorReport {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it measures.
    pub finds: String,
    /// `found`, `nothing` or `not applicable`.
    pub result: String,
    /// Why it does not apply; else how many facts in which tables.
    pub why: String,
}

/// A detector on a table.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Detector id.
    pub detector: String,
    /// Table name.
    pub table: String,
    /// `found`, `nothing` or `not applicable`.
    pub result: String,
    /// Facts.
    pub facts: usize,
    /// Why it does not apply.
    pub why: String,
}

/// A row that was spared.
#[derive(Clone, Debug)]
pub struct Spared {
    /// Table name.
    pub table: String,
    /// Row key.
    pub key: String,
    /// Bits.
    pub bits: Bits,
    /// What spoke for a seed.
    pub why: String,
    /// What spoke against one.
    pub against: String,
}

/// Rows of people by day.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Table name; empty where no table of people has creation times.
    pub table: String,
    /// Days that have rows, in order.
    pub days: Vec<Day>,
    /// The trains of the largest cohorts.
    pub trains: Vec<Train>,
}

/// A day's rows.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Days since 1970.
    pub day: i64,
    /// Rows that are real or protected.
    pub stay: u64,
    /// Seeded rows.
    pub seeded: u64,
    /// Rows in review.
    pub review: u64,
}

/// A cohort's rows as they came in.
#[derive(Clone, Debug)]
pub struct Train {
    /// Cohort id.
    pub cohort: String,
    /// Start of the first bin, UTC microseconds.
    pub start: i64,
    /// Width of a bin, microseconds.
    pub bin_us: i64,
    /// Members per bin.
    pub members: Vec<u64>,
    /// Other rows of the table per bin.
    pub others: Vec<u64>,
}

/// Rows by hour of the week, UTC.
#[derive(Clone, Debug)]
pub struct TableHours {
    /// Table name.
    pub table: String,
    /// Rows that have a creation time.
    pub rows: u64,
    /// From Monday 00:00 on, 168 counts.
    pub hours: Vec<u64>,
}

impl TableHours {
    /// Returns how even the hours are: entropy as a share of the largest that so many rows can have.
    #[must_use]
    pub fn evenness(&self) -> f64 {
        let most = (self.rows.min(168) as f64).log2();
        if most <= 0.0 {
            return 0.0;
        }
        let entropy: f64 = self.hours.iter().filter(|n| **n > 0).map(|n| *n as f64 / self.rows as f64).map(|p| -p * p.log2()).sum();
        (entropy / most).abs().min(1.0)
    }
}

/// Where a cohort's rows lie among a table's ids.
#[derive(Clone, Debug)]
pub struct IdStrip {
    /// Table name.
    pub table: String,
    /// What counts: the key column's name, or `row` for the place in the input.
    pub column: String,
    /// Smallest id of the table.
    pub low: i64,
    /// Largest id of the table.
    pub high: i64,
    /// Members per bin of equal width.
    pub bins: Vec<u64>,
    /// Longest runs of ids without a gap: first, last.
    pub runs: Vec<(i64, i64)>,
    /// Runs in all.
    pub runs_total: usize,
}

/// Tables that a deletion touches.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Tables, in the order in which their rows would be deleted; those that lose none last.
    pub nodes: Vec<Node>,
    /// Relations between them.
    pub edges: Vec<Edge>,
    /// Tables that are not drawn.
    pub left_out: usize,
}

/// A table of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Seeded rows.
    pub seeded: u64,
    /// Rows in review.
    pub review: u64,
    /// Column of the drawing: children of everything on the left.
    pub level: usize,
    /// Place in the order of deletion from 1; none where nothing is deleted.
    pub order: Option<usize>,
    /// Whether it refers to itself or stands in a circle.
    pub circle: bool,
}

/// A relation of the graph.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Index of the child.
    pub child: usize,
    /// Index of the parent.
    pub parent: usize,
    /// Columns of the child.
    pub columns: String,
    /// What the database does by itself; scripts never rely on it.
    pub on_delete: OnDelete,
    /// Whether the input declares it.
    pub declared: bool,
    /// Rows that stay and refer to a seeded row: they hold it back unless they go too.
    pub holding: u64,
}

//! What detectors that look at one value at a time have in common: a mark for each value that shows
//! something, gathered by kind.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{Detector, TableView, grouped, rows_of};
use crate::model::{Certainty, DetectorMeta, Evidence, Measure, Role, Row};
use crate::profile::ColumnProfile;
use crate::snapshot::{Chunk, ColumnRead};

/// Share of different values below which a column's are looked at once a chunk, if they have more characters than this:
/// to look at a short one is as cheap as to look it up.
const REPEATS: f64 = 0.25;
const LONG: f64 = 16.0;

/// What the marks of one kind say.
pub(super) struct Finding {
    /// One sentence for a person.
    pub(super) detail: String,
    /// How it weighs.
    pub(super) measure: Measure,
    /// Whether a person could have made it.
    pub(super) certainty: Certainty,
    /// Whether rows of the kind may have come from one run.
    pub(super) proposes: bool,
}

/// What a mark says, in words; marks of one kind are one fact.
pub(super) type Kind = Cow<'static, str>;

/// The marks of one kind.
pub(super) struct Marked<'a> {
    /// The kind.
    pub(super) kind: &'a str,
    /// Rows that show it, sorted.
    pub(super) rows: &'a [Row],
    /// Every kind of the table with its rows.
    pub(super) all: &'a BTreeMap<&'a str, Vec<Row>>,
    /// Rows of the kinds that have as many as [`Marks::MANY`].
    pub(super) in_large: usize,
    /// The table.
    pub(super) table: &'a TableView<'a>,
}

/// A detector that looks at one value at a time, and at nothing else, and then at how many showed what.
pub(super) trait Marks: Sync {
    /// Its words; the roles that it reads among them.
    const META: &'static DetectorMeta;

    /// What a table lacks where no column has such a role, for a person: "no telephone number".
    const LACKS: &'static str;

    /// Rows from which a kind is a large one.
    const MANY: usize = usize::MAX;

    /// Returns whether a column with such a role is worth reading.
    fn wants(&self, _column: &ColumnProfile) -> bool {
        true
    }

    /// Returns what a value shows.
    fn mark(&self, role: Role, text: &str) -> Option<Kind>;

    /// Returns what the marks of a kind say; `None` where they say nothing.
    fn weigh(&self, of: &Marked<'_>) -> Option<Finding>;
}

impl<T: Marks> Detector for T {
    fn meta(&self) -> &'static DetectorMeta {
        T::META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let reads: Vec<ColumnRead> = wanted(self, table).map(|(_, column)| ColumnRead::Text(column)).collect();
        if reads.is_empty() { Err(T::LACKS.to_owned()) } else { Ok(reads) }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        let mut rows: Vec<Row> = Vec::new();
        let mut kinds: Vec<Kind> = Vec::new();
        for (role, column) in wanted(self, table) {
            let texts = chunk.frame.column(&ColumnRead::Text(column).name())?.str()?;
            let facts = &table.profile.columns[column].facts;
            // Where values repeat, each is looked at once.
            let repeats = facts.distinct_share() < REPEATS && facts.mean_chars() > LONG;
            let mut known: HashMap<&str, Option<Kind>, RandomState> = HashMap::default();
            for (offset, text) in texts.iter().enumerate() {
                let kind = match text {
                    Some(text) if repeats => known.entry(text).or_insert_with(|| self.mark(role, text)).clone(),
                    text => text.and_then(|t| self.mark(role, t)),
                };
                if let Some(kind) = kind {
                    rows.push(chunk.first_row + offset as Row);
                    kinds.push(kind);
                }
            }
        }
        let kinds: Vec<&str> = kinds.iter().map(AsRef::as_ref).collect();
        frame(rows, &kinds)
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        facts(T::META, T::MANY, merged, table, |of| self.weigh(of))
    }
}

/// Returns the columns that a detector reads, each with its role.
fn wanted<'t, T: Marks>(detector: &'t T, table: &'t TableView<'_>) -> impl Iterator<Item = (Role, usize)> + 't {
    let columns = |role: &'static Role| table.profile.columns_with(*role).map(move |column| (*role, column));
    T::META.reads.iter().flat_map(columns).filter(|(_, column)| detector.wants(&table.profile.columns[*column]))
}

/// Writes marks as a partial frame.
pub(super) fn frame(rows: Vec<Row>, kinds: &[&str]) -> PolarsResult<DataFrame> {
    DataFrame::new(rows.len(), vec![Series::new("row".into(), rows).into_column(), Series::new("kind".into(), kinds).into_column()])
}

/// Turns marks into evidence, one fact a kind; kinds of `many` rows are large ones.
pub(super) fn facts(
    meta: &'static DetectorMeta,
    many: usize,
    merged: &DataFrame,
    table: &TableView<'_>,
    say: impl Fn(&Marked<'_>) -> Option<Finding>,
) -> PolarsResult<Vec<Evidence>> {
    let kinds: Vec<&str> = merged.column("kind")?.str()?.iter().flatten().collect();
    let all = grouped(&rows_of(merged)?, &kinds);
    // Once, not for each kind: there may be as many kinds as rows.
    let in_large = all.values().map(Vec::len).filter(|rows| *rows >= many).sum();
    let fact = |(&kind, rows): (&&str, &Vec<Row>)| {
        let found = say(&Marked { kind, rows, all: &all, in_large, table })?;
        Some(Evidence {
            detector: meta.id,
            family: meta.family,
            table: table.profile.id,
            kind: kind.to_owned(),
            detail: found.detail,
            measure: found.measure,
            certainty: found.certainty,
            proposes: found.proposes && rows.len() > 1,
            rows: rows.clone(),
        })
    };
    Ok(all.iter().filter_map(fact).collect())
}

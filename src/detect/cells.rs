//! What detectors that look at one value at a time have in common: a mark for each value that shows
//! something, gathered by kind.

use polars::prelude::{DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Series};

use super::{TableView, grouped, rows_of};
use crate::model::{Certainty, DetectorMeta, Evidence, Measure, Role, Row};
use crate::snapshot::Chunk;

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

/// Marks the values of some roles in a chunk.
pub(super) fn mark<K: AsRef<str>>(
    chunk: &Chunk,
    table: &TableView<'_>,
    roles: &[Role],
    look: impl Fn(Role, &str) -> Option<K>,
) -> PolarsResult<DataFrame> {
    let mut rows: Vec<Row> = Vec::new();
    let mut kinds: Vec<K> = Vec::new();
    for role in roles {
        for read in table.texts(&[*role]) {
            for (offset, text) in chunk.frame.column(&read.name())?.str()?.iter().enumerate() {
                if let Some(kind) = text.and_then(|t| look(*role, t)) {
                    rows.push(chunk.first_row + offset as Row);
                    kinds.push(kind);
                }
            }
        }
    }
    let kinds: Vec<&str> = kinds.iter().map(AsRef::as_ref).collect();
    frame(rows, &kinds)
}

/// Writes marks as a partial frame.
pub(super) fn frame(rows: Vec<Row>, kinds: &[&str]) -> PolarsResult<DataFrame> {
    DataFrame::new(rows.len(), vec![Series::new("row".into(), rows).into_column(), Series::new("kind".into(), kinds).into_column()])
}

/// Turns marks into evidence, one fact a kind.
pub(super) fn facts(
    meta: &'static DetectorMeta,
    merged: &DataFrame,
    table: &TableView<'_>,
    say: impl Fn(&str, &[Row]) -> Option<Finding>,
) -> PolarsResult<Vec<Evidence>> {
    let kinds: Vec<&str> = merged.column("kind")?.str()?.iter().flatten().collect();
    let fact = |(kind, rows): (&str, Vec<Row>)| {
        let found = say(kind, &rows)?;
        Some(Evidence {
            detector: meta.id,
            family: meta.family,
            table: table.profile.id,
            kind: kind.to_owned(),
            detail: found.detail,
            measure: found.measure,
            certainty: found.certainty,
            proposes: found.proposes && rows.len() > 1,
            rows,
        })
    };
    Ok(grouped(&rows_of(merged)?, &kinds).into_iter().filter_map(fact).collect())
}

//! One typed report model, and one file per renderer. Reads everything, changes nothing; renderers
//! neither filter nor compute, so that their counts agree.
//!
//! To add a report: a new file, and two adjacent lines here.

mod csv;
mod decimal;
mod gather;
mod graph;
mod html;
#[cfg(test)]
mod inert;
mod json;
mod junit;
pub mod labelled;
mod mark;
mod markdown;
mod model;
mod redact;
mod tally;
pub mod terminal;
mod words;

pub use decimal::Decimal;
pub use gather::gather;
pub use json::schema;
pub use model::{
    Bound, Cell, CohortReport, CohortTableReport, Coverage, Day, DetectorReport, Edge, Figure, Figures, Graph, IdStrip, InputReport,
    ListedRow, Month, Node, Report, SampleRow, SnapshotReport, Spared, TableHours, TableReport, Timeline, Train,
};
pub use redact::visible;

/// Every report format.
pub const REPORTS: &[&dyn Render] = &[&html::Html, &json::Json, &csv::Csv, &junit::Junit, &markdown::Markdown];

/// A report format.
pub trait Render: Sync {
    /// Returns the word used by `--format`.
    fn id(&self) -> &'static str;

    /// Returns the name of the file that it writes.
    fn file_name(&self) -> &'static str;

    /// Renders the report.
    fn render(&self, report: &Report) -> Vec<u8>;
}

/// Finds a report format.
#[must_use]
pub fn of(id: &str) -> Option<&'static dyn Render> {
    REPORTS.iter().copied().find(|r| r.id() == id)
}

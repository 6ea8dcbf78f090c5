//! One typed report model, and one file per renderer. Reads everything, changes nothing; renderers
//! neither filter nor compute, so that their counts agree.
//!
//! To add a report: a new file, and two adjacent lines here.

pub mod html;
pub mod json;
mod model;
mod redact;
pub mod terminal;

pub use model::{
    Analysed, CohortReport, CohortTableReport, Coverage, DetectorReport, InputReport, Report, SampleRow, SnapshotReport, Spared,
    TableReport, gather,
};
pub use redact::visible;

/// Every report format.
pub const REPORTS: &[&dyn Render] = &[&html::Html, &json::Json];

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

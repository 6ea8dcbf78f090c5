//! `report.json`: frozen copies of the model, one module a version, so that the model can change
//! without breaking whoever reads the file. Its JSON Schema is made from the same types.

mod v1;

use super::{Render, Report};

/// The newest JSON form.
pub(super) struct Json;

impl Render for Json {
    fn id(&self) -> &'static str {
        "json"
    }

    fn file_name(&self) -> &'static str {
        "report.json"
    }

    fn render(&self, report: &Report) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(&v1::Report::from(report)).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// Returns the JSON Schema of the newest form.
#[must_use]
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(v1::Report<'static>)).unwrap_or_default();
    text.push('\n');
    text
}

//! Renders a plan as scripts for one engine. Quoting of production SQL lives only here. No statement
//! that deletes or updates matches by pattern: only by reviewed key and reviewed values.
//!
//! To add a dialect: a new file, and two adjacent lines here.

mod postgres;

use crate::model::Engine;
use crate::model::plan::DeletePlan;

/// Every dialect.
pub const DIALECTS: &[&dyn Dialect] = &[&postgres::Postgres];

/// A file of the plan folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// File name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// One engine's SQL.
pub trait Dialect: Sync {
    /// Returns the engine.
    fn engine(&self) -> Engine;

    /// Returns the schema of tables that the input does not place.
    fn default_schema(&self) -> &'static str;

    /// Renders the scripts.
    ///
    /// # Errors
    /// Returns, one sentence, why there is no safe way.
    fn render(&self, plan: &DeletePlan) -> Result<Vec<Script>, String>;
}

/// Finds the dialect of an engine.
#[must_use]
pub fn of(engine: Engine) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().copied().find(|d| d.engine() == engine)
}

/// Makes a text safe inside a `--` comment: no line break, no control or direction character, no
/// comment mark, and no backslash, with which psql begins a command.
#[must_use]
pub fn comment(text: &str) -> String {
    let safe = |c: char| match c {
        '\\' => '/',
        '*' => '\u{b7}',
        c if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') => {
            '\u{fffd}'
        }
        c => c,
    };
    let mut shown: String = text.chars().take(200).map(safe).collect();
    if text.chars().count() > 200 {
        shown.push_str("..");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_cannot_be_left() {
        for hostile in ["a\nDROP TABLE users;", "*/ DROP", "\\! rm -rf /", "x\u{2028}y", "\u{202e}gnp.exe", "\r\n;"] {
            let shown = comment(hostile);
            assert!(!shown.contains(['\n', '\r', '\\', '\u{2028}', '\u{202e}']) && !shown.contains("*/"), "{shown}");
        }
    }
}

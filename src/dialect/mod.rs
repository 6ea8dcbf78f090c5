//! Renders a plan as scripts for one engine. Quoting of production SQL lives only here. No statement
//! that deletes or updates matches by pattern: only by reviewed key and reviewed values.
//!
//! To add a dialect: a new file or folder, and two adjacent lines here.

mod codes;
mod header;
mod mysql;
mod postgres;
mod runbook;
mod sqlite;

use crate::model::plan::{DeletePlan, PlanBan, PlanRow, PlanTable};
use crate::model::{Engine, Table, Value};

pub use codes::{CODES, Code};
pub use runbook::{DURATIONS, Prevention, commands, runbook};

/// Every dialect.
pub const DIALECTS: &[&dyn Dialect] =
    &[&postgres::Postgres, &mysql::Mysql { engine: Engine::Mysql }, &mysql::Mysql { engine: Engine::Mariadb }, &sqlite::Sqlite];

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

    /// Returns how the engine's own client runs the scripts, for people.
    fn client(&self) -> &'static Client;

    /// Returns what an apply leaves behind, for people.
    fn left_behind(&self, plan: &DeletePlan) -> String;

    /// Renders the scripts.
    ///
    /// # Errors
    /// Returns, one sentence, why there is no safe way.
    fn render(&self, plan: &DeletePlan) -> Result<Vec<Script>, String>;

    /// Renders `prevent.sql` and `prevent-undo.sql`.
    fn prevent(&self, plan: &DeletePlan, bans: &[PlanBan]) -> Vec<Script>;

    /// Renders the statements that make a scratch copy: tables, rows, keys, references.
    fn copy(&self, copies: &[Copy<'_>]) -> String;

    /// Renders a query whose result tells a table's content.
    fn digest(&self, table: &Table) -> String;

    /// Renders a script that shows how each delete would be run, and changes nothing.
    fn explain(&self, plan: &DeletePlan) -> String;
}

/// A table of a scratch copy, with all its rows.
#[derive(Clone, Debug)]
pub struct Copy<'a> {
    /// The table.
    pub table: &'a Table,
    /// Its rows, in column order.
    pub rows: Vec<Vec<Value>>,
}

/// How an engine's own client runs the scripts. `{id}` stands for the plan's id, `{file}` for a script,
/// `{db}` for the database, `{schema}` for what an apply leaves behind.
#[derive(Debug)]
pub struct Client {
    /// Runs a script without the token.
    pub rehearse: &'static str,
    /// Runs a script with the token.
    pub apply: &'static str,
    /// Backs up before.
    pub backup: &'static str,
    /// What to run after the deletes, so that the planner and the disk know.
    pub after: &'static str,
    /// Who waits while the script runs: in one transaction, and in batches.
    pub waits: (&'static str, &'static str),
    /// What goes stale by the deletes besides.
    pub stale: &'static str,
    /// Drops what an apply left behind.
    pub drop_archive: &'static str,
    /// What else a person at the keyboard must know.
    pub notes: &'static [&'static str],
}

/// Finds the dialect of an engine.
#[must_use]
pub fn of(engine: Engine) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().copied().find(|d| d.engine() == engine)
}

/// Longest text in a comment, in characters.
const COMMENT_CHARS: usize = 400;

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
    let mut shown: String = text.chars().take(COMMENT_CHARS).map(safe).collect();
    if text.chars().count() > COMMENT_CHARS {
        shown.push_str("..");
    }
    shown
}

/// Wraps a guard's statements in its marks, so that a reader (and a test) can tell where it begins and ends.
fn guard(code: &str, what: &str, body: &str) -> String {
    format!("-- [{code}] {}\n{}\n-- [/{code}]\n", comment(what), body.trim_end())
}

/// Returns the name of the temporary table that holds a table's planned rows.
fn staging(index: usize) -> String {
    format!("unseed_plan_{index}")
}

/// Returns the name of the temporary table that holds a touched table's rows.
fn touched_staging(index: usize) -> String {
    format!("unseed_touch_{index}")
}

/// A column of such a table that is not the planned table's own, with its value in a row, by the row's number
/// from 1.
type Extra = (&'static str, fn(usize, &PlanRow) -> String);

/// Lists such columns of a table whose rows are touched: the cluster for which they are.
fn touch_extras(plan: &DeletePlan) -> Vec<Extra> {
    if plan.skips() { vec![("unseed_cluster", |_, row| row.cluster.to_string())] } else { Vec::new() }
}

/// Lists such columns of a planned table, in every dialect: without a key, rows are counted.
fn extras(plan: &DeletePlan, table: &PlanTable) -> Vec<Extra> {
    let mut extras = touch_extras(plan);
    if table.key.is_empty() {
        extras.push(("unseed_no", |ordinal, _| ordinal.to_string()));
        extras.push(("unseed_take", |_, row| row.take.to_string()));
        extras.push(("unseed_of", |_, row| row.of.to_string()));
    }
    extras
}

/// Indents every line of a text that is not empty.
///
/// Only for text without literals that span lines: values are written without line breaks.
fn indent(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    text.lines().map(|l| if l.is_empty() { "\n".to_owned() } else { format!("{pad}{l}\n") }).collect()
}

/// Bytes from which a text or binary value is staged as its SHA-256 instead of itself.
///
/// Source: research notes, 3.2 (hash only large values); 1 KB keeps a statement of 500 rows below every
/// server's packet limit.
const WIDE_BYTES: usize = 1_024;

/// The comments at the top of `prevent.sql` and `prevent-undo.sql`.
fn prevent_heads(plan: &DeletePlan) -> (String, String) {
    let version = env!("CARGO_PKG_VERSION");
    (
        format!(
            "-- Prevention script of unseed {version}, plan {}\n\
             -- Makes each table refuse the identifiers that the plan's approved rows had and no other row has. Rows that are\n\
             -- there stay as they are. Run it after delete.sql; prevent-undo.sql takes it back, and must before undo.sql.\n\n",
            plan.id
        ),
        format!("-- Takes back prevent.sql of unseed {version}, plan {}\n\n", plan.id),
    )
}

/// Returns whether some row's value in a column is too large to be staged as it is.
fn is_wide(rows: &[crate::model::plan::PlanRow], column: usize) -> bool {
    use crate::model::Value;
    rows.iter().any(|r| match &r.values[column] {
        Value::Text(text) => text.len() > WIDE_BYTES,
        Value::Blob(bytes) => bytes.len() > WIDE_BYTES,
        _ => false,
    })
}

/// Writes bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Returns the SHA-256 of bytes.
fn sha256(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_cannot_be_left() {
        for hostile in ["a\nDROP TABLE users;", "*/ DROP", "\\! rm -rf /", "x\u{2028}y", "\u{202e}gnp.exe", "\r\n;"] {
            let shown = comment(hostile);
            assert!(!shown.contains(['\n', '\r', '\\', '\u{2028}', '\u{202e}']) && !shown.contains("*/"), "{shown}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_leaves_a_comment(text in "(\\PC|[\\x00-\\x1f\\x7f-\\u{9f}\\u{2028}-\\u{202e}\\u{2066}-\\u{2069}*/\\\\;-]){0,80}") {
            let shown = comment(&text);
            prop_assert!(!shown.chars().any(char::is_control), "{shown:?}");
            prop_assert!(!shown.contains(['\\', '\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}']), "{shown:?}");
            prop_assert!(!shown.contains("*/") && !shown.contains("/*"), "{shown:?}");
        }
    }
}

//! `unseed.toml`: what a user may tell the tool about a database. Unknown keys are refused, with a
//! suggestion; nothing here is SQL.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{OnDelete, Role, TableClass};

/// Name of the file looked for from the working folder upwards.
pub const FILE_NAME: &str = "unseed.toml";

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Version of this file's form; 1.
    pub version: Option<u32>,
    /// What is known of the snapshot as a whole.
    pub snapshot: SnapshotConfig,
    /// Tables by name, `users` or `schema.users`.
    pub tables: BTreeMap<String, TableConfig>,
    /// Relations that the input does not declare.
    pub relations: Vec<RelationConfig>,
    /// Rows that must stay.
    pub protect: Vec<ProtectConfig>,
    /// Detectors by id.
    pub detectors: BTreeMap<String, DetectorConfig>,
    /// How decisions are made.
    pub review: ReviewConfig,
    /// How reports are written.
    pub report: ReportConfig,
}

/// What is known of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotConfig {
    /// When it was taken, RFC 3339; `--taken-at` goes first.
    pub taken_at: Option<String>,
    /// Name of the database that scripts must run in, where the input does not tell.
    pub database: Option<String>,
}

/// What is known of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TableConfig {
    /// Its class.
    pub class: Option<TableClass>,
    /// Its primary key's columns.
    pub key: Option<Vec<String>>,
    /// The schema that it lies in, for CSV.
    pub schema: Option<String>,
    /// Roles by column name.
    pub columns: BTreeMap<String, Role>,
    /// Types by column name, for CSV.
    pub types: BTreeMap<String, String>,
}

/// A relation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationConfig {
    /// Child, `orders.user_id`; several columns with commas: `lines.tenant_id,order_id`.
    pub from: String,
    /// Parent, `users.id`.
    pub to: String,
    /// What the database does when the parent is deleted; `no-action` unless given.
    #[serde(default)]
    pub on_delete: Option<OnDelete>,
    /// Says that there is no such relation, whatever the values suggest.
    #[serde(default)]
    pub ignore: bool,
    /// Column of the child that says which table its reference means (a polymorphic relation).
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_column: Option<String>,
    /// What that column holds where the reference means this parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Rows that must stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtectConfig {
    /// Name of the rule.
    pub id: String,
    /// The table.
    pub table: String,
    /// A condition on one column.
    #[serde(rename = "where", default)]
    pub condition: Option<ConditionConfig>,
    /// Keys of the rows, as texts.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Rows that some row of `table.column` refers to.
    #[serde(default)]
    pub referenced_by: Option<String>,
    /// Why they must stay.
    pub reason: String,
    /// Whether the table may be missing.
    #[serde(default)]
    pub optional: bool,
}

/// A condition on one column; exactly one of the tests is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionConfig {
    /// The column.
    pub column: String,
    /// Equal to one of these texts.
    #[serde(rename = "in")]
    pub one_of: Option<Vec<String>>,
    /// Ends with this text, whatever its case: `@acme.com`.
    pub ends_with: Option<String>,
    /// Matches this regular expression.
    pub matches: Option<String>,
    /// Is not NULL.
    pub present: Option<bool>,
}

/// What is set for a detector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorConfig {
    /// Whether it runs.
    pub enabled: bool,
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// How decisions are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewConfig {
    /// People besides the author who must approve; 1 unless given.
    pub approvers: Option<u32>,
}

/// How reports are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// How values are masked.
    pub redact: Option<Redact>,
}

/// How values are masked in reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Redact {
    /// Nothing is masked.
    None,
    /// What is no evidence is masked: `j***@acme.com`.
    #[default]
    Partial,
    /// Every value is masked.
    Full,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{file}: cannot read it: {source}; check the path and its permissions")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not as it should be.
    #[error("{file}:{line}:{column} (byte {offset}): {what}")]
    Malformed {
        /// The file.
        file: String,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
        /// Byte offset from 0.
        offset: usize,
        /// What was expected and seen, and the next step.
        what: String,
    },
    /// It names something that the snapshot does not have.
    #[error("{file}: {what}")]
    Unfit {
        /// The file.
        file: String,
        /// What, and the next step.
        what: String,
    },
}

/// A configuration with where it came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file, if there was one.
    pub file: Option<PathBuf>,
    /// SHA-256 of the file's bytes, hexadecimal; of nothing where there was none.
    pub sha256: String,
}

impl Loaded {
    /// Returns how messages call the file.
    #[must_use]
    pub fn shown(&self) -> String {
        self.file.as_ref().map_or_else(|| "built-in configuration".to_owned(), |f| f.display().to_string())
    }
}

/// Reads `path`, else the nearest `unseed.toml` from `folder` upwards, else gives the built-in configuration.
///
/// # Errors
/// Returns the place of the first thing that is not as it should be.
pub fn load(path: Option<&Path>, folder: &Path) -> Result<Loaded, ConfigError> {
    let found = match path {
        Some(path) => Some(path.to_owned()),
        None => folder.ancestors().map(|f| f.join(FILE_NAME)).find(|f| f.is_file()),
    };
    let Some(file) = found else {
        return Ok(Loaded { sha256: sha256(b""), ..Loaded::default() });
    };
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(&file).map_err(|source| ConfigError::Io { file: shown.clone(), source })?;
    let config = parse(&text, &shown)?;
    Ok(Loaded { config, file: Some(file), sha256: sha256(text.as_bytes()) })
}

/// Reads the text of an `unseed.toml`; `file` is how messages call it.
///
/// # Errors
/// Returns the place of the first thing that is not as it should be.
pub fn parse(text: &str, file: &str) -> Result<Config, ConfigError> {
    let malformed = |offset: usize, what: String| {
        let before = &text[..text.floor_char_boundary(offset.min(text.len()))];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ConfigError::Malformed { file: file.to_owned(), line, column, offset, what }
    };
    let config: Config = toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |s| s.start);
        malformed(offset, explain(error.message()))
    })?;
    if let Some(version) = config.version.filter(|v| *v != 1) {
        return Err(malformed(0, format!("version = {version} is not known; this unseed reads version 1")));
    }
    if let Some(relation) = config.relations.iter().find(|r| r.type_column.is_some() != r.value.is_some()) {
        let help = "a polymorphic relation has both: type = \"subject_type\" and value = \"User\"";
        return Err(malformed(0, format!("[[relations]] {} has only one of `type` and `value`; {help}", relation.from)));
    }
    for rule in &config.protect {
        let tests =
            rule.condition.iter().filter(|_| true).count() + usize::from(!rule.keys.is_empty()) + usize::from(rule.referenced_by.is_some());
        if tests == 0 {
            return Err(malformed(
                0,
                format!("[[protect]] \"{}\" has no `where`, `keys` or `referenced_by`, so it would protect nothing", rule.id),
            ));
        }
        if rule.reason.trim().is_empty() {
            return Err(malformed(0, format!("[[protect]] \"{}\" needs a reason", rule.id)));
        }
    }
    Ok(config)
}

/// Adds "did you mean" to serde's list of the fields that it expected.
fn explain(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next().filter(|_| message.starts_with("unknown")) else { return message.to_owned() };
    let best = quoted.map(|known| (distance(unknown, known), known)).min();
    match best {
        Some((steps, known)) if steps <= 1 + unknown.chars().count() / 3 => format!("{message}; did you mean `{known}`?"),
        _ => message.to_owned(),
    }
}

/// Returns the number of single-letter edits between two words (Levenshtein).
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Returns the JSON Schema of `unseed.toml`, for editors that complete and check TOML by one.
#[must_use]
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Config)).unwrap_or_default();
    text.push('\n');
    text
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_readme_shows() {
        let text = r#"
            version = 1
            [tables.users]
            class = "people"
            key = ["id"]
            columns.full_name = "person-name"
            [[relations]]
            from = "orders.user_id"
            to = "users.id"
            on_delete = "set-null"
            [[protect]]
            id = "staff"
            table = "users"
            where = { column = "email", ends_with = "@acme.com" }
            reason = "our own people"
        "#;
        let config = parse(text, "unseed.toml").expect("reads");
        assert_eq!(config.tables["users"].columns["full_name"], Role::PersonName);
        assert_eq!(config.relations[0].on_delete, Some(OnDelete::SetNull));
    }

    #[test]
    fn unknown_keys_are_refused_with_a_suggestion() {
        let error = parse("version = 1\n[tables.users]\ncolums = {}\n", "unseed.toml").expect_err("refuses").to_string();
        assert!(error.contains("unseed.toml:3:1 (byte 27)"), "{error}");
        assert!(error.contains("did you mean `columns`?"), "{error}");
        let error = parse("[[protect]]\nid='x'\ntable='users'\nreason='y'\n", "unseed.toml").expect_err("refuses").to_string();
        assert!(error.contains("would protect nothing"), "{error}");
    }
}

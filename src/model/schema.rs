//! Tables, columns, keys and relations as the input declares them, or as they were inferred.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A table's name as its database knows it. Two dumped databases may hold the same schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QualifiedName {
    /// The database, where the input names several; else empty.
    pub database: String,
    /// The schema; empty where the engine has none (CSV).
    pub schema: String,
    /// The table.
    pub name: String,
}

impl QualifiedName {
    /// Makes a name within the input's only database.
    #[must_use]
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { database: String::new(), schema: schema.into(), name: name.into() }
    }
}

impl fmt::Display for QualifiedName {
    /// Prints `schema.name`, without `public.` and `main.`, which every reader takes as given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.database.is_empty() {
            write!(f, "{}.", self.database)?;
        }
        if !matches!(self.schema.as_str(), "" | "public" | "main") {
            write!(f, "{}.", self.schema)?;
        }
        f.write_str(&self.name)
    }
}

/// Where a key, relation, role or class was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The input says so (DDL).
    Declared,
    /// `unseed.toml` says so.
    Config,
    /// The values suggest it.
    Inferred,
}

impl Source {
    /// Returns the word stored in the case file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Config => "config",
            Self::Inferred => "inferred",
        }
    }

    /// Reads the word stored in the case file.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Declared, Self::Config, Self::Inferred].into_iter().find(|s| s.as_str() == word)
    }
}

/// A column as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Name, unquoted.
    pub name: String,
    /// The type's original text, such as `character varying(40)`; empty where undeclared (CSV).
    pub type_text: String,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// Whether the database computes the value (`GENERATED ALWAYS AS (...)`).
    pub generated: bool,
    /// Whether the database hands out the value (`GENERATED ... AS IDENTITY`, serial, `AUTO_INCREMENT`).
    pub identity: bool,
    /// The default expression's text, if any.
    pub default: Option<String>,
}

/// A primary or unique key: column ordinals of its table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Column ordinals, in key order.
    pub columns: Vec<usize>,
    /// Where the key was learnt.
    pub source: Source,
}

/// What the database does to a child row when its parent is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnDelete {
    /// Refuses at the end of the statement or transaction.
    NoAction,
    /// Refuses at once.
    Restrict,
    /// Deletes the child.
    Cascade,
    /// Sets the child's columns to NULL.
    SetNull,
    /// Sets the child's columns to their default.
    SetDefault,
}

impl OnDelete {
    /// Returns the SQL words.
    #[must_use]
    pub const fn as_sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }

    /// Reads the SQL words, whatever their case.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        [Self::NoAction, Self::Restrict, Self::Cascade, Self::SetNull, Self::SetDefault]
            .into_iter()
            .find(|a| a.as_sql().eq_ignore_ascii_case(words))
    }
}

/// A relation from a child's columns to a parent's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Constraint name; empty where undeclared.
    pub name: String,
    /// Column ordinals of the child table.
    pub columns: Vec<usize>,
    /// The parent table.
    pub parent: QualifiedName,
    /// The parent's column names; empty means its primary key.
    pub parent_columns: Vec<String>,
    /// What a delete of the parent does.
    pub on_delete: OnDelete,
    /// Where the relation was learnt.
    pub source: Source,
    /// Why it was inferred; empty where declared.
    pub reason: String,
}

/// A trigger, rule or policy that the input declares on a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableHook {
    /// `trigger`, `rule` or `policy`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it acts on deletes.
    pub on_delete: bool,
}

/// A table as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Name as its database knows it.
    pub name: QualifiedName,
    /// Columns in declaration order.
    pub columns: Vec<Column>,
    /// Primary key, if one is known.
    pub primary_key: Option<Key>,
    /// Unique keys.
    pub unique_keys: Vec<Key>,
    /// Relations to parents.
    pub foreign_keys: Vec<ForeignKey>,
    /// Leading columns of the table's indexes, each as column ordinals (unique and primary included).
    pub indexes: Vec<Vec<usize>>,
    /// Triggers, rules and policies.
    pub hooks: Vec<TableHook>,
    /// The table that this one is a partition or child of.
    pub parent_table: Option<QualifiedName>,
    /// Whether rows live in partitions of this table.
    pub partitioned: bool,
    /// Storage engine (MySQL); empty elsewhere.
    pub storage_engine: String,
}

impl Table {
    /// Returns the ordinal of the column called `name`: exact first, else whatever its case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name).or_else(|| self.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)))
    }
}

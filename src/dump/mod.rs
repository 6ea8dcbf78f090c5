//! Input formats: bytes in, schema and row events out. Keeps no whole file in memory and executes
//! nothing that a file holds, neither SQL nor client commands.
//!
//! To add a format: a new file, and two adjacent lines here.

mod batch;
mod charset;
mod delimited;
mod input;
mod pg_copy;
mod specials;
mod window;
pub(crate) mod wrap;

pub mod sql;

pub mod csv;
pub mod json_lines;
mod load_data;
pub mod mydumper;
pub mod mysql;
pub mod mysql_shell;
pub mod mysql_tab;
pub mod parquet;
pub mod pg_archive;
pub mod pg_plain;
pub mod sqlite;
pub mod sqlite_text;

use std::io;

pub use batch::{Cell, CellKind, RowBatch, RowCells};
pub use charset::Charset;
pub use input::{Hints, Input, OnDisk, Part};
pub use window::Window;
pub use wrap::{Limits, MAX_MEMORY_BYTES};

use crate::model::{Column, Engine, OnDelete, QualifiedName};

/// Every known format, in the order in which they are asked about an input's first bytes.
pub const FORMATS: &[&dyn DumpFormat] = &[
    &sqlite::Sqlite,
    &pg_archive::PgArchive,
    &parquet::Parquet,
    &mydumper::Mydumper,
    &mysql_shell::MysqlShell,
    &mysql_tab::MysqlTab,
    &mysql::Mysql,
    &sqlite_text::SqliteText,
    &pg_plain::PgPlain,
    &json_lines::JsonLines,
    &csv::Csv,
];

/// Bytes of an input's beginning that formats see when they are asked whether it is theirs.
pub const HEAD_BYTES: usize = 64 * 1024;

/// One input format.
pub trait DumpFormat: Sync {
    /// Returns its words.
    fn meta(&self) -> &'static FormatMeta;

    /// Returns whether the first bytes are of this format; never looks at the name.
    fn sniff(&self, head: &[u8]) -> bool;

    /// Returns whether the first bytes may be of this format because the user says so.
    fn told(&self, _head: &[u8], _hints: &Hints) -> bool {
        false
    }

    /// Returns the places of the parts of a folder or archive that this format reads together.
    ///
    /// # Errors
    /// Returns that they are such a dump, but not all of it.
    fn claims(&self, _parts: &[Part], _limits: &Limits) -> Result<Vec<usize>, DumpError> {
        Ok(Vec::new())
    }

    /// Reads the input to its end.
    ///
    /// # Errors
    /// Returns the first thing that is not as the format has it, with its place.
    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError>;
}

/// A format's words.
#[derive(Debug)]
pub struct FormatMeta {
    /// Stable id, `kebab-case`.
    pub id: &'static str,
    /// A few words for a person.
    pub title: &'static str,
    /// Engine that writes it.
    pub engine: Engine,
    /// Where the claims about the format come from.
    pub source: &'static str,
}

/// A place in an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Byte offset from 0.
    pub offset: u64,
    /// Line from 1.
    pub line: u64,
}

/// What a byte of the input is. Every byte is exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ByteKind {
    /// Rows, with their separators.
    Data,
    /// Schema.
    Ddl,
    /// Comments and blank space.
    Comment,
    /// Settings, transaction marks and client commands; read, never executed.
    Directive,
}

impl ByteKind {
    /// Every kind, in report order.
    pub const ALL: [Self; 4] = [Self::Data, Self::Ddl, Self::Comment, Self::Directive];

    /// Returns the word used in the case file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Ddl => "ddl",
            Self::Comment => "comment",
            Self::Directive => "directive",
        }
    }
}

/// A relation as DDL spells it, before names are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKeyDdl {
    /// Constraint name; empty where unnamed.
    pub name: String,
    /// Child column names.
    pub columns: Vec<String>,
    /// Parent table.
    pub parent: QualifiedName,
    /// Parent column names; empty means its primary key.
    pub parent_columns: Vec<String>,
    /// What a delete of the parent does.
    pub on_delete: OnDelete,
}

/// A change that a schema statement makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaChange {
    /// A new table with its columns.
    Table {
        /// Its name.
        name: QualifiedName,
        /// Its columns.
        columns: Vec<Column>,
        /// Tables that it inherits from or is a partition of.
        parents: Vec<QualifiedName>,
        /// Whether its rows live in partitions.
        partitioned: bool,
        /// Storage engine (MySQL), else empty.
        storage_engine: String,
    },
    /// A new column.
    Column {
        /// The table.
        table: QualifiedName,
        /// The column.
        column: Column,
    },
    /// A primary key.
    PrimaryKey {
        /// The table.
        table: QualifiedName,
        /// Column names.
        columns: Vec<String>,
    },
    /// A unique key over plain columns of all rows.
    Unique {
        /// The table.
        table: QualifiedName,
        /// Column names.
        columns: Vec<String>,
    },
    /// An index over plain columns.
    Index {
        /// The table.
        table: QualifiedName,
        /// Column names.
        columns: Vec<String>,
    },
    /// A relation.
    ForeignKey {
        /// The child table.
        table: QualifiedName,
        /// The relation.
        key: ForeignKeyDdl,
    },
    /// The database hands out a column's value.
    Identity {
        /// The table.
        table: QualifiedName,
        /// The column.
        column: String,
    },
    /// A column's default.
    Default {
        /// The table.
        table: QualifiedName,
        /// The column.
        column: String,
        /// Text of the expression.
        expression: String,
    },
    /// A column refuses NULL.
    NotNull {
        /// The table.
        table: QualifiedName,
        /// The column.
        column: String,
    },
    /// A table goes by another name from here on.
    RenameTable {
        /// Its name so far.
        table: QualifiedName,
        /// Its name from here on.
        to: QualifiedName,
    },
    /// A column goes by another name from here on.
    RenameColumn {
        /// The table.
        table: QualifiedName,
        /// Its name so far.
        column: String,
        /// Its name from here on.
        to: String,
    },
    /// A column has another type from here on.
    Retype {
        /// The table.
        table: QualifiedName,
        /// The column.
        column: String,
        /// The type, as written.
        type_text: String,
    },
    /// A column goes, with its values.
    DropColumn {
        /// The table.
        table: QualifiedName,
        /// The column.
        column: String,
    },
    /// A table is a partition of another.
    Partition {
        /// The partition.
        table: QualifiedName,
        /// The partitioned table.
        parent: QualifiedName,
    },
    /// A trigger, rule or policy.
    Hook {
        /// The table.
        table: QualifiedName,
        /// `trigger`, `rule` or `policy`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Whether it acts on deletes.
        on_delete: bool,
    },
    /// A view, which is never read.
    View {
        /// Its name.
        name: QualifiedName,
    },
    /// A table goes, with the rows that the input brought for it.
    Drop {
        /// The table.
        table: QualifiedName,
    },
    /// All tables of a schema go.
    DropSchema {
        /// The schema.
        name: String,
    },
    /// All tables of a database go.
    DropDatabase {
        /// The database.
        name: String,
    },
}

/// What an input tells besides schema and rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Engine and version that wrote it.
    Written {
        /// The engine.
        engine: Engine,
        /// Text of the version.
        version: String,
    },
    /// Name of the database that the following tables belong to.
    Database(String),
    /// When the dump was taken; UTC microseconds.
    TakenAt(i64),
    /// The input ended before its end marker.
    Truncated {
        /// What is missing.
        missing: String,
        /// Where it ended.
        at: Position,
    },
    /// How delimited text was understood, and why.
    Dialect(String),
    /// Something that was read over, for the report.
    Warning(String),
}

/// Number of a row source that a sink handed out: a table and a list of its columns.
pub type RowSource = u32;

/// Rows that do not fit their table.
#[derive(Debug)]
pub struct Reject<'a> {
    /// The row source.
    pub source: RowSource,
    /// Part of the input that it lies in, as messages call it.
    pub file: &'a str,
    /// Where the row begins.
    pub at: Position,
    /// The row's bytes, as the input holds them.
    pub raw: &'a [u8],
    /// What was expected and seen, values masked.
    pub why: String,
}

/// Takes the events of an input. `ingest` implements it.
pub trait Sink {
    /// Takes a change of the schema.
    ///
    /// # Errors
    /// Returns what contradicts the schema so far.
    fn schema(&mut self, change: SchemaChange, at: Position) -> Result<(), DumpError>;

    /// Opens a source of rows for `table`; `columns` are the names in the order of the cells, `None`
    /// for the table's own order. A table that no DDL declared is made, and given the columns that it
    /// lacks, where `declare` is set.
    ///
    /// Returns the number of the source and how many cells each row must have.
    ///
    /// # Errors
    /// Returns an unknown table or column.
    fn open(
        &mut self,
        table: &QualifiedName,
        columns: Option<&[String]>,
        declare: bool,
        at: Position,
    ) -> Result<(RowSource, usize), DumpError>;

    /// Returns the column names of a table that DDL declared, in their order.
    fn declared(&self, table: &QualifiedName) -> Option<Vec<String>>;

    /// Takes the character set of the text cells that follow.
    fn charset(&mut self, charset: Charset);

    /// Takes rows; leaves an empty batch behind.
    ///
    /// # Errors
    /// Returns why the rows cannot be stored.
    fn rows(&mut self, batch: &mut RowBatch) -> Result<(), DumpError>;

    /// Takes a row that does not fit.
    ///
    /// # Errors
    /// Returns the refusal, unless such rows are to be set aside.
    fn reject(&mut self, reject: Reject<'_>) -> Result<(), DumpError>;

    /// Accounts for bytes of the input.
    fn account(&mut self, kind: ByteKind, bytes: u64);

    /// Takes what else the input tells.
    ///
    /// # Errors
    /// Returns the refusal of a truncated input, unless that is allowed.
    fn note(&mut self, note: Note) -> Result<(), DumpError>;
}

/// What can go wrong with an input.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The file cannot be read.
    #[error("{file}: cannot read it: {source}; check the path and its permissions")]
    Io {
        /// The file as the user named it.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is of no known format.
    #[error("{file}: not an input that unseed knows: {seen}; known are {known}. {help}")]
    Unknown {
        /// The file as the user named it.
        file: String,
        /// What its first bytes are.
        seen: String,
        /// Titles of the known formats.
        known: String,
        /// The next step.
        help: String,
    },
    /// The file is not as its format has it.
    #[error("{file}:{} (byte {}): {what}; {help}", at.line, at.offset)]
    Malformed {
        /// The file as the user named it.
        file: String,
        /// The place.
        at: Position,
        /// What was expected and seen.
        what: String,
        /// The next step.
        help: String,
    },
    /// The wrapper is not as its format has it.
    #[error("{file}: {what}")]
    Wrapper {
        /// The file as the user named it.
        file: String,
        /// What is wrong, and the next step.
        what: String,
    },
    /// A folder or archive does not hold a whole dump.
    #[error("{file}: {what}; {help}")]
    Incomplete {
        /// The folder or archive as the user named it.
        file: String,
        /// What is missing.
        what: String,
        /// The next step.
        help: String,
    },
    /// Not every byte was accounted for: a fault of unseed.
    #[error("{file}: unseed accounted for {accounted} of {bytes} bytes; please report this. Nothing was imported")]
    Unaccounted {
        /// The file as the user named it.
        file: String,
        /// Bytes that the ledger holds.
        accounted: u64,
        /// Bytes that were read.
        bytes: u64,
    },
    /// A cell or statement is larger than allowed.
    #[error("{file}:{} (byte {}): a cell or statement is larger than {limit} bytes; check that the file is whole, or raise the limit with --max-memory", at.line, at.offset)]
    TooLarge {
        /// The file as the user named it.
        file: String,
        /// Where it begins.
        at: Position,
        /// The limit in bytes.
        limit: usize,
    },
    /// The rows cannot be stored.
    #[error("{0}")]
    Store(String),
    /// The user interrupted the run.
    #[error("interrupted")]
    Interrupted,
}

impl DumpError {
    /// Makes a [`DumpError::Malformed`].
    pub(crate) fn malformed(file: &str, at: Position, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Malformed { file: file.to_owned(), at, what: what.into(), help: help.into() }
    }

    /// Tells what ended a read: the wrapper, or the system.
    pub(crate) fn from_read(file: &str, error: io::Error) -> Self {
        let wrapper = error.get_ref().filter(|e| e.is::<wrap::WrapError>()).map(ToString::to_string);
        match wrapper {
            Some(what) => Self::Wrapper { file: file.to_owned(), what },
            None => Self::Io { file: file.to_owned(), source: error },
        }
    }
}

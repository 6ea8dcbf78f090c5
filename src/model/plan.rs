//! What a delete script will do, free of any dialect.

use serde::{Deserialize, Serialize};

use super::ids::{PlanId, Row, TableId};
use super::role::TableClass;
use super::schema::{Column, OnDelete, QualifiedName, TableHook};
use super::snapshot::SnapshotFacts;
use super::value::Value;

/// Rows to delete, in an order that the foreign keys allow, and everything that must hold before.
///
/// Made only from [`super::Approved`]; see `plan::build`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletePlan {
    /// Digest of everything below; the token that turns a rehearsal into an apply.
    pub id: PlanId,
    /// The snapshot that was reviewed.
    pub snapshot: SnapshotFacts,
    /// Digest of the decisions behind the rows.
    pub decisions_digest: String,
    /// Digest of the planned tables' columns, types and keys.
    pub schema_fingerprint: String,
    /// Who made the plan.
    pub author: String,
    /// Who approved, sorted.
    pub approvers: Vec<String>,
    /// When the plan was made; UTC microseconds (`--now`).
    pub made_at: i64,
    /// When the scripts stop to apply; UTC microseconds.
    pub expires_at: i64,
    /// Tables with rows to delete, children before parents.
    pub tables: Vec<PlanTable>,
    /// Groups of `tables` (by index) whose rows refer to each other and must go together.
    pub cycles: Vec<Vec<usize>>,
    /// Surviving rows whose reference to a planned row is set to NULL first.
    pub touched: Vec<PlanTouch>,
    /// Every relation that points at a planned table, as the snapshot knows them.
    pub relations: Vec<PlanRelation>,
    /// What must not be deleted, asserted again in production.
    pub protected: Vec<PlanProtection>,
    /// Approved rows that stay, with the reason.
    pub held: Vec<PlanHeld>,
    /// Findings that a DBA should know before running the script.
    pub warnings: Vec<String>,
}

impl DeletePlan {
    /// Returns the number of rows to delete over all tables.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tables.iter().map(|t| t.rows.len()).sum()
    }
}

/// One table's rows to delete.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanTable {
    /// Table of the snapshot.
    pub table: TableId,
    /// Its name in production.
    pub name: QualifiedName,
    /// Its class.
    pub class: TableClass,
    /// All its columns, as the snapshot knows them.
    pub columns: Vec<Column>,
    /// Ordinals of the key columns.
    pub key: Vec<usize>,
    /// Ordinals of the columns whose reviewed values are compared again; the key's are among them.
    pub reviewed: Vec<usize>,
    /// Ordinals of the columns that tell of activity (`updated_at`, `last_login_at`).
    pub activity: Vec<usize>,
    /// Triggers, rules and policies that the snapshot knows.
    pub hooks: Vec<TableHook>,
    /// Whether the columns, types and keys were declared (a CSV export declares none).
    pub declared: bool,
    /// Rows in the snapshot.
    pub snapshot_rows: u64,
    /// The rows, sorted by key.
    pub rows: Vec<PlanRow>,
}

/// One row to delete.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// Ordinal in the snapshot.
    pub row: Row,
    /// Every column's value, in column order.
    pub values: Vec<Value>,
}

/// A surviving row whose reference is set to NULL.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanTouch {
    /// Child table.
    pub name: QualifiedName,
    /// The child's columns, as the snapshot knows them.
    pub columns: Vec<Column>,
    /// Ordinals of the child's key columns.
    pub key: Vec<usize>,
    /// Ordinals of the columns to set to NULL.
    pub set_null: Vec<usize>,
    /// Every column's value, one entry a row.
    pub rows: Vec<PlanRow>,
}

/// A relation that points at a planned table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRelation {
    /// Constraint name; empty where undeclared.
    pub name: String,
    /// Child table.
    pub child: QualifiedName,
    /// Child column names.
    pub child_columns: Vec<String>,
    /// Parent table.
    pub parent: QualifiedName,
    /// Parent column names.
    pub parent_columns: Vec<String>,
    /// What the database does on delete of the parent.
    pub on_delete: OnDelete,
    /// Whether the database enforces it.
    pub declared: bool,
    /// Whether the child's columns lead an index.
    pub indexed: bool,
}

/// Something that no planned row may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PlanProtection {
    /// Rows whose column holds one of these texts (compared without regard to case).
    Privilege {
        /// Table of accounts.
        table: QualifiedName,
        /// Its privilege column.
        column: String,
        /// Texts that mean privilege.
        values: Vec<String>,
        /// Whether at least one such row must remain.
        keep_one: bool,
    },
    /// Rows with these keys.
    Keys {
        /// The table.
        table: QualifiedName,
        /// Key column names.
        columns: Vec<String>,
        /// Keys as texts.
        keys: Vec<Vec<String>>,
        /// Why.
        reason: String,
    },
}

/// An approved row that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHeld {
    /// Table.
    pub table: QualifiedName,
    /// Row key, a JSON array of texts.
    pub key: String,
    /// What holds it, from the row outwards: `payments ["7"] refers to it and is not approved`.
    pub chain: Vec<String>,
}

/// Name of the ledger table that an applied script leaves behind.
pub const LEDGER_TABLE: &str = "unseed_ledger";

/// The ledger's columns, in order: one row a table and event.
pub const LEDGER_COLUMNS: [&str; 13] = [
    "plan_id",
    "run",
    "event",
    "schema_name",
    "table_name",
    "archive_table",
    "rows_before",
    "rows_changed",
    "rows_after",
    "archived",
    "started_at",
    "ended_at",
    "database_user",
];

//! What a delete script will do, free of any dialect.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{PlanId, Row, TableId};
use super::role::TableClass;
use super::schema::{Column, OnDelete, QualifiedName, Source, TableHook};
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
    /// Groups of `tables` (by index) that refer to each other in a circle.
    pub cycles: Vec<Vec<usize>>,
    /// Circles of rows that no reference which may be NULL opens, each as a sentence: an engine that
    /// checks row by row cannot delete them.
    pub circles: Vec<String>,
    /// Surviving rows whose reference to a planned row is set to NULL first.
    pub touched: Vec<PlanTouch>,
    /// Every relation that points at a planned table, as the snapshot knows them.
    pub relations: Vec<PlanRelation>,
    /// What must not be deleted, asserted again in production.
    pub protected: Vec<PlanProtection>,
    /// Approved rows that stay, with the reason.
    pub held: Vec<PlanHeld>,
    /// Columns of surviving rows that seem to count planned ones.
    pub counters: Vec<PlanCounter>,
    /// Findings that a DBA should know before running the script.
    pub warnings: Vec<String>,
    /// What the script does about rows that changed since review.
    pub on_drift: OnDrift,
    /// Rows of a batch; `None` deletes all in one transaction.
    pub batch_rows: Option<u32>,
    /// Which batch this is, from 1, and of how many.
    pub part: (u32, u32),
}

/// What a script does about rows that changed since review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDrift {
    /// Refuses and changes nothing.
    #[default]
    Abort,
    /// Leaves out the whole cluster of rows that belong together, and says which.
    Skip,
}

impl DeletePlan {
    /// Returns the number of rows to delete over all tables.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tables.iter().map(PlanTable::count).sum()
    }

    /// Returns the number of surviving rows that lose a reference.
    #[must_use]
    pub fn touched_rows(&self) -> usize {
        self.touched.iter().map(|t| t.rows.len()).sum()
    }

    /// Says whether rows that changed since review are skipped.
    #[must_use]
    pub fn skips(&self) -> bool {
        self.on_drift == OnDrift::Skip
    }

    /// Lists the touched tables that this part of the plan has rows of, with their place among all.
    pub fn touched_tables(&self) -> impl Iterator<Item = (usize, &PlanTouch)> {
        self.touched.iter().enumerate().filter(|(_, t)| !t.rows.is_empty())
    }

    /// Returns the planned table that a name stands for: itself, or the table that it is a partition of.
    #[must_use]
    pub fn table_named(&self, name: &QualifiedName) -> Option<usize> {
        self.tables.iter().position(|t| t.name == *name || t.partitions.contains(name))
    }

    /// Returns the groups of tables (by index) that a script deletes from in turn: one table, or the
    /// tables of a circle.
    #[must_use]
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let circle = |index: usize| self.cycles.iter().find(|c| c.contains(&index));
        (0..self.tables.len())
            .filter(|i| circle(*i).is_none_or(|c| c.first() == Some(i)))
            .map(|i| circle(i).cloned().unwrap_or_else(|| vec![i]))
            .collect()
    }

    /// Cuts the plan into batches: whole clusters of rows that belong together, in order, up to
    /// `batch_rows` rows each. A cluster larger than that is a batch of its own.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        let Some(limit) = self.batch_rows else { return vec![self.clone()] };
        let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
        for row in self.tables.iter().flat_map(|t| &t.rows) {
            *sizes.entry(row.cluster).or_default() += u64::from(row.take);
        }
        let mut part_of: BTreeMap<u32, u32> = BTreeMap::new();
        let (mut part, mut filled) = (0, 0);
        for (cluster, size) in sizes {
            if filled > 0 && filled + size > u64::from(limit) {
                part += 1;
                filled = 0;
            }
            filled += size;
            part_of.insert(cluster, part);
        }
        let of = part + 1;
        let mut parts: Vec<Self> = (1..=of).map(|number| self.emptied((number, of))).collect();
        let place = |row: &PlanRow| part_of.get(&row.cluster).copied().unwrap_or(0) as usize;
        for (index, table) in self.tables.iter().enumerate() {
            for row in &table.rows {
                parts[place(row)].tables[index].rows.push(row.clone());
            }
        }
        for (index, touch) in self.touched.iter().enumerate() {
            for row in &touch.rows {
                parts[place(row)].touched[index].rows.push(row.clone());
            }
        }
        for part in &mut parts {
            part.drop_empty_tables();
        }
        parts
    }

    /// Copies all but the rows.
    fn emptied(&self, part: (u32, u32)) -> Self {
        let tables = self.tables.iter().map(PlanTable::emptied).collect();
        let touched = self.touched.iter().map(PlanTouch::emptied).collect();
        // Lists that only the manifest shows are not copied into each batch.
        let (held, warnings, counters, circles) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            id: self.id.clone(),
            snapshot: self.snapshot.clone(),
            decisions_digest: self.decisions_digest.clone(),
            schema_fingerprint: self.schema_fingerprint.clone(),
            author: self.author.clone(),
            approvers: self.approvers.clone(),
            made_at: self.made_at,
            expires_at: self.expires_at,
            tables,
            cycles: self.cycles.clone(),
            circles,
            touched,
            relations: self.relations.clone(),
            protected: self.protected.clone(),
            held,
            counters,
            warnings,
            on_drift: self.on_drift,
            batch_rows: self.batch_rows,
            part,
        }
    }

    /// Leaves out tables without rows. Touched tables keep their place: their archives are named by it.
    fn drop_empty_tables(&mut self) {
        let mut new_index: Vec<Option<usize>> = Vec::new();
        let mut kept = 0;
        for table in &self.tables {
            new_index.push((!table.rows.is_empty()).then_some(kept));
            kept += usize::from(!table.rows.is_empty());
        }
        self.tables.retain(|t| !t.rows.is_empty());
        let renumber = |cycle: &Vec<usize>| cycle.iter().filter_map(|i| new_index[*i]).collect::<Vec<_>>();
        self.cycles = self.cycles.iter().map(renumber).filter(|c| c.len() > 1).collect();
    }
}

/// One table's rows to delete.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanTable {
    /// Table of the snapshot; where it is partitioned, the whole.
    pub table: TableId,
    /// Its name in production.
    pub name: QualifiedName,
    /// Its class.
    pub class: TableClass,
    /// All its columns, as the snapshot knows them.
    pub columns: Vec<Column>,
    /// Ordinals of the key columns; empty where rows are told apart by all columns and their number.
    pub key: Vec<usize>,
    /// Ordinals of the columns whose reviewed values are compared again; the key's are among them.
    pub reviewed: Vec<usize>,
    /// Ordinals of the columns that tell of activity (`updated_at`, `last_login_at`).
    pub activity: Vec<usize>,
    /// Triggers, rules and policies that the snapshot knows.
    pub hooks: Vec<TableHook>,
    /// Whether the columns, types and keys were declared (a CSV export declares none).
    pub declared: bool,
    /// Names of its partitions, where rows live in such.
    pub partitions: Vec<QualifiedName>,
    /// Storage engine (MySQL); empty elsewhere or where unknown.
    pub storage_engine: String,
    /// Sets of column ordinals that are set to NULL first in rows marked so, where an engine checks
    /// foreign keys row by row and the rows refer to each other in a circle.
    pub opens: Vec<Vec<usize>>,
    /// Rows in the snapshot.
    pub snapshot_rows: u64,
    /// The rows, sorted by key.
    pub rows: Vec<PlanRow>,
}

impl PlanTable {
    /// Returns the number of rows to delete.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.iter().map(|r| r.take as usize).sum()
    }

    fn emptied(&self) -> Self {
        Self {
            table: self.table,
            name: self.name.clone(),
            class: self.class,
            columns: self.columns.clone(),
            key: self.key.clone(),
            reviewed: self.reviewed.clone(),
            activity: self.activity.clone(),
            hooks: self.hooks.clone(),
            declared: self.declared,
            partitions: self.partitions.clone(),
            storage_engine: self.storage_engine.clone(),
            opens: self.opens.clone(),
            snapshot_rows: self.snapshot_rows,
            rows: Vec::new(),
        }
    }

    /// Lists the columns that are written: not those that the database computes.
    #[must_use]
    pub fn stored(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|c| !self.columns[*c].generated).collect()
    }

    /// Returns the number of steps in which an engine that checks row by row deletes the rows.
    #[must_use]
    pub fn levels(&self) -> u32 {
        self.rows.iter().map(|r| r.level).max().map_or(0, |l| l + 1)
    }
}

/// One row to delete; in a table without a key, a number of equal rows.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// Table and ordinal in the snapshot.
    pub place: (TableId, Row),
    /// Every column's value, in column order.
    pub values: Vec<Value>,
    /// Rows that belong together have the same number.
    pub cluster: u32,
    /// Step in which an engine that checks row by row deletes it: after all rows that refer to it.
    pub level: u32,
    /// Bit `n` is set where the columns `opens[n]` of its table are set to NULL first.
    pub opens: u32,
    /// Equal rows to delete; 1 where the table has a key.
    pub take: u32,
    /// Equal rows in the snapshot; 1 where the table has a key.
    pub of: u32,
}

/// Surviving rows whose reference is set to NULL.
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
    /// Triggers, rules and policies of the child that the snapshot knows.
    pub hooks: Vec<TableHook>,
    /// Storage engine (MySQL); empty elsewhere or where unknown.
    pub storage_engine: String,
    /// Every column's value, one entry a row.
    pub rows: Vec<PlanRow>,
}

impl PlanTouch {
    /// Lists the columns that a script must know: the key, and the references to set to NULL.
    #[must_use]
    pub fn staged_columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.key.iter().chain(&self.set_null).copied().collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn emptied(&self) -> Self {
        Self {
            name: self.name.clone(),
            columns: self.columns.clone(),
            key: self.key.clone(),
            set_null: self.set_null.clone(),
            hooks: self.hooks.clone(),
            storage_engine: self.storage_engine.clone(),
            rows: Vec::new(),
        }
    }
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
    /// Where the relation was learnt; only a declared one is enforced by the database.
    pub source: Source,
    /// Whether the child's columns lead an index.
    pub indexed: bool,
    /// Whether both sides have one type, so that they compare as they are.
    pub same_types: bool,
    /// Which child rows refer at all: those whose column holds this value (a polymorphic relation).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<PlanCondition>,
}

impl PlanRelation {
    /// Returns whether the database enforces the relation.
    #[must_use]
    pub fn is_enforced(&self) -> bool {
        self.source == Source::Declared
    }
}

/// A column that must hold a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCondition {
    /// The column.
    pub column: String,
    /// The value, as text.
    pub value: String,
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

/// Identifiers that a table may refuse from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanBan {
    /// The table.
    pub table: QualifiedName,
    /// The column.
    pub column: String,
    /// How values are compared.
    pub kind: BanKind,
    /// The values, sorted; in lower case unless compared exactly.
    pub values: Vec<String>,
}

/// How a value is compared with a ban's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanKind {
    /// What follows the last `@`, whatever its case.
    Domain,
    /// The whole, whatever its case.
    Value,
    /// The whole, exactly (a credential's hash).
    Exact,
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

/// A column of surviving rows that seems to count planned ones; no script changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounter {
    /// Table of the counting rows.
    pub table: QualifiedName,
    /// The counting column.
    pub column: String,
    /// Table whose rows it counts.
    pub counts: QualifiedName,
    /// Columns of that table that refer to the counting row.
    pub by: Vec<String>,
    /// Surviving rows whose count would be off.
    pub rows: u64,
}

/// Name of the ledger table that an applied script leaves behind.
pub const LEDGER_TABLE: &str = "unseed_ledger";

/// The ledger's columns, in order: one row a table, batch and event. `run` counts the plan's events;
/// `batch` is 0 for an undo, which undoes every batch.
pub const LEDGER_COLUMNS: [&str; 14] = [
    "plan_id",
    "run",
    "batch",
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

/// Column that numbers the rows of an archive whose table has no key.
pub const ARCHIVE_NUMBER: &str = "unseed_no";

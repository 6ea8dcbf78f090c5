//! `plan.json`: what a plan does, for programs and for `unseed verify`. Frozen by its version.

use serde::{Deserialize, Serialize};

use crate::model::Engine;
use crate::model::plan::{DeletePlan, OnDrift, PlanCounter, PlanHeld, PlanProtection, PlanRelation};
use crate::model::stamp::Rfc3339;
use crate::model::value::row_key_json;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's form.
    pub schema_version: String,
    /// The token that turns a rehearsal into an apply.
    pub plan_id: String,
    /// Engine that the scripts are for.
    pub dialect: String,
    /// The snapshot that was reviewed.
    pub snapshot_id: String,
    /// When it was taken, RFC 3339; empty where unknown.
    pub taken_at: String,
    /// Database that the scripts must run in; empty where unknown.
    pub database: String,
    /// Digest of the decisions.
    pub decisions_digest: String,
    /// Digest of the planned tables' columns, types and keys.
    pub schema_fingerprint: String,
    /// Who made the plan.
    pub author: String,
    /// Who approved.
    pub approvers: Vec<String>,
    /// When the plan was made, RFC 3339.
    pub made_at: String,
    /// When the scripts stop to apply, RFC 3339.
    pub expires_at: String,
    /// What the script does about rows that changed since review.
    pub on_drift: OnDrift,
    /// Rows of a batch; none where all go in one transaction.
    pub batch_rows: Option<u32>,
    /// Number of batches.
    pub batches: u32,
    /// Rows to delete over all tables.
    pub rows: u64,
    /// Tables, in the order of deletion.
    pub tables: Vec<ManifestTable>,
    /// Rows whose reference is set to NULL: table and key.
    pub touched: Vec<ManifestTouch>,
    /// Relations to planned tables.
    pub relations: Vec<PlanRelation>,
    /// What must not be deleted.
    pub protected: Vec<PlanProtection>,
    /// Approved rows that stay, and why.
    pub held: Vec<PlanHeld>,
    /// Columns of surviving rows that seem to count planned ones.
    pub counters: Vec<PlanCounter>,
    /// What a DBA should know.
    pub warnings: Vec<String>,
}

/// One table's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestTable {
    /// Schema.
    pub schema: String,
    /// Table.
    pub name: String,
    /// Its class.
    pub class: String,
    /// Rows in the snapshot.
    pub rows_before: u64,
    /// Rows to delete.
    pub delete: u64,
    /// Rows that remain.
    pub rows_after: u64,
    /// Row keys, JSON arrays of texts; all columns where the table has no key.
    pub keys: Vec<String>,
    /// Equal rows to delete for each key, where the table has no key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<u32>,
}

/// A row whose reference is set to NULL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestTouch {
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
    /// Row key, a JSON array of texts.
    pub key: String,
    /// Columns that are set to NULL.
    pub set_null: Vec<String>,
}

impl Manifest {
    /// Describes a plan.
    #[must_use]
    pub fn new(plan: &DeletePlan, engine: Engine) -> Self {
        let key = |columns: &[usize], values: &[crate::model::Value]| {
            row_key_json(&columns.iter().map(|c| values[*c].clone()).collect::<Vec<_>>())
        };
        let batches = plan.parts().len() as u32;
        Self {
            schema_version: "1.0".to_owned(),
            plan_id: plan.id.0.clone(),
            dialect: engine.as_str().to_owned(),
            snapshot_id: plan.snapshot.id.0.clone(),
            taken_at: plan.snapshot.taken_at.micros().map(|t| Rfc3339(t).to_string()).unwrap_or_default(),
            database: plan.snapshot.database.clone(),
            decisions_digest: plan.decisions_digest.clone(),
            schema_fingerprint: plan.schema_fingerprint.clone(),
            author: plan.author.clone(),
            approvers: plan.approvers.clone(),
            made_at: Rfc3339(plan.made_at).to_string(),
            expires_at: Rfc3339(plan.expires_at).to_string(),
            on_drift: plan.on_drift,
            batch_rows: plan.batch_rows,
            batches,
            rows: plan.rows() as u64,
            tables: plan
                .tables
                .iter()
                .map(|t| ManifestTable {
                    schema: t.name.schema.clone(),
                    name: t.name.name.clone(),
                    class: t.class.as_str().to_owned(),
                    rows_before: t.snapshot_rows,
                    delete: t.count() as u64,
                    rows_after: t.snapshot_rows - t.count() as u64,
                    keys: t.rows.iter().map(|r| key(if t.key.is_empty() { &t.reviewed } else { &t.key }, &r.values)).collect(),
                    copies: if t.key.is_empty() { t.rows.iter().map(|r| r.take).collect() } else { Vec::new() },
                })
                .collect(),
            touched: plan
                .touched
                .iter()
                .flat_map(|t| {
                    t.rows.iter().map(|r| ManifestTouch {
                        schema: t.name.schema.clone(),
                        table: t.name.name.clone(),
                        key: key(&t.key, &r.values),
                        set_null: t.set_null.iter().map(|c| t.columns[*c].name.clone()).collect(),
                    })
                })
                .collect(),
            relations: plan.relations.clone(),
            protected: plan.protected.clone(),
            held: plan.held.clone(),
            counters: plan.counters.clone(),
            warnings: plan.warnings.clone(),
        }
    }
}

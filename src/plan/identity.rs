//! The digests that name a plan: the schema that it was made for, and all that its scripts are made of.

use crate::model::plan::{DeletePlan, PlanRow, PlanTable};
use crate::model::{Engine, PlanId};

/// Digests the planned tables' columns, types and keys.
pub(super) fn fingerprint(tables: &[PlanTable]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut sorted: Vec<&PlanTable> = tables.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for table in sorted {
        hasher.update(serde_json::to_string(&(&table.name, &table.columns, &table.key)).unwrap_or_default().as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Digests all that the scripts are made of.
pub(super) fn plan_id(plan: &DeletePlan, engine: Engine) -> PlanId {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for text in
        [engine.as_str(), &plan.snapshot.id.0, &plan.snapshot.database, &plan.decisions_digest, &plan.schema_fingerprint, &plan.author]
    {
        add(text);
    }
    add(&plan.approvers.join("\n"));
    add(&format!("{} {} {:?} {:?}", plan.made_at, plan.expires_at, plan.on_drift, plan.batch_rows));
    add(&serde_json::to_string(&(&plan.relations, &plan.protected, &plan.cycles)).unwrap_or_default());
    let row = |row: &PlanRow| format!("{:?} {} {} {} {} {}", row.values, row.cluster, row.level, row.opens, row.take, row.of);
    for table in &plan.tables {
        add(&format!("{} {:?} {:?} {:?}", table.name, table.key, table.opens, table.hooks));
        for planned in &table.rows {
            add(&row(planned));
        }
    }
    for touch in &plan.touched {
        add(&format!("{} {:?}", touch.name, touch.set_null));
        for touched in &touch.rows {
            add(&row(touched));
        }
    }
    PlanId(hasher.finalize().to_hex()[..32].to_owned())
}

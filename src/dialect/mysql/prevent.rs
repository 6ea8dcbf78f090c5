//! `prevent.sql`: checks that new rows must pass. This engine validates them against the rows that are
//! there, none of which has a banned value once the plan is applied.

use super::literal::{name, table as qualified, text};
use crate::dialect::{Script, prevent_heads};
use crate::model::plan::{BanKind, DeletePlan, PlanBan};

/// Renders the scripts.
pub(super) fn scripts(plan: &DeletePlan, bans: &[PlanBan]) -> Vec<Script> {
    let (mut make, mut drop) = prevent_heads(plan);
    make.push_str("-- Adding a check reads the table, and may copy it: run it in a quiet hour.\nSET NAMES utf8mb4;\n");
    for (number, ban) in bans.iter().enumerate() {
        let list: Vec<String> = ban.values.iter().map(|v| format!("CAST({} AS BINARY)", text(v))).collect();
        let column = name(&ban.column);
        let own = match ban.kind {
            BanKind::Domain => format!("LOWER(CONVERT(SUBSTRING_INDEX({column}, '@', -1) USING utf8mb4))"),
            BanKind::Value => format!("LOWER(CONVERT({column} USING utf8mb4))"),
            BanKind::Exact => format!("CONVERT({column} USING utf8mb4)"),
        };
        let constraint = name(&format!("unseed_{}_{number}", plan.id.short()));
        make.push_str(&format!(
            "ALTER TABLE {} ADD CONSTRAINT {constraint} CHECK ({column} IS NULL OR CAST({own} AS BINARY) NOT IN ({}));\n",
            qualified(&ban.table),
            list.join(", ")
        ));
        drop.push_str(&format!("ALTER TABLE {} DROP CONSTRAINT {constraint};\n", qualified(&ban.table)));
    }
    vec![Script { name: "prevent.sql", text: make }, Script { name: "prevent-undo.sql", text: drop }]
}

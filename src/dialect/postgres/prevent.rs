//! `prevent.sql`: checks that new rows must pass, not validated against those that are there.

use super::literal::{name, qualified, text};
use crate::dialect::{Script, comment, prevent_heads};
use crate::model::plan::{BanKind, DeletePlan, PlanBan};

/// Renders the scripts.
pub(super) fn scripts(plan: &DeletePlan, bans: &[PlanBan]) -> Vec<Script> {
    let (mut make, mut drop) = prevent_heads(plan);
    for (number, ban) in bans.iter().enumerate() {
        let constraint = name(&format!("unseed_{}_{number}", plan.id.short()));
        let list: Vec<String> = ban.values.iter().map(|v| text(v)).collect();
        let column = name(&ban.column);
        let own = match ban.kind {
            BanKind::Domain => format!("lower(regexp_replace({column}::text, '^.*@', ''))"),
            BanKind::Value => format!("lower({column}::text)"),
            BanKind::Exact => format!("{column}::text"),
        };
        make.push_str(&format!(
            "ALTER TABLE {} ADD CONSTRAINT {constraint} CHECK (({own} IN ({})) IS NOT TRUE) NOT VALID;\n",
            qualified(&ban.table),
            list.join(", ")
        ));
        make.push_str(&format!(
            "-- Later, in a quiet hour: ALTER TABLE {} VALIDATE CONSTRAINT {constraint};\n",
            comment(&qualified(&ban.table))
        ));
        drop.push_str(&format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {constraint};\n", qualified(&ban.table)));
    }
    vec![Script { name: "prevent.sql", text: make }, Script { name: "prevent-undo.sql", text: drop }]
}

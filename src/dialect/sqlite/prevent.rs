//! `prevent.sql`: triggers, because SQLite adds no check to a table that is there.

use super::literal::{name, table as qualified, text};
use crate::dialect::{Script, prevent_heads};
use crate::model::plan::{BanKind, DeletePlan, PlanBan};

/// Renders the scripts.
pub(super) fn scripts(plan: &DeletePlan, bans: &[PlanBan]) -> Vec<Script> {
    let (mut make, mut drop) = prevent_heads(plan);
    for (number, ban) in bans.iter().enumerate() {
        let list: Vec<String> = ban.values.iter().map(|v| text(v)).collect();
        let column = format!("NEW.{}", name(&ban.column));
        let own = match ban.kind {
            // What follows the last @: all that stands before the rest is trimmed from the right.
            BanKind::Domain => format!("lower(replace({column}, rtrim({column}, replace({column}, '@', '')), ''))"),
            BanKind::Value => format!("lower({column})"),
            BanKind::Exact => column.clone(),
        };
        for event in ["INSERT", "UPDATE"] {
            let trigger = name(&format!("unseed_{}_{number}_{}", plan.id.short(), event.to_lowercase()));
            make.push_str(&format!(
                "CREATE TRIGGER {trigger} BEFORE {event} ON {} WHEN {own} COLLATE BINARY IN ({}) BEGIN SELECT RAISE(ABORT, 'unseed: seed data'); END;\n",
                qualified(&ban.table).trim_start_matches("main."),
                list.join(", ")
            ));
            drop.push_str(&format!("DROP TRIGGER IF EXISTS {trigger};\n"));
        }
    }
    vec![Script { name: "prevent.sql", text: make }, Script { name: "prevent-undo.sql", text: drop }]
}

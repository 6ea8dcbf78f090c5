//! `prevent.sql`: triggers, because a check would be validated against every row that is there. Each is one
//! statement, so that no client needs another delimiter.

use super::literal::{name, table as qualified, text};
use crate::dialect::{Script, prevent_heads};
use crate::model::plan::{BanKind, DeletePlan, PlanBan};

/// Renders the scripts.
pub(super) fn scripts(plan: &DeletePlan, bans: &[PlanBan]) -> Vec<Script> {
    let (mut make, mut drop) = prevent_heads(plan);
    make.push_str("SET NAMES utf8mb4;\n");
    for (number, ban) in bans.iter().enumerate() {
        let list: Vec<String> = ban.values.iter().map(|v| format!("CAST({} AS BINARY)", text(v))).collect();
        let column = name(&ban.column);
        let own = match ban.kind {
            BanKind::Domain => format!("LOWER(CONVERT(SUBSTRING_INDEX(NEW.{column}, '@', -1) USING utf8mb4))"),
            BanKind::Value => format!("LOWER(CONVERT(NEW.{column} USING utf8mb4))"),
            BanKind::Exact => format!("CONVERT(NEW.{column} USING utf8mb4)"),
        };
        for event in ["INSERT", "UPDATE"] {
            let trigger = name(&format!("unseed_{}_{number}_{}", plan.id.short(), event.to_lowercase()));
            make.push_str(&format!(
                "CREATE TRIGGER {trigger} BEFORE {event} ON {} FOR EACH ROW SET NEW.{column} = IF(CAST({own} AS BINARY) IN ({}), UPDATEXML('<a/>', CONCAT('~unseed: seed data', LEFT(NEW.{column}, 0)), '<b/>'), NEW.{column});\n",
                qualified(&ban.table),
                list.join(", ")
            ));
            drop.push_str(&format!("DROP TRIGGER IF EXISTS {trigger};\n"));
        }
    }
    vec![Script { name: "prevent.sql", text: make }, Script { name: "prevent-undo.sql", text: drop }]
}

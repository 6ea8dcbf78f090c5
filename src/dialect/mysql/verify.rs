//! `verify.sql`: a check that reads only, without locks, before and after: not applied, applied, partly or
//! undone.

use std::fmt::Write as _;

use super::gate::Gate;
use super::literal::{bytes, table as qualified, text, value};
use super::{ledger, ledger_name, names};
use crate::dialect::{hex, sha256};
use crate::model::Value;
use crate::model::plan::{DeletePlan, PlanRow, PlanTable};

/// Keys in one statement.
const KEYS_PER_STATEMENT: usize = 500;

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let mut out = format!(
        "-- Check script of unseed {}, plan {}: reads, locks nothing, changes nothing; runs on a replica too.\n\
         -- The last line is one of: not applied | applied | partly | undone\n\n\
         SET NAMES utf8mb4;\nSET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES';\nSET SESSION time_zone = '+00:00';\n\
         SET @unseed_present = 0, @unseed_last = NULL, @unseed_since = 0, @unseed_applied = 0, @unseed_batches = 0;\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
    );
    for table in &plan.tables {
        out.push_str("SET @unseed_n = 0;\n");
        if table.key.is_empty() {
            for row in &table.rows {
                let _ = writeln!(out, "SET @unseed_n = @unseed_n + {};", copies(table, row));
            }
        } else {
            for part in table.rows.chunks(KEYS_PER_STATEMENT) {
                let _ = writeln!(out, "SET @unseed_n = @unseed_n + {};", present(table, part));
            }
        }
        let _ = writeln!(
            out,
            "SET @unseed_present = @unseed_present + @unseed_n;\nSELECT {} AS `table`, {} AS planned, @unseed_n AS present;",
            text(&table.name.to_string()),
            table.count()
        );
    }
    let id = text(&plan.id.0);
    let mut gate = Gate::bare();
    gate.push(&format!(
        "SET @unseed_ledger = (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = {});\n",
        text(&ledger_name(plan))
    ));
    let l = ledger(plan);
    for query in [
        format!("SELECT event INTO @unseed_last FROM {l} WHERE plan_id = {id} ORDER BY run DESC LIMIT 1"),
        format!("SELECT COALESCE(MAX(run), 0) INTO @unseed_since FROM {l} WHERE plan_id = {id} AND event = 'undo'"),
        format!(
            "SELECT COALESCE(SUM(rows_changed), 0), COUNT(DISTINCT batch) INTO @unseed_applied, @unseed_batches FROM {l} WHERE plan_id = {id} AND event = 'apply' AND run > @unseed_since"
        ),
    ] {
        gate.only_if("@unseed_ledger = 1", &query);
    }
    out.push_str(&gate.sql);
    let (total, batches) = (plan.rows(), plan.parts().len());
    let _ = write!(
        out,
        "SELECT CASE\n  \
           WHEN @unseed_batches = {batches} AND @unseed_present = {total} - @unseed_applied THEN 'applied'\n  \
           WHEN @unseed_last IS NULL AND @unseed_present = 0 THEN 'applied'\n  \
           WHEN @unseed_present = {total} AND @unseed_last = 'undo' THEN 'undone'\n  \
           WHEN @unseed_present = {total} AND @unseed_last IS NULL THEN 'not applied'\n  \
           ELSE 'partly' END AS state;\n"
    );
    out
}

fn present(table: &PlanTable, rows: &[PlanRow]) -> String {
    let keys: Vec<String> = rows
        .iter()
        .map(|r| format!("({})", table.key.iter().map(|c| value(&r.values[*c], &table.columns[*c])).collect::<Vec<_>>().join(", ")))
        .collect();
    format!(
        "(SELECT COUNT(*) FROM {} WHERE ({}) IN ({}))",
        qualified(&table.name),
        names(&table.columns, &table.key).join(", "),
        keys.join(", ")
    )
}

/// Counts the planned ones among equal rows: what is there beyond those that are to stay.
fn copies(table: &PlanTable, row: &PlanRow) -> String {
    let same: Vec<String> = table
        .reviewed
        .iter()
        .map(|c| {
            let own = bytes(&table.columns[*c], "t");
            let wanted = match &row.values[*c] {
                Value::Null => return format!("{own} IS NULL"),
                Value::Blob(bytes) => hex(&sha256(bytes)),
                other => hex(&sha256(other.key_text().unwrap_or_default().as_bytes())),
            };
            format!("SHA2({own}, 256) = '{wanted}'")
        })
        .collect();
    format!(
        "LEAST({take}, GREATEST(0, (SELECT COUNT(*) FROM {} AS t WHERE {}) - {stay}))",
        qualified(&table.name),
        same.join(" AND "),
        take = row.take,
        stay = row.of - row.take
    )
}

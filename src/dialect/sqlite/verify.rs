//! `verify.sql`: a check that reads only, before and after: not applied, applied, partly or undone.

use std::fmt::Write as _;

use super::literal::{name, table as qualified, text, value};
use super::{ledger_name, names};
use crate::model::Value;
use crate::model::plan::{DeletePlan, LEDGER_COLUMNS, PlanTable};

/// Keys in one statement.
const KEYS_PER_STATEMENT: usize = 500;

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let mut out = format!(
        "-- Check script of unseed {}, plan {}: reads, changes nothing in the database.\n\
         -- The last line is one of: not applied | applied | partly | undone\n\n\
         -- An empty ledger in memory stands in where the database has none: main goes before it.\n\
         ATTACH ':memory:' AS unseed_none;\n\
         CREATE TABLE IF NOT EXISTS unseed_none.{ledger} ({columns});\n\
         DROP TABLE IF EXISTS temp.unseed_seen;\n\
         CREATE TEMP TABLE unseed_seen (tbl TEXT, planned INTEGER, present INTEGER);\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        ledger = name(&ledger_name(plan)),
        columns = LEDGER_COLUMNS.join(", "),
    );
    for table in &plan.tables {
        for part in table.rows.chunks(KEYS_PER_STATEMENT) {
            let _ = writeln!(
                out,
                "INSERT INTO temp.unseed_seen SELECT {}, {}, {};",
                text(&table.name.to_string()),
                part.iter().map(|r| r.take as usize).sum::<usize>(),
                present(table, part)
            );
        }
    }
    let (ledger, id, total) = (name(&ledger_name(plan)), text(&plan.id.0), plan.rows());
    let _ = write!(
        out,
        "SELECT tbl AS \"table\", sum(planned) AS planned, sum(present) AS present FROM temp.unseed_seen GROUP BY tbl;\n\
         SELECT CASE\n  \
           WHEN s.batches = {batches} AND s.present = {total} - s.applied THEN 'applied'\n  \
           WHEN s.last IS NULL AND s.present = 0 THEN 'applied'\n  \
           WHEN s.present = {total} AND s.last = 'undo' THEN 'undone'\n  \
           WHEN s.present = {total} AND s.last IS NULL THEN 'not applied'\n  \
           ELSE 'partly' END AS state\n\
         FROM (SELECT (SELECT sum(present) FROM temp.unseed_seen) AS present,\n    \
           (SELECT event FROM {ledger} WHERE plan_id = {id} ORDER BY run DESC LIMIT 1) AS last,\n    \
           (SELECT coalesce(sum(rows_changed), 0) FROM {ledger} WHERE plan_id = {id} AND event = 'apply' AND run > u.since) AS applied,\n    \
           (SELECT count(DISTINCT batch) FROM {ledger} WHERE plan_id = {id} AND event = 'apply' AND run > u.since) AS batches\n  \
           FROM (SELECT coalesce(max(run), 0) AS since FROM {ledger} WHERE plan_id = {id} AND event = 'undo') AS u) AS s;\n",
        batches = plan.parts().len(),
    );
    out
}

fn present(table: &PlanTable, rows: &[crate::model::plan::PlanRow]) -> String {
    let columns = if table.key.is_empty() { &table.reviewed } else { &table.key };
    let values = |extra: bool| {
        rows.iter()
            .map(|r| {
                let mut cells: Vec<String> = columns.iter().map(|c| value(&r.values[*c])).collect();
                if extra {
                    cells.extend([r.take.to_string(), r.of.to_string()]);
                }
                format!("\n  ({})", cells.join(", "))
            })
            .collect::<Vec<_>>()
            .join(",")
    };
    let target = qualified(&table.name);
    let own = names(&table.columns, columns);
    if table.key.is_empty() {
        let same: Vec<String> = own
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let blob = rows.iter().any(|r| matches!(r.values[columns[i]], Value::Blob(_)));
                let same = format!("t.{c} IS k.column{n} COLLATE BINARY AND typeof(t.{c}) = typeof(k.column{n})", n = i + 1);
                if blob { format!("({same} OR CAST(t.{c} AS BLOB) IS k.column{})", i + 1) } else { same }
            })
            .collect();
        let (take, of) = (columns.len() + 1, columns.len() + 2);
        return format!(
            "coalesce((SELECT sum(min(k.column{take}, max(0, (SELECT count(*) FROM {target} AS t WHERE {}) - (k.column{of} - k.column{take})))) FROM (VALUES {}) AS k), 0)",
            same.join(" AND "),
            values(true)
        );
    }
    let on: Vec<String> = own.iter().enumerate().map(|(i, c)| format!("t.{c} = k.column{}", i + 1)).collect();
    format!("(SELECT count(*) FROM (VALUES {}) AS k CROSS JOIN {target} AS t ON {})", values(false), on.join(" AND "))
}

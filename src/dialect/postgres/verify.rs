//! `verify.sql`: a read-only check without locks, before and after: not applied, applied, partly or undone.

use std::fmt::Write as _;

use super::literal::{name, qualified, staged_type, text, value};
use super::{do_block, ledger, settings};
use crate::model::plan::{DeletePlan, PlanTable};

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let mut out = format!(
        "-- Check script of unseed {}, plan {}: reads, locks nothing, changes nothing.\n\
         -- The last line is one of: not applied | applied | partly | undone\n\n\
         SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET client_min_messages = warning;\n\
         SET unseed.state = 'unknown';\nSET unseed.report = '';\n\
         BEGIN TRANSACTION READ ONLY;\n{}",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        settings()
    );
    out.push_str(&do_block(&body(plan)));
    out.push_str(
        "COMMIT;\n\n\
         SELECT * FROM json_to_recordset(coalesce(nullif(current_setting('unseed.report', true), ''), '[]')::json)\n    \
         AS t(\"table\" text, planned bigint, present bigint, rows bigint, rows_in_snapshot bigint);\n\
         SELECT current_setting('unseed.state', true) AS state;\n\
         COPY (SELECT current_setting('unseed.state', true)) TO STDOUT;\n",
    );
    out
}

fn body(plan: &DeletePlan) -> String {
    let mut out =
        String::from("DECLARE\n  n bigint;\n  m bigint;\n  present bigint := 0;\n  last_event text;\n  lines json[] := '{}';\nBEGIN\n");
    for table in &plan.tables {
        let _ = writeln!(
            out,
            "  SELECT count(*) INTO n FROM {target} AS t JOIN (VALUES\n{rows}\n  ) AS k({parts}) ON {on};\n  \
             SELECT count(*) INTO m FROM {target};\n  present := present + n;\n  \
             lines := lines || json_build_object('table', {shown}, 'planned', {count}, 'present', n, 'rows', m, 'rows_in_snapshot', {snapshot});",
            target = qualified(&table.name),
            rows = rows(table),
            parts = (1..=table.key.len()).map(|i| format!("k{i}")).collect::<Vec<_>>().join(", "),
            on = on(table),
            shown = text(&table.name.to_string()),
            count = table.rows.len(),
            snapshot = table.snapshot_rows,
        );
    }
    let total = plan.rows();
    let ledger_name = ledger(plan);
    let _ = write!(
        out,
        "  IF to_regclass({ledger_text}) IS NOT NULL THEN\n    \
             EXECUTE 'SELECT (array_agg(event ORDER BY run DESC))[1] FROM {inner} WHERE plan_id = $1' INTO last_event USING {id};\n  \
           END IF;\n  \
           PERFORM set_config('unseed.state', CASE\n      \
             WHEN present = 0 AND last_event = 'apply' THEN 'applied'\n      \
             WHEN present = {total} AND last_event = 'undo' THEN 'undone'\n      \
             WHEN present = {total} AND last_event IS NULL THEN 'not applied'\n      \
             ELSE 'partly' END, false), set_config('unseed.report', array_to_json(lines)::text, false);\n\
         END\n",
        ledger_text = text(&ledger_name),
        inner = ledger_name.replace('\'', "''"),
        id = text(&plan.id.0),
    );
    out
}

fn rows(table: &PlanTable) -> String {
    let row = |values: &[crate::model::Value]| {
        let parts: Vec<String> = table.key.iter().map(|c| value(&values[*c], &table.columns[*c])).collect();
        format!("    ({})", parts.join(", "))
    };
    table.rows.iter().map(|r| row(&r.values)).collect::<Vec<_>>().join(",\n")
}

/// Joins on the key: by its declared type, so that its index serves, else by its text.
fn on(table: &PlanTable) -> String {
    let part = |(place, column): (usize, &usize)| {
        let column = &table.columns[*column];
        if column.type_text.is_empty() {
            format!("t.{}::text = k.k{}", name(&column.name), place + 1)
        } else {
            format!("t.{} = k.k{}::{}", name(&column.name), place + 1, staged_type(column))
        }
    };
    table.key.iter().enumerate().map(part).collect::<Vec<_>>().join(" AND ")
}

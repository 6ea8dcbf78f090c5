//! `verify.sql`: a read-only check without locks, before and after: not applied, applied, partly or undone.

use std::fmt::Write as _;

use super::columns::{Way, staged};
use super::frame::{do_block, settings};
use super::literal::{name, staged_type, text, value};
use super::{ledger, target};
use crate::model::Value;
use crate::model::plan::{DeletePlan, PlanRow, PlanTable};

/// Keys in one statement.
const KEYS_PER_STATEMENT: usize = 1_000;

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let mut out = format!(
        "-- Check script of unseed {}, plan {}: reads, locks nothing, changes nothing; runs on a replica too.\n\
         -- The last line is one of: not applied | applied | partly | undone\n\n\
         SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET client_min_messages = warning;\n\
         SET unseed.state = 'unknown';\nSET unseed.report = '[]';\n\
         BEGIN TRANSACTION READ ONLY;\n{}",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        settings()
    );
    out.push_str(&do_block(&body(plan)));
    out.push_str(
        "COMMIT;\n\n\
         SELECT * FROM json_to_recordset(current_setting('unseed.report')::json)\n    \
         AS t(\"table\" text, planned bigint, present bigint, rows bigint, rows_in_snapshot bigint);\n\
         SELECT current_setting('unseed.state') AS state;\n\
         COPY (SELECT current_setting('unseed.state')) TO STDOUT;\n",
    );
    out
}

fn body(plan: &DeletePlan) -> String {
    let mut out = String::from(
        "DECLARE\n  n bigint;\n  m bigint;\n  part bigint;\n  present bigint := 0;\n  applied bigint := 0;\n  since integer := 0;\n  last_event text;\n  lines json[] := '{}';\nBEGIN\n",
    );
    for table in &plan.tables {
        out.push_str("  n := 0;\n");
        for part in table.rows.chunks(KEYS_PER_STATEMENT) {
            let count = if table.key.is_empty() { keyless(table, part) } else { keyed(table, part) };
            let _ = write!(out, "  {count};\n  n := n + part;\n");
        }
        let _ = write!(
            out,
            "  SELECT count(*) INTO m FROM {};\n  present := present + n;\n  \
             lines := lines || json_build_object('table', {}, 'planned', {}, 'present', n, 'rows', m, 'rows_in_snapshot', {});\n",
            target(table),
            text(&table.name.to_string()),
            table.count(),
            table.snapshot_rows,
        );
    }
    let total = plan.rows();
    let ledger_name = ledger(plan);
    let inner = ledger_name.replace('\'', "''");
    let _ = write!(
        out,
        "  IF to_regclass({quoted}) IS NOT NULL THEN\n    \
             EXECUTE 'SELECT coalesce(max(run) FILTER (WHERE event = ''undo''), 0), (array_agg(event ORDER BY run DESC))[1] FROM {inner} WHERE plan_id = $1' INTO since, last_event USING {id};\n    \
             EXECUTE 'SELECT coalesce(sum(rows_changed), 0) FROM {inner} WHERE plan_id = $1 AND event = ''apply'' AND run > $2' INTO applied USING {id}, since;\n    \
             EXECUTE 'SELECT count(DISTINCT batch) FROM {inner} WHERE plan_id = $1 AND event = ''apply'' AND run > $2' INTO m USING {id}, since;\n  \
           ELSE\n    m := 0;\n  END IF;\n  \
           PERFORM set_config('unseed.state', CASE\n      \
             WHEN m = {batches} AND present = {total} - applied THEN 'applied'\n      \
             WHEN last_event IS NULL AND present = 0 THEN 'applied'\n      \
             WHEN present = {total} AND last_event = 'undo' THEN 'undone'\n      \
             WHEN present = {total} AND last_event IS NULL THEN 'not applied'\n      \
             ELSE 'partly' END, false), set_config('unseed.report', array_to_json(lines)::text, false);\n\
         END\n",
        quoted = text(&ledger_name),
        id = text(&plan.id.0),
        batches = plan.parts().len(),
    );
    out
}

fn values_rows(rows: &[PlanRow], cells: impl Fn(&PlanRow) -> Vec<String>) -> String {
    rows.iter().map(|r| format!("    ({})", cells(r).join(", "))).collect::<Vec<_>>().join(",\n")
}

/// Counts planned rows that are there: by key, in its declared type, so that its index serves, else by its text.
fn keyed(table: &PlanTable, rows: &[PlanRow]) -> String {
    let part = |(place, column): (usize, &usize)| {
        let column = &table.columns[*column];
        if column.type_text.is_empty() {
            format!("t.{}::text = k.k{}::text", name(&column.name), place + 1)
        } else {
            format!("t.{} = k.k{}::{}", name(&column.name), place + 1, staged_type(column))
        }
    };
    format!(
        "SELECT count(*) INTO part FROM {target} AS t JOIN (VALUES\n{rows}\n  ) AS k({parts}) ON {on}",
        target = target(table),
        rows = values_rows(rows, |r| table.key.iter().map(|c| value(&r.values[*c], &table.columns[*c])).collect()),
        parts = (1..=table.key.len()).map(|i| format!("k{i}")).collect::<Vec<_>>().join(", "),
        on = table.key.iter().enumerate().map(part).collect::<Vec<_>>().join(" AND "),
    )
}

/// Counts the planned ones among equal rows: what is there beyond those that are to stay.
fn keyless(table: &PlanTable, rows: &[PlanRow]) -> String {
    let all = staged(&table.columns, &table.reviewed, &table.rows, table.declared);
    let printed = |row: &PlanRow| -> Vec<String> {
        all.iter()
            .map(|s| {
                let cell = s.literal(&table.columns, row);
                match (&row.values[s.column], table.columns[s.column].type_text.is_empty()) {
                    (Value::Null, _) => "NULL::text".to_owned(),
                    (_, true) => format!("{cell}::text"),
                    (_, false) => format!("({cell}::{})::text", s.type_of(&table.columns)),
                }
            })
            .chain([row.take.to_string(), row.of.to_string()])
            .collect()
    };
    let same: Vec<String> = all
        .iter()
        .enumerate()
        .map(|(place, s)| {
            let column = name(&table.columns[s.column].name);
            let own = match s.way {
                Way::Digest
                    if s.type_of(&table.columns) == "bytea" && staged_type(&table.columns[s.column]).eq_ignore_ascii_case("bytea") =>
                {
                    format!("sha256(t.{column})::text")
                }
                Way::Digest => format!("sha256(convert_to(t.{column}::text, 'UTF8'))::text"),
                _ => format!("t.{column}::text"),
            };
            format!("{own} COLLATE \"C\" IS NOT DISTINCT FROM k.k{}", place + 1)
        })
        .collect();
    format!(
        "SELECT coalesce(sum(least(x.take, greatest(0, x.there - (x.of - x.take)))), 0) INTO part FROM (\n  \
           SELECT k.take, k.of, (SELECT count(*) FROM {target} AS t WHERE {same}) AS there FROM (VALUES\n{rows}\n  ) AS k({parts}, take, of)) AS x",
        target = target(table),
        same = same.join(" AND "),
        rows = values_rows(rows, printed),
        parts = (1..=all.len()).map(|i| format!("k{i}")).collect::<Vec<_>>().join(", "),
    )
}

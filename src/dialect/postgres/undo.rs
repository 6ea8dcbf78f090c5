//! `undo.sql`: puts the archived rows back, parents first, and restores references that were set to NULL.

use std::fmt::Write as _;

use super::delete::touched_archive;
use super::literal::{name, qualified, text};
use super::{ADVISORY_KEY, archive, archive_name, do_block, ending, error_codes, keys, ledger, left_schema, on_key, opening, refuse};
use crate::dialect::comment;
use crate::model::plan::DeletePlan;

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let mut out = format!(
        "-- Undo script of unseed {}, plan {}\n\
         -- Puts back what delete.sql archived in schema {}, and empties the archive.\n\
         -- Rehearse:  psql -d DATABASE -f undo.sql\n\
         -- Undo:      psql -d DATABASE -c \"SET unseed.apply = '{}'\" -f undo.sql\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, UNDONE n, ALREADY-UNDONE or REFUSED DSnnn (a refusal changes nothing).\n\
         -- Triggers on insert fire as for any row; sequences stay where they are.\n\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        left_schema(plan),
        plan.id
    );
    out.push_str(&opening());
    let total: usize = plan.rows();
    let mut body = String::new();
    restore_all(&mut body, plan, total);
    out.push_str(&do_block(&body));
    out.push_str("COMMIT;\n\n");
    out.push_str(&ending("t(\"table\" text, restored bigint, rows_before bigint, rows_after bigint)"));
    out
}

/// Writes the guarded block.
fn restore_all(out: &mut String, plan: &DeletePlan, total: usize) {
    let _ = write!(
        out,
        "DECLARE\n    \
             apply_now boolean := coalesce(current_setting('unseed.apply', true), '') = {token};\n    \
             undone boolean := false;\n    total bigint := 0;\n    n bigint;\n    before_n bigint;\n    m bigint;\n    run_no integer;\n    last_event text;\n    started timestamptz;\n    \
             lines json[] := '{{}}';\n    code text;\n    detail text := '';\n    outcome text;\n\
         BEGIN\n  BEGIN\n    \
             IF NOT pg_try_advisory_xact_lock({ADVISORY_KEY}, 0) THEN\n      {busy}\n    END IF;\n    \
             IF pg_is_in_recovery() THEN\n      {replica}\n    END IF;\n",
        token = text(&plan.id.0),
        busy = refuse("DS010", "'another run is active; wait for it to end'"),
        replica = refuse("DS011", "'this is a replica; run the script on the primary'"),
    );
    if !plan.snapshot.database.is_empty() {
        let _ = writeln!(
            out,
            "    IF current_database() <> {} THEN\n      {}\n    END IF;",
            text(&plan.snapshot.database),
            refuse("DS012", "'this is database ' || current_database()")
        );
    }
    let _ = writeln!(
        out,
        "    IF to_regclass({ledger_text}) IS NULL THEN\n      {never}\n    END IF;\n    \
         SELECT max(run), (array_agg(event ORDER BY run DESC))[1] INTO run_no, last_event FROM {ledger} WHERE plan_id = {id};\n    \
         IF last_event IS NULL THEN\n      {never}\n    END IF;\n    \
         undone := last_event = 'undo';\n    run_no := run_no + 1;\n    \
         IF NOT undone THEN\n      started := clock_timestamp();",
        ledger_text = text(&ledger(plan)),
        ledger = ledger(plan),
        id = text(&plan.id.0),
        never = refuse("DS061", "'the plan was never applied here: there is nothing to undo'"),
    );
    for table in plan.tables.iter().rev() {
        let _ = writeln!(
            out,
            "      -- {label}: the archive is whole, and no key is taken\n      \
             SELECT count(*) INTO n FROM {archive};\n      IF n <> {count} THEN\n        {broken}\n      END IF;\n      \
             SELECT count(*) INTO n FROM {archive} AS a JOIN {target} AS t ON {on};\n      IF n > 0 THEN\n        {taken}\n      END IF;",
            label = comment(&table.name.to_string()),
            archive = archive(plan, &table.name),
            count = table.rows.len(),
            broken = refuse(
                "DS061",
                &format!("{} || ': the archive holds ' || n || ' rows, expected {}'", text(&table.name.to_string()), table.rows.len())
            ),
            target = qualified(&table.name),
            on = on_key(table, "t", "a"),
            taken = refuse("DS070", &format!("{} || ': ' || n || ' keys are taken by other rows'", text(&table.name.to_string()))),
        );
    }
    let mut done: Vec<usize> = Vec::new();
    for index in (0..plan.tables.len()).rev() {
        if done.contains(&index) {
            continue;
        }
        let group = plan.cycles.iter().find(|c| c.contains(&index)).cloned().unwrap_or_else(|| vec![index]);
        restore(out, plan, &group);
        done.extend(group);
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        let key: Vec<String> = touch.key.iter().map(|c| name(&touch.columns[*c].name)).map(|k| format!("t.{k} = a.{k}")).collect();
        let set: Vec<String> = touch.set_null.iter().map(|c| name(&touch.columns[*c].name)).map(|c| format!("{c} = a.{c}")).collect();
        let null: Vec<String> = touch.set_null.iter().map(|c| format!("t.{} IS NULL", name(&touch.columns[*c].name))).collect();
        let _ = writeln!(
            out,
            "      -- {label}: references\n      UPDATE {table} AS t SET {set} FROM {archive} AS a WHERE {key} AND {null};\n      GET DIAGNOSTICS n = ROW_COUNT;\n      \
             IF n <> {count} THEN\n        {wrong}\n      END IF;\n      DELETE FROM {archive};",
            label = comment(&touch.name.to_string()),
            table = qualified(&touch.name),
            archive = touched_archive(plan, index),
            set = set.join(", "),
            key = key.join(" AND "),
            null = null.join(" AND "),
            count = touch.rows.len(),
            wrong = refuse(
                "DS060",
                &format!("{} || ': ' || n || ' references restored, expected {}'", text(&touch.name.to_string()), touch.rows.len())
            ),
        );
    }
    let _ = write!(
        out,
        "      IF total <> {total} THEN\n        {wrong}\n      END IF;\n      \
         IF NOT apply_now THEN\n        RAISE EXCEPTION USING ERRCODE = 'UN002', MESSAGE = 'rehearsed';\n      END IF;\n    END IF;\n    \
         outcome := CASE WHEN undone THEN 'UNSEED ALREADY-UNDONE' ELSE 'UNSEED UNDONE ' || total END;\n  \
         EXCEPTION\n    WHEN SQLSTATE 'UN002' THEN\n        outcome := 'UNSEED DRY-RUN-OK';\n    \
         WHEN OTHERS OR query_canceled THEN\n{codes}        outcome := 'UNSEED REFUSED ' || code;\n  END;\n  \
         PERFORM set_config('unseed.outcome', outcome, false), set_config('unseed.detail', detail, false), set_config('unseed.report', coalesce(array_to_json(lines), '[]'::json)::text, false);\n\
         END\n",
        wrong = refuse("DS060", &format!("'restored ' || total || ' rows in all, expected {total}'")),
        codes = error_codes(),
    );
}

/// Puts back the rows of one table, or of the tables of a circle in one statement.
fn restore(out: &mut String, plan: &DeletePlan, group: &[usize]) {
    let mut parts = Vec::new();
    let mut counts = Vec::new();
    for index in group {
        let table = &plan.tables[*index];
        let _ = writeln!(out, "      -- {}", comment(&table.name.to_string()));
        let columns: Vec<String> = table.columns.iter().filter(|c| !c.generated).map(|c| name(&c.name)).collect();
        let order: Vec<String> = keys(table);
        parts.push(format!(
            "i{index} AS (INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE\n        SELECT {columns} FROM {archive} ORDER BY {order} RETURNING 1)",
            target = qualified(&table.name),
            columns = columns.join(", "),
            archive = archive(plan, &table.name),
            order = order.join(", "),
        ));
        counts.push(format!("(SELECT count(*) FROM i{index})"));
    }
    for (place, index) in group.iter().enumerate() {
        let table = &plan.tables[*index];
        let _ = writeln!(out, "      SELECT count(*) INTO before_n FROM {};", qualified(&table.name));
        if place == 0 {
            let _ = writeln!(out, "      WITH {}\n      SELECT {} INTO n;", parts.join(",\n      "), counts.join(" + "));
            let expected: usize = group.iter().map(|i| plan.tables[*i].rows.len()).sum();
            let _ = writeln!(
                out,
                "      IF n <> {expected} THEN\n        {}\n      END IF;\n      total := total + n;",
                refuse("DS060", &format!("{} || ': restored ' || n || ' rows, expected {expected}'", text(&table.name.to_string())))
            );
        }
        let _ = writeln!(
            out,
            "      SELECT count(*) INTO m FROM {target};\n      DELETE FROM {archive};\n      \
             lines := lines || json_build_object('table', {shown}, 'restored', {count}, 'rows_before', m - {count}, 'rows_after', m);\n      \
             INSERT INTO {ledger} VALUES ({id}, run_no, 'undo', {schema_text}, {name_text}, {archive_text}, m - {count}, {count}, m, 0, started, clock_timestamp(), session_user);",
            target = qualified(&table.name),
            archive = archive(plan, &table.name),
            shown = text(&table.name.to_string()),
            count = table.rows.len(),
            ledger = ledger(plan),
            id = text(&plan.id.0),
            schema_text = text(&table.name.schema),
            name_text = text(&table.name.name),
            archive_text = text(&archive_name(plan, &table.name)),
        );
    }
}

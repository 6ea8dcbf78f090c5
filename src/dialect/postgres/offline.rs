//! `undo-offline.sql`: restores the planned rows from the snapshot, for when the archive is gone. What has
//! changed in production between the snapshot and the apply is not in it.

use std::fmt::Write as _;

use super::frame::{begin, ending, opening};
use super::literal::{name, qualified, staged_type, text, value};
use super::undo::{block, needs, stored_columns};
use super::{CLIENT, archive, archive_regclass, guards, ledger, left_schema, on_key, on_touched, refuse, staging, target, touched_staging};
use crate::dialect::{comment, guard, header, indent};
use crate::model::plan::{DeletePlan, PlanTable, PlanTouch};

/// Rows in one INSERT.
const ROWS_PER_INSERT: usize = 500;

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let left = left_schema(plan);
    let mut out = format!(
        "-- Undo script of unseed {}, plan {}, from the snapshot: for when the archive in schema {left} is gone.\n\
         -- undo.sql is better while the archive is there: it puts back exactly what was deleted.\n\
         -- Rehearse:  {}\n\
         -- Undo:      {}\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, UNDONE n, ALREADY-UNDONE or REFUSED DSnnn (a refusal changes nothing).\n\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        header::command(CLIENT.rehearse, plan, "undo-offline.sql", &left),
        header::command(CLIENT.apply, plan, "undo-offline.sql", &left),
    );
    out.push_str(&opening());
    out.push_str(&begin(plan, 1, &needs(plan), false));
    out.push_str("\n-- The rows as the snapshot holds them.\n");
    for (index, table) in plan.tables.iter().enumerate() {
        stage(&mut out, index, table);
    }
    for (index, touch) in plan.touched_tables() {
        stage_touched(&mut out, index, touch);
    }
    out.push_str(&block(plan, &work(plan)));
    out.push_str("COMMIT;\n\n");
    out.push_str(&ending("t(\"table\" text, restored bigint, rows_before bigint, rows_after bigint)", "UNDONE", "ALREADY-UNDONE", 1));
    out
}

fn stage(out: &mut String, index: usize, table: &PlanTable) {
    let place = staging(index);
    let stored: Vec<usize> = (0..table.columns.len()).filter(|c| !table.columns[*c].generated).collect();
    let _ = writeln!(out, "\n-- {}: {} rows", comment(&table.name.to_string()), table.count());
    if table.declared {
        let typed: Vec<String> =
            stored.iter().map(|c| format!("{} {}", name(&table.columns[*c].name), staged_type(&table.columns[*c]))).collect();
        let _ = writeln!(out, "CREATE TEMP TABLE {place} (unseed_take integer, {}) ON COMMIT DROP;", typed.join(", "));
    } else {
        let names = stored_columns(table);
        let _ = writeln!(
            out,
            "CREATE TEMP TABLE {place} ON COMMIT DROP AS SELECT NULL::integer AS unseed_take, {names} FROM {} WITH NO DATA;",
            target(table)
        );
    }
    for part in table.rows.chunks(ROWS_PER_INSERT) {
        let rows: Vec<String> = part
            .iter()
            .map(|row| {
                let cells: Vec<String> = stored.iter().map(|c| value(&row.values[*c], &table.columns[*c])).collect();
                format!("  ({}, {})", row.take, cells.join(", "))
            })
            .collect();
        let _ = writeln!(out, "INSERT INTO {place} (unseed_take, {}) VALUES\n{};", stored_columns(table), rows.join(",\n"));
    }
}

fn stage_touched(out: &mut String, index: usize, touch: &PlanTouch) {
    let columns = touch.staged_columns();
    let names: Vec<String> = columns.iter().map(|c| name(&touch.columns[*c].name)).collect();
    let _ = writeln!(
        out,
        "\n-- {}: {} references\nCREATE TEMP TABLE {place} ON COMMIT DROP AS SELECT {names} FROM {of} WITH NO DATA;",
        comment(&touch.name.to_string()),
        touch.rows.len(),
        place = touched_staging(index),
        names = names.join(", "),
        of = qualified(&touch.name),
    );
    for part in touch.rows.chunks(ROWS_PER_INSERT) {
        let row = |values: &[crate::model::Value]| {
            let cells: Vec<String> = columns.iter().map(|c| value(&values[*c], &touch.columns[*c])).collect();
            format!("  ({})", cells.join(", "))
        };
        let rows: Vec<String> = part.iter().map(|r| row(&r.values)).collect();
        let _ = writeln!(out, "INSERT INTO {} ({}) VALUES\n{};", touched_staging(index), names.join(", "), rows.join(",\n"));
    }
}

fn work(plan: &DeletePlan) -> String {
    let mut out = guards::place(plan, false);
    for table in &plan.tables {
        let quoted = archive_regclass(plan, &table.name);
        let count = text(&format!("SELECT count(*) FROM {}", archive(plan, &table.name)));
        let there = refuse(
            "DS061",
            &format!(
                "'the archive of ' || {} || ' is there; use undo.sql, which restores exactly what was deleted'",
                text(&table.name.to_string())
            ),
        );
        let body = format!(
            "IF to_regclass({quoted}) IS NOT NULL THEN\n  EXECUTE {count} INTO n;\n  IF n > 0 THEN\n    {there}\n  END IF;\nEND IF;"
        );
        out.push_str(&guard("DS061", &format!("{}: no archive is left", table.name), &body));
    }
    out.push_str("m := 0;\n");
    let keyed: Vec<(usize, &PlanTable)> = plan.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()).collect();
    for (index, table) in &keyed {
        let _ = writeln!(
            out,
            "SELECT count(*) INTO n FROM {} AS p JOIN {} AS t ON {};\nm := m + n;",
            staging(*index),
            target(table),
            on_key(table, "t", "p")
        );
    }
    let expected: usize = keyed.iter().map(|(_, t)| t.count()).sum();
    let _ = writeln!(out, "undone := m = {expected} AND {expected} > 0;");
    let taken = refuse("DS070", &format!("m || ' of {expected} keys are taken: the rows are partly there, or others have their keys'"));
    out.push_str(&guard("DS070", "no key is taken", &format!("IF m > 0 AND NOT undone THEN\n  {taken}\nEND IF;")));
    let _ = write!(out, "IF NOT undone THEN\n{}END IF;\n", indent(&insert(plan), 2));
    out
}

fn insert(plan: &DeletePlan) -> String {
    let mut out = String::from("started := clock_timestamp();\n");
    for group in plan.groups().iter().rev() {
        let mut parts = Vec::new();
        let mut counts = Vec::new();
        for index in group {
            let table = &plan.tables[*index];
            parts.push(format!(
                "i{index} AS (INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE\n    SELECT {columns} FROM {} AS p, generate_series(1, p.unseed_take) RETURNING 1)",
                qualified(&table.name),
                staging(*index),
                columns = stored_columns(table),
            ));
            counts.push(format!("(SELECT count(*) FROM i{index})"));
        }
        let expected: usize = group.iter().map(|i| plan.tables[*i].count()).sum();
        let first = &plan.tables[group[0]];
        let wrong = refuse("DS060", &format!("{} || ': restored ' || n || ' rows, expected {expected}'", text(&first.name.to_string())));
        let _ = write!(
            out,
            "-- {}\nWITH {}\nSELECT {} INTO n;\ntotal := total + n;\n{}",
            comment(&first.name.to_string()),
            parts.join(",\n  "),
            counts.join(" + "),
            guard("DS060", "all rows are back", &format!("IF n <> {expected} THEN\n  {wrong}\nEND IF;"))
        );
        for index in group {
            let table = &plan.tables[*index];
            let _ = write!(
                out,
                "SELECT count(*) INTO m FROM {};\nlines := lines || json_build_object('table', {}, 'restored', {count}, 'rows_before', m - {count}, 'rows_after', m);\n",
                target(table),
                text(&table.name.to_string()),
                count = table.count(),
            );
        }
    }
    for (index, touch) in plan.touched_tables() {
        let set: Vec<String> = touch.set_null.iter().map(|c| name(&touch.columns[*c].name)).map(|c| format!("{c} = p.{c}")).collect();
        let null: Vec<String> = touch.set_null.iter().map(|c| format!("t.{} IS NULL", name(&touch.columns[*c].name))).collect();
        let wrong = refuse(
            "DS060",
            &format!(
                "{} || ': ' || n || ' of {} references restored; the other rows are gone or refer elsewhere by now'",
                text(&touch.name.to_string()),
                touch.rows.len()
            ),
        );
        let _ = write!(
            out,
            "UPDATE {} AS t SET {} FROM {} AS p WHERE {} AND {};\nGET DIAGNOSTICS n = ROW_COUNT;\n{}",
            qualified(&touch.name),
            set.join(", "),
            touched_staging(index),
            on_touched(touch, "t", "p"),
            null.join(" AND "),
            guard("DS060", "all references are back", &format!("IF n <> {} THEN\n  {wrong}\nEND IF;", touch.rows.len()))
        );
    }
    // The ledger, where one is left, learns of it, so that the plan may be applied again.
    let ledger_name = ledger(plan);
    let _ = write!(
        out,
        "IF to_regclass({quoted}) IS NOT NULL THEN\n  \
           EXECUTE 'SELECT coalesce(max(run), 0) + 1 FROM {inner} WHERE plan_id = $1' INTO run_no USING {id};\n",
        quoted = text(&ledger_name),
        inner = ledger_name.replace('\'', "''"),
        id = text(&plan.id.0),
    );
    for table in &plan.tables {
        let _ = writeln!(
            out,
            "  EXECUTE 'INSERT INTO {inner} VALUES ($1, $2, 0, ''undo'', $3, $4, '''', NULL, $5, NULL, 0, $6, clock_timestamp(), session_user)' USING {id}, run_no, {schema}, {of}, {count}::bigint, started;",
            inner = ledger_name.replace('\'', "''"),
            id = text(&plan.id.0),
            schema = text(&table.name.schema),
            of = text(&table.name.name),
            count = table.count(),
        );
    }
    out.push_str("END IF;\n");
    out
}

//! `delete.sql`: stage, lock, check, archive, delete, count; all in one transaction (or one a batch), and
//! undone unless the token is set.

use std::fmt::Write as _;

use super::columns::{any_differs, staged};
use super::frame::{ErrorCodes, begin, do_block, ending, opening};
use super::literal::{name, text};
use super::stage::stage;
use super::{
    CLIENT, archive, archive_name, guards, keys, ledger, left_schema, on_key, on_touched, refuse, staging, target, touched_archive,
    touched_staging,
};
use crate::dialect::{comment, guard, header, indent};
use crate::model::plan::{DeletePlan, LEDGER_COLUMNS, OnDrift, PlanTable, PlanTouch};

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let parts = plan.parts();
    let mut out = header::delete(plan, &CLIENT, &format!("schema {}", left_schema(plan)), &[]);
    out.push_str(&opening());
    for part in &parts {
        if part.part.1 > 1 {
            let _ = writeln!(out, "\n-- Batch {} of {}: {} rows", part.part.0, part.part.1, part.rows());
        }
        out.push_str(&begin(part, part.part.0, &guards::needs(part), true));
        out.push_str("\n-- 1. The plan: every row by key, with the values that were reviewed. These tables exist in this transaction only,\n--    so that nothing below can run without them.\n");
        stage(&mut out, part);
        out.push_str("\n-- 2. Guards, archive, delete, counts. Everything inside the inner block is undone together if a guard refuses\n--    or the token is not set.\n");
        out.push_str(&block(part));
        out.push_str("COMMIT;\n\n");
    }
    if plan.on_drift == OnDrift::Skip {
        out.push_str(
            "-- What was skipped, because it is not as it was reviewed.\n\
             SELECT * FROM json_to_recordset(current_setting('unseed.drift')::json) AS d(cluster integer, code text, \"table\" text, key text);\n",
        );
    }
    out.push_str(
        "-- What an apply leaves stale.\n\
         SELECT DISTINCT * FROM json_to_recordset(current_setting('unseed.views')::json) AS v(refresh_materialized_view text) ORDER BY 1;\n",
    );
    out.push_str(&ending(
        "t(batch integer, \"table\" text, planned bigint, found bigint, deleted bigint, rows_before bigint, rows_after bigint, ms numeric)",
        "APPLIED",
        "ALREADY-APPLIED",
        parts.len() as u32,
    ));
    out
}

fn block(plan: &DeletePlan) -> String {
    let count = plan.tables.len();
    let mut body = format!(
        "DECLARE\n  \
           apply_now boolean := coalesce(current_setting('unseed.apply', true), '') = {token};\n  \
           applied boolean := false;\n  \
           rehearsed boolean := false;\n  \
           total bigint := 0;\n  present bigint := 0;\n  wanted bigint := 0;\n  n bigint;\n  m bigint;\n  r record;\n  \
           n_reused bigint;\n  n_active bigint;\n  n_changed bigint;\n  \
           run_no integer := 1;\n  started timestamptz;\n  planned oid[];\n  touched oid[];\n  \
           before_rows bigint[] := array_fill(0::bigint, ARRAY[{count}]);\n  \
           found_rows bigint[] := array_fill(0::bigint, ARRAY[{count}]);\n  \
           lines json[] := '{{}}';\n  drift json := '[]';\n  views json := '[]';\n  code text := '';\n  detail text := '';\n  found text;\n\
         BEGIN\n  \
           -- A block that was not prepared (a batch before it was refused) does nothing.\n  \
           IF current_setting('unseed.staging') <> '{number}' THEN\n    RETURN;\n  END IF;\n  \
           BEGIN\n",
        token = text(&plan.id.0),
        number = plan.part.0,
    );
    let mut work = guards::place(plan, true);
    for (index, table) in plan.tables.iter().enumerate() {
        work.push_str(&guards::shape(index, table));
    }
    work.push_str(&guards::catalogue(plan));
    work.push_str(&guards::already_applied(plan));
    body.push_str(&indent(&work, 4));
    body.push_str("    IF NOT applied THEN\n");
    body.push_str(&indent(&changes(plan), 6));
    body.push_str("      IF NOT apply_now THEN\n        RAISE EXCEPTION USING ERRCODE = 'UN002', MESSAGE = 'rehearsed';\n      END IF;\n    END IF;\n");
    let codes = ErrorCodes { foreign_key: "DS040", unique: "DS060" };
    let _ = write!(
        body,
        "  EXCEPTION\n    \
             WHEN SQLSTATE 'UN002' THEN\n        rehearsed := true;\n    \
             WHEN OTHERS OR query_canceled THEN\n{}        lines := '{{}}';\n  \
           END;\n  \
           PERFORM set_config('unseed.staging', '', false), set_config('unseed.refused', code, false), set_config('unseed.detail', detail, false);\n  \
           PERFORM set_config('unseed.total', (current_setting('unseed.total')::bigint + total)::text, false),\n    \
             set_config('unseed.already', (current_setting('unseed.already')::integer + applied::integer)::text, false),\n    \
             set_config('unseed.rehearsed', (current_setting('unseed.rehearsed')::integer + rehearsed::integer)::text, false),\n    \
             set_config('unseed.done', (current_setting('unseed.done')::integer + (code = '' AND NOT rehearsed AND NOT applied)::integer)::text, false),\n    \
             set_config('unseed.report', (current_setting('unseed.report')::jsonb || coalesce(array_to_json(lines), '[]')::jsonb)::text, false),\n    \
             set_config('unseed.drift', (current_setting('unseed.drift')::jsonb || drift::jsonb)::text, false),\n    \
             set_config('unseed.views', (current_setting('unseed.views')::jsonb || views::jsonb)::text, false);\n\
         END\n",
        codes.render()
    );
    do_block(&body)
}

/// Everything that happens where the plan was not applied yet.
fn changes(plan: &DeletePlan) -> String {
    let mut out = locks(plan);
    if plan.on_drift == OnDrift::Skip {
        out.push_str(&guards::skip(plan));
    } else {
        // Who must not go comes first: it is the gravest thing that can have changed.
        out.push_str(&guards::protections(plan));
        for (index, table) in plan.tables.iter().enumerate() {
            out.push_str(&guards::rows(plan, index, table));
        }
        for (index, touch) in plan.touched_tables() {
            out.push_str(&guards::touched_rows(index, touch));
        }
        out.push_str(&guards::children(plan));
    }
    out.push_str(&containers(plan));
    for (index, touch) in plan.touched_tables() {
        out.push_str(&touch_step(plan, index, touch));
    }
    for group in plan.groups() {
        out.push_str(&delete_step(plan, &group));
    }
    out.push_str(CHECK_NOW);
    out.push_str(&guards::after(plan));
    out.push_str(&sum(plan));
    out.push_str(VIEWS);
    out
}

/// Makes deferred constraints and triggers speak inside the block, in a rehearsal too: at COMMIT they would
/// fail behind the outcome's back.
pub(super) const CHECK_NOW: &str = "-- What is deferred to the end is checked here, in a rehearsal too.\nSET CONSTRAINTS ALL IMMEDIATE;\n";

/// Collects the materialized views that read a changed table, through other views or not.
const VIEWS: &str = "-- Materialized views that read these tables, through other views or not: an apply leaves them stale.\n\
    SELECT coalesce(json_agg(json_build_object('refresh_materialized_view', v.shown) ORDER BY v.shown), '[]') INTO views FROM (\n  \
      WITH RECURSIVE d(relation) AS (\n    \
        SELECT unnest(planned || touched)\n    \
        UNION SELECT w.ev_class FROM d JOIN pg_depend AS p ON p.refclassid = 'pg_class'::regclass AND p.refobjid = d.relation AND p.classid = 'pg_rewrite'::regclass\n      \
          JOIN pg_rewrite AS w ON w.oid = p.objid)\n  \
      SELECT DISTINCT c.oid::regclass::text AS shown FROM d JOIN pg_class AS c ON c.oid = d.relation WHERE c.relkind = 'm') AS v;\n";

fn locks(plan: &DeletePlan) -> String {
    let mut out = String::from("-- Locks, parents first, in key order: from here on nobody can refer to these rows or change them.\n");
    for (index, table) in plan.tables.iter().enumerate().rev() {
        if table.key.is_empty() {
            out.push_str(&find_keyless(index, table));
            continue;
        }
        let order: Vec<String> = keys(table).iter().map(|k| format!("t.{k}")).collect();
        let _ = writeln!(
            out,
            "SELECT count(*) INTO n FROM (SELECT 1 FROM {} AS t JOIN {} AS p ON {} ORDER BY {} FOR UPDATE OF t) AS locked;\nfound_rows[{}] := n;",
            target(table),
            staging(index),
            on_key(table, "t", "p"),
            order.join(", "),
            index + 1
        );
    }
    for (index, touch) in plan.touched_tables() {
        let _ = writeln!(
            out,
            "PERFORM 1 FROM {} AS t JOIN {} AS p ON {} FOR UPDATE OF t;",
            super::qualified(&touch.name),
            touched_staging(index),
            on_touched(touch, "t", "p")
        );
    }
    out
}

/// Locks every row that equals a planned one in all columns, and remembers where it lies. A row's place is
/// good only while it is locked, and only together with its partition.
fn find_keyless(index: usize, table: &PlanTable) -> String {
    let all = staged(&table.columns, &table.reviewed, &table.rows, table.declared);
    let printed: Vec<String> =
        all.iter().filter(|s| s.way != super::columns::Way::Digest).map(|s| name(&table.columns[s.column].name)).collect();
    // One hash a row: without it each planned row would read the whole table.
    let row = |alias: &str| printed.iter().map(|c| format!("{alias}.{c}")).collect::<Vec<_>>().join(", ");
    let by_hash =
        if printed.is_empty() { "true".to_owned() } else { format!("md5(ROW({})::text) = md5(ROW({})::text)", row("t"), row("p")) };
    format!(
        "CREATE TEMP TABLE unseed_found_{index} ON COMMIT DROP AS\n  \
           SELECT p.unseed_no, t.tableoid AS o, t.ctid AS c FROM {target} AS t JOIN {staged} AS p ON {by_hash}\n  \
           WHERE NOT ({differs}) FOR UPDATE OF t;\n\
         SELECT coalesce(sum(least(f.present, p.unseed_take)), 0) INTO n FROM {staged} AS p\n  \
           JOIN (SELECT unseed_no, count(*) AS present FROM unseed_found_{index} GROUP BY unseed_no) AS f USING (unseed_no);\n\
         found_rows[{slot}] := n;\n",
        target = target(table),
        staged = staging(index),
        differs = any_differs(table, &all, "t", "p"),
        slot = index + 1,
    )
}

/// Makes the schema that an apply leaves behind: archives and ledger.
fn containers(plan: &DeletePlan) -> String {
    let types = [
        "text",
        "integer",
        "integer",
        "text",
        "text",
        "text",
        "text",
        "bigint",
        "bigint",
        "bigint",
        "bigint",
        "timestamptz",
        "timestamptz",
        "text",
    ];
    let columns: Vec<String> = LEDGER_COLUMNS.iter().zip(types).map(|(c, t)| format!("{c} {t}")).collect();
    let mut out = format!(
        "-- Archive and ledger; a rehearsal undoes these too.\nstarted := clock_timestamp();\nCREATE SCHEMA IF NOT EXISTS {};\nCREATE TABLE IF NOT EXISTS {} ({});\n",
        name(&left_schema(plan)),
        ledger(plan),
        columns.join(", ")
    );
    for table in &plan.tables {
        let _ = writeln!(out, "CREATE TABLE IF NOT EXISTS {} AS SELECT * FROM {} WITH NO DATA;", archive(plan, &table.name), target(table));
    }
    out
}

/// Says how many rows a staging holds: those planned, less those skipped.
fn expect(plan: &DeletePlan, place: &str, planned: usize, sum: &str) -> String {
    match plan.on_drift {
        OnDrift::Abort => format!("wanted := {planned};\n"),
        OnDrift::Skip => format!("SELECT {sum} INTO wanted FROM {place};\n"),
    }
}

/// Sets references of surviving rows to NULL; their old values are archived.
fn touch_step(plan: &DeletePlan, index: usize, touch: &PlanTouch) -> String {
    let columns: Vec<String> = touch.staged_columns().into_iter().map(|c| name(&touch.columns[c].name)).collect();
    let columns = columns.join(", ");
    let set: Vec<String> = touch.set_null.iter().map(|c| format!("{} = NULL", name(&touch.columns[*c].name))).collect();
    let (staged, archived) = (touched_staging(index), touched_archive(plan, index));
    let mut out = format!("-- {}: surviving rows lose their reference\n", comment(&touch.name.to_string()));
    out.push_str(&expect(plan, &staged, touch.rows.len(), "count(*)"));
    let _ = write!(
        out,
        "CREATE TABLE IF NOT EXISTS {archived} AS SELECT {columns} FROM {staged} WITH NO DATA;\n\
         INSERT INTO {archived} SELECT {columns} FROM {staged};\n\
         UPDATE {table} AS t SET {set} FROM {staged} AS p WHERE {on};\n\
         GET DIAGNOSTICS n = ROW_COUNT;\n",
        table = super::qualified(&touch.name),
        set = set.join(", "),
        on = on_touched(touch, "t", "p"),
    );
    let wrong =
        refuse("DS060", &format!("{} || ': ' || n || ' references set to NULL, expected ' || wanted", text(&touch.name.to_string())));
    out.push_str(&guard("DS060", &format!("{}: as many as planned", touch.name), &format!("IF n <> wanted THEN\n  {wrong}\nEND IF;")));
    out
}

/// Counts a table's rows before: in a batch after the first, as the batch before left them.
fn count_before(plan: &DeletePlan, index: usize, table: &PlanTable) -> String {
    let count = format!("SELECT count(*) INTO n FROM {};\n", target(table));
    let counted = if plan.part.0 > 1 {
        format!(
            "SELECT rows_after INTO n FROM {} WHERE plan_id = {} AND schema_name = {} AND table_name = {} ORDER BY run DESC LIMIT 1;\nIF n IS NULL THEN\n  {count}END IF;\n",
            ledger(plan),
            text(&plan.id.0),
            text(&table.name.schema),
            text(&table.name.name)
        )
    } else {
        count
    };
    format!("{counted}before_rows[{}] := n;\n", index + 1)
}

/// Deletes the rows of one table, or of the tables of a circle in one statement: foreign keys are checked at
/// its end, whichever row refers to which.
fn delete_step(plan: &DeletePlan, group: &[usize]) -> String {
    let mut out = String::new();
    for index in group {
        let _ = writeln!(out, "-- {}", comment(&plan.tables[*index].name.to_string()));
        out.push_str(&count_before(plan, *index, &plan.tables[*index]));
    }
    out.push_str("started := clock_timestamp();\n");
    let mut parts = Vec::new();
    let mut counts = Vec::new();
    for index in group {
        let table = &plan.tables[*index];
        // By name: an archive of an earlier apply may have its columns in another order.
        let columns: Vec<String> = table.columns.iter().map(|c| name(&c.name)).collect();
        parts.push(format!(
            "d{index} AS (\n    {delete}\n    RETURNING {returned}),\n  a{index} AS (INSERT INTO {archive} ({columns}) SELECT {columns} FROM d{index} RETURNING 1)",
            delete = delete_statement(*index, table),
            returned = columns.iter().map(|c| format!("t.{c}")).collect::<Vec<_>>().join(", "),
            columns = columns.join(", "),
            archive = archive(plan, &table.name),
        ));
        counts.push(format!("(SELECT count(*) FROM a{index})"));
    }
    let _ = writeln!(out, "WITH {}\nSELECT ARRAY[{}] AS counts INTO r;", parts.join(",\n  "), counts.join(", "));
    for (place, index) in group.iter().enumerate() {
        let table = &plan.tables[*index];
        let sum = if table.key.is_empty() { "coalesce(sum(unseed_take), 0)" } else { "count(*)" };
        let _ = writeln!(out, "n := r.counts[{}];\ntotal := total + n;", place + 1);
        out.push_str(&expect(plan, &staging(*index), table.count(), sum));
        out.push_str(&counted(*index, table));
        out.push_str(&record(plan, *index, table));
    }
    out
}

/// The one statement that deletes from a table. Its rows are locked and were compared, so that the key says all.
pub(super) fn delete_statement(index: usize, table: &PlanTable) -> String {
    if table.key.is_empty() {
        return format!(
            "DELETE FROM {target} AS t USING (SELECT f.o, f.c, p.unseed_take, row_number() OVER (PARTITION BY f.unseed_no ORDER BY f.o, f.c) AS place\n      \
               FROM unseed_found_{index} AS f JOIN {staged} AS p USING (unseed_no)) AS v\n    \
             WHERE t.ctid = v.c AND t.tableoid = v.o AND v.place <= v.unseed_take",
            target = target(table),
            staged = staging(index),
        );
    }
    format!("DELETE FROM {} AS t USING {} AS p WHERE {}", target(table), staging(index), on_key(table, "t", "p"))
}

/// DS060: as many rows went as planned, and none of them is there any more.
fn counted(index: usize, table: &PlanTable) -> String {
    let shown = text(&table.name.to_string());
    let wrong = refuse("DS060", &format!("{shown} || ': deleted ' || n || ' rows, expected ' || wanted"));
    let mut body = format!("IF n <> wanted THEN\n  {wrong}\nEND IF;");
    if !table.key.is_empty() {
        let back = refuse("DS060", &format!("{shown} || ': planned rows are still there after the delete'"));
        let _ = write!(
            body,
            "\nIF EXISTS (SELECT 1 FROM {} AS t JOIN {} AS p ON {}) THEN\n  {back}\nEND IF;",
            target(table),
            staging(index),
            on_key(table, "t", "p")
        );
    }
    guard("DS060", &format!("{}: all planned rows went", table.name), &body)
}

/// Writes the report's line and the ledger's row. Other sessions may add rows to the table meanwhile, so that
/// the count after is told but not judged.
fn record(plan: &DeletePlan, index: usize, table: &PlanTable) -> String {
    let slot = index + 1;
    let after = if plan.part.1 > 1 {
        format!("m := before_rows[{slot}] - n;\n")
    } else {
        format!("SELECT count(*) INTO m FROM {};\n", target(table))
    };
    format!(
        "{after}lines := lines || json_build_object('batch', {number}, 'table', {shown}, 'planned', {count}, 'found', found_rows[{slot}], 'deleted', n,\n  \
           'rows_before', before_rows[{slot}], 'rows_after', m, 'ms', round((extract(epoch FROM clock_timestamp() - started) * 1000)::numeric, 1));\n\
         INSERT INTO {ledger} VALUES ({id}, run_no, {number}, 'apply', {schema_text}, {name_text}, {archive_text}, before_rows[{slot}], n, m, n, started, clock_timestamp(), session_user);\n",
        number = plan.part.0,
        shown = text(&table.name.to_string()),
        count = table.count(),
        ledger = ledger(plan),
        id = text(&plan.id.0),
        schema_text = text(&table.name.schema),
        name_text = text(&table.name.name),
        archive_text = text(&archive_name(plan, &table.name)),
    )
}

fn sum(plan: &DeletePlan) -> String {
    let expected = match plan.on_drift {
        OnDrift::Abort => plan.rows().to_string(),
        OnDrift::Skip => (0..plan.tables.len())
            .map(|i| {
                let sum = if plan.tables[i].key.is_empty() { "coalesce(sum(unseed_take), 0)" } else { "count(*)" };
                format!("(SELECT {sum} FROM {})", staging(i))
            })
            .collect::<Vec<_>>()
            .join(" + "),
    };
    let body = format!(
        "wanted := {expected};\nIF total <> wanted THEN\n  {}\nEND IF;",
        refuse("DS060", "'deleted ' || total || ' rows in all, expected ' || wanted")
    );
    guard("DS060", "all in all", &body)
}

//! `undo.sql`: puts the archived rows back, parents first, and restores references that were set to NULL.

use std::fmt::Write as _;

use super::delete::CHECK_NOW;
use super::frame::{ErrorCodes, begin, do_block, ending, opening};
use super::literal::{name, qualified, text};
use super::{
    CLIENT, archive, archive_name, archive_regclass, guards, keys, ledger, left_schema, on_key, on_touched, refuse, target, touched_archive,
};
use crate::dialect::{comment, guard, header, indent};
use crate::model::plan::{DeletePlan, PlanTable, PlanTouch};

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let left = left_schema(plan);
    let mut out = format!(
        "-- Undo script of unseed {}, plan {}\n\
         -- Puts back what delete.sql archived in schema {left}, batch or not, and empties the archive.\n\
         -- Rehearse:  {}\n\
         -- Undo:      {}\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, UNDONE n, ALREADY-UNDONE or REFUSED DSnnn (a refusal changes nothing).\n\
         -- Triggers on insert fire as for any row; sequences stay where they are. Where prevent.sql was run, run\n\
         -- prevent-undo.sql first. An undo has no expiry.\n\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        header::command(CLIENT.rehearse, plan, "undo.sql", &left),
        header::command(CLIENT.apply, plan, "undo.sql", &left),
    );
    out.push_str(&opening());
    out.push_str(&begin(plan, 1, &needs(plan), false));
    out.push_str(&block(plan, &guards_and_rows(plan)));
    out.push_str("COMMIT;\n\n");
    out.push_str(&ending("t(\"table\" text, restored bigint, rows_before bigint, rows_after bigint)", "UNDONE", "ALREADY-UNDONE", 1));
    out
}

/// Lists the rights that an undo needs.
pub(super) fn needs(plan: &DeletePlan) -> Vec<guards::Need> {
    let mut needs = Vec::new();
    for table in &plan.tables {
        needs.extend(["SELECT", "INSERT"].map(|right| (table.name.clone(), right)));
    }
    for touch in &plan.touched {
        needs.extend(["SELECT", "UPDATE"].map(|right| (touch.name.clone(), right)));
    }
    needs
}

/// Wraps what an undo does: `work` sets `undone` where there is nothing to do.
pub(super) fn block(plan: &DeletePlan, work: &str) -> String {
    let mut body = format!(
        "DECLARE\n  \
           apply_now boolean := coalesce(current_setting('unseed.apply', true), '') = {token};\n  \
           undone boolean := false;\n  rehearsed boolean := false;\n  total bigint := 0;\n  n bigint;\n  m bigint;\n  before_n bigint;\n  wanted bigint;\n  \
           run_no integer;\n  since integer;\n  started timestamptz;\n  lines json[] := '{{}}';\n  code text := '';\n  detail text := '';\n\
         BEGIN\n  IF current_setting('unseed.staging') <> '1' THEN\n    RETURN;\n  END IF;\n  BEGIN\n",
        token = text(&plan.id.0),
    );
    body.push_str(&indent(work, 4));
    body.push_str(&indent(CHECK_NOW, 4));
    let codes = ErrorCodes { foreign_key: "DS061", unique: "DS070" };
    let _ = write!(
        body,
        "    IF NOT undone AND NOT apply_now THEN\n      RAISE EXCEPTION USING ERRCODE = 'UN002', MESSAGE = 'rehearsed';\n    END IF;\n  \
         EXCEPTION\n    \
             WHEN SQLSTATE 'UN002' THEN\n        rehearsed := true;\n    \
             WHEN OTHERS OR query_canceled THEN\n{}        lines := '{{}}';\n  END;\n  \
         PERFORM set_config('unseed.staging', '', false), set_config('unseed.refused', code, false), set_config('unseed.detail', detail, false),\n    \
             set_config('unseed.total', total::text, false), set_config('unseed.already', undone::integer::text, false),\n    \
             set_config('unseed.rehearsed', rehearsed::integer::text, false),\n    \
             set_config('unseed.done', (code = '' AND NOT rehearsed AND NOT undone)::integer::text, false),\n    \
             set_config('unseed.report', coalesce(array_to_json(lines), '[]')::text, false);\n\
         END\n",
        codes.render()
    );
    do_block(&body)
}

fn guards_and_rows(plan: &DeletePlan) -> String {
    let mut out = guards::place(plan, false);
    let never = refuse("DS061", "'the plan was never applied here: there is nothing to undo'");
    let quoted = text(&ledger(plan));
    out.push_str(&guard("DS061", "the plan was applied here", &format!("IF to_regclass({quoted}) IS NULL THEN\n  {never}\nEND IF;")));
    let _ = write!(
        out,
        "-- Every batch that was applied since the last undo.\n\
         SELECT coalesce(max(run) FILTER (WHERE event = 'undo'), 0), coalesce(max(run), 0) + 1 INTO since, run_no FROM {ledger} WHERE plan_id = {id};\n\
         SELECT count(*) INTO n FROM {ledger} WHERE plan_id = {id} AND event = 'apply' AND run > since;\n\
         undone := n = 0;\n",
        ledger = ledger(plan),
        id = text(&plan.id.0),
    );
    out.push_str(&guard("DS061", "the plan was applied here", &format!("IF undone AND since = 0 THEN\n  {never}\nEND IF;")));
    let mut work = String::from("started := clock_timestamp();\n");
    for table in plan.tables.iter().rev() {
        work.push_str(&whole_and_free(plan, table));
    }
    for group in plan.groups().iter().rev() {
        work.push_str(&restore(plan, group));
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        work.push_str(&refer_again(plan, index, touch));
    }
    let _ = write!(out, "IF NOT undone THEN\n{}END IF;\n", indent(&work, 2));
    out
}

/// DS061, DS070: the archive is whole, and no key is taken.
fn whole_and_free(plan: &DeletePlan, table: &PlanTable) -> String {
    let (shown, archived) = (text(&table.name.to_string()), archive(plan, &table.name));
    let broken = refuse("DS061", &format!("{shown} || ': the archive holds ' || n || ' rows, the ledger says ' || wanted"));
    let body = format!(
        "SELECT coalesce(sum(archived), 0) INTO wanted FROM {ledger} WHERE plan_id = {id} AND event = 'apply' AND run > since\n  \
           AND schema_name = {schema} AND table_name = {of};\n\
         IF to_regclass({quoted}) IS NULL AND wanted > 0 THEN\n  {missing}\nEND IF;\n\
         SELECT count(*) INTO n FROM {archived};\nIF n <> wanted THEN\n  {broken}\nEND IF;",
        ledger = ledger(plan),
        id = text(&plan.id.0),
        schema = text(&table.name.schema),
        of = text(&table.name.name),
        quoted = archive_regclass(plan, &table.name),
        missing = refuse("DS061", &format!("{shown} || ': its archive is gone; undo-offline.sql restores from the snapshot'")),
    );
    let mut out = guard("DS061", &format!("{}: the archive is whole", table.name), &body);
    if !table.key.is_empty() {
        let taken = refuse("DS070", &format!("{shown} || ': ' || n || ' keys are taken by other rows'"));
        let body = format!(
            "SELECT count(*) INTO n FROM {archived} AS a JOIN {target} AS t ON {on};\nIF n > 0 THEN\n  {taken}\nEND IF;",
            target = target(table),
            on = on_key(table, "t", "a"),
        );
        out.push_str(&guard("DS070", &format!("{}: no key is taken", table.name), &body));
    }
    out
}

/// Puts back the rows of one table, or of the tables of a circle in one statement.
fn restore(plan: &DeletePlan, group: &[usize]) -> String {
    let mut out = String::new();
    let mut parts = Vec::new();
    let mut counts = Vec::new();
    let mut archived = Vec::new();
    for index in group {
        let table = &plan.tables[*index];
        let from = archive(plan, &table.name);
        let _ = writeln!(out, "-- {}", comment(&table.name.to_string()));
        let order = if table.key.is_empty() { String::new() } else { format!(" ORDER BY {}", keys(table).join(", ")) };
        parts.push(format!(
            "i{index} AS (INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE\n    SELECT {columns} FROM {from}{order} RETURNING 1)",
            target = qualified(&table.name),
            columns = stored_columns(table),
        ));
        counts.push(format!("(SELECT count(*) FROM i{index})"));
        archived.push(format!("(SELECT count(*) FROM {from})"));
    }
    for (place, index) in group.iter().enumerate() {
        let table = &plan.tables[*index];
        let _ = writeln!(out, "SELECT count(*) INTO before_n FROM {};", target(table));
        if place == 0 {
            let _ = write!(
                out,
                "wanted := {};\nWITH {}\nSELECT {} INTO n;\ntotal := total + n;\n",
                archived.join(" + "),
                parts.join(",\n  "),
                counts.join(" + ")
            );
            let wrong =
                refuse("DS060", &format!("{} || ': restored ' || n || ' rows, expected ' || wanted", text(&table.name.to_string())));
            out.push_str(&guard("DS060", "all archived rows are back", &format!("IF n <> wanted THEN\n  {wrong}\nEND IF;")));
        }
        let from = archive(plan, &table.name);
        let _ = write!(
            out,
            "SELECT count(*) INTO n FROM {from};\nSELECT count(*) INTO m FROM {target};\nDELETE FROM {from};\n\
             lines := lines || json_build_object('table', {shown}, 'restored', n, 'rows_before', m - n, 'rows_after', m);\n\
             INSERT INTO {ledger} VALUES ({id}, run_no, 0, 'undo', {schema_text}, {name_text}, {archive_text}, m - n, n, m, 0, started, clock_timestamp(), session_user);\n",
            target = target(table),
            shown = text(&table.name.to_string()),
            ledger = ledger(plan),
            id = text(&plan.id.0),
            schema_text = text(&table.name.schema),
            name_text = text(&table.name.name),
            archive_text = text(&archive_name(plan, &table.name)),
        );
    }
    out
}

/// Lists the columns that are written: not those that the database computes.
pub(super) fn stored_columns(table: &PlanTable) -> String {
    table.columns.iter().filter(|c| !c.generated).map(|c| name(&c.name)).collect::<Vec<_>>().join(", ")
}

/// Restores the references of surviving rows.
fn refer_again(plan: &DeletePlan, index: usize, touch: &PlanTouch) -> String {
    let archived = touched_archive(plan, index);
    let set: Vec<String> = touch.set_null.iter().map(|c| name(&touch.columns[*c].name)).map(|c| format!("{c} = a.{c}")).collect();
    let null: Vec<String> = touch.set_null.iter().map(|c| format!("t.{} IS NULL", name(&touch.columns[*c].name))).collect();
    let shown = text(&touch.name.to_string());
    let wrong = refuse(
        "DS060",
        &format!(
            "{shown} || ': ' || n || ' of ' || wanted || ' references restored; the other rows are gone or refer elsewhere by now: look at ' || {}",
            text(&archived)
        ),
    );
    format!(
        "-- {label}: references\n\
         SELECT count(*) INTO wanted FROM {archived};\n\
         UPDATE {table} AS t SET {set} FROM {archived} AS a WHERE {key} AND {null};\nGET DIAGNOSTICS n = ROW_COUNT;\n{counted}DELETE FROM {archived};\n",
        label = comment(&touch.name.to_string()),
        table = qualified(&touch.name),
        set = set.join(", "),
        key = on_touched(touch, "t", "a"),
        null = null.join(" AND "),
        counted = guard("DS060", "all references are back", &format!("IF n <> wanted THEN\n  {wrong}\nEND IF;")),
    )
}

//! `delete.sql`: stage, lock, check, archive, delete, count; all in one transaction, and undone unless
//! the token is set.

use std::fmt::Write as _;

use super::literal::{name, qualified, staged_type, text, value};
use super::{ADVISORY_KEY, archive, differs, do_block, ending, error_codes, keys, ledger, left_schema, on_key, opening, refuse, staging};
use crate::dialect::comment;
use crate::model::QualifiedName;
use crate::model::plan::{DeletePlan, LEDGER_COLUMNS, PlanProtection, PlanRelation, PlanTable, PlanTouch};
use crate::model::stamp::Rfc3339;

/// Rows in one INSERT of the staging: short enough for any client, long enough to be fast.
const ROWS_PER_INSERT: usize = 500;

/// Renders the script.
pub(super) fn script(plan: &DeletePlan) -> String {
    let mut out = header(plan);
    out.push_str(&opening());
    out.push_str("\n-- 1. The plan: every row by key, with the values that were reviewed. These tables exist in this transaction only,\n--    so that nothing below can run without them.\n");
    for (index, table) in plan.tables.iter().enumerate() {
        stage(&mut out, &staging(index), &table.name, &table.columns, &table.reviewed, &table.rows, table.declared);
        let _ = writeln!(out, "ALTER TABLE {} ADD PRIMARY KEY ({});\nANALYZE {0};", staging(index), keys(table).join(", "));
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        let columns: Vec<usize> = touched_columns(touch);
        let declared = touch.columns.iter().all(|c| !c.type_text.is_empty());
        stage(&mut out, &touched_staging(index), &touch.name, &touch.columns, &columns, &touch.rows, declared);
    }
    out.push_str("\n-- 2. Guards, archive, delete, counts. Everything inside the inner block is undone together if a guard refuses\n--    or the token is not set.\n");
    out.push_str(&block(plan));
    out.push_str("COMMIT;\n\n");
    out.push_str(&ending(
        "t(\"table\" text, planned bigint, found bigint, deleted bigint, rows_before bigint, rows_after bigint, ms numeric)",
    ));
    out
}

fn header(plan: &DeletePlan) -> String {
    let mut out = String::new();
    let line = |out: &mut String, text: &str| {
        let _ = writeln!(out, "-- {}", comment(text));
    };
    line(&mut out, &format!("Delete script of unseed {}, plan {}", env!("CARGO_PKG_VERSION"), plan.id));
    line(&mut out, &format!("made {} by {}, approved by {}", Rfc3339(plan.made_at), plan.author, plan.approvers.join(", ")));
    line(
        &mut out,
        &format!(
            "snapshot {} taken {} ({})",
            &plan.snapshot.id.0[..16.min(plan.snapshot.id.0.len())],
            plan.snapshot.taken_at.micros().map_or("at an unknown time".to_owned(), |t| Rfc3339(t).to_string()),
            plan.snapshot.taken_at.source()
        ),
    );
    line(
        &mut out,
        &format!("decisions {}, schema {}", &plan.decisions_digest[..16.min(plan.decisions_digest.len())], plan.schema_fingerprint),
    );
    line(&mut out, &format!("does not apply after {}", Rfc3339(plan.expires_at)));
    out.push_str("--\n");
    let width = plan.tables.iter().map(|t| t.name.to_string().chars().count()).max().unwrap_or(5).max(5);
    let _ = writeln!(out, "--   {:width$}  {:>10}  {:>10}  {:>10}", "table", "delete", "of", "remain");
    for table in &plan.tables {
        let (delete, before) = (table.rows.len() as u64, table.snapshot_rows);
        let _ = writeln!(out, "--   {:width$}  {delete:>10}  {before:>10}  {:>10}", comment(&table.name.to_string()), before - delete);
    }
    let touched: usize = plan.touched.iter().map(|t| t.rows.len()).sum();
    if touched > 0 {
        let _ = writeln!(out, "--   and {touched} surviving rows lose a reference (set to NULL): see section 1");
    }
    if !plan.held.is_empty() {
        let _ = writeln!(out, "--   and {} approved rows are held back: see plan.json", plan.held.len());
    }
    out.push_str("--\n");
    for warning in &plan.warnings {
        line(&mut out, &format!("Note: {warning}"));
    }
    let _ = write!(
        out,
        "-- Rehearse:  psql -d DATABASE -f delete.sql        does everything, takes the same locks, and undoes it all\n\
         -- Apply:     psql -d DATABASE -c \"SET unseed.apply = '{id}'\" -f delete.sql        (or -f apply.psql)\n\
         -- Undo:      the same with undo.sql        Check at any time, without locks:  psql -d DATABASE -f verify.sql\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, APPLIED n, ALREADY-APPLIED or REFUSED DSnnn (a refusal changes nothing).\n\
         -- Leaves behind after an apply: schema {schema} with the deleted rows and a ledger. It holds personal data: drop it when\n\
         -- nobody will want to undo.\n\n",
        id = plan.id,
        schema = left_schema(plan),
    );
    out
}

/// Returns the columns of a touched table that are staged: its key, and the references to set to NULL.
fn touched_columns(touch: &PlanTouch) -> Vec<usize> {
    let mut columns: Vec<usize> = touch.key.iter().chain(&touch.set_null).copied().collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn touched_staging(index: usize) -> String {
    format!("unseed_touch_{index}")
}

fn stage(
    out: &mut String,
    staging: &str,
    of: &QualifiedName,
    columns: &[crate::model::Column],
    staged: &[usize],
    rows: &[crate::model::plan::PlanRow],
    declared: bool,
) {
    let names: Vec<String> = staged.iter().map(|c| name(&columns[*c].name)).collect();
    let _ = writeln!(out, "\n-- {}: {} rows", comment(&of.to_string()), rows.len());
    if declared {
        let typed: Vec<String> = staged.iter().zip(&names).map(|(c, n)| format!("{n} {}", staged_type(&columns[*c]))).collect();
        let _ = writeln!(out, "CREATE TEMP TABLE {staging} ({}) ON COMMIT DROP;", typed.join(", "));
    } else {
        // An export without types takes production's.
        let _ =
            writeln!(out, "CREATE TEMP TABLE {staging} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA;", names.join(", "), qualified(of));
    }
    for part in rows.chunks(ROWS_PER_INSERT) {
        let _ = writeln!(out, "INSERT INTO {staging} ({}) VALUES", names.join(", "));
        for (index, row) in part.iter().enumerate() {
            let cells: Vec<String> = staged.iter().map(|c| value(&row.values[*c], &columns[*c])).collect();
            let end = if index + 1 == part.len() { ";" } else { "," };
            let _ = writeln!(out, "  ({}){end}", cells.join(", "));
        }
    }
}

fn block(plan: &DeletePlan) -> String {
    let mut body = String::new();
    let out = &mut body;
    let _ = write!(
        out,
        "DECLARE\n    \
             apply_now boolean := coalesce(current_setting('unseed.apply', true), '') = {token};\n    \
             applied boolean := false;\n    \
             total bigint := 0;\n    present bigint := 0;\n    n bigint;\n    m bigint;\n    r record;\n    \
             run_no integer := 1;\n    started timestamptz;\n    \
             before_rows bigint[] := '{{}}';\n    found_rows bigint[] := '{{}}';\n    deleted_rows bigint[] := '{{}}';\n    \
             report json := '[]';\n    lines json[] := '{{}}';\n    \
             code text;\n    detail text := '';\n    found text;\n    outcome text;\n\
         BEGIN\n  \
           BEGIN\n",
        token = text(&plan.id.0)
    );
    target_guards(out, plan);
    catalogue_guards(out, plan);
    already_applied(out, plan);
    out.push_str("    IF NOT applied THEN\n");
    locks(out, plan);
    row_guards(out, plan);
    relation_guards(out, plan);
    protection_guards(out, plan);
    changes(out, plan);
    after_guards(out, plan);
    let total = plan.rows();
    let _ = write!(
        out,
        "      IF total <> {total} THEN\n        {}\n      END IF;\n",
        refuse("DS060", &format!("'deleted ' || total || ' rows in all, expected {total}'"))
    );
    out.push_str("      IF NOT apply_now THEN\n        RAISE EXCEPTION USING ERRCODE = 'UN002', MESSAGE = 'rehearsed';\n      END IF;\n    END IF;\n");
    let _ = write!(
        out,
        "    outcome := CASE WHEN applied THEN 'UNSEED ALREADY-APPLIED' ELSE 'UNSEED APPLIED ' || total END;\n  \
           EXCEPTION\n    \
             WHEN SQLSTATE 'UN002' THEN\n        outcome := 'UNSEED DRY-RUN-OK';\n    \
             WHEN OTHERS OR query_canceled THEN\n{}        outcome := 'UNSEED REFUSED ' || code;\n  \
           END;\n  \
           report := coalesce(array_to_json(lines), '[]'::json);\n  \
           PERFORM set_config('unseed.outcome', outcome, false), set_config('unseed.detail', detail, false), set_config('unseed.report', report::text, false);\n\
         END\n",
        error_codes()
    );
    do_block(&body)
}

fn target_guards(out: &mut String, plan: &DeletePlan) {
    let _ = writeln!(
        out,
        "    -- DS010: another run of a script of unseed\n    IF NOT pg_try_advisory_xact_lock({ADVISORY_KEY}, 0) THEN\n      {}\n    END IF;",
        refuse("DS010", "'another run is active; wait for it to end'")
    );
    let _ = writeln!(
        out,
        "    -- DS011: a replica\n    IF pg_is_in_recovery() THEN\n      {}\n    END IF;",
        refuse("DS011", "'this is a replica; run the script on the primary'")
    );
    if !plan.snapshot.database.is_empty() {
        let _ = writeln!(
            out,
            "    -- DS012: the wrong database\n    IF current_database() <> {} THEN\n      {}\n    END IF;",
            text(&plan.snapshot.database),
            refuse(
                "DS012",
                &format!("'this is database ' || current_database() || ', the snapshot is of ' || {}", text(&plan.snapshot.database))
            )
        );
    }
    let _ = writeln!(
        out,
        "    -- DS013: expired\n    IF clock_timestamp() > {0}::timestamptz THEN\n      {1}\n    END IF;",
        text(&Rfc3339(plan.expires_at).to_string()),
        refuse("DS013", &format!("'the plan expired at {}; review a new snapshot'", Rfc3339(plan.expires_at)))
    );
}

/// The list of a table's columns with their types, as rows of VALUES.
fn expected_columns(table: &PlanTable) -> String {
    let rows: Vec<String> = table
        .columns
        .iter()
        .map(|c| format!("({}, {})", text(&c.name), if c.type_text.is_empty() { "NULL".to_owned() } else { text(staged_type(c)) }))
        .collect();
    rows.join(", ")
}

fn catalogue_guards(out: &mut String, plan: &DeletePlan) {
    for table in &plan.tables {
        let target = text(&qualified(&table.name));
        let _ = writeln!(
            out,
            "    -- DS032, DS033: {shown} is not the table that was reviewed\n    \
             IF to_regclass({target}) IS NULL THEN\n      {gone}\n    END IF;\n    \
             IF (SELECT relkind FROM pg_class WHERE oid = to_regclass({target})) NOT IN ('r', 'p') THEN\n      {kind}\n    END IF;\n    \
             SELECT string_agg(coalesce(p.attname, e.column_name), ', ' ORDER BY coalesce(p.attname, e.column_name)) INTO found\n      \
             FROM (VALUES {columns}) AS e(column_name, type_name)\n      \
             FULL JOIN (SELECT attname, atttypid FROM pg_attribute WHERE attrelid = to_regclass({target}) AND attnum > 0 AND NOT attisdropped) AS p ON p.attname = e.column_name\n      \
             WHERE p.attname IS NULL OR e.column_name IS NULL OR (e.type_name IS NOT NULL AND to_regtype(e.type_name) IS DISTINCT FROM p.atttypid::regtype);\n    \
             IF found IS NOT NULL THEN\n      {changed}\n    END IF;",
            shown = comment(&table.name.to_string()),
            gone = refuse("DS032", &format!("'there is no table ' || {target}")),
            kind = refuse("DS033", &format!("{target} || ' is no ordinary table'")),
            columns = expected_columns(table),
            changed = refuse(
                "DS032",
                &format!("{target} || ' has other columns or types than the snapshot: ' || found || '; take a new snapshot'")
            ),
        );
    }
    let planned: Vec<String> = plan.tables.iter().map(|t| format!("to_regclass({})", text(&qualified(&t.name)))).collect();
    let planned = planned.join(", ");
    let known: Vec<String> = plan.relations.iter().map(known_relation).collect();
    let known =
        if known.is_empty() { "(NULL::regclass, NULL::text, NULL::regclass, NULL::text)".to_owned() } else { known.join(",\n        ") };
    let _ = writeln!(
        out,
        "    -- DS030: a foreign key that the snapshot does not know: its rows were not reviewed\n    \
         FOR r IN\n      \
           SELECT c.conname, c.conrelid::regclass AS child, c.confrelid::regclass AS parent, c.confdeltype,\n             \
             (SELECT string_agg(a.attname, ',' ORDER BY k.place) FROM unnest(c.conkey) WITH ORDINALITY AS k(number, place)\n              \
               JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.number) AS columns\n      \
           FROM pg_constraint AS c WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid IN ({planned})\n    \
         LOOP\n      \
           IF NOT EXISTS (SELECT 1 FROM (VALUES\n        {known}\n      ) AS k(child, columns, parent, action)\n        \
             WHERE k.child = r.child AND k.columns = r.columns AND k.parent = r.parent AND (k.action IS NULL OR k.action = r.confdeltype::text)) THEN\n        \
             {refusal}\n      \
           END IF;\n    \
         END LOOP;",
        refusal = refuse(
            "DS030",
            "'foreign key ' || r.conname || ' of ' || r.child || ' is not in the snapshot; its rows were not reviewed: take a new snapshot'"
        ),
    );
    let hooks: Vec<String> = plan
        .tables
        .iter()
        .flat_map(|t| {
            t.hooks.iter().map(move |h| format!("(to_regclass({}), {}, {})", text(&qualified(&t.name)), text(&h.kind), text(&h.name)))
        })
        .collect();
    let hooks = if hooks.is_empty() { "(NULL::regclass, NULL::text, NULL::text)".to_owned() } else { hooks.join(", ") };
    let _ = writeln!(
        out,
        "    -- DS031: a trigger, rule or row security that the snapshot does not know\n    \
         FOR r IN\n      \
           SELECT 'trigger' AS kind, t.tgname::text AS name, t.tgrelid::regclass AS relation FROM pg_trigger AS t\n        \
             WHERE NOT t.tgisinternal AND (t.tgtype & 8) <> 0 AND t.tgenabled <> 'D' AND t.tgrelid IN ({planned})\n      \
           UNION ALL SELECT 'rule', w.rulename::text, w.ev_class::regclass FROM pg_rewrite AS w WHERE w.ev_type = '4' AND w.ev_class IN ({planned})\n      \
           UNION ALL SELECT 'policy', coalesce(p.polname::text, 'row level security'), c.oid::regclass FROM pg_class AS c\n        \
             LEFT JOIN pg_policy AS p ON p.polrelid = c.oid WHERE c.relrowsecurity AND c.oid IN ({planned})\n      \
           ORDER BY 1, 2\n    \
         LOOP\n      \
           IF NOT EXISTS (SELECT 1 FROM (VALUES {hooks}) AS k(relation, kind, name) WHERE k.relation = r.relation AND k.kind = r.kind AND k.name = r.name) THEN\n        \
             {refusal}\n      \
           END IF;\n    \
         END LOOP;",
        refusal = refuse(
            "DS031",
            "r.kind || ' ' || r.name || ' of ' || r.relation || ' is not in the snapshot; see what it does on delete, then take a new snapshot'"
        ),
    );
}

fn known_relation(relation: &PlanRelation) -> String {
    let action = match relation.on_delete {
        crate::model::OnDelete::NoAction => "a",
        crate::model::OnDelete::Restrict => "r",
        crate::model::OnDelete::Cascade => "c",
        crate::model::OnDelete::SetNull => "n",
        crate::model::OnDelete::SetDefault => "d",
    };
    // A relation that no DDL declares may have any action: its rows are all listed, whatever it is.
    let action = if relation.declared { format!("'{action}'") } else { "NULL".to_owned() };
    format!(
        "(to_regclass({}), {}, to_regclass({}), {action}::text)",
        text(&qualified(&relation.child)),
        text(&relation.child_columns.join(",")),
        text(&qualified(&relation.parent))
    )
}

fn already_applied(out: &mut String, plan: &DeletePlan) {
    let ledger_name = ledger(plan);
    let _ = writeln!(
        out,
        "    -- Was it applied already? The ledger tells; its last event counts.\n    \
         IF to_regclass({ledger_text}) IS NOT NULL THEN\n      \
           EXECUTE 'SELECT max(run), (array_agg(event ORDER BY run DESC))[1] = ''apply'' FROM {ledger_inner} WHERE plan_id = $1' INTO n, applied USING {id};\n      \
           run_no := coalesce(n, 0) + 1;\n      \
           applied := coalesce(applied, false);\n    \
         END IF;",
        ledger_text = text(&ledger_name),
        ledger_inner = ledger_name.replace('\'', "''"),
        id = text(&plan.id.0),
    );
    out.push_str("    IF applied THEN\n      present := 0;\n");
    for (index, table) in plan.tables.iter().enumerate() {
        let _ = writeln!(
            out,
            "      SELECT count(*) INTO n FROM {} AS p JOIN {} AS t ON {};\n      present := present + n;",
            staging(index),
            qualified(&table.name),
            on_key(table, "t", "p")
        );
    }
    let _ = writeln!(
        out,
        "      IF present > 0 THEN\n        {}\n      END IF;\n    END IF;",
        refuse(
            "DS061",
            &format!(
                "present || ' of {} rows are there although the plan was applied; somebody restored rows or reused keys'",
                plan.rows()
            )
        )
    );
}

fn locks(out: &mut String, plan: &DeletePlan) {
    out.push_str("      -- Locks, parents first, in key order: from here on nobody can refer to these rows or change them.\n");
    for (index, table) in plan.tables.iter().enumerate().rev() {
        let order: Vec<String> = keys(table).iter().map(|k| format!("t.{k}")).collect();
        let _ = writeln!(
            out,
            "      SELECT count(*) INTO n FROM (SELECT 1 FROM {} AS t JOIN {} AS p ON {} ORDER BY {} FOR UPDATE OF t) AS locked;\n      found_rows := n || found_rows;",
            qualified(&table.name),
            staging(index),
            on_key(table, "t", "p"),
            order.join(", ")
        );
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        let on =
            touch.key.iter().map(|c| name(&touch.columns[*c].name)).map(|k| format!("t.{k} = p.{k}")).collect::<Vec<_>>().join(" AND ");
        let _ = writeln!(
            out,
            "      PERFORM 1 FROM {} AS t JOIN {} AS p ON {on} FOR UPDATE OF t;",
            qualified(&touch.name),
            touched_staging(index)
        );
    }
}

fn row_guards(out: &mut String, plan: &DeletePlan) {
    for (index, table) in plan.tables.iter().enumerate() {
        let (target, shown, count) = (qualified(&table.name), text(&table.name.to_string()), table.rows.len());
        let others: Vec<String> = table.reviewed.iter().filter(|c| !table.key.contains(c)).map(|c| name(&table.columns[*c].name)).collect();
        let _ = writeln!(
            out,
            "      -- DS021: {label}: every reviewed row is still there\n      IF found_rows[{place}] <> {count} THEN\n        {gone}\n      END IF;",
            label = comment(&table.name.to_string()),
            place = index + 1,
            gone = refuse(
                "DS021",
                &format!("{shown} || ': only ' || found_rows[{}] || ' of {count} planned rows are there; take a new snapshot'", index + 1)
            ),
        );
        if others.len() >= 2 {
            let all: Vec<String> =
                others.iter().map(|c| format!("t.{c}::text COLLATE \"C\" IS DISTINCT FROM p.{c}::text COLLATE \"C\"")).collect();
            let _ = writeln!(
                out,
                "      -- DS022: {label}: a key that now names another row\n      SELECT count(*) INTO n FROM {staged} AS p JOIN {target} AS t ON {on}\n        WHERE {all};\n      IF n > 0 THEN\n        {reused}\n      END IF;",
                label = comment(&table.name.to_string()),
                staged = staging(index),
                on = on_key(table, "t", "p"),
                all = all.join("\n          AND "),
                reused = refuse("DS022", &format!("{shown} || ': ' || n || ' keys now name other rows; take a new snapshot'")),
            );
        }
        if let Some(taken_at) = plan.snapshot.taken_at.micros().filter(|_| !table.activity.is_empty()) {
            let since: Vec<String> = table
                .activity
                .iter()
                .map(|c| name(&table.columns[*c].name))
                .map(|c| format!("(t.{c}::text COLLATE \"C\" IS DISTINCT FROM p.{c}::text COLLATE \"C\" AND t.{c} IS NOT NULL)"))
                .collect();
            let _ = writeln!(
                out,
                "      -- DS041: {label}: activity since the snapshot of {taken}\n      SELECT count(*) INTO n FROM {staged} AS p JOIN {target} AS t ON {on}\n        WHERE {since};\n      IF n > 0 THEN\n        {active}\n      END IF;",
                label = comment(&table.name.to_string()),
                taken = Rfc3339(taken_at),
                staged = staging(index),
                on = on_key(table, "t", "p"),
                since = since.join("\n          OR "),
                active = refuse(
                    "DS041",
                    &format!(
                        "{shown} || ': ' || n || ' planned rows were active since the snapshot; somebody may use them: take a new snapshot'"
                    )
                ),
            );
        }
        let _ = writeln!(
            out,
            "      -- DS020: {label}: no reviewed value has changed\n      SELECT count(*), min(concat_ws(',', {key})) INTO n, found FROM {staged} AS p JOIN {target} AS t ON {on}\n        WHERE {differs};\n      IF n > 0 THEN\n        {changed}\n      END IF;",
            label = comment(&table.name.to_string()),
            key = keys(table).iter().map(|k| format!("p.{k}")).collect::<Vec<_>>().join(", "),
            staged = staging(index),
            on = on_key(table, "t", "p"),
            differs = differs(table, "t", "p"),
            changed = refuse(
                "DS020",
                &format!(
                    "{shown} || ': ' || n || ' planned rows have changed since review, the first with key ' || found || '; take a new snapshot'"
                )
            ),
        );
    }
}

fn relation_guards(out: &mut String, plan: &DeletePlan) {
    for relation in &plan.relations {
        let Some(parent) = plan.tables.iter().position(|t| t.name == relation.parent) else { continue };
        let on: Vec<String> =
            relation.child_columns.iter().zip(&relation.parent_columns).map(|(c, p)| format!("c.{} = p.{}", name(c), name(p))).collect();
        let mut known = Vec::new();
        if let Some(child) = plan.tables.iter().position(|t| t.name == relation.child) {
            known.push(format!("NOT EXISTS (SELECT 1 FROM {} AS q WHERE {})", staging(child), on_key(&plan.tables[child], "c", "q")));
        }
        for (index, touch) in plan.touched.iter().enumerate().filter(|(_, t)| t.name == relation.child) {
            let names: Vec<String> = touch.set_null.iter().map(|c| touch.columns[*c].name.clone()).collect();
            if names == relation.child_columns {
                let same = touch
                    .key
                    .iter()
                    .map(|c| name(&touch.columns[*c].name))
                    .map(|k| format!("c.{k} = q.{k}"))
                    .collect::<Vec<_>>()
                    .join(" AND ");
                known.push(format!("NOT EXISTS (SELECT 1 FROM {} AS q WHERE {same})", touched_staging(index)));
            }
        }
        let known = if known.is_empty() { String::new() } else { format!("\n          AND {}", known.join("\n          AND ")) };
        let _ = writeln!(
            out,
            "      -- DS040: {child} ({columns}) -> {parent}: no new row refers to a planned one\n      \
             IF to_regclass({target}) IS NULL THEN\n        {missing}\n      END IF;\n      \
             SELECT count(*) INTO n FROM {table} AS c JOIN {staged} AS p ON {on}\n        WHERE true{known};\n      \
             IF n > 0 THEN\n        {new}\n      END IF;",
            child = comment(&relation.child.to_string()),
            columns = comment(&relation.child_columns.join(", ")),
            parent = comment(&relation.parent.to_string()),
            target = text(&qualified(&relation.child)),
            missing = refuse("DS032", &format!("'there is no table ' || {}", text(&relation.child.to_string()))),
            table = qualified(&relation.child),
            staged = staging(parent),
            on = on.join(" AND "),
            new = refuse(
                "DS040",
                &format!(
                    "{} || ': ' || n || ' rows refer to planned rows and were not reviewed; somebody may use them: take a new snapshot'",
                    text(&relation.child.to_string())
                )
            ),
        );
    }
}

fn protection_guards(out: &mut String, plan: &DeletePlan) {
    for protection in &plan.protected {
        match protection {
            PlanProtection::Privilege { table, column, values, .. } => {
                let Some(index) = plan.tables.iter().position(|t| t.name == *table) else { continue };
                let list: Vec<String> = values.iter().map(|v| text(v)).collect();
                let _ = writeln!(
                    out,
                    "      -- DS050: {label}: no privileged account\n      SELECT count(*) INTO n FROM {target} AS t JOIN {staged} AS p ON {on}\n        WHERE lower(t.{column}::text) IN ({list});\n      IF n > 0 THEN\n        {refusal}\n      END IF;",
                    label = comment(&table.to_string()),
                    target = qualified(table),
                    staged = staging(index),
                    on = on_key(&plan.tables[index], "t", "p"),
                    column = name(column),
                    list = list.join(", "),
                    refusal =
                        refuse("DS050", &format!("{} || ': ' || n || ' planned rows are privileged accounts'", text(&table.to_string()))),
                );
            }
            PlanProtection::Keys { table, columns, keys, reason } => {
                let Some(index) = plan.tables.iter().position(|t| t.name == *table) else { continue };
                let rows: Vec<String> =
                    keys.iter().map(|k| format!("({})", k.iter().map(|part| text(part)).collect::<Vec<_>>().join(", "))).collect();
                let parts: Vec<String> = (1..=columns.len()).map(|i| format!("k{i}")).collect();
                let on: Vec<String> = columns.iter().zip(&parts).map(|(c, k)| format!("p.{}::text = k.{k}", name(c))).collect();
                let _ = writeln!(
                    out,
                    "      -- DS050: {label}: {reason}\n      SELECT count(*) INTO n FROM {staged} AS p JOIN (VALUES {rows}) AS k({parts}) ON {on};\n      IF n > 0 THEN\n        {refusal}\n      END IF;",
                    label = comment(&table.to_string()),
                    reason = comment(reason),
                    staged = staging(index),
                    rows = rows.join(", "),
                    parts = parts.join(", "),
                    on = on.join(" AND "),
                    refusal = refuse("DS050", &format!("{} || ': ' || n || ' planned rows are protected'", text(&table.to_string()))),
                );
            }
        }
    }
}

fn changes(out: &mut String, plan: &DeletePlan) {
    let schema = name(&left_schema(plan));
    let columns = "plan_id text, run integer, event text, schema_name text, table_name text, archive_table text, rows_before bigint, rows_changed bigint, rows_after bigint, archived bigint, started_at timestamptz, ended_at timestamptz, database_user text";
    debug_assert!(LEDGER_COLUMNS.iter().all(|c| columns.contains(c)));
    let _ = writeln!(
        out,
        "      -- Archive and ledger; a rehearsal undoes these too.\n      started := clock_timestamp();\n      CREATE SCHEMA IF NOT EXISTS {schema};\n      CREATE TABLE IF NOT EXISTS {ledger} ({columns});",
        ledger = ledger(plan)
    );
    for table in &plan.tables {
        let _ = writeln!(
            out,
            "      CREATE TABLE IF NOT EXISTS {} AS SELECT * FROM {} WITH NO DATA;",
            archive(plan, &table.name),
            qualified(&table.name)
        );
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        touch_step(out, plan, index, touch);
    }
    for index in 0..plan.tables.len() {
        if plan.cycles.iter().any(|c| c.contains(&index) && c[0] != index) {
            continue;
        }
        let group = plan.cycles.iter().find(|c| c.contains(&index)).cloned().unwrap_or_else(|| vec![index]);
        delete_step(out, plan, &group);
    }
}

/// Sets references of surviving rows to NULL; their old values are archived.
fn touch_step(out: &mut String, plan: &DeletePlan, index: usize, touch: &PlanTouch) {
    let table = qualified(&touch.name);
    let staged = touched_staging(index);
    let set: Vec<String> = touch.set_null.iter().map(|c| format!("{} = NULL", name(&touch.columns[*c].name))).collect();
    let on: Vec<String> = touched_columns(touch)
        .into_iter()
        .map(|c| name(&touch.columns[c].name))
        .map(|c| format!("t.{c}::text COLLATE \"C\" IS NOT DISTINCT FROM p.{c}::text COLLATE \"C\""))
        .collect();
    let key: Vec<String> = touch.key.iter().map(|c| name(&touch.columns[*c].name)).map(|k| format!("t.{k} = p.{k}")).collect();
    let _ = writeln!(
        out,
        "      -- {label}: {count} surviving rows lose their reference\n      \
         CREATE TABLE IF NOT EXISTS {archived} AS SELECT * FROM {staged} WITH NO DATA;\n      INSERT INTO {archived} SELECT * FROM {staged};\n      \
         UPDATE {table} AS t SET {set} FROM {staged} AS p WHERE {key} AND {on};\n      GET DIAGNOSTICS n = ROW_COUNT;\n      \
         IF n <> {count} THEN\n        {wrong}\n      END IF;",
        label = comment(&touch.name.to_string()),
        count = touch.rows.len(),
        archived = touched_archive(plan, index),
        set = set.join(", "),
        key = key.join(" AND "),
        on = on.join(" AND "),
        wrong = refuse(
            "DS060",
            &format!("{} || ': ' || n || ' references set to NULL, expected {}'", text(&touch.name.to_string()), touch.rows.len())
        ),
    );
}

/// Returns the quoted name of the table that keeps a touched table's old references.
pub(super) fn touched_archive(plan: &DeletePlan, index: usize) -> String {
    qualified(&QualifiedName::new(left_schema(plan), format!("unseed_touched_{index}")))
}

/// Deletes the rows of one table, or of the tables of a circle in one statement.
fn delete_step(out: &mut String, plan: &DeletePlan, group: &[usize]) {
    for index in group {
        let table = &plan.tables[*index];
        let _ = writeln!(
            out,
            "      -- {}\n      SELECT count(*) INTO n FROM {};\n      before_rows := before_rows || n;",
            comment(&table.name.to_string()),
            qualified(&table.name)
        );
    }
    let mut parts = Vec::new();
    let mut counts = Vec::new();
    for index in group {
        let table = &plan.tables[*index];
        let same: Vec<String> = table
            .reviewed
            .iter()
            .filter(|c| !table.key.contains(c))
            .map(|c| name(&table.columns[*c].name))
            .map(|c| format!("t.{c}::text COLLATE \"C\" IS NOT DISTINCT FROM p.{c}::text COLLATE \"C\""))
            .collect();
        let same = if same.is_empty() { String::new() } else { format!("\n          AND {}", same.join("\n          AND ")) };
        parts.push(format!(
            "d{index} AS (\n        DELETE FROM {table} AS t USING {staged} AS p WHERE {on}{same}\n        RETURNING t.*),\n      a{index} AS (INSERT INTO {archive} SELECT * FROM d{index} RETURNING 1)",
            table = qualified(&table.name),
            staged = staging(*index),
            on = on_key(table, "t", "p"),
            archive = archive(plan, &table.name),
        ));
        counts.push(format!("(SELECT count(*) FROM a{index})"));
    }
    let _ = writeln!(out, "      WITH {}\n      SELECT ARRAY[{}] INTO r;", parts.join(",\n      "), counts.join(", "));
    for (place, index) in group.iter().enumerate() {
        let table = &plan.tables[*index];
        let count = table.rows.len();
        let _ = writeln!(
            out,
            "      n := r.array[{at}];\n      \
             IF n <> {count} THEN\n        {wrong}\n      END IF;\n      total := total + n;\n      \
             SELECT count(*) INTO m FROM {target};\n      \
             IF m <> before_rows[{slot}] - n THEN\n        {other}\n      END IF;\n      \
             lines := lines || json_build_object('table', {shown}, 'planned', {count}, 'found', found_rows[{slot}], 'deleted', n, 'rows_before', before_rows[{slot}], 'rows_after', m,\n        \
             'ms', round((extract(epoch FROM clock_timestamp() - started) * 1000)::numeric, 1));\n      \
             INSERT INTO {ledger} VALUES ({id}, run_no, 'apply', {schema_text}, {name_text}, {archive_text}, before_rows[{slot}], n, m, n, started, clock_timestamp(), session_user);",
            at = place + 1,
            slot = index + 1,
            wrong = refuse("DS060", &format!("{} || ': deleted ' || n || ' rows, expected {count}'", text(&table.name.to_string()))),
            target = qualified(&table.name),
            other = refuse(
                "DS060",
                &format!("{} || ': ' || m || ' rows remain, expected ' || before_rows[{}] - n", text(&table.name.to_string()), index + 1)
            ),
            shown = text(&table.name.to_string()),
            ledger = ledger(plan),
            id = text(&plan.id.0),
            schema_text = text(&table.name.schema),
            name_text = text(&table.name.name),
            archive_text = text(&super::archive_name(plan, &table.name)),
        );
    }
}

fn after_guards(out: &mut String, plan: &DeletePlan) {
    for protection in &plan.protected {
        let PlanProtection::Privilege { table, column, values, keep_one: true } = protection else { continue };
        let list: Vec<String> = values.iter().map(|v| text(v)).collect();
        let _ = writeln!(
            out,
            "      -- DS051: at least one privileged account remains\n      IF NOT EXISTS (SELECT 1 FROM {} WHERE lower({}::text) IN ({})) THEN\n        {}\n      END IF;",
            qualified(table),
            name(column),
            list.join(", "),
            refuse("DS051", &format!("{} || ': no privileged account would remain'", text(&table.to_string())))
        );
    }
    for relation in plan.relations.iter().filter(|r| !r.declared) {
        let Some(parent) = plan.tables.iter().position(|t| t.name == relation.parent) else { continue };
        let on: Vec<String> =
            relation.child_columns.iter().zip(&relation.parent_columns).map(|(c, p)| format!("c.{} = p.{}", name(c), name(p))).collect();
        let _ = writeln!(
            out,
            "      -- DS040 again, where no foreign key stops new rows\n      IF EXISTS (SELECT 1 FROM {} AS c JOIN {} AS p ON {}) THEN\n        {}\n      END IF;",
            qualified(&relation.child),
            staging(parent),
            on.join(" AND "),
            refuse(
                "DS040",
                &format!(
                    "{} || ': a row that refers to a planned one was inserted while the script ran'",
                    text(&relation.child.to_string())
                )
            )
        );
    }
}

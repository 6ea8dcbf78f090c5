//! `undo.sql`: puts the archived rows back, parents first, and restores references that were set to NULL.

use super::delete::untouched;
use super::gate::{Gate, ending, opening};
use super::ledger::{done, record, reported};
use super::literal::{name, table as qualified, text};
use super::stage::write_rows;
use super::{Mysql, archive, guards, ledger, names, of, on_key, on_touched, prefix, staging, touched_archive_name};
use crate::dialect::{Dialect as _, comment, header};
use crate::model::plan::{ARCHIVE_NUMBER, DeletePlan, PlanTable, PlanTouch};

/// Renders the script.
pub(super) fn script(plan: &DeletePlan, dialect: &Mysql) -> String {
    let left = prefix(plan);
    let client = dialect.client();
    let mut out = format!(
        "-- Undo script of unseed {}, plan {}\n\
         -- Puts back what delete.sql archived in tables {left}.., batch or not, and empties the archive.\n\
         -- Rehearse:  {}\n\
         -- Undo:      {}\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, UNDONE n, ALREADY-UNDONE or REFUSED DSnnn (a refusal changes nothing).\n\
         -- Triggers on insert fire as for any row. Where prevent.sql was run, run prevent-undo.sql first. An undo has no expiry.\n\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        header::command(client.rehearse, plan, "undo.sql", &left),
        header::command(client.apply, plan, "undo.sql", &left),
    );
    out.push_str(&opening(plan));
    let mut gate = Gate::begin();
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| is_ordered(t)) {
        let keys = names(&table.columns, &table.key).join(", ");
        gate.temp(
            &staging(index),
            &format!("unseed_level BIGINT NOT NULL DEFAULT 0, unseed_opens BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ({keys})"),
            &format!(" AS SELECT {keys} FROM {} WHERE FALSE", qualified(&table.name)),
        );
    }
    let id = text(&plan.id.0);
    done(&mut gate, plan, "0");
    gate.push("SET @unseed_since = IF(@unseed_ledger = 0, 0, NULL), @unseed_applies = IF(@unseed_ledger = 0, 0, NULL);\n");
    gate.only_if(
        "@unseed_ledger = 1",
        &format!("SELECT COALESCE(MAX(run), 0) INTO @unseed_since FROM {} WHERE plan_id = {id} AND event = 'undo'", ledger(plan)),
    );
    gate.only_if(
        "@unseed_ledger = 1",
        &format!(
            "SELECT COUNT(*) INTO @unseed_applies FROM {} WHERE plan_id = {id} AND event = 'apply' AND run > @unseed_since",
            ledger(plan)
        ),
    );
    gate.push("SET @unseed_done = (@unseed_applies = 0 AND @unseed_since > 0);\nCOMMIT;\nSTART TRANSACTION;\n");
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| is_ordered(t)) {
        write_rows(
            &mut gate,
            &staging(index),
            &table.columns,
            &table.key,
            &[("unseed_level", |_, row| row.level.to_string()), ("unseed_opens", |_, row| row.opens.to_string())],
            &table.rows,
            false,
        );
    }
    guards::place(&mut gate, plan, false);
    guards::rights(&mut gate, plan, &["INSERT", "UPDATE"], &["SELECT", "INSERT", "DELETE", "CREATE TEMPORARY TABLES"]);
    gate.guard(
        "DS061",
        "the plan was applied here",
        "SELECT @unseed_applies = 0 AND @unseed_since = 0 AS n",
        "time: the plan was never applied here, there is nothing to undo",
        true,
    );
    for table in &plan.tables {
        whole_and_free(&mut gate, plan, table);
    }
    gate.open();
    for group in plan.groups().iter().rev() {
        for index in group {
            let table = &plan.tables[*index];
            begin_restore(&mut gate, *index, table, &format!("(SELECT COUNT(*) FROM {})", archive(plan, &table.name)));
        }
        let levels = group.iter().map(|i| plan.tables[*i].levels()).max().unwrap_or(1).max(1);
        for level in (0..levels).rev() {
            for index in group {
                let table = &plan.tables[*index];
                let from = archive(plan, &table.name);
                if !is_ordered(table) {
                    if level == 0 {
                        let order =
                            if table.key.is_empty() { format!("a.{ARCHIVE_NUMBER}") } else { of("a", &names(&table.columns, &table.key)) };
                        insert(
                            &mut gate,
                            *index,
                            table,
                            &of("a", &names(&table.columns, &table.stored())),
                            &format!("{from} AS a"),
                            &format!(" ORDER BY {order}"),
                        );
                    }
                    continue;
                }
                if table.rows.iter().all(|r| r.level != level) {
                    continue;
                }
                let joined = format!("{} AS p STRAIGHT_JOIN {from} AS a ON {}", staging(*index), on_key(table, "a", "p"));
                insert(&mut gate, *index, table, &opened_columns(table, "a"), &joined, &format!(" WHERE p.unseed_level = {level}"));
            }
        }
        for index in group {
            let table = &plan.tables[*index];
            close_circles(&mut gate, *index, table, &archive(plan, &table.name));
            end_restore(&mut gate, *index, table);
        }
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        refer_again(&mut gate, touch, &name(&touched_archive_name(plan, index)));
    }
    let archives = plan.tables.iter().map(|t| archive(plan, &t.name));
    let touched = (0..plan.touched.len()).map(|i| name(&touched_archive_name(plan, i)));
    for place in archives.chain(touched) {
        gate.push(&format!("DELETE FROM {place} WHERE {};\n", gate.condition()));
        let count = format!("SELECT COUNT(*) * @unseed_open AS n FROM {place}");
        gate.guard("DS060", "the archive is empty", &count, "rows are left in an archive", false);
    }
    record(&mut gate, plan, "undo", 0, false);
    out.push_str(&gate.end(plan, &ledger(plan), "undo"));
    out.push_str(&ending("UNDONE", "ALREADY-UNDONE", 1));
    out
}

/// Says whether rows of a table refer to each other, so that they are put back in steps.
pub(super) fn is_ordered(table: &PlanTable) -> bool {
    table.levels() > 1 || !table.opens.is_empty()
}

/// Lists the stored columns, references within circles as NULL where the row's are opened.
pub(super) fn opened_columns(table: &PlanTable, alias: &str) -> String {
    let column = |c: usize| {
        let own = format!("{alias}.{}", name(&table.columns[c].name));
        let bits: u32 = table.opens.iter().enumerate().filter(|(_, columns)| columns.contains(&c)).map(|(bit, _)| 1 << bit).sum();
        if bits == 0 { own } else { format!("IF(p.unseed_opens & {bits} <> 0, NULL, {own})") }
    };
    table.stored().into_iter().map(column).collect::<Vec<_>>().join(", ")
}

/// DS061, DS070: the archive is whole, and no key is taken.
fn whole_and_free(gate: &mut Gate, plan: &DeletePlan, table: &PlanTable) {
    let archived = archive(plan, &table.name);
    let count = format!(
        "SELECT ABS((SELECT COUNT(*) FROM {archived}) - COALESCE((SELECT SUM(archived) FROM {} WHERE plan_id = {} AND event = 'apply' AND run > @unseed_since AND table_name = {}), 0)) AS n",
        ledger(plan),
        text(&plan.id.0),
        text(&table.name.name)
    );
    gate.guard(
        "DS061",
        &format!("{}: the archive is whole", table.name),
        &count,
        &format!("rows of {} are not in the archive as the ledger says; undo-offline.sql restores from the snapshot", table.name),
        false,
    );
    if !table.key.is_empty() {
        let count = format!(
            "SELECT COUNT(*) AS n FROM {archived} AS a STRAIGHT_JOIN {} AS t ON {}",
            qualified(&table.name),
            on_key(table, "t", "a")
        );
        gate.guard(
            "DS070",
            &format!("{}: no key is taken", table.name),
            &count,
            &format!("keys of {} are taken by other rows", table.name),
            false,
        );
    }
}

/// Notes what a table holds before its rows come back.
pub(super) fn begin_restore(gate: &mut Gate, index: usize, table: &PlanTable, wanted: &str) {
    gate.push(&format!(
        "-- {}\nSET @unseed_wanted_{index} = {wanted}, @unseed_back_{index} = 0;\n\
         INSERT INTO unseed_report SELECT {index}, 0, {}, @unseed_wanted_{index}, 0, (SELECT COUNT(*) FROM {}), 0;\n",
        comment(&table.name.to_string()),
        text(&table.name.to_string()),
        qualified(&table.name)
    ));
}

/// Puts rows back.
pub(super) fn insert(gate: &mut Gate, index: usize, table: &PlanTable, values: &str, from: &str, end: &str) {
    let columns = names(&table.columns, &table.stored()).join(", ");
    gate.push(&format!(
        "INSERT INTO {} ({columns}) SELECT {values} FROM {from} {}{end};\nSET @unseed_n = ROW_COUNT();\nSET @unseed_back_{index} = @unseed_back_{index} + @unseed_n;\n",
        qualified(&table.name),
        gate.joined(),
    ));
}

/// Restores references within circles; `from` holds the rows as they were.
pub(super) fn close_circles(gate: &mut Gate, index: usize, table: &PlanTable, from: &str) {
    for (bit, columns) in table.opens.iter().enumerate() {
        let same = from == staging(index);
        let joined = if same {
            format!("{from} AS p STRAIGHT_JOIN {} AS t ON {}", qualified(&table.name), on_key(table, "t", "p"))
        } else {
            format!(
                "{} AS p STRAIGHT_JOIN {from} AS a ON {} STRAIGHT_JOIN {} AS t ON {}",
                staging(index),
                on_key(table, "a", "p"),
                qualified(&table.name),
                on_key(table, "t", "p")
            )
        };
        let source = if same { "p" } else { "a" };
        let mut set: Vec<String> = names(&table.columns, columns).into_iter().map(|c| format!("t.{c} = {source}.{c}")).collect();
        set.extend(untouched(&table.columns, columns));
        gate.push(&format!("UPDATE {joined} {} SET {} WHERE p.unseed_opens & {} <> 0;\n", gate.joined(), set.join(", "), 1_u32 << bit));
    }
}

/// DS070: all rows are back; a unique value that is taken made a statement fail.
pub(super) fn end_restore(gate: &mut Gate, index: usize, table: &PlanTable) {
    gate.push(&format!(
        "UPDATE unseed_report SET changed = @unseed_back_{index}, rows_after = (SELECT COUNT(*) FROM {}) WHERE no = {index};\n",
        qualified(&table.name)
    ));
    let count = reported(index, &format!("@unseed_back_{index}"));
    gate.guard(
        "DS070",
        &format!("{}: all rows are back", table.name),
        &count,
        &format!("rows of {} could not be put back: a unique value is taken by now", table.name),
        false,
    );
}

/// Restores the references of surviving rows from a place that holds their keys and old values.
pub(super) fn refer_again(gate: &mut Gate, touch: &PlanTouch, place: &str) {
    let mut set: Vec<String> = names(&touch.columns, &touch.set_null).into_iter().map(|c| format!("t.{c} = a.{c}")).collect();
    set.extend(untouched(&touch.columns, &touch.set_null));
    let null: Vec<String> = names(&touch.columns, &touch.set_null).into_iter().map(|c| format!("t.{c} IS NULL")).collect();
    gate.push(&format!(
        "-- {}: references\nSET @unseed_wanted = (SELECT COUNT(*) FROM {place});\nUPDATE {place} AS a STRAIGHT_JOIN {} AS t ON {} {} SET {} WHERE {};\nSET @unseed_n = ROW_COUNT();\n",
        comment(&touch.name.to_string()),
        qualified(&touch.name),
        on_touched(touch, "t", "a"),
        gate.joined(),
        set.join(", "),
        null.join(" AND "),
    ));
    gate.guard(
        "DS060",
        &format!("{}: all references are back", touch.name),
        "SELECT ABS(@unseed_n - @unseed_wanted) AS n",
        &format!("references of {} could not be restored; the rows are gone or refer elsewhere by now", touch.name),
        false,
    );
}

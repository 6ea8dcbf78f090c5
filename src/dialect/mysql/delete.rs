//! `delete.sql`: stage, lock, check, archive, delete, count; one transaction (or one a batch), committed only
//! where the token is set and every guard holds.

use std::fmt::Write as _;

use super::gate::{Gate, ending, opening};
use super::guards::{self, differs};
use super::ledger::{containers, done, drop_made, forget_made, record, reported};
use super::literal::{name, table as qualified, text};
use super::stage::{make_staging, stage, write_rows};
use super::{Mysql, archive, ledger, names, of, on_touched, prefix, staging, touched_archive_name, touched_staging};
use crate::dialect::{Dialect as _, comment, header, touch_extras};
use crate::model::Column;
use crate::model::plan::{DeletePlan, PlanTable, PlanTouch};

/// Renders the script.
pub(super) fn script(plan: &DeletePlan, dialect: &Mysql) -> String {
    let parts = plan.parts();
    let mut out = header::delete(plan, dialect.client(), &format!("tables {}..", prefix(plan)), dialect.proof());
    out.push_str(&opening(plan));
    out.push_str(&forget_made(plan));
    for part in &parts {
        if part.part.1 > 1 {
            let _ = writeln!(out, "\n-- Batch {} of {}: {} rows", part.part.0, part.part.1, part.rows());
        }
        out.push_str(&transaction(part));
    }
    out.push_str(&drop_made(plan));
    out.push_str(&ending("APPLIED", "ALREADY-APPLIED", parts.len() as u32));
    out
}

fn transaction(plan: &DeletePlan) -> String {
    let mut gate = Gate::begin();
    for (index, table) in plan.tables.iter().enumerate() {
        make_staging(&mut gate, plan, index, table);
    }
    for (index, touch) in plan.touched_tables() {
        let extra = if plan.skips() { "unseed_cluster INT NOT NULL DEFAULT 0, " } else { "" };
        let columns = names(&touch.columns, &touch.staged_columns());
        let keys = names(&touch.columns, &touch.key).join(", ");
        gate.temp(
            &touched_staging(index),
            &format!("{extra}PRIMARY KEY ({keys})"),
            &format!(" AS SELECT {} FROM {} WHERE FALSE", columns.join(", "), qualified(&touch.name)),
        );
    }
    if plan.skips() {
        gate.temp(
            "unseed_drift",
            "no INT NOT NULL AUTO_INCREMENT PRIMARY KEY, cluster INT, code CHAR(5), tbl VARCHAR(200), row_key VARCHAR(200)",
            "",
        );
    }
    containers(&mut gate, plan);
    done(
        &mut gate,
        plan,
        &format!(
            "COALESCE((SELECT event = 'apply' FROM {} WHERE plan_id = {} AND batch IN (0, {}) ORDER BY run DESC LIMIT 1), 0)",
            ledger(plan),
            text(&plan.id.0),
            plan.part.0
        ),
    );
    gate.push("COMMIT;\nSTART TRANSACTION;\n\n-- 1. The plan: every row by key, with the values that were reviewed.\n");
    for (index, table) in plan.tables.iter().enumerate() {
        let _ = writeln!(gate.sql, "\n-- {}: {} rows", comment(&table.name.to_string()), table.count());
        stage(&mut gate, plan, index, table);
    }
    for (index, touch) in plan.touched_tables() {
        let _ = writeln!(gate.sql, "\n-- {}: {} surviving rows lose a reference", comment(&touch.name.to_string()), touch.rows.len());
        write_rows(&mut gate, &touched_staging(index), &touch.columns, &touch.staged_columns(), &touch_extras(plan), &touch.rows, false);
    }
    gate.push("\n-- 2. Guards.\n");
    gate.guard("DS010", "no batch before was refused", "SELECT @unseed_refused <> '' AS n", "batch before was refused", true);
    guards::place(&mut gate, plan, true);
    guards::rights(&mut gate, plan, &["DELETE", "UPDATE", "TRIGGER"], &["SELECT", "INSERT", "CREATE", "DROP", "CREATE TEMPORARY TABLES"]);
    for table in &plan.tables {
        guards::shape(&mut gate, table);
    }
    guards::catalogue(&mut gate, plan);
    for (index, table) in plan.tables.iter().enumerate() {
        let count = format!("SELECT {} - COUNT(*) AS n FROM {}", table.rows.len(), staging(index));
        gate.guard(
            "DS032",
            &format!("{}: all are staged", table.name),
            &count,
            &format!("rows of {} could not be staged", table.name),
            true,
        );
    }
    locks(&mut gate, plan);
    if plan.skips() {
        guards::skip(&mut gate, plan);
    } else {
        for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
            let count = format!("SELECT @unseed_done * COUNT(*) AS n FROM {}", guards::joined(index, table));
            let what =
                format!("planned rows of {} are there although the plan was applied; somebody restored rows or reused keys", table.name);
            gate.guard("DS061", &format!("{}: applied, and rows are there nevertheless", table.name), &count, &what, true);
        }
        guards::protections(&mut gate, plan);
        for (index, table) in plan.tables.iter().enumerate() {
            guards::rows(&mut gate, plan, index, table);
        }
        for (index, touch) in plan.touched_tables() {
            guards::touched_rows(&mut gate, index, touch);
        }
        guards::children(&mut gate, plan);
    }
    gate.open();
    gate.push("\n-- 3. Archive, delete, count.\n");
    for (index, touch) in plan.touched_tables() {
        touch_step(&mut gate, plan, index, touch);
    }
    for (index, table) in plan.tables.iter().enumerate() {
        archive_step(&mut gate, plan, index, table);
    }
    for (index, table) in plan.tables.iter().enumerate() {
        open_circles(&mut gate, index, table);
    }
    for group in plan.groups() {
        delete_group(&mut gate, plan, &group);
    }
    guards::admin_remains(&mut gate, plan);
    guards::children_again(&mut gate, plan);
    record(&mut gate, plan, "apply", plan.part.0, true);
    gate.end(plan, &ledger(plan), "apply")
}

/// Locks all planned rows, parents first, in key order: from here on nobody can refer to them or change
/// them. A lock that is not granted fails the statement, and leaves its guard unwritten.
fn locks(gate: &mut Gate, plan: &DeletePlan) {
    for (index, table) in plan.tables.iter().enumerate().rev() {
        let count = if table.key.is_empty() {
            let equal = format!("NOT ({})", guards::any_differs(table, "t", "p"));
            format!(
                "SELECT 0 * COUNT(*) AS n FROM (SELECT p.unseed_no FROM {} AS p STRAIGHT_JOIN {} AS t ON {equal} FOR UPDATE) AS l",
                staging(index),
                qualified(&table.name)
            )
        } else {
            let keys = of("t", &names(&table.columns, &table.key));
            format!("SELECT 0 * COUNT(*) AS n FROM (SELECT {keys} FROM {} ORDER BY {keys} FOR UPDATE) AS l", guards::joined(index, table))
        };
        gate.guard("DS010", &format!("{}: locked", table.name), &count, "locks were not granted; another transaction holds them", true);
    }
    for (index, touch) in plan.touched_tables() {
        let keys = of("t", &names(&touch.columns, &touch.key));
        let count = format!(
            "SELECT 0 * COUNT(*) AS n FROM (SELECT {keys} FROM {} AS p STRAIGHT_JOIN {} AS t ON {} FOR UPDATE) AS l",
            touched_staging(index),
            qualified(&touch.name),
            on_touched(touch, "t", "p")
        );
        gate.guard("DS010", &format!("{}: locked", touch.name), &count, "locks were not granted; another transaction holds them", true);
    }
}

/// How many rows a staging holds: those planned, less those skipped.
fn wanted(plan: &DeletePlan, place: &str, planned: usize, sum: &str) -> String {
    if plan.skips() { format!("(SELECT {sum} FROM {place})") } else { planned.to_string() }
}

/// Keeps columns that an update would set to the current time (`ON UPDATE CURRENT_TIMESTAMP`) as they are.
pub(super) fn untouched(columns: &[Column], but: &[usize]) -> Vec<String> {
    let is_time = |c: &Column| ["timestamp", "datetime"].iter().any(|t| c.type_text.to_ascii_lowercase().starts_with(t));
    let kept = (0..columns.len()).filter(|i| !but.contains(i) && !columns[*i].generated && is_time(&columns[*i]));
    kept.map(|i| name(&columns[i].name)).map(|c| format!("t.{c} = t.{c}")).collect()
}

fn touch_step(gate: &mut Gate, plan: &DeletePlan, index: usize, touch: &PlanTouch) {
    let (staged, kept) = (touched_staging(index), name(&touched_archive_name(plan, index)));
    let columns: Vec<usize> = (0..touch.columns.len()).filter(|c| !touch.columns[*c].generated).collect();
    let columns = names(&touch.columns, &columns);
    let mut set: Vec<String> = names(&touch.columns, &touch.set_null).into_iter().map(|c| format!("t.{c} = NULL")).collect();
    set.extend(untouched(&touch.columns, &touch.set_null));
    gate.push(&format!("-- {}: surviving rows lose their reference\n", comment(&touch.name.to_string())));
    gate.only_if(
        "@unseed_on = 1",
        &format!(
            "INSERT INTO {kept} ({}) SELECT {} FROM {staged} AS p STRAIGHT_JOIN {} AS t ON {} {}",
            columns.join(", "),
            of("t", &columns),
            qualified(&touch.name),
            on_touched(touch, "t", "p"),
            gate.joined()
        ),
    );
    let working = "@unseed_on = 1 AND @unseed_open = 1";
    gate.push(&format!("SET @unseed_n = IF({working}, NULL, 0);\n"));
    let first = name(&touch.columns[touch.key[0]].name);
    gate.only_if(
        working,
        &format!(
            "SELECT COUNT(*) INTO @unseed_n FROM {staged} AS p LEFT JOIN {kept} AS a ON {} WHERE a.{first} IS NULL",
            on_touched(touch, "a", "p")
        ),
    );
    gate.guard(
        "DS060",
        &format!("{}: every reference is archived", touch.name),
        "SELECT COALESCE(@unseed_n, 1) AS n",
        &format!("references of {} are not in the archive", touch.name),
        false,
    );
    gate.push(&format!(
        "UPDATE {staged} AS p STRAIGHT_JOIN {} AS t ON {} {} SET {};\nSET @unseed_n = ROW_COUNT();\n",
        qualified(&touch.name),
        on_touched(touch, "t", "p"),
        gate.joined(),
        set.join(", "),
    ));
    let count = format!("SELECT ABS(@unseed_n - {}) AS n", wanted(plan, &staged, touch.rows.len(), "COUNT(*)"));
    gate.guard(
        "DS060",
        &format!("{}: as many as planned", touch.name),
        &count,
        &format!("references of {} more or fewer than planned were set to NULL", touch.name),
        false,
    );
}

fn archive_step(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let columns = names(&table.columns, &table.stored());
    let sum = if table.key.is_empty() { "COALESCE(SUM(unseed_take), 0)" } else { "COUNT(*)" };
    gate.push(&format!(
        "-- {}\nSET @unseed_wanted_{index} = {};\nINSERT INTO unseed_report SELECT {index}, {}, {}, @unseed_wanted_{index}, 0, (SELECT COUNT(*) FROM {}), 0;\nSET @unseed_n = IF(@unseed_on = 1, 0, @unseed_wanted_{index});\n",
        comment(&table.name.to_string()),
        wanted(plan, &staging(index), table.count(), sum),
        plan.part.0,
        text(&table.name.to_string()),
        qualified(&table.name),
    ));
    if table.key.is_empty() {
        for (number, row) in table.rows.iter().enumerate() {
            gate.only_if(
                "@unseed_on = 1",
                &format!(
                    "INSERT INTO {} ({}) SELECT {} FROM {} AS p STRAIGHT_JOIN {} AS t ON NOT ({}) {} WHERE p.unseed_no = {} LIMIT {}",
                    archive(plan, &table.name),
                    columns.join(", "),
                    of("t", &columns),
                    staging(index),
                    qualified(&table.name),
                    guards::any_differs(table, "t", "p"),
                    gate.joined(),
                    number + 1,
                    row.take
                ),
            );
        }
    } else {
        gate.only_if(
            "@unseed_on = 1",
            &format!(
                "INSERT INTO {} ({}) SELECT {} FROM {} {}",
                archive(plan, &table.name),
                columns.join(", "),
                of("t", &columns),
                guards::joined(index, table),
                gate.joined()
            ),
        );
    }
    // Batches fill one archive: the ledger knows how many were there before.
    gate.push("SET @unseed_before = 0;\n");
    gate.only_if(
        "@unseed_on = 1",
        &format!(
            "SELECT COALESCE(SUM(archived), 0) INTO @unseed_before FROM {l} WHERE plan_id = {id} AND table_name = {t} AND run > (SELECT COALESCE(MAX(u.run), 0) FROM {l} AS u WHERE u.plan_id = {id} AND u.event = 'undo')",
            l = ledger(plan),
            id = text(&plan.id.0),
            t = text(&table.name.name)
        ),
    );
    gate.only_if("@unseed_on = 1", &format!("SELECT COUNT(*) - @unseed_before INTO @unseed_n FROM {}", archive(plan, &table.name)));
    let count = format!("SELECT ABS(@unseed_n - @unseed_wanted_{index}) AS n");
    gate.guard(
        "DS060",
        &format!("{}: all are archived", table.name),
        &count,
        &format!("rows of {} are not in the archive as planned", table.name),
        false,
    );
}

/// Sets references within circles to NULL: this engine checks foreign keys row by row.
fn open_circles(gate: &mut Gate, index: usize, table: &PlanTable) {
    for (bit, columns) in table.opens.iter().enumerate() {
        let mut set: Vec<String> = names(&table.columns, columns).into_iter().map(|c| format!("t.{c} = NULL")).collect();
        set.extend(untouched(&table.columns, columns));
        let rows = table.rows.iter().filter(|r| r.opens & (1 << bit) != 0).count();
        gate.push(&format!(
            "-- {}: {rows} planned rows in a circle lose a reference first\nUPDATE {} {} SET {} WHERE p.unseed_opens & {} <> 0;\n",
            comment(&table.name.to_string()),
            guards::joined(index, table),
            gate.joined(),
            set.join(", "),
            1_u32 << bit
        ));
    }
}

/// Deletes the rows of one table, or of the tables of a circle: level by level, rows that nothing refers to
/// first.
fn delete_group(gate: &mut Gate, plan: &DeletePlan, group: &[usize]) {
    for index in group {
        gate.push(&format!("SET @unseed_deleted_{index} = 0;\n"));
    }
    let levels = group.iter().map(|i| plan.tables[*i].levels()).max().unwrap_or(1).max(1);
    for level in 0..levels {
        for index in group {
            let table = &plan.tables[*index];
            if table.rows.iter().all(|r| r.level != level) {
                continue;
            }
            let counted =
                format!("SET @unseed_n = ROW_COUNT();\nSET @unseed_deleted_{index} = @unseed_deleted_{index} + GREATEST(@unseed_n, 0);\n");
            if table.key.is_empty() {
                for (number, row) in table.rows.iter().enumerate() {
                    let target = qualified(&table.name);
                    let same: Vec<String> =
                        table.reviewed.iter().map(|c| format!("NOT {}", differs(&table.columns, &table.rows, *c, &target, "p"))).collect();
                    gate.push(&format!(
                        "DELETE FROM {target} WHERE {} AND EXISTS (SELECT 1 FROM {} AS p WHERE p.unseed_no = {} AND {}) LIMIT {};\n{counted}",
                        gate.condition(),
                        staging(*index),
                        number + 1,
                        same.join(" AND "),
                        row.take
                    ));
                }
                continue;
            }
            let at = if table.levels() > 1 { format!(" WHERE p.unseed_level = {level}") } else { String::new() };
            gate.push(&format!("DELETE t FROM {} {}{at};\n{counted}", guards::joined(*index, table), gate.joined()));
        }
    }
    for index in group {
        let table = &plan.tables[*index];
        gate.push(&format!(
            "UPDATE unseed_report SET changed = @unseed_deleted_{index}, rows_after = (SELECT COUNT(*) FROM {}) WHERE no = {index};\n",
            qualified(&table.name)
        ));
        let count = reported(*index, &format!("@unseed_deleted_{index}"));
        gate.guard(
            "DS060",
            &format!("{}: all planned rows went", table.name),
            &count,
            &format!("rows of {} more or fewer than planned were deleted", table.name),
            false,
        );
        if !table.key.is_empty() {
            let count = format!("SELECT COUNT(*) * @unseed_open AS n FROM {}", guards::joined(*index, table));
            gate.guard(
                "DS060",
                &format!("{}: none is there", table.name),
                &count,
                &format!("planned rows of {} are still there after the delete", table.name),
                false,
            );
        }
    }
}

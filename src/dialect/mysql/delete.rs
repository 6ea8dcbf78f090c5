//! `delete.sql`: stage, lock, check, archive, delete, count; one transaction (or one a batch), committed only
//! where the token is set and every guard holds.

use std::fmt::Write as _;

use super::gate::{Gate, ending, opening};
use super::guards::{self, differs, needs_twin, twin};
use super::literal::{Kind, kind, name, table as qualified, text, value};
use super::{
    Mysql, archive, archive_name, ledger, ledger_name, names, of, on_touched, prefix, staging, touched_archive_name, touched_staging,
};
use crate::dialect::{Dialect as _, Extra, comment, header, hex, is_wide, sha256};
use crate::model::plan::{ARCHIVE_NUMBER, DeletePlan, LEDGER_COLUMNS, PlanRow, PlanTable, PlanTouch};
use crate::model::{Column, Value};

/// Rows in one INSERT of the staging.
const ROWS_PER_INSERT: usize = 500;

/// Bytes in one INSERT of the staging: far below the smallest packet that servers allow.
const BYTES_PER_INSERT: usize = 256 * 1_024;

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
        let mut extras: Vec<Extra> = Vec::new();
        if plan.skips() {
            extras.push(("unseed_cluster", |_, row| row.cluster.to_string()));
        }
        let _ = writeln!(gate.sql, "\n-- {}: {} surviving rows lose a reference", comment(&touch.name.to_string()), touch.rows.len());
        write_rows(&mut gate, &touched_staging(index), &touch.columns, &touch.staged_columns(), &extras, &touch.rows, false);
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

/// Lists the columns of a staging that are not the table's own.
fn extras(plan: &DeletePlan, table: &PlanTable) -> Vec<Extra> {
    let mut extras: Vec<Extra> = Vec::new();
    if plan.skips() {
        extras.push(("unseed_cluster", |_, row| row.cluster.to_string()));
    }
    if table.key.is_empty() {
        extras.push(("unseed_no", |ordinal, _| ordinal.to_string()));
        extras.push(("unseed_take", |_, row| row.take.to_string()));
        extras.push(("unseed_of", |_, row| row.of.to_string()));
    }
    if table.levels() > 1 {
        extras.push(("unseed_level", |_, row| row.level.to_string()));
    }
    if !table.opens.is_empty() {
        extras.push(("unseed_opens", |_, row| row.opens.to_string()));
    }
    extras
}

fn make_staging(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    let extras = extras(plan, table);
    let own: Vec<String> = table
        .reviewed
        .iter()
        .map(|c| {
            let column = name(&table.columns[*c].name);
            // Large values are staged as their digest.
            if is_digest(table, *c) { format!("CAST(NULL AS BINARY(32)) AS {column}") } else { column }
        })
        .collect();
    let key = if table.key.is_empty() { "unseed_no".to_owned() } else { names(&table.columns, &table.key).join(", ") };
    let mut columns: Vec<String> = extras.iter().map(|e| format!("{} BIGINT NOT NULL DEFAULT 0", e.0)).collect();
    columns.push(format!("PRIMARY KEY ({key})"));
    gate.temp(&staging(index), &columns.join(", "), &format!(" AS SELECT {} FROM {} WHERE FALSE", own.join(", "), qualified(&table.name)));
    if needs_twin(plan, index) && !table.key.is_empty() {
        gate.temp(&twin(index), &format!("PRIMARY KEY ({key})"), &format!(" AS SELECT {key} FROM {} WHERE FALSE", qualified(&table.name)));
    }
}

fn is_digest(table: &PlanTable, column: usize) -> bool {
    is_wide(&table.rows, column) && kind(&table.columns[column]) != Kind::Typed
}

fn stage(gate: &mut Gate, plan: &DeletePlan, index: usize, table: &PlanTable) {
    write_rows(gate, &staging(index), &table.columns, &table.reviewed, &extras(plan, table), &table.rows, true);
    if needs_twin(plan, index) && !table.key.is_empty() {
        let keys = names(&table.columns, &table.key).join(", ");
        gate.push(&format!("INSERT INTO {} ({keys}) SELECT {keys} FROM {};\n", twin(index), staging(index)));
    }
}

/// Fills a staging; with `digest`, large values are written as their digest.
pub(super) fn write_rows(
    gate: &mut Gate,
    place: &str,
    columns: &[Column],
    ordinals: &[usize],
    extras: &[Extra],
    rows: &[PlanRow],
    digest: bool,
) {
    let wide: Vec<bool> = ordinals.iter().map(|c| digest && is_wide(rows, *c) && kind(&columns[*c]) != Kind::Typed).collect();
    let cell = |row: &PlanRow, place: usize| {
        let column = ordinals[place];
        match (&row.values[column], wide[place]) {
            (Value::Text(t), true) => format!("X'{}'", hex(&sha256(t.as_bytes()))),
            (Value::Blob(b), true) => format!("X'{}'", hex(&sha256(b))),
            (Value::Integer(n), true) => format!("X'{}'", hex(&sha256(n.to_string().as_bytes()))),
            (stored, _) => value(stored, &columns[column]),
        }
    };
    let into: Vec<String> = extras.iter().map(|e| e.0.to_owned()).chain(names(columns, ordinals)).collect();
    let head = format!("INSERT INTO {place} ({}) VALUES\n", into.join(", "));
    let mut lines: Vec<String> = Vec::new();
    let mut size = 0;
    let mut out = String::new();
    let mut flush = |lines: &mut Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(out, "{head}{};", lines.join(",\n"));
            lines.clear();
        }
    };
    for (ordinal, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            extras.iter().map(|e| e.1(ordinal + 1, row)).chain((0..ordinals.len()).map(|place| cell(row, place))).collect();
        let line = format!("  ({})", cells.join(", "));
        if lines.len() >= ROWS_PER_INSERT || size + line.len() > BYTES_PER_INSERT {
            flush(&mut lines);
            size = 0;
        }
        size += line.len();
        lines.push(line);
    }
    flush(&mut lines);
    gate.push(&out);
}

/// Where DDL may run: with the token, as the only run, and nothing refused so far.
const MAKES: &str = "@unseed_on = 1 AND @unseed_lock = 1 AND @unseed_refused = ''";

/// Makes a table that stays, and remembers whether it was made now.
fn make(gate: &mut Gate, number: usize, table: &str, sql: &str) {
    gate.push(&format!(
        "SET @unseed_made_{number} = COALESCE(@unseed_made_{number}, 0) OR ({MAKES} AND (SELECT COUNT(*) = 0 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = {}));\n",
        text(table)
    ));
    gate.only_if(MAKES, sql);
}

/// Makes the ledger.
pub(super) fn make_ledger(gate: &mut Gate, plan: &DeletePlan) {
    let types = [
        "VARCHAR(64)",
        "INT",
        "INT",
        "VARCHAR(10)",
        "VARCHAR(64)",
        "VARCHAR(64)",
        "VARCHAR(64)",
        "BIGINT",
        "BIGINT",
        "BIGINT",
        "BIGINT",
        "DATETIME(6)",
        "DATETIME(6)",
        "VARCHAR(200)",
    ];
    let columns: Vec<String> = LEDGER_COLUMNS.iter().zip(types).map(|(c, t)| format!("{c} {t}")).collect();
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY (plan_id, run, batch, table_name)) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ledger(plan),
        columns.join(", ")
    );
    make(gate, 0, &ledger_name(plan), &sql);
}

/// Makes what an apply leaves behind, with the token only: DDL commits.
fn containers(gate: &mut Gate, plan: &DeletePlan) {
    gate.push("-- Ledger and archives: DDL commits, so that they are made with the token only.\n");
    make_ledger(gate, plan);
    for table in &plan.tables {
        let sql = if table.key.is_empty() {
            let own: Vec<String> = table
                .columns
                .iter()
                .map(|c| format!("{} {} NULL", name(&c.name), if c.type_text.is_empty() { "LONGTEXT" } else { &c.type_text }))
                .collect();
            format!(
                "CREATE TABLE IF NOT EXISTS {} ({ARCHIVE_NUMBER} BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, {}) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4",
                archive(plan, &table.name),
                own.join(", ")
            )
        } else {
            format!("CREATE TABLE IF NOT EXISTS {} LIKE {}", archive(plan, &table.name), qualified(&table.name))
        };
        make(gate, number_of(plan, &table.name) + 1, &archive_name(plan, &table.name), &sql);
    }
    for (index, touch) in plan.touched.iter().enumerate() {
        let kept = touched_archive_name(plan, index);
        let sql = format!("CREATE TABLE IF NOT EXISTS {} LIKE {}", name(&kept), qualified(&touch.name));
        make(gate, MADE_TOUCHED + index, &kept, &sql);
    }
}

/// From here on the numbers of touched tables' archives.
const MADE_TOUCHED: usize = 100_000;

/// Returns a number of a table that is the same in every batch.
fn number_of(plan: &DeletePlan, of: &crate::model::QualifiedName) -> usize {
    plan.tables.iter().position(|t| t.name == *of).map_or(0, |i| plan.tables[i].table.index())
}

/// Lists what a run may make, by number.
fn made(plan: &DeletePlan) -> Vec<(usize, String)> {
    let mut made = vec![(0, ledger(plan))];
    made.extend(plan.tables.iter().map(|t| (number_of(plan, &t.name) + 1, archive(plan, &t.name))));
    made.extend((0..plan.touched.len()).map(|i| (MADE_TOUCHED + i, name(&touched_archive_name(plan, i)))));
    made
}

/// Forgets what an earlier run of this session made and was stopped before it could drop it: somebody may have
/// filled it since.
pub(super) fn forget_made(plan: &DeletePlan) -> String {
    let sets: Vec<String> = made(plan).iter().map(|(number, _)| format!("@unseed_made_{number} = 0")).collect();
    format!("SET {};\n", sets.join(", "))
}

/// Drops what this run made and did not fill.
pub(super) fn drop_made(plan: &DeletePlan) -> String {
    let mut gate = Gate::bare();
    gate.push("\n-- A refusal leaves nothing behind that it made.\n");
    for (number, place) in made(plan) {
        gate.only_if(
            &format!("@unseed_lock = 1 AND @unseed_made_{number} = 1 AND @unseed_parts + @unseed_already = 0 AND @unseed_refused <> ''"),
            &format!("DROP TABLE IF EXISTS {place}"),
        );
        gate.push(&format!("SET @unseed_made_{number} = 0;\n"));
    }
    gate.sql
}

/// Reads the ledger, where there is one: was this part done already? What could not be read is NULL, which a
/// guard refuses.
pub(super) fn done(gate: &mut Gate, plan: &DeletePlan, condition: &str) {
    gate.push("SET @unseed_ledger = NULL;\n");
    gate.push(&format!(
        "SET @unseed_ledger = (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = {});\n",
        text(&ledger_name(plan))
    ));
    gate.push("SET @unseed_done = IF(@unseed_ledger = 0, 0, NULL), @unseed_run = IF(@unseed_ledger = 0, 1, NULL);\n");
    gate.only_if("@unseed_ledger = 1", &format!("SELECT {condition} INTO @unseed_done"));
    gate.only_if(
        "@unseed_ledger = 1",
        &format!("SELECT COALESCE(MAX(run), 0) + 1 INTO @unseed_run FROM {} WHERE plan_id = {}", ledger(plan), text(&plan.id.0)),
    );
    gate.push("SET @unseed_started = UTC_TIMESTAMP(6);\n");
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

/// Counts what is wrong with a table's line of the report: it is there, and says as many rows as wanted.
pub(super) fn reported(index: usize, changed: &str) -> String {
    format!("SELECT 1 - COUNT(*) AS n FROM unseed_report WHERE no = {index} AND changed = {changed} AND changed = @unseed_wanted_{index}")
}

/// Writes the ledger's rows.
pub(super) fn record(gate: &mut Gate, plan: &DeletePlan, event: &str, batch: u32, archived: bool) {
    for (index, table) in plan.tables.iter().enumerate() {
        let sql = format!(
            "INSERT INTO {} SELECT {}, @unseed_run, {batch}, '{event}', DATABASE(), {}, {}, r.rows_before, r.changed, r.rows_after, {}, @unseed_started, UTC_TIMESTAMP(6), CURRENT_USER() FROM unseed_report AS r {} WHERE r.no = {index}",
            ledger(plan),
            text(&plan.id.0),
            text(&table.name.name),
            text(&archive_name(plan, &table.name)),
            if archived { "r.changed" } else { "0" },
            gate.joined(),
        );
        gate.only_if("@unseed_on = 1", &sql);
    }
    let working = "@unseed_on = 1 AND @unseed_open = 1";
    gate.push(&format!("SET @unseed_n = IF({working}, NULL, 0);\n"));
    gate.only_if(
        working,
        &format!(
            "SELECT {} - COUNT(*) INTO @unseed_n FROM {} WHERE plan_id = {} AND run = @unseed_run AND batch = {batch} AND event = '{event}'",
            plan.tables.len(),
            ledger(plan),
            text(&plan.id.0)
        ),
    );
    gate.guard("DS060", "the ledger is written", "SELECT COALESCE(@unseed_n, 1) AS n", "rows of the ledger are missing", false);
}

//! `undo-offline.sql`: restores the planned rows from the snapshot, for when the archive is gone. What has
//! changed in production between the snapshot and the apply is not in it.

use super::gate::{Gate, ending, opening};
use super::ledger::{done, drop_made, forget_made, make_ledger, record};
use super::literal::{name, table as qualified, text};
use super::stage::write_rows;
use super::undo::{begin_restore, close_circles, end_restore, insert, is_ordered, opened_columns, refer_again};
use super::{Mysql, archive, archive_name, guards, ledger, names, on_key, prefix, staging, touched_staging};
use crate::dialect::{Dialect as _, Extra, header};
use crate::model::plan::{DeletePlan, PlanTable};

/// Renders the script.
pub(super) fn script(plan: &DeletePlan, dialect: &Mysql) -> String {
    let left = prefix(plan);
    let client = dialect.client();
    let mut out = format!(
        "-- Undo script of unseed {}, plan {}, from the snapshot: for when the archive in tables {left}.. is gone.\n\
         -- undo.sql is better while the archive is there: it puts back exactly what was deleted.\n\
         -- Rehearse:  {}\n\
         -- Undo:      {}\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, UNDONE n, ALREADY-UNDONE or REFUSED DSnnn (a refusal changes nothing).\n\
         -- A value larger than the server's max_allowed_packet needs a larger one.\n\n",
        env!("CARGO_PKG_VERSION"),
        plan.id,
        header::command(client.rehearse, plan, "undo-offline.sql", &left),
        header::command(client.apply, plan, "undo-offline.sql", &left),
    );
    out.push_str(&opening(plan));
    out.push_str(&forget_made(plan));
    let mut gate = Gate::begin();
    for (index, table) in plan.tables.iter().enumerate() {
        let own: Vec<String> = extras(table).iter().map(|e| format!("{} BIGINT NOT NULL DEFAULT 0", e.0)).collect();
        let key = if table.key.is_empty() { "unseed_no".to_owned() } else { names(&table.columns, &table.key).join(", ") };
        let columns = names(&table.columns, &table.stored()).join(", ");
        gate.temp(
            &staging(index),
            &format!("{}, PRIMARY KEY ({key})", own.join(", ")),
            &format!(" AS SELECT {columns} FROM {} WHERE FALSE", qualified(&table.name)),
        );
    }
    for (index, touch) in plan.touched_tables() {
        let keys = names(&touch.columns, &touch.key).join(", ");
        let columns = names(&touch.columns, &touch.staged_columns()).join(", ");
        gate.temp(
            &touched_staging(index),
            &format!("PRIMARY KEY ({keys})"),
            &format!(" AS SELECT {columns} FROM {} WHERE FALSE", qualified(&touch.name)),
        );
    }
    // The ledger learns of it, so that the plan may be applied again.
    make_ledger(&mut gate, plan);
    done(&mut gate, plan, "0");
    gate.push("SET @unseed_left = 0;\n");
    for table in &plan.tables {
        gate.push(&format!(
            "SET @unseed_there = (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = {});\n",
            text(&archive_name(plan, &table.name))
        ));
        gate.only_if("@unseed_there = 1", &format!("SELECT COUNT(*) + @unseed_left INTO @unseed_left FROM {}", archive(plan, &table.name)));
    }
    gate.push("COMMIT;\nSTART TRANSACTION;\n\n-- The rows as the snapshot holds them.\n");
    for (index, table) in plan.tables.iter().enumerate() {
        write_rows(&mut gate, &staging(index), &table.columns, &table.stored(), &extras(table), &table.rows, false);
    }
    for (index, touch) in plan.touched_tables() {
        write_rows(&mut gate, &touched_staging(index), &touch.columns, &touch.staged_columns(), &[], &touch.rows, false);
    }
    let keyed: Vec<usize> = (0..plan.tables.len()).filter(|i| !plan.tables[*i].key.is_empty()).collect();
    let expected: usize = keyed.iter().map(|i| plan.tables[*i].count()).sum();
    gate.push("SET @unseed_taken = 0;\n");
    for index in &keyed {
        let table = &plan.tables[*index];
        gate.push(&format!(
            "SET @unseed_taken = @unseed_taken + (SELECT COUNT(*) FROM {} AS p STRAIGHT_JOIN {} AS t ON {});\n",
            staging(*index),
            qualified(&table.name),
            on_key(table, "t", "p")
        ));
    }
    gate.push(&format!("SET @unseed_done = (@unseed_taken = {expected} AND {expected} > 0);\n"));
    guards::place(&mut gate, plan, false);
    guards::rights(&mut gate, plan, &["INSERT", "UPDATE"], &["SELECT", "INSERT", "CREATE", "CREATE TEMPORARY TABLES"]);
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
    gate.guard(
        "DS061",
        "no archive is left",
        "SELECT @unseed_left AS n",
        "rows are in the archive; use undo.sql, which restores exactly what was deleted",
        true,
    );
    gate.guard(
        "DS070",
        "no key is taken",
        "SELECT @unseed_taken AS n",
        &format!("of {expected} keys are taken: the rows are partly there, or others have their keys"),
        false,
    );
    gate.open();
    for group in plan.groups().iter().rev() {
        for index in group {
            begin_restore(&mut gate, *index, &plan.tables[*index], &plan.tables[*index].count().to_string());
        }
        let levels = group.iter().map(|i| plan.tables[*i].levels()).max().unwrap_or(1).max(1);
        for level in (0..levels).rev() {
            for index in group {
                let table = &plan.tables[*index];
                if table.rows.iter().all(|r| r.level != level) {
                    continue;
                }
                for copy in 1..=table.rows.iter().map(|r| r.take).max().unwrap_or(1) {
                    let mut terms = vec![format!("p.unseed_take >= {copy}")];
                    if is_ordered(table) {
                        terms.push(format!("p.unseed_level = {level}"));
                    }
                    let values = opened_columns(table, "p");
                    insert(
                        &mut gate,
                        *index,
                        table,
                        &values,
                        &format!("{} AS p", staging(*index)),
                        &format!(" WHERE {}", terms.join(" AND ")),
                    );
                }
            }
        }
        for index in group {
            close_circles(&mut gate, *index, &plan.tables[*index], &staging(*index));
            end_restore(&mut gate, *index, &plan.tables[*index]);
        }
    }
    for (index, touch) in plan.touched_tables() {
        refer_again(&mut gate, touch, &name(&touched_staging(index)));
    }
    record(&mut gate, plan, "undo", 0, false);
    out.push_str(&gate.end(plan, &ledger(plan), "undo"));
    out.push_str(&drop_made(plan));
    out.push_str(&ending("UNDONE", "ALREADY-UNDONE", 1));
    out
}

fn extras(table: &PlanTable) -> Vec<Extra> {
    let mut extras: Vec<Extra> = vec![("unseed_take", |_, row| row.take.to_string())];
    if table.key.is_empty() {
        extras.push(("unseed_no", |ordinal, _| ordinal.to_string()));
    }
    if is_ordered(table) {
        extras.push(("unseed_level", |_, row| row.level.to_string()));
        extras.push(("unseed_opens", |_, row| row.opens.to_string()));
    }
    extras
}

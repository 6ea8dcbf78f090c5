//! What a run leaves behind: the ledger, which tells whether a part was done already, and the archives. Both are made
//! with the token only, for DDL commits, and dropped again where a refusal left them empty.

use super::gate::Gate;
use super::literal::{name, table as qualified, text};
use super::{archive, archive_name, ledger, ledger_name, touched_archive_name};
use crate::model::plan::{ARCHIVE_NUMBER, DeletePlan, LEDGER_COLUMNS};

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
pub(super) fn containers(gate: &mut Gate, plan: &DeletePlan) {
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

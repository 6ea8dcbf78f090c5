//! `RUNBOOK.md`: one page for the person at the keyboard, with this plan's own figures.

use std::fmt::Write as _;

use super::header::command;
use super::{CODES, Dialect, comment};
use crate::model::QualifiedName;
use crate::model::plan::{DeletePlan, OnDrift};
use crate::model::stamp::Rfc3339;
use crate::plan::Seeder;

/// Heading of the durations, below which a rehearsal writes its own.
pub const DURATIONS: &str = "## Durations";

/// Returns how the engine's client rehearses and applies a script file.
#[must_use]
pub fn commands(plan: &DeletePlan, dialect: &dyn Dialect, file: &str) -> (String, String) {
    let (client, left) = (dialect.client(), dialect.left_behind(plan));
    (command(client.rehearse, plan, file, &left), command(client.apply, plan, file, &left))
}

/// What is there to keep a seed from coming back.
#[derive(Clone, Debug, Default)]
pub struct Prevention {
    /// Whether prevent.sql is beside the page.
    pub guarded: bool,
    /// Places that could seed again; none where no source tree was given.
    pub seeders: Option<Vec<Seeder>>,
}

/// Renders the page.
#[must_use]
pub fn runbook(plan: &DeletePlan, dialect: &dyn Dialect, prevention: &Prevention) -> String {
    let guarded = prevention.guarded;
    let client = dialect.client();
    let left = dialect.left_behind(plan);
    let bare = left.split(' ').next_back().unwrap_or(&left).trim_end_matches('.').to_owned();
    let line = |template: &str, file: &str| command(template, plan, file, &bare);
    let mut out = format!(
        "# Runbook of plan {id}\n\n\
         {engine} script, made {made} by {author}, approved by {approvers}. Snapshot `{snapshot}`, decisions `{decisions}`, schema `{schema}`. \
         It does not apply after **{expires}**.\n\n",
        id = plan.id,
        engine = dialect.engine(),
        made = Rfc3339(plan.made_at),
        author = cell(&plan.author),
        approvers = cell(&plan.approvers.join(", ")),
        snapshot = plan.snapshot.id.0.get(..16).unwrap_or(&plan.snapshot.id.0),
        decisions = plan.decisions_digest.get(..16).unwrap_or(&plan.decisions_digest),
        schema = plan.schema_fingerprint,
        expires = Rfc3339(plan.expires_at),
    );
    figures(&mut out, plan);
    notes(&mut out, plan);
    let _ = write!(
        out,
        "## Steps\n\n\
         - [ ] Check the file: `sha256sum -c delete.sql.sha256`\n\
         - [ ] Back up, and know how to restore it: `{backup}`\n\
         - [ ] Services: {services}\n\
         - [ ] Look first, without locks: `{verify}` prints `not applied`\n\
         - [ ] Rehearse: `{rehearse}` ends with `UNSEED DRY-RUN-OK`. It takes the same locks as the apply, deletes, counts and undoes it all.\n\
         - [ ] Apply: `{apply}` ends with `UNSEED APPLIED {rows}`{drift}. A second run says `UNSEED ALREADY-APPLIED`.\n\
         - [ ] Check: `{verify}` prints `applied`\n\
{guarded}\
         - [ ] Afterwards: {after}. {stale}\n\
         - [ ] Watch for a day: errors of the application that name the tables above, logins of accounts that are gone{counters}.\n\
         - [ ] Take a new snapshot and run `unseed verify CASE --after SNAPSHOT --plan DIR`\n\
         - [ ] Keep this folder with the ticket. An apply leaves {left} behind: the deleted rows and a ledger. They hold personal data: drop them when nobody will want to undo, at the latest when your retention period ends: `{drop}`\n\n\
         To go back: `{undo}` ends with `UNSEED UNDONE {rows}`. Where the archive is gone, undo-offline.sql restores the rows as the snapshot holds them. \
{first}\n\n",
        backup = line(client.backup, "delete.sql"),
        services = if plan.batch_rows.is_some() {
            format!("none needs to stop; {}", client.waits.1)
        } else if plan.rows() > 50_000 {
            format!("{} rows go in one transaction, and {}; do it in a quiet hour, or plan with --batch", plan.rows(), client.waits.0)
        } else {
            format!("none needs to stop; {}", client.waits.0)
        },
        verify = line(client.rehearse, "verify.sql"),
        rehearse = line(client.rehearse, "delete.sql"),
        apply = line(client.apply, "delete.sql"),
        rows = plan.rows(),
        drift = if plan.on_drift == OnDrift::Skip { ", fewer by what was skipped and listed" } else { "" },
        after = client.after,
        stale = client.stale,
        guarded = if guarded {
            format!(
                "- [ ] Keep it out: `{}`. New rows with these identifiers are refused from then on.\n",
                line(client.rehearse, "prevent.sql")
            )
        } else {
            String::new()
        },
        counters = if plan.counters.is_empty() { "" } else { ", the counters listed above" },
        drop = line(client.drop_archive, ""),
        undo = line(client.apply, "undo.sql"),
        first = if guarded {
            "Run prevent-undo.sql first: prevent.sql would refuse the rows."
        } else {
            "Where a prevent.sql was run, run its prevent-undo.sql first."
        },
    );
    for note in client.notes {
        let _ = writeln!(out, "{note}\n");
    }
    let _ = write!(out, "{DURATIONS}\n\nNot rehearsed yet: `unseed rehearse CASE DIR` fills this in.\n\n");
    come_back(&mut out, prevention);
    out.push_str("## If it refuses\n\nThe last line is `UNSEED REFUSED` and one of these codes; a refusal changes nothing");
    out.push_str(if plan.batch_rows.is_some() { " (batches before it stay applied).\n\n" } else { ".\n\n" });
    out.push_str("| code | means | next step |\n|---|---|---|\n");
    for code in CODES {
        let _ = writeln!(out, "| {} {} | {} | {} |", code.id, code.title, code.meaning, code.next);
    }
    out
}

/// How a seed is kept from coming back: a gate in the pipeline, and what could seed again.
fn come_back(out: &mut String, prevention: &Prevention) {
    out.push_str(
        "## So that it does not come back\n\n\
         A gate for the pipeline, on each new export; it ends with 1 where rows are seeded or in review, and where nothing could be checked:\n\n\
         ```sh\nunseed scan EXPORT -o out --fail-on unchecked\n```\n\n",
    );
    let Some(seeders) = &prevention.seeders else {
        out.push_str("What could seed again was not looked for: `unseed plan --seed-source TREE` lists it.\n\n");
        return;
    };
    if seeders.is_empty() {
        out.push_str("No package script, pipeline step or seed program was found in the source tree that was given.\n\n");
        return;
    }
    out.push_str(
        "What could seed again, and the line that makes it refuse unless `ALLOW_SEED=yes` is set, which production never does:\n\n",
    );
    for seeder in seeders {
        let _ = writeln!(
            out,
            "- {}:{}, {}: {}\n\n  ```\n  {}\n  ```",
            cell(&seeder.file),
            seeder.line,
            seeder.what,
            cell(&seeder.text),
            seeder.refuse
        );
    }
    out.push('\n');
}

/// The table of what goes and what stays.
fn figures(out: &mut String, plan: &DeletePlan) {
    out.push_str("| table | delete | of | remain | touched | held back |\n|---|---:|---:|---:|---:|---:|\n");
    for table in &plan.tables {
        let (delete, before) = (table.count() as u64, table.snapshot_rows);
        let touched: usize = plan.touched.iter().filter(|t| t.name == table.name).map(|t| t.rows.len()).sum();
        let held = plan.held.iter().filter(|h| h.table == table.name).count();
        let _ = writeln!(
            out,
            "| {} | {delete} | {before} | {} | {touched} | {held} |",
            cell(&table.name.to_string()),
            before.saturating_sub(delete)
        );
    }
    for touch in plan.touched.iter().filter(|t| !t.rows.is_empty() && plan.tables.iter().all(|p| p.name != t.name)) {
        let held = plan.held.iter().filter(|h| h.table == touch.name).count();
        let _ = writeln!(out, "| {} | 0 | | | {} | {held} |", cell(&touch.name.to_string()), touch.rows.len());
    }
    let shown: std::collections::BTreeSet<&QualifiedName> =
        plan.tables.iter().map(|t| &t.name).chain(plan.touched.iter().map(|t| &t.name)).collect();
    let held: std::collections::BTreeSet<&QualifiedName> = plan.held.iter().map(|h| &h.table).filter(|t| !shown.contains(t)).collect();
    for table in held {
        let count = plan.held.iter().filter(|h| h.table == *table).count();
        let _ = writeln!(out, "| {} | 0 | | | 0 | {count} |", cell(&table.to_string()));
    }
    out.push('\n');
}

fn notes(out: &mut String, plan: &DeletePlan) {
    for touch in plan.touched.iter().filter(|t| !t.rows.is_empty()) {
        let columns: Vec<&str> = touch.set_null.iter().map(|c| touch.columns[*c].name.as_str()).collect();
        let _ = writeln!(
            out,
            "- {} rows of {} survive and lose {}.",
            touch.rows.len(),
            cell(&touch.name.to_string()),
            cell(&columns.join(", "))
        );
    }
    for held in plan.held.iter().take(20) {
        let _ = writeln!(out, "- Held back: {} {}: {}", cell(&held.table.to_string()), cell(&held.key), cell(&held.chain.join("; ")));
    }
    if plan.held.len() > 20 {
        let _ = writeln!(out, "- And {} more are held back: see plan.json.", plan.held.len() - 20);
    }
    for warning in &plan.warnings {
        let _ = writeln!(out, "- {}", cell(warning));
    }
    if plan.touched_rows() + plan.held.len() + plan.warnings.len() > 0 {
        out.push('\n');
    }
}

/// Makes a text of the snapshot safe in Markdown: no markup, no column of a table, no HTML.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in comment(text).chars() {
        match c {
            '|' | '`' | '[' | ']' | '_' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

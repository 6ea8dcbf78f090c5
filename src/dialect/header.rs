//! The comment at the top of every script: which plan, made from what by whom, what it deletes, how to
//! run it. Names and texts of the snapshot pass through [`comment`].

use std::fmt::Write as _;

use super::{Client, comment};
use crate::model::plan::{DeletePlan, OnDrift};
use crate::model::stamp::Rfc3339;

/// Fills the places of a client's command.
pub(super) fn command(template: &str, plan: &DeletePlan, file: &str, left: &str) -> String {
    let database = if plan.snapshot.database.is_empty() { "DATABASE" } else { &plan.snapshot.database };
    // A name that a shell would read as more than a name is left to the person.
    let plain = database.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    template
        .replace("{id}", &plan.id.0)
        .replace("{file}", file)
        .replace("{db}", if plain { database } else { "DATABASE" })
        .replace("{schema}", left)
}

/// Renders the header of `delete.sql`. `proof` says on which server the dialect's behaviour was checked.
pub(super) fn delete(plan: &DeletePlan, client: &Client, left: &str, proof: &[&str]) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        let _ = writeln!(out, "-- {}", comment(text));
    };
    line(&format!("Delete script of unseed {}, plan {}", env!("CARGO_PKG_VERSION"), plan.id));
    line(&format!("made {} by {}, approved by {}", Rfc3339(plan.made_at), plan.author, plan.approvers.join(", ")));
    line(&format!(
        "snapshot {} taken {} ({})",
        short(&plan.snapshot.id.0),
        plan.snapshot.taken_at.micros().map_or("at an unknown time".to_owned(), |t| Rfc3339(t).to_string()),
        plan.snapshot.taken_at.source()
    ));
    line(&format!("decisions {}, schema {}", short(&plan.decisions_digest), plan.schema_fingerprint));
    line(&format!("does not apply after {}", Rfc3339(plan.expires_at)));
    for text in proof {
        line(text);
    }
    out.push_str("--\n");
    summary(&mut out, plan);
    out.push_str("--\n");
    for warning in &plan.warnings {
        let _ = writeln!(out, "-- Note: {}", comment(warning));
    }
    for note in client.notes {
        let _ = writeln!(out, "-- {note}");
    }
    let _ = write!(
        out,
        "-- Rehearse:  {rehearse}\n\
         --            does everything, takes the same locks, and undoes it all\n\
         -- Apply:     {apply}\n\
         -- Undo:      the same with undo.sql. Check at any time, without locks: verify.sql. All steps: RUNBOOK.md.\n\
         -- The last line is the outcome: UNSEED DRY-RUN-OK, APPLIED n, ALREADY-APPLIED or REFUSED DSnnn (a refusal changes nothing{batches}).\n\
         -- An apply leaves {left} behind: the deleted rows and a ledger. They hold personal data: drop them when nobody\n\
         -- will want to undo.\n\n",
        rehearse = command(client.rehearse, plan, "delete.sql", left),
        apply = command(client.apply, plan, "delete.sql", left),
        batches = if plan.batch_rows.is_some() { "; batches before it stay applied" } else { "" },
    );
    out
}

fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

/// The table of what goes and what stays.
fn summary(out: &mut String, plan: &DeletePlan) {
    let width = plan.tables.iter().map(|t| comment(&t.name.to_string()).chars().count()).max().unwrap_or(5).max(5);
    let _ = writeln!(out, "--   {:width$}  {:>10}  {:>10}  {:>10}", "table", "delete", "of", "remain");
    for table in &plan.tables {
        let (delete, before) = (table.count() as u64, table.snapshot_rows);
        let _ = writeln!(out, "--   {:width$}  {delete:>10}  {before:>10}  {:>10}", comment(&table.name.to_string()), before - delete);
    }
    for touch in plan.touched.iter().filter(|t| !t.rows.is_empty()) {
        let columns: Vec<&str> = touch.set_null.iter().map(|c| touch.columns[*c].name.as_str()).collect();
        let _ = writeln!(
            out,
            "--   and {} surviving rows of {} lose their reference ({} is set to NULL)",
            touch.rows.len(),
            comment(&touch.name.to_string()),
            comment(&columns.join(", "))
        );
    }
    if !plan.held.is_empty() {
        let _ = writeln!(out, "--   and {} approved rows are held back: see plan.json", plan.held.len());
    }
    if plan.on_drift == OnDrift::Skip {
        out.push_str("--   Rows that changed since review are skipped, each with its whole cluster, and listed (--on-drift skip).\n");
    }
    if let Some(limit) = plan.batch_rows {
        let _ = writeln!(out, "--   In batches of up to {limit} rows, each in its own transaction; run it again to go on after a break.");
    }
}

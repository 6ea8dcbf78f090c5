//! The sentences of a report: the verdict's reason, what to do next, what was not checked.

use std::collections::BTreeSet;

use crate::model::TableClass;
use crate::model::verdict::SnapshotVerdict;

use super::model::{Coverage, Report};

/// Prints a count with its noun: `1 cohort`, `2 cohorts`.
fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn counted_are(n: u64) -> String {
    if n == 1 { "1 row is".to_owned() } else { format!("{n} rows are") }
}

pub(super) fn verdict_reason(report: &Report) -> String {
    let (seeded, review) = (report.total(|t| t.seeded), report.total(|t| t.review));
    let people = report.tables.iter().filter(|t| t.class == TableClass::People);
    match report.verdict {
        SnapshotVerdict::Seeded if review == 0 => format!("{} seeded", counted_are(seeded)),
        SnapshotVerdict::Seeded => format!("{} seeded, and {review} more need a person's look", counted_are(seeded)),
        SnapshotVerdict::Suspect => {
            format!("no row is certain, but {} a person's look", if review == 1 { "1 needs".to_owned() } else { format!("{review} need") })
        }
        SnapshotVerdict::Clean => "nothing was found, and every table of people was looked at".to_owned(),
        SnapshotVerdict::Unchecked if report.snapshot.truncated => "an input was cut off: what is missing was not looked at".to_owned(),
        SnapshotVerdict::Unchecked if report.tables.is_empty() => "the input holds no table".to_owned(),
        SnapshotVerdict::Unchecked if people.clone().count() == 0 => {
            "no table of people was recognised; if there is one, say so in unseed.toml: [tables.NAME] class = \"people\"".to_owned()
        }
        SnapshotVerdict::Unchecked if people.clone().all(|t| t.rows == 0) => {
            "the table of people is empty: there is nobody to look at".to_owned()
        }
        SnapshotVerdict::Unchecked => "no detector applied to a table of people; name its columns' roles in unseed.toml".to_owned(),
    }
}

pub(super) fn recommendations(report: &Report) -> Vec<String> {
    let mut list = Vec::new();
    let (seeded, review) = (report.total(|t| t.seeded), report.total(|t| t.review));
    if seeded > 0 {
        list.push(format!("Review {} and approve what should go: unseed review CASE list", counted(report.cohorts.len() as u64, "cohort")));
    }
    let guarded: BTreeSet<&str> =
        report.cohorts.iter().flat_map(|c| &c.tables).filter(|t| t.guarded && t.seeded + t.review > 0).map(|t| t.name.as_str()).collect();
    if !guarded.is_empty() {
        let names: Vec<&str> = guarded.into_iter().collect();
        list.push(format!("Money and audit rows are deleted only when an approval names their table: --tables {}", names.join(",")));
    }
    if review > 0 {
        list.push(format!("Look at {} in review one by one; an approval covers them only with --include-review", counted(review, "row")));
    }
    if seeded > 0 {
        list.push("Find the seed that did it, and make it refuse to run in production, before deleting anything".to_owned());
    }
    if report.snapshot.taken_at_source == "inferred" {
        list.push("The snapshot's time was inferred from its newest row; give --taken-at if you know it".to_owned());
    }
    if report.tables.iter().any(|t| t.rejected > 0) {
        list.push("Some rows were set aside at ingest: ask for a whole export before planning".to_owned());
    }
    if report.verdict == SnapshotVerdict::Clean {
        list.push("Nothing to do. Keep the check in CI: unseed scan DUMP -o DIR --fail-on unchecked".to_owned());
    }
    if report.verdict == SnapshotVerdict::Unchecked {
        list.push(format!("Not checked is not clean: {}", report.verdict_reason));
    }
    list
}

pub(super) fn unchecked_tables(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for table in report.tables.iter().filter(|t| t.rows > 0) {
        let runs: Vec<&Coverage> = report.coverage.iter().filter(|c| c.table == table.name).collect();
        if table.class == TableClass::Leftover {
            lines.push(format!("{}: left behind by an applied delete script; listed, not judged", table.name));
        } else if table.class == TableClass::System {
            lines.push(format!("{}: the schema's own bookkeeping; not judged", table.name));
        } else if !runs.iter().any(|c| c.result != "not applicable") {
            lines.push(format!("{}: no detector applied", table.name));
        }
    }
    lines
}

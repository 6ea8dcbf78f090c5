//! The summary on a terminal: the most important thing last.

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};

use super::Report;
use crate::model::verdict::SnapshotVerdict;

/// Cohorts listed on a terminal.
const COHORTS: usize = 12;

/// Renders the summary; `case` is the case file's path for the next command. Colours are ANSI codes, which
/// the caller's stream leaves out where it is no terminal.
#[must_use]
pub fn summary(report: &Report, case: &str) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    let snapshot = &report.snapshot;
    let taken = if snapshot.taken_at.is_empty() {
        "at an unknown time".to_owned()
    } else {
        format!("{} ({})", snapshot.taken_at, snapshot.taken_at_source)
    };
    line(&format!("Snapshot {} of {}, taken {taken}", &snapshot.id[..12.min(snapshot.id.len())], snapshot.engine));
    line("");
    line(&tables(report));
    let base = &report.figures.base;
    if !report.figures.people.is_empty() {
        line("");
        line(&format!("Your real user base: {} of {} accounts in {}", base.after(), base.before, report.figures.people));
    }
    if !report.cohorts.is_empty() {
        line("");
        line("Cohorts");
        for cohort in report.cohorts.iter().take(COHORTS) {
            let places: Vec<String> = cohort
                .tables
                .iter()
                .map(|t| {
                    let mut parts = Vec::new();
                    for (count, word) in [(t.seeded, "seeded"), (t.review, "review"), (t.protected, "protected")] {
                        if count > 0 {
                            parts.push(format!("{count} {word}"));
                        }
                    }
                    format!("{} {}", t.name, parts.join(" + "))
                })
                .collect();
            let span = match (&cohort.first_at, &cohort.last_at) {
                (Some(first), Some(last)) if first != last => format!("  {first} to {last}"),
                (Some(first), _) => format!("  {first}"),
                _ => String::new(),
            };
            line(&format!("  {}  {}{span}", cohort.id, cohort.title));
            line(&format!("           {}", places.join(", ")));
            for finding in cohort.findings.iter().take(3) {
                line(&format!("           - {finding}"));
            }
        }
        if report.cohorts.len() > COHORTS {
            line(&format!("  and {} more: unseed review {case} list", report.cohorts.len() - COHORTS));
        }
    }
    let found: Vec<&str> = report.detectors.iter().filter(|d| d.result == "found").map(|d| d.id.as_str()).collect();
    let off: Vec<&str> = report.detectors.iter().filter(|d| d.result == "not applicable").map(|d| d.id.as_str()).collect();
    line("");
    line(&format!("Indicators: {}", if found.is_empty() { "none".to_owned() } else { found.join(", ") }));
    if !off.is_empty() {
        line(&format!("Not applicable: {} (report.html says why)", off.join(", ")));
    }
    for left_out in report.not_checked.iter().take(8) {
        line(&format!("Not checked: {left_out}"));
    }
    if report.spared_total > 0 {
        line(&format!("Spared: {} rows look like seeded ones and stay real", report.spared_total));
    }
    line("");
    for recommendation in &report.recommendations {
        line(&format!("* {}", recommendation.replace("CASE", case)));
    }
    line("");
    let style = verdict_style(report.verdict);
    line(&format!("{style}{}{style:#}: {}", report.verdict.as_str().to_uppercase(), report.verdict_reason));
    out
}

fn verdict_style(verdict: SnapshotVerdict) -> Style {
    let color = match verdict {
        SnapshotVerdict::Clean => AnsiColor::Green,
        SnapshotVerdict::Seeded => AnsiColor::Red,
        SnapshotVerdict::Suspect | SnapshotVerdict::Unchecked => AnsiColor::Yellow,
    };
    Style::new().bold().fg_color(Some(color.into()))
}

fn tables(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["table", "class", "rows", "seeded", "review", "protected", "remain"]);
    for row in &report.tables {
        let count = |n: u64| if n == 0 { "-".to_owned() } else { n.to_string() };
        table.add_row([
            row.name.clone(),
            row.class.as_str().to_owned(),
            row.rows.to_string(),
            count(row.seeded),
            count(row.review),
            count(row.protected),
            if row.left_empty() { "0 (empty)".to_owned() } else { row.remaining().to_string() },
        ]);
    }
    for column in 2..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

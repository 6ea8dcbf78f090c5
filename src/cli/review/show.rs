//! What is printed of cohorts, rows and decisions.

use super::count;
use crate::cli::{Context, Exit};
use crate::model::value::row_key_json;
use crate::model::{Bits, DecisionSubject, RowVerdict, Verdict};
use crate::pipeline;
use crate::report::visible;
use crate::review::{self, find_row};
use crate::snapshot::{Case, StoredCohort};

pub(super) fn list(case: &Case, cx: &Context, path: &str) -> anyhow::Result<Exit> {
    let resolution = review::resolve(case, 1, "")?;
    let cohorts = case.cohorts()?;
    if cohorts.is_empty() {
        cx.print("There is no cohort: nothing was found that anybody would have to decide on.\n")?;
        return Ok(Exit::Done);
    }
    let verdicts = case.verdicts()?;
    let mut text = String::new();
    for stored in &cohorts {
        let cohort = &stored.cohort;
        let kind = if cohort.convicted { "seeded" } else { "review" };
        text.push_str(&format!(
            "{}  {:8} {:7}  {}\n",
            cohort.id,
            resolution.cohort_state(&cohort.id).as_str(),
            kind,
            visible(&cohort.title)
        ));
        for part in &cohort.tables {
            let of = |verdict| count(&verdicts, &cohort.id, part.table, verdict);
            let guarded = if crate::cohort::is_guarded_class(case.class(part.table)?) { "  (needs --tables)" } else { "" };
            let name = visible(&case.table(part.table).table.name.to_string());
            text.push_str(&format!(
                "            {:>6} seeded {:>6} review {:>6} protected  {name}{guarded}\n",
                of(Verdict::Seeded),
                of(Verdict::Review),
                of(Verdict::Protected)
            ));
        }
    }
    for stale in &resolution.stale {
        text.push_str(&format!("stale: {}\n", visible(stale)));
    }
    cx.print(&text)?;
    cx.say(&format!("next: unseed review {path} show {}", cohorts[0].cohort.id));
    Ok(Exit::Done)
}

pub(super) fn show(case: &Case, cx: &Context, stored: &StoredCohort, rows: usize) -> anyhow::Result<Exit> {
    let cohort = &stored.cohort;
    let mut text = format!("{}  {}  ({} rows, {} bits)\n", cohort.id, visible(&cohort.title), cohort.rows(), cohort.bits);
    for finding in &cohort.findings {
        text.push_str(&format!("  - {}\n", visible(finding)));
    }
    let verdicts = case.verdicts()?;
    for part in &cohort.tables {
        text.push_str(&format!("\n{}\n", visible(&case.table(part.table).table.name.to_string())));
        let members: Vec<&RowVerdict> =
            verdicts.iter().map(|v| &v.0).filter(|v| v.table == part.table && v.cohort.as_ref() == Some(&cohort.id)).collect();
        for member in members.iter().take(rows) {
            let key = visible(&row_key_json(&case.row_key(part.table, member.row)?));
            let why: Vec<&str> =
                member.reasons.iter().filter(|r| r.bits > Bits::ZERO && r.family != "cohort").map(|r| &*r.detector).collect();
            text.push_str(&format!("  {:9} {:>7} bits  {key}  {}\n", member.verdict.as_str(), member.bits.to_string(), why.join(", ")));
        }
        if members.len() > rows {
            text.push_str(&format!("  and {} more (--rows {})\n", members.len() - rows, members.len()));
        }
    }
    cx.print(&text)?;
    Ok(Exit::Done)
}

pub(super) fn explain(case: &mut Case, cx: &Context, table: &str, key: &str) -> anyhow::Result<Exit> {
    let (table, row) = find_row(case, table, key)?;
    let verdict = pipeline::explain(case, &cx.config, cx.now, table, row, cx.progress.as_ref())?;
    let name = visible(&case.table(table).table.name.to_string());
    let key = visible(&row_key_json(&case.row_key(table, row)?));
    let mut text = format!("{name} {key}: {}\n", verdict.verdict);
    for reason in &verdict.reasons {
        text.push_str(&format!("  {:>7}  {:20} {}\n", reason.bits.to_string(), reason.detector, visible(&reason.detail)));
    }
    text.push_str(&format!(
        "  {:>7}  sum{}\n",
        verdict.bits.to_string(),
        verdict.cohort.map(|c| format!(", in cohort {c}")).unwrap_or_default()
    ));
    cx.print(&text)?;
    Ok(Exit::Done)
}

pub(super) fn log(case: &Case, cx: &Context) -> anyhow::Result<Exit> {
    let mut text = String::new();
    for decision in case.decisions()? {
        let subject = match &decision.subject {
            DecisionSubject::Cohort { cohort_id } => cohort_id.0.clone(),
            DecisionSubject::Row { table, key } => format!("{table} {key}"),
        };
        let tables = if decision.tables.is_empty() { String::new() } else { format!(" --tables {}", decision.tables.join(",")) };
        let include = if decision.include_review { " --include-review" } else { "" };
        text.push_str(&format!(
            "{}  {:8} {}{tables}{include}  {}  {}\n",
            decision.at,
            decision.decision.as_str(),
            visible(&subject),
            visible(&decision.by),
            visible(&decision.reason)
        ));
    }
    cx.print(&text)?;
    Ok(Exit::Done)
}

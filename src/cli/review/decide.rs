//! Decisions on cohorts, on parts of them and on rows; what each covers.

use anyhow::bail;

use super::{Decide, count};
use crate::cli::{Context, Exit, user};
use crate::model::{Choice, DecisionSubject, Verdict};
use crate::report::visible;
use crate::review::{self, Words, decide_cohort, decide_row, find_cohort, find_row, hold_gone};
use crate::snapshot::{Case, StoredCohort};

/// Decides on a part of a cohort row by row; says what it left out.
pub(super) fn decide_part(
    case: &Case,
    stored: &StoredCohort,
    table: &str,
    from: Option<&str>,
    until: Option<&str>,
    choice: Choice,
    words: &Words,
) -> anyhow::Result<String> {
    let Some(id) = case.find_table(table) else { bail!("there is no table {table}") };
    let (mut decided, mut left_out) = (0, 0);
    for row in review::part(case, stored, id, from, until)? {
        let protected = case.verdict(id, row)?.is_none_or(|v| !matches!(v.0.verdict, Verdict::Seeded | Verdict::Review));
        if protected && choice == Choice::Approve {
            left_out += 1;
        } else {
            decide_row(case, id, row, choice, words)?;
            decided += 1;
        }
    }
    let left = if left_out > 0 { format!("; {left_out} protected rows are left out") } else { String::new() };
    Ok(format!("{}: {decided} rows of {}: {}{left}\n", stored.cohort.id, visible(&case.table(id).table.name.to_string()), choice.as_str()))
}

pub(super) fn decision(case: &Case, cx: &Context, decide: &Decide, choice: Choice) -> anyhow::Result<Exit> {
    let words = Words {
        tables: decide.tables.clone(),
        include_review: decide.include_review,
        reason: decide.reason.clone(),
        by: decide.by.clone().unwrap_or_else(user),
        at: cx.now_text(),
    };
    match decide.subject.as_slice() {
        [typed] => {
            let stored = match find_cohort(case, typed) {
                Ok(stored) => stored,
                // A decision on a cohort that a newer analysis no longer has can still be taken back.
                Err(error) => {
                    let known = case
                        .decisions()?
                        .iter()
                        .any(|d| matches!(&d.subject, DecisionSubject::Cohort { cohort_id } if cohort_id.0 == *typed));
                    if choice == Choice::Hold && known {
                        hold_gone(case, typed, &words)?;
                        cx.print(&format!("{typed}: on hold\n"))?;
                        return Ok(Exit::Done);
                    }
                    return Err(error.into());
                }
            };
            decide_cohort(case, &stored, choice, &words)?;
            cx.print(&covered(case, &stored, choice, &words)?)?;
            cx.say(&format!("next: unseed plan {} -o DIR", case.path().display()));
        }
        [table, key] => {
            let (table, row) = find_row(case, table, key)?;
            decide_row(case, table, row, choice, &words)?;
            cx.print(&format!("{} {}: {}\n", visible(&case.table(table).table.name.to_string()), visible(key), choice.as_str()))?;
        }
        _ => unreachable!("clap takes one or two"),
    }
    Ok(Exit::Done)
}

/// Says what a decision on a cohort covers and what it leaves out.
pub(super) fn covered(case: &Case, stored: &StoredCohort, choice: Choice, words: &Words) -> anyhow::Result<String> {
    let cohort = &stored.cohort;
    let mut text = format!("{}: {} by {}\n", cohort.id, choice.as_str(), visible(&words.by));
    if choice != Choice::Approve {
        return Ok(text);
    }
    let verdicts = case.verdicts()?;
    for part in &cohort.tables {
        let of = |verdict| count(&verdicts, &cohort.id, part.table, verdict);
        let (seeded, in_review) = (of(Verdict::Seeded), of(Verdict::Review));
        let info = case.table(part.table);
        let name = visible(&info.table.name.to_string());
        let named = words.tables.iter().any(|t| t == "all" || case.find_table(t) == Some(part.table));
        if crate::cohort::is_guarded_class(case.class(part.table)?) && !named {
            text.push_str(&format!("  left out: {} rows of {name}, which is named with --tables {name}\n", seeded + in_review));
            continue;
        }
        text.push_str(&format!("  covers {} rows of {name}\n", seeded + if words.include_review { in_review } else { 0 }));
        if in_review > 0 && !words.include_review {
            text.push_str(&format!("  left out: {in_review} rows of {name} in review (--include-review, or approve them one by one)\n"));
        }
    }
    Ok(text)
}

pub(super) fn split(case: &mut Case, cx: &Context, cohort: &str, table: &str, keys: &[String]) -> anyhow::Result<Exit> {
    let stored = find_cohort(case, cohort)?;
    let (apart, rest) = review::split(case, &stored, table, keys)?;
    cx.print(&format!("{} is now {apart} ({table}) and {rest} (the rest); decisions on it are taken back by that\n", stored.cohort.id))?;
    Ok(Exit::Done)
}

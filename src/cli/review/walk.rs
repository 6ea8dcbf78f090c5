//! The walk through the cohorts on a terminal.

use std::io::BufRead;

use super::decide::{covered, decide_part};
use super::show::{list, show};
use super::words;
use crate::cli::{Context, Exit};
use crate::model::{Choice, Verdict};
use crate::report::visible;
use crate::review::{self, decide_cohort};
use crate::snapshot::Case;

/// Walks the cohorts one by one and asks.
pub(super) fn walk(case: &Case, cx: &Context, path: &str, answers: &mut dyn BufRead) -> anyhow::Result<Exit> {
    let cohorts = case.cohorts()?;
    if cohorts.is_empty() {
        return list(case, cx, path);
    }
    let mut ask = |question: &str| -> anyhow::Result<Option<String>> {
        cx.print(question)?;
        let mut answer = String::new();
        Ok(if answers.read_line(&mut answer)? == 0 { None } else { Some(answer.trim().to_owned()) })
    };
    let mut index = 0;
    while let Some(stored) = cohorts.get(index) {
        let state = review::resolve(case, 1, "")?.cohort_state(&stored.cohort.id);
        cx.print(&format!("\nCohort {} of {}, now: {}\n", index + 1, cohorts.len(), state.as_str()))?;
        show(case, cx, stored, 3)?;
        let question = "\n[a]pprove [k]eep [h]old [s]plit [r]ows [n]ext [p]revious [q]uit? ";
        let Some(answer) = ask(question)? else { break };
        let choice = match answer.as_str() {
            "a" | "approve" => Choice::Approve,
            "k" | "keep" => Choice::Keep,
            "h" | "hold" => Choice::Hold,
            "r" | "rows" => {
                show(case, cx, stored, 50)?;
                continue;
            }
            "s" | "split" => {
                let Some(typed) = ask("Table, first key, last key, decision (such as: users 12 40 keep): ")? else { break };
                let parts: Vec<&str> = typed.split_whitespace().collect();
                let [table, from, until, word] = parts.as_slice() else {
                    cx.print("Nothing was decided: four words are needed.\n")?;
                    continue;
                };
                let Some(choice) = Choice::parse(word) else {
                    cx.print("Nothing was decided: the last word is approve, keep or hold.\n")?;
                    continue;
                };
                let reason = ask("Reason: ")?.unwrap_or_default();
                match decide_part(case, stored, table, Some(from), Some(until), choice, &words(cx, &reason, None)) {
                    Ok(said) => cx.print(&said)?,
                    Err(error) => cx.print(&format!("Nothing was decided: {}\n", visible(&error.to_string())))?,
                }
                continue;
            }
            "p" | "previous" => {
                index = index.saturating_sub(1);
                continue;
            }
            "q" | "quit" => break,
            _ => {
                index += 1;
                continue;
            }
        };
        let mut said = words(cx, "", None);
        if choice == Choice::Approve {
            for part in &stored.cohort.tables {
                let name = case.table(part.table).table.name.to_string();
                if crate::cohort::is_guarded_class(case.class(part.table)?)
                    && ask(&format!("Also its money and audit rows of {}? [y/N] ", visible(&name)))?
                        .is_some_and(|a| a.eq_ignore_ascii_case("y"))
                {
                    said.tables.push(name);
                }
            }
            let waiting =
                case.verdicts()?.iter().any(|(v, _)| v.cohort.as_ref() == Some(&stored.cohort.id) && v.verdict == Verdict::Review);
            said.include_review = waiting && ask("Also its rows in review? [y/N] ")?.is_some_and(|a| a.eq_ignore_ascii_case("y"));
        }
        said.reason = ask("Reason: ")?.unwrap_or_default();
        decide_cohort(case, stored, choice, &said)?;
        cx.print(&covered(case, stored, choice, &said)?)?;
        index += 1;
    }
    cx.say(&format!("next: unseed plan {path} -o DIR"));
    Ok(Exit::Done)
}

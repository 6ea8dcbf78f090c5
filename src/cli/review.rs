//! `unseed review`: see the cohorts and decide on them.

use std::io::{BufRead, IsTerminal as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;

use super::{Context, Exit, user};
use crate::model::value::row_key_json;
use crate::model::{Bits, Choice, RowVerdict, Verdict};
use crate::pipeline;
use crate::report::visible;
use crate::review::{self, Words, decide_cohort, decide_row, find_cohort, find_row, hold_gone};
use crate::snapshot::{Case, StoredCohort};

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed review out/case.db list
  unseed review out/case.db show c1a2b3c4
  unseed review out/case.db explain users 42                           the bits of any row, a real one too
  unseed review out/case.db approve c1a2b3c4                           its seeded rows in ordinary tables
  unseed review out/case.db approve c1a2b3c4 --tables payments --include-review
  unseed review out/case.db keep users 42 --reason \"known customer\"
  unseed review out/case.db part c1a2b3c4 users --from 12 --until 40 --decide keep
  unseed review out/case.db split c1a2b3c4 reports                     decide on its reports apart
  unseed review out/case.db export -o bea.jsonl                        and import on another desk, or what the page exported
  unseed review out/case.db                                            on a terminal: one cohort after the other")]
pub(super) struct Args {
    /// Case file
    #[arg(value_name = "CASE")]
    case: PathBuf,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List the cohorts and what was decided
    List,
    /// Show one cohort: its evidence and its rows
    Show {
        /// Cohort id, or the beginning of one
        cohort: String,
        /// Rows shown per table
        #[arg(long, default_value_t = 10)]
        rows: usize,
    },
    /// Show the bits of one row, a real one too
    Explain {
        /// Table
        table: String,
        /// Key; a composite one as a JSON array
        key: String,
    },
    /// Approve a cohort, or one row: it may be deleted
    Approve(Decide),
    /// Keep a cohort, or one row: it is real; beats an approval
    Keep(Decide),
    /// Take a decision back
    Hold(Decide),
    /// Decide on a part of a cohort, row by row: the rows of one table, from one key to another
    Part(Part),
    /// Make two cohorts of one: these rows apart from the rest
    Split {
        /// Cohort id, or the beginning of one
        cohort: String,
        /// Table whose rows go apart
        table: String,
        /// Keys of the rows; all of the table's where none is given
        keys: Vec<String>,
    },
    /// Write the decisions as sorted lines, to compare, merge and carry over
    Export {
        /// File to write to; else standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Add the decisions of one or more files; keep beats approve
    Import {
        /// Files that `export` or the report's page wrote; `-` for standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Take files of another snapshot: what is unchanged is kept, the rest is listed
        #[arg(long)]
        carry_over: bool,
    },
    /// Print the log of decisions
    Log,
}

#[derive(clap::Args, Debug)]
struct Decide {
    /// A cohort id, or a table and a key
    #[arg(required = true, num_args = 1..=2, value_name = "COHORT | TABLE KEY")]
    subject: Vec<String>,
    /// Money and audit tables that the approval covers, with commas between them; "all" for every one
    #[arg(long, value_delimiter = ',', value_name = "TABLES")]
    tables: Vec<String>,
    /// Cover rows in review too
    #[arg(long)]
    include_review: bool,
    /// Why
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
    /// Who decides; else the login name
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(clap::Args, Debug)]
struct Part {
    /// Cohort id, or the beginning of one
    cohort: String,
    /// Table
    table: String,
    /// First key of the part; else from the first row on
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// Last key of the part; else to the last row
    #[arg(long, value_name = "KEY")]
    until: Option<String>,
    /// What becomes of the part
    #[arg(long = "decide", value_enum, value_name = "DECISION")]
    choice: ChoiceArg,
    /// Why
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
    /// Who decides; else the login name
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum ChoiceArg {
    /// They may be deleted; those that are protected are left out
    Approve,
    /// They are real
    Keep,
    /// Take a decision back
    Hold,
}

impl ChoiceArg {
    const fn choice(self) -> Choice {
        match self {
            Self::Approve => Choice::Approve,
            Self::Keep => Choice::Keep,
            Self::Hold => Choice::Hold,
        }
    }
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let mut case = Case::open(&args.case)?;
    let shown = args.case.display().to_string();
    let Some(action) = &args.action else {
        // Without a terminal there is nobody to ask.
        return if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
            walk(&case, cx, &shown, &mut std::io::stdin().lock())
        } else {
            list(&case, cx, &shown)
        };
    };
    match action {
        Action::List => list(&case, cx, &shown),
        Action::Show { cohort, rows } => show(&case, cx, &find_cohort(&case, cohort)?, *rows),
        Action::Explain { table, key } => explain(&mut case, cx, table, key),
        Action::Approve(decide) => decision(&case, cx, decide, Choice::Approve),
        Action::Keep(decide) => decision(&case, cx, decide, Choice::Keep),
        Action::Hold(decide) => decision(&case, cx, decide, Choice::Hold),
        Action::Part(part) => {
            let stored = find_cohort(&case, &part.cohort)?;
            let words = words(cx, &part.reason, part.by.as_ref());
            let (from, until) = (part.from.as_deref(), part.until.as_deref());
            cx.print(&decide_part(&case, &stored, &part.table, from, until, part.choice.choice(), &words)?)?;
            cx.say(&format!("next: unseed plan {shown} -o DIR"));
            Ok(Exit::Done)
        }
        Action::Split { cohort, table, keys } => split(&mut case, cx, cohort, table, keys),
        Action::Export { output } => export(&case, cx, output.as_deref()),
        Action::Import { files, carry_over } => import(&mut case, cx, files, *carry_over),
        Action::Log => log(&case, cx),
    }
}

fn words(cx: &Context, reason: &str, by: Option<&String>) -> Words {
    Words { tables: Vec::new(), include_review: false, reason: reason.to_owned(), by: by.cloned().unwrap_or_else(user), at: cx.now_text() }
}

/// Decides on a part of a cohort row by row; says what it left out.
fn decide_part(
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

/// Walks the cohorts one by one and asks.
fn walk(case: &Case, cx: &Context, path: &str, answers: &mut dyn BufRead) -> anyhow::Result<Exit> {
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

fn list(case: &Case, cx: &Context, path: &str) -> anyhow::Result<Exit> {
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
            let count = |verdict| {
                verdicts
                    .iter()
                    .filter(|(v, _)| v.table == part.table && v.cohort.as_ref() == Some(&cohort.id) && v.verdict == verdict)
                    .count()
            };
            let guarded = if crate::cohort::is_guarded_class(case.class(part.table)?) { "  (needs --tables)" } else { "" };
            let name = visible(&case.table(part.table).table.name.to_string());
            text.push_str(&format!(
                "            {:>6} seeded {:>6} review {:>6} protected  {name}{guarded}\n",
                count(Verdict::Seeded),
                count(Verdict::Review),
                count(Verdict::Protected)
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

fn show(case: &Case, cx: &Context, stored: &StoredCohort, rows: usize) -> anyhow::Result<Exit> {
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

fn explain(case: &mut Case, cx: &Context, table: &str, key: &str) -> anyhow::Result<Exit> {
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

fn decision(case: &Case, cx: &Context, decide: &Decide, choice: Choice) -> anyhow::Result<Exit> {
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
                        .any(|d| matches!(&d.subject, crate::model::DecisionSubject::Cohort { cohort_id } if cohort_id.0 == *typed));
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
fn covered(case: &Case, stored: &StoredCohort, choice: Choice, words: &Words) -> anyhow::Result<String> {
    let cohort = &stored.cohort;
    let mut text = format!("{}: {} by {}\n", cohort.id, choice.as_str(), visible(&words.by));
    if choice != Choice::Approve {
        return Ok(text);
    }
    let verdicts = case.verdicts()?;
    for part in &cohort.tables {
        let count = |verdict| {
            verdicts.iter().filter(|(v, _)| v.table == part.table && v.cohort.as_ref() == Some(&cohort.id) && v.verdict == verdict).count()
        };
        let (seeded, in_review) = (count(Verdict::Seeded), count(Verdict::Review));
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

fn split(case: &mut Case, cx: &Context, cohort: &str, table: &str, keys: &[String]) -> anyhow::Result<Exit> {
    let stored = find_cohort(case, cohort)?;
    let (apart, rest) = review::split(case, &stored, table, keys)?;
    cx.print(&format!("{} is now {apart} ({table}) and {rest} (the rest); decisions on it are taken back by that\n", stored.cohort.id))?;
    Ok(Exit::Done)
}

fn export(case: &Case, cx: &Context, output: Option<&std::path::Path>) -> anyhow::Result<Exit> {
    let text = review::export(case)?;
    match output {
        Some(path) => super::write_file(path, text.as_bytes())?,
        None => cx.print(&text)?,
    }
    Ok(Exit::Done)
}

fn import(case: &mut Case, cx: &Context, files: &[PathBuf], carry_over: bool) -> anyhow::Result<Exit> {
    let mut conflicts = Vec::new();
    for path in files {
        let text = if path.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?
        } else {
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?
        };
        let done = review::import(case, &path.display().to_string(), &text, carry_over)?;
        let mut out = format!("{}: {} decisions added, {} known\n", visible(&path.display().to_string()), done.added, done.known);
        for changed in &done.changed {
            out.push_str(&format!("  to review again: {}\n", visible(changed)));
        }
        cx.print(&out)?;
        conflicts = done.conflicts;
    }
    for conflict in &conflicts {
        cx.print(&format!("  disagreement: {}\n", visible(conflict)))?;
    }
    Ok(Exit::Done)
}

fn log(case: &Case, cx: &Context) -> anyhow::Result<Exit> {
    let mut text = String::new();
    for decision in case.decisions()? {
        let subject = match &decision.subject {
            crate::model::DecisionSubject::Cohort { cohort_id } => cohort_id.0.clone(),
            crate::model::DecisionSubject::Row { table, key } => format!("{table} {key}"),
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

//! `unseed review`: see the cohorts and decide on them.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::{Context, Exit, user};
use crate::model::value::row_key_json;
use crate::model::{Bits, Choice, RowVerdict, Verdict};
use crate::pipeline;
use crate::report::visible;
use crate::review::{self, Words, decide_cohort, decide_row, find_cohort, find_row, hold_gone};
use crate::snapshot::{Case, StoredCohort};

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  unseed review out/case.db list
  unseed review out/case.db show c1a2b3c4
  unseed review out/case.db explain users 42                           the bits of any row, a real one too
  unseed review out/case.db approve c1a2b3c4                           its seeded rows in ordinary tables
  unseed review out/case.db approve c1a2b3c4 --tables payments --include-review
  unseed review out/case.db keep users 42 --reason \"known customer\"
  unseed review out/case.db split c1a2b3c4 reports                     decide on its reports apart
  unseed review out/case.db export -o bea.jsonl                        and import on another desk")]
pub(super) struct Args {
    /// Case file
    #[arg(value_name = "CASE")]
    case: PathBuf,
    #[command(subcommand)]
    action: Action,
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
        /// Files that `export` wrote
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

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let mut case = Case::open(&args.case)?;
    match &args.action {
        Action::List => list(&case, cx, &args.case.display().to_string()),
        Action::Show { cohort, rows } => show(&case, cx, &find_cohort(&case, cohort)?, *rows),
        Action::Explain { table, key } => explain(&mut case, cx, table, key),
        Action::Approve(decide) => decision(&case, cx, decide, Choice::Approve),
        Action::Keep(decide) => decision(&case, cx, decide, Choice::Keep),
        Action::Hold(decide) => decision(&case, cx, decide, Choice::Hold),
        Action::Split { cohort, table, keys } => split(&mut case, cx, cohort, table, keys),
        Action::Export { output } => export(&case, cx, output.as_deref()),
        Action::Import { files, carry_over } => import(&mut case, cx, files, *carry_over),
        Action::Log => log(&case, cx),
    }
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
                member.reasons.iter().filter(|r| r.bits > Bits::ZERO && r.family != "cohort").map(|r| r.detector.as_str()).collect();
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
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
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

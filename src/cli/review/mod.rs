//! `unseed review`: see the cohorts and decide on them.

mod decide;
mod files;
mod show;
mod walk;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Subcommand;

use super::{Context, Exit, user};
use crate::model::{Choice, CohortId, RowVerdict, TableId, Verdict};
use crate::review::{Words, find_cohort};
use crate::snapshot::Case;

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
            walk::walk(&case, cx, &shown, &mut std::io::stdin().lock())
        } else {
            show::list(&case, cx, &shown)
        };
    };
    match action {
        Action::List => show::list(&case, cx, &shown),
        Action::Show { cohort, rows } => show::show(&case, cx, &find_cohort(&case, cohort)?, *rows),
        Action::Explain { table, key } => show::explain(&mut case, cx, table, key),
        Action::Approve(decide) => decide::decision(&case, cx, decide, Choice::Approve),
        Action::Keep(decide) => decide::decision(&case, cx, decide, Choice::Keep),
        Action::Hold(decide) => decide::decision(&case, cx, decide, Choice::Hold),
        Action::Part(part) => {
            let stored = find_cohort(&case, &part.cohort)?;
            let words = words(cx, &part.reason, part.by.as_ref());
            let (from, until) = (part.from.as_deref(), part.until.as_deref());
            cx.print(&decide::decide_part(&case, &stored, &part.table, from, until, part.choice.choice(), &words)?)?;
            cx.say(&format!("next: unseed plan {shown} -o DIR"));
            Ok(Exit::Done)
        }
        Action::Split { cohort, table, keys } => decide::split(&mut case, cx, cohort, table, keys),
        Action::Export { output } => files::export(&case, cx, output.as_deref()),
        Action::Import { files, carry_over } => files::import(&mut case, cx, files, *carry_over),
        Action::Log => show::log(&case, cx),
    }
}

fn words(cx: &Context, reason: &str, by: Option<&String>) -> Words {
    Words { tables: Vec::new(), include_review: false, reason: reason.to_owned(), by: by.cloned().unwrap_or_else(user), at: cx.now_text() }
}

/// Counts a cohort's rows of one table by verdict.
fn count(verdicts: &[(RowVerdict, String)], cohort: &CohortId, table: TableId, verdict: Verdict) -> usize {
    verdicts.iter().filter(|(v, _)| v.table == table && v.cohort.as_ref() == Some(cohort) && v.verdict == verdict).count()
}

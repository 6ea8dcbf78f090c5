//! `unseed ingest`: exports into a case file.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Context, Exit, Refusal, parse_time};
use crate::ingest::{self, BadRows, Options, Summary};
use crate::report::visible;
use crate::snapshot::Case;

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed ingest dump.sql -o case.db
  unseed ingest schema.sql export/ -o case.db")]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Case file to write
    #[arg(short, long, value_name = "FILE.db")]
    output: PathBuf,
}

/// What to read, and how.
#[derive(clap::Args, Debug)]
pub(super) struct InputArgs {
    /// Files or folders: a `pg_dump` text, a SQLite file, CSV files with or without their DDL
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// When the snapshot was taken; else the dump's header tells, else its newest row
    #[arg(long, value_name = "TIME")]
    taken_at: Option<String>,
    /// Read an input although its end is missing; nothing of it can reach a delete script
    #[arg(long)]
    allow_truncated: bool,
    /// What becomes of rows that do not fit their table
    #[arg(long, value_enum, default_value_t = BadRowsArg::Refuse, value_name = "WHAT")]
    bad_rows: BadRowsArg,
    /// Largest cell or statement, in bytes
    #[arg(long, default_value_t = crate::dump::MAX_CELL_BYTES, value_name = "BYTES")]
    max_cell: usize,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum BadRowsArg {
    /// Refuse the whole input
    Refuse,
    /// Keep their bytes in the case file; their table can never reach a delete script
    Quarantine,
}

impl InputArgs {
    /// Reads the inputs into a case file at `target`.
    pub(super) fn ingest(&self, target: &Path, cx: &Context) -> anyhow::Result<Summary> {
        let configured = cx.config.config.snapshot.taken_at.as_deref();
        let taken_at = match (self.taken_at.as_deref(), configured) {
            (Some(text), _) => Some(parse_time("--taken-at", text)?),
            (None, Some(text)) => Some(parse_time("unseed.toml: snapshot.taken_at", text)?),
            (None, None) => None,
        };
        let bad_rows = match self.bad_rows {
            BadRowsArg::Refuse => BadRows::Refuse,
            BadRowsArg::Quarantine => BadRows::Quarantine,
        };
        let options = Options { taken_at, allow_truncated: self.allow_truncated, bad_rows, max_cell_bytes: self.max_cell };
        Ok(ingest::ingest(&self.inputs, target, &options, cx.progress.as_ref())?)
    }
}

/// Refuses to replace a case that holds decisions.
pub(super) fn refuse_decided(path: &Path) -> anyhow::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    // A file that is no case is the user's own; it is not ours to replace.
    let case = Case::open(path)?;
    let decisions = case.decisions()?.len();
    if decisions > 0 {
        let text = format!("{} holds {decisions} decisions and is not replaced; write to another place, or move it away", path.display());
        return Err(Refusal(text).into());
    }
    Ok(())
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    refuse_decided(&args.output)?;
    let summary = args.input.ingest(&args.output, cx)?;
    let case = Case::open(&args.output)?;
    let mut text = String::new();
    for (name, rows, rejected) in &summary.tables {
        text.push_str(&format!(
            "{:>12} rows  {}{}\n",
            rows,
            visible(name),
            if *rejected > 0 { format!("  ({rejected} set aside)") } else { String::new() }
        ));
    }
    let ledger: Vec<String> = case.byte_ledger()?.into_iter().map(|(kind, bytes)| format!("{bytes} {kind}")).collect();
    text.push_str(&format!(
        "bytes: {} of {} ({})\n",
        case.byte_ledger()?.iter().map(|l| l.1).sum::<u64>(),
        summary.bytes,
        ledger.join(", ")
    ));
    for warning in &summary.warnings {
        text.push_str(&format!("warning: {}\n", visible(warning)));
    }
    text.push_str(&format!("snapshot {}\nnext: unseed analyze {}\n", summary.id, args.output.display()));
    cx.print(&text)?;
    Ok(Exit::Done)
}

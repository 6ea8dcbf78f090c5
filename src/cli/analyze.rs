//! `unseed analyze`: runs the detectors on a case file.

use std::path::PathBuf;

use super::report::RedactArgs;
use super::{Context, Exit, FailOn, GivenArgs};
use crate::pipeline;
use crate::report::terminal;
use crate::snapshot::Case;
use crate::timing::timed;

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed analyze out/case.db
  unseed analyze out/case.db -c unseed.toml --fail-on seeded")]
pub(super) struct Args {
    /// Case file
    #[arg(value_name = "CASE")]
    case: PathBuf,
    /// End with exit code 1 on findings
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    given: GivenArgs,
    #[command(flatten)]
    redact: RedactArgs,
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let ask = args.given.read(cx)?;
    let mut case = Case::open(&args.case)?;
    // The verdict alone is kept: what led to it is in the case.
    let verdict = timed(|| "analyse", || pipeline::analyze_as(&mut case, &cx.config, cx.now, &ask, cx.progress.as_ref()))?.verdict;
    let report = timed(|| "gather report", || args.redact.gather(&case, cx))?;
    cx.print(&terminal::summary(&report, &args.case.display().to_string()))?;
    cx.say(&format!("next: unseed report {} -o DIR", args.case.display()));
    Ok(if args.fail_on.is_some_and(|f| f.fails(verdict)) { Exit::Findings } else { Exit::Done })
}

//! `unseed scan`: ingest, analyse and report in one go.

use std::path::PathBuf;

use anyhow::Context as _;

use super::report::{RedactArgs, write_reports};
use super::{Context, Exit, FailOn, GivenArgs, ingest};
use crate::pipeline;
use crate::report::terminal;
use crate::snapshot::{Case, Check};
use crate::timing::timed;

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed scan dump.sql -o out/
  unseed scan schema.sql export/ -o out/              CSV files with their DDL beside them
  unseed scan dump.sql -o out/ --fail-on unchecked    a gate for CI: exit 1 unless the verdict is clean")]
pub(super) struct Args {
    #[command(flatten)]
    input: ingest::InputArgs,
    /// Folder for case.db, report.html and report.json
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// End with exit code 1 on findings
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    given: GivenArgs,
    #[command(flatten)]
    redact: RedactArgs,
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let target = args.output.join("case.db");
    ingest::refuse_decided(&target)?;
    let existed = args.output.is_dir();
    match scan(args, cx, &target) {
        Ok(exit) => Ok(exit),
        Err(error) => {
            // A folder that was made for this run and is still empty goes with it.
            if !existed {
                let _ = std::fs::remove_dir(&args.output);
            }
            Err(error)
        }
    }
}

fn scan(args: &Args, cx: &Context, target: &std::path::Path) -> anyhow::Result<Exit> {
    let ask = args.given.read(cx)?;
    // The case gets its name only when it is analysed: a half-made one is never found.
    std::fs::create_dir_all(&args.output).with_context(|| format!("{} cannot be made", args.output.display()))?;
    let unfinished = tempfile::Builder::new().prefix(".unseed-scan-").suffix(".db").tempfile_in(&args.output)?.into_temp_path();
    timed(|| "ingest", || args.input.ingest(&unfinished, Check::ByReader, cx))?;
    let mut case = Case::open_unchecked(&unfinished)?;
    // The verdict alone is kept: what led to it is in the case.
    let verdict = timed(|| "analyse", || pipeline::analyze_as(&mut case, &cx.config, cx.now, &ask, cx.progress.as_ref()))?.verdict;
    let report = timed(|| "gather report", || args.redact.gather(&case, cx))?;
    timed(|| "close", || drop(case));
    unfinished.persist(target).map_err(|e| e.error).with_context(|| format!("{} cannot be written", target.display()))?;
    timed(|| "write reports", || write_reports(&report, &["html", "json"], &args.output))?;
    cx.print(&terminal::summary(&report, &target.display().to_string()))?;
    cx.say(&format!("report: {}", args.output.join("report.html").display()));
    if !report.cohorts.is_empty() {
        cx.say(&format!("next: decide in report.html, or with unseed review {}", target.display()));
    }
    Ok(if args.fail_on.is_some_and(|f| f.fails(verdict)) { Exit::Findings } else { Exit::Done })
}

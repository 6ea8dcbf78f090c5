//! `unseed report`: writes reports of an analysed case.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::{Context, Exit, write_file};
use crate::config::Redact;
use crate::report::{self, REPORTS, Report};
use crate::snapshot::Case;

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed report out/case.db -o out/                                        report.html and report.json
  unseed report out/case.db -o out/ --format html,json,csv,junit,markdown
  unseed report out/case.db -o public/ --redact full                       no value of a row is shown")]
pub(super) struct Args {
    /// Case file
    #[arg(value_name = "CASE")]
    case: PathBuf,
    /// Folder to write to
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Formats, with commas between them
    #[arg(long, value_delimiter = ',', default_values = ["html", "json"], value_name = "FORMATS")]
    format: Vec<String>,
    #[command(flatten)]
    redact: RedactArgs,
}

/// How values are masked.
#[derive(clap::Args, Debug)]
pub(super) struct RedactArgs {
    /// How values are masked in reports
    #[arg(long, value_enum, value_name = "MODE")]
    redact: Option<Redact>,
}

impl RedactArgs {
    /// Gathers the report under the mode asked for, else configured, else partly masked.
    pub(super) fn gather(&self, case: &Case, cx: &Context) -> anyhow::Result<Report> {
        let mode = self.redact.or(cx.config.config.report.redact).unwrap_or_default();
        Ok(report::gather(case, &cx.config, mode, cx.now, &cx.command)?)
    }
}

/// Writes a report in some formats.
pub(super) fn write_reports(report: &Report, formats: &[&str], folder: &Path) -> anyhow::Result<()> {
    let mut renderers = Vec::new();
    for format in formats {
        let Some(renderer) = report::of(format) else {
            let known: Vec<&str> = REPORTS.iter().map(|r| r.id()).collect();
            let nearest = known.iter().min_by_key(|k| crate::config::distance(format, k)).copied().unwrap_or_default();
            bail!("--format {format} is not known; did you mean {nearest}? Known are {}", known.join(", "));
        };
        renderers.push(renderer);
    }
    for renderer in renderers {
        write_file(&folder.join(renderer.file_name()), &renderer.render(report))?;
    }
    Ok(())
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let case = Case::open(&args.case)?;
    if case.meta("verdict")?.is_none() {
        bail!("{} is not analysed yet; run `unseed analyze {}` first", args.case.display(), args.case.display());
    }
    let report = args.redact.gather(&case, cx)?;
    let formats: Vec<&str> = args.format.iter().map(String::as_str).collect();
    write_reports(&report, &formats, &args.output)?;
    let waiting = report.cohorts.iter().filter(|c| c.decision == crate::model::Choice::Hold).count();
    let files: Vec<String> =
        formats.iter().filter_map(|f| report::of(f)).map(|r| args.output.join(r.file_name()).display().to_string()).collect();
    cx.say(&format!("written: {}", files.join(", ")));
    if waiting > 0 {
        cx.say(&format!("next: decide in report.html, or with unseed review {}", args.case.display()));
    } else if !report.cohorts.is_empty() {
        cx.say(&format!("next: unseed plan {} -o DIR", args.case.display()));
    }
    Ok(Exit::Done)
}

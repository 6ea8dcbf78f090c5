//! `unseed verify`: a later snapshot against a plan.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::{Context, Exit};
use crate::ingest::{Options, ingest};
use crate::pipeline;
use crate::plan::{Manifest, compare};
use crate::report::visible;
use crate::snapshot::Case;

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed verify out/case.db --after later.sql
  unseed verify out/case.db --after later.sql --plan plan/")]
pub(super) struct Args {
    /// Case file that the plan was made from
    #[arg(value_name = "CASE")]
    case: PathBuf,
    /// The later snapshot
    #[arg(long, required = true, num_args = 1.., value_name = "INPUT")]
    after: Vec<PathBuf>,
    /// Plan folder; else the newest plan of the case
    #[arg(long, value_name = "DIR")]
    plan: Option<PathBuf>,
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let case = Case::open(&args.case)?;
    let text = match &args.plan {
        Some(folder) => {
            let path = folder.join("plan.json");
            std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?
        }
        None => match case.newest_plan()? {
            Some(text) => text,
            None => bail!("{} has no plan; make one with `unseed plan {} -o DIR`", args.case.display(), args.case.display()),
        },
    };
    let manifest: Manifest = serde_json::from_str(&text).context("the plan's manifest cannot be read")?;
    if manifest.snapshot_id != case.facts().id.0 {
        bail!("the plan is of another snapshot than {}", args.case.display());
    }
    let scratch = tempfile::tempdir()?;
    let later = scratch.path().join("later.db");
    ingest(&args.after, &later, &Options::default(), cx.progress.as_ref())?;
    let mut after = Case::open(&later)?;
    pipeline::analyze(&mut after, &cx.config, cx.now, cx.progress.as_ref())?;
    let comparison = compare(&manifest, &case, &after)?;
    let mut out = format!(
        "plan {}\n{:>10} {:>10} {:>10} {:>10} {:>10}  table\n",
        comparison.plan_id, "before", "planned", "expected", "after", "new"
    );
    for table in &comparison.tables {
        out.push_str(&format!(
            "{:>10} {:>10} {:>10} {:>10} {:>10}  {}\n",
            table.before,
            table.planned,
            table.before - table.planned,
            table.after.map_or("gone".to_owned(), |n| n.to_string()),
            table.new,
            visible(&table.name)
        ));
    }
    out.push_str(&format!("privileged accounts: {} before, {} after\n", comparison.privileged.0, comparison.privileged.1));
    for failure in &comparison.failures {
        out.push_str(&format!("- {}\n", visible(failure)));
    }
    out.push_str(if comparison.failures.is_empty() { "PASS\n" } else { "FAIL\n" });
    cx.print(&out)?;
    Ok(if comparison.failures.is_empty() { Exit::Done } else { Exit::Findings })
}

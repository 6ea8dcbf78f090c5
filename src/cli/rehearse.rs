//! `unseed rehearse`: delete and undo on a scratch copy.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::{Context, Exit, Refusal, parse_time, write_file};
use crate::dialect::{self, DURATIONS};
use crate::model::Engine;
use crate::plan::{self, Manifest, Options};
use crate::report::visible;
use crate::snapshot::Case;
use crate::{rehearse, review};

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  unseed rehearse out/case.db plan/
  unseed rehearse out/case.db plan/ --server postgres

The scratch copy is made from the case file. Without --server it is SQLite in memory; with it, a private
server from this machine's own binaries, on a socket in a temporary folder, gone when it is done.")]
pub(super) struct Args {
    /// Case file that the plan was made from
    #[arg(value_name = "CASE")]
    case: PathBuf,
    /// Plan folder
    #[arg(value_name = "PLANDIR")]
    plan: PathBuf,
    /// Rehearse on a private server of the plan's own engine
    #[arg(long, value_enum, value_name = "ENGINE")]
    server: Option<ServerArg>,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum ServerArg {
    /// PostgreSQL
    Postgres,
    /// MariaDB
    Mariadb,
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let case = Case::open(&args.case)?;
    let path = args.plan.join("plan.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let manifest: Manifest = serde_json::from_str(&text).with_context(|| format!("{} is no plan of this unseed", path.display()))?;
    let Some(dialect) = Engine::parse(&manifest.dialect).and_then(dialect::of) else {
        bail!("there is no dialect {}", visible(&manifest.dialect))
    };
    match (args.server, dialect.engine()) {
        (None, _) | (Some(ServerArg::Postgres), Engine::Postgres) | (Some(ServerArg::Mariadb), Engine::Mariadb | Engine::Mysql) => {}
        (Some(_), engine) => bail!("the plan's scripts are for {engine}: another server cannot run them; leave --server out"),
    }
    let (made, expires) = (parse_time("made_at", &manifest.made_at)?, parse_time("expires_at", &manifest.expires_at)?);
    let reviewers = manifest.approvers.len().clamp(1, usize::from(manifest.approvers.iter().all(|a| *a != manifest.author)) + 1);
    let resolution = review::resolve(&case, reviewers, &manifest.author)?;
    let options = Options {
        author: manifest.author.clone(),
        now: made,
        expires_days: (expires - made) / crate::model::stamp::DAY,
        engine: dialect.engine(),
        database: manifest.database.clone(),
        default_schema: dialect.default_schema().to_owned(),
        reviewers,
        strict: false,
        on_drift: manifest.on_drift,
        batch_rows: manifest.batch_rows,
    };
    let mut plan = plan::build(&case, &resolution.approved(), &resolution, &options)?;
    if plan.id.0 != manifest.plan_id {
        // One approver may have been enough for a plan that two approved.
        let resolution = review::resolve(&case, 1, &manifest.author)?;
        plan = plan::build(&case, &resolution.approved(), &resolution, &Options { reviewers: 1, ..options })?;
    }
    if plan.id.0 != manifest.plan_id {
        return Err(Refusal(format!("plan {} is not what this case's decisions give now; plan again", manifest.plan_id)).into());
    }
    let done = rehearse::rehearse(&case, &plan, dialect, args.server.is_some())?;
    write_file(&args.plan.join("REHEARSAL.md"), done.log.as_bytes())?;
    let runbook = args.plan.join("RUNBOOK.md");
    if let Ok(page) = std::fs::read_to_string(&runbook)
        && let Some((head, rest)) = page.split_once(DURATIONS)
    {
        let tail = rest.find("\n## ").map_or("", |at| &rest[at..]);
        write_file(&runbook, format!("{head}{DURATIONS}\n\n{}\n{tail}", done.durations).as_bytes())?;
    }
    let mut out = format!("plan {}\n{}\n", plan.id, done.durations);
    for failure in &done.failures {
        out.push_str(&format!("- {}\n", visible(failure)));
    }
    out.push_str(if done.failures.is_empty() { "PASS\n" } else { "FAIL\n" });
    cx.print(&out)?;
    Ok(if done.failures.is_empty() { Exit::Done } else { Exit::Findings })
}

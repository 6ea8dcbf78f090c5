//! `unseed plan`: approved rows to script files.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;
use sha2::{Digest as _, Sha256};

use super::{Context, Exit, user, write_file};
use crate::dialect;
use crate::model::Engine;
use crate::model::plan::OnDrift;
use crate::plan::{self, EXPIRES_DAYS, Manifest, Options, PlanError};
use crate::report::visible;
use crate::review;
use crate::snapshot::Case;

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed plan out/case.db -o plan/
  unseed plan out/case.db -o plan/ --by ana --reviewers 2 --database shop

Nothing is deleted by this: the script rehearses unless its token is set, and a DBA runs it.")]
pub(super) struct Args {
    /// Case file
    #[arg(value_name = "CASE")]
    case: PathBuf,
    /// Folder to write to
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Engine that the scripts are for; else the snapshot's own
    #[arg(long, value_enum, value_name = "ENGINE")]
    dialect: Option<DialectArg>,
    /// Database that the scripts must run in; else what the snapshot says
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Who makes the plan; else the login name
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// People who must have approved; from 2 on, people other than the author
    #[arg(long, value_name = "N")]
    reviewers: Option<u32>,
    /// Refuse if any approved row is held back
    #[arg(long)]
    strict: bool,
    /// What the script does about rows that changed since review
    #[arg(long, value_enum, default_value_t = OnDriftArg::Abort, value_name = "WHAT")]
    on_drift: OnDriftArg,
    /// Delete in batches of so many rows, each in its own transaction
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// Also write prevent.sql: the tables refuse these identifiers from now on
    #[arg(long)]
    guard: bool,
    /// Source tree to look through for what could seed again; RUNBOOK.md lists it
    #[arg(long, value_name = "PATH")]
    seed_source: Option<PathBuf>,
    /// Days until the scripts stop to apply
    #[arg(long, default_value_t = EXPIRES_DAYS, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=365))]
    expires: i64,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum OnDriftArg {
    /// Refuse, and change nothing
    Abort,
    /// Leave out the whole cluster of rows that belong together, and say which
    Skip,
}

impl OnDriftArg {
    const fn choice(self) -> OnDrift {
        match self {
            Self::Abort => OnDrift::Abort,
            Self::Skip => OnDrift::Skip,
        }
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum DialectArg {
    /// PostgreSQL
    Postgres,
    /// MySQL
    Mysql,
    /// MariaDB
    Mariadb,
    /// SQLite
    Sqlite,
}

impl DialectArg {
    const fn engine(self) -> Engine {
        match self {
            Self::Postgres => Engine::Postgres,
            Self::Mysql => Engine::Mysql,
            Self::Mariadb => Engine::Mariadb,
            Self::Sqlite => Engine::Sqlite,
        }
    }
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let case = Case::open(&args.case)?;
    let own = case.facts().engine;
    // A CSV export has no engine of its own; Postgres is what most of them come from.
    let engine = args.dialect.map_or(if own == Engine::Csv { Engine::Postgres } else { own }, DialectArg::engine);
    if args.dialect.is_none() && own == Engine::Csv {
        cx.say("a CSV export names no engine: writing for postgres (--dialect says otherwise)");
    }
    let Some(dialect) = dialect::of(engine) else {
        return Err(PlanError::Refused(format!("there is no dialect for {engine} yet")).into());
    };
    let author = args.by.clone().unwrap_or_else(user);
    let reviewers = args.reviewers.or(cx.config.config.review.approvers).unwrap_or(1).max(1) as usize;
    let resolution = review::resolve(&case, reviewers, &author)?;
    let database =
        args.database.clone().or_else(|| cx.config.config.snapshot.database.clone()).unwrap_or_else(|| case.facts().database.clone());
    let options = Options {
        author: author.clone(),
        now: cx.now,
        expires_days: args.expires,
        engine,
        database,
        default_schema: dialect.default_schema().to_owned(),
        reviewers,
        strict: args.strict,
        on_drift: args.on_drift.choice(),
        batch_rows: args.batch,
    };
    let plan = plan::build(&case, &resolution.approved(), &resolution, &options)?;
    let mut scripts = dialect.render(&plan).map_err(PlanError::Refused)?;
    let manifest = Manifest::new(&plan, engine);
    let mut json = serde_json::to_string_pretty(&manifest).context("plan.json")?;
    json.push('\n');
    scripts.push(dialect::Script { name: "plan.json", text: json.clone() });
    let mut prevention = dialect::Prevention::default();
    if let Some(tree) = &args.seed_source {
        let found = plan::seeders(tree).with_context(|| format!("--seed-source {} cannot be read", tree.display()))?;
        prevention.seeders = Some(found);
    }
    if args.guard {
        let bans = plan::bans(&case, &plan)?;
        if bans.is_empty() {
            cx.say("--guard: no identifier of the planned rows is theirs alone; prevent.sql is not written");
        } else {
            scripts.extend(dialect.prevent(&plan, &bans));
            prevention.guarded = true;
        }
    }
    scripts.push(dialect::Script { name: "RUNBOOK.md", text: dialect::runbook(&plan, dialect, &prevention) });
    for script in &scripts {
        write_file(&args.output.join(script.name), script.text.as_bytes())?;
        if script.name == "delete.sql" {
            let digest: String = Sha256::digest(script.text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
            write_file(&args.output.join("delete.sql.sha256"), format!("{digest}  delete.sql\n").as_bytes())?;
        }
    }
    case.put_plan(&plan.id.0, &cx.now_text(), &author, &json)?;
    let mut text = format!("plan {}\n", plan.id);
    for table in &manifest.tables {
        text.push_str(&format!("  {:>8} of {:>8} rows  {}\n", table.delete, table.rows_before, visible(&table.name)));
    }
    for touch in &plan.touched {
        text.push_str(&format!("  {:>8} surviving rows of {} lose a reference\n", touch.rows.len(), visible(&touch.name.to_string())));
    }
    for held in plan.held.iter().take(10) {
        text.push_str(&format!(
            "  held back: {} {}: {}\n",
            visible(&held.table.to_string()),
            visible(&held.key),
            visible(&held.chain.join("; "))
        ));
    }
    if plan.held.len() > 10 {
        text.push_str(&format!("  and {} more are held back: see plan.json\n", plan.held.len() - 10));
    }
    for warning in &plan.warnings {
        text.push_str(&format!("  note: {}\n", visible(warning)));
    }
    for seeder in prevention.seeders.iter().flatten() {
        text.push_str(&format!("  could seed again: {}:{}: {}\n", visible(&seeder.file), seeder.line, visible(&seeder.text)));
    }
    let shown = args.output.join("delete.sql").display().to_string();
    let (rehearse, apply) = dialect::commands(&plan, dialect, &shown);
    text.push_str(&format!("rehearse: {rehearse}\napply:    {apply}\n"));
    cx.print(&text)?;
    Ok(Exit::Done)
}

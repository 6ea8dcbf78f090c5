//! The command line: one file a verb, `Args` and `run`. Holds no logic.

mod analyze;
mod completions;
mod detectors;
mod ingest;
mod man;
mod plan;
mod progress;
mod rehearse;
mod report;
mod review;
mod scan;
mod schema;
mod verify;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::{DateTime, SubsecRound as _, Utc};
use clap::{Parser, Subcommand, ValueEnum};
use signal_hook::consts::{SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::config::{self, Loaded};
use crate::dump::DumpError;
use crate::ingest::IngestError;
use crate::model::verdict::SnapshotVerdict;
use crate::plan::PlanError;
use crate::progress::Progress;
use crate::rehearse::RehearseError;
use crate::report::visible;
use crate::review::ReviewError;
use crate::snapshot::SnapshotError;

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Findings at or above what a gate asks for.
    Findings = 1,
    /// Usage, configuration or input error.
    Error = 2,
    /// Refused by a guard.
    Refused = 3,
    /// Interrupted.
    Interrupted = 130,
}

/// A guard of the command line refuses.
#[derive(Debug, thiserror::Error)]
#[error("refused: {0}")]
struct Refusal(String);

/// Examples lead: most readers want to copy one.
const TEMPLATE: &str = "\
{about}

{usage-heading} {usage}

{before-help}{all-args}{after-help}";

/// The same for a verb.
const VERB: &str = "\
{about-with-newline}
{usage-heading} {usage}

{before-help}{all-args}";

const EXAMPLES: &str = "\
Examples:
  unseed scan dump.sql -o out/                        ingest, analyse, write out/report.html
  unseed review out/case.db list                      see the cohorts waiting for a decision
  unseed review out/case.db approve c1a2b3c4          approve one
  unseed review out/case.db import decisions.jsonl    take over what was decided in report.html
  unseed plan out/case.db -o plan/                    write the guarded delete script
  unseed verify out/case.db --after later.sql         check a later snapshot against the plan";

const CODES: &str = "\
Exit codes: 0 done, 1 findings (with --fail-on; verify that fails), 2 error, 3 refused by a guard, 130 interrupted.
unseed never connects to a database and never changes its input.";

#[derive(Parser, Debug)]
#[command(
    name = "unseed",
    version,
    about = "Find the seed data that leaked into a production database, from an export, offline.",
    before_help = EXAMPLES,
    after_help = CODES,
    help_template = TEMPLATE,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct App {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What the project says of its own seed.
#[derive(clap::Args, Debug)]
struct GivenArgs {
    /// Dump of a database right after the seed ran: its rows are looked for; may be given again
    #[arg(long, value_name = "DUMP")]
    reference: Vec<PathBuf>,
    /// Folder of the project's seed and factory files: their texts and templates are looked for; may be given again
    #[arg(long, value_name = "DIR")]
    seed_source: Vec<PathBuf>,
}

impl GivenArgs {
    fn read(&self, cx: &Context) -> anyhow::Result<crate::pipeline::Ask> {
        let given = crate::known::Given::read(&self.reference, &self.seed_source, cx.progress.as_ref())?;
        Ok(crate::pipeline::Ask { given, ..crate::pipeline::Ask::default() })
    }
}

/// Options of every verb.
#[derive(clap::Args, Clone, Debug)]
struct Global {
    /// Configuration file; else unseed.toml, found from the working folder upwards
    #[arg(short, long, global = true, value_name = "FILE", help_heading = "Global options")]
    config: Option<PathBuf>,
    /// Pretend that it is this time (RFC 3339), for reproducible files
    #[arg(long, global = true, value_name = "TIME", help_heading = "Global options")]
    now: Option<String>,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN", help_heading = "Global options")]
    color: When,
    /// How to show progress
    #[arg(long, global = true, value_enum, default_value_t = ProgressMode::Auto, value_name = "HOW", help_heading = "Global options")]
    progress: ProgressMode,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true, help_heading = "Global options")]
    verbose: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Where the stream is a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum ProgressMode {
    /// Bars on a terminal, else lines
    Auto,
    /// Bars
    Bar,
    /// A line now and then
    Plain,
    /// Nothing
    None,
}

/// What a gate asks for; each includes those before it.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum FailOn {
    /// A seeded row
    Seeded,
    /// A row in review
    Review,
    /// A snapshot that could not be checked
    Unchecked,
}

impl FailOn {
    const fn fails(self, verdict: SnapshotVerdict) -> bool {
        match self {
            Self::Seeded => matches!(verdict, SnapshotVerdict::Seeded),
            Self::Review => matches!(verdict, SnapshotVerdict::Seeded | SnapshotVerdict::Suspect),
            Self::Unchecked => !matches!(verdict, SnapshotVerdict::Clean),
        }
    }
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Ingest, analyse and report in one go
    Scan(scan::Args),
    /// Read exports into a case file
    Ingest(ingest::Args),
    /// Run the detectors on a case file
    Analyze(analyze::Args),
    /// Write reports of an analysed case
    Report(report::Args),
    /// See the cohorts and decide on them
    Review(review::Args),
    /// Write the delete script for approved rows
    Plan(plan::Args),
    /// Delete and undo on a scratch copy
    Rehearse(rehearse::Args),
    /// Check a later snapshot against a plan
    Verify(verify::Args),
    /// List, explain and test the detectors
    Detectors(detectors::Args),
    /// Write what a shell needs to complete verbs and flags
    Completions(completions::Args),
    /// Write the manual page
    Man(man::Args),
    /// Write the JSON Schema of unseed.toml or report.json
    Schema(schema::Args),
}

/// Runs the command line; returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    watch_signals();
    let app = match App::try_parse() {
        Ok(app) => app,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Error as u8 } else { Exit::Done as u8 });
        }
    };
    match app.global.color {
        When::Auto => {}
        When::Always => anstream::ColorChoice::write_global(anstream::ColorChoice::Always),
        When::Never => anstream::ColorChoice::write_global(anstream::ColorChoice::Never),
    }
    let exit = run(&app).unwrap_or_else(|error| {
        let exit = exit_code(&error);
        if exit == Exit::Interrupted {
            let _ = writeln!(anstream::stderr(), "interrupted; nothing was left behind");
        } else if !is_broken_pipe(&error) {
            let style = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
            let lines: Vec<String> = format!("{error:#}").lines().map(visible).collect();
            let _ = writeln!(anstream::stderr(), "{style}error{style:#}: {}", lines.join("\n"));
        }
        exit
    });
    ExitCode::from(exit as u8)
}

/// Makes interrupts and termination end the work in order; a second one ends it at once, as termination does
/// where the work at hand looks for none.
///
/// A hangup is left as it is: under nohup it is ignored, and must stay so. A write beyond a limit on file sizes
/// would kill the process; watched, it is an error of that write.
#[expect(clippy::exit, reason = "who asks twice does not want to wait")]
fn watch_signals() {
    let stop = |at_once: bool| {
        if at_once || crate::progress::interrupted() {
            std::process::exit(Exit::Interrupted as i32);
        }
        crate::progress::interrupt();
    };
    let _ = ctrlc::set_handler(move || stop(false));
    let Ok(mut signals) = Signals::new([SIGTERM, SIGXFSZ]) else { return };
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            if signal == SIGTERM {
                stop(!crate::progress::heeded());
            }
        }
    });
}

fn run(app: &App) -> anyhow::Result<Exit> {
    let cx = Context::new(&app.global)?;
    let exit = match &app.command {
        Command::Scan(args) => scan::run(args, &cx),
        Command::Ingest(args) => ingest::run(args, &cx),
        Command::Analyze(args) => analyze::run(args, &cx),
        Command::Report(args) => report::run(args, &cx),
        Command::Review(args) => review::run(args, &cx),
        Command::Plan(args) => plan::run(args, &cx),
        Command::Rehearse(args) => rehearse::run(args, &cx),
        Command::Verify(args) => verify::run(args, &cx),
        Command::Detectors(args) => detectors::run(args, &cx),
        Command::Completions(args) => completions::run(args, &cx),
        Command::Man(args) => man::run(args, &cx),
        Command::Schema(args) => schema::run(args, &cx),
    };
    // Nothing unless -v asked for it.
    let _ = write!(anstream::stderr(), "{}", crate::timing::lines());
    exit
}

fn exit_code(error: &anyhow::Error) -> Exit {
    if error.chain().any(|e| {
        e.downcast_ref::<DumpError>().is_some_and(|d| matches!(d, DumpError::Interrupted))
            || e.downcast_ref::<IngestError>()
                .is_some_and(|d| matches!(d, IngestError::Dump(DumpError::Interrupted) | IngestError::Snapshot(SnapshotError::Interrupted)))
    }) {
        return Exit::Interrupted;
    }
    let refused = error.chain().any(|e| {
        e.is::<Refusal>()
            || e.downcast_ref::<PlanError>().is_some_and(|p| matches!(p, PlanError::Refused(_)))
            || e.downcast_ref::<RehearseError>().is_some_and(|r| matches!(r, RehearseError::Refused(_)))
            || e.downcast_ref::<ReviewError>().is_some_and(|r| matches!(r, ReviewError::Refused(_)))
    });
    if refused {
        Exit::Refused
    } else if is_broken_pipe(error) {
        Exit::Done
    } else {
        Exit::Error
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|e| e.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe))
}

/// What every verb needs.
struct Context {
    config: Loaded,
    now: i64,
    quiet: bool,
    progress: Box<dyn Progress>,
    command: String,
}

impl Context {
    fn new(global: &Global) -> anyhow::Result<Self> {
        let now = match &global.now {
            Some(text) => DateTime::parse_from_rfc3339(text)
                .with_context(|| format!("--now {text} is not RFC 3339, such as 2026-01-31T12:00:00Z"))?
                .with_timezone(&Utc),
            None => Utc::now().trunc_subsecs(0),
        };
        let folder = std::env::current_dir().context("the working folder cannot be read")?;
        if global.verbose {
            crate::timing::watch();
        }
        let config = config::load(global.config.as_deref(), &folder)?;
        if global.verbose
            && let Some(file) = &config.file
        {
            let _ = writeln!(anstream::stderr(), "configuration: {}", file.display());
        }
        let progress = progress::make(if global.quiet { ProgressMode::None } else { global.progress });
        Ok(Self { config, now: now.timestamp_micros(), quiet: global.quiet, progress, command: typed() })
    }

    /// Writes a result to standard output.
    fn print(&self, text: &str) -> anyhow::Result<()> {
        let mut out = anstream::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Writes a message to standard error.
    fn say(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    fn now_text(&self) -> String {
        crate::model::stamp::Rfc3339(self.now).to_string()
    }
}

/// Returns the command line as typed; of absolute paths only the last part, which is all that others can use.
fn typed() -> String {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| {
            let path = std::path::Path::new(&word);
            let shown = match path.file_name().filter(|_| path.is_absolute()) {
                Some(name) => format!("\u{2026}/{}", name.to_string_lossy()),
                None => word.to_string_lossy().into_owned(),
            };
            if shown.contains(char::is_whitespace) || shown.is_empty() { format!("'{shown}'") } else { shown }
        })
        .collect();
    format!("unseed {}", words.join(" "))
}

/// Reads a time given on the command line into UTC microseconds.
fn parse_time(flag: &str, text: &str) -> anyhow::Result<i64> {
    let stamp = crate::model::Stamp::parse(text.as_bytes())
        .with_context(|| format!("{flag} {text} is no point in time, such as 2026-01-31T12:00:00Z"))?;
    Ok(stamp.micros)
}

/// Writes a file under a temporary name and moves it to its place when it is whole.
fn write_file(path: &std::path::Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        // Reports and scripts are handed on: they get the user's usual mode, unlike the case file.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// Returns who acts, where `--by` does not say.
fn user() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|v| std::env::var(v).ok())
        .filter(|u| !u.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

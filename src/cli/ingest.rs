//! `unseed ingest`: exports into a case file.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Context, Exit, Refusal, parse_time};
use crate::dump::{Charset, FORMATS, Hints};
use crate::ingest::{self, BadRows, Options, Summary};
use crate::report::visible;
use crate::snapshot::{Case, Check, Method};

#[derive(clap::Args, Debug)]
#[command(after_help = forms(), help_template = super::VERB, before_help = "Examples:
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
    /// Files, folders or archives of any form that `unseed ingest --help` lists, packed or not; `-` for standard input
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
    /// Memory that limits go by: a quarter for a cell, half for a decompressor's window
    #[arg(long, value_parser = parse_bytes, default_value = "256M", value_name = "SIZE")]
    max_memory: u64,
    /// Character set of CSV and TSV files, and of dumps that name a wrong one; else UTF-8, or Windows-1252 where they are none
    #[arg(long, value_parser = parse_charset, value_name = "NAME", help_heading = "CSV and TSV")]
    encoding: Option<Charset>,
    /// Separator of CSV and TSV files, `\t` for a tab; else the one that gives every record as many fields
    #[arg(long, value_parser = parse_separator, value_name = "CHAR", help_heading = "CSV and TSV")]
    separator: Option<u8>,
    /// Unquoted word that stands for NULL in CSV and TSV files; else an empty field
    #[arg(long, value_name = "WORD", help_heading = "CSV and TSV")]
    null: Option<String>,
    /// Whether CSV and TSV files begin with a header
    #[arg(long, value_enum, value_name = "WHETHER", help_heading = "CSV and TSV")]
    header: Option<YesNo>,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum YesNo {
    /// The first line names the columns
    Yes,
    /// The first line is data
    No,
}

/// Lists what is read, from the registry.
fn forms() -> String {
    let titles: Vec<String> = FORMATS.iter().map(|f| format!("  {}", f.meta().title)).collect();
    format!(
        "What is read, by its first bytes and never by its name:\n{}\nWrappers and archives: gzip, zstd, xz, bzip2, lz4, zip, tar",
        titles.join("\n")
    )
}

/// Reads a number of bytes: `64M`, `2G`, `100000`.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\" is no size, such as 512M or 2G");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        _ => return Err(wrong()),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)).ok_or_else(wrong)?;
    // Below this not even the buffers between the threads fit.
    if bytes < 16 << 20 { Err(format!("\"{text}\" is less than 16M")) } else { Ok(bytes) }
}

fn parse_charset(name: &str) -> Result<Charset, String> {
    match Charset::label(name) {
        Some(Charset::Utf16Le | Charset::Utf16Be) => Err("UTF-16 is recognised by itself; leave --encoding out".to_owned()),
        Some(charset) => Ok(charset),
        None => Err(format!("\"{name}\" is no character set that unseed reads, such as UTF-8, windows-1252 or ISO-8859-15")),
    }
}

fn parse_separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if !matches!(byte, b'"' | b'\\' | b'\r' | b'\n') && !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err("a separator is one ASCII character, no letter, digit, quote, backslash or line end".to_owned()),
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum BadRowsArg {
    /// Refuse the whole input
    Refuse,
    /// Keep their bytes in the case file; their table can never reach a delete script
    Quarantine,
}

impl InputArgs {
    /// Reads the inputs into a case file at `target`, which is checked first or by whoever reads it.
    pub(super) fn ingest(&self, target: &Path, check: Check, cx: &Context) -> anyhow::Result<Summary> {
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
        let hints = Hints {
            charset: self.encoding,
            separator: self.separator,
            null: self.null.clone(),
            header: self.header.map(|h| h == YesNo::Yes),
        };
        let options = Options {
            taken_at,
            allow_truncated: self.allow_truncated,
            bad_rows,
            max_memory_bytes: self.max_memory,
            hints,
            method: Method::Pages,
            check,
        };
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
    let summary = args.input.ingest(&args.output, Check::First, cx)?;
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
    for dialect in &summary.dialects {
        text.push_str(&format!("dialect: {}\n", visible(dialect)));
    }
    for warning in &summary.warnings {
        text.push_str(&format!("warning: {}\n", visible(warning)));
    }
    text.push_str(&format!("snapshot {}\nnext: unseed analyze {}\n", summary.id, args.output.display()));
    cx.print(&text)?;
    Ok(Exit::Done)
}

//! `unseed detectors`: what is looked for, and why; and how well it is found in labelled fixtures.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Subcommand, ValueEnum};

use super::{Context, Exit};
use crate::detect::{DETECTORS, Detector};
use crate::labelled::{self, Fixture, Scope};
use crate::model::Family;
use crate::report;

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed detectors list
  unseed detectors explain numbered-template
  unseed detectors test fixtures/                     a folder of folders, each an export with its labels.csv")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List the detectors
    List,
    /// Explain one: what it measures, what it mistakes, where its figures come from
    Explain {
        /// Detector id
        id: String,
    },
    /// Run labelled fixtures: exit 1 on a missed or a wrong row
    #[command(after_help = FORM)]
    Test(TestArgs),
}

/// What a fixture is.
const FORM: &str = "A fixture is a folder with an export in any form that unseed reads and labels.csv beside it, \
with the columns table, pk and label. pk is the key's value, of several columns a JSON array of them. label is \
seeded, real, protected, todo_seeded or todo_real; those to do are counted and fail nothing. Rows without a label \
count for nothing. An unseed.toml in the folder holds for it.";

#[derive(clap::Args, Debug)]
struct TestArgs {
    /// A fixture, or a folder of them
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Run this detector alone: a row counts as flagged where it says something for a seed
    #[arg(long, value_name = "ID")]
    only: Option<String>,
    /// Leave out a family of evidence
    #[arg(long, value_parser = parse_family, value_name = "FAMILY", conflicts_with = "only")]
    without: Option<Family>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Form::Terminal, value_name = "FORM")]
    format: Form,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Tables
    Terminal,
    /// `JUnit` XML
    Junit,
}

fn parse_family(word: &str) -> Result<Family, String> {
    Family::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Family::ALL.iter().map(|f| f.as_str()).collect();
        format!("there is no family {word}; there are {}", known.join(", "))
    })
}

fn find(id: &str) -> anyhow::Result<&'static dyn Detector> {
    let Some(detector) = DETECTORS.iter().find(|d| d.meta().id == id) else {
        let nearest = DETECTORS.iter().map(|d| d.meta().id).min_by_key(|known| crate::config::distance(id, known)).unwrap_or_default();
        bail!("there is no detector {id}; did you mean {nearest}? `unseed detectors list` shows all");
    };
    Ok(*detector)
}

fn test(args: &TestArgs, cx: &Context) -> anyhow::Result<Exit> {
    if let Some(id) = &args.only {
        find(id)?;
    }
    let scope = Scope { only: args.only.as_deref(), without: args.without, off: None };
    let mut outcomes = Vec::new();
    for folder in labelled::fixtures(&args.folder)? {
        outcomes.push(Fixture::open(&folder, &cx.config, cx.progress.as_ref())?.run(cx.now, scope, cx.progress.as_ref())?);
    }
    cx.print(&match args.format {
        Form::Terminal => report::labelled::terminal(&outcomes),
        Form::Junit => report::labelled::junit(&outcomes),
    })?;
    Ok(if outcomes.iter().all(labelled::Outcome::is_right) { Exit::Done } else { Exit::Findings })
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    match &args.action {
        Action::List => {
            let mut text = String::new();
            for detector in DETECTORS {
                let meta = detector.meta();
                text.push_str(&format!("{:20} {:12} {}\n", meta.id, meta.family.as_str(), meta.title));
            }
            cx.print(&text)?;
        }
        Action::Explain { id } => {
            let detector = find(id)?;
            let meta = detector.meta();
            let reads: Vec<&str> = meta.reads.iter().map(|r| r.as_str()).collect();
            cx.print(&format!(
                "{} ({}, family {})\n\nreads: {}\n\n{}\n\nWhat it may mistake: {}\n\nSource: {}\n",
                meta.title,
                meta.id,
                meta.family.as_str(),
                reads.join(", "),
                meta.finds,
                meta.false_positives,
                meta.source
            ))?;
        }
        Action::Test(args) => return test(args, cx),
    }
    Ok(Exit::Done)
}

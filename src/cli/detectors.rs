//! `unseed detectors`: what is looked for, and why.

use anyhow::bail;
use clap::Subcommand;

use super::{Context, Exit};
use crate::detect::DETECTORS;

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed detectors list
  unseed detectors explain numbered-template")]
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
            let Some(detector) = DETECTORS.iter().find(|d| d.meta().id == id) else {
                let nearest =
                    DETECTORS.iter().map(|d| d.meta().id).min_by_key(|known| crate::config::distance(id, known)).unwrap_or_default();
                bail!("there is no detector {id}; did you mean {nearest}? `unseed detectors list` shows all");
            };
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
    }
    Ok(Exit::Done)
}

//! `unseed schema`: the JSON Schemas of what the tool writes and reads.

use clap::ValueEnum;

use super::{Context, Exit};
use crate::{config, report};

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed schema config > unseed.schema.json      then, as the first line of unseed.toml: #:schema ./unseed.schema.json
  unseed schema report > report.v1.schema.json")]
pub(super) struct Args {
    /// Of what
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// unseed.toml, for editors
    Config,
    /// report.json, for programs that read it
    Report,
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    cx.print(&match args.what {
        What::Config => config::schema(),
        What::Report => report::schema(),
    })?;
    Ok(Exit::Done)
}

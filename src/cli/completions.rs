//! `unseed completions`: what a shell needs to complete verbs and flags.

use clap::CommandFactory as _;

use super::{App, Context, Exit};

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed completions bash > ~/.local/share/bash-completion/completions/unseed
  unseed completions zsh > ~/.zfunc/_unseed
  unseed completions fish > ~/.config/fish/completions/unseed.fish")]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut App::command(), "unseed", &mut out);
    cx.print(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Done)
}

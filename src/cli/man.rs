//! `unseed man`: the manual page, made from the same words as the help.

use std::path::PathBuf;

use clap::CommandFactory as _;

use super::{App, Context, Exit, write_file};

#[derive(clap::Args, Debug)]
#[command(help_template = super::VERB, before_help = "Examples:
  unseed man | man -l -                          read it
  unseed man -o ~/.local/share/man/man1          a page for unseed and one for each verb")]
pub(super) struct Args {
    /// Folder for a page of each verb; else one page on standard output
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, cx: &Context) -> anyhow::Result<Exit> {
    let page = |command: clap::Command| -> anyhow::Result<Vec<u8>> {
        let mut out = Vec::new();
        clap_mangen::Man::new(command).render(&mut out)?;
        Ok(out)
    };
    let Some(folder) = &args.output else {
        cx.print(&String::from_utf8_lossy(&page(App::command())?))?;
        return Ok(Exit::Done);
    };
    let mut app = App::command();
    app.build();
    write_file(&folder.join("unseed.1"), &page(app.clone())?)?;
    for verb in app.get_subcommands().filter(|c| c.get_name() != "help") {
        let name = format!("unseed-{}", verb.get_name());
        write_file(&folder.join(format!("{name}.1")), &page(verb.clone())?)?;
    }
    cx.say(&format!("written to {}", folder.display()));
    Ok(Exit::Done)
}

//! Decisions to and from files, for teams.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::{Context, Exit, write_file};
use crate::report::visible;
use crate::review;
use crate::snapshot::Case;

pub(super) fn export(case: &Case, cx: &Context, output: Option<&Path>) -> anyhow::Result<Exit> {
    let text = review::export(case)?;
    match output {
        Some(path) => write_file(path, text.as_bytes())?,
        None => cx.print(&text)?,
    }
    Ok(Exit::Done)
}

pub(super) fn import(case: &mut Case, cx: &Context, files: &[PathBuf], carry_over: bool) -> anyhow::Result<Exit> {
    let mut conflicts = Vec::new();
    for path in files {
        let text = if path.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?
        } else {
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?
        };
        let done = review::import(case, &path.display().to_string(), &text, carry_over)?;
        let mut out = format!("{}: {} decisions added, {} known\n", visible(&path.display().to_string()), done.added, done.known);
        for changed in &done.changed {
            out.push_str(&format!("  to review again: {}\n", visible(changed)));
        }
        cx.print(&out)?;
        conflicts = done.conflicts;
    }
    for conflict in &conflicts {
        cx.print(&format!("  disagreement: {}\n", visible(conflict)))?;
    }
    Ok(Exit::Done)
}

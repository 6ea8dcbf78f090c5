//! Progress on standard error: bars on a terminal, else a line at each stage and every ten seconds.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::ProgressMode;
use crate::progress::{Progress, Silent};

/// Time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

pub(super) fn make(mode: ProgressMode) -> Box<dyn Progress> {
    match mode {
        ProgressMode::None => Box::new(Silent),
        ProgressMode::Bar => Box::new(Bar(Mutex::new(None))),
        ProgressMode::Auto if std::io::stderr().is_terminal() => Box::new(Bar(Mutex::new(None))),
        ProgressMode::Auto | ProgressMode::Plain => Box::new(Lines(Mutex::new(None))),
    }
}

struct Bar(Mutex<Option<ProgressBar>>);

impl Progress for Bar {
    fn begin(&self, stage: &str, total: Option<u64>) {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let template = if stage == "ingest" {
            "{prefix:>8} [{bar:32}] {bytes}/{total_bytes} {bytes_per_sec} {msg} {eta} left"
        } else {
            "{prefix:>8} [{bar:32}] {pos}/{len} {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(stage.to_owned());
        if let Ok(mut slot) = self.0.lock() {
            *slot = Some(bar);
        }
    }

    fn advance(&self, done: u64, rows: u64) {
        if let Ok(slot) = self.0.lock()
            && let Some(bar) = slot.as_ref()
        {
            bar.set_position(done);
            if rows > 0 {
                bar.set_message(format!("{rows} rows"));
            }
        }
    }

    fn end(&self) {
        if let Ok(mut slot) = self.0.lock()
            && let Some(bar) = slot.take()
        {
            bar.finish_and_clear();
        }
    }
}

struct Stage {
    name: String,
    total: Option<u64>,
    begun: Instant,
    said: Instant,
    rows: u64,
}

struct Lines(Mutex<Option<Stage>>);

impl Lines {
    fn say(text: &str) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

impl Progress for Lines {
    fn begin(&self, stage: &str, total: Option<u64>) {
        if let Ok(mut slot) = self.0.lock() {
            let now = Instant::now();
            *slot = Some(Stage { name: stage.to_owned(), total, begun: now, said: now, rows: 0 });
        }
    }

    fn advance(&self, done: u64, rows: u64) {
        if let Ok(mut slot) = self.0.lock()
            && let Some(stage) = slot.as_mut()
        {
            stage.rows = rows;
            if stage.said.elapsed() >= LINE_EVERY {
                stage.said = Instant::now();
                let share = stage.total.filter(|t| *t > 0).map(|t| format!(" {} %,", done * 100 / t)).unwrap_or_default();
                Self::say(&format!("{}:{share} {rows} rows, {} s", stage.name, stage.begun.elapsed().as_secs()));
            }
        }
    }

    fn end(&self) {
        if let Ok(mut slot) = self.0.lock()
            && let Some(stage) = slot.take()
        {
            let rows = if stage.rows > 0 { format!(", {} rows", stage.rows) } else { String::new() };
            Self::say(&format!("{}: done{rows}", stage.name));
        }
    }
}

//! Folders of mydumper: a file for each schema, table and piece of rows, and `metadata`. Pieces are INSERT
//! statements, or with `--load-data` and `--csv` a LOAD DATA statement and the file that it names.
//!
//! Source: mydumper's documentation, "Output Files"; folders as releases 0.9 to 0.16 lay them out.

use std::io::{self, Read as _};

use super::load_data::{self, Load};
use super::wrap::ENDINGS;
use super::{ByteKind, DumpError, DumpFormat, FormatMeta, Input, Limits, Note, Part, Position, Sink, mysql};
use crate::model::Engine;

/// mydumper's folders.
pub struct Mydumper;

const META: FormatMeta = FormatMeta {
    id: "mydumper",
    title: "mydumper folders",
    engine: Engine::Mysql,
    source: "mydumper documentation, Output Files, and its source (mydumper_write.c) for LOAD DATA; proved on folders made by hand",
};

/// Name of the file that tells of the dump, and its name while the dump runs.
const METADATA: &str = "metadata";
const UNFINISHED: &str = "metadata.partial";

/// What a file of the folder holds, in the order in which they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Notes,
    Database,
    Table,
    Rows,
    Loaded,
    View,
    Code,
}

impl DumpFormat for Mydumper {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, _head: &[u8]) -> bool {
        false
    }

    fn claims(&self, parts: &[Part], limits: &Limits) -> Result<Vec<usize>, DumpError> {
        for part in parts {
            let (folder, base) = part.name.split_at(part.name.rfind('/').map_or(0, |at| at + 1));
            if base != METADATA && base != UNFINISHED {
                continue;
            }
            let beside = |p: &Part| p.name.strip_prefix(folder).is_some_and(|n| !n.contains('/'));
            let schema = |p: &Part| beside(p) && plain_name(&p.name).ends_with("-schema.sql");
            if !parts.iter().any(schema) || !started(&part.head(limits)?.0) {
                continue;
            }
            return Ok((0..parts.len()).filter(|p| beside(&parts[*p])).collect());
        }
        Ok(Vec::new())
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let mut parts: Vec<(Holds, &Part)> = input.parts.iter().map(|p| (holds(&p.name), p)).collect();
        parts.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.name.cmp(&b.1.name)));
        let mut loaded = Vec::new();
        for (holds, part) in &parts {
            let (holds, part) = (*holds, *part);
            if holds == Holds::Notes {
                notes(input, part, sink)?;
                continue;
            }
            if holds == Holds::Loaded {
                continue;
            }
            let database = base(&part.name).split(['.', '-']).next().unwrap_or_default();
            let database = if holds == Holds::Database { base(&part.name).split("-schema").next().unwrap_or_default() } else { database };
            sink.note(Note::Database(database.to_owned()))?;
            if holds == Holds::Rows && load_data::is_load(&part.head(&input.limits)?.0) {
                for load in statements(input, part, sink)? {
                    let named = |p: &&Part| base(&p.name) == load.file || plain_name(base(&p.name)) == plain_name(&load.file);
                    let Some(rows) = parts.iter().filter(|p| p.0 == Holds::Loaded).map(|p| p.1).find(named) else {
                        let help = "the folder lacks a file of rows; ask for all of it";
                        return Err(DumpError::malformed(&part.shown, load.at, format!("no file {} beside it", load.file), help));
                    };
                    loaded.push(&rows.name);
                    load.read(input, rows, sink)?;
                }
                continue;
            }
            mysql::read(input.window(part)?, sink)?;
        }
        match parts.iter().find(|p| p.0 == Holds::Loaded && !loaded.contains(&&p.1.name)) {
            None => Ok(()),
            Some((_, rows)) => Err(DumpError::Incomplete {
                file: rows.shown.clone(),
                what: "a file of rows that no LOAD DATA statement of the folder names".to_owned(),
                help: "ask for the whole folder".to_owned(),
            }),
        }
    }
}

fn plain_name(name: &str) -> &str {
    ENDINGS.iter().find_map(|e| name.strip_suffix(e)).unwrap_or(name)
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

fn started(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"Started dump at").is_some()
}

fn holds(name: &str) -> Holds {
    let name = plain_name(name);
    let ends = |ending: &str| name.ends_with(ending);
    if ends("-schema-create.sql") {
        Holds::Database
    } else if ends("-schema.sql") || ends("-schema-sequence.sql") {
        Holds::Table
    } else if ends("-schema-view.sql") {
        Holds::View
    } else if ends("-schema-triggers.sql") || ends("-schema-post.sql") {
        Holds::Code
    } else if ends(".sql") {
        Holds::Rows
    } else if ends(".dat") || ends(".csv") {
        Holds::Loaded
    } else {
        Holds::Notes
    }
}

/// Reads the LOAD DATA statements of a piece.
fn statements(input: &Input, part: &Part, sink: &mut dyn Sink) -> Result<Vec<Load>, DumpError> {
    let mut text = Vec::new();
    let mut reader = input.open(part)?;
    let limit = input.limits.cell_bytes;
    reader.by_ref().take(limit as u64 + 1).read_to_end(&mut text).map_err(|e| DumpError::from_read(&part.shown, e))?;
    if text.len() > limit {
        return Err(DumpError::TooLarge { file: part.shown.clone(), at: Position::default(), limit });
    }
    sink.account(ByteKind::Directive, text.len() as u64);
    load_data::parse(&text, &part.shown)
}

/// Reads `metadata`, checksums and the like for whether the dump came to its end.
fn notes(input: &Input, part: &Part, sink: &mut dyn Sink) -> Result<(), DumpError> {
    let mut head = Vec::new();
    let mut reader = input.open(part)?;
    let limit = input.limits.cell_bytes as u64;
    let read = reader.by_ref().take(limit).read_to_end(&mut head);
    let rest = read.and_then(|_| io::copy(&mut reader, &mut io::sink())).map_err(|e| DumpError::from_read(&part.shown, e))?;
    sink.account(ByteKind::Comment, head.len() as u64 + rest);
    let own = matches!(base(&part.name), METADATA | UNFINISHED);
    if own && memchr::memmem::find(&head, b"Finished dump at").is_none() {
        let missing = "the line \"Finished dump at\" of mydumper's metadata".to_owned();
        return sink.note(Note::Truncated { missing, at: Position::default() });
    }
    Ok(())
}

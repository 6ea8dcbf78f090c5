//! Folders of MySQL Shell's `dumpInstance`, `dumpSchemas` and `dumpTables`: DDL, JSON that describes each
//! table, and its rows as delimited text in chunks.
//!
//! Source: MySQL Shell manual, "Instance Dump Utility, Schema Dump Utility, and Table Dump Utility" (files
//! of the output folder, dialects, `decodeColumns`).

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use base64::Engine as _;
use serde::Deserialize;

use super::delimited::{Delimited, Dialect};
use super::sql::lexer::decode_hex;
use super::wrap::ENDINGS;
use super::{
    ByteKind, CellKind, Charset, DumpError, DumpFormat, FormatMeta, Input, Limits, Note, Part, Position, Reject, RowBatch, RowSource,
    SchemaChange, Sink, mysql,
};
use crate::model::{Engine, QualifiedName};

/// MySQL Shell's folders.
pub struct MysqlShell;

const META: FormatMeta = FormatMeta {
    id: "mysql-shell",
    title: "MySQL Shell dump folders",
    engine: Engine::Mysql,
    source: "MySQL Shell manual, dump utilities; proved on folders made by hand",
};

/// Names of the files that tell of the whole dump, and of its end.
const ABOUT: &str = "@.json";
const DONE: &str = "@.done.json";

impl DumpFormat for MysqlShell {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, _head: &[u8]) -> bool {
        false
    }

    fn claims(&self, parts: &[Part], _limits: &Limits) -> Result<Vec<usize>, DumpError> {
        let folder = parts.iter().find_map(|p| p.name.strip_suffix(ABOUT).filter(|f| f.is_empty() || f.ends_with('/')));
        let Some(folder) = folder else { return Ok(Vec::new()) };
        let beside = |p: &Part| p.name.strip_prefix(folder).is_some_and(|n| !n.contains('/'));
        Ok((0..parts.len()).filter(|p| beside(&parts[*p])).collect())
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let mut tables: Vec<(String, About)> = Vec::new();
        let mut rows: BTreeMap<&str, Vec<&Part>> = BTreeMap::new();
        let mut done = false;
        for part in &input.parts {
            let name = base(&part.name);
            done |= name == DONE;
            let plain = ENDINGS.iter().find_map(|e| name.strip_suffix(e)).unwrap_or(name);
            if let Some(stem) = plain.strip_suffix(".tsv").or_else(|| plain.strip_suffix(".csv")) {
                // `schema@table`, `schema@table@0`, and the last piece `schema@table@@1`.
                let numbered =
                    stem.rsplit_once('@').filter(|s| !s.1.is_empty() && s.1.bytes().all(|b| b.is_ascii_digit()) && s.0.contains('@'));
                let table = numbered.map_or(stem, |s| s.0.strip_suffix('@').unwrap_or(s.0));
                rows.entry(table).or_default().push(part);
            } else if plain.ends_with(".sql") {
                let database = plain.trim_end_matches(".sql").split('@').next().unwrap_or_default();
                if !database.is_empty() {
                    sink.note(Note::Database(database.to_owned()))?;
                }
                mysql::read(input.window(part)?, sink)?;
            } else {
                let text = whole(input, part, sink)?;
                if let Some(stem) = plain.strip_suffix(".json").filter(|s| s.contains('@') && !s.starts_with('@')) {
                    let about: Result<TableFile, _> = serde_json::from_slice(&text);
                    match about {
                        Ok(about) if !about.options.columns.is_empty() => tables.push((stem.to_owned(), about.options)),
                        _ => {}
                    }
                }
            }
        }
        if !done {
            let missing = format!("{DONE}, which MySQL Shell writes last");
            sink.note(Note::Truncated { missing, at: Position::default() })?;
        }
        for (stem, about) in tables {
            let mut pieces = rows.remove(stem.as_str()).unwrap_or_default();
            pieces.sort_by_key(|p| piece_order(&p.name));
            for part in pieces {
                read_rows(input, part, &stem, &about, sink)?;
            }
        }
        match rows.into_values().flatten().next() {
            None => Ok(()),
            Some(part) => Err(DumpError::Incomplete {
                file: part.shown.clone(),
                what: "no JSON beside it describes its table".to_owned(),
                help: "ask for the whole folder".to_owned(),
            }),
        }
    }
}

/// `schema@table.json`, as far as rows need it.
#[derive(Deserialize)]
struct TableFile {
    options: About,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct About {
    schema: String,
    table: String,
    columns: Vec<String>,
    default_character_set: Option<String>,
    fields_terminated_by: Option<String>,
    fields_enclosed_by: Option<String>,
    fields_escaped_by: Option<String>,
    lines_terminated_by: Option<String>,
    decode_columns: BTreeMap<String, String>,
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// Orders pieces by their number, which no zero leads.
fn piece_order(name: &str) -> (u64, String) {
    let digits = base(name).split('.').next().and_then(|stem| stem.rsplit('@').next()).and_then(|n| n.parse().ok());
    (digits.unwrap_or(0), name.to_owned())
}

fn whole(input: &Input, part: &Part, sink: &mut dyn Sink) -> Result<Vec<u8>, DumpError> {
    let mut text = Vec::new();
    let limit = input.limits.cell_bytes;
    let mut reader = input.open(part)?;
    let failed = |e| DumpError::from_read(&part.shown, e);
    reader.by_ref().take(limit as u64).read_to_end(&mut text).map_err(failed)?;
    let rest = io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
    sink.account(ByteKind::Comment, text.len() as u64 + rest);
    Ok(text)
}

fn read_rows(input: &Input, part: &Part, stem: &str, about: &About, sink: &mut dyn Sink) -> Result<(), DumpError> {
    let window = input.window(part)?;
    let at = window.position();
    let refused = |what: String| DumpError::malformed(&part.shown, at, what, "ask for the dump with the default dialect");
    let one = |given: &Option<String>, default: Option<u8>| match given.as_deref().map(str::as_bytes) {
        None => Ok(default),
        Some([]) => Ok(None),
        Some([byte]) => Ok(Some(*byte)),
        Some(_) => Err(refused("a separator of several characters".to_owned())),
    };
    let escape = one(&about.fields_escaped_by, Some(b'\\'))?;
    let dialect = Dialect {
        separator: one(&about.fields_terminated_by, Some(b'\t'))?.ok_or_else(|| refused("fields without a separator".to_owned()))?,
        quote: one(&about.fields_enclosed_by, None)?,
        escape,
        newline: match about.lines_terminated_by.as_deref() {
            None | Some("\n" | "\r\n") => b'\n',
            Some("\r") => b'\r',
            Some(_) => return Err(refused("lines with another end than a line feed".to_owned())),
        },
        nulls: vec![if escape.is_some() { b"\\N".to_vec() } else { b"NULL".to_vec() }],
    };
    let named = about.default_character_set.as_deref().unwrap_or("utf8mb4");
    let charset = Charset::mysql(named).ok_or_else(|| refused(format!("the character set {named} is not read")))?;
    sink.note(Note::Database(if about.schema.is_empty() {
        stem.split('@').next().unwrap_or_default().to_owned()
    } else {
        about.schema.clone()
    }))?;
    sink.charset(charset);
    let name = if about.table.is_empty() { stem.split('@').nth(1).unwrap_or_default() } else { &about.table };
    let (source, width) = sink.open(&QualifiedName::new("", name), Some(&about.columns), false, at)?;
    let coding = |column: &String| match about.decode_columns.get(column).map(|c| c.to_ascii_uppercase()).as_deref() {
        None => Ok(None),
        Some("FROM_BASE64") => Ok(Some(Coding::Base64)),
        Some("UNHEX") => Ok(Some(Coding::Hex)),
        Some(other) => Err(refused(format!("a column that is decoded by {other}"))),
    };
    let codings: Vec<Option<Coding>> = about.columns.iter().map(coding).collect::<Result<_, _>>()?;
    if codings.iter().all(Option::is_none) {
        return Delimited { window, sink, dialect, batch: RowBatch::new() }.rest(source, width);
    }
    let mut decoding = Decoding { sink, codings, file: part.shown.clone() };
    Delimited { window, sink: &mut decoding, dialect, batch: RowBatch::new() }.rest(source, width)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Base64,
    Hex,
}

impl Coding {
    fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => base64::engine::general_purpose::STANDARD.decode(bytes).ok(),
            Self::Hex => decode_hex(bytes),
        }
    }
}

/// Undoes the coding of binary columns on the way to another sink.
pub(super) struct Decoding<'s> {
    pub(super) sink: &'s mut dyn Sink,
    pub(super) codings: Vec<Option<Coding>>,
    pub(super) file: String,
}

impl Sink for Decoding<'_> {
    fn schema(&mut self, change: SchemaChange, at: Position) -> Result<(), DumpError> {
        self.sink.schema(change, at)
    }

    fn open(
        &mut self,
        table: &QualifiedName,
        columns: Option<&[String]>,
        declare: bool,
        at: Position,
    ) -> Result<(RowSource, usize), DumpError> {
        self.sink.open(table, columns, declare, at)
    }

    fn declared(&self, table: &QualifiedName) -> Option<Vec<String>> {
        self.sink.declared(table)
    }

    fn charset(&mut self, charset: Charset) {
        self.sink.charset(charset);
    }

    fn rows(&mut self, batch: &mut RowBatch) -> Result<(), DumpError> {
        let source = batch.source();
        let mut decoded = RowBatch::new();
        decoded.reset(source);
        for row in batch.rows() {
            for (cell, coding) in row.iter().zip(&self.codings) {
                match coding {
                    Some(coding) if cell.kind == CellKind::Text => {
                        let Some(bytes) = coding.decode(cell.bytes) else {
                            let help = "the file is damaged; ask for the dump again";
                            return Err(DumpError::malformed(
                                &self.file,
                                Position::default(),
                                "a binary cell that is not coded as announced",
                                help,
                            ));
                        };
                        decoded.push(CellKind::Bytes, &bytes);
                    }
                    _ if cell.kind == CellKind::Null => decoded.push_null(),
                    _ => decoded.push(cell.kind, cell.bytes),
                }
            }
            decoded.end_row();
        }
        batch.reset(source);
        self.sink.rows(&mut decoded)
    }

    fn reject(&mut self, reject: Reject<'_>) -> Result<(), DumpError> {
        self.sink.reject(reject)
    }

    fn account(&mut self, kind: ByteKind, bytes: u64) {
        self.sink.account(kind, bytes);
    }

    fn note(&mut self, note: Note) -> Result<(), DumpError> {
        self.sink.note(note)
    }
}

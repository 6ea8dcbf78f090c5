//! Archives of `pg_dump`: custom (`-Fc`), directory (`-Fd`) and tar (`-Ft`), versions 1.11 to 1.16. Reads
//! data blocks in the order in which they lie, so that offsets are not needed; executes nothing.
//!
//! Source: PostgreSQL `src/bin/pg_dump`: `pg_backup_archiver.c` (`ReadHead`, `ReadToc`), `pg_backup_custom.c`,
//! `pg_backup_directory.c`, `pg_backup_tar.c`, of releases 9.0 to 18.

mod chunks;
mod muted;
mod stream;
mod toc;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, Read};
use std::sync::{Arc, Mutex};

use super::pg_copy::{self, Ended};
use super::pg_plain::{self, Stage};
use super::sql::lexer::Flavor;
use super::wrap::{self, Packing};
use super::{ByteKind, DumpError, DumpFormat, FormatMeta, Input, Limits, Note, Part, Position, RowBatch, Sink, Window};
use crate::model::Engine;
use chunks::{Chunks, finish_block, locked};
use muted::Muted;
use stream::{BadArchive, Stream, bad};
use toc::{Entry, read_head, read_toc};

/// `pg_dump` archives.
pub struct PgArchive;

const META: FormatMeta = FormatMeta {
    id: "pg-archive",
    title: "pg_dump custom, directory and tar archives",
    engine: Engine::Postgres,
    source: "PostgreSQL src/bin/pg_dump/pg_backup_archiver.c, pg_backup_custom.c; archives of pg_dump 9.x (1.12) and 15 (1.14)",
};

/// First bytes of an archive's table of contents.
const MAGIC: &[u8] = b"PGDMP";

/// Name of the table of contents within a folder or tar.
const TOC: &str = "toc.dat";

/// Sections of entries, as the archiver numbers them.
const DATA_SECTION: i64 = 3;
const POST_DATA_SECTION: i64 = 4;

/// Kinds of data blocks in a custom archive.
const BLOCK_DATA: u8 = 1;
const BLOCK_BLOBS: u8 = 3;

impl DumpFormat for PgArchive {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    fn claims(&self, parts: &[Part], limits: &Limits) -> Result<Vec<usize>, DumpError> {
        for part in parts {
            let Some(folder) = folder_of(&part.name).filter(|f| part.name[f.len()..] == *TOC) else { continue };
            if part.head(limits)?.0.starts_with(MAGIC) {
                return Ok((0..parts.len()).filter(|p| parts[*p].name.strip_prefix(folder).is_some_and(is_member)).collect());
            }
        }
        Ok(Vec::new())
    }

    fn read(&self, input: &Input, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let toc_part = input.parts.iter().find(|p| folder_of(&p.name).is_some_and(|f| p.name[f.len()..] == *TOC)).unwrap_or(input.only());
        let reader = input.open(toc_part)?;
        let mut stream = Stream::new(reader);
        let tell = |stream: &Stream, error: io::Error| broken(&toc_part.shown, stream.offset, error);
        let archive = read_head(&mut stream).map_err(|e| tell(&stream, e))?;
        sink.account(ByteKind::Directive, stream.offset);
        let before = stream.offset;
        let entries = read_toc(&mut stream, archive.custom, archive.entries, input.limits.cell_bytes).map_err(|e| tell(&stream, e))?;
        sink.account(ByteKind::Ddl, stream.offset - before);
        sink.note(Note::Written { engine: Engine::Postgres, version: archive.server.clone() })?;
        sink.note(Note::Database(archive.database.clone()))?;
        let mut reading = Reading { input, part: toc_part, sink, stage: Stage::new(), entries, batch: RowBatch::new() };
        reading.schema(false)?;
        if archive.custom {
            reading.blocks(stream, archive.packing)?;
        } else {
            reading.end_of_toc(&mut stream)?;
            reading.files()?;
        }
        reading.schema(true)
    }
}

/// Returns a name's folder with its slash; empty where it has none.
fn folder_of(name: &str) -> Option<&str> {
    name.get(..name.rfind('/').map_or(0, |at| at + 1))
}

/// Returns whether a name within a folder is one that `pg_dump` gives.
fn is_member(name: &str) -> bool {
    let base = name.trim_end_matches(".gz").trim_end_matches(".lz4").trim_end_matches(".zst");
    let numbered = |stem: &str| !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_digit());
    base == TOC
        || base == "restore.sql"
        || base.strip_suffix(".dat").is_some_and(|stem| numbered(stem) || stem.strip_prefix("blob_").is_some_and(numbered))
        || (base.starts_with("blobs") && base.ends_with(".toc"))
}

/// Says what is wrong with the archive's own bytes.
fn broken(file: &str, offset: u64, error: io::Error) -> DumpError {
    let at = Position { offset, line: 1 };
    if error.get_ref().and_then(|e| e.downcast_ref::<BadArchive>()).is_some() {
        let help = "ask for the dump again; pg_dump -Fp makes a text that any version reads";
        return DumpError::malformed(file, at, error.to_string(), help);
    }
    if error.kind() == io::ErrorKind::UnexpectedEof && error.get_ref().is_none_or(|e| !e.is::<wrap::WrapError>()) {
        return DumpError::malformed(file, at, "the archive is cut off in its table of contents", "ask for the dump again");
    }
    DumpError::from_read(file, error)
}

/// An archive that is being read.
struct Reading<'a> {
    input: &'a Input,
    part: &'a Part,
    sink: &'a mut dyn Sink,
    stage: Stage,
    entries: Vec<Entry>,
    batch: RowBatch,
}

impl Reading<'_> {
    /// Reads the schema statements that stand before the data, or behind it.
    fn schema(&mut self, behind: bool) -> Result<(), DumpError> {
        let mut text = Vec::new();
        for entry in &self.entries {
            if entry.section != DATA_SECTION && (entry.section == POST_DATA_SECTION) == behind {
                text.extend_from_slice(&entry.definition);
                text.push(b'\n');
            }
        }
        let shown = format!("{}, table of contents", self.part.shown);
        let limit = self.input.limits.cell_bytes;
        let window = Window::new(Box::new(io::Cursor::new(text)), &shown, limit)?;
        pg_plain::read_piece(window, &mut Muted(self.sink), &mut self.stage)
    }

    fn blocks(&mut self, stream: Stream, packing: Option<Packing>) -> Result<(), DumpError> {
        let stream = Arc::new(Mutex::new(stream));
        let mut awaited: BTreeSet<i64> = self.entries.iter().filter(|e| e.has_data).map(|e| e.dump_id).collect();
        let by_id: BTreeMap<i64, usize> = self.entries.iter().enumerate().map(|(place, e)| (e.dump_id, place)).collect();
        loop {
            let before = locked(&stream).offset;
            let tell = |error: io::Error| broken(&self.part.shown, before, error);
            let (kind, id) = {
                let mut open = locked(&stream);
                if open.reader.fill_buf().map_err(tell)?.is_empty() {
                    break;
                }
                match open.byte().and_then(|kind| Ok((kind, open.int()?))) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        open.ended = true;
                        (0, 0)
                    }
                    head => head.map_err(tell)?,
                }
            };
            if !locked(&stream).ended {
                let place = by_id.get(&id).copied().ok_or_else(|| tell(bad("a data block that the table of contents does not list")))?;
                match kind {
                    BLOCK_DATA => self.block(&stream, place, packing)?,
                    BLOCK_BLOBS => self.blobs(&stream)?,
                    other => return Err(tell(bad(format!("a data block of the unknown kind {other}")))),
                }
            }
            let open = locked(&stream);
            self.sink.account(ByteKind::Data, open.offset - before);
            if open.ended {
                // What was read of the head is accounted for with the rest.
                break;
            }
            awaited.remove(&id);
        }
        self.missing(&awaited, locked(&stream).offset)
    }

    /// Tells which data the table of contents promises and nobody found.
    fn missing(&mut self, awaited: &BTreeSet<i64>, offset: u64) -> Result<(), DumpError> {
        let mut names: Vec<&str> = self.entries.iter().filter(|e| awaited.contains(&e.dump_id)).map(|e| e.tag.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let all = names.len();
        names.truncate(3);
        let rest = if all > names.len() { format!(" and {} more", all - names.len()) } else { String::new() };
        let missing = format!("the data of {}{rest}", names.join(", "));
        self.sink.note(Note::Truncated { missing, at: Position { offset, line: 1 } })
    }

    fn block(&mut self, stream: &Arc<Mutex<Stream>>, place: usize, packing: Option<Packing>) -> Result<(), DumpError> {
        let entry = &self.entries[place];
        let shown = format!("{}, data of {}", self.part.shown, entry.tag);
        let start = {
            let mut open = locked(stream);
            (open.in_block, open.left) = (true, 0);
            open.offset
        };
        let chunks = Chunks { stream: Arc::clone(stream) };
        let read = |e| broken(&shown, start, e);
        let mut plain: Box<dyn Read + Send> = match packing {
            Some(packing) => packing.reader(Box::new(chunks), &self.input.limits, &self.input.cut).map_err(read)?,
            None if self.input.limits.lenient_end => Box::new(wrap::Lenient::new(Box::new(chunks), Arc::clone(&self.input.cut))),
            None => Box::new(chunks),
        };
        if entry.desc == "TABLE DATA" {
            let window = Window::new(plain, &shown, self.input.limits.cell_bytes)?;
            let copy = entry.copy.clone();
            rows(window, &mut Muted(self.sink), &mut self.batch, &copy, &mut self.stage)?;
        } else {
            self.sink.note(Note::Warning(format!("the data of {} {} was read over", entry.desc, entry.tag)))?;
            io::copy(&mut plain, &mut io::sink()).map_err(read)?;
        }
        let mut open = locked(stream);
        if open.ended { Ok(()) } else { finish_block(&mut open).map_err(|e| broken(&self.part.shown, start, e)) }
    }

    fn blobs(&mut self, stream: &Arc<Mutex<Stream>>) -> Result<(), DumpError> {
        self.sink.note(Note::Warning("large objects were read over: no table holds them".to_owned()))?;
        let mut open = locked(stream);
        let start = open.offset;
        let mut pass = || -> io::Result<()> {
            while open.int()? != 0 {
                open.skip_chunks()?;
            }
            Ok(())
        };
        match pass() {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                open.ended = true;
                Ok(())
            }
            other => other.map_err(|e| broken(&self.part.shown, start, e)),
        }
    }

    /// Holds a folder's or tar's table of contents to its end.
    fn end_of_toc(&self, stream: &mut Stream) -> Result<(), DumpError> {
        let tell = |offset, e| broken(&self.part.shown, offset, e);
        match stream.reader.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(tell(stream.offset, bad("bytes behind the end of the table of contents"))),
            Err(error) => Err(tell(stream.offset, error)),
        }
    }

    /// Reads the data files of a folder or tar.
    fn files(&mut self) -> Result<(), DumpError> {
        let folder = folder_of(&self.part.name).unwrap_or_default();
        let mut left: BTreeMap<&str, &Part> =
            self.input.parts.iter().filter(|p| p.name != self.part.name).map(|p| (p.name.as_str(), p)).collect();
        let mut awaited: BTreeSet<i64> = BTreeSet::new();
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            if !entry.has_data || entry.desc != "TABLE DATA" {
                continue;
            }
            let packed =
                ["", ".gz", ".lz4", ".zst"].iter().find_map(|ending| left.remove(format!("{folder}{}{ending}", entry.file).as_str()));
            let Some(part) = packed else {
                awaited.insert(entry.dump_id);
                continue;
            };
            let copy = entry.copy.clone();
            rows(self.input.window(part)?, self.sink, &mut self.batch, &copy, &mut self.stage)?;
        }
        for (name, part) in left {
            let bytes = io::copy(&mut self.input.open(part)?, &mut io::sink()).map_err(|e| DumpError::from_read(&part.shown, e))?;
            // A tar's script says what the table of contents says.
            let kind = if name.ends_with("restore.sql") { ByteKind::Ddl } else { ByteKind::Data };
            self.sink.account(kind, bytes);
            if name.ends_with(".toc") || name.contains("blobs_") {
                self.sink.note(Note::Warning("large objects were read over: no table holds them".to_owned()))?;
            } else if kind == ByteKind::Data && !name.contains("blob_") {
                self.sink.note(Note::Warning(format!("{}: the table of contents does not mention it; it was read over", part.shown)))?;
            }
        }
        self.missing(&awaited, 0)
    }
}

/// Reads a table's data: COPY text where there is a COPY statement, INSERT statements else.
fn rows(mut window: Window, sink: &mut dyn Sink, batch: &mut RowBatch, copy: &[u8], stage: &mut Stage) -> Result<(), DumpError> {
    if copy.is_empty() {
        return pg_plain::read_piece(window, sink, stage);
    }
    let at = window.position();
    let Some((table, columns)) = pg_plain::copy_head(&stage.decoded(copy), Flavor::POSTGRES, &stage.schema) else {
        let what = "a COPY statement that is not `COPY table (columns) FROM stdin;`";
        return Err(DumpError::malformed(window.file(), at, what, "ask for a dump as pg_dump writes it"));
    };
    let (source, width) = sink.open(&table, columns.as_deref(), false, at)?;
    if pg_copy::read(&mut window, sink, batch, source, width, false)? == Ended::Input {
        let missing = format!("the end marker \\. of table {table}");
        return sink.note(Note::Truncated { missing, at: window.position() });
    }
    // Empty lines follow the end marker.
    loop {
        let blank = window.data().len();
        if window.data().iter().any(|b| !b.is_ascii_whitespace()) {
            let help = "ask for the dump again";
            return Err(DumpError::malformed(window.file(), window.position(), "bytes behind the end marker of the rows", help));
        }
        sink.account(ByteKind::Data, window.source_bytes(blank));
        window.consume(blank);
        if !window.fill()? {
            return Ok(());
        }
    }
}

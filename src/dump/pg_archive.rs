//! Archives of `pg_dump`: custom (`-Fc`), directory (`-Fd`) and tar (`-Ft`), versions 1.11 to 1.16. Reads
//! data blocks in the order in which they lie, so that offsets are not needed; executes nothing.
//!
//! Source: PostgreSQL `src/bin/pg_dump`: `pg_backup_archiver.c` (`ReadHead`, `ReadToc`), `pg_backup_custom.c`,
//! `pg_backup_directory.c`, `pg_backup_tar.c`, of releases 9.0 to 18.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pg_copy::{self, Ended};
use super::pg_plain::{self, Stage};
use super::sql::lexer::Flavor;
use super::wrap::{self, Packing};
use super::{
    ByteKind, Charset, DumpError, DumpFormat, FormatMeta, Input, Limits, Note, Part, Position, Reject, RowBatch, RowSource, SchemaChange,
    Sink, Window,
};
use crate::model::{Engine, QualifiedName};

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

/// Oldest and newest archive version that is read, as `1 << 8 | minor`.
const OLDEST: u16 = 0x010b;
const NEWEST: u16 = 0x0110;

/// Versions that changed the layout.
const V1_14: u16 = 0x010e;
const V1_15: u16 = 0x010f;
const V1_16: u16 = 0x0110;

/// Sections of entries, as the archiver numbers them.
const DATA_SECTION: i64 = 3;
const POST_DATA_SECTION: i64 = 4;

/// Kinds of data blocks in a custom archive.
const BLOCK_DATA: u8 = 1;
const BLOCK_BLOBS: u8 = 3;

/// An entry's mark that no data follows.
const OFFSET_NO_DATA: u8 = 3;

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
        let mut stream = Stream {
            reader: BufReader::with_capacity(256 << 10, reader),
            offset: 0,
            int_size: 4,
            off_size: 8,
            version: NEWEST,
            ended: false,
            in_block: false,
            left: 0,
        };
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

/// What is not as an archive has it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BadArchive(String);

fn bad(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, BadArchive(what.into()))
}

/// The archive's bytes, with the sizes that its header tells.
struct Stream {
    reader: BufReader<Box<dyn Read + Send>>,
    /// Bytes read so far.
    offset: u64,
    int_size: u8,
    off_size: u8,
    version: u16,
    /// Whether the bytes ended where more should have followed.
    ended: bool,
    /// Whether chunks of a block are being read, and what is left of the one at hand.
    in_block: bool,
    left: u64,
}

impl Stream {
    fn exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(buffer)?;
        self.offset += buffer.len() as u64;
        Ok(())
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.exact(&mut byte)?;
        Ok(byte[0])
    }

    /// Reads a sign and little-endian bytes.
    fn int(&mut self) -> io::Result<i64> {
        let negative = self.byte()? != 0;
        let mut value = 0_i64;
        for place in 0..u32::from(self.int_size) {
            let byte = self.byte()?;
            match i64::from(byte).checked_shl(8 * place).filter(|_| place < 7 || byte == 0) {
                Some(part) => value |= part,
                None if byte == 0 => {}
                None => return Err(bad("a number beyond 56 bits")),
            }
        }
        Ok(if negative { -value } else { value })
    }

    /// Reads a text with its length; `None` is NULL. `room` is what all texts may still take.
    fn text(&mut self, room: &mut usize) -> io::Result<Option<Vec<u8>>> {
        let len = self.int()?;
        if len < 0 {
            return Ok(None);
        }
        let len = usize::try_from(len).ok().filter(|len| len <= room);
        let len = len.ok_or_else(|| bad("a table of contents larger than the limit; raise it with --max-memory if the file is whole"))?;
        *room -= len;
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(len as u64).read_to_end(&mut bytes)?;
        self.offset += read as u64;
        if read < len { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(bytes)) }
    }

    fn words(&mut self, room: &mut usize) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.text(room)?.unwrap_or_default()).into_owned())
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.reader.by_ref().take(bytes), &mut io::sink())?;
        self.offset += passed;
        if passed == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads the length of a block's next chunk; 0 is the end.
    fn chunk(&mut self) -> io::Result<u64> {
        u64::try_from(self.int()?).map_err(|_| bad("a data chunk of negative length"))
    }

    /// Passes the chunks that are left of a block.
    fn skip_chunks(&mut self) -> io::Result<()> {
        loop {
            match self.chunk()? {
                0 => return Ok(()),
                len => self.skip(len)?,
            }
        }
    }
}

/// What the header tells.
struct Head {
    custom: bool,
    packing: Option<Packing>,
    database: String,
    server: String,
    entries: i64,
}

fn read_head(stream: &mut Stream) -> io::Result<Head> {
    let mut magic = [0; 5];
    stream.exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(bad("the table of contents does not begin with PGDMP"));
    }
    let (major, minor, _) = (stream.byte()?, stream.byte()?, stream.byte()?);
    let version = u16::from(major) << 8 | u16::from(minor);
    if !(OLDEST..=NEWEST).contains(&version) {
        return Err(bad(format!("an archive of version {major}.{minor}, where unseed reads 1.11 to 1.16")));
    }
    stream.version = version;
    stream.int_size = stream.byte()?;
    stream.off_size = stream.byte()?;
    if !(1..=8).contains(&stream.int_size) || !(1..=8).contains(&stream.off_size) {
        return Err(bad("numbers of more than 64 bits"));
    }
    let custom = match stream.byte()? {
        1 => true,
        3 | 5 => false,
        other => return Err(bad(format!("an archive of the unknown kind {other}"))),
    };
    let packing = if version >= V1_15 {
        match stream.byte()? {
            0 => None,
            1 => Some(Packing::Zlib),
            2 => Some(Packing::Lz4),
            3 => Some(Packing::Zstd),
            other => return Err(bad(format!("the unknown compression {other}"))),
        }
    } else {
        (stream.int()? != 0).then_some(Packing::Zlib)
    };
    // Second to year and daylight saving time: local, of an unknown zone.
    for _ in 0..7 {
        stream.int()?;
    }
    let mut room = 1 << 20;
    let database = stream.words(&mut room)?;
    let server = stream.words(&mut room)?;
    stream.text(&mut room)?;
    let entries = stream.int()?;
    Ok(Head { custom, packing, database, server, entries })
}

/// An entry of the table of contents, as far as it matters.
#[derive(Debug)]
struct Entry {
    dump_id: i64,
    desc: String,
    tag: String,
    section: i64,
    definition: Vec<u8>,
    copy: Vec<u8>,
    /// Name of the data's file in folders and tars.
    file: String,
    has_data: bool,
}

fn read_toc(stream: &mut Stream, custom: bool, count: i64, limit: usize) -> io::Result<Vec<Entry>> {
    let mut room = limit;
    let mut entries = Vec::new();
    for _ in 0..count {
        let dump_id = stream.int()?;
        if dump_id <= 0 {
            return Err(bad("an entry without a number"));
        }
        let had_dumper = stream.int()? != 0;
        stream.text(&mut room)?;
        stream.text(&mut room)?;
        let tag = stream.words(&mut room)?;
        let desc = stream.words(&mut room)?;
        let section = stream.int()?;
        let definition = stream.text(&mut room)?.unwrap_or_default();
        stream.text(&mut room)?;
        let copy = stream.text(&mut room)?.unwrap_or_default();
        stream.text(&mut room)?;
        stream.text(&mut room)?;
        if stream.version >= V1_14 {
            stream.text(&mut room)?;
        }
        if stream.version >= V1_16 {
            stream.int()?;
        }
        stream.text(&mut room)?;
        stream.text(&mut room)?;
        while stream.text(&mut room)?.is_some() {}
        let (mut file, mut has_data) = (String::new(), had_dumper);
        if custom {
            has_data &= stream.byte()? != OFFSET_NO_DATA;
            stream.skip(u64::from(stream.off_size))?;
        } else {
            file = stream.words(&mut room)?;
            has_data &= !file.is_empty();
        }
        // An entry takes more memory than its texts; a count that lies must not exhaust it.
        room = room.checked_sub(64).ok_or_else(|| bad("a table of contents larger than the limit; raise it with --max-memory"))?;
        entries.push(Entry { dump_id, desc, tag, section, definition, copy, file, has_data });
    }
    Ok(entries)
}

/// The chunks of one block of a custom archive, as one stream.
struct Chunks {
    stream: Arc<Mutex<Stream>>,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = locked(&self.stream);
        if !stream.in_block || buffer.is_empty() {
            return Ok(0);
        }
        if stream.left == 0 {
            match stream.chunk() {
                Ok(0) => {
                    stream.in_block = false;
                    return Ok(0);
                }
                Ok(len) => stream.left = len,
                Err(error) => {
                    stream.ended |= error.kind() == io::ErrorKind::UnexpectedEof;
                    return Err(error);
                }
            }
        }
        let most = usize::try_from(stream.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = stream.reader.read(&mut buffer[..most])?;
        if read == 0 {
            stream.ended = true;
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.offset += read as u64;
        stream.left -= read as u64;
        Ok(read)
    }
}

fn locked(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Passes the end of a block: the decoder stops at its own.
fn finish_block(stream: &mut Stream) -> io::Result<()> {
    if !stream.in_block {
        return Ok(());
    }
    stream.in_block = false;
    match (stream.left, stream.chunk()?) {
        (0, 0) => Ok(()),
        _ => Err(bad("a data block with bytes behind the end of its compressed data")),
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

/// Hands on everything but the account of bytes: those of a custom archive are packed, and accounted for so.
struct Muted<'s>(&'s mut dyn Sink);

impl Sink for Muted<'_> {
    fn schema(&mut self, change: SchemaChange, at: Position) -> Result<(), DumpError> {
        self.0.schema(change, at)
    }

    fn open(
        &mut self,
        table: &QualifiedName,
        columns: Option<&[String]>,
        declare: bool,
        at: Position,
    ) -> Result<(RowSource, usize), DumpError> {
        self.0.open(table, columns, declare, at)
    }

    fn declared(&self, table: &QualifiedName) -> Option<Vec<String>> {
        self.0.declared(table)
    }

    fn charset(&mut self, charset: Charset) {
        self.0.charset(charset);
    }

    fn rows(&mut self, batch: &mut RowBatch) -> Result<(), DumpError> {
        self.0.rows(batch)
    }

    fn reject(&mut self, reject: Reject<'_>) -> Result<(), DumpError> {
        self.0.reject(reject)
    }

    fn account(&mut self, _kind: ByteKind, _bytes: u64) {}

    fn note(&mut self, note: Note) -> Result<(), DumpError> {
        self.0.note(note)
    }
}

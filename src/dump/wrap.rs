//! Wrappers: gzip, zstd, xz, bzip2, lz4, and members of tars and zips. Known by their first bytes, never
//! by a name; unpacked on a thread of their own; refused where they grow beyond reason.
//!
//! Source: RFC 1952 (gzip), RFC 8878 (zstd), the xz, bzip2 and LZ4 frame formats, PKWARE APPNOTE 6.3
//! (zip), POSIX pax and GNU tar.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

/// How far an input may go.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest cell or statement, in bytes.
    pub cell_bytes: usize,
    /// Largest window that a decompressor may hold, in bytes.
    pub window_bytes: u64,
    /// How many times larger unpacked bytes may be than packed ones.
    pub ratio: u64,
    /// Folder for what cannot be read in one pass.
    pub scratch: PathBuf,
    /// Whether packed data that is cut off is taken as far as it goes.
    pub lenient_end: bool,
}

/// Memory that an ingest may take, in bytes, unless the user gives more.
pub const MAX_MEMORY_BYTES: u64 = 256 << 20;

/// Unpacked to packed bytes beyond which a wrapper is refused.
///
/// Source: text of dumps packs 3 to 30 times, the emptiest of tables some 200 times; deflate cannot do
/// better than 1032, and what zstd, xz and bzip2 do beyond that is a bomb.
const MAX_RATIO: u64 = 1100;

/// Unpacked bytes from which the ratio counts.
const RATIO_FROM: u64 = 64 << 20;

/// Bytes that an unpacking thread hands over at a time, and how many such blocks wait.
const BLOCK: usize = 256 << 10;
const QUEUE: usize = 4;

/// Wrappers within wrappers that are unpacked.
const MAX_DEPTH: usize = 3;

/// Endings that wrappers add to a file's name; used for a table's name only.
pub(super) const ENDINGS: &[&str] = &[".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4"];

impl Limits {
    /// Derives every limit from the memory that may be used.
    ///
    /// Source: Postgres refuses values above 1 GiB and MySQL packets above 1 GiB; real cells above 64 MiB
    /// are attachments, and reading them should be somebody's wish. zstd's decoder takes 128 MiB by default.
    #[must_use]
    pub fn of_memory(bytes: u64, scratch: &Path) -> Self {
        Self {
            cell_bytes: usize::try_from(bytes / 4).unwrap_or(usize::MAX).min(1 << 30),
            window_bytes: bytes / 2,
            ratio: (MAX_RATIO * bytes / MAX_MEMORY_BYTES).max(1),
            scratch: scratch.to_owned(),
            lenient_end: false,
        }
    }
}

/// What is wrong with a wrapper.
#[derive(Debug, thiserror::Error)]
#[error("{what}; {help}")]
pub(super) struct WrapError {
    pub(super) what: String,
    pub(super) help: &'static str,
}

impl WrapError {
    pub(super) fn io(what: String, help: &'static str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Self { what, help })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapper {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Lz4,
}

impl Wrapper {
    fn of(head: &[u8]) -> Option<Self> {
        let skippable = head.len() >= 4 && (0x50..=0x5f).contains(&head[0]) && head[1..4] == [0x2a, 0x4d, 0x18];
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A skippable frame may lead either; zstd's decoder passes over it.
            _ if skippable => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Some(Self::Bzip2),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
        }
    }

    fn decoder<R: BufRead + Send + 'static>(self, reader: R, limits: &Limits) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(reader)?;
                decoder.window_log_max(limits.window_bytes.max(1 << 10).ilog2().min(31))?;
                Box::new(decoder)
            }
            Self::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(limits.window_bytes, liblzma::stream::CONCATENATED)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
            }
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
            Self::Lz4 => Box::new(Lz4Frames { decoder: Some(lz4_flex::frame::FrameDecoder::new(reader)) }),
        })
    }
}

/// How the blocks of an archive are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Deflate with zlib's frame.
    Zlib,
    /// An LZ4 frame.
    Lz4,
    /// A zstd frame.
    Zstd,
}

impl Packing {
    /// Unpacks a block on a thread of its own; tells `cut` where it ends too early and that is allowed.
    pub(super) fn reader(self, packed: Box<dyn Read + Send>, limits: &Limits, cut: &Arc<AtomicBool>) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(match self {
            Self::Zlib => unpack_ahead("zlib", packed, limits, cut, |r| Ok(Box::new(flate2::bufread::ZlibDecoder::new(r))))?,
            Self::Lz4 => unpack_ahead("lz4", packed, limits, cut, |r| Wrapper::Lz4.decoder(r, limits))?,
            Self::Zstd => unpack_ahead("zstd", packed, limits, cut, |r| Wrapper::Zstd.decoder(r, limits))?,
        }))
    }
}

/// Takes the end of a stream that comes too early as its end, and notes it.
pub(super) struct Lenient {
    reader: Box<dyn Read + Send>,
    cut: Arc<AtomicBool>,
}

impl Lenient {
    pub(super) fn new(reader: Box<dyn Read + Send>, cut: Arc<AtomicBool>) -> Self {
        Self { reader, cut }
    }
}

impl Read for Lenient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.cut.store(true, Ordering::Relaxed);
                Ok(0)
            }
            other => other,
        }
    }
}

/// LZ4 frames, one behind the other.
struct Lz4Frames<R: BufRead> {
    decoder: Option<lz4_flex::frame::FrameDecoder<R>>,
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if decoder.get_mut().fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.decoder = self.decoder.take().map(|d| lz4_flex::frame::FrameDecoder::new(d.into_inner()));
        }
    }
}

/// Unpacks the first bytes of something as far as they go; tells the wrappers.
pub(super) fn head(stored: Vec<u8>, limits: &Limits) -> (Vec<u8>, Vec<&'static str>) {
    let most = stored.len().max(super::HEAD_BYTES);
    let mut head = stored;
    let mut wrappers = Vec::new();
    while wrappers.len() < MAX_DEPTH
        && let Some(wrapper) = Wrapper::of(&head)
    {
        wrappers.push(wrapper.name());
        let mut plain = Vec::new();
        if let Ok(decoder) = wrapper.decoder(Cursor::new(head), limits) {
            // The packed bytes end too early, of course.
            read_until_error(decoder, most, &mut plain);
        }
        head = plain;
    }
    (head, wrappers)
}

fn read_until_error(mut reader: Box<dyn Read + Send>, most: usize, out: &mut Vec<u8>) {
    let mut block = [0; 4096];
    while out.len() < most {
        match reader.read(&mut block) {
            Ok(0) | Err(_) => break,
            Ok(read) => out.extend_from_slice(&block[..read]),
        }
    }
}

/// Takes the wrappers off a stream; tells `cut` where one ends too early and that is allowed.
pub(super) fn unwrap(stored: Box<dyn Read + Send>, limits: &Limits, cut: &Arc<AtomicBool>) -> io::Result<Box<dyn Read + Send>> {
    let mut reader = stored;
    for _ in 0..MAX_DEPTH {
        let mut magic = Vec::new();
        reader.by_ref().take(16).read_to_end(&mut magic)?;
        let found = Wrapper::of(&magic);
        reader = Box::new(Cursor::new(magic).chain(reader));
        let Some(wrapper) = found else { break };
        reader = Box::new(unpack_ahead(wrapper.name(), reader, limits, cut, |r| wrapper.decoder(r, limits))?);
    }
    Ok(reader)
}

/// Counts what a decoder takes in.
struct CountIn<R> {
    reader: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for CountIn<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Unpacks on a thread of its own, some blocks ahead.
fn unpack_ahead(
    name: &'static str,
    packed: Box<dyn Read + Send>,
    limits: &Limits,
    cut: &Arc<AtomicBool>,
    decoder: impl FnOnce(BufReader<CountIn<Box<dyn Read + Send>>>) -> io::Result<Box<dyn Read + Send>>,
) -> io::Result<Ahead> {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = CountIn { reader: packed, taken: Arc::clone(&taken) };
    let mut decoder = decoder(BufReader::with_capacity(BLOCK, counted))?;
    if limits.lenient_end {
        decoder = Box::new(Lenient::new(decoder, Arc::clone(cut)));
    }
    let ratio = limits.ratio;
    let (to_reader, blocks) = sync_channel(QUEUE);
    let (give_back, recycled) = channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || unpack(name, decoder, &taken, ratio, &to_reader, &recycled))?;
    Ok(Ahead { blocks, give_back, block: Vec::new(), given: 0, ended: false })
}

fn unpack(
    name: &'static str,
    mut decoder: Box<dyn Read + Send>,
    taken: &AtomicU64,
    ratio: u64,
    to_reader: &SyncSender<io::Result<Vec<u8>>>,
    recycled: &Receiver<Vec<u8>>,
) {
    let mut unpacked = 0_u64;
    loop {
        let mut block: Vec<u8> = recycled.try_recv().unwrap_or_default();
        block.resize(BLOCK, 0);
        let mut filled = 0;
        let mut failed = None;
        while filled < BLOCK {
            match decoder.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        block.truncate(filled);
        unpacked += filled as u64;
        let packed = taken.load(Ordering::Relaxed);
        let ended = filled < BLOCK;
        // A reader that has stopped takes no more blocks.
        if to_reader.send(Ok(block)).is_err() {
            return;
        }
        if unpacked >= RATIO_FROM && unpacked / packed.max(1) > ratio {
            let what = format!("{name} data that unpacks to more than {ratio} times its size: {unpacked} bytes out of {packed} so far");
            let _ = to_reader.send(Err(WrapError::io(what, "this looks like a bomb; if it is none, raise --max-memory")));
            return;
        }
        if let Some(error) = failed {
            // Wrappers within this one tell their own story.
            let error = if error.get_ref().and_then(|e| e.downcast_ref::<WrapError>()).is_some() {
                error
            } else {
                let what = format!("the {name} data is damaged or cut off after {packed} packed, {unpacked} unpacked bytes: {error}");
                WrapError::io(what, "ask for the file again; a larger window needs a larger --max-memory")
            };
            let _ = to_reader.send(Err(error));
            return;
        }
        if ended {
            return;
        }
    }
}

/// The reader's end of an unpacking thread.
struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    give_back: Sender<Vec<u8>>,
    block: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.block.len() {
            if self.ended {
                return Ok(0);
            }
            let _ = self.give_back.send(std::mem::take(&mut self.block));
            self.given = 0;
            match self.blocks.recv() {
                Ok(block) => self.block = block?,
                Err(_) => self.ended = true,
            }
        }
        let part = (self.block.len() - self.given).min(buffer.len());
        buffer[..part].copy_from_slice(&self.block[self.given..self.given + part]);
        self.given += part;
        Ok(part)
    }
}

/// How an archive's member is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Bytes that it takes in the archive.
    pub stored_bytes: u64,
    /// Bytes that it has.
    pub bytes: u64,
    /// How a zip packed it; 0 as it is.
    pub method: u16,
    /// Checksum of its bytes, where the archive tells.
    pub crc: Option<u32>,
}

impl Member {
    /// Reads the member, whose stored bytes come next in `file`.
    pub(super) fn reader(self, file: File) -> io::Result<Box<dyn Read + Send>> {
        let stored = BufReader::with_capacity(BLOCK, file).take(self.stored_bytes);
        let plain: Box<dyn Read + Send> = match self.method {
            0 => Box::new(stored),
            8 => Box::new(flate2::bufread::DeflateDecoder::new(stored)),
            12 => Box::new(bzip2::bufread::BzDecoder::new(stored)),
            93 => Box::new(zstd::Decoder::with_buffer(stored)?),
            95 => Box::new(liblzma::bufread::XzDecoder::new(stored)),
            other => {
                return Err(WrapError::io(
                    format!("a zip member packed by method {other}"),
                    "pack it again with deflate, or give the file inside",
                ));
            }
        };
        Ok(Box::new(Checked { reader: plain, left: self.bytes, crc: self.crc, seen: flate2::Crc::new() }))
    }
}

/// Holds a member to its size and checksum.
struct Checked {
    reader: Box<dyn Read + Send>,
    left: u64,
    crc: Option<u32>,
    seen: flate2::Crc,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let damaged = |what: &str| WrapError::io(format!("the archive's member {what}"), "the archive is damaged; ask for it again");
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| damaged("is longer than the archive says"))?;
        if self.crc.is_some() {
            self.seen.update(&buffer[..read]);
        }
        if read == 0 && !buffer.is_empty() {
            if self.left > 0 {
                return Err(damaged("is shorter than the archive says"));
            }
            if self.crc.is_some_and(|crc| crc != self.seen.sum()) {
                return Err(damaged("does not match its checksum"));
            }
        }
        Ok(read)
    }
}

/// A member of an archive, with its name and where its stored bytes begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) start: u64,
    pub(crate) member: Member,
}

/// Returns whether the first bytes are a tar's.
#[must_use]
pub(crate) fn is_tar(head: &[u8]) -> bool {
    let Some(head) = head.get(..512).filter(|h| h[257..262] == *b"ustar") else { return false };
    let sum: u64 = head.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u64::from(*b) }).sum();
    octal(&head[148..156]) == Some(sum)
}

/// Returns whether the first bytes are a zip's.
#[must_use]
pub(crate) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

fn octal(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|b| b & 0x80 != 0) {
        // GNU's base 256 for large files.
        return field.iter().skip(1).try_fold(u64::from(field[0] & 0x7f), |n, b| n.checked_mul(256)?.checked_add(u64::from(*b)));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    let digits = text.split(['\0', ' ']).next()?;
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// Refuses names that point out of their archive.
fn inside(name: &str) -> io::Result<()> {
    let outside = name.starts_with('/') || name.contains('\\') || name.split('/').any(|part| part == "..");
    if outside || name.contains('\0') {
        let what = format!("the archive holds the name \"{}\", which points out of it", name.escape_default());
        return Err(WrapError::io(what, "nothing was unpacked; ask where the archive comes from"));
    }
    Ok(())
}

/// Largest header record of a tar (long names, pax), in bytes.
const MAX_TAR_HEADER: u64 = 1 << 20;

/// Walks a tar; `take` is handed each regular file with a reader of its bytes, which it may leave unread:
/// `skip` passes over what is left.
///
/// # Errors
/// Returns what the reader or `take` says, or what a tar does not hold.
pub(crate) fn walk_tar<R: Read>(
    mut tar: R,
    skip: impl Fn(&mut R, u64) -> io::Result<()>,
    mut take: impl FnMut(&Listed, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let damaged = |what: &str, at: u64| WrapError::io(format!("the tar {what} at byte {at}"), "the archive is damaged; ask for it again");
    let mut at = 0_u64;
    let mut long_name: Option<String> = None;
    let mut long_size: Option<u64> = None;
    loop {
        let mut header = [0; 512];
        let mut filled = 0;
        while filled < 512 {
            match tar.read(&mut header[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        if filled == 0 || header.iter().all(|b| *b == 0) {
            return Ok(());
        }
        if filled < 512 || !is_tar(&header) {
            return Err(damaged("has no header", at));
        }
        at += 512;
        let size = long_size.take().or_else(|| octal(&header[124..136])).ok_or_else(|| damaged("has a malformed size", at))?;
        let padded = size.checked_next_multiple_of(512).ok_or_else(|| damaged("has a malformed size", at))?;
        let kind = header[156];
        let mut body = tar.by_ref().take(padded);
        match kind {
            b'0' | 0 | b'7' => {
                let name = long_name.take().unwrap_or_else(|| tar_name(&header));
                inside(&name)?;
                let member = Member { stored_bytes: size, bytes: size, method: 0, crc: None };
                let listed = Listed { name, start: at, member };
                let mut content = body.by_ref().take(size);
                take(&listed, &mut content)?;
            }
            b'L' | b'x' => {
                if size > MAX_TAR_HEADER {
                    return Err(damaged("has an over-long name", at));
                }
                let mut record = Vec::new();
                body.by_ref().take(size).read_to_end(&mut record)?;
                if kind == b'L' {
                    long_name = Some(text_until_nul(&record));
                } else {
                    (long_name, long_size) = pax(&record);
                }
            }
            b'5' | b'g' | b'K' => {}
            _ => {
                let name = tar_name(&header);
                return Err(WrapError::io(
                    format!("the tar holds a link or device called \"{}\"", name.escape_default()),
                    "give the files themselves",
                ));
            }
        }
        let left = body.limit();
        skip(&mut tar, left).map_err(|_| damaged("is cut off", at))?;
        at += padded;
    }
}

fn text_until_nul(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
}

fn tar_name(header: &[u8; 512]) -> String {
    let (name, prefix) = (text_until_nul(&header[..100]), text_until_nul(&header[345..500]));
    let name = if prefix.is_empty() || header[263] == b' ' { name } else { format!("{prefix}/{name}") };
    name.trim_start_matches("./").to_owned()
}

/// Reads `path` and `size` of a pax header: `LENGTH KEY=VALUE\n`.
fn pax(record: &[u8]) -> (Option<String>, Option<u64>) {
    let (mut name, mut size) = (None, None);
    let mut rest = record;
    while let Some(blank) = memchr::memchr(b' ', rest) {
        let Some(len) = std::str::from_utf8(&rest[..blank]).ok().and_then(|t| t.parse::<usize>().ok()) else { break };
        if len <= blank + 1 || len > rest.len() {
            break;
        }
        let entry = String::from_utf8_lossy(&rest[blank + 1..len]).into_owned();
        match entry.trim_end_matches('\n').split_once('=') {
            Some(("path", value)) => name = Some(value.trim_start_matches("./").to_owned()),
            Some(("size", value)) => size = value.parse().ok(),
            _ => {}
        }
        rest = &rest[len..];
    }
    (name, size)
}

/// Passes bytes of a stream.
///
/// # Errors
/// Returns that it ends too early.
pub(crate) fn skip_stream<R: Read>(reader: &mut R, bytes: u64) -> io::Result<()> {
    let passed = io::copy(&mut reader.by_ref().take(bytes), &mut io::sink())?;
    if passed == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Lists a tar that lies on disk without reading its members' bytes.
///
/// # Errors
/// Returns what the system says, or what a tar does not hold.
pub(crate) fn list_tar(path: &Path) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    let skip = |file: &mut BufReader<File>, bytes: u64| {
        i64::try_from(bytes).map_err(|_| io::ErrorKind::InvalidData.into()).and_then(|bytes| file.seek_relative(bytes))
    };
    walk_tar(BufReader::new(File::open(path)?), skip, |listed, _| {
        found.push(listed.clone());
        Ok(())
    })?;
    let len = path.metadata()?.len();
    match found.iter().find(|l| l.start.saturating_add(l.member.stored_bytes) > len) {
        Some(cut) => {
            let what = format!("the tar is cut off within \"{}\"", cut.name.escape_default());
            Err(WrapError::io(what, "the archive is damaged; ask for it again"))
        }
        None => Ok(found),
    }
}

/// Largest directory of a zip that is read, in bytes.
const MAX_ZIP_DIRECTORY: u64 = 64 << 20;

/// Lists a zip's members from its directory.
///
/// # Errors
/// Returns what the system says, or what a zip does not hold.
pub(crate) fn list_zip(path: &Path) -> io::Result<Vec<Listed>> {
    let damaged = |what: &str| WrapError::io(format!("the zip {what}"), "the archive is damaged or cut off; ask for it again");
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let tail_len = len.min(66_000);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(len - tail_len))?;
    file.by_ref().take(tail_len).read_to_end(&mut tail)?;
    let end = memchr::memmem::rfind(&tail, b"PK\x05\x06").ok_or_else(|| damaged("has no directory"))?;
    let end_record = tail.get(end..end + 22).ok_or_else(|| damaged("has no directory"))?;
    let mut count = u64::from(u16_at(end_record, 10));
    let mut size = u64::from(u32_at(end_record, 12));
    let mut start = u64::from(u32_at(end_record, 16));
    if let Some(locator) = end.checked_sub(20).and_then(|at| tail.get(at..end)).filter(|l| l.starts_with(b"PK\x06\x07")) {
        let mut record = [0; 56];
        file.seek(SeekFrom::Start(u64_at(locator, 8)))?;
        file.read_exact(&mut record)?;
        if !record.starts_with(b"PK\x06\x06") {
            return Err(damaged("has a malformed directory"));
        }
        (count, size, start) = (u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48));
    }
    if size > MAX_ZIP_DIRECTORY || start.checked_add(size).is_none_or(|end| end > len) {
        return Err(damaged("has a malformed directory"));
    }
    let mut directory = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.by_ref().take(size).read_to_end(&mut directory)?;
    let mut found = Vec::new();
    let mut rest = directory.as_slice();
    for _ in 0..count {
        let (listed, used) = zip_entry(rest).ok_or_else(|| damaged("has a malformed directory"))?;
        rest = &rest[used..];
        let Some((mut listed, flags)) = listed else { continue };
        inside(&listed.name)?;
        if flags & 1 != 0 {
            return Err(WrapError::io(
                format!("the zip's member \"{}\" is encrypted", listed.name),
                "unpack it with its password, and give the file inside",
            ));
        }
        let mut local = [0; 30];
        file.seek(SeekFrom::Start(listed.start))?;
        file.read_exact(&mut local).map_err(|_| damaged("is cut off"))?;
        if !local.starts_with(b"PK\x03\x04") {
            return Err(damaged("has a member without a header"));
        }
        listed.start += 30 + u64::from(u16_at(&local, 26)) + u64::from(u16_at(&local, 28));
        found.push(listed);
    }
    Ok(found)
}

/// A member with its flags; `None` for a folder.
type ZipEntry = Option<(Listed, u16)>;

/// Reads an entry of a zip's directory; returns it and its length.
fn zip_entry(bytes: &[u8]) -> Option<(ZipEntry, usize)> {
    let fixed = bytes.get(..46).filter(|f| f.starts_with(b"PK\x01\x02"))?;
    let (name_len, extra_len, comment_len) = (u16_at(fixed, 28), u16_at(fixed, 30), u16_at(fixed, 32));
    let extra_at = 46 + usize::from(name_len);
    let used = extra_at + usize::from(extra_len) + usize::from(comment_len);
    let name = String::from_utf8_lossy(bytes.get(46..extra_at)?).into_owned();
    let mut extra = bytes.get(extra_at..extra_at + usize::from(extra_len))?;
    bytes.get(..used)?;
    let mut member = Member {
        stored_bytes: u64::from(u32_at(fixed, 20)),
        bytes: u64::from(u32_at(fixed, 24)),
        method: u16_at(fixed, 10),
        crc: Some(u32_at(fixed, 16)),
    };
    let mut start = u64::from(u32_at(fixed, 42));
    while extra.len() >= 4 {
        let (tag, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let mut field = extra.get(4..4 + len)?;
        if tag == 1 {
            // Zip64: only the sizes that did not fit, in this order.
            for value in [&mut member.bytes, &mut member.stored_bytes, &mut start] {
                if *value == u64::from(u32::MAX) && field.len() >= 8 {
                    *value = u64_at(field, 0);
                    field = &field[8..];
                }
            }
        }
        extra = &extra[4 + len..];
    }
    let folder = name.ends_with('/');
    let listed = Listed { name: name.trim_start_matches("./").to_owned(), start, member };
    Some(((!folder).then_some((listed, u16_at(fixed, 8))), used))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

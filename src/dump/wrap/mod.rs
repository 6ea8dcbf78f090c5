//! Wrappers: gzip, zstd, xz, bzip2, lz4, and members of tars and zips. Known by their first bytes, never
//! by a name; unpacked on a thread of their own; refused where they grow beyond reason.
//!
//! Source: RFC 1952 (gzip), RFC 8878 (zstd), the xz, bzip2 and LZ4 frame formats.

mod ahead;
mod member;
mod tar;
mod zip;

use std::io::{self, BufRead, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ahead::unpack_ahead;
pub(crate) use member::Member;
pub(crate) use tar::{is_tar, list_tar, skip_stream, walk_tar};
pub(crate) use zip::{is_zip, list_zip};

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

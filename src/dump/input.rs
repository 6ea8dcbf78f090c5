//! What there is to read: files, standard input, and the members of folders, tars and zips, each as one
//! stream of bytes without its wrapper. Never writes below a name that an archive tells.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempPath;

use super::wrap::{self, Limits};
use super::{DumpError, HEAD_BYTES, Window};

/// Bytes of a packed input's beginning that are looked at where fewer unpack to nothing.
///
/// Source: bzip2 packs blocks of at most 900 kB.
const LONG_HEAD_BYTES: usize = 2 << 20;

/// One stream of bytes.
#[derive(Clone, Debug)]
pub struct Part {
    /// How messages call it: the path as the user gave it, with the member's name behind it.
    pub shown: String,
    /// Its name within the folder or archive, `/` between folders; a file's own name else.
    pub name: String,
    /// Bytes that it takes where it lies, packed or not; 0 where nobody can tell.
    pub stored_bytes: u64,
    /// Whether its bytes are known to be packed.
    pub packed: bool,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    File(PathBuf),
    /// A file of our own making, gone with the last part that speaks of it.
    Spooled(Arc<TempPath>),
    Range {
        archive: Arc<OnDisk>,
        start: u64,
        member: wrap::Member,
    },
    Stdin(Arc<Stdin>),
}

/// Standard input, whose beginning is looked at before it is read.
#[derive(Debug, Default)]
struct Stdin {
    head: Mutex<Option<Vec<u8>>>,
}

/// Some parts that one format reads together, most often one.
#[derive(Clone, Debug)]
pub struct Input {
    /// How messages call the whole.
    pub shown: String,
    /// Its parts.
    pub parts: Vec<Part>,
    /// How far it may go.
    pub limits: Limits,
    /// What the user knows better than a look at the first bytes tells.
    pub hints: Hints,
    /// Bytes that the format was given so far, without their wrapper.
    pub given: Arc<AtomicU64>,
    /// Bytes that were read where they lie.
    pub fetched: Arc<AtomicU64>,
    /// Whether packed data was cut off and taken nonetheless.
    pub cut: Arc<AtomicBool>,
}

/// What the user knows of delimited text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The character set.
    pub charset: Option<super::Charset>,
    /// The separator.
    pub separator: Option<u8>,
    /// The unquoted word that stands for NULL.
    pub null: Option<String>,
    /// Whether the first line is a header.
    pub header: Option<bool>,
}

impl Part {
    /// Makes a part of a file.
    #[must_use]
    pub fn file(path: &Path, shown: String, name: String) -> Self {
        let stored_bytes = path.metadata().map(|m| m.len()).unwrap_or_default();
        Self { shown, name, stored_bytes, packed: false, origin: Origin::File(path.to_owned()) }
    }

    /// Makes a part of a file that was unpacked into a temporary one.
    #[must_use]
    pub fn spooled(path: Arc<TempPath>, shown: String, name: String) -> Self {
        let stored_bytes = path.metadata().map(|m| m.len()).unwrap_or_default();
        Self { shown, name, stored_bytes, packed: false, origin: Origin::Spooled(path) }
    }

    /// Makes a part of an archive's member, whose bytes begin at `start` of the file.
    #[must_use]
    pub fn member(archive: Arc<OnDisk>, shown: String, name: String, start: u64, member: wrap::Member) -> Self {
        Self { shown, name, stored_bytes: member.stored_bytes, packed: false, origin: Origin::Range { archive, start, member } }
    }

    /// Makes a part of standard input.
    #[must_use]
    pub fn stdin() -> Self {
        Self { shown: "-".to_owned(), name: "stdin".to_owned(), stored_bytes: 0, packed: false, origin: Origin::Stdin(Arc::default()) }
    }

    /// Returns the file on disk that holds just this part, wrapped or not.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) => Some(path),
            Origin::Spooled(path) => Some(path),
            Origin::Range { .. } | Origin::Stdin(_) => None,
        }
    }

    /// Returns whether it can be read once only.
    #[must_use]
    pub const fn is_stdin(&self) -> bool {
        matches!(self.origin, Origin::Stdin(_))
    }

    /// Opens the bytes as they lie.
    ///
    /// # Errors
    /// Returns what the system says.
    pub fn open_stored(&self) -> Result<Box<dyn Read + Send>, DumpError> {
        let io_error = |source| DumpError::Io { file: self.shown.clone(), source };
        match &self.origin {
            Origin::File(path) => Ok(Box::new(File::open(path).map_err(io_error)?)),
            Origin::Spooled(path) => Ok(Box::new(File::open(path.as_ref()).map_err(io_error)?)),
            Origin::Range { archive, start, member } => {
                let mut file = File::open(archive.path()).map_err(io_error)?;
                file.seek(SeekFrom::Start(*start)).map_err(io_error)?;
                member.reader(file).map_err(io_error)
            }
            Origin::Stdin(stdin) => {
                let head = stdin.head.lock().map(|mut head| head.take()).ok().flatten().unwrap_or_default();
                Ok(Box::new(Cursor::new(head).chain(io::stdin())))
            }
        }
    }

    /// Returns the first bytes as they lie; standard input keeps them for later.
    fn stored_head(&self, most: usize) -> Result<Vec<u8>, DumpError> {
        let io_error = |source| DumpError::Io { file: self.shown.clone(), source };
        let mut head = Vec::new();
        if let Origin::Stdin(stdin) = &self.origin {
            let mut slot = stdin.head.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = slot.get_or_insert_default();
            let more = most.saturating_sub(seen.len()) as u64;
            io::stdin().take(more).read_to_end(seen).map_err(io_error)?;
            head.clone_from(seen);
        } else {
            self.open_stored()?.take(most as u64).read_to_end(&mut head).map_err(io_error)?;
        }
        Ok(head)
    }

    /// Returns the first bytes without their wrappers, and the wrappers, outermost first.
    ///
    /// # Errors
    /// Returns what the system says.
    pub fn head(&self, limits: &Limits) -> Result<(Vec<u8>, Vec<&'static str>), DumpError> {
        let stored = self.stored_head(HEAD_BYTES)?;
        let whole = stored.len() < HEAD_BYTES;
        let seen = wrap::head(stored, limits);
        if seen.0.is_empty() && !seen.1.is_empty() && !whole {
            // A block of bzip2 gives nothing before it is whole.
            return Ok(wrap::head(self.stored_head(LONG_HEAD_BYTES)?, limits));
        }
        Ok(seen)
    }

    /// Returns the name that a table takes from it: without folders, wrapper's ending and ending.
    #[must_use]
    pub fn stem(&self) -> String {
        let name = self.name.rsplit('/').next().unwrap_or_default();
        let name = wrap::ENDINGS.iter().find_map(|e| name.strip_suffix(e)).unwrap_or(name);
        match name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
            _ => name.to_owned(),
        }
    }
}

impl Input {
    /// Makes an input of some parts.
    #[must_use]
    pub fn new(shown: String, parts: Vec<Part>, limits: Limits) -> Self {
        Self { shown, parts, limits, hints: Hints::default(), given: Arc::default(), fetched: Arc::default(), cut: Arc::default() }
    }

    /// Returns the first part: all there is, for formats of one file.
    #[must_use]
    pub fn only(&self) -> &Part {
        &self.parts[0]
    }

    /// Returns how many bytes the parts take where they lie.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.stored_bytes).sum()
    }

    /// Opens a part without its wrappers; what is read is counted.
    ///
    /// # Errors
    /// Returns what the system says, or what the wrapper's first bytes should have been.
    pub fn open(&self, part: &Part) -> Result<Box<dyn Read + Send>, DumpError> {
        let stored = Counted { reader: part.open_stored()?, count: Arc::clone(&self.fetched) };
        let plain = wrap::unwrap(Box::new(stored), &self.limits, &self.cut).map_err(|e| DumpError::from_read(&part.shown, e))?;
        Ok(Box::new(Counted { reader: plain, count: Arc::clone(&self.given) }))
    }

    /// Opens a window on a part.
    ///
    /// # Errors
    /// Returns what [`Self::open`] or the first read says.
    pub fn window(&self, part: &Part) -> Result<Window, DumpError> {
        Window::new(self.open(part)?, &part.shown, self.limits.cell_bytes)
    }

    /// Returns a file on disk that holds the part without its wrappers: itself, or a temporary copy.
    ///
    /// # Errors
    /// Returns what the system says.
    pub fn on_disk(&self, part: &Part) -> Result<OnDisk, DumpError> {
        if let Some(path) = part.path()
            && part.head(&self.limits)?.1.is_empty()
        {
            return Ok(OnDisk::Own(path.to_owned()));
        }
        let io_error = |source| DumpError::Io { file: part.shown.clone(), source };
        let mut copy = tempfile::NamedTempFile::new_in(&self.limits.scratch).map_err(io_error)?;
        let stored = Counted { reader: part.open_stored()?, count: Arc::clone(&self.fetched) };
        let mut plain = wrap::unwrap(Box::new(stored), &self.limits, &self.cut).map_err(|e| DumpError::from_read(&part.shown, e))?;
        io::copy(&mut plain, &mut copy).map_err(|e| DumpError::from_read(&part.shown, e))?;
        Ok(OnDisk::Copy(copy.into_temp_path()))
    }
}

/// A file to read in any order.
#[derive(Debug)]
pub enum OnDisk {
    /// The user's own, never to be written to.
    Own(PathBuf),
    /// A copy that goes with this value.
    Copy(TempPath),
}

impl OnDisk {
    /// Returns where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Own(path) => path,
            Self::Copy(path) => path,
        }
    }
}

struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

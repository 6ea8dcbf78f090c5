//! Pumps inputs into a case file: one thread reads, the other writes. Keeps the byte ledger and the
//! rejects; never drops or changes a value silently.

mod catalog;
mod convert;
mod pump;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::dump::{DumpError, DumpFormat, FORMATS, HEAD_BYTES, InputFile, MAX_CELL_BYTES};
use crate::model::SnapshotId;
use crate::progress::Progress;
use crate::snapshot::SnapshotError;

/// What becomes of a row that does not fit its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadRows {
    /// The whole ingest is refused.
    #[default]
    Refuse,
    /// Its bytes are kept in `unseed_rejects`, and its table can never reach a delete script.
    Quarantine,
}

/// How to ingest.
#[derive(Clone, Debug)]
pub struct Options {
    /// When the snapshot was taken, if the user says so; UTC microseconds.
    pub taken_at: Option<i64>,
    /// Whether an input without its end marker is taken.
    pub allow_truncated: bool,
    /// What becomes of a row that does not fit.
    pub bad_rows: BadRows,
    /// Largest cell or statement, in bytes.
    pub max_cell_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { taken_at: None, allow_truncated: false, bad_rows: BadRows::Refuse, max_cell_bytes: MAX_CELL_BYTES }
    }
}

/// What was ingested.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Digest of the logical content.
    pub id: SnapshotId,
    /// Tables: name, rows stored, rows set aside.
    pub tables: Vec<(String, u64, u64)>,
    /// Bytes of all inputs.
    pub bytes: u64,
    /// Things that were read over.
    pub warnings: Vec<String>,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// An input is not as it should be.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// The case file cannot be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// An input with its format.
struct Recognised {
    input: InputFile,
    format: &'static dyn DumpFormat,
    bytes: u64,
}

/// Reads `inputs` into a new case file at `target`, which appears only when complete.
///
/// # Errors
/// Returns the first thing that is wrong, with file, line, byte offset and the next step.
pub fn ingest(inputs: &[PathBuf], target: &Path, options: &Options, progress: &dyn Progress) -> Result<Summary, IngestError> {
    let mut files = Vec::new();
    for path in inputs {
        expand(path, &mut files)?;
    }
    let mut recognised = Vec::new();
    for path in files {
        recognised.push(recognise(&path, options.max_cell_bytes)?);
    }
    // Schema may be given beside CSV in any order: files that can hold DDL go first.
    recognised.sort_by_key(|r| r.format.meta().engine == crate::model::Engine::Csv);
    pump::run(&recognised, target, options, progress)
}

/// Lists a path's files: itself, or a folder's files by name, hidden ones left out.
fn expand(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), DumpError> {
    let io_error = |source| DumpError::Io { file: path.display().to_string(), source };
    let kind = fs::metadata(path).map_err(io_error)?;
    if !kind.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(io_error)? {
        entries.push(entry.map_err(io_error)?.path());
    }
    entries.retain(|p| p.is_file() && !p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.')));
    entries.sort();
    if entries.is_empty() {
        let empty = std::io::Error::new(std::io::ErrorKind::NotFound, "the folder holds no file");
        return Err(io_error(empty));
    }
    files.extend(entries);
    Ok(())
}

fn recognise(path: &Path, max_cell_bytes: usize) -> Result<Recognised, DumpError> {
    let mut input = InputFile::new(path);
    input.max_cell_bytes = max_cell_bytes;
    let io_error = |source| DumpError::Io { file: input.shown.clone(), source };
    let mut head = Vec::new();
    let file = fs::File::open(path).map_err(io_error)?;
    let bytes = file.metadata().map_err(io_error)?.len();
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(io_error)?;
    match FORMATS.iter().find(|f| f.sniff(&head)) {
        Some(format) => Ok(Recognised { input, format: *format, bytes }),
        None => {
            let (seen, help) = describe(&head);
            let known: Vec<&str> = FORMATS.iter().map(|f| f.meta().title).collect();
            Err(DumpError::Unknown { file: input.shown, seen, known: known.join("; "), help: help.to_owned() })
        }
    }
}

/// Says what the first bytes of an unknown file are, and the next step.
///
/// Source: magic numbers of RFC 1952 (gzip), RFC 8878 (zstd), the xz and bzip2 formats, PKWARE
/// APPNOTE (zip), PostgreSQL's `pg_backup_archiver.c` (`PGDMP`), MTF (`TAPE`), OpenSSL (`Salted__`), RFC 9580 (PGP armor).
fn describe(head: &[u8]) -> (String, &'static str) {
    let has = |needle: &str| memchr::memmem::find(head, needle.as_bytes()).is_some();
    let unpack = "Unpack it first, and give the file inside";
    let plain_dump = "Ask for a plain dump: pg_dump -Fp, or pg_restore -f dump.sql ARCHIVE";
    let known: &[(&[u8], &str, &'static str)] = &[
        (b"PGDMP", "a pg_dump custom archive", plain_dump),
        (b"\x1f\x8b", "gzip data", unpack),
        (b"\x28\xb5\x2f\xfd", "zstd data", unpack),
        (b"\xfd7zXZ\0", "xz data", unpack),
        (b"BZh", "bzip2 data", unpack),
        (b"\x04\x22\x4d\x18", "lz4 data", unpack),
        (b"PK\x03\x04", "a zip archive", unpack),
        (b"Salted__", "encrypted with openssl", "Ask whoever encrypted it for the plain dump"),
        (b"-----BEGIN PGP", "encrypted with PGP", "Ask whoever encrypted it for the plain dump"),
        (b"age-encryption.org", "encrypted with age", "Ask whoever encrypted it for the plain dump"),
        (b"TAPE", "a SQL Server backup", "Ask for the tables as CSV, with their DDL"),
        (b"PAR1", "Parquet", "Ask for CSV or a dump"),
        (b"\xff\xfe", "UTF-16 text", "Convert it to UTF-8 first: iconv -f UTF-16 -t UTF-8"),
        (b"\xfe\xff", "UTF-16 text", "Convert it to UTF-8 first: iconv -f UTF-16 -t UTF-8"),
    ];
    if head.is_empty() {
        return ("the file is empty".to_owned(), "Ask for the export again");
    }
    for (magic, title, help) in known {
        if head.starts_with(magic) {
            return (format!("its first bytes are {title}"), help);
        }
    }
    if head.get(257..262) == Some(b"ustar") {
        return ("a tar archive".to_owned(), unpack);
    }
    if has("/*!") || has("MySQL dump") || has("MariaDB dump") || has("CREATE TABLE `") {
        return ("SQL as mysqldump or mariadb-dump writes it".to_owned(), "Export the tables as CSV, with the DDL beside them");
    }
    let shown: String = head.iter().take(24).flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
    (format!("its first bytes are \"{shown}\""), "Ask for a plain pg_dump, a SQLite file or CSV with a header line")
}

//! From the paths that a user names to inputs with their formats: folders and archives are opened, wrappers
//! looked under, dumps of many files put together. Reads no row.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::dump::wrap;
use crate::dump::{DumpError, DumpFormat, FORMATS, Hints, Input, Limits, Part};

/// Folders within folders that are opened.
const MAX_DEPTH: usize = 8;

/// Most files of all inputs.
const MAX_PARTS: usize = 1_000_000;

/// An input with its format.
pub(super) struct Recognised {
    pub(super) input: Input,
    pub(super) format: &'static dyn DumpFormat,
}

/// Finds the inputs of the paths that the user named.
pub(super) fn recognise(paths: &[std::path::PathBuf], limits: &Limits, hints: &Hints) -> Result<Vec<Recognised>, DumpError> {
    let mut found = Vec::new();
    for path in paths {
        let group = parts(path, limits)?;
        recognise_group(&path.display().to_string(), group, limits, hints, &mut found)?;
    }
    // Schema may be given beside rows in any order: files that can hold DDL go first.
    found.sort_by_key(|r| r.format.meta().engine == crate::model::Engine::Csv);
    Ok(found)
}

/// Estimates the disk that a case file needs, in bytes: at least, so that nobody is refused who has it.
///
/// Source: case files take 1.0 to 1.1 times a plain text without indexes; packed text is 3 to 10 times its
/// packed size, and SQLite files are copied first.
pub(super) fn room(inputs: &[Recognised]) -> u64 {
    let factor = |r: &Recognised| match r.format.meta().engine {
        crate::model::Engine::Sqlite => 2,
        _ if r.input.parts.iter().any(|p| p.packed) => 3,
        _ => 1,
    };
    inputs.iter().map(|r| r.input.stored_bytes().saturating_mul(factor(r))).sum()
}

/// Recognises the parts of one path: those that make one dump together first, then each by itself.
fn recognise_group(
    shown: &str,
    mut group: Vec<Part>,
    limits: &Limits,
    hints: &Hints,
    found: &mut Vec<Recognised>,
) -> Result<(), DumpError> {
    if group.len() > 1 {
        for format in FORMATS {
            loop {
                let claimed = format.claims(&group, limits)?;
                if claimed.is_empty() {
                    break;
                }
                let (taken, rest): (Vec<_>, Vec<_>) = group.into_iter().enumerate().partition(|(place, _)| claimed.contains(place));
                group = rest.into_iter().map(|p| p.1).collect();
                let parts = taken.into_iter().map(|p| p.1).collect();
                let mut input = Input::new(shown.to_owned(), parts, limits.clone());
                input.hints = hints.clone();
                found.push(Recognised { input, format: *format });
            }
        }
    }
    for mut part in group {
        let (head, wrappers) = part.head(limits)?;
        part.packed = !wrappers.is_empty() || head.starts_with(b"PGDMP");
        let shown = part.shown.clone();
        let by_bytes = || FORMATS.iter().find(|f| f.sniff(&head)).or_else(|| FORMATS.iter().find(|f| f.told(&head, hints)));
        let known = if foreign(&head).is_some() { None } else { by_bytes() };
        let Some(format) = known else { return Err(unknown(shown, &head, &wrappers)) };
        let mut input = Input::new(shown, vec![part], limits.clone());
        input.hints = hints.clone();
        found.push(Recognised { input, format: *format });
    }
    Ok(())
}

/// Lists the parts of a path: a file, a folder's files, an archive's members, or standard input.
fn parts(path: &Path, limits: &Limits) -> Result<Vec<Part>, DumpError> {
    let mut found = Vec::new();
    if path.as_os_str() == "-" {
        open_archives(Part::stdin(), limits, 0, &mut found)?;
        return Ok(found);
    }
    let shown = path.display().to_string();
    let io_error = |source| DumpError::Io { file: shown.clone(), source };
    if fs::metadata(path).map_err(io_error)?.is_dir() {
        let mut files = Vec::new();
        walk(path, "", 0, &mut files).map_err(|(file, source)| DumpError::Io { file, source })?;
        if files.is_empty() {
            return Err(io_error(io::Error::new(io::ErrorKind::NotFound, "the folder holds no file")));
        }
        files.sort();
        for name in files {
            let file = path.join(&name);
            let part = Part::file(&file, file.display().to_string(), name);
            open_archives(part, limits, 1, &mut found)?;
        }
        return Ok(found);
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    open_archives(Part::file(path, shown, name), limits, 0, &mut found)?;
    Ok(found)
}

/// Lists a folder's files by their names within it; hidden ones are left out.
fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) -> Result<(), (String, io::Error)> {
    let at = |e| (folder.display().to_string(), e);
    if depth > MAX_DEPTH || files.len() > MAX_PARTS {
        return Err(at(io::Error::other("more folders or files than an export has")));
    }
    for entry in fs::read_dir(folder).map_err(at)? {
        let entry = entry.map_err(at)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        let below = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        // A link to a file counts as the file; a link to a folder could lead anywhere.
        if entry.file_type().map_err(at)?.is_dir() {
            walk(&path, &below, depth + 1, files)?;
        } else if path.is_file() {
            files.push(below);
        }
    }
    Ok(())
}

/// Adds a part, or the members of the tar or zip that it is.
fn open_archives(part: Part, limits: &Limits, depth: usize, found: &mut Vec<Part>) -> Result<(), DumpError> {
    let (head, wrappers) = part.head(limits)?;
    let (tar, zip) = (wrap::is_tar(&head), wrap::is_zip(&head));
    if (!tar && !zip) || depth > 1 {
        found.push(part);
        return Ok(());
    }
    let shown = part.shown.clone();
    let failed = |e| DumpError::from_read(&shown, e);
    let holder = Input::new(shown.clone(), vec![part.clone()], limits.clone());
    let mut members = Vec::new();
    if tar && (!wrappers.is_empty() || part.path().is_none()) {
        // A packed tar can only be read from its beginning: its members are put on disk.
        wrap::walk_tar(holder.open(&part)?, wrap::skip_stream, |listed, content| {
            let mut file = tempfile::NamedTempFile::new_in(&limits.scratch)?;
            io::copy(content, &mut file)?;
            let path = Arc::new(file.into_temp_path());
            members.push(Part::spooled(path, format!("{shown}/{}", listed.name), listed.name.clone()));
            Ok(())
        })
        .map_err(failed)?;
    } else {
        let on_disk = holder.on_disk(&part)?;
        let list = if tar { wrap::list_tar(on_disk.path()) } else { wrap::list_zip(on_disk.path()) };
        let archive = Arc::new(on_disk);
        for listed in list.map_err(failed)? {
            members.push(Part::member(Arc::clone(&archive), format!("{shown}/{}", listed.name), listed.name, listed.start, listed.member));
        }
    }
    if members.len() > MAX_PARTS {
        return Err(failed(io::Error::other("more files than an export has")));
    }
    // Macs add a twin of each file, with what no other system keeps.
    members.retain(|m| !m.name.split('/').any(|n| n.starts_with("._") || n == ".DS_Store" || n == "__MACOSX"));
    if members.is_empty() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "the archive holds no file")));
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    for member in members {
        open_archives(member, limits, depth + 1, found)?;
    }
    Ok(())
}

fn unknown(file: String, head: &[u8], wrappers: &[&'static str]) -> DumpError {
    let (seen, help) = describe(head);
    let seen = if wrappers.is_empty() { seen } else { format!("unpacked from {}, {seen}", wrappers.join(" and ")) };
    let known: Vec<&str> = FORMATS.iter().map(|f| f.meta().title).collect();
    DumpError::Unknown { file, seen, known: known.join("; "), help: help.to_owned() }
}

/// Says what the first bytes of an unknown file are, and the next step.
fn describe(head: &[u8]) -> (String, &'static str) {
    if head.is_empty() {
        return ("the file is empty".to_owned(), "Ask for the export again");
    }
    if let Some((title, help)) = foreign(head) {
        return (format!("its first bytes are {title}"), help);
    }
    let shown: String = head.iter().take(24).flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
    (format!("its first bytes are \"{shown}\""), "Ask for a pg_dump, a mysqldump, a SQLite file or CSV with a header line")
}

/// Recognises what no reader takes, although some of it could pass for text: what it is, and the next step.
///
/// Source: magic numbers of OpenSSL (`Salted__`), RFC 9580 (PGP), age, Microsoft Tape Format (`TAPE`), of
/// SQL Server's compressed backups (`MSSQLBAK`), Oracle's export utilities, `InnoDB` backups (`XBSTCK01`), 7z, RAR.
fn foreign(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let decrypt = "Ask whoever encrypted it for the plain dump, or decrypt it first and give what comes out";
    let server = "It is the server's own form, which only that server reads. Ask for the tables as CSV with their DDL \
                  (bcp or the export wizard, UTF-8), or for a restore into a server that can dump text";
    let unpack = "Unpack it first, and give the file inside";
    let known: &[(&[u8], &'static str, &'static str)] = &[
        (b"Salted__", "encrypted with openssl", decrypt),
        (b"-----BEGIN PGP", "encrypted with PGP", decrypt),
        (b"age-encryption.org", "encrypted with age", decrypt),
        (b"-----BEGIN AGE", "encrypted with age", decrypt),
        (b"LUKS\xba\xbe", "an encrypted disk", decrypt),
        (b"TAPE\0\0", "a SQL Server backup (.bak)", server),
        (b"MSSQLBAK", "a compressed SQL Server backup (.bak)", server),
        (b"\x01\x0f\0\0", "a SQL Server data file", server),
        (b"XBSTCK01", "a Percona XtraBackup stream", "Ask for a mysqldump: a physical backup can only be read by its server"),
        (b"\x03\x01EXPORT:", "an Oracle export", "Ask for the tables as CSV, with their DDL"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", unpack),
        (b"Rar!\x1a\x07", "a RAR archive", unpack),
        (b"%PDF-", "a PDF", "Ask for the data as CSV"),
        (b"\xd0\xcf\x11\xe0", "an Office document", "Save the sheet as CSV (UTF-8)"),
    ];
    if let Some((_, title, help)) = known.iter().find(|k| head.starts_with(k.0)) {
        return Some((title, help));
    }
    // RFC 9580: a public-key or symmetrically encrypted session key packet, version 3 or 4.
    let pgp = matches!(head, [0x84 | 0x85 | 0x8c | 0xc1 | 0xc3, _, 3 | 4, ..] | [0x85, _, _, 3, ..]);
    pgp.then_some(("encrypted with PGP", decrypt))
}

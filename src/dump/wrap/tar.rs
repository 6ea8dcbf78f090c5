//! Tars, listed or walked.
//!
//! Source: POSIX pax and GNU tar.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::WrapError;
use super::member::{Listed, Member, inside};

/// Returns whether the first bytes are a tar's.
#[must_use]
pub(crate) fn is_tar(head: &[u8]) -> bool {
    let Some(head) = head.get(..512).filter(|h| h[257..262] == *b"ustar") else { return false };
    let sum: u64 = head.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u64::from(*b) }).sum();
    octal(&head[148..156]) == Some(sum)
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

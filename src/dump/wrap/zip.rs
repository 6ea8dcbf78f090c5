//! Zips, listed from their directory.
//!
//! Source: PKWARE APPNOTE 6.3.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::WrapError;
use super::member::{Listed, Member, inside};

/// Returns whether the first bytes are a zip's.
#[must_use]
pub(crate) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
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

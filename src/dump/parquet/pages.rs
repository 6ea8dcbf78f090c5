//! Headers of Parquet pages: what each page claims to unpack to, looked at before the library makes room for it.
//!
//! Source: Apache Parquet format, `parquet.thrift`, `PageHeader` (field 2 the unpacked size, field 3 the stored
//! one); Apache Thrift, compact protocol.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Deepest nesting of a header; real ones have two levels.
const MAX_DEPTH: usize = 8;

/// Longest list of a header; real ones have none.
const MAX_LISTED: u64 = 1 << 12;

/// Walks the pages of a column chunk.
///
/// # Errors
/// Returns that a page is malformed, ends beyond the chunk, or unpacks to more than `most` bytes.
pub(super) fn check(file: impl Read + Seek, start: u64, len: u64, most: usize) -> io::Result<()> {
    let mut input = BufReader::with_capacity(4 << 10, file);
    let end = start.checked_add(len).ok_or_else(|| bad("a column beyond the end of the file"))?;
    let mut at = input.seek(SeekFrom::Start(start))?;
    while at < end {
        let (unpacked, stored) = header(&mut input)?;
        if !usize::try_from(unpacked).is_ok_and(|bytes| bytes <= most) {
            return Err(bad(&format!("a page that unpacks to {unpacked} bytes, where {most} are allowed")));
        }
        let stored = u64::try_from(stored).map_err(|_| bad("a page of negative size"))?;
        let behind = input.stream_position()?.saturating_add(stored);
        if behind > end {
            return Err(bad("a page that ends behind its column"));
        }
        at = input.seek(SeekFrom::Start(behind))?;
    }
    Ok(())
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads a header; returns the unpacked size and the stored one.
fn header(input: &mut impl BufReadSeek) -> io::Result<(i64, i64)> {
    let (mut unpacked, mut stored, mut id) = (-1, -1, 0);
    while let Some((kind, own)) = field(input, id)? {
        id = own;
        match (id, kind) {
            (2, 5) => unpacked = signed(input)?,
            (3, 5) => stored = signed(input)?,
            _ => skip(input, kind, false, 0)?,
        }
    }
    Ok((unpacked, stored))
}

/// A reader that can pass over bytes.
trait BufReadSeek: Read {
    fn pass(&mut self, bytes: u64) -> io::Result<()>;
}

impl<R: Read + Seek> BufReadSeek for BufReader<R> {
    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        self.seek_relative(i64::try_from(bytes).map_err(|_| bad("a length beyond any file"))?)
    }
}

fn byte(input: &mut impl BufReadSeek) -> io::Result<u8> {
    let mut one = [0];
    input.read_exact(&mut one)?;
    Ok(one[0])
}

fn varint(input: &mut impl BufReadSeek) -> io::Result<u64> {
    let mut value = 0;
    for place in 0..10 {
        let next = byte(input)?;
        value |= u64::from(next & 0x7f).checked_shl(7 * place).unwrap_or(0);
        if next & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(bad("a number without an end"))
}

fn signed(input: &mut impl BufReadSeek) -> io::Result<i64> {
    let value = varint(input)?;
    Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// Reads the head of a field: its type and id; `None` at the end of the struct.
fn field(input: &mut impl BufReadSeek, before: i64) -> io::Result<Option<(u8, i64)>> {
    let head = byte(input)?;
    let kind = head & 0x0f;
    if kind == 0 {
        return Ok(None);
    }
    let id = if head >> 4 == 0 { signed(input)? } else { before.saturating_add(i64::from(head >> 4)) };
    Ok(Some((kind, id)))
}

/// Passes over a value. Truth values have no byte of their own but in lists.
fn skip(input: &mut impl BufReadSeek, kind: u8, listed: bool, depth: usize) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(bad("a header nested too deep"));
    }
    match kind {
        1 | 2 => input.pass(u64::from(listed)),
        3 => input.pass(1),
        4..=6 => varint(input).map(drop),
        7 => input.pass(8),
        8 => {
            let len = varint(input)?;
            input.pass(len)
        }
        9 | 10 => {
            let head = byte(input)?;
            let count = if head >> 4 == 15 { varint(input)? } else { u64::from(head >> 4) };
            if count > MAX_LISTED {
                return Err(bad("a header that lists more than any page has"));
            }
            (0..count).try_for_each(|_| skip(input, head & 0x0f, true, depth + 1))
        }
        12 => {
            let mut id = 0;
            while let Some((kind, own)) = field(input, id)? {
                id = own;
                skip(input, kind, false, depth + 1)?;
            }
            Ok(())
        }
        _ => Err(bad("a header of unknown form")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn sizes_are_held_against_the_limit() {
        // Type 0, 100 bytes unpacked, 3 stored, a struct with a number and an empty text; then the page.
        let page = [0x15, 0, 0x15, 200, 1, 0x15, 6, 0x2c, 0x15, 2, 0x18, 0, 0, 0, 7, 7, 7];
        let two = [page, page].concat();
        assert!(check(Cursor::new(&two), 0, two.len() as u64, 100).is_ok());
        assert!(check(Cursor::new(&two), 0, two.len() as u64, 99).is_err());
        assert!(check(Cursor::new(&two), 0, two.len() as u64 - 1, 100).is_err());
        assert!(check(Cursor::new(&two[..9]), 0, 17, 100).is_err());
        assert!(check(Cursor::new([0x19, 0xf1, 0xff, 0xff, 0xff, 0x7f]), 0, 6, 100).is_err());
    }
}

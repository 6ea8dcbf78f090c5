//! What lies on a page of a table: where its children and rows are, a row's record, and the values of a record.
//!
//! Source: SQLite file format, sections 1.6 (b-tree pages), 1.7 (overflow pages), 2.1 (records).

use super::PageFile;
use crate::model::ValueRef;
use crate::snapshot::SnapshotError;

/// First byte of a table's leaf, and of its interior pages.
pub(super) const LEAF: u8 = 0x0d;

pub(super) const INTERIOR: u8 = 0x05;

pub(super) fn pointer(page: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?])))
}

pub(super) fn number_at(page: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(page.get(at..at + 4)?.try_into().ok()?))
}

/// Lists the pages below an interior page, in order.
pub(super) fn children(page: &[u8]) -> Option<Vec<u32>> {
    if page[0] != INTERIOR {
        return None;
    }
    let cells = pointer(page, 3)?;
    let mut found = Vec::with_capacity(cells + 1);
    for index in 0..cells {
        found.push(number_at(page, pointer(page, 12 + 2 * index)?)?);
    }
    found.push(number_at(page, 8)?);
    Some(found)
}

/// Reads a key of an interior page: the number of the last row below its child.
pub(super) fn key(page: &[u8], index: usize) -> Option<u64> {
    Some(varint(page.get(pointer(page, 12 + 2 * index)? + 4..)?)?.0)
}

/// A row on a leaf: the part of its record that lies there.
pub(super) struct Cell<'p> {
    pub(super) local: &'p [u8],
    /// Bytes of the whole record.
    total: u64,
    /// Page of the rest; 0 where there is none.
    pub(super) overflow: u32,
}

impl<'p> Cell<'p> {
    pub(super) fn at(page: &'p [u8], at: usize, usable: usize) -> Option<Self> {
        let (total, a) = varint(page.get(at..)?)?;
        let (_, b) = varint(page.get(at + a..)?)?;
        let start = at + a + b;
        let most = (usable - 35) as u64;
        if total <= most {
            return Some(Self { local: page.get(start..start + total as usize)?, total, overflow: 0 });
        }
        let least = ((usable - 12) * 32 / 255 - 23) as u64;
        let kept = least + (total - least) % (usable as u64 - 4);
        let kept = if kept <= most { kept } else { least } as usize;
        Some(Self { local: page.get(start..start + kept)?, total, overflow: number_at(page, start + kept)? })
    }
}

/// Puts a record that lies on several pages together.
pub(super) fn gather(file: &PageFile, cell: &Cell<'_>, into: &mut Vec<u8>) -> Result<(), SnapshotError> {
    let room = file.usable - 4;
    if cell.total > file.pages.saturating_mul(file.page as u64) {
        return Err(file.damaged("a row is longer than the file"));
    }
    into.clear();
    into.extend_from_slice(cell.local);
    let mut next = cell.overflow;
    let mut page = Vec::new();
    while (into.len() as u64) < cell.total {
        file.read(u64::from(next), file.page, &mut page)?;
        next = number_at(&page, 0).unwrap_or_default();
        let wanted = (cell.total - into.len() as u64).min(room as u64) as usize;
        into.extend_from_slice(&page[4..4 + wanted]);
    }
    Ok(())
}

/// Reads the cells of `columns`, which rise, from a record; says whether all of them lie in it.
pub(super) fn read_record<'r>(record: &'r [u8], columns: &[usize], cells: &mut Vec<ValueRef<'r>>) -> bool {
    cells.clear();
    let Some((header, mut at)) = varint(record) else { return false };
    let (header, mut body, mut column) = (header as usize, header as usize, 0);
    for wanted in columns {
        loop {
            if at >= header {
                // Rows that were written before the column was added end here.
                cells.push(ValueRef::Null);
                break;
            }
            let Some((serial, len)) = record.get(at..).and_then(varint) else { return false };
            at += len;
            let size = body_len(serial);
            column += 1;
            if column > *wanted {
                let Some(bytes) = body.checked_add(size).and_then(|end| record.get(body..end)) else { return false };
                cells.push(value(serial, bytes));
                body += size;
                break;
            }
            body = body.saturating_add(size);
        }
    }
    true
}

/// Reads a varint: its value and length.
#[inline]
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((u64::from(first), 1));
    }
    let mut value = u64::from(first & 0x7f);
    for place in 1..8 {
        let byte = *bytes.get(place)?;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, place + 1));
        }
    }
    Some((value << 8 | u64::from(*bytes.get(8)?), 9))
}

/// Bytes that values take whose serial types tell no length.
const BODY_LEN: [u8; 12] = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

/// Returns how many bytes a value of a serial type takes.
#[inline]
fn body_len(serial: u64) -> usize {
    match BODY_LEN.get(serial as usize) {
        Some(len) => usize::from(*len),
        None => ((serial - 12) / 2) as usize,
    }
}

#[inline]
fn value(serial: u64, bytes: &[u8]) -> ValueRef<'_> {
    match serial {
        1..=6 => {
            // Big-endian two's complement of one to eight bytes.
            let negative = bytes[0] & 0x80 != 0;
            ValueRef::Integer(bytes.iter().fold(if negative { -1 } else { 0 }, |n: i64, byte| n << 8 | i64::from(*byte)))
        }
        7 => match f64::from_be_bytes(bytes.try_into().unwrap_or_default()) {
            x if x.is_nan() => ValueRef::Null,
            x => ValueRef::Real(x),
        },
        8 => ValueRef::Integer(0),
        9 => ValueRef::Integer(1),
        0 | 10 | 11 => ValueRef::Null,
        // Whoever needs letters looks whether they are some: ingest has, a tool that wrote here afterwards may not have.
        n if n % 2 == 1 => ValueRef::Text(bytes),
        _ => ValueRef::Blob(bytes),
    }
}

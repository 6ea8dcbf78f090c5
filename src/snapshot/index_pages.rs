//! An index b-tree of one column, page by page, from entries that come in the index's own order.
//!
//! Source: SQLite file format, sections 1.6 (index b-tree pages) and 2.4 (representation of indices).

use std::io;

use super::pages::{PAGE, PageWriter};
use super::record::{integer_body, push_varint};
use crate::model::ValueRef;

/// Bytes of a leaf's header, and of an interior page's.
const LEAF_HEADER: usize = 8;
const INTERIOR_HEADER: usize = 12;

/// Longest record that stays on its page whole; at least four such entries fit a page.
pub(super) const MAX_LOCAL: usize = (PAGE - 12) * 64 / 255 - 23;

/// Longest text of an entry: what the record's header and the rowid leave of [`MAX_LOCAL`].
pub(super) const MAX_TEXT: usize = MAX_LOCAL - 16;

/// Takes entries in order and writes the pages that hold them.
#[derive(Default)]
pub(super) struct IndexPages {
    /// The page that is being filled, of each level; leaves first.
    levels: Vec<Level>,
    /// The entry at hand: its cell without a child.
    cell: Vec<u8>,
}

/// A page that is being filled: cells grow from the end, so that the last one lies lowest.
struct Level {
    page: Box<[u8; PAGE]>,
    cells: usize,
    content: usize,
    /// Bytes of the last cell.
    last: usize,
    header: usize,
}

impl IndexPages {
    /// Takes the next entry; its text is at most [`MAX_TEXT`] bytes long.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn push(&mut self, value: ValueRef<'_>, rowid: i64, pages: &mut PageWriter) -> io::Result<()> {
        let mut cell = std::mem::take(&mut self.cell);
        write_cell(&mut cell, value, rowid);
        let pushed = self.add(0, 0, &cell, pages);
        self.cell = cell;
        pushed
    }

    /// Adds a cell to a level. Where the page is full, its last cell goes up as the divider between it and
    /// a new page, so that no page is ever left without a cell.
    fn add(&mut self, level: usize, child: u32, cell: &[u8], pages: &mut PageWriter) -> io::Result<()> {
        if self.levels.len() == level {
            self.levels.push(Level::new(if level == 0 { LEAF_HEADER } else { INTERIOR_HEADER }));
        }
        if self.levels[level].push(child, cell) {
            return Ok(());
        }
        let (right, divider) = self.levels[level].pop();
        let number = self.levels[level].write(right, pages)?;
        self.levels[level].push(child, cell);
        self.add(level + 1, number, &divider, pages)
    }

    /// Writes what is left; returns the root page.
    ///
    /// # Errors
    /// Returns what the system says.
    pub(super) fn finish(mut self, pages: &mut PageWriter) -> io::Result<u32> {
        if self.levels.is_empty() {
            self.levels.push(Level::new(LEAF_HEADER));
        }
        let mut below = 0;
        for level in &mut self.levels {
            below = level.write(below, pages)?;
        }
        Ok(below)
    }
}

impl Level {
    fn new(header: usize) -> Self {
        Self { page: Box::new([0; PAGE]), cells: 0, content: PAGE, last: 0, header }
    }

    const fn is_leaf(&self) -> bool {
        self.header == LEAF_HEADER
    }

    /// Adds a cell, or returns that it has no room.
    fn push(&mut self, child: u32, cell: &[u8]) -> bool {
        let size = cell.len() + if self.is_leaf() { 0 } else { 4 };
        let pointer = self.header + 2 * self.cells;
        if pointer + 2 + size > self.content {
            return false;
        }
        self.content -= size;
        let mut at = self.content;
        if !self.is_leaf() {
            self.page[at..at + 4].copy_from_slice(&child.to_be_bytes());
            at += 4;
        }
        self.page[at..at + cell.len()].copy_from_slice(cell);
        self.page[pointer..pointer + 2].copy_from_slice(&(self.content as u16).to_be_bytes());
        self.cells += 1;
        self.last = size;
        true
    }

    /// Takes the last cell back: its child, and the cell.
    fn pop(&mut self) -> (u32, Vec<u8>) {
        let cell = &self.page[self.content..self.content + self.last];
        let (child, cell) = match cell.split_first_chunk::<4>() {
            Some((child, rest)) if !self.is_leaf() => (u32::from_be_bytes(*child), rest.to_vec()),
            _ => (0, cell.to_vec()),
        };
        self.page[self.content..self.content + self.last].fill(0);
        self.content += self.last;
        self.cells -= 1;
        (child, cell)
    }

    /// Writes the page, with its right child if it is an interior one, and begins the next; returns its number.
    fn write(&mut self, right: u32, pages: &mut PageWriter) -> io::Result<u32> {
        self.page[..self.header].fill(0);
        self.page[0] = if self.is_leaf() { 10 } else { 2 };
        self.page[3..5].copy_from_slice(&(self.cells as u16).to_be_bytes());
        self.page[5..7].copy_from_slice(&(self.content as u16).to_be_bytes());
        if !self.is_leaf() {
            self.page[8..12].copy_from_slice(&right.to_be_bytes());
        }
        self.page[self.header + 2 * self.cells..self.content].fill(0);
        let number = pages.write_page(&self.page)?;
        (self.cells, self.content, self.last) = (0, PAGE, 0);
        Ok(number)
    }
}

/// Writes the cell of an entry: the record's length, its header, the value and the rowid.
fn write_cell(cell: &mut Vec<u8>, value: ValueRef<'_>, rowid: i64) {
    let (row_type, (row, row_len)) = integer_body(rowid);
    let row = &row[8 - row_len..];
    let mut header = Vec::with_capacity(4);
    let number;
    let body: &[u8] = match value {
        ValueRef::Integer(n) => {
            let (serial, (bytes, len)) = integer_body(n);
            header.push(serial);
            number = bytes;
            &number[8 - len..]
        }
        ValueRef::Text(text) => {
            push_varint(&mut header, text.len() as u64 * 2 + 13);
            text
        }
        ValueRef::Blob(bytes) => {
            push_varint(&mut header, bytes.len() as u64 * 2 + 12);
            bytes
        }
        ValueRef::Real(x) => {
            header.push(7);
            number = x.to_bits().to_be_bytes();
            &number
        }
        ValueRef::Null => {
            header.push(0);
            &[]
        }
    };
    header.push(row_type);
    cell.clear();
    push_varint(cell, (1 + header.len() + body.len() + row.len()) as u64);
    cell.push(1 + header.len() as u8);
    cell.extend_from_slice(&header);
    cell.extend_from_slice(body);
    cell.extend_from_slice(row);
}

//! Rows on their way from a reader to the case file: cells as slices of one buffer, so that a
//! batch costs two allocations however many cells it has, and is used again.

use super::{Position, RowSource};

/// Bytes of cell data after which a batch is handed on.
const FULL_BYTES: usize = 512 << 10;

/// How a cell's bytes are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// SQL NULL.
    Null,
    /// Text, escapes undone.
    Text,
    /// A bare literal (number, `true`), text as written.
    Bare,
    /// An integer, 8 bytes little-endian.
    Integer,
    /// A binary float, 8 bytes little-endian.
    Real,
    /// Bytes, escapes undone.
    Bytes,
    /// The keyword `DEFAULT`: the database computes the value.
    Default,
}

/// One cell of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// How the bytes are meant.
    pub kind: CellKind,
    /// The bytes.
    pub bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
struct RowEnd {
    cells: u32,
    at: Position,
}

/// Rows of one source.
#[derive(Debug, Default)]
pub struct RowBatch {
    source: RowSource,
    data: Vec<u8>,
    cells: Vec<(u32, CellKind)>,
    rows: Vec<RowEnd>,
}

impl RowBatch {
    /// Makes an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties the batch and sets whose rows come next.
    pub fn reset(&mut self, source: RowSource) {
        self.source = source;
        self.data.clear();
        self.cells.clear();
        self.rows.clear();
    }

    /// Returns whose rows these are.
    #[must_use]
    pub const fn source(&self) -> RowSource {
        self.source
    }

    /// Returns the number of complete rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there is no complete row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether the batch should be handed on.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.data.len() >= FULL_BYTES || self.cells.len() >= FULL_BYTES / 8
    }

    /// Adds a cell to the row at hand.
    pub fn push(&mut self, kind: CellKind, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.end_cell(kind);
    }

    /// Gives the buffer that the next cell's bytes are appended to; follow with [`Self::end_cell`].
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }

    /// Ends a cell whose bytes were appended to [`Self::buffer`].
    pub fn end_cell(&mut self, kind: CellKind) {
        self.cells.push((self.data.len() as u32, kind));
    }

    /// Returns the number of cells of the row at hand.
    #[must_use]
    pub fn open_cells(&self) -> usize {
        self.cells.len() - self.rows.last().map_or(0, |r| r.cells as usize)
    }

    /// Ends the row at hand, which began at `at`.
    pub fn end_row(&mut self, at: Position) {
        self.rows.push(RowEnd { cells: self.cells.len() as u32, at });
    }

    /// Drops the cells of the row at hand.
    pub fn abandon_row(&mut self) {
        let cells = self.rows.last().map_or(0, |r| r.cells as usize);
        self.cells.truncate(cells);
        let bytes = self.cells.last().map_or(0, |c| c.0 as usize);
        self.data.truncate(bytes);
    }

    /// Walks the complete rows: where each began, and its cells.
    pub fn rows(&self) -> impl Iterator<Item = (Position, Cells<'_>)> {
        (0..self.rows.len()).map(|index| {
            let first = if index == 0 { 0 } else { self.rows[index - 1].cells as usize };
            let row = self.rows[index];
            (row.at, Cells { batch: self, next: first, end: row.cells as usize })
        })
    }
}

/// The cells of one row.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    batch: &'a RowBatch,
    next: usize,
    end: usize,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    fn next(&mut self) -> Option<Cell<'a>> {
        if self.next == self.end {
            return None;
        }
        let start = if self.next == 0 { 0 } else { self.batch.cells[self.next - 1].0 as usize };
        let (end, kind) = self.batch.cells[self.next];
        self.next += 1;
        Some(Cell { kind, bytes: &self.batch.data[start..end as usize] })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.next, Some(self.end - self.next))
    }
}

impl ExactSizeIterator for Cells<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abandoned_rows_leave_nothing() {
        let mut batch = RowBatch::new();
        batch.reset(3);
        batch.push(CellKind::Text, b"a");
        batch.end_row(Position { offset: 0, line: 1 });
        batch.push(CellKind::Text, b"lost");
        batch.abandon_row();
        batch.push(CellKind::Null, b"");
        batch.push(CellKind::Bare, b"7");
        assert_eq!(batch.open_cells(), 2);
        batch.end_row(Position { offset: 2, line: 2 });
        let rows: Vec<Vec<_>> = batch.rows().map(|(_, cells)| cells.map(|c| (c.kind, c.bytes.to_vec())).collect()).collect();
        assert_eq!(rows, [vec![(CellKind::Text, b"a".to_vec())], vec![(CellKind::Null, vec![]), (CellKind::Bare, b"7".to_vec())]]);
    }
}

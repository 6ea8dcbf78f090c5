//! Rows on their way from a reader to the case file: cells as spans of the bytes that were read, which
//! the batch takes over, so that a value is copied once, into its page. Cells with escapes lie in a
//! buffer of their own.

use super::RowSource;

/// Bytes of unescaped cells after which a batch is handed on.
const FULL_BYTES: usize = 512 << 10;

/// Cells after which a batch is handed on.
const FULL_CELLS: usize = 64 << 10;

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
    /// The digits of a `B'101'` literal.
    Bits,
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
    /// Whether the bytes are known to be valid UTF-8.
    pub valid: bool,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    len: u32,
    kind: CellKind,
    /// Whether it lies in the side buffer.
    side: bool,
}

/// Rows of one source.
#[derive(Debug, Default)]
pub struct RowBatch {
    source: RowSource,
    raw: Vec<u8>,
    raw_valid: bool,
    side: Vec<u8>,
    side_start: usize,
    cells: Vec<Span>,
    /// Cells up to and including each row's last.
    rows: Vec<u32>,
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
        self.raw_valid = false;
        self.side.clear();
        self.side_start = 0;
        self.cells.clear();
        self.rows.clear();
    }

    /// Sets whose rows come next in an empty batch, or says once more whose they are.
    pub fn set_source(&mut self, source: RowSource) {
        debug_assert!(self.cells.is_empty() || self.source == source, "rows of one source");
        self.source = source;
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

    /// Returns the bytes that its cells lie in.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.raw.len() + self.side.len()
    }

    /// Returns whether there is no complete row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether the batch should be handed on.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.side.len() >= FULL_BYTES || self.cells.len() >= FULL_CELLS
    }

    /// Adds a cell that lies in the bytes which the batch will take over with [`Self::adopt`].
    #[inline]
    pub fn push_raw(&mut self, kind: CellKind, start: usize, end: usize) {
        self.cells.push(Span { start: start as u32, len: (end - start) as u32, kind, side: false });
    }

    /// Adds a NULL.
    #[inline]
    pub fn push_null(&mut self) {
        self.cells.push(Span { start: 0, len: 0, kind: CellKind::Null, side: true });
    }

    /// Adds a cell by a copy of its bytes.
    pub fn push(&mut self, kind: CellKind, bytes: &[u8]) {
        self.side.extend_from_slice(bytes);
        self.end_cell(kind);
    }

    /// Gives the buffer that the next cell's bytes are appended to; follow with [`Self::end_cell`].
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.side
    }

    /// Ends a cell whose bytes were appended to [`Self::buffer`].
    pub fn end_cell(&mut self, kind: CellKind) {
        let start = self.side_start;
        self.side_start = self.side.len();
        self.cells.push(Span { start: start as u32, len: (self.side_start - start) as u32, kind, side: true });
    }

    /// Returns the number of cells of the row at hand.
    #[must_use]
    pub fn open_cells(&self) -> usize {
        self.cells.len() - self.rows.last().map_or(0, |r| *r as usize)
    }

    /// Ends the row at hand.
    #[inline]
    pub fn end_row(&mut self) {
        self.rows.push(self.cells.len() as u32);
    }

    /// Drops the cells of the row at hand.
    pub fn abandon_row(&mut self) {
        let cells = self.rows.last().map_or(0, |r| *r as usize);
        self.cells.truncate(cells);
        self.side_start = self.cells.iter().rfind(|c| c.side && c.kind != CellKind::Null).map_or(0, |c| (c.start + c.len) as usize);
        self.side.truncate(self.side_start);
    }

    /// Takes over the bytes that [`Self::push_raw`] spoke of; returns the buffer that it had before.
    ///
    /// `delimited` says that an ASCII byte stands on both sides of every such cell, so that all of them
    /// are valid UTF-8 if the whole is.
    pub fn adopt(&mut self, raw: Vec<u8>, delimited: bool) -> Vec<u8> {
        self.raw_valid = delimited && simdutf8::basic::from_utf8(&raw).is_ok();
        std::mem::replace(&mut self.raw, raw)
    }

    /// Returns a row's cells.
    #[inline]
    #[must_use]
    pub fn row(&self, index: usize) -> RowCells<'_> {
        let first = if index == 0 { 0 } else { self.rows[index - 1] as usize };
        RowCells { batch: self, spans: &self.cells[first..self.rows[index] as usize] }
    }

    /// Walks the complete rows.
    pub fn rows(&self) -> impl Iterator<Item = RowCells<'_>> {
        (0..self.rows.len()).map(|index| self.row(index))
    }
}

/// The cells of one row.
#[derive(Clone, Copy, Debug)]
pub struct RowCells<'a> {
    batch: &'a RowBatch,
    spans: &'a [Span],
}

impl<'a> RowCells<'a> {
    /// Returns the number of cells.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.spans.len()
    }

    /// Returns whether the row has no cell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Returns a cell; NULL beyond the last one.
    #[inline]
    #[must_use]
    pub fn get(&self, place: usize) -> Cell<'a> {
        let Some(span) = self.spans.get(place) else { return Cell { kind: CellKind::Null, bytes: &[], valid: true } };
        let (buffer, valid) = if span.side { (&self.batch.side, false) } else { (&self.batch.raw, self.batch.raw_valid) };
        let start = span.start as usize;
        Cell { kind: span.kind, bytes: &buffer[start..start + span.len as usize], valid }
    }

    /// Walks the cells.
    pub fn iter(&self) -> impl Iterator<Item = Cell<'a>> + use<'a> {
        let row = *self;
        (0..row.len()).map(move |place| row.get(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abandoned_rows_leave_nothing() {
        let mut batch = RowBatch::new();
        batch.reset(3);
        batch.push(CellKind::Text, b"a");
        batch.end_row();
        batch.push(CellKind::Text, b"lost");
        batch.abandon_row();
        batch.push_null();
        batch.push_raw(CellKind::Bare, 1, 2);
        batch.push(CellKind::Text, b"b");
        assert_eq!(batch.open_cells(), 3);
        batch.end_row();
        batch.adopt(b"(7)".to_vec(), true);
        let rows: Vec<Vec<_>> = batch.rows().map(|row| row.iter().map(|c| (c.kind, c.bytes)).collect()).collect();
        let second = vec![(CellKind::Null, &b""[..]), (CellKind::Bare, &b"7"[..]), (CellKind::Text, &b"b"[..])];
        assert_eq!(rows, [vec![(CellKind::Text, &b"a"[..])], second]);
    }
}

//! Delimited text: records of cells under a dialect. Splits exactly as the dialect has it and guesses
//! nothing; who chose the dialect says why.

use super::specials::Specials;
use super::{ByteKind, CellKind, DumpError, Position, Reject, RowBatch, RowSource, Sink, Window};

/// Records rejected before they are handed on: a wholly unfit file is not gathered in memory.
const MAX_REJECTS: usize = 1000;

/// How delimited text is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Stands between cells.
    pub(super) separator: u8,
    /// Encloses cells; doubled inside.
    pub(super) quote: Option<u8>,
    /// Escapes the byte that follows, in quoted and unquoted cells.
    pub(super) escape: Option<u8>,
    /// Ends records: a line feed (a carriage return before it belongs to it) or, on old Macs, a carriage return.
    pub(super) newline: u8,
    /// Unquoted words that are NULL.
    pub(super) nulls: Vec<Vec<u8>>,
}

impl Dialect {
    /// RFC 4180 with this separator; an unquoted empty cell is NULL.
    pub(super) fn csv(separator: u8) -> Self {
        Self { separator, quote: Some(b'"'), escape: None, newline: b'\n', nulls: vec![Vec::new()] }
    }

    /// Tab-separated text with backslash escapes and `\N`, as MySQL's `INTO OUTFILE` and Postgres' COPY write it.
    pub(super) fn escaped_tsv() -> Self {
        Self { separator: b'\t', quote: None, escape: Some(b'\\'), newline: b'\n', nulls: vec![b"\\N".to_vec()] }
    }

    /// Byte that stands for a role which the dialect does not have: one that is looked for anyway.
    const fn or_newline(&self, byte: Option<u8>) -> u8 {
        match byte {
            Some(byte) => byte,
            None => self.newline,
        }
    }

    fn is_null(&self, cell: &[u8]) -> bool {
        self.nulls.iter().any(|null| null == cell)
    }
}

/// Why records cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// Text stands between a closing quote and the separator, this far ahead.
    AfterQuote(usize),
}

/// A record that has another number of cells than its table.
#[derive(Debug)]
struct Misfit {
    start: usize,
    end: usize,
    cells: usize,
}

/// Splits whole records at the start of `text` into rows of the batch.
///
/// Takes records until the text or the batch is full; `width` is the number of cells that each must have,
/// `None` for any. Returns how many bytes the records span.
fn records(
    text: &[u8],
    dialect: &Dialect,
    at_end: bool,
    width: Option<usize>,
    most: usize,
    batch: &mut RowBatch,
    misfits: &mut Vec<Misfit>,
) -> Result<usize, Split> {
    let (quote, escape) = (dialect.or_newline(dialect.quote), dialect.or_newline(dialect.escape));
    let mut specials = Specials::new(text, [dialect.separator, dialect.newline, quote, escape]);
    let (separator, newline) = (dialect.separator, dialect.newline);
    let words = dialect.nulls.iter().any(|null| !null.is_empty());
    let empty = if dialect.is_null(b"") { CellKind::Null } else { CellKind::Text };
    let mut record = Record { text, dialect, words, empty, start: 0, cell: 0, escaped: false, width };
    let mut rows = 0;
    let mut done = 0;
    loop {
        let Some(at) = specials.next() else {
            if !at_end || record.start == text.len() {
                break;
            }
            // The last record needs no line end.
            record.plain(text.len(), batch);
            record.end(text.len(), text.len(), batch, misfits);
            return Ok(text.len());
        };
        let byte = text[at];
        if byte == separator {
            record.plain(at, batch);
        } else if byte == newline {
            record.plain(strip_return(text, record.cell, at, dialect), batch);
            record.end(at, at + 1, batch, misfits);
            done = at + 1;
            rows += 1;
            if rows >= most || batch.is_full() || misfits.len() >= MAX_REJECTS {
                break;
            }
        } else if Some(byte) == dialect.escape {
            // Whatever follows is not special.
            record.escaped = true;
            specials.skip_to((at + 2).min(text.len()));
            if at + 1 >= text.len() && !at_end {
                break;
            }
        } else if at == record.cell {
            match record.quoted(at, at_end, &mut specials, batch)? {
                Quoted::Incomplete => break,
                Quoted::Cell(next) => record.cell = next,
                Quoted::Record(next) => {
                    record.end(next, next, batch, misfits);
                    done = next;
                    rows += 1;
                    if rows >= most || batch.is_full() || misfits.len() >= MAX_REJECTS {
                        break;
                    }
                }
            }
        }
    }
    batch.abandon_row();
    Ok(done)
}

/// Returns where a cell ends before its record's line feed.
fn strip_return(text: &[u8], cell: usize, newline: usize, dialect: &Dialect) -> usize {
    if dialect.newline == b'\n' && newline > cell && text[newline - 1] == b'\r' { newline - 1 } else { newline }
}

enum Quoted {
    Incomplete,
    /// The cell ends; the next begins here.
    Cell(usize),
    /// The record ends; the next begins here.
    Record(usize),
}

/// The record that is being split.
struct Record<'a> {
    text: &'a [u8],
    dialect: &'a Dialect,
    /// Whether a cell that is not empty may be NULL.
    words: bool,
    /// What an empty cell is.
    empty: CellKind,
    start: usize,
    cell: usize,
    escaped: bool,
    width: Option<usize>,
}

impl Record<'_> {
    /// Ends an unquoted cell at `end`.
    #[inline(always)]
    fn plain(&mut self, end: usize, batch: &mut RowBatch) {
        if self.words || self.escaped {
            self.odd(end, batch);
        } else {
            // Which cells are empty follows no rule that a processor could guess: no branch on it.
            let kind = if self.cell == end { self.empty } else { CellKind::Text };
            batch.push_raw(kind, self.cell, end);
        }
        self.cell = end + 1;
    }

    #[inline(never)]
    fn odd(&mut self, end: usize, batch: &mut RowBatch) {
        let cell = &self.text[self.cell..end];
        if self.dialect.is_null(cell) {
            batch.push_null();
        } else if std::mem::take(&mut self.escaped) {
            unescape(cell, self.dialect.escape, None, batch.buffer());
            batch.end_cell(CellKind::Text);
        } else {
            batch.push_raw(CellKind::Text, self.cell, end);
        }
        self.escaped = false;
    }

    /// Ends the record: its text at `end`, the next one begins at `next`.
    fn end(&mut self, end: usize, next: usize, batch: &mut RowBatch, misfits: &mut Vec<Misfit>) {
        let cells = batch.open_cells();
        if self.width.is_none_or(|width| width == cells) {
            batch.end_row();
        } else {
            batch.abandon_row();
            misfits.push(Misfit { start: self.start, end: end.max(next), cells });
        }
        self.start = next;
        self.cell = next;
        self.escaped = false;
    }

    /// Reads a cell whose opening quote lies at `open`.
    fn quoted<const N: usize>(
        &self,
        open: usize,
        at_end: bool,
        specials: &mut Specials<'_, N>,
        batch: &mut RowBatch,
    ) -> Result<Quoted, Split> {
        let mut doubled = false;
        let quote = self.text[open];
        let close = loop {
            let Some(at) = specials.next() else { return Ok(Quoted::Incomplete) };
            if Some(self.text[at]) == self.dialect.escape {
                doubled = true;
                specials.skip_to((at + 2).min(self.text.len()));
            } else if self.text[at] == quote {
                match self.text.get(at + 1) {
                    Some(next) if *next == quote => {
                        doubled = true;
                        specials.skip_to(at + 2);
                    }
                    None if !at_end => return Ok(Quoted::Incomplete),
                    _ => break at,
                }
            }
        };
        if doubled {
            unescape(&self.text[open + 1..close], self.dialect.escape, Some(quote), batch.buffer());
            batch.end_cell(CellKind::Text);
        } else {
            batch.push_raw(CellKind::Text, open + 1, close);
        }
        let mut next = close + 1;
        if self.dialect.newline == b'\n' && self.text.get(next) == Some(&b'\r') {
            match self.text.get(next + 1) {
                Some(b'\n') => next += 1,
                None if !at_end => return Ok(Quoted::Incomplete),
                None => next += 1,
                Some(_) => return Err(Split::AfterQuote(next)),
            }
        }
        let found = match self.text.get(next) {
            None if !at_end => return Ok(Quoted::Incomplete),
            None => Quoted::Record(next),
            Some(byte) if *byte == self.dialect.separator => Quoted::Cell(next + 1),
            Some(byte) if *byte == self.dialect.newline => Quoted::Record(next + 1),
            Some(_) => return Err(Split::AfterQuote(next)),
        };
        specials.skip_to(close + 1 + (next - close).min(self.text.len() - close - 1));
        Ok(found)
    }
}

/// Undoes doubled quotes and escapes.
///
/// Source: MySQL manual, LOAD DATA, "Field and Line Handling": `\0 \b \n \r \t \Z`, others stand for themselves.
fn unescape(cell: &[u8], escape: Option<u8>, quote: Option<u8>, out: &mut Vec<u8>) {
    let mut rest = cell;
    let second = escape.or(quote).unwrap_or(0);
    while let Some(at) = memchr::memchr2(second, quote.unwrap_or(second), rest) {
        out.extend_from_slice(&rest[..at]);
        let Some(next) = rest.get(at + 1) else {
            out.push(rest[at]);
            return;
        };
        out.push(if Some(rest[at]) == escape { escaped(*next) } else { *next });
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
}

const fn escaped(byte: u8) -> u8 {
    match byte {
        b'0' => 0,
        b'b' => 0x08,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 0x1a,
        other => other,
    }
}

/// Splits the first records of a text, whatever their number of cells; for looking at a file's beginning.
pub(super) fn sample(text: &[u8], dialect: &Dialect, at_end: bool, most: usize) -> Result<RowBatch, Split> {
    let mut batch = RowBatch::new();
    let used = records(text, dialect, at_end, None, most, &mut batch, &mut Vec::new())?;
    batch.adopt(text[..used].to_vec(), false);
    Ok(batch)
}

/// Reads delimited text into a source.
pub(super) struct Delimited<'s> {
    pub(super) window: Window,
    pub(super) sink: &'s mut dyn Sink,
    pub(super) dialect: Dialect,
    pub(super) batch: RowBatch,
}

impl Delimited<'_> {
    /// Splits one record, the header, and passes it; `None` at the end of the input.
    ///
    /// # Errors
    /// Returns what no record is.
    pub(super) fn first(&mut self, kind: Option<ByteKind>) -> Result<Option<Vec<Vec<u8>>>, DumpError> {
        let len = loop {
            self.batch.reset(0);
            let mut misfits = Vec::new();
            let found = records(self.window.data(), &self.dialect, self.window.at_end(), None, 1, &mut self.batch, &mut misfits);
            match found {
                Ok(0) if !self.window.fill()? => {
                    return if self.window.data().is_empty() { Ok(None) } else { Err(self.open_quote()) };
                }
                Ok(0) => {}
                Ok(len) => break len,
                Err(split) => return Err(self.split_error(split)),
            }
        };
        self.batch.adopt(self.window.data()[..len].to_vec(), false);
        let cells = self.batch.rows().next().map(|row| row.iter().map(|c| c.bytes.to_vec()).collect());
        if let Some(kind) = kind {
            self.sink.account(kind, self.window.source_bytes(len));
            self.window.consume(len);
        }
        Ok(cells)
    }

    /// Reads all records that are left; each must have `width` cells.
    ///
    /// # Errors
    /// Returns what no record is, or what the sink says.
    pub(super) fn rest(&mut self, source: RowSource, width: usize) -> Result<(), DumpError> {
        self.batch.reset(source);
        loop {
            let mut misfits = Vec::new();
            let found =
                records(self.window.data(), &self.dialect, self.window.at_end(), Some(width), usize::MAX, &mut self.batch, &mut misfits);
            let len = found.map_err(|split| self.split_error(split))?;
            for misfit in misfits {
                self.misfit(source, width, &misfit)?;
            }
            if len > 0 {
                self.sink.account(ByteKind::Data, self.window.source_bytes(len));
                let raw = self.window.detach(len);
                // A separator or line end stands on both sides of every cell.
                self.window.give_back(self.batch.adopt(raw, true));
                if self.batch.is_empty() { self.batch.reset(source) } else { self.sink.rows(&mut self.batch)? }
            } else if !self.window.fill()? {
                return if self.window.data().is_empty() { Ok(()) } else { Err(self.open_quote()) };
            }
        }
    }

    fn open_quote(&self) -> DumpError {
        let at = self.window.position();
        let help = "the quote that opens here never closes: the file is cut off, or a quote inside a field is not doubled";
        DumpError::malformed(self.window.file(), at, "the file ends inside a quoted field", help)
    }

    fn split_error(&self, split: Split) -> DumpError {
        let Split::AfterQuote(ahead) = split;
        let at = self.window.position_ahead(ahead);
        let help = "a quote inside a quoted field must be doubled; export the table again";
        DumpError::malformed(self.window.file(), at, "text between a closing quote and the separator", help)
    }

    /// Rejects a record of another width; blank lines at the end of the file are no records.
    fn misfit(&mut self, source: RowSource, width: usize, misfit: &Misfit) -> Result<(), DumpError> {
        let at = self.window.position_ahead(misfit.start);
        let data = self.window.data();
        let blank = |bytes: &[u8]| bytes.iter().all(|b| matches!(b, b'\r' | b'\n'));
        if self.window.at_end() && blank(&data[misfit.start..]) {
            return Ok(());
        }
        let raw = data[misfit.start..misfit.end].to_vec();
        let why = format!("the record has {} fields, the header has {width}", misfit.cells);
        self.sink.reject(Reject { source, file: self.window.file(), at: Position { ..at }, raw: &raw, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, dialect: &Dialect) -> Vec<Vec<Option<String>>> {
        let batch = sample(text.as_bytes(), dialect, true, usize::MAX).expect("splits");
        let cell = |c: super::super::Cell<'_>| (c.kind != CellKind::Null).then(|| String::from_utf8_lossy(c.bytes).into_owned());
        batch.rows().map(|row| row.iter().map(cell).collect()).collect()
    }

    fn row(cells: &[Option<&str>]) -> Vec<Option<String>> {
        cells.iter().map(|c| c.map(str::to_owned)).collect()
    }

    #[test]
    fn quoted_empty_is_not_null() {
        let csv = Dialect::csv(b',');
        assert_eq!(split("a,,\"\",\"b\"\"c\nd\"\r\n", &csv), [row(&[Some("a"), None, Some(""), Some("b\"c\nd")])]);
        assert_eq!(split(",", &csv), [row(&[None, None])]);
        assert_eq!(split("007", &csv), [row(&[Some("007")])]);
        assert_eq!(split("a\"b,c\n\"x\"\n", &csv), [row(&[Some("a\"b"), Some("c")]), row(&[Some("x")])]);
        assert_eq!(split("\"a\"\r\n\"b\",\r\n", &csv), [row(&[Some("a")]), row(&[Some("b"), None])]);
    }

    #[test]
    fn backslashes_escape_where_they_do() {
        let tsv = Dialect::escaped_tsv();
        assert_eq!(split("1\\tx\t\\N\t\\\\N\t\n", &tsv), [row(&[Some("1\tx"), None, Some("\\N"), Some("")])]);
        assert_eq!(split("a\\\nb\tc\n", &tsv), [row(&[Some("a\nb"), Some("c")])]);
        let quoted = Dialect { escape: Some(b'\\'), nulls: vec![b"\\N".to_vec()], ..Dialect::csv(b',') };
        assert_eq!(split("\"a\\\"b\",\\N,\"\\N\",\n", &quoted), [row(&[Some("a\"b"), None, Some("N"), Some("")])]);
    }

    #[test]
    fn a_cut_record_asks_for_more_wherever_it_is_cut() {
        let whole = "a,\"b\"\"c\nd\",,e\r\n";
        for cut in 0..whole.len() {
            let batch = sample(&whole.as_bytes()[..cut], &Dialect::csv(b','), false, 9).expect("splits");
            assert!(batch.is_empty(), "{cut}");
        }
    }
}

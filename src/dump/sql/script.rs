//! What all SQL texts have in common: blank space and comments, whole statements, rows of INSERT that go on
//! over many statements. Executes nothing.

use super::insert::{self, HeadError, Item};
use super::lexer::{Flavor, LexError, block_comment, statement_len};
use crate::dump::{ByteKind, CellKind, Charset, DumpError, Note, Position, Reject, RowBatch, RowSource, Sink, Window};
use crate::model::QualifiedName;

/// A SQL text that is being read.
pub(in crate::dump) struct Script<'s> {
    pub(in crate::dump) window: Window,
    pub(in crate::dump) sink: &'s mut dyn Sink,
    pub(in crate::dump) flavor: Flavor,
    /// Schema of names that have none.
    pub(in crate::dump) schema: String,
    pub(in crate::dump) charset: Charset,
    /// Whether the user knows the character set better than the text.
    told: bool,
    pub(in crate::dump) batch: RowBatch,
    /// Bytes at hand that belong to the rows of the batch.
    pub(in crate::dump) pos: usize,
    /// Whether rows were read.
    pub(in crate::dump) rows_seen: bool,
    /// Who writes such texts as they should be, for messages.
    pub(in crate::dump) writer: &'static str,
    /// The last INSERT's bytes before its rows, and where they go: most statements repeat them.
    last_head: Vec<u8>,
    last_route: (RowSource, usize),
}

/// What stands at the beginning of the bytes at hand.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::dump) enum Next {
    /// The input has ended.
    End,
    /// A line comment, with its text.
    Comment(Vec<u8>),
    /// Anything else.
    Statement,
}

impl<'s> Script<'s> {
    pub(in crate::dump) fn new(window: Window, sink: &'s mut dyn Sink, flavor: Flavor, schema: &str, writer: &'static str) -> Self {
        Self {
            window,
            sink,
            flavor,
            schema: schema.to_owned(),
            charset: Charset::Utf8,
            told: false,
            batch: RowBatch::new(),
            pos: 0,
            rows_seen: false,
            writer,
            last_head: Vec::new(),
            last_route: (0, 0),
        }
    }

    /// Accounts for bytes at hand and passes them.
    pub(in crate::dump) fn pass(&mut self, bytes: usize, kind: ByteKind) {
        debug_assert!(self.pos == 0 && self.batch.is_empty(), "rows are handed on first");
        self.sink.account(kind, self.window.source_bytes(bytes));
        self.window.consume(bytes);
        if matches!(kind, ByteKind::Ddl | ByteKind::Directive) {
            // The same words may now mean another table.
            self.last_head.clear();
        }
    }

    pub(in crate::dump) fn malformed(&self, at: Position, what: impl Into<String>, help: impl Into<String>) -> DumpError {
        DumpError::malformed(self.window.file(), at, what, help)
    }

    pub(in crate::dump) fn lex_error(&self, error: LexError) -> DumpError {
        let help = "the file ends too early or a quote is not closed; ask for a complete dump";
        self.malformed(self.window.position(), error.to_string(), help)
    }

    /// Sets the character set of the whole text, whatever it says itself, where the user told it.
    ///
    /// # Errors
    /// Returns what the sink says.
    pub(in crate::dump) fn tell_charset(&mut self, charset: Option<Charset>) -> Result<(), DumpError> {
        let Some(charset) = charset else { return Ok(()) };
        self.set_charset(charset);
        self.told = true;
        let why = format!("{}: {}, as given", self.window.file(), charset.name());
        self.sink.note(Note::Dialect(why))
    }

    /// Sets the character set of what follows, as the text names it; `None` is one that is not read.
    ///
    /// Returns whether it goes on in a set that is read.
    pub(in crate::dump) fn named_charset(&mut self, charset: Option<Charset>) -> bool {
        match charset {
            _ if self.told => true,
            Some(charset) if !matches!(charset, Charset::Utf16Le | Charset::Utf16Be) => {
                self.set_charset(charset);
                true
            }
            _ => false,
        }
    }

    fn set_charset(&mut self, charset: Charset) {
        self.charset = charset;
        self.sink.charset(charset);
        self.last_head.clear();
    }

    /// Returns a statement's text in UTF-8.
    pub(in crate::dump) fn decoded(&self, text: &[u8]) -> Vec<u8> {
        decoded(self.charset, text)
    }

    /// Passes the mark that some editors put at the beginning of UTF-8.
    pub(in crate::dump) fn pass_mark(&mut self) {
        if self.window.data().starts_with(b"\xef\xbb\xbf") {
            self.pass(3, ByteKind::Comment);
        }
    }

    /// Passes blank space and block comments, then tells what follows. Comments for which `is_code` holds
    /// are statements.
    ///
    /// # Errors
    /// Returns that the input ends within a comment.
    pub(in crate::dump) fn next(&mut self, is_code: impl Fn(&[u8]) -> bool) -> Result<Next, DumpError> {
        loop {
            let data = self.window.data();
            let blank = data.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(data.len());
            if blank > 0 {
                self.pass(blank, ByteKind::Comment);
                continue;
            }
            if data.len() < 16 && self.window.fill()? {
                continue;
            }
            let data = self.window.data();
            if data.is_empty() {
                return Ok(Next::End);
            }
            if data.starts_with(b"--") || (self.flavor.hash_comments && data[0] == b'#') {
                let len = self.line_len()?;
                let line = self.window.data()[..len].to_vec();
                self.pass(len, ByteKind::Comment);
                return Ok(Next::Comment(line));
            }
            if !data.starts_with(b"/*") || is_code(data) {
                return Ok(Next::Statement);
            }
            match block_comment(data, self.flavor.nested_comments) {
                Some(len) => self.pass(len, ByteKind::Comment),
                None if self.window.fill()? => {}
                None => return Err(self.lex_error(LexError::Incomplete("a comment"))),
            }
        }
    }

    /// Returns the length of the line at hand with its end.
    pub(in crate::dump) fn line_len(&mut self) -> Result<usize, DumpError> {
        let mut seen = 0;
        loop {
            let data = self.window.data();
            if let Some(end) = memchr::memchr(b'\n', &data[seen..]) {
                return Ok(seen + end + 1);
            }
            seen = data.len();
            if !self.window.fill()? {
                return Ok(self.window.data().len());
            }
        }
    }

    /// Returns the length of the statement at hand, reading until it is whole.
    pub(in crate::dump) fn whole_statement(&mut self) -> Result<usize, DumpError> {
        self.whole(statement_len)
    }

    /// Returns the length that `measure` finds, reading until it does.
    pub(in crate::dump) fn whole(&mut self, measure: impl Fn(&[u8], Flavor, bool) -> Result<usize, LexError>) -> Result<usize, DumpError> {
        loop {
            match measure(self.window.data(), self.flavor, self.window.at_end()) {
                Ok(len) => return Ok(len),
                Err(LexError::Incomplete(_)) if self.window.fill()? => {}
                Err(error) => return Err(self.lex_error(error)),
            }
        }
    }

    /// Reads INSERT statements for as long as one follows the other. `place` gives a table's name its last touch.
    ///
    /// # Errors
    /// Returns what is no INSERT of literal rows, or what the sink says.
    pub(in crate::dump) fn inserts(&mut self, place: &dyn Fn(&mut insert::Head)) -> Result<(), DumpError> {
        self.rows_seen = true;
        loop {
            let (source, width, default_values) = self.insert_head(place)?;
            if default_values {
                for _ in 0..width {
                    self.batch.push(CellKind::Default, b"");
                }
                self.batch.end_row();
            }
            self.insert_rows(source, width)?;
            if !self.at_insert() {
                return self.hand_on();
            }
        }
    }

    fn insert_head(&mut self, place: &dyn Fn(&mut insert::Head)) -> Result<(RowSource, usize, bool), DumpError> {
        if !self.last_head.is_empty() && self.window.data()[self.pos..].starts_with(&self.last_head) {
            let (source, width) = self.last_route;
            self.pos += self.last_head.len();
            self.batch.set_source(source);
            return Ok((source, width, false));
        }
        // Rows of another table, or of other columns, are another batch.
        self.hand_on()?;
        let at = self.window.position();
        let head = loop {
            match insert::head(self.window.data(), self.flavor, &self.schema) {
                Ok(head) => break head,
                Err(HeadError::Incomplete) if self.window.fill()? => {}
                Err(error) => return Err(self.insert_error(at, &error)),
            }
        };
        let len = head.len;
        // Names outside any set that was announced are in the one that MySQL's clients default to.
        let unannounced = !self.charset.needs_decoding() && std::str::from_utf8(&self.window.data()[..len]).is_err();
        let charset = if unannounced { Charset::Other(encoding_rs::WINDOWS_1252) } else { self.charset };
        let mut head = if charset.needs_decoding() {
            // What follows shows that the last word is whole.
            let text = [&decoded(charset, &self.window.data()[..len])[..], b" "].concat();
            insert::Head { len, ..insert::head(&text, self.flavor, &self.schema).map_err(|e| self.insert_error(at, &e))? }
        } else {
            head
        };
        place(&mut head);
        let route = self.sink.open(&head.table, head.columns.as_deref(), false, at)?;
        self.last_route = route;
        self.last_head.clear();
        if !head.default_values {
            self.last_head.extend_from_slice(&self.window.data()[..head.len]);
        }
        self.batch.set_source(route.0);
        self.pos = head.len;
        Ok((route.0, route.1, head.default_values))
    }

    fn insert_rows(&mut self, source: RowSource, width: usize) -> Result<(), DumpError> {
        loop {
            let start = self.pos;
            match insert::item(self.window.data(), self.pos, self.flavor, self.window.at_end(), &mut self.batch) {
                Ok(Item::Row(end)) => {
                    self.pos = end;
                    let cells = self.batch.open_cells();
                    if cells == width {
                        self.batch.end_row();
                    } else {
                        self.batch.abandon_row();
                        self.reject(source, width, cells, start, end)?;
                    }
                    if self.batch.is_full() {
                        self.hand_on()?;
                    }
                }
                Ok(Item::Comma(end)) => self.pos = end,
                Ok(Item::End(end)) => {
                    self.pos = end;
                    return Ok(());
                }
                Err(HeadError::Incomplete) => {
                    self.batch.abandon_row();
                    self.hand_on()?;
                    if !self.window.fill()? {
                        return Err(self.insert_error(self.window.position(), &HeadError::Incomplete));
                    }
                }
                Err(error) => {
                    self.batch.abandon_row();
                    return Err(self.insert_error(self.window.position_ahead(start), &error));
                }
            }
        }
    }

    /// Returns whether another INSERT follows in the bytes at hand; passes the blanks before it.
    fn at_insert(&mut self) -> bool {
        let rest = &self.window.data()[self.pos..];
        let blank = rest.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(rest.len());
        let word = &rest[blank..];
        let follows = word.len() > 8 && (word[..6].eq_ignore_ascii_case(b"INSERT") || word[..7].eq_ignore_ascii_case(b"REPLACE"));
        if follows {
            self.pos += blank;
        }
        follows
    }

    fn insert_error(&self, at: Position, error: &HeadError) -> DumpError {
        match error {
            HeadError::Incomplete => {
                self.malformed(at, "the file ends inside an INSERT statement", "the dump is not complete; ask for it again")
            }
            HeadError::Unsupported(what) => self.malformed(
                at,
                format!("INSERT with {what}"),
                format!("unseed reads literal rows only; ask for a dump as {} writes it", self.writer),
            ),
        }
    }

    /// Rejects the row that spans these bytes at hand.
    pub(in crate::dump) fn reject(
        &mut self,
        source: RowSource,
        width: usize,
        cells: usize,
        start: usize,
        end: usize,
    ) -> Result<(), DumpError> {
        let at = self.window.position_ahead(start);
        let raw = self.window.data()[start..end].to_vec();
        let why = format!("the row has {cells} fields, the table takes {width}");
        self.sink.reject(Reject { source, file: self.window.file(), at, raw: &raw, why })
    }

    /// Hands on the rows of the batch with the bytes that they lie in.
    pub(in crate::dump) fn hand_on(&mut self) -> Result<(), DumpError> {
        if self.pos == 0 {
            return Ok(());
        }
        self.sink.account(ByteKind::Data, self.window.source_bytes(self.pos));
        let raw = self.window.detach(self.pos);
        self.pos = 0;
        let source = self.batch.source();
        // Quotes, commas and brackets stand on both sides of every cell.
        self.window.give_back(self.batch.adopt(raw, true));
        if self.batch.is_empty() {
            self.batch.reset(source);
            return Ok(());
        }
        self.sink.rows(&mut self.batch)
    }
}

/// Returns a statement's text in UTF-8; one that is UTF-8 already, or not of its set, as it stands.
pub(in crate::dump) fn decoded(charset: Charset, text: &[u8]) -> Vec<u8> {
    if !charset.needs_decoding() || std::str::from_utf8(text).is_ok() {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len() + 16);
    if charset.decode(text, &mut out) { out } else { text.to_vec() }
}

/// Returns the default place of names: as the statement has them.
pub(in crate::dump) fn as_written(_: &mut insert::Head) {}

/// Reads a dotted name, its last part the table.
pub(in crate::dump) fn qualified(mut parts: Vec<String>, default_schema: &str) -> Option<QualifiedName> {
    let name = parts.pop()?;
    Some(QualifiedName::new(parts.pop().unwrap_or_else(|| default_schema.to_owned()), name))
}

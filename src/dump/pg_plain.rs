//! Plain text of `pg_dump` and `pg_dumpall`, in COPY and in INSERT form, and plain SQL files with schema.
//! Executes neither statements nor psql commands; refuses what would change rows behind its back.

use super::sql::insert::{self, HeadError, Item};
use super::sql::lexer::{Flavor, block_comment, statement_len};
use super::sql::{LexError, Lexer, Token, ddl};
use super::{ByteKind, CellKind, DumpError, DumpFormat, FormatMeta, InputFile, Note, Position, Reject, RowBatch, RowSource, Sink, Window};
use crate::model::stamp::{HOUR, Stamp};
use crate::model::{Engine, QualifiedName};

/// `pg_dump` plain text.
pub struct PgPlain;

const META: FormatMeta = FormatMeta {
    id: "pg-plain",
    title: "pg_dump plain text (COPY or INSERT) and SQL files with schema",
    engine: Engine::Postgres,
    source: "PostgreSQL manual, COPY (text format) and pg_dump; outputs of pg_dump 13 to 15",
};

/// Time zone abbreviations in `-- Started on` lines, hours east of UTC.
///
/// Source: IANA time zone database, abbreviations that stand for one offset only in `pg_dump`'s habitats.
const ZONES: &[(&str, i64)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("BST", 1),
    ("CET", 1),
    ("WEST", 1),
    ("CEST", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("JST", 9),
    ("KST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("EST", -5),
    ("EDT", -4),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
];

impl DumpFormat for PgPlain {
    fn meta(&self) -> &'static FormatMeta {
        &META
    }

    fn sniff(&self, head: &[u8]) -> bool {
        let has = |needle: &str| memchr::memmem::find(head, needle.as_bytes()).is_some();
        if head.contains(&0) || has("/*!") || has("CREATE TABLE `") || has("INSERT INTO `") || has("PRAGMA foreign_keys") {
            return false;
        }
        has("PostgreSQL database") || begins_like_sql(head)
    }

    fn read(&self, input: &InputFile, sink: &mut dyn Sink) -> Result<(), DumpError> {
        let window = Window::open(input)?;
        Reader {
            window,
            sink,
            flavor: Flavor::POSTGRES,
            schema: "public".to_owned(),
            batch: RowBatch::new(),
            ends: 0,
            begins: 0,
            rows_seen: false,
        }
        .run()
    }
}

/// Returns whether the first word that is no comment begins a statement of SQL.
fn begins_like_sql(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut lexer = Lexer::new(head, Flavor::POSTGRES);
    let Ok(Some(first)) = lexer.token() else { return false };
    if first == Token::Punct(b'\\') {
        return matches!(lexer.token(), Ok(Some(word)) if ["restrict", "connect", "c", "set"].iter().any(|w| word.is(w)));
    }
    let Ok(Some(second)) = lexer.token() else { return false };
    let goes_on = |words: &[&str]| words.iter().any(|w| second.is(w));
    (first.is("CREATE")
        && goes_on(&[
            "TABLE",
            "SCHEMA",
            "TYPE",
            "SEQUENCE",
            "EXTENSION",
            "DATABASE",
            "UNIQUE",
            "INDEX",
            "UNLOGGED",
            "ROLE",
            "DOMAIN",
            "OR",
            "FUNCTION",
        ]))
        || (first.is("DROP") && goes_on(&["TABLE", "DATABASE", "SCHEMA", "INDEX"]))
        || (first.is("ALTER") && goes_on(&["TABLE"]))
        || (first.is("INSERT") && goes_on(&["INTO"]))
        || (first.is("BEGIN") && (second == Token::Punct(b';') || goes_on(&["TRANSACTION", "WORK"])))
        || (first.is("START") && goes_on(&["TRANSACTION"]))
        || (first.is("SET") && matches!(second, Token::Word(_)))
        || (first.is("SELECT") && goes_on(&["pg_catalog"]))
        || (first.is("COPY") && memchr::memmem::find(head, b"stdin").is_some())
}

struct Reader<'s> {
    window: Window,
    sink: &'s mut dyn Sink,
    flavor: Flavor,
    schema: String,
    batch: RowBatch,
    begins: u32,
    ends: u32,
    rows_seen: bool,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), DumpError> {
        if self.window.data().starts_with(b"\xef\xbb\xbf") {
            self.pass(3, ByteKind::Comment);
        }
        while self.pass_blank()? {
            if self.window.data()[0] == b'\\' {
                self.client_command()?;
            } else {
                self.statement()?;
            }
        }
        if self.begins > self.ends {
            let missing = "the line \"PostgreSQL database dump complete\"".to_owned();
            self.sink.note(Note::Truncated { missing, at: self.window.position() })?;
        }
        Ok(())
    }

    fn pass(&mut self, bytes: usize, kind: ByteKind) {
        self.sink.account(kind, bytes as u64);
        self.window.consume(bytes);
    }

    fn malformed(&self, at: Position, what: impl Into<String>, help: impl Into<String>) -> DumpError {
        DumpError::malformed(self.window.file(), at, what, help)
    }

    fn lex_error(&self, error: LexError) -> DumpError {
        let help = "the file ends too early or a quote is not closed; ask for a complete dump";
        self.malformed(self.window.position(), error.to_string(), help)
    }

    /// Passes blank space and comments; returns whether anything follows.
    fn pass_blank(&mut self) -> Result<bool, DumpError> {
        loop {
            let data = self.window.data();
            let blank = data.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(data.len());
            if blank > 0 {
                self.pass(blank, ByteKind::Comment);
                continue;
            }
            if data.len() < 2 && self.window.fill()? {
                continue;
            }
            let data = self.window.data();
            if data.is_empty() {
                return Ok(false);
            }
            if data.starts_with(b"--") {
                match memchr::memchr(b'\n', data) {
                    Some(end) => {
                        let line = data[..end].to_vec();
                        self.pass(end + 1, ByteKind::Comment);
                        self.comment(&line)?;
                    }
                    None if self.window.fill()? => {}
                    None => {
                        let line = self.window.data().to_vec();
                        self.pass(line.len(), ByteKind::Comment);
                        self.comment(&line)?;
                    }
                }
            } else if data.starts_with(b"/*") {
                match block_comment(data, self.flavor.nested_comments) {
                    Some(len) => self.pass(len, ByteKind::Comment),
                    None if self.window.fill()? => {}
                    None => return Err(self.lex_error(LexError::Incomplete("a comment"))),
                }
            } else {
                return Ok(true);
            }
        }
    }

    fn comment(&mut self, line: &[u8]) -> Result<(), DumpError> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_start_matches('-').trim();
        if line == "PostgreSQL database dump" {
            self.begins += 1;
        } else if line == "PostgreSQL database dump complete" {
            self.ends += 1;
        } else if let Some(version) = line.strip_prefix("Dumped from database version ") {
            let version = version.split_whitespace().next().unwrap_or_default().to_owned();
            self.sink.note(Note::Written { engine: Engine::Postgres, version })?;
        } else if let Some(time) = line.strip_prefix("Started on ") {
            match header_time(time) {
                Some(micros) => self.sink.note(Note::TakenAt(micros))?,
                None => self
                    .sink
                    .note(Note::Warning(format!("the header's time \"{time}\" has a zone that unseed does not know; give --taken-at")))?,
            }
        }
        Ok(())
    }

    /// Reads a psql command: the known harmless ones are passed over, others refused.
    fn client_command(&mut self) -> Result<(), DumpError> {
        let at = self.window.position();
        let line = loop {
            let data = self.window.data();
            match memchr::memchr(b'\n', data) {
                Some(end) => break data[..=end].to_vec(),
                None if self.window.fill()? => {}
                None => break self.window.data().to_vec(),
            }
        };
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        let mut words = text.split_whitespace();
        let command = words.next().unwrap_or_default().trim_end_matches(';');
        match command {
            "\\restrict" | "\\unrestrict" | "\\." | "\\set" | "\\pset" | "\\timing" | "\\echo" | "\\qecho" | "\\q" | "\\x" => {}
            "\\c" | "\\connect" => {
                let target = words.find(|w| !w.starts_with('-')).unwrap_or_default();
                let name = target.trim_end_matches(';').trim_matches(['"', '\'']);
                let name = name.strip_prefix("dbname=").unwrap_or(name).trim_matches('\'');
                if name != "-" {
                    self.sink.note(Note::Database(name.to_owned()))?;
                }
            }
            "\\encoding" => self.encoding(words.next().unwrap_or_default().trim_end_matches(';'), at)?,
            _ => {
                let help = "unseed runs no client command; ask for a dump as pg_dump writes it, or remove the line if it brings no rows";
                return Err(self.malformed(at, format!("the psql command {command} is not read"), help));
            }
        }
        self.pass(line.len(), ByteKind::Directive);
        Ok(())
    }

    fn encoding(&self, name: &str, at: Position) -> Result<(), DumpError> {
        let plain = name.trim_matches(['\'', '"']).to_ascii_uppercase().replace(['-', '_'], "");
        if matches!(plain.as_str(), "UTF8" | "UNICODE" | "SQLASCII") {
            return Ok(());
        }
        let help = "ask for the dump with pg_dump --encoding=UTF8";
        Err(self.malformed(at, format!("client_encoding {name} is not read"), help))
    }

    fn statement(&mut self) -> Result<(), DumpError> {
        // The first words tell what it is; they always lie in the bytes at hand after one more read.
        if self.window.data().len() < 4096 {
            self.window.fill()?;
        }
        let mut lexer = Lexer::new(self.window.data(), self.flavor);
        match lexer.token() {
            Ok(Some(word)) if word.is("INSERT") => return self.insert(),
            Ok(Some(word)) if word.is("COPY") => return self.copy(),
            _ => {}
        }
        let len = self.whole_statement()?;
        let at = self.window.position();
        let text = self.window.data()[..len].to_vec();
        let kind = self.schema_statement(&text, at)?;
        self.pass(len, kind);
        Ok(())
    }

    /// Returns the length of the statement at hand, reading until it is whole.
    fn whole_statement(&mut self) -> Result<usize, DumpError> {
        loop {
            match statement_len(self.window.data(), self.flavor, self.window.at_end()) {
                Ok(len) => return Ok(len),
                Err(LexError::Incomplete(_)) if self.window.fill()? => {}
                Err(error) => return Err(self.lex_error(error)),
            }
        }
    }

    fn schema_statement(&mut self, text: &[u8], at: Position) -> Result<ByteKind, DumpError> {
        let mut lexer = Lexer::new(text, self.flavor);
        let first = lexer.token().ok().flatten();
        let word = match &first {
            Some(Token::Word(word)) => String::from_utf8_lossy(word).to_ascii_uppercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "CREATE" | "ALTER" => {
                let parsed = ddl::parse(text, self.flavor, &self.schema).map_err(|e| self.lex_error(e))?;
                for change in parsed.changes {
                    self.sink.schema(change, at)?;
                }
                Ok(ByteKind::Ddl)
            }
            "DROP" | "COMMENT" | "GRANT" | "REVOKE" | "SECURITY" | "REFRESH" | "REINDEX" | "ANALYZE" | "VACUUM" | "CLUSTER" => {
                Ok(ByteKind::Ddl)
            }
            "SET" => {
                self.setting(text, at)?;
                Ok(ByteKind::Directive)
            }
            "SELECT" => {
                self.select(text)?;
                Ok(ByteKind::Directive)
            }
            "BEGIN" | "START" | "COMMIT" | "END" | "RESET" | "LOCK" | "SHOW" | "USE" | "GO" | "ANALYSE" | "DISCARD" | "" => {
                Ok(ByteKind::Directive)
            }
            "TRUNCATE" | "DELETE" if !self.rows_seen => Ok(ByteKind::Directive),
            "DO" | "CALL" | "EXECUTE" | "PREPARE" | "DEALLOCATE" | "NOTIFY" | "LISTEN" => {
                let warning = format!("line {}: a {word} statement was not executed", at.line);
                self.sink.note(Note::Warning(warning))?;
                Ok(ByteKind::Directive)
            }
            _ => {
                let help = "unseed executes nothing, so the rows would differ from the database's; ask for a dump as pg_dump writes it";
                Err(self.malformed(at, format!("a {word} statement where a dump has none"), help))
            }
        }
    }

    fn setting(&mut self, text: &[u8], at: Position) -> Result<(), DumpError> {
        let text = String::from_utf8_lossy(text);
        let words: Vec<&str> = text.trim_end().trim_end_matches(';').split([' ', '=', '\t', '\n']).filter(|w| !w.is_empty()).collect();
        let lower: Vec<String> = words.iter().map(|w| w.to_ascii_lowercase()).collect();
        let rest = if lower.get(1).is_some_and(|w| w == "session" || w == "local") { 2 } else { 1 };
        let value_at = rest + 1 + usize::from(lower.get(rest + 1).is_some_and(|w| w == "to"));
        let value = words.get(value_at).copied().unwrap_or_default();
        match lower.get(rest).map(String::as_str) {
            Some("client_encoding" | "names") => {
                self.encoding(if value.is_empty() { words.get(rest + 1).copied().unwrap_or_default() } else { value }, at)?;
            }
            Some("standard_conforming_strings") => {
                self.flavor.backslash_escapes = matches!(value.trim_matches('\'').to_ascii_lowercase().as_str(), "off" | "false" | "0");
            }
            Some("search_path") => {
                let first = value.trim_matches(['\'', '"', ',']);
                if !first.is_empty() && !first.starts_with('$') {
                    first.clone_into(&mut self.schema);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn select(&mut self, text: &[u8]) -> Result<(), DumpError> {
        let text = String::from_utf8_lossy(text);
        let known = ["set_config", "setval", "lo_create", "lo_open", "lowrite", "lo_close", "lo_unlink"];
        if text.contains("lowrite") {
            self.sink.note(Note::Warning("large objects were read over: no table holds them".to_owned()))?;
        } else if !known.iter().any(|k| text.contains(k)) {
            self.sink.note(Note::Warning("a SELECT statement was not executed".to_owned()))?;
        }
        Ok(())
    }

    fn insert(&mut self) -> Result<(), DumpError> {
        let at = self.window.position();
        let head = loop {
            match insert::head(self.window.data(), self.flavor, &self.schema) {
                Ok(head) => break head,
                Err(HeadError::Incomplete) if self.window.fill()? => {}
                Err(error) => return Err(self.insert_error(at, &error)),
            }
        };
        let (source, width) = self.sink.open(&head.table, head.columns.as_deref(), false, at)?;
        self.rows_seen = true;
        if self.batch.source() != source || self.batch.is_empty() {
            self.hand_on(source)?;
        }
        self.pass(head.len, ByteKind::Data);
        if head.default_values {
            for _ in 0..width {
                self.batch.push(CellKind::Default, b"");
            }
            self.batch.end_row(at);
        }
        loop {
            let row_at = self.window.position();
            match insert::item(self.window.data(), self.flavor, self.window.at_end(), &mut self.batch) {
                Ok(Item::Row(len)) => {
                    self.end_row(source, width, row_at, len)?;
                    self.pass(len, ByteKind::Data);
                }
                Ok(Item::Comma(len)) => self.pass(len, ByteKind::Data),
                Ok(Item::End(len)) => {
                    self.pass(len, ByteKind::Data);
                    // The next INSERT often goes to the same table: rows are handed on when it does not.
                    return if self.batch.is_full() { self.hand_on(source) } else { self.peek_insert(source) };
                }
                Err(HeadError::Incomplete) => {
                    self.batch.abandon_row();
                    if !self.window.fill()? {
                        return Err(self.insert_error(row_at, &HeadError::Incomplete));
                    }
                }
                Err(error) => return Err(self.insert_error(row_at, &error)),
            }
        }
    }

    /// Keeps the batch open only while another INSERT may follow; anything else gets the rows first.
    fn peek_insert(&mut self, source: RowSource) -> Result<(), DumpError> {
        let data = self.window.data();
        let next = data.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(data.len());
        if data[next..].len() >= 6 && data[next..next + 6].eq_ignore_ascii_case(b"INSERT") {
            return Ok(());
        }
        self.hand_on(source)
    }

    fn insert_error(&self, at: Position, error: &HeadError) -> DumpError {
        match error {
            HeadError::Incomplete => {
                self.malformed(at, "the file ends inside an INSERT statement", "the dump is not complete; ask for it again")
            }
            HeadError::Unsupported(what) => self.malformed(
                at,
                format!("INSERT with {what}"),
                "unseed reads literal rows only; ask for a dump as pg_dump --inserts writes it",
            ),
        }
    }

    /// Ends the row at hand, or rejects it where it has another number of cells than its table.
    fn end_row(&mut self, source: RowSource, width: usize, at: Position, len: usize) -> Result<(), DumpError> {
        let cells = self.batch.open_cells();
        if cells == width {
            self.batch.end_row(at);
        } else {
            self.batch.abandon_row();
            let raw = self.window.data()[..len].to_vec();
            self.reject(source, width, cells, at, &raw)?;
        }
        if self.batch.is_full() { self.hand_on(source) } else { Ok(()) }
    }

    fn reject(&mut self, source: RowSource, width: usize, cells: usize, at: Position, raw: &[u8]) -> Result<(), DumpError> {
        let why = format!("the row has {cells} fields, the table takes {width}");
        self.sink.reject(Reject { source, at, raw, why })
    }

    /// Hands the batch on and starts one for `source`.
    fn hand_on(&mut self, source: RowSource) -> Result<(), DumpError> {
        if !self.batch.is_empty() {
            self.sink.rows(&mut self.batch)?;
        }
        self.batch.reset(source);
        Ok(())
    }

    fn copy(&mut self) -> Result<(), DumpError> {
        let at = self.window.position();
        let len = self.whole_statement()?;
        let text = self.window.data()[..len].to_vec();
        let (table, columns) = self.copy_head(&text).ok_or_else(|| {
            self.malformed(at, "a COPY statement that is not `COPY table (columns) FROM stdin;`", "ask for a dump as pg_dump writes it")
        })?;
        // The rows begin on the next line.
        let data_at = loop {
            match memchr::memchr(b'\n', &self.window.data()[len..]) {
                Some(end) => break len + end + 1,
                None if self.window.fill()? => {}
                None => return self.copy_truncated(&table),
            }
        };
        let crlf = self.window.data()[..data_at].ends_with(b"\r\n");
        let (source, width) = self.sink.open(&table, columns.as_deref(), false, at)?;
        self.rows_seen = true;
        self.hand_on(source)?;
        self.pass(data_at, ByteKind::Data);
        loop {
            let (passed, ended) = self.copy_lines(source, width, crlf)?;
            self.pass(passed, ByteKind::Data);
            if self.batch.is_full() || ended {
                self.hand_on(source)?;
            }
            if ended {
                return Ok(());
            }
            if passed == 0 && !self.window.fill()? {
                if !self.window.data().is_empty() {
                    // A last line without its end is not a row to be trusted.
                    let rest = self.window.data().len();
                    self.pass(rest, ByteKind::Data);
                }
                self.hand_on(source)?;
                return self.copy_truncated(&table);
            }
        }
    }

    fn copy_truncated(&mut self, table: &QualifiedName) -> Result<(), DumpError> {
        // One message is enough: the end of the whole dump is then missing too.
        self.ends = self.begins;
        let missing = format!("the end marker \\. of table {table}");
        self.sink.note(Note::Truncated { missing, at: self.window.position() })
    }

    fn copy_head(&self, text: &[u8]) -> Option<(QualifiedName, Option<Vec<String>>)> {
        let mut lexer = Lexer::new(text, self.flavor);
        let mut tokens = Vec::new();
        while let Ok(Some(token)) = lexer.token() {
            tokens.push(token);
        }
        let name = |token: &Token<'_>| match token {
            Token::Word(word) => Some(String::from_utf8_lossy(word).into_owned()),
            Token::Name(name) => Some(String::from_utf8_lossy(name).into_owned()),
            _ => None,
        };
        let mut pos = 1;
        let mut parts = vec![name(tokens.get(pos)?)?];
        pos += 1;
        while tokens.get(pos) == Some(&Token::Punct(b'.')) {
            parts.push(name(tokens.get(pos + 1)?)?);
            pos += 2;
        }
        let table = parts.pop()?;
        let table = QualifiedName::new(parts.pop().unwrap_or_else(|| self.schema.clone()), table);
        let mut columns = None;
        if tokens.get(pos) == Some(&Token::Punct(b'(')) {
            let end = pos + tokens[pos..].iter().position(|t| *t == Token::Punct(b')'))?;
            columns = Some(tokens[pos + 1..end].iter().filter(|t| **t != Token::Punct(b',')).map(name).collect::<Option<Vec<_>>>()?);
            pos = end + 1;
        }
        let plain = tokens.get(pos)?.is("FROM") && tokens.get(pos + 1)?.is("stdin") && tokens.get(pos + 2) == Some(&Token::Punct(b';'));
        plain.then_some((table, columns))
    }

    /// Reads whole lines of COPY data at hand until the batch is full; returns the bytes read and
    /// whether the end marker was among them.
    fn copy_lines(&mut self, source: RowSource, width: usize, crlf: bool) -> Result<(usize, bool), DumpError> {
        let start = self.window.position();
        let mut rejects = Vec::new();
        let mut passed = 0;
        let mut line_no = start.line;
        let mut ended = false;
        {
            let data = self.window.data();
            while let Some(end) = memchr::memchr(b'\n', &data[passed..]) {
                let line = &data[passed..passed + end];
                let line = if crlf { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
                let at = Position { offset: start.offset + passed as u64, line: line_no };
                passed += end + 1;
                line_no += 1;
                if line == b"\\." {
                    ended = true;
                    break;
                }
                if width > 0 || !line.is_empty() {
                    copy_row(line, &mut self.batch);
                }
                let cells = self.batch.open_cells();
                if cells == width {
                    self.batch.end_row(at);
                } else {
                    self.batch.abandon_row();
                    rejects.push((at, cells, line.to_vec()));
                }
                if self.batch.is_full() || rejects.len() > 1000 {
                    break;
                }
            }
        }
        for (at, cells, raw) in rejects {
            self.reject(source, width, cells, at, &raw)?;
        }
        Ok((passed, ended))
    }
}

/// Splits a line of COPY text into cells.
///
/// Source: PostgreSQL manual, COPY, "Text Format": tab separates, `\N` is NULL, backslash escapes.
fn copy_row(line: &[u8], batch: &mut RowBatch) {
    let mut rest = line;
    loop {
        // One search finds the end of a cell without escapes; escapes are rare.
        match memchr::memchr2(b'\t', b'\\', rest) {
            Some(end) if rest[end] == b'\t' => {
                batch.push(CellKind::Text, &rest[..end]);
                rest = &rest[end + 1..];
            }
            None => {
                batch.push(CellKind::Text, rest);
                return;
            }
            Some(_) => {
                let end = memchr::memchr(b'\t', rest).unwrap_or(rest.len());
                let cell = &rest[..end];
                if cell == b"\\N" {
                    batch.push(CellKind::Null, b"");
                } else {
                    copy_unescape(cell, batch.buffer());
                    batch.end_cell(CellKind::Text);
                }
                if end == rest.len() {
                    return;
                }
                rest = &rest[end + 1..];
            }
        }
    }
}

/// Undoes the escapes of one COPY cell.
fn copy_unescape(cell: &[u8], out: &mut Vec<u8>) {
    let mut rest = cell;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(&byte) = rest.first() else {
            out.push(b'\\');
            return;
        };
        let digits = |from: usize, most: usize, valid: fn(&u8) -> bool| rest[from..].iter().take(most).take_while(|b| valid(b)).count();
        let (value, used) = match byte {
            b'b' => (0x08, 1),
            b'f' => (0x0c, 1),
            b'n' => (b'\n', 1),
            b'r' => (b'\r', 1),
            b't' => (b'\t', 1),
            b'v' => (0x0b, 1),
            b'0'..=b'7' => {
                let len = digits(0, 3, |b| (b'0'..=b'7').contains(b));
                (rest[..len].iter().fold(0_u32, |n, b| n * 8 + u32::from(b - b'0')) as u8, len)
            }
            b'x' => match digits(1, 2, u8::is_ascii_hexdigit) {
                0 => (b'x', 1),
                len => (rest[1..=len].iter().fold(0, |n, b| n * 16 + (*b as char).to_digit(16).unwrap_or(0)) as u8, len + 1),
            },
            other => (other, 1),
        };
        out.push(value);
        rest = &rest[used..];
    }
    out.extend_from_slice(rest);
}

/// Reads `2026-01-12 15:06:43 CET`, as `pg_dump --verbose` writes it, into UTC microseconds.
fn header_time(text: &str) -> Option<i64> {
    let (time, zone) = match text.rsplit_once(' ') {
        Some((time, zone)) if zone.chars().next().is_some_and(char::is_alphabetic) => (time, Some(zone)),
        _ => (text, None),
    };
    let stamp = Stamp::parse(time.as_bytes())?;
    match zone {
        None => stamp.has_offset.then_some(stamp.micros),
        Some(zone) => ZONES.iter().find(|z| z.0 == zone).map(|z| stamp.micros - z.1 * HOUR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Vec<(CellKind, Vec<u8>)> {
        let mut batch = RowBatch::new();
        copy_row(line.as_bytes(), &mut batch);
        batch.end_row(Position::default());
        let (_, cells) = batch.rows().next().expect("a row");
        cells.map(|c| (c.kind, c.bytes.to_vec())).collect()
    }

    #[test]
    fn undoes_copy_escapes() {
        let text = |s: &str| (CellKind::Text, s.as_bytes().to_vec());
        assert_eq!(row(""), [text("")]);
        assert_eq!(row("a\t\t\\N\t\\\\N"), [text("a"), text(""), (CellKind::Null, vec![]), text("\\N")]);
        assert_eq!(row("x\\ty\\nz\\\\\\x41\\101\\q"), [text("x\ty\nz\\AAq")]);
        assert_eq!(row("\\\\x00ff\tlast"), [text("\\x00ff"), text("last")]);
    }

    #[test]
    fn knows_sql_by_its_first_words() {
        for text in [
            "--\n-- PostgreSQL database dump\n--\n",
            "CREATE TABLE users (id int);",
            "/* hi */\nSET client_encoding = 'UTF8';",
            "\\restrict abc\n",
        ] {
            assert!(PgPlain.sniff(text.as_bytes()), "{text}");
        }
        for text in ["id,email\n1,a@b.c\n", "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;", "set,of,words\n", "SQLite format 3\0"] {
            assert!(!PgPlain.sniff(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn header_times_need_a_known_zone() {
        assert_eq!(header_time("2026-01-12 15:06:43 CET"), Stamp::parse(b"2026-01-12 14:06:43Z").map(|s| s.micros));
        assert_eq!(header_time("2026-01-12 15:06:43 Mitteleurop\u{e4}ische Zeit"), None);
    }
}
